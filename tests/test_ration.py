"""What one decision may ask of a language model: exact to the call, the same for fresh and remembered replies, and no end of the run."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from agentwm import RuleStore, RunConfig, RunStore, build, run
from agentwm.agent import Episode, play
from agentwm.backends.accounts import Account
from agentwm.backends.layers import layered
from agentwm.backends.protocol import Answer, Reply, Request
from agentwm.backends.rationed import Allowance, Rationed
from agentwm.backends.scripted import scripted
from agentwm.errors import DecisionSpentError, RunStoreError
from agentwm.llm.critic import LLMCritic
from agentwm.llm.mind import LLMMind
from agentwm.llm.world_model import LLMWorldModel
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.meter import MeteredModel
from agentwm.records import EpisodeWriter
from agentwm.types import Action, EnvironmentOptions, Fluent, Goal, PlanningBudget, Prediction, Query
from tests import llm_examples
from tests.backend_examples import BAD, GOOD, Counting, Guess, asking, texts
from tests.test_experiment import comparable, cut, lived
from tests.tiny_world import CELLS, WORDS

HOPEFUL = "scripted/tests.llm_examples:hopeful"
ROLES = ("predict", "propose", "judge")


@pytest.fixture(autouse=True)
def _no_official_games(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


def refused(answers: Sequence[Answer]) -> list[bool]:
    return [isinstance(each, DecisionSpentError) for each in answers]


# --- the layer ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", range(7))
def test_of_a_batch_exactly_as_many_go_through_as_are_allowed(most: int) -> None:
    inner, allowance = Counting(), Allowance()
    allowance.begin(most, None)
    answers = Rationed(inner, allowance).generate([asking(f"{number}?") for number in range(5)])
    assert refused(answers) == [number >= most for number in range(5)]
    assert len(inner.asked) == min(most, 5)
    assert allowance.end() == (min(most, 5), 12 * min(most, 5))


def test_a_second_asking_counts() -> None:
    inner, allowance = scripted([BAD, GOOD, BAD, GOOD]), Allowance()
    backend = layered(inner, Account(), allowance=allowance)
    allowance.begin(3, None)
    [first] = backend.generate([asking("one", schema=Guess)])
    assert isinstance(first, Reply)
    assert first.is_second
    [second] = backend.generate([asking("two", schema=Guess)])
    assert isinstance(second, DecisionSpentError), (
        "its first reply was of no use, and there was no call left for another"
    )
    assert allowance.end()[0] == 3


def test_once_the_tokens_are_reached_nothing_more_is_begun() -> None:
    inner, allowance = Counting(), Allowance()
    backend = Rationed(inner, allowance)
    allowance.begin(None, 20)
    assert refused([*backend.generate([asking("a")]), *backend.generate([asking("b")])]) == [False, False]
    assert refused(backend.generate([asking("c")])) == [True]
    assert allowance.end() == (2, 24), "the second was begun at 12 of 20"


def test_before_and_after_a_decision_there_is_no_limit() -> None:
    allowance = Allowance()
    backend = Rationed(Counting(), allowance)
    assert len(texts(backend.generate([asking(f"{number}?") for number in range(9)]))) == 9
    allowance.begin(0, 0)
    assert refused(backend.generate([asking()])) == [True]
    allowance.end()
    assert refused(backend.generate([asking()])) == [False]


def test_a_remembered_reply_counts_like_a_fresh_one(tmp_path: Path) -> None:
    inner, allowance = Counting(), Allowance()
    backend = layered(inner, Account(), record=tmp_path / "r.jsonl", so_far=[], allowance=allowance)
    spent = []
    for _ in range(2):
        allowance.begin(1, None)
        assert refused([*backend.generate([asking("one")]), *backend.generate([asking("two")])]) == [False, True]
        spent.append(allowance.end())
    assert spent[0] == spent[1] == (1, 12)
    assert len(inner.asked) == 1


def test_a_cached_reply_counts_like_a_fresh_one(tmp_path: Path) -> None:
    spent = []
    for _ in range(2):
        allowance = Allowance()
        backend = layered(Counting(), Account(), cache=tmp_path / "c.db", cache_mode="write", allowance=allowance)
        allowance.begin(1, None)
        assert refused([*backend.generate([asking("one")]), *backend.generate([asking("two")])]) == [False, True]
        spent.append(allowance.end())
        backend.close()
    assert spent[0] == spent[1]


# --- those who ask --------------------------------------------------------------------------------------------------------


def allowing(most: int, script: Callable[[Request], str] = llm_examples.hopeful) -> Any:
    """Return a backend in the midst of a decision that may make ``most`` calls."""
    allowance = Allowance()
    allowance.begin(most, None)
    return layered(scripted(script), Account(), allowance=allowance)


def test_a_batch_is_foretold_as_far_as_the_calls_go() -> None:
    queries = [Query({**CELLS, Fluent("wood"): wood}, Action("act")) for wood in range(5)]
    for ask, rules in (("always", RuleStore()), ("silent", RuleStore())):
        world = LLMWorldModel(allowing(3), build.prompt("predict"), WORDS, rules=rules)
        model = AlignedModel.symbolic(rules, WORDS).asking(world, ask)  # type: ignore[arg-type]
        assert [each.source for each in model.predict(queries)] == ["llm"] * 3
        assert [each.source for each in model.predict(queries[:3])] == ["llm"] * 3, "what is known is not asked again"
        with pytest.raises(DecisionSpentError):
            model.predict(queries[3:])


def test_states_that_could_not_be_judged_any_more_count_as_far() -> None:
    states = [{**CELLS, Fluent("wood"): wood} for wood in range(4)]
    critic = LLMCritic(allowing(2), build.prompt("judge"), WORDS)
    assert critic.judge(states, Goal("wood")) == [0.1, 0.1, 0.0, 0.0]
    with pytest.raises(DecisionSpentError):
        critic.judge(states[2:], Goal("wood"))


class Counted(Allowance):
    """An allowance that keeps, per decision, how many requests came through to ``model``, as the model itself counts them."""

    def __init__(self, model: Callable[[], int]) -> None:
        super().__init__()
        self._model = model
        self._begun = 0
        self.decisions: list[tuple[int, int]] = []

    def begin(self, calls: int | None, tokens: int | None) -> None:
        super().begin(calls, tokens)
        self._begun = self._model()

    def end(self) -> tuple[int, int]:
        calls, tokens = super().end()
        self.decisions.append((self._model() - self._begun, calls))
        return calls, tokens


@pytest.mark.parametrize("planner", build.names("planners"))
def test_no_planner_asks_a_language_model_more_often_than_a_decision_may(planner: str) -> None:
    asked: list[Request] = []

    def moody(request: Request) -> str:
        """Answer nothing of use every third time, so that it has to be asked again."""
        asked.append(request)
        return "well ..." if len(asked) % 3 == 0 else several(request)

    allowance = Counted(lambda: len(asked))
    backend = layered(scripted(moody), Account(), allowance=allowance)
    mind = LLMMind(backend, {role: build.prompt(role) for role in ROLES}, ask="always", ration=allowance)
    environment = build.environment("alfworld").make(EnvironmentOptions(count=1))
    episode = Episode(environment, environment.tasks()[0])
    budget = PlanningBudget(llm_calls=3, depth=4)
    acting = mind.acting(build.planner(planner), RuleStore(), episode, rng=random.Random(0), budget=budget)
    spent = []
    play(episode, acting, max_steps=5, before_step=lambda _action, _prediction, plan: spent.append(plan.spent))
    environment.close()
    assert allowance.decisions
    assert all(through == counted <= 3 for through, counted in allowance.decisions)
    assert [each.llm_calls for each in spent] == [calls for _, calls in allowance.decisions[: len(spent)]]
    assert max(calls for _, calls in allowance.decisions) > 0, "it does ask"


def several(request: Request) -> str:
    """Answer as `llm_examples.hopeful`, with several plans to weigh."""
    if request.role != "propose":
        return llm_examples.hopeful(request)
    steps = [f"go to {kind} 1" for kind in ("fridge", "microwave", "sinkbasin")]
    plans = [{"steps": [step, "look"], "reaches_goal": False} for step in steps]
    return json.dumps({"why": "look there", "plans": plans})


# --- whole runs -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "learned"
    run(RunConfig(environment="alfworld", learn=2, episodes=0, out=folder))
    return folder


def config(out: Path, rules: Path, **options: Any) -> RunConfig:
    given = {"environment": "alfworld", "learn": 0, "rules": rules, "episodes": 2, "max_steps": 8, "out": out}
    return RunConfig.parse({**given, **options})


def test_a_budget_that_is_none_is_told_at_once() -> None:
    with pytest.raises(Exception, match="expected a budget such as model_calls=500"):
        RunConfig(environment="alfworld", budget="models=3")


@pytest.mark.parametrize("text", ["500", "model_calls=1000000,seconds=0.25", "llm_calls=0,tokens=12345678,depth=4"])
def test_a_budget_is_kept_as_it_was_given(text: str) -> None:
    kept = RunConfig(environment="alfworld", budget=text)
    assert kept.decision_budget == PlanningBudget.parse(text)
    assert RunConfig.parse(kept.model_dump()) == kept


def test_a_decision_that_is_spent_does_not_end_the_run(rules: Path, tmp_path: Path) -> None:
    asking_always = {"model": HOPEFUL, "ask": "always", "roles": ROLES, "planner": "mcts", "budget": "llm_calls=2"}
    report = run(config(tmp_path / "run", rules, **asking_always))
    assert report.stopped is None
    assert report.episodes == 2
    assert report.planning is not None
    assert 0 < report.planning.llm_calls <= 2 * report.planning.decisions
    assert report.planning.tokens > 0


def test_what_ends_a_decision_outside_of_one_is_no_end_of_the_run(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = DecisionSpentError("out of place")
    monkeypatch.setattr(llm_examples, "spending", lambda _request: spent, raising=False)
    options = {"model": "scripted/tests.llm_examples:spending", "ask": "always", "roles": ["predict"]}
    with pytest.raises(DecisionSpentError, match="out of place"):
        run(config(tmp_path / "run", rules, **options))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_run_that_was_cut_off_decides_and_spends_as_if_it_had_not_been(
    share: float, rules: Path, tmp_path: Path
) -> None:
    options = {"model": HOPEFUL, "ask": "always", "roles": ROLES, "planner": "best-of-n", "budget": "llm_calls=3"}
    events: list[object] = []
    calm = run(config(tmp_path / "calm", rules, **options), progress=events.append)
    with pytest.raises(KeyboardInterrupt):
        run(config(tmp_path / "cut", rules, **options), progress=cut(int(share * len(events))))
    resumed = run(config(tmp_path / "cut", rules, **options), resume=True)
    assert lived(tmp_path / "cut") == lived(tmp_path / "calm")
    assert comparable(resumed)["planning"] == comparable(calm)["planning"]
    assert resumed.planning is not None
    assert resumed.planning.seconds > 0


def hurried(_self: MeteredModel, _queries: Sequence[Query]) -> list[Prediction]:
    raise DecisionSpentError("no time at all")


@pytest.mark.parametrize(("budget", "goes_on"), [("seconds=60", True), ("model_calls=9999", False)])
def test_what_was_decided_in_time_stands_though_there_is_less_time_now(
    *, budget: str, goes_on: bool, rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where decisions are not held to seconds, other decisions are an error, as ever."""
    options = {"planner": "best-of-n", "budget": budget, "episodes": 1, "max_steps": 6}
    with pytest.raises(KeyboardInterrupt):
        run(config(tmp_path / "run", rules, **options), progress=cut(3))
    with RunStore.open(tmp_path / "run") as store:
        before, spent = store.trajectory(0), store.episode(0).spent
    assert len(before) >= 3
    monkeypatch.setattr(MeteredModel, "predict", hurried)
    monkeypatch.setattr("agentwm.planners.outlook.Outlook.proposals", ())
    if not goes_on:
        with pytest.raises(RunStoreError, match="cannot resume"):
            run(config(tmp_path / "run", rules, **options), resume=True)
        return
    report = run(config(tmp_path / "run", rules, **options), resume=True)
    with RunStore.open(tmp_path / "run") as store:
        after = store.trajectory(0)
    assert after.transitions[: len(before)] == before.transitions
    assert report.planning is not None
    assert report.planning.model_calls >= spent.model_calls > 0, "what the first decisions took is still known"


def test_what_decisions_took_is_on_record_before_they_are_carried_out(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(EpisodeWriter, "record", lambda _writer, _transition: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(config(tmp_path / "run", rules, planner="best-of-n"))
    with RunStore.open(tmp_path / "run") as store:
        [episode] = store.episodes()
    assert (episode.status, episode.spent.decisions) == ("running", 1)
    assert episode.spent.model_calls > 0
