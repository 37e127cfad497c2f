"""The process that plays games: ``python -m agentwm_environments.textworld.worker``.

It speaks one JSON object per line: ``{"load": FILE}`` begins a game, with ``"watch": true`` so that what the engine knows can be asked
for; ``{"say": COMMAND}`` gives a command. Each answer is ``{"text"}``, with ``admissible`` and ``facts`` where it is watched, or
``{"error"}``. A process of its own, because the interpreter ends its process over a file that it cannot read, and because every load
leaks half a megabyte.
"""

import warnings
from typing import Any

from agentwm_environments.lines import answer_lines

__all__: list[str] = []


class _Interpreter:
    """A game in the bare interpreter: texts only."""

    def __init__(self, file: str) -> None:
        import jericho  # noqa: PLC0415 -- an optional extra, and slow to import

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it does not know this game: it need not
            self._engine = jericho.FrotzEnv(file, 0)

    def begin(self) -> dict[str, Any]:
        text, _ = self._engine.reset()
        return {"text": text}

    def say(self, command: str) -> dict[str, Any]:
        text, *_ = self._engine.step(command)
        return {"text": text}


class _Watched:
    """A game in TextWorld's own environment, which follows what is so and what is admissible; it needs the game's ``.json``."""

    def __init__(self, file: str) -> None:
        import textworld  # noqa: PLC0415 -- an optional extra, and slow to import

        self._engine = textworld.start(file, textworld.EnvInfos(facts=True, admissible_commands=True))

    def begin(self) -> dict[str, Any]:
        return self._answer(self._engine.reset())

    def say(self, command: str) -> dict[str, Any]:
        state, _, _ = self._engine.step(command)
        return self._answer(state)

    @staticmethod
    def _answer(state: Any) -> dict[str, Any]:
        facts = [[fact.name, *(argument.name for argument in fact.arguments)] for fact in state["facts"]]
        return {"text": state["feedback"], "admissible": state["admissible_commands"], "facts": facts}


class _Server:
    """Answers requests about the game that was loaded last."""

    def __init__(self) -> None:
        self._game: _Interpreter | _Watched | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if "load" in request:
            self._game = (_Watched if request.get("watch") else _Interpreter)(request["load"])
            return self._game.begin()
        assert self._game is not None, "a game must be loaded first"
        return self._game.say(request["say"])


if __name__ == "__main__":
    answer_lines(_Server().answer)
