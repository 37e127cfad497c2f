"""The workshop's dynamics: one table of what can be gathered and made, and variants of it drawn by a seed."""

import random
from dataclasses import dataclass, replace

__all__ = ["FINAL", "ITEMS", "ORDINARY", "PLACES", "Gathering", "Ingredient", "Laws", "Recipe", "altered"]

PLACES = ("forest", "lake", "meadow", "mine", "quarry", "workshop")
"""The kinds of place there are."""

ITEMS = ("bell", "fish", "hammer", "iron", "pickaxe", "plank", "stick", "stone", "wood")
"""Everything that can be had; each is counted by the fluent of its name."""

FINAL = "bell"
"""What the world is about making."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """What one verb brings in at one kind of place: one ``item`` with probability ``chance``, where a ``tool`` (if any) is had."""

    verb: str
    place: str
    item: str
    tool: str = ""
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class Ingredient:
    """How many of an item must be had, and how many of them are used up."""

    item: str
    needed: int
    used: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """What must be had for making ``gives`` pieces of ``item``, and at what kind of place (empty: anywhere)."""

    item: str
    ingredients: tuple[Ingredient, ...]
    gives: int = 1
    place: str = ""


@dataclass(frozen=True, slots=True)
class Laws:
    """The whole dynamics, but for walking, which leads everywhere in one step.

    ``strokes`` is how many times one must chop for one piece of wood. An episode begins with ``food``, which falls by one once it has
    not changed for ``hunger`` actions, and to which a fish eaten adds ``meal``; without food it ends.
    """

    gatherings: tuple[Gathering, ...]
    recipes: tuple[Recipe, ...]
    strokes: int = 1
    food: int = 4
    hunger: int = 25
    meal: int = 5


ORDINARY = Laws(
    gatherings=(
        Gathering("chop", "forest", "wood"),
        Gathering("dig", "quarry", "stone", tool="pickaxe"),
        Gathering("dig", "mine", "iron", tool="pickaxe"),
        Gathering("fish", "lake", "fish", chance=0.4),
    ),
    recipes=(
        Recipe("plank", (Ingredient("wood", 1, 1),), gives=2),
        Recipe("stick", (Ingredient("plank", 1, 1),), gives=2),
        Recipe("pickaxe", (Ingredient("plank", 2, 2), Ingredient("stick", 1, 1)), place="workshop"),
        Recipe("hammer", (Ingredient("stone", 2, 1), Ingredient("stick", 1, 1))),
        Recipe(
            FINAL,
            (Ingredient("iron", 1, 1), Ingredient("stick", 1, 1), Ingredient("hammer", 1, 0)),
            place="workshop",
        ),
    ),
)

_ALTERED_AMOUNTS = 3


def altered(seed: int) -> Laws:
    """Return other laws, the same ones for the same ``seed``, under which the final item can still be made.

    What is gathered is found elsewhere, what is made at a place is made at another, three ingredients are needed in a larger number and
    used up in a number of their own, and trees take two strokes or fish bite more or less often. The longest way to the final item takes
    less than half of the time that the food at the start lasts.
    """
    rng = random.Random(f"altered crafting {seed}")
    gatherings = _elsewhere(rng)
    recipes = [_moved(recipe, rng) for recipe in ORDINARY.recipes]
    amounts = [(number, place) for number, recipe in enumerate(recipes) for place in _consumed(recipe)]
    for number, place in rng.sample(amounts, _ALTERED_AMOUNTS):
        recipes[number] = _dearer(recipes[number], place, rng)
    change = rng.choice(("strokes", "chance", "both"))
    if change != "strokes":
        chance = rng.choice((0.2, 0.6, 0.8))
        gatherings = [replace(each, chance=chance) if each.chance < 1 else each for each in gatherings]
    return replace(
        ORDINARY,
        gatherings=tuple(gatherings),
        recipes=tuple(recipes),
        strokes=1 if change == "chance" else 2,
    )


def _elsewhere(rng: random.Random) -> list[Gathering]:
    """Return the gatherings with at least two of their places exchanged."""
    ordinary = [each.place for each in ORDINARY.gatherings]
    places = ordinary
    while places == ordinary:
        places = rng.sample(ordinary, len(ordinary))
    return [replace(each, place=place) for each, place in zip(ORDINARY.gatherings, places, strict=True)]


def _moved(recipe: Recipe, rng: random.Random) -> Recipe:
    others = [place for place in PLACES if place != recipe.place]
    return replace(recipe, place=rng.choice(others)) if recipe.place else recipe


def _consumed(recipe: Recipe) -> list[int]:
    return [index for index, ingredient in enumerate(recipe.ingredients) if ingredient.used]


def _dearer(recipe: Recipe, index: int, rng: random.Random) -> Recipe:
    ingredient = recipe.ingredients[index]
    needed = ingredient.needed + 1
    dearer = replace(ingredient, needed=needed, used=rng.randint(1, needed))
    return replace(recipe, ingredients=(*recipe.ingredients[:index], dearer, *recipe.ingredients[index + 1 :]))
