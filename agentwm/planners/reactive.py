"""The baseline that does not look ahead: any command that can be written with the verbs and the names seen so far.

It neither asks the world model nor reads the goal, so what it wins is what luck wins.
"""

import random
from collections.abc import Sequence

from agentwm.planners.listing import listed_actions
from agentwm.rules.binding import Cast
from agentwm.types import (
    Action,
    ActionSchema,
    Goal,
    Observation,
    Plan,
    PlannerParts,
    PlannerSpec,
    State,
    Transition,
    Vocabulary,
)

__all__ = ["SPEC", "Reactive"]


class Reactive:
    """Chooses at random: among the listed actions where the environment lists them, else a verb and then names of its sorts."""

    def __init__(self, vocabulary: Vocabulary, *, opening: Observation | None = None, rng: random.Random) -> None:
        self._vocabulary = vocabulary
        self._opening = opening
        self._rng = rng

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:  # noqa: ARG002 -- what a planner is given
        """Return one action; none where no name has been seen that any verb applies to."""
        listed = listed_actions(self._opening, history)
        if listed is not None:
            return Plan((self._rng.choice(listed),) if listed else (), "does something that is listed")
        verbs = list(self._vocabulary.actions.values())
        self._rng.shuffle(verbs)
        cast = Cast(state)
        action = next((made for schema in verbs if (made := self._compose(schema, cast)) is not None), None)
        return Plan(() if action is None else (action,), "does anything at all")

    def _compose(self, schema: ActionSchema, cast: Cast) -> Action | None:
        """Return a command with this verb, None where no thing of a sort it needs has been seen."""
        args = []
        for sort in schema.parameters:
            things = list(cast.sorts) if sort == "any" else cast.by_sort.get(sort, [])
            if not things:
                return None
            args.append(self._rng.choice(things))
        return Action(schema.verb, tuple(args))


def _make(parts: PlannerParts) -> Reactive:
    return Reactive(parts.vocabulary, opening=parts.opening, rng=parts.rng)


SPEC = PlannerSpec("reactive", "does anything at all, without looking ahead: the baseline", _make)
