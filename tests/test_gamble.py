"""The gamble: whoever looks for the most probable or for the best outcome chooses the risky door, and loses by it on average."""

import statistics
from collections.abc import Callable

import pytest

from agentwm.models.rule_model import AlignedModel
from agentwm.rules.language import parse_rule
from agentwm.rules.store import RuleStore
from agentwm.types import Action, EnvironmentOptions, Outcome, Query, State
from agentwm_environments.small import gamble
from agentwm_environments.small.truth import after

Judge = Callable[[list[tuple[Outcome, float]]], float]


def expected(ways: list[tuple[Outcome, float]]) -> float:
    return sum(outcome.probability * value for outcome, value in ways)


def most_probable(ways: list[tuple[Outcome, float]]) -> float:
    return max(ways, key=lambda way: way[0].probability)[1]


def best(ways: list[tuple[Outcome, float]]) -> float:
    return max(value for _, value in ways)


def worth(world: gamble.GambleEnvironment, state: State, judge: Judge, depth: int) -> tuple[float, Action]:
    """Return what ``state`` is worth to one who judges by ``judge``, looking so far ahead, and the action that it is so by.

    Of actions that are worth the same it is the one that pays at once.
    """
    options = []
    for action in world.actions(state):
        ways = []
        for outcome in world.truth(state, action):
            is_last = outcome.terminated or depth == 1
            rest = 0.0 if is_last else worth(world, after(state, outcome), judge, depth - 1)[0]
            ways.append((outcome, float(outcome.reward or 0) + rest))
        at_once = judge([(outcome, float(outcome.reward or 0)) for outcome, _ in ways])
        options.append((judge(ways), at_once, action))
    value, _, action = max(options)
    return value, action


def returned(judge: Judge, *, depth: int, episodes: int = 400) -> float:
    """Return the mean return over so many episodes of one who judges so."""
    world = gamble.make(EnvironmentOptions(count=episodes))
    returns = []
    for task in world.tasks():
        observation = world.reset(task)
        total = 0.0
        while not observation.terminated:
            observation = world.step(worth(world, observation.facts, judge, depth)[1])
            total += observation.reward
        returns.append(total)
    return statistics.mean(returns)


def test_expectation_gets_the_most_there_is() -> None:
    assert returned(expected, depth=2) == gamble.OPTIMAL_RETURN == 1.0


@pytest.mark.parametrize("judge", [most_probable, best])
def test_taking_luck_for_control_loses(judge: Judge) -> None:
    assert pytest.approx(-2.8) == gamble.RISKY_RETURN
    standard_error = 12 * (0.6 * 0.4) ** 0.5 / 400**0.5
    assert abs(returned(judge, depth=2) - gamble.RISKY_RETURN) < 4 * standard_error


def test_no_policy_gets_more_than_the_most_there_is() -> None:
    world = gamble.make(EnvironmentOptions(count=1))
    start = world.reset(world.tasks()[0]).facts
    assert [worth(world, start, expected, depth)[0] for depth in (2, 3, 4, 5)] == [gamble.OPTIMAL_RETURN] * 4
    by_risk = expected([(o, float(o.reward or 0)) for o in world.truth(start, Action("risky"))])
    assert by_risk == pytest.approx(gamble.RISKY_RETURN)


def test_the_sure_reward_takes_two_steps_and_verbs_out_of_place_do_nothing() -> None:
    world = gamble.make(EnvironmentOptions(count=1))
    start = world.reset(world.tasks()[0]).facts
    assert world.step(Action("on")).facts == start
    corridor = world.step(Action("safe"))
    assert (corridor.reward, corridor.terminated) == (0.0, False)
    for verb in ("safe", "risky"):
        assert world.step(Action(verb)).facts == corridor.facts
    garden = world.step(Action("on"))
    assert (garden.reward, garden.terminated) == (1.0, True)


def test_the_two_fates_behind_the_risky_door_are_foretold_with_what_they_pay() -> None:
    world = gamble.make(EnvironmentOptions(count=1))
    store = RuleStore(tuple(map(parse_rule, gamble.TRUE_RULES.splitlines())))
    start = world.reset(world.tasks()[0]).facts
    [said] = AlignedModel.symbolic(store, world.vocabulary).predict([Query(start, Action("risky"))])
    assert [(o.probability, o.reward, o.terminated) for o in said.outcomes] == [(0.6, 2, True), (0.4, -10, True)]
