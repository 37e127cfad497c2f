"""Searches forward through the learned rules for the cheapest sequence of actions to a goal.

A* over the few fluents that the relevant actions touch. Doubt costs: an action whose conditions are unknown is taken to be possible at
a price, and an action pays one over the trust in its rule, so that of two plans the surer wins.

Source: A* (Hart, Nilsson & Raphael, 1968); optimism about unknown preconditions is ours, DECISIONS 7.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from agentwm.planners.grounding import GroundAction, GroundRule
from agentwm.rules.language import Change, fluent_names
from agentwm.rules.matching import UNKNOWN, Unknown, compare, holds, look_up
from agentwm.types import NOT_ENTITIES, Action, Condition, Fluent, Ref, State, Term, Value, Var, Vocabulary

__all__ = ["Searched", "search"]


@dataclass(frozen=True, slots=True)
class Unnamed(Unknown):
    """Stands for what a fluent that never changes refers to, while nobody knows what that is: two of one fluent are the same thing."""

    fluent: Fluent


class Searched(NamedTuple):
    """How a search ended: with actions and their cost, or with None; then it has ``given_up``, unless there is no way at all."""

    actions: tuple[Action, ...] | None = None
    cost: float = 0.0
    given_up: bool = False


Values = tuple[Value | Unknown, ...]
Test = Callable[[Values], bool | None]
Goal = Sequence[Condition]

PRICE_OF_DOUBT = 0.6
MOST_NODES = 2500
# The estimated price of a condition not yet met: on train games, plans are 0.2 steps a game shorter than with 2, and as fast.
EAGERNESS = 1.5


def search(
    goals: Sequence[Goal],
    actions: Iterable[GroundAction],
    state: State,
    vocabulary: Vocabulary,
    *,
    most_nodes: int = MOST_NODES,
) -> Searched:
    """Return the cheapest actions that reach any of ``goals``, as far as they are found in ``most_nodes`` expansions.

    A goal is a conjunction of conditions without variables.
    """
    problem = _Problem(actions, state, vocabulary)
    tests = [[problem.compile(condition) for condition in goal if not problem.is_settled(condition)] for goal in goals]

    def distance(values: Values) -> float:
        return EAGERNESS * min(sum(test(values) is not True for test in goal) for goal in tests)

    tie = count()
    start = problem.start
    frontier: list[tuple[float, float, int, Values]] = [(distance(start), 0.0, next(tie), start)]
    best = {start: 0.0}
    parents: dict[Values, tuple[Values, Action]] = {}
    expanded = 0
    while frontier and expanded < most_nodes:
        _, cost, _, values = heappop(frontier)
        if cost > best[values]:
            continue
        if distance(values) == 0:
            return Searched(_path(values, parents), cost)
        expanded += 1
        for action in problem.actions:
            step = action.step(values)
            if step is None:
                continue
            after, price = step
            total = cost + price
            if total < best.get(after, float("inf")):
                best[after] = total
                parents[after] = (values, action.action)
                heappush(frontier, (total + distance(after), total, next(tie), after))
    return Searched(given_up=bool(frontier))


def _path(values: Values, parents: dict[Values, tuple[Values, Action]]) -> tuple[Action, ...]:
    actions = []
    while values in parents:
        values, action = parents[values]
        actions.append(action)
    return tuple(reversed(actions))


def _known(value: Value | Unknown) -> Value | Unknown:
    return UNKNOWN if isinstance(value, Unknown) else value


class _Problem:
    """The relevant fluents as a tuple of values, and the actions compiled over it."""

    def __init__(self, actions: Iterable[GroundAction], state: State, vocabulary: Vocabulary) -> None:
        grounded = list(actions)
        self.state = state
        self.vocabulary = vocabulary
        self.index: dict[Fluent, int] = {}
        for action in grounded:
            for rule in action.successes:
                for change in rule.changes:
                    fluent = Fluent(change.target.name, tuple(str(arg) for arg in change.target.args))
                    self.index.setdefault(fluent, len(self.index))
        self.names = {fluent.name for fluent in self.index}
        self.start: Values = tuple(look_up(fluent, state, vocabulary) for fluent in self.index)
        self.actions = [compiled for action in grounded for compiled in self._compiled(action)]

    def _compiled(self, action: GroundAction) -> Iterator["_Compiled"]:
        """Yield the action with what surely comes of it and, at the price of the many times that may take, with what only may."""
        sure = [rule for rule in action.successes if rule.is_sure]
        if sure:
            yield _Compiled(action, sure, 1 / max(rule.trust for rule in sure), self)
        if len(sure) < len(action.successes):
            yield _Compiled(action, action.successes, 1 / min(rule.trust for rule in action.successes), self)

    def is_settled(self, condition: Condition) -> bool:
        """Whether ``condition`` holds whatever is done."""
        static = all(name not in self.names for name in fluent_names(condition))
        return static and holds(condition, {}, self.state, self.vocabulary) is True

    def compile(self, condition: Condition) -> Test:
        """Return a function from values to the truth of ``condition``."""
        left = self.term(condition.left)
        op = condition.op
        if op == "unknown":
            return lambda values: isinstance(left(values), Unknown)
        if op in ("in", "notin"):
            constants = condition.right
            return lambda values: compare(_known(left(values)), op, constants)  # type: ignore[arg-type]
        right = self.term(condition.right)  # type: ignore[arg-type]
        is_reference = isinstance(condition.right, Ref)
        if op == "==":

            def equal(values: Values) -> bool | None:
                here, there = left(values), right(values)
                if here is None and there is None and is_reference:
                    return False
                if isinstance(here, Unknown) or isinstance(there, Unknown):
                    return True if isinstance(here, Unnamed) and here == there else None
                return here == there

            return equal

        def compared(values: Values) -> bool | None:
            here, there = left(values), right(values)
            if here is None and there is None and is_reference:
                return op == "!="
            return compare(_known(here), op, _known(there))

        return compared

    def term(self, term: Term) -> Callable[[Values], Value | Unknown]:
        """Return a function from values to what ``term`` refers to."""
        if not isinstance(term, Ref):
            assert not isinstance(term, Var)
            return lambda _: term
        if any(isinstance(arg, Ref) for arg in term.args):
            return self._nested(term)
        fluent = Fluent(term.name, tuple(str(arg) for arg in term.args))
        position = self.index.get(fluent)
        if position is None:
            value = self._settled(fluent)
            return lambda _: value
        return lambda values: values[position]

    def _settled(self, fluent: Fluent) -> Value | Unknown:
        """Return the value of a fluent that no action changes."""
        value = look_up(fluent, self.state, self.vocabulary)
        schema = self.vocabulary.fluents.get(fluent.name)
        is_thing = schema is not None and schema.static and schema.value not in NOT_ENTITIES
        return Unnamed(fluent) if value is UNKNOWN and is_thing else value

    def _nested(self, term: Ref) -> Callable[[Values], Value | Unknown]:
        inner = [self.term(arg) for arg in term.args]

        def evaluate(values: Values) -> Value | Unknown:
            args = []
            for function in inner:
                arg = function(values)
                if isinstance(arg, Unknown):
                    return UNKNOWN
                if arg is None:
                    return None
                args.append(str(arg))
            fluent = Fluent(term.name, tuple(args))
            position = self.index.get(fluent)
            return values[position] if position is not None else self._settled(fluent)

        return evaluate


class _Compiled:
    """A ground action as functions over the values."""

    def __init__(self, action: GroundAction, successes: Sequence[GroundRule], cost: float, problem: _Problem) -> None:
        self.action = action.action
        self.cost = cost
        self.failures = [[problem.compile(c) for c in rule.when] for rule in action.failures]
        self.successes = [(self._tests(rule, problem), self._writes(rule.changes, problem)) for rule in successes]

    @staticmethod
    def _tests(rule: GroundRule, problem: _Problem) -> list[Test]:
        return [problem.compile(condition) for condition in rule.when]

    @staticmethod
    def _writes(changes: Sequence[Change], problem: _Problem) -> list[tuple[int, Callable[[Values], Value | Unknown]]]:
        return [
            (problem.index[Fluent(c.target.name, tuple(str(a) for a in c.target.args))], problem.term(c.value))
            for c in changes
        ]

    def step(self, values: Values) -> tuple[Values, float] | None:
        """Return the values after the action and its price, None where it would fail or change nothing."""
        after: list[Value | Unknown] | None = None
        doubts = -1
        for tests, writes in self.successes:
            unknown = 0
            for test in tests:
                truth = test(values)
                if truth is False:
                    break
                unknown += truth is None
            else:
                after = list(values) if after is None else after
                for position, value in writes:
                    after[position] = value(values)
                doubts = unknown if doubts < 0 else min(doubts, unknown)
        if after is None:
            return None
        for failure in self.failures:
            if all(test(values) is True for test in failure):
                return None
        changed = tuple(after)
        return None if changed == values else (changed, self.cost + PRICE_OF_DOUBT * doubts)
