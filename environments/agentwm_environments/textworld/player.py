"""Plays compiled games in a process of its own, and says what answers."""

import importlib.util
from pathlib import Path
from typing import Any

from agentwm.errors import EnvironmentFailureError, TaskError, quoted
from agentwm_environments.lines import LineProcess

__all__ = ["Player", "missing"]

_GAMES_PER_PROCESS = 50
"""Every load leaks half a megabyte; a fresh process forgets them. Source: measured, 462 KB per load."""

_PATIENCE_S = 60.0


def missing() -> str | None:
    """Return what keeps TextWorld from running here and what installs it, or None."""
    absent = [name for name in ("textworld", "jericho", "hashids") if importlib.util.find_spec(name) is None]
    if not absent:
        return None
    return f"TextWorld needs {' and '.join(absent)}, which is not installed: pip install 'agentwm[textworld]'"


class Player:
    """Plays one game after another.

    One that ``watches`` knows what the engine knows, of games that have TextWorld's ``.json`` beside them.
    """

    def __init__(self, *, watches: bool = False) -> None:
        self._watches = watches
        self._process = LineProcess(f"{__package__}.worker", "the interpreter's process", patience_s=_PATIENCE_S)
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
        self._process.close()
        self._loaded = 0

    def _ask(self, request: dict[str, Any]) -> str:
        try:
            answer = self._process.ask(request)
        except EnvironmentFailureError as error:
            self._loaded = 0
            raise EnvironmentFailureError(f"{error} while it played {self._file.name}") from error
        if "error" in answer:
            self.close()
            raise EnvironmentFailureError(f"the interpreter failed at {self._file.name}: {quoted(answer['error'])}")
        self._answer = answer
        return str(answer["text"])
