"""Learn pages of MiniWoB++ from nothing in a real browser, play unseen seeds of them, and show what chance makes of the same seeds.

Each page is learned by itself: 50 episodes of its train seeds at most, from an empty store, without a language model; then 50 unseen seeds
are played with the rules frozen, one attempt at each. Won is the page's whole reward, 1. By chance: the same seeds, with no rules.

    python benchmarks/miniwob.py --out runs/miniwob                 # all fourteen; --seed for another draw
    python benchmarks/miniwob.py --pages click-link enter-text --out runs/two
"""

import argparse
import json
from pathlib import Path

from agentwm.configuration import RunConfig
from agentwm.evaluation import Report
from agentwm.evaluation.statistics import wilson_interval
from agentwm.experiment import run
from agentwm.records import RunStore
from agentwm_environments.web.miniwob import SPEC

ASKED = 0.9
BY_CHANCE = "reactive"  # with no rules it does anything at all


def played(page: str, folder: Path, seed: int, **options: int | str) -> Report:
    """Return the report of a run on ``page``, which goes on where it was."""
    given = {"environment": page, "seed": seed, "out": folder, "screenshots": False, **options}
    return run(RunConfig.parse(given), resume=RunStore.is_at(folder))


def row(page: str, folder: Path, seed: int, learn: int, episodes: int) -> dict[str, float | int | str]:
    """Return what came of learning and playing ``page``, and of chance."""
    learned = played(page, folder / page, seed, learn=learn, episodes=episodes)
    chance = played(page, folder / f"{page}-by-chance", seed, learn=0, episodes=episodes, planner=BY_CHANCE)
    low, high = wilson_interval(learned.success.count, learned.episodes)
    return {
        "page": page.removeprefix(f"{SPEC.name}-"),
        "episodes": learned.episodes,
        "won": learned.success.count,
        "low": low,
        "high": high,
        "by_chance": chance.success.count,
        "steps": learned.steps.mean or 0.0,
        "learned_from": learned.learned_from.episodes,
        "learning_steps": learned.learned_from.steps,
        "broken_off": learned.broken_off + chance.broken_off,
        "wall_s": round(learned.wall_s, 1),
    }


def line(row: dict[str, float | int | str]) -> str:
    """Return a row of the table."""
    share = float(row["won"]) / float(row["episodes"])
    reached = "yes" if share >= ASKED else "no"
    interval = f"{100 * float(row['low']):.0f} to {100 * float(row['high']):.0f} %"
    return (
        f"| {row['page']} | {row['won']} of {row['episodes']} | {interval} | {reached} "
        f"| {row['by_chance']} of {row['episodes']} | {float(row['steps']):.1f} | {row['learned_from']} ({row['learning_steps']} steps) |"
    )


def main() -> None:
    """Play what the options ask for and print the table; the rows are kept in the folder as they come."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--pages", nargs="*", default=[each.removeprefix(f"{SPEC.name}-") for each in SPEC.members()])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learn", type=int, default=50)
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    print(
        f"| page | won | 95 % | {100 * ASKED:.0f} % reached | by chance | steps when won | learned from |\n|---|---|---|---|---|---|---|"
    )
    for page in options.pages:
        rows.append(row(f"{SPEC.name}-{page}", options.out, options.seed, options.learn, options.episodes))
        print(line(rows[-1]), flush=True)
        (options.out / "rows.json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    reached = sum(float(each["won"]) >= ASKED * float(each["episodes"]) for each in rows)
    broken = sum(int(each["broken_off"]) for each in rows)
    print(
        f"\n{reached} of {len(rows)} pages at {100 * ASKED:.0f} % or more; seed {options.seed}, {broken} episodes broken off"
    )


if __name__ == "__main__":
    main()
