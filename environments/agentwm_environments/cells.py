"""What worlds made of cells share: the names of cells, the steps between them and, where they are seen in part, what a view tells anew."""

from collections.abc import Mapping
from functools import cache

from agentwm.types import Fluent, State, Value

__all__ = ["STEPS", "Cell", "beside", "cell", "news", "place_of"]

Cell = tuple[int, int]
"""A row and a column; both count from 0 at the top left."""

STEPS: Mapping[str, Cell] = {"right": (0, 1), "down": (1, 0), "left": (0, -1), "up": (-1, 0)}
"""How far down and to the right each direction leads, clockwise."""


@cache
def cell(row: int, column: int) -> str:
    """Return the name of a cell."""
    return f"cell {row} {column}"


@cache
def place_of(name: str) -> Cell | None:
    """Return where the cell of that ``name`` is, None for what is no name of a cell."""
    match name.split(" "):
        case ["cell", row, column]:
            return int(row), int(column)
    return None


@cache
def beside(name: str, direction: str) -> str | None:
    """Return the next cell in a direction, be it known or not; None for what is no cell or no direction."""
    place, step = place_of(name), STEPS.get(direction)
    return cell(place[0] + step[0], place[1] + step[1]) if place and step else None


def news(facts: State, state: State) -> tuple[dict[Fluent, Value], dict[Fluent, Value]]:
    """Return those of ``facts`` of which nothing was believed in ``state``, and those that were believed to be otherwise."""
    new: dict[Fluent, Value] = {}
    otherwise: dict[Fluent, Value] = {}
    known = state.get
    for fluent, value in facts.items():
        believed = known(fluent, _UNKNOWN)
        if believed is _UNKNOWN:
            new[fluent] = value
        elif believed != value:
            otherwise[fluent] = value
    return new, otherwise


_UNKNOWN = object()
