"""Puts proposers together: one after another, plans weighed by where they lead, and put last where they are foretold to fail."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

from agentwm.planners.mpc import roll_out
from agentwm.types import Action, Critic, Goal, Plan, Proposer, Query, Situation, State, WorldModel

__all__ = ["Heeding", "InTurn", "Weighed"]

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
        plans = list(islice(self._proposer.propose(state, goal, avoid=avoid), MOST_PLANS))
        if len({plan.actions[0] for plan in plans if plan.actions}) > 1:
            steps = [roll_out(plan, state, self._model) for plan in plans]
            reached = [rolled[-1][0] if rolled else state for rolled in steps]
            judged = self._critic.judge(reached, goal)
            order = sorted(range(len(plans)), key=lambda number: -judged[number])
            plans = [plans[number] for number in order]
        yield from plans


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
        [prediction] = self._model.predict([Query(state, action)])
        return prediction.source == "llm" and not prediction.success and prediction.confidence >= DOUBTFUL
