"""The families of games that are made here, and the settings that a seed draws for each."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["FAMILIES", "Family", "Recipe", "numbers", "recipe"]

Settings = Mapping[str, int | bool | str | None]

_LARGEST_SEED = 10**8
"""TextWorld takes seeds below 2 ** 32."""


@dataclass(frozen=True, slots=True)
class Family:
    """A family of games: TextWorld's name for it, how many are learned from by default, and what is drawn of its settings.

    ``draw`` is given whether the game is for learning.
    """

    name: str
    challenge: str
    summary: str
    learn: int
    draw: Callable[[random.Random, bool], Settings]


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that it takes to make one game again."""

    challenge: str
    seed: int
    settings: Settings

    @property
    def name(self) -> str:
        """What its files are called."""
        drawn = "-".join(f"{key}_{value}" for key, value in sorted(self.settings.items()) if value not in (None, False))
        return f"{self.challenge}-{drawn}-{self.seed}"


def _coin(rng: random.Random, learning: bool) -> Settings:  # noqa: FBT001, ARG001 -- as `Family` has it
    """Draw a chain of 5 to 20 rooms, with no dead ends beside it, one at each room, or two."""
    return {"level": 100 * rng.randrange(3) + rng.randint(5, 20)}


def _treasure(rng: random.Random, learning: bool) -> Settings:  # noqa: FBT001, ARG001 -- as `Family` has it
    """Draw any of the thirty levels: 5 to 20 rooms, without doors, with shut ones and with locked ones."""
    return {"level": rng.randint(1, 30)}


def _simple(rng: random.Random, learning: bool) -> Settings:  # noqa: FBT001, ARG001 -- as `Family` has it
    """Return that every step is paid and told; played are TextWorld's own test games, with foods that no training game asks for."""
    return {"rewards": "dense", "goal": "detailed", "test": not learning}


def _cooking(rng: random.Random, learning: bool) -> Settings:  # noqa: FBT001, ARG001 -- as `Family` has it
    """Draw a recipe of one to three ingredients, all to be found in six rooms, cut and cooked."""
    number = rng.randint(1, 3)
    return {
        "recipe": number,
        "take": number,
        "cook": True,
        "cut": True,
        "open": True,
        "drop": False,
        "go": 6,
        "recipe_seed": 0,
        "split": None,
    }


FAMILIES = {
    family.name: family
    for family in (
        Family("coin", "tw-coin_collector", "walk through many rooms to a coin, and take it", 5, _coin),
        Family(
            "treasure", "tw-treasure_hunter", "find the one right thing in a maze of doors and chests", 30, _treasure
        ),
        Family("simple", "tw-simple", "escape from a bedroom, find some food and put it on the stove", 15, _simple),
        Family(
            "cooking",
            "tw-cooking",
            "read a recipe, find its ingredients, cook and cut them, and eat the meal",
            30,
            _cooking,
        ),
    )
}


def numbers(family: str, split: str, seed: int, count: int) -> list[int]:
    """Return the seeds of the first ``count`` games that ``seed`` draws for ``split``: even for ``train``, odd for ``test``."""
    rng = random.Random(f"textworld {family} {split} {seed}")
    drawn: dict[int, None] = {}
    while len(drawn) < count:
        drawn.setdefault(2 * rng.randrange(_LARGEST_SEED // 2) + (split == "test"))
    return list(drawn)


def recipe(family: str, number: int) -> Recipe:
    """Return how the game with the seed ``number`` is made."""
    settings = FAMILIES[family].draw(random.Random(f"textworld settings {number}"), number % 2 == 0)
    return Recipe(FAMILIES[family].challenge, number, settings)
