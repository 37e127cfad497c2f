"""Planners that do what comes to mind: with no look at all, or with one look at the rules.

What comes to mind is the policy's: anything at all, in the symbolic mind, so that what it wins is what luck wins; or what a language
model says.
"""

from itertools import islice

from agentwm.planners.deliberation import deliberating
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import Outlook, is_vetoed
from agentwm.types import Plan

__all__ = ["REACTIVE", "VETO", "react", "veto"]

MOST_PROPOSALS = 5  # as WALL-E's


def react(outlook: Outlook) -> list[Plan]:
    """Return the first thing that comes to mind; neither the world model nor the goal is looked at."""
    with until_spent:
        return [Plan(plan.actions[:1], plan.reason) for plan in islice(outlook.policy(), 1)]
    return []


def veto(outlook: Outlook) -> list[Plan]:
    """Return the first thing that comes to mind and that no rule foretells to fail; where five do, the last of these all the same.

    Source: the loop of WALL-E (Zhou et al., 2025, algorithm 2), whose horizon is one step.
    """
    if not outlook.depth:  # there is to be no look ahead, not even of one step
        return react(outlook)
    vetoed: list[Plan] = []
    with until_spent:
        for plan in islice(outlook.policy(), MOST_PROPOSALS):
            vetoed.append(Plan(plan.actions[:1], f"{plan.reason}, for want of anything that no rule vetoes"))
            [foreseen] = outlook.foresee([(outlook.state, outlook.key, plan.actions[0])])
            if not is_vetoed(foreseen.prediction):
                return [Plan(plan.actions[:1], plan.reason, predictions=(foreseen.prediction,))]
    return vetoed[-1:]


REACTIVE = deliberating(
    "reactive", "does what comes to mind, without looking ahead: the baseline", react, is_frugal=False
)
VETO = deliberating(
    "veto", "does the first thing that comes to mind and that no rule foretells to fail", veto, is_frugal=False
)
