"""Chaining backwards from what pays: for each condition that does not hold, a rule that brings it about, and its conditions in turn.

For worlds that answer every action and whose rewards lie deep, behind much that must be gathered, made and placed: further than any search
forward comes. What a rule asks of fluents without arguments (``wood() is more than 1``) is brought about by other rules, as often as it
takes; for what it asks of the place and what is around it, a walk leads there, or a rule is done that makes it so where the agent is.
Everything is done in the model as it is planned, so that what one step uses up is missed by the next, and the plan is known to pay.

Source: means-ends analysis with a stack of goals (Newell, Shaw & Simon, 1959; Fikes & Nilsson, 1971). It is incomplete: of the ways to
bring something about, the first that works is taken.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import NamedTuple

from agentwm.planners.deeds import Deed, awaited, helps
from agentwm.planners.needs import Needs
from agentwm.planners.walks import Walks, places_of
from agentwm.rules.binding import Cast
from agentwm.rules.goals import goal_test
from agentwm.rules.index import Test, compiled_test
from agentwm.rules.language import ANY_ACTION, Rule, RuleOutcome, variables
from agentwm.rules.outcomes import apply_changes, compiled_changes
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Action,
    Condition,
    Fluent,
    Goal,
    Query,
    Ref,
    Some,
    State,
    Transition,
    Value,
    Var,
    Vocabulary,
    WorldModel,
)

__all__ = ["Chain"]

MOST_CALLS = 4_000  # questions to the world model in one decision: about a second's thought
DEEPEST = 12  # rules, each for the sake of the one before: deeper than any tool is made of tools
MOST_ROUNDS = 24  # times that something is brought about for the sake of one rule: a handful of several things
LEAST = 0.05  # the probability below which an outcome is not counted on: waiting for it would take longer than most other ways
MOST_ARGUMENTS = 40  # combinations of things that an action is tried with: of more, few are right
ENOUGH_FAILURES = 2  # of what should have paid, after which it is left alone for a while: once may have been bad luck
LONGEST_PAUSE = 8  # decisions without a thought after one in vain, as long as nothing plain has changed: by then more may be in view
PAUSE = 30  # decisions that what failed is left alone, doubled with each failure: as long as something else takes to be done


class _Way(NamedTuple):
    """Something brought about: the steps, the state that they lead to, what is otherwise there than at first, and whether it pays."""

    steps: tuple["_Step", ...]
    state: State
    changed: Mapping[Fluent, Value]
    pays: bool = False


class _Step(NamedTuple):
    """An action, and whether it most probably leads where it is to."""

    action: Action
    is_likely: bool


class Chain:
    """Finds ways to what pays by chaining over the rules of ``store``; made once per episode, as it remembers what was in vain."""

    def __init__(self, store: RuleStore, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        rules = [rule for rule in store.rules if not rule.each]
        self.places = places_of(rules, vocabulary)
        self.walks = Walks(rules, self.places, vocabulary)
        self._deeds = [
            self._deed(rule, outcome)
            for rule in (*rules, *awaited(rules, vocabulary))
            if rule.verb in vocabulary.actions
            for outcome in rule.outcomes
            if outcome.success and outcome.probability >= LEAST and (outcome.changes or (outcome.reward or 0.0) > 0)
        ]
        self._deeds.sort(key=lambda deed: (-deed.outcome.probability, len(deed.rule.when)))
        self._changes = {id(deed): compiled_changes(deed.outcome, deed.names, vocabulary) for deed in self._deeds}
        self.guesses = {id(deed) for deed in self._deeds if store.record(deed.rule).is_guess}
        self._arrivals = [
            [compiled_test(condition, rule.names, vocabulary) for condition in rule.after]
            for rule in rules
            if rule.pays and rule.after
        ]
        self._ticking = [
            (
                [compiled_test(condition, (), vocabulary) for condition in rule.when],
                compiled_changes(rule.outcomes[0], (), vocabulary),
            )
            for rule in rules
            if rule.verb == ANY_ACTION and not rule.after and rule.outcomes[0].changes
        ]
        self._needs = Needs()
        self._failures: Counter[str] = Counter()
        self._until: dict[str, int] = {}
        self._decisions = 0
        self._aim: tuple[str, int] | None = None
        self._vain: object = None
        self._idle = 1
        self._idle_until = 0

    def _deed(self, rule: Rule, outcome: RuleOutcome) -> Deed:
        kinds: dict[str, list[tuple[Condition, Test]]] = {"plain": [], "local": [], "own": []}
        for condition in rule.when:
            kinds[self._sort_of(condition)].append((condition, compiled_test(condition, rule.names, self.vocabulary)))
        own = tuple(test for _, test in kinds["own"])
        return Deed(rule, outcome, tuple(kinds["plain"]), tuple(kinds["local"]), own)

    def _sort_of(self, condition: Condition) -> str:
        """Return whether ``condition`` asks for something plain, of what is around, or of what an action is done with, always so."""
        left, _, right = condition
        if not isinstance(left, Ref) or isinstance(right, Some):
            return "local"
        schema = self.vocabulary.fluents.get(left.name)
        if schema is None:
            return "local"
        if schema.static and all(isinstance(arg, Var) for arg in left.args) and not isinstance(right, Ref):
            return "own"
        is_plain = not left.args and schema.derive is None and Fluent(left.name) not in self.places
        return "plain" if is_plain and not isinstance(right, Ref | Var) else "local"

    # --- what is aimed at -------------------------------------------------------------------------------------------------

    def way(
        self, state: State, goal: Goal, model: WorldModel, history: Sequence[Transition] = ()
    ) -> tuple[Action, ...]:
        """Return the shortest way found to what pays or reaches ``goal``, up to the first step that may well turn out otherwise.

        Empty where none is found. Raises: DecisionSpentError where ``model`` may be asked no more.
        """
        self._decisions += 1
        self._learn(history)
        self._needs.note(history)
        if not goal.conditions and (way := self._renewal(state, model)):
            self._aim = None
            return way
        situation = (goal.conditions, self._plain(state))
        if situation == self._vain and self._decisions < self._idle_until:
            return ()
        attempt = _Attempt(self, state, goal, model)
        best: tuple[int, str, tuple[_Step, ...]] | None = None
        for name, found in attempt.ways():
            if found.pays and (best is None or len(found.steps) < best[0]):
                best = len(found.steps), name, found.steps
        if best is None:
            self._aim = None
            self._idle = min(2 * self._idle, LONGEST_PAUSE) if situation == self._vain else 1
            self._vain, self._idle_until = situation, self._decisions + 1 + self._idle
            return ()
        _, name, steps = best
        way = _as_far_as_sure(steps)
        self._aim = (name, len(history) + len(way)) if len(way) == len(steps) and steps[-1].is_likely else None
        return way

    def _renewal(self, state: State, model: WorldModel) -> tuple[Action, ...]:
        """Return the way to more of what is running out, the lowest first; empty where nothing is, or nobody knows how."""
        for condition in self._needs.pressing(state):
            found = next(_Attempt(self, state, Goal("", (condition,)), model).ways(), None)
            if found is not None and found[1].pays:
                return _as_far_as_sure(found[1].steps)
        return ()

    def walk(self, state: State, model: WorldModel, is_there: Callable[[State], bool]) -> tuple[Action, ...]:
        """Return the shortest walk from ``state`` to a state that ``is_there``, which says nothing but where one is; empty for none."""
        self.walks.begin(model, state, most_calls=MOST_CALLS)
        return tuple(self.walks.to(state, {}, is_there) or ())

    def _learn(self, history: Sequence[Transition]) -> None:
        """Count a failure of what was aimed at, where it was done to the end and nothing was paid."""
        if self._aim is None or len(history) < self._aim[1]:
            return
        (name, end), self._aim = self._aim, None
        if (history[end - 1].observation.reward or 0.0) <= 0:
            self._failures[name] += 1
            if self._failures[name] >= ENOUGH_FAILURES:
                self._until[name] = self._decisions + PAUSE * 2 ** (self._failures[name] - ENOUGH_FAILURES)
        else:
            self._failures[name] = 0

    def _plain(self, state: State) -> frozenset[tuple[Fluent, Value]]:
        """Return what is so of what has no arguments, but for where the agent is and what is counted by itself."""
        passing = self.vocabulary.counters
        return frozenset(
            (fluent, value)
            for fluent, value in state.items()
            if not fluent.args and fluent not in self.places and fluent.name not in passing
        )

    def is_worth(self, name: str) -> bool:
        """Whether what goes by ``name`` was not in vain lately."""
        return self._until.get(name, 0) <= self._decisions

    # --- what the rules say -----------------------------------------------------------------------------------------------

    def paying(self, state: State, cast: Cast) -> Iterator[Deed]:
        """Yield the deeds that pay, or would if they were done in a state that is otherwise like ``state``."""
        passed = self._passed(state)
        open_arrivals = [tests for tests in self._arrivals if not _all(tests, (), passed)]
        for deed in self._deeds:
            if (deed.outcome.reward or 0.0) > 0:
                yield deed
            elif open_arrivals and deed.outcome.changes:
                arrived = (apply_changes(passed, made) for made in self._made(deed, state, cast))
                if any(_all(tests, (), there) for there in arrived for tests in open_arrivals):
                    yield deed

    def _passed(self, state: State) -> State:
        """Return ``state`` after what happens whatever is done."""
        passed = state
        for tests, make in self._ticking:
            if all(test((), state) is True for test in tests):
                passed = apply_changes(passed, make((), state))
        return passed

    def is_worth_a_try(self, deed: Deed, args: tuple[str, ...], state: State) -> bool:
        """Whether ``deed`` would pay in ``state`` if its rule was right, which was seen too seldom to be foretold by."""
        passed = self._passed(state)
        there = apply_changes(passed, self._changes[id(deed)](args, state))
        return any(_all(tests, (), there) and not _all(tests, (), passed) for tests in self._arrivals)

    def _made(self, deed: Deed, state: State, cast: Cast) -> Iterator[State]:
        """Yield what ``deed`` would change if it were done here and now, with whatever it may be done with."""
        return (self._changes[id(deed)](args, state) for args in self.arguments(deed, state, cast))

    def arguments(self, deed: Deed, state: State, cast: Cast) -> Iterator[tuple[str, ...]]:
        """Yield the things that ``deed`` can be done with, up to a number."""
        sorts = [sort.split("|") for sort in self.vocabulary.actions[deed.rule.verb].parameters]
        if len(sorts) != len(deed.rule.parameters):
            return iter(())
        choices = [
            list(cast.sorts) if "any" in each else [thing for sort in each for thing in cast.by_sort.get(sort, ())]
            for each in sorts
        ]
        return islice((args for args in product(*choices) if _all(deed.own, args, state)), MOST_ARGUMENTS)

    def producers(self, condition: Condition, state: State) -> Iterator[Deed]:
        """Yield the deeds that bring a plain ``condition`` about or nearer, the likeliest first."""
        for deed in self._deeds:
            if any(
                change.target == condition.left and helps(change, condition, state) for change in deed.outcome.changes
            ):
                yield deed

    def makers(self, test: Test, args: tuple[str, ...], state: State, cast: Cast) -> Iterator[Deed]:
        """Yield the deeds that would make a condition on what is around true where the agent is."""
        for deed in self._deeds:
            if any(change.target.args for change in deed.outcome.changes) and any(
                test(args, apply_changes(state, made)) is True for made in self._made(deed, state, cast)
            ):
                yield deed

    def deed_for(self, goal: Goal) -> Deed:
        """Return the deed of having reached ``goal``, which is no action."""
        return self._deed(Rule(ANY_ACTION, (), goal.conditions, ()), RuleOutcome(1.0))


@dataclass
class _Attempt:
    """One decision: tries one aim after another in the model, from the state that it begins in."""

    chain: Chain
    state: State
    goal: Goal
    model: WorldModel
    calls: int = 0

    def __post_init__(self) -> None:
        self.reached = goal_test(self.goal, self.chain.vocabulary)
        self.cast = Cast(self.state)
        self.chain.walks.begin(self.model, self.state, most_calls=MOST_CALLS)

    def ways(self) -> Iterator[tuple[str, _Way]]:
        """Yield the ways to what is aimed at, each with a name for it."""
        start = _Way((), self.state, {})
        if self.goal.conditions:
            if not any(True for condition in self.goal.conditions for _ in variables(condition)):
                found = self.settle(self.chain.deed_for(self.goal), (), start, ())
                if found is not None:
                    yield "goal", found
            return
        for deed in self.chain.paying(self.state, self.cast):
            if self.chain.is_worth(name := f"{deed.rule.id} {deed.outcome}"):
                found = self.bring(deed, start, ())
                if found is not None:
                    yield name, found

    def bring(self, deed: Deed, start: _Way, stack: tuple[str, ...]) -> _Way | None:
        """Return the way to have done ``deed`` from where ``start`` leads; None where none is found."""
        if deed.rule.id in stack or len(stack) == DEEPEST:
            return None
        stack = (*stack, deed.rule.id)
        for args in self.chain.arguments(deed, start.state, self.cast):
            ready = self.settle(deed, args, start, stack)
            if ready is None or ready.pays:
                if ready is not None:
                    return ready
                continue
            if (done := self.do(Action(deed.rule.verb, args), ready, deed)) is not None:
                return done
        return None

    def settle(self, deed: Deed, args: tuple[str, ...], start: _Way, stack: tuple[str, ...]) -> _Way | None:
        """Return the way to where all conditions of ``deed`` hold, or to what pays before that."""
        way = start
        for _ in range(MOST_ROUNDS):
            missing = next((each for each, test in deed.plain if test(args, way.state) is not True), None)
            if missing is not None:
                found = self.first(self.chain.producers(missing, way.state), way, stack)
            elif all(test(args, way.state) is True for _, test in deed.local):
                return way
            else:
                found = self.go(deed, args, way) or self.make(deed, args, way, stack)
            if found is None or found.pays:
                return found
            way = found
        return None

    def first(self, deeds: Iterator[Deed], way: _Way, stack: tuple[str, ...]) -> _Way | None:
        """Return the first of ``deeds`` that can be done from where ``way`` leads."""
        if self.calls > MOST_CALLS:
            return None
        return next((found for deed in deeds if (found := self.bring(deed, way, stack)) is not None), None)

    def go(self, deed: Deed, args: tuple[str, ...], way: _Way) -> _Way | None:
        """Return the way to where what ``deed`` asks of the place holds, by walking alone."""
        tests = [test for _, test in deed.local]
        walk = self.chain.walks.to(way.state, way.changed, lambda state: _all(tests, args, state))
        if walk is None:
            return None
        walked: _Way | None = way
        for action in walk:
            walked = self.do(action, walked, None) if walked is not None else None
            if walked is None or walked.pays:
                return walked
        return walked if walked is not None and _all(tests, args, walked.state) else None

    def make(self, deed: Deed, args: tuple[str, ...], way: _Way, stack: tuple[str, ...]) -> _Way | None:
        """Return the way to have something made that ``deed`` asks for where it is done."""
        for _, test in deed.local:
            if test(args, way.state) is not True:
                found = self.first(self.chain.makers(test, args, way.state, self.cast), way, stack)
                if found is not None:
                    return found
        return None

    def do(self, action: Action, way: _Way, deed: Deed | None) -> _Way | None:
        """Return ``way`` with ``action`` done, as ``deed`` wants it to turn out; None where the model does not say that it may."""
        [prediction] = self.model.predict([Query(way.state, action)])
        self.calls += 1
        wanted = None if deed is None else {change.target.name for change in deed.outcome.changes}
        for number, outcome in enumerate(prediction.outcomes):
            if outcome.probability < LEAST or not outcome.success:
                continue
            state = apply_changes(way.state, outcome.changes)
            pays = (outcome.reward or 0.0) > 0 or (bool(self.goal.conditions) and self.reached(state))
            changed = {f.name for f, value in outcome.changes.items() if way.state.get(f) != value}
            if pays or (not outcome.terminated and changed and (wanted is None or wanted <= changed)):
                step = _Step(action, number == 0)
                others = {f: v for f, v in outcome.changes.items() if f not in self.chain.places}
                return _Way((*way.steps, step), state, {**way.changed, **others}, pays)
        if (
            deed is not None
            and id(deed) in self.chain.guesses
            and self.chain.is_worth_a_try(deed, action.args, way.state)
        ):
            return _Way((*way.steps, _Step(action, is_likely=True)), way.state, way.changed, pays=True)
        return None


def _as_far_as_sure(steps: Sequence[_Step]) -> tuple[Action, ...]:
    """Return the actions up to the first that may well turn out otherwise."""
    sure = next((number for number, step in enumerate(steps, 1) if not step.is_likely), len(steps))
    return tuple(step.action for step in steps[:sure])


def _all(tests: Sequence[Test], args: tuple[str, ...], state: State) -> bool:
    return all(test(args, state) is True for test in tests)
