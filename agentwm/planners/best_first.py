"""Best-first search for what is certain: only outcomes that the model is sure of are followed, so that no plan hangs on luck.

A state's promise is what was gained on the way to it and, beyond, the best reward that any action is known to bring: nothing better can
come, so that the first plan that is found to pay is, by the model, the best; where a goal is to be reached, the nearest.

Source: A* (Hart, Nilsson & Raphael, 1968).
"""

from heapq import heappop, heappush
from itertools import count

from agentwm.planners.deliberation import Deliberation
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import DISCOUNT, LEAST_CONFIDENCE, SURE, Foreseen, Future, Outlook
from agentwm.types import Action, Plan, Planner, PlannerParts, PlannerSpec, Prediction, State

__all__ = ["SPEC", "BestFirst", "best_first"]

MOST_CALLS = 250_000  # questions to the world model after which it gives up, where the budget says nothing
DEEPEST = 200
BREATH = 64  # states, on average, between two looks at the clock
PAUSE = 10  # decisions without another search after one that found nothing, doubled with each

Way = tuple[Action, Prediction, "Way | None"]
"""The last action on the way to a state, what was foretold of it, and the way before it."""


class BestFirst:
    """Searches best-first, and not again for a while where it found nothing, since little changes from step to step."""

    def __init__(self) -> None:
        self._pause = 0
        self._failures = 0

    def __call__(self, outlook: Outlook) -> list[Plan]:
        """Return what `best_first` does, nothing in a pause."""
        if self._pause:
            self._pause -= 1
            return []
        plans = best_first(outlook)
        self._failures = 0 if plans else self._failures + 1
        self._pause = 0 if plans else PAUSE * 2 ** (self._failures - 1)
        return plans


def best_first(outlook: Outlook, *, most_calls: int = MOST_CALLS) -> list[Plan]:
    """Return the best plan that surely pays; none where there is none, or it would take more than ``most_calls`` to find it."""
    bound = max(outlook.parts.best_reward, 0.0)
    depth_limit = DEEPEST if outlook.parts.budget.depth is None else outlook.parts.budget.depth
    tie = count()
    # (promise, tie, depth, gained, confidence, state or None at an end, key, way)
    frontier: list[tuple[float, int, int, float, float, State | None, int, Way | None]] = [
        (-bound, next(tie), 0, 0.0, 1.0, outlook.state, outlook.key, None)
    ]
    best = {outlook.key: 0.0}
    with until_spent:
        while frontier and outlook.calls < most_calls:
            _, turn, depth, gained, confidence, state, key, way = heappop(frontier)
            if not turn % BREATH:
                outlook.expect_time()
            if state is None:
                return [_plan(way, gained)]
            if gained < best[key] or depth == depth_limit:
                continue
            discount = DISCOUNT**depth
            actions = outlook.actions(state, key)
            for action, each in zip(actions, outlook.foresee([(state, key, a) for a in actions]), strict=False):
                future = _certain(each)
                sure = confidence * each.prediction.confidence
                if future is None or sure < LEAST_CONFIDENCE:
                    continue
                total = gained + discount * each.worth
                longer = action, each.prediction, way
                if future.reward > 0:
                    heappush(frontier, (-total, next(tie), depth + 1, total, sure, None, 0, longer))
                elif not future.is_end:
                    there, met = outlook.after(state, key, future.changes)
                    if total > best.get(met, -float("inf")):
                        best[met] = total
                        promise = total + discount * DISCOUNT * bound
                        heappush(frontier, (-promise, next(tie), depth + 1, total, sure, there, met, longer))
    return []


def _certain(foreseen: Foreseen) -> Future | None:
    """Return what surely happens, as far as the model is right; None where it leaves that to chance."""
    futures = foreseen.futures
    likeliest = futures[0] if len(futures) == 1 else max(futures, key=lambda future: future.probability)
    is_sure = likeliest.probability >= SURE * foreseen.prediction.confidence
    return likeliest if is_sure and foreseen.prediction.success else None


def _plan(way: Way | None, gained: float) -> Plan:
    actions: list[Action] = []
    predictions: list[Prediction] = []
    while way is not None:
        action, prediction, way = way
        actions.append(action)
        predictions.append(prediction)
    return Plan(
        tuple(reversed(actions)),
        "surely pays",
        reaches_goal=True,
        cost=float(len(actions)),
        predictions=tuple(reversed(predictions)),
        value=gained,
    )


def _make(parts: PlannerParts) -> Planner:
    return Deliberation(BestFirst(), parts)


SPEC = PlannerSpec("search", "searches best-first for what is certain", _make)
