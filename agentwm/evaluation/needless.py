"""Finds rules that a store can do without: with the others, all is still explained that was.

What a rule explains of a transition is all that it foretold of it: that it succeeds, and each change that it brings. So a rule is never
needless because another one, which is silent about the change that it foretells, spoke of the same transition.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agentwm.evaluation.evidence import Claim, heard
from agentwm.induction.coverage import Coverage
from agentwm.induction.credit import Example
from agentwm.induction.pruning import Cover, exact_cover
from agentwm.rules.store import RuleStore
from agentwm.types import Vocabulary

__all__ = ["Pruning", "coverage_of", "needless"]


@dataclass(frozen=True, slots=True)
class Pruning:
    """Which rules are needless, by id, with the reason; of ``speaking`` rules in so many ``transitions``.

    A rule that never spoke is not judged. ``cover`` is the exact answer, where it was asked for.
    """

    reasons: Mapping[str, str]
    speaking: int
    transitions: int
    cover: Cover | None = None


def coverage_of(store: RuleStore, lived: Iterable[Example], vocabulary: Vocabulary) -> tuple[Coverage, int]:
    """Return which active rule explains what, one column for each thing foretold of each transition, and the number of transitions.

    The columns in which a rule is wrong are those of the transitions that it was wrong about.
    """
    coverage, transitions = Coverage(), 0
    for rule in store.rules:
        coverage.add_rule(rule.id, right=0, wrong=0)
    for example in lived:
        transitions += 1
        said = heard(store.rules, example, vocabulary)
        by_claim: dict[Claim, list[str]] = {}
        for name, claims in said.items():
            for claim in claims:
                by_claim.setdefault(claim, []).append(name)
        for names in by_claim.values():
            coverage.add_transition(right=names, wrong=())
        coverage.add_transition(right=(), wrong=[name for name, claims in said.items() if not claims])
    return coverage, transitions


def needless(store: RuleStore, lived: Iterable[Example], vocabulary: Vocabulary, *, exact: bool = False) -> Pruning:
    """Return the rules of ``store`` that ``lived`` does not need; ``exact`` keeps the fewest that explain as much.

    Raises: MissingExtraError when ``exact`` needs a package that is not installed.
    """
    coverage, transitions = coverage_of(store, lived, vocabulary)
    counts = {name: coverage.counts(name) for name in coverage.rules}
    for name in (name for name, (right, wrong) in counts.items() if not right + wrong):
        coverage.forget(name)
    speaking = len(coverage.rules)
    reasons = {
        name: f"wrong in all {counts[name][1]} steps in which it spoke"
        for name in coverage.rules
        if not counts[name][0]
    }
    for name in reasons:
        coverage.forget(name)
    if exact:
        names = coverage.rules
        cover = exact_cover([coverage.right(name) for name in names])
        chosen = {names[index] for index in cover.chosen}
        reasons |= {name: "not among the fewest rules that explain as much" for name in names if name not in chosen}
        return Pruning(reasons, speaking, transitions, cover)
    dominated = coverage.dominated()
    reasons |= {
        name: f"{other} explains all that it explains, and is no more often wrong" for name, other in dominated.items()
    }
    for name in dominated:
        coverage.forget(name)
    reasons |= dict.fromkeys(coverage.redundant(), "all that it explains, other rules explain too")
    return Pruning(reasons, speaking, transitions)
