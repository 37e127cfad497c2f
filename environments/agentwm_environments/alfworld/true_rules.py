"""The household's laws as rules in the language of rules: what a perfect learner would know."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from .laws import ORDINARY, TREATMENTS, Law, Laws
from .rooms import CLEANABLE, COOLABLE, FIXED, HEATABLE, SLICEABLE, TEMPLATES, TOGGLEABLE, held_by

__all__ = ["true_rules"]

_TREATABLE = {"heat": HEATABLE, "clean": CLEANABLE, "cool": COOLABLE}
_UNMOVED = FIXED | {"bathtub", "sink"}
"""Kinds that cannot be picked up; the last two lie in basins of official rooms alone."""

# A receptacle without a door, whose ``open`` is nothing, meets them all.
_DOORS = {"open": "open(?r) is not false", "shut": "open(?r) is not true", "any": ""}
_HERE = "place(at()) is place(?r)"


def true_rules(laws: Laws = ORDINARY) -> tuple[str, ...]:
    """Return rules that say when each verb succeeds under ``laws``, and what it then changes; in no other circumstances does it.

    That failure is not spelt out: where all rules of success are ruled out, a model guesses it anyway. Putting things down takes one
    rule for all kinds of receptacle that take the same kinds of thing, as the language has no word for a table of pairs.
    """
    return tuple(_lines(laws))


def _lines(laws: Laws) -> Iterator[str]:
    yield "look then 1.00 success"
    yield "inventory then 1.00 success"
    yield "examine ?o when holding() is ?o then 1.00 success"
    examined = ('sort(?r) is "receptacle"', _HERE)
    yield _line("examine ?r", examined)
    yield _line("examine ?r", (*examined, _DOORS["open"]), "explored(?r) becomes true")
    yield _line("go to ?r", ("place(at()) is not place(?r)",), "at() becomes ?r")
    yield _line("go to ?r", ("place(at()) is not place(?r)", _DOORS["open"]), "explored(?r) becomes true")
    # Only what has a door can be opened or closed, and each door is either open or shut.
    opened, closed = (_HERE, "open(?r) is false"), (_HERE, "open(?r) is true")
    yield _line("open ?r", (*opened, *_hand(laws.open)), "open(?r) becomes true, explored(?r) becomes true")
    yield _line("close ?r", (*closed, *_hand(laws.close)), "open(?r) becomes false")
    taken = ("in(?o) is ?r", _HERE, _DOORS[laws.take.door], *_hand(laws.take), f"kind(?o) is none of {_set(_UNMOVED)}")
    yield _line("take ?o ?r", taken, "holding() becomes ?o, in(?o) becomes nothing")
    for receptacles, things in _fitting():
        fits = (f"kind(?r) is one of {_set(receptacles)}", f"kind(?o) is one of {_set(things)}")
        moved = ("holding() is ?o", _HERE, _DOORS[laws.move.door], *fits)
        yield _line("move ?o ?r", moved, "holding() becomes nothing, in(?o) becomes ?r")
    used = ("place(at()) is place(in(?o))", f"kind(?o) is one of {_set(TOGGLEABLE)}", *_hand(laws.use))
    yield _line("use ?o", used, "on(?o) becomes true")
    tools = f"kind(?k) is one of {_set(laws.slice.instruments)}"
    sliced = ("holding() is ?k", tools, "place(at()) is place(in(?o))", f"kind(?o) is one of {_set(SLICEABLE)}")
    yield _line("slice ?o ?k", sliced, "sliced(?o) becomes true")
    for verb in TREATMENTS:
        yield _treatment(verb, getattr(laws, verb))


def _treatment(verb: str, law: Law) -> str:
    when = (
        "holding() is ?o" if law.works_on == "held" else "in(?o) is ?r",
        _HERE,
        _DOORS[law.door],
        *_hand(law),
        f"kind(?r) is one of {_set(law.instruments)}",
        f"kind(?o) is one of {_set(_TREATABLE[verb])}",
    )
    undone = (f"{quality}(?o) becomes false" for quality in sorted(law.undoes))
    return _line(f"{verb} ?o ?r", when, ", ".join((f"{law.makes}(?o) becomes true", *undone)))


def _fitting() -> list[tuple[list[str], frozenset[str]]]:
    """Return kinds of receptacle, those together that take the same kinds of thing, with what they take."""
    kinds = {furniture.kind for room in TEMPLATES.values() for furniture in room.furniture}
    alike: dict[frozenset[str], list[str]] = defaultdict(list)
    for kind in sorted(filter(held_by, kinds)):
        alike[held_by(kind)].append(kind)
    return [(receptacles, things) for things, receptacles in alike.items()]


def _hand(law: Law) -> tuple[str, ...]:
    return ("holding() is nothing",) if law.needs_empty_hand else ()


def _line(head: str, when: Iterable[str], changes: str = "") -> str:
    return f"{head} when {' and '.join(filter(None, when))} then 1.00 success{': ' if changes else ''}{changes}"


def _set(kinds: Iterable[str]) -> str:
    return "{" + ", ".join(f'"{kind}"' for kind in sorted(kinds)) + "}"
