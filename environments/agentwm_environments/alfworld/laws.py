"""The household's dynamics: one table of what each verb needs and does, and variants of it drawn by a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from .game import Game

__all__ = ["ORDINARY", "Law", "Laws", "altered", "differences", "is_reachable"]


@dataclass(frozen=True, slots=True)
class Law:
    """What one verb needs and what it does to a thing.

    ``instruments`` are the kinds of receptacle it works with (for ``slice``, of tool held); empty stands for all kinds.
    ``door`` is ``open``, ``shut`` or ``any``; a receptacle without a door meets each of them. ``needs_empty_hand`` asks that nothing be
    held. ``works_on`` is ``held`` or ``placed``: whether the thing treated is in the hand, or lies in or on the instrument.
    ``makes`` and ``undoes`` name the qualities (``hot``, ``cool``, ``clean``) that the thing then has, or has no more.
    """

    instruments: frozenset[str] = frozenset()
    door: str = "any"
    needs_empty_hand: bool = False
    works_on: str = "held"
    makes: str = ""
    undoes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Laws:
    """The law of every verb that changes something; going, looking and examining obey the same ones everywhere."""

    open: Law
    close: Law
    take: Law
    move: Law
    use: Law
    slice: Law
    heat: Law
    clean: Law
    cool: Law


ORDINARY = Laws(
    open=Law(door="shut"),
    close=Law(door="open"),
    take=Law(door="open", needs_empty_hand=True),
    move=Law(door="open"),
    use=Law(),
    slice=Law(instruments=frozenset({"knife", "butterknife"})),
    heat=Law(instruments=frozenset({"microwave"}), makes="hot", undoes=frozenset({"cool"})),
    clean=Law(instruments=frozenset({"sinkbasin"}), makes="clean"),
    cool=Law(instruments=frozenset({"fridge"}), makes="cool", undoes=frozenset({"hot"})),
)
"""Source: ``alfred.pddl`` of ALFWorld 0.4.2."""

TREATMENTS = ("heat", "clean", "cool")
"""The verbs that give a thing a quality."""

# What may treat things instead: all 158 official kitchens (68 bathrooms) have one of each kind.
_KITCHEN = ("microwave", "fridge", "sinkbasin", "stoveburner", "coffeemachine", "toaster", "garbagecan", "countertop")
_BATHROOM = ("toilet", "garbagecan")
_DOORS = frozenset({"microwave", "fridge"})
# Where whatever a kitchen's tasks ask to treat can be put down; cleaning's kinds for bathrooms take all that theirs ask for.
_ROOMY = {
    "heat": frozenset({"fridge", "sinkbasin", "countertop"}),
    "cool": frozenset({"countertop"}),
    "clean": frozenset({"countertop"}),
}
_QUALITIES = ("hot", "cool", "clean")


def altered(seed: int) -> Laws:
    """Return other laws, the same ones for the same ``seed``, under which goals stay reachable.

    Heating, cleaning and cooling each move to other kinds of receptacle (cleaning to one for kitchens and one for bathrooms); their
    doors, whether the thing must lie in them and what undoes what are drawn; and some of open, close and use need an empty hand. So at
    least four entries of the table differ from the ordinary one.
    """
    rng = random.Random(f"altered household {seed}")
    while True:
        heat, clean, cool = rng.sample(_KITCHEN, 3)
        if heat != "microwave" and clean != "sinkbasin" and cool != "fridge":
            break
    bathroom = rng.choice([kind for kind in _BATHROOM if kind not in {heat, cool}])
    treatments = {
        "heat": _altered_treatment("heat", heat, rng),
        "clean": _altered_treatment("clean", clean, rng, bathroom),
        "cool": _altered_treatment("cool", cool, rng),
    }
    if all(law.undoes == getattr(ORDINARY, verb).undoes for verb, law in treatments.items()):
        treatments["clean"] = replace(treatments["clean"], undoes=frozenset({"hot", "cool"}))
    both_hands = rng.sample(("open", "close", "use"), rng.randint(1, 3))
    hands = {verb: replace(getattr(ORDINARY, verb), needs_empty_hand=True) for verb in sorted(both_hands)}
    return replace(ORDINARY, **treatments, **hands)


def _altered_treatment(verb: str, kitchen: str, rng: random.Random, *bathroom: str) -> Law:
    ordinary: Law = getattr(ORDINARY, verb)
    others = [quality for quality in _QUALITIES if quality != ordinary.makes]
    return replace(
        ordinary,
        instruments=frozenset({kitchen, *bathroom}),
        door=rng.choice(("open", "shut")) if kitchen in _DOORS else "any",
        works_on=rng.choice(("held", "placed")) if kitchen in _ROOMY[verb] else "held",
        undoes=frozenset(rng.sample(others, rng.randint(0, len(others)))),
    )


def differences(laws: Laws, ordinary: Laws = ORDINARY) -> tuple[str, ...]:
    """Return one phrase for each entry in which ``laws`` differs from ``ordinary``, such as ``heat.door: any -> shut``."""
    return tuple(_differences(laws, ordinary))


def _differences(laws: Laws, ordinary: Laws) -> Iterator[str]:
    for verb in (field.name for field in fields(Laws)):
        for entry in (field.name for field in fields(Law)):
            here, there = getattr(getattr(laws, verb), entry), getattr(getattr(ordinary, verb), entry)
            if here != there:
                yield f"{verb}.{entry}: {_worded(there)} -> {_worded(here)}"


def _worded(value: object) -> str:
    return (", ".join(sorted(value)) or "nothing") if isinstance(value, frozenset) else str(value)


def is_reachable(game: Game, laws: Laws) -> bool:
    """Return whether ``laws`` leave ``game``, winnable under the ordinary ones, winnable.

    Only the treatments can take a goal out of reach: their instrument must be in the house, and where the thing must lie in it,
    it must take things of that kind.
    """
    for verb in TREATMENTS:
        if game.task_type == f"pick_{verb}_then_place_in_recep":
            law: Law = getattr(laws, verb)
            present = {receptacle.kind for receptacle in game.receptacles} & law.instruments
            if law.works_on == "held":
                return bool(present)
            return any((kind, game.target) in game.can_contain for kind in present)
    return True
