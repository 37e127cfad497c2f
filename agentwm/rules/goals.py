"""Tells of many states whether a goal is reached in them, which a search asks of each."""

from collections.abc import Callable, Iterator, Sequence

from agentwm.rules.binding import variables_of
from agentwm.rules.index import Test, compiled_test
from agentwm.rules.language import variables
from agentwm.types import Condition, Goal, Ref, State, Value, Var, Vocabulary

__all__ = ["goal_test"]

Seed = tuple[str, Value | None]
"""The fluent that things for a variable are found by, and its value there."""


def goal_test(goal: Goal, vocabulary: Vocabulary) -> Callable[[State], bool]:
    """Return a function that says whether a state is known to fulfil all conditions of ``goal``, as `is_reached` does."""
    names = variables_of(goal.conditions)
    if not goal.conditions:
        return lambda _state: False
    closed: list[Test] = []
    tests: list[list[Test]] = [[] for _ in names]
    for condition in goal.conditions:
        places = [names.index(name) for name in set(variables(condition))]
        test = compiled_test(condition, names, vocabulary)
        (tests[max(places)] if places else closed).append(test)
    seeds = [_seed(name, goal.conditions, vocabulary) for name in names]
    blank = ("",) * len(names)

    def is_reached(state: State) -> bool:
        if not all(test(blank, state) is True for test in closed):
            return False
        return not names or any(True for _ in _bound((), seeds, tests, state))

    return is_reached


def _seed(name: str, conditions: Sequence[Condition], vocabulary: Vocabulary) -> Seed:
    for left, op, right in conditions:
        if op == "==" and isinstance(left, Ref) and left.args == (Var(name),) and not isinstance(right, Ref | Var):
            schema = vocabulary.fluents.get(left.name)
            if schema is not None and schema.derive is None and not schema.has_default:
                return left.name, right  # type: ignore[return-value]  # an equality has one constant
    return "sort", None


def _bound(
    args: tuple[str, ...], seeds: Sequence[Seed], tests: Sequence[Sequence[Test]], state: State
) -> Iterator[tuple[str, ...]]:
    """Yield the ways to let the variables stand for different things, each tested as soon as it is bound."""
    place = len(args)
    if place == len(seeds):
        yield args
        return
    fluent, wanted = seeds[place]
    rest = ("",) * (len(seeds) - place - 1)
    for (name, about), value in state.items():
        if name == fluent and (wanted is None or value == wanted) and about[0] not in args:
            bound = (*args, about[0])
            if all(test((*bound, *rest), state) is True for test in tests[place]):
                yield from _bound(bound, seeds, tests, state)
