"""The process that plays games: ``python -m agentwm_environments.textworld.worker``.

It speaks one JSON object per line: ``{"load": FILE}`` begins a game, with ``"watch": true`` so that what the engine knows can be asked
for; ``{"say": COMMAND}`` gives a command. Each answer is ``{"text"}``, with ``admissible`` and ``facts`` where it is watched, or
``{"error"}``. A process of its own, because the interpreter ends its process over a file that it cannot read, and because every load
leaks half a megabyte.
"""

import json
import os
import sys
import warnings
from typing import IO, Any

__all__ = ["serve"]


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


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer ``requests`` until they end."""
    game: _Interpreter | _Watched | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if "load" in request:
                game = (_Watched if request.get("watch") else _Interpreter)(request["load"])
                answer = game.begin()
            else:
                assert game is not None, "a game must be loaded first"
                answer = game.say(request["say"])
        # Whatever goes wrong in there, an exit included, is told to the adapter, which raises it as its own error.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Serve on the standard streams; whatever the engine itself prints goes to the standard error stream."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
