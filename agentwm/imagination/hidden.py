"""Draws what has not been seen: the things in places that were not looked into yet, and which of these are shut.

How many things of a kind lie in a place is a Poisson number whose rate is known from where such things were found (`Knowledge`). What the
goal asks for is there, or the game would be none; and it is not where the goal wants it already, or there were nothing to do.
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from agentwm.knowledge import Knowledge
from agentwm.rules.binding import Cast, is_reached, kind_of, variables_of
from agentwm.rules.language import Rule
from agentwm.rules.store import RuleStore
from agentwm.types import Fluent, Goal, State, Value, Vocabulary

__all__ = ["Door", "Hidden", "door_of", "drawn"]

MOST_DRAWS = 50  # until the goal is not reached by what is drawn


class Door(NamedTuple):
    """What keeps a place from being looked into: the fluent of a place that says so, and its value where it is shut."""

    fluent: str
    shut: Value


@dataclass(frozen=True, slots=True)
class Hidden:
    """What is there and has not been seen: the facts about the things in each place, and what is so of the ``doors``."""

    things: Mapping[str, State]
    doors: State

    def facts(self, place: str) -> State:
        """Return what a look into ``place`` tells of the things in it: what each is, and that it lies there."""
        return self.things.get(place, {})


def door_of(rules: RuleStore, vocabulary: Vocabulary) -> Door | None:
    """Return what the doors of places are, by the best supported rule of an action that opens one; None where no rule does.

    A door is what is true or false of a place and changes with the very action that shows all that is in it.
    """
    found = [(rules.record(rule).supports, door) for rule in rules.rules for door in _doors(rule, vocabulary)]
    return max(found)[1] if found else None


def _doors(rule: Rule, vocabulary: Vocabulary) -> Iterator[Door]:
    for outcome in rule.outcomes:
        shown = {c.target.args for c in outcome.changes if c.target.name == vocabulary.explored and c.value is True}
        for change in outcome.changes:
            is_of_place = change.target.args in shown and change.target.name != vocabulary.explored
            if is_of_place and outcome.success and isinstance(change.value, bool):
                yield Door(change.target.name, not change.value)


def drawn(
    state: State, goal: Goal, knowledge: Knowledge, vocabulary: Vocabulary, *, door: Door | None, rng: random.Random
) -> Hidden:
    """Return what ``state`` does not tell, drawn from ``knowledge``; nothing where a world hides nothing or all was seen."""
    if vocabulary.location is None or vocabulary.explored is None:
        return Hidden({}, {})
    cast = Cast(state)
    sort = vocabulary.fluents[vocabulary.explored].parameters[0]
    sorts = sort.split("|")
    unseen = [
        place
        for place, of in cast.sorts.items()
        if of in sorts and state.get(Fluent(vocabulary.explored, (place,))) is not True
    ]
    if not unseen:
        return Hidden({}, {})
    doors = {} if door is None else _drawn_doors(unseen, state, cast, knowledge, door, rng)
    things: dict[str, State] = {}
    for _ in range(MOST_DRAWS):
        names = _drawn_things(unseen, goal, cast, knowledge, rng)
        things = {place: _facts(kinds, place, vocabulary, state) for place, kinds in names.items()}
        if not is_reached(goal, {**state, **{f: v for facts in things.values() for f, v in facts.items()}}, vocabulary):
            break
    return Hidden(things, doors)


def _facts(kinds: Mapping[str, str], place: str, vocabulary: Vocabulary, state: State) -> dict[Fluent, Value]:
    sort = _thing_sort(vocabulary, state)
    told: dict[Fluent, Value] = {}
    for thing, kind in kinds.items():
        told[Fluent("sort", (thing,))] = sort
        told[Fluent("kind", (thing,))] = kind
        told[Fluent(str(vocabulary.location), (thing,))] = place
    return told


def _drawn_doors(
    unseen: list[str], state: State, cast: Cast, knowledge: Knowledge, door: Door, rng: random.Random
) -> dict[Fluent, Value]:
    """Return what is so of the doors nothing is known of: shut, or None, which is to say that there is none."""
    doors = {place: Fluent(door.fluent, (place,)) for place in unseen}
    return {
        fluent: door.shut if rng.random() < _shut_rate(cast.kinds.get(place, ""), knowledge) else None
        for place, fluent in doors.items()
        if fluent not in state
    }


def _shut_rate(kind: str, knowledge: Knowledge) -> float:
    """Return how often a place of this ``kind`` was found shut; of a kind never met, the cautious guess of `Knowledge`.

    Not that guess where there is something to go by: it holds a few of the places that have no door for shut ones.
    """
    shut, arrived = knowledge.shut.get(kind, (0, 0))
    return shut / arrived if arrived else knowledge.shut_chance(kind)


def _drawn_things(
    unseen: list[str], goal: Goal, cast: Cast, knowledge: Knowledge, rng: random.Random
) -> dict[str, dict[str, str]]:
    numbers = {kind: len(names) for kind, names in cast.by_kind.items()}
    things: dict[str, dict[str, str]] = {place: {} for place in unseen}

    def rate(kind: str, place: str) -> float:
        where = cast.kinds.get(place, "")
        return knowledge.expected(kind, where, among=len(cast.by_kind.get(where, ())) or 1)

    def put(kind: str, place: str) -> None:
        numbers[kind] = numbers.get(kind, 0) + 1
        name = f"{kind} {numbers[kind]}"
        while name in cast.sorts:
            numbers[kind] += 1
            name = f"{kind} {numbers[kind]}"
        things[place][name] = kind

    for kind in knowledge.found:
        for place in unseen:
            for _ in range(_poisson(rate(kind, place), rng)):
                put(kind, place)
    for kind, number in _needed(goal).items():
        if kind in knowledge.looks:
            continue  # a kind of place: those are not found in places
        there = sum(found == kind for found in cast.kinds.values())
        there += sum(found == kind for lying in things.values() for found in lying.values())
        for _ in range(number - there):
            [place] = rng.choices(unseen, [rate(kind, place) for place in unseen])
            put(kind, place)
    return things


def _needed(goal: Goal) -> Counter[str]:
    """Return how many things of which kinds the goal is about."""
    kinds = (kind_of(name, goal.conditions) for name in variables_of(goal.conditions))
    return Counter(kind for kind in kinds if kind is not None)


def _poisson(rate: float, rng: random.Random) -> int:
    """Return a Poisson number. Source: Knuth, The Art of Computer Programming, volume 2, 3.4.1, algorithm Q."""
    limit, product, number = math.exp(-rate), rng.random(), 0
    while product > limit:
        product *= rng.random()
        number += 1
    return number


def _thing_sort(vocabulary: Vocabulary, state: State) -> str:
    """Return the sort of things that lie in places: that of those seen, else the first that the vocabulary allows."""
    location = vocabulary.fluents[str(vocabulary.location)]
    allowed = location.parameters[0].split("|")
    seen = Counter(str(state.get(Fluent("sort", fluent.args))) for fluent in state if fluent.name == location.name)
    return max(allowed, key=lambda sort: seen[sort])
