"""New households and tasks, drawn by a seed: as large, as full and as awkward as the official ones, and always winnable.

A *layout* is the furniture of one room: its receptacles, which of them can be opened, which share a location. Train and test games
are set in different layouts.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count as counting
from itertools import islice

from agentwm.errors import ConfigurationError, quoted

from .game import TASK_TYPES, Game, Receptacle, Thing
from .laws import ORDINARY, Laws
from .rooms import (
    CLEANABLE,
    CONTAINERS,
    COOLABLE,
    DOOR_SHARES,
    FIXED,
    HEATABLE,
    NOT_DESTINATIONS,
    NOT_TARGETS,
    ROOM_SHARES,
    SLICEABLE,
    SMALL,
    TEMPLATES,
    TOGGLEABLE,
    Furniture,
    Room,
    Stock,
    held_by,
)
from .solver import solve

__all__ = ["LAYOUTS", "generate"]

LAYOUTS: Mapping[str, int] = {"test": 20, "train": 60}
"""How many layouts each split has per type of room."""

_LAMP = "desklamp"
_NOWHERE = "nowhere"
_CONTENTS_SHARE = 0.03
_COOL_SHARE = 0.1
_EXTRA_SHARE = 0.2
_ATTEMPTS = 10_000

_TREATED = {
    "pick_clean_then_place_in_recep": CLEANABLE,
    "pick_heat_then_place_in_recep": HEATABLE,
    "pick_cool_then_place_in_recep": COOLABLE,
}
_APPLIANCES = {"pick_heat_then_place_in_recep": "microwave", "pick_cool_then_place_in_recep": "fridge"}
_WORDINGS = {
    "pick_and_place_simple": ("put a {0} in {1}", "put some {0} on {1}"),
    "look_at_obj_in_light": ("look at {0} under the {1}", "examine the {0} with the {1}"),
    "pick_clean_then_place_in_recep": ("put a clean {0} in {1}", "clean some {0} and put it in {1}"),
    "pick_heat_then_place_in_recep": ("put a hot {0} in {1}", "heat some {0} and put it in {1}"),
    "pick_cool_then_place_in_recep": ("put a cool {0} in {1}", "cool some {0} and put it in {1}"),
    "pick_two_obj_and_place": ("put two {0} in {1}", "find two {0} and put them in {1}"),
}


def generate(split: str, count: int | None, seed: int, *, laws: Laws = ORDINARY) -> Iterator[Game]:
    """Yield ``count`` games of ``split`` (endlessly many for None), the same ones for the same ``seed``.

    The six task types take turns. Games that ``laws`` leave without a solution are drawn again.

    Raises: ConfigurationError when there is no such split, or when no winnable game can be drawn.
    """
    if split not in LAYOUTS:
        raise ConfigurationError(f"unknown split {quoted(split)}: generated games have {', '.join(sorted(LAYOUTS))}")
    return islice((_winnable(split, seed, index, laws) for index in counting()), count)


def _winnable(split: str, seed: int, index: int, laws: Laws) -> Game:
    task_type = TASK_TYPES[index % len(TASK_TYPES)]
    name = f"{split}-{seed}-{index:06d}-{task_type}"
    rng = random.Random(name)
    for _ in range(_ATTEMPTS):
        game = _draw(rng, name, task_type, split)
        if game is not None and solve(game, laws):
            return game
    raise ConfigurationError(
        f"expected a winnable game of type {task_type}, got none in {_ATTEMPTS} draws; use other laws"
    )


# --- layouts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Layout:
    """The furniture of one room. ``by_kind`` holds the receptacles of each kind, in the order of their numbers."""

    id: str
    room: Room
    receptacles: tuple[Receptacle, ...]
    by_kind: Mapping[str, Sequence[Receptacle]]
    number_of_locations: int


@cache
def _layouts(room_name: str) -> Mapping[str, Sequence[_Layout]]:
    """Return the layouts of each split for a type of room; no two are alike."""
    rng = random.Random(f"layouts of {room_name}")
    seen = set()
    layouts: dict[str, list[_Layout]] = {split: [] for split in LAYOUTS}
    for split, number in LAYOUTS.items():
        while len(layouts[split]) < number:
            layout_id = f"{split} {room_name} {len(layouts[split]) + 1}"
            layout = _draw_layout(rng, layout_id, TEMPLATES[room_name])
            if layout.receptacles not in seen:
                seen.add(layout.receptacles)
                layouts[split].append(layout)
    return layouts


def _draw_layout(rng: random.Random, layout_id: str, room: Room) -> _Layout:
    by_kind: dict[str, list[Receptacle]] = {}
    names = [
        (furniture.kind, number) for furniture in room.furniture for number in range(1, _number_of(furniture, rng) + 1)
    ]
    for location, (kind, number) in zip(rng.sample(range(len(names)), len(names)), names, strict=True):
        is_openable = rng.random() < DOOR_SHARES.get(kind, 0.0)
        by_kind.setdefault(kind, []).append(Receptacle(f"{kind} {number}", kind, location, is_openable))
    _share_locations(rng, room, by_kind)
    # Official texts list kinds by the alphabet, and the numbers of a kind from the highest down.
    receptacles = tuple(r for kind in sorted(by_kind) for r in reversed(by_kind[kind]))
    return _Layout(layout_id, room, receptacles, by_kind, len(names))


def _number_of(furniture: Furniture, rng: random.Random) -> int:
    if rng.random() >= furniture.presence:
        return 0
    number = round(rng.triangular(furniture.fewest - 0.5, furniture.most + 0.5, furniture.usual))
    return min(max(number, furniture.fewest), furniture.most)


def _share_locations(rng: random.Random, room: Room, by_kind: dict[str, list[Receptacle]]) -> None:
    """Move some receptacles to the location of another one; neighbours by number where they are of one kind."""
    alone = {kind: list(range(len(receptacles))) for kind, receptacles in by_kind.items()}
    for sharing in room.sharing:
        for _ in range(3):
            needed = Counter(sharing.kinds)
            if rng.random() >= sharing.expected / 3 or any(len(alone.get(k, ())) < n for k, n in needed.items()):
                continue
            group = []
            for kind, number in needed.items():
                first = rng.randrange(len(alone[kind]) - number + 1)
                group += [(kind, index) for index in alone[kind][first : first + number]]
                del alone[kind][first : first + number]
            shared = by_kind[group[0][0]][group[0][1]].location
            for kind, index in group:
                by_kind[kind][index] = replace(by_kind[kind][index], location=shared)


# --- games --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Task:
    """What is asked for, and ``least``: how many things of each kind there must be within reach."""

    task_type: str
    target: str
    destination: str
    least: Mapping[str, int]


def _draw(rng: random.Random, name: str, task_type: str, split: str) -> Game | None:
    """Return a game whose goal does not hold at the start, or None when this draw gave none."""
    shares = ROOM_SHARES[task_type]
    room_name = rng.choices(list(shares), list(shares.values()))[0]
    layout = rng.choice(_layouts(room_name)[split])
    task = _draw_task(rng, layout, task_type)
    if task is None:
        return None
    start = layout.number_of_locations
    things = _draw_things(rng, layout, task, start + 1)
    if things is None:
        return None
    kinds = {thing.kind for thing in things}
    return Game(
        id=name,
        task_type=task_type,
        goal_text=rng.choice(_WORDINGS[task_type]).format(task.target, task.destination),
        target=task.target,
        destination=task.destination,
        receptacles=layout.receptacles,
        things=tuple(things),
        can_contain=frozenset((kind, content) for kind in layout.by_kind for content in held_by(kind) & kinds),
        start=start,
        room=layout.id,
    )


def _draw_task(rng: random.Random, layout: _Layout, task_type: str) -> _Task | None:
    treated = _TREATED.get(task_type)
    number = 2 if task_type == "pick_two_obj_and_place" else 1
    targets = [
        stock.kind
        for stock in layout.room.stock
        if stock.kind not in FIXED | NOT_TARGETS
        and (treated is None or stock.kind in treated)
        and len(stock.numbers) >= number
        and not stock.places.keys().isdisjoint(layout.by_kind)
    ]
    target = rng.choice(targets)
    if task_type == "look_at_obj_in_light":
        return _Task(task_type, target, _LAMP, {target: 1, _LAMP: 1})
    excluded = NOT_DESTINATIONS | {_APPLIANCES.get(task_type, "")}
    destinations = [kind for kind in layout.by_kind if target in held_by(kind) and kind not in excluded]
    if not destinations:
        return None
    return _Task(task_type, target, rng.choice(destinations), {target: number})


def _draw_things(rng: random.Random, layout: _Layout, task: _Task, free_location: int) -> list[Thing] | None:
    """Return the things of a room in the order of texts, or None where too few that the task needs are within reach."""
    things: list[Thing] = []
    for stock in layout.room.stock:
        least = task.least.get(stock.kind, 0)
        places = _places(stock, layout, task)
        placed = []
        for number in range(_number_present(rng, stock, least), 0, -1):
            receptacle = _place(rng, places, layout)
            location = free_location if receptacle is None else receptacle.location
            free_location += receptacle is None
            is_cool = receptacle is not None and _is_cool(rng, stock.kind, receptacle, task)
            placed.append(_thing(stock.kind, number, receptacle, location, is_cool=is_cool))
        if sum(thing.receptacle is not None for thing in placed) < least:
            return None
        things += placed
    things.sort(key=lambda thing: thing.kind)
    return _fill_containers(rng, things)


def _places(stock: Stock, layout: _Layout, task: _Task) -> dict[str, int]:
    """Return the weights of the kinds of place that ``stock`` may lie in, such that the task is not done already."""
    is_barred = stock.kind == task.target and task.task_type not in _TREATED
    return {
        kind: weight
        for kind, weight in stock.places.items()
        if (kind in layout.by_kind or kind == _NOWHERE) and not (is_barred and kind == task.destination)
    }


def _number_present(rng: random.Random, stock: Stock, least: int) -> int:
    if least == 0 and rng.random() >= stock.presence:
        return 0
    number = rng.choices(range(1, len(stock.numbers) + 1), stock.numbers)[0]
    # Official rooms have a little more of what their task asks for.
    is_extra = least > 0 and stock.kind not in FIXED and rng.random() < _EXTRA_SHARE
    return max(number, least) + is_extra


def _place(rng: random.Random, places: Mapping[str, int], layout: _Layout) -> Receptacle | None:
    kind = rng.choices(list(places), list(places.values()))[0] if places else _NOWHERE
    return None if kind == _NOWHERE else rng.choice(layout.by_kind[kind])


def _is_cool(rng: random.Random, kind: str, receptacle: Receptacle, task: _Task) -> bool:
    """Return whether a thing starts out cool, as some in official fridges do (never where the task is to cool it)."""
    is_chilled = receptacle.kind == "fridge" and kind in COOLABLE
    return is_chilled and task.task_type != "pick_cool_then_place_in_recep" and rng.random() < _COOL_SHARE


def _thing(kind: str, number: int, receptacle: Receptacle | None, location: int, *, is_cool: bool) -> Thing:
    return Thing(
        name=f"{kind} {number}",
        kind=kind,
        receptacle=receptacle.name if receptacle else None,
        location=location,
        is_pickupable=kind not in FIXED,
        is_toggleable=kind in TOGGLEABLE,
        is_cleanable=kind in CLEANABLE,
        is_heatable=kind in HEATABLE,
        is_coolable=kind in COOLABLE,
        is_sliceable=kind in SLICEABLE,
        is_container=kind in CONTAINERS,
        is_cool=is_cool,
    )


def _fill_containers(rng: random.Random, things: list[Thing]) -> list[Thing]:
    """Return ``things`` with a small one inside some bowl or box that stands in the same receptacle."""
    neighbours = defaultdict(list)
    for thing in things:
        if thing.receptacle is not None and thing.kind in SMALL:
            neighbours[thing.receptacle].append(thing.name)
    filled = []
    for thing in things:
        near = neighbours.get(thing.receptacle or "") if thing.is_container else None
        if near and rng.random() < _CONTENTS_SHARE:
            filled.append(replace(thing, contents=(near.pop(rng.randrange(len(near))),)))
        else:
            filled.append(thing)
    return filled
