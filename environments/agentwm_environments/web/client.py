"""Visits pages without a browser: follows links, fills in forms and sends them, as HTML says, and runs no scripts."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from agentwm.errors import EnvironmentFailureError, quoted

from .html import Document, parse
from .nodes import Node, read_page
from .page import Element, Page

__all__ = ["Client", "Reply", "Site"]

MOST_REDIRECTS = 10
MOST_KEPT = 100  # pages that are not read again where they are the same


class Reply(NamedTuple):
    """What a site answers: the status of HTTP, the source of the page, and where else to look, empty for nowhere."""

    status: int
    source: str
    location: str = ""


class Site(Protocol):
    """Answers requests."""

    def ask(self, method: str, target: str, form: Mapping[str, str]) -> Reply:
        """Return the answer to GET or POST of ``target``, a path with its query; ``form`` is what is posted."""


class Client:
    """Is at one page of a site at a time. What is filled in there is lost when another page comes."""

    def __init__(self, site: Site, *, origin: str = "http://localhost") -> None:
        self._site = site
        self._origin = origin
        self._target = "/"
        self._source = ""
        self._values: dict[str, str | bool] = {}
        self._document: Document | None = None
        self._page: Page | None = None
        self._read_before: dict[tuple[object, ...], tuple[Document, Page]] = {}

    @property
    def page(self) -> Page:
        """The page as it is now, with what was filled in."""
        if self._page is None:
            key = (self._target, self._source, *sorted(self._values.items()))
            if key not in self._read_before:
                if len(self._read_before) == MOST_KEPT:
                    self._read_before.clear()
                document = parse(self._source, values=self._values)
                page = read_page(document.root, url=self._origin + self._target, title=document.title)
                self._read_before[key] = document, page
            self._document, self._page = self._read_before[key]
        return self._page

    def open(self, target: str) -> None:
        """Go to ``target``, a path with its query.

        Raises: EnvironmentFailureError where it leads to another site or never to a page.
        """
        self._go("GET", target, {})

    def click(self, element: Element) -> None:
        """Follow a link, send the form of a button, or turn a box: what else answers clicks needs a browser, and nothing happens.

        A link to another site is not followed.
        """
        if element.is_disabled:
            return
        if element.href is not None:
            if element.href.startswith("/"):
                self.open(element.href)
        elif element.role == "checkbox":
            self._fill(element, not element.is_checked)
        elif element.role == "radio":
            for other in self._fields(element.key):
                if self._is_same_choice(other, element):
                    self._values[other.key] = False
            self._fill(element, value=True)
        elif element.role == "button":
            self._send(element.key)

    def type(self, element: Element, text: str) -> None:
        """Replace what is in a text box by ``text``."""
        if element.role == "textbox" and not element.is_disabled:
            self._fill(element, text)

    def select(self, element: Element, option: str) -> None:
        """Select an option of a list; one that it does not offer is not selected."""
        if option in element.options and not element.is_disabled:
            self._fill(element, option)

    def _fill(self, element: Element, value: str | bool) -> None:  # noqa: FBT001 -- a value
        self._values[element.key] = value
        self._page = None

    def _go(self, method: str, target: str, form: Mapping[str, str]) -> None:
        for _ in range(MOST_REDIRECTS):
            reply = self._site.ask(method, target, form)
            if not reply.location:
                self._target, self._source = target, reply.source
                self._values, self._page = {}, None
                return
            there = urlsplit(urljoin(self._origin + target, reply.location))
            if f"{there.scheme}://{there.netloc}" != self._origin:
                raise EnvironmentFailureError(f"{quoted(target)} leads to another site: {quoted(reply.location)}")
            method, target, form = "GET", there.path + (f"?{there.query}" if there.query else ""), {}
        raise EnvironmentFailureError(
            f"expected a page at {quoted(target)} after at most {MOST_REDIRECTS} redirections"
        )

    # --- forms --------------------------------------------------------------------------------------------------------

    def _fields(self, key: str) -> Iterator[Node]:
        """Yield what is in the form that ``key`` is in."""
        document = self._read()
        form = document.forms.get(key)
        if form is not None:
            yield from (document.nodes[each] for each, of in document.forms.items() if of == form)

    def _is_same_choice(self, node: Node, element: Element) -> bool:
        mine = self._read().nodes[element.key].attributes
        return node.attributes.get("type") == "radio" and node.attributes.get("name") == mine.get("name")

    def _send(self, button: str) -> None:
        document = self._read()
        form = document.nodes.get(document.forms.get(button, ""))
        if form is None:
            return
        fields = dict(pair for node in self._fields(button) for pair in _sent(node, is_pressed=node.key == button))
        target = urlsplit(urljoin(self._origin + self._target, form.attributes.get("action", "")))
        if f"{target.scheme}://{target.netloc}" != self._origin:
            return
        if form.attributes.get("method", "get").lower() == "post":
            self._go("POST", target.path, fields)
        else:
            self._go("GET", f"{target.path}?{urlencode(fields)}" if fields else target.path, {})

    def _read(self) -> Document:
        _ = self.page
        assert self._document is not None
        return self._document


def _sent(node: Node, *, is_pressed: bool) -> Iterator[tuple[str, str]]:
    """Yield what a field of a form adds to what is sent."""
    name = node.attributes.get("name")
    if not name or "disabled" in node.attributes:
        return
    kind = node.attributes.get("type", "text" if node.tag == "input" else "submit").lower()
    if node.tag == "select":
        yield name, _option(node)
    elif node.tag == "textarea":
        text = "".join(each for each in node.children if isinstance(each, str))
        yield name, text if node.value is None else node.value
    elif node.tag == "input" and kind in ("checkbox", "radio"):
        is_checked = "checked" in node.attributes if node.is_checked is None else node.is_checked
        if is_checked:
            yield name, node.attributes.get("value", "on")
    elif node.tag == "button" or kind in ("button", "image", "reset", "submit"):
        if is_pressed and kind == "submit":
            yield name, node.attributes.get("value", "")
    elif node.tag == "input":
        yield name, node.attributes.get("value", "") if node.value is None else node.value


def _option(select: Node) -> str:
    """Return the value that is sent for the option selected."""
    options = [each for each in _within(select) if each.tag == "option"]
    named = {
        " ".join("".join(each for each in option.children if isinstance(each, str)).split()): option
        for option in options
    }
    marked = [each for each in options if "selected" in each.attributes]
    chosen = (
        named.get(select.value)
        if select.value is not None
        else (marked[-1] if marked else options[0] if options else None)
    )
    if chosen is None:
        return ""
    return chosen.attributes.get("value", "".join(each for each in chosen.children if isinstance(each, str)).strip())


def _within(node: Node) -> Iterator[Node]:
    for child in node.children:
        if isinstance(child, Node):
            yield child
            yield from _within(child)


def query_of(target: str) -> tuple[str, dict[str, str]]:
    """Return the path of ``target`` and what its query says."""
    parts = urlsplit(target)
    return parts.path, dict(parse_qsl(parts.query))
