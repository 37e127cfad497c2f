"""Plots as SVG, drawn here: what was learned from, and what came of the tests, beside what is asked."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from agentwm.evaluation import EpisodeResult
from agentwm.evaluation.statistics import mean
from agentwm.suite.report import Lived, RowReport
from agentwm.suite.verdicts import Verdict

__all__ = ["overview", "row_plot"]

WIDTH, HEIGHT = 880, 256
LEFT, TOP, PANEL, TALL = 56, 38, 350, 160  # where the first panel begins, and how large each is
BETWEEN = 100
LINE = 15  # how tall a line of bars is
MOST_COLUMNS = 70
BINS = 24

WON, LOST, BEST, CHANCE, BARS, INK, FAINT = "#2e7d5b", "#c0553d", "#1f3b57", "#a9784a", "#8fabc4", "#333333", "#c9c9c9"


class _Panel(NamedTuple):
    """A rectangle of the page, and which values its edges stand for."""

    left: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.x_range
        return self.left + PANEL * (value - low) / (high - low)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return TOP + TALL * (1 - (value - low) / (high - low))


def row_plot(row: RowReport, lived: Lived) -> str:
    """Return the plot of one world: the steps of each learning episode, and the tests beside the reference."""
    right = LEFT + PANEL + BETWEEN
    parts = [*_learning(lived.learned, LEFT), *_tests(row, lived, right)]
    label = escape(f"{row.name}: learning, and the tests", quote=True)
    achieved = None if row.figures is None else row.figures.achievements
    height = HEIGHT if achieved is None else max(HEIGHT, TOP + LINE * len(achieved.shares) + 30)
    return _svg(WIDTH, height, label, parts)


# --- learning ---------------------------------------------------------------------------------------------------------


def _learning(results: Sequence[EpisodeResult], left: float) -> list[str]:
    """Return the steps of the learning episodes as bars, a few episodes to a bar where there are many."""
    if not results:
        return [_text(left, TOP + TALL / 2, "nothing was learned: these rules were given, or there are none")]
    each = math.ceil(len(results) / MOST_COLUMNS)
    groups = [results[start : start + each] for start in range(0, len(results), each)]
    heights = [sum(result.steps for result in group) / len(group) for group in groups]
    panel = _Panel(left, (0, len(groups)), (0, _round_up(max(*heights, 1.0))))
    parts = [*_frame(panel, "Learning: steps of each episode", "episode", _ticks(panel.y_range), ())]
    for number, (group, height) in enumerate(zip(groups, heights, strict=True)):
        share = sum(result.won for result in group) / len(group)
        x, wide = panel.x(number), PANEL / len(groups)
        middle = panel.y(height * share)
        gap = 1 if wide > 3 else 0
        parts.append(_bar(x, panel.y(height), wide - gap, middle - panel.y(height), LOST))
        parts.append(_bar(x, middle, wide - gap, panel.y(0) - middle, WON))
    last = f"{len(results):,}" + (f", {each} to a bar" if each > 1 else "")
    parts += [_text(left, TOP + TALL + 15, "1"), _text(left + PANEL, TOP + TALL + 15, last, anchor="end")]
    return [*parts, *_key(left, [("won", WON), ("not won", LOST)])]


# --- tests ------------------------------------------------------------------------------------------------------------


def _tests(row: RowReport, lived: Lived, left: float) -> list[str]:
    """Return whichever picture says most: what was achieved, the steps beside the reference's, or how often each return came."""
    if row.figures is not None and row.figures.achievements is not None:
        by_chance = None if row.figures.random is None else row.figures.random.achievements
        return _achieved(row.figures.achievements.shares, {} if by_chance is None else by_chance.shares, left)
    ended = [each for each in lived.played if each.error is None]
    paired = [(best.steps, each) for each in ended if (best := lived.references.get(each.task)) and best.steps]
    if paired:
        return _beside(paired, row.asked, left)
    return _returns(row, lived, ended, left)


def _beside(paired: Sequence[tuple[float, EpisodeResult]], asked: Sequence[Verdict], left: float) -> list[str]:
    """Return our steps over the reference's, task by task, with the lines of as many steps and of as many as are asked for."""
    widest = _round_up(max(best for best, _ in paired) * 1.05)
    highest = _round_up(max(each.steps for _, each in paired) * 1.05)
    panel = _Panel(left, (0, widest), (0, highest))
    ticks = _ticks(panel.y_range), _ticks(panel.x_range)
    parts = [*_frame(panel, "Tests: steps, beside the reference's", "steps of the reference", *ticks)]
    ratios = [each.asked for each in asked if each.what == "step_ratio"]
    for ratio, dashes, name in [(1.0, "", "as many"), *((ratio, "5 4", f"{ratio:g} times") for ratio in ratios)]:
        end = min(widest, highest / ratio)
        parts.append(_line(panel.x(0), panel.y(0), panel.x(end), panel.y(end * ratio), BEST, dashes))
        parts.append(_text(panel.x(end), panel.y(end * ratio) - 4, name, anchor="end", colour=BEST))
    for best, each in paired:
        told = f"{each.task}: {each.steps} steps, the reference {best:g}"
        parts.append(_dot(panel.x(best), panel.y(each.steps), WON if each.won else LOST, told))
    return [*parts, *_key(left, [("won", WON), ("not won", LOST)])]


def _returns(row: RowReport, lived: Lived, ended: Sequence[EpisodeResult], left: float) -> list[str]:
    """Return how often each return came, with lines at its mean, at the reference's and at that of chance."""
    values = [each.returned for each in ended]
    if not values:
        return [_text(left, TOP + TALL / 2, "no test came to its end")]
    best = None if row.figures is None or row.figures.reference is None else row.figures.reference.mean_return
    chance = mean([each.returned for each in lived.random])
    means = [(mean(values), INK, "mean"), (best, BEST, "reference"), (chance, CHANCE, "by chance")]
    shown = [value for value, _, _ in means if value is not None]
    low, high = min(*values, *shown), max(*values, *shown)
    pad = (high - low) * 0.04 or 0.5
    counts = _binned(values, low - pad, high + pad)
    panel = _Panel(left, (low - pad, high + pad), (0, _round_up(max(counts))))
    ticks = _ticks(panel.y_range), _ticks(panel.x_range)
    parts = [*_frame(panel, "Tests: how often each return came", "return", *ticks)]
    wide = PANEL / BINS
    for number, count in enumerate(counts):
        top = panel.y(count)
        parts.append(_bar(panel.left + number * wide, top, wide - 1, panel.y(0) - top, BARS))
    for value, colour, _ in means:
        if value is not None:
            parts.append(
                _line(panel.x(value), TOP, panel.x(value), TOP + TALL, colour, "5 4" if colour == BEST else "")
            )
    return [
        *parts,
        *_key(left, [(f"{name} {value:.2f}", colour) for value, colour, name in means if value is not None]),
    ]


def _achieved(shares: dict[str, float], by_chance: dict[str, float], left: float) -> list[str]:
    """Return in what share of the tests each thing was achieved, as bars, with a mark for what chance achieves."""
    panel = _Panel(left + 75, (0, 1.3), (0, 1))
    parts = [_text(left, TOP - 19, "Tests: share of episodes with each achievement", weight="bold")]
    for number, (name, share) in enumerate(shares.items()):
        y = TOP + number * LINE
        parts.append(_text(panel.x(0) - 5, y + LINE - 3, name.replace("_", " "), anchor="end"))
        parts.append(_bar(panel.x(0), y + 1, panel.x(share) - panel.x(0), LINE - 2, BARS))
        parts.append(_text(panel.x(share) + 4, y + LINE - 3, f"{100 * share:.0f} %"))
        if name in by_chance:
            x = panel.x(by_chance[name])
            parts.append(_line(x, y, x, y + LINE, CHANCE, "", wide=2))
    marks = [("share", BARS), *([("by chance", CHANCE)] if by_chance else [])]
    return [*parts, *_key(left, marks, y=TOP + LINE * len(shares) + 20)]


# --- all worlds at once -----------------------------------------------------------------------------------------------

_LINE, _NAMES, _SHARES = 22, 250, 520


def overview(rows: Sequence[RowReport]) -> str:
    """Return the share won in each world with its interval, a tick where it was asked to be, and what chance wins."""
    played = [row for row in rows if row.figures is not None]
    height = 40 + _LINE * len(played)
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1.0):
        x = _NAMES + _SHARES * share
        parts.append(_line(x, 22, x, height - 14, FAINT, ""))
        parts.append(_text(x, 14, f"{100 * share:.0f} %", anchor="middle"))
    for number, row in enumerate(played):
        assert row.figures is not None
        parts += _whisker(row, 22 + _LINE * (number + 0.5))
    return _svg(WIDTH, height, "the share of the tests won, world by world", parts)


def _whisker(row: RowReport, y: float) -> list[str]:
    assert row.figures is not None
    success, random = row.figures.success, row.figures.random
    low, high = (_NAMES + _SHARES * bound for bound in success.ci95)
    rate = _NAMES + _SHARES * (success.rate or 0.0)
    colour = LOST if row.is_reached is False else WON
    parts = [_text(_NAMES - 10, y + 4, row.name, anchor="end"), _line(low, y, high, y, colour, "", wide=2)]
    for wanted in (each.asked for each in row.asked if each.what == "won"):
        x = _NAMES + _SHARES * wanted
        parts.append(_line(x, y - 7, x, y + 7, BEST, "", wide=2))
    if random is not None and random.success.rate is not None:
        parts.append(_dot(_NAMES + _SHARES * random.success.rate, y, CHANCE, f"by chance {random.success.rate:.0%}"))
    parts.append(_dot(rate, y, colour, f"{success.count} of {row.figures.episodes} won"))
    parts.append(_text(_NAMES + _SHARES + 14, y + 4, f"{success.count} of {row.figures.episodes}"))
    return parts


# --- strokes ----------------------------------------------------------------------------------------------------------


def _frame(panel: _Panel, title: str, below: str, y_ticks: Sequence[float], x_ticks: Sequence[float]) -> Iterable[str]:
    yield _text(panel.left, TOP - 19, title, weight="bold")
    for value in y_ticks:
        yield _line(panel.left, panel.y(value), panel.left + PANEL, panel.y(value), FAINT, "")
        yield _text(panel.left - 6, panel.y(value) + 4, f"{value:g}", anchor="end")
    for value in x_ticks:
        yield _text(panel.x(value), TOP + TALL + 15, f"{value:g}", anchor="middle")
    yield _line(panel.left, TOP + TALL, panel.left + PANEL, TOP + TALL, INK, "")
    yield _text(panel.left + PANEL / 2, TOP + TALL + 32, below, anchor="middle")


def _key(left: float, entries: Sequence[tuple[str, str]], *, y: float = TOP + TALL + 48) -> Iterable[str]:
    x = left
    for name, colour in entries:
        yield _bar(x, y - 8, 9, 9, colour)
        yield _text(x + 13, y, name)
        x += 28 + 6.6 * len(name)


def _svg(width: float, height: float, label: str, parts: Iterable[str]) -> str:
    inner = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}" '
        f'font-family="Verdana, Helvetica, Arial, sans-serif" font-size="11">\n{inner}\n</svg>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = INK, weight: str = "normal") -> str:
    looks = f'text-anchor="{anchor}" fill="{colour}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {looks}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str, *, wide: float = 1) -> str:  # noqa: PLR0913 -- two ends and looks
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{wide:g}"{dashed}/>'


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    size = f'width="{max(width, 0):.2f}" height="{max(height, 0):.2f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}"/>'


def _dot(x: float, y: float, colour: str, told: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}" fill-opacity="0.75"><title>{escape(told)}</title></circle>'


# --- scales -----------------------------------------------------------------------------------------------------------


_ENDS, _STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10), (1, 2, 2.5, 5, 10)  # what an axis may end at, and go up by


def _round_up(value: float, steps: Sequence[float] = _ENDS) -> float:
    """Return the least of ``steps`` times a power of ten that is not below ``value``; of 0, the first of them."""
    size = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next((size * step for step in steps if size * step >= value), size * 10)


def _ticks(ends: tuple[float, float]) -> list[float]:
    """Return four to eight round numbers from one of ``ends`` to the other."""
    low, high = ends
    step = _round_up((high - low) / 6, _STEPS)
    first = math.ceil(low / step)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _binned(values: Sequence[float], low: float, high: float) -> list[int]:
    edges = [low + (high - low) * number / BINS for number in range(BINS + 1)]
    return [sum(start <= value < end for value in values) for start, end in pairwise(edges)]
