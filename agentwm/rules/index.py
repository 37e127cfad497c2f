"""Finds the rules that apply to an action in a state without trying them all.

Conditions are compiled to functions of the action's arguments and the state. The rules of a verb are kept in a tree: at each node
stands the term that most of its rules compare with a constant, and only the branch of its present value is followed.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agentwm.rules.language import ANY_ACTION, Rule
from agentwm.rules.matching import UNKNOWN, Unknown, compare, holds
from agentwm.types import Action, Condition, Fluent, Ref, Some, State, Term, Value, Var, Vocabulary
from agentwm.types.vocabulary import Derive

__all__ = ["RuleIndex", "Test", "compiled", "compiled_test", "named"]

Args = tuple[str, ...]
Read = Callable[[Args, State], Value | Unknown]
Test = Callable[[Args, State], bool | None]
Strike = Callable[[Args, State], int]

_NUMBERS = frozenset({int, float, bool})

SMALL = 3  # constants to tell apart, from which on a term is switched on


def compiled(term: Term, parameters: Sequence[str], vocabulary: Vocabulary) -> Read:
    """Return a function that reads ``term``, in which ``parameters`` stand for an action's arguments; as `value_of` does."""
    if isinstance(term, Var):
        position = parameters.index(term.name)
        return lambda args, _: args[position]
    if not isinstance(term, Ref):
        return lambda _args, _state: term
    schema = vocabulary.fluents.get(term.name)
    default: Value | Unknown = schema.default if schema is not None and schema.has_default else UNKNOWN
    derive = None if schema is None else schema.derive
    name = term.name
    if derive is None and not term.args:
        key = Fluent(name)
        return lambda _, state: state.get(key, default)
    if derive is None and len(term.args) == 1 and isinstance(term.args[0], Var):
        position = parameters.index(term.args[0].name)
        # A plain tuple is the same key as a fluent, and quicker to make.
        return lambda args, state: state.get((name, (args[position],)), default)  # type: ignore[call-overload]
    reads = [compiled(arg, parameters, vocabulary) for arg in term.args]
    return _nested(name, reads, default) if derive is None else _derived(name, reads, derive)


def _nested(name: str, reads: Sequence[Read], default: Value | Unknown) -> Read:
    """Return a function that reads the fluent ``name`` of what ``reads`` read."""
    if len(reads) == 1:
        [within] = reads

        def read_of_one(args: Args, state: State) -> Value | Unknown:
            value = within(args, state)
            if value is None or value is UNKNOWN:
                return value
            return state.get((name, (value if value.__class__ is str else str(value),)), default)  # type: ignore[call-overload,no-any-return]

        return read_of_one

    def read(args: Args, state: State) -> Value | Unknown:
        names = named(reads, args, state)
        return state.get((name, names), default) if isinstance(names, tuple) else names  # type: ignore[call-overload]

    return read


def _derived(name: str, reads: Sequence[Read], derive: Derive) -> Read:
    """Return a function that reads the derived fluent ``name`` of what ``reads`` read."""

    def read(args: Args, state: State) -> Value | Unknown:
        names = named(reads, args, state)
        if not isinstance(names, tuple):
            return names
        fluent: Fluent = (name, names)  # type: ignore[assignment]  # as above
        return state[fluent] if fluent in state else derive(state, names)

    return read


def named(reads: Sequence[Read], args: Args, state: State) -> tuple[str, ...] | Unknown | None:
    """Return the names of the things that ``reads`` read; unknown where one is, and None where there is no such thing."""
    if not reads:
        return ()
    if len(reads) == 1:  # as most often
        value = reads[0](args, state)
        if value is None or value is UNKNOWN:
            return value
        return (value if value.__class__ is str else str(value),)
    names = []
    for each in reads:
        value = each(args, state)
        if value is None or value is UNKNOWN:
            return value
        names.append(value if value.__class__ is str else str(value))
    return tuple(names)


def compiled_test(condition: Condition, parameters: Sequence[str], vocabulary: Vocabulary) -> Test:
    """Return a function that says whether ``condition`` holds, as `holds` does."""
    op, right = condition.op, condition.right
    if isinstance(right, Some):
        return lambda args, state: holds(condition, dict(zip(parameters, args, strict=False)), state, vocabulary)
    left = compiled(condition.left, parameters, vocabulary)
    if op in ("known", "unknown"):
        return lambda args, state: (left(args, state) is UNKNOWN) == (op == "unknown")
    if op in ("in", "notin"):
        constants: tuple[Value, ...] = right  # type: ignore[assignment]  # these two have constants there
        return lambda args, state: compare(left(args, state), op, constants)
    if not isinstance(right, Ref | Var):
        return _against_constant(left, op, right)  # type: ignore[arg-type]  # the other kinds were dealt with
    other = compiled(right, parameters, vocabulary)
    is_reference = isinstance(right, Ref)

    def test(args: Args, state: State) -> bool | None:
        here, there = left(args, state), other(args, state)
        if here is None and there is None and is_reference:
            return op == "!="
        return compare(here, op, there)

    return test


def _against_constant(left: Read, op: str, right: Value) -> Test:
    """Return what `compare` would say of what ``left`` reads and a constant, without asking each time what is to be compared."""
    if op in ("==", "!="):
        is_equal = op == "=="

        def same(args: Args, state: State) -> bool | None:
            here = left(args, state)
            return None if here is UNKNOWN else (here == right) is is_equal

        return same
    limit = right if isinstance(right, int | float) else math.nan

    def more(args: Args, state: State) -> bool | None:
        here = left(args, state)
        return here > limit if here.__class__ in _NUMBERS else None  # type: ignore[operator]

    def less(args: Args, state: State) -> bool | None:
        here = left(args, state)
        return here < limit if here.__class__ in _NUMBERS else None  # type: ignore[operator]

    if not isinstance(right, int | float):
        return lambda _args, _state: None
    return more if op == ">" else less


@dataclass(frozen=True, slots=True)
class _Node:
    """Rules to choose among: by the value of a term, where many ask for it, else by striking out those that a test speaks against.

    ``strikes`` are the conditions of ``rules``, each once, the most common first, with the bits of the rules that ask for it.
    """

    rules: tuple[Rule, ...] = ()
    strikes: tuple[tuple[Strike, int], ...] = ()
    read: Read | None = None
    branches: Mapping[Value | Unknown, "_Node"] | None = None
    rest: "_Node | None" = None


Asking = tuple[Rule, list[Condition]]
"""A rule with the conditions still to be tested, its parameters numbered."""


class RuleIndex:
    """The rules of a store, but for those about each thing, by verb and by what they ask for."""

    def __init__(self, rules: Sequence[Rule], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        by_verb: dict[tuple[str, int], list[Asking]] = {}
        for rule in rules:
            if not rule.each:
                key = (rule.verb, len(rule.parameters))
                by_verb.setdefault(key, []).append((rule, [_numbered(c, rule.parameters) for c in rule.when]))
        self._trees = {key: self._grown(group) for key, group in by_verb.items()}

    def _grown(self, rules: Sequence[Asking]) -> _Node:
        constants: dict[Term, set[Value]] = {}
        for _, when in rules:
            for condition in when:
                if _is_switch(condition):
                    constants.setdefault(condition.left, set()).add(condition.right)  # type: ignore[arg-type]
        term = max(constants, key=lambda each: len(constants[each]), default=None)
        if term is None or len(constants[term]) < SMALL:
            return self._leaf(rules)
        groups: dict[Value | Unknown, list[Asking]] = {}
        rest: list[Asking] = []
        for rule, when in rules:
            chosen = next((c for c in when if c.left == term and _is_switch(c)), None)
            if chosen is None:
                rest.append((rule, when))
            else:
                others = [c for c in when if c is not chosen]
                groups.setdefault(chosen.right, []).append((rule, others))  # type: ignore[arg-type]
        return _Node(
            read=compiled(term, _POSITIONS, self._vocabulary),
            branches={value: self._grown(group) for value, group in groups.items()},
            rest=self._grown(rest) if rest else None,
        )

    def _leaf(self, rules: Sequence[Asking]) -> _Node:
        asked: dict[Condition, int] = {}
        for number, (_, when) in enumerate(rules):
            for condition in when:
                asked[condition] = asked.get(condition, 0) | 1 << number
        limits: dict[tuple[Term, str], dict[float, int]] = {}
        strikes: list[tuple[Strike, int]] = []
        for condition, mask in asked.items():
            if _is_limit(condition):
                limits.setdefault((condition.left, condition.op), {})[condition.right] = mask  # type: ignore[index]
            else:
                strikes.append((_strike(compiled_test(condition, _POSITIONS, self._vocabulary), mask), mask))
        for (term, op), masks in limits.items():
            strikes.append(_ordered(compiled(term, _POSITIONS, self._vocabulary), op, masks))
        strikes.sort(key=lambda strike: -strike[1].bit_count())
        return _Node(tuple(rule for rule, _ in rules), tuple(strikes))

    def applying(self, action: Action, state: State) -> list[Rule]:
        """Return the rules about ``action``, and then those about any, whose conditions ``when`` are all known to hold."""
        found: list[Rule] = []
        for key, args in (((action.verb, len(action.args)), action.args), ((ANY_ACTION, 0), ())):
            waiting = [self._trees[key]] if key in self._trees else []
            while waiting:
                node = waiting.pop()
                if node.rules:
                    found += _left(node, args, state)
                if node.read is not None and node.branches is not None:
                    branch = node.branches.get(node.read(args, state))
                    waiting += [each for each in (node.rest, branch) if each is not None]
        return found


def _left(node: _Node, args: Args, state: State) -> Sequence[Rule]:
    """Return the rules of ``node`` that no condition speaks against."""
    alive = (1 << len(node.rules)) - 1
    for strike, mask in node.strikes:
        if alive & mask:
            alive &= ~strike(args, state)
            if not alive:
                return ()
    rules: list[Rule] = []
    while alive:  # few are, mostly
        low = alive & -alive
        rules.append(node.rules[low.bit_length() - 1])
        alive ^= low
    return rules


def _strike(test: Test, mask: int) -> Strike:
    return lambda args, state: 0 if test(args, state) is True else mask


def _ordered(read: Read, op: str, masks: Mapping[float, int]) -> tuple[Strike, int]:
    """Return what many limits on one number strike out together, found by bisection, and the bits of all that ask for one."""
    limits = sorted(masks)
    struck = [0]  # by how many of the limits, from the one that is broken first, are broken
    for limit in reversed(limits) if op == ">" else limits:
        struck.append(struck[-1] | masks[limit])
    everything, number, is_more = struck[-1], len(limits), op == ">"

    def strike(args: Args, state: State) -> int:
        value = read(args, state)
        if value.__class__ not in _NUMBERS:
            return everything
        position = bisect_left(limits, value) if is_more else number - bisect_right(limits, value)  # type: ignore[type-var]
        return struck[number - position]

    return strike, everything


_POSITIONS = tuple(str(number) for number in range(10))


def _is_switch(condition: Condition) -> bool:
    """Whether ``condition`` compares what a reference refers to with a constant."""
    left, op, right = condition
    return op == "==" and isinstance(left, Ref) and isinstance(right, str | bool | int)


def _is_limit(condition: Condition) -> bool:
    """Whether ``condition`` compares a number with a constant."""
    return condition.op in ("<", ">") and isinstance(condition.right, int | float)


def _numbered(condition: Condition, parameters: Sequence[str]) -> Condition:
    """Return ``condition`` with the parameters named by their positions, so that rules that name them otherwise share it."""
    names = dict(zip(parameters, _POSITIONS, strict=False))

    def term(each: Term) -> Term:
        if isinstance(each, Var):
            return Var(names.get(each.name, each.name))
        return Ref(each.name, tuple(map(term, each.args))) if isinstance(each, Ref) else each

    left, op, right = condition
    if isinstance(right, Some):
        outside = ["" if name == right.variable else name for name in parameters]
        inner = tuple(_numbered(c, outside) for c in right.conditions)
        return Condition(left, op, right._replace(conditions=inner))
    if op in ("in", "notin"):
        return Condition(term(left), op, right)
    return Condition(term(left), op, term(right))  # type: ignore[arg-type]
