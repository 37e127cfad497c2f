"""Draws rooms, doors and keys such that the treasury can be reached."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from agentwm.types import Fluent, State, Value

from .locks_laws import COLOURS, TREASURY, Laws
from .world import AT, entity

__all__ = ["layout"]

_ROOMS = ("attic", "cellar", "chapel", "hall", "kitchen", "library", "pantry", "study")
_OPEN_AT_FIRST = 0.2
_EXTRA = 0.5


@dataclass(frozen=True, slots=True)
class _Door:
    near: str
    far: str
    colour: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class _Key:
    room: str
    colour: str


def layout(rng: random.Random, laws: Sequence[Laws]) -> State:
    """Return an opening state from which the treasury can be reached under each of ``laws``.

    The rooms form a tree with the treasury at least two doors from the start; sometimes one more door makes a ring. Each door of the tree
    has a key in a room that is reached before it, in the very room before it where keys cannot be carried on or doors shut on their own,
    and one to itself where keys are used up.
    """
    kinds = rng.sample(_ROOMS, rng.randint(3, 5))
    rooms = [*(f"{kind} {rng.randint(1, 9)}" for kind in kinds), f"{TREASURY} {rng.randint(1, 9)}"]
    doors = _tree(rooms, rng)
    keys = _keys(rooms, doors, laws, rng)
    if rng.random() < _EXTRA:
        near, far = rng.sample(rooms[:-1], 2)
        doors.append(_Door(near, far, rng.choice(COLOURS), is_open=False))
    if rng.random() < _EXTRA:
        keys.append(_Key(rng.choice(rooms[:-1]), rng.choice(COLOURS)))
    return _facts(rooms, rng.sample(doors, len(doors)), rng.sample(keys, len(keys)))


def _tree(rooms: Sequence[str], rng: random.Random) -> list[_Door]:
    """Return the doors that join each room to one before it: ``rooms`` begins with the start and ends with the treasury."""
    doors = []
    for number, room in enumerate(rooms[1:], 1):
        is_last = number == len(rooms) - 1
        near = rng.choice(rooms[1:number] if is_last else rooms[:number])
        is_open = not is_last and rng.random() < _OPEN_AT_FIRST
        doors.append(_Door(near, room, rng.choice(COLOURS), is_open))
    return doors


def _keys(rooms: Sequence[str], doors: Sequence[_Door], laws: Sequence[Laws], rng: random.Random) -> list[_Key]:
    is_near = any(law.shuts_behind or law.needs_empty_hands for law in laws)
    is_own = any(law.uses_up_key for law in laws)
    keys: list[_Key] = []
    for number, door in enumerate(doors, 1):
        at_hand = [door.near] if is_near else rooms[:number]
        for colour in sorted({law.key_for(door.colour) for law in laws}):
            if is_own or not any(key.colour == colour and key.room in at_hand for key in keys):
                keys.append(_Key(rng.choice(at_hand), colour))
    return keys


def _facts(rooms: Sequence[str], doors: Sequence[_Door], keys: Sequence[_Key]) -> State:
    state: dict[Fluent, Value] = {}
    for room in rooms:
        state |= entity(room, "room", room.split(" ")[0])
    for number, door in enumerate(doors, 1):
        name = f"door {number}"
        state |= entity(name, "door", "door")
        state |= {
            Fluent("colour", (name,)): door.colour,
            Fluent("near", (name,)): door.near,
            Fluent("far", (name,)): door.far,
            Fluent("open", (name,)): door.is_open,
        }
    for number, key in enumerate(keys, 1):
        name = f"key {number}"
        state |= entity(name, "key", "key")
        state |= {
            Fluent("colour", (name,)): key.colour,
            Fluent("in", (name,)): key.room,
            Fluent("carried", (name,)): False,
        }
    return {**state, AT: rooms[0]}
