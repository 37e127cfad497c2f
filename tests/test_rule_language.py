"""Rules as text: what is printed can be read back, and what cannot be read is named."""

import string
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentwm import Rule, parse_rule
from agentwm.errors import RuleError
from agentwm.rules.language import Change, Each, RuleOutcome, variables
from agentwm.types import Condition, Ref, Some, Term, Value, Var

HEAT = """\
heat ?o ?r
  when holding() is ?o
   and place(at()) is place(?r)
   and kind(?r) is one of {"microwave", "toaster"}
  then 0.90 success: hot(?o) becomes true, cool(?o) becomes false
  ;  or 0.05 failure
"""

# --- any rule that can be said ------------------------------------------------------------------------------------

_KEYWORDS = ("and", "becomes", "false", "is", "leading", "nothing", "not", "or", "success", "then", "true", "when")
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
VERBS = st.lists(
    st.from_regex(r"[a-z]{1,6}", fullmatch=True).filter(lambda w: w not in _KEYWORDS), min_size=1, max_size=3
)
CONSTANTS: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
PARAMETERS = ("o", "r", "x1")


def terms(parameters: tuple[str, ...]) -> st.SearchStrategy[Term]:
    leaves: list[st.SearchStrategy[Term]] = [CONSTANTS, st.builds(Ref, NAMES, st.just(()))]
    if parameters:
        leaves.append(st.sampled_from([Var(name) for name in parameters]))
    return st.recursive(st.one_of(leaves), references, max_leaves=3)


def references(arguments: st.SearchStrategy[Term]) -> st.SearchStrategy[Ref]:
    return st.builds(Ref, NAMES, st.lists(arguments, max_size=2).map(tuple))


SORTS = st.text(string.ascii_lowercase, min_size=1, max_size=6)
SEVERAL_SORTS = st.lists(SORTS, min_size=1, max_size=2).map("|".join)


def conditions(parameters: tuple[str, ...]) -> st.SearchStrategy[Condition]:
    plain = plain_conditions(parameters)
    return st.one_of(plain, quantified(parameters, st.lists(plain, min_size=1, max_size=2)))


@st.composite
def quantified(draw: st.DrawFn, parameters: tuple[str, ...], plain: st.SearchStrategy[list[Condition]]) -> Condition:
    inner = st.one_of(plain, st.lists(plain_conditions((*parameters, "z")), min_size=1, max_size=2))
    some = Some("z", draw(SEVERAL_SORTS), tuple(draw(inner)))
    return Condition(Var("z"), draw(st.sampled_from(["some", "no"])), some)


def plain_conditions(parameters: tuple[str, ...]) -> st.SearchStrategy[Condition]:
    term = terms(parameters)
    return st.one_of(
        st.builds(Condition, term, st.sampled_from(["known", "unknown"]), st.none()),
        st.builds(Condition, term, st.sampled_from(["==", "!=", "<", ">"]), term),
        st.builds(
            Condition, term, st.sampled_from(["in", "notin"]), st.lists(CONSTANTS, min_size=1, max_size=3).map(tuple)
        ),
    )


def outcomes(parameters: tuple[str, ...]) -> st.SearchStrategy[RuleOutcome]:
    term = terms(parameters)
    targets = (
        references(st.sampled_from([Var(name) for name in parameters]))
        if parameters
        else st.builds(Ref, NAMES, st.just(()))
    )
    growth = st.one_of(references(st.just("x")), st.integers(-9, 9), st.floats(-9, 9))
    change = st.one_of(st.builds(Change, targets, term), st.builds(Change, targets, growth, adds=st.just(True)))  # noqa: FBT003
    return st.builds(
        RuleOutcome,
        st.integers(0, 33).map(lambda n: n / 100),
        st.booleans(),
        st.lists(change, max_size=2).map(tuple),
        st.one_of(st.none(), st.integers(-20, 20), st.floats(-1, 1)),
        st.booleans(),
        st.one_of(st.none(), st.text(max_size=8)),
    )


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    parameters = draw(st.sampled_from([PARAMETERS[:n] for n in range(len(PARAMETERS) + 1)]))
    each = draw(st.sampled_from([None, Each("each", "thing")]))
    names = (*parameters, each.variable) if each else parameters
    return Rule(
        " ".join(draw(VERBS)),
        parameters,
        tuple(draw(st.lists(conditions(names), max_size=2))),
        tuple(draw(st.lists(outcomes(names), min_size=1, max_size=2))),
        () if each else tuple(draw(st.lists(conditions(parameters), max_size=1))),
        each,
    )


def spelt(rule: Rule) -> str:
    """Return the rule with the types of its constants, since 1 equals True equals 1.0."""
    return repr(rule)


@given(rules())
def test_what_is_printed_is_read_back_in_one_line_or_many(rule: Rule) -> None:
    assert spelt(parse_rule(rule.sentence())) == spelt(rule)
    assert spelt(parse_rule(rule.text())) == spelt(rule)


@given(rules(), st.data())
def test_an_id_depends_on_what_a_rule_says_and_not_on_its_probabilities(rule: Rule, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.integers(0, 33), min_size=len(rule.outcomes), max_size=len(rule.outcomes)))
    surer = tuple(replace(o, probability=n / 100) for o, n in zip(rule.outcomes, drawn, strict=True))
    assert replace(rule, outcomes=surer).id == rule.id
    contrary = tuple(replace(o, success=not o.success) for o in rule.outcomes)
    assert replace(rule, outcomes=contrary).id != rule.id
    assert replace(rule, when=(*rule.when, Condition(Ref("new"), "==", 1))).id != rule.id
    assert replace(rule, after=(*rule.after, Condition(Ref("new"), "==", 1))).id != rule.id
    assert replace(rule, verb=f"re{rule.verb}").id != rule.id


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)  # two whole rules are much to draw
@given(rules(), rules())
def test_two_rules_have_the_same_id_only_if_they_say_the_same(one: Rule, other: Rule) -> None:
    def said(rule: Rule) -> str:
        return spelt(replace(rule, outcomes=tuple(replace(o, probability=0.0) for o in rule.outcomes)))

    assert (one.id == other.id) == (said(one) == said(other))


def test_a_rule_file_reads_as_a_person_would_write_it() -> None:
    rule = parse_rule(HEAT)
    assert rule.text() == HEAT
    assert rule == Rule(
        "heat",
        ("o", "r"),
        (
            Condition(Ref("holding"), "==", Var("o")),
            Condition(Ref("place", (Ref("at"),)), "==", Ref("place", (Var("r"),))),
            Condition(Ref("kind", (Var("r"),)), "in", ("microwave", "toaster")),
        ),
        (
            RuleOutcome(
                0.9,
                success=True,
                changes=(Change(Ref("hot", (Var("o"),)), True), Change(Ref("cool", (Var("o"),)), False)),  # noqa: FBT003
            ),
            RuleOutcome(0.05, success=False),
        ),
    )


def test_line_breaks_and_spaces_do_not_matter() -> None:
    assert parse_rule("  ".join(HEAT.split())) == parse_rule(HEAT)


def test_the_verb_may_be_of_several_words_and_the_rule_without_conditions() -> None:
    rule = parse_rule("go to ?r then 1.00 failure")
    assert (rule.verb, rule.parameters, rule.when) == ("go to", ("r",), ())
    assert not rule.predicts_success


def test_the_most_probable_outcome_says_whether_a_rule_predicts_success() -> None:
    assert parse_rule("look then 0.40 failure; or 0.60 success").predicts_success
    assert not parse_rule("look then 0.40 success; or 0.60 failure").predicts_success


@given(conditions(PARAMETERS))
def test_the_variables_of_a_condition_are_those_it_prints(condition: Condition) -> None:
    rule = Rule("do", PARAMETERS, (condition,), (RuleOutcome(1.0, success=True),))
    read = parse_rule(rule.sentence()).when[0]
    assert list(variables(read)) == list(variables(condition))


def test_a_change_may_be_of_a_particular_thing() -> None:
    rule = Rule("look", (), (), (RuleOutcome(1.0, success=True, changes=(Change(Ref("in", ("apple 1",)), None),)),))
    assert parse_rule(rule.sentence()) == rule


# --- texts that are no rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "expected a rule to begin .* got ''"),
        ("Heat ?o then 1.00 success", "expected a rule to begin .* got 'Heat"),
        ("go to ?r when at() is not ?r", "expected 'then', got ''"),
        ("look when a() isnt 1 then 1.00 success", "'is none of', .* got 'isnt 1"),
        ("look when a(b is 1 then 1.00 success", "a reference or a constant, got 'b is 1"),
        ("look when a() is b then 1.00 success", "a reference or a constant, got 'b then"),
        ("go ?x ?y when a(?x ?y) is 1 then 1.00 success", r"expected ',', got '\?y\)"),
        ("look when a() is one of 1 then 1.00 success", "expected '{', got '1 then"),
        ("go ?o when a() is one of {?o} then 1.00 success", "expected a constant, got '}"),
        ('look when a() is "open then 1.00 success', "expected a word, got '\"open"),
        ("look when a() is 1 then often success", "expected a probability, got 'often'"),
        ("look then 1.00 luck", "expected 'failure', got 'luck'"),
        ("look then 1.00 success: a() is 1", "expected 'becomes', 'grows by' or 'falls by', got 'is 1'"),
        ("look then 1.00 success: 1 becomes 1", "a reference to a fluent, got 'becomes 1'"),
        ("look then 1.00 success really", "expected the end of the rule, got 'really'"),
        ("look then 0.60 success; 0.40 failure", "expected 'or', got '0.40"),
        ("take ?o ?o then 1.00 success", "parameters must differ, got o o"),
        ("take ?o when in(?x) is 1 then 1.00 success", r"variable \?x is not a parameter of 'take'"),
        ("take ?o then 1.00 success: in(?o) becomes ?x", r"variable \?x is not a parameter of 'take'"),
        ("look then -0.50 success", "probabilities of 'look' must lie between 0 and 1"),
        ("look then 0.70 success; or 0.50 failure", "add up to at most 1"),
        ("any action ?o then 1.00 success", "a rule about any action has no parameters"),
        ("take ?o, each cup ?o then 1.00 success", "parameters must differ, got o o"),
        ("take ?o, each ?k then 1.00 success", "expected a rule to begin .* got 'take"),
        ("any action each cup ?k then 1.00 success", "a rule about each thing of a sort to begin like"),
        ("each cup ?k then 1.00 success", "a rule about each thing of a sort to begin like"),
        ("take ?o, each any ?k then 1.00 success", "a rule about each thing of a sort to begin like"),
        ("take ?o, each cup ?k leading to at() is 1 then 1.00 success", "says nothing of the state arrived in"),
        ("look then 1.00 success: reward true", "expected a reward"),
        ("look then 1.00 success: says 3", "expected a text in double quotes"),
        ("look then 1.00 success: a() falls by b()", "expected a"),
        ("look then 1.00 success: the beginning", "expected 'end', got 'beginning'"),
        ("look when some key ?k with carried(?k) is true then 1.00 success", r"expected '\(', got 'carried"),
        ("look when some ?k key with (a() is 1) then 1.00 success", r"expected 'some SORT \?x with"),
        ("look when no key ?k with (a(?x) is 1) then 1.00 success", r"variable \?x is not a parameter"),
        ("look leading at() is 1 then 1.00 success", "expected"),
        pytest.param("look when a() is 007 then 1.00 success", "007"),
        pytest.param(r'look when a() is "\q" then 1.00 success', r"\\\\q"),
        pytest.param("look then nan success", "nan"),
        pytest.param("look when a() is 1e999 then 1.00 success", "1e999"),
        pytest.param(f"look when {'a(' * 3000}1{')' * 3000} is 1 then 1.00 success", r"a\("),
    ],
)
def test_what_cannot_be_read_is_named(text: str, place: str) -> None:
    with pytest.raises(RuleError, match=place):
        parse_rule(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_as_no_rule(text: str) -> None:
    for candidate in (text, f"look then {text}", f"look when {text} then 1.00 success"):
        try:
            rule = parse_rule(candidate)
        except RuleError:
            continue
        assert parse_rule(rule.sentence()) == rule


def test_probabilities_that_add_up_to_one_still_do_after_printing() -> None:
    rule = Rule("look", (), (), (RuleOutcome(0.335, success=True), RuleOutcome(0.665, success=False)))
    assert parse_rule(rule.sentence()).id == rule.id
