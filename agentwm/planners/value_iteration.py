"""What actions are worth where the states within reach are few enough to list them all: chance is weighed, not guessed at.

Source: value iteration (Bellman, 1957).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from agentwm.planners.countdown import Countdown
from agentwm.planners.meter import until_spent
from agentwm.planners.options import ground_actions
from agentwm.planners.outlook import DISCOUNT
from agentwm.rules.outcomes import apply_changes
from agentwm.types import Action, Fluent, Outcome, PlannerParts, Query, State, Value

__all__ = ["CLOSE", "Foretold", "ValueIteration", "foretold"]

FEW_STATES = 700  # to list more, and to sweep over them, would take longer than a search
MANY_FACTS = 500  # from which on a state is too large to list its neighbours
SWEEPS = 400  # by which rewards a few hundred steps away have come through
CLOSE = 1e-5  # values that differ by less are the same
LEAST = 0.02  # the probability below which an outcome is not looked at

Key = frozenset[tuple[Fluent, Value]]


class Foretold(NamedTuple):
    """An action with the outcomes that are foretold of it, the likeliest first, and how sure that is."""

    action: Action
    outcomes: Sequence[Outcome]
    confidence: float


class _Way(NamedTuple):
    """Where an action may lead: ``reward`` is less the price of doubt; there is no ``key`` where the episode ends."""

    probability: float
    reward: float
    state: State
    key: Key | None


_Ways = dict[Action, list[_Way]]


def foretold(parts: PlannerParts, state: State) -> list[Foretold]:
    """Return what is foretold of each action that can be composed in ``state``; of fewer where the budget ends."""
    actions = ground_actions(state, parts.vocabulary)
    predictions = parts.model.predict([Query(state, action) for action in actions])
    return [
        Foretold(action, [o for o in said.outcomes if o.probability >= LEAST] or [said.outcomes[0]], said.confidence)
        for action, said in zip(actions, predictions, strict=False)
    ]


class ValueIteration:
    """Lists the states within reach and works out their values; what was listed is kept from decision to decision.

    A state in which something is ``unknown`` cannot be listed: what is seen there is not foretold.
    """

    def __init__(self, parts: PlannerParts, unknown: Callable[[State], Iterator[str]]) -> None:
        self._parts = parts
        self._depth = parts.budget.depth
        self._unknown = unknown
        self._passing = parts.vocabulary.counters | {s.name for s in parts.vocabulary.fluents.values() if s.static}
        self._graph: dict[Key, _Ways] = {}
        self._values: dict[Key, float] = {}
        self._countdown: Countdown[Key] | None = None
        self._hurried: list[Key] = []  # states of which not all actions could be asked about in time
        self._is_whole = False
        self.is_too_large = False

    def worths(self, state: State, done: int) -> dict[Action, float] | None:
        """Return what each action is worth in ``state``, ``done`` steps into the episode; None where the states are too many."""
        key = self._key(state)
        if not self.is_too_large and (not self._is_whole or key not in self._values):
            self._explore(state)
        if self.is_too_large or key not in self._graph:
            return None
        limit = self._parts.max_steps
        is_chancy = any(len(ways) > 1 for actions in self._graph.values() for ways in actions.values())
        if limit is None or not self._is_whole or not is_chancy:
            return {action: _worth(ways, self._values) for action, ways in self._graph[key].items()}
        if self._countdown is None:
            self._countdown = _countdown(self._graph)
        return self._countdown.worth(key, max(1, limit - done))

    def _explore(self, start: State) -> None:
        """List the states within reach, nearest first, and their values; give up where they are too many."""
        for key in self._hurried:
            del self._graph[key]
        self._hurried.clear()
        waiting = [(start, self._key(start), 0)]
        met: set[Key] = set()
        self._is_whole = False
        with until_spent:
            for state, key, depth in waiting:
                if key in met or depth == self._depth:
                    continue
                met.add(key)
                if key not in self._graph:
                    if len(self._graph) == FEW_STATES or len(state) > MANY_FACTS or any(self._unknown(state)):
                        self.is_too_large = True
                        return
                    self._expand(state, key)
                waiting += [
                    (way.state, way.key, depth + 1)
                    for ways in self._graph[key].values()
                    for way in ways
                    if way.key is not None
                ]
            self._is_whole = self._depth is None
        self._values = _iterated(self._graph)
        self._countdown = None

    def _expand(self, state: State, key: Key) -> None:
        said = foretold(self._parts, state)
        if len(said) < len(ground_actions(state, self._parts.vocabulary)):
            self._hurried.append(key)
        # Doubt is priced against the surest action there: where all is doubtful alike, to end it all must not be the cheapest.
        surest = max((each.confidence for each in said), default=1.0)
        self._graph[key] = {
            each.action: [self._way(state, outcome, surest - each.confidence) for outcome in each.outcomes]
            for each in said
        }

    def _way(self, state: State, outcome: Outcome, doubt: float) -> _Way:
        there = apply_changes(state, outcome.changes)
        reward = (outcome.reward or 0.0) - self._parts.pessimism * doubt
        return _Way(outcome.probability, reward, there, None if outcome.terminated else self._key(there))

    def _key(self, state: State) -> Key:
        return frozenset((f, v) for f, v in state.items() if f.name not in self._passing)


def _iterated(graph: dict[Key, _Ways]) -> dict[Key, float]:
    values = dict.fromkeys(graph, 0.0)
    order = list(reversed(graph))
    for _ in range(SWEEPS):
        change = 0.0
        for key in order:
            best = max((_worth(ways, values) for ways in graph[key].values()), default=0.0)
            change = max(change, abs(best - values[key]))
            values[key] = best
        if change < CLOSE:
            break
    return values


def _countdown(graph: dict[Key, _Ways]) -> Countdown[Key]:
    return Countdown(
        {
            here: {action: [(way.probability, way.reward, way.key) for way in ways] for action, ways in actions.items()}
            for here, actions in graph.items()
        }
    )


def _worth(ways: Sequence[_Way], values: dict[Key, float]) -> float:
    return sum(
        way.probability * (way.reward + (0.0 if way.key is None else DISCOUNT * values.get(way.key, 0.0)))
        for way in ways
    )
