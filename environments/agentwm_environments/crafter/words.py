"""What can be said of Crafter: where things are, what is faced, what is had, what was achieved; and the actions."""

from collections.abc import Iterator
from functools import cache, partial

from agentwm.types import ActionSchema, Fluent, FluentSchema, State, Value, Vocabulary
from agentwm_environments.cells import beside, cell, place_of

__all__ = [
    "ACHIEVEMENTS",
    "AT",
    "COLUMNS",
    "FACING",
    "ITEMS",
    "ROWS",
    "SLEEPING",
    "TALLIED",
    "VITALS",
    "VOCABULARY",
    "achieved",
    "kind_of",
    "object_in",
    "objects_in_view",
    "sort_of",
    "tally_of",
    "verb_of",
]

COLUMNS, ROWS = 9, 7
"""How many cells the view shows, the player in its middle."""

VITALS = ("health", "food", "drink", "energy")
ITEMS = (
    *VITALS,
    *("sapling", "wood", "stone", "coal", "iron", "diamond"),
    *("wood_pickaxe", "stone_pickaxe", "iron_pickaxe", "wood_sword", "stone_sword", "iron_sword"),
)
"""What the row below the view counts: how the player is, and what he has."""

ACHIEVEMENTS = (
    *("collect_coal", "collect_diamond", "collect_drink", "collect_iron", "collect_sapling", "collect_stone"),
    *("collect_wood", "defeat_skeleton", "defeat_zombie", "eat_cow", "eat_plant", "make_iron_pickaxe"),
    *("make_iron_sword", "make_stone_pickaxe", "make_stone_sword", "make_wood_pickaxe", "make_wood_sword"),
    *("place_furnace", "place_plant", "place_stone", "place_table", "wake_up"),
)
"""What there is to achieve, by Crafter's names."""

AT = Fluent("at")
FACING = Fluent("facing")
SLEEPING = Fluent("sleeping")
TALLIED = Fluent("tallied")

_WORKPLACES = ("table", "furnace")


# --- names --------------------------------------------------------------------------------------------------------


@cache
def kind_of(name: str) -> Fluent:
    """Return what says of what a cell is made."""
    return Fluent("kind", (name,))


@cache
def object_in(name: str) -> Fluent:
    """Return what says which creature, arrow or plant is in a cell."""
    return Fluent("object", (name,))


def sort_of(name: str) -> Fluent:
    """Return what says of which sort a thing is."""
    return Fluent("sort", (name,))


def achieved(name: str) -> Fluent:
    """Return what says whether something was achieved in this episode."""
    return Fluent(f"achieved_{name}")


_ACHIEVED = tuple(map(achieved, ACHIEVEMENTS))


def verb_of(action: str) -> tuple[str, tuple[str, ...]]:
    """Return the verb and the arguments for an action by Crafter's name: directions are things, so that one law serves all four."""
    if action.startswith("move_"):
        return "move", (action.removeprefix("move_"),)
    return action.replace("_", " "), ()


# --- what is derived ----------------------------------------------------------------------------------------------


def _toward(state: State, args: tuple[str, ...]) -> Value:
    """Return the next cell in a direction, be it known or not."""
    return beside(str(state.get(AT)), args[0])


def _in_view(name: str) -> Iterator[tuple[int, str]]:
    """Yield the cells that are in view from one with how far each is: a diagonal step is one."""
    if place := place_of(name):
        for down in range(-(ROWS // 2), ROWS // 2 + 1):
            for right in range(-(COLUMNS // 2), COLUMNS // 2 + 1):
                yield max(abs(down), abs(right)), cell(place[0] + down, place[1] + right)


@cache
def objects_in_view(name: str) -> tuple[Fluent, ...]:
    """Return what says which creatures are in the cells that are in view from one."""
    return tuple(object_in(each) for _, each in _in_view(name))


@cache
def _rings(name: str) -> tuple[tuple[Fluent, ...], ...]:
    """Return what says of what the cells in view from one are made: those so far away at that place."""
    rings: list[list[Fluent]] = [[] for _ in range(COLUMNS // 2 + 1)]
    for distance, each in _in_view(name):
        rings[distance].append(kind_of(each))
    return tuple(map(tuple, rings))


def _distance(state: State, _args: tuple[str, ...], *, kind: str) -> int:
    for distance, ring in enumerate(_rings(str(state.get(AT)))):
        if any(state.get(fluent) == kind for fluent in ring):
            return distance
    return COLUMNS


def tally_of(number: int) -> str:
    """Return a number of achievements as a word: what pays is that there is another, not how many there are."""
    return f"{number} achieved"


def _tally(state: State, _args: tuple[str, ...]) -> str:
    return tally_of(sum(state.get(fluent) is True for fluent in _ACHIEVED))


# --- the vocabulary -----------------------------------------------------------------------------------------------


def _fluents() -> Iterator[FluentSchema]:
    yield FluentSchema("sort", ("any",), "sort", static=True)
    yield FluentSchema("kind", ("cell",), "kind", about="what a cell is made of")
    yield FluentSchema(
        "object", ("cell",), "kind", has_default=True, about="the creature, arrow or plant in a cell, nothing for none"
    )
    # A place of its own sort: you hide what is under you, so nothing is asked of the cell that you are in but which one it is.
    yield FluentSchema(AT.name, (), "place", about="the cell that you are in")
    yield FluentSchema(FACING.name, (), "direction", about="the direction that you face")
    yield FluentSchema(
        "toward", ("direction",), "cell|place", derive=_toward, is_reference=True, about="the next cell in a direction"
    )
    for kind in _WORKPLACES:
        about = f"how many steps away, diagonal ones too, the nearest {kind} in view is; {COLUMNS} where there is none"
        yield FluentSchema(f"distance_to_{kind}", (), "number", derive=partial(_distance, kind=kind), about=about)
    for item in ITEMS:
        yield FluentSchema(item, (), "number")
    yield FluentSchema(SLEEPING.name, (), "bool", about="whether you sleep")
    for name in ACHIEVEMENTS:
        yield FluentSchema(achieved(name).name, (), "bool")
    yield FluentSchema("tally", (), "tally", derive=_tally, about="how many different things were achieved so far")
    yield FluentSchema(TALLIED.name, (), "tally", about="how many there were before the latest action")


def _actions() -> Iterator[ActionSchema]:
    yield ActionSchema("noop", (), "noop")
    yield ActionSchema("move", ("direction",), "move {0}")
    made = [f"{verb} {item}" for verb, items in _MADE.items() for item in items]
    for verb in ("do", "sleep", *made):
        yield ActionSchema(verb, (), verb)


_TOOLS = ("wood pickaxe", "stone pickaxe", "iron pickaxe", "wood sword", "stone sword", "iron sword")
_MADE = {"place": ("stone", "table", "furnace", "plant"), "make": _TOOLS}

VOCABULARY = Vocabulary(
    {schema.name: schema for schema in _fluents()},
    {schema.verb: schema for schema in _actions()},
    reports_failure=False,
)
