"""What may be done without a thought: any command that can be written with the verbs and the names seen so far."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from agentwm.rules.binding import Cast
from agentwm.types import Action, ActionSchema, Goal, Plan, Situation, State, Vocabulary

__all__ = ["Anything"]

NONE: Mapping[Action, Sequence[Situation]] = MappingProxyType({})


class Anything:
    """Proposes at random, without end: listed actions where the environment lists them, else a verb and then names of its sorts.

    It reads neither the goal nor the facts, but for the names. ``listed`` returns what is listed at the moment, None for nothing.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        rng: random.Random,
        listed: Callable[[], Sequence[Action] | None] = lambda: None,
    ) -> None:
        self._vocabulary = vocabulary
        self._rng = rng
        self._listed = listed

    def propose(
        self,
        state: State,
        goal: Goal,  # noqa: ARG002 -- what a proposer is given
        *,
        avoid: Mapping[Action, Sequence[Situation]] = NONE,  # noqa: ARG002 -- as above
    ) -> Iterator[Plan]:
        """Yield one action after another; none where no name has been seen that any verb applies to."""
        listed = self._listed()
        if listed is not None:
            while listed:
                yield Plan((self._rng.choice(listed),), "does something that is listed")
            return
        cast = Cast(state)
        while (action := self.command(cast)) is not None:
            yield Plan((action,), "does anything at all")

    def command(self, cast: Cast) -> Action | None:
        """Return one command, None where no thing of a sort that any verb needs has been seen."""
        verbs = list(self._vocabulary.actions.values())
        self._rng.shuffle(verbs)
        return next((made for schema in verbs if (made := self._compose(schema, cast)) is not None), None)

    def _compose(self, schema: ActionSchema, cast: Cast) -> Action | None:
        args = []
        for sort in schema.parameters:
            things = (
                list(cast.sorts) if sort == "any" else [t for s in sort.split("|") for t in cast.by_sort.get(s, ())]
            )
            if not things:
                return None
            args.append(self._rng.choice(things))
        return Action(schema.verb, tuple(args))
