"""Finds out how well a level can be played, to hold results against: by BabyAIBot, or by searching the whole grid.

What this knows of a level, and of what actions do, is for reports alone: no agent is ever told.
"""

import importlib
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from agentwm.types import Condition, Ref, Reference
from agentwm_environments.cells import STEPS, Cell

from .missions import parts_of
from .words import CARRIED_COLOR, CARRYING, DIRECTIONS

__all__ = ["MOST_STATES", "reference", "shortest"]

MOST_STATES = 300_000
"""How many states are looked at before the search gives up: a few seconds."""

_PORTABLE = ("ball", "box", "key")


def reference(engine: Any) -> Reference | None:
    """Return how well the level that ``engine`` has begun can be played, None where nobody knows; ``engine`` may be used up by it.

    BabyAIBot sees what an agent sees, but knows beforehand how everything works. The shortest way is that of somebody who sees the whole
    grid, too. ``reward`` is the return by MiniGrid's own count, which shrinks with the steps.
    """
    if hasattr(engine, "instrs"):
        return _by_bot(engine)
    way = None if hasattr(engine, "obstacles") else shortest(engine)  # obstacles move by chance
    if way is None or len(way) > engine.max_steps:
        return None
    steps = len(way)
    return Reference("shortest way through the whole grid", steps, 1 - 0.9 * steps / engine.max_steps)


# --- BabyAIBot --------------------------------------------------------------------------------------------------


def _by_bot(engine: Any) -> Reference | None:
    bots = importlib.import_module("minigrid.utils.baby_ai_bot")
    total, is_over = 0.0, False
    try:
        bot = bots.BabyAIBot(engine)
        action = None
        while not is_over:
            action = bot.replan(action)
            _, reward, terminated, truncated, _ = engine.step(action)
            total += float(reward)
            is_over = terminated or truncated
    except Exception:  # noqa: BLE001 -- some levels are beyond it, and it says so in any way
        return None
    return Reference("BabyAIBot", engine.step_count, total) if total > 0 else None


# --- the shortest way -------------------------------------------------------------------------------------------


class _Pose(NamedTuple):
    """What a level's state comes to: ``lying`` says where each thing that can be carried is, None for in hand."""

    place: Cell
    direction: int
    lying: tuple[Cell | None, ...]
    opened: frozenset[Cell]


class _Level:
    """The walls, doors and things of a level, and what the mission asks for."""

    def __init__(self, engine: Any) -> None:
        self.free: set[Cell] = set()
        self.goals: set[Cell] = set()
        self.doors: dict[Cell, Any] = {}
        self.things: list[Any] = []
        places: list[Cell] = []
        for row in range(engine.height):
            for column in range(engine.width):
                thing = engine.grid.get(column, row)
                kind = "none" if thing is None else thing.type
                if kind in _PORTABLE:
                    self.things.append(thing)
                    places.append((row, column))
                if kind == "door":
                    self.doors[row, column] = thing
                elif kind not in ("wall", "lava"):
                    self.free.add((row, column))
                if kind == "goal":
                    self.goals.add((row, column))
        column, row = map(int, engine.agent_pos)
        opened = frozenset(place for place, door in self.doors.items() if door.is_open)
        self.start = _Pose((row, column), int(engine.agent_dir), tuple(places), opened)
        self.part = next(iter(parts_of(engine.mission)), ())

    @property
    def can_be_won(self) -> bool:
        """Whether it is known what ends it: a goal square, something to be carried or a door to be opened."""
        return bool(self.goals or self.part)

    def is_won(self, pose: _Pose) -> bool:
        """Whether ``pose`` is what is asked for."""
        return pose.place in self.goals or (bool(self.part) and all(self._holds(each, pose) for each in self.part))

    def _holds(self, condition: Condition, pose: _Pose) -> bool:
        held = next((thing for thing, place in zip(self.things, pose.lying, strict=True) if place is None), None)
        ahead = _ahead(pose)
        door = self.doors.get(ahead)
        known = {
            CARRYING.name: held and held.type,
            CARRIED_COLOR.name: held and held.color,
            "object": door and door.type,
            "color": door and door.color,
            "state": "open" if ahead in pose.opened else "closed",
        }
        return isinstance(condition.left, Ref) and known.get(condition.left.name) == condition.right

    def steps(self, pose: _Pose) -> Iterator[tuple[str, _Pose]]:
        """Yield each action that does something, with what it leads to."""
        yield "right", pose._replace(direction=(pose.direction + 1) % 4)
        yield "left", pose._replace(direction=(pose.direction - 1) % 4)
        ahead = _ahead(pose)
        lies = ahead in pose.lying
        if not lies and (ahead in self.free or ahead in pose.opened):
            yield "forward", pose._replace(place=ahead)
        held = pose.lying.index(None) if None in pose.lying else None
        if lies and held is None:
            yield "pickup", pose._replace(lying=_put(pose.lying, pose.lying.index(ahead), None))
        if not lies and held is not None and ahead in self.free and ahead not in self.goals:
            yield "drop", pose._replace(lying=_put(pose.lying, held, ahead))
        door = self.doors.get(ahead)
        if door is not None and ahead not in pose.opened and (not door.is_locked or self._fits(held, door)):
            yield "toggle", pose._replace(opened=pose.opened | {ahead})

    def _fits(self, held: int | None, door: Any) -> bool:
        return held is not None and self.things[held].type == "key" and self.things[held].color == door.color


def shortest(engine: Any) -> tuple[str, ...] | None:
    """Return the fewest actions that win the level that ``engine`` has begun, None where they are not found.

    Doors are only ever opened, and boxes left shut: levels with something hidden are not solved.
    """
    level = _Level(engine)
    if not level.can_be_won:
        return None
    frontier = deque([level.start])
    before: dict[_Pose, tuple[str, _Pose] | None] = {level.start: None}
    while frontier and len(before) < MOST_STATES:
        pose = frontier.popleft()
        for verb, then in level.steps(pose):
            if then not in before:
                before[then] = verb, pose
                if level.is_won(then):
                    return tuple(reversed([*_back(then, before)]))
                frontier.append(then)
    return None


def _back(pose: _Pose, before: Mapping[_Pose, tuple[str, _Pose] | None]) -> Iterator[str]:
    while step := before[pose]:
        verb, pose = step
        yield verb


def _ahead(pose: _Pose) -> Cell:
    down, right = STEPS[DIRECTIONS[pose.direction]]
    return pose.place[0] + down, pose.place[1] + right


def _put(lying: tuple[Cell | None, ...], number: int, where: Cell | None) -> tuple[Cell | None, ...]:
    return (*lying[:number], where, *lying[number + 1 :])
