"""The meter: no budget is overdrawn, what is spent is told, and a planner that is stopped still answers."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm.backends.rationed import Allowance
from agentwm.errors import ConfigurationError, DecisionSpentError
from agentwm.planners.meter import MeteredModel, MeteredPlanner, until_spent
from agentwm.types import Action, Goal, Outcome, Plan, PlanningBudget, Prediction, Query, Spent, State, Transition

QUERY = Query({}, Action("wait"))
SAID = Prediction((Outcome(1.0),), 1.0, "rules")
GOAL = Goal("rest")


class Counting:
    """A world model that counts, and that takes a second per question."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.now_s = 0.0

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        self.batches.append(len(queries))
        self.now_s += len(queries)
        return [SAID] * len(queries)

    def clock(self) -> float:
        return self.now_s


class Planning:
    """A planner that asks batches of questions until it is stopped, and catches that or not."""

    def __init__(self, meter: MeteredModel, batches: Sequence[int], *, heeds: bool = True) -> None:
        self._meter = meter
        self._batches = batches
        self._heeds = heeds

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:  # noqa: ARG002 -- a planner's
        answers = 0
        try:
            for number in self._batches:
                answers += len(self._meter.predict([QUERY] * number))
        except DecisionSpentError:
            if not self._heeds:
                raise
        return Plan((QUERY.action,), f"{answers} answers", spent=Spent(one_step=1))


batches = st.lists(st.integers(0, 9), max_size=8)


@given(batches, st.integers(0, 20))
def test_a_decision_is_answered_as_many_questions_as_it_may_ask_and_no_more(asked: list[int], calls: int) -> None:
    model = Counting()
    meter = MeteredModel(model, PlanningBudget(model_calls=calls), clock=model.clock)
    for _ in range(2):
        model.batches.clear()
        plan = MeteredPlanner(Planning(meter, asked), meter).plan({}, GOAL)
        assert sum(model.batches) == min(calls, sum(asked))
        assert plan.reason == f"{sum(model.batches)} answers"
        assert plan.spent.model_calls == sum(model.batches)


@given(batches, st.integers(0, 20))
def test_nothing_is_begun_once_the_time_is_over_but_what_was_begun_is_ended(asked: list[int], seconds: int) -> None:
    model = Counting()
    meter = MeteredModel(model, PlanningBudget(seconds=seconds), clock=model.clock)
    model.now_s = 100.0
    plan = MeteredPlanner(Planning(meter, asked), meter).plan({}, GOAL)
    begun = [sum(asked[:number]) < seconds for number in range(len(asked))]
    assert model.batches == asked[: begun.index(False) if False in begun else None]
    assert plan.spent.seconds == sum(model.batches)


def test_without_a_limit_all_is_answered_and_counted() -> None:
    model = Counting()
    meter = MeteredModel(model, PlanningBudget(), clock=model.clock)
    plan = MeteredPlanner(Planning(meter, [400, 600]), meter).plan({}, GOAL)
    assert plan.spent == Spent(decisions=1, model_calls=1000, seconds=1000.0, one_step=1)


def test_nothing_asked_is_nothing_refused() -> None:
    meter = MeteredModel(Counting(), PlanningBudget(model_calls=0))
    meter.begin()
    assert meter.predict([]) == []
    with pytest.raises(DecisionSpentError, match="the 0 model calls of the decision are spent"):
        meter.predict([QUERY])


def test_a_planner_that_does_not_heed_the_end_has_no_plan_and_says_what_it_spent() -> None:
    meter = MeteredModel(Counting(), PlanningBudget(model_calls=3))
    plan = MeteredPlanner(Planning(meter, [2, 2, 2], heeds=False), meter).plan({}, GOAL)
    assert (plan.actions, plan.reason) == ((), "the budget was spent before anything was found")
    assert plan.spent.model_calls == 3


def test_another_error_is_not_swallowed_and_ends_the_decision_all_the_same() -> None:
    class Broken:
        def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:  # noqa: ARG002 -- a planner's
            allowance.admit(1)
            raise ConfigurationError("broken")

    allowance = Allowance()
    meter = MeteredModel(Counting(), PlanningBudget(llm_calls=1), ration=allowance)
    with pytest.raises(ConfigurationError, match="broken"):
        MeteredPlanner(Broken(), meter).plan({}, GOAL)
    assert allowance.admit(5) == 5, "between decisions there is no limit"


def test_the_ration_of_a_language_model_is_that_of_the_budget_and_begins_anew_with_each_decision() -> None:
    class Talking:
        def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:  # noqa: ARG002 -- a planner's
            said = [allowance.admit(1) for _ in range(5)]
            allowance.charge(10 * sum(said))
            return Plan((), f"{sum(said)} calls")

    allowance = Allowance()
    meter = MeteredModel(Counting(), PlanningBudget(llm_calls=3, tokens=1000), ration=allowance)
    for _ in range(2):
        plan = MeteredPlanner(Talking(), meter).plan({}, GOAL)
        assert plan.reason == "3 calls"
        assert (plan.spent.llm_calls, plan.spent.tokens) == (3, 30)


def test_only_a_spent_decision_is_stopped_at_quietly() -> None:
    with until_spent:
        raise DecisionSpentError("over")
    with pytest.raises(ConfigurationError), until_spent:
        raise ConfigurationError("something else")


# --- budgets in words -----------------------------------------------------------------------------------------------


limits = st.builds(
    PlanningBudget,
    model_calls=st.none() | st.integers(0, 10**5),
    llm_calls=st.none() | st.integers(0, 10**5),
    tokens=st.none() | st.integers(0, 10**5),
    seconds=st.none() | st.integers(0, 1000).map(lambda number: number / 4),
    depth=st.none() | st.integers(0, 99),
)


@given(limits.filter(lambda budget: budget != PlanningBudget()))
def test_a_budget_reads_back(budget: PlanningBudget) -> None:
    assert PlanningBudget.parse(str(budget)) == budget


def test_a_bare_number_is_a_number_of_model_calls() -> None:
    assert PlanningBudget.parse("500") == PlanningBudget(model_calls=500)
    assert PlanningBudget.parse("500, depth=3") == PlanningBudget(model_calls=500, depth=3)
    assert str(PlanningBudget()) == "no limit"


@pytest.mark.parametrize(
    "text",
    ["", "many", "model_calls=-1", "model_calls=1.5", "seconds=nan", "5,model_calls=6", "hours=1", "depth=2,depth=3"],
)
def test_what_is_no_budget_is_said(text: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a"):
        PlanningBudget.parse(text)


counts = st.integers(0, 100)
spendings = st.builds(Spent, counts, counts, counts, counts, counts.map(float), counts, counts)


@given(spendings, spendings)
def test_what_was_spent_adds_up(one: Spent, other: Spent) -> None:
    assert one + other == other + one
    assert one + Spent() == one
    assert (one + other).model_calls == one.model_calls + other.model_calls
