"""Says what is in the window that MiniGrid shows: as facts about cells, and in words."""

from collections.abc import Mapping
from functools import cache

from agentwm.types import Fluent, Value
from agentwm_environments.cells import STEPS, cell

from .words import DIRECTIONS

__all__ = ["EMPTY", "View"]

Code = bytes
Facts = Mapping[Fluent, Value]

# MiniGrid's numbers; source: minigrid.core.constants.
_KINDS = ("unseen", "none", "wall", "none", "door", "key", "ball", "box", "goal", "lava", "none")
_COLORS = ("red", "green", "blue", "purple", "yellow", "grey")
_STATES = ("open", "closed", "locked")
EMPTY: Code = b"\1\0\0"
_UNSEEN, _WALL, _FLOOR = 0, 2, 3
_COLORLESS = ("none", "wall")


class View:
    """Reads MiniGrid's images of a grid of ``height`` by ``width``.

    The window is a square in front of the agent, who stands in the middle of its near side; a cell is three bytes: what is in it, of
    which colour, in which state. What was worked out once per pose and per cell is kept.
    """

    def __init__(self, height: int, width: int, side: int) -> None:
        self.height, self.width, self.side = height, width, side
        self._cells = {(row, column): _Cell(cell(row, column)) for row in range(height) for column in range(width)}
        self._windows: dict[tuple[int, int, int], list[tuple[int, _Cell]]] = {}

    def facts(self, image: bytes, row: int, column: int, direction: int, own: Code) -> dict[Fluent, Value]:
        """Return what is told of the cells in view, where the agent stands on what ``own`` says."""
        facts: dict[Fluent, Value] = {}
        for start, seen in self._window(row, column, direction):
            facts.update(seen[image[start : start + 3]])
        facts.update(self._cells[row, column][own])
        return facts

    def words(self, image: bytes, row: int, column: int, direction: int, carried: str) -> str:
        """Return in words what is in view, and that ``carried`` is carried."""
        seen, wall = [], ""
        for start, _ in self._window(row, column, direction):
            kind = image[start]
            if kind > _FLOOR or kind == _WALL:
                ahead, aside = self._offset(start // 3)
                if kind > _FLOOR:
                    seen.append(_phrase(image[start : start + 3], ahead, aside))
                elif aside == 0:
                    wall = f" The wall ahead is {_steps(ahead)} away."  # the near ones come last
        things = f" You see {', '.join(seen)}." if seen else ""
        return f"You face {DIRECTIONS[direction]} and carry {carried}.{things}{wall}"

    def _offset(self, number: int) -> tuple[int, int]:
        """Return how far ahead and to the right of the agent the part ``number`` of an image is."""
        across, away = divmod(number, self.side)
        return self.side - 1 - away, across - self.side // 2

    def _window(self, row: int, column: int, direction: int) -> "list[tuple[int, _Cell]]":
        """Return, for each cell of the grid that the window shows, where its bytes begin in an image."""
        window = self._windows.get((row, column, direction))
        if window is None:
            down, right = STEPS[DIRECTIONS[direction]]
            window = []
            for number in range(self.side**2):
                ahead, aside = self._offset(number)
                place = row + ahead * down + aside * right, column + ahead * right - aside * down
                if place in self._cells and (ahead or aside):
                    window.append((3 * number, self._cells[place]))
            self._windows[row, column, direction] = window
        return window


class _Cell(dict[Code, Facts]):
    """What is told of one cell, by what is in it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __missing__(self, code: Code) -> Facts:
        facts: dict[Fluent, Value] = {}
        if code[0] != _UNSEEN:
            kind, color, state = described(code)
            where = (self.name,)
            facts = {
                Fluent("sort", where): "cell",
                Fluent("object", where): kind,
                Fluent("color", where): color,
                Fluent("state", where): state,
            }
        self[code] = facts
        return facts


@cache
def _phrase(code: Code, ahead: int, aside: int) -> str:
    kind, color, state = described(code)
    thing = " ".join(word for word in (state, color, kind) if word)
    ways = [f"{_steps(ahead)} ahead"] if ahead else []
    if aside:
        ways.append(f"{_steps(abs(aside))} to the {'right' if aside > 0 else 'left'}")
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing} {' and '.join(ways)}"


def _steps(number: int) -> str:
    return "1 step" if number == 1 else f"{number} steps"


def described(code: Code) -> tuple[str, str | None, str | None]:
    """Return what is in a cell, its colour, and the state of a door."""
    kind = _KINDS[code[0]]
    color = None if kind in _COLORLESS else _COLORS[code[1]]
    return kind, color, _STATES[code[2]] if kind == "door" else None
