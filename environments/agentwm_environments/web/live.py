"""Reads the page that is open in a browser, by one script that hands over its nodes, and acts on its elements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from agentwm.errors import EnvironmentFailureError, quoted

from . import nodes
from .chromium import Chromium, RefusedError
from .page import Element, Page
from .webdriver import Node

__all__ = ["LivePage", "press_over", "read_live", "scroll", "select"]

_MOST_NODES = 20_000
_LONGEST = 1_000  # characters of a text or an attribute
_ATTRIBUTES = (
    "alt",
    "aria-checked",
    "aria-label",
    "aria-labelledby",
    "aria-selected",
    "checked",
    "disabled",
    "for",
    "hidden",
    "href",
    "id",
    "multiple",
    "open",
    "placeholder",
    "role",
    "selected",
    "title",
    "type",
    "value",
)
_SELECT_ALL = "arguments[0].focus(); if (arguments[0].select) arguments[0].select();"
_SELECT = """
const [list, text] = arguments;
const option = Array.from(list.options).find((each) => each.textContent.trim().replace(/\\s+/g, " ") === text);
if (!option || option.disabled || list.disabled) return false;
option.selected = true;
list.dispatchEvent(new Event("input", {bubbles: true}));
list.dispatchEvent(new Event("change", {bubbles: true}));
return true;
"""
_SCROLL = """
const before = window.scrollY;
window.scrollBy(0, arguments[0] * 0.8 * window.innerHeight);
return window.scrollY !== before;
"""
_DELETE = "\ue017"


@dataclass(frozen=True, slots=True)
class LivePage:
    """A page with its ``url`` in full and the elements of the browser behind it, by their keys."""

    page: Page
    url: str
    elements: Mapping[str, Node]

    def node(self, element: Element) -> Node | None:
        """Return what ``element`` is in the browser; None for what cannot be acted on."""
        return self.elements.get(element.key)


def read_live(browser: Chromium, *, skipped: Sequence[str] = ()) -> LivePage:
    """Return the page that is open, without what the selectors ``skipped`` find.

    Raises: EnvironmentFailureError where the browser breaks, or answers with what is no page.
    """
    told = browser.run(_script(), list(skipped), _ATTRIBUTES, _MOST_NODES, _LONGEST)
    try:
        root = _node(told["tree"])
        elements = {str(number): node for number, node in enumerate(told["elements"]) if isinstance(node, Node)}
        url, title = _text(told["url"]), _text(told["title"])
    except (
        KeyError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:  # a page may have put its own in place of what a script relies on
        raise EnvironmentFailureError(
            f"expected the nodes of a page, got {quoted(told)} ({type(error).__name__})"
        ) from None
    return LivePage(nodes.read_page(root, url=url, title=title), url, elements)


def press_over(browser: Chromium, node: Node, text: str) -> None:
    """Type ``text`` in place of what stands in ``node``. Raises: RefusedError where that cannot be."""
    browser.run(_SELECT_ALL, node)
    browser.press(node, _DELETE + text)


def select(browser: Chromium, node: Node, text: str) -> None:
    """Select the option that reads ``text`` in the list ``node``. Raises: RefusedError where there is none."""
    if browser.run(_SELECT, node, text) is not True:
        raise RefusedError(f"no option {quoted(text)} to select")


def scroll(browser: Chromium, *, down: bool) -> None:
    """Scroll the page by most of what is in view. Raises: RefusedError where there is no more of it that way."""
    if browser.run(_SCROLL, 1 if down else -1) is not True:
        raise RefusedError("there is no more of the page that way")


@cache
def _script() -> str:
    return (files(__package__) / "reader.js").read_text(encoding="utf-8")


def _node(told: Any) -> nodes.Node:
    tag, attributes, children, hidden, value, checked, clickable, key = told
    return nodes.Node(
        _text(tag),
        {_text(name): _text(said) for name, said in attributes.items()},
        tuple(each if isinstance(each, str) else _node(each) for each in children),
        is_hidden=hidden is True,
        value=None if value is None else _text(value),
        is_checked=checked if isinstance(checked, bool) else None,
        is_clickable=clickable is True,
        key="" if key == -1 else str(int(key)),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
