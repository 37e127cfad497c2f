"""A step of a run as it was before it was done: what was believed then, so that it can be planned again, without the world."""

import random
from contextlib import closing
from dataclasses import dataclass

from agentwm.errors import RunStoreError
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.meter import metered
from agentwm.planners.options import listed_actions
from agentwm.planners.symbolic import symbolic_parts
from agentwm.records import RunStore
from agentwm.rules.binding import remaining
from agentwm.rules.store import RuleStore
from agentwm.types import Goal, Observation, Plan, PlannerSpec, PlanningBudget, State, Transition, Vocabulary
from agentwm.what_if.futures import WhatIf, what_if

__all__ = ["Moment", "Replanned", "moment_of", "replan"]


@dataclass(frozen=True, slots=True)
class Moment:
    """What was believed before a step of an episode, and what came after it.

    ``step`` counts from 1, as `agentwm replay` does. ``history`` are the steps before it, ``lived`` those from it on; that is empty where
    the run was cut off before the step's outcome was known.
    """

    episode: int
    step: int
    goal: Goal
    state: State
    opening: Observation | None
    history: tuple[Transition, ...]
    lived: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class Replanned:
    """What another planner would have done: its plan, and all that it considered as candidate courses.

    The first course of ``imagined`` is the plan's, the others are those of its ``considered``, in their order; none where there is no plan.
    """

    planner: str
    plan: Plan
    imagined: WhatIf

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plan, if there is one, and the others that it was weighed against: one for each course."""
        return tuple(plan for plan in (self.plan, *self.plan.considered) if plan.actions)


def moment_of(records: RunStore, episode: int, step: int) -> Moment:
    """Return what was believed before ``step``, which counts from 1, of ``episode``.

    Raises: RunStoreError when there is no such episode or step.
    """
    steps = records.steps(episode)
    if not steps:
        raise RunStoreError(
            f"expected an episode with steps, but episode {episode} of {records.path} keeps none: choose another, "
            f"`agentwm replay {records.path}` lists them"
        )
    if not 1 <= step <= len(steps):
        raise RunStoreError(f"expected a step of episode {episode} of {records.path}, 1 to {len(steps)}, got {step}")
    trajectory = records.trajectory(episode)
    history, lived = trajectory.transitions[: step - 1], trajectory.transitions[step - 1 :]
    state = history[-1].after if history else trajectory.start
    return Moment(episode, step, trajectory.goal, state, records.opening(episode), history, lived)


def replan(
    moment: Moment,
    planner: PlannerSpec,
    rules: RuleStore,
    vocabulary: Vocabulary,
    *,
    budget: PlanningBudget | None = None,
    seed: int = 0,
) -> Replanned:
    """Return what ``planner`` does at ``moment`` by ``rules``, held to ``budget``, None for the planner's own.

    ``seed`` draws what it leaves to chance.
    """
    with closing(AlignedModel.symbolic(rules, vocabulary)) as model:
        parts = symbolic_parts(
            rules,
            vocabulary,
            model,
            rng=random.Random(f"{seed}-{moment.episode}-{moment.step}"),
            opening=moment.opening,
            listed=lambda: listed_actions(moment.opening, moment.history),
            budget=planner.budget if budget is None else budget,
        )
        aim = remaining(moment.goal, (each.after for each in moment.history), vocabulary)
        plan = metered(planner, parts).plan(moment.state, aim, moment.history)
        plans = [each for each in (plan, *plan.considered) if each.actions]
        imagined = what_if(
            model, moment.state, [each.actions for each in plans], vocabulary, rules=rules, lived=moment.lived
        )
    return Replanned(planner.name, plan, imagined)
