"""The trees of contexts that rules are printed from: what is worked out once, or set aside as the same, changes nothing."""

import math
import random

import pytest

from agentwm.induction.contexts import Splits
from agentwm.induction.effects import EffectTable
from agentwm.induction.growth import Growth
from agentwm.induction.slots import KEEP, MOST_NOISE, View
from agentwm.types import Action, Fluent, State, Value
from tests.tiny_world import AT, WARM, WET, WOOD, WORDS, seen


def busy(state: State, _action: Action, rng: random.Random) -> dict[Fluent, Value]:
    """Return what an act changes that does several things, one of them by chance."""
    wood = state[WOOD]
    assert isinstance(wood, int)
    changes: dict[Fluent, Value] = {WET: rng.random() < 0.5} if state[WARM] else {}
    if wood >= 2:
        changes[WOOD] = wood - 2
    if state[WET] and wood == 5:
        changes[AT] = "a"
    return changes


def table(number: int, *, seed: int) -> EffectTable:
    made = EffectTable("act", (), (), WORDS)
    for each in seen(busy, number, seed=seed):
        made.append(each)
    return made


@pytest.mark.parametrize("seed", range(4))
def test_the_best_condition_is_the_one_that_a_search_of_all_of_them_finds(seed: int) -> None:
    examples = table(150, seed=seed)
    features = examples.before.all()
    for slot in examples.slots.values():
        view = View(slot, 0)
        splits = Splits(view, features)
        for rows in (view.known, view.known & ~view.kept, *(view.known & feature.true for feature in features)):
            scores = [
                view.leaf(rows & feature.true).score + view.leaf(rows & feature.false).score - feature.price
                for feature in features
                if rows & feature.true and rows & feature.false and not rows & ~(feature.true | feature.false)
            ]
            assert splits.best(rows)[0] == max(scores, default=-math.inf)


@pytest.mark.parametrize("seed", range(4))
def test_what_no_effect_of_a_leaf_explains_is_left_to_noise_up_to_a_tenth(seed: int) -> None:
    for slot in table(150, seed=seed).slots.values():
        view = View(slot, 0)
        every = [KEEP, *(effect for effect, _ in view.effects)]
        for effects in [[one] for one in every] + [[one, other] for one in every for other in every if one != other]:
            leaf = view.fitted(effects, view.known, view.known.bit_count())
            explained = [view.masks[effect] for effect, _ in leaf.outcomes]
            assert leaf.unexplained == sum(not any(m >> row & 1 for m in explained) for row in range(150))
            assert sum(share for _, share in leaf.outcomes) == pytest.approx(
                1 - min(MOST_NOISE, leaf.unexplained / 150), abs=0.003
            )


def test_what_was_grown_with_nothing_excluded_does_not_leak_into_what_is_grown_with_some() -> None:
    examples = table(200, seed=1)
    excluded = {
        str(slot.target): slot.known.mask & ~slot.kept.mask & ((1 << 90) - 1) for slot in examples.slots.values()
    }
    kept = Growth(examples)
    alone = kept.rules()
    assert kept.rules(excluded) == Growth(examples).rules(excluded) != alone
    assert kept.rules() == alone
