"""Runs Crafter without painting pictures, and so that the same seed and actions always come to the same.

What happens is what happens in Crafter itself, number by number, with two differences that cannot be seen from within: at night its
pictures are noisy, and the noise is drawn from the world's own chance, so that is drawn here, too; and the creatures of a region are kept
in a set, whose order changes from run to run, so that which of them leaves is not decided by the seed: here it is.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType, SimpleNamespace
from typing import Any

import crafter
import opensimplex
from crafter import worldgen
from opensimplex import internals

__all__ = ["Engine"]

_DARK = 0.5
"""The daylight below which Crafter's pictures are noisy."""


class Engine:
    """Crafter with its usual settings; each reset begins the first episode of ``crafter.Env(seed=seed)``."""

    def __init__(self, *, length: int | None = None) -> None:
        """Let an episode end after ``length`` steps, None for Crafter's own limit."""
        self._env: Any = crafter.Env(seed=0) if length is None else crafter.Env(seed=0, length=length)
        unit = self._env._size // self._env._view  # noqa: SLF001 -- Crafter has no door to what is seen and to its chance
        self._noise_shape = tuple(self._env._local_view._grid * unit)  # noqa: SLF001
        self._balance_chunk = self._env._balance_chunk  # noqa: SLF001
        self._env._obs = self._draw_noise  # noqa: SLF001
        self._env._sem_view = lambda: None  # noqa: SLF001 -- the whole map, which nobody is to see
        self._env._balance_chunk = self._balance_in_order  # noqa: SLF001

    def reset(self, seed: int, *, chance: int = 0) -> None:
        """Begin in the world of ``seed``; with another ``chance`` than 0, what happens there happens otherwise."""
        self._env._seed, self._env._episode = seed, 0  # noqa: SLF001
        with _quick_noise():
            self._env.reset()
        if chance:
            self.world.random.seed([seed, chance])

    def step(self, action: int) -> tuple[float, bool]:
        """Do the ``action`` of that number; return Crafter's reward and whether this is the end."""
        _, reward, is_over, _ = self._env.step(action)
        return float(reward), bool(is_over)

    @property
    def actions(self) -> Sequence[str]:
        """The names of the actions, in their order."""
        names: Sequence[str] = self._env.action_names
        return names

    @property
    def world(self) -> Any:
        """Crafter's world, in which everything is known."""
        return self._env._world  # noqa: SLF001

    @property
    def player(self) -> Any:
        """Crafter's player."""
        return self._env._player  # noqa: SLF001

    @property
    def is_dark(self) -> bool:
        """Whether pictures are noisy for want of daylight."""
        return bool(self.world.daylight < _DARK)

    def _draw_noise(self) -> None:
        """Draw what the picture would have drawn."""
        if self.is_dark:
            self.world.random.random_sample(self._noise_shape)

    def _balance_in_order(self, chunk: object, objects: Collection[Any]) -> None:
        self._balance_chunk(chunk, sorted(objects, key=lambda each: tuple(each.pos)))


# --- the making of worlds -----------------------------------------------------------------------------------------

# Nearly all of a reset is noise in three dimensions, computed number by number with arrays of three. Plain tuples give the same floats
# five times faster.
_GRADIENTS = [tuple(map(int, internals.GRADIENTS3[start : start + 3])) for start in range(len(internals.GRADIENTS3))]


def _extrapolate(  # noqa: PLR0913, PLR0917 -- as opensimplex calls it
    perm: Sequence[int],
    gradients: Sequence[int],
    x: int,
    y: int,
    z: int,
    dx: float,
    dy: float,
    dz: float,
) -> float:
    along_x, along_y, along_z = _GRADIENTS[gradients[(perm[(perm[x & 0xFF] + y) & 0xFF] + z) & 0xFF]]
    return along_x * dx + along_y * dy + along_z * dz


class _QuickSimplex:
    """The noise of ``opensimplex.OpenSimplex``, number by number, but faster."""

    def __init__(self, seed: int) -> None:
        perm, gradients = internals._init(seed)  # noqa: SLF001
        self._perm, self._gradients = perm.tolist(), gradients.tolist()
        self._noise = FunctionType(internals._noise3.__code__, {**vars(internals), "_extrapolate3": _extrapolate})  # noqa: SLF001

    def noise3(self, x: float, y: float, z: float) -> float:
        """Return the noise at a point."""
        value: float = self._noise(x, y, z, self._perm, self._gradients)
        return value


@contextmanager
def _quick_noise() -> Iterator[None]:
    """Let Crafter make worlds faster meanwhile; where opensimplex is compiled by numba, it is fast already."""
    if not isinstance(internals._noise3, FunctionType):  # noqa: SLF001
        yield
        return
    worldgen.opensimplex = SimpleNamespace(OpenSimplex=_QuickSimplex)
    try:
        yield
    finally:
        worldgen.opensimplex = opensimplex
