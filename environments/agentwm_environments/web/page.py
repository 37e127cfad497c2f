"""A page as an agent sees it: what is visible on it, as a tree of elements, whichever way it was read."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["CONTROLS", "Element", "Page", "tidy"]

CONTROLS = frozenset(
    {"button", "checkbox", "clickable", "combobox", "link", "menuitem", "option", "radio", "slider", "tab", "textbox"}
)
"""The roles of what can be acted on. ``clickable`` is what answers clicks without saying what it is."""

_INVISIBLE = (
    "Cc",
    "Cf",
    "Co",
    "Cs",
)  # categories of Unicode: controls, formats (also of direction), private use, surrogates


@dataclass(frozen=True, slots=True)
class Element:
    """Something visible: a control, a text, or a container with what is in it.

    ``reference`` names it among all elements of its page, after its role and its name: ``button OK``, and ``button OK 2`` for a second one.
    ``name`` is its accessible name; of a text, the text. ``value`` is what is typed or selected, None where nothing can be. ``is_checked``
    is None for what cannot be. ``href`` is where a link leads: path and query on the page's own site, the whole address elsewhere.
    ``options`` are what can be selected, as it reads. ``key`` is what the reader calls it, for whoever acts on it.
    """

    reference: str
    role: str
    name: str = ""
    value: str | None = None
    is_checked: bool | None = None
    is_disabled: bool = False
    href: str | None = None
    options: tuple[str, ...] = ()
    children: tuple["Element", ...] = ()
    key: str = field(default="", compare=False)

    @property
    def is_control(self) -> bool:
        """Whether it can be acted on."""
        return self.role in CONTROLS

    def __iter__(self) -> Iterator["Element"]:
        """Yield the element and all that is in it, in the order of the page."""
        yield self
        for child in self.children:
            yield from child

    def line(self) -> str:
        """Return it in a line of words; a control's reference stands in brackets."""
        parts = (
            [f"[{self.reference}]"]
            if self.is_control
            else [self.role, _quoted(self.name)]
            if self.name
            else [self.role]
        )
        if self.value is not None:
            parts.append(f"= {_quoted(self.value)}")
        if self.options:
            parts.append(f"of {', '.join(map(_quoted, self.options))}")
        if self.is_checked is not None:
            parts.append("checked" if self.is_checked else "not checked")
        if self.is_disabled:
            parts.append("disabled")
        if self.href is not None:
            parts.append(f"to {self.href}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Page:
    """What is visible of a page. ``url`` is its path and query; ``left_out`` counts the elements that were too many to be shown."""

    url: str
    title: str
    children: tuple[Element, ...] = ()
    left_out: int = 0

    def __iter__(self) -> Iterator[Element]:
        """Yield every element, in the order of the page."""
        for child in self.children:
            yield from child

    def element(self, reference: str) -> Element | None:
        """Return the element with that ``reference``; None where there is none."""
        return next((each for each in self if each.reference == reference), None)

    @property
    def text(self) -> str:
        """The page as an indented tree, a line per element; what the page says itself stands in quotes or brackets."""
        lines = [f"page {_quoted(self.title)} at {self.url}"]
        for child in self.children:
            _write(child, 1, lines)
        if self.left_out:
            lines.append(f"(the page is cut here: {self.left_out} more elements)")
        return "\n".join(lines)


def tidy(text: str, *, longest: int) -> str:
    """Return ``text`` with its white space collapsed, what is invisible in it escaped, and cut to so many characters."""
    words = " ".join(text.split()) if text else ""
    if not words.isprintable():
        words = "".join(_escaped(each) if unicodedata.category(each) in _INVISIBLE else each for each in words)
    return words if len(words) <= longest else words[: longest - 1] + "…"


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _write(element: Element, depth: int, lines: list[str]) -> None:
    lines.append("  " * depth + element.line())
    for child in element.children:
        _write(child, depth + 1, lines)
