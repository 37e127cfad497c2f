"""Which rules are accepted: those that foretold transitions other than the ones they were made from.

Rules are also made from the first 25 transitions, the first 50, the first 100, and so on. What those of one such beginning foretell of the
transitions up to the next is foretold of what nobody had learned from. A rule made from all is accepted once each of its effects was
foretold in that way, by whatever rule, in transitions that it explains. So whether it is depends on the transitions and on nothing else:
not on when somebody asked. Source: prequential evaluation (Dawid, 1984); the beginnings are ours, DECISIONS 14.
"""

from collections.abc import Callable, Iterator, Sequence

from agentwm.induction.credit import Example
from agentwm.rules.language import Rule

__all__ = ["ENOUGH", "Beginnings", "effects_of"]

FIRST = 25  # transitions in the shortest beginning; each is twice as long as the one before
ENOUGH = 2  # transitions, not learned from, in which each effect of a rule must have been foretold

Says = Callable[[Rule, Example], bool]


class Beginnings:
    """The rules made from the first so many transitions, and what they foretold of those that came after."""

    def __init__(self, is_right: Says) -> None:
        """Begin with none; ``is_right`` says whether a rule speaks of an example and one of its outcomes is what happened."""
        self._is_right = is_right
        self._made: list[tuple[int, dict[object, list[Rule]]]] = []

    @property
    def next(self) -> int:
        """The number of transitions after which the next rules are to be made."""
        return 2 * self._made[-1][0] if self._made else FIRST

    def add(self, rules: Sequence[Rule]) -> None:
        """Take in the rules made from the first `next` transitions."""
        foretelling: dict[object, list[Rule]] = {}
        for rule in rules:
            for effect in effects_of(rule):
                foretelling.setdefault(effect, []).append(rule)
        self._made.append((self.next, foretelling))

    def foretold(self, rule: Rule, right: int, examples: Sequence[Example]) -> int:
        """Return in how many of the examples that ``rule`` got ``right`` (bits) its effects were foretold, counting to `ENOUGH` only."""
        return min((self._count(effect, right, examples) for effect in effects_of(rule)), default=0)

    def _count(self, effect: object, right: int, examples: Sequence[Example]) -> int:
        count = 0
        for position in reversed(range(len(self._made))):
            began, foretelling = self._made[position]
            until = self._made[position + 1][0] if position + 1 < len(self._made) else len(examples)
            for index in _bits(right, began, until):
                if any(self._is_right(earlier, examples[index]) for earlier in foretelling.get(effect, ())):
                    count += 1
                    if count == ENOUGH:
                        return count
        return count


def effects_of(rule: Rule) -> set[object]:
    """Return what the rule says may come: changes, rewards and the end, whatever the probability; of any verb all the same."""
    found: set[object] = set()
    for outcome in rule.outcomes:
        found |= {(str(change.target), change.value, change.adds) for change in outcome.changes}
        found |= {("reward", outcome.reward)} if outcome.reward is not None else set()
        found |= {("the end",)} if outcome.ends else set()
    return found


def _bits(mask: int, began: int, until: int) -> Iterator[int]:
    part = (mask & ((1 << until) - 1)) >> began
    while part:
        low = part & -part
        yield began + low.bit_length() - 1
        part ^= low
