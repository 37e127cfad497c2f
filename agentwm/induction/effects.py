"""What an action changes, learned as noisy deictic rules: for each thing that changes, a tree of contexts scored by likelihood.

Each *slot* (``wood()``, ``open(?d)``, the reward, the end) has its own tree. A leaf is a distribution over effects: nothing, a constant,
the value of a reference, or a number added; what none of them explains is noise. A condition or an effect is bought only by the
likelihood that it brings. Contexts are then widened as far as the examples allow, and slots that share one are printed as one rule.

Source: noisy deictic rules (Pasula, Zettlemoyer & Kaelbling, 2007), section 4; the tree, the search from rare rows and the prices are
ours, DECISIONS 11.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentwm.induction.credit import Example
from agentwm.induction.features import Bits, Feature, Features, accepts, negated
from agentwm.induction.table import parameter_names
from agentwm.rules.language import ANY_ACTION, Change, Rule, RuleOutcome
from agentwm.rules.matching import Unknown, look_up
from agentwm.types import Condition, Fluent, Ref, Term, Value, Vocabulary

__all__ = ["END", "REWARD", "EffectTable", "EffectsLearner", "LearnedRule"]

EXTRA_OUTCOME = 5.0  # nats: chance is the last explanation
SHARED = 2.0  # nats, for a context that another slot of the verb has, whatever it is made of
RANGE = 10  # how many values a noisy row could have had: what an unexplained row costs beside its rarity
LEAST_NOISE = 0.002
MOST_OUTCOMES = 4
MOST_DEEP = 6
MOST_SEEDED = 4
MOST_RARE = 4
SURE = 0.97
FEW = 4  # examples without which nothing is said of all actions
ROUNDS = 12  # of expectation maximisation

REWARD, END = "reward of the action", "end of the episode"
"""Slots that are no fluents: names with spaces in them, so that they are none."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One way a slot's value may turn out; ``rank`` prefers a reference to a sum, and a sum to a constant, where they explain alike."""

    rank: int
    value: Term
    adds: bool = False
    keeps: bool = False


KEEP = Effect(3, None, keeps=True)


class _Slot:
    """One thing that changes: which effects would explain each example."""

    def __init__(self, target: Ref) -> None:
        self.target = target
        self.known = Bits()
        self.kept = Bits()
        self.explained: dict[Effect, Bits] = {}

    def append(self, index: int, before: Value, after: Value, candidates: Mapping[Term, Value | Unknown]) -> None:
        self.known.set(index)
        if before == after:
            self.kept.set(index)
        for term, value in candidates.items():
            if value == after or (value is None and before == after):
                self._explain(Effect(0, term), index)
        if _is_number(before) and _is_number(after) and before != after:
            self._explain(Effect(1, after - before, adds=True), index)  # type: ignore[operator]
        self._explain(Effect(2, after), index)

    def _explain(self, effect: Effect, index: int) -> None:
        if effect not in self.explained:
            self.explained[effect] = Bits()
        self.explained[effect].set(index)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Leaf:
    """What happens in a context: effects with their probabilities, how well that explains its rows, and how many it does not explain."""

    outcomes: tuple[tuple[Effect, float], ...]
    score: float
    unexplained: int = 0

    @property
    def is_pure(self) -> bool:
        """Whether one thing explains all."""
        return len(self.outcomes) < 2 and not self.unexplained

    @property
    def is_frame(self) -> bool:
        """Whether mostly nothing happens, or nothing is known."""
        return not self.outcomes or (self.outcomes[0][0].keeps and self.outcomes[0][1] >= SURE)

    @property
    def is_sure(self) -> bool:
        """Whether one thing happens always, as far as is known."""
        return len(self.outcomes) == 1 and self.outcomes[0][1] >= SURE


@dataclass(frozen=True, slots=True)
class LearnedRule:
    """A rule with the examples in which it speaks and those of them that it explains, as bits of its table."""

    rule: Rule
    speaks: int
    right: int


Context = tuple[Feature, ...]


class _View:
    """A slot's masks, fixed while its tree is grown."""

    def __init__(self, slot: _Slot, excluded: int) -> None:
        self.known = slot.known.mask & ~excluded
        self.kept = slot.kept.mask & self.known
        self.effects: list[tuple[Effect, int]] = []
        for effect, bits in sorted(slot.explained.items(), key=lambda pair: pair[0].rank):
            mask = bits.mask & self.known
            changed = mask & ~self.kept
            if changed and all(changed & ~other for _, other in self.effects):
                self.effects.append((effect, mask))
        self.masks = {**dict(self.effects), KEEP: self.kept}

    def leaf(self, rows: int) -> Leaf:
        """Return the best distribution over effects for ``rows``."""
        rows &= self.known
        number = rows.bit_count()
        if not number:
            return Leaf((), 0.0)
        chosen: list[Effect] = []
        left = rows & ~self.kept
        best = self._fitted([KEEP], rows, number) if rows & self.kept else Leaf((), -math.inf)
        while left and len(chosen) < MOST_OUTCOMES:
            effect, mask = max(self.effects, key=lambda pair: (pair[1] & left).bit_count())
            if not mask & left:
                break
            chosen.append(effect)
            left &= ~mask
            explained = 0
            for one in chosen:
                explained |= self.masks[one]
            kept = [KEEP] if rows & self.kept & ~explained else []
            fitted = self._fitted([*chosen, *kept], rows, number)
            if fitted.score > best.score:
                best = fitted
        return self._without_idle(best, rows, number) if len(best.outcomes) > 2 else best

    def _without_idle(self, leaf: Leaf, rows: int, number: int) -> Leaf:
        """Drop the effects that the others made superfluous once they were found."""
        for effect, _ in reversed(leaf.outcomes):
            others = [other for other, _ in leaf.outcomes if other != effect]
            if effect.rank and len(others) > 1 and (fitted := self._fitted(others, rows, number)).score > leaf.score:
                leaf = fitted
        return leaf

    def _fitted(self, effects: Sequence[Effect], rows: int, number: int) -> Leaf:
        """Return the effects with their probabilities by expectation maximisation; rows are counted by which effects explain them.

        Effects of one form are taken to be equally probable until what that loses is worth the parameters saved (Schwarz, 1978).
        """
        signatures: list[tuple[tuple[int, ...], int]] = [((), rows)]
        for position, effect in enumerate(effects):
            mask = self.masks[effect]
            signatures = [
                item
                for names, part in signatures
                for item in (((*names, position), part & mask), (names, part & ~mask))
                if item[1]
            ]
        counts = [(names, part.bit_count()) for names, part in signatures]
        shares = [1 / len(effects)] * len(effects)
        noise = LEAST_NOISE
        overlaps = any(len(names) > 1 for names, _ in counts)
        for _ in range(ROUNDS if overlaps else 1):
            totals = [0.0] * len(effects)
            unexplained = 0
            for names, count in counts:
                weight = sum(shares[name] for name in names)
                if not names or not weight:
                    unexplained += count
                for name in names:
                    totals[name] += count * shares[name] / weight if weight else 0
            noise = max(LEAST_NOISE, unexplained / number)
            explained = sum(totals) or 1.0
            shares = [total / explained * (1 - noise) for total in totals]
        score = self._score(counts, shares, noise)
        if len(effects) > 1 and len({(effect.rank, effect.keeps) for effect in effects}) == 1:
            even = [(1 - noise) / len(effects)] * len(effects)
            evenly = self._score(counts, even, noise)
            if evenly > score - (len(effects) - 1) * math.log(number) / 2:
                score, shares = evenly, even
        score -= EXTRA_OUTCOME * (len(effects) - 1)
        ranked = sorted(zip(effects, shares, strict=True), key=lambda pair: -pair[1])
        missed = sum(count for names, count in counts if not names)
        return Leaf(tuple((effect, min(1.0, share / (1 - LEAST_NOISE))) for effect, share in ranked), score, missed)

    @staticmethod
    def _score(counts: Sequence[tuple[tuple[int, ...], int]], shares: Sequence[float], noise: float) -> float:
        return sum(count * math.log(sum(shares[name] for name in names) + noise / RANGE) for names, count in counts)

    def likelihood(self, leaf: Leaf, rows: int) -> float:
        """Return the log-likelihood of ``rows`` under the leaf's distribution."""
        parts: list[tuple[float, int]] = [(0.0, rows & self.known)]
        for effect, share in leaf.outcomes:
            mask = self.masks[effect]
            parts = [
                item
                for total, part in parts
                for item in ((total + share, part & mask), (total, part & ~mask))
                if item[1]
            ]
        noise = max(LEAST_NOISE, 1 - sum(share for _, share in leaf.outcomes))
        return sum(part.bit_count() * math.log(total + noise / RANGE) for total, part in parts)


class _Tree:
    """Grows the contexts of one slot."""

    def __init__(self, view: _View, features: Sequence[Feature], shared: Sequence[Context] = ()) -> None:
        self.view = view
        self.shared = shared
        self.features = [*features, *(negated(feature) for feature in features)]
        self.leaves: list[tuple[Context, int, Leaf]] = []

    def grow(self) -> list[tuple[Context, Leaf]]:
        """Return the contexts in which something happens, each as wide as the examples allow."""
        self._split(self.view.known, ())
        found: dict[frozenset[Condition], tuple[Context, Leaf]] = {}
        for context, _, leaf in self.leaves:
            if not leaf.is_frame:
                wide, widest = self._widened(context, leaf)
                found.setdefault(frozenset(f.condition for f in wide), (wide, widest))
        return list(found.values())

    def _split(self, rows: int, context: Context) -> None:
        leaf = self.view.leaf(rows)
        chain = () if leaf.is_pure or len(context) >= MOST_DEEP else self._best(rows, leaf)
        if not chain:
            self.leaves.append((context, rows & self.view.known, leaf))
            return
        inside = rows
        for depth, feature in enumerate(chain):
            opposite = negated(feature)
            self._split(inside & opposite.true, (*context, *chain[:depth], opposite))
            inside &= feature.true
        self._split(inside, (*context, *chain))

    def _best(self, rows: int, leaf: Leaf) -> Context:
        """Return the condition, or the conjunction found from rare rows, that pays best; empty where none pays."""
        options: list[tuple[float, Context]] = []
        known = rows & self.view.known
        for feature in self.features[: len(self.features) // 2]:
            inside, outside = rows & feature.true, rows & feature.false
            if inside & known and outside & known and not known & ~(inside | outside):
                gain = self.view.leaf(inside).score + self.view.leaf(outside).score - leaf.score - feature.price
                options.append((gain, (feature,)))
        options += [(self._gain(known, chain, leaf) - SHARED, chain) for chain in self.shared if _rows(chain, known)]
        best_gain, best = max(options, key=lambda option: option[0], default=(0.0, ()))
        if best_gain > 0:
            return best
        seeded = [self._seeded(known, rare, leaf) for rare in self._rare(known, leaf)]
        return max((s for s in seeded if s[0] > 0), key=lambda option: option[0], default=(0.0, ()))[1]

    def _rare(self, rows: int, leaf: Leaf) -> Iterator[int]:
        """Yield the rows that only a less frequent effect explains, for the most frequent of these."""
        if not leaf.outcomes:
            return
        usual = self.view.masks[leaf.outcomes[0][0]]
        rare = {rows & mask & ~usual for _, mask in self.view.effects} - {0}
        yield from sorted(rare, key=lambda mask: (-mask.bit_count(), mask))[:MOST_RARE]

    def _seeded(self, rows: int, rare: int, leaf: Leaf) -> tuple[float, Context]:
        """Return what the conjunction shared by the ``rare`` rows that shuts out the others best would gain."""
        shared = [f for f in self.features if not rare & ~f.true]
        chosen: list[Feature] = []
        inside = rows
        while shared and len(chosen) < MOST_SEEDED and inside & ~rare:
            best = min(shared, key=lambda f: ((inside & f.true).bit_count(), f.price))
            if inside & best.true == inside:
                break
            chosen.append(best)
            inside &= best.true
        for feature in list(chosen):
            others = [f for f in chosen if f is not feature]
            if others and _rows(others, rows) == inside:
                chosen = others
        return self._gain(rows, chosen, leaf) - sum(f.price for f in chosen), tuple(chosen)

    def _gain(self, rows: int, chain: Sequence[Feature], leaf: Leaf) -> float:
        """Return how much better the leaves along ``chain`` explain ``rows`` than ``leaf`` does."""
        score, remaining = 0.0, rows
        for feature in chain:
            score += self.view.leaf(remaining & ~feature.true).score
            remaining &= feature.true
        return score + self.view.leaf(remaining).score - leaf.score

    def _widened(self, context: Context, leaf: Leaf) -> tuple[Context, Leaf]:
        """Drop the conditions without which the leaf explains the examples as well, counting what they cost."""
        kept = list(context)
        for feature in sorted(context, key=lambda f: -f.price):
            others = [f for f in kept if f is not feature]
            rows = _rows(others, self.view.known)
            fitted = self._with_effects(leaf, rows)
            now = sum(self.view.likelihood(there, rows & part) for _, part, there in self.leaves)
            if self.view.likelihood(fitted, rows) >= now - feature.price:
                kept, leaf = others, fitted
        return tuple(kept), leaf

    def _with_effects(self, leaf: Leaf, rows: int) -> Leaf:
        """Return the leaf's effects with probabilities that fit ``rows``."""
        effects = [effect for effect, _ in leaf.outcomes]
        number = (rows & self.view.known).bit_count()
        return self.view._fitted(effects, rows & self.view.known, number)  # noqa: SLF001 -- our own class


def _rows(context: Sequence[Feature], rows: int) -> int:
    for feature in context:
        rows &= feature.true
    return rows


class EffectTable:
    """The examples of one verb (or, for what happens whatever is done, of all), and the rules that they show."""

    def __init__(self, verb: str, parameters: Sequence[str], sorts: Sequence[str], vocabulary: Vocabulary) -> None:
        self.verb = verb
        self.parameters = tuple(parameters)
        self.vocabulary = vocabulary
        self.before = Features(parameters, sorts, vocabulary)
        self.after = Features(parameters, sorts, vocabulary, arrives=True)
        self.slots: dict[str, _Slot] = {}
        self.verbs: dict[str, Bits] = {}
        self.number = 0
        for name in (REWARD, END):
            self.slots[name] = _Slot(Ref(name))
        self._copied: dict[str, list[Term]] = {}
        for target in self._targets():
            self.slots[str(target)] = _Slot(target)
            sort = vocabulary.fluents[target.name].value
            self._copied[str(target)] = [
                term
                for term, of in self.before.typed
                if term != target and sort not in ("bool", "number") and accepts(sort, of)
            ]

    def _targets(self) -> Iterator[Ref]:
        """Yield what could change: fluents without arguments, and those of what can be referred to."""
        fluents = [s for s in self.vocabulary.fluents.values() if not s.static and not s.hidden and s.derive is None]
        for schema in fluents:
            if not schema.parameters and schema.counts_since is None:
                yield Ref(schema.name)
        entities = [term for term, _ in self.before.typed]
        unary = {s.name for s in fluents if len(s.parameters) == 1}
        for term in entities:
            if isinstance(term, Ref) and term.args and term.name in unary:
                yield term

    def append(self, example: Example) -> None:
        """Add one example."""
        index, self.number = self.number, self.number + 1
        if example.action.verb not in self.verbs:
            self.verbs[example.action.verb] = Bits()
        self.verbs[example.action.verb].set(index)
        values = self.before.append(index, example.action, example.before)
        self.after.append(index, example.action, example.settled)
        self.slots[REWARD].append(index, 0.0, example.reward, {})
        self.slots[END].append(index, False, example.ended, {})
        for name, slot in self.slots.items():
            if name in (REWARD, END):
                continue
            fluent = self._ground(slot.target, values)
            if fluent is None:
                continue
            was, now = values[slot.target], look_up(fluent, example.settled, self.vocabulary)
            if isinstance(was, Unknown) or isinstance(now, Unknown):
                continue
            slot.append(index, was, now, {t: values[t] for t in self._copied[name] if self._may_copy(t, values[t])})

    def _ground(self, target: Ref, values: Mapping[Term, Value | Unknown]) -> Fluent | None:
        args = []
        for term in target.args:
            value = values[term]
            if isinstance(value, Unknown) or value is None:
                return None
            args.append(str(value))
        return Fluent(target.name, tuple(args))

    def _may_copy(self, term: Term, value: Value | Unknown) -> bool:
        """Whether what ``term`` refers to could be put somewhere: a reference to no place may, and then nothing moves."""
        if isinstance(value, Unknown):
            return False
        is_reference = isinstance(term, Ref) and self.vocabulary.fluents[term.name].is_reference
        return value is not None or is_reference

    def rules(self, excluded: Mapping[str, int] | None = None) -> list[LearnedRule]:
        """Return the rules, slot by slot; ``excluded`` holds, per slot, the examples that other rules explain."""
        before = self.before.all()
        both = [*before, *self.after.all()]
        views = {name: _View(slot, (excluded or {}).get(name, 0)) for name, slot in self.slots.items()}
        views = {name: view for name, view in views.items() if view.known & ~view.kept}
        features = {name: both if name in (REWARD, END) else before for name in views}
        alone = {name: _Tree(view, features[name]).grow() for name, view in views.items()}
        found: list[tuple[str, Context, Leaf, _View]] = []
        for name, view in views.items():
            shared = [c for other, leaves in alone.items() if other != name for c, leaf in leaves if c and leaf.is_sure]
            if name not in (REWARD, END):
                shared = [context for context in shared if not any(f.arrives for f in context)]
            leaves = _Tree(view, features[name], shared).grow() if shared else alone[name]
            found += [(name, context, leaf, view) for context, leaf in leaves]
        return self._printed(found)

    def _printed(self, found: Sequence[tuple[str, Context, Leaf, "_View"]]) -> list[LearnedRule]:
        """Return one rule for all sure changes that come in one context, and one for each that is a matter of chance."""
        grouped: dict[object, list[tuple[str, Context, Leaf, _View]]] = {}
        for number, item in enumerate(found):
            _, context, leaf, _ = item
            key: object = frozenset((f.condition, f.arrives) for f in context) if leaf.is_sure else number
            grouped.setdefault(key, []).append(item)
        return [self._rule(items) for items in grouped.values()]

    def _rule(self, items: Sequence[tuple[str, Context, Leaf, "_View"]]) -> LearnedRule:
        _, context, first, _ = items[0]
        outcomes = []
        for position in range(len(first.outcomes)):
            changes: list[Change] = []
            reward, ends = None, False
            for name, _, leaf, _ in items:
                effect = leaf.outcomes[position][0]
                if effect.keeps:
                    continue
                if name == REWARD:
                    assert isinstance(effect.value, int | float)
                    reward = effect.value
                elif name == END:
                    ends = True
                else:
                    changes.append(Change(self.slots[name].target, effect.value, adds=effect.adds))
            share = min(leaf.outcomes[position][1] for _, _, leaf, _ in items)
            outcomes.append(
                RuleOutcome(round(share, 3), success=True, changes=tuple(changes), reward=reward, ends=ends)
            )
        speaks = _rows(context, (1 << self.number) - 1)
        when = tuple(self.before.positive(f.condition, speaks) for f in context if not f.arrives)
        after = tuple(self.after.positive(f.condition, speaks) for f in context if f.arrives)
        rule = Rule(self.verb, self.parameters, when, tuple(outcomes), after)
        right = speaks
        for _, _, leaf, view in items:
            explained = ~view.known
            for effect, _ in leaf.outcomes:
                explained |= view.masks[effect]
            right &= explained
        return LearnedRule(rule, speaks, right)


class EffectsLearner:
    """All examples of a world that answers every action, by verb and, for what happens whatever is done, together."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.pooled = EffectTable(ANY_ACTION, (), (), vocabulary)
        self.tables: dict[tuple[str, tuple[str, ...]], EffectTable] = {}
        self._places: dict[EffectTable, list[int]] = {}

    def append(self, example: Example) -> None:
        """Add one example."""
        sorts = tuple(str(example.before.get(Fluent("sort", (arg,)), "any")) for arg in example.action.args)
        key = (example.action.verb, sorts)
        if key not in self.tables:
            self.tables[key] = EffectTable(example.action.verb, parameter_names(sorts), sorts, self.vocabulary)
            self._places[self.tables[key]] = []
        self._places[self.tables[key]].append(self.pooled.number)
        self.pooled.append(example)
        self.tables[key].append(example)

    def rules(self) -> list[LearnedRule]:
        """Return the rules: what happens whatever is done, and by verb what that does not explain.

        What one verb alone does is set aside before all verbs are looked at together: an exception is not to blur what is general.
        """
        own = {table: table.rules() for table in self.tables.values()}
        aside = self._set_aside(own)
        general = [rule for rule in self.pooled.rules(aside) if self._is_general(rule)]
        if not general:
            return [rule for rules in own.values() for rule in rules]
        found = list(general)
        for table in self.tables.values():
            excluded: dict[str, int] = {}
            for learned in general:
                mask = _of_table(learned.right, self._places[table])
                for slot in _slots(learned.rule):
                    excluded[slot] = excluded.get(slot, 0) | mask
            found += table.rules(excluded)
        return found

    def _set_aside(self, own: Mapping[EffectTable, Sequence[LearnedRule]]) -> dict[str, int]:
        """Return, per slot, the examples in which a verb surely does what it alone does."""
        verbs: dict[object, set[str]] = {}
        for rules in own.values():
            for learned in rules:
                for what in _effects_of(learned.rule):
                    verbs.setdefault(what, set()).add(learned.rule.verb)
        aside: dict[str, int] = {}
        for table, rules in own.items():
            for learned in rules:
                for slot, effect in _effects_of(learned.rule):
                    if len(verbs[slot, effect]) == 1 and not learned.rule.after:
                        mask = _of_all(learned.right, self._places[table])
                        aside[slot] = aside.get(slot, 0) | mask
        return aside

    def _is_general(self, learned: LearnedRule) -> bool:
        """Whether one thing surely follows, either from different actions or, by what is known, from the state arrived in alone."""
        outcomes = learned.rule.outcomes
        if len(outcomes) > 1 or outcomes[0].probability < SURE:
            return False
        if learned.rule.after and not learned.rule.when:
            return True
        verbs = [name for name, bits in self.pooled.verbs.items() if bits.mask & learned.right]
        return len(verbs) > 1 and learned.right.bit_count() >= FEW


def _of_table(mask: int, places: Sequence[int]) -> int:
    """Return ``mask``, over all examples, as one over those of a table, which stand at ``places``."""
    word = f"{mask:b}"[::-1]
    bits = ("1" if place < len(word) and word[place] == "1" else "0" for place in reversed(places))
    return int("".join(bits) or "0", 2)


def _of_all(mask: int, places: Sequence[int]) -> int:
    """Return ``mask``, over the examples of a table, as one over all examples."""
    if not mask:
        return 0
    word = bytearray(b"0" * (places[-1] + 1))
    for index, place in enumerate(places[: mask.bit_length()]):
        if mask >> index & 1:
            word[-1 - place] = ord("1")
    return int(word, 2)


def _effects_of(rule: Rule) -> list[tuple[str, object]]:
    """Return (slot, effect) for every sure change of a rule; none where it is a matter of chance."""
    if len(rule.outcomes) > 1:
        return []
    (outcome,) = rule.outcomes
    found: list[tuple[str, object]] = [(str(c.target), (c.value, c.adds)) for c in outcome.changes]
    found += [(REWARD, outcome.reward)] if outcome.reward is not None else []
    return found + ([(END, True)] if outcome.ends else [])


def _slots(rule: Rule) -> list[str]:
    """Return the names of the slots that a rule speaks of."""
    names = [str(change.target) for outcome in rule.outcomes for change in outcome.changes]
    names += [REWARD for outcome in rule.outcomes if outcome.reward is not None]
    return names + [END for outcome in rule.outcomes if outcome.ends]
