"""Looking for what pays and for what is unknown, in a house of which only some cells were seen."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm.planners.meter import metered
from agentwm.planners.mpc import SPEC
from agentwm.planners.outlook import Outlook
from agentwm.planners.payoff import MISSES, Payoff
from agentwm.planners.seek import Found, seek, strangers
from agentwm.rules.binding import is_reached, remaining
from agentwm.rules.goals import goal_test
from agentwm.types import (
    Action,
    Condition,
    Fluent,
    Goal,
    Observation,
    Outcome,
    PlanningBudget,
    Prediction,
    Ref,
    State,
    Transition,
    Value,
    Var,
)
from tests.dark_house import AT, HANDLING, HELD, PAYING, WALKING, WORDS, after, cell, parts, seen, verbs

NOTHING_TO_REACH = Goal("")


def found(rows: Sequence[str], *rules: str, goal: Goal = NOTHING_TO_REACH, **options: object) -> Found | None:
    outlook = Outlook(seen(rows), goal, parts(*WALKING, *rules), avoid={})
    return seek(outlook, strangers(WORDS), **options)  # type: ignore[arg-type]  # handed on


def step(
    before: State, verb: str, now: State, told: Sequence[Fluent] = (), *, foretold: State | None = None
) -> Transition:
    """Return what was lived by doing ``verb``, when ``foretold`` was foretold to change; all of it where that is not said."""
    changed = {fluent: value for fluent, value in now.items() if fluent not in told and before.get(fluent) != value}
    predicted = Prediction((Outcome(1.0, changed if foretold is None else foretold),), 0.9, "rules")
    return Transition(
        before,
        Action(verb),
        now,
        Observation(""),
        succeeded=True,
        changed=changed,
        told=frozenset(told),
        predicted=predicted,
    )


# --- one search ------------------------------------------------------------------------------------------------------


def test_the_shortest_way_to_what_pays_is_found() -> None:
    way = found(["...", "##.", "G.."], *PAYING)
    assert way is not None
    assert way.pays
    assert verbs(way.actions) == ["east", "east", "south", "south", "west", "west"]


def test_where_nothing_pays_the_nearest_cell_that_leads_to_something_unseen_is_gone_to() -> None:
    way = found(["....", "####"], *PAYING, pays=False)
    assert way is not None
    assert not way.pays
    assert verbs(way.actions) == [
        "east"
    ]  # above the first row nothing was ever seen, and beside each cell of it is some


def test_something_unseen_is_second_to_what_pays() -> None:
    way = found(["....", "   .", "   G"], *PAYING)
    assert way is not None
    assert way.pays
    assert len(way.actions) == 5


def test_what_was_looked_at_in_vain_is_left_alone() -> None:
    frame = ["#####", "#...#", "#####"]
    state = seen(frame, at=(1, 1))
    outlook = Outlook(state, NOTHING_TO_REACH, parts(*WALKING), avoid={})
    assert seek(outlook, lambda _: iter(["beyond"]), seen={"beyond"}, pays=False) is None
    assert seek(outlook, lambda _: iter(["beyond"]), pays=False) is not None


def test_a_state_that_did_not_pay_is_not_gone_to_again() -> None:
    state = seen(["..G"])
    outlook = Outlook(state, NOTHING_TO_REACH, parts(*WALKING, *PAYING), avoid={})
    goal_key = Outlook(after(state, at=cell(0, 2)), NOTHING_TO_REACH, parts(), avoid={}).key
    assert seek(outlook, lambda _: iter(())) is not None
    assert seek(outlook, lambda _: iter(()), in_vain={goal_key}) is None


def test_a_goal_counts_as_what_pays() -> None:
    goal = Goal("hold the ball", (Condition(Ref("held"), "==", "ball"),))
    way = found(["..b", "###"], *HANDLING, goal=goal)
    assert way is not None
    assert way.pays
    assert verbs(way.actions) == ["east", "east", "take"]


def test_a_search_asks_no_more_than_it_may() -> None:
    state = seen(["." * 30] * 30)
    outlook = Outlook(state, NOTHING_TO_REACH, parts(*WALKING, *HANDLING), avoid={})
    assert seek(outlook, lambda _: iter(()), most_calls=500) is None
    assert outlook.calls <= 500 + len(WORDS.actions)


def test_much_that_could_be_carried_about_does_not_hide_a_long_way() -> None:
    """Forty cells with twelve things in them have more arrangements than any search could list."""
    rows = ["k.b.k.b.k..", "...........", "##########.", "k.b.k.b.k..", "G.........."]
    way = found(rows, *HANDLING, *PAYING)
    assert way is not None
    assert way.pays
    assert set(verbs(way.actions)) <= {"east", "west", "north", "south"}


# --- what is worth a search ---------------------------------------------------------------------------------------------


def test_what_pays_is_not_looked_for_before_anything_like_it_was_seen() -> None:
    may_pay = parts(*WALKING, *PAYING).may_pay
    assert not may_pay(seen(["..k"]), NOTHING_TO_REACH)
    assert may_pay(seen(["..G"]), NOTHING_TO_REACH)


def test_what_is_asked_of_one_thing_must_be_true_of_one_thing() -> None:
    red, ball = Condition(Ref("color", (Ref("at"),)), "==", "red"), Condition(Ref("object", (Ref("at"),)), "==", "ball")
    goal = Goal("stand on a red ball", (red, ball))
    may_pay = parts(*WALKING).may_pay
    apart = {**seen(["kb"]), Fluent("color", (cell(0, 0),)): "red"}
    together = {**seen(["kb"]), Fluent("color", (cell(0, 1),)): "red"}
    assert not may_pay(apart, goal)
    assert may_pay(together, goal)


def test_what_no_rule_changes_and_is_not_so_is_not_looked_for() -> None:
    rich = Goal("hold gold", (Condition(Ref("held"), "!=", "none"),))
    empty = {fluent: value for fluent, value in seen(["k"]).items() if fluent != Fluent("held")}
    assert not parts(*WALKING).may_pay({**empty, Fluent("held"): "none"}, rich)
    assert parts(*WALKING).may_pay({**empty, Fluent("held"): "key"}, rich), "it is so"
    assert parts(*HANDLING).may_pay({**empty, Fluent("held"): "none"}, rich), "a rule changes it"
    assert parts(*WALKING, *PAYING).may_pay({**seen(["G"]), Fluent("held"): "none"}, rich), "something pays of itself"


def test_what_a_rule_makes_so_need_not_be_seen() -> None:
    goal = Goal("hold nothing", (Condition(Ref("held"), "==", "none"),))
    state = {fluent: value for fluent, value in seen(["k"], held="key").items() if value != "none"}
    assert parts(*HANDLING).may_pay(state, goal)


# --- decisions in a row -----------------------------------------------------------------------------------------------


def payoff(*rules: str) -> Payoff:
    return Payoff(parts(*WALKING, *rules))


def test_a_way_to_something_unseen_is_left_once_more_is_seen() -> None:
    rows = ["####", "#...", "####"]
    planner, start = payoff(*PAYING), seen(rows, at=(1, 1))
    plan = planner.plan(start, NOTHING_TO_REACH)
    assert plan.reason == "goes to see what is there"
    goal = Fluent("object", (cell(1, 4),))
    there = {**after(start, at=cell(1, 2)), goal: "goal", Fluent("sort", (cell(1, 4),)): "cell"}
    plan = planner.plan(there, NOTHING_TO_REACH, [step(start, "east", there, [goal])])
    assert plan.reaches_goal
    assert verbs(plan.actions) == ["east", "east"]


STUCK = seen(["####", "#...", "####"], at=(1, 2))
EAST = Outcome(1.0, {AT: cell(1, 3)})


def times_looked(planner: Payoff, *foretold: Outcome) -> int:
    """Return how often ``planner`` goes to see what is in the east, where nobody ever gets to."""
    history: list[Transition] = []
    while (plan := planner.plan(STUCK, NOTHING_TO_REACH, history)).reason == "goes to see what is there":
        assert verbs(plan.actions) == ["east"]
        assert len(history) < 20, "it was tried often enough"
        history.append(replace(step(STUCK, "east", STUCK), predicted=Prediction(foretold, 0.9, "rules")))
    return len(history)


def test_what_came_otherwise_than_foretold_is_expected_to_come_so_again() -> None:
    assert times_looked(payoff(*PAYING), EAST) == 1


def test_what_never_comes_into_sight_is_not_gone_to_for_ever() -> None:
    slipping = [rule.replace("1.00", "0.50") + "; or 0.50 success" for rule in WALKING]
    planner = Payoff(parts(*slipping, *PAYING))
    assert times_looked(planner, replace(EAST, probability=0.5), Outcome(0.5)) == MISSES


def test_a_reward_that_did_not_come_is_not_gone_for_again() -> None:
    planner, start = payoff(*PAYING), seen(["###", "#.G", "###"], at=(1, 1))
    start |= seen(["####"] * 3, at=(1, 1)) | start
    plan = planner.plan(start, NOTHING_TO_REACH, [step(start, "drop", start, [AT])])
    assert plan.reaches_goal
    there = after(start, at=cell(1, 2))
    plan = planner.plan(there, NOTHING_TO_REACH, [step(start, "drop", start, [AT]), step(start, "east", there)])
    back = planner.plan(
        start,
        NOTHING_TO_REACH,
        [step(start, "drop", start, [AT]), step(start, "east", there), step(there, "west", start)],
    )
    assert not plan.reaches_goal
    assert not back.reaches_goal


def test_the_end_is_gone_for_where_every_step_costs() -> None:
    costs = [
        f'{way} when object({way}(at())) is not "wall" then 1.00 success: at() becomes {way}(at()), reward -1'
        for way in ("east", "west")
    ]
    end = 'any action leading to object(at()) is "goal" then 1.00 success: the end'
    start = seen(["######", "#...G#", "######"], at=(1, 1))
    planner = Payoff(
        parts(
            *costs,
            end,
            "take then 1.00 success: reward -1",
            "drop then 1.00 success: reward -1",
            "north then 1.00 success: reward -1",
            "south then 1.00 success: reward -1",
        )
    )
    state, done = start, []
    for _ in range(3):
        [action, *_] = planner.plan(state, NOTHING_TO_REACH).actions
        done.append(action.verb)
        column = int(str(state[AT]).split()[2])
        state = after(state, at=cell(1, column + (action.verb == "east")))
    assert done == ["east", "east", "east"]


@pytest.mark.parametrize("calls", [1, 7, 100])
def test_the_budget_is_held_to(calls: int) -> None:
    held = replace(parts(*WALKING, *HANDLING), budget=PlanningBudget(model_calls=calls))
    planner = metered(SPEC, held)
    plan = planner.plan(seen(["....", "...."]), NOTHING_TO_REACH)
    assert plan.actions
    assert plan.spent.model_calls <= calls


# --- goals -----------------------------------------------------------------------------------------------------------------

HOLD_KEY, HOLD_BALL = ((Condition(Ref("held"), "==", kind),) for kind in ("key", "ball"))


def test_parts_of_a_goal_are_reached_one_after_another() -> None:
    goal = Goal("the key, then the ball", HOLD_KEY, (HOLD_BALL,))
    key, ball = seen(["."], held="key"), seen(["."], held="ball")
    assert remaining(goal, [ball], WORDS) == goal
    assert remaining(goal, [key], WORDS) == Goal(goal.text, HOLD_BALL)
    assert remaining(goal, [key, ball], WORDS) == Goal(
        goal.text, HOLD_BALL
    )  # the last part is the environment's to say


def test_one_state_reaches_one_part() -> None:
    goal = Goal("the key, twice", HOLD_KEY, (HOLD_KEY, HOLD_BALL))
    assert remaining(goal, [seen(["."], held="key")], WORDS).then == (HOLD_BALL,)


@given(
    st.lists(st.sampled_from(".kbG"), min_size=1, max_size=6),
    st.lists(
        st.sampled_from(
            [
                Condition(Ref("object", (Var("x"),)), "==", "key"),
                Condition(Ref("object", (Var("y"),)), "==", "ball"),
                Condition(Ref("object", (Var("y"),)), "!=", "key"),
                Condition(Ref("east", (Var("x"),)), "==", Var("y")),
                Condition(Ref("at"), "==", Var("x")),
                Condition(Ref("object", (Ref("at"),)), "==", "goal"),
                Condition(Ref("held"), "==", "none"),
            ]
        ),
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_a_goal_made_ready_says_what_is_said_of_it_otherwise(
    row: list[str], conditions: list[Condition], rng: random.Random
) -> None:
    state: dict[Fluent, Value] = seen(["".join(row)], at=(0, rng.randrange(len(row))), held=rng.choice(("none", "key")))
    if rng.random() < 0.3:
        del state[HELD]
    goal = Goal("", tuple(conditions))
    assert goal_test(goal, WORDS)(state) is is_reached(goal, state, WORDS)
