"""The learner's traps, each as the few steps that once led it astray, and its algebra."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentwm import Fluent, Rule, RuleStore, Trajectory, parse_rule
from agentwm.induction.credit import examples
from agentwm.induction.learner import SymbolicInducer
from agentwm.induction.pruning import maximum_coverage
from agentwm.induction.table import UNPROVEN
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.language import fluent_names, format_condition
from agentwm.rules.matching import bind, conjunction
from agentwm.rules.store import Record
from agentwm.types import ActionSchema, Query, State, Value, Vocabulary
from agentwm_environments.alfworld.game import Game

Live = Callable[..., Trajectory]


def fetch(thing: str, place: str) -> tuple[str, ...]:
    """Return the commands that carry ``thing`` from the countertop to ``place``."""
    return ("go to countertop 1", f"take {thing} from countertop 1", f"go to {place}")


def learned(words: Vocabulary, *trajectories: Trajectory) -> RuleStore:
    return SymbolicInducer().induce([*trajectories, replace(trajectories[-1], transitions=())], words)


def rules_of(store: RuleStore, verb: str, *, success: bool = True) -> list[Rule]:
    return [rule for rule in store.of_verb(verb) if rule.predicts_success == success]


def conditions(rule: Rule) -> set[str]:
    return {format_condition(condition) for condition in rule.when}


def changes(rules: Iterable[Rule]) -> set[str]:
    return {str(change) for rule in rules for outcome in rule.outcomes for change in outcome.changes}


# --- what a success needs -----------------------------------------------------------------------------------------------


def test_bonds_that_all_successes_share_are_kept_though_no_failure_asks_for_them(live: Live, words: Vocabulary) -> None:
    store = learned(
        words,
        live(*fetch("apple 1", "microwave 1"), "heat apple 1 with microwave 1"),
        live(*fetch("egg 1", "microwave 1"), "heat egg 1 with microwave 1"),
    )
    for rule in rules_of(store, "heat"):
        assert {"holding() is ?o", "place(at()) is place(?r)"} <= conditions(rule)
    assert rules_of(store, "heat")


def test_an_empty_hand_is_not_required_where_only_early_data_suggests_it(live: Live, words: Vocabulary) -> None:
    tour = live(
        "go to fridge 1", "go to fridge 1", "go to cabinet 1", "go to cabinet 1", "go to toaster 1", "go to toaster 1"
    )
    store = learned(words, tour)
    [rule] = [r for r in rules_of(store, "go to") if "at() becomes ?r" in changes([r])]
    assert conditions(rule) == {"place(at()) is not place(?r)"}


# One success, and failures that leave open whether it was for what was cooled or for where.
TIED = (
    (*fetch("apple 1", "fridge 1"), "cool apple 1 with fridge 1"),
    (*fetch("egg 1", "toaster 1"), "cool egg 1 with toaster 1"),
    (*fetch("potato 1", "microwave 1"), "cool potato 1 with microwave 1"),
    (*fetch("tomato 1", "stoveburner 1"), "cool tomato 1 with stoveburner 1"),
    (*fetch("mug 1", "sinkbasin 1"), "cool mug 1 with sinkbasin 1"),
)


# An apple is no colder elsewhere.
AGAINST = [
    (*fetch("apple 1", place), f"cool apple 1 with {place}")
    for place in (
        "coffeemachine 1",
        "garbagecan 1",
        "microwave 1",
        "sinkbasin 1",
        "stoveburner 1",
        "toaster 1",
        "cabinet 1",
    )
]


def kinds(store: RuleStore, verb: str) -> set[str]:
    return {text for rule in rules_of(store, verb) for text in conditions(rule) if text.startswith("kind(")}


def test_a_tie_between_two_kinds_keeps_both(live: Live, words: Vocabulary) -> None:
    tied = [live(*commands) for commands in TIED]
    assert kinds(learned(words, *tied), "cool") == {'kind(?o) is "apple"', 'kind(?r) is "fridge"'}


def test_failures_decide_a_tie(live: Live, words: Vocabulary) -> None:
    decided = [live(*commands) for commands in (*TIED, *AGAINST)]
    assert kinds(learned(words, *decided), "cool") == {'kind(?r) is "fridge"'}


def test_a_kind_is_found_though_a_coincidence_separates_as_well(live: Live, words: Vocabulary) -> None:
    """Heat succeeded at a shut microwave only, and failed at places that are open or have no door."""
    tries = [live(*fetch(thing, place), f"heat {thing} with {place}") for thing, place in (
        ("apple 1", "microwave 1"), ("egg 1", "microwave 1"), ("potato 1", "microwave 1"), ("apple 1", "toaster 1"),
        ("egg 1", "stoveburner 1"), ("tomato 1", "coffeemachine 1"), ("apple 1", "garbagecan 1"), ("egg 1", "sinkbasin 1"),
        ("egg 1", "cabinet 1"), ("apple 1", "drawer 1"), ("potato 1", "fridge 1"),
    )]  # fmt: skip
    [rule] = rules_of(learned(words, *tries), "heat")
    assert conditions(rule) == {"holding() is ?o", "place(at()) is place(?r)", 'kind(?r) is "microwave"'}


def test_hidden_qualities_are_never_conditions(live: Live, words: Vocabulary) -> None:
    """A hot thing was cooled each time, and no thing that was not hot: a coincidence."""
    hot = [live(*fetch(t, "microwave 1"), f"heat {t} with microwave 1", f"examine {t}", "go to fridge 1", f"cool {t} with fridge 1") for t in ("apple 1", "egg 1")]  # fmt: skip  # noqa: E501
    cold = [live(*fetch(t, "toaster 1"), f"cool {t} with toaster 1") for t in ("potato 1", "tomato 1")]
    for rule in learned(words, *hot, *cold).rules:
        names = {name for condition in rule.when for name in fluent_names(condition)}
        assert not names & {"hot", "cool", "clean", "sliced", "explored"}


def test_a_door_matters_where_failures_say_so_and_an_unseen_door_is_no_condition(live: Live, words: Vocabulary) -> None:
    things, plain = ("apple 1", "egg 1", "potato 1"), ("toaster 1", "sinkbasin 1", "stoveburner 1")
    doors = ("cabinet 1", "fridge 1", "microwave 1", "drawer 1")
    store = learned(
        words,
        *(live(*fetch(t, p), f"move {t} to {p}") for t, p in product(things, plain)),
        *(live(*fetch(t, d), f"move {t} to {d}", f"open {d}", f"move {t} to {d}") for t, d in product(things, doors)),
        live(*fetch("tomato 1", "drawer 1"), "move tomato 1 to cabinet 2"),
    )
    [rule] = rules_of(store, "move")
    assert "open(?r) is not false" in conditions(rule)
    assert {"holding() becomes nothing", "in(?o) becomes ?r"} == changes([rule])


def test_one_rule_does_for_receptacles_that_share_a_place(live: Live, words: Vocabulary) -> None:
    """Drawer 1 is opened from drawer 2; that they are at one place is found out afterwards."""
    store = learned(
        words,
        live("go to drawer 2", "open drawer 1", "look", "close drawer 1"),
        live("go to cabinet 1", "open cabinet 1", "close cabinet 1", "open fridge 1", "open microwave 1"),
    )
    for verb in ("open", "close"):
        [rule] = rules_of(store, verb)
        assert "place(at()) is place(?r)" in conditions(rule)
        assert store.record(rule).contradicts == 0


# --- what a success changes ---------------------------------------------------------------------------------------------


def test_what_is_found_out_on_arrival_is_no_effect_of_going(live: Live, words: Vocabulary) -> None:
    """Every place that was gone to was found shut; going does not shut doors."""
    store = learned(words, live("go to fridge 1", "go to cabinet 1", "go to microwave 1", "go to drawer 1"))
    assert changes(rules_of(store, "go to")) == {"at() becomes ?r"}


def test_an_examination_makes_nothing_clean(live: Live, words: Vocabulary) -> None:
    house = [
        live(*fetch(t, "sinkbasin 1"), f"clean {t} with sinkbasin 1", f"examine {t}") for t in ("apple 1", "egg 1")
    ]
    store = learned(words, *house)
    assert not changes(store.of_verb("examine"))
    assert "clean(?o) becomes true" in changes(rules_of(store, "clean"))


def test_changes_are_lifted_over_the_actions_arguments_only(live: Live, words: Vocabulary) -> None:
    """Taking with a full view of the table, opening a full cabinet: what else was seen is not an effect."""
    store = learned(
        words,
        live(
            "go to countertop 1",
            "take egg 1 from countertop 1",
            "go to cabinet 1",
            "open cabinet 1",
            "examine cabinet 1",
        ),
    )
    for rule in store.rules:
        assert rule.outcomes
        assert not [c for o in rule.outcomes for c in o.changes if isinstance(c.value, str)]
    assert changes(store.of_verb("open")) == {"open(?r) becomes true", "explored(?r) becomes true"}
    assert not changes(store.of_verb("examine"))


def test_an_effect_that_mostly_stays_away_is_dropped(live: Live, words: Vocabulary, house: Game) -> None:
    """One of the things cleaned had been cool all the while."""
    plain = [live(*fetch(t, "sinkbasin 1"), f"clean {t} with sinkbasin 1", f"examine {t}") for t in ("egg 1", "potato 1", "tomato 1", "apple 1")]  # fmt: skip  # noqa: E501
    chilly = replace(house, things=tuple(replace(t, is_cool=t.name == "apple 1") for t in house.things))
    chilled = live(*fetch("apple 1", "sinkbasin 1"), "clean apple 1 with sinkbasin 1", "examine apple 1", game=chilly)
    store = learned(words, *plain, chilled)
    assert "clean(?o) becomes true" in changes(rules_of(store, "clean"))
    assert "cool(?o) becomes true" not in changes(rules_of(store, "clean"))


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_failure_laid_to_a_pair_of_kinds_is_an_exception_and_no_contradiction(live: Live, words: Vocabulary) -> None:
    """A pillow does not go into the fridge, whatever else goes there and wherever else it goes."""
    store = learned(words, *_pillow_tries(live))
    [success] = rules_of(store, "move")
    assert (store.record(success).contradicts, store.record(success).supports) == (0, 5)
    assert not any(name == "kind" for c in success.when for name in fluent_names(c))
    pairs = [conditions(rule) for rule in rules_of(store, "move", success=False)]
    assert {'kind(?o) is "pillow"', 'kind(?r) is "fridge"'} in pairs


def test_what_failed_as_an_exception_is_foretold_to_fail_again(live: Live, words: Vocabulary) -> None:
    tries = _pillow_tries(live)
    last = tries[-1].transitions[-1]
    assert not last.succeeded
    [foretold] = AlignedModel.symbolic(learned(words, *tries), words).predict([Query(last.before, last.action)])
    assert not foretold.success


def _pillow_tries(live: Live) -> list[Trajectory]:
    opened = ("open fridge 1",)
    return [
        live(*fetch("apple 1", "fridge 1"), *opened, "move apple 1 to fridge 1"),
        live(*fetch("egg 1", "fridge 1"), *opened, "move egg 1 to fridge 1"),
        live(*fetch("tomato 1", "toaster 1"), "move tomato 1 to toaster 1"),
        live(*fetch("pillow 1", "toaster 1"), "move pillow 1 to toaster 1"),
        live(*fetch("pillow 1", "stoveburner 1"), "move pillow 1 to stoveburner 1"),
        live(*fetch("pillow 1", "fridge 1"), *opened, "move pillow 1 to fridge 1"),
    ]


def test_a_thing_that_fails_with_many_partners_is_an_exception_by_itself(
    live: Live, words: Vocabulary, house: Game
) -> None:
    places = ("toaster 1", "stoveburner 1", "sinkbasin 1", "garbagecan 1")
    heavy_egg = replace(house, can_contain=frozenset(pair for pair in house.can_contain if pair[1] != "egg"))
    lived = [
        live(*fetch(thing, place), f"move {thing} to {place}", game=heavy_egg)
        for place in places
        for thing in ("apple 1", "potato 1", "tomato 1", "pillow 1", "mug 1", "egg 1")
    ]
    store = learned(words, *lived)
    assert {'kind(?o) is "egg"'} in [conditions(rule) for rule in rules_of(store, "move", success=False)]


# --- bookkeeping --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wanderings(live: Live, words: Vocabulary, house: Game) -> list[Trajectory]:
    """Return six episodes of commands drawn by chance, half of them sensible."""
    rng = random.Random(7)
    receptacles = [r.name for r in house.receptacles]
    things = [t.name for t in house.things]

    def anything() -> str:
        schema: ActionSchema = rng.choice(list(words.actions.values()))
        return schema.render([rng.choice(receptacles if s == "receptacle" else things) for s in schema.parameters])

    def errand() -> list[str]:
        thing, place = rng.choice(things[1:]), rng.choice(receptacles)
        verb = rng.choice(("heat", "cool", "clean"))
        return [
            *fetch(thing, place),
            f"{verb} {thing} with {place}",
            f"examine {thing}",
            f"open {place}",
            f"move {thing} to {place}",
        ]

    episodes = []
    for _ in range(6):
        commands = [c for _ in range(4) for c in (*errand(), anything(), anything())]
        while True:
            try:
                episodes.append(live(*commands))
                break
            except AssertionError:  # won: the episode is over
                commands = commands[:-1]
    return episodes


def test_to_revise_step_by_step_is_to_induce_from_all_at_once(words: Vocabulary, wanderings: list[Trajectory]) -> None:
    inducer, store = SymbolicInducer(), RuleStore()
    for number, whole in enumerate(wanderings):
        for cut in range(0, len(whole) + 1, 3):
            seen = [*wanderings[:number], replace(whole, transitions=whole.transitions[:cut])]
            store = inducer.revise(store, seen, words)
            batch = SymbolicInducer().induce(seen, words)
            assert store.rules == batch.rules, (number, cut)
            assert {r.id: store.record(r) for r in store.rules} == {r.id: batch.record(r) for r in batch.rules}
            assert (store.silence, store.knowledge) == (batch.silence, batch.knowledge)


def test_an_inducer_that_is_given_other_episodes_forgets_the_old_ones(
    words: Vocabulary, wanderings: list[Trajectory]
) -> None:
    inducer = SymbolicInducer()
    inducer.induce(wanderings, words)
    assert inducer.induce(wanderings[3:], words) == SymbolicInducer().induce(wanderings[3:], words)


def test_a_record_counts_the_transitions_that_the_rule_gets_right(
    words: Vocabulary, wanderings: list[Trajectory]
) -> None:
    store = learned(words, *wanderings)
    lived = [
        e
        for trajectory in wanderings
        for e in examples(trajectory, words)
        if all(Fluent("sort", (name,)) in e.before for name in e.action.args)
    ]
    failures = [r for r in store.rules if not r.predicts_success]
    assert failures
    for rule in failures:
        spoken = [
            e
            for e in lived
            if (bound := bind(rule, e.action)) is not None and conjunction(rule.when, bound, e.before, words)
        ]
        assert store.record(rule).supports == sum(not e.succeeded for e in spoken)
        assert store.record(rule).contradicts == sum(e.succeeded for e in spoken)


def test_a_record_counts_the_kinds_of_thing_that_a_rule_held_for(live: Live, words: Vocabulary) -> None:
    store = learned(words, *_pillow_tries(live))
    [success] = rules_of(store, "move")
    assert store.record(success).kinds == {
        "o": {"apple": 1, "egg": 1, "tomato": 1, "pillow": 2},
        "r": {"fridge": 2, "toaster": 2, "stoveburner": 1},
    }
    assert all(store.record(rule).kinds == {} for rule in rules_of(store, "move", success=False))


def test_failures_are_laid_to_the_fewest_kinds_and_to_a_good_for_nothing_one_most_readily(
    live: Live, words: Vocabulary
) -> None:
    def blamed(*tries: Trajectory) -> float:
        inducer = SymbolicInducer()
        inducer.induce(tries, words)
        table = inducer.tables["move", ("object", "receptacle")]
        return table.kinds_to_blame(table.failed)

    moved, pillow = live(*fetch("apple 1", "toaster 1"), "move apple 1 to toaster 1"), _pillow_tries(live)
    refused = live(*fetch("pillow 1", "fridge 1"), *["move pillow 1 to fridge 1"] * 3)
    also = live(*fetch("egg 1", "microwave 1"), "move egg 1 to microwave 1")  # it is shut
    assert blamed(*pillow) == 1
    assert blamed(moved, refused) == UNPROVEN
    assert blamed(moved, refused, also) == pytest.approx(2 * UNPROVEN)


def test_a_contradicted_rule_is_retired_with_the_reason(live: Live, words: Vocabulary) -> None:
    tied = [live(*commands) for commands in TIED]
    inducer = SymbolicInducer()
    before = inducer.induce(tied, words)
    wrong = next(rule for rule in rules_of(before, "cool") if 'kind(?o) is "apple"' in conditions(rule))
    against = [live(*commands) for commands in AGAINST]
    after = inducer.revise(before, [*tied, *against], words)
    assert wrong in after.retired
    assert wrong not in after.rules
    record = after.record(wrong)
    assert (record.state, record.contradicts, record.reason) == ("retired", 7, "contradicted by 7 transitions")
    assert wrong in inducer.revise(after, [*tied, *against, live("look")], words).retired


def from_a_person(*texts: str, **record: Any) -> RuleStore:
    """Return the rules that a person gave."""
    rules = tuple(map(parse_rule, texts))
    return RuleStore(rules, {rule.id: Record(origin="person", **record) for rule in rules})


@pytest.mark.parametrize(
    ("text", "is_contradicted"),
    [
        (
            "any action when holding() is nothing then 1.00 success: holding() becomes nothing",
            True,
        ),  # a take fills the hand
        ('any action when at() is "the moon" then 1.00 failure', False),  # it never speaks
        ('any action when open("fridge 1") is true then 1.00 failure', True),  # what is done there succeeds
        ('any action then 1.00 success: at() becomes "the moon"', True),
        ('any action when holding() is "apple 1" then 1.00 success', False),
    ],
)
def test_a_rule_about_any_action_is_retired_where_what_it_says_does_not_come_whatever_the_verb(
    text: str, *, is_contradicted: bool, live: Live, words: Vocabulary
) -> None:
    store = from_a_person(text)
    lived = live(*fetch("apple 1", "fridge 1"), "open fridge 1", "move apple 1 to fridge 1")
    assert all(step.succeeded for step in lived)
    revised = SymbolicInducer().revise(store, [lived], words)
    [rule] = store.rules
    assert (rule in revised.retired) == is_contradicted != (rule in revised.rules)
    if is_contradicted:
        assert revised.record(rule).reason.startswith("contradicted by ")


def test_a_failure_contradicts_what_is_foretold_to_succeed_whatever_is_done(live: Live, words: Vocabulary) -> None:
    """A rule of success about any action is asked, and predicts success, of every verb: that is what it is held to."""
    store = from_a_person("any action when holding() is nothing then 1.00 success")
    lived = live("open fridge 1", "go to fridge 1", "open fridge 1")
    assert [step.succeeded for step in lived] == [False, True, True]
    [first, *_] = AlignedModel.symbolic(store, words).predict([Query(lived.start, lived.transitions[0].action)])
    assert (first.success, first.source) == (True, "rules")
    revised = SymbolicInducer().revise(store, [lived], words)
    [rule] = store.rules
    assert revised.record(rule).reason == "contradicted by 1 transitions"
    tolerated = from_a_person(rule.sentence(), contradicts=1)
    assert rule in SymbolicInducer().revise(tolerated, [lived], words).rules, "it was given in spite of that"


def test_what_a_rule_about_any_action_leaves_to_noise_does_not_contradict_it(live: Live, words: Vocabulary) -> None:
    lived = live("open fridge 1", "go to fridge 1", "open fridge 1")
    noisy = from_a_person("any action when holding() is nothing then 0.70 success")
    assert noisy.rules == SymbolicInducer().revise(noisy, [lived], words).of_verb("any action")


def test_a_retired_rule_that_follows_again_is_active_again(live: Live, words: Vocabulary) -> None:
    tied = [live(*commands) for commands in TIED]
    against = [live(*commands) for commands in AGAINST]
    rules = SymbolicInducer().induce(tied, words)
    gone = SymbolicInducer().revise(rules, [*tied, *against], words)
    [wrong] = gone.retired
    back = SymbolicInducer().revise(gone, tied, words)
    assert wrong in back.rules
    assert wrong not in back.retired
    assert back.record(wrong).state == "active"


def test_a_rule_that_nothing_speaks_against_outlives_the_first_step(live: Live, words: Vocabulary) -> None:
    """Going on from an earlier run's rules must not throw them away because one has looked around."""
    given_rule = parse_rule(
        'heat ?o ?r when holding() is ?o and kind(?r) is "microwave" then 1.00 success: hot(?o) becomes true'
    )
    after = SymbolicInducer().revise(RuleStore((given_rule,)), [live("look")], words)
    assert given_rule in after.rules


def test_a_rule_about_each_thing_is_held_until_an_action_turns_out_otherwise(words: Vocabulary, live: Live) -> None:
    crowded = parse_rule("move ?o ?r, each object ?x when in(?x) is ?r then 1.00 failure")
    empty, full = (
        live(*fetch("apple 1", place), f"move apple 1 to {place}") for place in ("sinkbasin 1", "countertop 1")
    )
    assert crowded in SymbolicInducer().revise(RuleStore((crowded,)), [empty, live("look")], words).rules
    after = SymbolicInducer().revise(RuleStore((crowded,)), [full, live("look")], words)
    assert after.record(crowded).reason == "contradicted by 1 transitions"


def test_no_trajectories_give_no_rules(words: Vocabulary, live: Live) -> None:
    assert SymbolicInducer().induce([], words) == RuleStore()
    assert SymbolicInducer().induce([live()], words).rules == ()


def test_nothing_is_known_of_the_world_beforehand(live: Live, words: Vocabulary) -> None:
    """Renamed beyond recognition, the same episodes give the same rules in the other names."""
    renamed = {"microwave": "quux", "apple": "plugh", "egg": "xyzzy", "toaster": "frotz"}
    places = [("apple 1", "microwave 1"), ("egg 1", "microwave 1"), ("apple 1", "toaster 1"), ("egg 1", "toaster 1")]
    ours = [live(*fetch(t, p), f"heat {t} with {p}", f"examine {t}") for t, p in places]
    theirs = [_renamed(trajectory, renamed) for trajectory in ours]

    def texts(store: RuleStore) -> list[str]:
        sentences = sorted(rule.sentence() for rule in store.rules)
        for old, new in renamed.items():
            sentences = [sentence.replace(old, new) for sentence in sentences]
        return sorted(sentences)

    assert texts(learned(words, *ours)) == sorted(rule.sentence() for rule in learned(words, *theirs).rules)


def _renamed(trajectory: Trajectory, names: dict[str, str]) -> Trajectory:
    def name(text: str) -> str:
        kind, _, number = text.partition(" ")
        return f"{names.get(kind, kind)} {number}".strip()

    def value(known: Value) -> Value:
        return name(known) if isinstance(known, str) else known

    def state(facts: State) -> State:
        return {Fluent(f.name, tuple(map(name, f.args))): value(v) for f, v in facts.items()}

    steps = [
        replace(
            step,
            before=state(step.before),
            after=state(step.after),
            changed=state(step.changed),
            told=frozenset(state(dict.fromkeys(step.told))),
            action=step.action._replace(args=tuple(map(name, step.action.args))),
        )
        for step in trajectory
    ]
    return replace(trajectory, start=state(trajectory.start), transitions=tuple(steps))


# --- pruning against the plain greedy -------------------------------------------------------------------------------------


def plain_greedy(covers: Sequence[int], limit: int | None) -> list[int]:
    """Return how many each greedy choice adds, by trying all of them each time."""
    gains: list[int] = []
    covered = 0
    while limit is None or len(gains) < limit:
        best = max(range(len(covers)), key=lambda i: (covers[i] & ~covered).bit_count(), default=None)
        if best is None or not covers[best] & ~covered:
            break
        gains.append((covers[best] & ~covered).bit_count())
        covered |= covers[best]
    return gains


MASKS = st.lists(st.integers(0, 2**12 - 1), max_size=10)


@given(MASKS, st.one_of(st.none(), st.integers(0, 4)))
@example([0b0111, 0b1110, 0b1001], None)
def test_every_choice_of_maximum_coverage_is_one_that_the_plain_greedy_could_make(
    covers: list[int], limit: int | None
) -> None:
    chosen = maximum_coverage(covers, limit=limit)
    assert len(set(chosen)) == len(chosen)
    assert limit is None or len(chosen) <= limit
    covered = 0
    for index in chosen:
        gain = (covers[index] & ~covered).bit_count()
        assert gain == max((cover & ~covered).bit_count() for cover in covers) > 0
        covered |= covers[index]


@given(MASKS)
def test_maximum_coverage_covers_all_that_can_be_covered_and_chooses_nothing_idle(covers: list[int]) -> None:
    everything = covered = 0
    for cover in covers:
        everything |= cover
    for index in maximum_coverage(covers):
        assert covers[index] & ~covered
        covered |= covers[index]
    assert covered == everything


@given(st.lists(st.integers(0, 2**8 - 1), min_size=1, max_size=6), st.integers(1, 3))
@settings(max_examples=50)
def test_maximum_coverage_is_within_the_known_bound_of_the_best(covers: list[int], limit: int) -> None:
    """Source: 1 - 1/e (Nemhauser, Wolsey & Fisher, 1978)."""

    def union(indices: Iterable[int]) -> int:
        mask = 0
        for index in indices:
            mask |= covers[index]
        return mask.bit_count()

    best = max(union(choice) for choice in product(range(len(covers)), repeat=limit))
    assert union(maximum_coverage(covers, limit=limit)) >= (1 - 1 / 2.718281828) * best
