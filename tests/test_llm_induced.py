"""What a large language model really proposed, through a relay, on what surprised an agent: replayed, and held against the evidence.

When the prompt changes, its answers have to be recorded anew: `tests.llm_inductions` says how.
"""

import pytest

from agentwm import RuleStore
from agentwm.induction.credit import examples
from agentwm.induction.evidence import evidence_for
from agentwm.llm.inducer import LLMInducer
from tests import recorded
from tests.llm_inductions import WORDS, Household

Induced = list[tuple[Household, RuleStore, LLMInducer]]


@pytest.fixture(scope="module")
def induced() -> Induced:
    """Return what is believed of each household once the recorded answers were weighed."""
    return recorded.induced_once()


def test_nearly_all_replies_can_be_used_as_they_come_and_all_when_asked_again(induced: Induced) -> None:
    counts = [inducer.count for _, _, inducer in induced]
    assert sum(count.unusable for count in counts) == 0
    assert sum(count.first for count in counts) >= 0.95 * sum(count.questions for count in counts)


def test_at_least_five_rules_proposed_from_surprises_are_accepted(induced: Induced) -> None:
    accepted = {
        household.name: [rule for rule in store.rules if store.record(rule).origin == "llm"]
        for household, store, _ in induced
    }
    assert sum(map(len, accepted.values())) >= 5
    assert accepted["altered"], "where the world is not the one that was known"


def test_what_is_accepted_is_borne_out_by_all_that_was_lived(induced: Induced) -> None:
    for household, store, _ in induced:
        lived = [each for trajectory in household.trajectories for each in examples(trajectory, WORDS)]
        rules = [rule for rule in store.rules if store.record(rule).origin == "llm"]
        for name, evidence in evidence_for(rules, lived, WORDS).items():
            assert not evidence.fault(), name
            assert evidence.right.bit_count() >= store.records[name].supports >= 3


def test_every_proposal_that_was_not_accepted_has_its_reason(induced: Induced) -> None:
    for _, _, inducer in induced:
        assert all(bool(each.reason) != each.accepted for each in inducer.proposals)


def test_two_replays_say_the_same(induced: Induced) -> None:
    for (_, store, inducer), (_, other, other_inducer) in zip(induced, recorded.induced(), strict=True):
        assert store == other
        assert inducer.proposals == other_inducer.proposals
