"""Presets: each a composition of roles that plays as it says, fills in what was not given, and contradicts nobody in silence."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agentwm import RuleStore, RunConfig, RunStore, build, run
from agentwm.backends.protocol import Request
from agentwm.backends.recording import questions_of
from agentwm.errors import ConfigurationError
from agentwm.exploration.curious import Curious
from agentwm.exploration.novelty import Novelty
from agentwm.presets import PRESETS, Preset
from agentwm.types import Goal, Plan, PlanningBudget, State, Transition
from tests import llm_examples
from tests.test_cli import agentwm, complaint
from tests.test_experiment import comparable, cut, lived

HOPEFUL = "scripted/tests.llm_examples:hopeful"
ASKING = [each for each in PRESETS.values() if each.needs_model]


@pytest.fixture(autouse=True)
def _no_official_games(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that has learned a little."""
    folder = tmp_path_factory.mktemp("runs") / "learned"
    run(RunConfig(environment="alfworld", learn=2, episodes=0, out=folder))
    return folder


def config(out: Path, rules: Path, **options: Any) -> RunConfig:
    given = {"environment": "alfworld", "learn": 0, "rules": rules, "episodes": 1, "max_steps": 6, "out": out}
    return RunConfig.parse({**given, **options})


# --- as data --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_is_made_of_what_there_is_and_says_where_it_comes_from(preset: Preset) -> None:
    assert preset.planner in build.names("planners")
    assert preset.source
    assert preset.differs
    assert preset.needs_model == (preset.ask is not None)
    assert "judge" not in preset.roles or "propose" in preset.roles


def test_no_preset_has_the_name_of_a_planner() -> None:
    assert not set(PRESETS) & set(build.names("planners"))


def test_the_default_is_ours() -> None:
    assert RunConfig(environment="alfworld").planner == PRESETS["agentwm"].planner


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_fills_in_what_was_not_given(preset: Preset) -> None:
    model = {"model": HOPEFUL} if preset.needs_model else {}
    filled = RunConfig.parse({"environment": "alfworld", "preset": preset.name, "planner": None, **model})
    assert (filled.planner, filled.ask, filled.roles or ()) == (preset.planner, preset.ask, preset.roles)
    assert (filled.decision_budget or PlanningBudget()) == preset.budget
    assert RunConfig.parse(filled.model_dump()) == filled, "what was filled in is no contradiction later"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "walle", "planner": "mcts"}, "the preset walle has planner veto, and mcts was asked for"),
        ({"preset": "rap", "ask": "silent"}, "the preset rap has ask always, and silent"),
        ({"preset": "rap", "roles": ["predict"]}, "the preset rap has roles propose,predict,judge, and predict"),
        ({"preset": "wale"}, "unknown preset 'wale'; there is: agentwm, react"),
        ({"preset": "onelife", "budget": "steps=3"}, "expected a budget"),
    ],
)
def test_what_contradicts_a_preset_is_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        RunConfig.parse({"environment": "alfworld", "model": HOPEFUL, **options})


def test_roles_that_decide_nothing_may_stand_beside_those_of_a_preset() -> None:
    roles = ("propose", "induce")
    given = RunConfig.parse({"environment": "alfworld", "preset": "reflexion", "model": HOPEFUL, "roles": roles})
    assert given.roles == roles


def test_how_far_is_looked_ahead_belongs_to_the_method_and_the_rest_of_a_budget_to_whoever_gives_one() -> None:
    def budget(text: str) -> PlanningBudget | None:
        return RunConfig(environment="alfworld", preset="rap", model=HOPEFUL, budget=text).decision_budget

    depth = PRESETS["rap"].budget.depth
    assert depth is not None
    assert budget("tokens=900") == PlanningBudget(tokens=900, depth=depth)
    assert budget(f"depth={depth + 1}") == PlanningBudget(depth=depth + 1)


def test_a_preset_that_asks_a_model_needs_one() -> None:
    for preset in ASKING:
        with pytest.raises(
            ConfigurationError, match=f"the preset {preset.name} asks a language model to propose.*--model"
        ):
            RunConfig.parse({"environment": "alfworld", "preset": preset.name})


def test_the_command_lists_papers_and_differences(tmp_path: Path) -> None:
    done = agentwm("presets", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = " ".join(done.stdout.split())
    for preset in PRESETS.values():
        assert preset.source in page
        assert " ".join(preset.differs.split()) in page
    assert "unknown preset 'wale'" in complaint(agentwm("run", "alfworld", "--preset", "wale", cwd=tmp_path))


# --- as they play ---------------------------------------------------------------------------------------------------------


def prompts(folder: Path, role: str) -> list[str]:
    asked = [each for each in questions_of(folder / "replies.jsonl") if each.role == role]
    return ["\n".join(message.text for message in each.messages) for each in asked]


def said_of_rules(prompt: str) -> str:
    return prompt.partition("in order:\n")[2].partition("\n\nHow to answer")[0]


@pytest.mark.parametrize("preset", ASKING, ids=lambda preset: preset.name)
def test_a_preset_plays_and_asks_for_its_roles_alone(preset: Preset, rules: Path, tmp_path: Path) -> None:
    report = run(config(tmp_path / "run", rules, preset=preset.name, model=HOPEFUL))
    assert report.preset == preset.name
    assert report.planning is not None
    assert (report.planning.planner, report.planning.decisions) == (preset.planner, 6)
    assert {"propose"} <= set(report.llm.by_role) <= set(preset.roles)
    known = RuleStore.load(rules)
    assert known.rules
    [first, *_] = prompts(tmp_path / "run", "propose")
    sentences = [rule.sentence() in first for rule in known.rules if not known.record(rule).is_guess]
    assert any(sentences) == ("rules" in preset.tells)
    assert ("found in" in said_of_rules(first)) == ("knowledge" in preset.tells)
    assert ("(receptacle): unexplored" in first) == ("scene" in preset.tells)
    assert (said_of_rules(first) == "(none)") == (not {"rules", "knowledge"} & set(preset.tells))


def test_what_the_paper_leaves_to_the_model_no_rule_does_for_it(rules: Path, tmp_path: Path) -> None:
    options = {"model": "scripted/tests.llm_examples:babbling", "max_steps": 20}
    babbling = run(config(tmp_path / "react", rules, preset="react", **options))
    assert [len(each) for each in lived(tmp_path / "react")] == [0], "nothing that was said can be done"
    assert babbling.llm.by_role["propose"].replies.unusable > 0
    run(config(tmp_path / "beside", rules, planner="reactive", ask="always", roles=["propose"], **options))
    assert [len(each) > 0 for each in lived(tmp_path / "beside")] == [True], "beside it, rules propose"


def in_vain_first(request: Request) -> str:
    """Propose what cannot be done before what can."""
    assert request.role == "propose"
    steps = ("heat apple 1 with fridge 1", "open fridge 1", "go to fridge 1")
    if "apple 1" not in llm_examples.said(request):
        steps = ("open fridge 1", "go to fridge 1", "go to microwave 1")
    plans = [{"steps": [step], "reaches_goal": False} for step in steps]
    return json.dumps({"why": "why not", "plans": plans})


def test_rules_veto_what_react_would_have_done(rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_examples, "in_vain_first", in_vain_first, raising=False)
    firsts = {}
    for name in ("react", "walle"):
        run(config(tmp_path / name, rules, preset=name, model="scripted/tests.llm_examples:in_vain_first", max_steps=1))
        [trajectory] = lived(tmp_path / name)
        firsts[name] = [(step.action.verb, step.succeeded) for step in trajectory]
    assert firsts == {"react": [("open", False)], "walle": [("go to", True)]}


def test_a_preset_is_resumed_as_it_was(rules: Path, tmp_path: Path) -> None:
    options = {"preset": "webdreamer", "model": HOPEFUL, "episodes": 2}
    calm = run(config(tmp_path / "calm", rules, **options))
    with pytest.raises(KeyboardInterrupt):
        run(config(tmp_path / "cut", rules, **options), progress=cut(4))
    with RunStore.open(tmp_path / "cut") as store:
        begun = RunConfig.parse(store.config | {"out": tmp_path / "cut"})
    assert comparable(run(begun, resume=True))["planning"] == comparable(calm)["planning"]
    assert lived(tmp_path / "cut") == lived(tmp_path / "calm")


# --- exploring for learning alone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("explore", [False, True])
def test_who_explores_is_told_of_no_goal(*, explore: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goals: list[Goal] = []
    ideas = Curious._ideas

    def told(self: Curious, state: State, goal: Goal, history: Sequence[Transition]) -> Iterator[Plan | None]:
        goals.append(goal)
        return ideas(self, state, goal, history)

    monkeypatch.setattr(Curious, "_ideas", told)
    run(RunConfig(environment="alfworld", learn=1, episodes=0, explore=explore, out=tmp_path / "run"))
    assert {bool(goal.text or goal.conditions) for goal in goals} == {not explore}


@pytest.mark.parametrize("explore", [False, True])
def test_who_explores_practises_no_reward(*, explore: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Novelty] = []
    make = Novelty.__init__

    def noted(self: Novelty, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        made.append(self)

    monkeypatch.setattr(Novelty, "__init__", noted)
    run(RunConfig(environment="gamble", learn=8, episodes=0, explore=explore, out=tmp_path / "run"))
    assert any(each._is_worth_practice(Goal(""), ()) for each in made) == (not explore)


def test_exploring_tries_and_learns(tmp_path: Path) -> None:
    report = run(RunConfig(environment="alfworld", learn=4, episodes=0, explore=True, out=tmp_path / "run"))
    assert report.explored
    working = {rule.verb for rule in RuleStore.load(tmp_path / "run").rules if rule.predicts_success}
    assert {"go to", "open", "take", "move"} <= working
    tried = {step.action.verb for each in lived(tmp_path / "run") for step in each}
    assert {"heat", "cool", "clean", "slice", "use"} <= tried


def test_exploring_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    events: list[object] = []
    given = RunConfig(environment="alfworld", learn=2, episodes=1, explore=True, out=tmp_path / "calm")
    calm = run(given, progress=events.append)
    with pytest.raises(KeyboardInterrupt):
        run(given.model_copy(update={"out": tmp_path / "cut"}), progress=cut(len(events) // 2))
    resumed = run(given.model_copy(update={"out": tmp_path / "cut"}), resume=True)
    assert comparable(resumed) == comparable(calm)
    assert lived(tmp_path / "cut") == lived(tmp_path / "calm")
