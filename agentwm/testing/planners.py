"""What every planner keeps to, ours and a stranger's, as checks that raise an AssertionError where it does not.

The checks are played in worlds of which the rules are given (`WORLDS`), with the parts that rules alone make and through the same door
as in a run: `acting_mind` holds each decision to its budget, and the checks look on from behind.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace

from agentwm.minds import acting_mind
from agentwm.testing.trial import Trial
from agentwm.testing.worlds import WORLDS, World
from agentwm.types import PlannerSpec, PlanningBudget

__all__ = [
    "CHECKS",
    "check_budget",
    "check_depth",
    "check_determinism",
    "check_legality",
    "check_llm_calls",
    "check_no_plan",
    "check_planner",
    "check_time",
    "transcript",
]

MODEL_CALLS = (0, 1, 2, 7, 50)
SECONDS = (0.0, 1.0, 4.0)
QUESTION_S = 0.3
DEPTHS = (0, 1, 2, 5)
LLM_CALLS = (0, 1, 3)
LISTED_IN = (1, 2)
EPISODE = 6  # decisions


def check_planner(spec: PlannerSpec, worlds: Iterable[World] = WORLDS) -> None:
    """Do all checks in all ``worlds``. Raises: AssertionError for the first thing that is not as it is to be, and says what."""
    for world in worlds:
        for check in CHECKS:
            check(spec, world)


def check_budget(spec: PlannerSpec, world: World) -> None:
    """Check that no more is asked than may be, that it is accounted for, and that there is a plan wherever the budget ends."""
    for calls in MODEL_CALLS:
        trial = Trial(spec, world, PlanningBudget(model_calls=calls))
        for decision in trial.decisions():
            asked, plan = len(decision.asked.queries), decision.plan
            trial.expect(that=asked <= calls, expected=f"at most {calls} questions", got=asked)
            trial.expect(
                that=plan.spent.model_calls == asked,
                expected=f"{asked} model calls to be accounted for",
                got=plan.spent,
            )
            trial.expect(that=plan.spent.decisions == 1, expected="one decision to be accounted for", got=plan.spent)
            trial.expect(that=bool(plan.actions), expected="a plan where something can be done", got=plan)


def check_time(spec: PlannerSpec, world: World) -> None:
    """Check that nothing is asked once the time is over, and that there is a plan nonetheless."""
    for seconds in SECONDS:
        trial = Trial(spec, world, PlanningBudget(seconds=seconds), steps=2, question_s=QUESTION_S)
        end_s = 0.0
        for decision in trial.decisions():
            begin_s, end_s = end_s, end_s + decision.plan.spent.seconds
            late = [begun_s - begin_s for begun_s in decision.asked.begun_s if begun_s >= begin_s + seconds]
            trial.expect(that=not late, expected="no question once the time is over", got=late)
            trial.expect(
                that=bool(decision.plan.actions), expected="a plan where something can be done", got=decision.plan
            )


def check_depth(spec: PlannerSpec, world: World) -> None:
    """Check that nothing is asked further ahead than may be looked, and that no plan is longer."""
    for depth in DEPTHS:
        trial = Trial(spec, world, PlanningBudget(model_calls=50, depth=depth), steps=2)
        for decision in trial.decisions():
            trial.expect(
                that=decision.ahead <= depth, expected=f"to look at most {depth} actions ahead", got=decision.ahead
            )
            for plan in (decision.plan, *decision.plan.considered):
                most = max(1, depth)  # what is done without looking is one action, too
                trial.expect(that=len(plan.actions) <= most, expected=f"no plan of more than {most} actions", got=plan)
                trial.expect(
                    that=len(plan.predictions) <= depth, expected=f"at most {depth} actions to be foretold", got=plan
                )


def check_llm_calls(spec: PlannerSpec, world: World) -> None:
    """Check that a language model behind the parts is called no more than it may be, and that its refusal is no failure."""
    for calls in LLM_CALLS:
        budget = PlanningBudget(model_calls=20, llm_calls=calls)
        trial = Trial(spec, world, budget, steps=2, talks=True)
        for decision in trial.decisions():
            called = decision.asked.llm_calls
            trial.expect(that=called <= calls, expected=f"at most {calls} calls of the language model", got=called)
            trial.expect(
                that=decision.plan.spent.llm_calls == called,
                expected=f"{called} calls of the language model to be accounted for",
                got=decision.plan.spent,
            )


def check_determinism(spec: PlannerSpec, world: World) -> None:
    """Check that the same seed gives the same plans, for the same reasons and at the same price, over an episode."""
    trial = Trial(spec, world, steps=EPISODE)
    first, second = ([decision.plan for decision in trial.decisions()] for _ in range(2))
    for one, other in zip(first, second, strict=False):
        trial.expect(that=one == other, expected=f"the same plan again, {one}", got=other)
    trial.expect(that=len(first) == len(second), expected=f"{len(first)} decisions again", got=len(second))


def check_legality(spec: PlannerSpec, world: World) -> None:
    """Check that only what is listed is done, where something is listed, be the list whole or full of gaps."""
    for listed_in in LISTED_IN:
        for _ in Trial(spec, world, listed_in=listed_in).decisions():
            pass  # every decision is looked at before it is done


def check_no_plan(spec: PlannerSpec, world: World) -> None:
    """Check that where nothing can be done the answer is a plan without actions that says why."""
    trial = Trial(spec, world)
    for is_listed, reports_failure in ((True, None), (False, True), (False, False)):
        episode = world.begin(lists=is_listed)
        if reports_failure is None:  # nothing is listed
            episode.observation = replace(episode.observation, actions=())
        else:  # nothing has been seen that any verb could be applied to
            verbs = {verb: schema for verb, schema in episode.vocabulary.actions.items() if schema.parameters}
            episode.vocabulary = replace(episode.vocabulary, actions=verbs, reports_failure=reports_failure)
            episode.state = {}
        planner = acting_mind(spec, world.store, episode, rng=random.Random(0), budget=trial.budget).planner
        plan = trial.planned(episode, planner)
        trial.expect(that=not plan.actions, expected="no plan where nothing can be done", got=plan)


def transcript(spec: PlannerSpec, world: World, *, steps: int = EPISODE, seed: int = 0) -> list[str]:
    """Return a line for each decision of an episode, to be compared from one process to another."""
    return [
        f"{'; '.join(map(str, plan.actions))} | {plan.reason} | {plan.value} | {plan.spent} | "
        + ", ".join(f"{'; '.join(map(str, other.actions))}: {other.value}" for other in plan.considered)
        for plan in (decision.plan for decision in Trial(spec, world, steps=steps, seed=seed).decisions())
    ]


CHECKS: tuple[Callable[[PlannerSpec, World], None], ...] = (
    check_budget,
    check_time,
    check_depth,
    check_llm_calls,
    check_determinism,
    check_legality,
    check_no_plan,
)
