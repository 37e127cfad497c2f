"""From a document's nodes, as a parser or a browser has them, to the page that is seen.

Both readers hand over the same kind of nodes, and all that is decided about them is decided here: what is visible, what a node is, what it
is called. So they agree wherever they were given the same.

Source: roles and names after WAI-ARIA 1.2, HTML-AAM and accname 1.2, as far as plain pages need them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from urllib.parse import urljoin, urlsplit

from .page import CONTROLS, Element, Page, tidy

__all__ = ["Node", "address", "read_page"]

MOST_ELEMENTS = 1_000  # of a page; what comes after them is left out
DEEPEST = 100  # nodes within one another; what lies deeper is left out
LONGEST_TEXT = 1_000  # characters of one text or name
LONGEST_REFERENCE = 60  # characters of a name in a reference


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a document, with what a browser knows of it and its source does not say.

    ``attributes`` are those of the source, by their names in lower case. ``is_hidden`` is whether styles hide it with all that is in it.
    ``value`` is what is typed into it or the text of the option selected, None where it is as the source says; ``is_checked`` likewise.
    ``is_clickable`` is whether it answers clicks though its tag does not say so. ``key`` is how the reader finds it again.
    """

    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple["Node | str", ...] = ()
    is_hidden: bool = False
    value: str | None = None
    is_checked: bool | None = None
    is_clickable: bool = False
    key: str = ""


_UNSEEN_TAGS = (
    "audio base canvas embed frame frameset head iframe link meta noframes noscript object param script source "
    "style template title track video wbr"
)
_DROPPED = frozenset(_UNSEEN_TAGS.split())
_BLOCK_TAGS = (
    "address article aside blockquote body br caption center dd details dialog div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol p pre search section summary table "
    "tbody td tfoot th thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_FIELDS = frozenset({"input", "select", "textarea"})
_ROLES = {
    "a": "link",
    "area": "link",
    "button": "button",
    "dialog": "dialog",
    "fieldset": "group",
    "form": "form",
    "img": "image",
    "input": "textbox",
    "li": "listitem",
    "nav": "navigation",
    "select": "combobox",
    "summary": "button",
    "textarea": "textbox",
    "tr": "row",
    **{f"h{level}": "heading" for level in range(1, 7)},
}
_INPUTS = {
    "button": "button",
    "checkbox": "checkbox",
    "image": "button",
    "radio": "radio",
    "range": "slider",
    "reset": "button",
    "submit": "button",
}
_GIVEN = {
    "alertdialog": "dialog",
    "listbox": "combobox",
    "searchbox": "textbox",
    "spinbutton": "textbox",
    "switch": "checkbox",
}
_PLAIN = dict.fromkeys(map(ord, "[](),'\"\\"), " ")  # what has a meaning where references are written
_CONTAINERS = frozenset({"dialog", "form", "group", "listitem", "navigation", "row", "tabpanel"})
_LEAVES = frozenset({"heading", "image"})


@lru_cache(maxsize=4096)
def address(url: str, href: str | None = None) -> str:
    """Return ``url``, or where ``href`` leads on its page: without the site where it is the page's own, and without the fragment."""
    target = urlsplit(urljoin(url, href or ""))
    here = urlsplit(url)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    is_own = (target.scheme, target.netloc) == (here.scheme, here.netloc)
    return (
        path if is_own else f"{target.scheme}://{target.netloc}{path}" if target.netloc else f"{target.scheme}:{path}"
    )


def read_page(root: Node, *, url: str, title: str = "") -> Page:
    """Return what is visible of the document ``root`` that was found at ``url``."""
    reading = _Reading(root, url)
    children = tuple(reading.inside(root, 0, is_disabled=False))
    return Page(tidy(address(url), longest=LONGEST_TEXT), tidy(title, longest=LONGEST_TEXT), children, reading.left_out)


class _Reading:
    """One document as it is read."""

    def __init__(self, root: Node, url: str) -> None:
        self.url = url
        self.left_out = 0
        self._number = 0
        self._references: set[str] = set()
        self._last: dict[str, int] = {}
        self._by_id: dict[str, Node] = {}
        self._label_of: dict[int, Node] = {}
        self._labelling: set[int] = set()
        self._labels_for: dict[str, Node] = {}
        self._free_label: Node | None = None
        for node in _nodes(root, 0):
            self._by_id.setdefault(node.attributes.get("id", ""), node)
            if node.tag == "label":
                self._note(node)
            elif node.tag in _FIELDS and not _is_hidden(node, None):
                self._note_field(node)

    def _note(self, label: Node) -> None:
        """Note what ``label`` is the label of: what it names or, where it names nothing, the first field in it, else the next one."""
        self._free_label = None
        if target := label.attributes.get("for"):
            self._labels_for.setdefault(target, label)
            return
        field_in_it = next((node for node in _nodes(label, 0) if node.tag in _FIELDS), None)
        if field_in_it is None:
            self._free_label = label
            return
        self._label_of[id(field_in_it)] = label
        self._labelling.add(id(label))

    def _note_field(self, node: Node) -> None:
        """Note that the label before ``node`` is its label, if it is no other's: as people read it, though HTML does not say so."""
        if self._free_label is not None:
            self._label_of.setdefault(id(node), self._free_label)
            self._labelling.add(id(self._free_label))
            self._free_label = None

    def inside(self, node: Node, depth: int, *, is_disabled: bool) -> Iterator[Element]:
        """Yield the elements for what is in ``node``; texts that no block separates are one."""
        run: list[str] = []
        for part in self._parts(node, depth, is_disabled=is_disabled):
            if isinstance(part, str):
                run.append(part)
                continue
            yield from self._text(run)
            run = []
            if part is not None:
                yield part
        yield from self._text(run)

    def _parts(self, node: Node, depth: int, *, is_disabled: bool) -> Iterator[Element | str | None]:
        """Yield texts and elements as they follow one another; None where a block begins or ends."""
        is_silent = node.tag == "legend" or _is_closed(node) or (node.tag == "label" and self._is_label(node))
        for child in node.children:
            if isinstance(child, str):
                if not is_silent:
                    yield child
            elif not _is_hidden(child, node):
                if depth == DEEPEST:
                    self.left_out += 1
                    continue
                is_off = is_disabled or "disabled" in child.attributes
                yield from self._of(child, depth + 1, is_disabled=is_off)

    def _of(self, node: Node, depth: int, *, is_disabled: bool) -> Iterator[Element | str | None]:
        role = _role(node)
        is_leaf = role in CONTROLS or (role in _LEAVES and not _holds_control(node, depth))
        if is_leaf or role in _CONTAINERS:
            yield (
                self._leaf(node, role, is_disabled=is_disabled)
                if is_leaf
                else self._container(node, role, depth, is_disabled=is_disabled)
            )
            return
        if node.tag in _BLOCKS:
            yield None
        yield from self._parts(node, depth, is_disabled=is_disabled)
        if node.tag in _BLOCKS:
            yield None

    def _leaf(self, node: Node, role: str, *, is_disabled: bool) -> Element | None:
        name = self._name(node, role)
        if role == "image" and not name:
            return None
        reference = self._reference(role, name)
        if reference is None:
            return None
        is_off = is_disabled or node.attributes.get("aria-disabled") == "true"
        return Element(
            reference,
            role,
            name,
            value=_value(node, role),
            is_checked=_is_checked(node, role),
            is_disabled=is_off and role in CONTROLS,
            href=self._href(node) if role == "link" else None,
            options=_options(node) if role == "combobox" else (),
            key=node.key,
        )

    def _container(self, node: Node, role: str, depth: int, *, is_disabled: bool) -> Element | None:
        """Return the container that ``node`` is; None where nothing is to be seen in it."""
        name = self._name(node, role)
        reference = self._reference(role, name)
        if reference is None:
            return None
        children = tuple(self.inside(node, depth, is_disabled=is_disabled))
        if not children:
            self._number -= 1
            self._references.discard(reference)
            return None
        return Element(reference, role, name, children=children, key=node.key)

    def _text(self, run: list[str]) -> Iterator[Element]:
        text = tidy("".join(run), longest=LONGEST_TEXT)
        if text and (reference := self._reference("text", "")) is not None:
            yield Element(reference, "text", text)

    def _reference(self, role: str, name: str) -> str | None:
        """Return a reference that no other element has; None where there are too many elements already."""
        if self._number >= MOST_ELEMENTS:
            self.left_out += 1
            return None
        self._number += 1
        plain = " ".join(name[:LONGEST_REFERENCE].translate(_PLAIN).split())
        stem = f"{role} {plain}" if plain else role
        number = self._last.get(stem, 0) + 1
        while True:
            reference = stem if plain and number == 1 else f"{stem} {number}"
            if reference not in self._references:
                break
            number += 1
        self._last[stem] = number
        self._references.add(reference)
        return reference

    # --- names --------------------------------------------------------------------------------------------------------

    def _is_label(self, label: Node) -> bool:
        """Whether the text of ``label`` names a field that is there, and so need not be shown beside it."""
        target = label.attributes.get("for")
        if target is None:
            return id(label) in self._labelling
        return target in self._by_id and not _is_hidden(self._by_id[target], None)

    def _name(self, node: Node, role: str) -> str:
        """Return what ``node`` is called; of a container only what it is called expressly."""
        attributes = node.attributes
        ids = attributes.get("aria-labelledby", "").split()
        named = " ".join(_content(self._by_id[each]) for each in ids if each in self._by_id)
        label = self._label_of.get(id(node)) or self._labels_for.get(attributes.get("id", ""))
        given = (named, attributes.get("aria-label", ""), _content(label) if label is not None else "")
        last = (attributes.get("title", ""), attributes.get("placeholder", ""))
        candidates = chain(given, (_own_name(node, role),), last)
        return next((name for each in candidates if (name := tidy(each, longest=LONGEST_TEXT))), "")

    def _href(self, node: Node) -> str | None:
        href = node.attributes.get("href")
        if href is None or href.strip().lower().startswith(("javascript:", "data:")):
            return None
        try:
            return tidy(address(self.url, href), longest=LONGEST_TEXT)
        except ValueError:  # no address at all
            return None


def _own_name(node: Node, role: str) -> str:
    if role == "image":
        return node.attributes.get("alt", "")
    if node.tag == "input":
        kind = node.attributes.get("type", "text").lower()
        default = {"submit": "Submit", "reset": "Reset"}.get(kind, "")
        return (
            node.attributes.get("value", default) or node.attributes.get("alt", "")
            if _INPUTS.get(kind) == "button"
            else ""
        )
    if role == "group":
        return next((_content(each) for each in node.children if isinstance(each, Node) and each.tag == "legend"), "")
    is_named_by_content = role in ("button", "clickable", "heading", "link", "menuitem", "option", "tab") or (
        role in ("checkbox", "radio") and node.tag != "input"
    )
    return _content(node) if is_named_by_content else ""


def _content(node: Node) -> str:
    """Return the visible text in ``node``, without that of the fields in it."""
    return "".join(_texts(node, 0))


def _texts(node: Node, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        return
    for child in node.children:
        if isinstance(child, str):
            yield child
        elif not _is_hidden(child, node) and child.tag not in ("select", "textarea"):
            is_block = child.tag in _BLOCKS
            if is_block:
                yield " "
            yield child.attributes.get("alt", "") if child.tag == "img" else "".join(_texts(child, depth + 1))
            if is_block:
                yield " "


# --- what a node is ---------------------------------------------------------------------------------------------------


def _nodes(node: Node, depth: int) -> Iterator[Node]:
    yield node
    if depth < DEEPEST:
        for child in node.children:
            if isinstance(child, Node):
                yield from _nodes(child, depth + 1)


def _is_hidden(node: Node, parent: Node | None) -> bool:
    attributes = node.attributes
    if node.is_hidden or node.tag in _DROPPED or "hidden" in attributes:
        return True
    if node.tag == "input":
        return attributes.get("type", "").lower() == "hidden"
    if parent is not None and _is_closed(parent):
        return node.tag != "summary"
    return node.tag == "dialog" and "open" not in attributes


def _is_closed(node: Node) -> bool:
    return node.tag == "details" and "open" not in node.attributes


def _role(node: Node) -> str:
    """Return the role of ``node``; what answers clicks has one of its own, unless it holds what does so itself."""
    role = _plain_role(node)
    return "clickable" if node.is_clickable and role not in CONTROLS and not _holds_control(node, 0) else role


def _plain_role(node: Node) -> str:
    """Return the role that the source gives ``node``, empty where it has none to speak of."""
    given = node.attributes.get("role", "").split(" ")[0].lower()
    given = _GIVEN.get(given, given)
    if given in CONTROLS or given in _CONTAINERS or given in _LEAVES:
        return given
    if node.tag == "input":
        return _INPUTS.get(node.attributes.get("type", "text").lower(), "textbox")
    if node.tag in ("a", "area") and "href" not in node.attributes:
        return ""
    return _ROLES.get(node.tag, "")


def _holds_control(node: Node, depth: int) -> bool:
    return depth < DEEPEST and any(
        not _is_hidden(child, node)
        and (child.is_clickable or _plain_role(child) in CONTROLS or _holds_control(child, depth + 1))
        for child in node.children
        if isinstance(child, Node)
    )


def _value(node: Node, role: str) -> str | None:
    if role in ("textbox", "slider"):
        default = "".join(each for each in node.children if isinstance(each, str)) if node.tag == "textarea" else ""
        value = node.attributes.get("value", default) if node.value is None else node.value
        return tidy(value, longest=LONGEST_TEXT)
    if role == "combobox":
        return _selected(node) if node.value is None else tidy(node.value, longest=LONGEST_TEXT)
    return None


def _is_checked(node: Node, role: str) -> bool | None:
    if role in ("checkbox", "radio"):
        if node.is_checked is not None:
            return node.is_checked
        return "checked" in node.attributes or node.attributes.get("aria-checked") == "true"
    if role == "tab":
        return node.attributes.get("aria-selected") == "true"
    return None


def _choices(node: Node) -> list[Node]:
    return [each for each in _nodes(node, 0) if each.tag == "option" and not each.is_hidden]


def _options(node: Node) -> tuple[str, ...]:
    return tuple(tidy(_content(each), longest=LONGEST_TEXT) for each in _choices(node))


def _selected(node: Node) -> str:
    """Return the option that the source selects: the last marked one, else the first, unless several may be or several are seen."""
    choices = _choices(node)
    marked = [each for each in choices if "selected" in each.attributes]
    if not marked and ("multiple" in node.attributes or not choices):
        return ""
    return tidy(_content(marked[-1] if marked else choices[0]), longest=LONGEST_TEXT)
