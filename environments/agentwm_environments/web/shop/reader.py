"""Reads the pages of the shop into facts: what is written on them, and never what would come of an action.

What was read stays known when the page is left: where links lead, and what a list said of a product. What is chosen or filled in belongs
to the page that is seen. A price that is another one than was written before corrects what was known of the product: it is nobody's doing.
"""

import re
from collections.abc import Iterator

from agentwm.types import Action, Fluent, Observation, Perception, State, Value
from agentwm_environments.web.page import Element, Page
from agentwm_environments.web.words import quotations

from .words import PAGE, VOCABULARY

__all__ = ["ShopReader", "read_instruction", "read_page_facts"]

_DESCRIBED = re.compile(r"Price: (\d+\.\d\d)\. Colour: ([^.]+)\. Size: ([^.]+)\.( Out of stock\.)?")
_BASKET = re.compile(r"In your basket: (.+)")
_PIECE = re.compile(r"(.+?), (\w+), (\w+)(?: at (\d+\.\d\d))?")
_THANKS = re.compile(r"Thank you! Sent to (.+) for [\d.]+:")
_WISH = re.compile(r"(?:a|an) (?P<colour>\w+) (?P<type>\w+) in size (?P<size>\w+) for less than (?P<limit>\d+)")

_FILLED_IN = {"Colour": "colour", "Size": "size", "Name": "name"}
_ORDER = ("ordered", "ordered_colour", "ordered_size", "ordered_name")


class ShopReader:
    """Perceives the shop: what a page says is added to what was known, and corrects it."""

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what is read for the first time, and what is written of products now, as told; what else is otherwise as changed."""
        told: dict[Fluent, Value] = {}
        changed: dict[Fluent, Value] = {}
        for fluent, value in observation.facts.items():
            if action is None or fluent not in state:
                told[fluent] = value
            elif state[fluent] != value:
                (told if VOCABULARY.fluents[fluent.name].static else changed)[fluent] = value
        return Perception(told, changed)


def read_instruction(text: str) -> dict[Fluent, Value]:
    """Return what the instruction names, and the words that it gives to be typed."""
    facts: dict[Fluent, Value] = {Fluent(name): None for name in _ORDER}
    if wish := _WISH.search(text):
        facts.update({Fluent("asked", (label,)): wish[label] for label in ("type", "colour", "size")})
        facts[Fluent("asked", ("limit",))] = int(wish["limit"])
        facts.update(_thing(wish["type"], "words"))
    for words in quotations(text):
        facts.update(_thing(words, "words"))
        facts[Fluent("asked", ("name",))] = words
    return facts


def read_page_facts(page: Page) -> dict[Fluent, Value]:
    """Return what ``page`` says."""
    facts: dict[Fluent, Value] = {PAGE: page.url, Fluent("sort", (page.url,)): "page", **_kind_of(page.url)}
    facts.update({Fluent(name): None for name in _FILLED_IN.values()})
    for element in page:
        facts.update(_control(element, page))
        facts.update(_said(element))
    for heading in (each for each in page.children if each.role == "heading"):
        described = next((match for each in page.children if (match := _DESCRIBED.match(each.name))), None)
        if described:
            facts.update(_product(heading.name, page.url, described))
    rows = [each for each in page.children if each.role == "listitem"]
    for row in rows:
        facts.update(_listed(row))
    if thanks := next((match for each in page.children if (match := _THANKS.fullmatch(each.name))), None):
        facts[Fluent("ordered_name")] = None if thanks[1] == "you" else thanks[1]
        facts.update(
            _only("ordered", [match for row in rows for each in row if (match := _PIECE.fullmatch(each.name))])
        )
    return facts


def _thing(name: str, sort: str, kind: str | None = None) -> Iterator[tuple[Fluent, Value]]:
    yield Fluent("sort", (name,)), sort
    if kind is not None:
        yield Fluent("kind", (name,)), kind


def _kind_of(url: str) -> dict[Fluent, Value]:
    """Return the kind of a page: the first part of its path."""
    return {Fluent("kind", (url,)): url.strip("/").partition("?")[0].partition("/")[0] or "home"}


def _control(element: Element, page: Page) -> Iterator[tuple[Fluent, Value]]:
    name = element.reference
    if not element.is_control:
        return
    # A link is called anything, and what it does lies in where it leads; other controls do what is written on them.
    yield from _thing(name, element.role, element.name if element.href is None else None)
    if element.href is not None:
        yield Fluent("leads", (name,)), element.href
        yield Fluent("on", (name, page.url)), True
        yield from _kind_of(element.href).items()
    if element.name in _FILLED_IN:
        for option in element.options[1:]:  # the first one says that nothing is chosen
            yield from _thing(option, _FILLED_IN[element.name])
    if (fluent := _FILLED_IN.get(element.name)) and element.value is not None:
        is_chosen = element.value and element.value not in element.options[:1]
        yield Fluent(fluent), element.value if is_chosen else None


def _listed(row: Element) -> Iterator[tuple[Fluent, Value]]:
    """Yield what a list says of the product that a link in it names."""
    link = next((each for each in row if each.href is not None), None)
    described = next((match for each in row if (match := _DESCRIBED.match(each.name))), None)
    if link is not None and link.href is not None and described:
        yield from _thing(link.href, "page")  # what is there is known, as far as it matters
        yield from _product(link.name, link.href, described)


def _product(name: str, url: str, described: re.Match[str]) -> Iterator[tuple[Fluent, Value]]:
    price, colours, sizes, out = described.groups()
    yield from _thing(name, "product")
    yield Fluent("is_a", (name,)), name.rsplit(maxsplit=1)[-1]
    yield Fluent("shows", (url,)), name
    yield Fluent("price", (name,)), price
    yield Fluent("in_stock", (name,)), out is None
    for sort, choices in (("colour", colours), ("size", sizes)):
        for choice in choices.split(", "):
            yield from _thing(choice, sort)
            yield Fluent("comes_in", (name, choice)), True


def _said(element: Element) -> Iterator[tuple[Fluent, Value]]:
    """Yield what a text says of the basket."""
    if basket := _BASKET.fullmatch(element.name):
        pieces = [match for each in basket[1].split("; ") if (match := _PIECE.fullmatch(each))]
        for piece in pieces:
            yield Fluent("price", (piece[1],)), piece[4]
        yield Fluent("pieces"), len(pieces)
        yield from _only("basket", pieces)


def _only(what: str, pieces: list[re.Match[str]]) -> Iterator[tuple[Fluent, Value]]:
    """Yield the product, colour and size of the one piece that there is; nothing of each where there is none or are several."""
    values = pieces[0].groups()[:3] if len(pieces) == 1 else (None, None, None)
    yield from zip((Fluent(what), Fluent(f"{what}_colour"), Fluent(f"{what}_size")), values, strict=True)
