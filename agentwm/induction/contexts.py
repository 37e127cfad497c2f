"""The contexts in which what happens differs: a tree of conditions, each bought by the likelihood that it brings.

A condition that no single step would find is found from the rare rows: the conjunction that they share and that shuts out the others.
That the world has changed is one more condition, on time; it is a dear one but where a rule had just failed that had long been right.
What was told apart before goes on to be, and what was so only before is left out of what is returned.
"""

import math
from collections.abc import Sequence
from functools import cached_property

from agentwm.induction.breaks import Window
from agentwm.induction.features import Feature, negated
from agentwm.induction.slots import Leaf, View
from agentwm.types import Condition, Ref

__all__ = ["Context", "Splits", "rows_of"]

CHANGED = 12.0  # nats, for supposing that the world has changed
SUSPECTED = 2.0  # nats, for supposing so where a rule failed that had long been right
MOST_TURNS = 4  # of the times in which it is suspected, for a condition that only pays together with one on time
PARTS = 4  # moments tried in each time in which it is suspected
MOST_MOMENTS = 12
SHARED = 2.0  # nats, for a context that is known from elsewhere, whatever it is made of
MOST_DEEP = 12
MOST_SEEDED = 5
BEAM = 6

Context = tuple[Feature, ...]


class Splits:
    """What may tell the examples of a view apart, and the trees grown of it; what was worked out once is remembered.

    ``suspected`` are the windows in which the world may have changed.
    """

    def __init__(self, view: View, features: Sequence[Feature], suspected: Sequence[Window] = ()) -> None:
        self.view = view
        self.suspected = suspected[-MOST_MOMENTS:]
        self._given = features
        self._best: dict[int, tuple[float, Context]] = {}
        self.seeds: dict[tuple[int, int], tuple[float, Context]] = {}
        self._grown: dict[object, list[tuple[Context, Leaf]]] = {}

    @cached_property
    def features(self) -> list[Feature]:
        """The conditions and their opposites."""
        return [*self._given, *map(negated, self._given)]

    @cached_property
    def _telling(self) -> list[Feature]:
        return _cheapest(self._given, self.view.known)

    def grown(self, shared: Sequence[Context] = ()) -> list[tuple[Context, Leaf]]:
        """Return the contexts in which something happens to a slot, each as wide as the examples allow.

        ``shared`` are contexts known from elsewhere. What was so before the world changed is left out.
        """
        key = tuple(tuple(feature.condition for feature in context) for context in shared)
        if key not in self._grown:
            self._grown[key] = _contexts(self, shared)
        return self._grown[key]

    def best(self, rows: int) -> tuple[float, Context]:
        """Return how well one condition explains ``rows``, less what it costs, and it: the best that tells any apart, if there is one."""
        rows &= self.view.known
        if rows not in self._best:
            self._best[rows] = self._found(rows)
        return self._best[rows]

    def _found(self, rows: int) -> tuple[float, Context]:
        best: tuple[float, Context] = (-math.inf, ())
        leaf = self.view.leaf
        for feature in self._telling:
            inside, outside = rows & feature.true, rows & feature.false
            if inside and outside and inside | outside == rows:
                score = leaf(inside).score + leaf(outside).score - feature.price
                if score > best[0]:
                    best = score, (feature,)
        return best


def _cheapest(features: Sequence[Feature], rows: int) -> list[Feature]:
    """Return the ``features`` that tell some of ``rows`` apart; of those that tell the same ones apart the cheapest."""
    cheapest: dict[tuple[int, int], Feature] = {}
    for feature in features:
        true, false = feature.true & rows, feature.false & rows
        sides = (true, false) if true < false else (false, true)
        if true and false and (sides not in cheapest or feature.price < cheapest[sides].price):
            cheapest.pop(sides, None)  # so that they stay in order
            cheapest[sides] = feature
    return list(cheapest.values())


class _Tree:
    """Grows the contexts in which a slot turns out differently."""

    def __init__(self, splits: Splits, shared: Sequence[Context]) -> None:
        self.view = splits.view
        self.splits = splits
        self.suspected = splits.suspected
        self.shared = shared
        self.leaves: list[tuple[Context, int, Leaf]] = []
        self._split(self.view.known, ())

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
        """Return the condition, or the conjunction found from rare rows, that pays best; empty where none pays.

        What was told apart before the world changed is told apart first, so that it goes on to be.
        """
        known = rows & self.view.known
        moments = [self._since(moment) for moment in self._moments(known, self.view.unusual(known, leaf))]
        options = self._options(rows, leaf)
        options += [(self._gain(known, (since,), leaf) - since.price, (since,)) for since in moments]
        gain, best = max(options, key=lambda option: option[0], default=(0.0, ()))
        if gain <= 0:
            return self._turned(known, leaf)
        if since := next((feature for feature in best if feature.is_time), None):
            earlier = rows & since.false
            before = self.view.leaf(earlier)
            gain, first = max(
                (o for o in self._options(earlier, before) if not any(f.is_time for f in o[1])),
                key=lambda option: option[0],
                default=(0.0, ()),
            )
            return first if gain > 0 else best
        return best

    def _turned(self, known: int, leaf: Leaf) -> Context:
        """Return the condition that pays once it is known when the world changed, though not before: what came here now comes there."""
        best: tuple[float, Context] = (0.0, ())
        for _, by in self.suspected[-MOST_TURNS:]:
            since = self._since(by)
            if not (known & since.false and known & since.true):
                continue
            earlier, first = self._halved(known & since.false)
            later, then = self._halved(known & since.true)
            best = max(best, (earlier + later - leaf.score - since.price, first or then), key=lambda option: option[0])
        return best[1]

    def _halved(self, rows: int) -> tuple[float, Context]:
        """Return how well ``rows`` are explained by one more condition, less what that costs, and it; by none where none pays."""
        plain: tuple[float, Context] = (self.view.leaf(rows).score, ())
        return max(plain, self.splits.best(rows), key=lambda option: option[0])

    def _options(self, rows: int, leaf: Leaf) -> list[tuple[float, Context]]:
        """Return what each condition, or conjunction known from elsewhere or found from rare rows, gains."""
        known = rows & self.view.known
        score, chain = self.splits.best(rows)
        options = [(score - leaf.score, chain)] if chain else []
        options += [(self._gain(known, chain, leaf) - SHARED, chain) for chain in self.shared if rows_of(chain, known)]
        return options + [self._seed_of(known, rare, leaf) for rare in self.view.rare(known, leaf)]

    def _seed_of(self, rows: int, rare: int, leaf: Leaf) -> tuple[float, Context]:
        if (rows, rare) not in self.splits.seeds:
            self.splits.seeds[rows, rare] = self._seeded(rows, rare, leaf)
        return self.splits.seeds[rows, rare]

    def _since(self, moment: int) -> Feature:
        """Return the feature of what was seen from ``moment`` on."""
        earlier = (1 << moment) - 1
        everything = self.view.known
        condition = Condition(Ref("transition"), ">", moment - 1)
        price = CHANGED + math.log(MOST_MOMENTS)
        if any(after < moment <= by for after, by in self.suspected):
            price = SUSPECTED + math.log(len(self.suspected) * PARTS)
        return Feature(condition, price, everything & ~earlier, everything & earlier, is_time=True)

    def _moments(self, known: int, unusual: int) -> list[int]:
        """Return the moments at which the world may have changed: those suspected, and where what is unusual begins or ends."""
        first, end = (known & -known).bit_length() - 1, known.bit_length()
        suspected = {
            after + math.ceil((by - after) * part / PARTS)
            for after, by in self.suspected
            for part in range(1, PARTS + 1)
        }
        return sorted({*_moments(known, unusual), *(moment for moment in suspected if first < moment < end)})

    def _seeded(self, rows: int, rare: int, leaf: Leaf) -> tuple[float, Context]:
        """Return the conjunction shared by the ``rare`` rows that pays best for shutting out others, and what it gains."""
        shared = [f for f in self.splits.features if not rare & ~f.true]
        first = (rare & -rare).bit_length() - 1
        for moment in {first, *(by for _, by in self.suspected if by <= first)}:
            since = self._since(moment)
            shared += [since] if rows & since.false else []
        others = rows & ~rare
        unlike: dict[int, Feature] = {}
        for feature in sorted((f for f in shared if others & ~f.true), key=lambda f: f.price):
            unlike.setdefault(others & feature.true, feature)
        best: tuple[float, Context] = (0.0, ())
        beam: list[tuple[int, float, Context]] = [(others, 0.0, ())]
        for _ in range(MOST_SEEDED):
            longer: dict[int, tuple[int, float, Context]] = {}
            for left, price, chosen in beam:
                for feature in unlike.values():
                    remaining = left & feature.true
                    if remaining == left:
                        continue
                    cost = price + feature.price
                    if remaining not in longer or cost < longer[remaining][1]:
                        longer[remaining] = (remaining, cost, (*chosen, feature))
            if not longer:
                break
            beam = sorted(longer.values(), key=lambda one: (one[0].bit_count(), one[1]))[:BEAM]
            _, price, chosen = beam[0]
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


def _contexts(splits: Splits, shared: Sequence[Context]) -> list[tuple[Context, Leaf]]:
    """Return what `Splits.grown` does."""
    view, tree = splits.view, _Tree(splits, shared)
    noise = sum(leaf.unexplained for *_, leaf in tree.leaves) / max(1, view.known.bit_count())
    tree.leaves = [(context, rows, view.without_noise(leaf, rows, noise)) for context, rows, leaf in tree.leaves]
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
    """Drop the conditions without which the leaf explains the examples as well, counting what they cost.

    Where it would then speak, and did not before, it must be right about what was seen before the world changed, too. Of what is so since
    then, nothing is dropped that was not tried otherwise since.
    """
    kept = list(context)
    effects = [effect for effect, _ in leaf.outcomes]
    for feature in sorted(context, key=lambda f: -f.price):
        others = [f for f in kept if f is not feature]
        is_new = not feature.is_time and any(f.is_time for f in others)
        if is_new and not rows_of(others, view.known) & feature.false:
            continue
        always = others if feature.is_time else [f for f in others if not f.is_time]
        before = rows_of(kept, view.at_stake)
        more = rows_of(always, view.at_stake) & (feature.false if len(always) < len(others) else ~before)
        rows = rows_of(others, view.known) | more & view.known
        fitted = view.fitted(effects, rows, rows.bit_count())
        now = sum(view.likelihood(there, rows & part) for _, part, there in leaves)
        share = view.unexplained(effects, before).bit_count() / max(1, before.bit_count())
        if view.unexplained(effects, more).bit_count() > _at_most(share, more.bit_count()):
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
