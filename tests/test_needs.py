"""What runs out by itself is noticed, and renewed before it is gone and until there is plenty."""

from agentwm.models.rule_model import AlignedModel
from agentwm.planners.chain import Chain
from agentwm.planners.needs import Needs
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Action,
    ActionSchema,
    Condition,
    Fluent,
    FluentSchema,
    Goal,
    Observation,
    Ref,
    State,
    Transition,
    Vocabulary,
)

WATER, GOLD, ASLEEP, REST = Fluent("water"), Fluent("gold"), Fluent("asleep"), Fluent("rest")
WORDS = Vocabulary(
    {
        WATER.name: FluentSchema(WATER.name, (), "number"),
        GOLD.name: FluentSchema(GOLD.name, (), "number"),
        REST.name: FluentSchema(REST.name, (), "number"),
        ASLEEP.name: FluentSchema(ASLEEP.name, (), "bool"),
    },
    {verb: ActionSchema(verb, (), verb) for verb in ("wait", "dig", "drink", "sleep")},
    reports_failure=False,
)
RULES = (
    "dig then 1.00 success: gold() grows by 1, reward 1",
    "drink then 1.00 success: water() grows by 1",
    "sleep then 1.00 success: asleep() becomes true",
    "any action when asleep() is true then 1.00 success: rest() grows by 1",
)


def passed(fluent: Fluent, was: int, now: int, *, by_itself: bool = True) -> Transition:
    """Return a step in which a number came to be another."""
    told = frozenset([fluent] if by_itself else [])
    changed = {} if by_itself else {fluent: now}
    return Transition(
        {fluent: was}, Action("wait"), {fluent: now}, Observation(""), succeeded=True, changed=changed, told=told
    )


def pressing(needs: Needs, state: State) -> list[Condition]:
    return list(needs.pressing(state))


def test_what_falls_by_itself_is_renewed_once_it_is_low_and_until_there_is_plenty() -> None:
    needs = Needs()
    needs.note([passed(WATER, 9, 8)])
    assert not pressing(needs, {WATER: 4})
    for amount in (3, 5, 8):
        assert pressing(needs, {WATER: amount}) == [Condition(Ref("water"), ">", amount)]
    assert not pressing(needs, {WATER: 9})
    assert not pressing(needs, {WATER: 5})


def test_what_is_spent_or_grows_by_itself_is_no_need() -> None:
    needs = Needs()
    needs.note([passed(GOLD, 3, 2, by_itself=False), passed(WATER, 2, 3)])
    assert not pressing(needs, {GOLD: 0, WATER: 0})


def test_the_lowest_comes_first() -> None:
    needs = Needs()
    needs.note([passed(WATER, 9, 8), passed(REST, 9, 8)])
    assert [c.left for c in pressing(needs, {WATER: 3, REST: 1})] == [Ref("rest"), Ref("water")]


def first_action(state: State, history: list[Transition]) -> Action:
    store = RuleStore.certain(RULES)
    return Chain(store, WORDS).way(state, Goal(""), AlignedModel.symbolic(store, WORDS), history)[0]


def test_a_need_comes_before_what_pays() -> None:
    state = {WATER: 2, GOLD: 0, REST: 9, ASLEEP: False}
    assert first_action(state, []) == Action("dig")
    assert first_action(state, [passed(WATER, 9, 8)]) == Action("drink")


def test_what_happens_whatever_is_done_is_waited_for() -> None:
    state = {WATER: 9, GOLD: 0, REST: 1, ASLEEP: False}
    tired = [passed(REST, 9, 8)]
    assert first_action(state, tired) == Action("sleep")
    assert first_action({**state, ASLEEP: True}, tired) == Action("wait")
