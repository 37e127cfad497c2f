"""Finds the rules that apply to an action in a state without trying them all.

Conditions are compiled to functions of the action's arguments and the state. The rules of a verb are kept in a tree: at each node
stands the term that most of its rules compare with a constant, and only the branch of its present value is followed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentwm.rules.language import ANY_ACTION, TICK, Rule
from agentwm.rules.matching import UNKNOWN, Unknown, compare, holds
from agentwm.types import Action, Condition, Fluent, Ref, Some, State, Term, Value, Var, Vocabulary

__all__ = ["RuleIndex", "Test", "compiled", "compiled_test"]

Args = tuple[str, ...]
Read = Callable[[Args, State], Value | Unknown]
Test = Callable[[Args, State], bool | None]

SMALL = 3  # rules that are tried one by one


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

    def read(args: Args, state: State) -> Value | Unknown:
        names = []
        for each in reads:
            value = each(args, state)
            if value is UNKNOWN:
                return UNKNOWN
            if value is None:
                return None
            names.append(value if isinstance(value, str) else str(value))
        fluent = Fluent(name, tuple(names))
        if derive is not None and fluent not in state:
            return derive(state, fluent.args)
        return state.get(fluent, default)

    return read


def compiled_test(condition: Condition, parameters: Sequence[str], vocabulary: Vocabulary) -> Test:
    """Return a function that says whether ``condition`` holds, as `holds` does."""
    op, right = condition.op, condition.right
    if isinstance(right, Some):
        names = tuple(parameters)
        return lambda args, state: holds(condition, dict(zip(names, args, strict=True)), state, vocabulary)
    left = compiled(condition.left, parameters, vocabulary)
    if op in ("known", "unknown"):
        return lambda args, state: (left(args, state) is UNKNOWN) == (op == "unknown")
    if op in ("in", "notin"):
        constants: tuple[Value, ...] = right  # type: ignore[assignment]  # these two have constants there
        return lambda args, state: compare(left(args, state), op, constants)
    other = compiled(right, parameters, vocabulary)  # type: ignore[arg-type]
    is_reference = isinstance(right, Ref)

    def test(args: Args, state: State) -> bool | None:
        here, there = left(args, state), other(args, state)
        if here is None and there is None and is_reference:
            return op == "!="
        return compare(here, op, there)

    return test


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class _Node:
    """The rules that hold whatever ``term`` is, and by its value the others; a leaf has no term."""

    rules: tuple[_Compiled, ...]
    read: Read | None = None
    branches: Mapping[Value, "_Node"] | None = None
    rest: "_Node | None" = None


class RuleIndex:
    """The rules of a store, by verb and by what they ask for."""

    def __init__(self, rules: Sequence[Rule], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._trees: dict[tuple[str, int], _Node] = {}
        by_verb: dict[tuple[str, int], list[Rule]] = {}
        for rule in rules:
            if rule.verb != TICK:
                by_verb.setdefault((rule.verb, len(rule.parameters)), []).append(rule)
        for key, group in by_verb.items():
            self._trees[key] = self._grown([(rule, list(rule.when)) for rule in group])

    def _grown(self, rules: Sequence[tuple[Rule, list[Condition]]]) -> _Node:
        counts = Counter(_switch(c, rule) for rule, when in rules for c in when if _switch(c, rule) is not None)
        if len(rules) <= SMALL or not counts or max(counts.values()) < 2:
            return _Node(tuple(self._compiled(rule, when) for rule, when in rules))
        most = max(counts.values())
        term = next(term for term, count in counts.items() if count == most)
        groups: dict[Value, list[tuple[Rule, list[Condition]]]] = {}
        rest: list[tuple[Rule, list[Condition]]] = []
        for rule, when in rules:
            chosen = next((c for c in when if _switch(c, rule) == term), None)
            if chosen is None:
                rest.append((rule, when))
            else:
                groups.setdefault(chosen.right, []).append((rule, [c for c in when if c is not chosen]))  # type: ignore[arg-type]
        assert term is not None
        return _Node(
            (),
            compiled(term, _POSITIONS, self._vocabulary),
            {value: self._grown(group) for value, group in groups.items()},
            self._grown(rest) if rest else None,
        )

    def _compiled(self, rule: Rule, when: Sequence[Condition]) -> _Compiled:
        return _Compiled(rule, tuple(compiled_test(condition, rule.parameters, self._vocabulary) for condition in when))

    def applying(self, action: Action, state: State) -> Iterator[Rule]:
        """Yield the rules about ``action``, and then those about any, whose conditions ``when`` are all known to hold."""
        for key, args in (((action.verb, len(action.args)), action.args), ((ANY_ACTION, 0), ())):
            if (node := self._trees.get(key)) is not None:
                yield from self._within(node, args, state)

    def _within(self, node: _Node, args: Args, state: State) -> Iterator[Rule]:
        for each in node.rules:
            if all(test(args, state) is True for test in each.tests):
                yield each.rule
        if node.read is not None and node.branches is not None:
            branch = node.branches.get(node.read(args, state))  # type: ignore[arg-type]
            if branch is not None:
                yield from self._within(branch, args, state)
        if node.rest is not None:
            yield from self._within(node.rest, args, state)


_POSITIONS = tuple(str(number) for number in range(10))


def _switch(condition: Condition, rule: Rule) -> Term:
    """Return the term that ``condition`` compares with a constant, by the position of the arguments in it; None where it does not."""
    left, op, right = condition
    if op != "==" or not isinstance(left, Ref) or right is None or isinstance(right, Var | Ref | tuple | float):
        return None
    return _numbered(left, rule.parameters)


def _numbered(term: Term, parameters: Sequence[str]) -> Term:
    if isinstance(term, Var):
        return Var(_POSITIONS[parameters.index(term.name)])
    if isinstance(term, Ref):
        return Ref(term.name, tuple(_numbered(arg, parameters) for arg in term.args))
    return term
