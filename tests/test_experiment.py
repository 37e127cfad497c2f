"""A whole run: it learns and plays, survives being cut off anywhere, counts what went wrong, and is the same every time."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentwm import Agent, RunConfig, RunStore, build, run
from agentwm.errors import ConfigurationError, EnvironmentFailureError, RunStoreError, TaskError
from agentwm.evaluation import ProgressEvent, Report
from agentwm.records import EpisodeWriter
from agentwm.rules.store import RuleStore
from agentwm.types import Action, EnvironmentOptions, Observation, Trajectory
from agentwm_environments.alfworld.environment import AlfworldEnvironment

LEARN, PLAY = 2, 3
HURRIED = "model_calls=30"  # for a decision: some planners look ahead for minutes where nothing stops them


def config(out: Path, **options: Any) -> RunConfig:
    return RunConfig(out=out, **{"environment": "alfworld", "learn": LEARN, "episodes": PLAY, **options})


def comparable(report: Report) -> dict[str, object]:
    return report.model_dump(exclude={"wall_s": True, "run": True, "planning": {"seconds"}})


def rule_files(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.suffix in {".rule", ".json"})
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def lived(folder: Path) -> list[Trajectory]:
    with RunStore.open(folder) as store:
        return [store.trajectory(each.episode) for each in store.episodes()]


@pytest.fixture(autouse=True)
def _no_official_games(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report, list[ProgressEvent]]:
    """Return a run that nobody disturbed, with what it told on the way."""
    folder = tmp_path_factory.mktemp("runs") / "calm"
    events: list[ProgressEvent] = []
    return folder, run(config(folder), progress=events.append), events


def test_a_run_learns_then_plays_and_says_how_it_got_its_numbers(
    calm: tuple[Path, Report, list[ProgressEvent]],
) -> None:
    folder, report, events = calm
    assert (report.episodes, report.attempts_per_task, report.split, report.engine) == (PLAY, 1, "test", "fast")
    assert (report.learned_from.split, report.learned_from.episodes) == ("train", LEARN)
    assert not report.admissible_used
    assert not report.errors
    trajectories = lived(folder)
    assert report.learned_from.steps == sum(map(len, trajectories[:LEARN]))
    foretold = [
        step.predicted.success == step.succeeded for each in trajectories[LEARN:] for step in each if step.predicted
    ]
    assert report.prediction.n == sum(map(len, trajectories[LEARN:])) == len(foretold)
    assert report.prediction.accuracy == sum(foretold) / len(foretold)
    store = RuleStore.load(folder)
    assert (report.rules.active, report.rules.retired) == (len(store.rules), len(store.retired))
    ends = [event for event in events if event.result]
    assert [(event.phase, event.done) for event in ends] == [("learn", 1), ("learn", 2), ("play", 1), ("play", 2), ("play", 3)]  # fmt: skip
    assert len(events) - len(ends) == sum(map(len, trajectories))


def test_rules_are_frozen_while_playing(calm: tuple[Path, Report, list[ProgressEvent]]) -> None:
    with RunStore.open(calm[0]) as store:
        learned = [each.learned is not None for each in store.episodes()]
    assert learned == [True] * LEARN + [False] * PLAY


def test_a_rule_store_is_its_files(calm: tuple[Path, Report, list[ProgressEvent]]) -> None:
    store = RuleStore.load(calm[0])
    assert RuleStore.from_files(store.files(), source="here") == store
    with RunStore.open(calm[0]) as records:
        assert records.last_learned() is not None


# --- cut off --------------------------------------------------------------------------------------------------------------


def cut(number: int) -> Callable[[ProgressEvent], None]:
    """Return a watcher that interrupts the run at its ``number``-th piece of news."""
    news = iter(range(number))

    def watch(_event: ProgressEvent) -> None:
        if next(news, None) is None:
            raise KeyboardInterrupt

    return watch


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.97])
def test_a_run_cut_off_ends_as_if_it_had_not_been(
    share: float, calm: tuple[Path, Report, list[ProgressEvent]], tmp_path: Path
) -> None:
    folder, report, events = calm
    with pytest.raises(KeyboardInterrupt):
        run(config(tmp_path), progress=cut(int(share * len(events))))
    resumed = run(config(tmp_path), resume=True)
    assert comparable(resumed) == comparable(report)
    assert rule_files(tmp_path) == rule_files(folder)
    assert lived(tmp_path) == lived(folder)


def test_a_step_whose_outcome_is_unknown_is_done_again(
    calm: tuple[Path, Report, list[ProgressEvent]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(EpisodeWriter, "record", lambda _writer, _transition: cut(0)(ProgressEvent("learn", 0, 1)))
        with pytest.raises(KeyboardInterrupt):
            run(config(tmp_path))
    with RunStore.open(tmp_path) as store:
        assert store.pending(0) is not None
    assert comparable(run(config(tmp_path), resume=True)) == comparable(calm[1])


def test_acknowledged_steps_are_not_written_again(tmp_path: Path) -> None:
    def rows() -> list[tuple[object, ...]]:
        with contextlib.closing(sqlite3.connect(tmp_path / "run.db")) as database:
            return database.execute("SELECT * FROM steps WHERE succeeded IS NOT NULL AND episode = 0").fetchall()

    with pytest.raises(KeyboardInterrupt):
        run(config(tmp_path), progress=cut(20))
    before = rows()
    assert len(before) == 21
    run(config(tmp_path), resume=True)
    assert rows()[:21] == before, "times included"


def test_a_world_that_has_changed_since_is_not_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(config(tmp_path), progress=cut(5))
    with contextlib.closing(sqlite3.connect(tmp_path / "run.db")) as database, database:
        database.execute("UPDATE steps SET observation = 'The lights go out.' WHERE step = 3")
    with pytest.raises(RunStoreError, match=r"in episode 0 the observation 3 was .*The lights go out.* and is now"):
        run(config(tmp_path), resume=True)


def test_a_run_goes_on_with_the_rules_that_it_began_with_whatever_became_of_them(
    calm: tuple[Path, Report, list[ProgressEvent]], tmp_path: Path
) -> None:
    given = tmp_path / "given"
    RuleStore.load(calm[0]).save(given)
    options: dict[str, Any] = {"learn": 1, "episodes": 2, "rules": given}
    whole = run(config(tmp_path / "whole", **options))
    with pytest.raises(KeyboardInterrupt):
        run(config(tmp_path / "cut", **options), progress=cut(3))
    RuleStore().save(given)
    assert comparable(run(config(tmp_path / "cut", **options), resume=True)) == comparable(whole)
    assert rule_files(tmp_path / "cut") == rule_files(tmp_path / "whole")


def test_a_run_is_resumed_with_its_own_options_only(
    calm: tuple[Path, Report, list[ProgressEvent]], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(config(tmp_path), progress=cut(1))
    with pytest.raises(ConfigurationError, match="was begun with seed 0, not 1"):
        run(config(tmp_path, seed=1), resume=True)
    assert run(config(calm[0]), resume=True) == calm[1], "a finished run is reported again"


def test_kill_9_loses_nothing() -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "kill_and_resume.py"
    command = [sys.executable, str(script), "--kills", "3", "--learn", "1", "--episodes", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "3 kills" in done.stdout


def test_the_order_of_sets_has_no_say(calm: tuple[Path, Report, list[ProgressEvent]], tmp_path: Path) -> None:
    script = "import sys; from agentwm import *; run(RunConfig.parse(dict(environment='alfworld', learn=2, episodes=1, out=sys.argv[1])))"
    for seed in ("1", "2"):
        kept = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", script, str(tmp_path / seed)], check=True, env=kept, timeout=120)
        assert lived(tmp_path / seed) == lived(calm[0])[: LEARN + 1]
        assert rule_files(tmp_path / seed) == rule_files(calm[0])


# --- what goes wrong ------------------------------------------------------------------------------------------------------


def test_an_environment_that_fails_is_counted_and_named_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reset, step = AlfworldEnvironment.reset, AlfworldEnvironment.step
    count = 0

    def failing_reset(self: AlfworldEnvironment, task: str, *, seed: int = 0) -> Observation:
        nonlocal count
        count = 0 if "000001" in task else 99
        if "000002" in task:
            raise TaskError("the file is corrupt")
        return reset(self, task, seed=seed)

    def failing_step(self: AlfworldEnvironment, action: Action) -> Observation:
        nonlocal count
        count += 1
        if count == 4:
            raise EnvironmentFailureError("the engine died")
        return step(self, action)

    with monkeypatch.context() as patched:
        patched.setattr(AlfworldEnvironment, "reset", failing_reset)
        patched.setattr(AlfworldEnvironment, "step", failing_step)
        report = run(config(tmp_path, learn=3, episodes=4))
    assert [error.partition(": ")[2] for error in report.errors] == ["the engine died", "the file is corrupt"] * 2
    assert (report.episodes, report.learned_from.episodes) == (4, 3)
    with RunStore.open(tmp_path) as store:
        ends = [(each.status, each.won, each.steps) for each in store.episodes()]
    assert [ends[number] for number in (1, 2, 4, 5)] == [("error", False, 3), ("error", False, 0)] * 2
    assert report.success.count == sum(won for _, won, _ in ends[3:])


def test_what_cannot_be_leaves_no_folder(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(ConfigurationError, match="2 of the 3 tasks to play would also be learned from"):
        run(config(out, split="train"))
    with pytest.raises(ConfigurationError, match="--games or ALFWORLD_DATA"):
        run(config(out, split="valid_seen"))
    assert not out.exists()


# --- who plays ------------------------------------------------------------------------------------------------------------


def test_who_has_learned_nothing_wins_nothing(tmp_path: Path) -> None:
    report = run(config(tmp_path, learn=0, episodes=6))
    assert (report.success.count, report.rules.active, report.learned_from.split) == (0, 0, "none")


def test_a_world_that_always_lists_what_can_be_done_is_said_to(tmp_path: Path) -> None:
    report = run(config(tmp_path, environment="shop", learn=0, episodes=1, max_steps=2))
    assert report.admissible_used


def test_with_the_list_only_listed_actions_are_chosen(
    calm: tuple[Path, Report, list[ProgressEvent]], tmp_path: Path
) -> None:
    for planner in build.names("planners"):
        out = tmp_path / planner
        options: dict[str, Any] = {"learn": 0, "episodes": 2, "max_steps": 8, "budget": HURRIED}
        report = run(config(out, planner=planner, rules=calm[0], admissible=True, **options))
        assert report.admissible_used
        assert report.rules.active == calm[1].rules.active, "rules that are given are kept"
        with RunStore.open(out) as store:
            for number, trajectory in enumerate(lived(out)):
                opening = store.opening(number)
                assert opening is not None
                seen = [opening, *(step.observation for step in trajectory)]
                assert all(
                    step.action in (before.actions or ()) for before, step in zip(seen, trajectory, strict=False)
                )


@pytest.mark.parametrize("name", build.names("planners"))
def test_every_planner_installed_plays_and_plays_the_same_again(
    name: str, calm: tuple[Path, Report, list[ProgressEvent]], tmp_path: Path
) -> None:
    options: dict[str, Any] = {"learn": 0, "episodes": 2, "max_steps": 6, "budget": HURRIED}
    reports = [run(config(tmp_path / str(number), planner=name, rules=calm[0], **options)) for number in (1, 2)]
    assert comparable(reports[0]) == comparable(reports[1])
    assert lived(tmp_path / "1") == lived(tmp_path / "2")
    assert build.planner(name).name == name


def test_learning_is_not_shown_the_list(tmp_path: Path) -> None:
    run(config(tmp_path, learn=1, episodes=0, admissible=True))
    assert all(step.observation.actions is None for step in lived(tmp_path)[0])


def test_an_agent_learns_plays_and_says_why() -> None:
    environment = build.environment("alfworld").make(EnvironmentOptions(learning=True, count=2))
    agent = Agent.learn(environment)
    assert agent.rules.rules
    episode = agent.play(environment, environment.tasks()[0], max_steps=10)
    spoken = [agent.why(step) for step in episode.trajectory if step.predicted and step.predicted.rules]
    assert spoken
    assert all(" then " in sentence for sentences in spoken for sentence in sentences)
