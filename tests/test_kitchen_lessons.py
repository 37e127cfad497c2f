"""What the learner makes of cooking: which kind does what, what is done twice, and where alone a thing can be done."""

from collections.abc import Sequence
from unittest.mock import patch

from agentwm import Action, Fluent, RuleStore, State
from agentwm.induction.learner import SymbolicInducer
from agentwm.planners import means_ends
from agentwm.planners.means_ends import MeansEnds
from agentwm.rules.language import parse_rule
from agentwm.rules.store import Record
from agentwm.types import ActionSchema, Condition, Goal, Observation, Ref, Trajectory, Transition, Value
from agentwm_environments.textworld.words import vocabulary

WORDS = vocabulary(
    {
        verb: ActionSchema(verb, sorts, verb + " {0} {1}")
        for verb, sorts in {"cook with": ("object", "fixture"), "prepare": ("object",), "take": ("object",)}.items()
    }
)
FOODS = ("carrot", "tuna", "potato")


def thing(name: str, sort: str, **known: Value) -> State:
    facts = {Fluent("sort", (name,)): sort, Fluent("kind", (name,)): name}
    return facts | {Fluent(fluent, (name,)): value for fluent, value in known.items()}


def learned(*episodes: Sequence[Transition]) -> RuleStore:
    lived = [Trajectory("", Goal(""), steps[0].before, tuple(steps)) for steps in episodes]
    return SymbolicInducer().induce(lived, WORDS)


def cooked(food: str, before: Value, device: str, after: Value) -> Transition:
    here: State = {Fluent("at"): "kitchen", Fluent("me"): "you", **thing(device, "fixture", stands="kitchen")}
    here = {**here, **thing(food, "object", where="you", cooked=before)}
    changed: State = {} if before == after else {Fluent("cooked", (food,)): after}
    return Transition(here, Action("cook with", (food, device)), {**here, **changed}, Observation(""), True, changed)  # noqa: FBT003


def test_a_value_told_by_kind_is_found_though_sometimes_nothing_is_left_to_change() -> None:
    fresh = [
        cooked(food, None, device, how) for food in FOODS for device, how in (("oven", "roasted"), ("stove", "fried"))
    ]
    spoiled = [cooked(food, "fried", "oven", "burned") for food in FOODS]
    cinders = [cooked(food, "burned", device, "burned") for food in FOODS for device in ("oven", "stove")]
    rules = [rule.sentence() for rule in learned([*fresh, *spoiled, *cinders]).rules]
    for kind, how in (("oven", "roasted"), ("stove", "fried")):
        [rule] = [text for text in rules if text.endswith(f'cooked(?o) becomes "{how}"')]
        assert f'kind(?f) is "{kind}"' in rule
        assert "1.00 success" in rule


def prepared(room: str, *, site: Value = None, succeeded: bool) -> Transition:
    here: State = {Fluent("at"): room, Fluent("me"): "you", **thing("meal", "object")}
    here = {**here, **({Fluent("site", ("meal",)): site} if site else {})}
    changed: State = {Fluent("where", ("meal",)): "you"} if succeeded else {}
    return Transition(here, Action("prepare", ("meal",)), {**here, **changed}, Observation(""), succeeded, changed)


def test_what_fails_with_a_kind_that_succeeded_is_not_laid_to_the_kind() -> None:
    unknown = [prepared("kitchen", succeeded=True)] * 4
    there = [prepared("kitchen", site="kitchen", succeeded=True)] * 3
    elsewhere = [prepared(room, site="kitchen", succeeded=False) for room in ("bedroom", "pantry")]
    rules = [rule.sentence() for rule in learned(unknown, [*there, *elsewhere]).rules]
    assert "prepare ?o when at() is not site(?o) then 1.00 failure" in rules


def test_where_the_way_to_all_is_too_long_a_step_that_nearly_fits_the_rules_is_taken() -> None:
    take = "take ?o when at() is where(?o) then 1.00 success: where(?o) becomes me()"
    never = 'take ?o when kind(?o) is "thing 0" then 1.00 failure'
    parsed = tuple(map(parse_rule, (take, never)))
    store = RuleStore(parsed, {rule.id: Record(supports=20) for rule in parsed})
    names = [f"thing {number}" for number in range(14)]
    state: State = {Fluent("at"): "kitchen", Fluent("me"): "you"}
    for name in names:
        state = {**state, **thing(name, "object", where="kitchen")}
    goal = Goal("", tuple(Condition(Ref("where", (name,)), "==", Ref("me")) for name in names))
    with patch.object(means_ends, "MOST_NODES", 10):
        plan = next(MeansEnds(store, WORDS).propose(state, goal), None)
    assert plan is not None
    assert plan.is_bold
