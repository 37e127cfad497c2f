"""Draws boxes and lines as SVG: text that is wrapped to fit, lines that say what they mean, and a key to their colours."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from agentwm.graphs.layout import Arrangement, Link, Point, Route, Size, arrange

__all__ = ["Box", "Line", "draw"]

FONT, FONT_SIZE, LINE_HEIGHT = "'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif", 12, 15
SMALL, SMALL_HEIGHT = 10, 12.5
MARGIN, PADDING = 16, 9
WIDEST_BOX, WIDEST_LABEL = 190, 130
MOST_LINES = 6
PER_PORT = 7  # how much of a box's side each line takes
ARROW = 7
LEAST_KEY = 400.0

INK, PAPER, QUIET = "#1f3b57", "#ffffff", "#666666"
_PLAIN = ("#f4f4f4", "#8a8a8a", INK)
_BOXES = {  # fill, border, text
    "act": (INK, INK, PAPER),
    "agent": (INK, INK, PAPER),
    "fluent": ("#d9e5f0", "#7d9cb9", INK),
    "kind": ("#fbeede", "#d09a66", "#5a3410"),
    "event": ("#e3efe0", "#7fa477", "#27451f"),
}
_KEYED = {sort: looks for sort, looks in _BOXES.items() if sort != "agent"}  # the agent says what it is
_LINES = {  # colour, dashes; where one line means two things, it looks like the first of them here
    "blocked by": ("#b3261e", "2 3"),
    "excludes": ("#b3261e", "6 4"),
    "consumes": ("#c8641b", ""),
    "ends": ("#c8641b", "6 4"),
    "makes": (INK, ""),
    "sets": ("#4f7ba6", ""),
    "pays": ("#4d8a40", ""),
    "brings": ("#4d8a40", "6 4"),
    "found in": ("#a9784a", "2 3"),
    "needs": (INK, "6 4"),
}
_OTHER = ("#4f7ba6", "")

# Widths as parts of the font's size. Source: DejaVu Sans, the widest of the fonts asked for, rounded up by classes.
_NARROW, _WIDE = frozenset("ijl.,:;'|!()[] "), frozenset("mwMWGOQ@%&—…")
_NARROW_WIDTH, _USUAL_WIDTH, _WIDE_WIDTH, _FULL_WIDTH = 0.4, 0.65, 0.98, 1.05


class Box(NamedTuple):
    """Something to be drawn as a box: its name, its label and what stands below it in small letters; open ones have a dashed border."""

    name: str
    label: str
    sort: str
    notes: tuple[str, ...] = ()
    is_open: bool = False


class Line(NamedTuple):
    """An arrow between two boxes, by their names: what stands on it, near its end or near its beginning, and the relations it means."""

    source: str
    target: str
    labels: tuple[str, ...]
    relations: tuple[str, ...]
    is_label_last: bool = False

    @property
    def style(self) -> tuple[str, str]:
        """The line's colour and dashes."""
        return next((style for relation, style in _LINES.items() if relation in self.relations), _OTHER)


def draw(boxes: Sequence[Box], lines: Sequence[Line]) -> str:
    """Return the picture as the text of an SVG file. All texts must be such as XML can hold.

    A line from a box to itself becomes a note in the box. A text that is too long to be wrapped is cut; it stands in full in a title,
    which is shown where the pointer rests.
    """
    boxes = [_with_loops(box, lines) for box in boxes]
    lines = [line for line in lines if line.source != line.target]
    ends = [(line.source, "out") for line in lines] + [(line.target, "in") for line in lines]
    ports = {box.name: max(ends.count((box.name, "out")), ends.count((box.name, "in"))) for box in boxes}
    sizes = {box.name: _box_size(box, ports[box.name]) for box in boxes}
    links = [Link(line.source, line.target, _label_size(line), line.is_label_last) for line in lines]
    placed = arrange(sizes, links)
    key = _key(boxes, lines, placed)
    width, height = placed.size.width + 2 * MARGIN, placed.size.height + 2 * MARGIN + key.height
    width = max(width, key.width + 2 * MARGIN)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" font-family={quoteattr(FONT)} font-size="{FONT_SIZE}">'
    )
    return "\n".join(
        (
            head,
            f'<rect class="paper" width="{_n(width)}" height="{_n(height)}" fill="{PAPER}"/>',
            f'<g transform="translate({MARGIN} {MARGIN})">',
            *(_drawn_line(line, route) for line, route in zip(lines, placed.routes, strict=True)),
            *(_drawn_label(line, route.label) for line, route in zip(lines, placed.routes, strict=True) if route.label),
            *(_drawn_box(box, placed.centres[box.name], sizes[box.name]) for box in boxes),
            "</g>",
            *key.drawn,
            "</svg>\n",
        )
    )


def _with_loops(box: Box, lines: Sequence[Line]) -> Box:
    loops = [f"{label} itself" for line in lines if line.source == line.target == box.name for label in line.labels]
    return box._replace(notes=(*box.notes, *loops)) if loops else box


# --- text -------------------------------------------------------------------------------------------------------


def _text_width(text: str, size: float) -> float:
    return size * sum(map(_letter_width, text))


def _letter_width(letter: str) -> float:
    if letter in _NARROW:
        return _NARROW_WIDTH
    if ord(letter) > 0x2E7F:  # from here on the letters fill a square
        return _FULL_WIDTH
    return _WIDE_WIDTH if letter in _WIDE or (letter.isupper() and letter in "DHNU") else _USUAL_WIDTH


def _wrapped(text: str, size: float, width: float) -> list[str]:
    """Return ``text`` in lines of at most this ``width``; a word that is too long is broken, a text of too many lines is cut."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if _text_width(joined, size) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and _text_width(lines[-1] + letter, size) > width:
                lines.append("")
            lines[-1] += letter
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], f"{lines[MOST_LINES - 1][:-1]}…"]


def _box_lines(box: Box) -> tuple[list[str], list[str]]:
    notes = [line for note in box.notes for line in _wrapped(note, SMALL, WIDEST_BOX)]
    return _wrapped(box.label, FONT_SIZE, WIDEST_BOX), notes


def _box_size(box: Box, ports: int) -> Size:
    label, notes = _box_lines(box)
    width = max(
        *(_text_width(line, FONT_SIZE) for line in label), *(_text_width(line, SMALL) for line in notes), FONT_SIZE
    )
    height = LINE_HEIGHT * len(label) + SMALL_HEIGHT * len(notes) + PADDING
    return Size(round(width + 2 * PADDING, 1), max(height, PER_PORT * ports + PADDING))


def _label_lines(line: Line) -> list[str]:
    return [part for label in line.labels for part in _wrapped(label, SMALL, WIDEST_LABEL)]


def _label_size(line: Line) -> Size | None:
    texts = _label_lines(line)
    if not texts:
        return None
    return Size(round(max(_text_width(text, SMALL) for text in texts) + 6, 1), SMALL_HEIGHT * len(texts) + 2)


# --- shapes -----------------------------------------------------------------------------------------------------


def _n(number: float) -> str:
    """Return ``number`` as short as it can be said to a tenth."""
    return f"{number:.1f}".removesuffix(".0")


def _drawn_box(box: Box, centre: Point, size: Size) -> str:
    fill, border, ink = _BOXES.get(box.sort, _PLAIN)
    label, notes = _box_lines(box)
    dashes = _dashed("4 3" if box.is_open else "")
    top = centre.y - (LINE_HEIGHT * len(label) + SMALL_HEIGHT * len(notes)) / 2
    baselines = [top + LINE_HEIGHT * (row + 0.76) for row in range(len(label))]
    texts = [_text(text, centre.x, y, ink) for text, y in zip(label, baselines, strict=True)]
    below = top + LINE_HEIGHT * len(label)
    texts += [_text(t, centre.x, below + SMALL_HEIGHT * (row + 0.74), ink, SMALL) for row, t in enumerate(notes)]
    title = "\n".join((box.label, *box.notes))
    corner = size.height / 2 if box.sort in ("act", "agent") else 4
    return (
        f'<g class="node"><title>{escape(title)}</title>'
        f'<rect x="{_n(centre.x - size.width / 2)}" y="{_n(centre.y - size.height / 2)}" width="{_n(size.width)}" '
        f'height="{_n(size.height)}" rx="{_n(min(corner, 12))}" fill="{fill}" stroke="{border}"{dashes}/>{"".join(texts)}</g>'
    )


def _text(text: str, x: float, y: float, ink: str, size: float = FONT_SIZE) -> str:
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="middle" font-size="{_n(size)}" fill="{ink}">{escape(text)}</text>'
    )


def _drawn_line(line: Line, route: Route) -> str:
    colour, dashes = line.style
    (start, _), (_, end) = route.stretches[0], route.stretches[-1]
    way = 1 if end.x > start.x else -1  # a line turned round by the layout runs from right to left
    parts = [f"M{_n(start.x)} {_n(start.y)}"]
    for (_, leaving), (reaching, _) in pairwise(route.stretches):
        half = (reaching.x - leaving.x) / 2
        parts.append(f"H{_n(leaving.x)}")
        parts.append(
            f"C{_n(leaving.x + half)} {_n(leaving.y)} {_n(reaching.x - half)} {_n(reaching.y)} {_n(reaching.x)} {_n(reaching.y)}"
        )
    parts.append(f"H{_n(end.x - way * ARROW)}")
    head = f"{_n(end.x)},{_n(end.y)} {_n(end.x - way * ARROW)},{_n(end.y - 3.5)} {_n(end.x - way * ARROW)},{_n(end.y + 3.5)}"
    return (
        f'<g class="line"><path d="{" ".join(parts)}" fill="none" stroke="{colour}" stroke-width="1.3"{_dashed(dashes)}/>'
        f'<polygon points="{head}" fill="{colour}"/></g>'
    )


def _drawn_label(line: Line, centre: Point) -> str:
    colour, _ = line.style
    texts, size = _label_lines(line), _label_size(line)
    assert size is not None
    top = centre.y - SMALL_HEIGHT * len(texts) / 2
    drawn = [_text(text, centre.x, top + SMALL_HEIGHT * (row + 0.74), colour, SMALL) for row, text in enumerate(texts)]
    return (
        f'<g class="label"><title>{escape("; ".join(line.labels))}</title>'
        f'<rect x="{_n(centre.x - size.width / 2)}" y="{_n(centre.y - size.height / 2)}" width="{_n(size.width)}" '
        f'height="{_n(size.height)}" fill="{PAPER}" fill-opacity="0.92"/>{"".join(drawn)}</g>'
    )


class _Key(NamedTuple):
    drawn: tuple[str, ...]
    width: float
    height: float


def _key(boxes: Sequence[Box], lines: Sequence[Line], placed: Arrangement) -> _Key:
    """Return what the looks of boxes and lines mean, as far as they are in the picture, in rows below it."""
    used = {relation for line in lines for relation in line.relations}
    entries = [(sort, _swatch(*looks[:2])) for sort, looks in _KEYED.items() if any(box.sort == sort for box in boxes)]
    entries += [(relation, _stroke(*style)) for relation, style in _LINES.items() if relation in used]
    limit = max(placed.size.width, LEAST_KEY)
    drawn: list[str] = []
    x, y, widest = 0.0, 0.0, 0.0
    top = MARGIN + placed.size.height + 26
    for name, sign in entries:
        width = 34 + _text_width(name, SMALL) + 16
        if x and x + width > limit:
            x, y = 0.0, y + 18
        text = f'<text x="32" y="3.5" font-size="{SMALL}" fill="{QUIET}">{escape(name)}</text>'
        drawn.append(f'<g class="key" transform="translate({_n(MARGIN + x)} {_n(top + y)})">{sign}{text}</g>')
        x += width
        widest = max(widest, x)
    return _Key(tuple(drawn), widest, y + 32 if entries else 0)


def _swatch(fill: str, border: str) -> str:
    return f'<rect x="6" y="-5" width="20" height="10" rx="3" fill="{fill}" stroke="{border}"/>'


def _stroke(colour: str, dashes: str) -> str:
    return f'<path d="M0 0 H26" stroke="{colour}" stroke-width="1.6"{_dashed(dashes)}/>'


def _dashed(dashes: str) -> str:
    return f' stroke-dasharray="{dashes}"' if dashes else ""
