"""Chaining backwards: to a bell that is some twenty actions away, and in a house where a way is barred and something must be carried."""

import random
from collections.abc import Sequence
from dataclasses import replace

from agentwm.agent import Episode, play
from agentwm.build import environment, planner
from agentwm.exploration.ambitions import Ambitions
from agentwm.exploration.familiarity import Familiarity
from agentwm.minds import acting_mind
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.chain import Chain
from agentwm.rules.store import Record, RuleStore
from agentwm.types import (
    Action,
    Condition,
    EnvironmentOptions,
    Fluent,
    Goal,
    Observation,
    Query,
    Ref,
    State,
    Transition,
    Vocabulary,
)
from agentwm_environments.small.crafting import TRUE_RULES, VOCABULARY
from tests.dark_house import HANDLING, WALKING, WORDS, seen, verbs

TRUE = RuleStore.certain(TRUE_RULES.splitlines())
WHAT_PAYS = Goal("")


def opening(number: int = 0) -> tuple[Episode, State]:
    world = environment("crafting").make(EnvironmentOptions(split="test", count=number + 1))
    episode = Episode(world, world.tasks()[number])
    return episode, episode.state


def chained(store: RuleStore, state: State, goal: Goal = WHAT_PAYS, words: Vocabulary = VOCABULARY) -> Sequence[Action]:
    return Chain(store, words).way(state, goal, AlignedModel.symbolic(store, words))


def foretold(store: RuleStore, state: State, way: Sequence[Action], words: Vocabulary = VOCABULARY) -> State:
    """Return the state that ``way`` leads to, by the most probable outcomes."""
    model = AlignedModel.symbolic(store, words)
    for action in way:
        [prediction] = model.predict([Query(state, action)])
        state = {**state, **prediction.changes}
    return state


# --- what pays --------------------------------------------------------------------------------------------------------


def test_what_lies_behind_much_that_must_be_made_is_reached_in_the_world_itself() -> None:
    episode, state = opening()
    model = AlignedModel.symbolic(TRUE, VOCABULARY)
    for action in chained(TRUE, state):
        [prediction] = model.predict([Query(episode.state, action)])
        episode.step(action, prediction)
    assert episode.is_won


def test_a_way_takes_up_from_what_is_had() -> None:
    _, state = opening()
    rich = {**state, Fluent("iron"): 1, Fluent("stick"): 1, Fluent("hammer"): 1}
    assert [action.verb for action in chained(TRUE, rich)] in (["make"], ["go", "make"])


def test_what_pays_on_arrival_is_chained_to_by_what_leads_there() -> None:
    rules = [rule.replace(", reward 1, the end", "") for rule in TRUE_RULES.splitlines()]
    store = RuleStore.certain(
        [*rules, "any action leading to bell() is more than 0 then 1.00 success: reward 1, the end"]
    )
    _, state = opening()
    assert len(chained(store, state)) == len(chained(TRUE, state))


def test_what_was_seen_once_is_tried_where_it_would_pay_though_nobody_foretells_it() -> None:
    rules = [rule.replace(", reward 1, the end", "") for rule in TRUE_RULES.splitlines()]
    store = RuleStore.certain(
        [*rules, "any action leading to bell() is more than 0 then 1.00 success: reward 1, the end"]
    )
    ringing = next(rule for rule in store.rules if "bell() grows" in rule.sentence())
    seen_once = replace(store, records={**store.records, ringing.id: Record(supports=1, state="candidate")})
    _, state = opening()
    assert len(chained(seen_once, state)) == len(chained(store, state))


def test_nothing_is_found_where_nothing_brings_about_what_is_missing() -> None:
    store = RuleStore.certain([rule for rule in TRUE_RULES.splitlines() if not rule.startswith("chop")])
    _, state = opening()
    assert not chained(store, state)


def test_a_plan_ends_where_chance_decides() -> None:
    _, state = opening()
    way = chained(TRUE, state, Goal("two fish", (Condition(Ref("fish"), ">", 1),)))
    assert way[-1] == Action("fish")
    assert sum(action.verb == "fish" for action in way) == 1


def test_conditions_that_undo_each_other_are_brought_about_together() -> None:
    _, state = opening()
    goal = Goal("", (Condition(Ref("plank"), ">", 2), Condition(Ref("stick"), ">", 2), Condition(Ref("wood"), ">", 0)))
    there = foretold(TRUE, state, chained(TRUE, state, goal))
    assert all(int(str(there[Fluent(name)])) >= least for name, least in (("plank", 3), ("stick", 3), ("wood", 1)))


def test_what_was_aimed_at_in_vain_is_left_alone_after_a_while() -> None:
    """The rules are wrong: what they say that pays does not."""
    _, state = opening()
    model = AlignedModel.symbolic(TRUE, VOCABULARY)
    chain = Chain(TRUE, VOCABULARY)
    history: list[Transition] = []
    tries = 0
    while way := chain.way(state, WHAT_PAYS, model, history):
        tries += 1
        assert tries < 10
        history += [Transition(state, action, state, Observation("", reward=0.0), succeeded=True) for action in way]
    assert tries == 2


# --- where one is and what is around -------------------------------------------------------------------------------------


def test_a_walk_leads_to_where_a_rule_applies() -> None:
    store = RuleStore.certain([*WALKING, *HANDLING, 'take when object(at()) is "key" then 1.00 success: reward 1'])
    way = chained(store, seen(["..#", "#.k"]), words=WORDS)
    assert verbs(way) == ["east", "south", "east", "take"]


def test_what_a_rule_asks_for_around_it_is_made_where_it_is_not() -> None:
    lifting = 'lift when held() is "none" then 1.00 success: held() becomes "ball"'
    rules = [
        lifting.replace("lift", "take"),
        'drop when held() is "ball" then 1.00 success: object(at()) becomes "goal"',
    ]
    pays = 'north when object(at()) is "goal" then 1.00 success: reward 1'
    store = RuleStore.certain([*rules, pays])
    assert verbs(chained(store, seen(["."]), words=WORDS)) == ["take", "drop", "north"]


def test_an_end_that_does_not_pay_is_not_walked_into() -> None:
    store = RuleStore.certain(
        [
            *WALKING,
            'take when object(at()) is "key" then 1.00 success: reward 1',
            'any action leading to object(at()) is "ball" then 1.00 success: the end',
        ]
    )
    assert verbs(chained(store, seen(["..b.k", "#...#"]), words=WORDS)) == [
        "east",
        "south",
        "east",
        "east",
        "north",
        "east",
        "take",
    ]


# --- in a mind --------------------------------------------------------------------------------------------------------------


def test_the_planner_wins_where_a_search_alone_does_not() -> None:
    world = environment("crafting").make(EnvironmentOptions(split="test", count=2))
    for task in world.tasks():
        episode = Episode(world, task)
        play(episode, acting_mind(planner("mpc"), TRUE, episode, rng=random.Random(0)), max_steps=30)
        assert episode.is_won


def test_what_was_never_had_is_brought_about() -> None:
    _, state = opening()
    model = AlignedModel.symbolic(TRUE, VOCABULARY)
    familiarity = Familiarity(VOCABULARY)
    familiarity.add(state, Action("chop"))
    ambitions = Ambitions(Chain(TRUE, VOCABULARY), model, familiarity, rng=random.Random(0))
    there = foretold(TRUE, state, ambitions.way(state, ()))
    assert not familiarity.were_together(familiarity.had(there))


def test_what_was_had_one_by_one_is_brought_about_at_once() -> None:
    _, state = opening()
    model = AlignedModel.symbolic(TRUE, VOCABULARY)
    familiarity = Familiarity(VOCABULARY)
    items = [fluent for fluent in state if not fluent.args and type(state[fluent]) is int]
    for fluent in items:
        for count in range(1, 5):
            familiarity.add({**state, fluent: count}, Action("chop"))
    assert not list(familiarity.unmet(state))
    ambitions = Ambitions(Chain(TRUE, VOCABULARY), model, familiarity, rng=random.Random(0))
    had: frozenset[str] = frozenset()
    for _ in range(20):  # fishing takes a while
        way = ambitions.way(state, ())
        state = {**foretold(TRUE, state, way), **({Fluent("fish"): 1} if way and way[-1].verb == "fish" else {})}
        had = familiarity.had(state)
        if not familiarity.were_together(had):
            break
    assert not familiarity.were_together(had)


def test_what_seldom_paid_is_made_possible_again() -> None:
    _, state = opening()
    familiarity = Familiarity(VOCABULARY)
    rich = {**state, Fluent("plank"): 1, Fluent("stick"): 1}
    familiarity.add_paid(rich, Action("chop"))
    assert list(familiarity.seldom_paid(2)) == [familiarity.had(rich)]
    model = AlignedModel.symbolic(TRUE, VOCABULARY)
    way = Ambitions(Chain(TRUE, VOCABULARY), model, familiarity, rng=random.Random(0)).way(state, ())
    assert familiarity.had(foretold(TRUE, state, way)) >= familiarity.had(rich)
    familiarity.add_paid(rich, Action("chop"))
    assert not list(familiarity.seldom_paid(2))
