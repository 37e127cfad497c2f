"""The index of rules finds exactly what trying every rule finds, whatever their order."""

from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from agentwm import Action, Fluent, Rule, State
from agentwm.rules.index import RuleIndex, compiled
from agentwm.rules.language import ANY_ACTION, Change, RuleOutcome, parse_rule
from agentwm.rules.matching import UNKNOWN, bind, conjunction, value_of
from agentwm.rules.outcomes import changes_made, compiled_changes
from agentwm.types import ActionSchema, Condition, FluentSchema, Ref, Some, Term, Value, Var, Vocabulary

THINGS = ("a", "b", "c")
NEXT = {"a": "b", "b": "c"}
WORDS = Vocabulary(
    {
        schema.name: schema
        for schema in (
            FluentSchema("at", (), "thing"),
            FluentSchema("wood", (), "number"),
            FluentSchema("wet", (), "bool", default=False, has_default=True),
            FluentSchema("in", ("thing",), "thing"),
            FluentSchema("open", ("thing|box",), "bool"),
            FluentSchema("next", ("thing",), "thing", derive=lambda _, args: NEXT.get(args[0]), is_reference=True),
            FluentSchema("sort", ("any",), "sort", static=True),
        )
    },
    {"put": ActionSchema("put", ("thing", "thing"), "put {0} {1}"), "wait": ActionSchema("wait", (), "wait")},
)
SORTS: State = {Fluent("sort", ("a",)): "thing", Fluent("sort", ("b",)): "box", Fluent("sort", ("c",)): "thing"}
VALUES: st.SearchStrategy[Value] = st.one_of(st.sampled_from(THINGS), st.booleans(), st.none(), st.integers(0, 3))
STATES: st.SearchStrategy[State] = st.dictionaries(
    st.sampled_from(
        [Fluent("at"), Fluent("wood"), Fluent("wet"), *(Fluent(name, (x,)) for name in ("in", "open") for x in THINGS)]
    ),
    VALUES,
).map(lambda state: {**state, **SORTS})


def terms(parameters: tuple[str, ...]) -> st.SearchStrategy[Term]:
    plain: list[Term] = [Ref("at"), Ref("wood"), Ref("wet"), *(Var(name) for name in parameters)]
    pointed: list[Term] = [Ref(name, (term,)) for name in ("in", "open", "next") for term in (Ref("at"), *plain[3:])]
    return st.one_of(st.sampled_from([*plain, *pointed, Ref("open", (Ref("next", (Ref("at"),)),))]), VALUES)


@st.composite
def conditions(draw: st.DrawFn, parameters: tuple[str, ...]) -> Condition:
    op = draw(st.sampled_from(["==", "==", "==", "!=", "<", ">", "in", "notin", "known", "unknown", "some", "no"]))
    if op in ("some", "no"):
        inner = Condition(Ref("open", (Var("x"),)), "==", draw(VALUES))
        return Condition(Var("x"), op, Some("x", draw(st.sampled_from(["thing", "box", "thing|box"])), (inner,)))
    left = draw(terms(parameters))
    if op in ("known", "unknown"):
        return Condition(left, op, None)
    right = tuple(draw(st.lists(VALUES, min_size=1, max_size=3))) if op in ("in", "notin") else draw(terms(parameters))
    return Condition(left, op, right)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    verb, parameters = draw(st.sampled_from([("put", ("o", "r")), ("put", ("x", "y")), ("wait", ()), (ANY_ACTION, ())]))
    targets = [Ref("wood"), Ref("at"), *(Ref("in", (Var(name),)) for name in parameters)]
    change = st.builds(Change, st.sampled_from(targets), terms(parameters), adds=st.booleans())
    outcome = RuleOutcome(1.0, changes=tuple(draw(st.lists(change, max_size=2))))
    return Rule(verb, parameters, tuple(draw(st.lists(conditions(parameters), max_size=3))), (outcome,))


ACTIONS = st.one_of(
    st.just(Action("wait")), st.tuples(*[st.sampled_from(THINGS)] * 2).map(lambda args: Action("put", args))
)


SHADOWED = parse_rule('put ?x ?y when no thing ?x with (open(?x) is "a") then 1.00 success')


@example(
    [SHADOWED],
    {Fluent("sort", (x,)): "thing" for x in THINGS} | {Fluent("open", ("b",)): None},
    Action("put", ("b", "a")),
    Random(0),
)
@given(st.lists(rules(), max_size=12), STATES, ACTIONS, st.randoms())
def test_what_applies_is_found_whatever_the_order(
    given_rules: list[Rule], state: State, action: Action, rng: st.DataObject
) -> None:
    expected = [
        rule.id
        for rule in given_rules
        if (bound := bind(rule, action)) is not None and conjunction(rule.when, bound, state, WORDS) is True
    ]
    shuffled = list(given_rules)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    for order in (given_rules, shuffled):
        assert sorted(rule.id for rule in RuleIndex(order, WORDS).applying(action, state)) == sorted(expected)


@given(rules(), STATES, ACTIONS)
def test_a_compiled_outcome_changes_what_the_plain_one_changes(rule: Rule, state: State, action: Action) -> None:
    bound = bind(rule, action)
    if bound is None:
        return
    (outcome,) = rule.outcomes
    args = action.args if rule.parameters else ()
    assert compiled_changes(outcome, rule.parameters, WORDS)(args, state) == changes_made(outcome, bound, state, WORDS)


@given(terms(("o",)), STATES, st.sampled_from(THINGS))
def test_a_compiled_term_reads_what_the_plain_one_reads(term: Term, state: State, thing: str) -> None:
    assert compiled(term, ("o",), WORDS)((thing,), state) == value_of(term, {"o": thing}, state, WORDS)


@given(rules(), STATES, ACTIONS)
def test_a_rule_never_speaks_where_something_that_it_asks_for_is_unknown(
    rule: Rule, state: State, action: Action
) -> None:
    bindings = {} if rule.verb == ANY_ACTION else bind(rule, action)
    asked = [
        term
        for condition in rule.when
        if condition.op not in ("unknown", "some", "no")
        for term in (condition.left, condition.right)
        if isinstance(term, Ref)
    ]
    if bindings is not None and any(value_of(term, bindings, state, WORDS) is UNKNOWN for term in asked):
        assert rule not in RuleIndex([rule], WORDS).applying(action, state)
