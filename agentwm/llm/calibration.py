"""How far a language model's stated probabilities can be believed, from what happened.

Statements fall into six bins. Per verb and bin, the share that came true is drawn towards that of all verbs, and that towards what was
stated, each with the weight of `STRENGTH` statements; the result is made monotone, so that a higher statement never counts for less.

Source: ours; in a trial a model's statements above .9 came true in .95 of the cases in an ordinary world, in .45 in an altered one.
Pooling adjacent violators: Ayer et al. (1955).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

from agentwm.evaluation.report import CalibrationRow

__all__ = ["Calibration", "Statement", "brier"]

EDGES = (0.1, 0.3, 0.5, 0.7, 0.9)
CENTRES = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
STRENGTH = 4.0


class Statement(NamedTuple):
    """One prediction that was put to the test: of which verb, the probability of success that was stated, and whether it came.

    ``believed`` is what was made of it at the time, by what had come before.
    """

    verb: str
    stated: float
    came: bool
    believed: float


@dataclass(frozen=True)
class Calibration:
    """A monotone map, per verb, from stated to calibrated probabilities.

    Before there are statements a probability is taken as it is, but for none below .05 or above .95.
    """

    statements: tuple[Statement, ...] = ()

    def with_more(self, statements: Iterable[Statement]) -> Self:
        """Return the calibration that ``statements`` count for, too."""
        return type(self)((*self.statements, *statements))

    def calibrated(self, verb: str, stated: float) -> float:
        """Return the probability (0 to 1) of success of ``verb`` after the model stated ``stated``."""
        knots = self._by_verb.get(verb, self._overall)
        if stated <= CENTRES[0]:
            return knots[0]
        for place in range(1, len(CENTRES)):
            if stated <= CENTRES[place]:
                share = (stated - CENTRES[place - 1]) / (CENTRES[place] - CENTRES[place - 1])
                return knots[place - 1] + share * (knots[place] - knots[place - 1])
        return knots[-1]

    def table(self, verb: str | None = None) -> list[CalibrationRow]:
        """Return what was stated, what came of it and what is believed, bin by bin, of one verb or of all."""
        rows = _binned(self.statements, verb)
        knots = self._overall if verb is None else self._by_verb.get(verb, self._overall)
        bounds = (0.0, *EDGES, 1.0)
        return [
            CalibrationRow(
                low=bounds[place],
                high=bounds[place + 1],
                total=len(row),
                mean_stated=_mean([each.stated for each in row]),
                came=_came(row),
                calibrated=knots[place],
            )
            for place, row in enumerate(rows)
        ]

    @cached_property
    def _overall(self) -> tuple[float, ...]:
        return _fitted(_binned(self.statements), CENTRES)

    @cached_property
    def _by_verb(self) -> dict[str, tuple[float, ...]]:
        verbs = dict.fromkeys(each.verb for each in self.statements)
        return {verb: _fitted(_binned(self.statements, verb), self._overall) for verb in verbs}


def brier(statements: Sequence[Statement]) -> tuple[float | None, float | None]:
    """Return the mean squared error of what was stated, and of what was believed at the time; None where nothing was."""
    return (
        _mean([(each.stated - each.came) ** 2 for each in statements]),
        _mean([(each.believed - each.came) ** 2 for each in statements]),
    )


def _binned(statements: Iterable[Statement], verb: str | None = None) -> list[list[Statement]]:
    rows: list[list[Statement]] = [[] for _ in CENTRES]
    for each in statements:
        if verb in (None, each.verb):
            rows[bisect_right(EDGES, each.stated)].append(each)
    return rows


def _fitted(rows: Sequence[Sequence[Statement]], prior: Sequence[float]) -> tuple[float, ...]:
    """Return the posterior means of the bins, pooled where they would fall."""
    blocks: list[tuple[float, float, int]] = []  # what came, of how many, over how many bins
    for row, before in zip(rows, prior, strict=True):
        blocks.append((STRENGTH * before + _came(row), STRENGTH + len(row), 1))
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last, but_one = blocks.pop(), blocks.pop()
            blocks.append((last[0] + but_one[0], last[1] + but_one[1], last[2] + but_one[2]))
    return tuple(came / count for came, count, width in blocks for _ in range(width))


def _came(row: Sequence[Statement]) -> int:
    return sum(each.came for each in row)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
