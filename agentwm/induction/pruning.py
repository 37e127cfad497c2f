"""Prunes rules by maximum coverage: few rules that together explain all that any of them explains."""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

__all__ = ["maximum_coverage"]


def maximum_coverage(covers: Sequence[int], *, limit: int | None = None) -> list[int]:
    """Return the indices of rules chosen greedily, each for what it adds; stop when none adds anything.

    ``covers[i]`` is the mask of transitions that rule ``i`` explains. The lazy form recomputes a gain only when it could still
    be the largest, which is sound because gains only shrink.

    Source: greedy maximum coverage as in WALL-E (Zhou et al., 2025, section 3); lazy evaluation from Minoux (1978).
    """
    heap = [(-cover.bit_count(), index) for index, cover in enumerate(covers) if cover]
    heapify(heap)
    covered = 0
    chosen: list[int] = []
    while heap and (limit is None or len(chosen) < limit):
        _, index = heappop(heap)
        gain = (covers[index] & ~covered).bit_count()
        if not gain:
            continue
        if heap and (-gain, index) > heap[0]:
            heappush(heap, (-gain, index))
            continue
        chosen.append(index)
        covered |= covers[index]
    return chosen
