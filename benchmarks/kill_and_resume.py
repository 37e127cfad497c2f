"""Kills runs with ``kill -9`` at random moments, resumes them, and compares what is left with runs that nobody disturbed.

    python benchmarks/kill_and_resume.py --kills 50

The kills come as a Poisson process, some three in the time of an undisturbed run. A run is killed and resumed until it comes to its
end between two kills; then one with the next seed begins, until there have been ``--kills`` kills.

Checked after every kill: each acknowledged step and each ended episode seen before is still there, to the byte, times included, so
nothing was lost and nothing played twice. Checked at the end of a run: report, rules and steps are those of an undisturbed run of the
same seed, but for ``run`` and times. Exits with 1 where that is not so.
"""

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

AGENTWM = [sys.executable, "-c", "from agentwm.cli import main; main()", "run"]
KILLS_PER_RUN = 3
CONTENT = "episode, step, action, predicted, observation, succeeded, changed, told, believed, forgotten"

Row = tuple[object, ...]


def main() -> None:
    """Kill, resume, compare; say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--learn", type=int, default=4)
    parser.add_argument("--episodes", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0, help="draws the moments, and is the seed of the first run")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    where: Counter[str] = Counter()
    began_s = time.monotonic()
    run = 0
    with tempfile.TemporaryDirectory() as folder:
        while where.total() < arguments.kills:
            options = ["alfworld", "--seed", str(arguments.seed + run), "--json"]
            options += ["--learn", str(arguments.learn), "--episodes", str(arguments.episodes)]
            calm, rough = Path(folder, f"calm-{run}"), Path(folder, f"rough-{run}")
            spawned_s = time.monotonic()
            expected = finish([*options, "--out", str(calm)])
            calm_s = time.monotonic() - spawned_s
            kills = kill_until_done(options, rough, moments, calm_s, arguments.kills - where.total())
            where += kills
            report = finish(going_on(options, rough))
            compare(calm, rough, expected, report)
            steps = len(steps_of(rough))
            print(
                f"run {run}: {kills.total()} kills, {steps} steps, equal to the undisturbed run of {calm_s:.1f} s",
                flush=True,
            )
            run += 1
    moments_text = ", ".join(f"{number} {place}" for place, number in where.most_common())
    print(f"{where.total()} kills ({moments_text}) in {run} runs and {time.monotonic() - began_s:.0f} s:")
    print(
        "no acknowledged step lost or written twice, no episode played twice, every report and every rule file the same"
    )


def kill_until_done(options: list[str], out: Path, moments: random.Random, span_s: float, most: int) -> Counter[str]:
    """Kill the run in ``out`` at random moments up to ``most`` times, or until it ends before a kill; return where it was hit."""
    where: Counter[str] = Counter()
    seen: dict[Row, Row] = {}
    while where.total() < most:
        command = [*AGENTWM, *going_on(options, out)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
            try:
                _, stderr = running.communicate(timeout=moments.expovariate(KILLS_PER_RUN / span_s))
            except subprocess.TimeoutExpired:
                running.kill()
                running.communicate()
                where[place_of(out)] += 1
            else:
                if running.returncode:
                    sys.exit(f"{command} failed: {stderr}")
                break
        seen = still_there(seen, out)
    still_there(seen, out)
    return where


def going_on(options: list[str], out: Path) -> list[str]:
    """Return the arguments that resume the run in ``out``, or begin it where it was killed before there was anything."""
    return ["--resume", str(out), "--json"] if (out / "run.db").exists() else [*options, "--out", str(out)]


def finish(options: list[str]) -> Mapping[str, object]:
    """Run the command to its end and return its report."""
    done = subprocess.run([*AGENTWM, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{options} failed: {done.stderr}")
    report: dict[str, dict[str, object]] = json.loads(done.stdout)
    del report["planning"]["seconds"]
    return report


def rows_of(out: Path, query: str) -> list[Row]:
    """Return what a query of the run's file gives; nothing where there is no file yet."""
    if not (out / "run.db").exists():
        return []
    with closing(sqlite3.connect(out / "run.db")) as database:
        return database.execute(query).fetchall()


def steps_of(out: Path) -> list[Row]:
    """Return the acknowledged steps, without their times."""
    return rows_of(out, f"SELECT {CONTENT} FROM steps WHERE succeeded IS NOT NULL ORDER BY episode, step")  # noqa: S608 -- a constant


def still_there(before: Mapping[Row, Row], out: Path) -> dict[Row, Row]:
    """Return what is acknowledged, by its place, once all that was so ``before`` is found in it unchanged."""
    now = {("step", *row[:2]): row for row in rows_of(out, "SELECT * FROM steps WHERE succeeded IS NOT NULL")}
    now |= {("episode", row[0]): row for row in rows_of(out, "SELECT * FROM episodes WHERE status != 'running'")}
    for place, row in before.items():
        if now.get(place) != row:
            sys.exit(f"{place} was {row} and is {now.get(place, 'gone')}")
    return now


def place_of(out: Path) -> str:
    """Return what the run was doing when it was hit."""
    if not rows_of(out, "SELECT * FROM episodes"):
        return "before the first episode"
    running = rows_of(out, "SELECT phase FROM episodes WHERE status = 'running'")
    if not running:
        return "between episodes"
    is_acting = rows_of(out, "SELECT * FROM steps WHERE succeeded IS NULL")
    return f"while {'learning' if running[0][0] == 'learn' else 'playing'}{', during a step' if is_acting else ''}"


def compare(calm: Path, rough: Path, expected: Mapping[str, object], report: Mapping[str, object]) -> None:
    """Exit unless the disturbed run left what the undisturbed one did."""
    differing = [name for name in expected if name not in {"wall_s", "run"} and expected[name] != report[name]]
    if differing:
        sys.exit(f"{differing[0]} is {report[differing[0]]}, undisturbed {expected[differing[0]]}")
    if steps_of(calm) != steps_of(rough):
        sys.exit(f"the steps in {rough} are others")
    if files_of(calm) != files_of(rough):
        sys.exit(f"the rules in {rough} are others")
    tasks = rows_of(rough, "SELECT phase, task FROM episodes")
    if len(set(tasks)) != len(tasks):
        sys.exit("a task was played twice")


def files_of(out: Path) -> dict[str, bytes]:
    """Return all that is readable in a run's folder: the rules and what stands beside them."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for suffix in ("json", "rule")
        for path in out.rglob(f"*.{suffix}")
    }


if __name__ == "__main__":
    main()
