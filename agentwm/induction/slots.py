"""What happens to one thing that changes: the effects that would explain each example, and the best distribution over them.

A *slot* (``wood()``, ``open(?d)``, the reward, the end) turns out one way or another: nothing, a constant, the value of a reference,
or a number added. What none of the effects chosen explains is noise. An effect is bought only by the likelihood that it brings.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
        self._alike = Counter(effect.rank for effect in slot.explained)
        self.masks = {**dict(self.effects), KEEP: self.kept}
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
        chosen: list[Effect] = []
        left = rows & ~self.kept
        best = self.fitted([KEEP], rows, number) if rows & self.kept else Leaf((), -math.inf)
        while left and len(chosen) < MOST_OUTCOMES:
            effect, mask = max(
                self.effects, key=lambda pair: ((pair[1] & left).bit_count(), (pair[1] & rows).bit_count())
            )
            if (mask & left).bit_count() < self._least * number:
                break
            chosen.append(effect)
            left &= ~mask
            explained = 0
            for one in chosen:
                explained |= self.masks[one]
            unmoved = (rows & self.kept & ~explained).bit_count()
            kept = [KEEP] if unmoved and unmoved >= self._least * number else []
            fitted = self.fitted([*chosen, *kept], rows, number)
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
        """Return the effects with their probabilities by expectation maximisation; rows are counted by which effects explain them.

        Effects of one form are taken to be equally probable until what that loses is worth the parameters saved (Schwarz, 1978).
        """
        signatures: list[tuple[tuple[int, ...], int]] = [((), rows)]
        for position, effect in enumerate(effects):
            mask = self.masks[effect]
            signatures = [
                item
                for names, part in signatures
                for item in (((*names, position), part & mask), (names, part & ~mask))
                if item[1]
            ]
        counts = [(names, part.bit_count()) for names, part in signatures]
        shares = [1 / len(effects)] * len(effects)
        noise = LEAST_NOISE
        overlaps = any(len(names) > 1 for names, _ in counts)
        for _ in range(ROUNDS if overlaps else 1):
            totals = [0.0] * len(effects)
            unexplained = 0
            for names, count in counts:
                weight = sum(shares[name] for name in names)
                if not names or not weight:
                    unexplained += count
                for name in names:
                    totals[name] += count * shares[name] / weight if weight else 0
            noise = min(MOST_NOISE, max(LEAST_NOISE, unexplained / number))
            explained = sum(totals) or 1.0
            shares = [total / explained * (1 - noise) for total in totals]
        score = self._score(counts, shares, noise)
        if len(effects) > 1 and len({(effect.rank, effect.keeps) for effect in effects}) == 1:
            even = [(1 - noise) / len(effects)] * len(effects)
            evenly = self._score(counts, even, noise)
            if evenly > score - (len(effects) - 1) * math.log(number) / 2:
                score, shares = evenly, even
        score -= EXTRA_OUTCOME * (len(effects) - 1) + sum(self._price(effect) for effect in effects)
        ranked = sorted(zip(effects, shares, strict=True), key=lambda pair: -pair[1])
        missed = sum(count for names, count in counts if not names)
        return Leaf(tuple((effect, min(1.0, share / (1 - LEAST_NOISE))) for effect, share in ranked), score, missed)

    def _price(self, effect: Effect) -> float:
        """Return what it costs to say ``effect``: one among so many, and large numbers more."""
        if effect.keeps:
            return 0.0
        if effect.adds:
            assert isinstance(effect.value, int | float)
            return math.log(1 + abs(effect.value))
        return math.log(self._alike[effect.rank])

    def _score(self, counts: Sequence[tuple[tuple[int, ...], int]], shares: Sequence[float], noise: float) -> float:
        return sum(count * math.log(sum(shares[name] for name in names) + noise / RANGE) for names, count in counts)

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


def _largest(masks: set[int]) -> list[int]:
    return sorted(masks - {0}, key=lambda mask: (-mask.bit_count(), mask))[:MOST_RARE]
