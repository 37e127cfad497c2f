"""What is learned of every verb by itself and of all together: what happens whatever is done is said once, and then no verb says it again.

Beside what an action and its references name, it may change other things: a key is used up, a plant grows. Once something was seen to
change that nothing refers to, what happens to each thing of its sort is learned too, from examples of one action and one thing.
"""

from bisect import bisect, bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from agentwm.induction.breaks import Window
from agentwm.induction.chance import SURE
from agentwm.induction.credit import Example
from agentwm.induction.effects import EffectTable
from agentwm.induction.growth import Growth, LearnedRule, effects_of, slots_of
from agentwm.induction.passing import passing as passes
from agentwm.induction.table import parameter_names
from agentwm.rules.language import ANY_ACTION, Each
from agentwm.rules.matching import sorts_of, things_beside
from agentwm.types import Vocabulary

__all__ = ["EffectsLearner"]

FEW = 4  # examples without which nothing is said of all actions
SETTLED = 8  # examples from which on what is said of all actions accounts for a change for good
OFTEN = 4  # examples from which on a sure rule of one verb is not put down to what comes by itself
STRAY = 0.05  # share of the examples of a change in other verbs that is put down to noise where one verb is said to bring it
MOST_THINGS = 8  # unchanged ones that an action is an example of, beside those that did change

Key = tuple[str, tuple[str, ...]]


class _Pool:
    """Examples by verb and sorts of its arguments, and all of them together; of each thing of ``sort``, where that is given."""

    def __init__(self, vocabulary: Vocabulary, sort: str = "") -> None:
        self.vocabulary = vocabulary
        self.sort = sort
        self.tables: dict[Key, EffectTable] = {}
        self.together = self._table(ANY_ACTION, ())
        self._places: dict[EffectTable, list[int]] = {}
        self._steps: list[int] = []
        self._stray = 0

    def _table(self, verb: str, sorts: tuple[str, ...]) -> EffectTable:
        if not self.sort:
            return EffectTable(verb, parameter_names(sorts), sorts, self.vocabulary)
        *parameters, each = parameter_names((*sorts, self.sort))
        return EffectTable(verb, parameters, sorts, self.vocabulary, each=Each(each, self.sort))

    def append(self, step: int, example: Example, thing: str = "", *, is_stray: bool = False) -> Collection[object]:
        """Add the example that the ``step`` is, of what happened to ``thing``; return what the verb's terms refer to in it."""
        key = (example.action.verb, sorts_of(example.action.args, example.before))
        if key not in self.tables:
            self.tables[key] = self._table(*key)
            self._places[self.tables[key]] = []
        self._places[self.tables[key]].append(len(self._steps))
        self._stray |= is_stray << len(self._steps)
        self._steps.append(step)
        self.together.append(example, thing)
        return self.tables[key].append(example, thing)

    def rules(self, suspected: Sequence[Window]) -> list[LearnedRule]:
        """Return the rules, with bits over all steps: what happens whatever is done, and by verb what that does not explain.

        What one verb alone does is set aside before all verbs are looked at together: an exception is not to blur what is general.
        Of things that nothing refers to, only what explains a change that was seen in one is said.
        """
        self.together.suspected = [_among(self._steps, window) for window in suspected] if self.sort else suspected
        for table, places in self._places.items():
            table.suspected = [_among(places, window) for window in self.together.suspected]
        growths = {table: Growth(table) for table in self.tables.values()}
        own = {table: growth.rules() for table, growth in growths.items()}
        aside = self._set_aside(own)
        general = self._general(own, aside)
        passing = passes(self.together, self._surely(own, 1), self._surely(own, OFTEN))
        if general or passing:
            own = {table: growths[table].rules(self._explained(general, passing, table)) for table in own}
        settled = [rule for rule in general if rule.right.bit_count() >= SETTLED]
        for table in own if not self.sort else ():  # nobody doubts what happens to things that nothing refers to
            table.accounted = self._explained(settled, passing, table)
        found = [*general, *(self._of_all(rule, table) for table, rules in own.items() for rule in rules)]
        return [self._by_step(each) for each in found if each.right & self._stray] if self.sort else found

    def _general(self, own: Mapping[EffectTable, Sequence[LearnedRule]], aside: Mapping[str, int]) -> list[LearnedRule]:
        """Return what is said of all verbs: what is general, and what is known to follow from anything, where it now follows too."""
        together = [rule for rule in Growth(self.together).rules(aside) if _is_sure(rule)]
        known = {what for rule in together if self._is_general(rule) for what in effects_of(rule.rule)}
        return [
            rule
            for rule in together
            if self._pays(rule, own, known) and (self._is_general(rule) or known.issuperset(effects_of(rule.rule)))
        ]

    def _by_step(self, learned: LearnedRule) -> LearnedRule:
        """Return the rule with its examples by step: right in those in which it is right of all that it speaks of."""
        speaks = _of_all(learned.speaks, self._steps)
        return replace(learned, speaks=speaks, right=speaks & ~_of_all(learned.wrong, self._steps))

    def _surely(self, own: Mapping[EffectTable, Sequence[LearnedRule]], least: int) -> dict[str, int]:
        """Return, per slot, the examples that sure rules of one verb explain, those which do so at ``least`` so often."""
        surely: dict[str, int] = {}
        for table, rules in own.items():
            for learned in rules:
                if learned.right.bit_count() >= least:
                    mask = _of_all(learned.right, self._places[table])
                    for slot, _ in effects_of(learned.rule):
                        surely[slot] = surely.get(slot, 0) | mask
        return surely

    def _explained(
        self, general: Sequence[LearnedRule], passing: Mapping[str, int], table: EffectTable
    ) -> dict[str, int]:
        """Return, per slot, the examples of a table in which something changed as the ``general`` rules explain, or by itself.

        Those in which nothing did go on to count: the verb's own rules are not to foretell a change there.
        """
        explained = {name: _of_table(mask, self._places[table]) for name, mask in passing.items()}
        for learned in general:
            mask = _of_table(learned.right, self._places[table])
            for name in slots_of(learned.rule):
                slot = table.slots.get(name)
                changed = 0 if slot is None else slot.known.mask & ~slot.kept.mask
                explained[name] = explained.get(name, 0) | mask & changed
        return explained

    def _of_all(self, learned: LearnedRule, table: EffectTable) -> LearnedRule:
        """Return the rule with its examples as bits over all that were seen."""
        places = self._places[table]
        return replace(learned, speaks=_of_all(learned.speaks, places), right=_of_all(learned.right, places))

    def _set_aside(self, own: Mapping[EffectTable, Sequence[LearnedRule]]) -> dict[str, int]:
        """Return, per slot, the examples in which a verb surely does what it alone does."""
        aside: dict[str, int] = {}
        for table, rules in own.items():
            for learned in rules:
                for slot, effect in () if learned.rule.after else effects_of(learned.rule):
                    if self._is_alone(learned.rule.verb, slot, effect):
                        mask = _of_all(learned.right, self._places[table])
                        aside[slot] = aside.get(slot, 0) | mask
        return aside

    def _is_alone(self, verb: str, slot: str, effect: tuple[object, bool]) -> bool:
        """Whether hardly anything but ``verb`` has been seen to change ``slot`` so."""
        if slot not in self.together.slots:
            return True
        changed = self.together.slots[slot].changed(effect[0], adds=effect[1])
        others = changed & ~self.together.verbs[verb].mask
        return others.bit_count() <= STRAY * changed.bit_count()

    def _pays(
        self, general: LearnedRule, own: Mapping[EffectTable, Sequence[LearnedRule]], known: Collection[object]
    ) -> bool:
        """Whether ``general`` explains what no verb's own rule does, or says once what they say one by one.

        Of the state arrived in, and of what is ``known`` to follow from anything, it may say what only one verb has led to yet.
        """
        effects = set(effects_of(general.rule))
        explained = replaced = 0
        for table, rules in own.items():
            for learned in rules:
                if effects & set(effects_of(learned.rule)):
                    mask = _of_all(learned.right, self._places[table])
                    explained |= mask
                    replaced += not mask & ~general.right and bool(learned.rule.after) == bool(general.rule.after)
        needed, few = (1, 1) if general.rule.after or effects.issubset(known) else (2, FEW)
        return replaced >= needed or (general.right & ~explained).bit_count() >= few

    def _is_general(self, learned: LearnedRule) -> bool:
        """Whether what surely follows does so from different actions or, by what is known, from the state arrived in alone."""
        if learned.rule.after and not learned.rule.when:
            return True
        verbs = [name for name, bits in self.together.verbs.items() if bits.mask & learned.right]
        needed = len(self.vocabulary.actions) / (2 if learned.rule.when else 1)
        return len(verbs) >= max(2, needed) and learned.right.bit_count() >= FEW


class EffectsLearner:
    """All examples of a world that answers every action, and what they show.

    ``suspected`` are the windows in which the world may have changed.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.suspected: Sequence[Window] = ()
        self._named = _Pool(vocabulary)
        self._of_each: dict[str, _Pool] = {}
        self._examples: list[Example] = []
        self._stray: list[frozenset[str]] = []
        self._passing = {
            schema.name
            for schema in vocabulary.fluents.values()
            if len(schema.parameters) == 1 and schema.is_seen_to_change
        }

    @property
    def tables(self) -> Mapping[Key, EffectTable]:
        """The examples by verb and sorts of its arguments."""
        return self._named.tables

    def append(self, example: Example) -> None:
        """Add one example."""
        step = len(self._examples)
        referred = self._named.append(step, example)
        changed = [fluent.args[0] for fluent in example.changed if fluent.name in self._passing]
        stray = frozenset(thing for thing in changed if thing not in referred)
        self._examples.append(example)
        self._stray.append(stray)
        for sort, pool in self._of_each.items():
            self._append_things(pool, sort, step)
        for sort in sorted({*sorts_of(sorted(stray), example.before)} - {*self._of_each, "any"}):
            self._of_each[sort] = _Pool(self.vocabulary, sort)
            for earlier in range(step + 1):
                self._append_things(self._of_each[sort], sort, earlier)

    def _append_things(self, pool: _Pool, sort: str, step: int) -> None:
        """Add what happened in ``step`` to things of ``sort``: to all that changed, and to some others, not always the same ones."""
        example, stray = self._examples[step], self._stray[step]
        things = things_beside(example.action, example.before, sort)
        changed = {fluent.args[0] for fluent in example.changed if fluent.name in self._passing}
        still = [thing for thing in things if thing not in changed]
        start = step % max(1, len(still))
        for thing in (*(t for t in things if t in changed), *(*still[start:], *still[:start])[:MOST_THINGS]):
            pool.append(step, example, thing, is_stray=thing in stray)

    def rules(self) -> list[LearnedRule]:
        """Return the rules, with bits over all examples."""
        pools = (self._named, *self._of_each.values())
        return [learned for pool in pools for learned in pool.rules(self.suspected)]


def _is_sure(learned: LearnedRule) -> bool:
    """Whether one thing surely follows, and nothing speaks against saying it last, where it is of the state arrived in."""
    outcomes = learned.rule.outcomes
    is_overruled = bool(learned.rule.after) and bool(learned.overruled)
    return len(outcomes) == 1 and outcomes[0].probability >= SURE and not is_overruled


def _among(places: Sequence[int], window: Window) -> Window:
    """Return ``window`` as one over the examples that stand at ``places``."""
    after, by = window
    return bisect(places, after) - 1, bisect_left(places, by)


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
