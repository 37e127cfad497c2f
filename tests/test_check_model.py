"""The blind test of a language model: fair questions, honest scores, the same report from the recording, and clear errors."""

import json
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentwm import RuleStore, RunConfig, build
from agentwm.backends.protocol import Answer, Backend, Request
from agentwm.backends.recording import head_of, rows_of
from agentwm.backends.scripted import Said, scripted
from agentwm.backends.wrapped import Wrapped
from agentwm.errors import ConfigurationError, ReplyMissingError, UnavailableError
from agentwm.evaluation.held_out import HeldOut, held_out
from agentwm.evaluation.learning import learned_from
from agentwm.evaluation.model_check import ModelCheck
from agentwm.evaluation.statistics import wilson_interval
from agentwm.llm import check_model as checking
from agentwm.llm.calibration import Calibration, Statement
from agentwm.llm.check_model import BLIND, BOTH, FIRST, RULES, TOLD, check_model
from agentwm.llm.world_model import LLMWorldModel
from agentwm.types import EnvironmentOptions, Query
from tests import llm_examples
from tests.conftest import agentwm_here, short_run
from tests.llm_examples import said
from tests.test_cli import agentwm, complaint

pytestmark = pytest.mark.usefixtures("no_official_games")

WORLD, LEARN, NUMBER = 7, 2, 12
OPTIONS = EnvironmentOptions(learning=True, altered=WORLD, count=LEARN + checking.HELD_OUT_GAMES, admissible=True)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that has learned a little of the altered household."""
    return short_run(tmp_path_factory.mktemp("runs") / "learned", "alfworld", altered=WORLD, learn=LEARN, episodes=0)


@pytest.fixture(scope="module")
def asked() -> HeldOut:
    """Return what is asked in these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ALFWORLD_DATA", raising=False)
        with closing(build.environment("alfworld").make(OPTIONS)) as environment:
            return held_out(environment, environment.tasks()[LEARN:], NUMBER, seed=0)


Check = Callable[..., ModelCheck]


@pytest.fixture
def check(rules: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Return a function that tests a model, which is a function of a request."""

    def check(script: Callable[[Request], Said] | None = None, predictions: int = NUMBER, **options: Any) -> ModelCheck:
        if script is not None:
            monkeypatch.setattr(llm_examples, "tested", script, raising=False)
            options["model"] = "scripted/tests.llm_examples:tested"
        given = {"environment": "alfworld", "altered": WORLD, "learn": LEARN, "rules": rules, **options}
        return check_model(RunConfig.parse(given), predictions=predictions)

    return check


def foretelling(p: float, changes: list[dict[str, Any]] | None = None) -> str:
    return json.dumps({"why": "so", "p_success": p, "changes": changes or [], "text": ""})


@pytest.fixture
def knowing(asked: HeldOut) -> Callable[[Request], str]:
    """Return a model that knows what comes of every command."""
    model = LLMWorldModel(scripted([]), build.prompt("predict"), asked.vocabulary)
    known = {}
    for _, each in asked.transitions:
        facts = said(model.request(Query(each.before, each.action))).partition("What the agent knows")[2]
        changes = [{"fluent": f.name, "args": list(f.args), "value": value} for f, value in each.changed.items()]
        known[facts] = foretelling(0.95 if each.succeeded else 0.05, changes)
    return lambda request: known[said(request).partition("What the agent knows")[2]]


# --- what is asked --------------------------------------------------------------------------------------------------------


def test_half_of_what_is_asked_fails_and_the_verbs_take_turns(asked: HeldOut) -> None:
    assert len(asked.transitions) == NUMBER
    for succeeded in (True, False):
        verbs = [each.action.verb for _, each in asked.transitions if each.succeeded is succeeded]
        assert len(verbs) == NUMBER // 2
        assert len(set(verbs)) >= 5
    assert not any(asked.vocabulary.actions[each.action.verb].inspects for _, each in asked.transitions)


def test_what_is_asked_is_drawn_by_the_seed_and_no_question_comes_twice(asked: HeldOut) -> None:
    with closing(build.environment("alfworld").make(OPTIONS)) as environment:
        tasks = environment.tasks()[LEARN:]
        again, other = (held_out(environment, tasks, NUMBER, seed=seed) for seed in (0, 1))
    assert again == asked
    assert other.transitions != asked.transitions
    assert len({(each.action, frozenset(each.before.items())) for _, each in asked.transitions}) == NUMBER


def test_nothing_is_asked_of_the_games_that_were_learned_from(asked: HeldOut) -> None:
    learned = build.environment("alfworld").make(EnvironmentOptions(learning=True, altered=WORLD, count=LEARN)).tasks()
    assert not set(learned) & {task for task, _ in asked.transitions}
    assert len(set(learned)) == LEARN


def test_rules_are_learned_as_in_a_run(rules: Path) -> None:
    with closing(
        build.environment("alfworld").make(EnvironmentOptions(learning=True, altered=WORLD, count=LEARN))
    ) as environment:
        learned = learned_from(environment, environment.tasks(), seed=0, max_steps=100)
    assert learned.rules.files() == RuleStore.load(rules).files()
    assert len(learned.trajectories) == LEARN


def test_the_rules_stand_in_half_of_the_questions_and_answers_of_the_world_in_none(check: Check) -> None:
    requests: list[Request] = []

    def noting(request: Request) -> str:
        requests.append(request)
        return foretelling(0.5)

    report = check(noting)
    bare = [request for request in requests if "Rules learned for this command:\n(none)" in said(request)]
    assert len(bare) >= NUMBER
    assert 0 < len(requests) - len(bare) <= NUMBER
    assert len(requests) == len(set(requests)) == report.calls
    assert all("seen before, to such a command if there were any:\n(none)" in said(request) for request in requests)


def test_all_questions_are_put_at_once(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []

    class Counting(Wrapped):
        def generate(self, requests: Any) -> list[Answer]:
            batches.append(len(requests))
            return super().generate(requests)

    def opened(config: RunConfig, _account: object, *, in_flight: int | None) -> Backend:
        assert in_flight == (None if config.base_url is None else 2 * NUMBER)
        return Counting(scripted(lambda _: foretelling(0.5)))

    monkeypatch.setattr(checking, "bare_backend", opened)
    report = check(model="scripted/x:y")
    assert batches == [report.calls]
    check(model="openai/relay", base_url="http://127.0.0.1:1/v1")


# --- how it is scored -----------------------------------------------------------------------------------------------------


def test_a_model_that_knows_is_right_about_everything(check: Check, knowing: Callable[[Request], str]) -> None:
    report = check(knowing)
    for way in (BLIND, TOLD):
        score = report.ways[way]
        assert (score.right, score.right_in_full, score.by_model) == (NUMBER, NUMBER, NUMBER)
        assert score.ci95 == wilson_interval(NUMBER, NUMBER)
        assert score.brier == pytest.approx(0.05**2)
    assert report.failing == NUMBER // 2
    assert sum(report.verbs.values()) == report.predictions == NUMBER


def test_rules_come_first_and_the_model_is_heard_where_they_are_silent(
    check: Check, knowing: Callable[[Request], str]
) -> None:
    report = check(knowing)
    assert 0 < report.silent < NUMBER
    assert report.ways[RULES].by_model == 0
    for way in (FIRST, BOTH):
        assert report.ways[way].by_model == report.silent
        assert report.ways[way].right == report.ruled_right + report.silent


def test_one_who_is_always_wrong_is_scored_so_and_calibration_mends_the_score(
    check: Check, knowing: Callable[[Request], str]
) -> None:
    def contrary(request: Request) -> str:
        return foretelling(1 - json.loads(knowing(request))["p_success"])

    score = check(contrary).ways[BLIND]
    assert (score.right, score.right_in_full) == (0, 0)
    assert score.brier == pytest.approx(0.95**2)
    assert score.brier_calibrated < score.brier


def test_what_is_stated_is_calibrated_on_the_other_games_alone(asked: HeldOut) -> None:
    rng = random.Random(0)

    class Stating:
        def statement(self, transition: Any) -> Statement | None:
            p = drawn[id(transition)]
            return None if p is None else Statement(transition.action.verb, p, transition.succeeded, p)

    drawn = {id(each): rng.choice([None, 0.2, 0.6, 0.95]) for _, each in asked.transitions}
    world = checking._World("train", RuleStore(), None, asked)
    found = checking._statements(Stating(), world)  # type: ignore[arg-type]
    for (task, each), statement in zip(asked.transitions, found, strict=True):
        if statement is None:
            assert drawn[id(each)] is None
            continue
        others = [Stating().statement(t) for name, t in asked.transitions if name != task]
        calibration = Calibration(tuple(other for other in others if other is not None))
        assert statement.believed == calibration.calibrated(statement.verb, statement.stated)
    assert any(statement is not None and statement.believed != statement.stated for statement in found)


def test_replies_that_cannot_be_used_are_not_right_and_the_rules_go_on_alone(check: Check) -> None:
    report = check(llm_examples.babbling)
    replies = report.asked[BLIND].replies
    assert replies.unusable == replies.questions == NUMBER
    assert (report.ways[BLIND].right, report.ways[BLIND].brier) == (0, 0.25)
    assert report.ways[FIRST] == report.ways[RULES]
    assert report.asked[BLIND].calibration == []


def test_a_reply_that_is_mended_when_asked_again_counts_as_second(check: Check) -> None:
    report = check(lambda request: "well" if len(request.messages) == 2 else foretelling(0.5))
    replies = report.asked[BLIND].replies
    assert (replies.first, replies.second, replies.unusable) == (0, NUMBER, 0)
    assert report.ways[BLIND].by_model == NUMBER


# --- recording and replay -------------------------------------------------------------------------------------------------


def test_the_replay_of_a_recording_gives_the_same_report_byte_for_byte(
    check: Check, knowing: Callable[[Request], str], tmp_path: Path
) -> None:
    record = tmp_path / "said.jsonl"
    live = check(knowing, record=record, said_by="one who knows", price=[1.0, 2.0])
    replays = [check(replay=record, price=[1.0, 2.0]).model_dump_json() for _ in range(2)]
    assert replays[0] == replays[1] == live.model_dump_json()
    assert live.said_by == head_of(record)["said_by"] == "one who knows"
    assert len(rows_of(record)) == live.calls <= 2 * NUMBER
    assert live.money == pytest.approx((live.input_tokens + 2 * live.output_tokens) / 1e6)


def test_a_recording_that_was_cut_off_is_gone_on_with(
    check: Check, knowing: Callable[[Request], str], tmp_path: Path
) -> None:
    record, answered = tmp_path / "said.jsonl", 0

    def tiring(request: Request) -> Said:
        nonlocal answered
        answered += 1
        return UnavailableError("the server is gone") if answered > 9 else knowing(request)

    whole = check(knowing, record=tmp_path / "whole.jsonl")
    with pytest.raises(UnavailableError, match="gone"):
        check(tiring, record=record)
    assert len(rows_of(record)) == 9
    answered = -1000
    resumed = check(tiring, record=record)
    assert answered + 1000 == whole.calls - 9
    assert resumed.ways == whole.ways
    assert len(rows_of(record)) == whole.calls


def test_what_was_not_recorded_is_not_replayed(check: Check, knowing: Callable[[Request], str], tmp_path: Path) -> None:
    record = tmp_path / "said.jsonl"
    check(knowing, record=record)
    with pytest.raises(ReplyMissingError, match="record it again"):
        check(replay=record, seed=1)


# --- what cannot be -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"environment": "locks", "rules": None}, "locks answers every command and reports no failure"),
        ({"environment": "alfword"}, "unknown environment 'alfword'"),
        ({"predictions": 5000}, "expected 2500 commands that work in 20 games of alfworld, found .*: ask for fewer"),
        ({"model": "opnai/gpt"}, "unknown backend 'opnai'"),
        ({"model": "gpt"}, "expected a model as BACKEND/NAME"),
        ({"record": "a", "replay": "b"}, "drop --record or --replay"),
    ],
)
def test_what_cannot_be_is_said(options: dict[str, Any], message: str, check: Check) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check(**{"model": "scripted/tests.llm_examples:hopeful", **options})


def test_a_world_without_games_left_to_ask_about_is_an_error() -> None:
    class Small:
        name = "small"

        def tasks(self) -> list[str]:
            return ["one", "two"]

    with pytest.raises(ConfigurationError, match=r"expected more than the 2 games to learn from.*small has 2"):
        checking._tasks(Small(), 2)  # type: ignore[arg-type]


# --- the command ----------------------------------------------------------------------------------------------------------


def test_the_command_prints_the_report_and_replays_it(
    check: Check, knowing: Callable[[Request], str], rules: Path, tmp_path: Path
) -> None:
    record = tmp_path / "said.jsonl"
    live = check(knowing, record=record)
    numbers = {"--altered": WORLD, "--learn": LEARN, "--predictions": NUMBER}
    options = [*(f"{name}={number}" for name, number in numbers.items()), f"--rules={rules}"]
    told = agentwm("check-model", *options, "--replay", record, "--json", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout == live.model_dump_json(indent=2) + "\n"
    page = agentwm_here("check-model", *options, "--replay", record, cwd=tmp_path)
    for expected in (f"altered world {WORLD}", f"{NUMBER} of {NUMBER}", *live.ways, "usable at once", "taken for"):
        assert expected in page.stdout


def test_the_command_wants_a_model(tmp_path: Path) -> None:
    assert "name it with --model BACKEND/NAME" in complaint(agentwm_here("check-model", cwd=tmp_path))


def test_a_file_that_is_no_recording_is_named(tmp_path: Path, rules: Path) -> None:
    (tmp_path / "other.txt").write_text("a poem\n")
    done = agentwm_here("check-model", "--replay", "other.txt", "--rules", rules, cwd=tmp_path)
    assert "expected a recording" in complaint(done)
