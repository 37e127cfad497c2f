"""Rows of the run store as values, and back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentwm.errors import RunStoreError
from agentwm.records import encoding
from agentwm.records.written import Written, is_same
from agentwm.types import Action, Fluent, Goal, Observation, Plan, Prediction, Spent, State, Transition

__all__ = [
    "EPISODE_COLUMNS",
    "OUTCOME_COLUMNS",
    "EpisodeRecord",
    "StepRecord",
    "decoding",
    "episode_record",
    "observation_parts",
    "observation_row",
    "outcome_row",
    "step_record",
]

EPISODE_COLUMNS = """
    e.episode, phase, task, task_type, goal, status, won, coalesce(e.steps, 0), error, learned, coalesce(e.wall_s, 0),
    returned, achievements, opening_actions IS NOT NULL,
    (SELECT count(*) FROM steps s WHERE s.episode = e.episode AND s.succeeded IS NOT NULL AND predicted_success IS NOT NULL),
    (SELECT count(*) FROM steps s WHERE s.episode = e.episode AND s.succeeded = predicted_success),
    (SELECT total(reward) FROM steps s WHERE s.episode = e.episode),
    (SELECT count(*) FROM steps s WHERE s.episode = e.episode AND s.succeeded = 0)
"""

OUTCOME_COLUMNS = (
    "observation", "facts", "actions", "reward", "terminated", "truncated", "succeeded", "changed", "believed", "told", "forgotten"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """What is known of an episode without its steps.

    ``status`` is ``running``, ``done`` or ``error``; ``error`` says why an episode could not be played. ``predictions``
    counts the steps whose success was predicted, ``predictions_right`` those where it came true. ``learned`` is whatever
    was handed to `RunStore.end_episode`. ``spent`` is what its decisions took, as far as that was kept. ``returned`` is the sum of its
    rewards, or what the environment counted for itself; ``achievements`` counts what can be achieved in it, empty where nobody counts.
    ``failures`` counts the steps that the environment did not accept. ``listed`` is whether it listed what can be done.
    """

    episode: int
    phase: str
    task: str
    task_type: str
    goal: Goal
    status: str
    won: bool
    steps: int
    error: str | None
    learned: str | None
    wall_s: float
    predictions: int
    predictions_right: int
    spent: Spent = field(default_factory=Spent)
    returned: float = 0.0
    achievements: Mapping[str, int] = field(default_factory=dict)
    failures: int = 0
    listed: bool = False


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as it was written: the intent, and what came of it.

    ``transition`` is None while the outcome is unknown. ``plan`` is the plan it began, None where that was not written, without what was
    foretold of it, and with the best of the plans it was weighed against; see `encoding.plan_text`.
    """

    step: int
    action: Action
    predicted: Prediction | None
    transition: Transition | None
    wall_s: float
    plan: Plan | None = None


def episode_record(row: tuple[Any, ...], spent: Sequence[Spent] = ()) -> EpisodeRecord:
    """Return what a row of `EPISODE_COLUMNS` says, of an episode whose decisions have ``spent`` so much."""
    episode, phase, task, task_type, goal, status, won, steps, error, learned, wall_s, *rest = row
    returned, achievements, listed, predictions, right, rewards, failures = rest
    return EpisodeRecord(
        episode=episode,
        phase=phase,
        task=task,
        task_type=task_type,
        goal=encoding.goal_from(goal),
        status=status,
        won=bool(won),
        steps=steps,
        error=error,
        learned=learned,
        wall_s=wall_s,
        predictions=predictions,
        predictions_right=right,
        spent=sum(spent, Spent()),
        returned=rewards if returned is None else returned,
        achievements={} if achievements is None else json.loads(achievements),
        failures=failures,
        listed=bool(listed),
    )


@contextmanager
def decoding(path: Path, what: str) -> Iterator[None]:
    """Turn what a damaged row makes fail into a RunStoreError that says what could not be read."""
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise RunStoreError(f"the run in {path} is damaged: {what} cannot be read ({error})") from error


def observation_row(observation: Observation, written: Written) -> tuple[str, str | None, str | None]:
    """Return the text, facts and actions of ``observation`` as they are written after ``written``."""
    facts = written.state_text(observation.facts) if observation.facts else None
    return observation.text, facts, written.actions_text(observation.actions)


def observation_parts(row: tuple[Any, ...], written: Written) -> tuple[str, State, tuple[Action, ...] | None]:
    """Return the text, facts and actions that `observation_row` wrote."""
    text, facts, actions = row
    return text, {} if facts is None else written.state_from(facts), written.actions_from(actions)


def outcome_row(transition: Transition, written: Written) -> tuple[Any, ...]:
    """Return what came of a step as it is written, in the order of `OUTCOME_COLUMNS`."""
    observation = transition.observation
    seen = observation_row(observation, written)
    believed, forgotten = _difference(transition)
    return (
        *seen,
        observation.reward,
        observation.terminated,
        observation.truncated,
        transition.succeeded,
        encoding.state_text(transition.changed),
        written.state_text(believed),
        written.fluents_text(transition.told),
        written.fluents_text(forgotten),
    )


def step_record(row: tuple[Any, ...], before: State, written: Written) -> StepRecord:
    """Return the step that ``row`` holds, which began in the belief ``before``."""
    step, action_text, predicted_text, plan_text, wall_s, *outcome = row
    action, predicted = encoding.action_from(action_text), encoding.prediction_from(predicted_text)
    plan = None if plan_text is None else encoding.plan_from(plan_text)
    text, facts, actions, reward, terminated, truncated, succeeded, changed_text, believed, told_text, forgotten = (
        outcome
    )
    if succeeded is None:
        return StepRecord(step, action, predicted, None, wall_s, plan)
    observation = Observation(
        *observation_parts((text, facts, actions), written),
        reward=reward,
        terminated=bool(terminated),
        truncated=bool(truncated),
    )
    changed = encoding.state_from(changed_text)
    after = {**before, **changed, **written.state_from(believed)}
    for fluent in written.fluents_from(forgotten):
        del after[fluent]
    told = written.fluents_from(told_text)
    transition = Transition(before, action, after, observation, bool(succeeded), changed, told, predicted)
    return StepRecord(step, action, predicted, transition, wall_s, plan)


def _difference(transition: Transition) -> tuple[State, list[Fluent]]:
    """Return what, after the credited changes, still leads to the belief after: facts to set, and fluents to forget."""
    after, expected = transition.after, {**transition.before, **transition.changed}
    believed = {
        fluent: value
        for fluent, value in after.items()
        if fluent not in expected or not is_same(expected[fluent], value)
    }
    return believed, [fluent for fluent in expected if fluent not in after]
