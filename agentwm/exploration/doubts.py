"""What is not yet known of a rare effect: which of the circumstances that all its examples share it needs.

An action in a state is worth trying where some of these circumstances are missing, and no failure so far says that it cannot work without
them: if it works, they were not needed, and if not, one of them is. Source: learning a conjunction by membership queries (Angluin, 1988,
"Queries and Concept Learning"); which effects are asked about, and how much may be missing, is ours, DECISIONS 13.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentwm.exploration.retrials import Retrials
from agentwm.induction.effects import END, EffectTable
from agentwm.induction.features import Feature, negated
from agentwm.induction.slots import View
from agentwm.rules.index import Test, compiled_test
from agentwm.rules.matching import sorts_of
from agentwm.types import Action, Ref, State, Term, Var, Vocabulary

__all__ = ["Doubt", "Doubts"]

RARE = 8  # examples from which on an effect is well enough known
MISSING = 0.25  # the share of the circumstances that may be missing in an experiment: most of them do not matter
MOST_BLAME = 1.0  # failures, each shared by what was missing in it, that what an experiment misses may be to blame for

ENOUGH_TRIALS = 12  # in a row without the effect, after which it is left alone until it comes again

TableKey = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Circumstance:
    """What all examples of an effect share, the failures in which it was missing, and how much it is to be blamed for them."""

    test: Test
    misses: int
    blame: float


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """An effect that was hardly seen, and the circumstances shared by all its examples.

    ``required`` say what kinds of things it was done with; they are not put to the test.
    """

    required: tuple[Test, ...]
    shared: tuple[Circumstance, ...]
    failures: int

    def is_tested_by(self, action: Action, state: State) -> bool:
        """Whether trying ``action`` in ``state`` would tell something, and may well succeed."""
        args = action.args
        if not all(test(args, state) for test in self.required):
            return False
        missing, blame, most = 0, 0.0, int(MISSING * len(self.shared))
        failures = self.failures
        for each in self.shared:
            if each.test(args, state):
                failures &= ~each.misses
            else:
                missing += 1
                blame += each.blame
                if missing > most or blame > MOST_BLAME:
                    return False
        return not failures


class Doubts:
    """All that is in doubt, by the kind of action that would tell: effects that were hardly seen, and rules that failed of late."""

    def __init__(
        self, tables: Mapping[TableKey, EffectTable], vocabulary: Vocabulary, retrials: Retrials | None = None
    ) -> None:
        self._retrials = retrials
        self._by_key = {key: found for key, table in tables.items() if (found := list(_doubts_of(table, vocabulary)))}
        self._trials: Counter[Doubt] = Counter()

    def are_tested_by(self, action: Action, state: State) -> bool:
        """Whether trying ``action`` in ``state`` would settle something."""
        key = (action.verb, sorts_of(action.args, state))
        if any(doubt.is_tested_by(action, state) for doubt in self._by_key.get(key, ())):
            return True
        return self._retrials is not None and self._retrials.are_tried_by(action, state)

    def note(self, action: Action, state: State) -> None:
        """Count ``action``, done in ``state``, as a trial; a doubt is settled after so many, whatever came of them."""
        doubts = self._by_key.get((action.verb, sorts_of(action.args, state)), [])
        tested = [doubt for doubt in doubts if doubt.is_tested_by(action, state)]
        self._trials.update(tested)
        for doubt in tested:
            if self._trials[doubt] == RARE:
                doubts.remove(doubt)


def _doubts_of(table: EffectTable, vocabulary: Vocabulary) -> Iterator[Doubt]:
    features = table.before.all()
    features += [negated(feature) for feature in features]
    kinds = {Ref("kind", (Var(name),)) for name in table.parameters}
    for name, slot in table.slots.items():
        if name == END:
            continue
        view = View(slot, table.accounted.get(name, 0))
        well_known = [mask for _, mask in view.effects if (mask & ~view.kept).bit_count() >= RARE]
        for _, mask in view.effects:
            changed = mask & ~view.kept
            if not 0 < changed.bit_count() < RARE or any(not changed & ~other for other in well_known):
                continue
            shared = [feature for feature in features if not changed & ~feature.true]
            first = (changed & -changed).bit_length() - 1
            since = max((by for _, by in table.suspected if 0 < by <= first), default=0)
            failures = (view.known & ~mask) >> since << since
            if not _is_given_up(shared, failures >> changed.bit_length() << changed.bit_length()):
                yield _doubt(shared, failures, table, kinds, vocabulary)


def _is_given_up(shared: Sequence[Feature], failures: int) -> bool:
    """Whether the last so many trials all failed, in which hardly any of the ``shared`` circumstances was missing."""
    misses = [failures & ~feature.true for feature in shared]
    often = _by_number(misses)
    most = int(MISSING * len(shared))
    return sum(rows.bit_count() for number, rows in often.items() if number <= most) >= ENOUGH_TRIALS


def _doubt(
    shared: Sequence[Feature], failures: int, table: EffectTable, kinds: Collection[Term], vocabulary: Vocabulary
) -> Doubt:
    tested = [f for f in shared if f.condition.left not in kinds or f.condition.op != "=="]
    misses = [failures & ~f.true for f in tested]
    by_missing = _by_number(misses)
    return Doubt(
        tuple(compiled_test(f.condition, table.parameters, vocabulary) for f in shared if f not in tested),
        tuple(
            Circumstance(
                compiled_test(f.condition, table.parameters, vocabulary),
                missed,
                sum((missed & rows).bit_count() / number for number, rows in by_missing.items()),
            )
            for f, missed in zip(tested, misses, strict=True)
        ),
        failures,
    )


def _by_number(masks: Sequence[int]) -> dict[int, int]:
    """Return the rows that are in so many of ``masks``, by that number; those in none are left out."""
    digits: list[int] = []  # of the number of each row, in binary, the lowest first
    every = 0
    for mask in masks:
        every |= mask
        carry = mask
        for position, digit in enumerate(digits):
            digits[position], carry = digit ^ carry, digit & carry
        if carry:
            digits.append(carry)
    groups = {0: every}
    for position, digit in enumerate(digits):
        groups = {
            number + (bit << position): rows
            for number, mask in groups.items()
            for bit, rows in ((0, mask & ~digit), (1, mask & digit))
            if rows
        }
    return {number: rows for number, rows in groups.items() if number}
