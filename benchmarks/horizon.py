"""What looking ahead buys in ALFWorld: the same rules on the same games, with no look ahead, one step of it, and ever longer horizons.

    python benchmarks/horizon.py --games DIR --seeds 0 1 2       # learns from 20 train games per seed, plays valid_seen
    python benchmarks/horizon.py --episodes 60                   # generated games

`reactive` composes any command; `veto` does so, too, and does the first that no rule foretells to fail: WALL-E's loop without its language
model. `best-of-n, 1 step` simulates what the rules allow, and does that after which most of the goal's conditions hold.
`mpc, k steps` plans no further than k actions; what lies beyond is not seen. `sees everything` is the mean length of the shortest
solutions, by a planner that knows where all things are.

Differences are to `mpc` in the same game: games won, and steps where both won, with 95 % bootstrap intervals over the games of all seeds.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agentwm import build
from agentwm.agent import Episode, play
from agentwm.evaluation.statistics import bootstrap_interval, wilson_interval
from agentwm.learning import Learner
from agentwm.minds import acting_mind
from agentwm.planners.critics import Conditions
from agentwm.rules.store import RuleStore
from agentwm.types import EnvironmentOptions, PlanningBudget, Spent
from agentwm_environments.alfworld.environment import AlfworldEnvironment
from agentwm_environments.alfworld.solver import solve

MOST_STEPS = 50
WAYS = {
    "mpc": ("mpc", PlanningBudget()),
    "reactive": ("reactive", PlanningBudget()),
    "veto, 1 step": ("veto", PlanningBudget()),
    "best-of-n, 1 step": ("best-of-n", PlanningBudget(depth=1)),
    "mpc, 1 step": ("mpc", PlanningBudget(depth=1)),
    "mpc, 2 steps": ("mpc", PlanningBudget(depth=2)),
    "mpc, 4 steps": ("mpc", PlanningBudget(depth=4)),
    "mpc, 8 steps": ("mpc", PlanningBudget(depth=8)),
}


@dataclass(frozen=True, slots=True)
class Game:
    """How one game went: whether it was won, after how many actions, and what the decisions cost."""

    won: bool
    steps: int
    spent: Spent


Key = tuple[int, str]
"""A learning seed and a game."""


def played(planner: str, budget: PlanningBudget, rules: RuleStore, environment: AlfworldEnvironment, task: str) -> Game:
    """Return how ``task`` goes by ``rules``."""
    episode = Episode(environment, task)
    costs = [Spent()]
    # The distance that is left in the rules, by which is judged otherwise, would look all the way.
    near = Conditions(episode.vocabulary)
    mind = acting_mind(
        build.planner(planner),
        rules,
        episode,
        rng=random.Random(f"0-{task}"),
        budget=budget,
        beside=lambda parts, _: replace(parts, critic=near),
    )
    play(
        episode,
        mind,
        max_steps=MOST_STEPS,
        before_step=lambda _action, _prediction, plan: costs.append(plan.spent),
    )
    return Game(episode.is_won, len(episode.transitions), sum(costs, Spent()))


def difference(values: Sequence[float], unit: str) -> str:
    """Return the mean of ``values`` with its interval."""
    interval = bootstrap_interval(values, rng=random.Random(0))
    if interval is None:
        return "-"
    return f"{statistics.fmean(values):+.2f}{unit} [{interval[0]:+.2f}, {interval[1]:+.2f}]"


def tell(name: str, games: Mapping[Key, Game], first: Mapping[Key, Game], least: float) -> None:
    """Print a line on one way to play."""
    won = {key: game for key, game in games.items() if game.won}
    low, high = wilson_interval(len(won), len(games))
    steps = statistics.fmean(game.steps for game in won.values()) if won else float("nan")
    both = [key for key in won if first[key].won]
    decisions = max(1, sum(game.spent.decisions for game in games.values()))
    calls = sum(game.spent.model_calls for game in games.values()) / decisions
    success = difference([100.0 * (game.won - first[key].won) for key, game in games.items()], "")
    longer = difference([float(games[key].steps - first[key].steps) for key in both], "")
    print(
        f"  {name:<20s}{f'{len(won)}/{len(games)}':>9s}  {100 * low:5.1f}-{100 * high:5.1f}{steps:8.2f}{steps / least:7.2f}"
        f"{success:>28s}{longer:>26s}{calls:8.1f}",
        flush=True,
    )


def main(options: argparse.Namespace) -> None:
    """Print the table."""
    spec = build.environment("alfworld")
    shown = {name: {} for name in options.ways}  # type: dict[str, dict[Key, Game]]
    shortest: dict[str, int] = {}
    for seed in options.seeds:
        train = spec.make(EnvironmentOptions(learning=True, games=options.games, count=options.learn, seed=seed))
        learner = Learner()
        learner.learn(train, train.tasks()[: options.learn], seed=seed)
        test = spec.make(EnvironmentOptions(games=options.games, count=options.episodes, seed=seed))
        assert isinstance(test, AlfworldEnvironment)
        for task in test.tasks():
            if task not in shortest:
                shortest[task] = len(solve(test.game(task)) or ())
            for name in options.ways:
                planner, budget = WAYS[name]
                shown[name][seed, task] = played(planner, budget, learner.store, test, task)
        sys.stderr.write(f"seed {seed}: {len(learner.store)} rules, {len(test.tasks())} games\n")
    first = shown["mpc"]
    least = statistics.fmean(shortest[task] for _, task in first)
    print(f"{len(first)} games, seeds {options.seeds}, {options.learn} learned from each, at most {MOST_STEPS} steps")
    print(f"  sees everything: {least:.2f} steps")
    print(
        f"  {'':<20s}{'won':>9s}  {'95 %':>11s}{'steps':>8s}{'ratio':>7s}{'points won more':>28s}{'steps more':>26s}{'calls':>8s}"
    )
    for name in options.ways:
        tell(name, shown[name], first, least)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", default=None)
    parser.add_argument("--episodes", type=int, default=None)
    parser.add_argument("--learn", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    main(parser.parse_args())
