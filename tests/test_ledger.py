"""The ledger of rules: what two stores share, what a run says of a rule, what a store can do without, and no evidence lost."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentwm import build, parse_rule
from agentwm.evaluation.check import check
from agentwm.evaluation.evidence import foretold, heard, hearings, rules_at, vocabulary_of
from agentwm.evaluation.needless import coverage_of, needless
from agentwm.induction.chance import beta_interval, binomial_tail
from agentwm.induction.credit import Example, examples
from agentwm.knowledge import Knowledge
from agentwm.records import RunStore
from agentwm.rules.conflicts import conflict
from agentwm.rules.differences import difference
from agentwm.rules.exchange import from_text, to_text
from agentwm.rules.merging import merge
from agentwm.rules.salvage import salvage
from agentwm.rules.store import Record, RuleStore, Silence
from agentwm.types import Action, Condition, Fluent, FluentSchema, Ref, Value, Vocabulary
from tests.conftest import Ask, Said


def complaint(answer: Said) -> str:
    """Return the one sentence of an error."""
    assert answer.code == 2, answer
    assert answer.out == ""
    assert answer.err.startswith("agentwm: ")
    assert answer.err.count("\n") == 1
    return answer.err


@pytest.fixture(params=["locks", "household"])
def either(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _lived(folder: Path) -> tuple[list[Example], Vocabulary]:
    with RunStore.open(folder) as records:
        words = vocabulary_of(records, build.environment(str(records.config["environment"])))
        return [e for each in records.episodes() for e in examples(records.trajectory(each.episode), words)], words


HOT = parse_rule('heat ?o ?r when kind(?r) is "microwave" then 1.00 success: hot(?o) becomes true')
COLD = parse_rule('heat ?o ?r when kind(?r) is "microwave" then 1.00 success: hot(?o) becomes false')
FISH = parse_rule('fish when at() is "lake" then 0.40 success: fish() grows by 1; or 0.60 success')


# --- numbers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("supports", "contradicts"), [(0, 0), (1, 0), (0, 9), (11, 1), (300, 0), (5000, 70)])
def test_the_interval_of_trust_holds_95_percent_of_the_posterior(supports: int, contradicts: int) -> None:
    low, high = beta_interval(supports, contradicts)
    # The posterior below x is the chance of more than `supports` successes in one more trial than there were, at rate x.
    below = [binomial_tail(supports + 1, supports + contradicts + 1, bound) for bound in (low, high)]
    assert below == pytest.approx([0.025, 0.975], abs=1e-6)


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1))
def test_the_binomial_tail_is_the_sum_that_it_stands_for(count: int, trials: int, probability: float) -> None:
    terms = (
        math.comb(trials, k) * probability**k * (1 - probability) ** (trials - k)
        for k in range(min(count, trials + 1), trials + 1)
    )
    expected = 0.0 if count > trials else math.fsum(terms)
    if count <= trials:
        assert binomial_tail(count, trials, probability) == pytest.approx(expected, abs=1e-9)


# --- list, show, why ------------------------------------------------------------------------------------------------------


def test_every_rule_has_a_line_with_its_evidence_and_the_interval_of_its_trust(either: Path, ask: Ask) -> None:
    store = RuleStore.load(either)
    lines = ask("list", either).out.splitlines()[1:]
    assert len(lines) == len(store.rules)
    for rule, line in zip(store.rules, lines, strict=True):
        record = store.record(rule)
        assert line.startswith(rule.id)
        assert line.endswith(rule.sentence())
        assert f"{record.supports}+ {record.contradicts}-" in line
        assert f"{record.trust:.3f}" in line


def test_the_list_is_also_json_and_can_be_of_one_verb_or_with_the_retired(household: Path, ask: Ask) -> None:
    store = RuleStore.load(household)
    everything = json.loads(ask("list", household, "--retired", "--json").out)
    assert [each["id"] for each in everything] == [rule.id for rule in (*store.rules, *store.retired)]
    assert {each["state"] for each in everything} == {"active", "retired"}
    assert all(each["reason"] for each in everything if each["state"] == "retired")
    some = json.loads(ask("list", household, "--verb", "go to", "--json").out)
    assert [each["id"] for each in some] == [rule.id for rule in store.of_verb("go to")]
    assert "there is: " in complaint(ask("list", household, "--verb", "fly"))


def test_the_steps_for_a_rule_are_those_that_its_record_counts(locks: Path) -> None:
    store = RuleStore.load(locks)
    _, words = _lived(locks)
    with RunStore.open(locks) as records:
        for rule in store.rules:
            steps = [each.is_right for each in hearings(rule, store, records, words) if each.phase == "learn"]
            record = store.record(rule)
            assert (sum(steps), len(steps) - sum(steps)) == (record.supports, record.contradicts), rule.sentence()


def test_why_shows_the_steps_of_a_rule_of_any_action_and_of_one_with_conditions(
    locks: Path, tmp_path: Path, ask: Ask
) -> None:
    run = shutil.copytree(locks, tmp_path / "run")
    rule = parse_rule("any action leading to at() is known then 1.00 success")
    (run / "rules" / f"{rule.id}.rule").write_text(rule.text(), encoding="utf-8")
    answer = ask("why", run, rule.id)
    assert answer.code == 0
    for expected in ("leading to at() is known", "steps support it", "learning: ", "✓ episode "):
        assert expected in answer.out
    assert "[door" in ask("why", locks, "go-").out


def test_why_shows_the_exceptions_of_a_household(household: Path, ask: Ask) -> None:
    store = RuleStore.load(household)
    failure = next(rule for rule in store.rules if not rule.predicts_success)
    answer = ask("why", household, failure.id)
    assert answer.code == 0
    assert f"{store.record(failure).supports} for it" in answer.out


def test_a_rule_with_several_outcomes_is_right_where_one_of_them_came(words: Vocabulary) -> None:
    fluents = {name: FluentSchema(name, (), "number") for name in ("fish", "at")}
    pond = replace(words, fluents=fluents, reports_failure=False)
    at, fish = Fluent("at"), Fluent("fish")
    before: dict[Fluent, Value] = {at: "lake", fish: 2}

    def example(place: str, after: int) -> Example:
        state = {**before, at: place}
        return Example(state, Action("fish"), succeeded=True, changed={}, settled={**state, fish: after})

    assert foretold(FISH, example("lake", 3), pond) == frozenset({("success", True), (fish, 3)})
    assert foretold(FISH, example("lake", 2), pond) == frozenset({("success", True)})
    assert foretold(parse_rule("fish then 1.00 success: fish() grows by 1"), example("lake", 2), pond) == frozenset()
    assert foretold(FISH, example("shore", 3), pond) is None


def test_what_happens_by_itself_is_judged_for_each_thing(words: Vocabulary) -> None:
    world = replace(
        words, fluents={n: FluentSchema(n, ("any",), "number") for n in ("sort", "age")}, reports_failure=False
    )
    rule = parse_rule("any action, each plant ?p then 1.00 success: age(?p) grows by 1")
    before = {Fluent("sort", (name,)): "plant" for name in ("rose", "oak")} | {
        Fluent("age", (n,)): 1 for n in ("rose", "oak")
    }
    for ages, claims in (((2, 2), 3), ((2, 1), 0)):
        after = before | {Fluent("age", (n,)): age for n, age in zip(("rose", "oak"), ages, strict=True)}
        said = foretold(rule, Example(before, Action("wait"), succeeded=True, changed={}, settled=after), world)
        assert said is not None
        assert len(said) == claims


def test_a_hidden_change_that_nobody_looked_at_speaks_neither_for_nor_against(words: Vocabulary) -> None:
    before = {Fluent("holding"): "egg 1"}
    done = Example(before, Action("heat", ("egg 1", "microwave 1")), succeeded=True, changed={}, settled=before)
    rule = parse_rule("heat ?o ?r when holding() is ?o then 1.00 success: hot(?o) becomes true")
    assert foretold(rule, done, words)
    assert foretold(rule, replace(done, settled={**before, Fluent("hot", ("egg 1",)): False}), words) == frozenset()


def test_a_failure_that_an_exception_foretold_does_not_count_against_the_rule(words: Vocabulary) -> None:
    before = {Fluent("kind", ("mug 1",)): "mug"}
    failed = Example(before, Action("slice", ("mug 1", "mug 1")), succeeded=False, changed={}, settled=before)
    always, mugs = (
        parse_rule("slice ?o ?r then 1.00 success"),
        parse_rule('slice ?o ?r when kind(?o) is "mug" then 1.00 failure'),
    )
    assert heard([always, mugs], failed, words) == {mugs.id: {("success", False)}}
    assert heard([always], failed, words) == {always.id: frozenset()}


def test_show_is_the_list_with_what_was_given_up(household: Path, ask: Ask) -> None:
    assert "retired: " in ask("show", household, "--retired").out
    assert "retired: " not in ask("show", household).out


# --- diff -----------------------------------------------------------------------------------------------------------------


def test_a_store_does_not_differ_from_itself(either: Path, ask: Ask) -> None:
    store = RuleStore.load(either)
    assert not difference(store, store)
    assert difference(store, store).kept == store.rules
    found = json.loads(ask("diff", either, either, "--json").out)
    assert not found["added"] + found["gone"] + found["changed"]


def test_two_moments_of_a_run_differ_by_what_was_learned_between(household: Path, ask: Ask) -> None:
    with RunStore.open(household) as records:
        earlier, later = rules_at(records, 0), rules_at(records, 1)
    assert later == RuleStore.load(household)
    found = difference(earlier, later)
    assert {rule.id for rule in later.rules} - {rule.id for rule in earlier.rules} == {rule.id for rule in found.added}
    assert all(reason for _, reason in found.gone)
    assert found.changed
    answer = ask("diff", f"{household}@0", f"{household}@1")
    assert answer.code == 0
    assert f"{len(found.added)} added, {len(found.gone)} gone, {len(found.changed)} changed" in answer.out
    told = json.loads(ask("diff", f"{household}@0", household, "--json").out)
    assert [each["id"] for each in told["changed"]] == [each.after.id for each in found.changed]
    backwards = difference(later, earlier)
    assert {rule.id for rule in backwards.added} == {rule.id for rule, _ in found.gone}


def test_a_moment_at_which_nothing_was_learned_is_refused(locks: Path, ask: Ask) -> None:
    assert "it learned from episodes 0 to 1" in complaint(ask("diff", f"{locks}@2", locks))
    assert "nothing there" in complaint(ask("list", f"{locks}-gone@1"))


# --- check ----------------------------------------------------------------------------------------------------------------


def test_true_rules_pass_and_a_false_one_is_refuted(locks: Path, tmp_path: Path, ask: Ask) -> None:
    answer = ask("check", locks, "--env", "locks", "--episodes", "1", "--json")
    told = json.loads(answer.out)
    assert (answer.code, told["refuted"]) == (0, [])
    assert told["steps"] >= sum(told["unforetold"].get("go", {}).values())
    false = parse_rule("drop ?k then 1.00 success: carried(?k) becomes true")
    store = RuleStore.load(locks)
    replace(store, rules=(*store.rules, false)).save(tmp_path)
    answer = ask("check", tmp_path, "--env", "locks", "--episodes", "1")
    assert answer.code == 1
    assert "refuted: 1" in answer.out
    assert f"✗  {false.id}" in answer.out


def test_what_no_rule_foretold_is_told_by_verb(locks: Path) -> None:
    lived, words = _lived(locks)
    store = RuleStore.load(locks)
    assert check(store, lived, words).unforetold.keys().isdisjoint({("go", "at()"), ("drop", "carried()")})
    without = replace(store, rules=tuple(rule for rule in store.rules if rule.verb != "go"))
    assert ("go", "at()") in check(without, lived, words).unforetold


def test_rules_of_another_environment_are_not_checked(locks: Path, tmp_path: Path, ask: Ask) -> None:
    RuleStore((FISH,)).save(tmp_path)
    assert "choose another --env" in complaint(ask("check", tmp_path, "--env", "locks", "--episodes", "1"))
    assert "Did you mean locks?" in complaint(ask("check", locks, "--env", "lokcs"))


# --- prune ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [False, True])
def test_pruning_uncovers_nothing(either: Path, *, exact: bool) -> None:
    lived, words = _lived(either)
    with RunStore.open(either) as records:
        stores = rules_at(records, 0), rules_at(records, 1)
    every = {rule.id: rule for store in stores for rule in (*store.rules, *store.retired)}
    known = Condition(Ref("at"), "known", None)
    narrower = [replace(rule, when=(*rule.when, known)) for rule in every.values() if not rule.after][:2]
    store = RuleStore((*every.values(), *narrower))
    found = needless(store, lived, words, exact=exact)
    assert found.reasons, "what says no more than another is needless"
    before, transitions = coverage_of(store, lived, words)
    kept = store.retire(found.reasons)
    after, _ = coverage_of(kept, lived, words)
    assert (transitions, found.transitions) == (len(lived), len(lived))
    assert before.explained().bit_count() == after.explained().bit_count()
    assert exact or not needless(kept, lived, words).reasons, "nothing more is needless"
    if found.cover is not None:
        assert found.cover.value <= found.cover.greedy


def test_a_rule_that_alone_foretells_a_change_is_needed_beside_a_wider_one(words: Vocabulary) -> None:
    wide, change = (
        parse_rule("open ?r then 1.00 success"),
        parse_rule("open ?r then 1.00 success: open(?r) becomes true"),
    )
    before = {Fluent("open", ("drawer 1",)): False}
    done = Example(before, Action("open", ("drawer 1",)), True, {}, {Fluent("open", ("drawer 1",)): True})  # noqa: FBT003 -- as it stands
    assert needless(RuleStore((wide, change)), [done], words).reasons.keys() == {wide.id}


def test_pruning_is_a_dry_run_until_told_to_write(household: Path, tmp_path: Path, ask: Ask) -> None:
    store = RuleStore.load(household)
    twin = parse_rule("look then 0.90 success: at() becomes at()")
    replace(store, rules=(*store.rules, parse_rule("look when holding() is nothing then 1.00 success"), twin)).save(
        tmp_path
    )
    before = _files(tmp_path)
    answer = ask("prune", tmp_path, "--run", household, "--exact")
    assert answer.code == 0
    assert "gap " in answer.out
    assert "nothing was written" in answer.out
    assert _files(tmp_path) == before
    assert ask("prune", tmp_path, "--run", household, "--write").code == 0
    pruned = RuleStore.load(tmp_path)
    gone = difference(RuleStore.from_files({n: t.decode() for n, t in before.items()}, source=""), pruned).gone
    assert gone
    assert all(reason.startswith("pruned: ") for _, reason in gone)


def test_a_run_that_goes_on_is_not_pruned_on_disk(household: Path, tmp_path: Path, ask: Ask) -> None:
    with RunStore.create(tmp_path, {"environment": "alfworld"}):
        RuleStore().save(tmp_path)
    assert "not finished" in complaint(ask("prune", tmp_path, "--run", household, "--write"))
    assert "has none yet" in complaint(ask("prune", household, "--run", tmp_path))


# --- merge ----------------------------------------------------------------------------------------------------------------

_RULES = tuple(
    parse_rule(text)
    for text in (
        'heat ?o ?r when kind(?r) is "microwave" then 0.90 success: hot(?o) becomes true',
        'heat ?o ?r when kind(?r) is "microwave" then 1.00 failure',
        'heat ?o ?r when kind(?r) is "fridge" then 1.00 failure',
        "heat ?a ?b when holding() is ?a then 1.00 success: hot(?a) becomes false",
        "fish then 0.40 success: fish() grows by 1; or 0.60 success",
        "look then 1.00 success",
    )
)
_counts = st.integers(0, 60)


@st.composite
def _stores(draw: st.DrawFn) -> RuleStore:
    rules, records = [], {}
    for rule in draw(st.permutations(_RULES)):
        if draw(st.booleans()):
            share = draw(st.sampled_from([0.25, 0.5, 1.0]))
            rule = replace(rule, outcomes=tuple(replace(o, probability=o.probability * share) for o in rule.outcomes))  # noqa: PLW2901
            state: Literal["active", "retired"] = draw(st.sampled_from(["active", "active", "retired"]))
            records[rule.id] = Record(
                supports=draw(_counts),
                contradicts=draw(_counts),
                last_spoken=draw(_counts),
                kinds=draw(
                    st.dictionaries(st.sampled_from("or"), st.dictionaries(st.sampled_from(["egg", "mug"]), _counts))
                ),
                origin=draw(st.sampled_from(["symbolic", "person", "a-model"])),
                state=state,
                reason="replaced" if state == "retired" else "",
            )
            rules.append(rule)
    silence = Silence(counts=draw(st.dictionaries(st.sampled_from(["heat", "look"]), st.just({"T": (1, 2)}))))
    return RuleStore(
        tuple(rule for rule in rules if records[rule.id].state == "active"),
        records,
        tuple(rule for rule in rules if records[rule.id].state == "retired"),
        silence,
        Knowledge(looks={"fridge": draw(_counts)}),
    )


@settings(max_examples=150)
@given(_stores(), _stores())
def test_merging_is_commutative_and_loses_no_evidence(one: RuleStore, other: RuleStore) -> None:
    merged, settled = merge(one, other)
    again, settled_again = merge(other, one)
    evidence = {rule.id: merged.record(rule) for rule in (*merged.rules, *merged.retired)}
    assert evidence == {rule.id: again.record(rule) for rule in (*again.rules, *again.retired)}
    assert {rule.id: rule for rule in merged.rules} == {rule.id: rule for rule in again.rules}
    assert {each.rule.id for each in settled} == {each.rule.id for each in settled_again}
    assert merged.silence == again.silence
    assert merged.knowledge == again.knowledge
    for name, record in evidence.items():
        pair = [store.records[name] for store in (one, other) if name in store.records]
        assert record.supports == sum(each.supports for each in pair)
        assert record.contradicts == sum(each.contradicts for each in pair)
        assert record.reason or record.state == "active"
    assert evidence.keys() == {*one.records, *other.records}
    for rule in merged.rules:
        assert sum(outcome.probability for outcome in rule.outcomes) <= 1.001


@given(_stores())
def test_merging_with_nothing_changes_no_rule(store: RuleStore) -> None:
    merged, settled = merge(store, RuleStore())
    assert (merged.rules, merged.retired, settled) == (store.rules, store.retired, [])


def test_probabilities_are_pooled_by_how_often_the_rule_spoke() -> None:
    def store(first: float, second: float, supports: int) -> RuleStore:
        rule = replace(
            FISH, outcomes=tuple(replace(o, probability=p) for o, p in zip(FISH.outcomes, (first, second), strict=True))
        )
        return RuleStore((rule,), {rule.id: Record(supports=supports)})

    (merged,) = merge(store(0.4, 0.6, 30), store(0.8, 0.2, 10))[0].rules
    assert [outcome.probability for outcome in merged.outcomes] == [0.5, 0.5]


def test_of_two_rules_that_disagree_the_less_trusted_is_retired_with_the_reason() -> None:
    mine = RuleStore((HOT,), {HOT.id: Record(supports=20, contradicts=1)})
    theirs = RuleStore((COLD,), {COLD.id: Record(supports=3)})
    merged, (settlement,) = merge(mine, theirs)
    assert merged.rules == (HOT,)
    assert merged.retired == (COLD,)
    assert settlement.rule == COLD
    assert not settlement.is_kept
    assert "disagrees about hot(?o)" in merged.record(COLD).reason
    assert HOT.id in merged.record(COLD).reason


def test_rules_that_one_store_believes_together_are_left_together() -> None:
    both = RuleStore((HOT, COLD))
    assert set(merge(both, RuleStore((HOT,)))[0].rules) == {HOT, COLD}


@pytest.mark.parametrize(
    ("one", "other", "about"),
    [
        ("heat ?o ?r when A() is 1 then 1.00 success", "heat ?o ?r when B() is 1 then 1.00 failure", "success"),
        ("heat ?o ?r when A() is 1 then 1.00 success", "heat ?x ?y when A() is 2 then 1.00 failure", None),
        ("heat ?o ?r when A() is 1 then 1.00 success", "heat ?o ?r when A() is not 1 then 1.00 failure", None),
        ("heat ?o ?r when A() is 1 then 1.00 success", "heat ?o ?r when A() is unknown then 1.00 failure", None),
        ("heat ?o ?r when A() is less than 2 then 1.00 success", "heat ?o ?r when A() is more than 2 then 1.00 failure", None),
        ("heat ?o ?r when A() is less than 3 then 1.00 success", "heat ?o ?r when A() is more than 2 then 1.00 failure", "success"),
        ("heat ?o ?r when A() is one of {1, 2} then 1.00 success", "heat ?o ?r when A() is one of {3} then 1.00 failure", None),
        ("heat ?o ?r when A() is one of {1, 2} then 1.00 success", "heat ?o ?r when A() is none of {1} then 1.00 failure", "success"),
        ("heat ?o ?r when A() is B() then 1.00 success", "heat ?o ?r when B() is not A() then 1.00 failure", None),
        ("heat ?o ?r when A(?o) is ?r then 1.00 success", "heat ?x ?y when A(?x) is not ?y then 1.00 failure", None),
        ("go when some key ?k with (A(?k) is 1) then 1.00 success", "go when no key ?k with (A(?k) is 1) then 1.00 failure", None),
        ("heat ?o ?r then 1.00 success", "cool ?o ?r then 1.00 failure", None),
        ("heat ?o then 1.00 success", "heat ?o ?r then 1.00 failure", None),
        # An exception by kind goes first, and so does the rule that asks for more.
        ("heat ?o ?r when A() is 1 then 1.00 success", 'heat ?o ?r when kind(?o) is "mug" then 1.00 failure', None),
        ("heat ?o when A() is 1 then 1.00 success", "heat ?o when A() is 1 and B() is 1 then 1.00 failure", None),
        ('heat ?o when kind(?o) is "mug" then 1.00 success', 'heat ?o when kind(?o) is "mug" then 1.00 failure', "success"),
        # What may come is no disagreement with what sometimes comes.
        ("fish then 0.50 success: f() grows by 1; or 0.50 success", "fish then 1.00 success: f() grows by 1", None),
        ("fish then 0.50 success: f() grows by 1; or 0.50 success", "fish then 1.00 success: f() grows by 2", "f()"),
        ("look leading to A() is 1 then 1 success: reward 1", "look leading to A() is 1 then 1 success: reward 2", "the reward"),
        ("any action leading to A() is 1 then 1.00 success: reward 1", "any action leading to A() is 2 then 1.00 success: reward 2", None),
    ],
)  # fmt: skip
def test_a_conflict_is_what_two_rules_foretell_differently_where_both_may_speak(
    one: str, other: str, about: str | None
) -> None:
    rules = [parse_rule(text.replace("A(", "aa(").replace("B(", "bb(")) for text in (one, other)]
    assert conflict(*rules) == about
    assert conflict(*reversed(rules)) == about


@pytest.mark.parametrize(
    ("one", "other", "about"),
    [
        ("no key ?k with (fits(?k) is ?o)", "some key ?o with (fits(?o) is ?x)", None),
        ("no key ?x with (fits(?x) is ?o)", "some key ?o with (fits(?o) is ?x)", None),
        ("no key ?k with (fits(?k) is ?k)", "some key ?o with (fits(?o) is ?x)", "success"),
        ("some key ?k with (no cup ?c with (on(?c) is ?k))", "no key ?c with (no cup ?k with (on(?k) is ?c))", None),
    ],
)
def test_what_a_condition_looks_for_may_be_called_like_what_the_other_rule_names(
    one: str, other: str, about: str | None
) -> None:
    rules = parse_rule(f"heat ?o when {one} then 1.00 success"), parse_rule(f"heat ?x when {other} then 1.00 failure")
    assert conflict(*rules) == about
    assert conflict(*reversed(rules)) == about


def test_a_rule_that_one_store_retired_goes_by_the_greater_evidence() -> None:
    mine = RuleStore((HOT,), {HOT.id: Record(supports=20)})
    theirs = RuleStore((), {HOT.id: Record(supports=2, contradicts=1, state="retired", reason="replaced")}, (HOT,))
    merged, (settlement,) = merge(mine, theirs)
    assert merged.rules == (HOT,)
    assert settlement.is_kept
    assert merged.record(HOT) == Record(supports=22, contradicts=1)


def test_two_runs_are_merged_on_disk_and_what_is_there_is_never_overwritten(
    locks: Path, household: Path, tmp_path: Path, ask: Ask
) -> None:
    before = _files(locks) | _files(household)
    assert ask("merge", locks, household, "--out", tmp_path / "one").code == 0
    assert ask("merge", household, locks, "--out", tmp_path / "other").code == 0
    assert _files(tmp_path / "one") == _files(tmp_path / "other")
    assert _files(locks) | _files(household) == before
    assert "choose another --out" in complaint(ask("merge", locks, household, "--out", household))
    assert "expected a rule store" in complaint(ask("merge", locks, tmp_path, "--out", tmp_path / "new"))


# --- export and import ----------------------------------------------------------------------------------------------------


@given(_stores())
def test_what_is_exported_is_imported(store: RuleStore) -> None:
    text = to_text(store)
    assert from_text(text, source="a test") == store
    assert to_text(from_text(text, source="a test")) == text


def test_a_run_is_sent_as_one_file(either: Path, tmp_path: Path, ask: Ask) -> None:
    file, folder = tmp_path / "rules.json", tmp_path / "there"
    assert ask("export", either, file).code == 0
    assert ask("import", file, folder).code == 0
    there, here = RuleStore.load(folder), RuleStore.load(either)
    assert there.rules == here.rules
    assert there.files() == here.files()
    assert ask("export", folder, tmp_path / "again.json").code == 0
    assert file.read_bytes() == (tmp_path / "again.json").read_bytes()
    assert "--force" in complaint(ask("export", folder, file))
    assert "--force" in complaint(ask("import", file, folder))
    assert ask("import", file, folder, "--force").code == 0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "Invalid JSON"),
        ("[]", "expected what `agentwm rules export` writes"),
        ('{"version": 2}', "of version 1, got 2"),
        ('{"version": 1, "rules": []}', "Field required at silence"),
        ('{"version": 1, "rules": [{"rule": "heat", "record": {}}], "silence": {}, "knowledge": {}}', "cannot read rule 0"),
        ('{"version": 1, "rules": [{"rule": "look then 1 success", "record": {"suports": 1}}], "silence": {}, "knowledge": {}}', "suports"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_one_sentence_and_writes_nothing(
    text: str, fault: str, tmp_path: Path, ask: Ask
) -> None:
    file = tmp_path / "rules.json"
    file.write_text(text)
    said = complaint(ask("import", file, tmp_path / "there"))
    assert fault in said
    assert str(file) in said
    assert not (tmp_path / "there").exists()
    assert "cannot read" in complaint(ask("import", tmp_path / "nowhere", tmp_path / "there"))


# --- by hand, and damaged -------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a folder with three rules and their records."""
    rules = (HOT, COLD, FISH)
    RuleStore(rules, {rule.id: Record(supports=5 + n) for n, rule in enumerate(rules)}).save(tmp_path / "store")
    return tmp_path / "store"


def test_a_rule_that_a_person_changed_is_the_persons_and_its_old_record_is_not(store: Path, ask: Ask) -> None:
    path = store / "rules" / f"{HOT.id}.rule"
    path.write_text(HOT.text().replace("microwave", "stoveburner"))
    told = {each["id"]: each for each in json.loads(ask("list", store, "--json").out)}
    assert HOT.id not in told
    [changed] = [each for each in told.values() if "stoveburner" in each["sentence"]]
    assert (changed["origin"], changed["supports"], changed["state"]) == ("person", 0, "active")
    assert told[FISH.id]["supports"] == 7
    loaded = RuleStore.load(store)
    loaded.save(store)
    assert HOT.id not in json.loads((store / "records.json").read_text())["records"]


@pytest.mark.parametrize(
    ("name", "damage", "fault", "left"),
    [
        (f"rules/{HOT.id}.rule", b"heat ?o wh", "heat ?o wh", {COLD.id: 6, FISH.id: 7}),
        (f"rules/{HOT.id}.rule", b"\xff\xfe", "codec", {COLD.id: 6, FISH.id: 7}),
        ("rules/copy.rule", HOT.text().encode(), "says the same rule", {HOT.id: 5, COLD.id: 6, FISH.id: 7}),
        ("records.json", b"{", "JSON", {HOT.id: 0, COLD.id: 0, FISH.id: 0}),
        ("records.json", b'{"version": 9}', "Input should be 1", {HOT.id: 0, COLD.id: 0, FISH.id: 0}),
        ("knowledge.json", b'{"looks": {"a": "two"}}', "integer", {HOT.id: 5, COLD.id: 6, FISH.id: 7}),
    ],
)
def test_what_is_damaged_is_named_and_set_aside_and_the_rest_is_loaded(
    name: str, damage: bytes, fault: str, left: dict[str, int], store: Path, ask: Ask
) -> None:
    (store / name).write_bytes(damage)
    before = _files(store)
    answer = ask("list", store, "--json")
    assert answer.code == 0
    assert {each["id"]: each["supports"] for each in json.loads(answer.out)} == left
    assert "set aside: " in answer.err
    assert str(store / name) in answer.err
    assert fault in answer.err
    assert _files(store) == before, "nothing is renamed without --write"
    assert f"{name}.damaged" in ask("list", store, "--write").err
    assert (store / f"{name}.damaged").read_bytes() == damage
    assert {rule.id: RuleStore.load(store).record(rule).supports for rule in RuleStore.load(store).rules} == left
    assert ask("list", store).err == ""
    RuleStore.load(store).save(store)
    assert (store / f"{name}.damaged").exists()


def test_one_damaged_record_costs_one_record(store: Path) -> None:
    path = store / "records.json"
    data = json.loads(path.read_text())
    data["records"][HOT.id]["supports"] = "many"
    path.write_text(json.dumps(data))
    found, problems = salvage(store)
    assert {rule.id: found.record(rule).supports for rule in found.rules} == {HOT.id: 0, COLD.id: 6, FISH.id: 7}
    assert [HOT.id in problem.reason for problem in problems] == [True]


def test_what_is_set_aside_twice_keeps_both(store: Path, ask: Ask) -> None:
    path = store / "rules" / f"{HOT.id}.rule"
    for damage in ("one", "two"):
        path.write_text(damage)
        assert ask("list", store, "--write").code == 0
    assert sorted(each.read_text() for each in path.parent.glob("*.damaged")) == ["one", "two"]


def test_a_sound_store_has_no_problems_and_a_folder_that_is_none_is_refused(
    either: Path, tmp_path: Path, ask: Ask
) -> None:
    assert salvage(either) == (RuleStore.load(either), [])
    for command, *rest in (["list"], ["show"], ["check", "--env", "locks"], ["export", "x.json"], ["why", "heat"]):
        assert "expected a rule store" in complaint(ask(command, tmp_path / "nothing", *rest))
    assert "expected a rule store" in complaint(ask("prune", tmp_path / "nothing", "--run", either))
    assert "nothing there" in complaint(ask("prune", either, "--run", tmp_path / "nothing"))


def test_a_run_whose_world_is_gone_still_shows_where_a_rule_spoke(household: Path, tmp_path: Path, ask: Ask) -> None:
    shutil.copytree(household, tmp_path / "run")
    with RunStore.open(tmp_path / "run") as records:
        config = records.config
        assert config["environment"] == "alfworld"
        records._db.execute("UPDATE run SET config = ?", (json.dumps(config | {"environment": "moon"}),))
    answer = ask("why", tmp_path / "run", RuleStore.load(household).of_verb("go to")[0].id)
    assert answer.code == 0
    assert "unknown environment 'moon'" in answer.err
    assert "spoke at" in answer.out
