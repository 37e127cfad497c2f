"""Which rule explains which transition: a matrix of bits that grows by rows (rules) and by columns (transitions).

A row is two integers whose bit *i* belongs to transition *i*: where the rule is right, and where it is wrong; where neither bit is set
the rule is silent. What was once decided about a rule and a transition is never asked again.
"""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from agentwm.errors import quoted
from agentwm.induction.pruning import dominated, redundant

__all__ = ["Coverage", "packed"]

# Bits set one by one wait in a list of this length, or of one for so many bits of the row: then the copying of a row costs
# each of them the same, however long the row is.
FEWEST_WAITING = 1024
BITS_PER_WAITING = 64

_DIGITS = bytes.maketrans(b"\x00\x01", b"01")


def packed(truths: Iterable[int]) -> int:
    """Return the mask whose bit *i* is the *i*-th of ``truths``, each of which is a Boolean, or 0 or 1."""
    return int(bytes(truths).translate(_DIGITS)[::-1] or b"0", 2)


class Coverage:
    """The transitions (numbered from 0, in the order in which they came) that each rule, by its id, is right and wrong about.

    It begins with so many ``transitions`` and no rule.

    A new transition costs time in proportion to the rules that speak of it, a new rule and every question to the transitions.
    """

    def __init__(self, *, transitions: int = 0) -> None:
        self._rows: dict[str, tuple[_Row, _Row]] = {}
        self._length = transitions

    def __len__(self) -> int:
        """Return the number of transitions."""
        return self._length

    def __contains__(self, rule: str) -> bool:
        return rule in self._rows

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules, in the order in which they came."""
        return tuple(self._rows)

    @property
    def everything(self) -> int:
        """The mask of all transitions."""
        return (1 << self._length) - 1

    def add_rule(self, rule: str, *, right: int, wrong: int) -> None:
        """Add a row: the masks of the transitions so far that the rule is right and wrong about.

        Raises: ValueError when the rule is known already, or the masks overlap or go beyond the last transition.
        """
        if rule in self._rows:
            raise ValueError(f"expected a rule that is new, got {quoted(rule)}: forget it first")
        if not 0 <= right | wrong <= self.everything or right & wrong:
            raise ValueError(
                f"expected masks of {self._length} transitions that do not overlap, for the rule {quoted(rule)}"
            )
        self._rows[rule] = _Row(right), _Row(wrong)

    def add_transition(self, *, right: Iterable[str], wrong: Iterable[str]) -> int:
        """Add a column, from the ids of the rules that are right and wrong about the transition, and return its number.

        Raises: KeyError for a rule that is not known; ValueError for one that is both right and wrong.
        """
        right, wrong = frozenset(right), frozenset(wrong)
        if both := right & wrong:
            raise ValueError(f"expected each rule to be right, wrong or silent, got both from {quoted(min(both))}")
        rows = [*(self._rows[rule][0] for rule in right), *(self._rows[rule][1] for rule in wrong)]
        for row in rows:
            row.add(self._length)
        self._length += 1
        return self._length - 1

    def forget(self, rule: str) -> None:
        """Drop the row of a rule. Raises: KeyError when it is not known."""
        del self._rows[rule]

    def right(self, rule: str) -> int:
        """Return the mask of the transitions that the rule explains."""
        return self._rows[rule][0].mask()

    def wrong(self, rule: str) -> int:
        """Return the mask of the transitions that the rule is wrong about."""
        return self._rows[rule][1].mask()

    def counts(self, rule: str) -> tuple[int, int]:
        """Return how many transitions the rule is right about, and how many it is wrong about."""
        return self.right(rule).bit_count(), self.wrong(rule).bit_count()

    def explained(self) -> int:
        """Return the mask of the transitions that some rule explains."""
        return reduce(or_, map(self.right, self._rows), 0)

    def dominated(self) -> dict[str, str]:
        """Return the rules that another makes needless, each with one that does and is not dominated itself.

        The other is right wherever this one is, and wrong nowhere else. Of rules that are alike the first is not dominated.
        """
        rules, everything = self.rules, self.everything
        merits = [self.right(rule) << self._length | everything ^ self.wrong(rule) for rule in rules]
        return {rules[index]: rules[other] for index, other in dominated(merits).items()}

    def redundant(self) -> list[str]:
        """Return rules that can all be forgotten with no explained transition lost; the least trusted are given up first."""
        rules = sorted(self._rows, key=self._trust)
        return [rules[index] for index in redundant([self.right(rule) for rule in rules])]

    def _trust(self, rule: str) -> tuple[float, int]:
        """Return the trust that the rule's record would have (`Record.trust`), then how often it is right."""
        right, wrong = self.counts(rule)
        return (right + 1) / (right + wrong + 2), right


class _Row:
    """A mask that grows at its end: bits set lately wait in a list, as each would cost a copy of the whole mask."""

    __slots__ = ("_mask", "_waiting")

    def __init__(self, mask: int) -> None:
        self._mask = mask
        self._waiting: list[int] = []

    def add(self, index: int) -> None:
        """Set a bit that is beyond all those set before."""
        self._waiting.append(index)
        if len(self._waiting) > max(FEWEST_WAITING, self._mask.bit_length() // BITS_PER_WAITING):
            self.mask()

    def mask(self) -> int:
        """Return the mask."""
        if self._waiting:
            start = self._waiting[0]
            block = bytearray((self._waiting[-1] - start) // 8 + 1)
            for index in self._waiting:
                block[(index - start) >> 3] |= 1 << ((index - start) & 7)
            self._mask |= int.from_bytes(block, "little") << start
            self._waiting.clear()
        return self._mask
