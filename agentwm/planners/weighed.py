"""Puts proposers together: one after another, plans weighed by where they lead or by how likely they work, and put last where they fail."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

from agentwm.planners.meter import until_spent
from agentwm.planners.mpc import roll_out
from agentwm.types import Action, Critic, Goal, Plan, Proposer, Query, Situation, State, WorldModel

__all__ = ["Grounded", "Heeding", "InTurn", "Liking", "Weighed", "by_rank", "by_share"]

NONE: Mapping[Action, Sequence[Situation]] = MappingProxyType({})
MOST_PLANS = 4
# How sure a language model must be, as calibrated, that an action fails for it to be put off. Source: ours.
DOUBTFUL = 0.8


class InTurn:
    """Proposes what the first proposer proposes, then what the next one does, which is asked only when it comes to that."""

    def __init__(self, *proposers: Proposer) -> None:
        self._proposers = proposers

    def propose(
        self, state: State, goal: Goal, *, avoid: Mapping[Action, Sequence[Situation]] = NONE
    ) -> Iterator[Plan]:
        """Yield the plans of all proposers, in turn."""
        for proposer in self._proposers:
            with until_spent:  # the next may need nothing that is spent
                yield from proposer.propose(state, goal, avoid=avoid)


class Weighed:
    """Proposes the plans of another proposer, those first that lead nearest to the goal in the world model's eyes and the critic's.

    Source: simulate, then judge, as in WebDreamer (Gu et al., 2024) and SimuRA (Deng et al., 2025).
    """

    def __init__(self, proposer: Proposer, model: WorldModel, critic: Critic) -> None:
        self._proposer = proposer
        self._model = model
        self._critic = critic

    def propose(
        self, state: State, goal: Goal, *, avoid: Mapping[Action, Sequence[Situation]] = NONE
    ) -> Iterator[Plan]:
        """Yield the first few plans of the proposer, the best judged first; where all begin alike, none is judged."""
        plans: list[Plan] = []
        with until_spent:
            plans.extend(islice(self._proposer.propose(state, goal, avoid=avoid), MOST_PLANS))
        if len({plan.actions[0] for plan in plans if plan.actions}) > 1:
            with until_spent:  # what cannot be judged any more stays in the proposer's order
                steps = [roll_out(plan, state, self._model) for plan in plans]
                reached = [rolled[-1][0] if rolled else state for rolled in steps]
                judged = self._critic.judge(reached, goal)
                order = sorted(range(len(plans)), key=lambda number: -judged[number])
                plans = [plans[number] for number in order]
        yield from plans


Liking = Callable[[Sequence[Plan]], Sequence[float]]
"""How much a policy likes each of the plans that it proposed, in the order in which it did."""


def by_rank(plans: Sequence[Plan]) -> list[float]:
    """Return 1 for the first of ``plans``, 1/2 for the second, and so on: for a policy that says what it likes best first."""
    return [1 / rank for rank, _ in enumerate(plans, 1)]


def by_share(plans: Sequence[Plan]) -> list[float]:
    """Return the same for each of ``plans``: for samples of a policy, which draws more often what it likes more."""
    return [1 / len(plans) for _ in plans]


class Grounded:
    """Proposes the plans of a policy by how much it likes their first actions, times the probability that these succeed in the world.

    Liking is added up over the first ``most`` plans that begin alike, the first of which is proposed for all of them. An action that is
    sure to fail comes last, but comes: models err.

    Source: SayCan (Ahn et al., 2022), with the world model's probability of success in place of a learned affordance.
    """

    def __init__(
        self, policy: Proposer, model: WorldModel, *, liking: Liking = by_rank, most: int = MOST_PLANS
    ) -> None:
        self._policy = policy
        self._model = model
        self._liking = liking
        self._most = most

    def propose(
        self, state: State, goal: Goal, *, avoid: Mapping[Action, Sequence[Situation]] = NONE
    ) -> Iterator[Plan]:
        """Yield a plan for each action that the policy begins with, the one of the greatest product first."""
        ideas = (plan for plan in self._policy.propose(state, goal, avoid=avoid) if plan.actions)
        plans = list(islice(ideas, self._most))
        liked: dict[Action, float] = {}
        firsts: dict[Action, Plan] = {}
        for plan, liking in zip(plans, self._liking(plans), strict=True):
            liked[plan.actions[0]] = liked.get(plan.actions[0], 0.0) + liking
            firsts.setdefault(plan.actions[0], plan)
        order = list(firsts)
        if len(order) > 1:
            with until_spent:  # what cannot be weighed any more stays in the policy's order
                succeeding = _succeeding(self._model, state, order)
                order.sort(key=lambda action: -liked[action] * succeeding.get(action, 0.0))
        yield from (firsts[action] for action in order)


def _succeeding(model: WorldModel, state: State, actions: Sequence[Action]) -> dict[Action, float]:
    """Return the probability that each of ``actions`` succeeds in ``state``, as far as the budget lets it be asked."""
    predictions = model.predict([Query(state, action) for action in actions])
    return {
        action: sum(outcome.probability for outcome in prediction.outcomes if outcome.success)
        for action, prediction in zip(actions, predictions, strict=False)
    }


class Heeding:
    """Proposes the plans of another proposer, those last that a language model foretells to fail at their first step.

    What rules foretell the planner heeds itself. A plan that is put off is better than none: models err.
    """

    def __init__(self, proposer: Proposer, model: WorldModel) -> None:
        self._proposer = proposer
        self._model = model

    def propose(
        self, state: State, goal: Goal, *, avoid: Mapping[Action, Sequence[Situation]] = NONE
    ) -> Iterator[Plan]:
        """Yield the plans that are not doubted as they come, then the doubted ones in their order."""
        doubted = []
        for plan in self._proposer.propose(state, goal, avoid=avoid):
            if plan.actions and self._is_doubted(state, plan.actions[0]):
                doubted.append(plan)
            else:
                yield plan
        yield from doubted

    def _is_doubted(self, state: State, action: Action) -> bool:
        with until_spent:
            [prediction] = self._model.predict([Query(state, action)])
            return prediction.source == "llm" and not prediction.success and prediction.confidence >= DOUBTFUL
        return False
