"""Tells what a mission speaks of beside what is in view: where things were at the start, and what was dropped last."""

from collections.abc import Callable, Sequence
from typing import Any

from agentwm.types import Fluent, Value
from agentwm_environments.cells import STEPS, Cell, cell, place_of

from .missions import Part, fluents_in
from .words import CARRIED_ORIGIN, DIRECTIONS, DROPPED, PLACES

__all__ = ["MissionFacts"]

_MOVED_OR_MEANT = ("ball", "box", "door", "key")


class MissionFacts:
    """Keeps the facts of one episode that its mission asks after, and only those: each costs whoever learns from it.

    A mission that says "on your left" means how things lay at the start, and in the room where it began. So a thing keeps its origin
    wherever it is carried, as it keeps its colour, and the places are said of cells.
    """

    def __init__(self, engine: Any, parts: Sequence[Part]) -> None:
        asked = fluents_in(parts)
        self._places = {name: _lies(engine, name) for name in PLACES.values() if name in asked}
        self._has_dropped = DROPPED.name in asked
        self._dropped: str | None = None
        self._carried = engine.carrying

    def note(self, engine: Any) -> None:
        """Take note of what the latest action did."""
        if self._carried is not None and engine.carrying is None:
            column, row = map(int, engine.front_pos)
            self._dropped = cell(row, column)
        self._carried = engine.carrying

    def tell(self, engine: Any, facts: dict[Fluent, Value]) -> None:
        """Add what the mission asks after to ``facts``, for the cells that these speak of."""
        if self._has_dropped:
            facts[DROPPED] = self._dropped
        if self._places:
            facts[CARRIED_ORIGIN] = None if engine.carrying is None else _origin(engine.carrying, None)
            for name in [fluent.args[0] for fluent in facts if fluent.name == "object"]:
                place = place_of(name)
                assert place is not None
                facts[Fluent("origin", (name,))] = _origin(engine.grid.get(place[1], place[0]), name)
                for fluent, lies in self._places.items():
                    facts[Fluent(fluent, (name,))] = lies(place)


def _origin(thing: Any, here: str | None) -> str | None:
    """Return the cell that ``thing`` was in at the start; ``here`` where nobody has moved it since it came out of a box."""
    if thing is None or thing.type not in _MOVED_OR_MEANT:
        return None
    if thing.init_pos is None:
        return here
    column, row = map(int, thing.init_pos)
    return cell(row, column)


def _lies(engine: Any, name: str) -> Callable[[Cell], bool]:
    """Return whether a cell lies in the place ``name`` of where the agent is now: in the same room, and by however little that way."""
    column, row = map(int, engine.agent_pos)
    down, right = STEPS[DIRECTIONS[engine.agent_dir]]
    room = engine.room_from_pos(column, row)
    down, right, sign = {
        "ahead_of_start": (down, right, 1),
        "behind_start": (down, right, -1),
        "right_of_start": (right, -down, 1),
        "left_of_start": (right, -down, -1),
    }[name]

    def lies(place: Cell) -> bool:
        way = (place[0] - row) * down + (place[1] - column) * right
        return way * sign > 0 and bool(room.pos_inside(place[1], place[0]))

    return lies
