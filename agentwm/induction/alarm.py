"""Notices that rules are no longer right: what they take for most probable comes less often than chance explains, or more often."""

from dataclasses import dataclass

from agentwm.induction.chance import leeway
from agentwm.induction.habits import Habits
from agentwm.types import Transition

__all__ = ["Alarm", "is_refuted"]

HEEDED = 60  # transitions in which surprises are taken seriously
SURPRISES = 2  # which are then enough
SURELY = 0.9  # how often, at most, the rules count on being right; noise may explain the rest


def is_refuted(transition: Transition) -> bool:
    """Whether something that was surely foretold, be it that nothing changes, did not come."""
    predicted = transition.predicted
    return predicted is not None and predicted.outcomes[0].probability >= SURELY and bool(transition.surprise)


class Alarm:
    """Counts, since the rules were last made anew, how often what each took for most probable came.

    It is true once that was not to be expected of one of them. Once `heed` was called, two surprises are enough for a while.
    """

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}
        self._habits = Habits()
        self._heeds = 0
        self._surprises = 0

    def heed(self) -> None:
        """Take surprises seriously for a while: the world may have changed."""
        self._heeds = HEEDED

    def note(self, transition: Transition) -> None:
        """Count one transition."""
        self._heeds = max(0, self._heeds - 1)
        news = self._habits.news(transition)
        self._surprises += bool(news) and is_refuted(transition)
        predicted = transition.predicted
        if predicted is not None:
            for name in predicted.rules:
                tally = self._tallies.setdefault(name, _Tally())
                tally.add(predicted.outcomes[0].probability, came=not news)

    def __bool__(self) -> bool:
        return any(tally.is_strange for tally in self._tallies.values()) or (
            self._heeds > 0 and self._surprises >= SURPRISES
        )

    def clear(self) -> None:
        """Begin to count anew."""
        self._tallies.clear()
        self._surprises = 0


@dataclass(slots=True)
class _Tally:
    """How often something came, how often it was expected to, and the variance of that."""

    came: int = 0
    expected: float = 0.0
    variance: float = 0.0
    is_sure: bool = False

    def add(self, probability: float, *, came: bool) -> None:
        share = min(SURELY, probability)
        self.came += came
        self.expected += share
        self.variance += share * (1 - share)
        self.is_sure |= share == SURELY

    @property
    def is_strange(self) -> bool:
        """Whether it came less often than chance explains or, where that was not sure, more often."""
        most = leeway(self.variance)
        return self.came < self.expected - most or (not self.is_sure and self.came > self.expected + most)
