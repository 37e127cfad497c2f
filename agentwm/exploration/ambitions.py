"""Brings about what never was so, by chaining over the rules so far: more of a thing than ever, or things that were never had at once.

What is made of several things can only be found out by somebody who has them all. For worlds that answer every action.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence

from agentwm.exploration.doubts import RARE
from agentwm.exploration.familiarity import Familiarity
from agentwm.types import Action, Chaining, Condition, Goal, Ref, State, Transition, WorldModel

__all__ = ["Ambitions"]

LEISURE = 15  # steps after something was brought about, for trying what it is good for
MOST_AIMS = 3  # that are thought about in one decision
MOST_STEPS = 60  # spent on one aim
MOST_AT_ONCE = 8  # things that are to be had at once
PAUSE = 25  # steps after which what could not be brought about is thought of again, doubled with each time

Way = tuple[Action, ...]
Aim = tuple[Condition, ...]


class Ambitions:
    """Thinks of what was never so and finds ways to it."""

    def __init__(self, chain: Chaining, model: WorldModel, familiarity: Familiarity, *, rng: random.Random) -> None:
        self._chain = chain
        self._model = model
        self._familiarity = familiarity
        self._rng = rng
        self._step = 0
        self._rests_until = 0
        self._aim: Aim = ()
        self._since = 0
        self._failures: Counter[Aim] = Counter()
        self._until: dict[Aim, int] = {}

    def way(self, state: State, history: Sequence[Transition]) -> Way:
        """Return a way to something that was never so, as far as it is sure; empty where none is known, or while at leisure."""
        self._step = len(history)
        if self._aim and self._step - self._since < MOST_STEPS:
            if way := self._towards(self._aim, state):
                return way
            self._rests_until = self._step + LEISURE  # it is so, or cannot be
        self._aim = ()
        if self._step < self._rests_until:
            return ()
        aims = (aim for aim in self._aims(state) if self._until.get(aim, 0) <= self._step)
        for _, aim in zip(range(MOST_AIMS), aims, strict=False):
            if way := self._towards(aim, state):
                self._aim, self._since = aim, self._step
                return way
            self._failures[aim] += 1
            self._until[aim] = self._step + PAUSE * 2 ** self._failures[aim]
        return ()

    def _towards(self, aim: Aim, state: State) -> Way:
        return tuple(self._chain.way(state, Goal("", aim), self._model))

    def _aims(self, state: State) -> Iterator[Aim]:
        """Yield what was had when something paid that seldom did, then what was never so: single things first, then several at once."""
        for names in self._familiarity.seldom_paid(RARE):
            if not names <= self._familiarity.had(state):
                yield tuple(self._had(name, state) for name in sorted(names))
        single = list(self._familiarity.unmet(state))
        self._rng.shuffle(single)
        yield from ((condition,) for condition in single)
        every = sorted(self._familiarity.ever_had)
        for _ in range(MOST_AIMS * MOST_AIMS):
            number = self._rng.randint(2, MOST_AT_ONCE)
            names = frozenset(self._rng.sample(every, min(number, len(every))))
            if not self._familiarity.were_together(names):
                yield tuple(self._had(name, state) for name in sorted(names))

    @staticmethod
    def _had(name: str, state: State) -> Condition:
        is_truth = any(fluent.name == name and isinstance(value, bool) for fluent, value in state.items())
        return Condition(Ref(name), "==", right=True) if is_truth else Condition(Ref(name), ">", 0)
