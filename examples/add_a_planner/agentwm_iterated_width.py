"""Iterated width: go on only from where something is so for the first time, first single facts, then pairs. A planner of your own.

Source: Lipovetzky & Geffner (2012), "Width and serialization of classical planning problems".
"""

from collections.abc import Iterator
from itertools import islice

from agentwm.planners.deliberation import deliberating
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import Outlook, Prospect
from agentwm.planners.width import News
from agentwm.types import Plan

MOST = 2000  # courses of action looked at for each width, where the budget allows more


def iterated_width(outlook: Outlook) -> list[Plan]:
    """Return the first course of action that is sure to pay, if there is one; else the best one found for each first action."""
    found: list[Prospect] = []
    with until_spent:  # where the budget ends, the best is made of what was found until then
        for width in (1, 2):
            for prospect in islice(wherever_new(outlook, width), MOST):
                plan = outlook.plan(prospect, prospect.gained, f"pays, and takes news of width {width}")
                if plan.reaches_goal:
                    return [plan]
                found.append(prospect)
    ends = [prospect for prospect in found if len(prospect.actions) == 1 or not prospect.is_open]
    return outlook.best_plans(zip(outlook.values(ends), ends, strict=True))


def wherever_new(outlook: Outlook, width: int) -> Iterator[Prospect]:
    """Yield courses of action, the shortest first; those that lead to no new tuple of ``width`` facts are not gone on with."""
    fluents = outlook.parts.vocabulary.fluents.values()
    news = News(width, ignored={schema.name for schema in fluents if schema.static})
    frontier = [outlook.start]
    for _ in range(outlook.depth):
        ends = [(prospect, prospect.branches[0]) for prospect in frontier if news.is_in(prospect.branches[0].state)]
        longer = outlook.advance([(way, action) for way, end in ends for action in outlook.actions(end.state, end.key)])
        yield from longer
        frontier = [prospect for prospect in longer if prospect.is_open]


# `deliberating` keeps to a plan that goes well, and acts where none was found.
SPEC = deliberating("iterated-width", "goes on from where something is so for the first time", iterated_width)
