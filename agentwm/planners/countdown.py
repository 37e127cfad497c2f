"""What actions are worth where so many steps are left: chance may make it wise to hurry, and a risk worth taking at the end.

Source: backward induction over a finite horizon (Bellman, 1957).
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from agentwm.types import Action

__all__ = ["Countdown"]

STILL = 1e-9  # the change of a value below which more steps make no difference

Key = TypeVar("Key", bound=Hashable)

_Ways = tuple[float, tuple[tuple[float, int], ...]]
"""An action: the reward expected at once, and where it may lead, with the probabilities; an end leads nowhere."""


class Countdown(Generic[Key]):
    """The values of the states of a graph by the number of steps left, worked out as far as they are asked for.

    ``graph`` says of each state where each action may lead: (probability, reward, the next state or None at an end), every next state
    being in it.
    """

    def __init__(self, graph: Mapping[Key, Mapping[Action, Iterable[tuple[float, float, Key | None]]]]) -> None:
        places = {key: place for place, key in enumerate(graph)}
        self._places = places
        self._actions: list[dict[Action, _Ways]] = []
        for actions in graph.values():
            rows: dict[Action, _Ways] = {}
            for action, ways in actions.items():
                known = list(ways)
                at_once = sum(probability * reward for probability, reward, _ in known)
                rows[action] = at_once, tuple((p, places[there]) for p, _, there in known if there is not None)
            self._actions.append(rows)
        self._values = [[0.0] * len(places)]
        self._is_still = False

    def worth(self, key: Key, left: int) -> dict[Action, float]:
        """Return the return expected of each action in the state ``key``, where it and ``left`` - 1 others can still be done."""
        values = self._after(left - 1)
        return {action: _worth(ways, values) for action, ways in self._actions[self._places[key]].items()}

    def _after(self, steps: int) -> Sequence[float]:
        """Return the value of each state with so many steps left."""
        while len(self._values) <= steps and not self._is_still:
            last = self._values[-1]
            values = [max((_worth(ways, last) for ways in actions.values()), default=0.0) for actions in self._actions]
            self._is_still = all(abs(new - old) < STILL for new, old in zip(values, last, strict=True))
            self._values.append(values)
        return self._values[min(steps, len(self._values) - 1)]


def _worth(ways: _Ways, values: Sequence[float]) -> float:
    at_once, leads = ways
    return at_once + sum(probability * values[place] for probability, place in leads)
