"""Official games where they lie: which there are, and each one as a ``Game``.

The layout is ALFWorld's: ``json_2.1.1/<split>/<task>/<trial>/{game.tw-pddl, traj_data.json}``. Nothing but names is read before a game
is asked for: the training split has 3,553.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentwm.errors import ConfigurationError, TaskError, quoted

from .game import TASK_TYPES, Game
from .pddl import ProblemError, read_problem

__all__ = ["SPLITS", "GameFile", "Listing", "annotation", "collect", "count", "dialect", "find", "load", "parse"]

SPLITS = ("valid_seen", "valid_unseen", "train")


@dataclass(frozen=True, slots=True)
class GameFile:
    """Where one official game lies. ``id`` is its path below the folder of games, the same on every machine."""

    id: str
    folder: Path

    @property
    def task_type(self) -> str:
        """The task type that the folder's name states; the file may turn out to say otherwise, and is then refused."""
        return self.folder.parent.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Listing:
    """The games of one split that pass the official filter by their names, in order of path, and what was filtered out.

    ``filtered`` counts by reason. Whether a file is sound and solvable shows when it is loaded.
    """

    split: str
    root: Path
    files: tuple[GameFile, ...]
    filtered: Mapping[str, int]


def find(root: Path, split: str) -> Listing:
    """Return the games of ``split`` below ``root``, which holds ``json_2.1.*`` or is such a folder itself.

    Source: the filter of ``AlfredTWEnv.collect_game_files`` in alfworld 0.4.2; its last test, ``solvable``, is made by ``load``.

    Raises: ConfigurationError when there is no such folder, or no game in it.
    """
    folder = _split_folder(root, split)
    files, filtered = [], Counter[str]()
    for trajectory in sorted(folder.glob("*/*/traj_data.json")):
        trial = trajectory.parent
        file = GameFile(f"{split}/{trial.parent.name}/{trial.name}", trial)
        if reason := _filtered(file):
            filtered[reason] += 1
        else:
            files.append(file)
    if not files:
        left_out = "; ".join(f"{number} left out: {reason}" for reason, number in sorted(filtered.items()))
        message = (
            f"no playable game in {folder}: expected <task>/<trial>/game.tw-pddl with traj_data.json beside it"
            + (f" ({left_out})" if left_out else "")
        )
        raise ConfigurationError(message)
    return Listing(split, root, tuple(files), dict(filtered))


def _split_folder(root: Path, split: str) -> Path:
    if split not in SPLITS:
        raise ConfigurationError(f"unknown split {quoted(split)}: official games have {', '.join(SPLITS)}")
    if not root.is_dir():
        raise ConfigurationError(
            f"no folder of games at {root}: name one that holds json_2.1.1/{split} (--games or ALFWORLD_DATA)"
        )
    versions = [root] if root.name.startswith("json_2.1.") else sorted(root.glob("json_2.1.*"))
    for version in versions:
        if (version / split).is_dir():
            return version / split
    seen = ", ".join(sorted(path.name for path in root.iterdir())[:5]) or "nothing"
    raise ConfigurationError(f"no {split} games in {root}: looked for json_2.1.*/{split}, found {seen}")


def _filtered(file: GameFile) -> str | None:
    if "movable" in file.id or "Sliced" in file.id:
        return "movable receptacles and slicing are not played"
    if file.task_type not in TASK_TYPES:
        return "not one of the six task types"
    if not (file.folder / "game.tw-pddl").is_file():
        return "no game.tw-pddl"
    return None


def count(root: Path) -> dict[str, int]:
    """Return how many games each split below ``root`` has by their names; splits that are not there are left out."""
    found = {}
    for split in SPLITS:
        try:
            found[split] = len(find(root, split).files)
        except ConfigurationError:
            continue
    return found


def load(file: GameFile) -> Game:
    """Return the game of ``file``.

    Raises: TaskError, with the path and the reason, when it is corrupt, unreadable, unsolvable or not as its folder says.
    """
    return parse(_read_json(file.folder / "game.tw-pddl"), _read_json(file.folder / "traj_data.json"), file=file)


def collect(files: Iterable[GameFile], wanted: int | None = None) -> tuple[list[Game], list[TaskError]]:
    """Return the first ``wanted`` games that can be played (None: all), and the error of each file met that cannot."""
    games: list[Game] = []
    refusals: list[TaskError] = []
    for file in files:
        if wanted is not None and len(games) >= wanted:
            break
        try:
            games.append(load(file))
        except TaskError as refusal:
            refusals.append(refusal)
    return games, refusals


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TaskError(f"{path}: unreadable: {error}") from error
    if not isinstance(content, dict):
        raise TaskError(f"{path}: expected a JSON object, got {quoted(content, limit=60)}")
    return content


def parse(game: Mapping[str, Any], trajectory: Mapping[str, Any], *, file: GameFile) -> Game:
    """Return the game that the contents of ``game.tw-pddl`` and ``traj_data.json`` state, whatever the dialect of the grammar.

    Raises: TaskError, with the path of ``file`` and the reason.
    """
    path = file.folder / "game.tw-pddl"
    if game.get("solvable") is not True:
        raise TaskError(f"{path}: unsolvable: its `solvable` is {quoted(game.get('solvable'), limit=20)}")
    problem, grammar = game.get("pddl_problem"), game.get("grammar")
    if not isinstance(problem, str) or not isinstance(grammar, str):
        raise TaskError(f"{path}: expected the texts `pddl_problem` and `grammar`, found the keys {sorted(game)}")
    scene = trajectory.get("scene")
    try:
        read = read_problem(
            problem,
            id=file.id,
            task_type=_task_type(trajectory, file),
            goal_text=_goal_text(grammar),
            room=str(scene.get("floor_plan", "")) if isinstance(scene, Mapping) else "",
        )
    except ProblemError as error:
        raise TaskError(f"{path}: {error}") from error
    return replace(read, annotations=tuple(_annotations(trajectory)))


def _annotations(trajectory: Mapping[str, Any]) -> Iterable[str]:
    """Yield how people worded the task; what is not as ALFRED writes it is left out, since games can be played without."""
    turk = trajectory.get("turk_annotations")
    rows = turk.get("anns") if isinstance(turk, Mapping) else None
    for row in rows if isinstance(rows, list) else ():
        words = row.get("task_desc") if isinstance(row, Mapping) else None
        if isinstance(words, str) and words.strip():
            yield " ".join(words.split())


def annotation(game: Game, seed: int) -> str:
    """Return one of the annotations of ``game``, the same one for the same ``seed``.

    Raises: TaskError when it has none.
    """
    if not game.annotations:
        raise TaskError(f"{game.id}: its traj_data.json has no human annotation (turk_annotations.anns[].task_desc)")
    return random.Random(f"annotation {seed} {game.id}").choice(game.annotations)


def _task_type(trajectory: Mapping[str, Any], file: GameFile) -> str:
    task_type = trajectory.get("task_type")
    if task_type != file.task_type:
        raise ProblemError(
            f"traj_data.json says task type {quoted(task_type, limit=60)}, the folder {file.task_type!r}"
        )
    return file.task_type


_GOAL = re.compile(r'"Your task is to: ((?:[^"\\]|\\.)*)"')


def _goal_text(grammar: str) -> str:
    match = _GOAL.search(grammar)
    if match is None or "UNKNOWN GOAL" in match[1]:
        raise ProblemError('the grammar states no goal ("Your task is to: ...")')
    return str(json.loads(f'"{match[1]}"')).removesuffix(".")


def dialect(grammar: str) -> str:
    """Return the dialect of a game file's grammar: ``move`` since ALFWorld 0.4, ``put`` before it."""
    return "move" if "move {o} to {r}" in grammar else "put"
