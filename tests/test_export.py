"""What was lived becomes training data: the role's own questions, what came as the answer, and a split that keeps tasks apart."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm import Action, Prediction, RunConfig, RunStore, Trajectory, build, cli_training, parse_rule, run
from agentwm.backends.schema import read_value
from agentwm.evaluation.evidence import rules_at, vocabulary_of
from agentwm.llm.changes import read_changes
from agentwm.llm.words import Answers, changeable
from agentwm.llm.world_model import LLMWorldModel, foretold_form
from agentwm.rules.store import RuleStore
from agentwm.training.answers import AnswerForm
from agentwm.training.export import FORMATS, Export, Format, export, sides
from agentwm.types import Fluent, Outcome, Query, Transition, Vocabulary
from tests.backend_examples import Counting
from tests.conftest import Live, agentwm_here
from tests.test_cli import agentwm, complaint
from tests.test_lightness import HEAVY, loaded_by

LEARN, PLAY = 3, 1
Make = Callable[..., Export]


@pytest.fixture(autouse=True)
def _no_official_games(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that learned and played."""
    path = tmp_path_factory.mktemp("runs") / "run"
    run(RunConfig(environment="alfworld", learn=LEARN, episodes=PLAY, out=path))
    return path


@pytest.fixture(scope="module")
def own_words(folder: Path) -> Vocabulary:
    with RunStore.open(folder) as records:
        return vocabulary_of(records, build.environment("alfworld"))


@pytest.fixture(scope="module")
def make(folder: Path, own_words: Vocabulary) -> Make:
    def make(form: Format = "sft", phases: Sequence[str] = ("learn",), **options: Any) -> Export:
        with RunStore.open(folder) as records:
            prompt = build.prompt("predict")
            return export(records, own_words, prompt, form, rules=RuleStore(), phases=phases, **options)

    return make


def trajectory(folder: Path, episode: int) -> Trajectory:
    with RunStore.open(folder) as records:
        return records.trajectory(episode)


def steps(folder: Path, phases: Sequence[str] = ("learn",)) -> list[tuple[int, int, Transition]]:
    """Return the episode, the number and the transition of all steps."""
    with RunStore.open(folder) as records:
        episodes = [each.episode for each in records.episodes() if each.phase in phases]
    return [(each, step, lived) for each in episodes for step, lived in enumerate(trajectory(folder, each))]


def answer_in(row: dict[str, Any]) -> str:
    return str(row["messages"][-1]["content"])


# --- what came, as the answer to the role's question ---------------------------------------------------------------------


def test_every_step_learned_from_is_a_row_in_the_order_lived(make: Make, folder: Path) -> None:
    made = make()
    assert [(row["episode"], row["step"]) for row in made.rows] == [(each, step) for each, step, _ in steps(folder)]
    assert {row["phase"] for row in made.rows} == {"learn"}
    assert made.left_out == 0
    assert len(make(phases=("learn", "play")).rows) == len(steps(folder, ("learn", "play"))) > len(made.rows)


def test_the_question_is_the_one_that_the_role_would_have_put_then(
    make: Make, folder: Path, own_words: Vocabulary
) -> None:
    rows = {(row["episode"], row["step"]): row for row in make(phases=("learn", "play")).rows}
    heard, rules = Answers(), RuleStore()
    for episode in range(LEARN + PLAY):
        lived = trajectory(folder, episode)
        role = LLMWorldModel(Counting(), build.prompt("predict"), own_words, rules=rules, answers=heard)
        for step, each in enumerate(lived):
            asked = role.request(Query(each.before, each.action)).messages
            said = rows[episode, step]["messages"][:-1]
            assert [(message["role"], message["content"]) for message in said] == [tuple(each) for each in asked]
        heard.add(lived)
        if episode < LEARN:
            with RunStore.open(folder) as records:
                rules = rules_at(records, episode)
    assert len(rules.rules) > 0, "or the rules were never told"


def test_the_answer_says_what_came_and_reads_back_as_the_role_reads_it(
    make: Make, folder: Path, own_words: Vocabulary
) -> None:
    schemas = {schema.name: schema for schema in changeable(own_words)}
    form = foretold_form(tuple(schemas))
    changed = 0
    for row, (_, _, lived) in zip(make().rows, steps(folder), strict=True):
        foretold = read_value(answer_in(row), form)
        changes, dropped = read_changes(foretold.changes, Query(lived.before, lived.action), schemas, own_words)
        assert dropped == 0
        assert changes == {f: v for f, v in lived.changed.items() if lived.before.get(f, "unknown") != v}
        assert foretold.p_success == lived.succeeded
        assert foretold.text.split() == lived.observation.text.split()
        changed += len(changes)
    assert changed > 50


def test_a_step_that_does_not_fit_into_an_answer_is_left_out_and_counted(live: Live, own_words: Vocabulary) -> None:
    [lived] = live("go to fridge 1")
    form = AnswerForm(own_words)
    assert form.came(lived) is not None
    many = replace(lived, changed={Fluent("open", (f"drawer {number}",)): True for number in range(9)})
    assert form.came(many) is None


# --- what was foretold wrongly -------------------------------------------------------------------------------------------


def test_a_pair_sets_what_came_against_what_was_foretold_and_only_where_they_differ(make: Make, folder: Path) -> None:
    lived = {(episode, step): each for episode, step, each in steps(folder)}
    rows = make("preferences").rows
    assert len(rows) > 10
    for row in rows:
        each = lived[row["episode"], row["step"]]
        chosen, rejected = (json.loads(row[side][0]["content"]) for side in ("chosen", "rejected"))
        assert each.predicted is not None
        assert each.predicted.source != "frame"
        assert (chosen["p_success"], rejected["p_success"]) == (each.succeeded, each.predicted.success)
        assert chosen != rejected
        assert chosen["text"] == rejected["text"] == "", "rules foretell no text, so neither side has one"


def test_the_questions_of_pairs_are_those_of_answers(make: Make) -> None:
    asked = {(row["episode"], row["step"]): row["messages"][:-1] for row in make("sft").rows}
    assert all(asked[row["episode"], row["step"]] == row["prompt"] for row in make("preferences").rows)


def test_what_came_as_foretold_or_was_not_foretold_is_no_pair(live: Live, own_words: Vocabulary) -> None:
    [lived] = live("go to fridge 1")
    form = AnswerForm(own_words)

    def pair(predicted: Prediction | None) -> tuple[str, str] | None:
        return form.contrasted(replace(lived, predicted=predicted), reports_failure=True)

    right = Prediction((Outcome(1.0, lived.changed),), 0.9, "rules")
    wrong = Prediction((Outcome(1.0, success=False),), 0.9, "rules")
    assert pair(right) is None
    assert pair(None) is None
    assert pair(replace(wrong, source="frame")) is None
    assert pair(wrong) is not None


def test_a_foretold_text_stands_against_the_one_that_came(live: Live, own_words: Vocabulary) -> None:
    [lived] = live("go to fridge 1")
    said = Prediction((Outcome(0.9, success=False, text="Nothing happens."),), 0.9, "llm")
    pair = AnswerForm(own_words).contrasted(replace(lived, predicted=said), reports_failure=True)
    assert pair is not None
    chosen, rejected = map(json.loads, pair)
    assert chosen["text"] == "You arrive at fridge 1. The fridge 1 is closed."
    assert rejected["text"] == "Nothing happens."


# --- steps as they were --------------------------------------------------------------------------------------------------


def test_a_transition_says_what_the_step_was(make: Make, folder: Path) -> None:
    for row, (_, _, lived) in zip(make("transitions").rows, steps(folder), strict=True):
        before = {Fluent(name, tuple(args)): value for name, *args, value in row["before"]}
        assert (before, Action(row["action"][0], tuple(row["action"][1:]))) == (lived.before, lived.action)
        assert (row["observation"], row["succeeded"]) == (lived.observation.text, lived.succeeded)
        assert {Fluent(name, tuple(args)): value for name, *args, value in row["changed"]} == lived.changed
        assert {Fluent(name, tuple(args)) for name, *args, _ in row["told"]} == lived.told


# --- the split -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_no_task_stands_on_both_sides_and_the_bytes_are_always_the_same(form: Format, make: Make) -> None:
    made = make(form, held_out=0.25)
    tasks = {side: {row["task"] for row in made.rows if row["split"] == side} for side in ("train", "held_out")}
    assert len(tasks["held_out"]) == 1
    assert len(tasks["train"]) == LEARN - 1
    assert not tasks["train"] & tasks["held_out"]
    assert made.text() == make(form, held_out=0.25).text()


@given(st.sets(st.text(), max_size=30), st.floats(0, 0.9), st.randoms())
def test_a_split_depends_on_the_tasks_and_not_on_their_order(tasks: set[str], held_out: float, rng: Any) -> None:
    shuffled = sorted(tasks)
    rng.shuffle(shuffled)
    split = sides(tasks, held_out)
    assert split == sides(shuffled, held_out)
    kept = sum(side == "held_out" for side in split.values())
    assert set(split) == tasks
    assert kept == (0 if held_out == 0 or len(tasks) < 2 else min(max(1, round(held_out * len(tasks))), len(tasks) - 1))


# --- the command ---------------------------------------------------------------------------------------------------------


def test_the_command_writes_what_the_function_returns_and_says_how_it_is_split(
    make: Make, folder: Path, tmp_path: Path
) -> None:
    done = agentwm("export", folder, "--out", "data.jsonl", "--held-out", "0.25", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = make(held_out=0.25)
    assert (tmp_path / "data.jsonl").read_text() == made.text()
    assert f"{len(made.rows)} rows of sft: " in done.stderr
    assert f"of {LEARN - 1} episodes to train on, {made.count('held_out')} of 1 episodes held out" in done.stderr
    printed = agentwm_here("export", folder, "--format", "preferences", "--phase", "all", cwd=tmp_path)
    assert printed.stdout == make("preferences", phases=("learn", "play")).text()


def test_what_cannot_be_exported_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    for arguments, expected in (
        (
            (folder, "--format", "sfd"),
            "unknown format 'sfd'; there is: sft, preferences, transitions. Did you mean sft?",
        ),
        ((folder, "--phase", "test"), "unknown phase 'test'; there is: learn, play, all."),
        ((folder, "--out", "there"), "expected a new file, but there exists: choose another --out"),
        ((tmp_path / "nowhere",), "nothing there"),
    ):
        assert expected in complaint(agentwm_here("export", *arguments, cwd=tmp_path))
    assert (tmp_path / "there").read_text() == "mine"


def test_a_run_with_nothing_to_export_says_so(tmp_path: Path) -> None:
    run(RunConfig(environment="alfworld", learn=0, episodes=1, max_steps=2, out=tmp_path / "run"))
    said = complaint(agentwm_here("export", "run", cwd=tmp_path))
    assert "there is nothing to write: no step was taken in the episodes of phase learn in run" in said


def test_questions_are_put_by_the_rules_that_the_run_began_with_whatever_became_of_them(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    RuleStore((parse_rule("look then 1.00 success"),)).save(rules)
    run(RunConfig(environment="alfworld", learn=1, episodes=0, rules=rules, out=tmp_path / "run"))
    at_once = agentwm_here("export", "run", cwd=tmp_path).stdout
    assert "1. look then 1.00 success" in at_once
    RuleStore((parse_rule("look then 0.60 failure"),)).save(rules)
    assert agentwm_here("export", "run", cwd=tmp_path).stdout == at_once
    shutil.rmtree(rules)
    assert agentwm_here("export", "run", cwd=tmp_path).stdout == at_once


def test_what_is_printed_is_utf_8_wherever_it_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"split": "train", "episode": 0, "text": "a café \u2028 and a mug\n"}
    monkeypatch.setattr(cli_training, "_exported", lambda *_: Export((row,), 0))
    raw = BytesIO()
    monkeypatch.setattr("sys.stdout", TextIOWrapper(raw, encoding="cp1252", newline="\r\n"))
    cli_training.export(tmp_path, form="transitions", out=None, phase="learn", held_out=0.1)
    assert raw.getvalue() == Export((row,), 0).text().encode()


def test_exporting_loads_nothing_that_only_extras_install() -> None:
    assert not (HEAVY - {"rich"}) & loaded_by("import agentwm.training.export, agentwm.training.dataset")
