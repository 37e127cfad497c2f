"""The locked rooms' dynamics: one table of what doors and keys demand, and variants of it drawn by a seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

__all__ = ["COLOURS", "ORDINARY", "TREASURY", "Laws", "altered"]

COLOURS = ("blue", "green", "red", "yellow")
"""The colours of doors and keys."""

TREASURY = "treasury"
"""The kind of room in which the reward is."""


@dataclass(frozen=True, slots=True)
class Laws:
    """The whole dynamics of doors and keys.

    ``fits`` pairs the colour of each door with the colour of its keys. ``most_keys`` is how many keys can be carried, None for any
    number. ``uses_up_key`` takes away the key that a door was opened with: of several that fit, the first by name.
    ``shuts_behind`` shuts a door once it was gone through. ``needs_empty_hands`` lets nobody through who carries a key. Doors of the
    colours ``jammed`` cannot be opened with anything; where an episode begins they stand open.
    """

    fits: tuple[tuple[str, str], ...] = tuple((colour, colour) for colour in COLOURS)
    most_keys: int | None = None
    uses_up_key: bool = False
    shuts_behind: bool = False
    needs_empty_hands: bool = False
    jammed: tuple[str, ...] = ()

    def key_for(self, door_colour: str) -> str:
        """Return the colour of the keys that open doors of ``door_colour``."""
        return dict(self.fits)[door_colour]


ORDINARY = Laws()


def altered(seed: int) -> Laws:
    """Return other laws, the same ones for the same ``seed``: two or three entries of the table differ from the ordinary one."""
    rng = random.Random(f"altered locks {seed}")
    laws = ORDINARY
    for alter in rng.sample(_ALTERATIONS, rng.randint(2, 3)):
        laws = alter(laws, rng)
    return laws


def _pair_anew(laws: Laws, rng: random.Random) -> Laws:
    ring = rng.sample(COLOURS, len(COLOURS))
    return replace(laws, fits=tuple(sorted(zip(ring, (*ring[1:], ring[0]), strict=True))))


_ALTERATIONS: tuple[Callable[[Laws, random.Random], Laws], ...] = (
    _pair_anew,
    lambda laws, _: replace(laws, most_keys=1),
    lambda laws, _: replace(laws, uses_up_key=True),
    lambda laws, _: replace(laws, shuts_behind=True),
    lambda laws, _: replace(laws, needs_empty_hands=True),
)
