"""The table of a suite as Markdown."""

from agentwm.suite.cells import HEADS, cells, headline, legend, notes
from agentwm.suite.report import SuiteReport

__all__ = ["markdown"]

_WORDS = {"world", "asked", "reached"}  # the columns that hold words, and are not lined up on the right


def markdown(report: SuiteReport) -> str:
    """Return the table, how to read it, and what there is to say of its rows."""
    lines = [f"# The suite {report.begun.suite}", "", f"{_cell(headline(report))}.", ""]
    lines.append(_line(HEADS))
    lines.append(_line(["---" if head in _WORDS else "---:" for head in HEADS]))
    lines += [_line(cells(row)) for row in report.rows]
    if told := [f"- {_cell(name)}: {_cell(note)}" for name, note in notes(report)]:
        lines += ["", *told]
    for each in legend(report):
        lines += ["", each]
    return "\n".join([*lines, ""])


def _line(parts: "list[str] | tuple[str, ...]") -> str:
    return f"| {' | '.join(_cell(part) for part in parts)} |"


def _cell(text: str) -> str:
    """Return ``text`` such that it stays in its cell and is read as it is."""
    for sign in "\\|*_`<":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
