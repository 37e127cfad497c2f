"""Beam search: of all courses of action of one length only the best few are followed further.

Source: Lowerre (1976). A course of action is followed through all states that it may lead to, so that what it brings is an expectation.
"""

from agentwm.planners.deliberation import deliberating
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import Outlook, Prospect
from agentwm.types import Plan, PlanningBudget

__all__ = ["SPEC", "beam"]

WIDTH = 32

Weighed = tuple[float, Prospect]


def beam(outlook: Outlook) -> list[Plan]:
    """Return the best courses of action found, at most one per first action."""
    frontier = [outlook.start]
    found: list[Weighed] = []
    latest: list[Weighed] = []
    met = {outlook.key}
    with until_spent:
        for _ in range(outlook.depth):
            possible = [(each, outlook.actions(each.branches[0].state, each.branches[0].key)) for each in frontier]
            stuck = [prospect for prospect, actions in possible if prospect.actions and not actions]
            found += zip(outlook.values(stuck), stuck, strict=True)
            steps = [(prospect, action) for prospect, actions in possible for action in actions]
            if not steps:
                break
            longer = outlook.advance(steps)
            if not longer:  # the budget ends within the first of them: what was found until then stands
                break
            weighed = sorted(zip(outlook.values(longer), longer, strict=True), key=lambda each: -each[0])
            # What came to its end competes with all that goes on; what goes on, only with what is as long: it may pay yet.
            found += [each for each in weighed if not each[1].is_open]
            cut = {
                prospect.actions for prospect, _ in steps[len(longer) :]
            }  # what the budget kept from being gone on with
            latest = [each for each in latest if each[1].actions in cut] + [each for each in weighed if each[1].is_open]
            if cut:
                break
            frontier = _few(latest, met)
            if not frontier:
                break
    return outlook.best_plans([*found, *latest])


def _few(weighed: list[Weighed], met: set[int]) -> list[Prospect]:
    """Return the best few prospects that lead to a state not met before."""
    kept: list[Prospect] = []
    for _, prospect in weighed:
        if len(kept) == WIDTH:
            break
        key = hash(tuple(branch.key for branch in prospect.branches))
        if key not in met and prospect.branches[0].key not in met:
            met.add(key)
            met.add(prospect.branches[0].key)
            kept.append(prospect)
    return kept


SPEC = deliberating(
    "beam",
    "follows the best few of all courses of action, step by step",
    beam,
    budget=PlanningBudget(model_calls=1000),
)
