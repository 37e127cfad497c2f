"""What actions are worth by the number of steps left: a sure long way and a chancy short one."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm import RuleStore, build
from agentwm.agent import Episode, play
from agentwm.minds import acting_mind
from agentwm.planners.countdown import Countdown
from agentwm.types import Action, EnvironmentOptions

LEAP, WALK = Action("leap"), Action("walk")
Graph = dict[str, dict[Action, list[tuple[float, float, str | None]]]]
CHASM: Graph = {
    "edge": {LEAP: [(0.5, 1.0, None), (0.5, 0.0, None)], WALK: [(1.0, 0.0, "bridge")]},
    "bridge": {LEAP: [(1.0, 0.0, "edge")], WALK: [(1.0, 1.0, None)]},
}


@pytest.mark.parametrize(("left", "leap", "walk"), [(1, 0.5, 0.0), (2, 0.5, 1.0), (50, 0.5, 1.0)])
def test_the_last_step_takes_the_risk_that_the_others_avoid(left: int, leap: float, walk: float) -> None:
    assert Countdown(CHASM).worth("edge", left) == {LEAP: leap, WALK: walk}


@given(st.integers(1, 30), st.randoms(use_true_random=False))
def test_the_worth_of_a_step_is_what_it_brings_and_the_best_of_what_is_left(left: int, rng: random.Random) -> None:
    states = ["a", "b", "c"]
    graph: Graph = {
        state: {
            action: [(0.5, rng.uniform(-1, 1), rng.choice([*states, None])) for _ in range(2)]
            for action in (LEAP, WALK)
        }
        for state in states
    }
    countdown = Countdown(graph)

    def value(state: str | None, steps: int) -> float:
        return 0.0 if state is None or not steps else max(countdown.worth(state, steps).values())

    for state in states:
        for action, ways in graph[state].items():
            expected = sum(p * (reward + value(there, left - 1)) for p, reward, there in ways)
            assert countdown.worth(state, left)[action] == pytest.approx(expected, abs=1e-6)


def test_who_knows_how_many_steps_are_left_wins_more_often_on_the_ice() -> None:
    pytest.importorskip("gymnasium")
    spec = build.environment("frozenlake")
    environment = spec.make(EnvironmentOptions(split="test", count=80))
    won = {}
    for limit in (None, 14):
        won[limit] = 0
        for task in environment.tasks():
            episode = Episode(environment, task)
            mind = acting_mind(
                build.planner("mpc"),
                RuleStore.certain(spec.true_rules()),
                episode,
                rng=random.Random(task),
                max_steps=limit,
            )
            play(episode, mind, max_steps=14)
            won[limit] += episode.is_won
    assert won[14] > won[None]
