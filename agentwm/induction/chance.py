"""How far evidence tells a probability, and how surprising a count is, by the incomplete beta function; and how far a count may stray."""

import math

__all__ = ["SURE", "beta_interval", "binomial_tail", "leeway"]

SURE = 0.97
"""The probability from which on something is taken to come always, as far as is known: the rest is put down to noise."""

PRECISION = 1e-12
TINY = 1e-300  # in place of a zero that would be divided by
HALVINGS = 40
STANDARD_ERRORS = 3


def beta_interval(supports: int, contradicts: int, *, share: float = 0.95) -> tuple[float, float]:
    """Return the middle ``share`` (0 to 1) of the posterior of a probability, from a uniform prior.

    With no evidence at all that is the middle of 0 to 1. Its mean is `Record.trust`.
    """
    a, b, tail = supports + 1, contradicts + 1, (1 - share) / 2
    return _quantile(a, b, tail), 1 - _quantile(b, a, tail)


def binomial_tail(count: int, trials: int, probability: float) -> float:
    """Return the probability (0 to 1) of ``count`` or more successes in so many ``trials``.

    Source: Abramowitz & Stegun (1964), 26.5.24.
    """
    return 1.0 if count <= 0 else _incomplete_beta(count, trials - count + 1, probability)


def leeway(variance: float) -> float:
    """Return how far a count with this ``variance`` may be from what is expected before it is strange."""
    return 1 + STANDARD_ERRORS * math.sqrt(variance)


def _quantile(a: int, b: int, below: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _incomplete_beta(a, b, middle) < below else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: int, b: int, x: float) -> float:
    """Return the share of the beta distribution of ``a`` and ``b``, both at least 1, that lies below ``x``."""
    if not 0 < x < 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly, its mirror image does not
        return 1 - _incomplete_beta(b, a, 1 - x)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(logarithm) * _fraction(a, b, x) / a


def _fraction(a: int, b: int, x: float) -> float:
    """Return the continued fraction of the incomplete beta function.

    Source: Abramowitz & Stegun (1964), 26.5.8, evaluated forwards after Lentz (1976).
    """
    total, c, d = 1.0, 1.0, 0.0
    for step in range(1, 10 * (a + b) + 100):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / ((1 + term * d) or TINY)
        c = (1 + term / c) or TINY
        total *= c * d
        if abs(c * d - 1) < PRECISION:
            break
    return 1 / total
