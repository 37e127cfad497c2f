"""How near a state is to the goal: by the goal's own conditions, and by the distance that is left in the learned model."""

from collections.abc import Sequence

from agentwm.planners.means_ends import MeansEnds
from agentwm.rules.binding import bindings_of
from agentwm.rules.matching import holds
from agentwm.types import Goal, State, Vocabulary

__all__ = ["Conditions", "Distance"]

NEARER = 0.95  # what a step less to go is worth, as a factor
SCALE = 0.2  # how much of the goal's conditions that hold are worth where no way to it is known


class Conditions:
    """Judges by the share of the goal's conditions that hold, for the things for which most of them do."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def judge(self, states: Sequence[State], goal: Goal) -> list[float]:
        """Return, per state, the share of the goal's conditions that hold: 0 where the goal has none, or no thing to hold of."""
        return [self._share(state, goal) for state in states]

    def _share(self, state: State, goal: Goal) -> float:
        if not goal.conditions:
            return 0.0
        shares = (
            sum(holds(each, bindings, state, self._vocabulary) is True for each in goal.conditions)
            for bindings in bindings_of(goal.conditions, state)
        )
        return max(shares, default=0) / len(goal.conditions)


class Distance:
    """Judges by the cost of the cheapest way to the goal that the rules know; where they know none, by the goal's conditions."""

    def __init__(self, proposer: MeansEnds) -> None:
        self._proposer = proposer
        self._conditions = Conditions(proposer.vocabulary)
        self._judged: dict[tuple[Goal, int], float] = {}

    def judge(self, states: Sequence[State], goal: Goal) -> list[float]:
        """Return, per state, 1 at the goal, less for each step away from it, and little where no way is known."""
        return [self._nearness(state, goal) for state in states]

    def _nearness(self, state: State, goal: Goal) -> float:
        if not goal.conditions:
            return 0.0
        moment = goal, hash(frozenset(state.items()))
        known = self._judged.get(moment)
        if known is None:
            plan = self._proposer.reach(state, goal.conditions)
            known = NEARER**plan.cost if plan is not None else SCALE * self._conditions.judge([state], goal)[0]
            self._judged[moment] = known
        return known
