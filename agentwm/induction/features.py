"""Examples as columns of bits over everything that can be said of them: the terms of a verb, their values and their equalities.

Where `table` serves verbs that fail or succeed, this serves worlds that answer every action, whose laws lie in what changes. The terms
are drawn from the vocabulary alone: the arguments, the fluents without arguments, what these refer to, and the attributes of all of them.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import TypeGuard

from agentwm.rules.matching import UNKNOWN, Unknown, value_of
from agentwm.types import NOT_ENTITIES, Condition, Fluent, Ref, Some, State, Term, Value, Var, Vocabulary

__all__ = ["Bits", "Feature", "Features", "accepts", "is_number", "negated", "reference_terms"]

BLOCK = 4096
MOST_VALUES = 64
MOST_THRESHOLDS = 24
MOST_NAMED = 3

# Prices of a condition, in nats, beside the logarithm of how many there are to choose from. Source: ours, DECISIONS 11.
LITERAL = 2.0
CONSTANT = 1.0  # more, for a constant: it holds for one thing only
INDIVIDUAL = 8.0  # more, for one thing by its name: laws seldom speak of one
NUMBER = 1.0  # more, times the logarithm of the number: large ones are told apart from more others (Rissanen, 1983)
NESTED = 0.5  # more, for each reference within a reference

Typed = tuple[Term, str]


class Bits:
    """A growing bit set: setting a bit costs the same however many there are."""

    __slots__ = ("_block", "_done", "_word")

    def __init__(self, filled: int = 0) -> None:
        """Begin with the first ``filled`` bits set."""
        self._done = (1 << filled) - 1
        self._word = 0
        self._block = 0

    def set(self, index: int) -> None:
        """Set bit ``index``, which is not in an earlier block than the last."""
        block, offset = divmod(index, BLOCK)
        if block != self._block:
            self._done |= self._word << (self._block * BLOCK)
            self._word, self._block = 0, block
        self._word |= 1 << offset

    @property
    def mask(self) -> int:
        """All bits as one integer."""
        return self._done | self._word << (self._block * BLOCK) if self._word else self._done


@dataclass(frozen=True, slots=True)
class Feature:
    """A condition with its price and the examples in which it is true and false.

    ``arrives`` marks one of the state arrived in, ``is_time`` one of when it was: since the world changed, or before.
    """

    condition: Condition
    price: float
    true: int
    false: int
    arrives: bool = False
    is_time: bool = False


_OPPOSITE = {"==": "!=", "!=": "==", "in": "notin", "notin": "in", "some": "no", "no": "some"}


def negated(feature: Feature) -> Feature:
    """Return the feature that is true where this one is false. Thresholds are between whole numbers or halfway between two values."""
    left, op, right = feature.condition
    if op == "==" and (right is True or right is False):
        condition = Condition(left, "==", not right)
    elif op in _OPPOSITE:
        condition = Condition(left, _OPPOSITE[op], right)
    else:
        assert isinstance(right, int | float)
        step = 1 if isinstance(right, int) else 0
        condition = Condition(left, "<", right + step) if op == ">" else Condition(left, ">", right - step)
    return replace(feature, condition=condition, true=feature.false, false=feature.true)


def reference_terms(parameters: Sequence[str], sorts: Sequence[str], vocabulary: Vocabulary) -> list[Typed]:
    """Return what can be referred to, with its sort, the plainest first: arguments, fluents, what they point to, and attributes."""
    plain: list[Typed] = [(Var(name), sort) for name, sort in zip(parameters, sorts, strict=True)]
    plain += [(Ref(s.name), s.value) for s in vocabulary.fluents.values() if not s.parameters and not s.hidden]
    pointed = [found for found in _attributes(plain, vocabulary) if found[1] not in NOT_ENTITIES]
    entities = [typed for typed in (*plain, *pointed) if typed[1] not in NOT_ENTITIES]
    attributes = [found for found in _attributes(entities, vocabulary) if found[1] in NOT_ENTITIES]
    return list(dict.fromkeys((*plain, *pointed, *attributes)))


def _attributes(entities: Sequence[Typed], vocabulary: Vocabulary) -> Iterator[Typed]:
    for term, sort in entities:
        for schema in vocabulary.fluents.values():
            is_attribute = len(schema.parameters) == 1 and not schema.hidden and schema.name != "sort"
            if is_attribute and sort not in NOT_ENTITIES and accepts(schema.parameters[0], sort):
                yield Ref(schema.name, (term,)), schema.value


def is_number(value: Value) -> TypeGuard[int | float]:
    """Return whether ``value`` is a number, which a truth value is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def accepts(declared: str, sort: str) -> bool:
    """Return whether something of ``sort`` may stand where ``declared`` is asked for; both may name several."""
    return "any" in (declared, sort) or bool(set(declared.split("|")) & set(sort.split("|")))


class Features:
    """What is true of each of a growing list of situations, as columns of bits."""

    def __init__(
        self, parameters: Sequence[str], sorts: Sequence[str], vocabulary: Vocabulary, *, arrives: bool = False
    ) -> None:
        self.parameters = tuple(parameters)
        self.vocabulary = vocabulary
        self.arrives = arrives
        self.typed = reference_terms(parameters, sorts, vocabulary)
        self._sorts = dict(self.typed)
        self._values: dict[Term, dict[Value, Bits]] = {term: {} for term, _ in self.typed}
        self._pairs = {pair: (Bits(), Bits()) for pair in self._comparable()}
        self._quantities = {some: (Bits(), Bits()) for some in _quantified(self.typed, vocabulary)}
        self._attributes_of_flagged = sorted(
            {(q.flag, q.attribute, q.sort) for q in self._quantities if q.attribute and q.attribute != "kind"}
        )

    @property
    def pairs(self) -> Collection[tuple[Term, Term]]:
        """The pairs of terms whose values are compared."""
        return self._pairs.keys()

    def _comparable(self) -> Iterator[tuple[Term, Term]]:
        for (left, one), (right, other) in combinations(self.typed, 2):
            if one not in ("bool", "number") and accepts(one, other):
                yield left, right

    def values(self, args: Sequence[str], state: State) -> dict[Term, Value | Unknown]:
        """Return the values of all terms where the parameters stand for ``args``."""
        bindings = dict(zip(self.parameters, args, strict=True))
        return {term: value_of(term, bindings, state, self.vocabulary) for term, _ in self.typed}

    def append(self, index: int, args: Sequence[str], state: State) -> dict[Term, Value | Unknown]:
        """Add situation ``index``, where the parameters stand for ``args``; return the values of all terms in it."""
        values = self.values(args, state)
        for term, value in values.items():
            if not isinstance(value, Unknown):
                by_value = self._values[term]
                if value not in by_value:
                    by_value[value] = Bits()
                by_value[value].set(index)
        for (left, right), (same, other) in self._pairs.items():
            here, there = values[left], values[right]
            if here is not UNKNOWN and there is not UNKNOWN:
                (same if here == there and here is not None else other).set(index)
        if self._quantities:
            self._count_quantities(index, state)
            self._append_quantities(index, state, values)
        return values

    def _count_quantities(self, index: int, state: State) -> None:
        """Ask from now on for every constant that an attribute of such things has been seen to have; until now there was none."""
        for flag, attribute, sort in self._attributes_of_flagged:
            for fluent, value in state.items():
                if fluent.name == attribute and isinstance(value, str):
                    quantity = _Quantity(flag, sort, attribute, value)
                    if quantity not in self._quantities:
                        self._quantities[quantity] = Bits(), Bits(index)

    def _append_quantities(self, index: int, state: State, values: Mapping[Term, Value | Unknown]) -> None:
        flagged: dict[str, list[str]] = {}
        for fluent, value in state.items():
            if value is True and len(fluent.args) == 1:
                flagged.setdefault(fluent.name, []).append(fluent.args[0])
        for some, (true, false) in self._quantities.items():
            things = flagged.get(some.flag, [])
            if some.attribute:
                wanted = some.term if isinstance(some.term, str) else values[some.term]
                things = [t for t in things if wanted is not None and state.get(Fluent(some.attribute, (t,))) == wanted]
            (true if things else false).set(index)

    def all(self) -> list[Feature]:
        """Return every condition that is true of some situations and false of others."""
        found: list[Feature] = []
        for (left, right), (same, other) in self._pairs.items():
            price = LITERAL + NESTED * (_depth(left) + _depth(right))
            found.append(self._feature(Condition(left, "==", right), price, same.mask, other.mask))
        named = Counter((some.flag, some.attribute) for some in self._quantities if isinstance(some.term, str))
        for some, (true, false) in self._quantities.items():
            price = LITERAL + CONSTANT
            if isinstance(some.term, str):
                is_entity = self.vocabulary.fluents[some.attribute].value not in NOT_ENTITIES
                price += CONSTANT + INDIVIDUAL * is_entity + math.log(named[some.flag, some.attribute])
            found.append(self._feature(some.condition(), price, true.mask, false.mask))
        for term, by_value in self._values.items():
            masks = {value: bits.mask for value, bits in by_value.items()}
            if len(masks) > 1:
                found += self._about(term, masks)
        telling = [feature for feature in found if feature.true and feature.false]
        asked = {_asked(f.condition) for f in telling}
        chance = math.log(len(asked) + 1)
        return [replace(feature, price=feature.price + chance) for feature in telling]

    def positive(self, condition: Condition, rows: int) -> Condition:
        """Return "is not that" as "is one of these" where few were seen in ``rows``: of what was never seen nothing is said."""
        left, op, right = condition
        if op != "!=" or not isinstance(right, str) or left not in self._values:
            return condition
        values = [v for v, bits in self._values[left].items() if bits.mask & rows]
        names = sorted(value for value in values if isinstance(value, str))
        if not 0 < len(names) == len(values) <= MOST_NAMED:
            return condition
        return Condition(left, "==", names[0]) if len(names) == 1 else Condition(left, "in", tuple(names))

    def _feature(self, condition: Condition, price: float, true: int, false: int) -> Feature:
        return Feature(condition, price, true, false, self.arrives)

    def _about(self, term: Term, masks: Mapping[Value, int]) -> Iterator[Feature]:
        known = 0
        for mask in masks.values():
            known |= mask
        numbers = sorted({v for v in masks if is_number(v)})
        if len(numbers) == len(masks):
            yield from self._thresholds(term, numbers, masks, known)
            return
        constants = [value for value in masks if value is not None]
        if set(constants) <= {True, False} and None not in masks:
            true = masks.get(True, 0)
            yield self._feature(Condition(term, "==", True), LITERAL, true, known & ~true)  # noqa: FBT003
            return
        if None in masks:
            yield self._feature(Condition(term, "==", None), LITERAL, masks[None], known & ~masks[None])
        if len(constants) <= MOST_VALUES:
            is_entity = self._sorts[term] not in NOT_ENTITIES
            for value in constants:
                price = LITERAL + CONSTANT + INDIVIDUAL * is_entity + math.log(len(constants))
                yield self._feature(Condition(term, "==", value), price, masks[value], known & ~masks[value])

    def _thresholds(
        self, term: Term, numbers: Sequence[float], masks: Mapping[Value, int], known: int
    ) -> Iterator[Feature]:
        below = 0
        every = max(1, len(numbers) // MOST_THRESHOLDS)
        for position, (low, high) in enumerate(pairwise(numbers)):
            below |= masks[low]
            if position % every == 0:
                cut = low if isinstance(low, int) and isinstance(high, int) else (low + high) / 2
                yield self._feature(
                    Condition(term, ">", cut), LITERAL + NUMBER * math.log(1 + abs(cut)), known & ~below, below
                )


def _asked(condition: Condition) -> object:
    """Return what a condition asks after, whatever constant it compares that with."""
    left, _, right = condition
    if isinstance(right, Some):
        flag, *others = right.conditions
        return flag.left, *((each.left, None if isinstance(each.right, str) else each.right) for each in others)
    return condition if isinstance(right, Ref | Var) else left


def _depth(term: Term) -> int:
    return sum(1 + _depth(arg) for arg in term.args) if isinstance(term, Ref) else 0


@dataclass(frozen=True, slots=True)
class _Quantity:
    """Is there a thing of a sort that has a flag and, with ``attribute``, one whose attribute is the value of a term?"""

    flag: str
    sort: str
    attribute: str = ""
    term: Term = None

    def condition(self) -> Condition:
        thing = Var("x")
        conditions = [Condition(Ref(self.flag, (thing,)), "==", True)]  # noqa: FBT003
        if self.attribute:
            conditions.append(Condition(Ref(self.attribute, (thing,)), "==", self.term))
        return Condition(thing, "some", Some("x", self.sort, tuple(conditions)))


def _quantified(typed: Sequence[Typed], vocabulary: Vocabulary) -> Iterator[_Quantity]:
    """Yield what can be asked of things that no term refers to."""
    unary = [s for s in vocabulary.fluents.values() if len(s.parameters) == 1 and s.derive is None and not s.hidden]
    for flag in (s for s in unary if s.value == "bool" and not s.static):
        sort = flag.parameters[0]
        yield _Quantity(flag.name, sort)
        for attribute in unary:
            if attribute.value in ("bool", "number", "sort") or not accepts(attribute.parameters[0], sort):
                continue
            for term, of in typed:
                is_same_attribute = isinstance(term, Ref) and term.name == attribute.name
                if isinstance(term, Ref) and term.args and (is_same_attribute or of == attribute.value):
                    yield _Quantity(flag.name, sort, attribute.name, term)
