"""Worlds of our own, whose laws are a value: other laws can be given, and can come into force in mid-run."""

import random
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from agentwm.types import Action, Outcome, State, Vocabulary

from .truth import lived, spread
from .world import SmallWorld

__all__ = ["LawfulWorld"]

L = TypeVar("L")

_STEPS_FOR_STATES = 2000
_STEPS_PER_STATE = 10


class LawfulWorld(SmallWorld, Generic[L]):
    """Plays a world under ``laws``, whose chance and layout are drawn from a task's name.

    ``change`` gives other laws and the number of actions, counted over all episodes, after which they come into force.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        vocabulary: Vocabulary,
        *,
        laws: L,
        change: tuple[int, L] | None = None,
        admissible: bool = False,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(tasks, vocabulary, admissible=admissible, about=about)
        self._laws = laws
        self._change = change

    @property
    def laws(self) -> L:
        """The laws that the next action obeys."""
        return self._change[1] if self._change is not None and self._steps >= self._change[0] else self._laws

    @staticmethod
    @abstractmethod
    def outcomes(laws: L, state: State, action: Action) -> tuple[Outcome, ...]:
        """Return the exact distribution of what ``action`` does in ``state`` under ``laws``."""

    def truth(self, state: State, action: Action) -> tuple[Outcome, ...]:
        """Return what the laws in force say; see `KnownWorld`."""
        return self.outcomes(self.laws, state, action)

    def states(self, rng: random.Random, number: int) -> list[State]:
        """Return states to compare on, from play in all tasks; see `KnownWorld`."""
        steps = _STEPS_FOR_STATES + _STEPS_PER_STATE * number
        return spread(self, lived(self, lambda: self._begin(rng.choice(self._tasks)), rng, steps=steps), rng, number)
