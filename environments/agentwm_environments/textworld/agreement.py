"""Scores what was read from texts against what the engine knows. For scoring alone: no agent is told any of it."""

from collections.abc import Iterable, Iterator

from agentwm.types import Fluent, State, Value

from .rooms import DIRECTIONS
from .words import YOU, exit_of

__all__ = ["Score", "score"]

Score = dict[str, tuple[int, int]]
"""Per fluent, how many beliefs are right, and how many there are."""

_COOKED = ("burned", "fried", "roasted", "grilled")
_CUT = ("sliced", "diced", "chopped")


def score(state: State, facts: Iterable[tuple[str, ...]]) -> Score:
    """Return how far the beliefs in ``state`` agree with the engine's ``facts``, as far as these speak of them."""
    truth = dict(_truth(frozenset(facts)))
    result: Score = {}
    for fluent, value in state.items():
        if fluent in truth:
            right, total = result.get(fluent.name, (0, 0))
            result[fluent.name] = (right + (truth[fluent] == value), total + 1)
    return result


def _truth(facts: frozenset[tuple[str, ...]]) -> Iterator[tuple[Fluent, Value]]:
    """Yield what is so in the words of the environment; where both a word for being burned and another apply, the first counts."""
    by_name: dict[str, list[tuple[str, ...]]] = {}
    for name, *args in facts:
        by_name.setdefault(name, []).append(tuple(args))
    rooms = {fact[0]: fact[1] for fact in by_name.get("at", ())}
    holders = {fact[0]: fact[1] for fact in (*by_name.get("in", ()), *by_name.get("on", ()))}
    yield Fluent("at"), rooms.pop("P")
    for thing, holder in holders.items():
        yield Fluent("where", (thing,)), YOU if holder == "I" else rooms.get(holder)
        yield Fluent("in", (thing,)), None if holder == "I" else holder
    yield from _fixtures(by_name, rooms)
    yield from _ways(by_name)
    for thing, room in rooms.items():
        yield Fluent("where", (thing,)), room
        yield Fluent("in", (thing,)), None
    for thing in {**rooms, **holders}:
        for name, words in (("cooked", _COOKED), ("cut", _CUT)):
            yield Fluent(name, (thing,)), next((word for word in words if (thing,) in by_name.get(word, ())), None)


def _fixtures(by_name: dict[str, list[tuple[str, ...]]], rooms: dict[str, str]) -> Iterator[tuple[Fluent, Value]]:
    opened = {thing: word for word in ("open", "closed", "locked") for (thing,) in by_name.get(word, ())}
    for thing, room in rooms.items():
        yield Fluent("stands", (thing,)), room
        yield Fluent("open", (thing,)), None
    for thing, word in opened.items():
        yield Fluent("open", (thing,)), word == "open"
        yield Fluent("locked", (thing,)), word == "locked"


def _ways(by_name: dict[str, list[tuple[str, ...]]]) -> Iterator[tuple[Fluent, Value]]:
    doors = {(here, there): door for here, door, there in by_name.get("link", ())}
    for direction in DIRECTIONS:
        for there, here in by_name.get(f"{direction}_of", ()):
            way = exit_of(here, direction)
            yield Fluent("from", (way,)), here
            yield Fluent("leads", (way,)), there
            yield Fluent("door", (way,)), doors.get((here, there))
