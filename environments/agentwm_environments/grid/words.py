"""What can be said of a grid world: where things are, what is ahead, what is carried, and which action does what."""

from collections.abc import Sequence
from functools import cache

from agentwm.types import ActionSchema, Fluent, FluentSchema, State, Value, Vocabulary
from agentwm_environments.cells import beside, place_of

__all__ = [
    "AT",
    "CARRIED_COLOR",
    "CARRIED_ORIGIN",
    "CARRYING",
    "DIRECTIONS",
    "DROPPED",
    "FACING",
    "PLACES",
    "VERBS",
    "vocabulary",
]

AT = Fluent("at")
FACING = Fluent("facing")
CARRYING = Fluent("carrying")
CARRIED_COLOR = Fluent("carried_color")
CARRIED_ORIGIN = Fluent("carried_origin")
DROPPED = Fluent("dropped")

DIRECTIONS = ("right", "down", "left", "up")
"""The directions in MiniGrid's order, which is clockwise."""

VERBS = ("left", "right", "forward", "pickup", "drop", "toggle", "done")
"""MiniGrid's actions 0 to 6."""

PLACES = {
    "on your left": "left_of_start",
    "on your right": "right_of_start",
    "in front of you": "ahead_of_start",
    "behind you": "behind_start",
}
"""The places that a mission may speak of, and the fluent that says of a cell that it lies there."""


# --- cells and directions ---------------------------------------------------------------------------------------


def _front(state: State, _args: tuple[str, ...]) -> Value:
    """Return the cell ahead, be it known or not."""
    return beside(str(state.get(AT)), str(state.get(FACING)))


def _spot_ahead(state: State, args: tuple[str, ...]) -> Value:
    """Return the cell ahead, None where the mission does not speak of dropping."""
    return _front(state, args) if DROPPED in state else None


_CLOCKWISE = {each: DIRECTIONS[(number + 1) % 4] for number, each in enumerate(DIRECTIONS)}
_COUNTERCLOCKWISE = {then: each for each, then in _CLOCKWISE.items()}


def _clockwise(_state: State, args: tuple[str, ...]) -> Value:
    return _CLOCKWISE.get(args[0])


def _counterclockwise(_state: State, args: tuple[str, ...]) -> Value:
    return _COUNTERCLOCKWISE.get(args[0])


@cache
def _are_beside(one: str, other: str) -> bool:
    here, there = place_of(one), place_of(other)
    return here is not None and there is not None and abs(here[0] - there[0]) + abs(here[1] - there[1]) == 1


def _beside(_state: State, args: tuple[str, ...]) -> Value:
    return _are_beside(args[0], args[1])


# --- the vocabulary ---------------------------------------------------------------------------------------------

_FLUENTS = (
    FluentSchema("sort", ("any",), "sort", static=True),
    FluentSchema(AT.name, (), "cell", about="the cell that you are in"),
    FluentSchema(FACING.name, (), "direction", about="the direction that you look in"),
    FluentSchema(CARRYING.name, (), "kind", about="what you carry, none for nothing"),
    FluentSchema(CARRIED_COLOR.name, (), "color", about="the colour of what you carry"),
    FluentSchema("object", ("cell",), "kind", about="what is in a cell, none for nothing"),
    FluentSchema("color", ("cell",), "color", about="the colour of what is in a cell"),
    FluentSchema("state", ("cell",), "kind", about="whether the door in a cell is open, closed or locked"),
    FluentSchema("front", (), "cell", derive=_front, is_reference=True, about="the cell ahead of you"),
    FluentSchema("clockwise", ("direction",), "direction", static=True, derive=_clockwise, is_reference=True),
    FluentSchema(
        "counterclockwise", ("direction",), "direction", static=True, derive=_counterclockwise, is_reference=True
    ),
)

# Origins and spots are sorts of their own, though they are named like cells: what is in the cell that a thing came from, or was dropped
# in before, says nothing of what an action does, and where all are one sort a learner weighs every such coincidence.
_OF_MISSIONS = (
    FluentSchema("beside", ("cell", "cell"), "bool", derive=_beside, about="whether two cells have a side in common"),
    FluentSchema(DROPPED.name, (), "spot", about="the cell that something was last dropped in"),
    FluentSchema(
        "spot_ahead", (), "spot", derive=_spot_ahead, is_reference=True, about="the cell that you would drop in"
    ),
    FluentSchema("origin", ("cell",), "origin", about="the cell that the thing in a cell was in at the start"),
    FluentSchema(CARRIED_ORIGIN.name, (), "origin", about="the cell that what you carry was in at the start"),
    *(
        FluentSchema(name, ("origin",), "bool", static=True, about=f"whether a cell is, from where you began, {words}")
        for words, name in PLACES.items()
    ),
)


def vocabulary(verbs: Sequence[str], *, has_missions: bool = False) -> Vocabulary:
    """Return what can be said where there are these ``verbs``; with missions in BabyAI's language, what they speak of, too."""
    fluents = (*_FLUENTS, *_OF_MISSIONS) if has_missions else _FLUENTS
    return Vocabulary(
        {schema.name: schema for schema in fluents},
        {verb: ActionSchema(verb, (), verb) for verb in verbs},
        reports_failure=False,
    )
