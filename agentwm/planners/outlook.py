"""One decision as planners see it: the state, the goal, what can be done, and a world model to ask, held to a budget.

Chance is weighed, not hoped for: an action leads to every outcome that the model foretells, each with its probability. Doubt costs:
an action is worth its expected reward less a price in proportion to what the model is not sure of, and where the confidence in a whole
course of action falls below `LEAST_CONFIDENCE` nothing more is looked ahead.

Source: the penalty on model uncertainty after MOPO (Yu et al., 2020); the cut is ours.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from agentwm.planners.meter import until_spent
from agentwm.planners.setbacks import Avoid
from agentwm.rules.goals import goal_test
from agentwm.rules.language import fluent_names
from agentwm.rules.matching import conjunction
from agentwm.types import (
    Action,
    Fluent,
    Goal,
    Outcome,
    Plan,
    PlannerParts,
    Prediction,
    Query,
    State,
    Value,
    Vocabulary,
)

__all__ = [
    "DISCOUNT",
    "LEAST_CONFIDENCE",
    "SURE",
    "Branch",
    "Foreseen",
    "Future",
    "Known",
    "Outlook",
    "Prospect",
    "is_vetoed",
]

LEAST_CONFIDENCE = 0.05
LEAST = 0.02  # the probability below which an outcome is not looked at, unless it is the only one
DISCOUNT = 0.999  # of a reward, per step: of two ways to it the shorter one is worth more
DEEPEST = 30  # actions looked ahead where the budget says nothing
MOST_BRANCHES = 8  # states that a course of action is followed through side by side, the most probable ones
MOST_PROPOSALS = 4
SURE = 0.97  # the probability from which a plan is said to reach the goal


class Future(NamedTuple):
    """One way in which an action may turn out: what it changes, what it brings, and whether the episode ends there."""

    probability: float
    changes: State
    reward: float
    is_end: bool


class Foreseen(NamedTuple):
    """What is foreseen of an action: what the model said, the ways it may turn out, and its worth: reward less the price of doubt."""

    prediction: Prediction
    futures: tuple[Future, ...]
    worth: float


class Branch(NamedTuple):
    """A state that a course of action may have led to; ``key`` is the same for the same state."""

    probability: float
    state: State
    key: int


Known = dict[tuple[int, Action], Foreseen]
"""What was foreseen so far of an action in the state of a key."""

Moment = tuple[State, int, Action]
"""A state, its key and what might be done in it."""


class Prospect(NamedTuple):
    """Where a course of action may have led: the states in which it goes on, what it has brought so far, and how sure that is.

    ``gained`` is the expected discounted return, ``reached`` the probability of having come to an end that pays.
    """

    actions: tuple[Action, ...]
    branches: tuple[Branch, ...]
    gained: float = 0.0
    reached: float = 0.0
    confidence: float = 1.0
    predictions: tuple[Prediction, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether there is anything left to look ahead to."""
        return bool(self.branches) and self.confidence >= LEAST_CONFIDENCE


class Outlook:
    """One decision.

    ``listed`` are the actions to choose the first one from, None where the environment lists none. ``avoid`` says what is not to be done
    first. ``known`` is what was foreseen in earlier decisions, and is added to. ``calls`` counts the questions put to the world model.
    """

    def __init__(
        self,
        state: State,
        goal: Goal,
        parts: PlannerParts,
        *,
        avoid: Avoid,
        listed: Sequence[Action] | None = None,
        known: Known | None = None,
    ) -> None:
        self.state = state
        self.goal = goal
        self.avoid = avoid
        self.listed = listed
        self.parts = parts
        self.calls = 0
        self._known: Known = {} if known is None else known
        self.depth = DEEPEST if parts.budget.depth is None else parts.budget.depth
        self._model = parts.model
        self._pessimism = parts.pessimism
        self._options = parts.options
        self._at_stake = _at_stake(goal, parts.vocabulary)
        self._has_goal = bool(goal.conditions)
        self._is_reached = goal_test(goal, parts.vocabulary)
        self._seen: dict[int, Sequence[Action]] = {}

    @property
    def rng(self) -> random.Random:
        """All the chance there is."""
        return self.parts.rng

    # --- what can be done -------------------------------------------------------------------------------------------------

    def is_allowed(self, action: Action) -> bool:
        """Whether ``action`` may be the first: listed, where there is a list, and not known to be in vain as things stand."""
        if self.listed is not None and action not in self.listed:
            return False
        situations = self.avoid.get(action, ())
        return not any(conjunction(each, {}, self.state, self.parts.vocabulary) is True for each in situations)

    @cached_property
    def root_actions(self) -> list[Action]:
        """What may be done first: what is allowed of the options here, and what the first few proposals begin with."""
        proposed = [plan.actions[0] for plan in self.proposals]
        here = self._possible(self.state) if self.listed is None else self.listed
        return [action for action in dict.fromkeys((*proposed, *here)) if self.is_allowed(action)]

    def actions(self, state: State, key: int) -> Sequence[Action]:
        """Return what may be done in ``state``, whose key is ``key``."""
        if key == self.key:
            return self.root_actions
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = self._possible(state)
        return found

    def _possible(self, state: State) -> Sequence[Action]:
        """Return the options in ``state``; none where thinking of them would take more than there is."""
        with until_spent:
            return self._options(state)
        return ()

    def is_within(self, plan: Plan) -> bool:
        """Whether ``plan`` does not look further ahead than the budget allows."""
        return self.parts.budget.depth is None or len(plan.actions) <= self.depth

    @cached_property
    def proposals(self) -> list[Plan]:
        """The first few plans of the proposer that may be begun."""
        found: list[Plan] = []
        with until_spent:
            ideas = self.parts.proposer.propose(self.state, self.goal, avoid=self.avoid)
            fitting = (p for p in ideas if p.actions and self.is_within(p) and self.is_allowed(p.actions[0]))
            found.extend(islice(fitting, MOST_PROPOSALS))  # what came before the budget ended is kept
        return found

    def policy(self) -> Iterator[Plan]:
        """Yield what would be done without looking ahead, the likeliest first."""
        ideas = self.parts.policy.propose(self.state, self.goal, avoid=self.avoid)
        return (plan for plan in ideas if plan.actions and (self.listed is None or plan.actions[0] in self.listed))

    def expect_time(self) -> None:
        """Raise a DecisionSpentError once the time of the decision is over: for those who go on without asking anything."""
        self._model.predict(())

    # --- what comes of it ----------------------------------------------------------------------------------------------------

    def foresee(self, moments: Sequence[Moment]) -> list[Foreseen]:
        """Return what is foreseen of each action in its state, in order; fewer where the budget ends. Nothing is asked twice.

        Raises: DecisionSpentError when it has ended before the first of them.
        """
        known = self._known
        new = {(key, action): state for state, key, action in moments if (key, action) not in known}
        if new:
            predictions = self._model.predict([Query(state, action) for (_, action), state in new.items()])
            self.calls += len(predictions)
            for (moment, state), prediction in zip(new.items(), predictions, strict=False):
                known[moment] = self._foreseen(state, prediction)
        found: list[Foreseen] = []
        for _, key, action in moments:
            foreseen = known.get((key, action))
            if foreseen is None:
                break
            found.append(foreseen)
        return found

    def foresee_one(self, state: State, key: int, action: Action) -> Foreseen:
        """Return what is foreseen of ``action`` in ``state``, whose key is ``key``; as `foresee`, for less."""
        moment = key, action
        foreseen = self._known.get(moment)
        if foreseen is None:
            [prediction] = self._model.predict([Query(state, action)])
            self.calls += 1
            foreseen = self._known[moment] = self._foreseen(state, prediction)
        return foreseen

    def _foreseen(self, state: State, prediction: Prediction) -> Foreseen:
        outcomes = prediction.outcomes
        worth = -self._pessimism * (1 - prediction.confidence)
        if len(outcomes) == 1:  # as most often: the same as below, for less
            future = self._future(state, outcomes[0], 1.0 if outcomes[0].probability else 0.0)
            return Foreseen(prediction, (future,), worth + future.probability * future.reward)
        outcomes = tuple(o for o in outcomes if o.probability >= LEAST) or outcomes[:1]
        total = sum(outcome.probability for outcome in outcomes) or 1.0
        futures = tuple(self._future(state, outcome, outcome.probability / total) for outcome in outcomes)
        for future in futures:
            worth += future.probability * future.reward
        return Foreseen(prediction, futures, worth)

    def _future(self, state: State, outcome: Outcome, probability: float) -> Future:
        reward, is_end = outcome.reward or 0.0, outcome.terminated is True
        if self._has_goal and not (is_end and reward) and self._reaches(state, outcome.changes):
            reward, is_end = reward + 1.0, True
        return Future(probability, outcome.changes, reward, is_end)

    def _reaches(self, state: State, changes: State) -> bool:
        """Whether the goal is reached once ``changes`` are made to ``state``."""
        if self._at_stake is not None and not any(fluent.name in self._at_stake for fluent in changes):
            return False
        return self._is_reached({**state, **changes} if changes else state)

    @cached_property
    def key(self) -> int:
        """What tells the present state from others."""
        key = 0
        for fluent, value in self.state.items():
            key ^= _mark(fluent, value)
        return key

    def after(self, state: State, key: int, changes: Mapping[Fluent, Value]) -> tuple[State, int]:
        """Return ``state`` with ``changes`` made, and its key."""
        return ({**state, **changes}, self.key_after(state, key, changes)) if changes else (state, key)

    @staticmethod
    def key_after(state: State, key: int, changes: Mapping[Fluent, Value]) -> int:
        """Return the key of ``state``, whose own is ``key``, with ``changes`` made."""
        for fluent, value in changes.items():
            if fluent in state:
                key ^= _mark(fluent, state[fluent])
            key ^= _mark(fluent, value)
        return key

    @property
    def start(self) -> Prospect:
        """The prospect of doing nothing."""
        return Prospect((), (Branch(1.0, self.state, self.key),))

    def advance(self, steps: Sequence[tuple[Prospect, Action]]) -> list[Prospect]:
        """Return the prospect of going on from each prospect with its action, all asked side by side; fewer where the budget ends.

        Raises: DecisionSpentError when it has ended.
        """
        foreseen = self.foresee(
            [(branch.state, branch.key, action) for prospect, action in steps for branch in prospect.branches]
        )
        longer: list[Prospect] = []
        begin = 0
        for prospect, action in steps:
            end = begin + len(prospect.branches)
            if end > len(foreseen):
                break
            longer.append(self._advanced(prospect, action, foreseen[begin:end]))
            begin = end
        return longer

    def _advanced(self, prospect: Prospect, action: Action, foreseen: Sequence[Foreseen]) -> Prospect:
        discount = DISCOUNT ** len(prospect.actions)
        gained, reached, sureness, going = prospect.gained, prospect.reached, 0.0, 0.0
        merged: dict[int, Branch] = {}
        for branch, each in zip(prospect.branches, foreseen, strict=True):
            gained += discount * branch.probability * each.worth
            sureness += branch.probability * each.prediction.confidence
            going += branch.probability
            for future in each.futures:
                probability = branch.probability * future.probability
                if future.is_end:
                    reached += probability * (future.reward > 0)
                    continue
                state, key = self.after(branch.state, branch.key, future.changes)
                same = merged.get(key)
                merged[key] = Branch(probability if same is None else same.probability + probability, state, key)
        branches = tuple(merged.values())
        if len(branches) > 1:
            branches = tuple(sorted(branches, key=lambda branch: -branch.probability)[:MOST_BRANCHES])
        return Prospect(
            (*prospect.actions, action),
            branches,
            gained,
            reached,
            prospect.confidence * sureness / going,
            (*prospect.predictions, foreseen[0].prediction),
        )

    # --- what it is worth -----------------------------------------------------------------------------------------------------

    def values(self, prospects: Sequence[Prospect]) -> list[float]:
        """Return the return expected of each of ``prospects``, the critic's judgement of where it most probably leads included."""
        judged = self.judge([p.branches[0].state if p.branches else self.state for p in prospects])
        return [
            prospect.gained + DISCOUNT ** len(prospect.actions) * going * nearness
            for prospect, nearness in zip(prospects, judged, strict=True)
            for going in [sum(branch.probability for branch in prospect.branches)]
        ]

    def judge(self, states: Sequence[State]) -> list[float]:
        """Return the critic's judgement of ``states``: 0 where there is no critic, or nothing more may be spent on it."""
        if self.parts.critic is not None:
            with until_spent:
                return self.parts.critic.judge(states, self.goal)
        return [0.0] * len(states)

    def plan(self, prospect: Prospect, value: float, reason: str) -> Plan:
        """Return the plan that ``prospect`` is of."""
        return Plan(
            prospect.actions,
            reason,
            reaches_goal=prospect.reached >= SURE,
            cost=float(len(prospect.actions)) if prospect.reached >= SURE else float("inf"),
            predictions=prospect.predictions,
            value=value,
        )

    def best_plans(self, weighed: Iterable[tuple[float, Prospect]]) -> list[Plan]:
        """Return the plan of the best prospect for each first action, the best first; of equals the shorter one."""
        ranked = sorted(weighed, key=lambda each: (-each[0], len(each[1].actions)))
        plans: dict[Action, Plan] = {}
        for value, prospect in ranked:
            if prospect.actions[0] not in plans:
                plans[prospect.actions[0]] = self.plan(prospect, value, f"promises {value:.2f}")
        return list(plans.values())


def is_vetoed(prediction: Prediction) -> bool:
    """Whether the rules say that the action fails. Where they are silent, the plan's own optimism stands."""
    return prediction.source == "rules" and not prediction.success


def _at_stake(goal: Goal, vocabulary: Vocabulary) -> set[str] | None:
    """Return the fluents without a change of which the goal cannot come to be reached; None where that may be any."""
    names = {name for condition in goal.conditions for name in fluent_names(condition)}
    refers = (s for name in names if (s := vocabulary.fluents.get(name)) and s.derive is not None and not s.parameters)
    return None if any(refers) else names


def _mark(fluent: Fluent, value: Value) -> int:
    """Return what ``fluent`` being ``value`` adds to the key of a state."""
    return hash((fluent, value if value != -1 else "-1"))  # -1 and -2 have the same hash
