"""Reads what a TextWorld game asks for: the steps of its objective, one after another, and the recipe in its cookbook.

A step is read as what is so once it is done, never as a command to give: "head east" asks to be in the room that lies there, "make sure
that the oak door is ajar" that it is open. So a step may be done in any way, and how it is done is for others to know.

Source: the grammar of TextWorld 1.7 (`house_instruction.twg`).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from agentwm.types import Condition, Goal, Ref, Term, Var

from .rooms import DIRECTIONS

__all__ = ["Recipe", "read_objective", "read_recipe"]

Part = tuple[Condition, ...]

_X, _Y = Var("x"), Var("y")
_CARRIED = Condition(Ref("where", (_X,)), "==", Ref("me"))

_DIRECTION = "|".join(DIRECTIONS)
_ROOM = r"(?: (?:in|within|inside) the [^,.]+?)?"
_GO = re.compile(rf"\b(?:go|head|venture|travel|move|take a trip)(?: to the| through the)? ({_DIRECTION})\b")
_OPEN = re.compile(rf"\bopen (?:the )?(?:locked )?(.+?){_ROOM}(?: using the .+)?$")
_IS_OPEN = re.compile(rf"\bthat the (.+?){_ROOM} is (?:opened|open|wide open|ajar)$")
_CLOSE = re.compile(rf"\bclose (?:the )?(.+?){_ROOM}$|\bthat the (.+?){_ROOM} is (?:closed|shut)$")
_UNLOCK = re.compile(
    rf"\bunlock the (.+?){_ROOM}(?: with the .+)?$|\bthat the (.+?){_ROOM} is unlocked(?: with the .+)?$"
    rf"|\binsert the .+ into the (.+?){_ROOM}'s lock to unlock it$"
)
_TAKE = re.compile(
    r"\b(?:take|retrieve|recover|pick-up|pick up|lift|get) the (.+?)(?: from the .+| that's in the .+| in the .+)?$"
)
_PUT = re.compile(rf"\b(?:put|place|sit|rest) the (.+?) on the (?!floor\b)(.+?){_ROOM}$")
_INSERT = re.compile(rf"\b(?:insert|put|place|deposit) the (.+?) (?:into|inside) the (.+?){_ROOM}$")
_EAT = re.compile(r"\beat the (.+)$")
_COOKBOOK = re.compile(r"\bCheck the (cookbook|recipe book) in the ")
_ENJOY = re.compile(r"\benjoy your (.+?)[.!]")

# "Having taken the milk, go north": what comes before is done already.
_BEFORE = re.compile(r"^.*?, (?=[a-z])")

_RECIPE = re.compile(r"Ingredients:\n(.+?)\n\s*\nDirections:\n(.+?)(?:\n\s*\n|\s*$)", re.DOTALL)
_DIRECTED = re.compile(r"^(slice|dice|chop|fry|roast|grill) the (.+)$")
_PREPARED = re.compile(r"^prepare (.+)$")
_PARTICIPLES = {
    "slice": ("cut", "sliced"),
    "dice": ("cut", "diced"),
    "chop": ("cut", "chopped"),
    "fry": ("cooked", "fried"),
    "roast": ("cooked", "roasted"),
    "grill": ("cooked", "grilled"),
}


def read_objective(text: str, start: str) -> Goal:
    """Return the goal that ``text`` words for a player who begins in the room ``start``; without conditions where none can be read."""
    wording = " ".join(text.split())
    if book := _COOKBOOK.search(wording):
        meal = _ENJOY.search(wording)
        then = ((_is("x", meal[1]), _true("eaten", _X)),) if meal else ()
        return Goal(wording, (_is("x", book[1]), _true("examined", _X)), then)
    parts: list[Part] = []
    place: Term = start
    for sentence in re.split(r"(?<=[.!?]) ", wording):
        step = _BEFORE.sub("", sentence.strip().rstrip(".!?"))
        step = step[:1].lower() + step[1:]
        if way := _GO.search(step):
            place = Ref("leads", (Ref("way", (place, way[1])),))
            parts.append((Condition(Ref("at"), "==", place),))
        elif part := _part(step):
            parts.append(part)
    parts = [part for number, part in enumerate(parts) if not _is_opened_later(part, parts[number + 1 :])]
    return Goal(wording, parts[0], tuple(parts[1:])) if parts else Goal(wording)


def _is_opened_later(part: Part, later: list[Part]) -> bool:
    """Whether ``part`` asks to unlock what a later one asks to be open: that says it all, and a lock is not known before it is tried."""
    return part[-1] == _false("locked", _X) and (part[0], _true("open", _X)) in later


def _part(step: str) -> Part | None:
    """Return what is so once ``step`` is done, None where it cannot be read."""
    for pattern, condition in _STEPS:
        if match := pattern.search(step):
            name, *other = [group for group in match.groups() if group]
            return _is("x", name), *(_is("y", holder) for holder in other), condition
    return None


def _is(name: str, kind: str) -> Condition:
    return Condition(Ref("kind", (Var(name),)), "==", kind)


def _true(fluent: str, thing: Term) -> Condition:
    return Condition(Ref(fluent, (thing,)), op="==", right=True)


def _false(fluent: str, thing: Term) -> Condition:
    return Condition(Ref(fluent, (thing,)), op="==", right=False)


# In this order: "make sure that the door is unlocked" is not read as to open it, nor "put it in the box" as to take it.
_STEPS = (
    (_UNLOCK, _false("locked", _X)),
    (_IS_OPEN, _true("open", _X)),
    (_OPEN, _true("open", _X)),
    (_CLOSE, _false("open", _X)),
    (_PUT, Condition(Ref("in", (_X,)), "==", _Y)),
    (_INSERT, Condition(Ref("in", (_X,)), "==", _Y)),
    (_EAT, _true("eaten", _X)),
    (_TAKE, _CARRIED),
)


# --- recipes --------------------------------------------------------------------------------------------------------------


class Recipe(NamedTuple):
    """What a recipe says: the dish, its ingredients, and how each is to be (``cut``: ``sliced``), by ingredient."""

    dish: str
    ingredients: tuple[str, ...]
    treatments: dict[str, dict[str, str]]

    def goal(self, text: str) -> Goal:
        """Return the goal to have everything as the recipe says, then to have the dish, then to have eaten it."""
        conditions: list[Condition] = []
        for number, name in enumerate(self.ingredients, start=1):
            thing = Var(f"x{number}")
            conditions += [_is(thing.name, name), Condition(Ref("where", (thing,)), "==", Ref("me"))]
            conditions += [
                Condition(Ref(fluent, (thing,)), "==", value)
                for fluent, value in sorted(self.treatments.get(name, {}).items())
            ]
        dish = _is("x", self.dish)
        return Goal(text, tuple(conditions), ((dish, _CARRIED), (dish, _true("eaten", _X))))


def read_recipe(text: str) -> Recipe | None:
    """Return the recipe that ``text`` tells, None where it tells none."""
    found = _RECIPE.search(text)
    if found is None:
        return None
    treatments: dict[str, dict[str, str]] = {}
    dish = ""
    for line in _lines(found[2]):
        if directed := _DIRECTED.match(line):
            fluent, value = _PARTICIPLES[directed[1]]
            treatments.setdefault(directed[2], {})[fluent] = value
        elif prepared := _PREPARED.match(line):
            dish = prepared[1]
    return Recipe(dish, tuple(_lines(found[1])), treatments)


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())
