"""What happens to one thing that changes: the effects that would explain each example, and the best distribution over them.

A *slot* (``wood()``, ``open(?d)``, the reward, the end) turns out one way or another: nothing, a constant, the value of a reference,
or a number added. What none of the effects chosen explains is noise. An effect is bought only by the likelihood that it brings.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from agentwm.induction.chance import SURE, binomial_tail
from agentwm.induction.features import Bits, is_number
from agentwm.rules.matching import Unknown
from agentwm.types import Ref, Term, Value

__all__ = ["LEAST_SHARE", "Effect", "Leaf", "Slot", "View"]

EXTRA_OUTCOME = 5.0  # nats: chance is the last explanation
RANGE = 10  # how many values a noisy row could have had: what an unexplained row costs beside its rarity
LEAST_NOISE, MOST_NOISE = 0.002, 0.1
LEAST_SHARE = 0.05  # what comes less often than one time in twenty is left to noise, of two values one time in ten
BY_NOISE = 1e-4  # the probability from which on a count is put down to noise: much is tried out
MOST_OUTCOMES = 4
MOST_RARE = 4
ROUNDS = 12  # of expectation maximisation


@dataclass(frozen=True, slots=True)
class Effect:
    """One way a slot's value may turn out; ``rank`` prefers a reference to a sum, and a sum to a constant, where they explain alike."""

    rank: int
    value: Term
    adds: bool = False
    keeps: bool = False


Counted = tuple[tuple[int, ...], int]  # effects, by position, and how many rows just they explain

KEEP = Effect(3, None, keeps=True)


class Slot:
    """One thing that changes: which effects would explain each example."""

    def __init__(self, target: Ref) -> None:
        self.target = target
        self.known = Bits()
        self.kept = Bits()
        self.explained: dict[Effect, Bits] = {}

    def append(self, index: int, before: Value, after: Value, candidates: Mapping[Term, Value | Unknown]) -> None:
        """Add example ``index``: the values before and after, and those of the references that the slot may have been set to."""
        self.known.set(index)
        if before == after:
            self.kept.set(index)
        for term, value in candidates.items():
            if value == after or (value is None and before == after):
                self._explain(Effect(0, term), index)
        if is_number(before) and is_number(after) and before != after:
            self._explain(Effect(1, after - before, adds=True), index)
        self._explain(Effect(2, after), index)

    def changed(self, value: object, *, adds: bool) -> int:
        """Return the examples in which the slot changed as if by an effect of ``value``, whatever else may explain it."""
        found = 0
        for effect, bits in self.explained.items():
            if effect.value == value and effect.adds == adds:
                found |= bits.mask
        return found & ~self.kept.mask

    def _explain(self, effect: Effect, index: int) -> None:
        if effect not in self.explained:
            self.explained[effect] = Bits()
        self.explained[effect].set(index)


@dataclass(frozen=True, slots=True)
class Leaf:
    """What happens in a context: effects with their probabilities, how well that explains its rows, and how many it does not explain."""

    outcomes: tuple[tuple[Effect, float], ...]
    score: float
    unexplained: int = 0

    @property
    def is_pure(self) -> bool:
        """Whether one thing explains all."""
        return len(self.outcomes) < 2 and not self.unexplained

    @property
    def is_frame(self) -> bool:
        """Whether mostly nothing happens, and nothing else is foretold, or nothing is known."""
        return not self.outcomes or (
            self.outcomes[0][0].keeps and (len(self.outcomes) == 1 or self.outcomes[0][1] >= 1 - LEAST_SHARE)
        )

    @property
    def is_sure(self) -> bool:
        """Whether one thing happens always, as far as is known."""
        return len(self.outcomes) == 1 and self.outcomes[0][1] >= SURE


class _Option(NamedTuple):
    """An effect that is on offer, the examples that it explains, and what it costs to say it."""

    effect: Effect
    mask: int
    price: float


class View:
    """A slot's masks, fixed while its tree is grown.

    ``known`` are the examples to be explained, all but those ``excluded``; ``at_stake`` those that a rule may not get wrong: all, or,
    where it ``yields`` to the rules that explain what is excluded, only those known.
    """

    def __init__(self, slot: Slot, excluded: int, *, yields: bool = False) -> None:
        self.slot = slot
        self.known = slot.known.mask & ~excluded
        self.at_stake = self.known if yields else slot.known.mask
        self.kept = slot.kept.mask & self.known
        self.effects: list[tuple[Effect, int]] = []
        for effect, bits in sorted(slot.explained.items(), key=lambda pair: pair[0].rank):
            mask = bits.mask & self.known
            changed = mask & ~self.kept
            if changed and all(changed & ~other for _, other in self.effects):
                self.effects.append((effect, mask))
        values = sum(effect.rank == KEEP.rank - 1 for effect in slot.explained)
        self._least = LEAST_SHARE * (2 if values < 3 else 1)
        self._values = max(2, values)
        alike = Counter(effect.rank for effect in slot.explained)
        self.masks = {**dict(self.effects), KEEP: self.kept}
        self._options = {effect: _Option(effect, mask, _price(effect, alike)) for effect, mask in self.masks.items()}
        self._changing = [self._options[effect] for effect, _ in self.effects]
        self._leaves: dict[int, Leaf] = {}

    def everywhere(self, effect: Effect) -> int:
        """Return all examples that ``effect`` would explain, those excluded from the view too."""
        return self.slot.kept.mask if effect.keeps else self.slot.explained[effect].mask & self.slot.known.mask

    def unexplained(self, effects: Sequence[Effect], rows: int) -> int:
        """Return those of ``rows`` at stake that none of ``effects`` explains."""
        rows &= self.at_stake
        for effect in effects:
            rows &= ~self.everywhere(effect)
        return rows

    def unusual(self, rows: int, leaf: Leaf) -> int:
        """Return those of ``rows`` that the most frequent effect of their ``leaf`` does not explain."""
        return rows & self.known & ~self.masks[leaf.outcomes[0][0]] if leaf.outcomes else 0

    def rare(self, rows: int, leaf: Leaf) -> list[int]:
        """Return sets of rows that one less frequent effect explains, the largest first, and those of a change that comes mostly."""
        unusual = self.unusual(rows, leaf)
        mostly = [rows & self.known & ~unusual] if unusual and not leaf.outcomes[0][0].keeps else []
        return [*_largest({mask & unusual for mask in self.masks.values()}), *mostly]

    def leaf(self, rows: int) -> Leaf:
        """Return the best distribution over effects for ``rows``."""
        rows &= self.known
        if rows not in self._leaves:  # the same rows are asked about again and again
            self._leaves[rows] = self._best_leaf(rows)
        return self._leaves[rows]

    def _best_leaf(self, rows: int) -> Leaf:
        number = rows.bit_count()
        if not number:
            return Leaf((), 0.0)
        keep = self._options[KEEP]
        chosen: list[_Option] = []
        left = rows & ~self.kept
        best = _fitted([keep], rows, number) if left != rows else Leaf((), -math.inf)
        while left and len(chosen) < MOST_OUTCOMES:
            option = max(
                self._changing, key=lambda each: ((each.mask & left).bit_count(), (each.mask & rows).bit_count())
            )
            if (option.mask & left).bit_count() < self._least * number:
                break
            chosen.append(option)
            left &= ~option.mask
            unmoved = rows & self.kept
            for one in chosen:
                unmoved &= ~one.mask
            kept = [keep] if unmoved and unmoved.bit_count() >= self._least * number else []
            fitted = _fitted([*chosen, *kept], rows, number)
            if fitted.score > best.score:
                best = fitted
        return self._without_idle(best, rows, number) if len(best.outcomes) > 2 else best

    def without_noise(self, leaf: Leaf, rows: int, noise: float) -> Leaf:
        """Return the leaf without what comes no more often than where a share of ``noise`` takes any value."""
        number = (rows & self.known).bit_count()
        changed = rows & self.known & ~self.kept
        share = noise / (self._values - 1)
        counts = {
            effect: round(probability * number) if effect.keeps else (self.masks[effect] & changed).bit_count()
            for effect, probability in leaf.outcomes
        }
        effects = [effect for effect, count in counts.items() if binomial_tail(count, number, share) < BY_NOISE]
        return leaf if len(effects) in (0, len(leaf.outcomes)) else self.fitted(effects, rows & self.known, number)

    def _without_idle(self, leaf: Leaf, rows: int, number: int) -> Leaf:
        """Drop the effects that the others made superfluous once they were found."""
        for effect, _ in reversed(leaf.outcomes):
            others = [other for other, _ in leaf.outcomes if other != effect]
            if effect.rank and len(others) > 1 and (fitted := self.fitted(others, rows, number)).score > leaf.score:
                leaf = fitted
        return leaf

    def fitted(self, effects: Sequence[Effect], rows: int, number: int) -> Leaf:
        """Return the effects with their probabilities, by what share of the ``number`` of ``rows`` each explains."""
        return _fitted([self._options[effect] for effect in effects], rows, number)

    def likelihood(self, leaf: Leaf, rows: int) -> float:
        """Return the log-likelihood of ``rows`` under the leaf's distribution."""
        parts: list[tuple[float, int]] = [(0.0, rows & self.known)]
        for effect, share in leaf.outcomes:
            mask = self.masks[effect]
            parts = [
                item
                for total, part in parts
                for item in ((total + share, part & mask), (total, part & ~mask))
                if item[1]
            ]
        noise = max(LEAST_NOISE, 1 - sum(share for _, share in leaf.outcomes))
        return sum(part.bit_count() * math.log(total + noise / RANGE) for total, part in parts)


def _price(effect: Effect, alike: Mapping[int, int]) -> float:
    """Return what it costs to say ``effect``: one among so many, and large numbers more."""
    if effect.keeps:
        return 0.0
    if effect.adds:
        assert isinstance(effect.value, int | float)
        return math.log(1 + abs(effect.value))
    return math.log(alike[effect.rank])


def _fitted(options: Sequence[_Option], rows: int, number: int) -> Leaf:
    """Return the effects of ``options`` with their probabilities; rows are counted by which effects explain them.

    Effects of one form are taken to be equally probable until what that loses is worth the parameters saved (Schwarz, 1978).
    """
    explained = [rows & option.mask for option in options]
    counts = [part.bit_count() for part in explained]
    if len(options) == 1:
        (option,), (count,) = options, counts
        score, share = _alone(count, number)
        return Leaf(((option.effect, share),), score - option.price, number - count)
    either = 0
    for part in explained:
        either |= part
    missed = number - either.bit_count()
    if sum(counts) + missed == number:
        counted: list[Counted] = [((position,), count) for position, count in enumerate(counts)]
        noise = min(MOST_NOISE, max(LEAST_NOISE, missed / number))
        every = sum(counts) or 1
        shares = [count / every * (1 - noise) for count in counts]
    else:
        counted = _by_signature(explained, either)
        shares, noise = _maximised(counted, len(options), missed, number)
    score = _score(counted, shares, noise)
    if len({(option.effect.rank, option.effect.keeps) for option in options}) == 1:
        even = [(1 - noise) / len(options)] * len(options)
        evenly = _score(counted, even, noise)
        if evenly > score - (len(options) - 1) * math.log(number) / 2:
            score, shares = evenly, even
    score += missed * math.log(noise / RANGE)
    score -= EXTRA_OUTCOME * (len(options) - 1) + sum(option.price for option in options)
    ranked = sorted(zip(options, shares, strict=True), key=lambda pair: -pair[1])
    return Leaf(tuple((option.effect, _probability(share)) for option, share in ranked), score, missed)


@lru_cache(maxsize=100_000)
def _alone(count: int, number: int) -> tuple[float, float]:
    """Return how well one effect explains ``number`` rows, of which it explains ``count``, and its probability."""
    missed = number - count
    noise = min(MOST_NOISE, max(LEAST_NOISE, missed / number))
    share = 1 - noise if count else 0.0
    return _score([((0,), count)], [share], noise) + missed * math.log(noise / RANGE), _probability(share)


def _probability(share: float) -> float:
    """Return a share of all, the least noise included, as a probability."""
    return min(1.0, share / (1 - LEAST_NOISE))


def _by_signature(explained: Sequence[int], rows: int) -> list[Counted]:
    """Return how many of ``rows`` which effects explain, by what each of them does."""
    parts: list[tuple[tuple[int, ...], int]] = [((), rows)]
    for position, mask in enumerate(explained):
        parts = [
            item
            for names, part in parts
            for item in (((*names, position), part & mask), (names, part & ~mask))
            if item[1]
        ]
    return [(names, part.bit_count()) for names, part in parts]


def _maximised(
    counted: Sequence[Counted], number_of_effects: int, missed: int, number: int
) -> tuple[list[float], float]:
    """Return the probabilities of effects of which several explain the same rows, by expectation maximisation, and that of noise."""
    shares = [1 / number_of_effects] * number_of_effects
    noise = LEAST_NOISE
    for _ in range(ROUNDS):
        totals = [0.0] * number_of_effects
        unexplained = missed
        for names, count in counted:
            weight = sum(shares[name] for name in names)
            unexplained += 0 if weight else count
            for name in names if weight else ():
                totals[name] += count * shares[name] / weight
        noise = min(MOST_NOISE, max(LEAST_NOISE, unexplained / number))
        every = sum(totals) or 1.0
        shares = [total / every * (1 - noise) for total in totals]
    return shares, noise


def _score(counted: Sequence[Counted], shares: Sequence[float], noise: float) -> float:
    """Return the log-likelihood of the rows ``counted`` by which effects explain them."""
    return sum(count * math.log(sum(shares[name] for name in names) + noise / RANGE) for names, count in counted)


def _largest(masks: set[int]) -> list[int]:
    return sorted(masks - {0}, key=lambda mask: (-mask.bit_count(), mask))[:MOST_RARE]
