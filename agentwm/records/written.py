"""What was written of an episode already: what comes again is written as its place, a number, and not in full.

A grid world tells hundreds of facts at every step, of which a few are new. A place is a position in the order in which things were
first written; ``[9, 40]`` stands for the forty places from 9. A fact whose value has changed is written in full, and keeps its place.
So what was told comes back in its order, and a cell that comes back into view costs no more than one that stayed there.

Places are counted within one episode. What is read must be read in the order in which it was written, from the episode's beginning.
"""

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from agentwm.records.encoding import encode, fact_data, fact_from, named_data, named_from
from agentwm.types import Action, Fluent, State, Value

__all__ = ["Written", "is_same"]

Key = TypeVar("Key", bound=Hashable)


class Written:
    """The facts and actions written of one episode; every method adds to them unless it says otherwise."""

    def __init__(self) -> None:
        self._facts: _Places[Fluent] = _Places()
        self._actions: _Places[Action] = _Places()

    def state_text(self, state: State) -> str:
        """Return ``state`` as JSON, in its own order."""
        return encode(self._facts.data(state.items(), fact_data))

    def state_from(self, text: str) -> dict[Fluent, Value]:
        """Return the state that ``state_text`` wrote."""
        return dict(self._facts.pairs(json.loads(text), fact_from))

    def actions_text(self, actions: Sequence[Action] | None) -> str | None:
        """Return the admissible actions as JSON; None when the environment does not list them."""
        if actions is None:
            return None
        return encode(self._actions.data(((action, None) for action in actions), _action_data))

    def actions_from(self, text: str | None) -> tuple[Action, ...] | None:
        """Return the actions that ``actions_text`` wrote."""
        if text is None:
            return None
        return tuple(action for action, _ in self._actions.pairs(json.loads(text), _action_from))

    def fluents_text(self, fluents: Iterable[Fluent]) -> str:
        """Return fluents without values as JSON, sorted, so that equal sets give equal bytes. Nothing is added."""
        return encode(self._facts.key_data(fluents, named_data))

    def fluents_from(self, text: str) -> frozenset[Fluent]:
        """Return the fluents that ``fluents_text`` wrote. Nothing is added."""
        return frozenset(self._facts.keys(json.loads(text), lambda data: Fluent(*named_from(data))))


class _Places(Generic[Key]):
    """Keys in the order in which they were first written, each with the value last written.

    Data is JSON: a place, ``[first place, count]``, or a list that begins with a name, for what is written in full.
    """

    def __init__(self) -> None:
        self._place_of: dict[Key, int] = {}
        self._pairs: list[tuple[Key, Value]] = []

    def data(self, pairs: Iterable[tuple[Key, Value]], in_full: Callable[[Key, Value], list[Value]]) -> list[object]:
        """Return ``pairs`` as data, and keep them."""
        items: list[int | list[Value]] = []
        for key, value in pairs:
            place = self._place_of.get(key)
            if place is not None and is_same(self._pairs[place][1], value):
                items.append(place)
            else:
                self._keep(key, value)
                items.append(in_full(key, value))
        return _joined(items)

    def pairs(self, data: Any, read: Callable[[list[Any]], tuple[Key, Value]]) -> Iterator[tuple[Key, Value]]:
        """Return the pairs that `data` gave the data of, and keep them."""
        for item in _parted(data):
            if isinstance(item, int):
                yield self._pairs[item]
            else:
                key, value = read(item)
                self._keep(key, value)
                yield key, value

    def key_data(self, keys: Iterable[Key], in_full: Callable[[Key], list[Value]]) -> list[object]:
        """Return ``keys`` as data: the places in order, then what has none, sorted."""
        places = {key: self._place_of.get(key) for key in keys}
        known = sorted(place for place in places.values() if place is not None)
        return _joined([*known, *sorted(in_full(key) for key, place in places.items() if place is None)])

    def keys(self, data: Any, read: Callable[[list[Any]], Key]) -> Iterator[Key]:
        """Return the keys that `key_data` gave the data of."""
        return (self._pairs[item][0] if isinstance(item, int) else read(item) for item in _parted(data))

    def _keep(self, key: Key, value: Value) -> None:
        place = self._place_of.setdefault(key, len(self._pairs))
        self._pairs[place : place + 1] = [(key, value)]  # which appends where the place is new


def is_same(one: Value, other: Value) -> bool:
    """Tell True from 1 and 1 from 1.0, which ``==`` does not."""
    return one is other or (one == other and type(one) is type(other))


def _joined(items: Iterable[int | list[Value]]) -> list[object]:
    """Return ``items`` with places that follow one another as ``[first place, count]``."""
    joined: list[Any] = []
    following = None
    for item in items:
        if not isinstance(item, int):
            joined.append(item)
            following = None
        elif item == following:
            first = joined[-1] if isinstance(joined[-1], int) else joined[-1][0]
            following = item + 1
            joined[-1] = [first, following - first]
        else:
            joined.append(item)
            following = item + 1
    return joined


def _parted(data: Any) -> Iterator[int | list[Any]]:
    """Return the items that `_joined` joined."""
    for item in data:
        if isinstance(item, list) and isinstance(item[0], int):
            first, count = item
            yield from range(first, first + count)
        else:
            yield item


def _action_data(action: Action, _value: Value) -> list[Value]:
    return named_data(action)


def _action_from(data: list[Any]) -> tuple[Action, Value]:
    return Action(*named_from(data)), None
