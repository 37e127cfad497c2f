"""What can be done on a page: clicking, typing, selecting, scrolling and going back, on elements that are named by their references."""

from collections.abc import Callable, Collection, Iterator, Mapping

from agentwm.errors import EnvironmentFailureError, quoted
from agentwm.types import Action, ActionSchema

from .chromium import Chromium, RefusedError
from .live import LivePage, press_over, scroll, select
from .page import CONTROLS
from .webdriver import Node

__all__ = ["MOVING", "VERBS", "actions", "do"]

_CLICKED = "|".join(sorted(CONTROLS - {"combobox", "slider"}))

VERBS = {
    schema.verb: schema
    for schema in (
        ActionSchema("click", (_CLICKED,), "click [{0}]"),
        ActionSchema("type", ("textbox", "text"), "type [{0}] [{1}]"),
        ActionSchema("select", ("combobox", "text"), "select [{0}] [{1}]"),
    )
}
"""What is done with an element."""

MOVING = {
    schema.verb: schema
    for schema in (
        ActionSchema("scroll down", (), "scroll down"),
        ActionSchema("scroll up", (), "scroll up"),
        ActionSchema("go back", (), "go back"),
    )
}
"""What is done with a page as a whole. What lies out of view is read all the same, so only pages that grow ask for it."""


def actions(live: LivePage, texts: Collection[str], verbs: Mapping[str, ActionSchema] = VERBS) -> Iterator[Action]:
    """Yield what can be done on a page with ``verbs``, where ``texts`` are what might be typed."""
    for element in live.page:
        if not element.is_control or element.is_disabled:
            continue
        if element.role == "textbox":
            yield from (Action("type", (element.reference, text)) for text in texts)
        if element.role == "combobox":
            yield from (Action("select", (element.reference, option)) for option in element.options)
        elif element.role != "slider":
            yield Action("click", (element.reference,))
    yield from (Action(verb) for verb, schema in verbs.items() if not schema.parameters)


def do(browser: Chromium, live: LivePage, action: Action) -> str | None:
    """Do ``action``, one of the verbs above; return why the page did not let it be done, None where it was done.

    Raises: EnvironmentFailureError for an element that is not there, and when the browser breaks.
    """
    try:
        if action.verb in MOVING:
            _MOVES[action.verb](browser)
        else:
            _DEEDS[action.verb](browser, _node(live, action), *action.args[1:])
    except RefusedError as error:
        return f"Nothing happens: {error}."
    return None


def _node(live: LivePage, action: Action) -> Node:
    """Return the element that ``action`` is done with, as the browser knows it."""
    element = live.page.element(action.args[0])
    if element is None or element.role not in VERBS[action.verb].parameters[0].split("|"):
        there = ", ".join(each.reference for each in live.page if each.is_control)
        raise EnvironmentFailureError(f"expected an element of the page, of {quoted(there)}; got {quoted(str(action))}")
    node = live.node(element)
    if node is None:
        raise RefusedError("it does not answer")
    return node


_DEEDS: dict[str, Callable[..., None]] = {"click": Chromium.click, "type": press_over, "select": select}
_MOVES: dict[str, Callable[[Chromium], None]] = {
    "scroll down": lambda browser: scroll(browser, down=True),
    "scroll up": lambda browser: scroll(browser, down=False),
    "go back": Chromium.back,
}
