"""Where games come from: made by seed when they are first played, and kept; or the files that are given."""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from agentwm.errors import ConfigurationError, EnvironmentFailureError, TaskError
from agentwm.misuse import unknown_task
from agentwm_environments.lines import LineProcess

from .families import Recipe, numbers, recipe

__all__ = ["GivenGames", "MadeGames", "Tasks", "cache_folder", "description", "fingerprint"]

_MADE = 200
"""How many games there are where no number was asked for."""

_AT_ONCE = 16
"""Games made together, when one of them is first needed."""

_EXTENSIONS = (".z8", ".z5", ".ulx")

CACHE_VARIABLE = "AGENTWM_TEXTWORLD_GAMES"


class Tasks(Protocol):
    """The games of an environment, by id."""

    @property
    def names(self) -> Sequence[str]:
        """The ids, in order."""

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Why others cannot be played."""

    def file(self, task: str) -> Path:
        """Return the compiled game of ``task``. Raises: TaskError when there is none."""

    def family(self, task: str) -> str:
        """Return the family of ``task``."""


def cache_folder() -> Path:
    """Return where made games are kept: the variable AGENTWM_TEXTWORLD_GAMES, else a folder in the user's cache."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "agentwm" / "textworld"


class MadeGames:
    """The first ``count`` games (None: 200) of a family that ``seed`` draws for ``split``, made when they are first asked for."""

    def __init__(self, family: str, split: str, *, count: int | None, seed: int, folder: Path | None = None) -> None:
        self._family = family
        wanted = _MADE if count is None else count
        self._recipes = {
            f"{family}-{split}-{number}": recipe(family, number) for number in numbers(family, split, seed, wanted)
        }
        self._folder = folder or cache_folder()
        self.refusals: list[TaskError] = []

    @property
    def names(self) -> Sequence[str]:
        """The ids: family, split and seed."""
        return tuple(self._recipes)

    def file(self, task: str) -> Path:
        """Return the game of ``task``, made with the next ones where it is not there yet.

        Raises: TaskError when it cannot be made.
        """
        if task not in self._recipes:
            raise unknown_task(task, len(self._recipes))
        file = self._path(self._recipes[task])
        if not file.exists():
            later = list(self._recipes)[list(self._recipes).index(task) :]
            absent = [each for name in later if not self._path(each := self._recipes[name]).exists()]
            errors = _make(absent[:_AT_ONCE], self._folder)
            if not file.exists():
                raise TaskError(f"{task}: the game could not be made: {errors.get(file.stem, 'its maker ended')}")
        return file

    def family(self, task: str) -> str:
        """Return the one family that all tasks are of."""
        assert task in self._recipes
        return self._family

    def _path(self, made: Recipe) -> Path:
        return self._folder / f"{made.name}.z8"


def _make(recipes: Sequence[Recipe], folder: Path) -> dict[str, str]:
    """Make games in as many processes as there are cores; return what went wrong, by name."""
    workers = min(os.cpu_count() or 1, len(recipes))
    shares = [recipes[number::workers] for number in range(workers)]
    errors: dict[str, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for failed in pool.map(lambda share: _make_share(share, folder), shares):
            errors.update(failed)
    return errors


def _make_share(recipes: Sequence[Recipe], folder: Path) -> dict[str, str]:
    maker = LineProcess(f"{__package__}.maker", "the maker's process")
    errors: dict[str, str] = {}
    try:
        for each in recipes:
            answer = maker.ask(
                {
                    "challenge": each.challenge,
                    "seed": each.seed,
                    "settings": dict(each.settings),
                    "name": each.name,
                    "folder": str(folder),
                }
            )
            if "error" in answer:
                errors[each.name] = str(answer["error"])
    except EnvironmentFailureError as error:
        errors[each.name] = str(error)
    finally:
        maker.close()
    return errors


class GivenGames:
    """The games in a file or a folder; ``count`` of them, in order of path.

    Raises: ConfigurationError when there is none.
    """

    def __init__(self, place: Path, *, count: int | None) -> None:
        self._place = place
        self._count = count
        self.refusals: list[TaskError] = []
        if not place.exists():
            raise ConfigurationError(f"expected a game or a folder of games, there is nothing at {place}")
        if not self._files:
            raise ConfigurationError(f"expected games ({', '.join(_EXTENSIONS)}), found none in {place}")

    @cached_property
    def _files(self) -> dict[str, Path]:
        if self._place.is_file():
            return {self._place.stem: self._place}
        files = sorted(path for path in self._place.rglob("*") if path.suffix in _EXTENSIONS)
        return {str(path.relative_to(self._place).with_suffix("")): path for path in files[: self._count]}

    @property
    def names(self) -> Sequence[str]:
        """The ids: paths without their endings."""
        return tuple(self._files)

    def file(self, task: str) -> Path:
        """Return the file of ``task``.

        Raises: TaskError when there is none, or none that this version of TextWorld plays.
        """
        if task not in self._files:
            raise unknown_task(task, len(self._files))
        file = self._files[task]
        if file.suffix == ".ulx":
            raise TaskError(
                f"{file}: TextWorld plays no .ulx games since 1.7: compile it to .z8, with `tw-make --format z8`"
            )
        return file

    def family(self, task: str) -> str:
        """Return what the game's name begins with, as TextWorld names games: ``tw-simple``, say."""
        return "-".join(Path(task).name.split("-")[:2])


def description(file: Path) -> dict[str, Any] | None:
    """Return TextWorld's own description of the game in ``file``, None where it is not beside it."""
    beside = file.with_suffix(".json")
    if not beside.exists():
        return None
    described = json.loads(beside.read_text(encoding="utf-8"))
    return described if isinstance(described, dict) else None


def fingerprint(file: Path) -> str:
    """Return what two games have in common only where they are the same world, with the same texts and the same quest.

    Raises: TaskError when TextWorld's description of it is not beside it.
    """
    described = description(file)
    if described is None:
        raise TaskError(f"{file}: expected TextWorld's description of the game beside it, as .json")
    same = {key: described[key] for key in ("infos", "objective", "quests", "world")}
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]
