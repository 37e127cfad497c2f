"""Play ALFWorld after learning on a few games, and print what was won, in how many steps.

The learning curve is nested: one sequence of learning games per seed, from an empty store; after each number of games in `--learn` the
rules of that moment, frozen, play the same unseen games at the first attempt, without the list of admissible commands.

    python benchmarks/households.py --world generated --episodes 200 --learn 20
    python benchmarks/households.py --world official --games DIR --split valid_seen
    python benchmarks/households.py --altered 1,2,3,4,5 --learn 40 --episodes 60 --seeds 0

`--altered` plays in households with other laws: after the last number of `--learn`, with the rules learned there and beside it with
those learned in the ordinary household. `--oracle` adds the shortest solutions of the same games, by a planner that sees everything.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentwm.agent import Episode
from agentwm.errors import AgentwmError
from agentwm.evaluation.statistics import grouped, mean, median, quantile, wilson_interval
from agentwm.learning import LEARNING_STEPS, Learner
from agentwm.minds import Agent
from agentwm.rules.store import RuleStore
from agentwm.types import EnvironmentOptions
from agentwm_environments.alfworld import games
from agentwm_environments.alfworld.environment import AlfworldEnvironment, make
from agentwm_environments.alfworld.game import Game
from agentwm_environments.alfworld.laws import ORDINARY, Laws, altered, differences
from agentwm_environments.alfworld.solver import solve
from agentwm_environments.alfworld.tasks import GeneratedGames, OfficialGames

SOON = 30
"""The stricter limit that a win is also held against."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one game went; ``least`` is the length of its shortest solution, None where it was not asked for."""

    task: str
    task_type: str
    won: bool
    steps: int
    least: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """What had been learned after a number of games."""

    games: int
    steps: int
    rules: RuleStore
    tasks: frozenset[str] = field(default_factory=frozenset)


def main() -> None:
    """Print the tables that the command line asks for."""
    options = _options()
    began_s = time.monotonic()
    if options.altered:
        _tell_altered(options)
    else:
        _tell_curve(options)
    print(f"\n{time.monotonic() - began_s:.0f} s")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=("generated", "official"), default="generated")
    parser.add_argument("--games", default=os.environ.get("ALFWORLD_DATA"), help="official games (ALFWORLD_DATA)")
    parser.add_argument("--split", help="what to play (test; official: valid_seen)")
    parser.add_argument("--learn", type=_numbers, default=[0, 1, 2, 5, 10, 20, 40], help="games learned from")
    parser.add_argument("--episodes", type=int, help="games to play (200; official: all)")
    parser.add_argument("--seeds", type=_numbers, default=[0, 1, 2], help="draw the games to learn from")
    parser.add_argument("--altered", type=_numbers, default=[], help="seeds of households with other laws")
    parser.add_argument("--max-steps", type=int, default=50)
    parser.add_argument("--oracle", action="store_true", help="solve the games with everything in view, too")
    parser.add_argument("--show", type=int, default=0, help="name so many of the games lost or long")
    options = parser.parse_args()
    if options.world == "official" and not options.games:
        parser.error("no official games: name their folder with --games or ALFWORLD_DATA")
    options.split = options.split or ("test" if options.world == "generated" else "valid_seen")
    if options.episodes is None and options.world == "generated":
        options.episodes = 200
    return options


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


# --- learning and playing ---------------------------------------------------------------------------------------------


def _learned(options: argparse.Namespace, seed: int, *, law: int | None = None) -> Iterator[Stage]:
    """Yield what is known after each number of games in ``--learn``, of one sequence that begins with an empty store."""
    wanted, last = set(options.learn), max(options.learn)
    learner, steps = Learner(), 0
    environment = _environment(options, seed, law, learning=True)
    tasks = environment.tasks() if last else ()
    if 0 in wanted:
        yield Stage(0, 0, learner.store, frozenset(tasks))
    for number, task in enumerate(tasks, start=1):
        episode = Episode(environment, task, seed=seed)
        learner.play(episode, rng=random.Random(f"{seed}-{number - 1}"))  # as `agentwm run` numbers them
        learner.conclude(episode)
        steps += len(episode.transitions)
        print(f"\rseed {seed}: learned from {number} of {last} games", end="", file=sys.stderr, flush=True)
        if number in wanted:
            yield Stage(number, steps, learner.store, frozenset(tasks))


def _environment(options: argparse.Namespace, seed: int, law: int | None, *, learning: bool) -> AlfworldEnvironment:
    is_generated = options.world == "generated"
    return make(
        EnvironmentOptions(
            split="train" if learning else options.split,
            learning=learning,
            games=None if is_generated else options.games,
            altered=law,
            count=max(options.learn) if learning else options.episodes if is_generated else None,
            seed=seed,
        )
    )


def _played(
    options: argparse.Namespace, seed: int, rules: RuleStore, learned_from: frozenset[str], *, law: int | None = None
) -> list[Result]:
    """Return how the unseen games went with ``rules``, frozen."""
    environment = _environment(options, seed, law, learning=False)
    tasks = [task for task in environment.tasks() if task not in learned_from]
    if options.episodes is not None and len(tasks) > options.episodes:
        tasks = sorted(random.Random(seed).sample(tasks, options.episodes))
    least = _shortest(options, seed, law, tasks) if options.oracle else {}
    agent = Agent(rules, seed=seed)
    results = []
    for number, task in enumerate(tasks, start=1):
        won, steps = _play(agent, environment, task, options.max_steps)
        results.append(Result(task, environment.task_type(task), won, steps, least.get(task)))
        print(f"\rseed {seed}: played {number} of {len(tasks)} games   ", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr)
    for refusal in environment.refusals:
        print(f"refused: {refusal}", file=sys.stderr)
    return results


def _play(agent: Agent, environment: AlfworldEnvironment, task: str, max_steps: int) -> tuple[bool, int]:
    """Return whether ``task`` was won and in how many steps; one that cannot be played is not won."""
    try:
        episode = agent.play(environment, task, max_steps=max_steps)
    except AgentwmError as error:
        print(f"{task}: {error}", file=sys.stderr)
        return False, 0
    return episode.is_won, len(episode.transitions)


_LEAST: dict[tuple[int | None, str], int] = {}


def _shortest(options: argparse.Namespace, seed: int, law: int | None, tasks: Iterable[str]) -> dict[str, int]:
    """Return the length of the shortest solution of each task, by a planner that sees everything."""
    laws = ORDINARY if law is None else altered(law)
    playable = _games(options, seed, laws)
    for task in tasks:
        if (law, task) not in _LEAST:
            _LEAST[law, task] = len(solve(playable[task], laws) or ())
            print(f"\rsolved {len(_LEAST)} games             ", end="", file=sys.stderr, flush=True)
    return {task: _LEAST[law, task] for task in tasks}


def _games(options: argparse.Namespace, seed: int, laws: Laws) -> dict[str, Game]:
    if options.world == "generated":
        return GeneratedGames(options.split, count=options.episodes, seed=seed, laws=laws).games
    listing = games.find(Path(options.games), options.split)
    return OfficialGames(listing, count=None, seed=seed, learning=False, laws=laws).games


# --- the tables -------------------------------------------------------------------------------------------------------

_HEAD = "won in {0} | 95 % | won in {1} | steps: mean | median | p90"


def _tell_curve(options: argparse.Namespace) -> None:
    at: dict[int, list[Result]] = {}
    lines = []
    for seed in options.seeds:
        for stage in _learned(options, seed):
            results = _played(options, seed, stage.rules, stage.tasks)
            at.setdefault(stage.games, []).extend(results)
            lines.append(
                f"| {seed} | {stage.games} | {stage.steps} | {len(stage.rules)} | {_figures(results, options)} |"
            )
            print(lines[-1], file=sys.stderr)
    _tell_conditions(options, len(at[options.learn[0]]))
    head = _HEAD.format(options.max_steps, SOON) + (" | shortest" if options.oracle else "")
    print(f"| seed | learned from | learning steps | rules | {head} |\n{_rule(4, options)}")
    print("\n".join(lines))
    print(f"\nAll seeds together:\n\n| learned from | {head} |\n{_rule(1, options)}")
    for number, results in at.items():
        print(f"| {number} | {_figures(results, options)} |")
    last = max(options.learn)
    print(f"\nBy task type, after {last} games, all seeds:\n\n| task type | {head} |\n{_rule(1, options)}")
    for task_type, results in grouped(at[last], lambda result: result.task_type).items():
        print(f"| {task_type} | {_figures(results, options)} |")
    _tell_worst(at[last], options)


def _tell_altered(options: argparse.Namespace) -> None:
    options.learn = [max(options.learn)]
    head = _HEAD.format(options.max_steps, SOON) + (" | shortest" if options.oracle else "")
    lines: list[str] = []
    here: list[Result] = []
    elsewhere: list[Result] = []
    for seed in options.seeds:
        [ordinary] = _learned(options, seed)
        for law in options.altered:
            [own] = _learned(options, seed, law=law)
            stages = (("its own", own, here), ("the ordinary", ordinary, elsewhere))
            for household, stage, collected in stages:
                results = _played(options, seed, stage.rules, own.tasks | ordinary.tasks, law=law)
                collected.extend(results)
                lines.append(f"| {law} | {seed} | {household} | {stage.steps} | {_figures(results, options)} |")
                print(lines[-1], file=sys.stderr)
    _tell_conditions(options, len(here))
    print(f"| household | seed | learned in | learning steps | {head} |\n{_rule(4, options)}")
    print("\n".join(lines))
    print(f"\nAll together:\n\n| learned in | task type | {head} |\n{_rule(2, options)}")
    for household, everything in (("its own", here), ("the ordinary", elsewhere)):
        print(f"| {household} | all | {_figures(everything, options)} |")
        for task_type, results in grouped(everything, lambda result: result.task_type).items():
            print(f"| {household} | {task_type} | {_figures(results, options)} |")
    for law in options.altered:
        print(f"\nHousehold {law}: {'; '.join(differences(altered(law)))}")
    _tell_worst(here, options)


def _tell_conditions(options: argparse.Namespace, played: int) -> None:
    source = "generated" if options.world == "generated" else f"official ({options.games})"
    print(
        f"{source} games; learned on split train from an empty store, at most {LEARNING_STEPS} steps each; "
        f"{played} games of split {options.split} played in all for seeds {', '.join(map(str, options.seeds))}, first attempt, "
        f"rules frozen, no command list, at most {options.max_steps} steps. Steps are over games won; 95 % is Wilson's interval of the "
        f"share won in {options.max_steps}.\n"
    )


def _rule(columns: int, options: argparse.Namespace) -> str:
    return "|---" * (columns + 6 + bool(options.oracle)) + "|"


def _figures(results: Sequence[Result], options: argparse.Namespace) -> str:
    won = [result for result in results if result.won]
    low, high = wilson_interval(len(won), len(results))
    lengths = [result.steps for result in won]
    soon = sum(length <= SOON for length in lengths)
    cells = [
        f"{len(won)}/{len(results)}",
        f"{100 * low:.1f} to {100 * high:.1f}",
        f"{soon}/{len(results)}",
        *(_rounded(value) for value in (mean(lengths), median(lengths), quantile(lengths, 0.9))),
    ]
    if options.oracle:
        cells.append(_rounded(mean([result.least for result in results if result.least is not None])))
    return " | ".join(cells)


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _tell_worst(results: Sequence[Result], options: argparse.Namespace) -> None:
    worst = sorted(results, key=lambda result: (result.won, -result.steps))[: options.show]
    for result in worst:
        least = "" if result.least is None else f", shortest {result.least}"
        print(f"\n{result.task}: {'won' if result.won else 'lost'}, {result.steps} steps{least}")


if __name__ == "__main__":
    main()
