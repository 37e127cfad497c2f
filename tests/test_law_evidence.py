"""Laws held against what was seen: evidence for and against, acceptance on held-out transitions, retirement and pruning."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from agentwm import RuleStore, parse_rule
from agentwm.errors import LawError
from agentwm.evaluation.evidence import heard
from agentwm.evaluation.needless import coverage_of, needless
from agentwm.induction.credit import Example
from agentwm.induction.evidence import Evidence, accept, answers, revised, weigh
from agentwm.rules.laws import Answer
from agentwm.rules.store import Record
from agentwm.types import Action, Fluent, FluentSchema, Outcome, Query, State
from tests.scripted_laws import FAILING, GROWS, MEADOW, SHRINKS, TABLE, WOOD, WORDS, holding, law, saying, sure

# --- what was seen, for and against ------------------------------------------------------------------------------------------------


def example(
    after: State,
    *,
    verb: str = "craft",
    reward: float = 0.0,
    ended: bool = False,
    succeeded: bool = True,
    wood: int = 5,
) -> Example:
    before = {**MEADOW, WOOD: wood}
    return Example(before, Action(verb), succeeded, after, {**before, **after}, reward, ended)


@pytest.mark.parametrize(
    ("answer", "happened", "verdict"),
    [
        (sure({TABLE: 1}), example({TABLE: 1}), "right"),
        (sure({TABLE: 1}), example({TABLE: 1, WOOD: 2}), "right"),
        (sure({TABLE: 1}), example({}), "wrong"),
        (sure({TABLE: 1}, reward=1.0), example({TABLE: 1}, reward=1.0), "right"),
        (sure({TABLE: 1}, reward=1.0), example({TABLE: 1}), "wrong"),
        (sure({TABLE: 1}, terminated=True), example({TABLE: 1}), "wrong"),
        (sure({TABLE: 1}, terminated=False), example({TABLE: 1}, ended=True), "wrong"),
        (sure({}, success=False), example({}, succeeded=False), "right"),
        (sure({}, success=False), example({}), "wrong"),
        (sure({Fluent("never", ("declared",)): 1}), example({}), "wrong"),
        ((Outcome(0.5, {TABLE: 1}), Outcome(0.5, {WOOD: 0})), example({WOOD: 0}), "right"),
        ((Outcome(0.5, {TABLE: 1}), Outcome(0.5)), example({}), "right"),
        # What only one outcome changes, the other says to stay as it is.
        ((Outcome(0.5, {TABLE: 1}), Outcome(0.5)), example({TABLE: 7}), "wrong"),
        (None, example({TABLE: 1}), "silent"),
        (LawError("no"), example({TABLE: 1}), "silent"),
    ],
)
def test_a_law_is_right_where_one_of_its_outcomes_is_what_was_seen(
    answer: Answer, happened: Example, verdict: str
) -> None:
    evidence = weigh([answer], [happened], WORDS)
    assert (evidence.right, evidence.wrong) == {"right": (1, 0), "wrong": (0, 1), "silent": (0, 0)}[verdict]


def test_a_change_that_nobody_could_see_speaks_neither_for_nor_against() -> None:
    hidden = FluentSchema("hot", ("any",), "bool", default=False, has_default=True, hidden=True)
    words = replace(FAILING, fluents={**FAILING.fluents, "hot": hidden})
    hot = Fluent("hot", ("egg",))
    unseen, seen = example({}), example({hot: False})
    assert weigh([sure({hot: True})] * 2, [unseen, seen], words) == Evidence(1, 2, 1, odds=((1, 2.0, 0.0),), asked=2)


def test_failures_are_counted_by_reason_and_the_first_is_told() -> None:
    said_of = [
        LawError("too slow", reason="time"),
        None,
        LawError("a key", reason="raised"),
        LawError("x", reason="raised"),
    ]
    evidence = weigh(said_of, [example({})] * 4, WORDS)
    assert evidence.failures == {"raised": 2, "time": 1}
    assert evidence.complaint == "gave no answer to 3 of 4 questions: too slow"
    assert weigh([None], [example({})], WORDS).complaint == ""


def fault(answer: Answer, *seen: Example, before: Record | None = None) -> str:
    return weigh([answer] * len(seen), list(seen), WORDS).fault(before)


def test_a_law_that_leaves_nothing_to_noise_is_contradicted_by_one_transition() -> None:
    assert fault(sure({TABLE: 1}), *[example({TABLE: 1})] * 9) == ""
    assert fault(sure({TABLE: 1}), *[example({TABLE: 1})] * 9, example({})) == "contradicted by 1 of 10 transitions"


def test_a_law_may_be_wrong_as_often_as_it_leaves_to_noise_all_evidence_counted() -> None:
    noisy = (Outcome(0.9, {TABLE: 1}),)
    good, bad = example({TABLE: 1}), example({WOOD: 0})
    assert fault(noisy, *[good] * 18, *[bad] * 2) == ""
    assert "4 of 6 transitions, more than the 10% that it leaves to noise" in fault(noisy, *[good] * 2, *[bad] * 4)
    assert fault(noisy, *[good] * 2, *[bad] * 4, before=Record(supports=94, contradicts=6)) == ""
    assert fault(noisy, good, before=Record(contradicts=50)) == "", "nothing new speaks against it"


def test_a_law_whose_outcomes_come_otherwise_than_it_says_is_at_fault() -> None:
    even = (Outcome(0.5, {TABLE: 1}), Outcome(0.5))
    made, not_made = example({TABLE: 1}), example({})
    assert fault(even, *[made] * 110, *[not_made] * 90) == ""
    assert fault(even, *[made] * 200) == "its outcome 1 came 200 times, where it says about 100"
    hedged = (Outcome(0.2, {TABLE: 1}),)  # what it leaves to noise may come as anything
    assert fault(hedged, *[made] * 200) == ""


def test_equal_questions_are_asked_once_and_every_transition_has_its_answers() -> None:
    sandbox = saying(sure({TABLE: 1}), None)
    lived = [example({}), example({}, verb="wait"), example({TABLE: 1})]
    assert [each[law(0).id] for each in answers([law(0), law(1)], lived, sandbox=sandbox)] == [
        sure({TABLE: 1}),
        None,
        sure({TABLE: 1}),
    ]
    assert sandbox.runs == [(2, 2)]
    assert sandbox.closed == 0
    assert answers([], iter(lived)) == [{}, {}, {}]


LIVED = [example({TABLE: 1}, wood=wood) for wood in range(8)]


def accepted(answer: Answer | Callable[[Query], Answer], lived: Sequence[Example] = LIVED, **options: object) -> Record:
    store = accept(RuleStore((GROWS,)), [law(0)], lived, WORDS, sandbox=saying(answer), **options)  # type: ignore[arg-type]
    record = store.record(law(0))
    assert store.laws + store.retired_laws == (law(0),)
    assert (record.state == "active") == bool(store.laws)
    assert store.rules == (GROWS,)
    return record


def test_a_law_is_accepted_that_foretells_what_it_was_not_made_from() -> None:
    record = accepted(sure({TABLE: 1}), made_from=range(5), origin="a-model")
    assert (record.state, record.supports, record.contradicts) == ("active", 3, 0)
    assert (record.origin, record.last_spoken, record.reason) == ("a-model", 7, "")


def test_a_law_is_not_accepted_on_the_transitions_it_was_made_from_nor_on_their_likes() -> None:
    known = {0, 1, 2, 3}

    def learned_by_heart(query: Query) -> Answer:
        return sure({TABLE: 1}) if query.state[WOOD] in known else None

    assert accepted(learned_by_heart).state == "active"
    for lived in (LIVED, LIVED * 2):
        record = accepted(learned_by_heart, lived, made_from=known)
        assert record.state == "retired"
        assert record.reason.startswith("not accepted: foretold 0 questions rightly that it was not made from, and 3")


def test_what_a_law_was_made_from_may_speak_against_it() -> None:
    def wrong_at_first(query: Query) -> Answer:
        return sure({TABLE: 1 if query.state[WOOD] else 2})

    assert accepted(wrong_at_first, made_from=[0]).reason == "not accepted: contradicted by 1 of 8 transitions"


def test_a_law_that_foretells_that_nothing_happens_is_not_accepted() -> None:
    quiet = [example({}, wood=wood) for wood in range(8)]
    for nothing in (sure({}), sure({TABLE: 0}), sure({}, reward=0.0, terminated=False)):
        assert accepted(nothing, quiet).reason.startswith("not accepted: foretold 0 questions")


def test_a_law_that_never_answers_is_not_accepted_and_the_reason_says_why() -> None:
    reason = accepted(LawError("it raised KeyError", reason="raised")).reason
    assert reason.endswith("; it gave no answer to 8 of 8 questions: it raised KeyError")


def test_a_law_that_was_judged_before_stays_as_it_is() -> None:
    for store in (holding({}, 5), holding({}, 5).retire({law(0).id: "gone"})):
        assert accept(store, [law(0)], LIVED, WORDS, sandbox=saying(sure({TABLE: 9}))) == store


def test_evidence_adds_up_and_a_contradicted_law_is_retired_with_the_reason() -> None:
    store = replace(holding({GROWS.sentence(): 4}, 5, 5), silence=RuleStore().silence)
    sandbox = saying(sure({TABLE: 1}), sure({TABLE: 2}))
    after = revised(store, LIVED[:3], WORDS, first=10, sandbox=sandbox)
    assert after.laws == (law(0),)
    assert after.record(law(0)) == Record(supports=8, last_spoken=12)
    assert after.record(law(1)).contradicts == 3
    assert (after.record(law(1)).state, after.record(law(1)).reason) == (
        "retired",
        "contradicted by 3 of 8 transitions",
    )
    assert after.record(GROWS) == Record(supports=4)
    again = revised(after, [example({}, verb="wait")], WORDS, first=13, sandbox=sandbox)
    assert again == after, "silence is no evidence"


def test_a_law_that_fails_now_and_then_keeps_on_and_its_record_says_so_and_one_that_was_abandoned_goes() -> None:
    def halting(query: Query) -> Answer:
        return sure({TABLE: 1}) if query.state[WOOD] else LawError("no wood", reason="raised")

    given_up = LawError("it was abandoned", reason="abandoned")
    after = revised(holding({}, 5, 5), LIVED, WORDS, sandbox=saying(halting, given_up))
    assert after.record(law(0)).reason == "gave no answer to 1 of 8 questions: no wood"
    assert (after.laws, after.retired_laws) == ((law(0),), (law(1),))
    assert "abandoned" in after.record(law(1)).reason


# --- pruning --------------------------------------------------------------------------------------------------------------------------


def test_a_law_is_a_row_of_the_coverage_like_a_rule() -> None:
    store = holding({GROWS.sentence(): 5}, 5, 5)
    lived = [example({TABLE: 1}, wood=1), example({}, wood=2)]
    coverage, transitions = coverage_of(store, lived, WORDS, sandbox=saying(sure({TABLE: 1, WOOD: 1}), None))
    assert coverage.rules == (GROWS.id, law(0).id, law(1).id)
    assert transitions == 2
    # Success is no news where nothing fails, and neither is it that wood stays as it is.
    assert coverage.counts(GROWS.id) == (2, 1)
    assert coverage.counts(law(0).id) == (1, 1)
    assert coverage.counts(law(1).id) == (0, 0)


@pytest.mark.parametrize("exact", [False, True])
def test_a_law_goes_whose_news_the_rules_explain_and_a_rule_never_goes_for_a_law(*, exact: bool) -> None:
    store = holding({GROWS.sentence(): 5}, 5, 5)
    lived = [example({TABLE: 1, WOOD: wood - 1}, wood=wood) for wood in range(2, 5)]

    def knows_all(query: Query) -> Answer:
        wood = query.state[WOOD]
        assert isinstance(wood, int)
        return sure({TABLE: 1, WOOD: wood - 1})

    found = needless(store, lived, WORDS, exact=exact, sandbox=saying(sure({TABLE: 1}), knows_all))
    assert found.reasons == {law(0).id: "all that it explains, rules explain too"}
    assert found.speaking == 3
    richer = replace(store, rules=(GROWS, SHRINKS))
    found = needless(richer, lived, WORDS, exact=exact, sandbox=saying(sure({TABLE: 1}), knows_all))
    assert found.reasons.keys() == {law(0).id, law(1).id}


def test_of_two_laws_that_explain_the_same_one_goes_and_one_that_is_only_wrong_goes() -> None:
    found = needless(
        holding({}, 5, 5, 5), LIVED, WORDS, sandbox=saying(sure({TABLE: 1}), sure({TABLE: 1}), sure({TABLE: 5}))
    )
    assert found.reasons == {
        law(0).id: "all that it explains, other rules and laws explain too",
        law(2).id: "wrong in 8 steps, and right about nothing new",
    }


def test_a_failure_that_a_law_foretold_does_not_count_against_a_rule_of_success() -> None:
    failed = example({}, succeeded=False)
    success = parse_rule("craft then 1.00 success")
    assert heard([success], failed, FAILING) == {success.id: frozenset()}
    answered: dict[str, Answer] = {law(0).id: sure({}, success=False)}
    assert heard([success], failed, FAILING, answered) == {law(0).id: {("success", False)}}
