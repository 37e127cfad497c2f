"""Several ways of deciding, side by side: the same games by the same rules within the same budget. What ``agentwm compare`` prints."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from rich.console import Group, RenderableType
from rich.text import Text

from agentwm.evaluation.display import figures_table
from agentwm.evaluation.report import (
    EpisodeResult,
    LearnedFrom,
    LLMUse,
    Planning,
    Report,
    RuleCount,
    Steps,
    Success,
    steps_of,
    success_of,
)
from agentwm.evaluation.statistics import bootstrap_interval, mean

__all__ = ["Comparison", "Contender", "Difference", "Entry", "comparison_view", "entries_of"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Difference(_Frozen):
    """The mean difference to the first contender over ``n`` games, and its 95 % interval; None where there is no such game.

    The interval is a bootstrap over the games, paired: game by game, the difference is between the two in the same game.
    """

    mean: float | None
    ci95: tuple[float, float] | None
    n: int


class PerDecision(_Frozen):
    """What one decision took on average."""

    model_calls: float
    llm_calls: float
    tokens: float
    seconds: float


class Entry(_Frozen):
    """One contender: a preset, or a planner alone.

    Games that could not be played to their end are named in ``errors`` and have no part in what was won: ``episodes`` counts those that
    could. ``success_difference`` is in games won, as a share; ``steps_difference`` is over games that both won. Both are None of the first
    contender. ``stopped`` says why a run ended early.
    """

    name: str
    kind: Literal["preset", "planner"]
    source: str | None
    differs: str | None
    planner: str
    ask: str | None
    roles: tuple[str, ...]
    episodes: int
    success: Success
    steps: Steps
    success_difference: Difference | None
    steps_difference: Difference | None
    planning: Planning
    per_decision: PerDecision | None
    llm: LLMUse
    errors: list[str]
    stopped: str | None
    run: str


class Comparison(_Frozen):
    """Contenders on the same games of an environment, from the same seeds, each decision held to ``budget``.

    ``rules`` is None where there were none, ``learned_from`` where none were learned for this. ``seed`` draws the bootstrap, too.
    """

    environment: str
    engine: str
    split: str
    games: int
    max_steps: int
    admissible_used: bool
    seed: int
    altered: int | None
    budget: str
    rules: RuleCount
    learned_from: LearnedFrom | None
    entries: list[Entry]
    wall_s: float
    folder: str


class Contender(NamedTuple):
    """Who played, in what words its entry says so, and what came of it."""

    name: str
    kind: Literal["preset", "planner"]
    source: str | None
    differs: str | None
    ask: str | None
    roles: tuple[str, ...]
    report: Report
    results: Sequence[EpisodeResult]


def entries_of(contenders: Sequence[Contender], *, seed: int) -> list[Entry]:
    """Return an entry for each of ``contenders``, the first of which the others are held against."""
    first = _played(contenders[0])
    return [_entry(each, None if number == 0 else first, seed) for number, each in enumerate(contenders)]


def _played(contender: Contender) -> dict[str, EpisodeResult]:
    """Return what came of each game that was played to its end, by task."""
    return {each.task: each for each in contender.results if each.phase == "play" and each.error is None}


def _entry(contender: Contender, first: Mapping[str, EpisodeResult] | None, seed: int) -> Entry:
    played, report = _played(contender), contender.report
    assert report.planning is not None, "a run of today says what planning took"
    return Entry(
        **{name: getattr(contender, name) for name in ("name", "kind", "source", "differs", "ask", "roles")},
        planner=report.planning.planner,
        episodes=len(played),
        success=success_of(list(played.values())),
        steps=steps_of(list(played.values())),
        success_difference=None if first is None else _in_success(first, played, seed),
        steps_difference=None if first is None else _in_steps(first, played, seed),
        planning=report.planning,
        per_decision=_per_decision(report.planning),
        llm=report.llm,
        errors=report.errors,
        stopped=report.stopped,
        run=report.run,
    )


def _in_success(first: Mapping[str, EpisodeResult], other: Mapping[str, EpisodeResult], seed: int) -> Difference:
    return _difference([float(other[task].won) - first[task].won for task in first if task in other], seed)


def _in_steps(first: Mapping[str, EpisodeResult], other: Mapping[str, EpisodeResult], seed: int) -> Difference:
    both = [task for task in first if task in other and first[task].won and other[task].won]
    return _difference([float(other[task].steps - first[task].steps) for task in both], seed)


def _difference(differences: Sequence[float], seed: int) -> Difference:
    interval = bootstrap_interval(differences, rng=random.Random(seed))
    return Difference(mean=mean(differences), ci95=interval, n=len(differences))


def _per_decision(planning: Planning) -> PerDecision | None:
    if not planning.decisions:
        return None
    names = ("model_calls", "llm_calls", "tokens", "seconds")
    return PerDecision(**{name: getattr(planning, name) / planning.decisions for name in names})


# --- for a person at a terminal -------------------------------------------------------------------------------------------


def comparison_view(comparison: Comparison) -> RenderableType:
    """Return the two tables, what was won and what it took, with what it takes to read them."""
    parts: list[RenderableType] = [_head(comparison), _won_table(comparison), _cost_table(comparison)]
    note = f"differences are to {comparison.entries[0].name}, game by game, with 95 % bootstrap intervals; steps are over games won"
    text = Text(note, style="dim")
    for entry in comparison.entries:
        for error in entry.errors:
            text.append(f"\n{entry.name} could not play: {error}", style="not dim yellow")
        if entry.stopped is not None:
            text.append(f"\n{entry.name} was stopped: {entry.stopped}", style="not dim yellow")
    text.append(f"\nsaved in {comparison.folder} after {comparison.wall_s:.1f} s", style="not dim bold")
    return Group(*parts, text)


def _head(comparison: Comparison) -> Text:
    world = comparison.environment
    if comparison.altered is not None:
        world += f", altered world {comparison.altered}"
    text = Text(f"\n{world} · {comparison.split} · {comparison.engine} engine\n", style="bold", end="")
    learned = comparison.learned_from
    origin = "" if learned is None else f" learned from {learned.episodes} games of {learned.split}"
    listing = "with" if comparison.admissible_used else "without"
    text.append(
        f"{comparison.games} games, one attempt each, at most {comparison.max_steps} steps, {listing} the list of admissible commands, "
        f"seed {comparison.seed}\n{comparison.rules.active} rules{origin}, the same for all; each decision held to {comparison.budget}\n",
        style="not bold dim",
    )
    return text


def _won_table(comparison: Comparison) -> RenderableType:
    table = figures_table("", "won", "success", "95 %", "steps", "success, points", "steps, both won")
    for entry in comparison.entries:
        low, high = entry.success.ci95
        rate = "-" if entry.success.rate is None else f"{100 * entry.success.rate:.0f} %"
        table.add_row(
            entry.name,
            f"{entry.success.count}/{entry.episodes}",
            rate,
            f"{math.floor(100 * low)}-{math.ceil(100 * high)}",
            "-" if entry.steps.mean is None else f"{entry.steps.mean:.1f}",
            _difference_cell(entry.success_difference, 100),
            _difference_cell(entry.steps_difference, 1),
        )
    return table


def _difference_cell(difference: Difference | None, unit: int) -> str:
    """Return the difference and its interval, rounded outwards, in units of one ``unit``-th."""
    if difference is None:
        return ""
    if difference.mean is None or difference.ci95 is None:
        return "-"
    if unit == 1:
        low, high = (f"{each:+.1f}" for each in difference.ci95)
        return f"{difference.mean:+.1f} [{low}, {high}]"
    low, high = f"{math.floor(unit * difference.ci95[0]):+d}", f"{math.ceil(unit * difference.ci95[1]):+d}"
    return f"{unit * difference.mean:+.0f} [{low}, {high}]"


def _cost_table(comparison: Comparison) -> RenderableType:
    per_decision = ("model calls", "LLM calls", "tokens", "ms")
    table = figures_table("per decision", *per_decision, "decisions", "one step", "errors")
    for entry in comparison.entries:
        each = entry.per_decision
        cells = ["-"] * len(per_decision)
        if each is not None:
            cells = [
                f"{each.model_calls:.1f}",
                f"{each.llm_calls:.1f}",
                f"{each.tokens:.0f}",
                f"{1000 * each.seconds:.1f}",
            ]
        planning = entry.planning
        table.add_row(entry.name, *cells, str(planning.decisions), str(planning.one_step), str(len(entry.errors)))
    return table
