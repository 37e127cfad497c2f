"""Official game files: which there are, what is read from them, and how a bad one is refused."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from agentwm.errors import ConfigurationError, EnvironmentFailureError, TaskError
from agentwm.types import Action, EnvironmentOptions
from agentwm_environments.alfworld import SPEC, games
from agentwm_environments.alfworld.engine import Household
from agentwm_environments.alfworld.game import TASK_TYPES, Game
from agentwm_environments.alfworld.generator import generate
from agentwm_environments.alfworld.pddl import ProblemError, read_problem, write_problem

GAMES = list(islice(generate("train", None, 5), 6))
NEW = 'action PutObject { template :: "move {o} to {r}"; } "rhs": "Your task is to: GOAL."'
OLD = 'action PutObject { template :: "put {o} in/on {r}"; } "rhs": "Your task is to: GOAL."'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes one game in the official layout, with some of its contents changed."""

    def written(game: Game, *, trial: str = "trial_1", suffix: str = "", **changes: Any) -> Path:
        folder = tmp_path / "json_2.1.1" / "valid_seen" / f"{game.task_type}-{suffix}-{game.room}" / trial
        folder.mkdir(parents=True)
        content = {
            "grammar": NEW.replace("GOAL", game.goal_text),
            "pddl_problem": write_problem(game),
            "solvable": True,
        }
        content.update(changes)
        (folder / "game.tw-pddl").write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
        (folder / "traj_data.json").write_text(json.dumps({"task_type": game.task_type, "scene": {"floor_plan": "X1"}}))
        return folder

    return written


def only(root: Path) -> games.GameFile:
    (file,) = games.find(root, "valid_seen").files
    return file


@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.task_type)
def test_what_is_written_is_read_back(game: Game) -> None:
    read = read_problem(
        write_problem(game), id=game.id, task_type=game.task_type, goal_text=game.goal_text, room=game.room
    )
    assert (read.target, read.destination, read.can_contain) == (game.target, game.destination, game.can_contain)
    assert Household(read).reset() == Household(game).reset()
    assert [(thing.name, thing.receptacle) for thing in read.things] == [(t.name, t.receptacle) for t in game.things]


def test_all_six_task_types_are_read() -> None:
    assert {game.task_type for game in GAMES} == set(TASK_TYPES)


@pytest.mark.parametrize(("grammar", "dialect"), [(NEW, "move"), (OLD, "put")])
def test_either_dialect_is_played_in_todays(tmp_path: Path, write: Write, grammar: str, dialect: str) -> None:
    game = GAMES[0]
    write(game, grammar=grammar.replace("GOAL", game.goal_text))
    assert games.dialect(grammar) == dialect
    read = games.load(only(tmp_path))
    assert read.goal_text == game.goal_text
    assert read.room == "X1"
    assert "move (object) to (receptacle)" in Household(read).step("help")


@pytest.mark.parametrize("name", ["json_2.1.1", "."])
def test_the_root_may_be_the_versions_folder_itself(tmp_path: Path, write: Write, name: str) -> None:
    write(GAMES[0])
    assert len(games.find(tmp_path / name, "valid_seen").files) == 1
    assert games.count(tmp_path / name) == {"valid_seen": 1}


def test_names_are_filtered_as_officially(tmp_path: Path, write: Write) -> None:
    write(GAMES[0])
    write(GAMES[0], suffix="movable")
    write(GAMES[0], suffix="AppleSliced")
    (write(GAMES[0], suffix="NoFile") / "game.tw-pddl").unlink()
    odd = tmp_path / "json_2.1.1" / "valid_seen" / "stack_things-1" / "trial_1"
    odd.mkdir(parents=True)
    (odd / "traj_data.json").write_text("{}")
    listing = games.find(tmp_path, "valid_seen")
    assert len(listing.files) == 1
    assert sum(listing.filtered.values()) == 4


def test_files_are_listed_in_order_of_path(tmp_path: Path, write: Write) -> None:
    for trial in ("trial_2", "trial_10", "trial_1"):
        write(GAMES[0], trial=trial)
    ids = [file.id for file in games.find(tmp_path, "valid_seen").files]
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"solvable": False}, "unsolvable"),
        ({"solvable": None}, "unsolvable"),
        ({"pddl_problem": None}, "pddl_problem"),
        ({"pddl_problem": "(define (problem"}, "parentheses"),
        ({"pddl_problem": "(define (problem x))"}, ":init"),
        ({"grammar": "no goal here"}, "states no goal"),
    ],
)
def test_a_bad_game_is_refused_with_its_path_and_reason(
    tmp_path: Path, write: Write, changes: dict[str, Any], reason: str
) -> None:
    folder = write(GAMES[0], **changes)
    with pytest.raises(TaskError, match=reason) as refusal:
        games.load(only(tmp_path))
    assert str(folder / "game.tw-pddl") in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"solvable": true}'])
def test_a_corrupt_file_is_refused_and_the_others_are_kept(tmp_path: Path, write: Write, content: bytes) -> None:
    bad = write(GAMES[0], trial="trial_1") / "game.tw-pddl"
    bad.write_bytes(content)
    write(GAMES[0], trial="trial_2")
    read, refusals = games.collect(games.find(tmp_path, "valid_seen").files)
    assert len(read) == 1
    assert [str(bad) in str(refusal) for refusal in refusals] == [True]


def test_a_goal_of_another_type_than_the_folder_says_is_refused(tmp_path: Path, write: Write) -> None:
    folder = write(GAMES[0])
    (folder / "traj_data.json").write_text(json.dumps({"task_type": TASK_TYPES[1]}))
    with pytest.raises(TaskError, match="task type"):
        games.load(only(tmp_path))


def test_only_as_many_files_are_read_as_are_wanted(tmp_path: Path, write: Write) -> None:
    for number in range(1, 4):
        write(GAMES[0], trial=f"trial_{number}")
    (tmp_path / "json_2.1.1" / "valid_seen" / only_task(GAMES[0]) / "trial_3" / "game.tw-pddl").write_text("corrupt")
    read, refusals = games.collect(games.find(tmp_path, "valid_seen").files, wanted=2)
    assert (len(read), refusals) == (2, [])


def only_task(game: Game) -> str:
    return f"{game.task_type}--{game.room}"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: root / "nowhere", "no folder of games"),
        (lambda root: root, "looked for json_2.1"),
        (lambda root: (root / "json_2.1.1" / "valid_seen").mkdir(parents=True) or root, "no playable game"),
    ],
)
def test_an_empty_or_wrong_folder_says_what_was_looked_for(
    tmp_path: Path, make: Callable[[Path], Path], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        games.find(make(tmp_path), "valid_seen")


def test_names_that_the_official_engine_could_not_give_are_not_written() -> None:
    game = GAMES[0]
    with pytest.raises(ProblemError):
        write_problem(Game(**{**{f: getattr(game, f) for f in Game.__slots__}, "receptacles": game.receptacles[::-1]}))


# --- the environment ------------------------------------------------------------------------------------------------


def test_generated_games_are_the_default() -> None:
    environment = SPEC.make(EnvironmentOptions(count=6))
    assert len(environment.tasks()) == 6
    assert environment.about["games"] == "generated"
    assert environment.about["split"] == "test"
    assert {environment.task_type(task) for task in environment.tasks()} == set(TASK_TYPES)


def test_an_episode_is_played_by_actions() -> None:
    environment = SPEC.make(EnvironmentOptions(count=1, admissible=True))
    first = environment.reset(environment.tasks()[0])
    assert environment.goal.conditions
    assert {"go to", "take", "heat", "look"} <= set(environment.vocabulary.actions)
    assert first.actions is not None
    assert Action("look") in first.actions
    going = next(action for action in first.actions if action.verb == "go to")
    assert environment.step(going).text.startswith(f"You arrive at {going.args[0]}.")
    assert not first.facts


def test_actions_are_listed_only_on_request() -> None:
    environment = SPEC.make(EnvironmentOptions(count=1))
    assert environment.reset(environment.tasks()[0]).actions is None


def test_an_action_that_is_not_in_the_vocabulary_is_an_error() -> None:
    environment = SPEC.make(EnvironmentOptions(count=1))
    with pytest.raises(EnvironmentFailureError, match="reset"):
        environment.step(Action("look"))
    environment.reset(environment.tasks()[0])
    with pytest.raises(EnvironmentFailureError, match="expected one of the actions"):
        environment.step(Action("dance"))


def test_official_games_are_played_where_a_folder_is_named(tmp_path: Path, write: Write) -> None:
    for number in range(1, 5):
        write(GAMES[number % 3], trial=f"trial_{number}")
    environment = SPEC.make(EnvironmentOptions(games=str(tmp_path)))
    assert environment.about["split"] == "valid_seen"
    assert list(environment.tasks()) == sorted(environment.tasks())
    two = [
        list(SPEC.make(EnvironmentOptions(games=str(tmp_path), count=2, seed=seed)).tasks()) for seed in (1, 1, 2, 3, 4)
    ]
    assert two[0] == two[1]
    assert len({tuple(tasks) for tasks in two}) > 1
    assert "Your task is to" in environment.reset(environment.tasks()[0]).text


def test_a_refused_file_is_counted_and_named(tmp_path: Path, write: Write, caplog: pytest.LogCaptureFixture) -> None:
    write(GAMES[0], trial="trial_1")
    bad = write(GAMES[0], trial="trial_2", solvable=False)
    environment = SPEC.make(EnvironmentOptions(games=str(tmp_path)))
    assert (environment.about["tasks"], environment.about["refused"]) == (1, 1)
    assert str(bad) in caplog.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (EnvironmentOptions(split="valid"), "unknown split"),
        (EnvironmentOptions(engine="slow"), "unknown engine"),
        (EnvironmentOptions(engine="official", altered=1), "altered"),
        (EnvironmentOptions(split="valid_seen"), "--games or ALFWORLD_DATA"),
        (EnvironmentOptions(split="test", games="/nowhere"), "generated"),
        (EnvironmentOptions(games="/nowhere"), "no folder of games"),
    ],
)
def test_an_option_that_cannot_be_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, options: EnvironmentOptions, said: str
) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)
    with pytest.raises(ConfigurationError, match=said):
        SPEC.make(options)


def test_the_variable_names_the_folder_where_a_split_needs_one(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(GAMES[0])
    monkeypatch.setenv("ALFWORLD_DATA", str(tmp_path))
    assert SPEC.make(EnvironmentOptions(split="valid_seen")).about["games"] == str(tmp_path)
    assert SPEC.make(EnvironmentOptions(count=1)).about["games"] == "generated"


def test_altered_games_are_winnable_ones() -> None:
    environment = SPEC.make(EnvironmentOptions(count=6, altered=3))
    assert environment.about["altered"] == 3
    assert len(environment.tasks()) == 6


def test_who_will_play_official_games_never_learns_on_generated_ones(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(GAMES[0])
    monkeypatch.setenv("ALFWORLD_DATA", str(tmp_path))
    with pytest.raises(ConfigurationError, match="no train games in"):
        SPEC.make(EnvironmentOptions(learning=True, played="valid_seen"))
    (tmp_path / "json_2.1.1" / "valid_seen").rename(tmp_path / "json_2.1.1" / "train")
    learning = SPEC.make(EnvironmentOptions(learning=True, played="valid_seen"))
    assert (learning.about["games"], learning.about["split"]) == (str(tmp_path), "train")
    assert SPEC.make(EnvironmentOptions(learning=True, played="test", count=1)).about["games"] == "generated"
