"""What the examples of a verb show, as noisy deictic rules: for each thing that changes, a tree of contexts scored by likelihood.

A leaf is a distribution over effects: nothing, a constant, the value of a reference, or a number added; what none of them explains is
noise. A condition or an effect is bought only by the likelihood that it brings. Contexts are then widened as far as the examples allow,
and slots that share one are printed as one rule.

Source: noisy deictic rules (Pasula, Zettlemoyer & Kaelbling, 2007), section 4; the tree, the search from rare rows and the prices are
ours, DECISIONS 11.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from agentwm.induction.contexts import Context, Splits, rows_of
from agentwm.induction.effects import END, REWARD, EffectTable
from agentwm.induction.features import Feature
from agentwm.induction.slots import Leaf, View
from agentwm.rules.language import ANY_ACTION, Change, Rule, RuleOutcome

__all__ = ["Growth", "LearnedRule", "effects_of", "slots_of"]

NOTHING: Mapping[str, int] = MappingProxyType({})
SOON = 8  # examples after a change in which what is new is first seen

Found = tuple[str, Context, Leaf, View]  # of a slot


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


class Growth:
    """The rules of a table as it is now; what was grown for some examples excluded is not grown again where others are."""

    def __init__(self, table: EffectTable) -> None:
        self._table = table
        self._before = table.before.all()
        self._both = [*self._before, *table.after.all()]
        self._splits: dict[tuple[str, int], Splits] = {}

    def rules(self, excluded: Mapping[str, int] = NOTHING) -> list[LearnedRule]:
        """Return the rules, slot by slot; ``excluded`` holds, per slot, the examples that other rules explain.

        What is said of one verb overrules what is said of all: so its rules must be right about the excluded examples too.
        """
        every = {name: self._splits_of(name, excluded.get(name, 0)) for name in self._table.slots}
        splits = {name: each for name, each in every.items() if each.view.known & ~each.view.kept}
        alone = {name: each.grown() for name, each in splits.items()}
        found: list[Found] = []
        for name, each in splits.items():
            shared = [c for other, leaves in alone.items() if other != name for c, leaf in leaves if c and leaf.is_sure]
            if name not in (REWARD, END):
                shared = [context for context in shared if not any(f.arrives for f in context)]
            found += [(name, context, leaf, each.view) for context, leaf in each.grown(shared)]
        told = tuple(dict.fromkeys(f for _, c, _, _ in found for f in c if not (f.is_time or f.arrives)))
        return self._printed([(name, self._inherited(c, told, view), leaf, view) for name, c, leaf, view in found])

    def _splits_of(self, name: str, excluded: int) -> Splits:
        slot = self._table.slots[name]
        key = name, slot.known.mask & excluded
        if key not in self._splits:
            features = self._both if name in (REWARD, END) else self._before
            view = View(slot, excluded, yields=self._table.verb == ANY_ACTION)
            self._splits[key] = Splits(view, features, self._table.suspected)
        return self._splits[key]

    def _inherited(self, context: Context, told: Sequence[Feature], view: View) -> Context:
        """Return ``context`` with those of the conditions ``told`` without which it never came, where it is of a changed world.

        What is new is expected only where something happened before, until it comes elsewhere too.
        """
        rows = rows_of(context, view.known)
        first = (rows & -rows).bit_length() - 1
        if not any(after < first <= by + SOON for after, by in self._table.suspected):
            return context
        changed = rows & ~view.kept
        return (*context, *(f for f in told if f.false and not changed & ~f.true and f not in context))

    def _printed(self, found: Sequence[Found]) -> list[LearnedRule]:
        """Return one rule for all sure changes that come in one context, and one for each that is a matter of chance."""
        grouped: dict[object, list[Found]] = {}
        for number, item in enumerate(found):
            _, context, leaf, _ = item
            key: object = frozenset((f.condition, f.arrives) for f in context) if leaf.is_sure else number
            grouped.setdefault(key, []).append(item)
        return [self._rule(items) for items in grouped.values()]

    def _rule(self, items: Sequence[Found]) -> LearnedRule:
        table, (_, context, *_) = self._table, items[0]
        speaks = rows_of(context, (1 << table.number) - 1)
        told = [feature for feature in context if not feature.is_time]
        # Two negative conditions may come to the same positive one.
        when = tuple(dict.fromkeys(table.before.positive(f.condition, speaks) for f in told if not f.arrives))
        after = tuple(dict.fromkeys(table.after.positive(f.condition, speaks) for f in told if f.arrives))
        outcomes = tuple(self._outcomes(items))
        rule = Rule(table.verb, table.parameters, (*table.of_sorts, *when), outcomes, after, table.each)
        right = true = speaks
        for _, _, leaf, view in items:
            explained = 0
            for effect, _ in leaf.outcomes:
                explained |= view.everywhere(effect)
            right &= explained | ~view.at_stake
            true &= explained | ~view.slot.known.mask
        return LearnedRule(rule, speaks, right, right & ~true)

    def _outcomes(self, items: Sequence[Found]) -> Iterator[RuleOutcome]:
        """Yield what comes of each slot of ``items`` at once, one way or another."""
        first = items[0][2]
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
                    changes.append(Change(self._table.slots[name].target, effect.value, adds=effect.adds))
            share = min(leaf.outcomes[position][1] for _, _, leaf, _ in items)
            yield RuleOutcome(round(share, 3), success=True, changes=tuple(changes), reward=reward, ends=ends)


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
