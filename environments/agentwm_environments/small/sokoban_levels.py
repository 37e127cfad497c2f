"""Small levels of Sokoban: drawn by chance, written as the game's players write them, and solved in as few moves as can be."""

import hashlib
import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from agentwm.errors import ConfigurationError, quoted
from agentwm.types import Action

__all__ = ["LEAST_MOVES", "MOVES", "Cell", "Level", "draw_level", "fingerprint", "least_moves", "read_level", "solve"]

Cell = tuple[int, int]
"""A row and a column, both counted from 0, the wall around the room included."""

MOVES: Mapping[str, Cell] = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
"""What each verb adds to the row and the column."""


@dataclass(frozen=True, slots=True)
class Level:
    """The cells that are no wall, the goals and the boxes, which are equally many, and where the player stands."""

    floor: frozenset[Cell]
    goals: frozenset[Cell]
    boxes: frozenset[Cell]
    player: Cell

    def __str__(self) -> str:
        height, width = (max(numbers) + 2 for numbers in zip(*self.floor, strict=True))
        return "\n".join("".join(self._letter((row, column)) for column in range(width)) for row in range(height))

    def _letter(self, cell: Cell) -> str:
        if cell not in self.floor:
            return "#"
        is_goal = cell in self.goals
        if cell in self.boxes:
            return "*" if is_goal else "$"
        if cell == self.player:
            return "+" if is_goal else "@"
        return "." if is_goal else " "


def read_level(text: str) -> Level:
    """Return the level that ``text`` draws: ``#`` wall, ``@`` player, ``$`` box, ``.`` goal, ``+`` and ``*`` player and box on a goal.

    What cannot be walked to, were there no boxes, is no part of it.

    Raises: ConfigurationError where it draws no level.
    """
    drawn = {(row, column): letter for row, line in enumerate(text.splitlines()) for column, letter in enumerate(line)}
    if unknown := sorted({*drawn.values()} - {*"# .$*@+"}):
        raise ConfigurationError(f"expected a level drawn with '# .$*@+', got {quoted(''.join(unknown))}")
    players = [cell for cell, letter in drawn.items() if letter in "@+"]
    if len(players) != 1:
        raise ConfigurationError(f"expected a level with one player, '@' or '+', got {len(players)}")
    floor = _reached({cell for cell, letter in drawn.items() if letter != "#"}, players[0])
    boxes = frozenset(cell for cell in floor if drawn[cell] in "$*")
    goals = frozenset(cell for cell in floor if drawn[cell] in ".+*")
    if not goals or len(boxes) != len(goals):
        raise ConfigurationError(f"expected as many boxes as goals within reach, got {len(boxes)} and {len(goals)}")
    return Level(floor, goals, boxes, players[0])


def fingerprint(level: Level) -> str:
    """Return what a level has in common with those that are it mirrored, turned or with the player elsewhere, and with no others."""
    shapes = [
        _shape([[(down * cell[turn], right * cell[1 - turn]) for cell in cells] for cells in _sets(level)])
        for down, right, turn in product((1, -1), (1, -1), (0, 1))
    ]
    return hashlib.sha256(min(shapes).encode()).hexdigest()


def _sets(level: Level) -> tuple[frozenset[Cell], ...]:
    return level.floor, level.goals, level.boxes


def _shape(sets: list[list[Cell]]) -> str:
    """Return ``sets`` of cells as a text that says nothing of where on the page they are; all lie within the first of them."""
    top, left = (min(numbers) for numbers in zip(*sets[0], strict=True))
    return repr([sorted((row - top, column - left) for row, column in cells) for cells in sets])


# --- drawing ----------------------------------------------------------------------------------------------------

LEAST_MOVES = 6

_CORNER = (
    1,
    5,
)  # the least and the largest row, and column, of the corner of a room: no cell's name tells where in a room it is
_SIDES = (5, 7)  # the least and the largest number of rows, and of columns, between the walls
_PILLARS = 0.15  # the share of the cells between the walls that are walls none the less
_LEAST_FLOOR = 15
_PULLS = (1, 6)  # the least and the largest number of pulls for each box


def draw_level(rng: random.Random, boxes: int) -> Level:
    """Return a level with so many ``boxes`` that can be solved, though in no fewer than `LEAST_MOVES`; no box is on a goal.

    It is drawn from its end: from a room with every box on a goal, off which they are pulled. A pull is a push backwards.
    """
    while True:
        floor = _room(rng)
        *goals, player = rng.sample(sorted(floor), boxes + 1)
        level = _pulled(Level(floor, frozenset(goals), frozenset(goals), player), rng)
        if not level.boxes & level.goals and least_moves(level) >= LEAST_MOVES:
            return level


def _room(rng: random.Random) -> frozenset[Cell]:
    """Return the cells of a room, each of which can be walked to from each."""
    while True:
        top, left = rng.randint(*_CORNER), rng.randint(*_CORNER)
        cells = product(range(top, top + rng.randint(*_SIDES)), range(left, left + rng.randint(*_SIDES)))
        free = [cell for cell in cells if rng.random() >= _PILLARS]
        floor = _reached(frozenset(free), rng.choice(free))
        if len(floor) >= _LEAST_FLOOR:
            return floor


def _pulled(level: Level, rng: random.Random) -> Level:
    """Return the level after some of the pulls that its player can do, with the player anywhere that can then be walked to."""
    boxes, player = level.boxes, level.player
    for _ in range(len(boxes) * rng.randint(*_PULLS)):
        free = level.floor - boxes
        reached = _reached(free, player)
        pulls = [
            (box, *ends) for box in sorted(boxes) for ends in _ahead(box) if ends[0] in reached and ends[1] in free
        ]
        if not pulls:
            break
        box, near, player = rng.choice(pulls)
        boxes = boxes - {box} | {near}
    return Level(level.floor, level.goals, boxes, rng.choice(sorted(_reached(level.floor - boxes, player))))


def _ahead(cell: Cell) -> Iterator[tuple[Cell, Cell]]:
    """Yield, in each direction, the next cell and the one after."""
    for down, right in MOVES.values():
        yield (cell[0] + down, cell[1] + right), (cell[0] + 2 * down, cell[1] + 2 * right)


def _reached(free: Collection[Cell], start: Cell) -> frozenset[Cell]:
    """Return the cells that can be walked to over ``free`` ones."""
    reached = {start}
    for cell in (queue := [start]):
        for near, _ in _ahead(cell):
            if near in free and near not in reached:
                reached.add(near)
                queue.append(near)
    return frozenset(reached)


def least_moves(level: Level) -> int:
    """Return a number of moves below which ``level`` cannot be solved: the way to a box, and the pushes that each takes by itself.

    Every box must be where it could be pushed to a goal, were it alone.
    """
    pushes = _pushes(level)
    walks = (abs(level.player[0] - row) + abs(level.player[1] - column) - 1 for row, column in level.boxes)
    return min(walks) + sum(pushes[box] for box in level.boxes)


def _pushes(level: Level) -> Mapping[Cell, int]:
    """Return, for each cell from where a box alone can be pushed to a goal, in how many pushes that can be done at least."""
    pushes = dict.fromkeys(level.goals, 0)
    for cell in (queue := [*level.goals]):
        for near, far in _ahead(cell):
            if near in level.floor and far in level.floor and near not in pushes:
                pushes[near] = pushes[cell] + 1
                queue.append(near)
    return pushes


# --- solving ----------------------------------------------------------------------------------------------------


def solve(level: Level) -> tuple[Action, ...] | None:
    """Return a way to have every goal hold a box in as few moves as can be: empty where they do, None where there is no way.

    The search is breadth first. It passes over boxes where no push leads to a goal any more.
    """
    cells = sorted(level.floor)
    pushes = _pushes(level)
    # A state is one number: a bit for each cell that holds a box and, in the lowest bits, the cell where the player is.
    width = len(cells).bit_length()
    numbers = {cell: number for number, cell in enumerate(cells)}
    boxed = {cell: 1 << width + number for cell, number in numbers.items()}
    ways = [
        [
            (verb, numbers[near], boxed[near], boxed[far] if far in pushes else 0)
            for verb, (near, far) in zip(MOVES, _ahead(cell), strict=True)
            if near in numbers
        ]
        for cell in cells
    ]
    solved = sum(boxed[cell] for cell in level.goals)
    start = sum(boxed[cell] for cell in level.boxes) | numbers[level.player]
    came: dict[int, tuple[int, str]] = {start: (-1, "")}
    for state in (queue := [start]) if level.boxes <= pushes.keys() else ():
        player = state & (1 << width) - 1
        boxes = state ^ player
        if boxes == solved:
            return _traced(came, state)
        for verb, near, box, place in ways[player]:
            if not boxes & box:
                following = boxes | near
            elif place and not boxes & place:
                following = boxes ^ box ^ place | near
            else:
                continue
            if following not in came:
                came[following] = state, verb
                queue.append(following)
    return None


def _traced(came: Mapping[int, tuple[int, str]], state: int) -> tuple[Action, ...]:
    """Return the moves that led to ``state``; ``came`` holds where each state was come to from, and by which verb."""
    moves = []
    while came[state][1]:
        state, verb = came[state]
        moves.append(Action(verb))
    return tuple(reversed(moves))
