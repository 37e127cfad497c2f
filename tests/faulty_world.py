"""A corridor of three steps, in which some tasks break down in every way there is.

`tests/test_isolation.py` installs a copy of this file as a module of its own, which other processes find, too.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agentwm.errors import AgentwmError, MissingExtraError, TaskError
from agentwm.facts import FactsPerceiver
from agentwm.types import (
    Action,
    ActionSchema,
    EnvironmentOptions,
    EnvironmentSpec,
    Fluent,
    FluentSchema,
    Goal,
    Observation,
    Perceiver,
    Vocabulary,
)

AT = Fluent("at")
GO = Action("go")
LENGTH = 3
FAULTY_AT = 2
NOTES = "FAULTY_WORLD_NOTES"
"""The variable that names a file: every process of this world writes its number into it."""


def _raise() -> None:
    message = "the floor is gone"
    raise LookupError(message)


def _hang() -> None:
    child = subprocess.Popen(["sleep", "600"])
    _note(child.pid)
    time.sleep(600)


def _flood() -> None:
    os.write(1, b"how are you?\n" * 100_000)
    sys.stdout.write("and you?\n" * 100_000)
    sys.stderr.write("and you?\n" * 100_000)


FAULTS: Mapping[str, Callable[[], object]] = {
    "raise": _raise,
    "leave": sys.exit,
    "nothing": lambda: None,
    "garbage": lambda: Observation("", {AT: object()}),  # type: ignore[dict-item]  # on purpose
    "hang": _hang,
    "exit": lambda: os._exit(3),
    "segfault": lambda: ctypes.string_at(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "flood": _flood,
}
"""What a task's name may ask for; the first four can be survived without a process of one's own, and the last is none."""

TASKS: Mapping[str, Sequence[str]] = {
    "mild": ["raise", "leave", "nothing", "garbage"],
    "wild": ["raise", "leave", "nothing", "garbage", "hang", "exit", "segfault", "kill"],
    "loud": ["flood"],
}


def _note(pid: int) -> None:
    if NOTES in os.environ:
        with Path(os.environ[NOTES]).open("a", encoding="utf-8") as notes:
            notes.write(f"{pid}\n")


class FaultyWorld:
    """Walks down a corridor; a task's name says what goes wrong on the way, and whether ``reset`` or ``step`` does it."""

    name = "faulty"

    def __init__(self, split: str, *, derive: Callable[..., Any] | None = None) -> None:
        _note(os.getpid())
        self.perceiver: Perceiver | None = FactsPerceiver()
        place = FluentSchema("here", (), "number", derive=derive)
        words = {"at": FluentSchema("at", (), "number")} | ({"here": place} if derive else {})
        self.vocabulary = Vocabulary(words, {"go": ActionSchema("go", (), "go")}, reports_failure=False)
        self.refusals: Sequence[TaskError] = ()
        self._split = split
        self._fault = self._when = ""
        self._at = 0

    @property
    def goal(self) -> Goal:
        """As in games that word their goal on the way."""
        return Goal("walk on" if self._at else "walk to the end")

    @property
    def achievements(self) -> Mapping[str, int]:
        return {"halfway": int(self._at > 1), "the end": int(self._at == LENGTH)}

    @property
    def about(self) -> Mapping[str, str | int]:
        return {"split": self._split, "engine": "fast"}

    def tasks(self) -> Sequence[str]:
        faults = TASKS.get(self._split, [])
        return ["fine", *(f"{fault} {when}" for fault in faults for when in ("step", "reset")), "fine too"]

    def task_type(self, task: str) -> str:
        return task.partition(" ")[0]

    def reset(self, task: str, *, seed: int = 0) -> Observation:  # noqa: ARG002 -- there is no chance in it
        self._fault, _, self._when = task.partition(" ")
        self._at = 0
        return self._seen("reset")

    def step(self, action: Action) -> Observation:
        assert action == GO
        self._at += 1
        return self._seen("step" if self._at == FAULTY_AT else "")

    def close(self) -> None:
        if self._split == "unclosable":
            _raise()

    def _seen(self, when: str) -> Observation:
        if when and when == self._when:
            broken: Any = FAULTS[self._fault]()
            if self._fault != "flood":
                return broken  # type: ignore[no-any-return]  # on purpose
        is_over = self._at == LENGTH
        return Observation(f"step {self._at}", {AT: self._at}, reward=float(is_over), terminated=is_over)


def make(options: EnvironmentOptions) -> FaultyWorld:
    return FaultyWorld(options.split or "mild")


SPEC = EnvironmentSpec(
    "faulty", "a corridor with holes", ("mild", "wild", "loud", "unclosable"), ("fast",), make=make, time_limit_s=0.7
)


def broken(error: type[AgentwmError]) -> FaultyWorld:
    raise error("no lamp")


class StrangersError(MissingExtraError):
    pass


def nowhere(*_: object) -> int:
    return 0


def with_lambda() -> FaultyWorld:
    return FaultyWorld("mild", derive=lambda *_: 0)
