"""What looking ahead costs where the world model costs nothing: per question, against plain loops and llm-reasoners, and as it grows.

`planning.py` prints this. A question is what one action would do in one state: the model has all answers ready, so that the time is the
planner's own, but for reading them. Times are CPU seconds, the least of several tries with the same seed, the garbage collector at work.
"""

import gc
import json
import random
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

import plain_searches
from learning_time import exponent

from agentwm import build
from agentwm.planners import beam, cem, mcts
from agentwm.planners.meter import MeteredModel
from agentwm.types import (
    Action,
    ActionSchema,
    Fluent,
    Goal,
    Outcome,
    Plan,
    PlannerParts,
    PlanningBudget,
    Prediction,
    Query,
    State,
    Value,
    Vocabulary,
)

__all__ = ["tell_cost", "tell_growth"]

DEPTH = 20
TRIES = 5
QUESTIONS = (200, 1000, 5000)
WIDTHS = (32, 128, 512)
DISTANCES = (5, 10, 20, 40)
BRANCHINGS = (2, 4, 8, 16, 32)
PLANNERS = ("search", "beam", "mcts", "cem")
CASES = [
    (planner, size) for planner in ("search", "beam", "mcts") for size in (WIDTHS if planner == "beam" else QUESTIONS)
]

Result = TypeVar("Result")

PLACE = Fluent("place")
START: State = {PLACE: 0}
DEEPEST = 64


class Tree:
    """A world model in which every path leads to a state of its own and nothing pays: each step stays in the state.

    All answers are made beforehand; how many steps were made says which one it is.
    """

    def __init__(self, branching: int) -> None:
        self.actions = _actions(branching)
        self._answers = [
            {
                action: _sure(Outcome(1.0, {Fluent(f"step {step}"): number}))
                for number, action in enumerate(self.actions)
            }
            for step in range(DEEPEST)
        ]

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order."""
        answers = self._answers
        return [answers[len(state)][action] for state, action in queries]


class Corridor:
    """A world model in which one action leads on, to a reward after ``length`` steps, and the others lead back to the start."""

    def __init__(self, branching: int, length: int) -> None:
        self.actions = _actions(branching)
        on = [Outcome(1.0, {PLACE: place}) for place in range(1, length)]
        end = Outcome(1.0, {PLACE: length}, reward=1.0, terminated=True)
        back = _sure(Outcome(1.0, {PLACE: 0}))
        self._answers: Mapping[Value, Mapping[Action, Prediction]] = {
            place: dict.fromkeys(self.actions, back) | {self.actions[0]: _sure(each)}
            for place, each in enumerate((*on, end))
        }

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order."""
        return [self._answers[state[PLACE]][action] for state, action in queries]


World = Tree | Corridor


def _actions(branching: int) -> tuple[Action, ...]:
    return tuple(Action(f"do{number}") for number in range(branching))


def _sure(outcome: Outcome) -> Prediction:
    return Prediction((outcome,), 1.0, "rules")


class _Silent:
    """Proposes nothing, so that the strategies are by themselves."""

    def propose(self, state: State, goal: Goal, *, avoid: object = None) -> Iterable[Plan]:  # noqa: ARG002 -- what a proposer is given
        """Return no plans."""
        return ()


def decided(planner: str, world: World, budget: PlanningBudget) -> tuple[float, int, Plan]:
    """Return the CPU seconds of a first decision, how many questions it took, and its plan."""
    meter = MeteredModel(world, budget)
    rng = random.Random(0)
    words = Vocabulary({}, {action.verb: ActionSchema(action.verb, (), action.verb) for action in world.actions})
    parts = PlannerParts(_Silent(), _Silent(), meter, lambda _: world.actions, words, rng, budget=budget)
    mind = build.planner(planner).make(parts)
    meter.begin()
    seconds, plan = timed(lambda: mind.plan(START, Goal("")))
    return seconds, meter.end().model_calls, plan


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the CPU seconds that ``work`` takes, and what it returns; what was there before is hidden from the garbage collector."""
    gc.collect()
    gc.freeze()
    began_s = time.process_time()
    result = work()
    seconds = time.process_time() - began_s
    gc.unfreeze()
    return seconds, result


# --- per question -----------------------------------------------------------------------------------------------------------


Costs = dict[tuple[str, int], float]
"""Seconds per question, by planner or setting and its size: the number of questions, or the width of a beam."""


def tell_cost(reasoners: Path | None) -> None:
    """Print what a question costs each search, the floor in plain Python, and llm-reasoners in the interpreter ``reasoners``."""
    world = Tree(plain_searches.BRANCHING)
    ours, floor, theirs = Costs(), Costs(), Costs()
    for _ in range(TRIES):  # in turns, since a busy machine is not as busy all the time
        for case in CASES:
            _note(ours, case, _ours(*case, world))
            _note(floor, case, _plain(*case))
        for case, seconds in (_theirs(reasoners) if reasoners else {}).items():
            _note(theirs, case, seconds)
    print(
        f"\nCPU microseconds per question to the world model, in a tree of {plain_searches.BRANCHING} actions, {DEPTH} deep, in which "
        f"nothing pays; best of {TRIES}. To look an answer up takes {1e6 * _look_up(world):.2f} of them.\n"
    )
    print("| planner | size | per second | microseconds | plain loops | ratio |\n|---|---|---|---|---|---|")
    for case in CASES:
        cells = (
            f"{1 / ours[case]:,.0f} | {1e6 * ours[case]:.2f} | {1e6 * floor[case]:.2f} | {ours[case] / floor[case]:.1f}"
        )
        print(f"| {case[0]} | {case[1]:,} | {cells} |")
    if theirs:
        _compare(ours, theirs)
    else:
        print("\nllm-reasoners was not timed: no interpreter that has it was given (--reasoners).")


def _compare(ours: Costs, theirs: Costs) -> None:
    print(
        "\nllm-reasoners in an interpreter of its own, in turns with the above; the ratio is ours to its. Fastest is with a running mean "
        "instead of numpy's, and rollouts drawn without numpy; ours makes none, and a subclass leaves them out of its.\n"
    )
    print("| llm-reasoners | size | microseconds | ours | ratio |\n|---|---|---|---|---|")
    for (setting, size), seconds in theirs.items():
        here = ours[setting.split(",")[0], size]
        print(f"| {setting} | {size:,} | {1e6 * seconds:.2f} | {1e6 * here:.2f} | {here / seconds:.2f} |")


def _note(costs: Costs, case: tuple[str, int], seconds: float) -> None:
    costs[case] = min(seconds, costs.get(case, seconds))


def _ours(planner: str, size: int, world: World) -> float:
    if planner == "beam":
        with patch.object(beam, "WIDTH", size):
            seconds, questions, _ = decided("beam", world, PlanningBudget(depth=DEPTH))
    else:
        seconds, questions, _ = decided(planner, world, PlanningBudget(model_calls=size, depth=DEPTH))
    return seconds / questions


def _plain(planner: str, size: int) -> float:
    searches: Mapping[str, Callable[[], int]] = {
        "search": lambda: plain_searches.best_first(size),
        "beam": lambda: plain_searches.beam(size, DEPTH),
        "mcts": lambda: plain_searches.uct(size, DEPTH, random.Random(0)),
    }
    seconds, questions = timed(searches[planner])
    return seconds / questions


def _theirs(interpreter: Path) -> Costs:
    script = Path(__file__).with_name("llm_reasoners.py")
    said = subprocess.run([interpreter, script], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [json.loads(line) for line in said.splitlines()]
    return {(row["setting"], row["size"]): row["seconds"] / row["questions"] for row in rows}


def _look_up(world: World) -> float:
    queries = [Query(START, action) for action in world.actions] * 1000
    return min(timed(lambda: [world.predict([query]) for query in queries])[0] for _ in range(TRIES)) / len(queries)


# --- growth -----------------------------------------------------------------------------------------------------------------


def tell_growth() -> None:
    """Print how planning time grows with the horizon and with the number of actions."""
    print(
        f"\nCPU milliseconds of one decision with no limit but the horizon, best of {TRIES}: mcts makes {mcts.SIMULATIONS} simulations, "
        f"cem at most {cem.ROUNDS} rounds of {cem.SAMPLES} samples, beam is {beam.WIDTH} wide. In the tree nothing pays; in the corridor "
        "one action leads on, to a reward one step before the horizon, and the others lead back (in parentheses: no plan that surely gets "
        "it). An exponent of growth is the slope of a least-squares line through the logarithms.\n"
    )
    _tell_growth("tree, horizon (4 actions)", DISTANCES, lambda size: (Tree(4), PlanningBudget(depth=size)))
    _tell_growth("tree, actions (horizon 10)", BRANCHINGS, lambda size: (Tree(size), PlanningBudget(depth=10)))
    _tell_growth(
        "corridor, length (4 actions)", DISTANCES, lambda size: (Corridor(4, size), PlanningBudget(depth=size + 1))
    )
    _tell_growth(
        "corridor, actions (horizon 11)", BRANCHINGS, lambda size: (Corridor(size, 10), PlanningBudget(depth=11))
    )
    _tell_search()


def _least(planner: str, world: World, budget: PlanningBudget) -> tuple[float, int, Plan]:
    """Return what `decided` does, the fastest of several."""
    return min((decided(planner, world, budget) for _ in range(TRIES)), key=lambda each: each[0])


def _tell_growth(what: str, sizes: Sequence[int], make: Callable[[int], tuple[World, PlanningBudget]]) -> None:
    print(f"| {what} | {' | '.join(map(str, sizes))} | exponent | in the last step |")
    print("|---" * (len(sizes) + 3) + "|")
    pays = what.startswith("corridor")
    for planner in PLANNERS if pays else PLANNERS[1:]:
        found = [_least(planner, *make(size)) for size in sizes]
        times = [seconds for seconds, _, _ in found]
        cells = [
            f"{1000 * seconds:.2f}" if plan.reaches_goal or not pays else f"({1000 * seconds:.2f})"
            for seconds, _, plan in found
        ]
        print(
            f"| {planner} | {' | '.join(cells)} | {exponent(sizes, times):.2f} | {exponent(sizes[-2:], times[-2:]):.2f} |",
            flush=True,
        )
    print()


def _tell_search() -> None:
    """Print how the time of an exhaustive search grows in the tree: best-first search gives up only where all of it was seen."""
    depths = range(2, 8)
    found = [_least("search", Tree(4), PlanningBudget(depth=depth)) for depth in depths]
    factor = found[-1][0] / found[-2][0]
    print(
        f"| search in the tree, horizon (4 actions) | {' | '.join(map(str, depths))} | times as long in the last step |"
    )
    print("|---" * (len(depths) + 2) + "|")
    print(
        f"| questions | {' | '.join(f'{questions:,}' for _, questions, _ in found)} | {found[-1][1] / found[-2][1]:.2f} |"
    )
    print(f"| milliseconds | {' | '.join(f'{1000 * seconds:.2f}' for seconds, _, _ in found)} | {factor:.2f} |")
