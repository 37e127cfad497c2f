"""Reads the source of a page without a browser.

Parsed by the standard library, so that nothing needs to be installed: a page of ordinary, well-formed HTML comes out as in a browser. What
a browser mends beyond the tags that may be left out, or a script builds, is not seen: such pages are for the browser.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

from .nodes import Node, read_page
from .page import Page

__all__ = ["parse", "read_html"]

DEEPEST = 500  # nodes within one another; what is deeper stands beside the last of them, as in browsers

_VOID_TAGS = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_VOID_TAGS.split())
_HIDING = ("display:none", "visibility:hidden")

# Which open tags a start tag ends, where their end was left out, and where the search for them stops.
_ENDED_BY = {
    "dd": ({"dd", "dt"}, {"dl"}),
    "dt": ({"dd", "dt"}, {"dl"}),
    "li": ({"li"}, {"ol", "ul"}),
    "option": ({"option"}, {"select"}),
    "optgroup": ({"optgroup", "option"}, {"select"}),
    "td": ({"td", "th"}, {"table", "tr"}),
    "th": ({"td", "th"}, {"table", "tr"}),
    "tr": ({"tr"}, {"table"}),
    "tbody": ({"tbody", "tfoot", "thead"}, {"table"}),
}
_TAGS_AFTER_PARAGRAPHS = (
    "address article aside blockquote center details dialog div dl fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 header hr main nav ol p pre section table ul"
)
_ENDS_PARAGRAPH = frozenset(_TAGS_AFTER_PARAGRAPHS.split())


def read_html(source: str, *, url: str, values: Mapping[str, str | bool] | None = None) -> Page:
    """Return the page that ``source`` is at ``url``.

    ``values`` is what was typed, selected (text) and checked (true or false) since it came, by the keys of elements.
    """
    document = parse(source, values=values)
    return read_page(document.root, url=url, title=document.title)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document: its title, all of its nodes, and what is in ``forms`` by the keys of their fields."""

    title: str
    root: Node
    nodes: Mapping[str, Node]
    forms: Mapping[str, str] = field(default_factory=dict)


def parse(source: str, *, values: Mapping[str, str | bool] | None = None) -> Document:
    """Return the document that ``source`` is. The key of a node is its place among all of them, counted from 1 in their order."""
    parser = _Parser(values or {})
    parser.feed(source)
    parser.close()
    return parser.document()


@dataclass(slots=True)
class _Open:
    """A node whose end has not been read."""

    tag: str
    attributes: dict[str, str]
    key: str
    form: str
    children: list[Node | str] = field(default_factory=list)


class _Parser(HTMLParser):
    """Builds nodes as their ends are read."""

    def __init__(self, values: Mapping[str, str | bool]) -> None:
        super().__init__(convert_charrefs=True)
        self._values = values
        self._number = 0
        self._open = [_Open("html", {}, "0", "")]
        self._nodes: dict[str, Node] = {}
        self._forms: dict[str, str] = {}
        self._title = ""

    def document(self) -> Document:
        """Return what was read; whatever is open ends here."""
        while len(self._open) > 1:
            self._end()
        root = self._open[0]
        return Document(self._title, Node(root.tag, root.attributes, tuple(root.children)), self._nodes, self._forms)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a node, and end those that it ends."""
        self._end_before(tag)
        self._number += 1
        attributes = {name: value or "" for name, value in reversed(attrs)}
        key = str(self._number)
        form = key if tag == "form" else self._open[-1].form
        if form:
            self._forms[key] = form
        self._open.append(_Open(tag, attributes, key, form))
        if tag in _VOID or len(self._open) > DEEPEST:
            self._end()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a node: HTML has no tags that end themselves, but void ones."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """End the innermost node of that ``tag``, with what was left open in it; an end without a beginning is passed over."""
        if any(each.tag == tag for each in self._open[1:]):
            while self._open[-1].tag != tag:
                self._end()
            self._end()

    def handle_data(self, data: str) -> None:
        """Put a text where it stands."""
        if self._open[-1].tag == "title":
            self._title = self._title or data
        self._open[-1].children.append(data)

    def _end_before(self, tag: str) -> None:
        if tag in _ENDS_PARAGRAPH and self._open[-1].tag == "p":
            self._end()
        ended, bounds = _ENDED_BY.get(tag, ((), ()))
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag in bounds:
                return
            if self._open[place].tag in ended:
                while len(self._open) > place:
                    self._end()
                return

    def _end(self) -> None:
        node = self._open.pop()
        value = self._values.get(node.key)
        style = node.attributes.get("style", "").replace(" ", "").lower()
        made = Node(
            node.tag,
            node.attributes,
            tuple(node.children),
            is_hidden=any(each in style for each in _HIDING),
            value=value if isinstance(value, str) else None,
            is_checked=value if isinstance(value, bool) else None,
            is_clickable="onclick" in node.attributes,
            key=node.key,
        )
        self._nodes[node.key] = made
        self._open[-1].children.append(made)
