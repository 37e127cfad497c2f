"""What happens to things that neither the action nor a reference names: plants that grow by themselves, keys that are used up."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agentwm import Action, Fluent, RuleStore, State, parse_rule
from agentwm.induction.credit import Example
from agentwm.induction.noisy import verdict
from agentwm.induction.pooling import EffectsLearner
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.store import Record
from agentwm.types import ActionSchema, FluentSchema, Query, Value, Vocabulary

WORDS = Vocabulary(
    {
        schema.name: schema
        for schema in (
            FluentSchema("sort", ("any",), "sort", static=True),
            FluentSchema("colour", ("chest|key",), "colour", static=True),
            FluentSchema("height", ("plant",), "number"),
            FluentSchema("wet", ("plant",), "bool"),
            FluentSchema("open", ("chest",), "bool"),
            FluentSchema("held", ("key",), "bool"),
        )
    },
    {
        schema.verb: schema
        for schema in (
            ActionSchema("unlock", ("chest",), "unlock {0}"),
            ActionSchema("water", ("plant",), "water {0}"),
            ActionSchema("wait", (), "wait"),
        )
    },
    reports_failure=False,
)
PLANTS, CHESTS, KEYS, COLOURS = ("fern", "moss"), ("box", "case"), ("k1", "k2", "k3"), ("red", "blue", "green")
GROWS = "any action, each plant ?p when wet(?p) is true then 1.00 success: height(?p) grows by 1"


def situation(rng: random.Random) -> dict[Fluent, Value]:
    state: dict[Fluent, Value] = {}
    for sort, names in (("plant", PLANTS), ("chest", CHESTS), ("key", KEYS)):
        state |= {Fluent("sort", (name,)): sort for name in names}
    for name, colour in zip(KEYS, rng.sample(COLOURS, len(KEYS)), strict=True):
        state |= {Fluent("colour", (name,)): colour, Fluent("held", (name,)): rng.random() < 0.5}
    for name in CHESTS:
        state |= {Fluent("colour", (name,)): rng.choice(COLOURS), Fluent("open", (name,)): rng.random() < 0.3}
    for name in PLANTS:
        state |= {Fluent("height", (name,)): rng.randrange(4), Fluent("wet", (name,)): rng.random() < 0.4}
    return state


def outcome(before: State, action: Action) -> dict[Fluent, Value]:
    """Return the state after: wet plants grow, water wets, and the key that unlocks a chest is used up."""
    after = dict(before)
    for plant in PLANTS:
        if before[Fluent("wet", (plant,))]:
            height = before[Fluent("height", (plant,))]
            assert isinstance(height, int)
            after[Fluent("height", (plant,))] = height + 1
    if action.verb == "water":
        after[Fluent("wet", action.args)] = True
    if action.verb == "unlock" and not before[Fluent("open", action.args)]:
        colour = before[Fluent("colour", action.args)]
        fitting = [k for k in KEYS if before[Fluent("held", (k,))] and before[Fluent("colour", (k,))] == colour]
        if fitting:
            after |= {Fluent("open", action.args): True, Fluent("held", (fitting[0],)): False}
    return after


def lived(number: int, *, seed: int = 0) -> Iterator[Example]:
    rng = random.Random(seed)
    for _ in range(number):
        before = situation(rng)
        action = rng.choice(
            [Action("wait"), Action("water", (rng.choice(PLANTS),)), *[Action("unlock", (chest,)) for chest in CHESTS]]
        )
        after = outcome(before, action)
        changed = {fluent: value for fluent, value in after.items() if before[fluent] != value}
        yield Example(before, action, succeeded=True, changed=changed, settled=after)


def learned(examples: Sequence[Example]) -> EffectsLearner:
    learner = EffectsLearner(WORDS)
    for each in examples:
        learner.append(each)
    return learner


def test_what_things_do_by_themselves_and_what_an_action_does_to_others_is_learned() -> None:
    rules = [each.rule for each in learned(list(lived(300))).rules()]
    store = RuleStore(tuple(rules))
    assert GROWS in {rule.sentence() for rule in rules}
    [used_up] = [rule for rule in rules if rule.verb == "unlock" and rule.each]
    assert used_up.each is not None
    assert used_up.each.sort == "key"
    model = AlignedModel.symbolic(store, WORDS)
    for each in lived(200, seed=1):
        [said] = model.predict([Query(each.before, each.action)])
        changes = {fluent: value for fluent, value in said.changes.items() if each.before.get(fluent) != value}
        assert changes == each.changed, each.action


def test_a_rule_about_each_thing_speaks_once_for_all_of_its_sort_but_those_of_the_action() -> None:
    state = situation(random.Random(0)) | {Fluent("wet", (plant,)): False for plant in PLANTS}
    store = RuleStore((parse_rule("water ?p, each plant ?x then 1.00 success: wet(?x) becomes true"),))
    model = AlignedModel.symbolic(store, WORDS)
    [said] = model.predict([Query(state, Action("water", ("fern",)))])
    assert said.changes == {Fluent("wet", ("moss",)): True}


def test_a_failure_is_foretold_where_nothing_but_what_makes_it_fail_is_known_of_the_action() -> None:
    reporting = replace(WORDS, reports_failure=True)
    for text in ("unlock ?c, each key ?k when held(?k) is false then 1.00 failure", "any action then 1.00 failure"):
        rule = parse_rule(text)
        model = AlignedModel.symbolic(RuleStore((rule,), {rule.id: Record(supports=5)}), reporting)
        state = situation(random.Random(0)) | {Fluent("held", (key,)): False for key in KEYS}
        [said] = model.predict([Query(state, Action("unlock", ("box",)))])
        assert (said.source, said.success) == ("rules", False)


def test_a_rule_about_each_thing_is_right_only_when_it_is_right_about_all() -> None:
    state = situation(random.Random(0)) | {Fluent("wet", (plant,)): True for plant in PLANTS}
    after = outcome(state, Action("wait"))
    rule = parse_rule(GROWS)
    right = Example(state, Action("wait"), succeeded=True, changed={}, settled=after)
    wrong = replace(right, settled={**after, Fluent("height", ("moss",)): state[Fluent("height", ("moss",))]})
    dry = replace(right, before={**state, **{Fluent("wet", (plant,)): False for plant in PLANTS}})
    assert [verdict(rule, each, WORDS) for each in (right, wrong, dry)] == [True, False, None]


def test_the_evidence_of_a_rule_about_each_thing_is_counted_by_actions() -> None:
    examples = list(lived(120))
    for each in learned(examples).rules():
        if each.rule.each:
            said = [verdict(each.rule, example, WORDS) for example in examples]
            assert said.count(True) >= each.right.bit_count() > 0
            assert said.count(False) <= each.wrong.bit_count()


def test_learning_step_by_step_ends_where_learning_at_once_does() -> None:
    examples = list(lived(90))
    growing = EffectsLearner(WORDS)
    for each in examples:
        growing.append(each)
        growing.rules()
    assert growing.rules() == learned(examples).rules()
