"""Whatever an environment breaks with ends an episode as an error, which is no failure of the agent, and the next episode is played."""

import importlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agentwm import build
from agentwm.configuration import RunConfig
from agentwm.errors import AgentwmError, ConfigurationError, EnvironmentFailureError, MissingExtraError, TaskError
from agentwm.evaluation import Report
from agentwm.evaluation.display import report_view
from agentwm.experiment import run
from agentwm.isolation import IsolatedEnvironment, isolated
from agentwm.isolation.wire import Receiver, Sender
from agentwm.records import RunStore
from agentwm.rules.store import RuleStore
from agentwm.types import Action, EnvironmentOptions, Fluent, Observation
from tests.faulty_world import FAULTY_AT, GO, LENGTH, NOTES, TASKS

LIMIT_S = 20.0
WORLD = Path(__file__).with_name("faulty_world.py")


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install the faulty world as pip would leave it on disk, and return its module."""
    shutil.copy(WORLD, tmp_path)
    info = tmp_path / "faulty-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[agentwm.environments]\nfaulty = faulty_world:SPEC\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "faulty_world", raising=False)
    return importlib.import_module("faulty_world")


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that the faulty world's processes write their numbers into."""
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    return tmp_path / "notes"


def played(folder: Path, split: str, **options: bool) -> Report:
    return run(RunConfig(environment="faulty", split=split, learn=0, out=folder, **options))  # type: ignore[arg-type]


def noted(notes: Path) -> list[int]:
    return [int(line) for line in notes.read_text().split()]


def living(pids: list[int]) -> list[int]:
    """Return those of the processes that are there and no mere corpses."""
    alive = []
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
            alive.append(pid)
    return alive


def gone_within(pids: list[int], seconds: float) -> bool:
    end_s = time.monotonic() + seconds
    while living(pids) and time.monotonic() < end_s:
        time.sleep(0.02)
    return not living(pids)


# --- the matrix of faults -----------------------------------------------------------------------------------------

SAID = {
    "raise": "LookupError ('the floor is gone')",
    "leave": "SystemExit",
    "nothing": "expected the environment to answer with an Observation, got None",
    "garbage": "expected a text, a number, a truth value or None for at()",
    "hang": "took longer than 0.7 s",
    "exit": "exit status 3",
    "segfault": "by SIGSEGV",
    "kill": "by SIGKILL",
}


@pytest.mark.parametrize(("split", "options"), [("mild", {"isolated": False}), ("wild", {})])
def test_every_fault_ends_its_episode_as_an_error_and_the_next_one_is_played(
    split: str, options: dict[str, bool], notes: Path, tmp_path: Path
) -> None:
    report = played(tmp_path / "run", split, **options)
    faults = TASKS[split]
    assert report.episodes == 2 * len(faults) + 2
    assert (report.success.count, report.broken_off) == (2, 2 * len(faults))
    assert [error.partition(":")[0] for error in report.errors] == [
        f"{fault} {when}" for fault in faults for when in ("step", "reset")
    ]
    for error in report.errors:
        assert SAID[error.partition(" ")[0]] in error
    screen = Console(width=140, file=io.StringIO(), color_system=None)
    screen.print(report_view(report, [], RuleStore()))
    assert f"{report.broken_off} broken off by an error of the environment" in screen.file.getvalue()  # type: ignore[attr-defined]
    with RunStore.open(tmp_path / "run") as records:
        for record in records.episodes():
            is_fine = record.task.startswith("fine")
            lived = LENGTH if is_fine else FAULTY_AT - 1 if record.task.endswith("step") else 0
            assert (record.status, record.won, record.steps) == ("done" if is_fine else "error", is_fine, lived)
            assert len(records.trajectory(record.episode)) == lived
    pids = set(noted(notes))
    assert (os.getpid() in pids) == (split == "mild")
    assert living(list(pids - {os.getpid()})) == []


def raising(*_: object) -> object:
    raise LookupError


@pytest.mark.parametrize(
    ("name", "broken", "lived"),
    [("task_type", raising, 0), ("is_won", property(raising), LENGTH), ("returned", property(raising), LENGTH)],
)
def test_what_breaks_before_or_after_an_episode_ends_that_episode_alone(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, broken: object, lived: int
) -> None:
    monkeypatch.setattr(world.FaultyWorld, name, broken, raising=False)
    report = played(tmp_path / "run", "loud", isolated=False)
    assert (report.episodes, report.success.count, report.broken_off) == (4, 0, 4)
    assert all(name in error and "LookupError" in error for error in report.errors)
    with RunStore.open(tmp_path / "run") as records:
        assert [record.steps for record in records.episodes()] == [lived] * 4


def test_an_environment_may_print_as_much_as_it_likes(notes: Path, tmp_path: Path) -> None:
    report = played(tmp_path / "run", "loud")
    assert (report.success.count, report.errors) == (report.episodes, [])
    assert living(noted(notes)) == []


@pytest.mark.parametrize("is_isolated", [True, False])
def test_an_environment_that_cannot_be_closed_loses_nothing_and_is_named(
    notes: Path, tmp_path: Path, *, is_isolated: bool
) -> None:
    report = played(tmp_path / "run", "unclosable", isolated=is_isolated)
    assert report.success.count == report.episodes == 2
    [error] = report.errors
    assert "close" in error
    assert "the floor is gone" in error
    with RunStore.open(tmp_path / "run") as records:
        assert records.report is not None
    assert living([pid for pid in noted(notes) if pid != os.getpid()]) == []


# --- no process is left behind --------------------------------------------------------------------------------------

ORPHAN = """
import sys
from functools import partial
from agentwm.isolation import IsolatedEnvironment
from faulty_world import GO, FaultyWorld
environment = IsolatedEnvironment(partial(FaultyWorld, "wild"), time_limit_s=1)
environment.reset(sys.argv[1])
print("begun", flush=True)
environment.step(GO)
environment.step(GO)
sys.stdin.read()
"""


@pytest.mark.parametrize("task", ["fine", "hang step"])
def test_a_process_ends_when_the_one_that_began_it_is_killed(task: str, notes: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, task],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"begun\n"
        time.sleep(0.3)
        worker, *others = noted(notes)
        assert living([worker]) == [worker]
        parent.send_signal(signal.SIGKILL)
    assert gone_within([worker], 10)
    for pid in others:  # what the environment began itself is its own once nobody is left to look after it
        os.kill(pid, signal.SIGKILL)


def test_an_interrupt_while_waiting_ends_the_process(world: Any, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = IsolatedEnvironment(partial(world.FaultyWorld, "wild"), time_limit_s=LIMIT_S)
    environment.reset("hang step")
    environment.step(GO)

    class Interrupted:
        def poll(self, _limit_ms: float) -> list[tuple[int, int]]:
            raise KeyboardInterrupt

    monkeypatch.setattr(environment._worker, "_poll", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        environment.step(GO)
    assert living(noted(notes)) == []
    with pytest.raises(EnvironmentFailureError, match="expected reset"):
        environment.step(GO)


# --- it is the same environment ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alfworld", "crafting", "sokoban"])
def test_an_isolated_environment_plays_like_the_environment_itself(name: str) -> None:
    options = EnvironmentOptions(count=3, admissible=True)
    with closing(build.environment(name).make(options)) as plain, closing(isolated(name, options)) as apart:
        assert (apart.name, apart.tasks(), apart.about) == (plain.name, plain.tasks(), plain.about)
        words = None
        for task in plain.tasks():
            rng = random.Random(task)
            seen, told = plain.reset(task, seed=5), apart.reset(task, seed=5)
            assert apart.task_type(task) == plain.task_type(task)
            assert apart.goal == plain.goal
            assert apart.vocabulary.actions == plain.vocabulary.actions
            assert words in (None, id(apart.vocabulary))
            words = id(apart.vocabulary)
            for _ in range(60):
                assert told == seen
                assert list(told.facts) == list(seen.facts)
                if seen.terminated:
                    break
                assert seen.actions
                action = rng.choice(seen.actions)
                seen, told = plain.step(action), apart.step(action)


def test_what_is_told_beside_the_observations_and_a_goal_that_changes_arrive(world: Any) -> None:
    with closing(IsolatedEnvironment(partial(world.FaultyWorld, "mild"), time_limit_s=LIMIT_S)) as environment:
        environment.reset("fine")
        assert environment.goal.text == "walk to the end"
        assert environment.achievements == {"halfway": 0, "the end": 0}
        environment.step(GO)
        assert environment.goal.text == "walk on"
        environment.step(GO)
        assert environment.achievements == {"halfway": 1, "the end": 0}
        assert (environment.is_won, environment.returned, environment.reference("fine")) == (None, None, None)
        environment.reset("fine")
        assert environment.goal.text == "walk to the end"


def test_errors_of_agentwms_own_arrive_as_what_they_are(notes: Path) -> None:
    with closing(isolated("sokoban", EnvironmentOptions(count=1))) as environment:
        with pytest.raises(EnvironmentFailureError, match="no task has been begun"):
            environment.step(GO)
        with pytest.raises(TaskError, match="no task 'elsewhere' among the 1"):
            environment.reset("elsewhere")
        environment.reset(environment.tasks()[0])
        with pytest.raises(EnvironmentFailureError, match="expected one of the actions"):
            environment.step(Action("fly"))
    with pytest.raises(ConfigurationError, match="unknown split 'dark'"):
        isolated("sokoban", EnvironmentOptions(split="dark"))
    assert not notes.exists()


@pytest.mark.parametrize("raised", ["AgentwmError", "MissingExtraError", "StrangersError"])
def test_what_making_raises_arrives_as_the_nearest_error_of_ours(raised: str, world: Any) -> None:
    with pytest.raises(AgentwmError, match="no lamp") as caught:
        IsolatedEnvironment(partial(world.broken, getattr(world, raised)), time_limit_s=LIMIT_S)
    assert type(caught.value) is (AgentwmError if raised == "AgentwmError" else MissingExtraError)


def test_functions_that_no_other_process_can_find_are_named(world: Any) -> None:
    findable = partial(world.FaultyWorld, "mild", derive=world.nowhere)
    with closing(IsolatedEnvironment(findable, time_limit_s=LIMIT_S)) as fine:
        assert fine.reset("fine").facts
        assert fine.vocabulary.fluents["here"].derive is world.nowhere
    with (
        closing(IsolatedEnvironment(world.with_lambda, time_limit_s=LIMIT_S)) as environment,
        pytest.raises(EnvironmentFailureError, match="derive of the fluent here that can be sent"),
    ):
        environment.reset("fine")
    with pytest.raises(ConfigurationError, match="a function that another process can find"):
        IsolatedEnvironment(lambda: world.FaultyWorld("mild"), time_limit_s=LIMIT_S)


# --- differences ------------------------------------------------------------------------------------------------------

A, B, C = Fluent("a"), Fluent("b"), Fluent("c")


def test_facts_arrive_as_they_were_said_and_in_their_order() -> None:
    said: list[dict[Fluent, str | int | float | bool | None]] = [
        {A: 1, B: "x"},
        {A: 1, B: "x"},
        {A: True, B: "x"},  # equal to 1, and not the same
        {A: 1.0, B: None, C: 2},
        {C: 2, A: 1.0},
        {B: "x", C: 3},
        {},
        {C: 3},
    ]
    sender, receiver = Sender(), Receiver()
    for facts in said:
        seen = receiver.read(sender.written(Observation("", facts, (GO,) if A in facts else None)))
        assert [(f, type(v), v) for f, v in seen.facts.items()] == [(f, type(v), v) for f, v in facts.items()]
        assert seen.actions == ((GO,) if A in facts else None)


def test_only_what_differs_is_sent() -> None:
    sender = Sender()
    facts: dict[Fluent, int] = {Fluent("at", (str(number),)): number for number in range(100)}
    assert len(sender.written(Observation("", facts)).met) == 100
    again = sender.written(Observation("", {**facts, Fluent("at", ("3",)): 0}))
    assert (again.met, again.said, again.values, again.unsaid) == ([], [3], [0], [])
