"""What sets two rule stores apart: two people's, or two moments of one run."""

from dataclasses import dataclass

from agentwm.rules.language import Rule
from agentwm.rules.laws import Law
from agentwm.rules.store import Record, RuleStore

__all__ = ["Changed", "Difference", "difference"]


@dataclass(frozen=True, slots=True)
class Changed:
    """A rule or a law that both stores believe, with other evidence or, for a rule, other probabilities."""

    before: Rule | Law
    after: Rule | Law
    evidence_before: Record
    evidence_after: Record

    @property
    def counts(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """How many transitions supported and contradicted the rule, before and after."""
        before, after = self.evidence_before, self.evidence_after
        return (before.supports, before.contradicts), (after.supports, after.contradicts)

    @property
    def probabilities(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The probabilities of the rule's outcomes, before and after; none for a law, whose text would differ."""
        return _probabilities(self.before), _probabilities(self.after)


@dataclass(frozen=True, slots=True)
class Difference:
    """The active rules and laws of two stores, in four parts; ``gone`` holds each with the reason, empty where none is known."""

    added: tuple[Rule | Law, ...] = ()
    gone: tuple[tuple[Rule | Law, str], ...] = ()
    changed: tuple[Changed, ...] = ()
    kept: tuple[Rule | Law, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.gone or self.changed)


def difference(before: RuleStore, after: RuleStore) -> Difference:
    """Return what became of the active rules and laws of ``before`` in ``after``, and which are new there."""
    earlier, later = ({each.id: each for each in store.believed} for store in (before, after))
    retired = {each.id for each in after.given_up}
    both = [
        Changed(rule, later[name], before.record(rule), after.record(rule))
        for name, rule in earlier.items()
        if name in later
    ]
    changed = [each for each in both if len(set(each.counts)) > 1 or len(set(each.probabilities)) > 1]
    changed_ids = {each.before.id for each in changed}
    return Difference(
        added=tuple(rule for name, rule in later.items() if name not in earlier),
        gone=tuple(
            (rule, after.record(rule).reason if name in retired else "")
            for name, rule in earlier.items()
            if name not in later
        ),
        changed=tuple(changed),
        kept=tuple(each.after for each in both if each.before.id not in changed_ids),
    )


def _probabilities(entry: Rule | Law) -> tuple[float, ...]:
    return tuple(outcome.probability for outcome in entry.outcomes) if isinstance(entry, Rule) else ()
