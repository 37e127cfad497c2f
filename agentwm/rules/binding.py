"""Lets variables stand for the things of a state: a goal's by kind, a rule's by the action's arguments."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

from agentwm.rules.language import variables
from agentwm.rules.matching import conjunction
from agentwm.types import Condition, Goal, Ref, Some, State, Term, Var, Vocabulary

__all__ = [
    "Cast",
    "bindings_of",
    "ground_condition",
    "ground_term",
    "is_reached",
    "kind_of",
    "remaining",
    "things_for",
    "variables_of",
]


class Cast:
    """The things of the present state, by name, sort and kind."""

    def __init__(self, state: State) -> None:
        self.sorts: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.by_kind: dict[str, list[str]] = {}
        self.by_sort: dict[str, list[str]] = {}
        for fluent, value in state.items():
            if fluent.name == "sort":
                self.sorts[fluent.args[0]] = str(value)
                self.by_sort.setdefault(str(value), []).append(fluent.args[0])
            elif fluent.name == "kind":
                self.kinds[fluent.args[0]] = str(value)
                self.by_kind.setdefault(str(value), []).append(fluent.args[0])


def ground_term(term: Term, bindings: Mapping[str, str]) -> Term:
    """Return ``term`` with its bound variables replaced by names."""
    if isinstance(term, Var):
        return bindings.get(term.name, term)
    if isinstance(term, Ref):
        return Ref(term.name, tuple(ground_term(arg, bindings) for arg in term.args))
    return term


def ground_condition(condition: Condition, bindings: Mapping[str, str]) -> Condition:
    """Return ``condition`` with its bound variables replaced by names."""
    right = condition.right
    if isinstance(right, Some):
        inner = {name: thing for name, thing in bindings.items() if name != right.variable}
        grounded = tuple(ground_condition(c, inner) for c in right.conditions)
        return Condition(condition.left, condition.op, right._replace(conditions=grounded))
    if condition.op not in ("in", "notin"):
        right = ground_term(right, bindings)  # type: ignore[arg-type]
    return Condition(ground_term(condition.left, bindings), condition.op, right)


def is_reached(goal: Goal, state: State, vocabulary: Vocabulary) -> bool:
    """Return whether ``state`` is known to fulfil all conditions of ``goal``."""
    if not goal.conditions:
        return False
    return any(
        conjunction(goal.conditions, bindings, state, vocabulary) is True
        for bindings in bindings_of(goal.conditions, state)
    )


def remaining(goal: Goal, states: Iterable[State], vocabulary: Vocabulary) -> Goal:
    """Return what is left of ``goal`` after ``states`` were come to, one after another."""
    for state in states:
        if goal.then and is_reached(goal, state, vocabulary):
            goal = goal.rest
    return goal


def bindings_of(conditions: Sequence[Condition], state: State) -> Iterator[dict[str, str]]:
    """Yield the ways to let the conditions' variables stand for different things of the right kind."""
    cast = Cast(state)
    names = variables_of(conditions)
    choices = [things_for(name, conditions, cast) for name in names]
    for things in product(*choices):
        if len(set(things)) == len(things):
            yield dict(zip(names, things, strict=True))


def variables_of(conditions: Sequence[Condition]) -> list[str]:
    """Return the names of the variables in ``conditions``, each once, in order."""
    return list(dict.fromkeys(name for condition in conditions for name in variables(condition)))


def things_for(name: str, conditions: Sequence[Condition], cast: Cast) -> list[str]:
    """Return the things that the variable could stand for: those of the kind asked for, else all."""
    for condition in conditions:
        if condition.left == Ref("kind", (Var(name),)) and condition.op == "==":
            return cast.by_kind.get(str(condition.right), [])
    return list(cast.sorts)


def kind_of(name: str, conditions: Sequence[Condition]) -> str | None:
    """Return the kind that the goal asks of a variable, None where it asks for none."""
    for condition in conditions:
        if condition.left == Ref("kind", (Var(name),)) and condition.op == "==":
            return str(condition.right)
    return None
