"""What an action changes, learned as noisy deictic rules: for each thing that changes, a tree of contexts scored by likelihood.

Each *slot* (``wood()``, ``open(?d)``, the reward, the end) has its own tree. A leaf is a distribution over effects: nothing, a constant,
the value of a reference, or a number added; what none of them explains is noise. A condition or an effect is bought only by the
likelihood that it brings. Contexts are then widened as far as the examples allow, and slots that share one are printed as one rule.

Source: noisy deictic rules (Pasula, Zettlemoyer & Kaelbling, 2007), section 4; the tree, the search from rare rows and the prices are
ours, DECISIONS 11.
"""

from bisect import bisect, bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agentwm.induction.breaks import Window
from agentwm.induction.contexts import Context, grown, rows_of
from agentwm.induction.credit import Example
from agentwm.induction.features import Bits, Features, accepts
from agentwm.induction.slots import Leaf, Slot, View
from agentwm.induction.table import parameter_names
from agentwm.rules.language import ANY_ACTION, Change, Rule, RuleOutcome
from agentwm.rules.matching import Unknown, look_up
from agentwm.types import Fluent, Ref, Term, Value, Vocabulary

__all__ = ["END", "REWARD", "EffectTable", "EffectsLearner", "LearnedRule"]

SURE = 0.97
FEW = 4  # examples without which nothing is said of all actions

REWARD, END = "reward of the action", "end of the episode"
"""Slots that are no fluents: names with spaces in them, so that they are none."""


@dataclass(frozen=True, slots=True)
class LearnedRule:
    """A rule with the examples in which it speaks and those of them that it explains, as bits.

    ``overruled`` are those of the latter that another rule explains, and this one would get wrong.
    """

    rule: Rule
    speaks: int
    right: int
    overruled: int = 0

    @property
    def wrong(self) -> int:
        """The examples in which it speaks and that it does not explain."""
        return self.speaks & ~self.right


class EffectTable:
    """The examples of one verb (or, for what happens whatever is done, of all), and the rules that they show."""

    def __init__(self, verb: str, parameters: Sequence[str], sorts: Sequence[str], vocabulary: Vocabulary) -> None:
        self.verb = verb
        self.parameters = tuple(parameters)
        self.vocabulary = vocabulary
        self.before = Features(parameters, sorts, vocabulary)
        self.after = Features(parameters, sorts, vocabulary, arrives=True)
        self.slots: dict[str, Slot] = {}
        self.verbs: dict[str, Bits] = {}
        self.number = 0
        self.suspected: Sequence[Window] = ()
        for name in (REWARD, END):
            self.slots[name] = Slot(Ref(name))
        self._copied: dict[str, list[Term]] = {}
        for target in self._targets():
            self.slots[str(target)] = Slot(target)
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
        """Return the rules, slot by slot; ``excluded`` holds, per slot, the examples that other rules explain.

        What is said of one verb overrules what is said of all: so its rules must be right about the excluded examples too.
        """
        before = self.before.all()
        both = [*before, *self.after.all()]
        yields = self.verb == ANY_ACTION
        views = {name: View(slot, (excluded or {}).get(name, 0), yields=yields) for name, slot in self.slots.items()}
        views = {name: view for name, view in views.items() if view.known & ~view.kept}
        features = {name: both if name in (REWARD, END) else before for name in views}
        alone = {name: grown(view, features[name], suspected=self.suspected) for name, view in views.items()}
        found: list[tuple[str, Context, Leaf, View]] = []
        for name, view in views.items():
            shared = [c for other, leaves in alone.items() if other != name for c, leaf in leaves if c and leaf.is_sure]
            if name not in (REWARD, END):
                shared = [context for context in shared if not any(f.arrives for f in context)]
            found += [
                (name, c, leaf, view)
                for c, leaf in (
                    grown(view, features[name], shared, suspected=self.suspected) if shared else alone[name]
                )
            ]
        return self._printed(found)

    def _printed(self, found: Sequence[tuple[str, Context, Leaf, View]]) -> list[LearnedRule]:
        """Return one rule for all sure changes that come in one context, and one for each that is a matter of chance."""
        grouped: dict[object, list[tuple[str, Context, Leaf, View]]] = {}
        for number, item in enumerate(found):
            _, context, leaf, _ = item
            key: object = frozenset((f.condition, f.arrives) for f in context) if leaf.is_sure else number
            grouped.setdefault(key, []).append(item)
        return [self._rule(items) for items in grouped.values()]

    def _rule(self, items: Sequence[tuple[str, Context, Leaf, View]]) -> LearnedRule:
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
        speaks = rows_of(context, (1 << self.number) - 1)
        context = tuple(f for f in context if not f.is_time)
        # Two negative conditions may come to the same positive one.
        when = tuple(dict.fromkeys(self.before.positive(f.condition, speaks) for f in context if not f.arrives))
        after = tuple(dict.fromkeys(self.after.positive(f.condition, speaks) for f in context if f.arrives))
        rule = Rule(self.verb, self.parameters, when, tuple(outcomes), after)
        right = true = speaks
        for _, _, leaf, view in items:
            explained = 0
            for effect, _ in leaf.outcomes:
                explained |= view.everywhere(effect)
            right &= explained | ~view.at_stake
            true &= explained | ~view.slot.known.mask
        return LearnedRule(rule, speaks, right, right & ~true)


class EffectsLearner:
    """All examples of a world that answers every action, by verb and, for what happens whatever is done, together."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.pooled = EffectTable(ANY_ACTION, (), (), vocabulary)
        self.tables: dict[tuple[str, tuple[str, ...]], EffectTable] = {}
        self._places: dict[EffectTable, list[int]] = {}
        self.suspected: Sequence[Window] = ()

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
        """Return the rules, with bits over all examples: what happens whatever is done, and by verb what that does not explain.

        What one verb alone does is set aside before all verbs are looked at together: an exception is not to blur what is general.
        """
        self.pooled.suspected = self.suspected
        for table, places in self._places.items():
            table.suspected = [(bisect(places, after) - 1, bisect_left(places, by)) for after, by in self.suspected]
        own = {table: table.rules() for table in self.tables.values()}
        aside = self._set_aside(own)
        general = [rule for rule in self.pooled.rules(aside) if self._is_general(rule) and self._pays(rule, own)]
        if general:
            own = {table: table.rules(self._explained(general, table)) for table in own}
        return [*general, *(self._of_all(rule, table) for table, rules in own.items() for rule in rules)]

    def _explained(self, general: Sequence[LearnedRule], table: EffectTable) -> dict[str, int]:
        """Return, per slot, the examples of a table that the ``general`` rules explain."""
        explained: dict[str, int] = {}
        for learned in general:
            mask = _of_table(learned.right, self._places[table])
            for slot in _slots(learned.rule):
                explained[slot] = explained.get(slot, 0) | mask
        return explained

    def _of_all(self, learned: LearnedRule, table: EffectTable) -> LearnedRule:
        """Return the rule with its examples as bits over all that were seen."""
        places = self._places[table]
        return replace(learned, speaks=_of_all(learned.speaks, places), right=_of_all(learned.right, places))

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

    def _pays(self, general: LearnedRule, own: Mapping[EffectTable, Sequence[LearnedRule]]) -> bool:
        """Whether ``general`` explains what no verb's own rule does, or says once what they say one by one.

        Of the state arrived in it may say what only one verb has led to yet.
        """
        effects = set(_effects_of(general.rule))
        explained = replaced = 0
        for table, rules in own.items():
            for learned in rules:
                if effects & set(_effects_of(learned.rule)):
                    mask = _of_all(learned.right, self._places[table])
                    explained |= mask
                    replaced += not mask & ~general.right and bool(learned.rule.after) == bool(general.rule.after)
        needed, few = (1, 1) if general.rule.after else (2, FEW)
        return replaced >= needed or (general.right & ~explained).bit_count() >= few

    def _is_general(self, learned: LearnedRule) -> bool:
        """Whether one thing surely follows, either from different actions or, by what is known, from the state arrived in alone."""
        outcomes = learned.rule.outcomes
        if len(outcomes) > 1 or outcomes[0].probability < SURE:
            return False
        if learned.rule.after and learned.overruled:
            return False  # what is said of the state arrived in is said last, whatever was said of the action
        if learned.rule.after and not learned.rule.when:
            return True
        verbs = [name for name, bits in self.pooled.verbs.items() if bits.mask & learned.right]
        needed = len(self.vocabulary.actions) / (2 if learned.rule.when else 1)
        return len(verbs) >= max(2, needed) and learned.right.bit_count() >= FEW


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
