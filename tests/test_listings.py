"""What is explored where a world lists what can be done: that first, what is not listed once, and what ends the episode last."""

import random

from agentwm import Action, Fluent, RuleStore, State, parse_rule
from agentwm.exploration.doubts import Doubts
from agentwm.exploration.familiarity import Familiarity
from agentwm.exploration.listings import Listings
from agentwm.exploration.novelty import Novelty
from agentwm.models.rule_model import AlignedModel
from agentwm.types import Goal, Observation, Value
from tests.tiny_world import CELLS, WARM, WET, WOOD, WORDS

ACT, WAIT = Action("act"), Action("wait")
HERE: dict[Fluent, Value] = {**CELLS, WARM: True, WET: False, WOOD: 3, Fluent("at"): "a"}
COLD: dict[Fluent, Value] = {**HERE, WARM: False}


def listings(*seen: tuple[State, tuple[Action, ...] | None]) -> Listings:
    found = Listings(WORDS, Familiarity(WORDS))
    for state, listed in seen:
        found.note(state, listed)
    return found


def explorer(familiarity: Familiarity, listed: tuple[Action, ...] | None, *, rule: str = "") -> Novelty:
    rules = RuleStore((parse_rule(rule),) if rule else ())
    model = AlignedModel.symbolic(rules, WORDS)
    return Novelty(
        model,
        familiarity,
        WORDS,
        doubts=Doubts({}, WORDS),
        rules=rules,
        rng=random.Random(0),
        listings=listings(),
        opening=Observation("", actions=listed),
        max_steps=100,
    )


def test_what_was_missing_wherever_something_was_so_is_not_looked_for_there() -> None:
    found = listings((HERE, (ACT, WAIT)), (COLD, (WAIT,)), (COLD, (WAIT,)))
    assert found.may_have(HERE, ACT)
    assert not found.may_have(COLD, ACT)
    assert found.may_have(COLD, WAIT)


def test_what_was_there_once_may_be_there_again() -> None:
    found = listings((COLD, (ACT, WAIT)), (COLD, (WAIT,)), (COLD, (WAIT,)), (COLD, (WAIT,)))
    assert found.may_have(COLD, ACT)


def test_where_nothing_is_listed_everything_may_be() -> None:
    found = listings((COLD, None), (COLD, None), (COLD, None))
    assert found.may_have(COLD, ACT)


def test_what_is_listed_is_tried_first_and_what_is_not_only_when_that_is_well_known() -> None:
    familiarity = Familiarity(WORDS)
    for _ in range(3):
        plan = explorer(familiarity, (WAIT,)).plan(HERE, Goal(""))
        assert plan.actions == (WAIT,)
        familiarity.add(HERE, WAIT)
    plan = explorer(familiarity, (WAIT,)).plan(HERE, Goal(""))
    assert (plan.actions, plan.reason) == ((ACT,), "tries what is not listed")
    familiarity.add(HERE, ACT, is_listed=False)
    assert explorer(familiarity, (WAIT,)).plan(HERE, Goal("")).actions == (WAIT,), "it was tried once"


def test_what_was_done_where_it_was_not_listed_is_new_where_it_is() -> None:
    familiarity = Familiarity(WORDS)
    for _ in range(3):
        familiarity.add(HERE, WAIT)
        familiarity.add(HERE, ACT, is_listed=False)
    assert explorer(familiarity, (ACT, WAIT)).plan(HERE, Goal("")).actions == (ACT,)


def test_of_what_is_new_among_what_is_listed_the_end_comes_last_early_on() -> None:
    ends = "act then 1.00 success: the end"
    familiarity = Familiarity(WORDS)
    for _ in range(3):
        assert explorer(familiarity, (ACT, WAIT), rule=ends).plan(HERE, Goal("")).actions == (WAIT,)
        familiarity.add(HERE, WAIT)
    assert explorer(familiarity, (ACT, WAIT), rule=ends).plan(HERE, Goal("")).actions == (ACT,)
