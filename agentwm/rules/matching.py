"""Evaluates terms and conditions in a state, three-valued: true, false, or unknown.

Unknown is ``None`` for a condition and ``UNKNOWN`` for a term. A reference whose argument is known to be absent
(the place of nothing) is itself absent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from agentwm.rules.language import ANY_ACTION, Rule
from agentwm.types import Action, Condition, Fluent, Ref, Some, State, Term, Value, Var, Vocabulary

__all__ = [
    "UNKNOWN",
    "Unknown",
    "bind",
    "compare",
    "conjunction",
    "holds",
    "instances",
    "look_up",
    "sorts_of",
    "things_beside",
    "value_of",
]


class Unknown:
    """Marks the value of a fluent that nothing is known of."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
Bindings = Mapping[str, str]


def look_up(fluent: Fluent, state: State, vocabulary: Vocabulary) -> Value | Unknown:
    """Return the value of ``fluent``: what the state says, else what is derived from it, else its default, else ``UNKNOWN``."""
    if fluent in state:
        return state[fluent]
    schema = vocabulary.fluents.get(fluent.name)
    if schema is None:
        return UNKNOWN
    if schema.derive is not None:
        return schema.derive(state, fluent.args)
    return schema.default if schema.has_default else UNKNOWN


def value_of(term: Term, bindings: Bindings, state: State, vocabulary: Vocabulary) -> Value | Unknown:
    """Return what ``term`` refers to."""
    if type(term) is Var:
        return bindings[term.name]
    if type(term) is not Ref:
        return term  # type: ignore[return-value]
    args: list[str] = []
    for arg in term.args:
        value = bindings[arg.name] if type(arg) is Var else value_of(arg, bindings, state, vocabulary)
        if value is UNKNOWN:
            return UNKNOWN
        if value is None:
            return None
        args.append(str(value))
    return look_up(Fluent(term.name, tuple(args)), state, vocabulary)


def compare(left: Value | Unknown, op: str, right: Value | Unknown | tuple[Value, ...]) -> bool | None:
    """Return whether ``left op right``, None where either side is unknown or the two cannot be ordered."""
    if left is UNKNOWN or right is UNKNOWN:
        return None
    if op == "==":
        return left == right
    if op == "!=":
        return left != right
    if op in ("in", "notin"):
        assert isinstance(right, tuple)
        return (left in right) == (op == "in")
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left < right if op == "<" else left > right
    return None


def holds(condition: Condition, bindings: Bindings, state: State, vocabulary: Vocabulary) -> bool | None:
    """Return whether ``condition`` holds, None where that is unknown.

    Two references that are both absent are not the same thing: where nothing is, nothing is shared.
    """
    right = condition.right
    if isinstance(right, Some):
        found = _some(right, bindings, state, vocabulary)
        return found if condition.op == "some" or found is None else not found
    left = value_of(condition.left, bindings, state, vocabulary)
    if condition.op in ("known", "unknown"):
        return (left is UNKNOWN) == (condition.op == "unknown")
    if condition.op in ("in", "notin"):
        return compare(left, condition.op, right)  # type: ignore[arg-type]
    other = value_of(right, bindings, state, vocabulary)  # type: ignore[arg-type]
    if left is None and other is None and isinstance(right, Ref):
        return condition.op == "!="
    return compare(left, condition.op, other)


def _some(some: Some, bindings: Bindings, state: State, vocabulary: Vocabulary) -> bool | None:
    """Return whether a thing of the sort fulfils the conditions, None where only unknown ones may."""
    result: bool | None = False
    sorts = some.sort.split("|")
    for fluent, value in state.items():
        if fluent.name == "sort" and value in sorts:
            truth = conjunction(some.conditions, {**bindings, some.variable: fluent.args[0]}, state, vocabulary)
            if truth:
                return True
            if truth is None:
                result = None
    return result


def conjunction(
    conditions: Sequence[Condition], bindings: Bindings, state: State, vocabulary: Vocabulary
) -> bool | None:
    """Return whether all ``conditions`` hold: False as soon as one fails, else None when one is unknown."""
    result: bool | None = True
    for condition in conditions:
        truth = holds(condition, bindings, state, vocabulary)
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def bind(rule: Rule, action: Action) -> dict[str, str] | None:
    """Return the rule's parameters bound to the action's arguments, None when it is about another action."""
    if rule.verb == ANY_ACTION:
        return {}
    if rule.verb != action.verb or len(rule.parameters) != len(action.args):
        return None
    return dict(zip(rule.parameters, action.args, strict=True))


def instances(rule: Rule, action: Action, state: State) -> Iterator[dict[str, str]]:
    """Yield the ways to bind the rule's variables: one where it is about ``action``, or one for each thing that it may speak of."""
    bindings = bind(rule, action)
    if bindings is None:
        return
    if not rule.each:
        yield bindings
        return
    for thing in things_beside(action, state, rule.each.sort):
        yield {**bindings, rule.each.variable: thing}


def sorts_of(things: Iterable[str], state: State) -> tuple[str, ...]:
    """Return the sort of each of ``things``, ``any`` where it is not known."""
    return tuple(str(state.get(Fluent("sort", (thing,)), "any")) for thing in things)


def things_beside(action: Action, state: State, sort: str) -> list[str]:
    """Return all things of ``sort``, but those that ``action`` is done with."""
    return [
        fluent.args[0]
        for fluent, value in state.items()
        if fluent.name == "sort" and value == sort and fluent.args[0] not in action.args
    ]
