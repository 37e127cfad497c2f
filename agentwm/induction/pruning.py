"""Prunes rules by coverage: few rules that together explain all that any of them explains.

A rule is given by its cover, the mask of the transitions that it explains, and answers name rules by their index. The greedy answers
are quick; `exact_cover` tells how far they are from the best.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from heapq import heapify, heappop, heappush
from itertools import accumulate, compress
from operator import or_
from struct import iter_unpack

from agentwm.errors import MissingExtraError, quoted

__all__ = ["Cover", "dominated", "exact_cover", "maximum_coverage", "minimum_cover", "redundant"]

# How many bytes of a cover are compared before the whole: enough to tell almost all pairs apart.
PROBES = 16

TOLERANCE = 1e-6  # of the solver, on costs that are whole numbers


@dataclass(frozen=True, slots=True)
class Cover:
    """A choice of rules, how good it is and how good any choice could be.

    ``value``, ``bound`` and ``greedy`` count the rules chosen, of which fewer is better; or, where there was a limit, the transitions
    explained. No choice is better than ``bound``; ``greedy`` is the value of the greedy answer.
    """

    chosen: tuple[int, ...]
    value: int
    bound: int
    greedy: int

    @property
    def is_optimal(self) -> bool:
        """Whether no choice can be better."""
        return self.value == self.bound

    @property
    def gap(self) -> int:
        """By how many rules, or transitions, the greedy answer is worse than this one."""
        return abs(self.greedy - self.value)


def maximum_coverage(covers: Sequence[int], *, limit: int | None = None) -> list[int]:
    """Return the indices of rules chosen greedily, each for what it adds; stop when none adds anything.

    ``covers[i]`` is the mask of transitions that rule ``i`` explains. Of rules that add the same the first is chosen. The lazy
    form recomputes a gain only when it could still be the largest, which is sound because gains only shrink.

    Source: greedy maximum coverage as in WALL-E (Zhou et al., 2025, section 3), at least 1 - 1/e of the best (Nemhauser, Wolsey &
    Fisher, 1978); lazy evaluation from Minoux (1978).
    """
    heap = [(-cover.bit_count(), index) for index, cover in enumerate(covers) if cover]
    heapify(heap)
    missing = _union(covers)
    chosen: list[int] = []
    while missing and (limit is None or len(chosen) < limit):
        _, index = heappop(heap)
        added = covers[index] & missing
        gain = added.bit_count()
        if heap and (-gain, index) > heap[0]:
            heappush(heap, (-gain, index))
            continue
        chosen.append(index)
        missing ^= added
    return chosen


def minimum_cover(covers: Sequence[int]) -> list[int]:
    """Return the indices of few rules that explain all that any rule explains, none of them needless beside the others.

    Source: the greedy cover (Minoux, 1978), then the smallest of its rules given up that later choices made needless (ours).
    """
    chosen = maximum_coverage(covers)
    smallest = sorted(chosen, key=lambda index: covers[index].bit_count())
    needless = {smallest[index] for index in redundant([covers[index] for index in smallest])}
    return [index for index in chosen if index not in needless]


def redundant(covers: Sequence[int]) -> list[int]:
    """Return the indices of rules that can all be left out with nothing uncovered, and no further one; the first are given up first."""
    later = list(accumulate(reversed(covers), or_, initial=0))[-2::-1]
    kept = 0
    needless: list[int] = []
    for index, (cover, rest) in enumerate(zip(covers, later, strict=True)):
        if cover & (kept | rest) == cover:
            needless.append(index)
        else:
            kept |= cover
    return needless


def dominated(covers: Sequence[int]) -> dict[int, int]:
    """Return the rules whose cover lies within another's, each with one such other that is not dominated itself.

    Of rules with the same cover the first is not dominated.
    """
    width = max(map(int.bit_length, covers), default=0) // 8 + 1
    kept: list[tuple[int, bytes]] = []
    others: dict[int, int] = {}
    for index in sorted(range(len(covers)), key=lambda index: -covers[index].bit_count()):
        cover = covers[index]
        row = cover.to_bytes(width, "little")
        spots = list(compress(range(width), row))
        probes = [(spot, row[spot]) for spot in spots[:: len(spots) // PROBES + 1]]
        for other, wider in kept:
            if all(wider[spot] & bits == bits for spot, bits in probes) and cover & covers[other] == cover:
                others[index] = other
                break
        else:
            kept.append((index, row))
    return others


def exact_cover(covers: Sequence[int], *, limit: int | None = None, timeout_s: float = 2.0) -> Cover:
    """Return the fewest rules that explain all that any rule explains; with a ``limit``, no more rules than that, which explain the most.

    ``timeout_s`` bounds the search, which looks at the clock between its stages only, and not the reduction before it. When it runs out,
    the best answer found stands; no answer is worse than the greedy one. The search sees no dominated rule, and one column for all the
    transitions that the same rules explain.

    Raises: MissingExtraError when numpy or scipy is not installed and there is something to search.
    """
    greedy = minimum_cover(covers) if limit is None else maximum_coverage(covers, limit=limit)
    needless = dominated(covers)
    rules = [index for index, cover in enumerate(covers) if cover and index not in needless]
    if not rules:
        return Cover((), 0, 0, 0)
    found, least_cost = _solve(_columns([covers[rule] for rule in rules]), len(rules), limit, timeout_s)

    def cost(choice: Sequence[int]) -> int:
        return len(choice) if limit is None else -_union(covers[index] for index in choice).bit_count()

    best = min(greedy, [rules[index] for index in found], key=cost) if found is not None else greedy
    order = maximum_coverage([covers[index] for index in best])
    floor = 1 if limit is None else -_union(covers).bit_count()
    bound = math.ceil(max(floor, least_cost - TOLERANCE))
    return Cover(tuple(best[index] for index in order), abs(cost(best)), abs(bound), abs(cost(greedy)))


def _columns(covers: Sequence[int]) -> Counter[bytes]:
    """Return the sets of rules that explain some transition, as little-endian masks, each with the number of its transitions."""
    length = max(map(int.bit_length, covers))
    width = -(-len(covers) // 8)
    ones = int.from_bytes(b"\x01" * length, "big")
    table = bytearray(length * width)
    for place in range(width):
        eight = 0  # one byte per transition, whose bits are eight rules
        for shift, cover in enumerate(covers[8 * place : 8 * place + 8]):
            digits = f"{cover:0{length}b}".encode()
            eight |= (int.from_bytes(digits, "big") & ones) << shift
        table[place::width] = eight.to_bytes(length, "big")
    columns = Counter(column for (column,) in iter_unpack(f"{width}s", table))
    del columns[bytes(width)]
    return columns


def _solve(columns: Counter[bytes], rules: int, limit: int | None, timeout_s: float) -> tuple[list[int] | None, float]:
    """Return the rules of the cheapest choice found, None where none was found, and a cost that no choice goes below.

    A choice costs its rules, or, with a limit, minus the transitions explained. Source: both integer programs as in Nemhauser & Wolsey
    (1988), solved by HiGHS (Huangfu & Hall, 2018).
    """
    try:
        import numpy as np  # noqa: PLC0415 -- an optional extra, and slow to import
        from scipy import optimize, sparse  # type: ignore[import-untyped]  # noqa: PLC0415 -- as above; it has no types
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the exact cover needs the package {quoted(error.name)}, which is not installed: pip install 'agentwm[exact]'"
        ) from error
    bits = np.frombuffer(b"".join(columns), np.uint8).reshape(len(columns), -1)
    table = sparse.csr_array(np.unpackbits(bits, axis=1, count=rules, bitorder="little"), dtype=float)
    # One variable says whether a rule is chosen, one whether a column is explained: without a limit, it must be.
    is_rule = np.repeat([1.0, 0.0], [rules, len(columns)])
    weights = np.concatenate([np.zeros(rules), np.fromiter(columns.values(), float)])
    constraints = [optimize.LinearConstraint(sparse.hstack([table, -sparse.eye_array(len(columns))]), lb=0)]
    if limit is not None:
        constraints.append(optimize.LinearConstraint(is_rule, ub=limit))
    answer = optimize.milp(
        is_rule if limit is None else -weights,
        integrality=is_rule,
        bounds=optimize.Bounds(1 - is_rule if limit is None else 0 * is_rule, 1),
        constraints=constraints,
        # The default gap would call a near miss optimal; with many columns to weigh, reducing them outlasted any time limit.
        options={"time_limit": timeout_s, "mip_rel_gap": 0, "presolve": limit is None},
    )
    found = None if answer.x is None else np.flatnonzero(answer.x[:rules] > 0.5).tolist()
    return found, -math.inf if answer.mip_dual_bound is None else answer.mip_dual_bound


def _union(covers: Iterable[int]) -> int:
    return reduce(or_, covers, 0)
