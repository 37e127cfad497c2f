"""A rule that failed after it had long been right: it is noticed, dated and tried again; what is new or rare is not taken for a change."""

from dataclasses import replace

from agentwm.exploration.familiarity import Familiarity
from agentwm.exploration.retrials import TRIALS, Retrials
from agentwm.induction.alarm import Alarm
from agentwm.induction.breaks import LONG, Breaks
from agentwm.induction.habits import LATELY, TIMES, Habits
from agentwm.rules.language import parse_rule
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Action,
    ActionSchema,
    Fluent,
    FluentSchema,
    Observation,
    Outcome,
    Prediction,
    Transition,
    Vocabulary,
)

WOOD, AXE, HOUR, COLD = Fluent("wood"), Fluent("axe"), Fluent("since_wood"), Fluent("cold")
WORDS = Vocabulary(
    {
        schema.name: schema
        for schema in (
            FluentSchema("wood", (), "number"),
            FluentSchema("axe", (), "bool"),
            FluentSchema("since_wood", (), "number", counts_since="wood"),
            FluentSchema("cold", (), "number"),
        )
    },
    {"chop": ActionSchema("chop", (), "chop")},
    reports_failure=False,
)
RULE = parse_rule("chop when axe() is true then 1.00 success: wood() grows by 1")
STORE = RuleStore((RULE,))
CHOP = Action("chop")


def chopped(*, grows: bool, wood: int = 0, share: float = 1.0) -> Transition:
    """Return a stroke of which the rule foretold that wood would grow."""
    before = {WOOD: wood, AXE: True, HOUR: 3}
    after = {**before, WOOD: wood + 1} if grows else before
    foretold = [Outcome(share, {WOOD: wood + 1}), Outcome(1 - share)] if share < 1 else [Outcome(1.0, {WOOD: wood + 1})]
    predicted = Prediction(tuple(foretold), 1.0, "rules", (RULE.id,))
    changed = {WOOD: wood + 1} if grows else {}
    return Transition(before, CHOP, after, Observation(""), succeeded=True, changed=changed, predicted=predicted)


def noted(pattern: str, *, share: float = 1.0) -> Breaks:
    """Return what is noticed of strokes, ``+`` where wood grew."""
    breaks = Breaks()
    for letter in pattern:
        breaks.note(chopped(grows=letter == "+", share=share))
    return breaks


def chilled(stroke: Transition, cold: int) -> Transition:
    """Return the same ``stroke``, during which it grew colder, of which no rule spoke."""
    before, after = {**stroke.before, COLD: cold}, {**stroke.after, COLD: cold + 1}
    return replace(stroke, before=before, after=after, changed={**stroke.changed, COLD: cold + 1})


def test_the_change_is_dated_between_the_last_time_that_a_rule_was_right_and_its_failure() -> None:
    assert noted("+" * LONG + "-").windows == [(LONG - 1, LONG)]
    assert noted("+" * LONG + "--").broken == {RULE.id: (LONG - 1, LONG)}


def test_a_rule_that_was_not_yet_right_for_long_breaks_nothing() -> None:
    assert not noted("+" * (LONG - 1) + "-").windows
    assert not noted("+-" * 3 * LONG).windows


def test_what_is_a_matter_of_chance_breaks_when_it_comes_more_often_than_chance_explains_and_not_before() -> None:
    assert not noted("+-" * 40, share=0.5).windows
    assert not noted("-+--+" * 16, share=0.5).windows
    [(after, by)] = noted("+-" * 20 + "+" * 22, share=0.5).windows
    assert after < 40 < by


def test_what_nobody_spoke_of_breaks_a_rule_the_first_few_times_and_not_once_it_came_again_and_again() -> None:
    breaks = Breaks()
    for turn in range(12):
        for _ in range(LONG):
            breaks.note(chopped(grows=True))
        breaks.note(chilled(chopped(grows=True), turn))
    assert [by for _, by in breaks.windows] == [(LONG + 1) * (turn + 1) - 1 for turn in range(TIMES)]
    for _ in range(LONG):
        breaks.note(chopped(grows=True))
    assert breaks.note(chilled(chopped(grows=False), 12)) == {RULE.id}


def test_what_nobody_spoke_of_is_news_again_once_it_has_not_come_for_long() -> None:
    habits = Habits()
    colder = chilled(chopped(grows=True), 0)
    assert [bool(habits.news(colder)) for _ in range(TIMES + 2)] == [True] * TIMES + [False] * 2
    for _ in range(LATELY):
        assert not habits.news(chopped(grows=True))
    assert habits.news(colder) == {COLD: 1}


def test_an_alarm_is_not_raised_by_what_comes_again_and_again_though_nobody_spoke_of_it() -> None:
    alarm = Alarm()
    for turn in range(TIMES):
        alarm.note(chilled(chopped(grows=True), turn))
    alarm.clear()
    alarm.heed()
    for turn in range(9):
        alarm.note(chilled(chopped(grows=True), turn))
    assert not alarm
    alarm.note(chilled(chopped(grows=False), 0))
    alarm.note(chilled(chopped(grows=False), 1))
    assert alarm


def test_a_rule_that_failed_is_tried_again_where_it_speaks_in_other_states_and_not_for_ever() -> None:
    retrials = Retrials(WORDS)
    for number in range(LONG):
        assert not retrials.note(chopped(grows=True, wood=number), STORE)
    assert not retrials.are_tried_by(CHOP, {WOOD: 40, AXE: True, HOUR: 0})
    assert retrials.note(chopped(grows=False, wood=LONG), STORE)
    assert retrials.are_tried_by(CHOP, {WOOD: 40, AXE: True, HOUR: 0})
    assert not retrials.are_tried_by(CHOP, {WOOD: 40, AXE: False, HOUR: 0})
    assert not retrials.are_tried_by(CHOP, {WOOD: LONG, AXE: True, HOUR: 9})
    for number in range(TRIALS):
        retrials.note(chopped(grows=False, wood=100 + number), RuleStore(retired=(RULE,)))
    assert not retrials.are_tried_by(CHOP, {WOOD: 40, AXE: True, HOUR: 0})


def test_what_was_done_is_new_again_once_it_is_forgotten() -> None:
    familiarity, state = Familiarity(WORDS), {WOOD: 0, AXE: True, HOUR: 0}
    for _ in range(3):
        familiarity.add(state, CHOP)
    assert familiarity.times(state, CHOP) == 3
    assert not familiarity.unseen(state, CHOP)
    familiarity.forget({**state, WOOD: 2}, CHOP)
    assert familiarity.times(state, CHOP) == 0
    assert familiarity.unseen(state, CHOP)


def test_two_surprises_are_enough_for_an_alarm_once_the_world_may_have_changed() -> None:
    alarm = Alarm()
    for surprising in (False, False, True, True):
        alarm.note(chopped(grows=not surprising))
    assert not alarm
    alarm.heed()
    assert alarm
    alarm.clear()
    alarm.note(chopped(grows=False))
    assert not alarm
    alarm.note(chopped(grows=False))
    assert alarm
