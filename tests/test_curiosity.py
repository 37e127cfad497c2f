"""What whoever learns by pursuing goals does of its own accord: goes on step by step, argues by analogy, spares what is asked for."""

from dataclasses import dataclass, replace

import pytest

from agentwm import Action, Fluent, RuleStore, State, parse_rule
from agentwm.exploration.analogies import Analogies
from agentwm.exploration.perils import Perils
from agentwm.exploration.pursuit import Pursuit
from agentwm.induction.credit import Example
from agentwm.induction.table import Table
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.means_ends import MeansEnds
from agentwm.planners.setbacks import is_repetition, setbacks
from agentwm.rules.binding import Cast
from agentwm.rules.matching import conjunction
from agentwm.rules.store import Record
from agentwm.types import (
    ActionSchema,
    Condition,
    FluentSchema,
    Goal,
    Observation,
    Ref,
    Trajectory,
    Transition,
    Value,
    Var,
    Vocabulary,
)
from agentwm_environments.textworld.words import vocabulary

WORDS = vocabulary(
    {
        verb: ActionSchema(verb, sorts, verb + " {0} {1}")
        for verb, sorts in {
            "go": ("exit",),
            "take": ("object",),
            "eat": ("object",),
            "prepare": ("object",),
            "chop with": ("object", "object"),
            "dice with": ("object", "object"),
        }.items()
    }
)
TAKE = "take ?o when at() is where(?o) then 1.00 success: where(?o) becomes me()"
CHOP = (
    'chop with ?o1 ?o2 when me() is where(?o1) and kind(?o2) is "knife" then 1.00 success: cut(?o1) becomes "chopped"'
)
NO_KNIFE = 'chop with ?o1 ?o2 when kind(?o2) is not "knife" then 1.00 failure'
EAT = "eat ?o when me() is where(?o) then 1.00 success: where(?o) becomes nothing, eaten(?o) becomes true"
CARROT, TUNA = "carrot", "tuna"


def kitchen(**where: Value) -> State:
    places = {CARROT: "kitchen", TUNA: "kitchen", "knife": "kitchen", **where}
    state: dict[Fluent, Value] = {Fluent("at"): "kitchen", Fluent("me"): "you"}
    for thing, place in places.items():
        state |= {Fluent("sort", (thing,)): "object", Fluent("kind", (thing,)): thing, Fluent("where", (thing,)): place}
    return state


def asked(thing: str, *about: Condition) -> tuple[Condition, ...]:
    return (Condition(Ref("kind", (Var("x"),)), "==", thing), *about)


HELD = Condition(Ref("where", (Var("x"),)), "==", Ref("me"))
CHOPPED = Condition(Ref("cut", (Var("x"),)), "==", "chopped")
DICED = Condition(Ref("cut", (Var("x"),)), "==", "diced")
MEAL = asked("meal", HELD)


def rules(*texts: str) -> RuleStore:
    parsed = tuple(map(parse_rule, texts))
    return RuleStore(parsed, {rule.id: Record(supports=20) for rule in parsed})


def pursuit(*texts: str) -> Pursuit:
    return Pursuit(MeansEnds(rules(*texts), WORDS), WORDS)


# --- going on -------------------------------------------------------------------------------------------------------------


def test_a_goal_with_a_further_part_is_gone_for_at_once() -> None:
    plan = pursuit(TAKE).go_on(kitchen(), Goal("", asked(CARROT, HELD), (MEAL,)), (), avoid={})
    assert plan is not None
    assert plan.actions == (Action("take", (CARROT,)),)


def test_a_goal_whose_end_may_be_the_end_of_all_is_left_for_later() -> None:
    assert pursuit(TAKE).go_on(kitchen(), Goal("", asked(CARROT, HELD)), (), avoid={}) is None


def test_what_can_be_done_of_a_goal_is_done_where_no_rule_says_how_to_do_the_rest() -> None:
    goal = Goal("", asked(CARROT, HELD, DICED), (MEAL,))
    learner = pursuit(TAKE, CHOP)
    plan = learner.go_on(kitchen(), goal, (), avoid={})
    assert plan is not None
    assert plan.actions == (Action("take", (CARROT,)),)
    assert not plan.reaches_goal
    assert learner.go_on(kitchen(carrot="you"), goal, (), avoid={}) is None, "the rest is for experiments"
    assert learner.puzzle(goal, Cast(kitchen())) == {CARROT: [CARROT]}


def test_what_is_nowhere_may_be_brought_about_by_any_verb() -> None:
    state = {**kitchen(), Fluent("sort", ("meal",)): "object", Fluent("kind", ("meal",)): "meal"}
    verbs = [action.verb for action in pursuit().beginnings(state, Goal("", MEAL), Cast(state))]
    assert verbs == ["take", "eat", "prepare"]
    assert not list(pursuit().beginnings(kitchen(meal="kitchen"), Goal("", MEAL), Cast(kitchen(meal="kitchen"))))


def test_one_more_of_what_is_wanted_is_reached_and_none_undone() -> None:
    proposer = MeansEnds(rules(TAKE, CHOP), WORDS)
    wanted = [Condition(Ref("where", (thing,)), "==", Ref("me")) for thing in (CARROT, TUNA)]
    plan = proposer.reach_one_more(kitchen(carrot="you"), wanted)
    assert plan is not None
    assert plan.actions == (Action("take", (TUNA,)),)
    assert proposer.reach_one_more(kitchen(carrot="you", tuna="you"), wanted) is None
    out_of_reach = Condition(Ref("cut", (TUNA,)), "==", "diced")
    assert proposer.reach_one_more(kitchen(), [*wanted, out_of_reach]) is None


# --- by analogy -----------------------------------------------------------------------------------------------------------


def analogies(*, failures: int = 0) -> Analogies:
    chopped, diced = (Table(verb, ("object", "object"), WORDS) for verb in ("chop with", "dice with"))
    before = kitchen(carrot="you", knife="you")
    chopped.append(Example(before, Action("chop with", (CARROT, "knife")), succeeded=True, changed={}, settled={}))
    for _ in range(failures):
        diced.append(Example(before, Action("dice with", (CARROT, "knife")), succeeded=False, changed={}, settled={}))
    store = rules(CHOP, NO_KNIFE)
    tables = {(table.verb, table.sorts): table for table in (chopped, diced) if len(table)}
    return Analogies(store, tables, WORDS, AlignedModel.symbolic(store, WORDS))


def test_a_verb_that_never_worked_is_tried_where_one_like_it_works() -> None:
    tries = list(analogies().untried(kitchen(), Cast(kitchen()), {CARROT}))
    assert tries[0][0] == Action("dice with", (TUNA, "knife")), "the carrot is spared"
    assert Condition(Ref("me"), "==", Ref("where", (TUNA,))) in tries[0][1]
    assert all(action.args[1] == "knife" for action, _ in tries)
    assert not list(analogies(failures=3).untried(kitchen(), Cast(kitchen()), ())), "it is not like that one after all"


def test_analogy_speaks_against_what_fails_with_the_verbs_alike() -> None:
    state = kitchen(carrot="you")
    assert analogies().are_against(Action("dice with", (CARROT, TUNA)), state)
    assert not analogies().are_against(Action("dice with", (CARROT, "knife")), state)
    assert not analogies().are_against(Action("chop with", (CARROT, TUNA)), state), "which has worked speaks for itself"


# --- sparing --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pursued:
    goal: Goal
    vocabulary: Vocabulary = WORDS


def ended(action: Action, changed: State, goal: Goal) -> Trajectory:
    before = kitchen(carrot="you", tuna="you", knife="you")
    seen = Observation("You lost!", terminated=True)
    return Trajectory(
        "", goal, before, (Transition(before, action, {**before, **changed}, seen, succeeded=True, changed=changed),)
    )


def perils(goal: Goal) -> Perils:
    eaten: State = {Fluent("where", (CARROT,)): None, Fluent("eaten", (CARROT,)): True}
    cut: State = {Fluent("cut", (CARROT,)): "chopped"}
    lived = [
        ended(Action("eat", (CARROT,)), eaten, Goal("", asked(CARROT, HELD))),
        ended(Action("chop with", (CARROT, "knife")), cut, Goal("", asked(CARROT, HELD))),
    ]
    store = rules(EAT, CHOP)
    return Perils(store, lived, AlignedModel.symbolic(store, WORDS), Pursued(goal))


@pytest.mark.parametrize(
    ("goal", "threatens"), [(Goal("", asked(TUNA, HELD, CHOPPED)), False), (Goal("", asked(TUNA, HELD)), True)]
)
def test_what_ended_an_episode_is_done_to_what_is_asked_for_only_as_it_is_asked(goal: Goal, *, threatens: bool) -> None:
    state = kitchen(carrot="you", tuna="you", knife="you")
    assert perils(goal).threaten(Action("chop with", (TUNA, "knife")), state) is threatens
    assert perils(goal).threaten(Action("eat", (TUNA,)), state)
    assert not perils(goal).threaten(Action("eat", (CARROT,)), state), "nobody asks for that"


def test_nothing_is_perilous_while_no_episode_was_lost() -> None:
    store = rules(EAT)
    calm = Perils(store, [], AlignedModel.symbolic(store, WORDS), Pursued(Goal("", asked(CARROT, HELD))))
    assert not calm.threaten(Action("eat", (CARROT,)), kitchen(carrot="you"))


# --- what belongs to an argument --------------------------------------------------------------------------------------------


def test_a_way_that_was_shut_is_no_setback_once_its_door_is_open() -> None:
    door, way = "oak door", "north exit of kitchen"
    shut = {**kitchen(), Fluent("sort", (way,)): "exit", Fluent("door", (way,)): door}
    shut |= {Fluent("sort", (door,)): "fixture", Fluent("open", (door,)): False}
    failed = Transition(shut, Action("go", (way,)), shut, Observation(""), succeeded=False)
    [situation] = setbacks([failed], WORDS)[failed.action]
    opened = {**shut, Fluent("open", (door,)): True}
    assert conjunction(situation, {}, shut, WORDS) is True
    assert conjunction(situation, {}, opened, WORDS) is False
    assert is_repetition(failed.action, shut, [failed], WORDS)
    assert not is_repetition(failed.action, opened, [failed], WORDS)
    assert not is_repetition(failed.action, shut, [replace(failed, action=Action("take", (CARROT,)))], WORDS)


def test_what_is_worked_out_is_no_part_of_a_setback() -> None:
    derived = FluentSchema("ready", ("object",), "bool", derive=lambda _state, _args: True)
    words = replace(WORDS, fluents={**WORDS.fluents, "ready": derived})
    here = kitchen(carrot="you")
    failed = Transition(here, Action("take", (CARROT,)), here, Observation(""), succeeded=False)
    [situation] = setbacks([failed], words)[failed.action]
    assert conjunction(situation, {}, here, words) is True, "nothing has changed, so that it must be expected again"
