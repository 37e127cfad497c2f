"""Rooms behind coloured doors, and the keys to them: find the way to the treasury."""

import random
from collections.abc import Mapping, Sequence

from agentwm.types import (
    Action,
    ActionSchema,
    EnvironmentOptions,
    EnvironmentSpec,
    Fluent,
    FluentSchema,
    Goal,
    Outcome,
    State,
    Value,
    Vocabulary,
)
from agentwm_environments.tasks import settle

from .lawful import LawfulWorld
from .locks_laws import ORDINARY, TREASURY, Laws, altered
from .locks_layout import layout
from .truth import check
from .world import AT, SORTS

__all__ = ["SPEC", "TRUE_RULES", "VOCABULARY", "LocksEnvironment", "make", "outcomes"]


def _beyond(state: State, args: tuple[str, ...]) -> Value:
    """Return the room on the other side of a door from where one stands, None where the door is not in this room."""
    near, far = state.get(Fluent("near", args)), state.get(Fluent("far", args))
    here = state.get(AT)
    if here is None:
        return None
    return far if here == near else near if here == far else None


VOCABULARY = Vocabulary(
    {
        schema.name: schema
        for schema in (
            *SORTS,
            FluentSchema("colour", ("door|key",), "kind", static=True),
            FluentSchema("near", ("door",), "room", static=True),
            FluentSchema("far", ("door",), "room", static=True),
            FluentSchema(AT.name, (), "room"),
            FluentSchema("open", ("door",), "bool"),
            FluentSchema("in", ("key",), "room"),
            FluentSchema("carried", ("key",), "bool"),
            FluentSchema("beyond", ("door",), "room", derive=_beyond, is_reference=True),
        )
    },
    {
        schema.verb: schema
        for schema in (
            ActionSchema("go", ("door",), "go through {0}"),
            ActionSchema("open", ("door",), "open {0}"),
            ActionSchema("close", ("door",), "close {0}"),
            ActionSchema("take", ("key",), "take {0}"),
            ActionSchema("drop", ("key",), "drop {0}"),
        )
    },
    location="in",
    reports_failure=False,
)


TRUE_RULES = """\
go ?d when open(?d) is true then 1.00 success: at() becomes beyond(?d)
open ?d when beyond(?d) is not nothing and some key ?k with (carried(?k) is true and colour(?k) is colour(?d)) \
then 1.00 success: open(?d) becomes true
close ?d when beyond(?d) is not nothing then 1.00 success: open(?d) becomes false
take ?k when in(?k) is at() then 1.00 success: in(?k) becomes nothing, carried(?k) becomes true
drop ?k when carried(?k) is true then 1.00 success: in(?k) becomes at(), carried(?k) becomes false
any action leading to kind(at()) is "treasury" then 1.00 success: reward 1, the end
"""
"""The truth under the ordinary laws as rules, one a line."""


# --- the truth ------------------------------------------------------------------------------------------------

_Changes = dict[Fluent, Value]


def outcomes(laws: Laws, state: State, action: Action) -> tuple[Outcome, ...]:
    """Return what ``action`` does in ``state`` under ``laws``, which is always one outcome; see `KnownWorld`."""
    changes = _EFFECTS[action.verb](laws, state, action.args[0])
    room = changes.get(AT)
    is_won = room is not None and state[Fluent("kind", (str(room),))] == TREASURY
    return (Outcome(1.0, changes, reward=float(is_won), terminated=is_won),)


def _go(laws: Laws, state: State, door: str) -> _Changes:
    room = _beyond(state, (door,))
    is_hindered = laws.needs_empty_hands and bool(_carried(state))
    if room is None or not state[Fluent("open", (door,))] or is_hindered:
        return {}
    return {AT: room, Fluent("open", (door,)): False} if laws.shuts_behind else {AT: room}


def _open(laws: Laws, state: State, door: str) -> _Changes:
    is_open = Fluent("open", (door,))
    colour = str(state[Fluent("colour", (door,))])
    if _beyond(state, (door,)) is None or state[is_open] or colour in laws.jammed:
        return {}
    wanted = laws.key_for(colour)
    keys = [key for key in _carried(state) if state[Fluent("colour", (key,))] == wanted]
    if not keys:
        return {}
    return {is_open: True, Fluent("carried", (min(keys),)): False} if laws.uses_up_key else {is_open: True}


def _close(_laws: Laws, state: State, door: str) -> _Changes:
    is_open = Fluent("open", (door,))
    return {is_open: False} if state[is_open] and _beyond(state, (door,)) is not None else {}


def _take(laws: Laws, state: State, key: str) -> _Changes:
    is_full = laws.most_keys is not None and len(_carried(state)) >= laws.most_keys
    if state[Fluent("in", (key,))] != state[AT] or is_full:
        return {}
    return {Fluent("in", (key,)): None, Fluent("carried", (key,)): True}


def _drop(_laws: Laws, state: State, key: str) -> _Changes:
    carried = Fluent("carried", (key,))
    return {Fluent("in", (key,)): state[AT], carried: False} if state[carried] else {}


_EFFECTS = {"go": _go, "open": _open, "close": _close, "take": _take, "drop": _drop}


def _carried(state: State) -> list[str]:
    return [fluent.args[0] for fluent, value in state.items() if value is True and fluent.name == "carried"]


# --- the environment ------------------------------------------------------------------------------------------


class LocksEnvironment(LawfulWorld[Laws]):
    """Plays locked rooms under ``laws``; each task is a seed of its rooms, doors and keys.

    ``change`` gives other laws and the number of actions, over all episodes, after which they come into force; every task can be won
    under both from its beginning. The reward is 1 in the treasury, which ends the episode.
    """

    name = "locks"
    outcomes = staticmethod(outcomes)

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        laws: Laws = ORDINARY,
        change: tuple[int, Laws] | None = None,
        admissible: bool = False,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(tasks, VOCABULARY, laws=laws, change=change, admissible=admissible, about=about)

    @property
    def goal(self) -> Goal:
        """Reach the treasury."""
        return Goal(f"reach the {TREASURY}")

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- all tasks are of one family
        """Return the one family there is."""
        return f"reach the {TREASURY}"

    def _begin(self, task: str) -> State:
        laws = (self._laws,) if self._change is None else (self._laws, self._change[1])
        state = layout(random.Random(f"locks layout {task}"), laws)
        jammed = {colour for law in laws for colour in law.jammed}
        ajar = [f.args for f, colour in state.items() if f.name == "colour" and colour in jammed]
        return {**state, **{Fluent("open", args): True for args in ajar if Fluent("open", args) in state}}

    def _describe(self, state: State) -> str:
        here = state[AT]
        doors: list[str] = []
        keys: list[str] = []
        carried: list[str] = []
        for fluent, value in state.items():
            if fluent.name == "open" and _beyond(state, fluent.args) is not None:
                doors.append(f"{_named(state, fluent)} ({'open' if value else 'closed'})")
            elif fluent.name == "in" and value == here:
                keys.append(_named(state, fluent))
            elif fluent.name == "carried" and value:
                carried.append(_named(state, fluent))
        there = f" Keys here: {', '.join(keys)}." if keys else ""
        return f"You are in {here}. Doors: {', '.join(doors)}.{there} You carry {', '.join(carried) or 'nothing'}."


def _named(state: State, fluent: Fluent) -> str:
    return f"{state[Fluent('colour', fluent.args)]} {fluent.args[0]}"


def make(options: EnvironmentOptions) -> LocksEnvironment:
    """Return the environment that ``options`` asks for.

    Raises: ConfigurationError for what cannot be.
    """
    _, tasks, about = settle(options, SPEC, can_alter=True)
    laws = ORDINARY if options.altered is None else altered(options.altered)
    return LocksEnvironment(tasks, laws=laws, admissible=options.admissible, about=about)


SPEC = EnvironmentSpec(
    name="locks",
    summary="rooms behind coloured doors, the keys to them, and a treasury",
    splits=("test", "train"),
    engines=("fast",),
    make=make,
    true_rules=TRUE_RULES.splitlines,
    check=lambda: check(make(EnvironmentOptions(count=1))),
    learn=10,
    learning_steps=150,
    max_steps=100,
)
