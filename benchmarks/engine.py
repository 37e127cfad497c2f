"""Time our ALFWorld engine against the stock official one, as ratios in one run on the same games and commands.

Both give, after every command, the text, the admissible commands, everything that is so, and the reward. The official engine runs as it
is installed, without any caching.

    python benchmarks/engine.py
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from agentwm_environments.alfworld import games
from agentwm_environments.alfworld.agreement import random_commands
from agentwm_environments.alfworld.engine import Household
from agentwm_environments.alfworld.game import TASK_TYPES
from agentwm_environments.alfworld.official import to_pddl
from agentwm_environments.alfworld.official_worker import OfficialGame

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "alfworld"
REPEATS = 50
"""How often our engine plays what the official one plays once: its times are too short to take singly."""


class Times(NamedTuple):
    """Seconds for loading, for one reset and for one step."""

    load: float
    reset: float
    step: float


def main() -> None:
    """Time both engines on one game of each task type and print the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=20, help="length of the random walk in each game (20)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(SHARED / "materialise.py"), folder], check=True, stdout=sys.stderr)
        files = games.find(Path(folder), "train").files
        rng = random.Random(options.seed)
        chosen = [rng.choice([file for file in files if file.task_type == task_type]) for task_type in TASK_TYPES]
        rows = [_row(file, options.steps, rng) for file in chosen]
    _tell(rows)


def _row(file: games.GameFile, steps: int, rng: random.Random) -> tuple[int, Times, Times]:
    game = games.load(file)
    household = Household(game)
    commands = list(_played(household, random_commands(game, household, steps=steps, rng=rng)))
    content = json.loads((file.folder / "game.tw-pddl").read_text(encoding="utf-8"))
    started = time.perf_counter()
    official = OfficialGame(to_pddl(game, content["pddl_problem"]), facts=True)
    theirs = _timed(official, commands, time.perf_counter() - started)
    started = time.perf_counter()
    Household(games.load(file))
    loading = time.perf_counter() - started
    ours = [_timed(Household(game), commands, loading) for _ in range(REPEATS)]  # a fresh one each: nothing kept
    return len(game.receptacles), theirs, Times(*(median(column) for column in zip(*ours, strict=True)))


def _played(household: Household, commands: Iterator[str]) -> Iterator[str]:
    household.reset()
    for command in commands:
        household.step(command)
        yield command


def _timed(engine: Household | OfficialGame, commands: list[str], loading: float) -> Times:
    started = time.perf_counter()
    engine.reset()
    reset = time.perf_counter() - started
    started = time.perf_counter()
    for command in commands:
        engine.step(command)
        engine.admissible()
        engine.facts()
        _ = engine.score
    return Times(loading, reset, (time.perf_counter() - started) / len(commands))


def _tell(rows: list[tuple[int, Times, Times]]) -> None:
    print(
        f"{'receptacles':>11}  {'steps/s official':>16}  {'steps/s ours':>12}  {'ratio':>7}  {'reset ratio':>11}  load ratio"
    )
    for receptacles, theirs, ours in rows:
        print(
            f"{receptacles:>11}  {1 / theirs.step:>16.1f}  {1 / ours.step:>12,.0f}  {theirs.step / ours.step:>7,.0f}  "
            f"{theirs.reset / ours.reset:>11,.0f}  {theirs.load / ours.load:>10,.0f}"
        )
    steps = sum(theirs.step for _, theirs, _ in rows) / sum(ours.step for _, _, ours in rows)
    resets = sum(theirs.reset for _, theirs, _ in rows) / sum(ours.reset for _, _, ours in rows)
    print(
        f"steps per second with facts and admissible commands: {steps:,.0f} times the stock official engine's (wanted: 500)\n"
        f"reset: 1/{resets:,.0f} of the stock official engine's (wanted: 1/200)"
    )


if __name__ == "__main__":
    main()
