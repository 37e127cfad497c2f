"""What all planners that look ahead have in common: the frame in which a strategy of looking ahead decides, step after step.

A plan is kept while its predictions come true, and made again on surprise. What failed in vain in this episode is not tried again. There
is no look ahead where it cannot matter: where all proposals begin alike, or where chance has led back to a state that was decided on
before. Stopped at its budget, a strategy returns the best it has; where it has nothing, the first proposal is followed.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from agentwm.planners.meter import until_spent
from agentwm.planners.options import listed_actions
from agentwm.planners.outlook import SURE, Known, Outlook, is_vetoed
from agentwm.planners.setbacks import setbacks
from agentwm.types import Action, Goal, Plan, PlannerParts, PlannerSpec, PlanningBudget, Query, Spent, State, Transition

__all__ = ["Deliberation", "Strategy", "deliberating"]

Strategy = Callable[[Outlook], Sequence[Plan]]
"""Looks ahead and returns the plans it has weighed, the best first. Stopped at the budget, it returns what it has."""

WORTH_IT = 1e-9  # what a plan must promise beyond doing nothing to be followed for it
CONSIDERED = 40  # plans that are kept to be looked at


class Deliberation:
    """A planner that decides by a strategy of looking ahead."""

    def __init__(self, strategy: Strategy, parts: PlannerParts, *, is_frugal: bool = True) -> None:
        self._strategy = strategy
        self._parts = parts
        self._is_frugal = is_frugal
        self._vocabulary = parts.vocabulary
        self._kept: Plan | None = None
        self._decided: dict[object, Plan] = {}
        self._looked: list[int] = []
        self._known: Known = {}

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return the rest of the plan that is going well, else the best new one."""
        self._kept = self._decision(state, goal, history)
        return self._kept

    def _decision(self, state: State, goal: Goal, history: Sequence[Transition]) -> Plan:
        listed = listed_actions(self._parts.opening, history)
        kept = self._continued(state, history)
        if kept is not None and (listed is None or kept.actions[0] in listed):
            return kept
        if (again := self.look_again(history, state)) is not None:
            return again
        avoid = setbacks(history, self._vocabulary) if self._vocabulary.reports_failure else {}
        outlook = Outlook(state, goal, self._parts, avoid=avoid, listed=listed, known=self._known)
        moment = outlook.key, goal, listed, frozenset((action, tuple(each)) for action, each in avoid.items())
        if self._is_frugal and (easy := self._easy(outlook, moment)) is not None:
            return replace(easy, spent=Spent(one_step=1, model_calls_saved=self._average()))
        plan = self._weighed(outlook)
        if (plan.value or 0.0) > WORTH_IT and _is_left_to_chance(plan):
            self._decided[moment] = plan
        self._looked.append(outlook.calls)
        return plan

    def _average(self) -> int:
        """Return how many questions a look ahead has taken on average in this episode."""
        return round(sum(self._looked) / len(self._looked)) if self._looked else 0

    # --- keeping to a plan ----------------------------------------------------------------------------------------------

    def _continued(self, state: State, history: Sequence[Transition]) -> Plan | None:
        kept = self._kept
        if kept is None or not history or not kept.reaches_goal or len(kept.actions) < 2:
            return None
        last = history[-1]
        if last.action != kept.actions[0] or not last.succeeded or last.surprise:
            return None
        with until_spent:
            if any(map(is_vetoed, self._parts.model.predict([Query(state, kept.actions[1])]))):
                return None
        return replace(
            kept,
            actions=kept.actions[1:],
            predictions=kept.predictions[1:],
            cost=kept.cost - 1,
            considered=(),
            spent=Spent(),
        )

    def look_again(self, history: Sequence[Transition], state: State) -> Plan | None:
        """Return a look around after an action surprised by failing or by succeeding, once per situation; else None."""
        if not history:
            return None
        last = history[-1]
        if last.predicted is None or last.predicted.source != "rules" or last.succeeded == last.predicted.success:
            return None
        looks = [a for a in self._vocabulary.actions.values() if a.inspects and not a.parameters]
        if not looks:
            return None
        look = Action(looks[0].verb)
        here = {f: v for f, v in state.items() if not f.args}
        if any(t.action == look and {f: v for f, v in t.after.items() if not f.args} == here for t in history):
            return None
        return Plan((look,), "looks around after a surprise")

    # --- where there is nothing to weigh ----------------------------------------------------------------------------------

    def _easy(self, outlook: Outlook, moment: object) -> Plan | None:
        """Return what is to be done where looking ahead cannot matter, None where it can."""
        if (familiar := self._decided.get(moment)) is not None:
            return replace(familiar, reason=f"{familiar.reason}, as before", considered=())
        proposals = outlook.proposals
        if len(proposals) > 1 and len({plan.actions[0] for plan in proposals}) == 1:
            return replace(proposals[0], reason=f"{proposals[0].reason}; all proposals begin so")
        return None

    # --- weighing ---------------------------------------------------------------------------------------------------------

    def _weighed(self, outlook: Outlook) -> Plan:
        """Return the strategy's best plan; where it promises nothing, the first proposal; where there is none, anything allowed."""
        plans = [plan for plan in self._strategy(outlook) if plan.actions]
        best = next((plan for plan in plans if not plan.is_vetoed), None)
        if (best is None or not self._promises(best, outlook)) and outlook.proposals:
            best = _weighed_as(outlook.proposals[0], plans)
        if best is None and outlook.root_actions:
            best = Plan((outlook.rng.choice(outlook.root_actions),), "knows nothing better")
        if best is None:
            return Plan((), "nothing worth doing is known", considered=tuple(plans[:CONSIDERED]))
        return replace(best, considered=tuple(each for each in plans if each.actions != best.actions)[:CONSIDERED])

    @staticmethod
    def _promises(plan: Plan, outlook: Outlook) -> bool:
        """Whether ``plan`` is expected to bring more than doing nothing, as far as that was weighed."""
        if plan.reaches_goal or plan.value is None:
            return True
        return plan.value > outlook.values([outlook.start])[0] + WORTH_IT


def deliberating(
    name: str,
    summary: str,
    strategy: Strategy,
    *,
    budget: PlanningBudget | None = None,
    is_frugal: bool = True,
) -> PlannerSpec:
    """Return the spec of a planner that decides by ``strategy``; ``budget`` is a decision's where nobody gives another.

    One that is not ``is_frugal`` weighs every decision, also where looking ahead cannot matter.
    """
    return PlannerSpec(
        name,
        summary,
        lambda parts: Deliberation(strategy, parts, is_frugal=is_frugal),
        PlanningBudget() if budget is None else budget,
    )


def _weighed_as(proposal: Plan, plans: Sequence[Plan]) -> Plan:
    """Return ``proposal`` with what was found of it among ``plans``, where it was weighed there."""
    weighed = next((plan for plan in plans if plan.actions == proposal.actions), None)
    return proposal if weighed is None else replace(proposal, value=weighed.value, predictions=weighed.predictions)


def _is_left_to_chance(plan: Plan) -> bool:
    """Whether what the plan's first action does is a matter of chance: else whoever comes back to the same state has gone in a circle."""
    if not plan.predictions or not plan.predictions[0].outcomes:
        return False
    first = plan.predictions[0]
    return first.outcomes[0].probability < SURE * first.confidence
