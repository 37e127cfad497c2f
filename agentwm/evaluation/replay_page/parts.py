"""The small parts of a page: text that stays text, facts, pictures."""

import base64
import struct
from collections.abc import Iterable
from html import escape

from agentwm.types import Action, Fluent, State, Value

__all__ = ["action_html", "change", "fact_list", "facts_of", "mark", "picture", "plain", "safe", "text_block"]

MOST_TEXT = 6000
MOST_FACTS = 24
TINY_PX = 120
"""A picture less wide is drawn larger, its pixels left sharp: a world of 64 by 64 would be a stamp."""


def safe(text: object) -> str:
    """Return ``text`` as HTML that shows it and does nothing else; what no screen shows, or what turns the writing round, is a �."""
    plain = str(text).encode("utf-8", "replace").decode("utf-8")
    return escape("".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in plain))


def text_block(text: str) -> str:
    """Return ``text`` as a paragraph that keeps its lines, cut where it would fill the page."""
    cut = f" … and {len(text) - MOST_TEXT:,} more characters" if len(text) > MOST_TEXT else ""
    shown = text.strip()[:MOST_TEXT] or "(no text)"
    return f'<p class="text"><bdi>{safe(shown)}</bdi>{cut}</p>'


def action_html(action: Action) -> str:
    """Return ``action`` with the things it is done with set apart."""
    things = "".join(f' <span class="thing"><bdi>{safe(arg)}</bdi></span>' for arg in action.args)
    return f"<bdi>{safe(action.verb)}</bdi>{things}"


def mark(words: str, looks: str) -> str:
    """Return ``words`` as a small mark; ``looks`` is good, bad, odd, paid or plain."""
    return f'<span class="mark {looks}">{safe(words)}</span>'


def change(fluent: Fluent, value: Value, *, instead: str | None = None, is_odd: bool = False) -> str:
    """Return that ``fluent`` has ``value``; ``instead`` is what had been foretold."""
    was = "" if instead is None else f" <del>{safe(instead)}</del>"
    looks = ' class="odd"' if is_odd else ""
    return f"<li{looks}><bdi>{safe(fluent)}</bdi> ={was} <b><bdi>{safe(plain(value))}</bdi></b></li>"


def fact_list(items: Iterable[str]) -> str:
    """Return ``items``, each an ``li``, as a list that is cut where it is long; nothing where there are none."""
    found = list(items)
    if not found:
        return ""
    more = len(found) - MOST_FACTS
    rest = f'<li class="soft">and {more} more</li>' if more > 0 else ""
    return f'<ul class="facts">{"".join(found[:MOST_FACTS])}{rest}</ul>'


def facts_of(state: State) -> list[str]:
    """Return the facts of ``state``, each an ``li``."""
    return [change(fluent, value) for fluent, value in state.items()]


def picture(png: bytes, what: str) -> str:
    """Return ``png`` inside the page itself; ``what`` is said to whoever cannot see it."""
    data = base64.b64encode(png).decode("ascii")
    looks = ' class="tiny"' if _width_px(png) < TINY_PX else ""
    return f'<img{looks} alt="{safe(what)}" src="data:image/png;base64,{data}">'


def _width_px(png: bytes) -> int:
    """Return how wide a PNG says that it is: its first chunk begins with the width."""
    return int(struct.unpack(">I", png[16:20])[0]) if len(png) >= 20 else 0


def plain(value: Value) -> str:
    """Return ``value`` as a person would write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "nothing"
        case float():
            return f"{value:g}"
    return str(value)
