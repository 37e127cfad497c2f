"""Plans against oracles: a blind search in small rule worlds, and the planner that sees everything in generated houses."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from math import sqrt
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentwm import (
    Action,
    Agent,
    EnvironmentOptions,
    Fluent,
    Goal,
    Rule,
    RuleStore,
    State,
    Trajectory,
    build,
    knowledge,
    parse_rule,
)
from agentwm.knowledge import Knowledge
from agentwm.models.rule_model import AlignedModel
from agentwm.planners import forward, means_ends
from agentwm.planners.forward import Searched, search
from agentwm.planners.grounding import GroundAction, GroundRule, relevant_actions
from agentwm.planners.means_ends import MeansEnds
from agentwm.planners.mpc import SPEC
from agentwm.planners.setbacks import PATIENCE, setbacks
from agentwm.planners.symbolic import symbolic_parts
from agentwm.rules.binding import Cast, bindings_of, ground_condition, is_reached
from agentwm.rules.language import Change
from agentwm.rules.matching import UNKNOWN, conjunction, holds, look_up, value_of
from agentwm.types import Condition, Outcome, Prediction, Ref, Value, Vocabulary
from agentwm_environments.alfworld.engine import Household
from agentwm_environments.alfworld.game import Game
from agentwm_environments.alfworld.generator import generate
from agentwm_environments.alfworld.reader import read_goal
from agentwm_environments.alfworld.solver import solve

Live = Callable[..., Trajectory]

# --- forward search against a blind one ---------------------------------------------------------------------------------

YES: Value = True
_EMPTY = Vocabulary({}, {})
_FLUENTS = [Fluent(name) for name in "abcd"]
_VALUES = st.sampled_from([0, 1, None])
_REFERENCES = st.sampled_from([Ref(fluent.name) for fluent in _FLUENTS])
_CONDITIONS = st.builds(Condition, _REFERENCES, st.sampled_from(["==", "==", "!="]), st.one_of(_VALUES, _REFERENCES))
_CHANGES = st.builds(Change, _REFERENCES, st.one_of(_VALUES, _REFERENCES))
_RULES = st.builds(
    lambda when, changes, trust, is_sure: GroundRule(tuple(when), tuple(changes), trust, is_sure),
    st.lists(_CONDITIONS, max_size=2),
    st.lists(_CHANGES, min_size=1, max_size=2),
    st.sampled_from([1.0, 1.0, 0.8]),
    st.sampled_from([True, True, False]),
)
_FAILURES = st.builds(lambda when: GroundRule(tuple(when)), st.lists(_CONDITIONS, min_size=1, max_size=2))


_GOALS = st.dictionaries(_REFERENCES, _VALUES, min_size=2, max_size=3).map(
    lambda wanted: [Condition(reference, "==", value) for reference, value in wanted.items()]
)


@st.composite
def worlds(draw: st.DrawFn) -> list[GroundAction]:
    return [
        GroundAction(
            Action(f"do {number}"),
            tuple(draw(st.lists(_RULES, min_size=1, max_size=2))),
            tuple(draw(st.lists(_FAILURES, max_size=1))),
        )
        for number in range(draw(st.integers(3, 6)))
    ]


def steps(action: GroundAction, state: State) -> Iterator[tuple[State, float]]:
    """Yield the states after ``action`` with their prices, read straight off the rules: with what is sure, and with what may come."""
    sure = [rule for rule in action.successes if rule.is_sure]
    ways = [(sure, max(rule.trust for rule in sure))] if sure else []
    if len(sure) < len(action.successes):
        ways.append((list(action.successes), min(rule.trust for rule in action.successes)))
    for rules, trust in ways:
        if (led := step(rules, 1 / trust, action.failures, state)) is not None:
            yield led


def step(
    rules: Sequence[GroundRule], cost: float, failures: Sequence[GroundRule], state: State
) -> tuple[State, float] | None:
    """Return the state after an action of ``rules`` and its price; None where it fails or does nothing."""
    spoken = []
    for rule in rules:
        truths = [holds(c, {}, state, _EMPTY) for c in rule.when]
        if False not in truths:
            spoken.append((truths.count(None), rule))
    if not spoken or any(conjunction(rule.when, {}, state, _EMPTY) is True for rule in failures):
        return None
    after = dict(state)
    for _, rule in spoken:
        for change in rule.changes:
            value = value_of(change.value, {}, state, _EMPTY)
            if value is UNKNOWN:
                after.pop(Fluent(change.target.name), None)
            else:
                after[Fluent(change.target.name)] = value  # type: ignore[assignment]
    price = cost + forward.PRICE_OF_DOUBT * min(doubts for doubts, _ in spoken)
    return None if after == state else (after, price)


def blind_cost(goals: Sequence[Sequence[Condition]], actions: Sequence[GroundAction], start: State) -> float | None:
    """Return the least cost of reaching a goal, by uniform-cost search over whole states; None where none is reached."""
    tie = count()
    frontier: list[tuple[float, int, State]] = [(0.0, next(tie), start)]
    done: set[frozenset[tuple[Fluent, Value]]] = set()
    while frontier:
        cost, _, state = heappop(frontier)
        if frozenset(state.items()) in done:
            continue
        done.add(frozenset(state.items()))
        if any(conjunction(goal, {}, state, _EMPTY) is True for goal in goals):
            return cost
        for action in actions:
            for after, price in steps(action, state):
                heappush(frontier, (cost + price, next(tie), after))
    return None


@given(worlds(), st.dictionaries(st.sampled_from(_FLUENTS), _VALUES), st.lists(_GOALS, min_size=1, max_size=2))  # fmt: skip
@settings(max_examples=200)
def test_a_plan_is_found_where_a_blind_search_finds_one_and_costs_little_more(
    actions: list[GroundAction], start: State, goals: list[list[Condition]]
) -> None:
    least = blind_cost(goals, actions, start)
    for eagerness in (1e-9, forward.EAGERNESS):
        with patch.object(forward, "EAGERNESS", eagerness):
            found = search(goals, actions, start, _EMPTY, most_nodes=10_000)
        assert (found.actions is None) == (least is None)
        if found.actions is None or least is None:
            return
        plan, cost = found.actions, found.cost
        ends = [(start, 0.0)]
        for chosen in plan:
            does = next(action for action in actions if action.action == chosen)
            ends = [(after, paid + price) for state, paid in ends for after, price in steps(does, state)]
        reached = [p for state, p in ends if any(conjunction(goal, {}, state, _EMPTY) is True for goal in goals)]
        assert any(paid == pytest.approx(cost) for paid in reached)
        # Eagerness overrates the way to go by no more than it adds per open condition; without it, plans are the cheapest.
        assert least - 1e-6 <= cost <= least + eagerness * max(map(len, goals)) + 1e-6


def test_the_search_gives_up_at_its_limit() -> None:
    def counting_to(number: int) -> list[GroundAction]:
        at = Ref("a")
        ways = [(Condition(at, "==", n), Change(at, n + 1)) for n in range(number)]
        return [GroundAction(Action(f"do {c.right}"), (GroundRule((c,), (change,)),), ()) for c, change in ways]

    goal, start = [[Condition(Ref("a"), "==", 20)]], {Fluent("a"): 0}
    assert search(goal, counting_to(20), start, _EMPTY, most_nodes=10) == Searched(given_up=True)
    assert search(goal, counting_to(19), start, _EMPTY, most_nodes=30) == Searched(given_up=False), "there is no way"
    found = search(goal, counting_to(20), start, _EMPTY, most_nodes=30)
    assert found.actions is not None
    assert len(found.actions) == 20


# --- houses in which everything has been seen --------------------------------------------------------------------------------


def all_seen(game: Game) -> dict[Fluent, Value]:
    """Return the belief of somebody who has looked into everything."""
    state: dict[Fluent, Value] = {Fluent("at"): None, Fluent("holding"): None}
    places: dict[int, str] = {}
    for receptacle in sorted(game.receptacles, key=lambda r: r.name):
        name = (receptacle.name,)
        places.setdefault(receptacle.location, receptacle.name)
        state |= {Fluent("sort", name): "receptacle", Fluent("kind", name): receptacle.kind}
        state |= {Fluent("place", name): places[receptacle.location], Fluent("explored", name): True}
        state[Fluent("open", name)] = False if receptacle.is_openable else None
    for thing in game.things:
        if thing.receptacle is not None:
            name = (thing.name,)
            state |= {Fluent("sort", name): "object", Fluent("kind", name): thing.kind}
            state |= {Fluent("in", name): thing.receptacle, Fluent("cool", name): thing.is_cool}
    return state


def small(game: Game) -> Game:
    """Return the game with a few receptacles and things only."""
    wanted = [t for t in game.things if t.kind == game.target and t.receptacle][:3]
    lamps = [t for t in game.things if t.kind == game.destination and t.receptacle][:2]
    kept = {t.receptacle for t in (*wanted, *lamps)}
    kept |= {f"{kind} {n}" for kind, n in ((game.destination, 1), (game.destination, 2), ("microwave", 1), ("fridge", 1), ("sinkbasin", 1), ("countertop", 1))}  # fmt: skip  # noqa: E501
    receptacles = tuple(r for r in game.receptacles if r.name in kept)
    return replace(game, receptacles=receptacles, things=(*wanted, *lamps))


def test_what_is_left_out_as_irrelevant_costs_no_plan_a_step(
    true_rules: RuleStore, words: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searched without eagerness, the relevant actions alone give a plan as short as that of the planner that sees everything."""
    monkeypatch.setattr(forward, "EAGERNESS", 1e-9)
    price = 1 / true_rules.record(true_rules.rules[0]).trust
    for game in map(small, generate("train", 24, 5)):
        state, conditions = all_seen(game), read_goal(game.goal_text).conditions
        goals = [[ground_condition(c, b) for c in conditions] for b in bindings_of(conditions, state)]
        focus = MeansEnds(true_rules, words)._focus(goals, state, Cast(state))
        wanted = sorted({c for goal in goals for c in goal}, key=str)
        actions, reached = relevant_actions(wanted, state, true_rules, words, focus=focus)
        goals = [goal for goal in goals if reached.issuperset(goal)]
        found = search(goals, actions, state, words, most_nodes=50_000)
        shortest = solve(game)
        assert found.actions is not None, game.id
        assert shortest is not None
        assert found.cost == pytest.approx(price * len(shortest)), (game.id, found.actions, shortest)
        assert len(found.actions) == len(shortest)


def games(number: int) -> Iterator[tuple[Game, State, Goal]]:
    for game in generate("test", number, 9):
        yield game, all_seen(game), read_goal(game.goal_text)


def test_with_true_rules_and_all_seen_plans_win_and_are_nearly_the_shortest(
    true_rules: RuleStore, words: Vocabulary
) -> None:
    for game, state, goal in games(30):
        [plan] = MeansEnds(true_rules, words).propose(state, goal)
        assert plan.reaches_goal
        household = Household(game)
        household.reset()
        for action in plan.actions:
            household.step(words.actions[action.verb].render(action.args))
        assert household.won, (game.id, plan.actions)
        assert len(plan.actions) <= len(solve(game) or ()) + 1, (game.id, plan.actions, solve(game))


def test_the_model_expects_of_a_plan_that_it_reaches_the_goal(true_rules: RuleStore, words: Vocabulary) -> None:
    model = AlignedModel.symbolic(true_rules, words)
    for game, state, goal in games(12):
        plan = SPEC.make(symbolic_parts(true_rules, words, model, rng=random.Random(0))).plan(state, goal)
        assert len(plan.predictions) == len(plan.actions)
        believed = dict(state)
        for prediction in plan.predictions:
            assert prediction.success
            believed |= prediction.changes
        assert is_reached(goal, believed, words), game.id
        assert not is_reached(goal, state, words)


# --- when there is no plan -------------------------------------------------------------------------------------------------


def test_without_rules_nothing_is_planned_and_nothing_is_won(words: Vocabulary) -> None:
    environment = build.environment("alfworld").make(EnvironmentOptions(split="test", count=6))
    for task in environment.tasks():
        episode = Agent().play(environment, task)
        assert (len(episode.transitions), episode.is_won) == (0, False)
    for _, state, goal in games(6):
        assert list(MeansEnds(RuleStore(), words).propose(state, goal)) == []


def test_a_goal_that_no_rule_brings_about_is_not_searched_for(
    true_rules: RuleStore, words: Vocabulary, house: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    def searched(*_: object, **__: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr(means_ends, "search", searched)
    wanted = [Condition(Ref("hot", ("apple 1",)), "==", YES)]
    cold = replace(true_rules, rules=tuple(rule for rule in true_rules.rules if rule.verb != "heat"))
    assert MeansEnds(cold, words).reach(all_seen(house), wanted) is None
    with pytest.raises(AssertionError, match="searched"):
        MeansEnds(true_rules, words).reach(all_seen(house), wanted)


def test_a_rule_that_does_not_apply_in_this_house_gives_no_plan(
    true_rules: RuleStore, words: Vocabulary, house: Game
) -> None:
    bare = replace(house, receptacles=tuple(r for r in house.receptacles if r.kind != "microwave"))
    wanted = [Condition(Ref("hot", ("apple 1",)), "==", YES)]
    assert MeansEnds(true_rules, words).reach(all_seen(bare), wanted) is None
    assert MeansEnds(true_rules, words).reach(all_seen(house), wanted) is not None


@pytest.mark.parametrize(
    "text",
    [
        "teleport ?r then 1.00 success: at() becomes ?r",
        "go to ?r ?s then 1.00 success: at() becomes ?r",
        'any action then 1.00 success: at() becomes "microwave 1"',
        'any action, each object ?x then 1.00 success: in(?x) becomes "microwave 1"',
        "open ?r then 1.00 success: sesame(?r) becomes true, explored(?r) becomes true",
    ],
)
def test_rules_about_what_nobody_can_do_here_or_about_each_thing_change_no_plan(
    text: str, true_rules: RuleStore, words: Vocabulary, house: Game
) -> None:
    wanted = [Condition(Ref("in", ("apple 1",)), "==", "microwave 1")]
    also = replace(true_rules, rules=(*true_rules.rules, parse_rule(text)))
    expected = MeansEnds(true_rules, words).reach(all_seen(house), wanted)
    assert expected is not None
    assert MeansEnds(also, words).reach(all_seen(house), wanted) == expected


# --- what failed ------------------------------------------------------------------------------------------------------------

FRIDGE_SEEN = [Condition(Ref("explored", ("fridge 1",)), "==", YES)]
OPEN_FRIDGE = Action("open", ("fridge 1",))


def last(trajectory: Trajectory) -> State:
    return trajectory.transitions[-1].after


def test_what_failed_is_banned_in_that_situation_only(live: Live, words: Vocabulary) -> None:
    failed = live("open fridge 1")
    [situation] = setbacks(failed.transitions, words)[OPEN_FRIDGE]
    assert conjunction(situation, {}, last(failed), words) is True
    there = last(live("open fridge 1", "go to fridge 1"))
    assert conjunction(situation, {}, there, words) is False


def test_a_plan_goes_round_what_failed(live: Live, words: Vocabulary, true_rules: RuleStore) -> None:
    """Were opening from afar believed to work, its failure here would still leave going there and opening."""
    store = replace(true_rules, rules=(*[r for r in true_rules.rules if r.verb != "open"], _anywhere()))
    failed = live("go to fridge 1", "go to toaster 1", "open fridge 1")
    proposer = MeansEnds(store, words)
    first = proposer.reach(last(failed), FRIDGE_SEEN)
    assert first is not None
    assert first.actions == (OPEN_FRIDGE,)
    second = proposer.reach(last(failed), FRIDGE_SEEN, avoid=setbacks(failed.transitions, words))
    assert second is not None
    assert len(second.actions) == 2
    assert second.actions[-1] == OPEN_FRIDGE


def _anywhere() -> Rule:
    return parse_rule(
        "open ?r when open(?r) is false then 1.00 success: open(?r) becomes true, explored(?r) becomes true"
    )


def test_what_failed_often_is_banned_everywhere(live: Live, words: Vocabulary, true_rules: RuleStore) -> None:
    places = ("toaster 1", "cabinet 1", "drawer 1", "sinkbasin 1")[:PATIENCE]
    failed = live("go to fridge 1", *(command for place in places for command in (f"go to {place}", "open fridge 1")))
    avoid = setbacks(failed.transitions, words)
    assert avoid[OPEN_FRIDGE] == [()]
    assert MeansEnds(true_rules, words).reach(last(failed), FRIDGE_SEEN) is not None
    assert MeansEnds(true_rules, words).reach(last(failed), FRIDGE_SEEN, avoid=avoid) is None


def test_what_worked_and_a_look_that_showed_nothing_new_are_no_setbacks(live: Live, words: Vocabulary) -> None:
    history = live("go to fridge 1", "look", "inventory", "open fridge 1", "close fridge 1").transitions
    assert setbacks(history, words) == {}


def test_a_look_that_did_not_show_what_was_predicted_is_a_setback(live: Live, words: Vocabulary) -> None:
    look = Action("examine", ("fridge 1",))
    hopeful = Prediction((Outcome(0.9, {Fluent("explored", ("fridge 1",)): True}),), 0.9, "rules")
    *_, last_step = live("go to fridge 1", "examine fridge 1").transitions
    assert last_step.action == look
    assert list(setbacks([replace(last_step, predicted=hopeful)], words)) == [look]


# --- where to look ----------------------------------------------------------------------------------------------------------

_ROOM = ("shelf 1", "shelf 2", "cabinet 1", "drawer 1", "desk 1", "bed 1")
_FOUND = Knowledge(
    looks=dict.fromkeys(("shelf", "cabinet", "drawer", "desk", "bed"), 10),
    exposure=dict.fromkeys(("shelf", "cabinet", "drawer", "desk", "bed"), 10.0),
    found={"mug": {"shelf": 9, "cabinet": 9, "drawer": 1, "desk": 5}, "pen": {"drawer": 30, "bed": 3}},
    shut={"shelf": (0, 10), "cabinet": (10, 10), "drawer": (10, 10), "desk": (0, 10), "bed": (0, 10)},
)


def unseen(*names: str) -> dict[Fluent, Value]:
    state: dict[Fluent, Value] = {Fluent("at"): None, Fluent("holding"): None}
    for name in names:
        state |= {Fluent("sort", (name,)): "receptacle", Fluent("kind", (name,)): name.split()[0]}
        state[Fluent("place", (name,))] = name
    return state


def looked_into(plans: Iterable[object]) -> list[str]:
    return [plan.actions[0].args[0] for plan in plans]  # type: ignore[attr-defined]


def test_unexplored_places_are_looked_into_in_the_order_of_chance_per_price(
    true_rules: RuleStore, words: Vocabulary
) -> None:
    proposer = MeansEnds(true_rules.with_knowledge(_FOUND), words)
    plans = list(proposer.propose(unseen(*_ROOM), read_goal("put a mug in safe")))
    oracle = sorted(_ROOM, key=lambda n: -_FOUND.chance("mug", n.split()[0]) / (1 + _FOUND.shut_chance(n.split()[0])))
    assert looked_into(plans) == oracle
    assert oracle[:4] == ["shelf 1", "shelf 2", "desk 1", "cabinet 1"]


def test_what_has_been_looked_into_is_not_looked_into_again(true_rules: RuleStore, words: Vocabulary) -> None:
    state = unseen(*_ROOM) | {Fluent("explored", (name,)): True for name in ("shelf 1", "shelf 2")}
    plans = list(MeansEnds(true_rules.with_knowledge(_FOUND), words).propose(state, read_goal("put a mug in safe")))
    assert looked_into(plans)[0] == "desk 1"
    assert not {"shelf 1", "shelf 2"} & set(looked_into(plans))


def test_a_thing_is_looked_for_last_where_the_goal_wants_it(true_rules: RuleStore, words: Vocabulary) -> None:
    proposer = MeansEnds(true_rules.with_knowledge(_FOUND), words)
    ordinary = looked_into(proposer.propose(unseen(*_ROOM), read_goal("put a mug in safe")))
    wanted_there = looked_into(proposer.propose(unseen(*_ROOM), read_goal("put a mug in shelf")))
    assert ordinary[0] == "shelf 1"
    assert wanted_there[0] == "desk 1"
    hot = looked_into(proposer.propose(unseen(*_ROOM), read_goal("put a hot mug in shelf")))
    assert hot[0] == "shelf 1"  # a cold one may well be there


def test_of_many_places_of_a_kind_each_holds_less_and_all_together_more() -> None:
    alone, one_of_nine = _FOUND.expected("mug", "shelf"), _FOUND.expected("mug", "shelf", among=9)
    assert one_of_nine < alone < 9 * one_of_nine
    assert _FOUND.chance("mug", "shelf", among=9) < _FOUND.chance("mug", "shelf")


def test_a_look_into_one_of_many_counts_for_less(live: Live, words: Vocabulary, house: Game) -> None:
    """Of two cabinets and one fridge, each looked into once, the fridge has told more."""
    trajectory = live(*(c for place in ("cabinet 1", "fridge 1") for c in (f"go to {place}", f"open {place}")))
    learned = knowledge.learn([trajectory], words)
    assert learned.looks == {"cabinet": 1, "fridge": 1}
    assert learned.exposure == pytest.approx({"cabinet": 1 / sqrt(2), "fridge": 1})
    assert sum(receptacle.kind == "cabinet" for receptacle in house.receptacles) == 2


def test_a_shut_place_is_opened_to_be_looked_into(true_rules: RuleStore, words: Vocabulary) -> None:
    state = unseen("cabinet 1") | {Fluent("at"): "cabinet 1", Fluent("open", ("cabinet 1",)): False}
    [plan] = MeansEnds(true_rules, words).propose(state, read_goal("put a mug in safe"))
    assert plan.actions == (Action("open", ("cabinet 1",)),)


def test_a_place_whose_door_nobody_has_seen_is_a_doubt_and_no_obstacle(
    true_rules: RuleStore, words: Vocabulary
) -> None:
    state = all_seen_but_doors()
    plan = MeansEnds(true_rules, words).reach(state, [Condition(Ref("in", ("mug 1",)), "==", "drawer 1")])
    assert plan is not None
    assert [action.verb for action in plan.actions] == ["go to", "move"]
    assert look_up(Fluent("open", ("drawer 1",)), state, words) is UNKNOWN


def all_seen_but_doors() -> dict[Fluent, Value]:
    mug = {Fluent("sort", ("mug 1",)): "object", Fluent("kind", ("mug 1",)): "mug", Fluent("in", ("mug 1",)): None}
    return unseen("drawer 1", "shelf 1") | mug | {Fluent("holding"): "mug 1", Fluent("at"): "shelf 1"}
