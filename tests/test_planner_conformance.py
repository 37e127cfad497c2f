"""Every planner that is installed keeps the contract of planners, and so does the one of `examples/`; and each check is seen to fail."""

import importlib.util
import itertools
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentwm import build
from agentwm.errors import DecisionSpentError
from agentwm.planners.options import ground_actions
from agentwm.testing import CHECKS, WORLDS, World, check_planner, transcript
from agentwm.testing import planners as checks
from agentwm.testing.trial import why_illegal
from agentwm.types import (
    Action,
    ActionSchema,
    Fluent,
    Goal,
    Plan,
    Planner,
    PlannerParts,
    PlannerSpec,
    Query,
    State,
    Transition,
    Vocabulary,
)

Check = Callable[[PlannerSpec, World], None]

EXAMPLE = Path(__file__).parents[1] / "examples" / "add_a_planner"
MODULE = "agentwm_iterated_width"


def example() -> PlannerSpec:
    """Return the planner of the example, from its folder as it is."""
    found = importlib.util.spec_from_file_location(MODULE, EXAMPLE / f"{MODULE}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert isinstance(module.SPEC, PlannerSpec)
    return module.SPEC


def named(check: Check) -> str:
    return check.__name__


@pytest.mark.parametrize("check", CHECKS, ids=named)
@pytest.mark.parametrize("name", build.names("planners"))
def test_every_planner_installed_keeps_the_contract(name: str, check: Check) -> None:
    for world in WORLDS:
        check(build.planner(name), world)


def test_a_strangers_planner_keeps_the_contract() -> None:
    check_planner(example())


# --- from one process to another --------------------------------------------------------------------------------------

TOLD = """
from agentwm import build
from agentwm.testing import WORLDS, transcript
for name in build.names("planners"):
    for world in WORLDS:
        print(name, world.environment, *transcript(build.planner(name), world), sep="\\n")
"""


def test_plans_do_not_hang_on_how_this_process_hashes() -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TOLD],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    one, other = (process.communicate()[0].splitlines() for process in processes)
    assert not any(process.returncode for process in processes)
    assert one == other
    assert len(one) > 100


def test_another_seed_gives_another_transcript() -> None:
    locked = next(world for world in WORLDS if world.environment == "locks")
    told = {tuple(transcript(build.planner("reactive"), locked, seed=seed)) for seed in range(4)}
    assert len(told) > 1


# --- the worlds -------------------------------------------------------------------------------------------------------


def test_the_rules_given_win_a_household() -> None:
    [household] = [world for world in WORLDS if world.environment == "alfworld"]
    told = transcript(build.planner("mpc"), household, steps=50)
    assert len(told) < 50
    assert "reaches the goal" in told[-1]


# --- each check is seen to fail ---------------------------------------------------------------------------------------

Decide = Callable[[PlannerParts, State, Sequence[Transition]], Plan]


def anything(parts: PlannerParts, state: State, history: Sequence[Transition] = ()) -> Plan:
    """Return a plan as it should be, which takes no look ahead."""
    latest = history[-1].observation if history else parts.opening
    listed = None if latest is None else latest.actions
    possible = [a for a in ground_actions(state, parts.vocabulary) if listed is None or a in listed]
    if not possible:
        return Plan((), "nothing can be done")
    return Plan((parts.rng.choice(possible),), "does anything")


def planner_that(decides: Decide) -> PlannerSpec:
    class Made:
        def __init__(self, parts: PlannerParts) -> None:
            self.parts = parts

        def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:  # noqa: ARG002 -- a planner's
            return decides(self.parts, state, history)

    def make(parts: PlannerParts) -> Planner:
        return Made(parts)

    return PlannerSpec("made-up", "for a test", make)


def goes_round_the_meter(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    model: Any = parts.model
    for _ in range(60):
        model._model.predict([Query(state, anything(parts, state, history).actions[0])])
    return anything(parts, state, history)


def asks_for_ever(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    while (plan := anything(parts, state, history)).actions:
        with suppress(DecisionSpentError):
            parts.model.predict([Query(state, plan.actions[0])])
    return plan


def is_lost_without_an_answer(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    plan = anything(parts, state, history)
    if plan.actions:
        parts.model.predict([Query(state, plan.actions[0])])
    return plan


def trips_over_the_end(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    plans = [anything(parts, state, history) for _ in range(5)]
    queries = [Query(state, plan.actions[0]) for plan in plans if plan.actions]
    with suppress(DecisionSpentError):
        list(zip(plans, parts.model.predict(queries), strict=True))
    return plans[0]


def looks_too_far(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    first = plan = anything(parts, state, history)
    with suppress(DecisionSpentError):
        for _ in range(20):
            for action in ground_actions(state, parts.vocabulary):
                [prediction] = parts.model.predict([Query(state, action)])
                if any(state.get(fluent) != value for fluent, value in prediction.changes.items()):
                    break
            state = {**state, **prediction.changes}
    return replace(first, actions=plan.actions)


def plans_too_far(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    plan = anything(parts, state, history)
    return replace(plan, actions=plan.actions * 6)


def rations_itself(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    if parts.ration is not None:
        parts.ration.begin(None, None)
    list(itertools.islice(parts.policy.propose(state, Goal("")), 7))
    return anything(parts, state, history)


_drawn = random.Random(0)  # shared by all that is planned in this process


def draws_its_own_lots(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    return anything(replace(parts, rng=_drawn), state, history)


def heeds_no_list(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    return anything(replace(parts, opening=None), state, history[:0])


def makes_up_a_verb(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    return replace(anything(parts, state, history), actions=(Action("fly"),))


def says_nothing(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    return replace(anything(parts, state, history), reason="")


def finds_nothing_to_choose_from(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    return Plan((parts.rng.choice(anything(parts, state, history).actions),), "does anything")


def returns_none(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    none: Any = None
    return anything(parts, state, history) if history else none


def scribbles_on_the_state(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    assert isinstance(state, dict)
    state[Fluent("seen")] = True
    return anything(parts, state, history)


def scribbles_on_the_history(parts: PlannerParts, state: State, history: Sequence[Transition]) -> Plan:
    plan = anything(parts, state, history)
    if isinstance(history, list):
        history.clear()
    return plan


FAILURES: Mapping[Decide, tuple[Check, str]] = {
    goes_round_the_meter: (checks.check_budget, "at most 0 questions, got 60"),
    asks_for_ever: (checks.check_budget, "expected an end where the budget is spent"),
    is_lost_without_an_answer: (checks.check_budget, "a plan where something can be done, .*the budget was spent"),
    trips_over_the_end: (checks.check_budget, "a plan, perhaps without actions, got ValueError"),
    looks_too_far: (checks.check_depth, "to look at most 0 actions ahead, got [1-9]"),
    plans_too_far: (checks.check_depth, "no plan of more than 1 actions"),
    rations_itself: (checks.check_llm_calls, "at most 0 calls of the language model, got 7"),
    draws_its_own_lots: (checks.check_determinism, "the same plan again"),
    heeds_no_list: (checks.check_legality, "a first action that is listed"),
    makes_up_a_verb: (checks.check_legality, "has one of the verbs .*, got 'fly'"),
    says_nothing: (checks.check_legality, "a plan that says why"),
    finds_nothing_to_choose_from: (checks.check_no_plan, "a plan, perhaps without actions, got IndexError"),
    returns_none: (checks.check_legality, "a plan, perhaps without actions, got AttributeError"),
    scribbles_on_the_state: (checks.check_legality, "the state to be left as it was"),
    scribbles_on_the_history: (checks.check_legality, "the history to be left as it was"),
}


@pytest.mark.parametrize("check", CHECKS, ids=named)
def test_a_planner_that_does_anything_legal_keeps_the_contract(check: Check) -> None:
    for world in WORLDS:
        check(planner_that(anything), world)


@pytest.mark.parametrize("decides", FAILURES, ids=lambda decides: str(decides.__name__))
def test_what_breaks_the_contract_is_found_and_said(decides: Decide) -> None:
    check, message = FAILURES[decides]
    locked = next(world for world in WORLDS if world.environment == "locks")
    with pytest.raises(AssertionError, match=message):
        check(planner_that(decides), locked)
    with pytest.raises(AssertionError):
        check_planner(planner_that(decides))


def test_a_question_after_the_time_is_found() -> None:
    locked = next(world for world in WORLDS if world.environment == "locks")
    with pytest.raises(AssertionError, match="no question once the time is over"):
        checks.check_time(planner_that(goes_round_the_meter), locked)


WORDS = Vocabulary({}, {"put": ActionSchema("put", ("object", "shelf|table"), "put {0} on {1}")})
SORTED = {Fluent("sort", ("cup",)): "object", Fluent("sort", ("desk",)): "table", Fluent("sort", ("bed",)): "bed"}


@pytest.mark.parametrize(
    ("action", "wrong"),
    [
        (Action("put", ("cup", "desk")), None),
        (Action("put", ("cup", "bed")), "is done with a known shelf|table (not bed)"),
        (Action("put", ("cup", "moon")), "is done with a known shelf|table (not moon)"),
        (Action("put", ("cup",)), "has 2 arguments"),
        (Action("eat", ("cup",)), "has one of the verbs put"),
    ],
)
def test_a_legal_action_has_a_known_verb_and_known_things_of_its_sorts(action: Action, wrong: str | None) -> None:
    assert why_illegal(action, SORTED, WORDS) == wrong
    assert why_illegal(action, SORTED, WORDS, [action]) == wrong
    assert why_illegal(action, SORTED, WORDS, []) == (wrong or "is listed")


# --- the example as a package -----------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return a folder in which the example is installed, as pip does it."""
    pytest.importorskip("setuptools", reason="needs setuptools, which builds the example")
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(EXAMPLE, source)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named pip" in done.stderr:
        pytest.skip("needs pip")
    assert done.returncode == 0, done.stderr
    return target


def test_the_example_installed_is_found_by_its_name(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "iterated-width" not in build.names("planners")
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    try:
        assert "iterated-width" in build.names("planners")
        spec = build.planner("iterated-width")
        assert spec.name == "iterated-width"
        assert transcript(spec, WORLDS[0]) == transcript(example(), WORLDS[0])
    finally:
        sys.modules.pop(MODULE, None)


def test_the_example_names_itself_as_its_entry_point_does() -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["agentwm.planners"] == {example().name: f"{MODULE}:SPEC"}


def test_the_example_is_short() -> None:
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in EXAMPLE.glob("*.py")) < 60
