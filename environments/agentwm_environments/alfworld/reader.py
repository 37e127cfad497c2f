"""Reads the household's texts into facts, its goals into conditions and its help into verbs.

This is the only place where the wording of ALFWorld is known. It says what a sentence means, never what an
action does: "You heat the apple 1 using the microwave 1." tells that the command was accepted and nothing else.
"""

import re
from collections.abc import Iterable

from agentwm.errors import EnvironmentFailureError, quoted
from agentwm.types import (
    Action,
    ActionSchema,
    Condition,
    Fluent,
    FluentSchema,
    Gap,
    Goal,
    GoalShape,
    Observation,
    Perception,
    Ref,
    State,
    Value,
    Var,
    Vocabulary,
)

from .rooms import PORTABLE, TOGGLEABLE

__all__ = ["FLUENTS", "GOALS", "HouseholdReader", "read_goal", "read_help", "vocabulary"]

_PLACE = (
    "where one stands to reach it: the receptacle itself when it is named for the first time; of several that are faced at once, "
    "the one that comes first in the alphabet"
)
_OPENED = "nothing where a text lists what is on it, not in it: such a one cannot be opened"
_EXPLORED = "true once a text lists all that is in or on it, nothing included"
_QUALITY = "known only where a text describes the thing: false of one that is nothing special, or merely on or off"

FLUENTS = {
    schema.name: schema
    for schema in (
        FluentSchema("sort", ("any",), "sort", static=True),
        FluentSchema("kind", ("any",), "kind", static=True),
        FluentSchema("place", ("receptacle|viewpoint",), "place", static=True, about=_PLACE),
        FluentSchema("at", (), "viewpoint", about="what the agent went to last; nothing at the start"),
        FluentSchema("holding", (), "object", about="what the agent has in its hand; nothing at the start"),
        FluentSchema("in", ("object",), "receptacle", about="what it lies in or on; nothing while it is held"),
        FluentSchema("open", ("receptacle",), "bool", about=_OPENED),
        FluentSchema("explored", ("receptacle",), "bool", default=False, has_default=True, about=_EXPLORED),
        FluentSchema("on", ("object",), "bool", default=False, has_default=True, about="switched on"),
        FluentSchema("hot", ("object",), "bool", default=False, has_default=True, hidden=True, about=_QUALITY),
        FluentSchema("cool", ("object",), "bool", default=False, has_default=True, hidden=True, about=_QUALITY),
        FluentSchema("clean", ("object",), "bool", default=False, has_default=True, hidden=True, about=_QUALITY),
        FluentSchema("sliced", ("object",), "bool", default=False, has_default=True, hidden=True, about=_QUALITY),
    )
}

AT = Fluent("at")
HOLDING = Fluent("holding")

_NAME = r"([a-z]+ \d+)"
_ENTRY = re.compile(rf"\b{_NAME}\b")
_ARRIVE = re.compile(rf"You arrive at {_NAME}\.")
_OPEN = re.compile(rf"You open the {_NAME}\.")
_CLOSE = re.compile(rf"You close the {_NAME}\.")
_TAKE = re.compile(rf"You pick up the {_NAME} from the {_NAME}\.")
_MOVE = re.compile(rf"You move the {_NAME} to the {_NAME}\.")
_TURN = re.compile(rf"You turn (on|off) the {_NAME}\.")
_CLOSED = re.compile(rf"The {_NAME} is closed\.")
_INSIDE = re.compile(rf"The {_NAME} is open\. In it, you see ([^.]*)\.")
_UPON = re.compile(rf"On the {_NAME}, you see ([^.]*)\.")
_REACHED = re.compile(rf"(?:You (?:open|close)|from|to|using|On) the {_NAME}|^The {_NAME} is (?:open|closed)\.")
_FACING = re.compile(r"You are facing the ([^.]*)\. Next to it")
_MIDDLE = re.compile(r"You are in the middle of a room\. Looking quickly around you, you see ([^.]*)\.")
_CARRYING = re.compile(r"You are carrying: ([^.]*)\.")
_SWITCHED = re.compile(rf"This {_NAME} is (on|off)\.")
_QUALITIES = re.compile(rf"This is a ((?:(?:hot|cool|cold|clean|sliced|and) )+){_NAME}\.")
_ORDINARY = re.compile(rf"There's nothing special about {_NAME}\.")

# What a quality's text leaves unsaid: the grammar tries "hot" before "cool", so a hot thing may be cool too.
_UNSAID = {"hot": {"cool"}}
_SYNONYMS = {"cold": "cool"}
_TEMPERATURES_AND_DIRT = ("hot", "cool", "clean")


class HouseholdReader:
    """Perceives an ALFWorld household through its texts alone."""

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what the text tells, the changes it reports, and the beliefs that it contradicts."""
        text = observation.text
        told: dict[Fluent, Value] = {}
        changed: dict[Fluent, Value] = {}
        forgotten: set[Fluent] = set()
        if action is None:
            told[AT] = None
            told[HOLDING] = None
        if room := _MIDDLE.search(text):
            _read_room(room[1], told)
        if facing := _FACING.search(text):
            _read_shared_place(_ENTRY.findall(facing[1]), told)
        _read_events(text, changed)
        if AT not in changed:
            _read_reach(text, state, told)
        _read_contents(text, state, told, changed, forgotten)
        _read_qualities(text, told)
        if carrying := _CARRYING.search(text):
            for name in _ENTRY.findall(carrying[1]):
                _meet(name, "object", told)
                told[HOLDING] = name
        elif "You are not carrying anything." in text:
            told[HOLDING] = None
        succeeded = None if action is None else "Nothing happens." not in text
        told = {fluent: value for fluent, value in told.items() if fluent not in changed}
        return Perception(told, changed, frozenset(forgotten - told.keys() - changed.keys()), succeeded)


def _meet(name: str, sort: str, told: dict[Fluent, Value]) -> None:
    told[Fluent("sort", (name,))] = sort
    told[Fluent("kind", (name,))] = name.rsplit(" ", 1)[0]


def _read_room(listing: str, told: dict[Fluent, Value]) -> None:
    for name in _ENTRY.findall(listing):
        _meet(name, "receptacle", told)
        told[Fluent("place", (name,))] = name


def _read_shared_place(names: list[str], told: dict[Fluent, Value]) -> None:
    """Read "You are facing the drawer 7, and drawer 6.": they are at one place, named after the first by name."""
    for name in names:
        told[Fluent("place", (name,))] = min(names)


def _read_reach(text: str, state: State, told: dict[Fluent, Value]) -> None:
    """Read that what is handled or looked into is here: it shares the place of what the agent went to."""
    here = state.get(AT)
    if here is None or not (reached := _REACHED.search(text)):
        return
    places = {str(state.get(Fluent("place", (name,)), name)) for name in (str(here), reached[1] or reached[2])}
    if len(places) > 1:
        told.update((f, min(places)) for f, value in state.items() if f.name == "place" and value in places)


def _read_events(text: str, changed: dict[Fluent, Value]) -> None:
    if arrive := _ARRIVE.search(text):
        changed[AT] = arrive[1]
    elif opened := _OPEN.search(text):
        changed[Fluent("open", (opened[1],))] = True
    elif closed := _CLOSE.search(text):
        changed[Fluent("open", (closed[1],))] = False
    elif take := _TAKE.search(text):
        changed[HOLDING] = take[1]
        changed[Fluent("in", (take[1],))] = None
    elif move := _MOVE.search(text):
        changed[HOLDING] = None
        changed[Fluent("in", (move[1],))] = move[2]
    elif turn := _TURN.search(text):
        changed[Fluent("on", (turn[2],))] = turn[1] == "on"


def _read_contents(
    text: str, state: State, told: dict[Fluent, Value], changed: dict[Fluent, Value], forgotten: set[Fluent]
) -> None:
    if closed := _CLOSED.search(text):
        told[Fluent("open", (closed[1],))] = False
        return
    inside, upon = _INSIDE.search(text), _UPON.search(text)
    seen = inside or upon
    if not seen:
        return
    receptacle = seen[1]
    told[Fluent("open", (receptacle,))] = True if inside else None
    changed[Fluent("explored", (receptacle,))] = True
    forgotten.update(f for f, value in state.items() if f.name == "in" and value == receptacle)
    for name in _ENTRY.findall(seen[2]):
        _meet(name, "object", told)
        told[Fluent("in", (name,))] = receptacle


def _read_qualities(text: str, told: dict[Fluent, Value]) -> None:
    if ordinary := _ORDINARY.search(text):
        _tell_qualities(ordinary[1], (), told)
    elif switched := _SWITCHED.search(text):
        _tell_qualities(switched[1], (), told)
        told[Fluent("on", (switched[1],))] = switched[2] == "on"
    elif qualities := _QUALITIES.search(text):
        words = {_SYNONYMS.get(word, word) for word in qualities[1].split()} - {"and"}
        _tell_qualities(qualities[2], words, told)


def _tell_qualities(name: str, words: Iterable[str], told: dict[Fluent, Value]) -> None:
    words = set(words)
    unsaid = set().union(*(_UNSAID.get(word, set()) for word in words)) - words
    for quality in _TEMPERATURES_AND_DIRT:
        if quality not in unsaid:
            told[Fluent(quality, (name,))] = quality in words
    if "sliced" in words or not words:
        told[Fluent("sliced", (name,))] = "sliced" in words


# --- goals and help -----------------------------------------------------------------------------------------

_X, _R, _L, _Y = Var("x"), Var("r"), Var("l"), Var("y")
_THING = Gap("thing", words=tuple(sorted(PORTABLE)))
_GAPS = (_THING, Gap("place", sort="receptacle"))
_PLACED = (
    Condition(Ref("kind", (_X,)), "==", "{thing}"),
    Condition(Ref("kind", (_R,)), "==", "{place}"),
    Condition(Ref("in", (_X,)), "==", _R),
)


def _treated(quality: str) -> GoalShape:
    conditions = (*_PLACED, Condition(Ref(quality, (_X,)), op="==", right=True))
    return GoalShape(quality, f"a {{thing}} that was made {quality} is in or on a {{place}}", conditions, _GAPS)


GOALS = (
    GoalShape("place", "a {thing} is in or on a {place}", _PLACED, _GAPS),
    *(_treated(quality) for quality in _TEMPERATURES_AND_DIRT),
    GoalShape(
        "two",
        "two different {thing} are in or on one and the same {place}",
        (*_PLACED, Condition(Ref("kind", (_Y,)), "==", "{thing}"), Condition(Ref("in", (_Y,)), "==", _R)),
        _GAPS,
    ),
    GoalShape(
        "look",
        "a {thing} is held in the light of a {lamp} that is switched on",
        (
            Condition(Ref("kind", (_X,)), "==", "{thing}"),
            Condition(Ref("kind", (_L,)), "==", "{lamp}"),
            Condition(Ref("holding"), "==", _X),
            Condition(Ref("on", (_L,)), op="==", right=True),
            Condition(Ref("place", (Ref("in", (_L,)),)), "==", Ref("place", (Ref("at"),))),
        ),
        (_THING, Gap("lamp", words=tuple(sorted(TOGGLEABLE)))),
    ),
)
_SHAPES = {shape.name: shape for shape in GOALS}
_WORD = r"([a-z]+)"
_GOALS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"(?:put two {_WORD}|find two {_WORD} and put them) (?:in|on) {_WORD}"), "two"),
    (re.compile(rf"(?:look at {_WORD} under|examine the {_WORD} with) the {_WORD}"), "look"),
    (re.compile(rf"(?:put a clean {_WORD}|clean some {_WORD} and put it) (?:in|on) {_WORD}"), "clean"),
    (re.compile(rf"(?:put a hot {_WORD}|heat some {_WORD} and put it) (?:in|on) {_WORD}"), "hot"),
    (re.compile(rf"(?:put a cool {_WORD}|cool some {_WORD} and put it) (?:in|on) {_WORD}"), "cool"),
    (re.compile(rf"(?:put a {_WORD}|put some {_WORD}) (?:in|on) {_WORD}"), "place"),
)


def read_goal(text: str) -> Goal:
    """Return the goal that ``text`` words, with conditions when it is one of ALFWorld's twelve templates.

    Source: the templates of ALFWorld 0.4.2; two per task type.
    """
    task = text.strip().removeprefix("Your task is to:").strip().rstrip(".")
    for pattern, family in _GOALS:
        if match := pattern.fullmatch(task):
            shape = _SHAPES[family]
            words = (match[1] or match[2], match[3])
            return Goal(task, shape.filled({gap.name: word for gap, word in zip(shape.gaps, words, strict=True)}))
    return Goal(task)


_HELP_LINE = re.compile(r"^\s{2,}([a-z][a-z ]*(?:\([a-z]+\)[a-z ]*)*): +(.+?)\s*$", re.MULTILINE)
_SLOT = re.compile(r"\(([a-z]+)\)")
_LOOKING = ("look around", "check ", "examine ")


def read_help(text: str) -> dict[str, ActionSchema]:
    """Return the verbs that the game's help lists.

    Raises: EnvironmentFailureError when no command can be read from it.
    """
    verbs = {}
    for usage, description in _HELP_LINE.findall(text):
        sorts = tuple("any" if sort == "something" else sort for sort in _SLOT.findall(usage))
        template = usage.strip()
        for index in range(len(sorts)):
            template = _SLOT.sub(f"{{{index}}}", template, count=1)
        verb = usage.split("(")[0].strip()
        verbs[verb] = ActionSchema(verb, sorts, template, inspects=description.startswith(_LOOKING))
    if not verbs:
        message = f"expected the game's help to list commands, got {quoted(text)}"
        raise EnvironmentFailureError(message)
    return verbs


def vocabulary(help_text: str) -> Vocabulary:
    """Return what can be said of a household, with the verbs of its own help."""
    return Vocabulary(FLUENTS, read_help(help_text), location="in", explored="explored", goals=GOALS)
