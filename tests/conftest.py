"""A small house that tests live in, the true rules of the ordinary household in the rule language, and how tests reach the rest."""

import contextlib
import importlib
import io
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agentwm import Action, Episode, Prediction, RuleStore, RunConfig, Trajectory, parse_rule, run
from agentwm.cli import main
from agentwm.errors import TaskError
from agentwm.types import Outcome, Vocabulary
from agentwm_environments.alfworld.engine import HELP
from agentwm_environments.alfworld.environment import AlfworldEnvironment
from agentwm_environments.alfworld.game import Game, Receptacle, Thing
from agentwm_environments.alfworld.reader import vocabulary

Begin = Callable[..., Episode]
Live = Callable[..., Trajectory]

TRUE_RULES = """
go to ?r when place(at()) is not place(?r) then 1.00 success: at() becomes ?r
go to ?r when place(at()) is not place(?r) and open(?r) is not false then 1.00 success: explored(?r) becomes true
go to ?r when place(at()) is place(?r) then 1.00 failure
open ?r when place(at()) is place(?r) and open(?r) is false then 1.00 success: open(?r) becomes true, explored(?r) becomes true
close ?r when place(at()) is place(?r) and open(?r) is true then 1.00 success: open(?r) becomes false
take ?o ?r when in(?o) is ?r and place(at()) is place(?r) and open(?r) is not false and holding() is nothing then 1.00 success: holding() becomes ?o, in(?o) becomes nothing
move ?o ?r when holding() is ?o and place(at()) is place(?r) and open(?r) is not false then 1.00 success: holding() becomes nothing, in(?o) becomes ?r
use ?o when place(at()) is place(in(?o)) and kind(?o) is one of {"desklamp", "floorlamp"} then 1.00 success: on(?o) becomes true
heat ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "microwave" then 1.00 success: hot(?o) becomes true, cool(?o) becomes false
cool ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "fridge" then 1.00 success: cool(?o) becomes true, hot(?o) becomes false
clean ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "sinkbasin" then 1.00 success: clean(?o) becomes true
"""  # noqa: E501 -- a rule a line

FRAME = Prediction((Outcome(1.0),), 0.5, "frame")


def thing(name: str, receptacle: str) -> Thing:
    return Thing(name, name.rsplit(" ", 1)[0], receptacle, is_pickupable=True)


def food(name: str, receptacle: str) -> Thing:
    return replace(thing(name, receptacle), is_heatable=True, is_coolable=True, is_cleanable=True)


_RECEPTACLES = (
    Receptacle("cabinet 2", "cabinet", 2, is_openable=True),
    Receptacle("cabinet 1", "cabinet", 1, is_openable=True),
    Receptacle("coffeemachine 1", "coffeemachine", 3),
    Receptacle("countertop 1", "countertop", 4),
    Receptacle("drawer 2", "drawer", 5, is_openable=True),
    Receptacle("drawer 1", "drawer", 5, is_openable=True),
    Receptacle("fridge 1", "fridge", 6, is_openable=True),
    Receptacle("garbagecan 1", "garbagecan", 7),
    Receptacle("microwave 1", "microwave", 8, is_openable=True),
    Receptacle("sinkbasin 1", "sinkbasin", 9),
    Receptacle("stoveburner 1", "stoveburner", 10),
    Receptacle("toaster 1", "toaster", 11),
)
_KINDS = ("apple", "egg", "lamp", "mug", "pillow", "potato", "tomato")

HOUSE = Game(
    id="house",
    task_type="pick_heat_then_place_in_recep",
    goal_text="put a hot apple in countertop",
    target="apple",
    destination="countertop",
    receptacles=_RECEPTACLES,
    things=(
        food("apple 2", "cabinet 1"),
        food("apple 1", "countertop 1"),
        food("egg 1", "countertop 1"),
        replace(food("mug 1", "countertop 1"), is_container=True),
        thing("pillow 1", "countertop 1"),
        food("potato 1", "countertop 1"),
        food("tomato 1", "countertop 1"),
    ),
    can_contain=frozenset(
        (r.kind, kind) for r in _RECEPTACLES for kind in _KINDS if (r.kind, kind) != ("fridge", "pillow")
    ),
    start=0,
    room="kitchen",
)


class OneGame:
    """The tasks of an environment with a single game."""

    def __init__(self, game: Game) -> None:
        self.games = {game.id: game}
        self.refusals: Sequence[TaskError] = ()

    def problem(self, task: str) -> str | None:
        assert task in self.games
        return None


@pytest.fixture(scope="session")
def words() -> Vocabulary:
    return vocabulary(HELP)


@pytest.fixture(scope="session")
def true_rules() -> RuleStore:
    """Return a store with what is true of the ordinary household."""
    return RuleStore(tuple(parse_rule(line) for line in TRUE_RULES.strip().splitlines()))


@pytest.fixture(scope="session")
def house() -> Game:
    """Return a kitchen with a thing of each kind on the countertop, one more apple in a cabinet and a shared place."""
    return HOUSE


@pytest.fixture(scope="session")
def begin(words: Vocabulary) -> Begin:
    """Return a function that does commands in the house, foreseeing nothing, and returns the episode."""

    def do(*commands: str, game: Game = HOUSE) -> Episode:
        episode = Episode(AlfworldEnvironment(OneGame(game)), game.id)
        for command in commands:
            assert not episode.is_over, f"over before {command}"
            episode.step(action_of(command, words), FRAME)
        return episode

    return do


@pytest.fixture(scope="session")
def live(begin: Begin) -> Live:
    """Return a function that does commands in the house and returns the trajectory, with what the engine answered."""

    def do(*commands: str, game: Game = HOUSE) -> Trajectory:
        return begin(*commands, game=game).trajectory

    return do


def action_of(command: str, words: Vocabulary) -> Action:
    for schema in words.actions.values():
        pattern = re.sub(r"\\{\d\\}", r"([a-z]+ \\d+)", re.escape(schema.template))
        if match := re.fullmatch(pattern, command):
            return Action(schema.verb, match.groups())
    raise AssertionError(command)


# --- runs -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_official_games(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make sure that generated games are played, whatever is installed here."""
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


def short_run(folder: Path, environment: str, **options: Any) -> Path:
    """Return the folder of a run on generated games."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ALFWORLD_DATA", raising=False)
        run(RunConfig(environment=environment, out=folder, **options))
    return folder


@pytest.fixture(scope="session")
def locks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run in locked rooms, a world that answers every action: two games learned from, one played. Not to be changed."""
    return short_run(tmp_path_factory.mktemp("runs") / "locks", "locks", learn=2, episodes=1)


@pytest.fixture(scope="session")
def household(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run in the household, where actions fail: two games learned from, one played. Not to be changed."""
    return short_run(tmp_path_factory.mktemp("runs") / "household", "alfworld", learn=2, episodes=1)


# --- benchmarks and commands ----------------------------------------------------------------------------------------------


def benchmark(name: str) -> Any:
    """Return the module ``name`` of the folder of benchmarks, which are scripts and no package."""
    folder = str(Path(__file__).parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)


def agentwm_here(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Do the command in this process, where no folder of games can be found; `tests.test_cli.agentwm` starts one, which costs more."""
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for name in ("stdout", "stderr")}
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(cwd):
        patch.delenv("ALFWORLD_DATA", raising=False)
        patch.setattr(sys, "argv", ["agentwm", *map(str, arguments)])
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        with pytest.raises(SystemExit) as ended:
            main()
    code = ended.value.code
    assert isinstance(code, int | None), code
    written: list[str] = []
    for stream in streams.values():
        stream.seek(0)
        written.append(stream.read())
    return subprocess.CompletedProcess(["agentwm", *map(str, arguments)], code or 0, *written)


class Said(NamedTuple):
    """What a command ended with and wrote."""

    code: int
    out: str
    err: str


Ask = Callable[..., Said]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that does ``agentwm rules …``."""

    def answer(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["agentwm", "rules", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int | None)
        return Said(ended.value.code or 0, said.out, said.err)

    return answer
