"""What if: candidate futures side by side, from a state or from a step on record, and plans made again there without the world."""

import json
import sys
from pathlib import Path

import pytest

from agentwm import Agent, RuleStore, RunConfig, RunStore, build, parse_rule, run
from agentwm.cli import main
from agentwm.commands import CommandReader
from agentwm.errors import ConfigurationError, RunStoreError
from agentwm.evaluation.evidence import vocabulary_of
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.store import Record
from agentwm.types import (
    Action,
    EnvironmentOptions,
    Fluent,
    Outcome,
    PlanningBudget,
    Prediction,
    Query,
    Vocabulary,
)
from agentwm.what_if import WhatIf, moment_of, replan, what_if
from agentwm.what_if.objects import what_if_object
from agentwm_environments.alfworld.environment import AlfworldEnvironment
from agentwm_environments.small import gamble
from tests.conftest import Begin, Live, Said

HOLDING, AT = Fluent("holding"), Fluent("at")
TAKE, FRIDGE = "take apple 1 from countertop 1", "go to fridge 1"


@pytest.fixture(scope="module")
def trusted(true_rules: RuleStore) -> RuleStore:
    """Return the true rules as they are after much has been seen to bear them out."""
    return RuleStore(true_rules.rules, {rule.id: Record(supports=1000) for rule in true_rules.rules})


@pytest.fixture
def asked(begin: Begin, trusted: RuleStore, words: Vocabulary) -> WhatIf:
    state = begin("go to countertop 1").state
    return Agent(trusted).what_if(state, [TAKE, FRIDGE, f"{FRIDGE}; open fridge 1", "open fridge 1"], words)


def by_the_truth(*candidates: str | list[Action]) -> WhatIf:
    """Return what comes of ``candidates`` at the fork of the gamble, by its true rules."""
    world = gamble.make(EnvironmentOptions(count=1))
    state = world.reset(world.tasks()[0]).facts
    store = RuleStore(tuple(map(parse_rule, gamble.TRUE_RULES.splitlines())))
    return Agent(store).what_if(state, candidates, world.vocabulary)


# --- futures ---------------------------------------------------------------------------------------------------------------


def test_each_candidate_has_its_futures_its_reasons_and_its_confidence(asked: WhatIf, trusted: RuleStore) -> None:
    taking, _, _, opening = asked.courses
    assert taking.futures[0].changes == {HOLDING: "apple 1", Fluent("in", ("apple 1",)): None}
    assert sum(future.probability for future in taking.futures) == pytest.approx(1)
    [rule] = taking.steps[0].rules
    assert taking.steps[0].rules[rule] == trusted.find(rule).sentence()
    assert taking.confidence == taking.steps[0].confidence > 0.99
    assert taking.veto is None
    assert opening.steps[0].sources == ("frame",)


def test_chance_is_shown_outcome_by_outcome_with_what_it_pays() -> None:
    [risky, safe] = by_the_truth("risky", "safe; on").courses
    assert [(f.probability, f.reward, f.is_end) for f in risky.futures] == [(0.6, 2, True), (0.4, -10, True)]
    assert [(f.probability, f.reward, f.is_end) for f in safe.futures] == [(1.0, 1, True)]
    assert [step.command for step in safe.steps] == ["safe", "on"]


def test_a_course_ends_where_the_episode_does() -> None:
    [course] = by_the_truth([Action("risky"), Action("on")]).courses
    assert len(course.actions) == 2
    assert [step.command for step in course.steps] == ["risky"]


def test_the_futures_of_a_course_are_those_of_following_every_outcome_of_every_action() -> None:
    class Coin:
        """Moves on with 0.7 and else stays."""

        def predict(self, queries: list[Query]) -> list[Prediction]:
            return [
                Prediction((Outcome(0.7, {AT: f"{query.state[AT]}'"}), Outcome(0.3)), 0.9, "llm") for query in queries
            ]

    words = gamble.VOCABULARY
    found = what_if(Coin(), {AT: "a"}, [[Action("on")] * 2], words, rules=RuleStore())  # type: ignore[arg-type]  # a list will do
    [course] = found.courses
    chances = {future.changes.get(AT, "a"): future.probability for future in course.futures}
    assert chances == pytest.approx({"a''": 0.49, "a'": 0.42, "a": 0.09})
    assert course.confidence == pytest.approx(0.81)
    assert "a language model says so" in str(found)


def test_changes_that_are_undone_on_the_way_are_no_changes(begin: Begin, trusted: RuleStore, words: Vocabulary) -> None:
    state = begin("go to countertop 1").state
    found = Agent(trusted).what_if(state, [f"{TAKE}; move apple 1 to countertop 1"], words)
    assert found.courses[0].futures[0].changes == {}


def test_where_futures_part_is_every_fact_in_which_they_differ_and_no_other(asked: WhatIf) -> None:
    parted = {parting.about: parting.chances for parting in asked.partings}
    assert {HOLDING, AT, "success"} <= set(parted)
    assert [max(chances, key=lambda value: chances[value]) for chances in parted[AT]] == [
        "countertop 1",
        "fridge 1",
        "fridge 1",
        "countertop 1",
    ]
    assert "reward" not in parted
    assert by_the_truth("risky", "risky").partings == ()


def test_what_is_vetoed_says_by_which_rule(begin: Begin, trusted: RuleStore, words: Vocabulary) -> None:
    state = begin("go to countertop 1").state
    [course] = Agent(trusted).what_if(state, ["go to countertop 1"], words).courses
    assert course.veto is not None
    assert "failure" in next(iter(course.veto.rules.values()))


def test_the_table_says_probabilities_changes_reasons_and_where_futures_part(asked: WhatIf) -> None:
    text = str(asked)
    for said in (
        TAKE,
        "holding() = apple 1",
        "because",
        "take ?o ?r when",
        "no rule speaks (frame)",
        "where they part",
        "%",
    ):
        assert said in text
    assert "\x1b" not in text
    assert json.loads(json.dumps(what_if_object(asked)))["courses"][0]["command"] == TAKE


# --- commands ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("frobnicate", "commands look like 'look', 'inventory', 'go to <receptacle>'"),
        ("take apple 7 from countertop 1", "got 'apple 7'; there is: apple 1"),
        ("go to apple 1", "something known as receptacle"),
        (" ; ", "got nothing"),
    ],
)
def test_a_command_that_cannot_be_read_is_an_error_that_says_what_can(
    command: str, said: str, begin: Begin, trusted: RuleStore, words: Vocabulary
) -> None:
    state = begin("go to countertop 1").state
    with pytest.raises(ConfigurationError, match=said.replace("?", r"\?")):
        Agent(trusted).what_if(state, [command], words)


def test_a_command_is_read_as_the_environment_writes_it(begin: Begin, words: Vocabulary) -> None:
    state = begin("go to countertop 1").state
    assert CommandReader(words).expect(TAKE, state) == Action("take", ("apple 1", "countertop 1"))


# --- a step on record -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that learned from a few generated games and then played one."""
    folder = tmp_path_factory.mktemp("what-if") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ALFWORLD_DATA", raising=False)
        run(RunConfig(environment="alfworld", learn=3, episodes=1, seed=1, max_steps=15, out=folder))
    return folder


def told(*arguments: str | int | Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.setattr(sys, "argv", ["agentwm", "what-if", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return Said(int(ended.value.code or 0), said.out, said.err)


def test_a_moment_is_what_was_believed_before_the_step(played: Path) -> None:
    with RunStore.open(played) as records:
        lived = records.trajectory(3).transitions
        moments = [moment_of(records, 3, step) for step in range(1, len(lived) + 1)]
        assert [moment.state for moment in moments] == [each.before for each in lived]
        assert all(moment.history + moment.lived == lived for moment in moments)
        with pytest.raises(RunStoreError, match=f"1 to {len(lived)}, got 0"):
            moment_of(records, 3, 0)
        with pytest.raises(RunStoreError, match="it has episodes 0 to 3"):
            moment_of(records, 9, 1)


def test_what_really_happened_stands_beside_the_command_that_was_done(
    live: Live, trusted: RuleStore, words: Vocabulary
) -> None:
    lived = live("go to countertop 1", TAKE, FRIDGE).transitions
    model = AlignedModel.symbolic(trusted, words)
    candidates = [TAKE, FRIDGE, f"{TAKE}; {FRIDGE}"]
    found = what_if(model, lived[1].before, candidates, words, rules=trusted, lived=lived[1:])
    taken, gone, both = found.courses
    assert taken.happened is not None
    assert taken.happened.future == 0
    assert taken.happened.changes == {HOLDING: "apple 1", Fluent("in", ("apple 1",)): None}
    assert gone.happened is None
    assert both.happened is not None
    assert both.happened.changes[AT] == "fridge 1"
    assert "✓ as in future 1" in str(found)


def test_what_no_future_foretold_is_said_to_be_in_none(live: Live, words: Vocabulary) -> None:
    wrong = parse_rule("take ?o ?r when in(?o) is ?r then 1.00 success: on(?o) becomes true")
    store = RuleStore((wrong,))
    lived = live("go to countertop 1", TAKE).transitions
    model = AlignedModel.symbolic(store, words)
    found = what_if(model, lived[1].before, [TAKE], words, rules=store, lived=lived[1:])
    assert found.courses[0].happened is not None
    assert found.courses[0].happened.future is None
    assert "✗ in none of these futures" in str(found)


def test_no_step_of_the_world_is_done(
    played: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the world was stepped")

    monkeypatch.delenv("ALFWORLD_DATA", raising=False)
    monkeypatch.setattr(AlfworldEnvironment, "step", never)
    said = told(played, 3, 2, "--planner", "beam", "--budget", "200", capsys=capsys, monkeypatch=monkeypatch)
    assert said.code == 0, said.err
    assert "beam chooses" in said.out


@pytest.mark.parametrize("planner", build.names("planners"))
def test_any_planner_plans_again_within_its_budget_and_the_same_for_the_same_seed(played: Path, planner: str) -> None:
    budget = PlanningBudget(model_calls=60)
    with RunStore.open(played) as records, pytest.MonkeyPatch.context() as patch:
        patch.delenv("ALFWORLD_DATA", raising=False)
        words = vocabulary_of(records, build.environment("alfworld"), 3)
        moment = moment_of(records, 3, 3)
    again = [
        replan(moment, build.planner(planner), RuleStore.load(played), words, budget=budget, seed=5) for _ in range(2)
    ]
    assert again[0].plan.actions == again[1].plan.actions
    assert again[0].plan.spent.model_calls <= 60
    assert len(again[0].plans) == len(again[0].imagined.courses)
    assert [plan.actions for plan in again[0].plans] == [course.actions for course in again[0].imagined.courses]


def test_the_command_shows_the_futures_the_plan_and_what_was_done(
    played: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)
    with RunStore.open(played) as records:
        step = records.steps(3)[1]
    said = told(played, 3, 2, capsys=capsys, monkeypatch=monkeypatch)
    assert "before step 2 of episode 3" in said.out
    assert "happened" in said.out
    found = json.loads(told(played, 3, 2, "--json", capsys=capsys, monkeypatch=monkeypatch).out)
    assert found["courses"][0]["happened"]["success"] is (step.transition is not None and step.transition.succeeded)
    assert found["courses"][0]["command"] == found["done"]
    planned = json.loads(
        told(played, 3, 2, "look", "--planner", "best-of-n", "--json", capsys=capsys, monkeypatch=monkeypatch).out
    )
    assert planned["planner"]["name"] == "best-of-n"
    assert planned["planner"]["chosen"] == planned["planner"]["considered"][0]["command"]
    assert planned["courses"][0]["command"] == "look"


def test_other_rules_foretell_other_futures(
    played: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)
    RuleStore((parse_rule("look then 1.00 failure"),)).save(tmp_path / "rules")
    said = told(played, 3, 2, "look", "--rules", tmp_path / "rules", capsys=capsys, monkeypatch=monkeypatch)
    assert "look then 1.00 failure" in said.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["9", "1"], "it has episodes 0 to 3"),
        (["3", "99"], "expected a step of episode 3"),
        (["3", "1", "frobnicate"], "commands look like"),
        (["3", "1", "--planner", "bean"], "Did you mean beam?"),
        (["3", "1", "--budget", "9"], "expected a --planner"),
        (["3", "1", "--planner", "mpc", "--budget", "much"], "expected a number, 0 or more"),
        (["3", "1", "--rules", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str],
    said: str,
    played: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)
    answered = told(played, *arguments, capsys=capsys, monkeypatch=monkeypatch)
    assert answered.code == 2
    assert said in answered.err
    assert answered.err.count("\n") == 1


def test_an_episode_that_keeps_no_steps_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ALFWORLD_DATA", raising=False)
        run(RunConfig(environment="alfworld", learn=0, episodes=1, max_steps=1, out=folder))
    with RunStore.resume(folder) as records:
        goal = records.trajectory(0).goal
        records.begin_episode(1, "play", "another", "none", goal)
        with pytest.raises(RunStoreError, match="keeps none: choose another"):
            moment_of(records, 1, 1)
