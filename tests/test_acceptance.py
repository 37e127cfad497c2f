"""What makes a rule more than a guess: transitions it was not made from; and what becomes of one that is believed no more."""

import random
from dataclasses import replace

from agentwm import Action, Fluent, Observation, RuleStore, State, parse_rule
from agentwm.induction.acceptance import ENOUGH, Beginnings
from agentwm.induction.alarm import Alarm
from agentwm.induction.noisy import NoisyInducer, verdict
from agentwm.induction.succession import reason_for, successors
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.store import Record
from agentwm.types import Goal, Outcome, Prediction, Query, Trajectory, Transition, Value
from tests.tiny_world import WARM, WET, WOOD, WORDS, Law, example, seen, situation

CHOP = parse_rule("act when wood() is more than 1 then 1.00 success: wood() falls by 2")


def chop(state: State, _action: Action, _rng: random.Random) -> dict[Fluent, Value]:
    wood = state[WOOD]
    assert isinstance(wood, int)
    return {WOOD: wood - 2} if wood >= 2 else {}


def lived(law: Law, number: int, *, seed: int = 0, noise: float = 0.0) -> Trajectory:
    transitions = tuple(
        Transition(each.before, each.action, each.settled, Observation(""), succeeded=True, changed=each.changed)
        for each in seen(law, number, seed=seed, noise=noise)
    )
    return Trajectory("tiny", Goal(""), transitions[0].before, transitions)


def learned(law: Law, number: int, *, seed: int = 0, noise: float = 0.0) -> RuleStore:
    return NoisyInducer().induce([lived(law, number, seed=seed, noise=noise)], WORDS)


# --- acceptance -----------------------------------------------------------------------------------------------------------


def test_a_rule_is_a_candidate_until_it_was_foretold_where_nobody_had_learned_from() -> None:
    early, late = learned(chop, 24), learned(chop, 60)
    assert {early.record(rule).state for rule in early.rules} == {"candidate"}
    assert {late.record(rule).state for rule in late.rules} == {"active"}
    assert all(late.record(rule).foretold == ENOUGH for rule in late.rules)


def test_a_rule_is_not_accepted_on_the_transitions_it_was_made_from() -> None:
    everything = list(seen(chop, 40))
    beginnings = Beginnings(lambda rule, each: verdict(rule, each, WORDS) is True)
    assert beginnings.foretold(CHOP, (1 << 40) - 1, everything) == 0
    beginnings.add([CHOP])
    right = sum(1 << n for n, each in enumerate(everything) if verdict(CHOP, each, WORDS))
    assert beginnings.foretold(CHOP, right & ((1 << 25) - 1), everything) == 0, "these it was made from"
    assert beginnings.foretold(CHOP, right, everything) == ENOUGH


def test_another_effect_foretold_does_not_speak_for_a_rule() -> None:
    everything = list(seen(chop, 40))
    beginnings = Beginnings(lambda rule, each: verdict(rule, each, WORDS) is True)
    beginnings.add([parse_rule("act then 1.00 success: warm() becomes true")])
    assert beginnings.foretold(CHOP, (1 << 40) - 1, everything) == 0


def test_a_guess_from_one_transition_is_kept_but_not_asked() -> None:
    words = "act when wood() is more than 4 then 1.00 success: wet() becomes true"
    rule = parse_rule(words)
    query = Query({**situation(random.Random(0)), WOOD: 5, WET: False}, Action("act"))
    for record, changes in (
        (Record(supports=1, state="candidate"), {}),
        (Record(supports=2, state="candidate"), {WET: True}),
        (Record(supports=1, state="active"), {WET: True}),
    ):
        model = AlignedModel.symbolic(RuleStore((rule,), {rule.id: record}), WORDS)
        (said,) = model.predict([query])
        assert said.outcomes[0].changes == changes


def test_a_guess_about_a_reward_is_asked_because_a_false_one_costs_but_a_trial() -> None:
    rule = parse_rule("act then 1.00 success: reward 1")
    model = AlignedModel.symbolic(RuleStore((rule,), {rule.id: Record(supports=1, state="candidate")}), WORDS)
    (said,) = model.predict([Query(situation(random.Random(0)), Action("act"))])
    assert said.outcomes[0].reward == 1


# --- noise ----------------------------------------------------------------------------------------------------------------


def test_noise_is_not_taken_for_chance() -> None:
    store = learned(chop, 2000, noise=0.1)
    believed = {rule.sentence() for rule in store.rules if not store.record(rule).is_guess}
    assert len(believed) == 1
    (rule,) = (rule for rule in store.rules if not store.record(rule).is_guess)
    assert rule.when == CHOP.when
    assert [change for outcome in rule.outcomes for change in outcome.changes] == list(CHOP.outcomes[0].changes)


def test_a_record_counts_the_transitions_over_all_verbs() -> None:
    trajectory = lived(chop, 300)
    store = NoisyInducer().induce([trajectory], WORDS)
    (rule,) = store.rules
    spoke = [
        n
        for n, t in enumerate(trajectory)
        if t.action.verb == "act" and isinstance(wood := t.before[WOOD], int) and wood > 1
    ]
    assert store.record(rule).last_spoken == spoke[-1]
    assert store.record(rule).supports == len(spoke)


# --- what becomes of a rule -----------------------------------------------------------------------------------------------


def test_the_reason_says_what_took_the_place_of_a_rule() -> None:
    warmer = replace(CHOP, when=(*CHOP.when, parse_rule("act when warm() is true then 1.00 success").when[0]))
    colder = replace(CHOP, when=(*CHOP.when, parse_rule("act when warm() is false then 1.00 success").when[0]))
    other = parse_rule("act then 1.00 success: wet() becomes true")
    waiting = replace(CHOP, verb="wait")
    rules = [warmer, colder, other, waiting]
    assert successors(CHOP, rules) == [warmer, colder]
    assert reason_for(CHOP, [warmer]) == f"specialised into {warmer.id}"
    assert reason_for(CHOP, [warmer, colder]) == f"split into {warmer.id}, {colder.id}"
    assert reason_for(warmer, [CHOP]) == f"widened to {CHOP.id}"
    assert "no longer" in reason_for(CHOP, [])


def test_what_takes_the_place_of_a_rule_has_it_for_a_parent() -> None:
    whole = lived(chop, 200)
    rich = replace(whole, transitions=tuple(t for t in whole if isinstance(wood := t.before[WOOD], int) and wood > 1))
    before = NoisyInducer().induce([rich], WORDS)
    after = NoisyInducer().revise(before, [rich, whole], WORDS)
    (gone,) = before.rules
    (heir,) = after.rules
    assert (gone.when, heir.when) == ((), CHOP.when)
    assert after.record(gone).state == "retired"
    assert after.record(gone).reason == f"specialised into {heir.id}"
    assert after.record(heir).parents == (gone.id,)


def test_a_rule_believed_before_outlives_a_little_noise_but_not_a_change() -> None:
    elsewhere = parse_rule("wait when wood() is more than 1 then 1.00 success: warm() becomes true")
    true = parse_rule("act when wood() is more than 3 then 1.00 success: wood() falls by 2")
    store = NoisyInducer(RuleStore((true, elsewhere))).induce([lived(chop, 300, noise=0.05)], WORDS)
    assert true in store.rules or true.id in {rule.id for rule in store.rules}
    assert elsewhere in store.retired
    assert "contradicted by" in store.record(elsewhere).reason


# --- the alarm ------------------------------------------------------------------------------------------------------------


def step(probability: float, *, came: bool) -> Transition:
    before = situation(random.Random(0))
    after = {**before, WARM: not before[WARM]} if came else before
    done = example(before, Action("act"), after)
    outcome = Outcome(probability, {WARM: not before[WARM]})
    rest = (Outcome(1 - probability),) if probability < 1 else ()
    predicted = Prediction((outcome, *rest), 0.99, "rules", ("act-1",))
    return Transition(
        before, Action("act"), done.settled, Observation(""), succeeded=True, changed=done.changed, predicted=predicted
    )


def alarmed(steps: list[Transition]) -> bool:
    alarm = Alarm()
    for each in steps:
        alarm.note(each)
    return bool(alarm)


def test_three_sure_predictions_that_fail_raise_the_alarm_and_one_does_not() -> None:
    wrong, right = step(1.0, came=False), step(1.0, came=True)
    assert alarmed([wrong] * 3)
    assert not alarmed([wrong])
    assert not alarmed(([right] * 9 + [wrong]) * 20), "a tenth of noise"
    assert not alarmed([right] * 500)


def test_an_alarm_is_raised_when_chance_is_not_as_it_was() -> None:
    came, missed = step(0.6, came=True), step(0.6, came=False)
    assert not alarmed(([came] * 3 + [missed] * 2) * 20)
    assert alarmed([came] * 40)
    assert alarmed([missed] * 20)
