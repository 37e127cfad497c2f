"""The best policy of a listed world, against what is known of it otherwise; and the references made of it."""

import importlib.util
from collections import deque
from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from agentwm import Action, EnvironmentOptions, build
from agentwm.types import Environment, Reference, Referenced
from agentwm_environments.small import gamble
from agentwm_environments.small.sokoban import SokobanEnvironment, level_of_task
from agentwm_environments.small.sokoban_levels import solve
from agentwm_environments.small.toy_text import ToyTextWorld

needs_gymnasium = pytest.mark.skipif(importlib.util.find_spec("gymnasium") is None, reason="gymnasium is not installed")

Rows = Mapping[int, Mapping[int, Sequence[tuple[float, int, float, bool]]]]


def toy(name: str, *, split: str | None = None, count: int = 5) -> ToyTextWorld:
    world = build.environment(name).make(EnvironmentOptions(split=split, count=count))
    assert isinstance(world, ToyTextWorld)
    return world


def best(environment: Environment, task: str, *, seed: int = 0) -> Reference:
    assert isinstance(environment, Referenced)
    found = environment.reference(task, seed=seed)
    assert found is not None
    return found


def within(rows: Rows, steps: int) -> list[float]:
    """Return the best expected return from each numbered state, straight from the table of Gymnasium: the naive twin."""
    values = [0.0] * len(rows)
    for _ in range(steps):
        values = [
            max(sum(p * (r + (0.0 if end else values[to])) for p, to, r, end in ways) for ways in rows[state].values())
            for state in range(len(rows))
        ]
    return values


@needs_gymnasium
@pytest.mark.parametrize(("split", "steps"), [("test", 100), ("test_8x8", 200)])
def test_on_ice_the_best_that_can_be_expected_is_that_of_gymnasiums_own_table(split: str, steps: int) -> None:
    world = toy("frozenlake", split=split)
    found = best(world, world.tasks()[0])
    assert found.expected == pytest.approx(within(world._engine.P, steps)[0], abs=1e-12)
    assert found.steps is None, "how many there are is chance"


@needs_gymnasium
def test_what_came_of_the_best_policy_is_near_what_it_expects() -> None:
    world = toy("frozenlake", count=400)
    rewards = [best(world, task).reward or 0.0 for task in world.tasks()]
    expected = best(world, world.tasks()[0]).expected
    assert expected is not None
    error = (expected * (1 - expected) / len(rewards)) ** 0.5
    assert sum(rewards) / len(rewards) == pytest.approx(expected, abs=3 * error)


@needs_gymnasium
def test_in_a_sure_world_the_best_policy_takes_the_shortest_way() -> None:
    world = toy("taxi")
    for task in world.tasks():
        found, shortest = best(world, task), shortest_way(world, task)
        assert (found.steps, found.reward, found.expected) == (shortest, 21 - shortest, 21 - shortest)


def shortest_way(world: ToyTextWorld, task: str) -> int:
    rows, start = world._engine.P, world._number(world.reset(task).facts)
    queue, known = deque([(start, 0)]), {start}
    while queue:
        state, steps = queue.popleft()
        for ways in rows[state].values():
            [(_, to, reward, _)] = ways
            if reward > 0:
                return steps + 1
            if to not in known:
                known.add(to)
                queue.append((to, steps + 1))
    raise AssertionError(task)


@needs_gymnasium
def test_asking_for_a_reference_does_not_disturb_an_episode() -> None:
    world, other = toy("frozenlake"), toy("frozenlake")
    task, another = world.tasks()[:2]
    seen = [each.reset(task, seed=3) for each in (world, other)]
    for verb in ("right", "down", "left", "right", "up"):
        best(world, another, seed=3)
        seen = [each.step(Action(verb)) for each in (world, other)]
        assert seen[0] == seen[1]
        if seen[0].terminated:
            break


def test_the_best_of_two_doors_is_the_safe_one() -> None:
    world = gamble.make(EnvironmentOptions(count=1))
    found = best(cast("Environment", world), world.tasks()[0])
    assert (found.reward, found.expected) == (gamble.OPTIMAL_RETURN, gamble.OPTIMAL_RETURN)


def test_the_reference_of_a_level_is_its_shortest_solution() -> None:
    world = SokobanEnvironment(["test-0-0"])
    assert best(world, "test-0-0").steps == len(solve(level_of_task("test-0-0")) or ())
