"""The best that can be done in a world whose truth is known and whose states can be listed: exactly, by dynamic programming."""

import math
from collections.abc import Mapping, Sequence

from agentwm.types import Action, Reference, State

from .truth import KnownWorld, after, reachable

__all__ = ["BestPolicy", "Table", "Ways", "key", "transitions", "worth"]

Ways = Sequence[tuple[float, float, frozenset[object] | None]]
"""Where an action may lead: probability, reward and the next state, None at an end."""

Table = Mapping[frozenset[object], Mapping[Action, Ways]]


def key(state: State) -> frozenset[object]:
    """Return what tells a state from others."""
    return frozenset(state.items())


def transitions(world: KnownWorld, starts: Sequence[State]) -> Table:
    """Return where each action may lead from each state within reach of ``starts``."""
    return {
        key(state): {
            action: [
                (way.probability, way.reward or 0.0, None if way.terminated else key(after(state, way)))
                for way in world.truth(state, action)
            ]
            for action in world.actions(state)
        }
        for state in reachable(world, starts)
    }


def worth(ways: Ways, values: Mapping[frozenset[object], float]) -> float:
    """Return the expected return of an action, where ``values`` are those of the states it may lead to."""
    return math.fsum(p * (reward + (0.0 if there is None else values[there])) for p, reward, there in ways)


class BestPolicy:
    """What gets the highest expected return within so many ``steps``, from any state within reach of ``starts``.

    Source: backward induction (Puterman, 1994, "Markov Decision Processes", section 4.5).
    """

    def __init__(self, world: KnownWorld, starts: Sequence[State], steps: int) -> None:
        self._world = world
        self._steps = steps
        self._table = transitions(world, starts)
        self._values: list[Mapping[frozenset[object], float]] = [dict.fromkeys(self._table, 0.0)]
        while len(self._values) <= steps:
            known = self._values[-1]
            better = {
                state: max(worth(ways, known) for ways in actions.values()) for state, actions in self._table.items()
            }
            if better == known:
                break  # and so it would stay
            self._values.append(better)
        self._is_sure = all(len(ways) == 1 for actions in self._table.values() for ways in actions.values())

    def value(self, state: State, *, left: int | None = None) -> float:
        """Return the best expected return from ``state`` with so many steps left, None for all."""
        return self._within(self._steps if left is None else left)[key(state)]

    def action(self, state: State, *, left: int) -> Action:
        """Return the best action in ``state`` with so many steps left, one at least; the first of those as good."""
        values = self._within(left - 1)
        ways = self._table[key(state)]
        return max(ways, key=lambda action: worth(ways[action], values))

    def reference(self, task: str, *, seed: int) -> Reference:
        """Return what came of playing ``task`` so, where chance falls as with ``seed``. Steps are said only where there is no chance.

        The episode of the world that it was made with is ended by that.
        """
        observation = self._world.reset(task, seed=seed)
        expected = self.value(observation.facts)
        reward, done = 0.0, 0
        while not observation.terminated and done < self._steps:
            observation = self._world.step(self.action(observation.facts, left=self._steps - done))
            reward, done = reward + observation.reward, done + 1
        return Reference("best policy", steps=done if self._is_sure else None, reward=reward, expected=expected)

    def _within(self, steps: int) -> Mapping[frozenset[object], float]:
        return self._values[min(steps, len(self._values) - 1)]
