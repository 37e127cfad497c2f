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
MOST_DEEP = 12
MOST_SEEDED = 5
BEAM = 6

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
        options += [self._seeded(known, rare, leaf) for rare in self.view.rare(known, leaf)]
        best_gain, best = max(options, key=lambda option: option[0], default=(0.0, ()))
        return best if best_gain > 0 else ()

    def _since(self, moment: int) -> Feature:
        """Return the feature of what was seen from ``moment`` on."""
        earlier = (1 << moment) - 1
        everything = self.view.known
        condition = Condition(Ref("transition"), ">", moment - 1)
        return Feature(
            condition, CHANGED + math.log(MOST_MOMENTS), everything & ~earlier, everything & earlier, is_time=True
        )

    def _seeded(self, rows: int, rare: int, leaf: Leaf) -> tuple[float, Context]:
        """Return the conjunction shared by the ``rare`` rows that pays best for shutting out others, and what it gains."""
        shared = [f for f in self.features if not rare & ~f.true]
        since = self._since((rare & -rare).bit_length() - 1)
        shared += [since] if rows & since.false else []
        others = rows & ~rare
        shared = sorted((f for f in shared if others & ~f.true), key=lambda f: f.price)
        best: tuple[float, Context] = (0.0, ())
        beam: list[tuple[int, float, Context]] = [(others, 0.0, ())]
        for _ in range(MOST_SEEDED):
            longer: dict[int, tuple[int, float, Context]] = {}
            for left, price, chosen in beam:
                for feature in shared:
                    remaining = left & feature.true
                    if remaining == left:
                        continue
                    cost = price + feature.price
                    if remaining not in longer or cost < longer[remaining][1]:
                        longer[remaining] = (remaining, cost, (*chosen, feature))
            if not longer:
                break
            beam = sorted(longer.values(), key=lambda one: (one[0].bit_count(), one[1]))[:BEAM]
            for _, price, chosen in beam[:1]:
                gain = self._gain(rows, chosen, leaf) - price + math.lgamma(len(chosen) + 1)  # in whatever order
                best = max(best, (gain, chosen), key=lambda option: option[0])
            beam = [one for one in beam if one[0]]
        return best

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
            if not widest.is_frame:
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
        before = rows_of(kept, view.at_stake)
        share = view.unexplained(effects, before).bit_count() / max(1, before.bit_count())
        more = rows_of(others, view.at_stake) & ~before
        allowed = _at_most(share, more.bit_count())
        if view.unexplained(effects, more).bit_count() > allowed:
            continue
        if view.likelihood(fitted, rows) >= now - feature.price:
            kept, leaf = others, fitted
    return tuple(kept), leaf


def _at_most(share: float, number: int) -> float:
    """Return how many of ``number`` rows may be unexplained where a ``share`` of them usually is."""
    return share * number + 2 * math.sqrt(share * (1 - share) * number)


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
