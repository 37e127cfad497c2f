"""Counts what a decision asks of the world model, and ends the decision where its budget ends.

This stands outside of the planners, so that a stranger's is held to the budget like ours.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from agentwm.errors import DecisionSpentError
from agentwm.types import (
    Goal,
    Plan,
    Planner,
    PlannerParts,
    PlannerSpec,
    PlanningBudget,
    Prediction,
    Query,
    Ration,
    Spent,
    State,
    Transition,
    WorldModel,
)

__all__ = ["MeteredModel", "MeteredPlanner", "metered", "until_spent"]

# Where a planner may be stopped at its budget: what stands after the block makes the best of what was found in it.
until_spent = suppress(DecisionSpentError)


class MeteredModel:
    """A world model that is asked no more than ``budget`` allows in one decision, from `begin` to `end`.

    ``ration`` holds the language model behind it, if there is one, to its part of the budget.
    """

    def __init__(
        self,
        model: WorldModel,
        budget: PlanningBudget,
        *,
        ration: Ration | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget
        self._model = model
        self._ration = ration
        self._clock = clock
        self._calls = 0
        self._began_s = clock()

    def begin(self) -> None:
        """Begin a decision."""
        self._calls = 0
        self._began_s = self._clock()
        if self._ration is not None:
            self._ration.begin(self.budget.llm_calls, self.budget.tokens)

    def end(self) -> Spent:
        """End the decision and return what it cost."""
        calls, tokens = (0, 0) if self._ration is None else self._ration.end()
        return Spent(1, self._calls, calls, tokens, self._clock() - self._began_s)

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order; fewer where the budget has no more calls left, one at least.

        Raises: DecisionSpentError when nothing more is to be asked; BackendError as the model.
        """
        if self.budget.seconds is not None and self._clock() - self._began_s >= self.budget.seconds:
            raise DecisionSpentError(f"the {self.budget.seconds:g} seconds of the decision are over")
        if self.budget.model_calls is not None:
            left = self.budget.model_calls - self._calls
            if left <= 0 and queries:
                raise DecisionSpentError(f"the {self.budget.model_calls} model calls of the decision are spent")
            queries = queries[:left]
        predictions = self._model.predict(queries)
        self._calls += len(predictions)  # a language model's ration may have ended before the queries did
        return predictions


class MeteredPlanner:
    """A planner whose decisions are held to the budget of ``meter``, the world model that it was made with."""

    def __init__(self, planner: Planner, meter: MeteredModel) -> None:
        self._planner = planner
        self._meter = meter

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return what the planner returns, with what the decision cost; no plan where nothing was found in time."""
        plan = Plan((), "the budget was spent before anything was found")
        self._meter.begin()
        try:
            with until_spent:
                plan = self._planner.plan(state, goal, history)
        finally:
            spent = self._meter.end()
        return replace(plan, spent=plan.spent + spent)


def metered(spec: PlannerSpec, parts: PlannerParts, *, clock: Callable[[], float] = time.monotonic) -> MeteredPlanner:
    """Return the planner that ``spec`` makes of ``parts``, held to their budget; ``clock`` returns seconds."""
    model = MeteredModel(parts.model, parts.budget, ration=parts.ration, clock=clock)
    return MeteredPlanner(spec.make(replace(parts, model=model)), model)
