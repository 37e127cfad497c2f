"""What a page tells as facts, held against the instruction that is given with it: what is there, what the instruction names of it.

A piece of text is a thing, named by itself: what is typed or selected is such a piece, and so is what an element is called.
"""

import re
from collections.abc import Iterable, Iterator

from agentwm.types import Fluent, FluentSchema, State, Value

from .page import CONTROLS, Element, Page
from .words import quotations

__all__ = ["FLUENTS", "NAMED", "facts", "mentioned", "named"]

NAMED = (Fluent("named1"), Fluent("named2"))
"""The first texts that an instruction names."""

_CONTROL = "|".join(sorted(CONTROLS))
_CHOSEN = "checkbox|radio|tab"


def _where(state: State, text: Value) -> Value:
    """Return what the first field is called in which ``text`` stands; None where it stands in none."""
    fields = (fluent.args[0] for fluent, value in state.items() if fluent.name == "value" and value == text)
    return None if text is None else next((state.get(Fluent("name", (field,))) for field in fields), None)


def _where1(state: State, _: tuple[str, ...]) -> Value:
    return _where(state, state.get(NAMED[0]))


def _where2(state: State, _: tuple[str, ...]) -> Value:
    return _where(state, state.get(NAMED[1]))


FLUENTS = {
    schema.name: schema
    for schema in (
        FluentSchema("sort", ("any",), "sort", static=True),
        FluentSchema("kind", ("any",), "kind", static=True),
        FluentSchema("name", (_CONTROL,), "text", static=True, about="what an element is called"),
        FluentSchema("value", ("combobox|slider|textbox",), "text", about="what is typed or selected in it"),
        FluentSchema("blank", ("textbox",), "bool", about="whether nothing is typed in it"),
        FluentSchema("checked", (_CHOSEN,), "bool", about="whether it is checked or, of a tab, in front"),
        FluentSchema("unchecked", (_CHOSEN,), "bool", about="whether it could be checked and is not"),
        FluentSchema("disabled", (_CONTROL,), "bool", default=False, has_default=True),
        FluentSchema(
            "offers", ("combobox", "text"), "bool", default=False, has_default=True, about="a choice in a list"
        ),
        FluentSchema(
            "asked", ("any",), "bool", default=False, has_default=True, static=True, about="the instruction names it"
        ),
        FluentSchema(
            "mention", (_CHOSEN,), "kind", static=True, about="named, where the instruction names it, else unnamed"
        ),
        FluentSchema(
            "named1", (), "text", static=True, about="the first text that the instruction quotes, or names of a list"
        ),
        FluentSchema("named2", (), "text", static=True, about="the second one"),
        FluentSchema(
            "where1", (), "kind", derive=_where1, about="what the field is called that the first of these stands in"
        ),
        FluentSchema("where2", (), "kind", derive=_where2, about="what the field is called that the second stands in"),
    )
}
"""What can be said of any page and its instruction."""


def facts(page: Page, instruction: str) -> dict[Fluent, Value]:
    """Return what is so of the controls of ``page``, in the light of the ``instruction``."""
    asked = mentioned(_names(page), instruction)
    found: dict[Fluent, Value] = {}
    for element in page:
        if element.is_control:
            found.update(_of(element, is_asked=element.name in asked))
            for option in element.options:
                found.update(_text(option, is_asked=option in asked))
    for fluent, text in zip(NAMED, (*named(page, instruction), None, None), strict=False):
        found[fluent] = text
        if text is not None:
            found.update(_text(text, is_asked=True))
    return found


def named(page: Page, instruction: str) -> tuple[str, ...]:
    """Return the texts that the ``instruction`` names: what it quotes and, after that, the choices that it mentions, in its order."""
    asked = mentioned(_names(page), instruction)
    choices = {option for element in page for option in element.options if option in asked}
    return tuple(dict.fromkeys((*quotations(instruction), *sorted(choices, key=lambda each: asked[each]))))


def mentioned(names: Iterable[str], instruction: str) -> dict[str, int]:
    """Return those of ``names`` that the ``instruction`` mentions, each with the place of its first mention.

    All of its words follow one another there, and not only as a part of a longer one that is mentioned: "Guinea" is not in "Guinea-Bissau"
    where that is a name, too. Of names that differ in case, the one that is written as in the instruction is meant.
    """
    said = _words(instruction)
    free = [True] * len(said)
    found: dict[str, int] = {}
    by_words: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys(names):
        by_words.setdefault(tuple(_words(name)), []).append(name)
    for fold in (str, str.casefold):
        spoken = [fold(word) for word in said]
        for words in sorted(filter(None, by_words), key=len, reverse=True):
            sought, long = [fold(word) for word in words], len(words)
            starts = range(len(said) - long + 1)
            places = [
                start for start in starts if spoken[start : start + long] == sought and all(free[start : start + long])
            ]
            for place in places:
                free[place : place + long] = [False] * long
            found.update((name, places[0]) for name in by_words[words] if places)
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _names(page: Page) -> Iterator[str]:
    for element in page:
        if element.is_control:
            yield element.name
            yield from element.options


def _text(text: str, *, is_asked: bool) -> Iterator[tuple[Fluent, Value]]:
    yield Fluent("sort", (text,)), "text"
    yield Fluent("kind", (text,)), "text"
    if is_asked:
        yield Fluent("asked", (text,)), True


def _of(element: Element, *, is_asked: bool) -> Iterator[tuple[Fluent, Value]]:
    """Yield what is so of a control; its kind says what it is, not what it is called, which differs from page to page."""
    it = (element.reference,)
    yield Fluent("sort", it), element.role
    yield Fluent("kind", it), element.role
    yield Fluent("name", it), element.name
    if is_asked:
        yield Fluent("asked", it), True
    if element.value is not None:
        yield Fluent("value", it), element.value
        if element.role == "textbox":
            yield Fluent("blank", it), not element.value
    if element.is_checked is not None:
        yield Fluent("checked", it), element.is_checked
        yield Fluent("unchecked", it), not element.is_checked
        yield Fluent("mention", it), "named" if is_asked else "unnamed"
    if element.is_disabled:
        yield Fluent("disabled", it), True
    for option in element.options:
        yield Fluent("offers", (element.reference, option)), True
