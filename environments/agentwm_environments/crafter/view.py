"""Says what Crafter's picture shows: as facts about the cells in view and about the player, and in words."""

from functools import cache
from typing import TYPE_CHECKING, Any

from agentwm.types import Fluent, Value
from agentwm_environments.cells import STEPS, cell

from .words import (
    ACHIEVEMENTS,
    AT,
    COLUMNS,
    FACING,
    ITEMS,
    ROWS,
    SLEEPING,
    TALLIED,
    achieved,
    kind_of,
    object_in,
    sort_of,
    tally_of,
)

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["View"]

Facts = dict[Fluent, Value]

_FACING = {(right, down): name for name, (down, right) in STEPS.items()}
_ITEMS = tuple((item, Fluent(item)) for item in ITEMS)
_ACHIEVED = tuple((name, achieved(name)) for name in ACHIEVEMENTS)


class View:
    """What the player sees, is and has, in the episode that ``engine`` plays."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._kinds: dict[int, str | None] = engine.world._mat_names  # noqa: SLF001 -- Crafter has no door to its map
        self._tallied = self._tally = 0

    @property
    def has_achieved(self) -> bool:
        """Whether something was achieved for the first time in the latest step."""
        return self._tally > self._tallied

    def pass_step(self) -> None:
        """Take note that a step has passed."""
        self._tallied, self._tally = self._tally, sum(map(bool, self._engine.player.achievements.values()))

    def facts(self) -> Facts:
        """Return what is seen now."""
        player = self._engine.player
        column, row = map(int, player.pos)
        facts: Facts = {AT: cell(row, column), FACING: _FACING[tuple(player.facing)], SLEEPING: bool(player.sleeping)}
        facts.update({fluent: int(player.inventory[item]) for item, fluent in _ITEMS})
        facts.update({fluent: player.achievements[name] > 0 for name, fluent in _ACHIEVED})
        facts[TALLIED] = tally_of(self._tallied)
        facts.update(_DIRECTIONS)
        self._tell_cells(facts, row, column)
        return facts

    def _tell_cells(self, facts: Facts, row: int, column: int) -> None:
        """Add what is in view: of what each cell is made, and what stands there, but for the player."""
        world = self._engine.world
        top, left = max(0, row - ROWS // 2), max(0, column - COLUMNS // 2)
        window = world._mat_map[left : column + COLUMNS // 2 + 1, top : row + ROWS // 2 + 1].tolist()  # noqa: SLF001
        for right, numbers in enumerate(window, left):
            for down, number in enumerate(numbers, top):
                sort, kind, _ = _cell(down, right)
                facts[sort] = "cell"
                facts[kind] = self._kinds[number]
        indices = world._obj_map[left : column + COLUMNS // 2 + 1, top : row + ROWS // 2 + 1]  # noqa: SLF001
        for right, down in zip(*(each.tolist() for each in indices.nonzero()), strict=True):
            if (right + left, down + top) != (column, row):
                thing = world._objects[indices[right, down]]  # noqa: SLF001
                facts[_cell(down + top, right + left)[2]] = _name(thing)

    def text(self) -> str:
        """Return in words where the player is, what he faces, and how he is."""
        player = self._engine.player
        column, row = map(int, player.pos)
        material, thing = self._engine.world[player.pos + player.facing]
        faced = _name(thing) if thing is not None else material or "the end of the world"
        state = "You sleep" if player.sleeping else f"You face {faced}"
        had = [f"{player.inventory[item]} {item.replace('_', ' ')}" for item in ITEMS if player.inventory[item]]
        return f"You are at {cell(row, column)}. {state}. You have {', '.join(had)}."


_DIRECTIONS: Facts = {sort_of(name): "direction" for name in STEPS}


@cache
def _cell(row: int, column: int) -> tuple[Fluent, Fluent, Fluent]:
    name = cell(row, column)
    return sort_of(name), kind_of(name), object_in(name)


def _name(thing: Any) -> str:
    """Return what a creature, arrow or plant looks like, by the name of its picture: ``arrow left``, ``plant ripe``."""
    name: str = thing.texture
    return name.replace("-", " ")
