"""What can be said of a TextWorld game: its fluents, and the verbs that its own help lists."""

import re
from collections.abc import Iterable, Mapping, Sequence

from agentwm.errors import EnvironmentFailureError, quoted
from agentwm.types import (
    Action,
    ActionSchema,
    Condition,
    Fluent,
    FluentSchema,
    Gap,
    GoalShape,
    Ref,
    State,
    Value,
    Var,
    Vocabulary,
)

from .rooms import DIRECTIONS

__all__ = ["AT", "FLUENTS", "GOALS", "ME", "YOU", "command", "exit_of", "read_help", "read_templates", "vocabulary"]

YOU = "you"
"""The player, as a place: what is carried is there."""

AT = Fluent("at")
ME = Fluent("me")


def _is_ready(state: State, args: tuple[str, ...]) -> Value:
    """Return whether all that the recipe for a dish asks for is carried, cooked and cut as it says; nothing where none is known."""
    (dish,) = args
    asked = [fluent.args[0] for fluent, value in state.items() if fluent.name == "asked" and value == dish]
    if not asked:
        return None
    return all(
        state.get(Fluent("where", (thing,))) == YOU
        and all(
            state.get(Fluent(f"asked_{how}", (thing,))) in (None, state.get(Fluent(how, (thing,))))
            for how in ("cooked", "cut")
        )
        for thing in asked
    )


_PLACES = "a room, or the player: what is carried is where the player is meant, not the room"

FLUENTS = {
    schema.name: schema
    for schema in (
        FluentSchema("sort", ("any",), "sort", static=True),
        FluentSchema(
            "kind", ("any",), "kind", static=True, about="the name, which tells what it is; exits are all of one kind"
        ),
        FluentSchema("me", (), "place", static=True, about="the player"),
        FluentSchema("at", (), "place", about="the room that the player is in"),
        FluentSchema("where", ("object",), "place", about=_PLACES),
        FluentSchema(
            "in", ("object",), "fixture", about="what it lies in or on; nothing while carried or on the floor"
        ),
        FluentSchema("stands", ("fixture",), "place", about="the room in which it was seen last; a door stands in two"),
        FluentSchema(
            "open", ("fixture",), "bool", about="nothing where things lie on it, not in it: it cannot be opened"
        ),
        FluentSchema("locked", ("fixture",), "bool", default=False, has_default=True),
        FluentSchema("key", ("fixture",), "object", static=True, about="what unlocks it, as the game says"),
        FluentSchema("from", ("exit",), "place", static=True, about="the room that it leads out of"),
        FluentSchema("leads", ("exit",), "place", static=True, about="the room that it leads to"),
        FluentSchema("door", ("exit",), "fixture", static=True, about="nothing where there is none in it"),
        FluentSchema(
            "way",
            ("place", "direction"),
            "exit",
            static=True,
            about="the exit to that side; nothing where there is none",
        ),
        FluentSchema(
            "explored",
            ("fixture|exit",),
            "bool",
            default=False,
            has_default=True,
            about="true once all that is in or on it was seen, or where it leads",
        ),
        FluentSchema("examined", ("object",), "bool", default=False, has_default=True),
        FluentSchema("eaten", ("object",), "bool", default=False, has_default=True),
        FluentSchema("cooked", ("object",), "kind", has_default=True, about="raw, fried ..., where a word says so"),
        FluentSchema(
            "cut", ("object",), "kind", has_default=True, about="sliced, diced or chopped, where a word says so"
        ),
        FluentSchema("asked", ("object",), "object", static=True, about="the dish whose recipe lists it"),
        FluentSchema("asked_cooked", ("object",), "kind", static=True, about="how the recipe wants it cooked"),
        FluentSchema("asked_cut", ("object",), "kind", static=True, about="how the recipe wants it cut"),
        FluentSchema("site", ("object",), "place", static=True, about="the only room to make it in, as the game says"),
        FluentSchema(
            "ready",
            ("object",),
            "bool",
            derive=_is_ready,
            about="of a dish: all that its recipe lists is carried, cooked and cut as it says",
        ),
    )
}

# --- commands -------------------------------------------------------------------------------------------------------------

_EXIT = re.compile(rf"^({'|'.join(DIRECTIONS)}) exit of (.+)$")
_HELP_LINE = re.compile(r"^\s{2,}([a-z][a-z .<>]*): +(.+?)\s*$", re.MULTILINE)
_SLOT = re.compile(r"\.\.\.|<dir>")
_GAP = re.compile(r"\{\w+\}")
_LOOKING = ("describe", "print")

# The sorts of what stands in a verb's gaps, by the words of the help: "take ... from ...: take an object from a container or a supporter".
_HELD = re.compile(r"\b(?:object|food|key)\b")
_FIXED = re.compile(r"\b(?:container|supporter|door)\b")


def exit_of(room: str, direction: str) -> str:
    """Return the name of the exit that leads out of ``room`` to the north, say."""
    return f"{direction} exit of {room}"


def command(action: Action, schema: ActionSchema, room: str) -> str:
    """Return the command that the game takes for ``action`` in ``room``: of an exit of that it knows the direction only."""
    named = (match[1] if (match := _EXIT.match(arg)) and match[2] == room else arg for arg in action.args)
    return schema.render(tuple(named))


def read_help(text: str) -> dict[str, ActionSchema]:
    """Return the verbs that the game's help lists.

    Raises: EnvironmentFailureError when no command can be read from it.
    """
    verbs = {}
    for usage, description in _HELP_LINE.findall(text):
        gaps = _SLOT.findall(usage)
        sorts = ("exit",) if gaps == ["<dir>"] else _sorts(description, len(gaps))
        if usage == "goal" or sorts is None:
            continue
        # To examine a thing is more than to look around: it is then examined, which may be what is asked for.
        schema = _schema(_numbered(usage, _SLOT), sorts, inspects=not gaps and description.startswith(_LOOKING))
        verbs[schema.verb] = schema
    if not verbs:
        raise EnvironmentFailureError(f"expected the game's help to list commands, got {quoted(text)}")
    return verbs


def read_templates(templates: Iterable[str], known: Mapping[str, ActionSchema]) -> dict[str, ActionSchema]:
    """Return the verbs that a game names beside those of its help, such as ``slice {f} with {o}``.

    What stands in their gaps is written as TextWorld's types; they stand for a fixture where they are no type of thing to be carried.
    ``prepare meal`` is done with the meal.
    """
    verbs = {}
    for template in sorted(templates):
        words = template.split()
        if any(words[0] == name.split()[0] for name in known) or len(words) == 1:
            continue
        gaps = _GAP.findall(template)
        sorts = tuple("object" if gap[1:-1] in ("f", "o", "k") else "fixture" for gap in gaps)
        usage = _numbered(template, _GAP) if gaps else f"{words[0]} {{0}}"
        schema = _schema(usage, sorts or ("object",))
        verbs[schema.verb] = schema
    return verbs


def _schema(usage: str, sorts: Sequence[str], *, inspects: bool = False) -> ActionSchema:
    verb = " ".join(re.sub(r"\{\d\}", " ", usage).split())
    return ActionSchema(verb, tuple(sorts), usage, inspects=inspects)


def _numbered(usage: str, gap: re.Pattern[str]) -> str:
    number = iter(range(usage.count(" ") + 1))
    return gap.sub(lambda _: f"{{{next(number)}}}", usage.strip())


def _sorts(description: str, number: int) -> tuple[str, ...] | None:
    """Return the sorts of as many gaps: in the order in which the help speaks of what is carried and of what stands there."""
    spoken = sorted(
        [(match.start(), "object") for match in [_HELD.search(description)] if match]
        + [(match.start(), "fixture") for match in [_FIXED.search(description)] if match]
    )
    if not number:
        return ()
    if "something" in description:
        return ("object",)
    sorts = [sort for _, sort in spoken][:number]
    return tuple(sorts) if len(sorts) == number else None


# --- goals ----------------------------------------------------------------------------------------------------------------

_X, _Y = Var("x"), Var("y")
_IS_X = Condition(Ref("kind", (_X,)), "==", "{thing}")
_THING = Gap("thing", sort="object")
_HOLDER = Gap("holder", sort="fixture")

GOALS = (
    GoalShape("carried", "the {thing} is carried", (_IS_X, Condition(Ref("where", (_X,)), "==", Ref("me"))), (_THING,)),
    GoalShape(
        "placed",
        "the {thing} is in or on the {holder}",
        (_IS_X, Condition(Ref("kind", (_Y,)), "==", "{holder}"), Condition(Ref("in", (_X,)), "==", _Y)),
        (_THING, _HOLDER),
    ),
)


def vocabulary(verbs: Mapping[str, ActionSchema]) -> Vocabulary:
    """Return what can be said of a game with these verbs."""
    return Vocabulary(FLUENTS, verbs, location="in", explored="explored", goals=GOALS)
