"""Finds rules and laws that a store can do without: with the others, all is still explained that was.

What a rule explains of a transition is all that it foretold of it: that it succeeds, and each change that it brings. So a rule is never
needless because another one, which is silent about the change that it foretells, spoke of the same transition.

No rule is given up for a law, which is dearer to ask and cannot be looked into; a law goes where rules explain all the news in what it
foretold.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from agentwm.evaluation.evidence import Claim, heard
from agentwm.induction.coverage import Coverage
from agentwm.induction.credit import Example
from agentwm.induction.evidence import answers
from agentwm.induction.pruning import Cover, exact_cover
from agentwm.rules.matching import look_up
from agentwm.rules.sandbox import Sandbox
from agentwm.rules.store import RuleStore
from agentwm.types import Fluent, Vocabulary

__all__ = ["Pruning", "coverage_of", "needless"]


@dataclass(frozen=True, slots=True)
class Pruning:
    """Which rules and laws are needless, by id, with the reason; of ``speaking`` rules in so many ``transitions``.

    A rule that never spoke is not judged. ``cover`` is the exact answer, where it was asked for.
    """

    reasons: Mapping[str, str]
    speaking: int
    transitions: int
    cover: Cover | None = None


def coverage_of(
    store: RuleStore, lived: Iterable[Example], vocabulary: Vocabulary, *, sandbox: Sandbox | None = None
) -> tuple[Coverage, int]:
    """Return which active rule or law explains what, one column for each thing foretold of each transition, and the number of transitions.

    The columns in which a rule is wrong are those of the transitions that it was wrong about. Of what a law foretold only news count: it
    may well say of all things that they stay as they are.
    """
    lived = list(lived)
    coverage = Coverage()
    laws = {law.id for law in store.laws}
    for entry in store.believed:
        coverage.add_rule(entry.id, right=0, wrong=0)
    for example, answered in zip(lived, answers(store.laws, lived, sandbox=sandbox), strict=True):
        said = heard(store.rules, example, vocabulary, answered)
        by_claim: dict[Claim, list[str]] = {}
        for name, claims in said.items():
            for claim in claims:
                if name not in laws or _is_news(claim, example, vocabulary):
                    by_claim.setdefault(claim, []).append(name)
        for names in by_claim.values():
            coverage.add_transition(right=names, wrong=())
        coverage.add_transition(right=(), wrong=[name for name, claims in said.items() if not claims])
    return coverage, len(lived)


def needless(
    store: RuleStore,
    lived: Iterable[Example],
    vocabulary: Vocabulary,
    *,
    exact: bool = False,
    sandbox: Sandbox | None = None,
) -> Pruning:
    """Return the rules and laws of ``store`` that ``lived`` does not need; ``exact`` keeps the fewest rules that explain as much.

    Raises: MissingExtraError when ``exact`` needs a package that is not installed, or a law a sandbox.
    """
    coverage, transitions = coverage_of(store, lived, vocabulary, sandbox=sandbox)
    counts = {name: coverage.counts(name) for name in coverage.rules}
    _forget(coverage, [name for name, (right, wrong) in counts.items() if not right + wrong])
    speaking = len(coverage.rules)
    laws = {law.id for law in store.laws}
    reasons = _never_right(coverage.rules, counts, laws)
    _forget(coverage, reasons)
    rows = {name: (coverage.right(name), coverage.wrong(name)) for name in coverage.rules if name in laws}
    _forget(coverage, rows)
    cover = exact_cover([coverage.right(name) for name in coverage.rules]) if exact else None
    reasons |= _needless_rules(coverage) if cover is None else _unchosen(coverage, cover)
    reasons |= _needless_laws(rows, coverage)
    return Pruning(reasons, speaking, transitions, cover)


def _forget(coverage: Coverage, names: Iterable[str]) -> None:
    for name in list(names):
        coverage.forget(name)


def _never_right(names: Iterable[str], counts: Mapping[str, tuple[int, int]], laws: Container[str]) -> dict[str, str]:
    """Return the rules and laws among ``names`` that spoke and were right about nothing, by how often they were right and wrong."""
    return {
        name: f"wrong in {counts[name][1]} steps, and right about nothing new"
        if name in laws
        else f"wrong in all {counts[name][1]} steps in which it spoke"
        for name in names
        if not counts[name][0]
    }


def _unchosen(coverage: Coverage, cover: Cover) -> dict[str, str]:
    """Return the rules that the exact ``cover`` does without; they stay in ``coverage``."""
    chosen = {coverage.rules[index] for index in cover.chosen}
    unchosen = [name for name in coverage.rules if name not in chosen]
    return dict.fromkeys(unchosen, "not among the fewest rules that explain as much")


def _needless_rules(coverage: Coverage) -> dict[str, str]:
    """Return the rules that others make needless; those that a single one dominates are forgotten by ``coverage``."""
    reasons = {
        name: f"{other} explains all that it explains, and is no more often wrong"
        for name, other in coverage.dominated().items()
    }
    _forget(coverage, reasons)
    return reasons | dict.fromkeys(coverage.redundant(), "all that it explains, other rules explain too")


def _needless_laws(rows: Mapping[str, tuple[int, int]], rules: Coverage) -> dict[str, str]:
    """Return the laws, by what they are right and wrong about, that are needless beside the ``rules``, and then beside each other."""
    explained = rules.explained()
    reasons = {
        name: "all that it explains, rules explain too" for name, (right, _) in rows.items() if not right & ~explained
    }
    left = Coverage(transitions=len(rules))
    for name, (right, wrong) in rows.items():
        if name not in reasons:
            left.add_rule(name, right=right & ~explained, wrong=wrong)
    return reasons | dict.fromkeys(left.redundant(), "all that it explains, other rules and laws explain too")


def _is_news(claim: Claim, example: Example, vocabulary: Vocabulary) -> bool:
    """Whether ``claim`` says more than that nothing happens."""
    about, value = claim
    if isinstance(about, Fluent):
        return look_up(about, example.before, vocabulary) != value
    return vocabulary.reports_failure if about == "success" else bool(value)
