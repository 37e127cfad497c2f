"""The contexts in which what happens differs: a tree of conditions, each bought by the likelihood that it brings.

A condition that no single step would find is found from the rare rows: the conjunction that they share and that shuts out the others.
That the world has changed is one more condition, on time, and a dear one; what was so before is left out of what is returned.
"""

import math
from collections.abc import Sequence

from agentwm.induction.features import Feature, negated
from agentwm.induction.slots import Leaf, View
from agentwm.types import Condition, Ref

__all__ = ["Context", "grown", "rows_of"]

CHANGED = 12.0  # nats, for supposing that the world has changed
MOST_MOMENTS = 12
SHARED = 2.0  # nats, for a context that is known from elsewhere, whatever it is made of
MOST_DEEP = 6
MOST_SEEDED = 4

Context = tuple[Feature, ...]


class _Tree:
    """Grows the contexts in which a slot turns out differently."""

    def __init__(self, view: View, features: Sequence[Feature], shared: Sequence[Context] = ()) -> None:
        self.view = view
        self.shared = shared
        self.features = [*features, *(negated(feature) for feature in features)]
        self.leaves: list[tuple[Context, int, Leaf]] = []
        self._split(view.known, ())

    def _split(self, rows: int, context: Context) -> None:
        leaf = self.view.leaf(rows)
        chain = () if leaf.is_pure or len(context) >= MOST_DEEP else self._best(rows, leaf)
        if not chain:
            self.leaves.append((context, rows & self.view.known, leaf))
            return
        inside = rows
        for depth, feature in enumerate(chain):
            opposite = negated(feature)
            self._split(inside & opposite.true, (*context, *chain[:depth], opposite))
            inside &= feature.true
        self._split(inside, (*context, *chain))

    def _best(self, rows: int, leaf: Leaf) -> Context:
        """Return the condition, or the conjunction found from rare rows, that pays best; empty where none pays."""
        options: list[tuple[float, Context]] = []
        known = rows & self.view.known
        for feature in self.features[: len(self.features) // 2]:
            inside, outside = rows & feature.true, rows & feature.false
            if inside & known and outside & known and not known & ~(inside | outside):
                gain = self.view.leaf(inside).score + self.view.leaf(outside).score - leaf.score - feature.price
                options.append((gain, (feature,)))
        options += [(self._gain(known, chain, leaf) - SHARED, chain) for chain in self.shared if rows_of(chain, known)]
        moments = [self._since(moment) for moment in _moments(known, self.view.unusual(known, leaf))]
        options += [(self._gain(known, (since,), leaf) - since.price, (since,)) for since in moments]
        best_gain, best = max(options, key=lambda option: option[0], default=(0.0, ()))
        if best_gain > 0:
            return best
        seeded = [self._seeded(known, rare, leaf) for rare in self.view.rare(known, leaf)]
        return max((s for s in seeded if s[0] > 0), key=lambda option: option[0], default=(0.0, ()))[1]

    def _since(self, moment: int) -> Feature:
        """Return the feature of what was seen from ``moment`` on."""
        earlier = (1 << moment) - 1
        everything = self.view.known
        condition = Condition(Ref("transition"), ">", moment - 1)
        return Feature(
            condition, CHANGED + math.log(MOST_MOMENTS), everything & ~earlier, everything & earlier, is_time=True
        )

    def _seeded(self, rows: int, rare: int, leaf: Leaf) -> tuple[float, Context]:
        """Return what the conjunction shared by the ``rare`` rows that shuts out the others best would gain."""
        shared = [f for f in self.features if not rare & ~f.true]
        since = self._since((rare & -rare).bit_length() - 1)
        shared += [since] if rows & since.false else []
        chosen: list[Feature] = []
        inside = rows
        while shared and len(chosen) < MOST_SEEDED and inside & ~rare:
            best = min(shared, key=lambda f: ((inside & f.true).bit_count(), f.price))
            if inside & best.true == inside:
                break
            chosen.append(best)
            inside &= best.true
        for feature in list(chosen):
            others = [f for f in chosen if f is not feature]
            if others and rows_of(others, rows) == inside:
                chosen = others
        return self._gain(rows, chosen, leaf) - sum(f.price for f in chosen), tuple(chosen)

    def _gain(self, rows: int, chain: Sequence[Feature], leaf: Leaf) -> float:
        """Return how much better the leaves along ``chain`` explain ``rows`` than ``leaf`` does."""
        score, remaining = 0.0, rows
        for feature in chain:
            score += self.view.leaf(remaining & ~feature.true).score
            remaining &= feature.true
        return score + self.view.leaf(remaining).score - leaf.score


def grown(view: View, features: Sequence[Feature], shared: Sequence[Context] = ()) -> list[tuple[Context, Leaf]]:
    """Return the contexts in which something happens to a slot, each as wide as the examples allow.

    ``shared`` are contexts known from elsewhere. What was so before the world changed is left out.
    """
    tree = _Tree(view, features, shared)
    found: dict[frozenset[Condition], tuple[Context, Leaf]] = {}
    for context, _, leaf in tree.leaves:
        if not leaf.is_frame and not any(f.is_time and f.condition.op == "<" for f in context):
            wide, widest = _widened(view, tree.leaves, context, leaf)
            found.setdefault(frozenset(f.condition for f in wide), (wide, widest))
    return list(found.values())


def _widened(
    view: View, leaves: Sequence[tuple[Context, int, Leaf]], context: Context, leaf: Leaf
) -> tuple[Context, Leaf]:
    """Drop the conditions without which the leaf explains the examples as well, counting what they cost."""
    kept = list(context)
    effects = [effect for effect, _ in leaf.outcomes]
    for feature in sorted(context, key=lambda f: -f.price):
        others = [f for f in kept if f is not feature]
        rows = rows_of(others, view.known)
        fitted = view.fitted(effects, rows, rows.bit_count())
        now = sum(view.likelihood(there, rows & part) for _, part, there in leaves)
        if view.likelihood(fitted, rows) >= now - feature.price:
            kept, leaf = others, fitted
    return tuple(kept), leaf


def _moments(rows: int, unusual: int) -> list[int]:
    """Return moments at which the world may have changed: where what is unusual in ``rows`` begins, goes on or has just ended."""
    if not unusual or unusual == rows:
        return []
    indices = [index for index, bit in enumerate(reversed(f"{unusual:b}")) if bit == "1"]
    every = max(1, len(indices) // MOST_MOMENTS)
    first = (rows & -rows).bit_length() - 1
    return sorted({*indices[::every], indices[-1] + 1} - {first, rows.bit_length()})


def rows_of(context: Sequence[Feature], rows: int) -> int:
    """Return those of ``rows`` in which all of ``context`` is true."""
    for feature in context:
        rows &= feature.true
    return rows
