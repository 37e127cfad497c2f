"""What the small worlds have in common: tasks that are seeds, states that are facts, and the usual errors."""

import itertools
import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from agentwm.facts import FactsPerceiver
from agentwm.misuse import begun, episode_over, unknown_action
from agentwm.types import (
    Action,
    Fluent,
    FluentSchema,
    Goal,
    Observation,
    Outcome,
    Perceiver,
    State,
    Value,
    Vocabulary,
)
from agentwm_environments.tasks import SeededTasks

from .truth import after, drawn

__all__ = ["AT", "SORTS", "SmallWorld", "entity"]

AT = Fluent("at")

SORTS = (
    FluentSchema("sort", ("any",), "sort", static=True),
    FluentSchema("kind", ("any",), "kind", static=True),
)
"""The fluents that every small world has."""


def entity(name: str, sort: str, kind: str) -> dict[Fluent, Value]:
    """Return the facts that say what ``name`` is."""
    return {Fluent("sort", (name,)): sort, Fluent("kind", (name,)): kind}


class SmallWorld(SeededTasks, ABC):
    """Plays a world whose state is the facts of its observations and whose truth is stated.

    What an action does is drawn from that truth, unless a subclass has an engine of its own. ``actions`` of an observation is given
    only where ``admissible`` is set.
    """

    name: str

    def __init__(
        self,
        tasks: Sequence[str],
        vocabulary: Vocabulary,
        *,
        admissible: bool = False,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(tasks, about)
        self.perceiver: Perceiver = FactsPerceiver()
        self.vocabulary = vocabulary
        self._admissible = admissible
        self._steps = 0
        self._state: State | None = None
        self._is_over = True
        self._actions: tuple[Action, ...] = ()
        self._legal: frozenset[Action] = frozenset()
        self._rng = random.Random(0)

    @abstractmethod
    def truth(self, state: State, action: Action) -> tuple[Outcome, ...]:
        """Return the exact distribution of what ``action`` does in ``state``; see `KnownWorld`."""

    @abstractmethod
    def states(self, rng: random.Random, number: int) -> list[State]:
        """Return states to compare on; see `KnownWorld`."""

    @abstractmethod
    def task_type(self, task: str) -> str:
        """Return the family that ``task`` belongs to."""

    @abstractmethod
    def _begin(self, task: str) -> State:
        """Return the opening state of ``task``; chance comes from ``self._rng``."""

    @abstractmethod
    def _describe(self, state: State) -> str:
        """Return ``state`` in a line of words."""

    @property
    @abstractmethod
    def goal(self) -> Goal:
        """What every task of this world asks for."""

    def actions(self, state: State) -> tuple[Action, ...]:
        """Return every action there is with the things of ``state``; see `KnownWorld`."""
        things: dict[Value, list[str]] = {}
        for fluent, sort in state.items():
            if fluent.name == "sort":
                things.setdefault(sort, []).append(fluent.args[0])
        return tuple(
            Action(verb, args)
            for verb, schema in self.vocabulary.actions.items()
            for args in itertools.product(*(things.get(sort, []) for sort in schema.parameters))
        )

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        """Begin ``task``; the same task and ``seed`` have the same chance.

        Raises: TaskError when there is no such task.
        """
        self._expect(task)
        self._rng = random.Random(f"{self.name} {task} {seed}")
        self._state = self._begin(task)
        self._is_over = False
        self._actions = self.actions(self._state)
        self._legal = frozenset(self._actions)
        return self._observation(self._state, 0.0, is_over=False)

    def step(self, action: Action) -> Observation:
        """Do ``action``.

        Raises: EnvironmentFailureError before the first and after the end of an episode, and for an action that is none of the task's.
        """
        state = begun(self._state)
        if self._is_over:
            raise episode_over(action)
        if action not in self._legal:
            raise unknown_action(action, self.vocabulary, note=", with things of this task")
        outcome = self._do(state, action)
        self._steps += 1
        self._state = after(state, outcome)
        self._is_over = bool(outcome.terminated)
        return self._observation(self._state, outcome.reward or 0.0, is_over=self._is_over)

    def close(self) -> None:
        """End the episode; there is nothing else to release."""
        self._is_over = True

    def _do(self, state: State, action: Action) -> Outcome:
        return drawn(self.truth(state, action), self._rng)

    def _observation(self, state: State, reward: float, *, is_over: bool) -> Observation:
        actions = self._actions if self._admissible else None
        return Observation(self._describe(state), state, actions, reward=reward, terminated=is_over)
