"""Crafter: the same world as without the adapter, of which nothing is told that its picture does not show."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from agentwm.agent import Episode
from agentwm.errors import EnvironmentFailureError, TaskError
from agentwm.types import Action, EnvironmentOptions, Fluent, Observation, Prediction, State

pytest.importorskip("crafter")

import crafter

from agentwm_environments.cells import STEPS, cell
from agentwm_environments.crafter import CrafterEnvironment, make
from agentwm_environments.crafter.engine import Engine
from agentwm_environments.crafter.environment import seed_of
from agentwm_environments.crafter.words import ACHIEVEMENTS, COLUMNS, ITEMS, ROWS, VOCABULARY, object_in

AT, FACING = Fluent("at"), Fluent("facing")
NIGHT = 200  # steps after which it is dark
UNFORETOLD = Prediction((), 1.0, "frame")


class Ordered(crafter.Env):  # type: ignore[misc]  # Crafter has no types
    """Crafter as it comes, with its pictures, but for the order of creatures, which differs from run to run."""

    def _balance_chunk(self, chunk: object, objs: Any) -> None:
        super()._balance_chunk(chunk, sorted(objs, key=lambda each: tuple(each.pos)))


def contents(world: Any) -> object:
    """Return everything that is in a world of Crafter's, and its chance."""
    things = sorted((type(each).__name__, *map(int, each.pos), each.health) for each in world.objects)
    return world._mat_map.tobytes(), things, world.random.get_state()[2], world.random.get_state()[1].tobytes()


def busy(rng: random.Random) -> int:
    """Return the number of an action: mostly a step or a try, never sleep, so that the night is lived to see."""
    return rng.choice((1, 2, 3, 4, 5, 5, 7, 8, 10))


@pytest.fixture(scope="module")
def environment() -> CrafterEnvironment:
    return make(EnvironmentOptions(count=3))


def begun(environment: CrafterEnvironment, *, seed: int = 0) -> Observation:
    return environment.reset(environment.tasks()[0], seed=seed)


def in_view(facts: State) -> set[str]:
    return {fluent.args[0] for fluent in facts if fluent.name == "kind"}


def place(name: object) -> tuple[int, int]:
    _, row, column = str(name).split(" ")
    return int(row), int(column)


# --- the world ----------------------------------------------------------------------------------------------------


def test_everything_happens_as_in_crafter_itself_also_at_night() -> None:
    engine, bare = Engine(), Ordered(seed=11)
    engine.reset(11)
    bare.reset()
    assert contents(engine.world) == contents(bare._world)
    rng, nights = random.Random(3), 0
    for _ in range(NIGHT):
        action = busy(rng)
        _, reward, is_over, _ = bare.step(action)
        assert engine.step(action) == (reward, is_over)
        bare._player.inventory["health"] = engine.player.inventory["health"] = 9  # so that both live to see the night
        nights += engine.is_dark
        if is_over:
            break
    assert nights > 20
    assert contents(engine.world) == contents(bare._world)


def test_a_picture_not_painted_would_change_the_night_if_its_noise_were_not_drawn() -> None:
    engines = Engine(), Engine()
    engines[1]._env._obs = lambda: None
    for engine in engines:
        engine.reset(11)
        engine._env._step = NIGHT
        engine.step(0)
    assert contents(engines[0].world) != contents(engines[1].world)


def test_the_same_actions_come_to_the_same_in_another_process() -> None:
    code = """
import json, random, sys
from agentwm_environments.crafter.engine import Engine
engine, rng = Engine(), random.Random(5)
engine.reset(7)
for _ in range(150):
    engine.step(rng.choice((0, 1, 2, 3, 4, 5)))
    engine.player.inventory["health"] = 9
things = [(type(each).__name__, *map(int, each.pos)) for each in engine.world.objects]
print(json.dumps([things, float(engine.world.random.uniform())]))
"""
    seen = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, check=True
            ).stdout
        )
        for hash_seed in ("1", "2")
    ]
    assert seen[0] == seen[1]
    assert len(seen[0][0]) > 5


def test_a_task_is_a_seed_of_crafters_and_splits_share_none(environment: CrafterEnvironment) -> None:
    begun(environment)
    bare = crafter.Env(seed=seed_of(environment.tasks()[0]))
    bare.reset()
    assert environment._engine.world._mat_map.tobytes() == bare._world._mat_map.tobytes()
    seeds = {split: {seed_of(f"{split}-0-{number}") for number in range(500)} for split in ("train", "test")}
    assert not seeds["train"] & seeds["test"]
    assert all(len(of_split) == 500 for of_split in seeds.values())


def test_another_seed_is_other_chance_in_the_same_world(environment: CrafterEnvironment) -> None:
    first = begun(environment)
    assert begun(environment) == first
    assert begun(environment, seed=1).facts == first.facts
    chances = []
    for seed in (0, 0, 1):
        begun(environment, seed=seed)
        chances.append(environment._engine.world.random.uniform())
    assert chances[0] == chances[1] != chances[2]


# --- what is told -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived(environment: CrafterEnvironment) -> list[tuple[Observation, State, Mapping[str, object]]]:
    """Each step of an episode: what is seen, what is believed, and how the world really is."""
    episode = Episode(environment, environment.tasks()[0])
    rng = random.Random(2)
    actions = [*environment._numbers]
    steps = [(episode.observation, episode.state, truth(environment))]
    while len(steps) < 150 and not episode.is_over:
        episode.step(actions[busy(rng)], UNFORETOLD)
        environment._engine.player.health = 9
        steps.append((episode.observation, episode.state, truth(environment)))
    assert len(steps) == 150
    return steps


def truth(environment: CrafterEnvironment) -> Mapping[str, object]:
    world, player = environment._engine.world, environment._engine.player
    names = world._mat_names
    kinds = {
        (y, x): names[number] for x, column in enumerate(world._mat_map.tolist()) for y, number in enumerate(column)
    }
    things = {tuple(map(int, each.pos))[::-1]: each.texture for each in world.objects if each is not player}
    return {
        "at": tuple(map(int, player.pos))[::-1],
        "facing": tuple(player.facing)[::-1],
        "kinds": kinds,
        "things": things,
        "items": dict(player.inventory),
        "achieved": {name for name, count in player.achievements.items() if count},
    }


def test_what_is_told_is_so(lived: list[tuple[Observation, State, Mapping[str, Any]]]) -> None:
    for observation, _, real in lived[:-1]:
        facts = observation.facts
        assert place(facts[AT]) == real["at"]
        assert STEPS[str(facts[FACING])] == real["facing"]
        assert {i: facts[Fluent(i)] for i in ITEMS if i != "health"} == {
            i: real["items"][i] for i in ITEMS if i != "health"
        }
        assert {name for name in ACHIEVEMENTS if facts[Fluent(f"achieved_{name}")]} == real["achieved"]
        for fluent, value in facts.items():
            if fluent.name == "kind":
                assert value == real["kinds"][place(fluent.args[0])]
            if fluent.name == "object":
                assert str(value).replace(" ", "-") == real["things"][place(fluent.args[0])]
        assert set(facts) <= set(said(facts))


def said(facts: State) -> Iterator[Fluent]:
    """Yield those of ``facts`` that the vocabulary declares, with things of the sorts that it asks for."""
    for fluent in facts:
        schema = VOCABULARY.fluents[fluent.name]
        sorts = [facts[Fluent("sort", (arg,))] for arg in fluent.args]
        if all(wanted in (sort, "any") for wanted, sort in zip(schema.parameters, sorts, strict=True)):
            yield fluent


def test_only_what_is_in_the_picture_is_told(lived: list[tuple[Observation, State, Mapping[str, Any]]]) -> None:
    for observation, _, real in lived:
        row, column = real["at"]
        window = {
            (row + down, column + right)
            for down in range(-(ROWS // 2), ROWS // 2 + 1)
            for right in range(-(COLUMNS // 2), COLUMNS // 2 + 1)
        }
        assert {place(name) for name in in_view(observation.facts)} == window & real["kinds"].keys()
        told = {place(fluent.args[0]) for fluent in observation.facts if fluent.name == "object"}
        assert told == window & real["things"].keys()


def test_a_cell_never_in_view_is_never_believed_and_what_was_seen_is(
    lived: list[tuple[Observation, State, Mapping[str, Any]]],
) -> None:
    seen: set[str] = set()
    for observation, believed, _ in lived:
        seen |= in_view(observation.facts)
        assert in_view(believed) == seen
        things = {fluent.args[0] for fluent, value in believed.items() if fluent.name == "object" and value is not None}
        assert things == {fluent.args[0] for fluent in observation.facts if fluent.name == "object"}
    assert len(seen) > COLUMNS * ROWS


def test_what_creatures_do_elsewhere_is_not_put_down_to_the_action(environment: CrafterEnvironment) -> None:
    episode = Episode(environment, environment.tasks()[1])
    told = 0
    for _ in range(60):
        before = episode.state
        transition = episode.step(Action("noop"), UNFORETOLD)
        faced = VOCABULARY.fluents["toward"].derive(before, (str(before[FACING]),))  # type: ignore[misc]
        assert all(not fluent.args or fluent.args == (faced,) for fluent in transition.changed)
        told += any(fluent.name == "object" for fluent in transition.told)
    assert told


# --- what is derived, what pays, and what is refused -----------------------------------------------------------------


def test_distances_are_read_from_what_is_believed() -> None:
    derive = VOCABULARY.fluents["distance_to_table"].derive
    assert derive is not None
    state = {AT: cell(10, 10), Fluent("kind", (cell(12, 11),)): "table", Fluent("kind", (cell(10, 15),)): "table"}
    assert derive(state, ()) == 2
    assert derive({**state, AT: cell(10, 14)}, ()) == 1
    assert derive({**state, AT: cell(30, 30)}, ()) == COLUMNS


def test_the_next_cell_is_where_the_player_goes(environment: CrafterEnvironment) -> None:
    toward = VOCABULARY.fluents["toward"].derive
    assert toward is not None
    before = begun(environment).facts
    for direction in STEPS:
        ahead = toward(before, (direction,))
        after = environment.step(Action("move", (direction,))).facts
        is_free = before[Fluent("kind", (str(ahead),))] in {"grass", "sand", "path"}
        assert after[FACING] == direction
        assert after[AT] in ({ahead, before[AT]} if is_free else {before[AT]})
        before = after


def test_an_achievement_pays_once_and_then_the_tally_is_another_than_before(environment: CrafterEnvironment) -> None:
    tally = VOCABULARY.fluents["tally"].derive
    assert tally is not None
    begun(environment)
    environment._engine.player.inventory["sapling"] = 2
    rewards = []
    for direction in ("left", "up"):
        for action in (Action("move", (direction,)), Action("place plant")):
            seen = environment.step(action)
            rewards.append(seen.reward)
            assert (tally(seen.facts, ()) != seen.facts[Fluent("tallied")]) == bool(seen.reward)
    assert environment.achievements["place_plant"] == 2
    assert rewards == [0.0, 1.0, 0.0, 0.0]
    assert environment.returned == pytest.approx(1.0)
    assert not environment.is_won


def test_death_ends_an_episode_and_the_limit_of_steps_cuts_it_off(environment: CrafterEnvironment) -> None:
    begun(environment)
    environment._engine.player.health = 0
    last = environment.step(Action("noop"))
    assert last.terminated
    assert not last.truncated
    with pytest.raises(EnvironmentFailureError, match="the episode is over: expected reset, got the action noop"):
        environment.step(Action("noop"))
    begun(environment)
    environment._engine._env._step = 9_999
    last = environment.step(Action("noop"))
    assert last.truncated
    assert not last.terminated


def test_a_creature_that_walked_out_of_the_cell_faced_is_not_put_down_to_the_action_and_one_that_is_gone_is(
    environment: CrafterEnvironment,
) -> None:
    here, ahead, beyond = (object_in(cell(row, 10)) for row in (10, 9, 8))
    state: State = {AT: here.args[0], FACING: "up", ahead: "cow"}
    standing = {AT: here.args[0], FACING: "up"}
    walked = environment.perceiver.perceive(Observation("", {**standing, beyond: "cow"}), Action("do"), state)
    assert (dict(walked.changed), dict(walked.told), set(walked.forgotten)) == ({}, {beyond: "cow"}, {ahead})
    gone = environment.perceiver.perceive(Observation("", standing), Action("do"), state)
    assert gone.changed == {ahead: None}
    came = environment.perceiver.perceive(
        Observation("", {**standing, ahead: "cow"}), Action("do"), {**standing, beyond: "cow"}
    )
    assert not came.changed
    placed = environment.perceiver.perceive(Observation("", {**standing, ahead: "plant"}), Action("do"), standing)
    assert placed.changed == {ahead: "plant"}


def test_whatever_differs_of_the_player_is_put_down_the_same_way_be_it_more_or_less(
    environment: CrafterEnvironment,
) -> None:
    """Which of it comes by itself is for the learner to find out."""
    seen = begun(environment)
    items = [Fluent(item) for item in ITEMS]
    for step in (-1, 1):
        believed = {**seen.facts, **{item: int(str(seen.facts[item])) + step for item in items}}
        perceived = environment.perceiver.perceive(seen, Action("noop"), believed)
        assert perceived.changed == {item: seen.facts[item] for item in items}
        assert not perceived.told


def test_what_is_out_of_order_is_refused(environment: CrafterEnvironment) -> None:
    with pytest.raises(TaskError, match="no task 'valley' among the 3"):
        environment.reset("valley")
    with pytest.raises(EnvironmentFailureError, match="no task has been begun"):
        make(EnvironmentOptions(count=1)).step(Action("noop"))
    begun(environment)
    with pytest.raises(EnvironmentFailureError, match=r"expected one of the actions noop, move \{0\}.*got 'fly'"):
        environment.step(Action("fly"))
