"""Hold imagination against the world: the same plans in both, and how policies rank in both.

First, the rooms are toured until nothing is hidden; from that belief an agent plays in imagination, and what it did there is then done in
the world. Second, whole games are played from their first observation, with what is hidden drawn, by policies that look ahead further and
less far and know more and fewer of the rules; their success in imagination is ranked against their success in the world.

    python benchmarks/imagination.py                                  # generated games, and rules learned from generated ones
    python benchmarks/imagination.py --games DIR --split valid_seen   # official games, and rules learned from its train games
    python benchmarks/imagination.py --rules STORE                    # rules learned before
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from agentwm.agent import Episode, play
from agentwm.evaluation.statistics import mean, quantile, wilson_interval
from agentwm.imagination import Consistency, ImaginedEnvironment, Start, consistency
from agentwm.learning import Learner
from agentwm.minds import acting_mind
from agentwm.models.rule_model import AlignedModel
from agentwm.planners import best_of_n, mpc, reactive
from agentwm.planners.means_ends import MeansEnds
from agentwm.planners.setbacks import setbacks
from agentwm.rules.store import RuleStore
from agentwm.types import Environment, EnvironmentOptions, Fluent, Goal, PlannerSpec, PlanningBudget, Query, State
from agentwm_environments.alfworld import SPEC

LEARN = 20
MOST_TOUR_STEPS = 300
RESAMPLED = 1000
SPARE = 1.1  # games in which something stays hidden are left out for others


def main() -> None:
    """Measure both and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", help="a folder of official games, instead of generated ones")
    parser.add_argument("--split", help="the split to play (test, or valid_seen with --games)")
    parser.add_argument("--rules", type=Path, help=f"a rule store, instead of learning from {LEARN} train games")
    parser.add_argument(
        "--count", type=int, default=100, help="games whose plans are compared; 0 leaves this out (100)"
    )
    parser.add_argument(
        "--episodes", type=int, default=60, help="games that policies are ranked by; 0 leaves this out (60)"
    )
    parser.add_argument("--dreams", type=int, default=1, help="dreams of each of these games, per policy (1)")
    parser.add_argument("--max-steps", type=int, default=SPEC.max_steps)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rules, origin = _rules(options)
    number = max(round(SPARE * options.count), options.episodes)
    played = EnvironmentOptions(split=options.split, games=options.games, count=number, seed=options.seed)
    with closing(SPEC.make(played)) as world:
        tasks = world.tasks()
        print(
            f"{world.about['split']} games ({'official' if options.games else 'generated'}), seed {options.seed}, "
            f"at most {options.max_steps} steps, {len(rules)} rules {origin}\n"
        )
        if options.count:
            _tell_plans(world, tasks[: round(SPARE * options.count)], rules, options)
        if options.episodes:
            _tell_ranks(world, tasks[: options.episodes], rules, options)


def _rules(options: argparse.Namespace) -> tuple[RuleStore, str]:
    if options.rules is not None:
        return RuleStore.load(options.rules), f"of {options.rules}"
    asked = EnvironmentOptions(
        learning=True, games=options.games, played=options.split, count=LEARN, seed=options.seed,
        split="train",
    )  # fmt: skip
    learner = Learner()
    with closing(SPEC.make(asked)) as world:
        learner.learn(world, world.tasks()[:LEARN], seed=options.seed, max_steps=SPEC.learning_steps)
    return learner.store, f"learned from {LEARN} games of train, seed {options.seed}"


# Commands at random mostly fail: plans alone would not show whether failure is foretold.
COURSES = (
    ("mpc, the most probable", mpc.SPEC, True),
    ("mpc, drawn by probability", mpc.SPEC, False),
    ("commands at random, the most probable", reactive.REACTIVE, True),
)


# --- the same plans -----------------------------------------------------------------------------------------------------------


def _tell_plans(world: Environment, tasks: Sequence[str], rules: RuleStore, options: argparse.Namespace) -> None:
    print(
        "The same actions in imagination and then in the world, once the room was toured and nothing was hidden any more:\n"
    )
    print(
        "| who acts, what happens | games | won in imagination | won in the world | same end | all steps the same | steps the same |"
    )
    print("|---" * 7 + "|")
    hidden: list[str] = []
    for name, planner, is_likeliest in COURSES:
        compared: list[Consistency] = []
        hidden = []
        for task in tasks:
            if len(compared) == options.count:
                break
            real = _toured(world, task, rules)
            if _is_hidden(real):
                hidden.append(task)
                continue
            imagined = ImaginedEnvironment(rules, [Start.of(real)], is_likeliest=is_likeliest)
            dreamt = _played(imagined, task, Policy(name, planner, rules), options.seed, options.max_steps)
            compared.append(consistency(dreamt, real))
            if is_likeliest and planner is mpc.SPEC and not compared[-1].is_same:
                _tell_difference(task, compared[-1])
        _tell_compared(name, compared)
    print(f"\n{len(hidden)} games were left out: something in them stayed hidden on the tour\n")


def _tell_compared(name: str, compared: Sequence[Consistency]) -> None:
    steps = [step.is_same for each in compared for step in each.steps]
    cells = [
        str(sum(each.won[0] for each in compared)),
        str(sum(each.won[1] for each in compared)),
        *(_share(rows) for rows in ([e.is_same_end for e in compared], [e.is_same for e in compared], steps)),
    ]
    print(f"| {name} | {len(compared)} | {' | '.join(cells)} |", flush=True)


def _tell_difference(task: str, compared: Consistency) -> None:
    parted = next((step for step in compared.steps if not step.is_same), None)
    what = f"the end, after {len(compared.steps)} of {compared.imagined} steps"
    if parted is not None:
        what = f"{parted.action}: {parted.succeeded}, {parted.changed}"
    print(f"{task}: imagined, real: won {compared.won}; parted at {what}", file=sys.stderr)


def _toured(world: Environment, task: str, rules: RuleStore) -> Episode:
    """Return ``task`` begun, and every place looked into that the rules know how to look into."""
    episode = Episode(world, task)
    proposer = MeansEnds(rules, episode.vocabulary)
    model = AlignedModel.symbolic(rules, episode.vocabulary)
    while not episode.is_over and len(episode.transitions) < MOST_TOUR_STEPS:
        avoid = setbacks(episode.transitions, episode.vocabulary)
        plan = next(iter(proposer.explorations(episode.state, Goal(""), (), avoid=avoid)), None)
        if plan is None:
            break
        for action in plan.actions:
            [prediction] = model.predict([Query(episode.state, action)])
            transition = episode.step(action, prediction)
            if not transition.succeeded or transition.told or episode.is_over:
                break
    return episode


def _unexplored(state: State, episode: Episode) -> list[str]:
    explored = str(episode.vocabulary.explored)
    sort = episode.vocabulary.fluents[explored].parameters[0]
    places = [fluent.args[0] for fluent, value in state.items() if fluent.name == "sort" and value == sort]
    return [place for place in places if state.get(Fluent(explored, (place,))) is not True]


def _is_hidden(episode: Episode) -> bool:
    return bool(_unexplored(episode.state, episode)) or episode.is_over


# --- how policies rank ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Policy:
    """A planner, the rules that it knows, and how far it may look ahead."""

    name: str
    planner: PlannerSpec
    rules: RuleStore
    budget: PlanningBudget = PlanningBudget()  # noqa: RUF009 -- frozen


def _policies(rules: RuleStore) -> list[Policy]:
    depths = [Policy(f"mpc, depth {depth}", mpc.SPEC, rules, PlanningBudget(depth=depth)) for depth in (1, 2, 4, 8)]
    return [
        Policy("reactive", reactive.REACTIVE, rules),
        Policy("veto", reactive.VETO, rules),
        Policy("best-of-n, depth 1", best_of_n.SPEC, rules, PlanningBudget(depth=1)),
        *depths,
        Policy("mpc", mpc.SPEC, rules),
        Policy("mpc without heat and clean", mpc.SPEC, _without(rules, {"heat", "clean"})),
        Policy("mpc without open", mpc.SPEC, _without(rules, {"open"})),
    ]


def _without(rules: RuleStore, verbs: set[str]) -> RuleStore:
    return replace(rules, rules=tuple(rule for rule in rules.rules if rule.verb not in verbs))


class Score(NamedTuple):
    """How often a policy won each game, of one try in the world and of so many dreams in imagination."""

    policy: str
    imagined: Sequence[float]
    real: Sequence[float]


def _tell_ranks(world: Environment, tasks: Sequence[str], rules: RuleStore, options: argparse.Namespace) -> None:
    starts = [Start.of(Episode(world, task)) for task in tasks]
    imagination = ImaginedEnvironment(rules, starts)
    print(
        f"Whole games from the first observation, hidden things drawn: {len(tasks)} games, {options.dreams} dreams of each; "
        "success, 95 % interval, and mean steps\n"
    )
    print("| policy | in imagination | steps | in the world | steps |")
    print("|---" * 5 + "|")
    scores = []
    for policy in _policies(rules):
        began_s = time.monotonic()
        dreams = [
            [
                _played(imagination, task, policy, options.seed + 1 + dream, options.max_steps)
                for dream in range(options.dreams)
            ]
            for task in tasks
        ]
        lived = [_played(world, task, policy, options.seed, options.max_steps) for task in tasks]
        imagined = [episode for each in dreams for episode in each]
        scores.append(
            Score(
                policy.name,
                [sum(e.is_won for e in each) / options.dreams for each in dreams],
                [float(episode.is_won) for episode in lived],
            )
        )
        cells = [_won(imagined), _steps(imagined), _won(lived), _steps(lived)]
        print(f"| {policy.name} | {' | '.join(cells)} |", flush=True)
        print(f"{policy.name}: {time.monotonic() - began_s:.0f} s", file=sys.stderr)
    low, high = _interval(scores, range(len(tasks)), options.seed)
    print(
        f"\nrank correlation (Spearman, ties averaged) over {len(scores)} policies: {_correlation(scores, range(len(tasks))):.2f}, "
        f"95 % interval {low:.2f} to {high:.2f} (games drawn anew {RESAMPLED} times)"
    )


def _played(environment: Environment, task: str, policy: Policy, seed: int, max_steps: int) -> Episode:
    episode = Episode(environment, task, seed=seed)
    rng = random.Random(f"{policy.name} {seed} {task}")
    play(
        episode, acting_mind(policy.planner, policy.rules, episode, rng=rng, budget=policy.budget), max_steps=max_steps
    )
    return episode


def _correlation(scores: Sequence[Score], games: Sequence[int]) -> float:
    rates = [[mean([values[game] for game in games]) or 0.0 for values in (s.imagined, s.real)] for s in scores]
    return spearman([imagined for imagined, _ in rates], [real for _, real in rates])


def _interval(scores: Sequence[Score], games: Sequence[int], seed: int) -> tuple[float, float]:
    """Return the middle 95 % of the rank correlation over games drawn anew, with replacement."""
    rng = random.Random(seed)
    values = [_correlation(scores, rng.choices(games, k=len(games))) for _ in range(RESAMPLED)]
    return quantile(values, 0.025) or 0.0, quantile(values, 0.975) or 0.0


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the rank correlation of two lists, equals being ranked alike; 0 where one of them does not vary."""
    x, y = _ranks(first), _ranks(second)
    middle = (len(x) + 1) / 2
    spread = (sum((a - middle) ** 2 for a in x) * sum((b - middle) ** 2 for b in y)) ** 0.5
    return sum((a - middle) * (b - middle) for a, b in zip(x, y, strict=True)) / spread if spread else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1 for the smallest; equals share the mean of their ranks."""
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2 for value in values
    ]


# --- figures ----------------------------------------------------------------------------------------------------------------------


def _share(is_so: Sequence[bool]) -> str:
    low, high = wilson_interval(sum(is_so), len(is_so))
    return f"{sum(is_so)} of {len(is_so)} ({100 * low:.0f} to {100 * high:.0f} %)"


def _won(episodes: Sequence[Episode]) -> str:
    low, high = wilson_interval(sum(e.is_won for e in episodes), len(episodes))
    rate = sum(e.is_won for e in episodes) / len(episodes)
    return f"{100 * rate:.1f} % ({100 * low:.0f} to {100 * high:.0f})"


def _steps(episodes: Sequence[Episode]) -> str:
    return f"{mean([float(len(episode.transitions)) for episode in episodes]) or 0.0:.1f}"


if __name__ == "__main__":
    main()
