"""Time planning: what a question to the world model costs each planner, and how planning grows.

First where the world model costs nothing, so that the time is the planner's own: against plain loops, against llm-reasoners, and as it
grows with the horizon and the number of actions (`expansions.py`). Then in houses, as it grows with the number of receptacles in the
house and of rules in the store: generated test games are played whole, enlarged or cut down to so many receptacles (with things in
them); every step is planned twice: by the planner at work, which goes on with a plan that goes well, and anew from nothing by a fresh one.

    python benchmarks/planning.py
    python benchmarks/planning.py --only expansions --reasoners PYTHON    # an interpreter that has llm-reasoners: see llm_reasoners.py
    python benchmarks/planning.py --rules STORE        # with rules that were learned, instead of the ten written here

Rules are added that parse and concern the same verbs, but kinds that no house has: every search must dismiss them.
"""

import argparse
import random
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import count, cycle, islice
from pathlib import Path
from typing import NamedTuple

from expansions import tell_cost, tell_growth
from learning_time import exponent

from agentwm.agent import Episode
from agentwm.errors import TaskError
from agentwm.evaluation.statistics import median, quantile
from agentwm.minds import acting_mind
from agentwm.planners import mpc
from agentwm.rules.language import Rule, parse_rule
from agentwm.rules.store import RuleStore
from agentwm.types import Query
from agentwm_environments.alfworld.environment import AlfworldEnvironment
from agentwm_environments.alfworld.game import TASK_TYPES, Game, Receptacle, Thing
from agentwm_environments.alfworld.generator import generate
from agentwm_environments.alfworld.solver import solve

RECEPTACLES = (10, 20, 50, 100, 200)
RULES = (10, 30, 100, 300, 1000)

HOUSEHOLD = """
go to ?r when place(at()) is not place(?r) then 1.00 success: at() becomes ?r, explored(?r) becomes true
open ?r when place(at()) is place(?r) and open(?r) is false then 1.00 success: open(?r) becomes true, explored(?r) becomes true
close ?r when place(at()) is place(?r) and open(?r) is true then 1.00 success: open(?r) becomes false
take ?o ?r when in(?o) is ?r and place(at()) is place(?r) and holding() is nothing
  then 1.00 success: holding() becomes ?o, in(?o) becomes nothing
move ?o ?r when holding() is ?o and place(at()) is place(?r) and open(?r) is not false
  then 1.00 success: holding() becomes nothing, in(?o) becomes ?r
use ?o when place(at()) is place(in(?o)) and kind(?o) is "desklamp" then 1.00 success: on(?o) becomes true
heat ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "microwave" then 1.00 success: hot(?o) becomes true
clean ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "sinkbasin" then 1.00 success: clean(?o) becomes true
cool ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "fridge" then 1.00 success: cool(?o) becomes true
examine ?o when sort(?o) is "object" and holding() is ?o then 1.00 success
"""
"""A household in ten rules."""

PADDING = (
    'heat ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "gadget{0}" then 1.00 success: hot(?o) becomes true',
    'clean ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "gadget{0}" then 1.00 success: clean(?o) becomes true',
    'cool ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "gadget{0}" then 1.00 success: cool(?o) becomes true',
    'use ?o when place(at()) is place(in(?o)) and kind(?o) is "gadget{0}" then 1.00 success: on(?o) becomes true',
    'move ?o ?r when kind(?o) is "gadget{0}" and kind(?r) is "box{0}" then 1.00 failure',
    'take ?o ?r when kind(?o) is "gadget{0}" then 1.00 failure',
    'open ?r when place(at()) is place(?r) and kind(?r) is "gadget{0}" then 1.00 success: open(?r) becomes true',
    'go to ?r when kind(?r) is "gadget{0}" then 1.00 failure',
)


class Times(NamedTuple):
    """Seconds of each planned step: by the planner at work, and by a fresh one."""

    playing: list[float]
    anew: list[float]
    won: int


class OneGame:
    """A single game as a set of tasks."""

    def __init__(self, game: Game) -> None:
        self.games = {game.id: game}
        self.refusals: list[TaskError] = []

    def problem(self, task: str) -> str | None:
        """Return None: it has no official problem."""
        assert task in self.games
        return None


def main() -> None:
    """Time all and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=Path, help="a rule store to play by, instead of ten rules written here")
    parser.add_argument("--episodes", type=int, default=6, help="games per line; task types take turns (6)")
    parser.add_argument("--receptacles", type=int, default=20, help="size of the houses where the rules grow (20)")
    parser.add_argument("--max-steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("expansions", "houses"), help="what to time (both)")
    parser.add_argument(
        "--reasoners", type=Path, help="a Python interpreter that has llm-reasoners, to be timed beside ours"
    )
    options = parser.parse_args()
    if options.only != "houses":
        tell_cost(options.reasoners)
        tell_growth()
    if options.only != "expansions":
        _tell_houses(options)


def _tell_houses(options: argparse.Namespace) -> None:
    rules = RuleStore.load(options.rules) if options.rules else RuleStore(tuple(_household()))
    origin = f"{len(rules)} rules of {options.rules}" if options.rules else f"{len(rules)} written rules"
    print(
        f"{options.episodes} generated test games per line (seed {options.seed}), at most {options.max_steps} steps each, {origin}. "
        "Planning time per step in milliseconds; an exponent of growth is the slope of a least-squares line through the logarithms.\n"
    )
    _tell(
        "receptacles",
        [(size, _timed(_games(size, options), rules, options.max_steps)) for size in RECEPTACLES],
    )
    sizes = [size for size in RULES if size >= len(rules)]
    games = _games(options.receptacles, options)
    print(f"\nIn houses of {options.receptacles} receptacles:\n")
    _tell("rules", [(size, _timed(games, _padded(rules, size), options.max_steps)) for size in sizes])


def _timed(games: Sequence[Game], rules: RuleStore, max_steps: int) -> Times:
    playing, anew, won = [], [], 0
    for game in games:
        episode = Episode(AlfworldEnvironment(OneGame(game)), game.id)
        mind = acting_mind(mpc.SPEC, rules, episode, rng=random.Random(0))
        while not episode.is_over and len(episode.transitions) < max_steps:
            fresh = acting_mind(mpc.SPEC, rules, episode, rng=random.Random(0))
            started = time.perf_counter()
            fresh.planner.plan(episode.state, episode.goal, episode.transitions)
            anew.append(time.perf_counter() - started)
            started = time.perf_counter()
            plan = mind.planner.plan(episode.state, episode.goal, episode.transitions)
            playing.append(time.perf_counter() - started)
            if not plan.actions:
                break
            [prediction] = mind.model.predict([Query(episode.state, plan.actions[0])])
            episode.step(plan.actions[0], prediction)
        won += episode.is_won
    return Times(playing, anew, won)


def _tell(what: str, rows: Sequence[tuple[int, Times]]) -> None:
    print(f"| {what} | games won | steps | planned anew: median | p90 | while playing: median | p90 | mean |")
    print("|---" * 8 + "|")
    for size, times in rows:
        figures = [
            median(times.anew), quantile(times.anew, 0.9),
            median(times.playing), quantile(times.playing, 0.9), sum(times.playing) / len(times.playing),
        ]  # fmt: skip
        print(
            f"| {size} | {times.won} | {len(times.playing)} | {' | '.join(f'{1000 * (f or 0):.2f}' for f in figures)} |"
        )
    sizes = [size for size, _ in rows]
    anew = [median(times.anew) or 0.0 for _, times in rows]
    playing = [sum(times.playing) / len(times.playing) for _, times in rows]
    print(
        f"\ngrowth with the number of {what}: exponent {exponent(sizes, anew):.2f} (median, planned anew), "
        f"{exponent(sizes, playing):.2f} (mean, while playing); from {sizes[-2]} to {sizes[-1]}: "
        f"{exponent(sizes[-2:], anew[-2:]):.2f} and {exponent(sizes[-2:], playing[-2:]):.2f}"
    )


# --- rules -----------------------------------------------------------------------------------------------------------


def _household() -> list[Rule]:
    return [parse_rule(text) for text in re.split(r"\n(?! )", HOUSEHOLD.strip())]


def _padded(rules: RuleStore, size: int) -> RuleStore:
    """Return ``rules`` with as many irrelevant ones as make ``size`` in all."""
    irrelevant = (parse_rule(line.format(number)) for number, line in enumerate(cycle(PADDING)))
    return replace(rules, rules=(*rules.rules, *islice(irrelevant, size - len(rules))))


# --- houses ----------------------------------------------------------------------------------------------------------


def _games(size: int, options: argparse.Namespace) -> list[Game]:
    """Return winnable games in houses of ``size`` receptacles, as many of each task type."""
    wanted = {task_type: -(-options.episodes // len(TASK_TYPES)) for task_type in TASK_TYPES}
    found: list[Game] = []
    for game in generate("test", None, options.seed):
        if wanted[game.task_type] and (resized := _resized(game, size)) is not None and solve(resized):
            wanted[game.task_type] -= 1
            found.append(resized)
        if not any(wanted.values()):
            return found[: options.episodes]
    raise AssertionError("generation is endless")


def _resized(game: Game, size: int) -> Game | None:
    """Return ``game`` with ``size`` receptacles, None where its task needs more than that.

    Receptacles are left out from the end of the list, or added as copies with a place, and things, of their own; of what the task asks
    for there is no copy.
    """
    needed = [receptacle for receptacle in game.receptacles if _is_needed(game, receptacle)]
    others = [receptacle for receptacle in game.receptacles if receptacle not in needed]
    if len(needed) > size:
        return None
    kept = {receptacle.name for receptacle in (*needed, *others[: size - len(needed)])}
    receptacles = [receptacle for receptacle in game.receptacles if receptacle.name in kept]
    things = [t for t in game.things if t.receptacle in kept and not set(t.also_in) - kept and not t.contents]
    originals, inside = cycle(receptacles[:]), list(things)
    locations = count(1 + max(game.start, *(receptacle.location for receptacle in receptacles)))
    while len(receptacles) < size:
        original = next(originals)
        copied = replace(original, name=_next_name(original.kind, receptacles), location=next(locations))
        receptacles.append(copied)
        for thing in inside:
            if thing.receptacle == original.name and thing.kind not in {game.target, game.destination}:
                name = _next_name(thing.kind, things)
                things.append(
                    replace(thing, name=name, receptacle=copied.name, location=copied.location, also_in=(), also_at=())
                )
    return replace(game, receptacles=tuple(receptacles), things=tuple(things))


def _is_needed(game: Game, receptacle: Receptacle) -> bool:
    """Whether the task cannot do without ``receptacle``."""
    treated = {"heat": "microwave", "clean": "sinkbasin", "cool": "fridge"}
    instruments = {kind for verb, kind in treated.items() if game.task_type == f"pick_{verb}_then_place_in_recep"}
    holders = {thing.receptacle for thing in game.things if thing.kind in {game.target, game.destination}}
    return receptacle.kind in {game.destination, *instruments} or receptacle.name in holders


def _next_name(kind: str, named: Sequence[Receptacle] | Sequence[Thing]) -> str:
    numbers = [int(match[1]) for each in named if (match := re.fullmatch(rf"{kind} (\d+)", each.name))]
    return f"{kind} {1 + max(numbers, default=0)}"


if __name__ == "__main__":
    main()
