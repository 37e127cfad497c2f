"""The language model as proposer and critic: only commands that can be given are believed, and the best judged plan comes first."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from agentwm import build
from agentwm.backends.checking import Checked
from agentwm.backends.protocol import Request
from agentwm.backends.scripted import Said, scripted
from agentwm.errors import UnavailableError
from agentwm.llm.critic import LLMCritic
from agentwm.llm.proposer import LLMProposer
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.weighed import Heeding, InTurn, Weighed
from agentwm.rules.store import RuleStore
from agentwm.types import Action, Condition, Goal, Outcome, Plan, Prediction, Query, Ref, Situation, State, Vocabulary
from tests.conftest import Begin
from tests.llm_examples import babbling, said

GOAL = Goal("put a hot apple in countertop")
GO, OPEN = Action("go to", ("fridge 1",)), Action("open", ("fridge 1",))
TAKE = Action("take", ("apple 1", "countertop 1"))


def plans(*written: Sequence[str], reaches: bool = False) -> str:
    return json.dumps({"why": "why not", "plans": [{"steps": list(each), "reaches_goal": reaches} for each in written]})


def proposer(says: Said | Callable[[Request], Said], words: Vocabulary, **rest: Any) -> LLMProposer:
    backend = Checked(scripted(says if callable(says) else lambda _: says))
    return LLMProposer(backend, build.prompt("propose"), words, **rest)


@pytest.fixture
def state(begin: Begin) -> State:
    return begin("go to countertop 1").state


def test_plans_are_read_in_the_order_given(state: State, words: Vocabulary) -> None:
    proposed = list(proposer(plans(["go to fridge 1", "open fridge 1"], ["look"]), words).propose(state, GOAL))
    assert [plan.actions for plan in proposed] == [(GO, OPEN), (Action("look"),)]
    assert proposed[0].reason == "a language model: why not"
    assert not proposed[0].reaches_goal


def test_a_plan_is_cut_before_a_command_that_cannot_be_given(state: State, words: Vocabulary) -> None:
    asked = proposer(plans(["go to fridge 1", "take lobster 1 from fridge 1", "look"], ["fly"], reaches=True), words)
    [plan] = asked.propose(state, GOAL)
    assert plan.actions == (GO,)
    assert not plan.reaches_goal, "it is no longer the plan that was said to reach the goal"
    assert asked.count.dropped == 3


def test_only_what_is_listed_begins_a_plan(state: State, words: Vocabulary) -> None:
    asked: list[str] = []

    def says(request: Request) -> str:
        asked.append(said(request))
        return plans(["go to fridge 1"], ["look"])

    proposed = proposer(says, words, listed=lambda: [Action("look")]).propose(state, GOAL)
    assert [plan.actions for plan in proposed] == [(Action("look"),)]
    assert "can be given now:\n- look\n" in asked[0]


def test_what_was_tried_in_vain_is_told_and_not_taken(state: State, words: Vocabulary) -> None:
    asked: list[str] = []

    def says(request: Request) -> str:
        asked.append(said(request))
        return plans(["go to fridge 1"], ["take apple 1 from countertop 1"])

    elsewhere = (Condition(Ref("at"), "==", "bed 1"),)
    avoid: dict[Action, Sequence[Situation]] = {GO: [()], TAKE: [elsewhere]}
    assert [plan.actions for plan in proposer(says, words).propose(state, GOAL, avoid=avoid)] == [(TAKE,)]
    assert asked[0].endswith("Tried in vain, as things stand:\n- go to fridge 1")


def test_an_answer_that_cannot_be_used_is_no_plan_and_an_unreachable_model_an_error(
    state: State, words: Vocabulary
) -> None:
    asked = proposer(babbling, words)
    assert list(asked.propose(state, GOAL)) == []
    assert asked.count.unusable == 1
    with pytest.raises(UnavailableError):
        list(proposer(UnavailableError("gone"), words).propose(state, GOAL))


def test_a_critic_grades_states_side_by_side(begin: Begin, words: Vocabulary) -> None:
    def says(request: Request) -> str:
        return json.dumps({"why": "-", "nearness": 0.7 if "holding = apple 1" in said(request) else 0.1})

    critic = LLMCritic(Checked(scripted(says)), build.prompt("judge"), words)
    there = begin("go to countertop 1")
    holding = begin("go to countertop 1", "take apple 1 from countertop 1")
    assert critic.judge([there.state, holding.state], GOAL) == [0.1, 0.7]
    assert critic.count.questions == 2, "the same is not asked twice"
    assert LLMCritic(Checked(scripted(lambda _: "no")), build.prompt("judge"), words).judge([{}], GOAL) == [0.0]


class Fixed:
    """A proposer with fixed plans, which keeps how often it is asked."""

    def __init__(self, *found: Plan) -> None:
        self.found = found
        self.asked = 0

    def propose(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        yield from self.found


def test_the_plan_that_leads_nearest_to_the_goal_comes_first(
    state: State, true_rules: RuleStore, words: Vocabulary
) -> None:
    class Critic:
        def judge(self, states: Sequence[State], _: Goal) -> list[float]:
            return [float("apple 1" in map(str, each.values())) for each in states]

    going, taking = Plan((GO,), "go"), Plan((TAKE,), "take")
    weighed = Weighed(Fixed(going, taking), AlignedModel.symbolic(true_rules, words), Critic())
    assert [plan.reason for plan in weighed.propose(state, GOAL)] == ["take", "go"]


def test_the_next_proposer_is_asked_only_when_it_comes_to_that() -> None:
    first, second = Fixed(Plan((GO,), "first")), Fixed(Plan((OPEN,), "second"))
    proposed = InTurn(first, second).propose({}, GOAL)
    assert next(iter(proposed)).reason == "first"
    assert second.asked == 0
    assert [plan.reason for plan in InTurn(Fixed(), second).propose({}, GOAL)] == ["second"]


def test_a_plan_that_the_model_foretells_to_fail_comes_last_but_comes(state: State) -> None:
    class Doubting:
        def predict(self, queries: Sequence[Query]) -> list[Prediction]:
            p = {GO: 0.9, OPEN: 0.7}
            return [
                Prediction((Outcome(p.get(q.action, 0), success=False),), p.get(q.action, 0), "llm") for q in queries
            ]

    doubted, doubtful, ruled = Plan((GO,), "sure to fail"), Plan((OPEN,), "may fail"), Plan((TAKE,), "fine")
    heeding = Heeding(Fixed(doubted, doubtful, ruled), Doubting())
    assert [plan.reason for plan in heeding.propose(state, GOAL)] == ["may fail", "fine", "sure to fail"]
