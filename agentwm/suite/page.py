"""The table of a suite as one page that needs nothing else: no script, no other file, no network."""

from collections.abc import Mapping
from html import escape

from agentwm.suite.cells import HEADS, NOTHING, cells, headline, legend, notes, verdict_text, verdict_word
from agentwm.suite.plots import overview, row_plot
from agentwm.suite.report import Lived, RowReport, SuiteReport

__all__ = ["page"]

_STYLE = """
body { font: 15px/1.5 Verdana, Helvetica, Arial, sans-serif; color: #222; background: #fff }
body { margin: 2rem auto; max-width: 1240px; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: 0 }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .3rem }
h2 small { font-weight: normal; color: #666 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .78rem; white-space: nowrap }
th, td { padding: .28rem .55rem; text-align: right; border-bottom: 1px solid #ddd }
th { font-weight: normal; color: #666; white-space: normal; vertical-align: bottom }
th:first-child, td:first-child, .words { text-align: left }
tr.group td { font-weight: bold; background: #f4f4f4 }
.yes { color: #2e7d5b; font-weight: bold }
.no, .failed { color: #c0553d; font-weight: bold }
.missing { color: #9a6a00 }
svg { display: block; width: 100%; max-width: 880px; height: auto }
p, li { max-width: 60rem }
.small { color: #555; font-size: .85rem }
a { color: #1f3b57 }
"""
_WORDS = {"world", "asked", "reached"}


def page(report: SuiteReport, lived: Mapping[str, Lived]) -> str:
    """Return the page: the table, all worlds at once, and a plot of each world from what was ``lived`` there."""
    body = [
        f"<h1>The suite {escape(report.begun.suite)}: {escape(report.summary)}</h1>",
        f"<p>{escape(headline(report))}.</p>",
        _table(report),
        *(f'<p class="small">{escape(each)}</p>' for each in legend(report)),
    ]
    if any(row.figures is not None for row in report.rows):
        body += [
            "<h2>Tests won <small>with 95 % intervals; blue: asked, brown: by chance</small></h2>",
            overview(report.rows),
        ]
    told: dict[str, list[str]] = {}
    for name, note in notes(report):
        told.setdefault(name, []).append(note)
    body += [_section(row, lived.get(row.name), told.get(row.name, [])) for row in report.rows]
    body.append(f'<p class="small">agentwm {escape(report.version)}, {report.wall_s:,.0f} s</p>')
    title = escape(f"agentwm: the suite {report.begun.suite}")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    inner = "\n".join(body)
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}<style>{_STYLE}</style></head>\n<body>\n{inner}\n</body>\n</html>\n'


def _table(report: SuiteReport) -> str:
    head = "".join(f"<th{_words(title)}>{escape(title)}</th>" for title in HEADS)
    lines, group = [], None
    for row in report.rows:
        if row.group and row.group != group:
            group = row.group
            lines.append(f'<tr class="group"><td colspan="{len(HEADS)}">{escape(group)}</td></tr>')
        lines.append(_row(row))
    body = "\n".join(lines)
    return f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'


def _row(row: RowReport) -> str:
    looks = {"reached": f"words {verdict_word(row)}"}
    columns = []
    for head, text in zip(HEADS, cells(row), strict=True):
        inner = f'<a href="#{escape(row.name, quote=True)}">{escape(text)}</a>' if head == "world" else escape(text)
        columns.append(f"<td{_words(head, looks.get(head))}>{inner}</td>")
    return f"<tr>{''.join(columns)}</tr>"


def _words(head: str, looks: str | None = None) -> str:
    found = looks or ("words" if head in _WORDS else "")
    return f' class="{escape(found, quote=True)}"' if found else ""


def _section(row: RowReport, lived: Lived | None, told: list[str]) -> str:
    word = verdict_word(row)
    small = "" if word == NOTHING else f" <small>{escape(_verdict(row, word))}</small>"
    parts = [f'<h2 id="{escape(row.name, quote=True)}">{escape(row.name)}{small}</h2>']
    if row.figures is not None and lived is not None:
        parts.append(row_plot(row, lived))
    if told:
        parts.append(f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in told)}</ul>")
    return "\n".join(parts)


def _verdict(row: RowReport, word: str) -> str:
    if row.state != "played":
        return word
    told = "; ".join(verdict_text(each) for each in row.asked)
    return f"{_OUTCOMES.get(word, word)}: {told}"


_OUTCOMES = {"yes": "reached", "no": "not reached"}
