"""What `agentwm doctor` says of the household: a game of each type is played by the oracle, and the official games are counted."""

import os
from pathlib import Path

from agentwm.errors import ConfigurationError, EnvironmentFailureError

from . import games
from .engine import Household
from .generator import generate
from .official import missing
from .solver import solve

__all__ = ["check"]


def check() -> list[str]:
    """Return what was found, a line each.

    Raises: EnvironmentFailureError when a generated game is not won by its own solution; ConfigurationError when
        ``ALFWORLD_DATA`` names a folder without games.
    """
    return [_play_generated(), _count_official(), _official_engine()]


def _play_generated() -> str:
    [game] = generate("test", 1, 0)
    commands = solve(game)
    household = Household(game)
    household.reset()
    for command in commands or ():
        household.step(command)
    if not household.won:
        raise EnvironmentFailureError(
            f"the generated game {game.id} is not won by its solution {commands}: please report this"
        )
    return f"our engine: a generated game was won in {len(commands or ())} steps by the oracle ({game.id})"


def _count_official() -> str:
    named = os.environ.get("ALFWORLD_DATA")
    if not named:
        return "official games: none named; set ALFWORLD_DATA, or give --games, to play them"
    found = games.count(Path(named).expanduser())
    if not found:
        raise ConfigurationError(
            f"ALFWORLD_DATA names {named}, where no games are: expected json_2.1.1/<split>/<task>/<trial>/"
        )
    return f"official games in {named}: {', '.join(f'{split} {number}' for split, number in found.items())}"


def _official_engine() -> str:
    return missing() or "the official engine is installed"
