"""The cells of the table, in words and figures, as every form of it shows them; and what it takes to read them."""

import math
from collections.abc import Iterator, Sequence

from agentwm.suite.report import Figures, RowReport, SuiteReport
from agentwm.suite.verdicts import Verdict

__all__ = ["HEADS", "NOTHING", "asked_text", "cells", "headline", "legend", "notes", "verdict_text", "verdict_word"]

HEADS = (
    "world",
    "tests",
    "learned from: episodes",
    "transitions",
    "won",
    "95 %",
    "steps",
    "by reference",
    "return",
    "reference's return",
    "won by chance",
    "by chance",
    "asked",
    "reached",
    "errors",
    "seconds",
)
NOTHING = "-"
_NAMES = {"won": "won", "step_ratio": "steps", "return_share": "return"}


def cells(row: RowReport) -> tuple[str, ...]:
    """Return the cells of ``row``, one for each of `HEADS`."""
    asked = asked_text(row.asked)
    if row.figures is None:
        return (row.name, *(NOTHING,) * 11, asked, row.state, *(NOTHING,) * 2)
    found = row.figures
    return (
        row.name,
        f"{found.episodes:,}",
        f"{found.learned_from.episodes:,}",
        f"{found.learned_from.steps:,}",
        _share(found.success.rate),
        _outwards(found.success.ci95),
        _number(found.steps.mean, 1),
        *_beside(found),
        *_by_chance(found),
        asked,
        verdict_word(row),
        str(found.broken_off),
        f"{found.seconds:,.0f}",
    )


def _beside(found: Figures) -> tuple[str, str, str]:
    """Return how many times the reference's steps were taken, our mean return, and the reference's."""
    best, own = found.reference, _number(found.returns.mean, 2)
    if best is None:
        return NOTHING, own, NOTHING
    theirs = _number(best.mean_return, 2)
    if best.expected_return is not None and best.mean_return is not None:
        theirs += f" (expected {best.expected_return:.2f})"
    return _number(best.step_ratio, 2), own, theirs


def _by_chance(found: Figures) -> tuple[str, str]:
    if found.random is None:
        return NOTHING, NOTHING
    return _share(found.random.success.rate), _number(found.random.returns.mean, 2)


def verdict_word(row: RowReport) -> str:
    """Return whether all that was asked is reached: ``yes``, ``no``, ``not known``, or nothing where nothing was asked."""
    if row.state != "played":
        return row.state
    if not row.asked:
        return NOTHING
    return {True: "yes", False: "no", None: "not known"}[row.is_reached]


def verdict_text(verdict: Verdict) -> str:
    """Return what was asked beside what was found."""
    found = NOTHING if verdict.found is None else _amount(verdict.what, verdict.found)
    return f"{_NAMES[verdict.what]} {found}, asked {_sign(verdict)} {_amount(verdict.what, verdict.asked)}"


def asked_text(verdicts: Sequence[Verdict]) -> str:
    """Return what is asked."""
    return "; ".join(_asked(each) for each in verdicts) or "shown only"


def _asked(verdict: Verdict) -> str:
    return f"{_NAMES[verdict.what]} {_sign(verdict)} {_amount(verdict.what, verdict.asked)}"


def _sign(verdict: Verdict) -> str:
    return "≤" if verdict.what == "step_ratio" else "≥"


def _amount(what: str, amount: float) -> str:
    return f"{amount:.3g} times" if what == "step_ratio" else f"{100 * amount:.1f} %".replace(".0 %", " %")


def headline(report: SuiteReport) -> str:
    """Return in one sentence how far what was asked is reached."""
    asked = [row for row in report.rows if row.asked and row.state == "played"]
    reached = sum(row.is_reached is True for row in asked)
    parts = [f"{reached} of {len(asked)} worlds reach what is asked"]
    counts = {state: sum(row.state == state for row in report.rows) for state in ("missing", "failed")}
    parts += [f"{number} {state}" for state, number in counts.items() if number]
    if not report.is_complete:
        parts.append(f"{len(report.begun.rows) - len(report.rows)} still to be played")
    form = "quick form, too few episodes to conclude from" if report.begun.quick else "full form"
    return f"{'; '.join(parts)} ({form}, seed {report.begun.seed})"


def legend(report: SuiteReport) -> list[str]:
    """Return what it takes to read the table, a sentence or two at a time."""
    return [
        f"Seed {report.begun.seed} draws the tasks and the agent's choices. {part}" if number == 0 else part
        for number, part in enumerate(_LEGEND)
    ]


_LEGEND = [
    " ".join(part.split())
    for part in """
Rules are learned from an empty store on training tasks and then frozen; no test task is learned from, each has one attempt, and
no language model is asked.

Won: the share of the test tasks won, with its 95 % Wilson interval; a task that ended in an error counts as not won, and is
counted apart, under errors. Steps: their mean over the tasks won; by reference: the mean, over the tasks won, of our steps
divided by the reference's.

Return: its mean over all test tasks but those in error, as the environment itself counts it. The reference's is on the same tasks
and seeds; what can be expected of the reference, where its chances are known exactly, stands in brackets.

Return of at least 98 %: on the same tasks and seeds, the mean return lies below the reference's by at most 2 % of the size of the
latter. Beside a best return of -13 that is -13.26 or more.

By chance: actions drawn at random among all that can be written, in the first hundred of these tasks at most. Seconds are of
learning and playing alone.
""".strip().split("\n\n")
]


def notes(report: SuiteReport) -> Iterator[tuple[str, str]]:
    """Yield what else there is to say, each with the row that it is about."""
    for row in report.rows:
        if row.note is not None:
            yield row.name, row.note
        if row.figures is None:
            continue
        found = row.figures
        if found.reference is not None:
            yield row.name, f"the reference is: {found.reference.by}"
        if (own := found.achievements) is not None:
            by_chance = None if found.random is None else found.random.achievements
            beside = "" if by_chance is None else f" (by chance {by_chance.mean:.1f}, score {by_chance.score:.1f} %)"
            told = f"{own.mean:.1f} of {len(own.shares)} achievements in an episode, score {own.score:.1f} %{beside}"
            yield row.name, told
        for each in row.published:
            yield row.name, each
        for number, error in enumerate(found.errors):
            if number == _ERRORS_SHOWN:
                yield row.name, f"… and {len(found.errors) - _ERRORS_SHOWN} more errors"
                break
            yield row.name, f"error: {error}"


_ERRORS_SHOWN = 3


def _share(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.1f} %".replace(".0 %", " %")


def _outwards(interval: tuple[float, float]) -> str:
    """Return the interval in per cent, rounded outwards, so that it is never narrower than the one computed."""
    return f"{math.floor(100 * interval[0])}-{math.ceil(100 * interval[1])}"


def _number(value: float | None, digits: int) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"
