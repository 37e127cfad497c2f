"""Play the small worlds with every planner, on their true rules and on learned ones, and hold the returns against the optimum.

    python benchmarks/planners.py                             # the table: planner by world, 50 episodes each
    python benchmarks/planners.py --worlds frozenlake frozenlake:8x8 --planners mpc --episodes 1000
    python benchmarks/planners.py --learned --seeds 0 1 2     # the same with rules learned from own play, and the loss

The optimum is the exact expected return of the best policy, by dynamic programming over the world's own transition table for as many
steps as an episode has, from the openings of the very tasks that are played; in Sokoban, the shortest solution. In FrozenLake the policy
of value iteration (undiscounted, as many sweeps as it takes) is played on the same seeds, too, and its interval is shown.

All planners have the same budget per decision, the world's. A learned model is learned from ``--transitions`` actions of the agent's own
play in training tasks of the seed. The intervals are of the mean return: 95 %, by the normal approximation.
"""

import argparse
import math
import random
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from small_worlds import SPECS, own_play

from agentwm import build
from agentwm.agent import Episode, play
from agentwm.minds import acting_mind
from agentwm.rules.store import RuleStore
from agentwm.types import Action, EnvironmentOptions, PlanningBudget, Prediction, Spent, State
from agentwm_environments.small.optimum import BestPolicy, key, transitions, worth
from agentwm_environments.small.sokoban import level_of
from agentwm_environments.small.sokoban_levels import solve
from agentwm_environments.small.truth import KnownWorld

PLANNERS = ("mpc", "search", "mcts", "beam", "cem", "best-of-n", "veto", "reactive")
NOTHING_FORESEEN = Prediction((), 0.0, "frame")


@dataclass(frozen=True, slots=True)
class World:
    """A world as it is played here: of which split, for how many steps, and what a decision may spend."""

    name: str
    split: str | None
    steps: int
    budget: PlanningBudget


WORLDS = {
    "gamble": World("gamble", None, 10, PlanningBudget(model_calls=200)),
    "frozenlake": World("frozenlake", None, 100, PlanningBudget(model_calls=2000)),
    "frozenlake:8x8": World("frozenlake", "test_8x8", 200, PlanningBudget(model_calls=2000)),
    "taxi": World("taxi", None, 200, PlanningBudget(model_calls=4000)),
    "sokoban": World("sokoban", None, 100, PlanningBudget(model_calls=250_000)),
}


# --- what is best -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Optimum:
    """The exact expected return of the best policy over the tasks; ``steps`` are those of the shortest solutions, in Sokoban."""

    value: float
    steps: float | None = None


def openings(world: KnownWorld) -> list[State]:
    """Return the state that each task begins with."""
    return [Episode(world, task).state for task in world.tasks()]


def optimum(setting: World, world: KnownWorld) -> Optimum:
    """Return what the best policy gets."""
    starts = openings(world)
    if setting.name == "sokoban":
        lengths = [len(solve(level_of(state)) or ()) for state in starts]
        return Optimum(1.0, statistics.fmean(lengths))
    best = BestPolicy(world, starts, setting.steps)
    return Optimum(statistics.fmean(best.value(state) for state in starts))


def value_iteration(world: KnownWorld, starts: Sequence[State]) -> Mapping[frozenset[object], Action]:
    """Return the policy of undiscounted value iteration, swept until nothing changes by more than a billionth."""
    table = transitions(world, starts)
    values = dict.fromkeys(table, 0.0)
    change = 1.0
    while change > 1e-9:
        swept = {state: max(worth(ways, values) for ways in actions.values()) for state, actions in table.items()}
        change = max(abs(swept[state] - values[state]) for state in table)
        values = swept
    return {state: max(actions, key=lambda action: worth(actions[action], values)) for state, actions in table.items()}


def played_by_policy(setting: World, world: KnownWorld) -> list[float]:
    """Return the return of each task, played by the policy of value iteration."""
    policy = value_iteration(world, openings(world))
    returns = []
    for task in world.tasks():
        episode = Episode(world, task)
        while not episode.is_over and len(episode.transitions) < setting.steps:
            action = policy[key(episode.state)]
            episode.step(action, NOTHING_FORESEEN)
        returns.append(gained(episode))
    return returns


# --- playing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Score:
    """What a planner got: a return and a number of steps per task, and what its decisions cost."""

    returns: Sequence[float]
    steps: Sequence[int]
    spent: Spent

    @property
    def mean(self) -> float:
        """The mean return."""
        return statistics.fmean(self.returns)

    @property
    def half(self) -> float:
        """Half of the 95 % interval of the mean return."""
        if len(self.returns) < 2:
            return math.inf
        return 1.96 * statistics.stdev(self.returns) / math.sqrt(len(self.returns))


def gained(episode: Episode) -> float:
    """Return the sum of the rewards of an episode."""
    return math.fsum(transition.observation.reward for transition in episode.transitions)


def score(planner: str, rules: RuleStore, setting: World, world: KnownWorld, *, seed: int) -> Score:
    """Return what ``planner`` gets in all tasks of ``world`` by ``rules``."""
    spec = build.planner(planner)
    returns, steps, costs = [], [], [Spent()]
    for task in world.tasks():
        episode = Episode(world, task, seed=seed)
        rng = random.Random(f"{seed}-{task}")
        mind = acting_mind(spec, rules, episode, rng=rng, budget=setting.budget, max_steps=setting.steps)
        play(
            episode,
            mind,
            max_steps=setting.steps,
            before_step=lambda _action, _prediction, plan: costs.append(plan.spent),
        )
        returns.append(gained(episode))
        steps.append(len(episode.transitions))
    return Score(returns, steps, sum(costs, Spent()))


# --- the tables -------------------------------------------------------------------------------------------------------


def tell(title: str, setting: World, best: Optimum, scores: Mapping[str, Score], *, given: Mapping[str, float]) -> None:
    """Print the table of one world; ``given`` is what each planner got with the true rules, empty where these are it."""
    steps = "" if best.steps is None else f", shortest solutions {best.steps:.1f} steps"
    print(
        f"\n{title}: the best expected return is {best.value:.3f}{steps}; {setting.budget} a decision, {setting.steps} steps"
    )
    loss = f"{'loss':>9s}" if given else ""
    print(
        f"  {'planner':<10s}{'mean return':>20s}{loss}{'of best':>9s}{'steps':>8s}{'calls':>8s}{'one step':>10s}{'ms':>8s}"
    )
    for planner, each in scores.items():
        decisions = max(1, each.spent.decisions)
        share = f"{each.mean / best.value:9.1%}" if best.value > 0 else " " * 9
        lost = f"{given[planner] - each.mean:9.3f}" if given else ""
        print(
            f"  {planner:<10s}{each.mean:12.3f} ± {each.half:5.3f}{lost}{share}{statistics.fmean(each.steps):8.1f}"
            f"{each.spent.model_calls / decisions:8.0f}{each.spent.one_step / decisions:10.0%}"
            f"{1000 * each.spent.seconds / decisions:8.1f}",
            flush=True,
        )


def main(options: argparse.Namespace) -> None:
    """Print a table per world, and per seed where rules are learned."""
    for name in options.worlds:
        setting = WORLDS[name]
        spec = SPECS[setting.name]
        count = options.episodes
        made = spec.make(EnvironmentOptions(split=setting.split, count=count, seed=options.tasks))
        world = cast("KnownWorld", made)
        best = optimum(setting, world)
        given = {
            each: score(each, RuleStore.certain(spec.true_rules()), setting, world, seed=0) for each in options.planners
        }
        tell(f"{name}, true rules, {count} episodes", setting, best, given, given={})
        if setting.name == "frozenlake":
            returns = played_by_policy(setting, world)
            other = Score(returns, [0], Spent())
            print(f"  the policy of value iteration, on the same seeds: {other.mean:.3f} ± {other.half:.3f}")
        for seed in options.seeds if options.learned else ():
            learned = own_play(spec, seed, options.transitions).store
            scores = {each: score(each, learned, setting, world, seed=0) for each in options.planners}
            means = {planner: each.mean for planner, each in given.items()}
            tell(f"{name}, {len(learned)} rules learned with seed {seed}", setting, best, scores, given=means)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--planners", nargs="+", default=list(PLANNERS))
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=0, help="seed of the tasks that are played")
    parser.add_argument("--learned", action="store_true")
    parser.add_argument("--transitions", type=int, default=5000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    began_s = time.monotonic()
    main(parser.parse_args())
    print(f"{time.monotonic() - began_s:.0f} s", file=sys.stderr)
