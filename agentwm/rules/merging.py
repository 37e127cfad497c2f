"""Puts two rule stores together: evidence is added up, and where they disagree the evidence decides."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

from agentwm.rules.conflicts import conflict
from agentwm.rules.language import Rule
from agentwm.rules.laws import Law
from agentwm.rules.store import Record, RuleStore, Silence

__all__ = ["Settlement", "merge"]

PERSON = "person"


@dataclass(frozen=True, slots=True)
class Settlement:
    """A disagreement between the stores: the rule or law that it was about, whether it is still believed, and why."""

    rule: Rule | Law
    is_kept: bool
    reason: str


def merge(one: RuleStore, other: RuleStore) -> tuple[RuleStore, list[Settlement]]:
    """Return both stores as one, and what had to be settled; which of them comes first makes no difference.

    What both saw counts twice, so merge only what was learned from different episodes. A rule that one store believes and the other
    retired goes by the one with more evidence. Of two rules that disagree (`conflict`), each believed in one store only, the one with
    the lower posterior mean is retired: rules that one store believes together are left together. Laws are only held against
    experience, not against each other. The better evidenced store's order comes first.
    """
    first, second = sorted((one, other), key=_weight, reverse=True)
    mine, theirs = ({entry.id: entry for entry in store.entries} for store in (first, second))
    entries: list[Rule | Law] = []
    records: dict[str, Record] = {}
    settled: list[Settlement] = []
    for name in dict.fromkeys((*mine, *theirs)):
        if name in mine and name in theirs:
            records_of_both = first.record(mine[name]), second.record(theirs[name])
            entry = _pooled(mine[name], records_of_both[0], theirs[name], records_of_both[1])
            records[name], settlement = _added(entry, *records_of_both)
            settled += [settlement] if settlement else []
        else:
            entry = mine.get(name) or theirs[name]
            records[name] = (first if name in mine else second).record(entry)
        entries.append(entry)
    merged = RuleStore(
        tuple(each for each in entries if isinstance(each, Rule) and records[each.id].state != "retired"),
        records,
        tuple(each for each in entries if isinstance(each, Rule) and records[each.id].state == "retired"),
        Silence(counts=_added_counts(first.silence, second.silence)),
        first.knowledge.plus(second.knowledge),
        tuple(each for each in entries if isinstance(each, Law) and records[each.id].state != "retired"),
        tuple(each for each in entries if isinstance(each, Law) and records[each.id].state == "retired"),
    )
    losers = _losers(merged, first, second)
    settled += [Settlement(rule, is_kept=False, reason=losers[rule.id]) for rule in merged.rules if rule.id in losers]
    return merged.retire(losers), settled


def _weight(store: RuleStore) -> tuple[int, list[str]]:
    """Return how much evidence the store holds, then what it says, so that no two different stores are equal."""
    evidence = sum(_spoken(store.record(entry)) for entry in store.believed)
    return evidence, [entry.sentence() if isinstance(entry, Rule) else entry.source for entry in store.entries]


def _spoken(record: Record) -> int:
    return record.supports + record.contradicts


def _pooled(mine: Rule | Law, my_record: Record, theirs: Rule | Law, their_record: Record) -> Rule | Law:
    """Return the rule with the means of both probabilities of each outcome, weighed by how often the rule spoke in each store."""
    if isinstance(mine, Law) or isinstance(theirs, Law):
        return mine  # the same text, probabilities and all
    weights = (_spoken(my_record), _spoken(their_record))
    if not sum(weights):
        weights = (1, 1)
    means = [
        (weights[0] * a.probability + weights[1] * b.probability) / sum(weights)
        for a, b in zip(mine.outcomes, theirs.outcomes, strict=True)
    ]
    scale = max(1.0, sum(means))  # rounding may leave a little more than 1
    outcomes = (replace(o, probability=round(p / scale, 4)) for o, p in zip(mine.outcomes, means, strict=True))
    return replace(mine, outcomes=tuple(outcomes))


def _added(rule: Rule | Law, mine: Record, theirs: Record) -> tuple[Record, Settlement | None]:
    """Return the evidence of both for the same rule, and how it was settled where only one of them believes it."""
    states = {mine.state, theirs.state}
    settlement = None
    state, reason = mine.state, " and ".join(sorted({mine.reason, theirs.reason} - {""}))
    if len(states) > 1:
        active, retired = (mine, theirs) if theirs.state == "retired" else (theirs, mine)
        state = "active" if _spoken(active) >= _spoken(retired) else "retired"
        counts = f"{_spoken(active)} steps against {_spoken(retired)}"
        verdict = "believed, by the evidence of" if state == "active" else "retired, by the evidence of"
        settlement = Settlement(rule, state == "active", f"{verdict} {counts} ({retired.reason or 'retired there'})")
        reason = retired.reason if state == "retired" else ""
    added = Record(
        supports=mine.supports + theirs.supports,
        contradicts=mine.contradicts + theirs.contradicts,
        last_spoken=max(mine.last_spoken, theirs.last_spoken),
        kinds=_added_kinds(mine.kinds, theirs.kinds),
        origin=_origin(mine.origin, theirs.origin),
        parents=tuple(sorted({*mine.parents, *theirs.parents})),
        state=state,
        reason=reason,
        examples=tuple(sorted({*mine.examples, *theirs.examples})),
    )
    return added, settlement


def _origin(mine: str, theirs: str) -> str:
    """Return who proposed the rule; a person's word stands whoever else came to say the same."""
    if PERSON in (mine, theirs):
        return PERSON
    return mine if mine == theirs else " and ".join(sorted((mine, theirs)))


def _losers(merged: RuleStore, first: RuleStore, second: RuleStore) -> dict[str, str]:
    """Return the rules that yield to one of the other store, with the reason; the most trusted rules are heard first."""
    believed, also_believed = ({rule.id for rule in store.rules} for store in (first, second))
    alone = [rule for rule in merged.rules if rule.id not in also_believed]
    also_alone = [rule for rule in merged.rules if rule.id not in believed]
    pairs = [
        (_standing(merged, rule), _standing(merged, also), rule, also, about)
        for rule, also in product(alone, also_alone)
        if (about := conflict(rule, also)) is not None
    ]
    losers: dict[str, str] = {}
    for standing, other_standing, rule, also, about in sorted(
        pairs, key=lambda pair: sorted(pair[:2], reverse=True), reverse=True
    ):
        winner, loser = (rule, also) if standing > other_standing else (also, rule)
        if winner.id not in losers and loser.id not in losers:
            means = f"{merged.record(loser).trust:.3f} against {merged.record(winner).trust:.3f}"
            losers[loser.id] = f"disagrees about {about} with {winner.id}, which is trusted more ({means})"
    return losers


def _standing(store: RuleStore, rule: Rule) -> tuple[float, int, str]:
    record = store.record(rule)
    return record.trust, record.supports, rule.id


def _added_kinds(
    mine: Mapping[str, Mapping[str, int]], theirs: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    return {
        name: {kind: mine.get(name, {}).get(kind, 0) + theirs.get(name, {}).get(kind, 0) for kind in kinds}
        for name in sorted({*mine, *theirs})
        for kinds in [sorted({*mine.get(name, {}), *theirs.get(name, {})})]
    }


def _added_counts(mine: Silence, theirs: Silence) -> dict[str, dict[str, tuple[int, int]]]:
    """Return the counts of both by signature.

    A signature that only one store's rules give is met no more, but still tells how often a verb succeeds although all ways are ruled out.
    """
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for verb in sorted({*mine.counts, *theirs.counts}):
        ours, other = mine.counts.get(verb, {}), theirs.counts.get(verb, {})
        counts[verb] = {
            name: (
                ours.get(name, (0, 0))[0] + other.get(name, (0, 0))[0],
                ours.get(name, (0, 0))[1] + other.get(name, (0, 0))[1],
            )
            for name in sorted({*ours, *other})
        }
    return counts
