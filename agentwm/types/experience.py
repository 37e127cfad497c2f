"""What is seen and expected: observations, predictions, and steps as they were lived."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from agentwm.types.values import NOTHING, Action, Fluent, State
from agentwm.types.vocabulary import Goal

__all__ = ["Observation", "Outcome", "Perception", "Prediction", "Query", "Trajectory", "Transition"]


@dataclass(frozen=True, slots=True)
class Observation:
    """What an environment answers: text, structured facts if it has them, and the usual five-tuple's rest.

    ``actions`` is None when the environment does not list what is admissible.
    """

    text: str
    facts: State = field(default_factory=dict)
    actions: tuple[Action, ...] | None = None
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Perception:
    """What an observation tells: facts that are so, changes that were made, beliefs that no longer stand.

    ``told`` was so before and is only now known; ``changed`` is what the action did. ``succeeded`` is None when the
    text does not say.
    """

    told: State = field(default_factory=dict)
    changed: State = field(default_factory=dict)
    forgotten: frozenset[Fluent] = frozenset()
    succeeded: bool | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way an action may turn out, with its probability (0 to 1)."""

    probability: float
    changes: State = field(default_factory=dict)
    success: bool = True
    reward: float | None = None
    terminated: bool | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """A distribution over outcomes, most probable first.

    ``source`` is ``rules``, ``frame`` (nothing is known: nothing changes) or ``llm``; ``confidence`` is the calibrated
    probability (0 to 1) that the success or failure predicted comes true; ``rules`` are the ids of those that spoke.
    """

    outcomes: tuple[Outcome, ...]
    confidence: float
    source: str
    rules: tuple[str, ...] = ()

    @property
    def success(self) -> bool:
        """Whether success is at least as probable as failure."""
        return 2 * sum(o.probability for o in self.outcomes if o.success) >= 1

    @property
    def changes(self) -> State:
        """The changes of the most probable outcome."""
        return self.outcomes[0].changes if self.outcomes else NOTHING


class Query(NamedTuple):
    """A question to a world model: what would ``action`` do in ``state``?"""

    state: State
    action: Action


@dataclass(frozen=True, slots=True)
class Transition:
    """One step: the belief before, the action, the belief after, and what had been predicted.

    ``changed`` holds what the text says the action did; ``told`` names the fluents that were merely found out.
    ``succeeded`` is whether the environment accepted the action.
    """

    before: State
    action: Action
    after: State
    observation: Observation
    succeeded: bool
    changed: State = field(default_factory=dict)
    told: frozenset[Fluent] = frozenset()
    predicted: Prediction | None = None

    @property
    def surprise(self) -> State:
        """What was seen and differs from what was predicted; empty when nothing was predicted wrongly.

        A fluent that was predicted to change and is now known to be otherwise counts, and so does a change that
        was not predicted. What is as it was before surprises nobody who did not predict otherwise.
        """
        predicted = self.predicted.changes if self.predicted else NOTHING
        expected = {**self.changed, **{f: v for f, v in predicted.items() if f in self.after}}
        foretold = {f: predicted.get(f, self.before.get(f, _UNSAID)) for f in expected}
        return {f: self.after[f] for f in expected if f in self.after and foretold[f] != self.after[f]}


_UNSAID = object()


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One episode as it was lived: its task, goal, opening belief and transitions."""

    task: str
    goal: Goal
    start: State
    transitions: tuple[Transition, ...] = field(default=())

    def __iter__(self) -> Iterator[Transition]:
        return iter(self.transitions)

    def __len__(self) -> int:
        return len(self.transitions)
