"""The few statistics that a report needs, each on plain sequences."""

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

__all__ = ["bootstrap_interval", "grouped", "mean", "median", "quantile", "wilson_interval"]

Z_95 = 1.959963984540054

_Item = TypeVar("_Item")


def wilson_interval(successes: int, trials: int, *, z: float = Z_95) -> tuple[float, float]:
    """Return the score interval of a proportion, 95 % by default; (0, 1) when nothing was tried.

    Unlike the normal interval it stays within 0 to 1 and has a width at 0 of n and n of n.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22.
    """
    if trials == 0:
        return 0.0, 1.0
    rate, spread = successes / trials, z * z / trials
    middle = (rate + spread / 2) / (1 + spread)
    half = z * math.sqrt(rate * (1 - rate) / trials + spread / (4 * trials)) / (1 + spread)
    # At the ends the bound is exact, and rounding would leave it a hair away.
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == trials else middle + half
    return low, high


def bootstrap_interval(
    values: Sequence[float], *, rng: random.Random, draws: int = 4_000
) -> tuple[float, float] | None:
    """Return the 95 % percentile interval of the mean of ``values``, from ``draws`` samples with replacement; None of no values.

    Where all values are the same it has no width, however few they are.

    Source: Efron (1979), "Bootstrap methods: another look at the jackknife", Annals of Statistics 7.
    """
    if not values:
        return None
    means = [math.fsum(rng.choices(values, k=len(values))) / len(values) for _ in range(draws)]
    low, high = quantile(means, 0.025), quantile(means, 0.975)
    assert low is not None
    assert high is not None
    return low, high


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean; None of no values."""
    return math.fsum(values) / len(values) if values else None


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which ``share`` (0 to 1) of ``values`` lie, interpolated linearly; None of no values.

    Source: definition 7 of Hyndman & Fan (1996), numpy's default.
    """
    if not values:
        return None
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def median(values: Sequence[float]) -> float | None:
    """Return the middle value, the mean of the two middle ones for an even number; None of no values."""
    return quantile(values, 0.5)


def grouped(items: Iterable[_Item], key: Callable[[_Item], str]) -> Mapping[str, list[_Item]]:
    """Return the items by key, keys in alphabetical order, items in their own."""
    groups: dict[str, list[_Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return dict(sorted(groups.items()))
