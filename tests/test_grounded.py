"""A judgement sampled several times, and proposals grounded in what will work: the critic's mean, and liking times success."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from agentwm import build
from agentwm.backends.checking import Checked
from agentwm.backends.encoding import request_key
from agentwm.backends.protocol import Request
from agentwm.backends.scripted import Said, scripted
from agentwm.errors import BackendError, ConfigurationError, DecisionSpentError
from agentwm.llm.critic import LLMCritic
from agentwm.planners.weighed import Grounded, by_rank, by_share
from agentwm.types import Action, Fluent, Goal, Outcome, Plan, Prediction, Query, State, Vocabulary

GOAL = Goal("put a hot apple in countertop")
GO, OPEN, TAKE = Action("go to", ("fridge 1",)), Action("open", ("fridge 1",)), Action("take", ("apple 1", "table 1"))


def judging(says: Callable[[Request], Said], words: Vocabulary, **rest: Any) -> LLMCritic:
    return LLMCritic(Checked(scripted(says)), build.prompt("judge"), words, **rest)


def nearness(value: float) -> str:
    return json.dumps({"why": "-", "nearness": value})


# --- a judgement, sampled -----------------------------------------------------------------------------------------------


def test_a_judgement_is_the_mean_of_its_samples_and_each_is_another_request(words: Vocabulary) -> None:
    asked: list[Request] = []

    def says(request: Request) -> str:
        asked.append(request)
        return nearness((0.0, 0.5, 1.0, 0.5)[request.sample])

    critic = judging(says, words, samples=4)
    assert critic.judge([{}], GOAL) == [0.5]
    assert sorted(request.sample for request in asked) == [0, 1, 2, 3]
    assert len({request_key(request) for request in asked}) == 4, "a cache keeps the samples apart"
    assert all(request.temperature > 0 for request in asked)
    assert critic.judge([{}], GOAL) == [0.5]
    assert len(asked) == 4, "the same is not asked twice"


def test_a_single_judgement_is_the_request_that_it_always_was(words: Vocabulary) -> None:
    asked: list[Request] = []

    def says(request: Request) -> str:
        asked.append(request)
        return nearness(0.3)

    assert judging(says, words).judge([{}], GOAL) == [0.3]
    assert [(request.sample, request.temperature) for request in asked] == [(0, 0.0)]


def test_a_sample_that_cannot_be_used_counts_for_nothing(words: Vocabulary) -> None:
    critic = judging(lambda request: "well" if request.sample == 1 else nearness(0.8), words, samples=3)
    assert critic.judge([{}], GOAL) == pytest.approx([0.8])
    assert critic.count.unusable == 1


def test_where_the_budget_ends_every_state_was_judged_once_before_any_was_twice(words: Vocabulary) -> None:
    left = [3]

    def says(request: Request) -> Said:
        left[0] -= 1
        return nearness(0.4 + 0.2 * request.sample) if left[0] >= 0 else DecisionSpentError("spent")

    states: list[State] = [{}, {Fluent("at"): "fridge 1"}]
    assert judging(says, words, samples=3).judge(states, GOAL) == pytest.approx([0.5, 0.4])
    left[0] = 0
    with pytest.raises(BackendError, match="spent"):
        judging(says, words, samples=3).judge(states, GOAL)


@pytest.mark.parametrize(("samples", "temperature"), [(0, None), (3, 0.0)])
def test_samples_that_would_be_none_or_all_the_same_are_an_error(
    samples: int, temperature: float | None, words: Vocabulary
) -> None:
    with pytest.raises(ConfigurationError, match="temperature above 0"):
        judging(lambda _: nearness(1), words, samples=samples, temperature=temperature)


# --- liking times success -------------------------------------------------------------------------------------------------


class Drawn:
    """A policy with fixed plans."""

    def __init__(self, *actions: Action) -> None:
        self.plans = [Plan((action,), str(number)) for number, action in enumerate(actions)]

    def propose(self, *_: Any, **__: Any) -> Iterator[Plan]:
        yield from self.plans


class Working:
    """A world in which each action succeeds with a probability of its own; asked no more than so many times."""

    def __init__(self, chances: dict[Action, float], *, most: int | None = None) -> None:
        self.chances = chances
        self.most = most

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        if self.most == 0:
            raise DecisionSpentError("spent")
        return [
            Prediction((Outcome(chance), Outcome(1 - chance, success=False)), 0.9, "rules")
            for query in queries[: self.most]
            for chance in [self.chances[query.action]]
        ]


def order(grounded: Grounded) -> list[Action]:
    return [plan.actions[0] for plan in grounded.propose({}, GOAL)]


def test_what_is_liked_is_weighed_with_what_works() -> None:
    working = Working({GO: 0.2, OPEN: 0.9, TAKE: 0.3})
    # By rank: go 1 x 0.2, open 1/2 x 0.9, take 1/3 x 0.3.
    assert order(Grounded(Drawn(GO, OPEN, TAKE), working)) == [OPEN, GO, TAKE]
    assert order(Grounded(Drawn(GO, OPEN, TAKE), Working(dict.fromkeys((GO, OPEN, TAKE), 1.0)))) == [GO, OPEN, TAKE]


def test_shares_of_samples_add_up_and_an_action_is_proposed_once() -> None:
    policy = Drawn(OPEN, TAKE, GO, GO, GO)
    # By share: open 1/5 x 0.9, take 1/5 x 0.1, go 3/5 x 0.5.
    grounded = Grounded(policy, Working({GO: 0.5, OPEN: 0.9, TAKE: 0.1}), liking=by_share, most=5)
    proposed = list(grounded.propose({}, GOAL))
    assert [plan.actions[0] for plan in proposed] == [GO, OPEN, TAKE]
    assert proposed[0] is policy.plans[2]


def test_what_is_sure_to_fail_comes_last_but_comes() -> None:
    assert order(Grounded(Drawn(GO, OPEN), Working({GO: 0.0, OPEN: 0.01}))) == [OPEN, GO]


def test_what_cannot_be_weighed_any_more_stays_in_order() -> None:
    chances = {GO: 0.1, OPEN: 0.9, TAKE: 0.9}
    assert order(Grounded(Drawn(GO, OPEN, TAKE), Working(chances, most=0))) == [GO, OPEN, TAKE]
    assert order(Grounded(Drawn(GO, OPEN, TAKE), Working(chances, most=2))) == [OPEN, GO, TAKE]


def test_liking_by_rank_falls_and_by_share_is_even() -> None:
    plans = Drawn(GO, OPEN, TAKE, GO).plans
    assert by_rank(plans) == [1, 1 / 2, 1 / 3, 1 / 4]
    assert by_share(plans) == [1 / 4] * 4
    assert order(Grounded(Drawn(), Working({}))) == []
