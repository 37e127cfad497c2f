"""Facts that are stated whole are read as what is new, what differs and what is said no more, however they are ordered."""

import random
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from agentwm.facts import FactsPerceiver
from agentwm.types import Action, Fluent, Observation, Perception, State, Value

FLUENTS = [Fluent(name, args) for name in ("at", "open") for args in ((), ("door 1",), ("door 2",))]
VALUES: list[Value] = [None, False, True, 0, 1, 1.0, "here", "there"]

states = st.dictionaries(st.sampled_from(FLUENTS), st.sampled_from(VALUES))


def naive(facts: State, state: State) -> Perception:
    return Perception(
        told={fluent: value for fluent, value in facts.items() if fluent not in state},
        changed={fluent: value for fluent, value in facts.items() if fluent in state and state[fluent] != value},
        forgotten=frozenset(fluent for fluent in state if fluent not in facts),
    )


def perceived(facts: State, state: State) -> Perception:
    return FactsPerceiver().perceive(Observation("", facts), Action("go"), state)


def anew(facts: State) -> Mapping[Fluent, Value]:
    """Return the same with fluents that are equal and not the same objects."""
    return {Fluent(*fluent): value for fluent, value in facts.items()}


@given(states, states)
def test_what_is_perceived_is_what_a_naive_twin_perceives(state: State, facts: State) -> None:
    assert perceived(facts, state) == naive(facts, state)


@given(
    states, st.lists(st.tuples(st.sampled_from(FLUENTS), st.sampled_from(VALUES))), st.randoms(use_true_random=False)
)
def test_neither_order_nor_identity_makes_a_difference(
    state: State, news: list[tuple[Fluent, Value]], rng: random.Random
) -> None:
    facts = {**state, **{fluent: value for fluent, value in news if fluent in state}}
    shuffled = dict(rng.sample(list(facts.items()), len(facts)))
    expected = naive(facts, state)
    for same in (facts, anew(facts), shuffled):
        assert perceived(same, state) == expected


@given(states, states)
def test_the_first_observation_tells_everything(state: State, facts: State) -> None:
    first = FactsPerceiver().perceive(Observation("", facts), None, state)
    assert (first.told, first.changed) == (facts, {})
    assert first.forgotten == state.keys() - facts.keys()
