"""What a verb changes, learned as noisy deictic rules: for each thing that changes, a tree of contexts scored by likelihood.

Each *slot* (``wood()``, ``open(?d)``, the reward, the end) has its own tree. A leaf is a distribution over effects: nothing, a constant,
the value of a reference, or a number added; what none of them explains is noise. A condition or an effect is bought only by the
likelihood that it brings. Contexts are then widened as far as the examples allow, and slots that share one are printed as one rule.

Source: noisy deictic rules (Pasula, Zettlemoyer & Kaelbling, 2007), section 4; the tree, the search from rare rows and the prices are
ours, DECISIONS 11.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentwm.induction.breaks import Window
from agentwm.induction.contexts import Context, grown, rows_of
from agentwm.induction.credit import Example
from agentwm.induction.features import Bits, Feature, Features, accepts
from agentwm.induction.slots import Leaf, Slot, View
from agentwm.rules.language import ANY_ACTION, Change, Each, Rule, RuleOutcome
from agentwm.rules.matching import Unknown, look_up
from agentwm.types import Condition, Fluent, Ref, Term, Value, Var, Vocabulary

__all__ = ["END", "REWARD", "EffectTable", "LearnedRule", "effects_of", "slots_of"]

REWARD, END = "reward of the action", "end of the episode"
"""Slots that are no fluents: names with spaces in them, so that they are none."""


SOON = 8  # examples after a change in which what is new is first seen


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
    """The examples of one verb (or, for what happens whatever is done, of all), and the rules that they show.

    With ``each``, an example is of one such thing beside those that the action names, and what is learned is what happens to it.
    ``accounted`` are, per slot, the examples whose change is well known to come whatever is done, or came by itself, by the latest rules.
    """

    def __init__(
        self,
        verb: str,
        parameters: Sequence[str],
        sorts: Sequence[str],
        vocabulary: Vocabulary,
        *,
        each: Each | None = None,
    ) -> None:
        self.verb = verb
        self.parameters = tuple(parameters)
        self._of_sorts = tuple(_of_sorts(verb, parameters, sorts, vocabulary))
        self.each = each
        self.vocabulary = vocabulary
        names = (*parameters, each.variable) if each else self.parameters
        sorts = (*sorts, each.sort) if each else sorts
        self.before = Features(names, sorts, vocabulary)
        self.after = Features(names, sorts, vocabulary, arrives=True)
        self.slots: dict[str, Slot] = {}
        self.verbs: dict[str, Bits] = {}
        self.number = 0
        self.suspected: Sequence[Window] = ()
        self.accounted: Mapping[str, int] = {}
        for name in () if each else (REWARD, END):
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
        """Yield what could change: fluents without arguments, and those of what can be referred to; or only those of each thing."""
        fluents = [schema for schema in self.vocabulary.fluents.values() if schema.is_seen_to_change]
        for schema in fluents if not self.each else ():
            if not schema.parameters and schema.counts_since is None:
                yield Ref(schema.name)
        entities = [term for term, _ in self.before.typed]
        unary = {s.name for s in fluents if len(s.parameters) == 1}
        for term in entities:
            if (
                isinstance(term, Ref)
                and term.name in unary
                and (not self.each or term.args == (Var(self.each.variable),))
            ):
                yield term

    def append(self, example: Example, thing: str = "") -> Collection[object]:
        """Add one example: with ``thing``, of what happened to that. Return what its terms refer to."""
        index, self.number = self.number, self.number + 1
        if example.action.verb not in self.verbs:
            self.verbs[example.action.verb] = Bits()
        self.verbs[example.action.verb].set(index)
        args = example.action.args if self.parameters else ()
        args = (*args, thing) if self.each else args
        values = self.before.append(index, args, example.before)
        if not self.each:
            self.after.append(index, args, example.settled)
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
            if was != now and fluent not in example.changed:
                continue  # it came by itself, so that this example does not show what the action does to it
            slot.append(index, was, now, {t: values[t] for t in self._copied[name] if self._may_copy(t, values[t])})
        return values.values()

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
        told = tuple(dict.fromkeys(f for _, c, _, _ in found for f in c if not (f.is_time or f.arrives)))
        return self._printed([(name, self._inherited(c, told, view), leaf, view) for name, c, leaf, view in found])

    def _inherited(self, context: Context, told: Sequence[Feature], view: View) -> Context:
        """Return ``context`` with those of the conditions ``told`` without which it never came, where it is of a changed world.

        What is new is expected only where something happened before, until it comes elsewhere too.
        """
        rows = rows_of(context, view.known)
        first = (rows & -rows).bit_length() - 1
        if not any(after < first <= by + SOON for after, by in self.suspected):
            return context
        changed = rows & ~view.kept
        return (*context, *(f for f in told if f.false and not changed & ~f.true and f not in context))

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
        rule = Rule(self.verb, self.parameters, (*self._of_sorts, *when), tuple(outcomes), after, self.each)
        right = true = speaks
        for _, _, leaf, view in items:
            explained = 0
            for effect, _ in leaf.outcomes:
                explained |= view.everywhere(effect)
            right &= explained | ~view.at_stake
            true &= explained | ~view.slot.known.mask
        return LearnedRule(rule, speaks, right, right & ~true)


def _of_sorts(
    verb: str, parameters: Sequence[str], sorts: Sequence[str], vocabulary: Vocabulary
) -> Iterator[Condition]:
    """Yield which of the sorts that ``verb`` takes are meant: clicking a button does something else than clicking a box."""
    schema = vocabulary.actions.get(verb)
    for name, sort, declared in zip(parameters, sorts, schema.parameters if schema else (), strict=False):
        if sort not in (declared, "any"):
            yield Condition(Ref("sort", (Var(name),)), "==", sort)


def effects_of(rule: Rule) -> list[tuple[str, tuple[object, bool]]]:
    """Return (slot, effect) for every sure change of a rule; none where it is a matter of chance."""
    if len(rule.outcomes) > 1:
        return []
    (outcome,) = rule.outcomes
    found: list[tuple[str, tuple[object, bool]]] = [(str(c.target), (c.value, c.adds)) for c in outcome.changes]
    found += [(REWARD, (outcome.reward, False))] if outcome.reward is not None else []
    return found + ([(END, (True, False))] if outcome.ends else [])


def slots_of(rule: Rule) -> list[str]:
    """Return the names of the slots that a rule speaks of."""
    names = [str(change.target) for outcome in rule.outcomes for change in outcome.changes]
    names += [REWARD for outcome in rule.outcomes if outcome.reward is not None]
    return names + [END for outcome in rule.outcomes if outcome.ends]
