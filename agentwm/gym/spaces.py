"""Spaces of texts. Gymnasium's own `Text` knows only the letters of its charset, and games write others."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from gymnasium import Space

__all__ = ["AnyText", "Commands"]

_LONGEST = 40
_LETTERS = (" ", "a", "e", "i", "n", "s", "t", "Z", "0", "-", "é", "ß", "—", "中")


class AnyText(Space[str]):
    """All texts, of any letters and any length."""

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        """Whether a text becomes an array of numbers: it does not."""
        return False

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> str:  # noqa: ARG002 -- as Gymnasium has it
        """Return a short text without meaning."""
        return "".join(self.np_random.choice(_LETTERS, size=int(self.np_random.integers(_LONGEST))))

    def contains(self, x: Any) -> bool:
        """Return whether ``x`` is a text."""
        return isinstance(x, str)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    __hash__ = None  # type: ignore[assignment]  # as Gymnasium's own spaces


class Commands(AnyText):
    """Texts that are read as commands: all texts may be given, and ``draw`` says one that can be understood now.

    A copy of it in another process has nobody to ask, and samples texts without meaning.
    """

    def __init__(self, draw: Callable[[np.random.Generator], str] | None = None) -> None:
        super().__init__()
        self._draw = draw

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> str:
        """Return a command that can be understood now, as far as anybody knows."""
        return super().sample(mask, probability) if self._draw is None else self._draw(self.np_random)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(self._draw)

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()
