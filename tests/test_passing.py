"""What comes by itself, now and then and whatever is done: it is put down to no action, and hides nothing that an action does bring."""

import random
from collections.abc import Callable, Iterator

import pytest

from agentwm import Action, Fluent
from agentwm.induction.credit import Example
from agentwm.induction.pooling import EffectsLearner
from agentwm.types import ActionSchema, FluentSchema, Value, Vocabulary
from tests.tiny_world import example

FOOD, FISH, NIGHT = Fluent("food"), Fluent("fish"), Fluent("night")
VERBS = ("walk", "rest", "look", "sing", "dig", "cook", "angle", "spill")
WORDS = Vocabulary(
    {
        schema.name: schema
        for schema in (
            FluentSchema("food", (), "number"),
            FluentSchema("fish", (), "number"),
            FluentSchema("night", (), "bool"),
        )
    },
    {verb: ActionSchema(verb, (), verb) for verb in VERBS},
    reports_failure=False,
)
HUNGER = 0.045  # of all actions

Deed = Callable[[dict[Fluent, Value], str, random.Random], dict[Fluent, Value]]


def lived(deed: Deed, *, seed: int, number: int = 800) -> Iterator[Example]:
    """Yield examples of a life in which food falls by itself now and then, unless the ``deed`` says what becomes of it."""
    rng = random.Random(seed)
    state: dict[Fluent, Value] = {FOOD: 9, FISH: 0, NIGHT: False}
    for _ in range(number):
        verb = rng.choice(VERBS)
        falls = {FOOD: _number(state, FOOD) - 1} if rng.random() < HUNGER else {}
        after = {**state, NIGHT: rng.random() < 0.1, **falls, **deed(state, verb, rng)}
        yield example(state, Action(verb), after)
        state = {**after, FOOD: 9 if _number(after, FOOD) < 1 else after[FOOD]}


def _number(state: dict[Fluent, Value], fluent: Fluent) -> int:
    value = state[fluent]
    assert isinstance(value, int)
    return value


def sentences_of(fluent: Fluent, deed: Deed, *, seed: int, number: int = 800) -> set[str]:
    """Return the rules that speak of what becomes of ``fluent``."""
    learner = EffectsLearner(WORDS)
    for each in lived(deed, seed=seed, number=number):
        learner.append(each)
    rules = [learned.rule for learned in learner.rules()]
    return {r.sentence() for r in rules if any(c.target.name == fluent.name for o in r.outcomes for c in o.changes)}


def test_what_falls_now_and_then_whatever_is_done_is_put_down_to_no_verb() -> None:
    conjured = [sentences_of(FOOD, lambda *_: {}, seed=seed, number=300) for seed in range(8)]
    assert not any(conjured)


def test_what_a_verb_surely_does_to_the_same_thing_is_still_learned() -> None:
    def cook_or_spill(state: dict[Fluent, Value], verb: str, _rng: random.Random) -> dict[Fluent, Value]:
        return {FOOD: _number(state, FOOD) + {"cook": 2, "spill": -1}[verb]} if verb in ("cook", "spill") else {}

    said = sentences_of(FOOD, cook_or_spill, seed=0)
    assert said == {"cook then 1.00 success: food() grows by 2", "spill then 1.00 success: food() falls by 1"}


def test_what_one_verb_brings_as_rarely_is_still_a_chance_of_that_verb() -> None:
    def angle(state: dict[Fluent, Value], verb: str, rng: random.Random) -> dict[Fluent, Value]:
        return {FISH: _number(state, FISH) + 1} if verb == "angle" and rng.random() < 0.2 else {}

    [said] = sentences_of(FISH, angle, seed=0)
    assert said.startswith("angle then 0.8")
    assert said.endswith("success: fish() grows by 1")


@pytest.mark.parametrize("verb", ["dig", "sing"])
def test_a_verb_with_which_it_falls_far_more_often_is_found_out(verb: str) -> None:
    def tire(state: dict[Fluent, Value], done: str, rng: random.Random) -> dict[Fluent, Value]:
        return {FOOD: _number(state, FOOD) - 1} if done == verb and rng.random() < 0.4 else {}

    [said] = sentences_of(FOOD, tire, seed=1)
    assert said.startswith(f"{verb} then 0.")
    assert said.endswith("success: food() falls by 1")
