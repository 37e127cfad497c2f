"""Which states of a search are worth keeping: those in which something is so for the first time.

Source: iterated width search (Lipovetzky & Geffner, 2012).
"""

from collections.abc import Collection, Hashable
from itertools import combinations

from agentwm.types import State

__all__ = ["News"]


class News:
    """Tells, state by state, whether one holds what none before it did: a new tuple of ``width`` facts, or, with None, a new whole.

    Numbers from ``many`` on are alike, None where all differ; fluents named in ``ignored`` say nothing.
    """

    def __init__(self, width: int | None, *, many: int | None = None, ignored: Collection[str] = ()) -> None:
        self._width = width
        self._many = many
        self._ignored = ignored
        self._seen: set[Hashable] = set()

    def is_in(self, state: State) -> bool:
        """Return whether ``state`` holds something new, and take note of all that it holds."""
        facts = [
            (fluent, value if self._many is None or type(value) is not int else min(self._many, value))
            for fluent, value in state.items()
            if fluent.name not in self._ignored
        ]
        before = len(self._seen)
        if self._width is None:
            self._seen.add(frozenset(facts))
        else:
            self._seen.update(facts if self._width == 1 else combinations(facts, self._width))
        return len(self._seen) > before
