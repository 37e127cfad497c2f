"""The table of a suite for a person at a terminal: what matters most of it, for the rest is in its files."""

from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from agentwm.evaluation.display import figures_table
from agentwm.suite.cells import HEADS, cells, headline, notes
from agentwm.suite.report import RowReport, SuiteReport

__all__ = ["suite_view"]

_SHOWN = ("tests", "transitions", "won", "95 %", "by reference", "return", "reference's return")
_STYLES = {"yes": "green", "no": "red", "failed": "red", "missing": "yellow"}


def suite_view(report: SuiteReport, folder: Path) -> RenderableType:
    """Return the table, what there is to say of its rows, and where all of it was saved."""
    table = figures_table("world", *_SHOWN)
    table.add_column("asked", overflow="fold")
    table.add_column("reached", no_wrap=True)
    for row in report.rows:
        table.add_row(*_cells(row))
    told = Text("\n".join(f"{name}: {note}" for name, note in notes(report)), style="dim")
    saved = Text(f"saved in {folder}: suite.html, suite.md, suite.json, and the runs", style="bold")
    return Group(Text(f"\n{headline(report)}", style="bold"), table, told, saved)


def _cells(row: RowReport) -> list[str | Text]:
    found = dict(zip(HEADS, cells(row), strict=True))
    reached = found["reached"]
    shown = [found[head] for head in _SHOWN]
    return [found["world"], *shown, found["asked"], Text(reached, style=_STYLES.get(reached, ""))]
