"""The command: one sentence for an error, one object for ``--json``, and a run that survives an interruption."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentwm import build
from agentwm.records import RunStore
from tests.conftest import agentwm_here

AGENTWM = [sys.executable, "-c", "from agentwm.cli import main; main()"]
QUICK = ["run", "alfworld", "--learn", "1", "--episodes", "2"]


def agentwm(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, where no terminal and no folder of games can be found."""
    kept = {name: value for name, value in os.environ.items() if name != "ALFWORLD_DATA"}
    command = [*AGENTWM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=kept, timeout=120)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return the sentence on stderr, once all that an error must be was checked."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert lines
    return lines[-1]


@pytest.fixture
def empty_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "nothing"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Return where a short run came to its end, in the folder ``here``, and what the command said."""
    folder = tmp_path_factory.mktemp("runs")
    return folder, agentwm(*QUICK, "--out", "here", cwd=folder)


@pytest.fixture(scope="module")
def finished(short: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    """Return the folder of a short run that came to its end."""
    folder, done = short
    assert done.returncode == 0, done.stderr
    return folder / "here"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["run", "alfword"],
            f"unknown environment 'alfword'; there is: {', '.join(build.names('environments'))}. Did you mean alfworld?",
        ),
        (["run", "alfworld", "--planner", "mcp"], "unknown planner 'mcp'"),
        (["run", "alfworld", "--split", "valid_sen"], "unknown split of alfworld 'valid_sen'"),
        (["run", "alfworld", "--train-split", "trian"], "unknown split of alfworld 'trian'"),
        (["run", "alfworld", "--engine", "offical"], "unknown engine of alfworld 'offical'"),
        (["run", "alfworld", "--epsodes", "3"], "No such option: --epsodes (Possible options: --episodes"),
        (["run", "alfworld", "--episodes", "some"], "valid integer"),
        (["run", "alfworld", "--max-steps", "0"], "--max-steps"),
        (["run", "alfworld", "--games", "nothing"], "nothing"),
        (["run", "alfworld", "--games", "nowhere"], "nowhere"),
        (["run", "alfworld", "--rules", "nothing"], "expected a rule store"),
        (["run", "alfworld", "--split", "valid_seen"], "--games or ALFWORLD_DATA"),
        (["run"], "expected the name of an environment"),
        (["run", "--resume", "nothing"], "expected a folder that `agentwm run` wrote"),
        (["replay", "nowhere", "0"], "nothing there"),
        (["rules", "show", "nothing"], "expected a rule store"),
        (["rules", "why", "nothing", "heat"], "expected a rule store"),
        (["dance"], "No such command 'dance'"),
    ],
)
def test_an_error_is_one_sentence_and_exit_code_2(arguments: list[str], expected: str, empty_folder: Path) -> None:
    done = agentwm_here(*arguments, cwd=empty_folder.parent)
    assert expected in complaint(done)
    assert not (empty_folder.parent / "runs").exists(), "a run that could not begin leaves no folder"


@pytest.mark.parametrize("command", [["replay", "{}", "0"], ["run", "--resume", "{}"]])
def test_an_unreadable_run_is_one_sentence(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "run.db").write_bytes(b"SQLite format 3\0 and then rubbish" * 99)
    done = agentwm(*(word.format(tmp_path) for word in command), cwd=tmp_path)
    assert "damaged or not readable" in complaint(done)


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    done = agentwm(*QUICK, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["environment"], report["episodes"], report["learned_from"]["episodes"]) == ("alfworld", 2, 1)
    assert (tmp_path / report["run"] / "run.db").is_file()


def test_a_run_ends_in_a_page_that_says_where_it_was_saved(
    short: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = short
    assert done.returncode == 0, done.stderr
    for expected in ("task type", "Learning, game by game", "rules", "saved in here"):
        assert expected in done.stdout
    assert "\x1b[" not in done.stdout, "no colours where there is no terminal"
    assert "playing: 2 of 2 games" in done.stderr


def test_an_episode_is_replayed_with_its_predictions(finished: Path) -> None:
    done = agentwm_here("replay", finished, "1", cwd=finished)
    assert done.returncode == 0, done.stderr
    for expected in ("episode 1", "goal: ", "predicted", "happened"):
        assert expected in done.stdout
    everything = agentwm_here("replay", finished, cwd=finished)
    assert everything.stdout.count("play") >= 2
    assert "has episodes 0 to 2" in complaint(agentwm_here("replay", finished, "9", cwd=finished))


def test_a_run_is_also_a_folder_of_rules(finished: Path) -> None:
    shown = agentwm("rules", "show", finished, cwd=finished)
    assert shown.returncode == 0, shown.stderr
    assert "+ 0-]" in shown.stdout
    name = shown.stdout.split("]", 1)[1].split()[0]
    why = agentwm_here("rules", "why", finished, name, cwd=finished)
    assert why.returncode == 0, why.stderr
    assert name in why.stdout
    assert "steps support it" in why.stdout
    assert "no-such-rule" in complaint(agentwm_here("rules", "why", finished, "no-such-rule", cwd=finished))


def test_a_run_keeps_its_own_options_when_resumed(finished: Path) -> None:
    done = agentwm_here("run", "--resume", finished, "--seed", "3", cwd=finished)
    assert "leave out --seed" in complaint(done)
    done = agentwm_here("run", "moon", "--resume", finished, cwd=finished)
    assert "is of alfworld, not of moon" in complaint(done)


def test_a_finished_run_is_reported_again_when_resumed(finished: Path) -> None:
    done = agentwm("run", "--resume", finished, "--json", cwd=finished)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["episodes"] == 2


def test_a_new_run_never_overwrites_an_old_one(finished: Path) -> None:
    assert "holds one already" in complaint(agentwm_here(*QUICK, "--out", finished, cwd=finished))


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Let children be interrupted even where the tests themselves cannot be: a shell starts what goes to its background so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_saves_the_run_and_says_how_to_go_on(tmp_path: Path) -> None:
    command = [*AGENTWM, "run", "alfworld", "--learn", "2", "--episodes", "200", "--out", "long", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert "learning: " in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 130, stderr
    assert stdout == ""
    assert "Traceback" not in stderr
    assert "agentwm run --resume long" in stderr
    with RunStore.open(tmp_path / "long") as store:
        assert not store.is_finished
        assert store.episodes()


def test_environments_are_listed_with_what_they_accept(tmp_path: Path) -> None:
    done = agentwm_here("envs", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "alfworld" in done.stdout
    assert "valid_seen" in done.stdout


def test_the_doctor_plays_a_game_and_names_the_extras(tmp_path: Path) -> None:
    done = agentwm("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "agentwm[vllm]" in done.stdout
    assert "won in" in done.stdout


def test_the_doctor_says_aloud_what_is_broken(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [*AGENTWM, "doctor"]
    monkeypatch.setenv("ALFWORLD_DATA", str(empty_folder))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=empty_folder, timeout=60)
    assert done.returncode == 1
    assert "✗ ALFWORLD_DATA names" in done.stdout


def test_a_run_that_is_being_written_is_not_resumed_twice(tmp_path: Path) -> None:
    with RunStore.create(tmp_path / "run", {"environment": "alfworld"}):
        assert "another process is writing it" in complaint(agentwm("run", "--resume", "run", cwd=tmp_path))


def test_a_run_of_another_version_says_so(finished: Path, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "run.db")) as copy, RunStore.open(finished) as store:
        store._db.backup(copy)
        copy.execute("PRAGMA user_version = 99")
    assert "expected run format 3" in complaint(agentwm_here("replay", tmp_path, "0", cwd=tmp_path))
