"""A world of counts: gather, make things of what was gathered, and do not starve before the last of them is made."""

import random
from collections.abc import Mapping, Sequence

from agentwm.types import (
    Action,
    ActionSchema,
    EnvironmentOptions,
    EnvironmentSpec,
    Fluent,
    FluentSchema,
    Goal,
    Outcome,
    State,
    Value,
    Vocabulary,
)
from agentwm_environments.tasks import settle

from .crafting_laws import FINAL, ITEMS, ORDINARY, PLACES, Laws, Recipe, altered
from .lawful import LawfulWorld
from .truth import check, merged
from .world import AT, SORTS, entity

__all__ = ["SPEC", "TRUE_RULES", "VOCABULARY", "CraftingEnvironment", "make", "outcomes"]

FOOD = Fluent("food")
SINCE_FOOD = Fluent("since_food")
STROKES = Fluent("strokes")
COUNTS = {item: Fluent(item) for item in ITEMS}
_MADE = tuple(recipe.item for recipe in ORDINARY.recipes)

VOCABULARY = Vocabulary(
    {
        schema.name: schema
        for schema in (
            *SORTS,
            FluentSchema(AT.name, (), "place"),
            *(FluentSchema(item, (), "number") for item in ITEMS),
            FluentSchema(STROKES.name, (), "number"),
            FluentSchema(FOOD.name, (), "number"),
            FluentSchema(SINCE_FOOD.name, (), "number", counts_since=FOOD.name),
        )
    },
    {
        schema.verb: schema
        for schema in (
            ActionSchema("go", ("place",), "go to {0}"),
            ActionSchema("chop", (), "chop"),
            ActionSchema("dig", (), "dig"),
            ActionSchema("fish", (), "fish"),
            ActionSchema("make", ("item",), "make a {0}"),
            ActionSchema("eat", (), "eat a fish"),
        )
    },
    reports_failure=False,
)


TRUE_RULES = """\
go ?p then 1.00 success: at() becomes ?p
chop when kind(at()) is "forest" then 1.00 success: wood() grows by 1
dig when kind(at()) is "quarry" and pickaxe() is more than 0 then 1.00 success: stone() grows by 1
dig when kind(at()) is "mine" and pickaxe() is more than 0 then 1.00 success: iron() grows by 1
fish when kind(at()) is "lake" then 0.40 success: fish() grows by 1; or 0.60 success
make ?i when kind(?i) is "plank" and wood() is more than 0 then 1.00 success: wood() falls by 1, plank() grows by 2
make ?i when kind(?i) is "stick" and plank() is more than 0 then 1.00 success: plank() falls by 1, stick() grows by 2
make ?i when kind(?i) is "pickaxe" and kind(at()) is "workshop" and plank() is more than 1 and stick() is more than 0 \
then 1.00 success: plank() falls by 2, stick() falls by 1, pickaxe() grows by 1
make ?i when kind(?i) is "hammer" and stone() is more than 1 and stick() is more than 0 \
then 1.00 success: stone() falls by 1, stick() falls by 1, hammer() grows by 1
make ?i when kind(?i) is "bell" and kind(at()) is "workshop" and iron() is more than 0 and stick() is more than 0 \
and hammer() is more than 0 then 1.00 success: iron() falls by 1, stick() falls by 1, bell() grows by 1, reward 1, the end
eat when fish() is more than 0 then 1.00 success: fish() falls by 1, food() grows by 5
any action when since_food() is more than 23 then 1.00 success: food() falls by 1
any action leading to food() is less than 1 then 1.00 success: the end
"""
"""The truth under the ordinary laws as rules, one a line; what a meal says of food overrules hunger, which is of any action."""


# --- the truth ------------------------------------------------------------------------------------------------

_Changes = dict[Fluent, Value]
_GATHERING = frozenset(gathering.verb for gathering in ORDINARY.gatherings)


def outcomes(laws: Laws, state: State, action: Action) -> tuple[Outcome, ...]:
    """Return the exact distribution of what ``action`` does in ``state`` under ``laws``; see `KnownWorld`."""
    is_final = False
    ways: list[tuple[float, _Changes]] = [(1.0, {})]
    if action.verb == "go":
        ways = [(1.0, {AT: action.args[0]} if state[AT] != action.args[0] else {})]
    elif action.verb == "make":
        ways = [(1.0, _make_item(laws, state, action.args[0]))]
        is_final = action.args[0] == FINAL and bool(ways[0][1])
    elif action.verb == "eat":
        fish = COUNTS["fish"]
        if _number(state, fish) > 0:
            ways = [(1.0, {fish: _number(state, fish) - 1, FOOD: _number(state, FOOD) + laws.meal})]
    elif action.verb in _GATHERING:
        ways = _gather(laws, state, action.verb)
    return merged([_passed(laws, state, chance, changes, is_final=is_final) for chance, changes in ways])


def _gather(laws: Laws, state: State, verb: str) -> list[tuple[float, _Changes]]:
    place = _kind(state, state[AT])
    for gathering in laws.gatherings:
        if gathering.verb != verb or gathering.place != place:
            continue
        if gathering.tool and not _number(state, COUNTS[gathering.tool]):
            break
        if verb == "chop" and _number(state, STROKES) + 1 < laws.strokes:
            return [(1.0, {STROKES: _number(state, STROKES) + 1})]
        item = COUNTS[gathering.item]
        gain: _Changes = {item: _number(state, item) + 1}
        if verb == "chop" and state[STROKES]:
            gain[STROKES] = 0
        return [(gathering.chance, gain), (1 - gathering.chance, {})] if gathering.chance < 1 else [(1.0, gain)]
    return [(1.0, {})]


def _make_item(laws: Laws, state: State, item: str) -> _Changes:
    recipe = next((recipe for recipe in laws.recipes if recipe.item == item), None)
    if recipe is None or not _can_make(recipe, state):
        return {}
    changes: _Changes = {
        COUNTS[each.item]: _number(state, COUNTS[each.item]) - each.used for each in recipe.ingredients if each.used
    }
    changes[COUNTS[item]] = _number(state, COUNTS[item]) + recipe.gives
    return changes


def _can_make(recipe: Recipe, state: State) -> bool:
    if recipe.place and _kind(state, state[AT]) != recipe.place:
        return False
    return all(_number(state, COUNTS[each.item]) >= each.needed for each in recipe.ingredients)


def _passed(laws: Laws, state: State, chance: float, changes: _Changes, *, is_final: bool) -> Outcome:
    """Return what is left of ``changes`` once time has passed: a meal sets the clock of hunger back, else it goes on."""
    since = _number(state, SINCE_FOOD) + 1
    if FOOD not in changes and since >= laws.hunger:
        changes[FOOD] = _number(state, FOOD) - 1
    clock = 0 if FOOD in changes else since
    if clock != state[SINCE_FOOD]:
        changes[SINCE_FOOD] = clock
    is_starved = changes.get(FOOD) == 0
    return Outcome(chance, changes, reward=float(is_final), terminated=is_final or is_starved)


def _number(state: State, fluent: Fluent) -> int:
    value = state[fluent]
    assert isinstance(value, int)
    return value


def _kind(state: State, name: Value) -> Value:
    return state[Fluent("kind", (str(name),))]


# --- the environment ------------------------------------------------------------------------------------------


class CraftingEnvironment(LawfulWorld[Laws]):
    """Plays a world of counts under ``laws``; each task is a seed of its places and of its chance.

    ``change`` gives other laws and the number of actions, over all episodes, after which they come into force. The reward is 1 for the
    final item, which ends the episode; so does hunger, without one.
    """

    name = "crafting"
    outcomes = staticmethod(outcomes)

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        laws: Laws = ORDINARY,
        change: tuple[int, Laws] | None = None,
        admissible: bool = False,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(tasks, VOCABULARY, laws=laws, change=change, admissible=admissible, about=about)

    @property
    def goal(self) -> Goal:
        """Make the final item."""
        return Goal(f"make a {FINAL}")

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- all tasks are of one family
        """Return the one family there is."""
        return f"make a {FINAL}"

    def _begin(self, task: str) -> State:
        return layout(random.Random(f"crafting layout {task}"), self.laws)

    def _describe(self, state: State) -> str:
        had = ", ".join(f"{state[count]} {item}" for item, count in COUNTS.items() if state[count])
        return f"You are at {state[AT]}. You have {had or 'nothing'}. Your food: {state[FOOD]}."


def layout(rng: random.Random, laws: Laws) -> State:
    """Return an opening state: one or two places of each kind, with numbers of their own, one of which is where it begins."""
    kinds = [kind for kind in PLACES for _ in range(rng.randint(1, 2))]
    numbers = rng.sample(range(1, 30), len(kinds))
    places = {f"{kind} {number}": kind for kind, number in zip(kinds, numbers, strict=True)}
    state: dict[Fluent, Value] = {}
    for name, kind in places.items():
        state |= entity(name, "place", kind)
    for item in _MADE:
        state |= entity(item, "item", item)
    state |= dict.fromkeys(COUNTS.values(), 0)
    return {**state, AT: rng.choice(list(places)), STROKES: 0, FOOD: laws.food, SINCE_FOOD: 0}


def make(options: EnvironmentOptions) -> CraftingEnvironment:
    """Return the environment that ``options`` asks for.

    Raises: ConfigurationError for what cannot be.
    """
    _, tasks, about = settle(options, SPEC, can_alter=True)
    laws = ORDINARY if options.altered is None else altered(options.altered)
    return CraftingEnvironment(tasks, laws=laws, admissible=options.admissible, about=about)


SPEC = EnvironmentSpec(
    name="crafting",
    summary="gather, make tools and things with them, and do not starve",
    splits=("test", "train"),
    engines=("fast",),
    make=make,
    true_rules=TRUE_RULES.splitlines,
    check=lambda: check(make(EnvironmentOptions(count=1))),
    learn=20,
    learning_steps=250,
    max_steps=100,
)
