"""Reads missions in BabyAI's language: what is to be done, in which order, as conditions over states.

Source: the Baby Language, section 3.2 of Chevalier-Boisvert et al., "BabyAI: A Platform to Study the Sample Efficiency of Grounded
Language Learning" (2019).
"""

import re
from collections.abc import Iterator, Sequence

from agentwm.types import Condition, Goal, Ref, Term, Var

from .words import CARRIED_COLOR, CARRIED_ORIGIN, CARRYING, DROPPED, PLACES

__all__ = ["Part", "fluents_in", "goal_of", "parts_of"]

Part = tuple[Condition, ...]
"""What is to be so once one thing has been done."""

_THING = (
    r"(?:the|a) (?:(?P<color{0}>red|green|blue|purple|yellow|grey) )?(?P<kind{0}>object|box|ball|key|door)"
    rf"(?: (?P<place{{0}}>{'|'.join(PLACES)}))?"
)
_CLAUSES = {
    verb: re.compile(pattern)
    for verb, pattern in (
        ("go to", f"go to {_THING.format('')}"),
        ("pick up", f"pick up {_THING.format('')}"),
        ("open", f"open {_THING.format('')}"),
        ("put", f"put {_THING.format('')} next to {_THING.format('2')}"),
    )
}

_FRONT = Ref("front")
_THERE = Var("y")


def goal_of(text: str) -> Goal:
    """Return what ``text`` asks for; a goal without conditions where it is not in BabyAI's language."""
    parts = parts_of(text)
    return Goal(text, parts[0], parts[1:]) if parts else Goal(text)


def parts_of(text: str) -> tuple[Part, ...]:
    """Return the parts of the mission ``text`` in an order in which they may be done, none where it cannot be read.

    "A after you B" has B first; "A and B", which may be done in either order, is taken in that of the text.
    """
    first, after, then = text.partition(" after you ")
    clauses = [then, first] if after else text.split(", then ")
    parts = [_read(clause) for joined in clauses for clause in joined.split(" and ")]
    return () if None in parts else tuple(part for part in parts if part is not None)


def fluents_in(parts: Sequence[Part]) -> frozenset[str]:
    """Return the names of the fluents that ``parts`` ask after."""
    return frozenset(name for part in parts for each in part for name in _names(each.left))


def _names(term: object) -> Iterator[str]:
    if isinstance(term, Ref):
        yield term.name
        for inner in term.args:
            yield from _names(inner)


def _read(clause: str) -> Part | None:
    for verb, pattern in _CLAUSES.items():
        if found := pattern.fullmatch(clause):
            words = found.groupdict()
            if verb == "pick up":
                return _is_carried(words)
            if verb == "put":
                return (*_is_in(Ref(DROPPED.name), words), *_is_in(_THERE, words, "2"), _BESIDE)
            part = _is_in(_FRONT, words)
            return (*part, Condition(Ref("state", (_FRONT,)), "==", "open")) if verb == "open" else part
    return None


_BESIDE = Condition(Ref("beside", (Ref(DROPPED.name), _THERE)), op="==", right=True)


def _is_in(where: Term, words: dict[str, str | None], which: str = "") -> Part:
    """Return the conditions for the thing of ``words`` to be in the cell ``where``."""
    return _is_thing(Ref("object", (where,)), Ref("color", (where,)), Ref("origin", (where,)), words, which)


def _is_carried(words: dict[str, str | None]) -> Part:
    return _is_thing(Ref(CARRYING.name), Ref(CARRIED_COLOR.name), Ref(CARRIED_ORIGIN.name), words)


def _is_thing(kind: Ref, color: Ref, origin: Ref, words: dict[str, str | None], which: str = "") -> Part:
    conditions = []
    if words[f"kind{which}"] != "object":
        conditions.append(Condition(kind, "==", words[f"kind{which}"]))
    if words[f"color{which}"]:
        conditions.append(Condition(color, "==", words[f"color{which}"]))
    if place := words[f"place{which}"]:
        conditions.append(Condition(Ref(PLACES[place], (origin,)), op="==", right=True))
    return tuple(conditions)
