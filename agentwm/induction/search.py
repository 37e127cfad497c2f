"""Searches the conjunction of conditions that tells positive examples from negative ones.

Top-down, with three habits that the published learners lack: it starts from the bonds that all positives share and never
drops them (else "heat works from afar" is consistent with the first ten examples); it weighs all single conditions and pairs by one
cost before it adds more greedily; and where two explanations cost about the same, both are kept, for a later failure to decide.

Source: sequential covering as in FOIL (Quinlan, 1990); the habits are ours, DECISIONS 5.
"""

from collections.abc import Iterator
from itertools import combinations

from agentwm.induction.table import Literal, Table, negated
from agentwm.types import Ref, Term

__all__ = ["Conjunction", "mask_of", "separate", "shut_out"]

Conjunction = tuple[Literal, ...]

# The share of positives that a condition may shut out as noise, and the share in which it must be known to hold.
NOISE = 0.03
ONE_IN_NOISE = 6
KNOWN = 0.7
MOST_DISJUNCTS = 3
EXCEPTION_PRICE = 0.6  # of a negative let through, against the prices of conditions in table.py
LOST_PRICE = 1.5  # of a positive shut out
RIVAL = 0.1  # how near in cost another explanation must come to be kept beside the best
RIVAL_OF_FEW = 1.5  # the same, where there are few successes to go by
FEW = 3
CHANCE = 0.002  # how improbable it must be that a kind failed with so many kinds of partner by their fault alone
MOST_CONDITIONS = 6
MOST_PAIRED = 24  # the best single conditions, of which all pairs are weighed
SOME_FAILURES = 3  # from which two cases are told apart
BOTH_SIDES = 3  # successes that must show the other side of a condition before it may foretell failure
WARRANT = 4  # failures with each other truth value before one truth value is asked for


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
    """Return the cheapest conjunction that holds for the positives, and its rivals.

    The cost of a conjunction is the price of its conditions, of the positives that it loses and of the negatives that it lets through:
    as many as the rows or, where it speaks of one argument's kind, as the kinds of another that could be to blame for them. All
    single conditions and all pairs of the best are weighed; more are added one at a time.
    """
    bonds = tuple(_shared_bonds(table, positives)) if with_bonds else ()
    remaining = negatives & mask_of(bonds, table.everything)
    pool = [
        literal
        for literal in _candidates(table, positives, remaining)
        if literal.false & remaining and _tolerates(literal, positives) and _is_warranted(literal, table, remaining)
    ]

    def cost(conjunction: Conjunction) -> float:
        through = table.exceptions(mask_of(conjunction, remaining), _kind_subjects(conjunction))
        lost = (positives & false_mask(conjunction)).bit_count()
        return sum(literal.price for literal in conjunction) + EXCEPTION_PRICE * through + LOST_PRICE * lost

    pool.sort(key=lambda literal: cost((literal,)))
    choices = [(), *((literal,) for literal in pool), *combinations(pool[:MOST_PAIRED], 2)]
    ranked = [(cost(c), c) for c in choices if len(_kind_subjects(c)) < 2]
    best_cost, best = min(ranked, key=_first)
    if not bonds and not best and (cases := _cases(table, positives, remaining)):
        return cases
    margin = RIVAL if positives.bit_count() > FEW else RIVAL_OF_FEW
    rivals = sorted((item for item in ranked if item[0] <= best_cost + margin and _is_rival(item[1], best)), key=_first)
    while len(best) < MOST_CONDITIONS:
        wider = [(*best, x) for x in pool if len(_kind_subjects((*best, x))) < 2]
        wider_cost, widest = min(((cost(c), c) for c in wider), default=(best_cost, best), key=_first)
        if wider_cost >= best_cost:
            break
        best_cost, best = wider_cost, widest
    return [(*bonds, *best), *((*bonds, *rival) for _, rival in rivals[:1])]


def _cases(table: Table, positives: int, negatives: int) -> list[Conjunction]:
    """Return two equalities of which one held whenever it worked, and neither when it did not; none where no two do.

    What is looked at closely is carried, or it is here.
    """
    if negatives.bit_count() < SOME_FAILURES:
        return []
    telling = [bond for bond in table.bonds() if bond.true & positives and not bond.true & negatives]
    pairs = (pair for pair in combinations(telling, 2) if not positives & ~(pair[0].true | pair[1].true))
    return [(bond,) for bond in next(pairs, ())]


def _first(item: tuple[float, Conjunction]) -> float:
    return item[0]


def _is_warranted(literal: Literal, table: Table, negatives: int) -> bool:
    """Whether a condition that asks for one truth value is borne out: with each of the others there were failures enough.

    Otherwise it only takes over what was seen for what must be, and "is not the one that failed" is the bolder guess.
    """
    left, op, right = literal.condition
    others = [true for term, value, true, _ in table.columns() if term == left and value is not right]
    if op != "==" or literal.is_bond or len(others) < 2:
        return True
    return all((true & negatives).bit_count() >= WARRANT for true in others)


def _candidates(table: Table, positives: int, negatives: int) -> Iterator[Literal]:
    yield from table.literals()
    yield from table.kind_literals(positives, negatives)


def _is_rival(conjunction: Conjunction, best: Conjunction) -> bool:
    """Whether two explanations that cost the same really differ: they lay it to the kinds of different arguments."""
    mine, others = _kind_subjects(conjunction), _kind_subjects(best)
    return bool(mine) and bool(others) and not mine & others


def _kind_subjects(conjunction: Conjunction) -> set[Term]:
    lefts = [literal.condition.left for literal in conjunction]
    return {left.args[0] for left in lefts if isinstance(left, Ref) and left.name == "kind"}


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
    for literal in _shared_literals(explained):
        opposite = negated(literal)
        against = (opposite.true & positives).bit_count()
        if opposite.true & negatives and against <= NOISE * (opposite.true & negatives).bit_count():
            found.append((opposite,))
            remaining &= ~opposite.true
    pool = [*_negative_pool(table, positives, remaining)]
    while remaining and pool:
        best = max(pool, key=lambda c: mask_of(c, remaining).bit_count() / sum(x.price for x in c))
        gain = mask_of(best, remaining)
        pool.remove(best)
        if sum(x.price for x in best) < EXCEPTION_PRICE * min(gain.bit_count(), table.kinds_to_blame(gain)):
            found.append(best)
            remaining &= ~gain
    expected = 0
    for conjunction in explained:
        expected |= mask_of(conjunction, table.everything)
    return found + _exceptions(table, positives, remaining & expected)


def _shared_literals(conjunctions: list[Conjunction]) -> list[Literal]:
    """Return the literals that stand in every conjunction."""
    first, *others = conjunctions or [()]
    return [literal for literal in first if all(literal in other for other in others)]


def _exceptions(table: Table, positives: int, negatives: int) -> list[Conjunction]:
    """Return exceptions by kind: of a kind that fails with several kinds of partner, else of the pair that failed."""
    found: list[Conjunction] = []
    singles = [literal for literal in table.single_kinds(negatives) if positives and not literal.true & positives]
    rate = negatives.bit_count() / max(1, (negatives | positives).bit_count())
    for literal in singles:
        if len(table.parameters) == 1 or rate ** table.partners(literal, negatives) <= CHANCE:
            found.append((literal,))
            negatives &= ~literal.true
    for pair in _kind_pairs(table, positives, negatives):
        if mask_of(pair, negatives):
            found.append(pair)
            negatives &= ~mask_of(pair, negatives)
    return found


def _negative_pool(table: Table, positives: int, negatives: int) -> Iterator[Conjunction]:
    if not positives:
        return
    for literal in table.literals():
        shown_both_ways = (literal.false & positives).bit_count() >= BOTH_SIDES
        if literal.true & negatives and not literal.true & positives and shown_both_ways:
            yield (literal,)


def _kind_pairs(table: Table, positives: int, negatives: int) -> Iterator[Conjunction]:
    """Yield ``kind(?x) is a and kind(?y) is b`` that occur among negatives and never among positives."""
    if not positives:
        return
    for left, right in combinations(list(table.single_kinds(negatives)), 2):
        both = left.true & right.true
        if left.condition.left != right.condition.left and both & negatives and not both & positives:
            yield (left, right)
