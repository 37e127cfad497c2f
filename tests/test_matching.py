"""Conditions are true, false or unknown; what is unknown makes a rule silent, never wrong."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm import Action, Fluent, Prediction, RuleStore, State, parse_rule
from agentwm.models.rule_model import AlignedModel, RuleModel
from agentwm.rules.index import compiled_test
from agentwm.rules.matching import UNKNOWN, bind, compare, conjunction, holds, look_up, value_of
from agentwm.rules.outcomes import changes_of
from agentwm.rules.store import Record
from agentwm.types import Condition, FluentSchema, Query, Ref, Value, Var, Vocabulary

YES: Value = True
APPLE, FRIDGE = {"o": "apple 1"}, {"r": "fridge 1"}


def state(**values: Value) -> State:
    """Return a state from keywords such as ``in_apple_1="fridge 1"``."""
    found = {}
    for key, value in values.items():
        name, *rest = key.split("_", 1)
        found[Fluent(name, tuple(rest[0].replace("_", " ").split(", ")) if rest else ())] = value
    return found


def condition(text: str) -> Condition:
    return parse_rule(f"do ?o ?r when {text} then 1.00 success").when[0]


@pytest.mark.parametrize(
    ("text", "known", "truth"),
    [
        ("open(?r) is true", state(open_fridge_1=True), True),
        ("open(?r) is true", state(open_fridge_1=False), False),
        ("open(?r) is true", state(), None),
        ("open(?r) is not true", state(open_fridge_1=False), True),
        ("open(?r) is not true", state(open_fridge_1=None), True),
        ("open(?r) is not true", state(), None),
        ('kind(?r) is one of {"fridge", "safe"}', state(kind_fridge_1="fridge"), True),
        ('kind(?r) is none of {"fridge", "safe"}', state(kind_fridge_1="fridge"), False),
        ('kind(?r) is none of {"fridge", "safe"}', state(), None),
        ("wood() is more than 2", state(wood=3), True),
        ("wood() is less than 2", state(wood=3), False),
        ("wood() is less than 2", state(wood="much"), None),
        ("wood() is less than 2", state(), None),
    ],
)
def test_a_condition_is_true_false_or_unknown(text: str, known: State, truth: object, words: Vocabulary) -> None:
    assert holds(condition(text), {**APPLE, **FRIDGE}, known, words) is truth


@pytest.mark.parametrize(
    ("sort", "truth"), [("box", False), ("radio", True), ("box|radio", True), ("radio|box", True), ("box|list", False)]
)
def test_there_is_a_thing_of_several_sorts_where_there_is_one_of_any_of_them(
    sort: str, words: Vocabulary, *, truth: bool
) -> None:
    known = state(sort_b="box", sort_r="radio", open_b=False, open_r=True)
    some, no = (condition(f"{quantifier} {sort} ?x with (open(?x) is true)") for quantifier in ("some", "no"))
    assert holds(some, {}, known, words) is truth
    assert holds(no, {}, known, words) is not truth
    assert compiled_test(some, (), words)((), known) is truth


@pytest.mark.parametrize(
    ("known", "truth"),
    [
        (state(at="sink 1", place_sink_1="sink 1", place_fridge_1="sink 1"), True),
        (state(at="sink 1", place_sink_1="sink 1", place_fridge_1="fridge 1"), False),
        (state(at="sink 1", place_fridge_1="fridge 1"), None),
        (state(place_fridge_1="fridge 1"), None),
        (state(at=None, place_fridge_1="fridge 1"), False),
        (state(at="sink 1", place_sink_1=None, place_fridge_1=None), False),
        (state(at=None, place_fridge_1=None), False),
    ],
)
def test_what_is_absent_shares_nothing(known: State, truth: object, words: Vocabulary) -> None:
    same, other = condition("place(at()) is place(?r)"), condition("place(at()) is not place(?r)")
    assert holds(same, FRIDGE, known, words) is truth
    assert holds(other, FRIDGE, known, words) is (None if truth is None else not truth)


def test_that_something_is_absent_can_itself_be_a_condition(words: Vocabulary) -> None:
    assert holds(condition("holding() is nothing"), {}, state(holding=None), words) is True
    assert holds(condition("in(?o) is nothing"), APPLE, state(in_apple_1="fridge 1"), words) is False
    assert holds(condition("holding() is nothing"), {}, state(), words) is None


def test_a_reference_through_an_absent_thing_is_absent_and_through_an_unknown_one_unknown(words: Vocabulary) -> None:
    through = Ref("place", (Ref("in", (Var("o"),)),))
    assert value_of(through, APPLE, state(in_apple_1=None), words) is None
    assert value_of(through, APPLE, state(), words) is UNKNOWN


def test_a_declared_default_holds_until_something_else_is_seen(words: Vocabulary) -> None:
    hot = Fluent("hot", ("apple 1",))
    assert look_up(hot, state(), words) is False
    assert look_up(hot, {hot: True}, words) is True
    assert look_up(Fluent("open", ("fridge 1",)), state(), words) is UNKNOWN
    assert look_up(Fluent("undeclared"), state(), words) is UNKNOWN


def test_nothing_as_a_default_is_known_to_be_absent() -> None:
    lid = Vocabulary({"lid": FluentSchema("lid", ("any",), "any", default=None, has_default=True)}, {})
    assert look_up(Fluent("lid", ("pot 1",)), {}, lid) is None


# --- conjunctions against the truth tables ---------------------------------------------------------------------------

TRUTHS = st.sampled_from([True, False, None])


@given(st.lists(TRUTHS, max_size=5))
def test_a_conjunction_is_false_when_a_part_is_else_unknown_when_a_part_is(parts: list[bool | None]) -> None:
    known: State = {Fluent("p", (str(i),)): truth for i, truth in enumerate(parts) if truth is not None}
    conditions = [Condition(Ref("p", (str(i),)), "==", YES) for i in range(len(parts))]
    expected = False if False in parts else None if None in parts else True
    assert conjunction(conditions, {}, known, Vocabulary({}, {})) is expected


@given(st.sampled_from(["==", "!=", "<", ">"]), st.integers(-2, 2), st.integers(-2, 2))
def test_numbers_compare_as_in_python(op: str, left: int, right: int) -> None:
    oracle = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt}[op]
    assert compare(left, op, right) is oracle(left, right)


@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from([True, False]), max_size=3), st.data())
def test_learning_more_settles_what_was_unknown_and_changes_nothing_else(
    known: dict[str, bool], data: st.DataObject
) -> None:
    conditions = [Condition(Ref(name), op, value) for name, op, value in data.draw(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["==", "!="]), st.booleans()), max_size=4)
    )]  # fmt: skip
    less: State = {Fluent(name): value for name, value in known.items()}
    more = {**{Fluent(name): data.draw(st.booleans()) for name in "abc"}, **less}
    before, after = (conjunction(conditions, {}, s, Vocabulary({}, {})) for s in (less, more))
    assert before is None or before is after
    assert after is not None


# --- rules ------------------------------------------------------------------------------------------------------------

OPEN = parse_rule("open ?r when at() is ?r and open(?r) is false then 1.00 success: open(?r) becomes true")


NOBODY_KNOWS = Prediction((), 0.5, "base")


@dataclass(frozen=True)
class Loud:
    """A base model that says that it was asked."""

    asked: list[Query]

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        self.asked.extend(queries)
        return [NOBODY_KNOWS for _ in queries]


@pytest.mark.parametrize(
    ("known", "speaks"),
    [
        (state(at="fridge 1", open_fridge_1=False), True),
        (state(at="fridge 1", open_fridge_1=True), False),
        (state(at="fridge 1"), False),
        (state(open_fridge_1=False), False),
    ],
)
def test_a_rule_is_silent_when_a_fluent_it_needs_is_unknown(known: State, speaks: object, words: Vocabulary) -> None:
    prediction = RuleModel(RuleStore((OPEN,)), words).speak(Query(known, Action("open", ("fridge 1",))))
    assert (prediction is not None) is speaks


def test_the_base_model_is_asked_only_where_the_rules_are_silent(words: Vocabulary) -> None:
    base = Loud([])
    model = AlignedModel(RuleModel(RuleStore((OPEN,)), words), base)
    here = state(at="fridge 1", open_fridge_1=False)
    queries = [Query(here, Action("open", (name,))) for name in ("safe 1", "fridge 1", "cabinet 1")]
    first, second, third = model.predict(queries)
    assert [first, third] == [NOBODY_KNOWS, NOBODY_KNOWS]
    assert (second.source, second.changes, second.rules) == ("rules", {Fluent("open", ("fridge 1",)): True}, (OPEN.id,))
    assert base.asked == [queries[0], queries[2]]


def test_a_rule_is_about_its_own_verb_and_number_of_arguments() -> None:
    assert bind(OPEN, Action("open", ("fridge 1",))) == FRIDGE
    assert bind(OPEN, Action("close", ("fridge 1",))) is None
    assert bind(OPEN, Action("open", ("fridge 1", "key 1"))) is None


def test_a_change_to_something_unknown_or_of_something_absent_is_left_out(words: Vocabulary) -> None:
    rule = parse_rule("drop then 1.00 success: in(holding()) becomes at(), holding() becomes nothing")
    known = state(holding="apple 1", at="sink 1")
    kept = {Fluent("holding"): None}
    assert changes_of(rule, {}, known, words) == {Fluent("in", ("apple 1",)): "sink 1", **kept}
    assert changes_of(rule, {}, state(holding="apple 1"), words) == kept
    assert changes_of(rule, {}, state(at="sink 1"), words) == kept
    assert changes_of(rule, {}, state(holding=None, at="sink 1"), words) == kept


def test_where_rules_disagree_the_more_trusted_speaks_then_the_more_specific(words: Vocabulary) -> None:
    general = parse_rule("open ?r then 1.00 success")
    special = parse_rule('open ?r when kind(?r) is "safe" then 1.00 failure')
    query = Query(state(kind_safe_1="safe"), Action("open", ("safe 1",)))

    def success(**supports: int) -> bool:
        rules = {"general": general, "special": special}
        records = {rules[name].id: Record(supports=number, contradicts=2) for name, number in supports.items()}
        prediction = RuleModel(RuleStore((general, special), records), words).speak(query)
        assert prediction is not None
        return prediction.success

    assert success(general=20, special=20) is False
    assert success(general=20, special=1) is True
    assert success(general=1, special=20) is False
