"""The command ``agentwm simulate``: what a person is told, what a planner brings home, and what is written down."""

import io
import json
import subprocess
from pathlib import Path

import pytest

from agentwm import RuleStore
from agentwm.training.export import plain_row
from agentwm.types import Vocabulary
from tests.conftest import Live, agentwm_here
from tests.test_cli import complaint

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def folder(tmp_path: Path, true_rules: RuleStore) -> Path:
    """Return a folder with rules in it."""
    true_rules.save(tmp_path / "rules")
    return tmp_path


def typed(text: str, folder: Path, *options: str | Path) -> Done:
    """Return what is said to a person who types ``text``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO(text))
        return agentwm_here("simulate", "alfworld", "--rules", folder / "rules", *options, cwd=folder)


def simulated(folder: Path, *options: str | Path, planner: str = "agent") -> Done:
    rules = folder / "rules"
    return agentwm_here("simulate", "alfworld", "--rules", rules, "--planner", planner, *options, cwd=folder)


def test_a_person_plays_the_model_and_is_told_what_it_is_unsure_of(folder: Path) -> None:
    done = typed("go to countertop 1\nquit\n", folder)
    assert done.returncode == 0, done.stderr
    assert "The goal: put some" in done.stdout
    assert "> go to countertop 1" in done.stdout
    # Rules that were never tried are trusted as much as a coin.
    assert "unsure (50%): foretold" in done.stdout
    assert "after 1 steps" in done.stdout


def test_a_command_that_is_none_is_told_so_and_the_game_goes_on(folder: Path) -> None:
    done = typed("dance\ngo to moon 1\n\nhelp\ngo to countertop 1\n", folder)
    assert done.returncode == 0, done.stderr
    assert "expected a command, got 'dance'" in done.stdout
    assert "got 'moon 1'" in done.stdout
    assert "take <object> from <receptacle>" in done.stdout
    assert "left after 1 steps" in done.stdout, "the end of what is typed ends the game"


def test_nothing_typed_is_agame_no_steps(folder: Path) -> None:
    done = typed("", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "left after 0 steps" in done.stdout


def test_a_person_with_json_has_one_object_on_stdout(folder: Path) -> None:
    done = typed("go to countertop 1\nquit\n", folder, "--json")
    [episode] = json.loads(done.stdout)["episodes"]
    assert (episode["steps"], episode["won"]) == (1, False)


def test_a_planner_plays_one_task_after_another_and_a_table_says_what_came_of_it(folder: Path) -> None:
    done = simulated(folder, "--episodes", "3", "--likeliest")
    assert done.returncode == 0, done.stderr
    assert all(f"test-0-00000{number}" in done.stdout for number in range(3))
    assert "of 3 in imagination (95 % interval" in done.stdout


def test_one_task_is_dreamt_over_and_over(folder: Path) -> None:
    episodes = json.loads(simulated(folder, "--task", "1", "--episodes", "3", "--max-steps", "5", "--json").stdout)[
        "episodes"
    ]
    assert [each["task"][:13] for each in episodes] == ["test-0-000001"] * 3


def test_the_same_seed_dreams_the_same_and_another_one_does_not(folder: Path) -> None:
    dreams = []
    for number, seed in enumerate("112"):
        options = (
            "--episodes",
            "2",
            "--max-steps",
            "8",
            "--dropout",
            "0.1",
            "--seed",
            seed,
            "--out",
            f"{number}.jsonl",
        )
        assert simulated(folder, *options).returncode == 0
        dreams.append((folder / f"{number}.jsonl").read_bytes())
    assert dreams[0] == dreams[1] != dreams[2]


def test_what_was_lived_is_written_as_export_writes_it(folder: Path, live: Live, words: Vocabulary) -> None:
    done = simulated(folder, "--episodes", "2", "--likeliest", "--out", "dreams.jsonl", "--json")
    rows = [json.loads(line) for line in (folder / "dreams.jsonl").read_text().splitlines()]
    steps = [each["steps"] for each in json.loads(done.stdout)["episodes"]]
    assert [(row["episode"], row["step"]) for row in rows] == [(e, s) for e, n in enumerate(steps) for s in range(n)]
    [real] = live("go to countertop 1")
    where = {"split", "phase", "task", "episode", "step"}
    assert all(set(row) == where | set(plain_row(real, "", words)) for row in rows)
    assert {row["phase"] for row in rows} == {"imagined"}
    assert rows[0]["succeeded"] is True


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--planner", "agnt"], "unknown planner 'agnt'"),
        (["--episodes", "3"], "name one with --planner"),
        (["--planner", "agent", "--budget", "cents=3"], "expected a budget such as"),
        (["--planner", "agent", "--out", "rules"], "expected a new file"),
        (["--planner", "agent", "--games", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_is_one_sentence(options: list[str], expected: str, folder: Path) -> None:
    assert expected in complaint(agentwm_here("simulate", "alfworld", "--rules", "rules", *options, cwd=folder))


def test_rules_that_are_not_there_are_named(folder: Path) -> None:
    assert "expected a rule store" in complaint(agentwm_here("simulate", "alfworld", "--rules", "no", cwd=folder))
