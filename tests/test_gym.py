"""Gymnasium's environments come in with a few lines that say how to read them, and ours go out as its own checker wants them."""

import importlib
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import agentwm
from agentwm import Agent, build
from agentwm.configuration import RunConfig
from agentwm.errors import ConfigurationError, EnvironmentFailureError, TaskError
from agentwm.experiment import run
from agentwm.gym import GymnasiumEnvironment, gymnasium_spec, seeded_tasks, to_gymnasium
from agentwm.gym.environment import _seed_of
from agentwm.gym.words import Reader, declared, kind_of, plain, sort_of
from agentwm.types import Action, Environment, EnvironmentOptions, Fluent, FluentSchema, Goal, Observation
from agentwm_environments.small.sokoban import level_of
from agentwm_environments.small.sokoban_levels import solve

AT = Fluent("at")
TAXI = ["south", "north", "east", "west", "pick up", "drop off"]


def ours(name: str, **options: Any) -> Environment:
    return build.environment(name).make(EnvironmentOptions(**{"count": 5, **options}))


class Corridor(gymnasium.Env[Any, int]):
    """Six cells in a row; the last one pays. ``faults`` are what it answers instead, by the number of the step."""

    def __init__(self, faults: Mapping[int, Callable[[], Any]] | None = None) -> None:
        self.observation_space: gymnasium.Space[Any] = gymnasium.spaces.Discrete(6)
        self.action_space: gymnasium.Space[Any] = gymnasium.spaces.Discrete(2)
        self.faults = faults or {}
        self.place = self.steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed, options=options)
        self.place = int(self.np_random.integers(3))
        self.steps = 0
        return self.faults.get(0, lambda: (self.place, {}))()

    def step(self, action: int) -> Any:
        self.steps += 1
        self.place = min(5, max(0, self.place + (1 if action else -1)))
        is_over = self.place == 5
        return self.faults.get(self.steps, lambda: (self.place, float(is_over), is_over, False, {}))()


def brought_in(**options: Any) -> GymnasiumEnvironment:
    """Return the corridor, read as a place that is a number."""
    read = {"describe": lambda place, _info: {"at": place}, "actions": ["left", "right"], "name": "corridor"}
    return GymnasiumEnvironment(options.pop("env", None) or Corridor(), **{**read, **options})


# --- out ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("admissible", [False, True])
@pytest.mark.parametrize("name", ["alfworld", "crafting", "frozenlake", "gamble", "locks", "sokoban", "taxi"])
def test_gymnasiums_own_checker_finds_nothing_even_to_warn_of(name: str, *, admissible: bool) -> None:
    check_env(to_gymnasium(ours(name, admissible=admissible), max_steps=20))


def test_the_checker_does_find_what_is_wrong() -> None:
    wrong = to_gymnasium(ours("sokoban"))
    wrong.observation_space = gymnasium.spaces.Dict({"text": gymnasium.spaces.Text(5)})
    with pytest.raises(AssertionError):
        check_env(wrong)


def test_actions_are_numbers_where_they_need_no_words() -> None:
    taken_out = to_gymnasium(ours("sokoban", admissible=True))
    assert taken_out.action_space == gymnasium.spaces.Discrete(4)
    told, info = taken_out.reset(seed=1)
    assert told["goal"] == "push a box onto every goal"
    assert info["admissible"] == ("up", "down", "left", "right")
    assert info["action_mask"].tolist() == [1, 1, 1, 1]
    for wrong in (4, -1, "up"):
        with pytest.raises(EnvironmentFailureError, match="expected a number from 0 to 3"):
            taken_out.step(wrong)


def test_commands_are_words_and_a_slip_of_the_pen_is_answered_in_words() -> None:
    environment = ours("alfworld", admissible=True)
    taken_out = to_gymnasium(environment)
    assert "naïve — 中" in taken_out.action_space
    _, info = taken_out.reset(seed=1, options={"task": environment.tasks()[2]})
    assert info["task"] == environment.tasks()[2]
    command = next(each for each in info["admissible"] if each.startswith("go to"))
    told, reward, terminated, truncated, info = taken_out.step("dance the polka")
    assert (reward, terminated, truncated, info["is_understood"]) == (0.0, False, False, False)
    assert "expected a command, got 'dance the polka'" in told["text"]
    told, *_, info = taken_out.step(command)
    assert info["is_understood"]
    assert info["facts"][AT] == command.removeprefix("go to ")
    assert told["text"].startswith("You arrive at")


def test_the_same_seed_is_the_same_episode_and_other_seeds_are_others() -> None:
    taken_out = to_gymnasium(ours("frozenlake", count=50))

    def episode(seed: int) -> list[object]:
        seen: list[object] = [taken_out.reset(seed=seed)[1]["task"]]
        for _ in range(10):
            told, reward, terminated, _, _ = taken_out.step(2)
            seen.append((told["text"], reward))
            if terminated:
                break
        return seen

    assert episode(3) == episode(3)
    assert len({str(episode(seed)) for seed in range(10)}) > 5


def test_a_task_and_a_seed_are_the_environments_own() -> None:
    environment = ours("frozenlake")
    taken_out = to_gymnasium(environment)
    for seed in range(5):
        own = [environment.reset("test-0-1", seed=seed), *(environment.step(Action("down")) for _ in range(2))]
        told = [taken_out.reset(seed=seed, options={"task": "test-0-1"})[0], *(taken_out.step(1)[0] for _ in range(2))]
        assert [each["text"] for each in told] == [each.text for each in own]
    with pytest.raises(TaskError, match="no task 'nowhere'"):
        taken_out.reset(options={"task": "nowhere"})
    with pytest.raises(ConfigurationError, match=r"unknown options \['level'\]; there is: task"):
        taken_out.reset(options={"level": 3})


def test_an_episode_is_cut_at_its_limit_and_then_over() -> None:
    taken_out = to_gymnasium(ours("sokoban"), max_steps=3)
    with pytest.raises(EnvironmentFailureError, match="no task has been begun"):
        taken_out.step(0)
    taken_out.reset(seed=0)
    assert [taken_out.step(0)[3] for _ in range(3)] == [False, False, True]
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        taken_out.step(0)


def test_several_can_be_played_side_by_side() -> None:
    vector = gymnasium.vector.SyncVectorEnv([lambda: to_gymnasium(ours("alfworld", count=2), max_steps=5)] * 2)
    told, _ = vector.reset(seed=4)
    assert len(told["text"]) == 2
    told, rewards, _, _, _ = vector.step(["look", "inventory"])
    assert rewards.tolist() == [0.0, 0.0]
    assert told["text"][1].startswith("You are not carrying")
    vector.close()


def test_it_is_shown_as_text() -> None:
    shown = to_gymnasium(ours("gamble"), render_mode="ansi")
    told, _ = shown.reset(seed=1)
    assert shown.render() == told["text"]
    with pytest.raises(ConfigurationError, match="unknown render mode 'human'"):
        to_gymnasium(ours("gamble"), render_mode="human")


def test_no_tasks_are_an_error() -> None:
    with pytest.raises(ConfigurationError, match="expected tasks to play, but gamble has none"):
        to_gymnasium(ours("gamble"), tasks=[])


# --- out and in again ---------------------------------------------------------------------------------------------


def there_and_back(environment: Environment) -> GymnasiumEnvironment:
    tasks = {task: {"task": task} for task in environment.tasks()}
    return GymnasiumEnvironment(
        to_gymnasium(environment),
        actions=list(environment.vocabulary.actions),
        goal=lambda told, _info: told["goal"],
        vocabulary=environment.vocabulary,
        tasks=tasks,
    )


def test_what_goes_out_and_comes_in_again_plays_as_it_did() -> None:
    plain_one, other = ours("sokoban"), there_and_back(ours("sokoban"))
    assert other.tasks() == plain_one.tasks()
    for task in plain_one.tasks():
        solution = solve(level_of(plain_one.reset(task).facts))
        assert solution
        astray = random.Random(task).choices([Action(verb) for verb in plain_one.vocabulary.actions], k=20)
        for actions in (solution, astray):
            seen, again = plain_one.reset(task), other.reset(task)
            assert other.goal == plain_one.goal
            for action in actions:
                assert _same(again, seen)
                seen, again = plain_one.step(action), other.step(action)
                if seen.terminated:
                    break
            assert _same(again, seen)


def _same(one: Observation, other: Observation) -> bool:
    return (one.text, one.facts, one.reward, one.terminated) == (
        other.text,
        other.facts,
        other.reward,
        other.terminated,
    )


def test_its_words_are_found_out_by_themselves() -> None:
    found = GymnasiumEnvironment(to_gymnasium(ours("sokoban"))).vocabulary
    own = ours("sokoban").vocabulary
    for name in ("sort", "kind", "at", "box"):
        assert (found.fluents[name].parameters, found.fluents[name].value) == (
            own.fluents[name].parameters,
            own.fluents[name].value,
        )


def test_what_comes_in_goes_out_again() -> None:
    check_env(to_gymnasium(brought_in()))


# --- in -----------------------------------------------------------------------------------------------------------


def test_numbered_observations_are_described_as_facts() -> None:
    taxi = gymnasium.make("Taxi-v4")
    town: Any = taxi.unwrapped
    places = [f"cell {row} {column}" for row, column in town.locs] + ["taxi"]

    def describe(observation: int, _info: object) -> dict[str, str]:
        row, column, passenger, destination = town.decode(observation)
        return {"at": f"cell {row} {column}", "passenger": places[passenger], "destination": places[destination]}

    environment = GymnasiumEnvironment(taxi, describe=describe, actions=TAXI, admissible=True)
    seen = environment.reset("test-0-0")
    here = str(seen.facts[AT])
    assert seen.facts[Fluent("sort", (here,))] == "cell"
    assert environment.vocabulary.fluents["passenger"].value == "cell"
    assert seen.text == "; ".join(f"{name}: {seen.facts[Fluent(name)]}" for name in ("at", "passenger", "destination"))
    assert seen.actions
    assert set(seen.actions) < {Action(verb) for verb in TAXI}
    assert environment.step(seen.actions[0]).reward == -1
    assert environment.about["gymnasium"] == gymnasium.__version__


def test_an_agent_learns_a_strangers_environment() -> None:
    environment = brought_in(tasks=[*seeded_tasks("train", count=6), *seeded_tasks("test", count=5)])
    agent = Agent.learn(environment, environment.tasks()[:6])
    for task in environment.tasks()[6:]:
        episode = agent.play(environment, task)
        assert episode.is_won
        assert len(episode.transitions) == 5 - int(str(episode.start[AT]))


def test_two_lines_bring_cart_pole_in() -> None:
    environment = GymnasiumEnvironment(
        gymnasium.make("CartPole-v1"),
        describe=lambda seen, _info: {"leaning": "left" if seen[2] < 0 else "right"},
        actions=["left", "right"],
        won=lambda _seen, info: bool(info),
    )
    agent = Agent.learn(environment, environment.tasks()[:1])
    episode = agent.play(environment, environment.tasks()[1])
    assert episode.is_over
    assert not episode.is_won  # though the last step paid, too


def test_tasks_to_learn_on_share_no_seed_with_others() -> None:
    train = {_seed_of("corridor", task, 0) for task in seeded_tasks("train", count=500)}
    test = {_seed_of("corridor", task, 0) for task in seeded_tasks("test", count=500)}
    assert len(train) == len(test) == 500
    assert {seed % 2 for seed in train} == {1}
    assert {seed % 2 for seed in test} == {0}
    environment = brought_in(tasks=seeded_tasks("test", count=20))
    first = [environment.reset(task).facts[AT] for task in environment.tasks()]
    assert first == [environment.reset(task).facts[AT] for task in environment.tasks()]
    assert len(set(first)) == 3
    assert first != [environment.reset(task, seed=1).facts[AT] for task in environment.tasks()]


def test_the_limit_of_time_is_gymnasiums() -> None:
    environment = brought_in(env=gymnasium.wrappers.TimeLimit(Corridor(), 2))
    environment.reset("test-0-0")
    assert not environment.step(Action("left")).truncated
    assert environment.step(Action("left")).truncated
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        environment.step(Action("left"))


def test_a_goal_may_be_told_by_the_first_observation() -> None:
    environment = brought_in(goal=lambda place, _info: f"leave cell {place}")
    seen = environment.reset("test-0-0")
    assert environment.goal == Goal(f"leave cell {seen.facts[AT]}")
    with pytest.raises(EnvironmentFailureError, match="no task has been begun"):
        brought_in().goal  # noqa: B018 -- asking is what fails


# --- names of actions ---------------------------------------------------------------------------------------------


def test_actions_may_be_named_by_a_mapping_and_done_with_things() -> None:
    go = {Action("go", (f"side {side}",)): side for side in (0, 1)}
    environment = brought_in(actions={**go, "stay put": 0})
    assert environment.vocabulary.actions["go"].parameters == ("side",)
    assert environment.vocabulary.actions["go"].render(("side 1",)) == "go side 1"
    before = environment.reset("test-0-0").facts[AT]
    assert environment.step(Action("go", ("side 1",))).facts[AT] == int(str(before)) + 1
    with pytest.raises(EnvironmentFailureError, match=r"expected one of the actions go \[side 0\]"):
        environment.step(Action("go", ("side 2",)))


def test_actions_have_names_of_their_own_or_letters() -> None:
    assert list(brought_in(actions=None).vocabulary.actions) == ["choose a", "choose b"]
    corridor = Corridor()
    corridor.get_action_meanings = lambda: ["NOOP", "moveRight"]  # type: ignore[attr-defined]  # as Atari's
    assert list(brought_in(env=corridor, actions=None).vocabulary.actions) == ["noop", "move right"]
    pytest.importorskip("minigrid")
    grid = gymnasium.make("MiniGrid-Empty-5x5-v0")
    named = GymnasiumEnvironment(grid, describe=lambda seen, _info: {"facing": seen["direction"]})
    assert list(named.vocabulary.actions)[:3] == ["left", "right", "forward"]
    assert named.reset("test-0-0").text == "get to the green goal square"


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (["left"], "expected 2 different names"),
        (["left", "left"], "expected 2 different names"),
        ("go", "expected 2 different names"),
        (["left", "Right!"], "small letters"),
        (["left", "when right"], "without the words"),
        ({"left": 7}, r"expected for the action left one of Discrete\(2\), got 7"),
        (lambda _action: 0, "expected a vocabulary="),
    ],
)
def test_names_that_will_not_do_are_errors(actions: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        brought_in(actions=actions)


def test_actions_that_are_no_numbers_need_names() -> None:
    with pytest.raises(ConfigurationError, match="expected names for the actions of Box"):
        GymnasiumEnvironment(gymnasium.make("Pendulum-v1"))
    pushes = {"push": np.array([2.0], np.float32), "pull": np.array([-2.0], np.float32)}
    environment = GymnasiumEnvironment(gymnasium.make("Pendulum-v1"), actions=pushes)
    environment.reset("test-0-0")
    assert environment.step(Action("push")).facts.keys() == {Fluent(f"observation_{number}") for number in range(3)}


# --- facts --------------------------------------------------------------------------------------------------------


def test_words_are_declared_as_they_are_seen() -> None:
    seen = [
        {"at": "cell 1 2", "hungry": False, "wood": 3, "weather": "rain", ("in", "blue key 1"): "box 2"},
        {"at": "tower", "hungry": True, "wood": None, "weather": "sun", ("in", "red key 1"): "box 1"},
    ]
    schemas = declared([Reader().read(each) for each in seen])
    assert {name: (each.parameters, each.value) for name, each in schemas.items() if not each.static} == {
        "at": ((), "cell|tower"),
        "hungry": ((), "bool"),
        "wood": ((), "number"),
        "weather": ((), "kind"),
        "in": (("key",), "box"),
    }
    facts = Reader(schemas).read(seen[0])
    assert facts[Fluent("sort", ("blue key 1",))] == "key"
    assert facts[Fluent("kind", ("blue key 1",))] == "blue key"
    assert facts[Fluent("sort", ("box 2",))] == "box"
    assert Fluent("sort", ("rain",)) not in facts
    assert (sort_of("cell 1 2"), kind_of("cell 1 2"), sort_of("42")) == ("cell", "cell", "thing")


def test_what_a_thing_is_may_be_said_and_stays_known() -> None:
    reader = Reader()
    said = {("open", "door 1"): True, ("kind", "door 1"): "gate", ("sort", "door 1"): "exit"}
    first = reader.read(said)
    second = reader.read({("open", "door 1"): False})
    kinds = {Fluent("sort", ("door 1",)): "exit", Fluent("kind", ("door 1",)): "gate"}
    assert first == {**kinds, Fluent("open", ("door 1",)): True}
    assert second == {**kinds, Fluent("open", ("door 1",)): False}
    assert declared([first])["open"].parameters == ("exit",)


@pytest.mark.parametrize("value", [np.int64(3), np.float64(0.5), np.bool_(1), np.str_("red"), np.array(3)])
def test_numpys_scalars_become_plain(value: Any) -> None:
    assert type(plain(value)) in (int, float, bool, str)
    assert plain(value) == value


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"at": [1, 2]}, r"a text, a number, a truth value or None, got \[1, 2\]"),
        ({"at": np.zeros(2)}, "a text, a number, a truth value or None"),
        ({3: 1}, "expected describe to name fluents"),
        ({"At": 1}, "in words that begin small, got 'At'"),
        (7, "expected describe to return a mapping of facts"),
    ],
)
def test_what_is_no_fact_is_an_error(described: Any, said: str) -> None:
    with pytest.raises(EnvironmentFailureError, match=said):
        brought_in(describe=lambda _place, _info: described).reset("test-0-0")


def test_a_fluent_that_comes_late_has_to_be_declared() -> None:
    def describe(place: int, _info: object) -> dict[str, Any]:
        return {"at": place, **({"done": True} if place == 5 else {})}

    short = brought_in(describe=describe, survey=1)
    short.reset("test-0-0")
    while short.step(Action("right")).facts[AT] != 4:
        pass
    with pytest.raises(EnvironmentFailureError, match=r"describe speaks of done\(\), which was not declared"):
        short.step(Action("right"))
    told = brought_in(describe=describe, survey=1, fluents=[FluentSchema("done", (), "bool")])
    told.reset("test-0-0")
    while not (seen := told.step(Action("right"))).terminated:
        pass
    assert seen.facts[Fluent("done")] is True


def test_simple_observations_speak_for_themselves_and_pictures_do_not() -> None:
    blackjack = GymnasiumEnvironment(gymnasium.make("Blackjack-v1"), actions=["stick", "hit"])
    assert len(blackjack.reset("test-0-0").facts) == 3
    picture = Corridor({0: lambda: ({"image": np.zeros((7, 7, 3)), "direction": 1}, {})})
    with pytest.raises(ConfigurationError, match="expected describe= to say what is in image"):
        brought_in(env=picture, describe=None).reset("test-0-0")


# --- faults -------------------------------------------------------------------------------------------------------


def _fall() -> None:
    message = "the floor is gone"
    raise LookupError(message)


@pytest.mark.parametrize(
    ("step", "fault", "said"),
    [
        (0, _fall, r"corridor raised LookupError in reset: .*the floor is gone"),
        (0, lambda: 3, "expected reset of corridor to return an observation and a dict"),
        (1, _fall, "corridor raised LookupError in step, on the action right"),
        (1, lambda: (0, 1.0, False, {}), "expected step of corridor to return observation, reward, terminated"),
        (1, lambda: (0, "much", False, False, {}), "expected step of corridor to return observation, reward"),
    ],
)
def test_a_broken_environment_is_an_error_of_the_environment(step: int, fault: Callable[[], Any], said: str) -> None:
    environment = brought_in(survey=0)
    assert environment.vocabulary.fluents.keys() == {"sort", "kind", "at"}
    environment._env.unwrapped.faults = {step: fault}  # type: ignore[attr-defined]  # the corridor's own
    with pytest.raises(EnvironmentFailureError, match=said):  # noqa: PT012 -- either of the two breaks
        environment.reset("test-0-0")
        environment.step(Action("right"))


def test_actions_out_of_turn_are_errors() -> None:
    environment = brought_in()
    with pytest.raises(EnvironmentFailureError, match="no task has been begun: expected reset"):
        environment.step(Action("left"))
    with pytest.raises(TaskError, match="no task 'nowhere' among the 200"):
        environment.reset("nowhere")
    environment.reset("test-0-0")
    with pytest.raises(EnvironmentFailureError, match="expected one of the actions left, right; got 'jump'"):
        environment.step(Action("jump"))
    environment.close()
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        environment.step(Action("left"))


# --- as an entry point, and without gymnasium ------------------------------------------------------------------------

MODULE = """
from agentwm import gymnasium_spec
def describe(seen, info):
    return {"leaning": "left" if seen[2] < 0 else "right"}
SPEC = gymnasium_spec("CartPole-v1", name="cartpole", summary="a pole", describe=describe, actions=["left", "right"], max_steps=9)
"""


@pytest.mark.parametrize("is_isolated", [False, True])
def test_an_entry_point_makes_it_known_to_agentwm_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_isolated: bool
) -> None:
    (tmp_path / "agentwm_cartpole.py").write_text(MODULE)
    info = tmp_path / "agentwm_cartpole-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: agentwm-cartpole\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[agentwm.environments]\ncartpole = agentwm_cartpole:SPEC\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "agentwm_cartpole", raising=False)
    importlib.invalidate_caches()
    config = RunConfig(environment="cartpole", learn=1, episodes=2, out=tmp_path / "run", isolated=is_isolated)
    report = run(config)
    assert (report.episodes, report.split, report.learned_from.split) == (2, "test", "train")
    assert (report.errors, report.engine, report.max_steps) == ([], "gymnasium", 9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"split": "dark"}, "unknown split 'dark': corridor has test, train"),
        ({"games": "here"}, "corridor knows no games"),
        ({"altered": 1}, "corridor knows no altered"),
    ],
)
def test_options_that_cannot_be_are_errors(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        gymnasium_spec(Corridor, name="corridor", summary="").make(EnvironmentOptions(**options))


WITHOUT = """
import sys
sys.modules["gymnasium"] = None
import agentwm
from agentwm import build
from agentwm.errors import MissingExtraError
from agentwm.types import EnvironmentOptions
spec = agentwm.gymnasium_spec("CartPole-v1", name="cartpole", summary="")
print(spec.missing())
for ask in (lambda: agentwm.to_gymnasium(None), lambda: spec.make(EnvironmentOptions())):
    try:
        ask()
    except MissingExtraError as error:
        print(error)
"""


def test_without_gymnasium_it_is_said_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert all("needs gymnasium, which is not installed: pip install 'agentwm[gym]'" in line for line in lines)


def test_importing_it_does_not_import_gymnasium() -> None:
    code = "import sys, agentwm; agentwm.to_gymnasium, agentwm.GymnasiumEnvironment; print('gymnasium' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert {"GymnasiumEnvironment", "to_gymnasium", "gymnasium_spec"} <= set(agentwm.__all__)
