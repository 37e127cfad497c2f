"""A planner that sees everything: the shortest way to win a game, whatever the household's laws.

It is an oracle, for checking games and for saying how far an agent that sees less is from the best. For each choice of things,
destination and instrument that could win, an A* search runs over the few commands that touch them.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, count, pairwise
from typing import NamedTuple

from .game import Game, Receptacle, Thing
from .laws import ORDINARY, Law, Laws

__all__ = ["solve"]

_TREATMENTS = {
    "pick_clean_then_place_in_recep": "clean",
    "pick_heat_then_place_in_recep": "heat",
    "pick_cool_then_place_in_recep": "cool",
}
_PROPERTIES = {"clean": "is_cleanable", "heat": "is_heatable", "cool": "is_coolable"}
_QUALITIES = {"clean": "is_clean", "heat": "is_hot", "cool": "is_cool"}
_NOT_HELD = -1


def solve(game: Game, laws: Laws = ORDINARY) -> list[str] | None:
    """Return a shortest list of commands that wins ``game`` under ``laws``, or None when nothing wins it.

    The list is empty when the goal holds at the start.
    """
    best: list[str] | None = None
    searches = [_Search(game, laws, choice) for choice in _choices(game, laws)]
    for search in sorted(searches, key=lambda search: search.least):
        plan = search.run(None if best is None else len(best))
        best = best if plan is None else plan
    return best


# --- what could win ---------------------------------------------------------------------------------------------


class _Choice(NamedTuple):
    """Which things to bring where, and with what to treat or light them.

    ``destination`` is the receptacle asked for; for looking in light the one that ``lamp`` stands on. ``verb`` and
    ``instrument`` are the treatment; they are empty where the thing needs none.
    """

    things: tuple[Thing, ...]
    destination: Receptacle
    lamp: Thing | None = None
    verb: str = ""
    instrument: Receptacle | None = None


def _choices(game: Game, laws: Laws) -> Iterator[_Choice]:
    verb = _TREATMENTS.get(game.task_type, "")
    targets = [thing for thing in game.things if thing.kind == game.target and _places(thing)]
    if verb:
        targets = [thing for thing in targets if getattr(thing, _PROPERTIES[verb])]
    if game.task_type == "look_at_obj_in_light":
        lamps = [thing for thing in game.things if thing.kind == game.destination and thing.is_toggleable]
        by_name = {receptacle.name: receptacle for receptacle in game.receptacles}
        for lamp in lamps:
            for name in _places(lamp):
                yield from (_Choice((target,), by_name[name], lamp) for target in targets)
        return
    number = 2 if game.task_type == "pick_two_obj_and_place" else 1
    destinations = [r for r in game.receptacles if r.kind == game.destination]
    for things in combinations(targets, number):
        for destination in destinations:
            if not verb or getattr(things[0], _QUALITIES[verb]):
                yield _Choice(things, destination)
            else:
                kinds = getattr(laws, verb).instruments
                instruments = (r for r in game.receptacles if not kinds or r.kind in kinds)
                yield from (_Choice(things, destination, None, verb, instrument) for instrument in instruments)


def _places(thing: Thing) -> tuple[str, ...]:
    return () if thing.receptacle is None else (thing.receptacle, *thing.also_in)


# --- the search -------------------------------------------------------------------------------------------------


class _State(NamedTuple):
    """What changes: ``inside`` and ``opened`` are sets of bits, one for each receptacle of the search.

    ``inside`` has one such set per thing (official files know things that are in two receptacles at once).
    """

    place: int
    held: int
    inside: tuple[int, ...]
    opened: int
    is_treated: bool
    is_lit: bool


@dataclass(frozen=True, slots=True)
class _Route:
    """The least that is still to be done for one thing, whatever else there is to do."""

    steps: int
    places: tuple[int, ...]
    to_open: int


class _Search:
    """Finds the shortest plan for one choice; ``least`` is a lower bound of its length."""

    def __init__(self, game: Game, laws: Laws, choice: _Choice) -> None:
        self._game = game
        self._laws = laws
        self._choice = choice
        self._treatment: Law | None = getattr(laws, choice.verb) if choice.instrument else None
        self._is_placed = self._treatment is not None and self._treatment.works_on == "placed"
        self._is_shutting_of_use = any(
            law is not None and law.door == "shut" for law in (self._treatment, laws.take, laws.move, laws.use)
        )
        self._receptacles = list(self._relevant())
        self._index = {receptacle.name: index for index, receptacle in enumerate(self._receptacles)}
        self._goal = self._index[choice.destination.name]
        self._instrument = self._index[choice.instrument.name] if choice.instrument else _NOT_HELD
        self._accepting = [self._accepts(thing) for thing in choice.things]
        self._start = self._opening()
        self.least = self._bound(self._start)

    def _relevant(self) -> Iterator[Receptacle]:
        """Yield the receptacles that a shortest plan for this choice may touch, each once."""
        choice = self._choice
        sources = {name for thing in choice.things for name in _places(thing)}
        chosen = {choice.destination.name, *sources} | ({choice.instrument.name} if choice.instrument else set())
        locations = {r.location for r in self._game.receptacles if r.name in chosen}
        resting = self._may_rest()
        has_rest_elsewhere = False
        for receptacle in self._game.receptacles:
            if receptacle.name in chosen:
                yield receptacle
            elif resting and self._fits(receptacle, choice.things[0]):
                # Where a thing can be laid down for a moment: all that is near, and one place further off.
                if receptacle.location in locations:
                    yield receptacle
                elif not has_rest_elsewhere and not receptacle.is_openable:
                    has_rest_elsewhere = True
                    yield receptacle

    def _may_rest(self) -> bool:
        """Return whether it can pay to put a thing down somewhere that is not its destination."""
        laws = self._laws
        hands = (laws.open, laws.close, laws.use, self._treatment)
        return self._is_placed or any(law is not None and law.needs_empty_hand for law in hands)

    def _accepts(self, thing: Thing) -> int:
        """Return the receptacles that ``thing`` may be put in or on."""
        resting = self._may_rest()
        indices = range(len(self._receptacles)) if resting else (self._goal,)
        return sum(1 << index for index in indices if self._fits(self._receptacles[index], thing))

    def _fits(self, receptacle: Receptacle, thing: Thing) -> bool:
        return (receptacle.kind, thing.kind) in self._game.can_contain

    def _opening(self) -> _State:
        choice = self._choice
        inside = tuple(self._bits(self._index[name] for name in _places(thing)) for thing in choice.things)
        opened = self._bits(i for i, r in enumerate(self._receptacles) if r.is_open or not r.is_openable)
        return _State(self._game.start, _NOT_HELD, inside, opened, not choice.verb, choice.lamp is None)

    @staticmethod
    def _bits(indices: Iterable[int]) -> int:
        bits = 0
        for index in indices:
            bits |= 1 << index
        return bits

    def run(self, bound: int | None) -> list[str] | None:
        """Return a shortest plan, or None where there is none shorter than ``bound``."""
        ticket = count()
        frontier = [(self.least, 0, next(ticket), self._start)]
        cheapest = {self._start: 0}
        origins: dict[_State, tuple[_State, str]] = {}
        while frontier:
            estimate, negative_cost, _, state = heapq.heappop(frontier)
            cost = -negative_cost
            if bound is not None and estimate >= bound:
                return None
            if cost > cheapest[state]:
                continue
            if self._is_won(state):
                return _trace(state, origins)
            for command, successor in self._successors(state):
                if cost + 1 < cheapest.get(successor, cost + 2):
                    cheapest[successor] = cost + 1
                    origins[successor] = state, command
                    heapq.heappush(frontier, (cost + 1 + self._bound(successor), -cost - 1, next(ticket), successor))
        return None

    def _is_won(self, state: _State) -> bool:
        if self._choice.lamp is not None:
            return state.is_lit and state.held == 0 and state.place == self._choice.destination.location
        return state.is_treated and all(inside >> self._goal & 1 for inside in state.inside)

    # --- commands ---------------------------------------------------------------------------------------------

    def _successors(self, state: _State) -> Iterator[tuple[str, _State]]:
        places = set()
        for index, receptacle in enumerate(self._receptacles):
            if receptacle.location == state.place:
                yield from self._at(index, receptacle, state)
            elif receptacle.location not in places:
                places.add(receptacle.location)
                yield f"go to {receptacle.name}", state._replace(place=receptacle.location)

    def _at(self, index: int, receptacle: Receptacle, state: _State) -> Iterator[tuple[str, _State]]:
        laws, choice = self._laws, self._choice
        if receptacle.is_openable:
            yield from self._at_door(index, receptacle, state)
        if state.held != _NOT_HELD:
            yield from self._moves(index, receptacle, state)
        elif self._allows(laws.take, index, state):
            yield from self._takes(index, receptacle, state)
        if index == self._instrument and not state.is_treated and self._can_treat(index, state):
            treated = state._replace(is_treated=True)
            yield f"{choice.verb} {choice.things[0].name} with {receptacle.name}", treated
        if (
            choice.lamp is not None
            and index == self._goal
            and not state.is_lit
            and self._allows(laws.use, index, state)
        ):
            yield f"use {choice.lamp.name}", state._replace(is_lit=True)

    def _at_door(self, index: int, receptacle: Receptacle, state: _State) -> Iterator[tuple[str, _State]]:
        bit = 1 << index
        if not state.opened & bit:
            if self._allows(self._laws.open, index, state):
                yield f"open {receptacle.name}", state._replace(opened=state.opened | bit)
        elif self._is_shutting_of_use and self._allows(self._laws.close, index, state):
            yield f"close {receptacle.name}", state._replace(opened=state.opened & ~bit)

    def _moves(self, index: int, receptacle: Receptacle, state: _State) -> Iterator[tuple[str, _State]]:
        number, bit = state.held, 1 << index
        if self._accepting[number] & bit and self._allows(self._laws.move, index, state):
            inside = _with(state.inside, number, state.inside[number] | bit)
            moved = state._replace(held=_NOT_HELD, inside=inside)
            yield f"move {self._choice.things[number].name} to {receptacle.name}", moved

    def _takes(self, index: int, receptacle: Receptacle, state: _State) -> Iterator[tuple[str, _State]]:
        bit = 1 << index
        for number, thing in enumerate(self._choice.things):
            if state.inside[number] & bit and thing.is_pickupable:
                inside = _with(state.inside, number, state.inside[number] & ~bit)
                yield f"take {thing.name} from {receptacle.name}", state._replace(held=number, inside=inside)

    def _allows(self, law: Law, index: int, state: _State) -> bool:
        if law.needs_empty_hand and state.held != _NOT_HELD:
            return False
        is_open = bool(state.opened >> index & 1)
        return law.door == "any" or not self._receptacles[index].is_openable or is_open == (law.door == "open")

    def _can_treat(self, index: int, state: _State) -> bool:
        law = self._treatment
        if law is None or not self._allows(law, index, state):
            return False
        return bool(state.inside[0] >> index & 1) if law.works_on == "placed" else state.held == 0

    # --- the bound --------------------------------------------------------------------------------------------

    def _bound(self, state: _State) -> int:
        """Return a number of commands that no plan from ``state`` can do without."""
        routes = [route for number in range(len(state.inside)) if (route := self._route(number, state))]
        opening = 0
        for route in routes:
            opening |= route.to_open
        steps = sum(route.steps for route in routes) + (opening & ~state.opened).bit_count()
        return steps + (not state.is_lit) + self._walks(routes, state.place)

    def _route(self, number: int, state: _State) -> _Route | None:
        """Return what is left to do for one thing; None for nothing, or where it is in two places and nothing is sure."""
        inside, is_held = state.inside[number], state.held == number
        if inside.bit_count() + is_held != 1:
            return None
        goal, instrument, laws = self._goal, self._instrument, self._laws
        source = _NOT_HELD if is_held else inside.bit_length() - 1
        is_brought = self._choice.lamp is None
        if state.is_treated and is_brought and source == goal:
            return None
        here = state.place if is_held else self._receptacles[source].location
        places, steps, to_open = [here], 0, 0
        if not state.is_treated:
            steps, to_open = self._treating(source)
            places.append(self._receptacles[instrument].location)
            if self._is_placed:
                # What is now in the instrument has yet to be taken out and brought.
                source, is_brought = instrument, is_brought and instrument != goal
                is_held = not is_brought
        if not is_held:
            steps += 1
            to_open |= 1 << source if laws.take.door == "open" else 0
        if is_brought:
            steps += 1
            to_open |= 1 << goal if laws.move.door == "open" else 0
        places.append(self._receptacles[goal].location)
        return _Route(steps, tuple(places), to_open)

    def _treating(self, source: int) -> tuple[int, int]:
        """Return how many steps the treatment takes beyond one taking and one moving, and what it needs open."""
        law, laws, bit = self._treatment, self._laws, 1 << self._instrument
        assert law is not None
        if not self._is_placed:
            return 1, bit if law.door == "open" else 0
        if source == self._instrument:
            return 1, bit if law.door == "open" else 0
        steps = 2 + (source != _NOT_HELD)
        to_open = bit if laws.move.door == "open" else 0
        if source != _NOT_HELD and laws.take.door == "open":
            to_open |= 1 << source
        return steps, to_open

    def _walks(self, routes: list[_Route], place: int) -> int:
        """Return the least number of walks from ``place``: one thing is carried at a time, each to the destination."""
        if not routes:
            return 0
        end = routes[0].places[-1]
        trips = [route.places for route in routes if any(stop != end for stop in route.places)]
        if not trips:
            return int(place != end)
        walks = sum(here != there for stops in trips for here, there in pairwise(stops))
        return walks + len(trips) - 1 + all(stops[0] != place for stops in trips)


def _with(values: tuple[int, ...], index: int, value: int) -> tuple[int, ...]:
    return (*values[:index], value, *values[index + 1 :])


def _trace(state: _State, origins: dict[_State, tuple[_State, str]]) -> list[str]:
    commands = []
    while state in origins:
        state, command = origins[state]
        commands.append(command)
    return commands[::-1]
