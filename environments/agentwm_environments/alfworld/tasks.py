"""Where an environment's tasks come from: generated games, or official ones in a folder."""

import json
import logging
import random
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

from agentwm.errors import TaskError

from .game import Game
from .games import GameFile, Listing, load
from .generator import generate
from .laws import Laws, is_reachable

__all__ = ["GeneratedGames", "OfficialGames", "Tasks"]

_GENERATED = 200
"""How many games are generated where no number was asked for."""

_LOG = logging.getLogger(__name__)


class Tasks(Protocol):
    """The games of an environment, by id."""

    @property
    def games(self) -> dict[str, Game]:
        """The games that can be played, in order."""

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Why others cannot be."""

    def problem(self, task: str) -> str | None:
        """Return the official PDDL problem of ``task``, None for a generated one."""


class GeneratedGames:
    """The first ``count`` games (None: 200) that ``seed`` generates for ``split``, winnable under ``laws``."""

    def __init__(self, split: str, *, count: int | None, seed: int, laws: Laws) -> None:
        self._split, self._count, self._seed, self._laws = split, count, seed, laws
        self.refusals: list[TaskError] = []

    @cached_property
    def games(self) -> dict[str, Game]:
        """The games in the order in which they were generated."""
        wanted = _GENERATED if self._count is None else self._count
        return {game.id: game for game in generate(self._split, wanted, self._seed, laws=self._laws)}

    def problem(self, task: str) -> str | None:
        """Return None: a generated game has no official problem."""
        assert task in self.games
        return None


class OfficialGames:
    """The games of a listing, in order of path, or ``count`` of them drawn by ``seed``.

    For learning they come as they were drawn, the task types in turn, so that a few games show all of them. Files are read
    when the games are first asked for, and only until there are ``count`` sound ones; each that must be refused is logged, with
    its path and the reason.
    """

    def __init__(self, listing: Listing, *, count: int | None, seed: int, learning: bool, laws: Laws) -> None:
        self._listing, self._count, self._seed, self._learning, self._laws = listing, count, seed, learning, laws
        self._files: dict[str, GameFile] = {}
        self.refusals: list[TaskError] = []

    @cached_property
    def games(self) -> dict[str, Game]:
        """The sound games."""
        files = list(self._listing.files)
        if self._learning or self._count is not None:
            random.Random(f"official games {self._seed}").shuffle(files)
        if self._learning:
            files = _in_turn(files)
        games: dict[str, Game] = {}
        for file in files:
            if self._count is not None and len(games) >= self._count:
                break
            try:
                games[file.id] = self._load(file)
            except TaskError as refusal:
                _LOG.warning("%s", refusal)
                self.refusals.append(refusal)
            self._files[file.id] = file
        return games if self._learning else dict(sorted(games.items()))

    def _load(self, file: GameFile) -> Game:
        game = load(file)
        if not is_reachable(game, self._laws):
            raise TaskError(f"{file.folder / 'game.tw-pddl'}: cannot be won under the altered laws")
        return game

    def problem(self, task: str) -> str | None:
        """Return the PDDL problem in the file of ``task``."""
        assert task in self.games
        content = json.loads((self._files[task].folder / "game.tw-pddl").read_text(encoding="utf-8"))
        return str(content["pddl_problem"])


def _in_turn(files: Sequence[GameFile]) -> list[GameFile]:
    """Return ``files`` with the task types in turn: the first of each, the second of each, and so on."""
    seen: Counter[str] = Counter()
    turns = []
    for order, file in enumerate(files):
        turns.append((seen[file.task_type], order, file))
        seen[file.task_type] += 1
    return [file for _, _, file in sorted(turns, key=lambda turn: turn[:2])]
