"""Searches the conjunction of conditions that tells positive examples from negative ones.

Top-down and greedy, with three habits that the published learners lack: it starts from the bonds that all positives share and
never drops them (else "heat works from afar" is consistent with the first ten examples); one cheap condition that shuts out all
remaining negatives beats two that share the work; and where two explanations cost the same, both are kept, for a later failure
to decide.

Source: sequential covering as in FOIL (Quinlan, 1990); the habits are ours, DECISIONS 3.
"""

from collections.abc import Iterator
from itertools import combinations

from agentwm.induction.table import Literal, Table, negated
from agentwm.types import Condition, Ref, Term

__all__ = ["Conjunction", "mask_of", "separate", "shut_out"]

Conjunction = tuple[Literal, ...]

# The share of positives that a condition may shut out as noise, and the share in which it must be known to hold.
NOISE = 0.03
ONE_IN_NOISE = 6
KNOWN = 0.7
MOST_DISJUNCTS = 3
MOST_CONDITIONS = 6


def mask_of(conjunction: Conjunction, everything: int) -> int:
    """Return the examples in which every condition is known to be true."""
    mask = everything
    for literal in conjunction:
        mask &= literal.true
    return mask


def false_mask(conjunction: Conjunction) -> int:
    """Return the examples in which some condition is known to be false."""
    mask = 0
    for literal in conjunction:
        mask |= literal.false
    return mask


def separate(table: Table, positives: int, negatives: int, *, with_bonds: bool = True) -> list[Conjunction]:
    """Return conjunctions that together hold for the positives and, as far as conditions can tell, for no negative.

    Usually one; several where the positives fall into cases, or where explanations tie.
    """
    found: list[Conjunction] = []
    remaining = positives
    for _ in range(MOST_DISJUNCTS):
        if not remaining:
            break
        alternatives = _explain(table, remaining, negatives, with_bonds=with_bonds)
        found += alternatives
        covered = 0
        for conjunction in alternatives:
            covered |= table.everything & ~false_mask(conjunction)
        left = remaining & ~covered
        if left == remaining or left.bit_count() <= _noise(positives):
            break
        remaining = left
    return found


def _explain(table: Table, positives: int, negatives: int, *, with_bonds: bool) -> list[Conjunction]:
    chosen: list[Literal] = list(_shared_bonds(table, positives)) if with_bonds else []
    alternatives: list[Conjunction] = []
    while len(chosen) < MOST_CONDITIONS:
        remaining = negatives & mask_of(tuple(chosen), table.everything)
        if not remaining:
            break
        candidates = [
            (literal, (remaining & literal.false).bit_count())
            for literal in _candidates(table, positives, remaining)
            if _tolerates(literal, positives)
        ]
        complete = [literal for literal, gain in candidates if gain == remaining.bit_count()]
        best = max(candidates, key=lambda pair: pair[1] / pair[0].price, default=None)
        if complete:
            cheapest = min(literal.price for literal in complete)
            first, *rest = [literal for literal in complete if literal.price == cheapest]
            alternatives = [(*chosen, literal) for literal in rest if _is_rival(literal, first)]
            chosen.append(first)
            break
        if best is None or best[1] < 2:  # noqa: PLR2004 -- one stray failure is left to an exception
            break
        chosen.append(best[0])
    return [tuple(chosen), *alternatives]


def _candidates(table: Table, positives: int, negatives: int) -> Iterator[Literal]:
    yield from table.literals()
    yield from table.kind_literals(positives, negatives)


def _is_rival(literal: Literal, first: Literal) -> bool:
    """Whether two explanations of the same price really differ: they speak of kinds, and of different arguments."""
    return _kind_subject(literal.condition) not in (None, _kind_subject(first.condition))


def _kind_subject(condition: Condition) -> Term:
    left = condition.left
    return left.args[0] if isinstance(left, Ref) and left.name == "kind" else None


def _tolerates(literal: Literal, positives: int) -> bool:
    against = (positives & literal.false).bit_count()
    return against <= _noise(positives) and (positives & literal.true).bit_count() >= KNOWN * positives.bit_count()


def _noise(examples: int) -> float:
    """Return how many of ``examples`` may be noise: one as soon as there are a few, then a share."""
    count = examples.bit_count()
    return max(NOISE * count, 1 if count >= ONE_IN_NOISE else 0)


def _shared_bonds(table: Table, positives: int) -> list[Literal]:
    """Return the equalities that all positives share, without those that another of them implies."""
    shared = [literal for literal in table.bonds() if _tolerates(literal, positives)]
    return [bond for bond in shared if not any(_implies(other, bond) for other in shared)]


def _implies(strong: Literal, weak: Literal) -> bool:
    """Whether ``x is y`` makes ``f(x) is f(y)`` true."""
    left, right = weak.condition.left, weak.condition.right
    if not (isinstance(left, Ref) and isinstance(right, Ref) and left.name == right.name):
        return False
    return {left.args, right.args} == {(strong.condition.left,), (strong.condition.right,)}


def shut_out(table: Table, positives: int, negatives: int, explained: list[Conjunction]) -> list[Conjunction]:
    """Return conjunctions that hold for negatives and for no positive, enough to cover what can be covered.

    ``explained`` are the conjunctions of success: the negation of one of their conditions is tried first. A failure that they do not
    explain is laid to a kind, or to a pair of kinds.
    """
    found: list[Conjunction] = []
    remaining = negatives
    if len(explained) == 1:
        for literal in explained[0]:
            opposite = negated(literal)
            if opposite.true & negatives and (opposite.true & positives).bit_count() <= _noise(positives):
                found.append((opposite,))
                remaining &= ~opposite.true
    unexplained = remaining
    pool = [*_negative_pool(table, positives, remaining)]
    while remaining and pool:
        best = max(pool, key=lambda c: ((mask_of(c, remaining)).bit_count() / sum(x.price for x in c)))
        gain = mask_of(best, remaining)
        if gain.bit_count() < 2:  # noqa: PLR2004
            break
        found.append(best)
        remaining &= ~gain
        pool.remove(best)
    for pair in _kind_pairs(table, positives, remaining & unexplained):
        if mask_of(pair, remaining):
            found.append(pair)
            remaining &= ~mask_of(pair, remaining)
    return found


def _negative_pool(table: Table, positives: int, negatives: int) -> Iterator[Conjunction]:
    if not positives:
        return
    for literal in (*table.literals(), *table.single_kinds(negatives)):
        if literal.true & negatives and not literal.true & positives:
            yield (literal,)


def _kind_pairs(table: Table, positives: int, negatives: int) -> Iterator[Conjunction]:
    """Yield ``kind(?x) is a and kind(?y) is b`` that occur among negatives and never among positives."""
    if not positives:
        return
    for left, right in combinations(list(table.single_kinds(negatives)), 2):
        both = left.true & right.true
        if left.condition.left != right.condition.left and both & negatives and not both & positives:
            yield (left, right)
