"""Notices when the world may have changed: a sure rule fails that was right time after time, or chance is not what it was.

What changes again and again though no rule ever speaks of it says nothing of that.
"""

from collections import deque
from collections.abc import Iterable

from agentwm.induction.alarm import SURELY, is_refuted
from agentwm.induction.chance import leeway
from agentwm.induction.habits import Habits
from agentwm.types import Transition

__all__ = ["Breaks", "Window"]

LONG = 8  # times on end that a rule was right, after which it is remarkable that it fails
RECENT = 24  # trials of what is a matter of chance that are held against its probability

Window = tuple[int, int]
"""After which transition, and with which one at the latest, the world may have changed."""


class Breaks:
    """The windows in which the world may have changed, by what was foretold of each transition, and the rules that failed in them."""

    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.broken: dict[str, Window] = {}
        self._right: dict[str, tuple[int, int]] = {}
        self._chances: dict[str, deque[tuple[int, float, bool]]] = {}
        self._habits = Habits()
        self._number = 0

    def note(self, transition: Transition) -> frozenset[str]:
        """Take note of the next transition; return the ids of the rules that it broke."""
        number, self._number = self._number, self._number + 1
        news = self._habits.news(transition)
        if transition.predicted is None or not transition.predicted.outcomes:
            return frozenset()
        if transition.predicted.outcomes[0].probability < SURELY:
            self._note_chance(transition, number, came=not news)
            return frozenset()
        wrong = frozenset(transition.predicted.rules) if news and is_refuted(transition) else frozenset()
        broken = frozenset(name for name in wrong if self._right.get(name, (0, 0))[0] >= LONG)
        if broken:
            self._suspect((max(self._right[name][1] for name in broken), number), broken)
        for name in transition.predicted.rules:
            if name in wrong:
                self._right.pop(name, None)
            elif transition.predicted.changes:
                self._right[name] = (self._right.get(name, (0, 0))[0] + 1, number)
        return broken

    def _note_chance(self, transition: Transition, number: int, *, came: bool) -> None:
        assert transition.predicted is not None
        probability = transition.predicted.outcomes[0].probability
        for name in transition.predicted.rules:
            recent = self._chances.setdefault(name, deque(maxlen=RECENT))
            recent.append((number, probability, came))
            expected = sum(share for _, share, _ in recent)
            variance = sum(share * (1 - share) for _, share, _ in recent)
            if abs(sum(came for *_, came in recent) - expected) > leeway(variance):
                self._suspect((recent[0][0] - 1, number), (name,))
                recent.clear()

    def _suspect(self, window: Window, rules: Iterable[str]) -> None:
        self.windows.append(window)
        self.broken.update(dict.fromkeys(rules, window))
