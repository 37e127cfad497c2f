"""What a run would ask is said before it asks: how often, at what length, what it costs, and how far that is known."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from rich.console import Console

from agentwm import RunConfig, run
from agentwm import dry_run as dry
from agentwm.backends.protocol import Message, Request
from agentwm.backends.recording import Recorder, questions_of
from agentwm.backends.schema import read_value
from agentwm.backends.scripted import scripted
from agentwm.backends.stand_in import least
from agentwm.dry_run import STAND_IN, dry_run
from agentwm.errors import ConfigurationError, ReplyStoreError
from agentwm.evaluation.forecast import Forecast, forecast_view
from agentwm.llm.critic import Judged
from agentwm.llm.inducer import InducedRules
from agentwm.llm.proposer import Proposed
from agentwm.llm.world_model import Foretold, foretold_form
from tests.backend_examples import asking
from tests.conftest import agentwm_here
from tests.test_cli import complaint

pytestmark = pytest.mark.usefixtures("no_official_games")

ASKED: dict[str, Any] = {"environment": "alfworld", "learn": 2, "episodes": 3, "max_steps": 12, "ask": "always"}


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def rules(household: Path) -> Path:
    """Return a run that has learned a little."""
    return household


Foresee = Callable[..., Forecast]


@pytest.fixture
def foresee(rules: Path) -> Foresee:
    """Return a function that says what a run would ask of a model that nobody reaches."""

    def foresee(**options: Any) -> Forecast:
        given = {"model": "openai/gpt", "base_url": "http://127.0.0.1:1/v1", "rules": rules}
        return dry_run(RunConfig.parse({**ASKED, "learn": 0, **given, **options}))

    return foresee


def page_of(forecast: Forecast) -> str:
    console = Console(width=400, color_system=None)
    with console.capture() as captured:
        console.print(forecast_view(forecast))
    return captured.get()


# --- how much is asked ----------------------------------------------------------------------------------------------------


def test_a_run_with_the_stand_in_asks_as_often_and_at_such_length_as_was_foreseen(
    foresee: Foresee, rules: Path, tmp_path: Path
) -> None:
    roles = ["predict", "propose", "judge"]
    forecast = foresee(roles=roles)
    options = {**ASKED, "learn": 0, "rules": rules, "roles": roles, "model": STAND_IN, "out": tmp_path / "run"}
    use = run(RunConfig.parse(options)).llm
    assert forecast.tried == forecast.episodes == 3
    assert set(forecast.roles) == set(use.by_role)
    for role, each in forecast.roles.items():
        assert each.questions == use.by_role[role].calls > 0
        assert each.questions * each.prompt_tokens == pytest.approx(use.by_role[role].input_tokens)
        assert 0 < each.shared_tokens < each.prompt_tokens <= each.longest_prompt_tokens
    assert forecast.questions == use.calls
    assert forecast.input_tokens == pytest.approx(use.input_tokens)
    assert sorted([*forecast.roles, *forecast.unasked]) == sorted(roles)


def test_of_many_games_a_few_are_tried_and_the_rest_is_reckoned(
    foresee: Foresee, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry, "TRIED", 2)
    few, many = foresee(episodes=2), foresee(episodes=30)
    assert (few.tried, many.tried) == (2, 2)
    assert many.roles["predict"].per_game == few.roles["predict"].per_game
    assert many.questions == 15 * few.questions
    each = many.roles["predict"]
    assert each.fewest <= each.per_game <= each.most


def test_what_is_asked_while_learning_is_not_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry, "TRIED", 1)
    config = RunConfig.parse({**ASKED, "model": "openai/gpt", "roles": ["induce"], "episodes": 50})
    induce = dry_run(config).roles["induce"]
    assert induce.questions == induce.learning > 0
    assert induce.per_game == 0


def test_nothing_is_asked_and_nothing_is_left_behind(tmp_path: Path, rules: Path) -> None:
    options = ["--learn=0", f"--rules={rules}", "--episodes=1", "--max-steps=6", "--ask=always"]
    done = agentwm_here("run", "alfworld", *options, "--model", "openai/gpt", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "nothing was asked yet" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_where_a_model_is_never_asked_nothing_is_foreseen(foresee: Foresee) -> None:
    forecast = foresee(ask="never")
    assert (forecast.questions, forecast.roles, forecast.tried, forecast.unasked) == (0, {}, 0, [])
    assert "asked nothing" in page_of(forecast)


def test_roles_in_which_nothing_was_asked_are_named(foresee: Foresee) -> None:
    forecast = foresee(roles=["predict", "propose"], ask="silent", episodes=1, max_steps=1)
    assert set(forecast.unasked) == {"predict", "propose"} - set(forecast.roles)
    assert forecast.unasked
    assert f"nothing was asked of the model to {', '.join(forecast.unasked)}" in page_of(forecast)


def test_games_given_up_for_want_of_an_idea_are_told_of(foresee: Foresee) -> None:
    options = {"rules": None, "ask": "silent", "episodes": 2, "max_steps": 12}
    forecast = foresee(roles=["predict", "propose"], **options)
    assert (forecast.given_up, forecast.steps_left) == (2, 12), "without rules nobody has an idea"
    assert "up to 24 steps in the whole run" in page_of(forecast)
    assert foresee(roles=["predict"], **options).given_up == 0, "nobody would be asked for one"


# --- what it costs --------------------------------------------------------------------------------------------------------


def test_the_cost_is_that_of_the_tokens_foreseen(foresee: Foresee) -> None:
    forecast = foresee(price=[2.0, 8.0, 0.5])
    [each] = forecast.roles.values()
    cost = forecast.cost
    assert cost is not None
    assert cost.expected == pytest.approx((2 * forecast.input_tokens + 8 * forecast.output_tokens) / 1e6, rel=1e-3)
    assert cost.cached == pytest.approx(cost.expected - 1.5 * each.questions * each.shared_tokens / 1e6)
    longer = each.questions * (each.longest_reply_tokens - each.reply_tokens)
    assert cost.longest_replies == pytest.approx(cost.expected + 8 * longer / 1e6)
    assert (each.longest_reply_tokens, foresee().cost) == (1024, None)
    uncached = foresee(price=[2.0, 8.0]).cost
    assert uncached is not None
    assert (uncached.expected, uncached.cached) == (cost.expected, None)


def test_it_is_said_which_budget_would_end_the_run(foresee: Foresee) -> None:
    budgets = {"max_calls": 5, "max_tokens": 10**7, "max_cost": 1.0, "max_seconds": 60.0}
    forecast = foresee(price=[2.0, 8.0], **budgets)
    found = forecast.budgets
    assert forecast.questions > 5
    assert found["calls"].reached_after == pytest.approx(5 / forecast.questions)
    assert found["tokens"].reached_after == pytest.approx(10**7 / (forecast.input_tokens + forecast.output_tokens))
    assert forecast.cost is not None
    assert found["cost"].reached_after == pytest.approx(1 / forecast.cost.expected)
    assert found["seconds"].reached_after is None
    page = page_of(forecast)
    assert f"--max-calls 5: would stop the run after about {5 / forecast.questions:.0%}" in page
    assert "--max-tokens 1e+07: enough, as it seems" in page
    assert "--max-seconds 60: not foreseen here" in page
    assert "no budget is set" not in page
    assert "no budget is set" in page_of(foresee())


# --- the page and the object ----------------------------------------------------------------------------------------------


def test_an_example_of_each_role_is_shown(foresee: Foresee) -> None:
    forecast = foresee(roles=["predict", "propose"])
    page = page_of(forecast)
    for role, each in forecast.roles.items():
        assert f"A question of the role {role}" in page
        assert each.example.user[:300].splitlines()[-1] in page
    assert "The command: " in forecast.roles["predict"].example.user
    assert forecast.roles["predict"].example.system.startswith("You are the world model")


def test_json_holds_all_of_it(rules: Path, tmp_path: Path) -> None:
    options = ["--learn=0", f"--rules={rules}", "--episodes=1", "--max-steps=6", "--ask=always", "--json"]
    done = agentwm_here("run", "alfworld", *options, "--model", "openai/gpt", "--dry-run", cwd=tmp_path)
    forecast = Forecast.model_validate(json.loads(done.stdout))
    assert forecast.roles["predict"].example.user.count("\n") > 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": None, "base_url": None, "ask": None}, "name one with --model"),
        ({"model": "opnai/gpt"}, "unknown backend 'opnai'"),
        ({"max_cost": 1.0}, "price of every model"),
        ({"environment": "alfword"}, "unknown environment"),
    ],
)
def test_what_cannot_be_is_said(options: dict[str, Any], message: str, foresee: Foresee) -> None:
    with pytest.raises(ConfigurationError, match=message):
        foresee(**options)


def test_a_replay_asks_nobody(foresee: Foresee) -> None:
    replayed = Path(__file__).parent / "data" / "no_rules.jsonl"
    with pytest.raises(ConfigurationError, match="no --replay"):
        foresee(model=None, base_url=None, replay=replayed)


def test_a_run_that_goes_on_is_not_foreseen(tmp_path: Path, rules: Path) -> None:
    assert "leave out --dry-run" in complaint(agentwm_here("run", "--resume", rules, "--dry-run", cwd=tmp_path))


# --- the stand-in, and what is read from a recording ----------------------------------------------------------------------


class Odd(BaseModel):
    """A form with all that a form may have."""

    name: Annotated[str, Field(min_length=3, max_length=5)]
    number: Annotated[int, Field(ge=2, le=5)]
    share: Annotated[float, Field(ge=-1, le=0.5)]
    which: Literal["one", "two"]
    either: Annotated[str, Field(max_length=3)] | bool | None
    or_else: Annotated[int, Field(ge=1, le=1)] | Literal["none"]
    is_so: bool
    parts: Annotated[list[Judged], Field(min_length=2, max_length=3)]


@pytest.mark.parametrize("form", [Foretold, foretold_form(("at", "in")), Proposed, Judged, InducedRules, Odd])
def test_the_stand_in_answers_in_every_form(form: type[BaseModel]) -> None:
    assert isinstance(read_value(least(asking(schema=form)), form), form)


def test_the_stand_in_says_that_it_knows_nothing() -> None:
    assert read_value(least(asking(schema=Foretold)), Foretold).p_success == 0.5
    assert least(asking(choices=("yes", "no"))) == "yes"
    assert least(asking())


def test_what_was_asked_is_read_from_a_recording_as_it_was_put(tmp_path: Path) -> None:
    head, tail = "You predict. " * 100, "The facts are: " * 100
    requests = [
        Request((Message("system", system), Message("user", user)), role=role, max_tokens=number)
        for number, (system, user, role) in enumerate(
            [(head, tail, "a"), (head, "one", "b"), ("short", tail, "a"), (head, head, "a"), (tail, "two", "b")], 1
        )
    ]
    again = replace(
        requests[1], messages=(*requests[1].messages, Message("assistant", "what?"), Message("user", "again"))
    )
    path = tmp_path / "said.jsonl"
    backend = Recorder(scripted(lambda _: "yes"), path)
    backend.generate(requests[:3])
    backend.generate([*requests[3:], again])
    assert '{"line":' in path.read_text()
    read = questions_of(path)
    assert [(each.role, each.messages, each.max_tokens) for each in read] == [
        (each.role, each.messages, each.max_tokens) for each in [*requests, again]
    ]


def test_a_recording_with_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    Recorder(scripted(lambda _: "yes"), path).generate([asking()])
    path.write_text(path.read_text().replace('"messages"', '"passages"'))
    with pytest.raises(ReplyStoreError, match=r"expected a request in .*said.jsonl:2"):
        questions_of(path)
