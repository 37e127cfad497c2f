"""Exploration for worlds that answer every action: go where, by the rules so far, something has hardly been tried.

How new an action is in a state is how seldom its verb was done where one of the features that a rule could ask for had that value: the
rarest feature counts. Source: count-based exploration over features, as in Martin et al. (2017), "Count-Based Exploration in Feature
Space"; looking for the next new thing in the learned model is ours, DECISIONS 12.
"""

import random
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from agentwm.induction.features import Features
from agentwm.induction.table import parameter_names
from agentwm.planners.listing import ground_actions
from agentwm.planners.width import News
from agentwm.rules.matching import UNKNOWN, Unknown, value_of
from agentwm.rules.outcomes import apply_changes
from agentwm.types import (
    NOT_ENTITIES,
    Action,
    Fluent,
    Goal,
    Plan,
    Query,
    State,
    Transition,
    Value,
    Vocabulary,
    WorldModel,
)

__all__ = ["Familiarity", "Novelty"]

WELL_KNOWN = 3  # times after which a verb is no longer new where a feature has a value
MOST_NODES = 80
DEEPEST = 20
PAUSE = 15  # steps without another search after one that found nothing
MANY = 4  # numbers from here on are alike


class Familiarity:
    """Counts, over all episodes, in what situations each verb was done."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._counts: Counter[Hashable] = Counter()
        self._features: dict[tuple[str, tuple[str, ...]], Features] = {}

    def add(self, state: State, action: Action) -> None:
        """Count ``action`` done in ``state``."""
        self._counts.update(self._situation(state, action))

    def times(self, state: State, action: Action) -> int:
        """Return how often, at least, the verb was done where each feature was as it is in ``state``."""
        return min((self._counts[key] for key in self._situation(state, action)), default=0)

    def _situation(self, state: State, action: Action) -> Iterator[Hashable]:
        sorts = tuple(str(state.get(Fluent("sort", (arg,)), "any")) for arg in action.args)
        key = (action.verb, sorts)
        if key not in self._features:
            self._features[key] = Features(parameter_names(sorts), sorts, self._vocabulary)
        features = self._features[key]
        bindings = dict(zip(features.parameters, action.args, strict=True))
        values = {term: value_of(term, bindings, state, self._vocabulary) for term, _ in features.typed}
        yield key
        for term, sort in features.typed:
            yield key, term, _alike(values[term], is_entity=sort not in NOT_ENTITIES)
        for left, right in features.pairs:
            here, there = values[left], values[right]
            yield key, left, right, here is not UNKNOWN and here is not None and here == there


def _alike(value: Value | Unknown, *, is_entity: bool) -> Hashable:
    if isinstance(value, Unknown) or value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int | float):
        return min(MANY, int(value))
    return "something" if is_entity else value


class Novelty:
    """Plans the shortest way, in the learned model, to an action that is new where it is done; else does what is least familiar."""

    def __init__(
        self, model: WorldModel, familiarity: Familiarity, vocabulary: Vocabulary, *, rng: random.Random
    ) -> None:
        self._model = model
        self._familiarity = familiarity
        self._vocabulary = vocabulary
        self._rng = rng
        self._rest: tuple[Action, ...] = ()
        self._pause = 0

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:  # noqa: ARG002 -- a planner's
        """Return the rest of the way to something new while it goes as foretold, else a new way, else what is least familiar here."""
        if self._rest and history and not history[-1].surprise:
            actions, self._rest = self._rest, self._rest[1:]
            return Plan(actions, "goes where something is new")
        actions = self._way(state)
        self._rest = actions[1:]
        if actions:
            return Plan(actions, "tries what is new")
        return Plan((self._least_familiar(state),), "tries what is least familiar")

    def _way(self, state: State) -> tuple[Action, ...]:
        if self._pause:
            self._pause -= 1
            return self._new(state)[:1]
        frontier: list[tuple[State, tuple[Action, ...]]] = [(state, ())]
        news = News(1, many=MANY)
        news.is_in(state)
        for position in range(MOST_NODES):
            if position == len(frontier):
                break
            here, way = frontier[position]
            if new := self._new(here):
                return (*way, new[0])
            if len(way) == DEEPEST:
                continue
            actions = ground_actions(here, self._vocabulary)
            self._rng.shuffle(actions)
            for action, prediction in zip(
                actions, self._model.predict([Query(here, action) for action in actions]), strict=True
            ):
                outcome = prediction.outcomes[0]
                if outcome.success and outcome.changes and not outcome.terminated:
                    there = apply_changes(here, outcome.changes)
                    if news.is_in(there):
                        frontier.append((there, (*way, action)))
        self._pause = PAUSE
        return ()

    def _new(self, state: State) -> tuple[Action, ...]:
        """Return an action that is not well known in ``state``, of the least known; none where all are."""
        known = self._known(state)
        least = min(known.values(), default=WELL_KNOWN)
        return tuple(self._rng.sample([a for a, n in known.items() if n == least], 1)) if least < WELL_KNOWN else ()

    def _least_familiar(self, state: State) -> Action:
        known = self._known(state)
        actions = list(known)
        return self._rng.choices(actions, [1 / (1 + known[action]) for action in actions])[0]

    def _known(self, state: State) -> dict[Action, int]:
        return {action: self._familiarity.times(state, action) for action in ground_actions(state, self._vocabulary)}
