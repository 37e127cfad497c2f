"""A run with a language model: budgets stop it and it goes on, it is replayed byte for byte, and its account is in the report."""

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agentwm import RuleStore, RunConfig, RunStore, run
from agentwm.backends.protocol import Reply, Request
from agentwm.backends.recording import rows_of
from agentwm.errors import ConfigurationError, ReplyMissingError, ReplyStoreError, UnavailableError
from agentwm.evaluation import Report
from agentwm.evaluation.display import report_view
from agentwm.evaluation.report import LLMUse
from agentwm.types import Trajectory
from tests import llm_examples
from tests.conftest import agentwm_here
from tests.fault_server import FaultServer
from tests.test_cli import agentwm, complaint
from tests.test_experiment import comparable, cut, lived

HOPEFUL = "scripted/tests.llm_examples:hopeful"


@pytest.fixture(autouse=True)
def _no_official_games(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


@pytest.fixture
def rules(household: Path) -> Path:
    """Return a run that has learned a little."""
    return household


Ask = Callable[..., Report]


@pytest.fixture
def ask(rules: Path, tmp_path: Path) -> Ask:
    """Return a function that plays three games with a language model that takes everything for likely."""

    def ask(out: str = "run", *, resume: bool = False, progress: Any = lambda _: None, **options: Any) -> Report:
        given = {"episodes": 3, "max_steps": 12, "ask": "always", **options}
        if not {"model", "replay"} & given.keys():
            given["model"] = HOPEFUL
        config = RunConfig.parse(
            {"environment": "alfworld", "learn": 0, "rules": rules, "out": tmp_path / out, **given}
        )
        return run(config, resume=resume, progress=progress)

    return ask


def sources(trajectories: list[Trajectory]) -> set[str]:
    return {step.predicted.source for each in trajectories for step in each if step.predicted}


def without_times(use: LLMUse) -> dict[str, Any]:
    average = {"seconds"}
    return use.model_dump(exclude={"seconds": True, "by_role": True, "per_episode": average, "per_solved": average})


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("replies.jsonl", "asked.json")}


def tables(folder: Path) -> list[object]:
    """Return all that the run wrote of its episodes and steps, but for times."""
    with closing(sqlite3.connect(folder / "run.db")) as database:
        return [
            database.execute("SELECT episode, phase, task, goal, status, start, won, steps FROM episodes").fetchall(),
            database.execute("SELECT episode, step, action, predicted, observation, changed FROM steps").fetchall(),
        ]


# --- asking ---------------------------------------------------------------------------------------------------------------


def test_never_is_the_symbolic_mind_and_costs_nothing(ask: Ask, rules: Path, tmp_path: Path) -> None:
    report = ask("never", ask="never")
    symbolic = run(
        RunConfig(environment="alfworld", learn=0, rules=rules, episodes=3, max_steps=12, out=tmp_path / "symbolic")
    )
    assert lived(tmp_path / "never") == lived(tmp_path / "symbolic")
    assert report.llm.calls == 0
    assert report.llm.model == HOPEFUL
    assert symbolic.llm.model is None


def test_silent_asks_less_than_always_and_the_rules_overrule_both(ask: Ask, tmp_path: Path) -> None:
    silent, always = ask("silent", ask="silent"), ask("always")
    assert silent.llm.calls < always.llm.calls
    assert "frame" not in sources(lived(tmp_path / "silent")) | sources(lived(tmp_path / "always"))
    assert "rules" in sources(lived(tmp_path / "always"))
    assert silent.success == always.success, "what the model says where rules speak changes nothing"


def test_a_model_that_proposes_plays_without_any_rules(tmp_path: Path) -> None:
    options = {"environment": "alfworld", "learn": 0, "episodes": 1, "max_steps": 6, "model": HOPEFUL}
    alone = run(RunConfig.parse({**options, "out": tmp_path / "alone"}))
    thinking = run(RunConfig.parse({**options, "out": tmp_path / "thinking", "roles": ["predict", "propose", "judge"]}))
    assert [len(each) for each in lived(tmp_path / "alone")] == [0], "nobody has an idea"
    assert [len(each) for each in lived(tmp_path / "thinking")] == [6]
    assert set(thinking.llm.by_role) >= {"predict", "propose"}
    assert alone.llm.calls == 0


def test_the_report_has_the_account_by_role(ask: Ask) -> None:
    report = ask(roles=["predict", "propose"], price=[1.0, 2.0])
    use = report.llm
    assert set(use.by_role) == {"predict", "propose"} == set(use.prompts)
    for name in ("calls", "input_tokens", "output_tokens", "money"):
        assert getattr(use, name) == pytest.approx(sum(getattr(role, name) for role in use.by_role.values()))
    assert use.money == pytest.approx((use.input_tokens + 2 * use.output_tokens) / 1e6)
    assert use.by_role["predict"].replies.questions >= use.by_role["predict"].calls > 0
    assert use.brier_stated is not None
    assert sum(row.total for row in use.calibration) > 0


def test_what_a_game_and_a_game_won_cost_is_all_that_was_spent_shared_out(ask: Ask) -> None:
    report = ask(price=[1.0, 2.0])
    use = report.llm
    for number, average in ((report.episodes, use.per_episode), (report.success.count, use.per_solved)):
        assert average is not None
        for name in ("calls", "input_tokens", "cached_tokens", "output_tokens", "seconds", "money"):
            assert getattr(average, name) * number == pytest.approx(getattr(use, name), abs=0.01), name
    assert report.success.count < report.episodes, "or the two are the same"
    assert use.per_episode == LLMUse.model_validate(use.model_dump()).per_episode
    assert use.shared(0, 0).per_solved is None
    assert LLMUse().shared(3, 2) == LLMUse(), "where nobody was asked there is nothing to share"


def test_the_page_shows_the_account_and_the_calibration(ask: Ask) -> None:
    report = ask(max_calls=6, price=[1.0, 2.0])
    console = Console(width=140, file=io.StringIO(), color_system=None)
    console.print(report_view(report, [], RuleStore()))
    page = console.file.getvalue()  # type: ignore[attr-defined]
    for expected in (
        f"{HOPEFUL}, asked always",
        "usable at once",
        "taken for",
        "Brier score",
        "stopped: the budget is spent",
    ):
        assert expected in page
    [predict] = [line.split() for line in page.splitlines() if line.strip().startswith("predict")]
    use = report.llm.by_role["predict"]
    assert predict[5:9] == [str(use.calls), str(use.input_tokens), str(use.cached_tokens), str(use.output_tokens)]
    assert predict[-1] == f"{use.money:.4f}"


def test_replies_that_cannot_be_used_are_counted_and_the_rules_go_on_alone(ask: Ask, tmp_path: Path) -> None:
    report = ask(model="scripted/tests.llm_examples:babbling")
    count = report.llm.by_role["predict"].replies
    assert count.unusable == count.questions > 0
    assert sources(lived(tmp_path / "run")) <= {"rules", "frame"}


# --- budgets --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [{"max_calls": 4}, {"max_tokens": 9_000}, {"max_cost": 0.01, "price": [1.0, 1.0]}])
def test_a_spent_budget_stops_the_run_which_goes_on_with_more(budget: dict[str, Any], ask: Ask, tmp_path: Path) -> None:
    price = {name: value for name, value in budget.items() if name == "price"}
    calm = ask("calm", **price)
    stopped = ask("stopped", **budget)
    assert stopped.stopped is not None
    assert "the budget is spent" in stopped.stopped
    assert stopped.episodes < calm.episodes
    assert 0 < stopped.llm.calls < calm.llm.calls
    more = {name: 100 * value if name not in price else value for name, value in budget.items()}
    resumed = ask("stopped", resume=True, **more)
    assert resumed.stopped is None
    assert comparable(resumed)["success"] == comparable(calm)["success"]
    assert tables(tmp_path / "stopped") == tables(tmp_path / "calm")
    assert without_times(resumed.llm) == without_times(calm.llm)
    assert len(rows_of(tmp_path / "stopped" / "replies.jsonl")) == resumed.llm.calls, "nothing was asked twice"


def test_a_budget_of_time_stops_a_run_too(ask: Ask) -> None:
    stopped = ask(max_seconds=1e-9)
    assert stopped.stopped is not None
    assert "seconds" in stopped.stopped
    assert (stopped.episodes, stopped.llm.calls) == (0, 0)
    assert ask(resume=True, max_seconds=1e6).episodes == 3


def test_a_budget_is_for_the_whole_run_however_often_it_is_resumed(ask: Ask) -> None:
    first = ask(max_calls=4)
    again = ask(resume=True, max_calls=4)
    assert (
        first.stopped == again.stopped == "the budget is spent (calls: 4 of 4): allow more, or go on with what there is"
    )
    assert again.llm.calls == 4


@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.9])
def test_a_run_cut_off_anywhere_ends_as_if_it_had_not_been(share: float, ask: Ask, tmp_path: Path) -> None:
    events: list[object] = []
    calm = ask("calm", progress=events.append)
    with pytest.raises(KeyboardInterrupt):
        ask("cut", progress=cut(int(share * len(events))))
    resumed = ask("cut", resume=True)
    assert tables(tmp_path / "cut") == tables(tmp_path / "calm")
    assert (tmp_path / "cut/asked.json").read_bytes() == (tmp_path / "calm/asked.json").read_bytes()
    assert resumed.llm.calls == calm.llm.calls


def test_a_model_that_goes_away_ends_in_a_typed_error_and_the_run_goes_on_later(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = 0

    def failing(request: Request) -> Any:
        nonlocal answered
        answered += 1
        return UnavailableError("the server is gone") if answered > 5 else llm_examples.hopeful(request)

    calm = ask("calm")
    monkeypatch.setattr(llm_examples, "flaky", failing, raising=False)
    with pytest.raises(UnavailableError, match="the server is gone"):
        ask(model="scripted/tests.llm_examples:flaky")
    with RunStore.open(tmp_path / "run") as store:
        assert not store.is_finished
    monkeypatch.setattr(llm_examples, "flaky", llm_examples.hopeful)
    resumed = ask(resume=True, model="scripted/tests.llm_examples:flaky")
    assert resumed.llm.calls == calm.llm.calls
    assert tables(tmp_path / "run") == tables(tmp_path / "calm")


# --- recording and replay -------------------------------------------------------------------------------------------------


def test_a_run_is_replayed_from_its_recording_twice_byte_for_byte(ask: Ask, tmp_path: Path) -> None:
    record = tmp_path / "said.jsonl"
    live = ask("live", record=record, said_by="a function", roles=["predict", "propose"])
    replays = [ask(name, replay=record, roles=["predict", "propose"]) for name in ("one", "two")]
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert tables(tmp_path / "one") == tables(tmp_path / "two") == tables(tmp_path / "live")
    assert comparable(replays[0]) == comparable(replays[1])
    assert without_times(replays[0].llm) == without_times(live.llm)
    assert record.read_bytes() == (tmp_path / "one/replies.jsonl").read_bytes(), (
        "a replay's own recording is the same again"
    )
    assert json.loads(record.read_text().splitlines()[0])["said_by"] == "a function"


def test_a_replay_of_another_question_is_an_error(ask: Ask, tmp_path: Path) -> None:
    record = tmp_path / "said.jsonl"
    ask("live", record=record, episodes=1)
    with pytest.raises(ReplyMissingError, match="record it again"):
        ask("other", replay=record, seed=1)


def test_a_recording_in_the_way_is_not_added_to(ask: Ask, tmp_path: Path) -> None:
    record = tmp_path / "said.jsonl"
    ask("live", record=record, episodes=1)
    with pytest.raises(ConfigurationError, match="is there already"):
        ask("again", record=record, episodes=1)
    assert not (tmp_path / "again").exists()


def test_damaged_notes_are_an_error(ask: Ask, tmp_path: Path) -> None:
    ask(max_calls=8)
    (tmp_path / "run/asked.json").write_text("{}}")
    with pytest.raises(ReplyStoreError, match="notes in"):
        ask(resume=True, max_calls=9)


# --- what cannot be --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": None, "ask": "always"}, "ask is about a language model"),
        ({"model": None, "ask": None, "max_calls": 3}, "max_calls is about a language model"),
        ({"model": "gpt"}, "expected a model as BACKEND/NAME"),
        ({"model": "opnai/gpt"}, "unknown backend 'opnai'.* Did you mean openai"),
        ({"model": "scripted/tests.llm_examples:nobody"}, "expected a script"),
        ({"ask": "sometimes"}, "'ask'.*'never', 'silent' or 'always'"),
        ({"roles": ["predict", "dream"]}, "roles"),
        ({"roles": ["predict", "judge"]}, "judge weighs what propose proposes"),
        ({"max_cost": 1.0}, "price of every model"),
        ({"price": [1.0]}, "INPUT,OUTPUT"),
        ({"record": "a", "replay": "b"}, "drop --record or --replay"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(
    options: dict[str, Any], message: str, ask: Ask, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ask(**options)
    assert not (tmp_path / "run").exists()


def test_a_recording_of_another_model_is_not_replayed_as_this_one(ask: Ask, tmp_path: Path) -> None:
    record = tmp_path / "said.jsonl"
    ask("live", record=record, episodes=1)
    with pytest.raises(ConfigurationError, match="expected a recording of openai/gpt"):
        ask(model="openai/gpt", replay=record)


# --- the command ----------------------------------------------------------------------------------------------------------


def test_the_command_says_what_stopped_it_and_how_to_go_on(ask: Ask, rules: Path, tmp_path: Path) -> None:
    record = tmp_path / "said.jsonl"
    ask("live", record=record)
    options = ["--learn", "0", "--rules", str(rules), "--episodes", "3", "--max-steps", "12", "--ask", "always"]
    done = agentwm_here(
        "run", "alfworld", *options, "--replay", record, "--max-calls", "4", "--out", "run", cwd=tmp_path
    )
    assert done.returncode == 3, done.stderr
    assert "stopped: the budget is spent (calls: 4 of 4)" in done.stderr
    assert "agentwm run --resume run --max-calls MORE" in done.stderr
    assert "asked always" in done.stdout
    refused = agentwm_here("run", "--resume", "run", "--ask", "never", cwd=tmp_path)
    assert "leave out --ask" in complaint(refused)
    resumed = agentwm_here("run", "--resume", "run", "--max-calls", "400", "--json", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    report = json.loads(resumed.stdout)
    assert (report["episodes"], report["stopped"]) == (3, None)
    assert report["llm"]["by_role"]["predict"]["calls"] == report["llm"]["calls"] > 4


def test_code_that_only_the_folder_of_a_run_names_is_not_called(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "stranger.py").write_text("open('called', 'w').close()\n\ndef say(request):\n    return '{}'\n")
    options = ["--learn", "0", "--rules", str(rules), "--episodes", "2", "--max-steps", "4", "--ask", "always"]
    model = ["--model", "scripted/stranger:say"]
    begun = agentwm("run", "alfworld", *options, *model, "--max-calls", "1", "--out", "run", cwd=tmp_path)
    assert begun.returncode == 3, begun.stderr
    (tmp_path / "called").unlink()
    refused = complaint(agentwm("run", "--resume", "run", "--max-calls", "400", cwd=tmp_path))
    assert "would call scripted/stranger:say, which is code: if you trust it, say so with --model" in refused
    other = complaint(agentwm("run", "--resume", "run", "--model", HOPEFUL, cwd=tmp_path))
    assert f"was begun with --model scripted/stranger:say, not {HOPEFUL}" in other
    assert not (tmp_path / "called").exists()
    resumed = agentwm("run", "--resume", "run", *model, "--max-calls", "400", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "called").exists(), "or the first assertion could not have failed"


def test_a_server_that_turns_us_away_is_one_sentence_that_says_how_to_go_on(rules: Path, tmp_path: Path) -> None:
    options = ["--learn", "0", "--rules", str(rules), "--episodes", "1", "--ask", "always", "--out", "run"]
    with FaultServer("401", for_ever=True) as server:
        model = ["--model", "openai/m", "--base-url", server.url]
        done = agentwm_here("run", "alfworld", *options, *model, cwd=tmp_path)
    assert complaint(done).endswith("the run is saved; go on with: agentwm run --resume run")


def test_no_key_is_in_any_file_of_a_run(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-to-be-seen")
    ask(roles=["predict", "propose"])
    for path in (tmp_path / "run").rglob("*"):
        assert path.is_dir() or b"never-to-be-seen" not in path.read_bytes(), path


def test_all_replies_on_record_are_replies(ask: Ask, tmp_path: Path) -> None:
    ask()
    assert all(isinstance(row.answer, Reply) for row in rows_of(tmp_path / "run/replies.jsonl"))
