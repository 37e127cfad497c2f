"""A gallery of three rooms that is painted: an environment with a face, for the tests of pictures on record."""

import struct
import zlib
from collections.abc import Mapping, Sequence

from agentwm.errors import TaskError
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
LENGTH = 3
COLOURS = ((214, 92, 71), (236, 190, 90), (98, 152, 116), (78, 110, 168))
SIDE = 24


def png(colour: tuple[int, int, int], *, side: int = SIDE) -> bytes:
    """Return a square of one colour."""
    row = b"\0" + bytes(colour) * side
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * side)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


class PaintedWorld:
    """Walks through the rooms; looking changes nothing, and the last room is the end."""

    name = "painted"

    def __init__(self, options: EnvironmentOptions) -> None:
        self.perceiver: Perceiver | None = FactsPerceiver()
        words = {"at": FluentSchema("at", (), "number")}
        verbs = {verb: ActionSchema(verb, (), verb) for verb in ("go", "look")}
        self.vocabulary = Vocabulary(words, verbs, reports_failure=False)
        self.refusals: Sequence[TaskError] = ()
        self.about: Mapping[str, str | int] = {"engine": "fast", "split": "train" if options.learning else "test"}
        self.goal = Goal("see <b>every</b> room & the end")
        self._split = str(self.about["split"])
        self._at = 0

    def tasks(self) -> Sequence[str]:
        return [f"{self._split}-{number}" for number in range(3)]

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- there is one family
        return "visit"

    def reset(self, task: str, *, seed: int = 0) -> Observation:  # noqa: ARG002 -- there is no chance in it
        self._at = 0
        return self._seen()

    def step(self, action: Action) -> Observation:
        self._at += action.verb == "go"
        return self._seen()

    def screenshot(self) -> bytes | None:
        return png(COLOURS[self._at])

    def close(self) -> None:
        pass

    def _seen(self) -> Observation:
        is_over = self._at == LENGTH
        return Observation(f"You are in room {self._at}.", {AT: self._at}, reward=float(is_over), terminated=is_over)


SPEC = EnvironmentSpec("painted", "a gallery", ("test", "train"), ("fast",), make=PaintedWorld)
