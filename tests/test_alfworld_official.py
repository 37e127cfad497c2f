"""Our engine against the official one. The whole comparison is ``benchmarks/engine_agreement.py``; this is a sample of it."""

import importlib.util
import json
import lzma
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from agentwm.errors import EnvironmentFailureError, MissingExtraError, TaskError
from agentwm.types import Action, EnvironmentOptions
from agentwm_environments.alfworld import SPEC
from agentwm_environments.alfworld.agreement import compare, random_commands
from agentwm_environments.alfworld.engine import HELP, Household
from agentwm_environments.alfworld.game import TASK_TYPES, Game
from agentwm_environments.alfworld.generator import generate
from agentwm_environments.alfworld.official import OfficialHousehold, missing
from agentwm_environments.alfworld.pddl import read_problem
from agentwm_environments.alfworld.solver import solve

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "alfworld" / "games.jsonl.xz"

official = pytest.mark.skipif(missing() is not None, reason=missing() or "")
shared = pytest.mark.skipif(not SHARED.is_file(), reason=f"the official games are not at {SHARED}")


@pytest.fixture(scope="module")
def engine() -> Iterator[OfficialHousehold]:
    household = OfficialHousehold()
    yield household
    household.close()


@cache
def official_games() -> list[tuple[Game, str]]:
    """Return one training game of each task type, the smallest of its kind: the official engine is slow."""
    smallest: dict[str, dict[str, str]] = {}
    with lzma.open(SHARED, "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            known = smallest.get(row["task_type"])
            if row["split"] == "train" and (known is None or len(row["pddl"]) < len(known["pddl"])):
                smallest[row["task_type"]] = row
    return [
        (
            read_problem(row["pddl"], id=row["trial"], task_type=kind, goal_text=row["task_desc"], room=row["scene"]),
            row["pddl"],
        )
        for kind, row in sorted(smallest.items())
    ]


def assert_agreement(engine: OfficialHousehold, game: Game, problem: str | None, *, steps: int) -> None:
    engine.play(game, problem)
    ours = Household(game)
    walk = solve(game)
    assert walk
    assert list(compare(game.id, ours, engine, walk)) == []
    assert ours.won
    commands = random_commands(game, ours, steps=steps, rng=random.Random(game.id))
    assert list(compare(game.id, ours, engine, commands)) == []


@official
@shared
@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_an_official_game_is_told_as_the_official_engine_tells_it(engine: OfficialHousehold, task_type: str) -> None:
    (pair,) = [pair for pair in official_games() if pair[0].task_type == task_type]
    assert_agreement(engine, *pair, steps=12)


@official
def test_a_generated_game_is_told_as_the_official_engine_tells_it(engine: OfficialHousehold) -> None:
    assert_agreement(engine, next(generate("test", 1, 1)), None, steps=12)


@official
def test_the_official_help_is_ours(engine: OfficialHousehold) -> None:
    engine.play(next(generate("test", 1, 1)))
    engine.reset()
    assert engine.step("help") == HELP


@official
def test_the_environment_plays_in_the_official_engine() -> None:
    environment = SPEC.make(EnvironmentOptions(count=1, engine="official", admissible=True))
    fast = SPEC.make(EnvironmentOptions(count=1, admissible=True))
    (task,) = environment.tasks()
    try:
        assert environment.reset(task) == fast.reset(task)
        assert environment.step(Action("look")) == fast.step(Action("look"))
        assert environment.about["alfworld"]
    finally:
        environment.close()
        environment.close()


@official
def test_a_game_that_the_official_engine_refuses_is_a_task_error(engine: OfficialHousehold) -> None:
    with pytest.raises(TaskError, match="official engine"):
        engine.play(next(generate("test", 1, 1)), "(define (problem nonsense) (:domain alfred))")


@official
def test_an_ended_process_is_said_and_a_new_game_starts_another() -> None:
    household = OfficialHousehold()
    game = next(generate("test", 1, 1))
    try:
        household.play(game)
        household.reset()
        process = household._process._process
        assert process is not None
        process.kill()
        process.wait()
        with pytest.raises(EnvironmentFailureError, match="ended"):
            household.step("look")
        household.play(game)
        assert "Your task is to" in household.reset()
    finally:
        household.close()


def test_without_the_packages_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'agentwm\[alfworld\]'"):
        OfficialHousehold()
    with pytest.raises(MissingExtraError, match="alfworld"):
        SPEC.make(EnvironmentOptions(engine="official"))
