"""Compare our ALFWorld engine with the official one, transcript for transcript.

Every game of ``../shared/data/alfworld`` and some generated ones are played in both: a winning walk, and a random one of which about
half of the commands are inadmissible. After every command the text, the admissible commands as a set, the reward and the end are compared;
with ``--facts`` everything that is so, too. All differences are listed, and the exit code is 1 if there is one.

    python benchmarks/engine_agreement.py                   # all 340 games and 60 generated ones
    python benchmarks/engine_agreement.py --sample 20       # a seeded sample
    python benchmarks/engine_agreement.py --stock           # without the caching described in `official_caching`
"""

import argparse
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from agentwm_environments.alfworld import games
from agentwm_environments.alfworld.agreement import Difference, compare, random_commands
from agentwm_environments.alfworld.engine import Household
from agentwm_environments.alfworld.game import Game
from agentwm_environments.alfworld.generator import generate
from agentwm_environments.alfworld.official import to_pddl
from agentwm_environments.alfworld.official_worker import OfficialGame
from agentwm_environments.alfworld.solver import solve

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "alfworld"


@dataclass
class Report:
    """What the comparison of one game found."""

    game: str
    won: bool = False
    commands: int = 0
    refused: int = 0
    differences: list[Difference] = field(default_factory=list)
    failure: str = ""


def main() -> int:
    """Run the comparison that the command line asks for and print its findings."""
    options = _options()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(SHARED / "materialise.py"), folder], check=True, stdout=sys.stderr)
        tasks = _tasks(Path(folder), options)
        # A process is recycled after a few games: the official engine leaks at every load.
        with multiprocessing.get_context("spawn").Pool(options.processes, maxtasksperchild=25) as pool:
            check = partial(_check, options=options)
            reports = []
            for report in pool.imap_unordered(check, tasks, chunksize=1):
                reports.append(report)
                _tell(report)
                print(f"\r{len(reports)}/{len(tasks)}", end="", file=sys.stderr, flush=True)
    return _summarise(reports, time.monotonic() - started)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=int, help="compare only so many games, drawn at random")
    parser.add_argument("--generated", type=int, default=60, help="how many generated games to add (60)")
    parser.add_argument("--steps", type=int, default=60, help="length of the random walk (60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--facts", action="store_true", help="compare everything that is so after every command, too")
    parser.add_argument("--stock", action="store_true", help="run the official engine as it is, ten times slower")
    return parser.parse_args()


def _tasks(root: Path, options: argparse.Namespace) -> list[tuple[Game, str | None]]:
    """Return the games to compare, each with its official problem, None for a generated one."""
    files = [file for split in ("train", "valid_seen") for file in games.find(root, split).files]
    official = [(games.load(file), _problem(file)) for file in files]
    generated = [(game, None) for game in islice(generate("test", options.generated, options.seed), options.generated)]
    tasks = [*official, *generated]
    if options.sample is not None:
        tasks = random.Random(options.seed).sample(tasks, min(options.sample, len(tasks)))
    return tasks


def _problem(file: games.GameFile) -> str:
    return str(json.loads((file.folder / "game.tw-pddl").read_text(encoding="utf-8"))["pddl_problem"])


def _check(task: tuple[Game, str | None], *, options: argparse.Namespace) -> Report:
    game, problem = task
    report = Report(game.id)
    # The locations of a generated game are numbered otherwise in its problem, which only the facts show.
    facts = options.facts and problem is not None
    if not options.stock:
        from official_caching import install  # noqa: PLC0415 -- it imports the official engine

        install()
    try:
        theirs = OfficialGame(to_pddl(game, problem), facts=facts)
        ours = Household(game)
        walks: list[Iterable[str]] = [solve(game) or []]
        walks.append(random_commands(game, ours, steps=options.steps, rng=random.Random(f"{options.seed} {game.id}")))
        for number, walk in enumerate(walks):
            report.differences.extend(compare(game.id, ours, theirs, _counted(walk, ours, theirs, report, facts=facts)))
            report.won |= number == 0 and ours.won and theirs.won
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- one game's failure must not hide the others
        report.failure = f"{type(error).__name__}: {error}"
    return report


def _counted(
    commands: Iterable[str], ours: Household, theirs: OfficialGame, report: Report, *, facts: bool
) -> Iterator[str]:
    for command in commands:
        report.commands += 1
        report.refused += command.strip() not in ours.admissible()
        yield command
        here, there = set(ours.facts()), set(theirs.facts()) if facts else set()
        if facts and here != there:
            report.differences.append(
                Difference(report.game, report.commands, command, "facts", sorted(here - there), sorted(there - here))
            )


def _tell(report: Report) -> None:
    for difference in report.differences:
        print(f"{difference.game} step {difference.step} {difference.command!r}: {difference.what}")
        print(f"    ours   {difference.ours!r}\n    theirs {difference.theirs!r}")
    if report.failure:
        print(f"{report.game}: {report.failure}")


def _summarise(reports: list[Report], seconds: float) -> int:
    what = Counter(difference.what for report in reports for difference in report.differences)
    differing = sum(bool(report.differences) for report in reports)
    failed = sum(bool(report.failure) for report in reports)
    commands, refused = sum(report.commands for report in reports), sum(report.refused for report in reports)
    print(
        f"\n{len(reports)} games, {sum(report.won for report in reports)} with a winning walk, {commands} commands of which {refused} "
        f"inadmissible, {seconds:.0f} s\ngames that differ: {differing} ({dict(what) or 'no difference'}); not compared: {failed}"
    )
    return int(bool(differing or failed))


if __name__ == "__main__":
    sys.exit(main())
