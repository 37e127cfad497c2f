"""The official ALFWorld engine behind the interface of ``Household``, in a process of its own."""

import importlib.util
import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from agentwm.errors import EnvironmentFailureError, MissingExtraError, TaskError, quoted
from agentwm_environments.lines import LineProcess

from .game import Game
from .pddl import write_problem

__all__ = ["OfficialHousehold", "missing", "to_pddl"]

_GAMES_PER_PROCESS = 50
"""Every load leaks a mapped library and up to 8 MB; a fresh process forgets them. Source: notes on ALFWorld, measured."""


def missing() -> str | None:
    """Return what keeps the official engine from running here and what installs it, or None."""
    absent = [name for name in ("alfworld", "textworld", "fast_downward") if importlib.util.find_spec(name) is None]
    if not absent:
        return None
    return f"the official engine needs {' and '.join(absent)}, which is not installed: pip install 'agentwm[alfworld]'"


def to_pddl(game: Game, problem: str | None = None) -> dict[str, Any]:
    """Return the content of a ``game.tw-pddl`` for ``game``, with the installed package's domain and grammar.

    ``problem`` is the official PDDL problem, where there is one; without it one is written.

    Raises: MissingExtraError when alfworld is not installed; ProblemError when the game's names cannot be the official ones.
    """
    if reason := missing():
        raise MissingExtraError(reason)
    # Where it is installed, and not where it would be imported from: a script named alfworld.py would stand before it.
    data = Path(str(distribution("alfworld").locate_file("alfworld/data")))
    goal = json.dumps(game.goal_text)[1:-1]
    return {
        "pddl_domain": (data / "alfred.pddl").read_text(encoding="utf-8"),
        "grammar": (data / "alfred.twl2").read_text(encoding="utf-8").replace("UNKNOWN GOAL", goal),
        "pddl_problem": write_problem(game) if problem is None else problem,
        "solvable": True,
        "walkthrough": None,
    }


class OfficialHousehold:
    """Plays games in the official engine, always in today's dialect: domain and grammar are the installed package's.

    ``problem`` is the PDDL problem of an official game file; without one the game's own is written. The process is started with the
    first game and shared by all that are begun with ``play``.
    """

    def __init__(self) -> None:
        if reason := missing():
            raise MissingExtraError(reason)
        self._process = LineProcess(f"{__package__}.official_worker", "the official engine's process")
        self._loaded = 0
        self._game_id = ""
        self._answer: dict[str, Any] = {}

    def play(self, game: Game, problem: str | None = None) -> None:
        """Load ``game``, to be begun with ``reset``.

        Raises: TaskError when the official engine refuses it.
        """
        if self._loaded >= _GAMES_PER_PROCESS:
            self.close()
        self._loaded += 1
        self._game_id = game.id
        self._ask({"load": to_pddl(game, problem)})

    def reset(self) -> str:
        """Begin the loaded game again and return its introduction."""
        return self._ask({"reset": True})

    def step(self, command: str) -> str:
        """Do ``command`` and return the text that answers it."""
        return self._ask({"step": command})

    def admissible(self) -> list[str]:
        """Return the commands that would be accepted now, sorted."""
        return list(self._answer["admissible"])

    @property
    def won(self) -> bool:
        """Whether the goal holds now."""
        return bool(self._answer["won"])

    @property
    def score(self) -> int:
        """The reward: 1 while the goal holds, else 0."""
        return int(self._answer["score"])

    def close(self) -> None:
        """End the process. May be called twice."""
        self._process.close()
        self._loaded = 0

    def _ask(self, request: dict[str, Any]) -> str:
        try:
            answer = self._process.ask(request)
        except EnvironmentFailureError as error:
            self._loaded = 0
            raise EnvironmentFailureError(f"{error} while it played {self._game_id}") from error
        if "error" in answer:
            self.close()
            raise TaskError(f"{self._game_id}: the official engine cannot play this game: {quoted(answer['error'])}")
        self._answer = answer
        return str(answer["text"])
