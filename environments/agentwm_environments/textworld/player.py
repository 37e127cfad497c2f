"""Plays compiled games in a process of its own, and says what answers."""

import importlib.util
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

from agentwm.errors import EnvironmentFailureError, TaskError, quoted

__all__ = ["Player", "missing", "start"]

_GAMES_PER_PROCESS = 50
"""Every load leaks half a megabyte; a fresh process forgets them. Source: measured, 462 KB per load."""

_PATIENCE_S = 60.0


def missing() -> str | None:
    """Return what keeps TextWorld from running here and what installs it, or None."""
    absent = [name for name in ("textworld", "jericho", "hashids") if importlib.util.find_spec(name) is None]
    if not absent:
        return None
    return f"TextWorld needs {' and '.join(absent)}, which is not installed: pip install 'agentwm[textworld]'"


def start(module: str) -> "subprocess.Popen[str]":
    """Return a process of this package's ``module`` that serves on its standard streams."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(  # noqa: S603 -- our own module, no outside input
        [sys.executable, "-m", f"{__package__}.{module}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=environment,
    )


class Player:
    """Plays one game after another.

    One that ``watches`` knows what the engine knows, of games that have TextWorld's ``.json`` beside them.
    """

    def __init__(self, *, watches: bool = False) -> None:
        self._watches = watches
        self._process: subprocess.Popen[str] | None = None
        self._loaded = 0
        self._file = Path()
        self._answer: dict[str, Any] = {}

    def begin(self, file: Path) -> str:
        """Load the game in ``file`` and return its introduction.

        Raises: TaskError when it cannot be played.
        """
        if self._loaded >= _GAMES_PER_PROCESS:
            self.close()
        self._loaded += 1
        self._file = file
        try:
            text = self._ask({"load": str(file), "watch": self._watches})
        except EnvironmentFailureError as error:
            raise TaskError(
                f"{file}: expected a game for the Z-machine, the interpreter could not play it: {error}"
            ) from error
        if not text.strip():
            raise TaskError(f"{file}: expected a game for the Z-machine, its first text is empty")
        if "Emulator halted" in text:
            raise TaskError(f"{file}: expected a game for the Z-machine, the interpreter says {quoted(text)}")
        return text

    def say(self, command: str) -> str:
        """Give ``command`` and return the text that answers it.

        Raises: EnvironmentFailureError when none does.
        """
        return self._ask({"say": command})

    @property
    def admissible(self) -> tuple[str, ...]:
        """The commands that would be accepted now, as the engine knows, sorted; empty where it does not watch."""
        return tuple(self._answer.get("admissible", ()))

    @property
    def facts(self) -> frozenset[tuple[str, ...]]:
        """What is so, as the engine knows; for scoring only."""
        return frozenset(map(tuple, self._answer.get("facts", ())))

    def close(self) -> None:
        """End the process. May be called twice."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.communicate()
        self._loaded = 0

    def _ask(self, request: dict[str, Any]) -> str:
        process = self._process = self._process or start("worker")
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018 -- both are pipes
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            is_in_time = bool(select.select([process.stdout], [], [], _PATIENCE_S)[0])
            line = process.stdout.readline() if is_in_time else ""
        except OSError as error:
            is_in_time, line, reason = True, "", f" ({error})"
        else:
            reason = ""
        if not line:
            self.close()
            ended = "ended" if is_in_time else f"did not answer within {_PATIENCE_S:.0f} s"
            raise EnvironmentFailureError(
                f"the interpreter's process {ended} while it played {self._file.name}{reason}"
            )
        answer = json.loads(line)
        if "error" in answer:
            self.close()
            raise EnvironmentFailureError(f"the interpreter failed at {self._file.name}: {quoted(answer['error'])}")
        self._answer = answer
        return str(answer["text"])
