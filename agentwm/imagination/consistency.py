"""How well imagination and the world agree: the same actions, done in both."""

from dataclasses import dataclass

from agentwm.agent import Episode
from agentwm.rules.matching import look_up
from agentwm.types import Action, Fluent, State, Transition, Value, Vocabulary

__all__ = ["Consistency", "StepPair", "consistency"]


@dataclass(frozen=True, slots=True)
class StepPair:
    """One action in imagination and in the world: whether it succeeded, and what it changed of what can be seen."""

    action: Action
    succeeded: tuple[bool, bool]
    changed: tuple[State, State]

    @property
    def is_same_success(self) -> bool:
        """Whether the action succeeded in both or in neither."""
        return self.succeeded[0] == self.succeeded[1]

    @property
    def is_same(self) -> bool:
        """Whether it succeeded in both or in neither, and changed the same."""
        return self.is_same_success and self.changed[0] == self.changed[1]


@dataclass(frozen=True, slots=True)
class Consistency:
    """What came of one course of action in imagination and in the world, in this order.

    ``steps`` are those that could be done in both: where one of them ended earlier, there are fewer than were imagined.
    """

    steps: tuple[StepPair, ...]
    imagined: int
    won: tuple[bool, bool]

    @property
    def is_same_end(self) -> bool:
        """Whether the goal was reached in both or in neither."""
        return self.won[0] == self.won[1]

    @property
    def is_same(self) -> bool:
        """Whether everything came out the same: the end, and each step with all that it changed."""
        return self.is_same_end and len(self.steps) == self.imagined and all(step.is_same for step in self.steps)


def consistency(imagined: Episode, real: Episode) -> Consistency:
    """Do in ``real``, which stands where ``imagined`` began, what was done in ``imagined``, and return what came out the same.

    Raises: EnvironmentFailureError when the world breaks down.
    """
    steps: list[StepPair] = []
    words = real.vocabulary
    for dreamt in imagined.transitions:
        if real.is_over:
            break
        assert dreamt.predicted is not None, "every step of an episode is taken with a prediction"
        lived = real.step(dreamt.action, dreamt.predicted)
        changed = _changed(dreamt, words), _changed(lived, words)
        steps.append(StepPair(dreamt.action, (dreamt.succeeded, lived.succeeded), changed))
    return Consistency(tuple(steps), len(imagined.transitions), (imagined.is_won, real.is_won))


def _changed(transition: Transition, words: Vocabulary) -> dict[Fluent, Value]:
    """Return what really is otherwise after ``transition``: what was said to change and was so before is left out."""
    return {
        fluent: value
        for fluent, value in transition.changed.items()
        if look_up(fluent, transition.before, words) != value
    }
