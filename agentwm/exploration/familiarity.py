"""How familiar a situation is: how often each verb was done where a feature was as it is now, and how often anything was so at all.

How new an action is in a state is how seldom its verb was done, with things of such kinds, where one of the features that a rule could
ask for had that value: the rarest feature counts. Source: count-based exploration over features, as in Martin et al. (2017),
"Count-Based Exploration in Feature Space"; ours is what is counted, DECISIONS 13.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from itertools import combinations

from agentwm.induction.features import Features
from agentwm.induction.table import parameter_names
from agentwm.rules.index import compiled
from agentwm.rules.matching import UNKNOWN, Unknown, sorts_of, value_of
from agentwm.types import NOT_ENTITIES, Action, Condition, Fluent, Ref, State, Value, Vocabulary

__all__ = ["MANY", "Familiarity", "deed"]

_MARKS = ("kind", "bool")
SOME, MANY = 2, 4  # numbers from here on are alike: in pairs of features, and in single ones


class Familiarity:
    """Counts, over all episodes, in what situations each verb was done."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._features: dict[tuple[str, tuple[str, ...]], Features] = {}
        self._singles: dict[Hashable, Counter[Hashable]] = {}
        self._pairs: dict[Hashable, set[Hashable]] = {}
        self._facts: Counter[Hashable] = Counter()
        self._marks: set[str] = set()
        self._had: set[frozenset[str]] = set()
        self._paid: dict[Hashable, list[frozenset[str]]] = {}
        plain = [each for each in vocabulary.fluents.values() if not each.parameters and each.counts_since is None]
        self._countable = [Fluent(s.name) for s in plain if s.derive is None and s.value in ("number", "bool")]
        read = {s.name: compiled(Ref(s.name), (), vocabulary) for s in plain if s.value in (*_MARKS, "number")}
        self._marked = list(read.items())
        self._numbers = [(s.name, read[s.name]) for s in plain if s.value == "number"]

    def add(self, state: State, action: Action, *, is_listed: bool = True, times: int = 1) -> None:
        """Count ``action`` done in ``state``, where it was listed, or nothing was; what was done where it was not is counted apart.

        What came as foretold is as well known as if it had been done several ``times``.
        """
        done = deed(state, action)
        counts = self._singles.setdefault((done, is_listed), Counter())
        for key in self.situation(state, action):
            counts[key] += times
        self._pairs.setdefault(done, set()).update(self._together(state, action))
        self._facts.update(_plain(state, MANY))
        self._marks.update(self._marks_of(state))
        self._had.add(self.had(state))

    def add_paid(self, state: State, action: Action) -> None:
        """Note that ``action`` paid in ``state``."""
        self._paid.setdefault(deed(state, action), []).append(self.had(state))

    def seldom_paid(self, times: int) -> Iterator[frozenset[str]]:
        """Yield the names of what was had each time that a deed paid which did so fewer ``times``."""
        return (frozenset.intersection(*had) for had in self._paid.values() if len(had) < times)

    def forget(self, state: State, action: Action) -> None:
        """Take what is like ``action``, as it is in ``state``, for something that was never done, in whatever situation."""
        done = deed(state, action)
        for is_listed in (True, False):
            self._singles.pop((done, is_listed), None)
        self._pairs.pop(done, None)

    def times(self, state: State, action: Action, *, is_listed: bool = True) -> int:
        """Return how often, at least, the verb was done where each feature was as it is in ``state``; see `add`."""
        counts = self._singles.get((deed(state, action), is_listed))
        return min(counts[key] for key in self.situation(state, action)) if counts else 0

    def unseen(self, state: State, action: Action) -> int:
        """Return how many pairs of facts, plain ones or of what is referred to, the verb was never done with as they are in ``state``."""
        pairs = self._pairs.get(deed(state, action), ())
        return sum(pair not in pairs for pair in self._together(state, action))

    @property
    def has_amounts(self) -> bool:
        """Whether states tell several numbers without arguments."""
        return len(self._numbers) > 1

    def is_untried_with(self, state: State, action: Action) -> bool:
        """Whether two of the numbers of ``state`` were never at once as they are when the verb was done."""
        pairs = self._pairs.get(deed(state, action), ())
        return any(pair not in pairs for pair in _pairs_of(self._amounts(state)))

    def visits(self, state: State) -> int:
        """Return how often the rarest plain fact of ``state`` was so."""
        return min((self._facts[fact] for fact in _plain(state, MANY)), default=0)

    def never(self, state: State) -> Iterator[str]:
        """Yield what is so in ``state`` as it never was before, of what is no thing and has no arguments."""
        return (mark for mark in self._marks_of(state) if mark not in self._marks)

    def had(self, state: State) -> frozenset[str]:
        """Return the names of what is counted, and had, in ``state``, or is a plain truth."""
        return frozenset(fluent.name for fluent in self._countable if state.get(fluent))

    @property
    def ever_had(self) -> frozenset[str]:
        """The names of what was had at one time or another."""
        return frozenset().union(*self._had)

    def were_together(self, names: frozenset[str]) -> bool:
        """Whether what goes by ``names`` was all had at once."""
        return any(names <= had for had in self._had)

    def unmet(self, state: State) -> Iterator[Condition]:
        """Yield what never was so, of what is counted and of plain truths: one more than ever, or that it is true."""
        for fluent in self._countable:
            value = state.get(fluent)
            if isinstance(value, bool):
                if not value and f"{fluent.name} True" not in self._marks:
                    yield Condition(Ref(fluent.name), "==", right=True)
            elif isinstance(value, int):
                level = next((n for n in range(1, MANY + 1) if f"{fluent.name} {n}" not in self._marks), None)
                if level is not None and level > value:
                    yield Condition(Ref(fluent.name), ">", level - 1)

    def _marks_of(self, state: State) -> Iterator[str]:
        for name, read in self._marked:
            value = read((), state)
            if value is not None and not isinstance(value, Unknown):
                yield f"{name} {min(value, MANY) if type(value) is int else value}"

    def situation(self, state: State, action: Action) -> Iterator[Hashable]:
        """Yield what each feature that a rule about ``action`` could ask for is like in ``state``."""
        features = self._features_of(action, state)
        values = features.values(action.args, state)
        yield None
        for term, sort in features.typed:
            yield term, _alike(values[term], is_entity=sort not in NOT_ENTITIES)
        for left, right in features.pairs:
            here, there = values[left], values[right]
            yield left, right, here is not UNKNOWN and here is not None and here == there

    def _together(self, state: State, action: Action) -> Iterator[Hashable]:
        """Yield the pairs of plain facts, and of these with the kinds and marks of what is referred to."""
        features = self._features_of(action, state)
        told: dict[str, Hashable] = {**dict(_plain(state, SOME)), **self._amounts(state)}
        for term, sort in features.typed:
            if isinstance(term, Ref) and term.args and sort in _MARKS:
                told[str(term)] = repr(
                    value_of(term, dict(zip(features.parameters, action.args, strict=True)), state, self._vocabulary)
                )
        yield from _pairs_of(told)

    def _amounts(self, state: State) -> dict[str, Hashable]:
        """Return the numbers without arguments, those that are worked out too, as far as they are told apart in pairs."""
        read = ((name, value((), state)) for name, value in self._numbers)
        return {name: min(value, SOME) for name, value in read if type(value) is int}

    def _features_of(self, action: Action, state: State) -> Features:
        sorts = sorts_of(action.args, state)
        key = (action.verb, sorts)
        if key not in self._features:
            self._features[key] = Features(parameter_names(sorts), sorts, self._vocabulary)
        return self._features[key]


def deed(state: State, action: Action) -> Hashable:
    """Return what counts as the same deed: the verb with things of the same kinds."""
    return action.verb, tuple(state.get(Fluent("kind", (arg,))) for arg in action.args)


def _pairs_of(told: Mapping[str, Hashable]) -> Iterator[Hashable]:
    """Yield the pairs of what is ``told``, each in the order of its names."""
    return combinations(sorted(told.items(), key=lambda item: item[0]), 2)


def _plain(state: State, many: int) -> Iterator[tuple[str, Value]]:
    """Yield what is so of the fluents without arguments: of a thing its kind, of a number whether it is few or ``many``."""
    for fluent, value in state.items():
        if not fluent.args:
            is_number = type(value) is int
            yield fluent.name, min(value, many) if is_number else state.get(Fluent("kind", (str(value),)), value)  # type: ignore[type-var]


def _alike(value: Value | Unknown, *, is_entity: bool) -> Hashable:
    if isinstance(value, Unknown) or value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int | float):
        return min(MANY, int(value))
    return "something" if is_entity else value
