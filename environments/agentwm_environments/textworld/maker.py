"""The process that makes games: ``python -m agentwm_environments.textworld.maker``.

It reads one recipe per line, as JSON with a ``folder`` beside it, and answers each with the file made or with an ``error``. A process of
its own, because TextWorld keeps its randomness and its text grammars in global state, and because several can be at work.
"""

import tempfile
import warnings
from pathlib import Path
from typing import Any

from agentwm_environments.lines import answer_lines

__all__ = ["make"]

_ATTEMPTS = 20
"""Seeds tried for one game: some draw a map that has no quest of the length asked for."""
_STRIDE = 2**27


def make(recipe: dict[str, Any]) -> Path:
    """Make the game of ``recipe`` and return its file, which is there as a whole or not at all.

    Beside it stands TextWorld's own description of it, as ``.json``.

    Raises: RuntimeError when none of the seeds that are tried gives a game.
    """
    import textworld.challenges  # noqa: PLC0415 -- an optional extra, and slow to import
    from textworld.generator import QuestGenerationError, compile_game  # noqa: PLC0415

    folder = Path(recipe["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    _, draw, _ = textworld.challenges.CHALLENGES[recipe["challenge"]]
    for attempt in range(_ATTEMPTS):
        options = textworld.GameOptions()
        # The next seed tried is as even or odd as the first: what is learned on stays apart from what is played.
        options.seeds = recipe["seed"] + attempt * _STRIDE
        try:
            game = draw(recipe["settings"], options)
        except QuestGenerationError:
            continue
        with tempfile.TemporaryDirectory(dir=folder) as draft:
            options.path = str(Path(draft) / "game.z8")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile_game(game, options)
            made = folder / f"{recipe['name']}.z8"
            (Path(draft) / "game.json").replace(made.with_suffix(".json"))
            (Path(draft) / "game.z8").replace(made)  # last: where it is, the other is, too
        return made
    raise RuntimeError(f"no game of {recipe['name']} in {_ATTEMPTS} attempts")


if __name__ == "__main__":
    answer_lines(lambda recipe: {"made": str(make(recipe))})
