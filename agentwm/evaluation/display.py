"""The report and the progress of a run, for a person at a terminal. Plain text where there is no terminal."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from agentwm.evaluation.progress import ProgressEvent
from agentwm.evaluation.report import Average, CalibrationRow, EpisodeResult, Planning, Report, Returns, Steps, Success
from agentwm.rules.language import Rule
from agentwm.rules.laws import Law
from agentwm.rules.store import Record, RuleStore

__all__ = [
    "ProgressDisplay",
    "calibration_view",
    "figures_table",
    "language_view",
    "learning_curve",
    "named_progress",
    "report_view",
    "rule_list",
]

PHASES = {"learn": "learning", "play": "playing"}
BARS_WIDTH = 76
CURVE_ROWS = 6
CURVE_COLUMNS = 60
RULES_SHOWN = 12
_EIGHTHS = " ▁▂▃▄▅▆▇█"


class ProgressDisplay:
    """Shows the progress of a run on ``console``: live bars on a terminal, else a line for every tenth of a phase."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: dict[str, TaskID] = {}
        self._won: dict[str, int] = {}
        self._live = Progress(
            SpinnerColumn(style="cyan", finished_text="[green]✓"),
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=24, style="bright_black", complete_style="cyan", finished_style="green"),
            MofNCompleteColumn(),
            TextColumn("[green]{task.fields[won]:>3} won"),
            TextColumn("{task.fields[rules]:>3} rules"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[now]}"),
            console=console,
            disable=not console.is_terminal,
            refresh_per_second=8,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, event: ProgressEvent) -> None:
        """Take in one piece of news."""
        if event.result is not None:
            self._won[event.phase] = self._won.get(event.phase, 0) + event.result.won
        if self._console.is_terminal:
            self._update_bar(event)
        elif event.result is not None and _is_tenth(event.done, event.total):
            won = self._won[event.phase]
            self._console.print(
                f"{PHASES[event.phase]}: {event.done} of {event.total} games, {won} won, {event.rules} rules",
                highlight=False,
            )

    def _update_bar(self, event: ProgressEvent) -> None:
        if event.phase not in self._bars:
            self._bars[event.phase] = self._live.add_task(
                PHASES[event.phase], total=event.total, won=0, rules=event.rules, now=""
            )
        # Cut to the room left, or rich would squeeze the other columns; brackets are markup to it.
        room = max(self._console.width - BARS_WIDTH, 0)
        now = f"{event.task_type}  {event.step}  {event.text}"[:room].replace("[", "\\[")
        self._live.update(
            self._bars[event.phase],
            completed=event.done,
            total=event.total,
            won=self._won.get(event.phase, 0),
            rules=event.rules,
            now="" if event.done >= event.total else now,
        )


@contextmanager
def named_progress(name: str) -> "Iterator[ProgressDisplay]":
    """Show the progress of one run of several, under its ``name``, on the standard error stream."""
    screen = Console(stderr=True)
    screen.print(name, style="bold", highlight=False)
    with ProgressDisplay(screen) as progress:
        yield progress


def report_view(report: Report, results: Sequence[EpisodeResult], rules: RuleStore) -> RenderableType:
    """Return the page that ends a run: the table by task type, the learning curve, the rules, where it was saved."""
    parts: list[RenderableType] = [Text(), _headline(report), Text()]
    if report.episodes:
        parts += [_type_table(report), Text()]
    lengths = [result for result in results if result.phase == "learn"]
    if lengths:
        parts += [learning_curve(lengths), Text()]
    if report.llm.model is not None:
        parts += [language_view(report), Text()]
    parts += [_rules_part(report, rules), Text(), _small_print(report, results)]
    return Group(*parts)


def figures_table(first: str, *heads: str) -> Table:
    """Return an empty table: a column of names, and one of figures for each of ``heads``."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column(first, no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right")
    return table


def language_view(report: Report) -> RenderableType:
    """Return what was asked of the language model and what it cost, by role, and how far its predictions came true."""
    use = report.llm
    title = Text(f"{use.model}, asked {_WHEN.get(use.ask or '', use.ask)}", style="bold")
    if use.estimated_calls:
        title.append(f"\nthe tokens of {use.estimated_calls} of {use.calls} calls are a guess", style="not bold dim")
    replies = ("questions", "usable at once", "when asked again", "never")
    table = figures_table("role", *replies, "calls", "tokens in", "cached", "out", "seconds", "cost")
    for role, part in use.by_role.items():
        asked = [str(getattr(part.replies, name)) for name in ("questions", "first", "second", "unusable")]
        spent = [str(getattr(part, name)) for name in _COUNTED]
        table.add_row(role, *asked, *spent, f"{part.seconds:.1f}", _cost(part.money))
    table.add_section()
    in_all = [str(getattr(use, name)) for name in _COUNTED]
    table.add_row("in all", *_NOT_ASKED, *in_all, f"{use.seconds:.1f}", _cost(use.money))
    for name, each in (("per game", use.per_episode), ("per game won", use.per_solved)):
        cells = ["-"] * 6 if each is None else [*_averages(each), f"{each.seconds:.1f}", _cost(each.money)]
        table.add_row(name, *_NOT_ASKED, *cells)
    parts: list[RenderableType] = [title, table]
    if use.unread_goals:
        parts.append(Text(f"{use.unread_goals} goals could not be read, and were played without", style="yellow"))
    if use.calibration:
        stated, believed = ("-" if each is None else f"{each:.3f}" for each in (use.brier_stated, use.brier_calibrated))
        last = f"Brier score {stated} as stated, {believed} as believed at the time, from the games before"
        parts.append(calibration_view(use.calibration, last))
    return Group(*parts)


_COUNTED = ("calls", "input_tokens", "cached_tokens", "output_tokens")
_NOT_ASKED = ("",) * 4
_WHEN = {"never": "nothing", "silent": "where the rules are silent", "always": "always"}


def calibration_view(rows: Sequence[CalibrationRow], last: str) -> RenderableType:
    """Return, bin by bin, what probability of success was stated, what share came, and what such a statement is taken for now.

    ``last`` is the line below.
    """
    table = figures_table("stated", "predictions", "mean", "came true", "taken for")
    for row in rows:
        mean = "-" if row.mean_stated is None else f"{row.mean_stated:.2f}"
        came = f"{row.came / row.total:.2f}" if row.total else "-"
        table.add_row(f"{row.low:.1f}-{row.high:.1f}", str(row.total), mean, came, f"{row.calibrated:.2f}")
    return Group(table, Text(last, style="dim"))


def _averages(each: Average) -> list[str]:
    return [f"{each.calls:.1f}", f"{each.input_tokens:.0f}", f"{each.cached_tokens:.0f}", f"{each.output_tokens:.0f}"]


def _cost(money: float | None) -> str:
    return "n/a" if money is None else f"{money:.4f}"


def learning_curve(results: Sequence[EpisodeResult]) -> RenderableType:
    """Return the steps and the success of the learning episodes, in the order played, as a small plot.

    More episodes than the plot has columns are put together, a few to a column.
    """
    per_column = math.ceil(len(results) / CURVE_COLUMNS)
    columns = [results[start : start + per_column] for start in range(0, len(results), per_column)]
    width = 2 if len(columns) <= CURVE_COLUMNS // 2 else 1
    heights = [sum(each.steps for each in column) / len(column) for column in columns]
    won = [2 * sum(each.won for each in column) > len(column) for column in columns]
    top = max(*heights, 1.0)
    plot = Text("Learning, game by game\n", style="bold", end="")
    for row in range(CURVE_ROWS, 0, -1):
        label = f"{top:.0f}" if row == CURVE_ROWS else "steps" if row == CURVE_ROWS // 2 + 1 else ""
        plot.append(f"{label:>7} ┤", style="not bold dim")
        for height, is_won in zip(heights, won, strict=True):
            plot.append(_bar(height / top * CURVE_ROWS - (row - 1)) * width, style=_tone(is_won=is_won))
        plot.append("\n")
    plot.append(f"{'won':>7} │", style="not bold dim")
    for is_won in won:
        plot.append(("●" if is_won else "○").ljust(width), style=_tone(is_won=is_won))
    span = width * len(columns)
    last = f"{len(results)}".rjust(max(span - 1, 0)) if len(results) > 1 else ""
    each = f" ({per_column} games to a column)" if per_column > 1 else ""
    plot.append(f"\n{'game':>7}  1{last}   ● won ○ not won{each}\n", style="not bold dim")
    return plot


def rule_list(rules: Sequence[tuple[Rule | Law, Record]], *, with_names: bool = False) -> RenderableType:
    """Return the rules, and the laws, as sentences, each behind its evidence: ``[supports+ contradicts-]``.

    ``with_names`` puts the name by which `agentwm rules why` knows it between the two.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True, style="cyan")
    if with_names:
        table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for rule, record in rules:
        name = [rule.id] if with_names else []
        table.add_row(Text(f"[{record.supports}+ {record.contradicts}-]"), *name, _sentence(rule))
        if record.reason:
            table.add_row("", *([""] if with_names else []), Text(record.reason, style="dim"))
    return table


def _sentence(rule: Rule | Law) -> Text:
    text = Text(rule.sentence())
    if isinstance(rule, Law):
        text.stylize("bold", 0, len("law"))
        return text
    text.stylize("bold", 0, len(rule.verb))
    text.highlight_words([" when ", " and ", " then ", "; or "], style="dim")
    return text


def _headline(report: Report) -> Text:
    world = (
        f"{report.environment}, altered world {report.altered}" if report.altered is not None else report.environment
    )
    worded = f" · goals: {report.goals}" if report.goals is not None else ""
    text = Text(f"{world} · {report.split} · {report.engine} engine{worded}\n", style="bold", end="")
    if report.success.rate is None:
        return text.append("no games were played after learning", style="not bold")
    text.append(f"{report.success.count} of {report.episodes}", style=_tone(is_won=report.success.rate > 0.5))
    text.append(" games won at the first attempt", style="not bold")
    if report.steps.mean is not None:
        text.append(f", in {report.steps.mean:.1f} steps on average", style="not bold")
    if report.broken_off:
        broken = f"\n{report.broken_off} broken off by an error of the environment, and not counted as won"
        text.append(broken, style="not bold yellow")
    if _returns_say_more(report):
        text.append(f"\n{_returns_line(report.returns)}", style="not bold")
    if report.achievements is not None:
        found = report.achievements
        text.append(f"\n{found.mean:.1f} of {len(found.shares)} achievements in a game", style="not bold")
        text.append(f", score {found.score:.1f} % (geometric mean of how often each was unlocked)", style="not bold")
    return text


def _returns_say_more(report: Report) -> bool:
    """Whether the mean return is another figure than the share of the games won, which it is where a win pays 1 and nothing else does."""
    found = report.returns
    return found is not None and found.mean is not None and not math.isclose(found.mean, report.success.rate or 0.0)


def _returns_line(returns: Returns | None) -> str:
    assert returns is not None
    assert returns.mean is not None
    interval = "" if returns.ci95 is None else f" ({returns.ci95[0]:.2f} to {returns.ci95[1]:.2f})"
    return f"mean return {returns.mean:.2f}{interval}, over all games"


def _type_table(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True, footer_style="bold", header_style="dim")
    table.add_column("task type", footer="all", no_wrap=True)
    total: tuple[str, ...] = (str(report.episodes), *_success_cells(report.success), *_steps_cells(report.steps))
    titles: tuple[str, ...] = ("games", "won", "success", "95 %", "steps: mean", "median", "p90")
    with_returns = _returns_say_more(report)
    if with_returns:
        titles, total = (*titles, "return"), (*total, _amount(None if report.returns is None else report.returns.mean))
    for title, footer in zip(titles, total, strict=True):
        table.add_column(title, footer=footer, justify="right", no_wrap=True)
    for task_type, part in report.by_task_type.items():
        returned = (_amount(part.mean_return),) if with_returns else ()
        figures = *_success_cells(part.success), *_steps_cells(part.steps), *returned
        table.add_row(task_type, str(part.episodes), *figures)
    return table


def _success_cells(success: Success) -> tuple[str, str, str]:
    rate = "-" if success.rate is None else f"{100 * success.rate:.0f} %"
    low, high = success.ci95
    # Rounded outwards, so that the interval printed is never narrower than the one computed.
    return str(success.count), rate, f"{math.floor(100 * low)}-{math.ceil(100 * high)}"


def _steps_cells(steps: Steps) -> tuple[str, str, str]:
    return _number(steps.mean), _number(steps.median), _number(steps.p90)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _amount(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _rules_part(report: Report, rules: RuleStore) -> RenderableType:
    ranked = sorted(((rule, rules.record(rule)) for rule in rules.rules), key=lambda pair: -pair[1].supports)
    title = Text(f"{report.rules.active} rules", style="bold")
    title.append(f" ({report.rules.retired} retired), evidence as [supporting+ contradicting-]", style="not bold dim")
    parts: list[RenderableType] = [title, rule_list(ranked[:RULES_SHOWN])]
    if len(ranked) > RULES_SHOWN:
        parts.append(Text(f"… and {len(ranked) - RULES_SHOWN} more: agentwm rules show {report.run}", style="dim"))
    return Group(*parts)


def _small_print(report: Report, results: Sequence[EpisodeResult]) -> Text:
    learned = report.learned_from
    alone = ", played for learning alone" if report.explored else ""
    listing = "with" if report.admissible_used else "without"
    lines = [
        (
            f"learned from {learned.episodes} games of {learned.split} "
            f"({learned.steps} steps, at most {learned.max_steps} in one){alone}, seed {report.seed}"
        ),
        f"one attempt at each game, at most {report.max_steps:,} steps, {listing} the list of admissible commands",
        "steps are over the games won",
    ]
    if report.prediction.accuracy is not None and _can_fail(report, results):
        lines.append(
            f"success or failure foretold rightly at {100 * report.prediction.accuracy:.1f} % of {report.prediction.n} steps"
        )
    if report.planning is not None and report.planning.decisions:
        lines += _planning_lines(report.planning, report.preset)
    text = Text("\n".join(lines), style="dim")
    if report.stopped is not None:
        text.append(f"\nstopped: {report.stopped}", style="not dim yellow")
    for error in report.errors:
        text.append(f"\nnot played to the end: {error}", style="not dim yellow")
    text.append(f"\nsaved in {report.run} after {report.wall_s:.1f} s", style="not dim bold")
    text.append(f"\nlook closer: agentwm replay {report.run} {learned.episodes}")
    return text


def _can_fail(report: Report, results: Sequence[EpisodeResult]) -> bool:
    """Whether an action was ever refused, or thought to be: where every one is accepted, to foretell that is no feat."""
    return report.prediction.accuracy != 1.0 or any(result.failures for result in results)


def _planning_lines(planning: Planning, preset: str | None) -> list[str]:
    """Return what planning took, in two lines."""
    name = planning.planner if preset is None else f"{preset} ({planning.planner})"
    held = "" if planning.budget is None else f", each held to {planning.budget}"
    ahead = planning.decisions - planning.one_step if planning.model_calls else 0
    taken = f"{planning.model_calls:,} model calls"
    if planning.model_calls_saved:
        taken += f", about {planning.model_calls_saved:,} saved"
    if planning.llm_calls:
        taken += f"; {planning.llm_calls:,} calls of the language model, {planning.tokens:,} tokens"
    return [
        f"{name} looked ahead in {ahead:,} of {planning.decisions:,} decisions{held}",
        f"{taken}; {1000 * planning.seconds / planning.decisions:.1f} ms a decision",
    ]


def _is_tenth(done: int, total: int) -> bool:
    return done == total or done % max(1, total // 10) == 0


def _bar(height: float) -> str:
    """Return the character for a bar that reaches ``height`` rows into this one."""
    return _EIGHTHS[round(8 * min(max(height, 0.0), 1.0))]


def _tone(*, is_won: bool) -> str:
    return "not bold green" if is_won else "not bold red"
