"""The cross-entropy method over sequences of actions: draw many, keep the best, draw more like these.

Source: Rubinstein (1999); as a planner in a learned model, PETS (Chua et al., 2018). Each place of the sequence has a distribution of
its own over the actions; what cannot be done where the sequence comes to is replaced by what can.
"""

from collections import Counter
from dataclasses import dataclass, field

from agentwm.planners.deliberation import deliberating
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import Outlook, Prospect
from agentwm.types import Action, Plan, PlanningBudget

__all__ = ["SPEC", "cem"]

SAMPLES = 48
ELITES = 8
ROUNDS = 6
PRIOR = 0.5  # how much an action weighs that no elite has done there, against 1 for each that has
HORIZON = 15


@dataclass(slots=True)
class _Search:
    """What the elites did at each step, and the best courses of action so far, by first action."""

    liked: list[Counter[Action]]
    best: dict[Action, tuple[float, Prospect]] = field(default_factory=dict)

    def note(self, weighed: list[tuple[float, Prospect]]) -> None:
        """Take note of one round of samples, the best first."""
        for value, prospect in weighed:
            known = self.best.get(prospect.actions[0])
            if known is None or value > known[0]:
                self.best[prospect.actions[0]] = value, prospect
        self.liked = [Counter() for _ in self.liked]
        for _, prospect in weighed[:ELITES]:
            for step, action in enumerate(prospect.actions):
                self.liked[step][action] += 1


def cem(outlook: Outlook) -> list[Plan]:
    """Return the best sequence found for each first action."""
    horizon = min(outlook.depth, HORIZON)
    search = _Search([Counter() for _ in range(horizon)])
    for plan in outlook.proposals:
        for step, action in enumerate(plan.actions[:horizon]):
            search.liked[step][action] += 1
    with until_spent:
        for _ in range(ROUNDS):
            sampled = _sampled(outlook, search, horizon)
            weighed = sorted(zip(outlook.values(sampled), sampled, strict=True), key=lambda each: -each[0])
            search.note(weighed)
            if len(sampled) < SAMPLES:
                break
    return outlook.best_plans(search.best.values())


def _sampled(outlook: Outlook, search: _Search, horizon: int) -> list[Prospect]:
    """Return a round of sequences, drawn and followed step by step, side by side; fewer, and shorter, where the budget ends."""
    going, done = [outlook.start] * SAMPLES, []
    with until_spent:
        for step in range(horizon):
            drawn = [(each, _drawn(outlook, each, search, step)) for each in going]
            done += [each for each, action in drawn if action is None]
            steps = [(each, action) for each, action in drawn if action is not None]
            going = [each for each, _ in steps]
            if not steps:
                break
            longer = outlook.advance(steps)
            if not longer:  # the budget ends within the first of them: what was drawn until then stands
                break
            done += [each for each in longer if not each.is_open]
            going = [each for each in longer if each.is_open]
    return [each for each in (*done, *going) if each.actions]


def _drawn(outlook: Outlook, prospect: Prospect, search: _Search, step: int) -> Action | None:
    branch = prospect.branches[0]
    possible = outlook.actions(branch.state, branch.key)
    if not possible:
        return None
    liked = search.liked[step]
    share = PRIOR / len(possible)
    return outlook.rng.choices(possible, [liked[action] + share for action in possible])[0]


SPEC = deliberating(
    "cem",
    "draws sequences of actions, keeps the best and draws more like these",
    cem,
    budget=PlanningBudget(model_calls=1000),
)
