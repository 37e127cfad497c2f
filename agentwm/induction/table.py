"""Examples of one verb as columns of bits, so that a search over conditions is a search over integers.

Bit *i* of every mask belongs to example *i*. A condition has two masks, where it is true and where it is false; where
neither bit is set it is unknown. The names that conditions may use are drawn from the vocabulary alone: every
equality between two references of one sort, every Boolean fluent of an argument, every kind.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from agentwm.induction.credit import Example
from agentwm.rules.language import variables
from agentwm.rules.matching import UNKNOWN, Unknown, compare, value_of
from agentwm.types import NOT_ENTITIES, Action, Condition, Ref, State, Term, Value, Var, Vocabulary

__all__ = ["KIND_PRICE", "MOST_KINDS", "Literal", "Table", "membership", "negated", "parameter_names"]

# Prices of a condition in the search, cheapest first: a relation between the things at hand explains more than a
# property of one, and a property more than a thing's kind. Source: DECISIONS 5.
RELATION_PRICE = 1.0
ABSENCE_PRICE = 1.0
PROPERTY_PRICE = 1.5
KIND_PRICE = 1.0
KIND_MEMBER_PRICE = 1.0
MOST_KINDS = 3
UNPROVEN = 0.7  # the weight of an exception for a kind of which nothing ever succeeded
FEWEST_EACH = 2  # successes per kind, where several succeeded
FEWEST_OTHERS = 3  # kinds that must have failed for each kind that succeeded


@dataclass(frozen=True, slots=True)
class Literal:
    """A condition with its price and the examples in which it is true and false.

    ``is_bond`` marks an equality between references: what ties the action's arguments to the situation.
    """

    condition: Condition
    price: float
    true: int
    false: int
    is_bond: bool = False


def parameter_names(sorts: Sequence[str]) -> tuple[str, ...]:
    """Return variable names for parameters of these sorts: ``o``, ``r``; numbered where a letter occurs twice."""
    letters = [sort[0] for sort in sorts]
    return tuple(
        letter if letters.count(letter) == 1 else f"{letter}{letters[: i + 1].count(letter)}"
        for i, letter in enumerate(letters)
    )


class Table:
    """The examples of one verb applied to arguments of the given sorts."""

    def __init__(self, verb: str, sorts: tuple[str, ...], vocabulary: Vocabulary) -> None:
        self.verb = verb
        self.sorts = sorts
        self.parameters = parameter_names(sorts)
        self.vocabulary = vocabulary
        self.rows: list[Example] = []
        self.succeeded = 0
        self._pairs = list(_pairs(sorts, self.parameters, vocabulary))
        self._constants = list(_constants(sorts, self.parameters, vocabulary))
        self._terms = list(
            dict.fromkeys((*(t for pair in self._pairs for t in pair), *(t for t, _ in self._constants)))
        )
        self._kinds: list[Term] = [Ref("kind", (Var(name),)) for name in self.parameters]
        self._kind_masks: list[dict[Value, int]] = [{} for _ in self._kinds]
        self._alike: dict[tuple[Value | Unknown, ...], int] = {}
        self._excused = 0  # the examples of the same kinds as one that succeeded
        self._pair_masks = [[0, 0] for _ in self._pairs]
        self._constant_masks = [[0, 0] for _ in self._constants]
        self._index: dict[Condition, int] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def everything(self) -> int:
        """The mask of all examples."""
        return (1 << len(self.rows)) - 1

    @property
    def failed(self) -> int:
        """The mask of the examples that failed."""
        return self.everything & ~self.succeeded

    def references(self, sort: str) -> Iterator[Term]:
        """Yield what refers to a thing of ``sort``: fluents without arguments, of an argument, and static fluents of those."""
        return (term for each, term in _references(self.sorts, self.parameters, self.vocabulary) if each == sort)

    def kinds(self) -> Iterator[tuple[Term, dict[Value, int]]]:
        """Yield, per argument, the reference to its kind and the mask of the examples with each kind."""
        return zip(self._kinds, self._kind_masks, strict=True)

    def copy(self) -> "Table":
        """Return a table that can grow without changing this one."""
        twin = Table.__new__(Table)
        twin.__dict__.update(self.__dict__)
        twin._index = None  # noqa: SLF001 -- our own class
        twin.rows = list(self.rows)
        twin._kind_masks = [dict(masks) for masks in self._kind_masks]  # noqa: SLF001
        twin._alike = dict(self._alike)  # noqa: SLF001
        twin._pair_masks = [list(masks) for masks in self._pair_masks]  # noqa: SLF001
        twin._constant_masks = [list(masks) for masks in self._constant_masks]  # noqa: SLF001
        return twin

    def append(self, example: Example) -> None:
        """Add one example: one bit to every column."""
        bit = 1 << len(self.rows)
        self._index = None
        self.rows.append(example)
        if example.succeeded:
            self.succeeded |= bit
        truths = self.truths(example.action, example.before)
        for truth, masks in zip(truths, (*self._pair_masks, *self._constant_masks), strict=True):
            if truth is not None:
                masks[not truth] |= bit
        bindings = dict(zip(self.parameters, example.action.args, strict=True))
        kinds = tuple(value_of(term, bindings, example.before, self.vocabulary) for term in self._kinds)
        for kind, by_kind in zip(kinds, self._kind_masks, strict=True):
            if not isinstance(kind, Unknown):
                by_kind[kind] = by_kind.get(kind, 0) | bit
        self._alike[kinds] = alike = self._alike.get(kinds, 0) | bit
        if alike & self.succeeded:
            self._excused |= alike

    def truths(self, action: Action, state: State) -> list[bool | None]:
        """Return, for every equality that is tested, whether it holds for ``action`` in ``state``: in the order of `columns`."""
        bindings = dict(zip(self.parameters, action.args, strict=True))
        values = {term: value_of(term, bindings, state, self.vocabulary) for term in self._terms}
        truths: list[bool | None] = []
        for left, right in self._pairs:
            here, there = values[left], values[right]
            is_known = here is not UNKNOWN and there is not UNKNOWN
            truths.append(here == there and here is not None if is_known else None)
        truths += [compare(values[left], "==", constant) for left, constant in self._constants]
        return truths

    def rows_of(self, mask: int) -> Iterator[tuple[int, Example]]:
        """Yield (index, example) for every bit of ``mask``."""
        while mask:
            low = mask & -mask
            index = low.bit_length() - 1
            yield index, self.rows[index]
            mask ^= low

    def like(self, truths: Sequence[bool | None]) -> int:
        """Return the mask of the examples in whose circumstances the same `truths` held, kinds apart."""
        mask = self.everything
        for truth, (true, false) in zip(truths, (*self._pair_masks, *self._constant_masks), strict=True):
            mask &= ~(true | false) if truth is None else true if truth else false
            if not mask:
                break
        return mask

    def columns(self) -> Iterator[tuple[Term, Term, int, int]]:
        """Yield (left, right, true, false) for every equality that is tested."""
        for (left, right), (true, false) in zip(self._pairs, self._pair_masks, strict=True):
            yield left, right, true, false
        for (left, constant), (true, false) in zip(self._constants, self._constant_masks, strict=True):
            yield left, constant, true, false

    def bonds_that_hold(self, truths: Sequence[bool | None]) -> tuple[int, int]:
        """Return how many of the equalities between references are among the `truths`, and how many there are."""
        return sum(truth is True for truth in truths[: len(self._pairs)]), len(self._pairs)

    def of_kinds(self, kinds: Sequence[Value]) -> list[int]:
        """Return, per argument, the mask of the examples whose argument was of the kind given."""
        return [masks.get(kind, 0) for masks, kind in zip(self._kind_masks, kinds, strict=True)]

    def kinds_in(self, mask: int) -> dict[str, dict[str, int]]:
        """Return, per argument, how many of the examples in ``mask`` had one of each kind."""
        return {
            name: {str(kind): (of_kind & mask).bit_count() for kind, of_kind in by_kind.items() if of_kind & mask}
            for name, by_kind in zip(self.parameters, self._kind_masks, strict=True)
        }

    def where(self, conditions: Iterable[Condition]) -> int:
        """Return the mask of the examples in which all ``conditions``, as ``literals`` yields them, were true."""
        if self._index is None:
            self._index = {literal.condition: literal.true for literal in self.literals()}
        mask = self.everything
        for condition in conditions:
            mask &= self._index.get(condition, 0) if condition.left not in self._kinds else self._of_kind(condition)
        return mask

    def _of_kind(self, condition: Condition) -> int:
        kinds = condition.right if isinstance(condition.right, tuple) else (condition.right,)
        return self._kind_mask(condition.left, [str(kind) for kind in kinds])

    def bonds(self) -> Iterator[Literal]:
        """Yield the equalities between references."""
        for (left, right), (true, false) in zip(self._pairs, self._pair_masks, strict=True):
            yield Literal(Condition(left, "==", right), RELATION_PRICE, true, false, is_bond=True)

    def bond_patterns(self) -> set[frozenset[Condition]]:
        """Return the sets of equalities between references that were true together in some example."""
        bonds = list(self.bonds())
        patterns: dict[frozenset[Condition], int] = {frozenset(): self.everything}
        for bond in bonds:
            grown: dict[frozenset[Condition], int] = {}
            for pattern, mask in patterns.items():
                if mask & bond.true:
                    grown[pattern | {bond.condition}] = mask & bond.true
                if mask & ~bond.true:
                    grown[pattern] = mask & ~bond.true
            patterns = grown
        return set(patterns)

    def literals(self) -> Iterator[Literal]:
        """Yield every simple condition and its negation, those on kinds excepted."""
        for literal in self.bonds():
            yield literal
            yield negated(literal)
        for (left, constant), (true, false) in zip(self._constants, self._constant_masks, strict=True):
            price = ABSENCE_PRICE if constant is None and self._is_entity(left) else PROPERTY_PRICE
            literal = Literal(Condition(left, "==", constant), price, true, false)
            yield literal
            yield negated(literal)

    def _is_entity(self, term: Term) -> bool:
        """Whether ``term`` refers to a thing."""
        return isinstance(term, Ref) and self.vocabulary.fluents[term.name].value not in NOT_ENTITIES

    def kind_literals(self, positives: int, negatives: int) -> Iterator[Literal]:
        """Yield, per parameter, ``kind(?x) is one of`` those seen among ``positives``, where that is a bold enough claim.

        It is one when few kinds succeed, each twice on average where they are several, and many fail. A failure of one kind among many is
        an exception, not a condition.
        """
        for term, by_kind in zip(self._kinds, self._kind_masks, strict=True):
            liked = sorted(str(kind) for kind, mask in by_kind.items() if mask & positives)
            disliked = [kind for kind, mask in by_kind.items() if mask & negatives and not mask & positives]
            if not 0 < len(liked) <= MOST_KINDS or len(disliked) < FEWEST_OTHERS * len(liked):
                continue
            if len(liked) > 1 and positives.bit_count() < FEWEST_EACH * len(liked):
                continue
            inside = self._kind_mask(term, liked)
            price = KIND_PRICE + KIND_MEMBER_PRICE * len(liked)
            yield Literal(membership(term, liked), price, inside, sum(by_kind.values()) & ~inside)

    def single_kinds(self, negatives: int) -> Iterator[Literal]:
        """Yield ``kind(?x) is k`` for every kind that occurs among ``negatives``."""
        for term, by_kind in zip(self._kinds, self._kind_masks, strict=True):
            known = sum(by_kind.values())
            for kind, mask in by_kind.items():
                if mask & negatives:
                    yield Literal(Condition(term, "==", kind), KIND_PRICE + KIND_MEMBER_PRICE, mask, known & ~mask)

    def exceptions(self, mask: int, subjects: Collection[Term]) -> float:
        """Return as how many exceptions the examples in ``mask`` count, given conditions on the kinds of ``subjects``.

        Where there is no such condition, every example is one.
        """
        rows = mask.bit_count()
        return min(rows, self.kinds_to_blame(mask, subjects)) if subjects else rows

    def kinds_to_blame(self, mask: int, subjects: Collection[Term] = ()) -> float:
        """Return how many kinds of one argument, none of ``subjects``, occur in ``mask``; of the argument with the fewest.

        A kind of which nothing ever succeeded counts as less than one: most kinds of thing are good for nothing. One of which something did
        cannot be to blame by itself, so it counts once with each of its partners; and where the same kinds succeeded together, each example
        counts.
        """
        by_itself = mask & self._excused
        mask &= ~by_itself
        counts = [
            sum(
                sum(bool(alike & of_kind & mask) for alike in self._alike.values())
                if of_kind & self.succeeded
                else UNPROVEN
                for of_kind in by_kind.values()
                if of_kind & mask
            )
            for name, by_kind in zip(self.parameters, self._kind_masks, strict=True)
            if Var(name) not in subjects
        ]
        return by_itself.bit_count() + min(counts, default=float("inf"))

    def partners(self, literal: Literal, mask: int) -> int:
        """Return with how many kinds of other argument the kind that ``literal`` names occurs in ``mask``."""
        return max(
            sum(bool(other & literal.true & mask) for other in by_kind.values())
            for term, by_kind in zip(self._kinds, self._kind_masks, strict=True)
            if term != literal.condition.left
        )

    def _kind_mask(self, term: Term, kinds: Sequence[str]) -> int:
        by_kind = self._kind_masks[self._kinds.index(term)]
        return sum(by_kind.get(kind, 0) for kind in kinds)


_NEGATIONS = {"==": "!=", "!=": "==", "in": "notin", "notin": "in"}


def negated(literal: Literal) -> Literal:
    """Return the literal that is true where this one is false."""
    left, op, right = literal.condition
    return Literal(Condition(left, _NEGATIONS[op], right), literal.price, literal.false, literal.true)


def membership(term: Term, kinds: Sequence[str]) -> Condition:
    """Return the condition that the kind that ``term`` refers to is one of ``kinds``."""
    return Condition(term, "==", kinds[0]) if len(kinds) == 1 else Condition(term, "in", tuple(kinds))


def _pairs(sorts: tuple[str, ...], names: tuple[str, ...], vocabulary: Vocabulary) -> Iterator[tuple[Term, Term]]:
    """Yield the pairs of references that may be compared: same sort, and at least one about the arguments."""
    by_sort: dict[str, list[Term]] = {}
    for sort, term in _references(sorts, names, vocabulary):
        by_sort.setdefault(sort, []).append(term)
    for terms in by_sort.values():
        for left, right in combinations(terms, 2):
            if any(True for _ in variables(left)) or any(True for _ in variables(right)):
                yield left, right


def _references(sorts: tuple[str, ...], names: tuple[str, ...], vocabulary: Vocabulary) -> Iterator[tuple[str, Term]]:
    """Yield (sort, reference): fluents without arguments, of an argument, and static fluents of those."""
    flat: list[tuple[str, Term]] = []
    entities = [schema for schema in vocabulary.fluents.values() if schema.value not in NOT_ENTITIES]
    flat += [(schema.value, Ref(schema.name)) for schema in entities if not schema.parameters]
    arguments: list[tuple[str, Term]] = [(sort, Var(name)) for sort, name in zip(sorts, names, strict=True)]
    for schema in entities:
        like = [variable for sort, variable in arguments if not schema.static and schema.parameters == (sort,)]
        flat += [(schema.value, Ref(schema.name, (variable,))) for variable in like]
    yield from flat
    yield from arguments
    for schema in entities:
        if schema.static and len(schema.parameters) == 1:
            for sort, term in (*flat, *arguments):
                if sort in schema.parameters[0].split("|"):
                    yield schema.value, Ref(schema.name, (term,))


def _constants(sorts: tuple[str, ...], names: tuple[str, ...], vocabulary: Vocabulary) -> Iterator[tuple[Term, Value]]:
    """Yield (reference, constant) pairs: what may be absent, and the Boolean fluents of the arguments."""
    for schema in vocabulary.fluents.values():
        if not schema.parameters and schema.value not in NOT_ENTITIES:
            yield Ref(schema.name), None
        for sort, name in zip(sorts, names, strict=True):
            if schema.value != "bool" or schema.hidden or schema.name == vocabulary.explored:
                continue  # what nobody sees, and what was merely looked into, is no condition of success
            if schema.parameters == (sort,):
                term = Ref(schema.name, (Var(name),))
                yield term, True
                if schema.derive is not None:
                    continue  # of what is worked out only that it is so: else it is often because there is nothing to work it out from
                yield term, False
                if not schema.has_default:
                    yield term, None
    yield from _linked_constants(sorts, names, vocabulary)


def _linked_constants(
    sorts: tuple[str, ...], names: tuple[str, ...], vocabulary: Vocabulary
) -> Iterator[tuple[Term, Value]]:
    """Yield (reference, constant) pairs of what the arguments are tied to: the Boolean fluents of the door in an exit, say.

    And of a fluent whose value is a word, whether it has its default: that nothing was done to it yet.
    """
    for sort, name in zip(sorts, names, strict=True):
        links = [s for s in vocabulary.fluents.values() if s.static and s.parameters == (sort,)]
        for link in (s for s in links if s.value not in NOT_ENTITIES):
            for schema in vocabulary.fluents.values():
                is_shown = schema.value == "bool" and schema.is_seen_to_change and schema.name != vocabulary.explored
                if is_shown and schema.parameters == (link.value,):
                    term = Ref(schema.name, (Ref(link.name, (Var(name),)),))
                    yield from ((term, constant) for constant in (True, False, None))
        for schema in vocabulary.fluents.values():
            if schema.parameters == (sort,) and schema.value == "kind" and not schema.static and schema.has_default:
                yield Ref(schema.name, (Var(name),)), schema.default
