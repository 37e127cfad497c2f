"""Model predictive control: propose plans, roll them out in the world model, mend them where it says that they fail, do the first step.

Where nothing can be proposed, because no goal can be read and what pays was learned, plans come from the values of states (`Payoff`).

Source: WALL-E (Zhou et al., 2025), whose horizon is one step; here a plan is followed to its end, and mended there, too.
"""

from collections.abc import Sequence
from dataclasses import replace

from agentwm.models.rule_model import apply
from agentwm.planners.deliberation import Deliberation
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import Outlook, is_vetoed
from agentwm.planners.payoff import Payoff
from agentwm.types import (
    Action,
    Plan,
    Planner,
    PlannerParts,
    PlannerSpec,
    Prediction,
    Query,
    Situation,
    State,
    WorldModel,
)

__all__ = ["SPEC", "propose_and_repair", "roll_out"]

MOST_REFUSALS = 4
MOST_REPAIRS = 2


def roll_out(plan: Plan, state: State, model: WorldModel) -> list[tuple[State, Prediction]]:
    """Return what the model expects of each action of ``plan`` in turn: the state after it and the prediction.

    Ends early at an action that the model expects to fail, and where a budget does.
    """
    steps = []
    with until_spent:
        for action in plan.actions:
            (prediction,) = model.predict([Query(state, action)])
            state = apply(state, prediction)
            steps.append((state, prediction))
            if not prediction.success:
                break
    return steps


def propose_and_repair(outlook: Outlook) -> list[Plan]:
    """Return the first proposal that holds in the world model, mended where it must be, and after it those that were refused."""
    refused = dict(outlook.avoid)
    vetoed: list[Plan] = []
    with until_spent:
        for _ in range(MOST_REFUSALS):
            plan = _proposed(outlook, outlook.state, refused)
            if plan is None:
                break
            plan = _mended(plan, outlook)
            if plan.is_vetoed and not plan.is_bold:
                refused[plan.actions[0]] = [()]
                vetoed.append(plan)
            elif outlook.listed is not None and plan.actions[0] not in outlook.listed:
                refused[plan.actions[0]] = [()]
            else:
                return [replace(plan, is_vetoed=False), *vetoed]
    return vetoed


def _proposed(outlook: Outlook, state: State, refused: dict[Action, Sequence[Situation]]) -> Plan | None:
    """Return the plan that is proposed in ``state``, None where there is none within the horizon."""
    for plan in outlook.parts.proposer.propose(state, outlook.goal, avoid=refused):
        # With no actions the goal is believed reached, wrongly: the episode goes on.
        if plan.actions and outlook.is_within(plan):
            return plan
    return None


def _mended(plan: Plan, outlook: Outlook) -> Plan:
    """Return ``plan`` with its predictions, and with another way from wherever the rules say that it fails on the way."""
    for _ in range(MOST_REPAIRS + 1):
        steps = roll_out(replace(plan, actions=plan.actions[: outlook.depth]), outlook.state, outlook.parts.model)
        predictions = tuple(prediction for _, prediction in steps)
        plan = replace(plan, predictions=predictions, is_vetoed=bool(steps) and is_vetoed(predictions[0]))
        if plan.is_bold or len(steps) < 2 or not is_vetoed(predictions[-1]):
            break  # a bold plan goes against the letter of the rules, and is not to be bent to it again
        sound = plan.actions[: len(steps) - 1]
        failing = plan.actions[len(steps) - 1]
        rest = _proposed(outlook, steps[-2][0], {failing: [()]})
        if rest is None or rest.is_bold:
            break
        mended = replace(rest, actions=(*sound, *rest.actions), reason=f"{plan.reason}, mended at {failing}")
        if not outlook.is_within(mended):
            break
        plan = mended
    return plan


def _make(parts: PlannerParts) -> Planner:
    if parts.vocabulary.reports_failure:
        return Deliberation(propose_and_repair, parts, is_frugal=False)
    return Payoff(parts)  # what cannot fail is not planned around failure


SPEC = PlannerSpec(
    "mpc",
    "plans to the goal in the learned model, mends the plan where that says it fails, and plans again when surprised",
    _make,
)
