"""The process that runs the official engine: ``python -m agentwm_environments.alfworld.official_worker``.

It speaks one JSON object per line: ``{"load": GAME}`` begins a game (the content of a ``game.tw-pddl``), ``{"reset": true}`` begins it
again, ``{"step": COMMAND}`` does a command. Each answer is ``{"text", "admissible", "score", "won"}`` or ``{"error"}``. A process of its
own, because the official engine overwrites ``sys.argv``, swaps ``sys.stdout``, exits on a bad game, leaks memory at every load and
keeps global state.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from agentwm_environments.lines import answer_lines

__all__ = ["OfficialGame"]


class OfficialGame:
    """One game in the stock official engine, in this very process.

    Raises: ImportError when alfworld or textworld is missing; SystemExit, from Fast Downward, on a bad problem.
    """

    def __init__(self, game: dict[str, Any], *, facts: bool = False) -> None:
        with tempfile.TemporaryDirectory() as folder:
            # Importing alfworld creates the folder that this variable names, by default in the user's cache.
            os.environ.setdefault("ALFWORLD_DATA", folder)
            import textworld  # noqa: PLC0415 -- an optional extra, and slow to import
            from alfworld.agents.environment.alfred_tw_env import AlfredDemangler, AlfredInfos  # noqa: PLC0415

            path = Path(folder) / "game.tw-pddl"
            path.write_text(json.dumps(game), encoding="utf-8")
            infos = textworld.EnvInfos(won=True, admissible_commands=True, facts=facts)
            self._engine = textworld.start(str(path), infos, wrappers=[AlfredDemangler(shuffle=False), AlfredInfos])
        self._state: Any = {}

    def reset(self) -> str:
        """Begin again and return the introduction."""
        self._state = self._engine.reset()
        return str(self._state["feedback"])

    def step(self, command: str) -> str:
        """Do ``command`` and return the text that answers it."""
        self._state, _, _ = self._engine.step(command)
        return str(self._state["feedback"])

    def admissible(self) -> list[str]:
        """Return the commands that would be accepted now, sorted."""
        return list(self._state["admissible_commands"])

    @property
    def won(self) -> bool:
        """Whether the goal holds now."""
        return bool(self._state["won"])

    @property
    def score(self) -> int:
        """The reward; the engine states none after a reset, which is 0."""
        return int(self._state.get("score") or 0)

    def facts(self) -> list[tuple[str, ...]]:
        """Return what is so, where ``facts`` was asked for, but for what the planner made up and what it was told is not so."""
        return [
            (fact.name, *(argument.name.strip() for argument in fact.arguments))
            for fact in self._state["facts"]
            if not fact.name.startswith(("new-axiom@", "not_"))
        ]


class _Server:
    """Answers requests about the game that was loaded last."""

    def __init__(self) -> None:
        self._game: OfficialGame | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if "load" in request:
            self._game = OfficialGame(request["load"])
        game = self._game
        assert game is not None, "a game must be loaded first"
        text = game.step(request["step"]) if "step" in request else game.reset()
        return {"text": text, "admissible": game.admissible(), "score": game.score, "won": game.won}


if __name__ == "__main__":
    answer_lines(_Server().answer)
