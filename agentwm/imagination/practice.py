"""Practice in imagination: a table of how good each action is in each state, learned from imagined experience.

Source: Dyna (Sutton, 1990), which learns from what its model says as from what it lives through. The table is that of Q-learning (Watkins,
1989). Episodes are learned from backwards, so that what pays is felt at their beginning, and more than once (Lin, 1992).
"""

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agentwm.agent import Episode
from agentwm.errors import ConfigurationError
from agentwm.planners.options import ground_actions
from agentwm.planners.outlook import DISCOUNT
from agentwm.types import (
    Action,
    Environment,
    Goal,
    Observation,
    Outcome,
    Plan,
    Prediction,
    State,
    Transition,
    Vocabulary,
)

__all__ = ["TabularPolicy", "practise"]

RECALLED = 8  # earlier episodes that are learned from again after each new one
# How fast what was learned settles: the n-th time an action is learned from counts 1 in n to this power.
# Source: Even-Dar & Mansour, "Learning Rates for Q-learning" (2003), who show such rates to do better than 1 in n.
SETTLING = 0.6

_UNFORESEEN = Prediction((Outcome(1.0),), 0.0, "frame")


class _Experience(NamedTuple):
    """One step as the table has it: ``after`` is None at the end, and ``open`` what could be done there."""

    before: object
    action: Action
    reward: float
    after: object | None
    open: Sequence[Action]


class TabularPolicy:
    """A planner that does what its table says is best, and anything that can be done where the table is empty."""

    def __init__(self, vocabulary: Vocabulary, *, rng: random.Random) -> None:
        self._vocabulary = vocabulary
        self._unkept = {name for name, schema in vocabulary.fluents.items() if schema.static} | vocabulary.counters
        self._rng = rng
        self._worth: dict[tuple[object, Action], float] = {}
        self._tried: dict[tuple[object, Action], int] = {}
        self._lived: list[list[_Experience]] = []

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:  # noqa: ARG002 -- learned for one goal
        """Return the action of the highest worth; chance decides among equals."""
        key, actions = self._key(state), self.options(state, history[-1].observation if history else None)
        if not actions:
            return Plan((), "there is nothing to do")
        best = self._best(key, actions)
        equals = [action for action in actions if self._worth.get((key, action), 0.0) == best]
        return Plan((self._rng.choice(equals),), "was best in practice", value=best)

    def options(self, state: State, seen: Observation | None) -> Sequence[Action]:
        """Return what is listed in ``seen`` or, where nothing is, all that can be composed in ``state``."""
        listed = None if seen is None else seen.actions
        return ground_actions(state, self._vocabulary) if listed is None else listed

    def learn(self, transitions: Sequence[Transition]) -> None:
        """Learn from the steps of an episode, the last one first, and again from some of those before it."""
        self._lived.append([self._experience(each) for each in transitions])
        recalled = self._rng.sample(self._lived, min(RECALLED, len(self._lived)))
        for episode in (self._lived[-1], *recalled):
            for each in reversed(episode):
                entry = each.before, each.action
                tried = self._tried[entry] = self._tried.get(entry, 0) + 1
                known = self._worth.get(entry, 0.0)
                target = (
                    each.reward if each.after is None else each.reward + DISCOUNT * self._best(each.after, each.open)
                )
                self._worth[entry] = known + (target - known) / tried**SETTLING

    def _experience(self, lived: Transition) -> _Experience:
        seen, key = lived.observation, self._key(lived.before)
        if seen.terminated:
            return _Experience(key, lived.action, seen.reward, None, ())
        return _Experience(key, lived.action, seen.reward, self._key(lived.after), self.options(lived.after, seen))

    def _best(self, key: object, actions: Sequence[Action]) -> float:
        return max((self._worth.get((key, action), 0.0) for action in actions), default=0.0)

    def _key(self, state: State) -> object:
        return frozenset(item for item in state.items() if item[0].name not in self._unkept)


def practise(
    environment: Environment, tasks: Iterable[str], *, rng: random.Random, max_steps: int = 100, daring: float = 0.1
) -> TabularPolicy:
    """Return what was learned in one episode of each of ``tasks`` (which may come again), of ``max_steps`` actions at most.

    ``daring`` is the probability (0 to 1) of trying anything instead of what seems best. For worlds with few actions and one goal.

    Raises: ConfigurationError when there are no tasks.
    """
    policy: TabularPolicy | None = None
    for number, task in enumerate(tasks):
        episode = Episode(environment, task, seed=number)
        policy = policy or TabularPolicy(episode.vocabulary, rng=rng)
        while not episode.is_over and len(episode.transitions) < max_steps:
            actions = policy.options(episode.state, episode.observation)
            if not actions:
                break
            planned = policy.plan(episode.state, episode.aim, episode.transitions).actions[0]
            episode.step(rng.choice(actions) if rng.random() < daring else planned, _UNFORESEEN)
        policy.learn(episode.transitions)
    if policy is None:
        raise ConfigurationError("expected tasks to practise, got none")
    return policy
