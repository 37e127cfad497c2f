"""Where an explorer goes: what was hardly tried, what would settle a doubt, what is a matter of chance."""

import random
from types import ModuleType

import pytest

from agentwm import Action, EnvironmentOptions, Fluent, RuleStore, State, parse_rule
from agentwm.exploration.doubts import Doubts
from agentwm.exploration.familiarity import Familiarity
from agentwm.exploration.novelty import WELL_KNOWN, Novelty
from agentwm.induction.pooling import EffectsLearner
from agentwm.learning import Learner
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.options import ground_actions
from agentwm.rules.store import Record
from agentwm.types import Goal, Value
from agentwm_environments.small import crafting, locks
from tests.tiny_world import CELLS, WARM, WET, WOOD, WORDS, example, situation

ACT, WAIT = Action("act"), Action("wait")
DRY: dict[Fluent, Value] = {**CELLS, WARM: True, WET: False, WOOD: 3, Fluent("at"): "a"}


def doubts_after(*tries: tuple[State, bool]) -> Doubts:
    """Doubts about what makes wet, after acting in these states, where it came (True) or not."""
    learner = EffectsLearner(WORDS)
    for state, came in tries:
        learner.append(example(state, ACT, {**state, WET: True} if came else state))
    return Doubts(learner.tables, WORDS)


def state(**values: Value) -> dict[Fluent, Value]:
    return {**DRY, **{Fluent(name): value for name, value in values.items()}}


def test_what_all_examples_shared_is_put_to_the_test() -> None:
    doubts = doubts_after((state(), True), (state(wood=0, warm=False, at="c"), False), (state(wood=5, at="b"), False))
    assert doubts.are_tested_by(ACT, state(wood=4)), "one circumstance is missing, and nothing says that it matters"
    assert not doubts.are_tested_by(WAIT, state(wood=4)), "it was another action"


def test_what_a_failure_has_told_is_not_asked_again() -> None:
    doubts = doubts_after((state(), True), (state(warm=False), False))
    assert not doubts.are_tested_by(ACT, state(warm=False))


def test_what_is_well_known_or_never_happened_is_in_no_doubt() -> None:
    never = doubts_after((state(), False), (state(warm=False), False))
    assert not never.are_tested_by(ACT, state())
    often = doubts_after(*((state(wood=n % 6), True) for n in range(12)), (state(warm=False), False))
    assert not often.are_tested_by(ACT, state(wood=2))


def test_what_seems_to_be_chance_is_given_up() -> None:
    doubts = doubts_after((state(), True), *((state(), False) for _ in range(3)))
    assert not doubts.are_tested_by(ACT, state()), "all that was shared was there, and it failed"


def test_what_never_failed_is_to_be_blamed_for_nothing() -> None:
    doubts = doubts_after((state(), True), (state(wood=5, at="b"), True))
    assert doubts.are_tested_by(ACT, state(warm=False, at="c"))


def test_what_happens_whatever_is_done_is_in_no_doubt_of_one_action() -> None:
    learner = EffectsLearner(WORDS)
    for number in range(24):
        before = state(warm=number % 2 == 0, wood=number % 6)
        action = WAIT if number % 12 < 2 else ACT
        learner.append(example(before, action, {**before, WET: True} if before[WARM] else before))
    apart = Doubts(learner.tables, WORDS)
    assert apart.are_tested_by(WAIT, state(wood=0)), "from two examples of waiting it is not known what it needs"
    assert [each.rule.verb for each in learner.rules()] == ["any action"]
    together = Doubts(learner.tables, WORDS)
    assert not together.are_tested_by(WAIT, state(wood=0))


def test_familiarity_is_counted_by_verb_and_by_the_kinds_of_its_arguments() -> None:
    world = crafting.make(EnvironmentOptions(count=1))
    start = world.reset(world.tasks()[0]).facts
    familiarity = Familiarity(world.vocabulary)
    plank, bell = Action("make", ("plank",)), Action("make", ("bell",))
    for _ in range(3):
        familiarity.add(start, plank)
    assert familiarity.times(start, plank) == 3
    assert familiarity.times(start, bell) == 0
    assert familiarity.times({**start, Fluent("wood"): 2}, plank) == 0
    assert familiarity.unseen(start, plank) == 0
    assert familiarity.unseen({**start, Fluent("wood"): 2}, plank) > 0
    assert familiarity.visits(start) == 3
    assert familiarity.visits({**start, Fluent("iron"): 1}) == 0


def test_what_came_as_foretold_counts_for_several_trials() -> None:
    once, thrice = Familiarity(WORDS), Familiarity(WORDS)
    once.add(state(), ACT, times=3)
    for _ in range(3):
        thrice.add(state(), ACT)
    assert once.times(state(), ACT) == thrice.times(state(), ACT) == 3
    assert once.times(state(at="c"), ACT) == thrice.times(state(at="c"), ACT) == 0, "there it was not done"


@pytest.mark.parametrize(
    ("world", "admissible", "repeats"), [(crafting, False, False), (crafting, True, True), (locks, False, True)]
)
def test_what_came_as_foretold_is_repeated_where_little_is_told_or_actions_are_listed(
    world: ModuleType, monkeypatch: pytest.MonkeyPatch, *, admissible: bool, repeats: bool
) -> None:
    counted: list[int] = []
    add = Familiarity.add

    def noted(self: Familiarity, before: State, action: Action, *, is_listed: bool = True, times: int = 1) -> None:
        counted.append(times)
        add(self, before, action, is_listed=is_listed, times=times)

    monkeypatch.setattr(Familiarity, "add", noted)
    environment = world.make(EnvironmentOptions(learning=True, count=1, admissible=admissible))
    Learner().learn(environment, environment.tasks(), max_steps=40)
    assert set(counted) == ({1} if repeats else {1, WELL_KNOWN})


def test_what_never_worked_is_tried_again_with_other_amounts_at_once() -> None:
    world = crafting.make(EnvironmentOptions(count=1))
    start, words = world.reset(world.tasks()[0]).facts, world.vocabulary
    none, few, many = ({**start, Fluent("wood"): number} for number in (0, 1, 5))
    familiarity = Familiarity(words)
    for here in (none, many):
        for action in ground_actions(start, words):
            familiarity.add(here, action)
    bell = Action("make", ("bell",))
    assert not familiarity.is_untried_with(none, bell)
    assert not familiarity.is_untried_with({**start, Fluent("wood"): 9}, bell), "it was tried with many"
    assert familiarity.is_untried_with(few, bell)

    def reason(rules: RuleStore) -> str:
        model = AlignedModel.symbolic(rules, words)
        mind = Novelty(model, familiarity, words, doubts=Doubts({}, words), rules=rules, rng=random.Random(0))
        return mind.plan(few, Goal("")).reason

    assert reason(RuleStore()) == "tries what never worked, with other amounts"
    works = [
        parse_rule(f"{verb} {'?a ' * len(schema.parameters)}then 1.00 success: wood() grows by 1")
        for verb, schema in words.actions.items()
    ]
    assert reason(RuleStore(tuple(works))) != "tries what never worked, with other amounts"


def explorer(rules: RuleStore, familiarity: Familiarity) -> Novelty:
    model = AlignedModel.symbolic(rules, WORDS)
    return Novelty(model, familiarity, WORDS, doubts=Doubts({}, WORDS), rules=rules, rng=random.Random(0))


def used_to(number: int) -> Familiarity:
    """Familiarity with whatever can be done in so many random situations."""
    familiarity, rng = Familiarity(WORDS), random.Random(1)
    for _ in range(number):
        here = situation(rng)
        for action in (ACT, WAIT):
            familiarity.add(here, action)
    return familiarity


def test_the_explorer_plans_its_way_to_what_was_never_tried() -> None:
    chop = parse_rule("act then 1.00 success: wood() falls by 1")
    familiarity = Familiarity(WORDS)
    for wood in range(1, 4):
        for action in (ACT, WAIT):
            for _ in range(3):
                familiarity.add(state(wood=wood), action)
    plan = explorer(RuleStore((chop,)), familiarity).plan(state(wood=3), Goal(""))
    assert plan.actions[:3] == (ACT, ACT, ACT), "without any wood nothing was tried yet"
    assert len(plan.actions) == 4


def test_when_nothing_is_new_chance_is_practised_until_it_is_known() -> None:
    slip = parse_rule("act then 0.60 success; or 0.40 success: warm() becomes false")
    for trials, practises in ((50, True), (2000, False)):
        store = RuleStore((slip,), {slip.id: Record(supports=trials)})
        planner = explorer(store, used_to(2000))
        reasons = {planner.plan(state(wood=n % 5), Goal("")).reason for n in range(20)}
        assert ("tries again what is a matter of chance" in reasons) is practises
