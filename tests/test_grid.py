"""MiniGrid and BabyAI: told is what the window shows and true, missions are read rightly, and levels are the same for a task."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentwm import build
from agentwm.agent import Episode
from agentwm.errors import ConfigurationError, EnvironmentFailureError, TaskError
from agentwm.rules.binding import is_reached
from agentwm.types import (
    Action,
    EnvironmentOptions,
    Fluent,
    Goal,
    Outcome,
    Prediction,
    Referenced,
    State,
    Value,
)

pytest.importorskip("minigrid")

from agentwm_environments.grid import minigrid, reference
from agentwm_environments.grid.minigrid import BABYAI, MINIGRID, GridEnvironment
from agentwm_environments.grid.missions import goal_of, parts_of
from agentwm_environments.grid.words import AT, CARRIED_COLOR, CARRIED_ORIGIN, CARRYING, DIRECTIONS, DROPPED, FACING

SHOWN = (*MINIGRID.members(), *BABYAI.members())
WINDING = (
    "MiniGrid-FourRooms-v0",
    "MiniGrid-DoorKey-8x8-v0",
    "MiniGrid-MultiRoom-N4-S5-v1",
    "MiniGrid-LavaCrossingS9N1-v0",
    "MiniGrid-ObstructedMaze-1Dlhb-v0",
    "BabyAI-GoToSeq-v0",
    "BabyAI-PickupLoc-v0",
    "BabyAI-PutNextS5N2Carrying-v0",
)
NOTHING_FORETOLD = Prediction((Outcome(1.0),), 1.0, "frame")

every_shown = pytest.mark.parametrize("name", SHOWN)
every_winding = pytest.mark.parametrize("name", WINDING)


def world_of(name: str, **options: int | str | bool) -> GridEnvironment:
    made = build.environment(name).make(EnvironmentOptions(**{"count": 5, **options}))  # type: ignore[arg-type]
    assert isinstance(made, GridEnvironment)
    return made


def playing(world: GridEnvironment, task: str, *, steps: int = 80) -> Iterator[Episode]:
    """Yield the episode at its start and after each of some random actions, which are the same ones for the same task."""
    rng = random.Random(task)
    episode = Episode(world, task)
    yield episode
    for _ in range(steps):
        if episode.is_over:
            return
        episode.step(Action(rng.choice(list(world.vocabulary.actions))), NOTHING_FORETOLD)
        yield episode


def played_by_bot(world: GridEnvironment, task: str, *, chance: float = 0.0) -> Iterator[Episode]:
    """Yield the episode as BabyAIBot plays it, but for actions at random every now and then, after each action."""
    bots = pytest.importorskip("minigrid.utils.baby_ai_bot")
    rng = random.Random(task)
    episode = Episode(world, task)
    bot = bots.BabyAIBot(world._engine)
    done = None
    while not episode.is_over:
        try:
            number = int(bot.replan(done))
        except (AssertionError, AttributeError, bots.DisappearedBoxError):  # what it did not do itself may confuse it
            bot, number = bots.BabyAIBot(world._engine), 6
        if rng.random() < chance or number == 6:
            number = rng.randrange(6)
        done = world._engine.actions(number)
        episode.step(Action(list(world.vocabulary.actions)[number]), NOTHING_FORETOLD)
        yield episode


def in_grid(world: GridEnvironment, name: str) -> Any:
    _, row, column = name.split(" ")
    return world._engine.grid.get(int(column), int(row))


def in_view(world: GridEnvironment) -> set[str]:
    """Return the cells that MiniGrid itself says are seen."""
    engine = world._engine
    _, mask = engine.gen_obs_grid()
    places = ((row, column) for row in range(engine.height) for column in range(engine.width))
    spots = {place: engine.relative_coords(place[1], place[0]) for place in places}
    return {f"cell {row} {column}" for (row, column), spot in spots.items() if spot is not None and mask[spot]}


def cells_in(state: State) -> set[str]:
    return {fluent.args[0] for fluent in state if fluent.name == "object"}


def derived(world: GridEnvironment, state: State, name: str, *args: str) -> Value:
    derive = world.vocabulary.fluents[name].derive
    assert derive is not None
    return derive(state, args)


# --- what is told -------------------------------------------------------------------------------------------------


@every_winding
def test_whatever_is_believed_is_so_in_the_grid(name: str) -> None:
    world = world_of(name)
    for task in world.tasks():
        for episode in playing(world, task):
            state = episode.state
            for where in cells_in(state):
                thing = in_grid(world, where)
                kind = "none" if thing is None or thing.type == "floor" else thing.type
                assert state[Fluent("object", (where,))] == kind
                assert state[Fluent("color", (where,))] == (None if kind in {"none", "wall"} else thing.color)
                states = {0: "open", 1: "closed", 2: "locked"}
                assert state[Fluent("state", (where,))] == (states[thing.encode()[2]] if kind == "door" else None)
                assert state[Fluent("sort", (where,))] == "cell"
            engine = world._engine
            carried = engine.carrying
            column, row = map(int, engine.agent_pos)
            assert state[AT] == f"cell {row} {column}"
            assert state[FACING] == DIRECTIONS[engine.agent_dir]
            assert (state[CARRYING], state[CARRIED_COLOR]) == (
                ("none", None) if carried is None else (carried.type, carried.color)
            )
            column, row = map(int, engine.front_pos)
            assert derived(world, state, "front") == f"cell {row} {column}"


@every_winding
def test_told_are_the_cells_in_view_and_no_others_and_what_was_in_view_is_remembered(name: str) -> None:
    world = world_of(name)
    for task in world.tasks()[:2]:
        ever: set[str] = set()
        for episode in playing(world, task):
            seen = in_view(world)
            ever |= seen
            assert cells_in(episode.observation.facts) == seen
            assert cells_in(episode.state) == ever
        everything = world._engine.width * world._engine.height
        assert len(ever) < everything or name in {
            "MiniGrid-LavaCrossingS9N1-v0",
            "BabyAI-PickupLoc-v0",
            "BabyAI-PutNextS5N2Carrying-v0",
        }  # open ones


def test_turning_is_what_the_references_of_directions_say() -> None:
    world = world_of("MiniGrid-Empty-8x8-v0")
    state = world.reset(world.tasks()[0]).facts
    for verb, reference_of in (("right", "clockwise"), ("left", "counterclockwise")):
        for _ in range(4):
            then = world.step(Action(verb)).facts
            assert then[FACING] == derived(world, state, reference_of, str(state[FACING]))
            state = then
    assert {f.args[0] for f, value in state.items() if value == "direction"} == set(DIRECTIONS)


def test_the_words_say_what_is_in_view_from_where_one_stands() -> None:
    world = world_of("MiniGrid-DoorKey-5x5-v0")
    world.reset(world.tasks()[0])
    engine = world._engine
    door = next(thing for thing in engine.grid.grid if thing is not None and thing.type == "door")
    engine.grid.grid = [each if each is not None and each.type == "wall" else None for each in engine.grid.grid]
    engine.agent_pos, engine.agent_dir = (1, 2), 3
    engine.grid.set(1, 1, door)
    text = world.step(Action("drop")).text
    seen = f"You see a locked {door.color} door 1 step ahead. The wall ahead is 2 steps away."
    assert text == f"You face up and carry nothing. {seen}"
    assert world.step(Action("right")).text.endswith("The wall ahead is 1 step away.")


def test_each_world_has_the_actions_it_needs() -> None:
    usual = ["left", "right", "forward", "pickup", "drop", "toggle"]
    assert list(world_of("MiniGrid-DoorKey-8x8-v0").vocabulary.actions) == usual
    assert list(world_of("BabyAI-GoToLocal-v0").vocabulary.actions) == usual
    assert list(world_of("MiniGrid-GoToDoor-5x5-v0").vocabulary.actions) == [*usual, "done"]
    assert list(world_of("MiniGrid-Dynamic-Obstacles-5x5-v0").vocabulary.actions) == usual[:3]


# --- missions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BABYAI.members())
def test_every_mission_is_read_in_one_part_for_each_thing_to_do(name: str) -> None:
    world = world_of(name, count=200)
    for task in world.tasks():
        world.reset(task)
        text = world.goal.text
        assert text == world._engine.mission
        joints = sum(text.count(joint) for joint in (" and ", ", then ", " after you "))
        assert len(world.parts) == joints + 1, text
        assert world.goal == Goal(text, world.parts[0], world.parts[1:])


@pytest.mark.parametrize(
    "name", [*(each for each in BABYAI.members() if "Seq" not in each), "BabyAI-OpenDoorLoc-v0", "BabyAI-FindObjS5-v0"]
)
def test_a_mission_is_reached_exactly_when_babyai_says_so(name: str) -> None:
    world = world_of(name, count=12)
    won = 0
    for number, task in enumerate(world.tasks()):
        for episode in played_by_bot(world, task, chance=0.15 * (number % 3)):
            is_won = episode.observation.reward > 0
            assert is_reached(episode.goal, episode.state, episode.vocabulary) == is_won, (task, episode.goal.text)
            won += is_won
    assert won > len(world.tasks()) / 2


def test_a_mission_of_several_parts_is_won_once_each_was_reached_and_in_their_order() -> None:
    world = world_of("BabyAI-GoToSeq-v0", count=12)
    for task in world.tasks():
        reached: dict[int, int] = {}
        for episode in played_by_bot(world, task):
            for number, part in enumerate(world.parts):
                if is_reached(Goal("", part), episode.state, episode.vocabulary):
                    reached[number] = len(episode.transitions)
        assert episode.is_won
        assert sorted(reached) == list(range(len(world.parts)))
        assert max(reached.values()) == len(episode.transitions)
        if " and " not in episode.goal.text:
            assert not episode.aim.then
            assert is_reached(episode.aim, episode.state, episode.vocabulary)


def test_what_is_to_be_done_first_stands_first() -> None:
    ball, key, door = (parts_of(f"go to the {each}")[0] for each in ("red ball", "key", "door"))
    assert parts_of("go to the key after you go to the red ball") == (ball, key)
    assert parts_of("go to the red ball, then go to the key") == (ball, key)
    assert parts_of("go to the door after you go to the red ball and go to the key") == (ball, key, door)
    assert parts_of("go to the red ball and go to the key, then go to the door") == (ball, key, door)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "reach the goal",
        "get to the green goal square",
        "open the red door then the blue door",
        "go to the pink ball",
    ],
)
def test_what_is_not_in_babyais_language_has_no_conditions(text: str) -> None:
    assert goal_of(text) == Goal(text)


def test_where_the_agent_has_to_say_that_it_is_done_being_there_is_no_goal() -> None:
    world = world_of("MiniGrid-GoToDoor-5x5-v0")
    world.reset(world.tasks()[0])
    assert world.goal.text.startswith("go to the ")
    assert world.goal.conditions == ()


def test_to_put_one_next_to_another_is_not_to_put_the_other_next_to_the_one() -> None:
    world = world_of("BabyAI-PutNextLocal-v0")
    goal = goal_of("put the red ball next to the blue key")
    things = {"cell 2 3": ("ball", "red"), "cell 2 4": ("key", "blue")}
    state: dict[Fluent, Value] = {}
    for name, (kind, color) in things.items():
        state |= {Fluent("sort", (name,)): "cell", Fluent("object", (name,)): kind, Fluent("color", (name,)): color}
    assert is_reached(goal, {**state, DROPPED: "cell 2 3"}, world.vocabulary)
    assert not is_reached(goal, {**state, DROPPED: "cell 2 4"}, world.vocabulary)
    assert not is_reached(goal, {**state, DROPPED: None}, world.vocabulary)


def test_places_mean_what_babyai_means_by_them() -> None:
    world = world_of("BabyAI-OpenDoorLoc-v0", count=40)
    words = set()
    for task in world.tasks():
        episode = Episode(world, task)
        meant = world._engine.instrs.desc.obj_set
        [place] = [c for c in episode.goal.conditions if str(c.left).startswith(("left", "right", "ahead", "behind"))]
        words.add(str(place.left))
        for where in cells_in(episode.state):
            if episode.state[Fluent("object", (where,))] == "door":
                lies = episode.state[Fluent(place.left.name, (where,))]  # type: ignore[union-attr]  # a reference
                assert lies == any(in_grid(world, where) is each for each in meant), (task, where)
    assert len(words) == 4


def test_a_thing_keeps_its_origin_wherever_it_is_carried() -> None:
    world = world_of("BabyAI-PickupLoc-v0", count=30)
    moved = 0
    for task in world.tasks():
        for episode in playing(world, task):
            if not episode.transitions:
                width = world._engine.width
                first = {id(t): f"cell {n // width} {n % width}" for n, t in enumerate(world._engine.grid.grid) if t}
                things = list(world._engine.grid.grid)  # kept, so that no other thing takes over an identity
            if world.parts and any("origin" in str(condition.left) for condition in world.parts[0]):
                for where in cells_in(episode.state):
                    thing = in_grid(world, where)
                    is_movable = thing is not None and thing.type in {"ball", "box", "key", "door"}
                    origin = first.get(id(thing)) if is_movable else None
                    assert episode.state[Fluent("origin", (where,))] == origin
                    moved += origin not in {None, where}
                carried = world._engine.carrying
                assert episode.state[CARRIED_ORIGIN] == (None if carried is None else first[id(carried)])
        assert things
    assert moved


# --- tasks and their ends -------------------------------------------------------------------------------------------


@every_shown
@settings(max_examples=5, deadline=None)
@given(task=st.integers(0, 4), seed=st.integers(0, 2**40))
def test_a_task_begins_the_same_way_every_time(name: str, task: int, seed: int) -> None:
    world, other = world_of(name), world_of(name)
    first = world.reset(world.tasks()[task], seed=seed)
    world.step(Action("forward"))
    assert first == world.reset(world.tasks()[task], seed=seed) == other.reset(world.tasks()[task], seed=0)


def test_train_and_test_tasks_share_no_level() -> None:
    tasks = {split: world_of("BabyAI-GoToLocal-v0", count=500, split=split).tasks() for split in ("train", "test")}
    seeds = {split: {minigrid.level_seed("BabyAI-GoToLocal-v0", task) for task in tasks[split]} for split in tasks}
    assert len(seeds["train"]) == len(seeds["test"]) == 500
    assert not seeds["train"] & seeds["test"]
    assert {seed % 2 for seed in seeds["train"]} == {0}


def test_what_moves_by_chance_moves_by_the_seed_in_the_same_level() -> None:
    world = world_of("MiniGrid-Dynamic-Obstacles-8x8-v0")
    task = world.tasks()[0]

    def seen(seed: int) -> list[object]:
        return [world.reset(task, seed=seed), *(world.step(Action("left")) for _ in range(8))]

    assert seen(1) == seen(1)
    assert seen(1)[0] == seen(2)[0]
    assert seen(1) != seen(2)


def test_success_pays_one_and_minigrids_own_return_is_kept() -> None:
    world = world_of("MiniGrid-Empty-8x8-v0")
    world.reset(world.tasks()[0])
    for verb in [*["forward"] * 5, "right", *["forward"] * 4]:
        assert world.step(Action(verb)).reward == 0
    last = world.step(Action("forward"))
    assert (last.reward, last.terminated, last.truncated) == (1.0, True, False)
    assert world.returned == pytest.approx(1 - 0.9 * 11 / 256)
    world.reset(world.tasks()[1])
    assert world.returned == 0


def test_what_costs_in_minigrid_costs_here() -> None:
    world = world_of("MiniGrid-Dynamic-Obstacles-5x5-v0", count=20)
    ends = [episode for task in world.tasks() for episode in playing(world, task) if episode.observation.terminated]
    assert -1.0 in {episode.observation.reward for episode in ends}


def test_an_episode_ends_after_as_many_steps_as_minigrid_gives_it() -> None:
    world = world_of("MiniGrid-Empty-5x5-v0")
    world.reset(world.tasks()[0])
    ends = [world.step(Action("left")).truncated for _ in range(100)]
    assert ends == [False] * 99 + [True]
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        world.step(Action("left"))


def test_what_minigrid_prints_is_not_seen(capsys: pytest.CaptureFixture[str]) -> None:
    world = world_of("BabyAI-Unlock-v0", count=30)
    for task in world.tasks():
        world.reset(task)
    assert capsys.readouterr().out == ""
    for task in world.tasks():
        world._engine.reset(seed=minigrid.level_seed(world.name, task))
    assert "Sampling rejected" in capsys.readouterr().out


# --- references ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MINIGRID.members())
def test_the_shortest_way_wins_in_as_many_steps_and_as_much(name: str) -> None:
    world = world_of(name)
    assert isinstance(world, Referenced)
    for task in world.tasks():
        found = world.reference(task)
        assert found is not None
        world.reset(task)
        way = reference.shortest(world._engine)
        assert way is not None
        assert len(way) == found.steps
        *before, last = [world.step(Action(verb)) for verb in way]
        assert not any(each.terminated for each in before)
        assert last.reward == 1
        assert world.returned == pytest.approx(found.reward)


def test_no_way_of_babyaibot_is_shorter_than_the_shortest() -> None:
    world = world_of("BabyAI-UnlockPickup-v0", count=10)
    for task in world.tasks():
        found = world.reference(task)
        assert found is not None
        assert found.by == "BabyAIBot"
        world.reset(task)
        way = reference.shortest(world._engine)
        assert way is not None
        assert found.steps is not None
        assert len(way) <= found.steps


def test_a_reference_disturbs_no_episode_in_progress() -> None:
    world, alone = world_of("BabyAI-GoToLocal-v0"), world_of("BabyAI-GoToLocal-v0")
    one, two = world.tasks()[:2]
    world.reset(one)
    alone.reset(one)
    found = world.reference(two)
    assert found is not None
    assert found == world.reference(two)
    assert [world.step(Action("right")) for _ in range(3)] == [alone.step(Action("right")) for _ in range(3)]


@pytest.mark.parametrize(
    "name", ["BabyAI-KeyInBox-v0", "MiniGrid-Dynamic-Obstacles-5x5-v0", "MiniGrid-RedBlueDoors-6x6-v0"]
)
def test_where_nobody_knows_there_is_no_reference(name: str) -> None:
    world = world_of(name)
    assert world.reference(world.tasks()[0]) is None


# --- errors -------------------------------------------------------------------------------------------------------


@every_shown
def test_what_cannot_be_done_is_refused(name: str) -> None:
    world = world_of(name, admissible=True)
    with pytest.raises(EnvironmentFailureError, match="no task has been begun"):
        world.step(Action("left"))
    with pytest.raises(TaskError, match="no task 'train-0-0'"):
        world.reset("train-0-0")
    with pytest.raises(TaskError, match="no task 'train-0-0'"):
        world.reference("train-0-0")
    observation = world.reset(world.tasks()[0])
    assert observation.actions
    with pytest.raises(EnvironmentFailureError, match="expected one of the actions left, right, forward"):
        world.step(Action("jump"))
    for action in observation.actions:
        world.reset(world.tasks()[0])
        assert world.step(action).actions == observation.actions
    world.close()
    world.close()
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        world.step(Action("left"))


def test_a_world_that_breaks_is_a_failure_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of("MiniGrid-Empty-8x8-v0")
    world.reset(world.tasks()[0])
    with monkeypatch.context() as broken:
        broken.setattr(world._engine, "step", lambda _: 1 / 0)
        with pytest.raises(EnvironmentFailureError, match="ZeroDivisionError"):
            world.step(Action("left"))
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        world.step(Action("left"))
    assert world.reset(world.tasks()[1]).facts


def test_an_unknown_id_is_refused_with_those_that_are_near() -> None:
    with pytest.raises(ConfigurationError, match=r"'MiniGrid-DoorKey-9x9-v0'.*MiniGrid-DoorKey-8x8-v0"):
        build.environment("MiniGrid-DoorKey-9x9-v0")
    with pytest.raises(ConfigurationError, match=r"'BabyAI-Nothing'"):
        build.environment("BabyAI-Nothing")


@pytest.mark.parametrize("family", [MINIGRID, BABYAI])
def test_a_family_alone_plays_one_of_its_members_and_is_sound(family: Any) -> None:
    assert build.environment(family.name) is family
    [line] = family.check()
    assert "the same way twice" in line
    made = family.make(EnvironmentOptions(count=1))
    assert made.name in family.members()
    assert build.environment(made.name).name == made.name


def test_a_missing_minigrid_is_said_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    minigrid.ids.cache_clear()
    spec = build.environment("MiniGrid-DoorKey-5x5-v0")
    assert "pip install 'agentwm[grid]'" in str(spec.missing())
    with pytest.raises(ConfigurationError, match=r"pip install 'agentwm\[grid\]'"):
        spec.make(EnvironmentOptions())
