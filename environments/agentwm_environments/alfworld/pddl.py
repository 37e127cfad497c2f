"""Games as PDDL problems: reads the official files' ones, and writes such a problem for any game.

Only the problem is read. The domain and the grammar in a game file are the same for all games, and ``engine.py`` is our version of them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .game import Game, Receptacle, Thing

__all__ = ["ProblemError", "read_problem", "write_problem"]

Tree = str | list["Tree"]
Facts = dict[str, list[tuple[str, ...]]]


class ProblemError(ValueError):
    """Says why a text is not a problem that this household engine can play."""


_PLACED = frozenset({"inreceptacle", "objecttype", "receptacletype"})
_GOAL_PREDICATES = {
    "pick_and_place_simple": _PLACED,
    "look_at_obj_in_light": frozenset(
        {"objecttype", "toggleable", "istoggled", "receptacleatlocation", "atlocation", "inreceptacle", "holds"}
    ),
    "pick_clean_then_place_in_recep": _PLACED | {"cleanable", "isclean"},
    "pick_heat_then_place_in_recep": _PLACED | {"heatable", "ishot"},
    "pick_cool_then_place_in_recep": _PLACED | {"coolable", "iscool"},
    "pick_two_obj_and_place": _PLACED | {"not", "="},
}
_CAPACITIES = {"pickupable", "toggleable", "cleanable", "heatable", "coolable", "sliceable"}
_PLACES = {"atlocation", "receptacleatlocation", "objectatlocation", "inreceptacle", "inreceptacleobject", "cancontain"}
_KINDS = {"receptacletype", "objecttype", "isreceptacleobject", "openable"}
_PLAYED = _CAPACITIES | _PLACES | _KINDS | {"opened", "isclean", "ishot", "iscool"}
# They bear on no text, command or goal, so they may stand in a problem.
_INERT = {"wasinreceptacle", "checked", "examined", "moveable", "full", "isreceptacleobjectfull", "distance", "="}


def read_problem(text: str, *, id: str, task_type: str, goal_text: str, room: str) -> Game:  # noqa: A002 -- Game's word
    """Return the game that a PDDL problem of ALFWorld's domain states.

    Things and receptacles get the names and the order that the official engine gives them.

    Raises: ProblemError when it is no such problem, or states what the engine does not play.
    """
    sections = {section[0]: section[1:] for section in _parse(text) if isinstance(section, list) and section}
    for wanted in (":init", ":goal"):
        if wanted not in sections:
            raise ProblemError(f"the problem has no ({wanted} ...)")
    facts = _facts(sections[":init"])
    target, destination = _read_goal(sections[":goal"], task_type)
    return _Reader(facts).game(
        id=id, task_type=task_type, goal_text=goal_text, target=target, destination=destination, room=room
    )


_UNMATCHED = "the problem's parentheses do not match"


def _parse(text: str) -> list[Tree]:
    stack: list[list[Tree]] = [[]]
    for word in re.findall(r"[()]|[^\s()]+", re.sub(r";[^\n]*", "", text.lower())):
        if word == "(":
            stack.append([])
        elif word != ")":
            stack[-1].append(word)
        elif len(stack) > 1:
            closed = stack.pop()
            stack[-1].append(closed)
        else:
            raise ProblemError(_UNMATCHED)
    if len(stack) != 1 or len(stack[0]) != 1 or not isinstance(stack[0][0], list):
        raise ProblemError(_UNMATCHED)
    return stack[0][0]


def _facts(init: Iterable[Tree]) -> Facts:
    facts: Facts = defaultdict(list)
    for fact in init:
        predicate = fact[0] if isinstance(fact, list) and fact else fact
        if predicate in _INERT:
            continue
        if predicate not in _PLAYED or not all(isinstance(part, str) for part in fact):
            raise ProblemError(f"the problem states {predicate!s:.60}, which this engine does not play")
        facts[str(predicate)].append(tuple(str(part) for part in fact[1:]))
    return facts


def _read_goal(goal: list[Tree], task_type: str) -> tuple[str, str]:
    """Return the kinds of the object and of the destination (the lamp, where the task is to look)."""
    atoms = list(_atoms(goal))
    expected = _GOAL_PREDICATES.get(task_type)
    found = {atom[0] for atom in atoms}
    if expected is None or found != expected:
        raise ProblemError(f"the goal is not one of task type {task_type!r}: it speaks of {sorted(found)}")
    kinds = {
        name: {atom[2].removesuffix("type") for atom in atoms if atom[0] == name}
        for name in ("objecttype", "receptacletype")
    }
    if task_type == "look_at_obj_in_light":
        lamp = next(atom[1] for atom in atoms if atom[0] == "istoggled")
        destinations = {atom[2].removesuffix("type") for atom in atoms if atom[0] == "objecttype" and atom[1] == lamp}
        targets = {atom[2].removesuffix("type") for atom in atoms if atom[0] == "objecttype" and atom[1] != lamp}
    else:
        targets, destinations = kinds["objecttype"], kinds["receptacletype"]
    if len(targets) != 1 or len(destinations) != 1:
        raise ProblemError(
            f"the goal names more or less than one kind of object {sorted(targets)} or destination {sorted(destinations)}"
        )
    return targets.pop(), destinations.pop()


def _atoms(tree: Tree) -> Iterator[tuple[str, ...]]:
    """Yield the atoms below ``and``, ``exists`` and ``not``, and a ``not`` for each negation."""
    if not isinstance(tree, list):
        return
    head = tree[0] if tree else ""
    if isinstance(head, str) and head not in {"and", "exists", "not"}:
        yield tuple(map(str, tree))
        return
    if head == "not":
        yield ("not",)
    for branch in tree[2:] if head == "exists" else tree:
        yield from _atoms(branch)


class _Reader:
    """Turns the facts of one problem into a game."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.names = _demangled({argument for rows in facts.values() for row in rows for argument in row})
        self.unary = {predicate: {row[0] for row in rows if len(row) == 1} for predicate, rows in facts.items()}

    def game(self, *, id: str, task_type: str, goal_text: str, target: str, destination: str, room: str) -> Game:  # noqa: A002
        """Return the game whose goal was read already."""
        starts = self.facts["atlocation"]
        if len(starts) != 1:
            raise ProblemError(f"the agent starts at {len(starts)} locations")
        return Game(
            id=id,
            task_type=task_type,
            goal_text=goal_text,
            target=target,
            destination=destination,
            receptacles=tuple(self._receptacles()),
            things=tuple(self._things()),
            can_contain=frozenset(
                (kind.removesuffix("type"), content.removesuffix("type")) for kind, content in self.facts["cancontain"]
            ),
            start=self._location(starts[0][1]),
            room=room,
        )

    def _is(self, predicate: str, name: str) -> bool:
        return name in self.unary.get(predicate, ())

    def _location(self, mangled: str) -> int:
        name = self.names[mangled]
        if not re.fullmatch(r"loc \d+", name):
            raise ProblemError(f"{mangled} is no location such as loc_bar_1_bar_2")
        return int(name.removeprefix("loc "))

    def _receptacles(self) -> Iterator[Receptacle]:
        kinds, locations = self._pairs("receptacletype"), self._pairs("receptacleatlocation")
        if len(locations) != len(self.facts["receptacleatlocation"]) or kinds.keys() != locations.keys():
            raise ProblemError("a receptacle lacks a type or a location, or has two")
        for name in sorted(kinds):
            yield Receptacle(
                name=self.names[name],
                kind=kinds[name].removesuffix("type"),
                location=self._location(locations[name]),
                is_openable=self._is("openable", name),
                is_open=self._is("opened", name),
            )

    def _things(self) -> Iterator[Thing]:
        kinds, contents = self._pairs("objecttype"), defaultdict[str, list[str]](list)
        places, locations = self._grouped("inreceptacle"), self._grouped("objectatlocation")
        for inner, outer in sorted(self.facts["inreceptacleobject"]):
            contents[outer].append(self.names[inner])
        for name in sorted(kinds):
            receptacles = [self.names[place] for place in places[name]]
            where = [self._location(location) for location in locations[name]]
            yield Thing(
                name=self.names[name],
                kind=kinds[name].removesuffix("type"),
                receptacle=receptacles[0] if receptacles else None,
                location=where[0] if where else None,
                is_pickupable=self._is("pickupable", name),
                is_toggleable=self._is("toggleable", name),
                is_cleanable=self._is("cleanable", name),
                is_heatable=self._is("heatable", name),
                is_coolable=self._is("coolable", name),
                is_sliceable=self._is("sliceable", name),
                is_container=self._is("isreceptacleobject", name),
                contents=tuple(contents[name]),
                is_clean=self._is("isclean", name),
                is_hot=self._is("ishot", name),
                is_cool=self._is("iscool", name),
                also_in=tuple(receptacles[1:]),
                also_at=tuple(where[1:]),
            )

    def _pairs(self, predicate: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self.facts[predicate]}

    def _grouped(self, predicate: str) -> dict[str, list[str]]:
        grouped: dict[str, list[str]] = defaultdict(list)
        for first, second in sorted(set(self.facts[predicate])):
            grouped[first].append(second)
        return grouped


def _demangled(ids: Iterable[str]) -> dict[str, str]:
    """Return the names of mangled ids: ``apple_bar__plus_01_dot_5`` is ``apple 1``.

    Numbers go down along the sorted ids of a kind. An id without ``_bar_`` is its own name.

    Source: ``Demangler`` in alfworld 0.4.2, ``agents/utils/misc.py``.
    """
    kinds = {mangled: _kind(mangled) for mangled in ids}
    left = Counter(kinds.values())
    names = {}
    for mangled, kind in sorted(kinds.items()):
        names[mangled] = f"{kind} {left[kind]}" if kind else mangled
        left[kind] -= 1
    return names


def _kind(mangled: str) -> str:
    kind, bar, _ = mangled.partition("_bar_")
    return (f"{kind}basin" if "basin" in mangled else kind) if bar else ""


# --- writing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ids:
    """The mangled ids of a game's entities, made so that they demangle to their names."""

    names: dict[str, str]
    locations: dict[int, str]


def write_problem(game: Game) -> str:
    """Return ``game`` as a PDDL problem of ALFWorld's domain.

    Raises: ProblemError when names are not numbered ``apple 1`` … ``apple n``, or not listed in the order in which the official
    engine lists them (by kind, then by falling number).
    """
    ids = _mangled(game)
    facts = "\n    ".join(_stated(game, ids))
    return (
        "(define (problem household)\n  (:domain alfred)\n  (:objects\n    "
        + "\n    ".join(_declared(game, ids))
        + f"\n  )\n  (:init\n    {facts}\n  )\n  (:goal {_goal(game)})\n)\n"
    )


def _mangled(game: Game) -> _Ids:
    receptacles, things = [r.name for r in game.receptacles], [t.name for t in game.things]
    ids = {name: _mangle(name, count) for name, count in _counted([*receptacles, *things])}
    places = {
        game.start,
        *(r.location for r in game.receptacles),
        *(t.location for t in game.things if t.location is not None),
    }
    places |= {place for thing in game.things for place in thing.also_at}
    names = _demangled(mangled.lower() for mangled in ids.values())
    if any(names[mangled.lower()] != name for name, mangled in ids.items()):
        raise ProblemError("the names of a kind are not numbered from 1 up without a gap")
    for listed in (receptacles, things):
        if listed != sorted(listed, key=lambda name: ids[name].lower()):
            raise ProblemError(
                "the official engine lists receptacles and things by kind, then by falling number; this game does not"
            )
    falling = enumerate(sorted(places, reverse=True))
    return _Ids(ids, {place: f"loc_bar_{rank:03d}_bar_0_bar_0_bar_0" for rank, place in falling})


def _counted(names: list[str]) -> Iterator[tuple[str, int]]:
    counts = Counter(name.rpartition(" ")[0] for name in names)
    for name in names:
        yield name, counts[name.rpartition(" ")[0]]


def _mangle(name: str, count: int) -> str:
    kind, _, number = name.rpartition(" ")
    if not kind or not number.isdigit():
        raise ProblemError(f"{name!r} is no name such as 'apple 1'")
    basin = "_bar_SinkBasin" if kind.endswith("basin") else ""
    return f"{kind.removesuffix('basin').capitalize()}_bar__plus_{count - int(number):03d}_dot_00_bar__plus_00_dot_00{basin}"


def _declared(game: Game, ids: _Ids) -> Iterator[str]:
    receptacle_kinds = {r.kind for r in game.receptacles} | {kind for kind, _ in game.can_contain}
    receptacle_kinds |= {"sinkbasin", "microwave", "fridge"}
    thing_kinds = (
        {t.kind for t in game.things} | {kind for _, kind in game.can_contain} | {"knife", "butterknife", game.target}
    )
    (thing_kinds if game.task_type == "look_at_obj_in_light" else receptacle_kinds).add(game.destination)
    if both := receptacle_kinds & thing_kinds:
        raise ProblemError(f"{sorted(both)} are kinds of thing and of receptacle")
    yield "agent1 - agent"
    yield from (f"{location} - location" for location in ids.locations.values())
    yield from (f"{ids.names[receptacle.name]} - receptacle" for receptacle in game.receptacles)
    yield from (f"{ids.names[thing.name]} - object" for thing in game.things)
    yield from (f"{kind}Type - rtype" for kind in sorted(receptacle_kinds))
    yield from (f"{kind}Type - otype" for kind in sorted(thing_kinds))


def _stated(game: Game, ids: _Ids) -> Iterator[str]:
    yield f"(atLocation agent1 {ids.locations[game.start]})"
    yield from (f"(canContain {kind}Type {content}Type)" for kind, content in sorted(game.can_contain))
    for receptacle in game.receptacles:
        name = ids.names[receptacle.name]
        yield f"(receptacleType {name} {receptacle.kind}Type)"
        yield f"(receptacleAtLocation {name} {ids.locations[receptacle.location]})"
        yield from (
            f"({word} {name})"
            for word, so in (("openable", receptacle.is_openable), ("opened", receptacle.is_open))
            if so
        )
    for thing in game.things:
        name = ids.names[thing.name]
        yield f"(objectType {name} {thing.kind}Type)"
        yield from (f"({word} {name})" for word, so in _qualities(thing) if so)
        yield from (f"(inReceptacleObject {ids.names[content]} {name})" for content in thing.contents)
        yield from (
            f"(inReceptacle {name} {ids.names[place]})" for place in (thing.receptacle, *thing.also_in) if place
        )
        where = (thing.location, *thing.also_at)
        yield from (f"(objectAtLocation {name} {ids.locations[place]})" for place in where if place is not None)


def _qualities(thing: Thing) -> tuple[tuple[str, bool], ...]:
    return (
        ("pickupable", thing.is_pickupable),
        ("toggleable", thing.is_toggleable),
        ("cleanable", thing.is_cleanable),
        ("heatable", thing.is_heatable),
        ("coolable", thing.is_coolable),
        ("sliceable", thing.is_sliceable),
        ("isReceptacleObject", thing.is_container),
        ("isClean", thing.is_clean),
        ("isHot", thing.is_hot),
        ("isCool", thing.is_cool),
    )


def _goal(game: Game) -> str:
    target, destination = f"{game.target}Type", f"{game.destination}Type"
    if game.task_type == "look_at_obj_in_light":
        return (
            "(and (exists (?ot - object ?r - receptacle ?a - agent ?l - location) "
            f"(and (objectType ?ot {destination}) (toggleable ?ot) (isToggled ?ot) (receptacleAtLocation ?r ?l) "
            f"(atLocation ?a ?l) (inReceptacle ?ot ?r))) "
            f"(exists (?o - object ?a - agent) (and (objectType ?o {target}) (holds ?a ?o))))"
        )
    placed = f"(objectType ?o {target}) (receptacleType ?r {destination}) (inReceptacle ?o ?r)"
    if game.task_type == "pick_two_obj_and_place":
        other = f"(exists (?o2 - object) (and (not (= ?o ?o2)) (objectType ?o2 {target}) (inReceptacle ?o2 ?r)))"
        return f"(and (exists (?r - receptacle) (exists (?o - object) (and {placed} {other}))))"
    treated = {
        "clean": "(cleanable ?o) (isClean ?o)",
        "heat": "(heatable ?o) (isHot ?o)",
        "cool": "(coolable ?o) (isCool ?o)",
    }
    condition = treated.get(game.task_type.split("_")[1], "")
    return f"(and (exists (?r - receptacle) (exists (?o - object) (and {placed} {condition}))))"
