"""Simulate each of a few candidates, judge where they lead, and do the best: a look ahead that is wide and not deep.

Source: WebDreamer (Gu et al., 2024), section 4: simulate every candidate, score the simulated outcome, act on the best.
"""

from dataclasses import replace

from agentwm.planners.deliberation import deliberating
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import Outlook, Prospect, is_vetoed
from agentwm.types import Action, Plan, PlanningBudget

__all__ = ["SPEC", "best_of_n"]

CANDIDATES = 48

Course = tuple[Action, ...]


def best_of_n(outlook: Outlook) -> list[Plan]:
    """Return the first plans of the proposer and single actions, `CANDIDATES` at most, by what the world model says they bring.

    Those whose first action the rules foretell to fail come last.
    """
    reasons: dict[Course, str] = {plan.actions[: outlook.depth]: plan.reason for plan in outlook.proposals}
    begun = {course[0] for course in reasons}
    reasons |= {(action,): "is the best of what can be done" for action in outlook.root_actions if action not in begun}
    prospects = _simulated(list(reasons)[:CANDIDATES], outlook)
    done = [prospect for prospect in prospects.values() if prospect.actions]
    weighed = sorted(zip(outlook.values(done), done, strict=True), key=lambda each: -each[0])
    plans = [outlook.plan(each, value, _reason(each, reasons)) for value, each in weighed]
    sound = [plan for plan in plans if not is_vetoed(plan.predictions[0])]
    vetoed = [replace(plan, is_vetoed=True) for plan in plans if is_vetoed(plan.predictions[0])]
    return [*sound, *vetoed]


def _simulated(courses: list[Course], outlook: Outlook) -> dict[Course, Prospect]:
    """Return where each course leads, followed side by side as far as the budget goes and no rule foretells a failure on the way."""
    prospects = dict.fromkeys(courses, outlook.start)
    with until_spent:
        for step in range(min(outlook.depth, max(map(len, courses), default=0))):
            going = [c for c in courses if len(c) > step == len(prospects[c].actions) and prospects[c].is_open]
            for course, longer in zip(going, outlook.advance([(prospects[c], c[step]) for c in going]), strict=False):
                if not step or not is_vetoed(longer.predictions[-1]):
                    prospects[course] = longer
    return prospects


def _reason(prospect: Prospect, reasons: dict[Course, str]) -> str:
    return next(reason for course, reason in reasons.items() if course[: len(prospect.actions)] == prospect.actions)


SPEC = deliberating(
    "best-of-n",
    "simulates each of a few candidates and does the one that is judged best",
    best_of_n,
    budget=PlanningBudget(model_calls=500),
)
