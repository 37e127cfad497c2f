"""Goes on, while learning, with what a goal asks for step by step, and says what of a goal no rule can bring about.

To reach a goal that has a further part ends nothing, so that there is time afterwards to try things, and more to try them on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from agentwm.planners.means_ends import MeansEnds
from agentwm.planners.setbacks import Avoid
from agentwm.rules.binding import Cast, kind_of
from agentwm.rules.language import fluent_names, variables
from agentwm.types import (
    NOT_ENTITIES,
    Action,
    Condition,
    Fluent,
    Goal,
    Plan,
    Ref,
    State,
    Term,
    Transition,
    Var,
    Vocabulary,
)

__all__ = ["Pursuit", "tells_where"]


class Pursuit:
    """What can be done of a goal with the rules so far, and what cannot."""

    def __init__(self, proposer: MeansEnds, vocabulary: Vocabulary) -> None:
        self._proposer = proposer
        self._vocabulary = vocabulary

    def go_on(self, state: State, goal: Goal, history: Sequence[Transition], *, avoid: Avoid) -> Plan | None:
        """Return a plan to a goal that has a further part, or to as much of it as rules can bring about."""
        if not goal.then or (history and history[-1].before == history[-1].after):
            return None  # what could not be reached just before cannot be now, and to find that out takes long
        if plan := self._proposer.reach(state, goal.conditions, avoid=avoid):
            return replace(plan, reason="goes on to what is asked for next")
        part = [condition for condition in goal.conditions if not self._unmade(condition)]
        plan = self._proposer.reach_one_more(state, part, avoid=avoid)
        return plan and replace(plan, reason="does already what it knows how to do")

    def beginnings(self, state: State, goal: Goal, cast: Cast) -> Iterator[Action]:
        """Yield what might bring about a thing that the goal names and that is nowhere: any verb, done to it by name."""
        placed = {f.args[0] for f, value in state.items() if value is not None and tells_where(f, self._vocabulary)}
        placed |= {str(value) for fluent, value in state.items() if not fluent.args}  # what is in the hand, say
        for thing in sorted(self.named(goal, cast) - placed):
            if cast.sorts.get(thing) not in self._movable:
                continue  # it is a place itself, and was not looked for in any
            for schema in self._vocabulary.actions.values():
                if not schema.inspects and schema.parameters == (cast.sorts.get(thing),):
                    yield Action(schema.verb, (thing,))

    def named(self, goal: Goal, cast: Cast) -> set[str]:
        """Return the things of the kinds that the goal names."""
        kinds = {kind_of(name, goal.conditions) for condition in goal.conditions for name in variables(condition)}
        return {thing for kind in kinds if kind is not None for thing in cast.by_kind.get(kind, ())}

    def puzzle(self, goal: Goal, cast: Cast) -> dict[str, list[str]]:
        """Return what the rules cannot bring about of the goal: the kinds it is about, with the things of that kind seen."""
        puzzle = {}
        for condition in goal.conditions:
            for name in variables(condition) if self._unmade(condition) else ():
                kind = kind_of(name, goal.conditions)
                if kind is not None:
                    puzzle[kind] = cast.by_kind.get(kind, [])
        return puzzle

    def _unmade(self, condition: Condition) -> bool:
        """Whether ``condition`` speaks of something that no rule brings about as it asks."""
        schemas = self._vocabulary.fluents
        return any(
            name in schemas and not schemas[name].static and not _could_be(condition.right, self._made.get(name, set()))
            for name in fluent_names(condition)
        )

    @cached_property
    def _movable(self) -> set[str]:
        """The sorts of what can be somewhere."""
        placing = (
            each
            for each in self._vocabulary.fluents.values()
            if len(each.parameters) == 1 and tells_where(Fluent(each.name, ("",)), self._vocabulary)
        )
        return {sort for schema in placing for sort in schema.parameters[0].split("|")}

    @cached_property
    def _made(self) -> dict[str, set[Term]]:
        """What rules change each fluent to."""
        made: dict[str, set[Term]] = {}
        for change in (c for r in self._proposer.store.rules for o in r.outcomes if o.success for c in o.changes):
            made.setdefault(change.target.name, set()).add(change.value)
        return made


def tells_where(fluent: Fluent, vocabulary: Vocabulary) -> bool:
    """Whether its value is where a thing is: it is declared to be that, or it points to what the agent itself may be at."""
    schema = vocabulary.fluents.get(fluent.name)
    if schema is None or len(fluent.args) != 1 or schema.value in NOT_ENTITIES:
        return False
    return fluent.name == vocabulary.location or any(
        not other.parameters and other.value == schema.value for other in vocabulary.fluents.values()
    )


def _could_be(wanted: object, values: set[Term]) -> bool:
    """Whether what rules change something to could be what is ``wanted``: of a word, none but that word itself."""
    if not isinstance(wanted, str):
        return bool(values)
    return any(value == wanted or isinstance(value, Var | Ref) for value in values)
