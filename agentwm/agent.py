"""The agent: perceive, plan, act, compare; one episode at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import getattr_static
from typing import Any

from agentwm.errors import AgentwmError, ConfigurationError
from agentwm.faults import expect_facts, expect_observation, failure, told_as_failure
from agentwm.rules.binding import remaining
from agentwm.types import (
    Action,
    Environment,
    Fluent,
    Observation,
    Perceiver,
    Perception,
    Plan,
    Planner,
    Prediction,
    Query,
    State,
    Trajectory,
    Transition,
    Value,
    Vocabulary,
    WorldModel,
)

__all__ = ["Episode", "Mind", "play", "update"]


@dataclass(frozen=True, slots=True)
class Mind:
    """What decides: a planner, and the world model whose predictions are held against what happens."""

    planner: Planner
    model: WorldModel


def update(state: State, perception: Perception) -> dict[Fluent, Value]:
    """Return the belief after a perception: what no longer stands is dropped, what was seen is merged in."""
    after = {f: v for f, v in state.items() if f not in perception.forgotten} if perception.forgotten else dict(state)
    after.update(perception.told)
    after.update(perception.changed)
    return after


class Episode:
    """One episode in progress: the environment, the belief and what has happened so far.

    ``aim`` is what is left of the ``goal``, which may have several parts.

    Raises: ConfigurationError when nobody reads what the environment answers; EnvironmentFailureError, as `step` does, for whatever else
        the environment raises, and for answers that are none.
    """

    def __init__(self, environment: Environment, task: str, *, seed: int = 0) -> None:
        self.environment = environment
        self.task = task
        with told_as_failure(environment.name, f"reset of {task}"):
            self.observation: Observation = expect_observation(environment.reset(task, seed=seed))
            self.goal = environment.goal
            self.vocabulary: Vocabulary = environment.vocabulary
            perception = expect_facts(self._perceiver.perceive(self.observation, None, {}))
        self.opening = perception
        self.start: State = update({}, perception)
        self.state: State = self.start
        self.transitions: list[Transition] = []
        self.aim = self.goal

    @property
    def _perceiver(self) -> Perceiver:
        perceiver = self.environment.perceiver
        if perceiver is None:
            raise ConfigurationError(
                f"{self.environment.name} has no reader of its own for what it answers: give a language model the role perceive"
            )
        return perceiver

    @property
    def trajectory(self) -> Trajectory:
        """The episode as it was lived so far."""
        return Trajectory(self.task, self.goal, self.start, tuple(self.transitions))

    @property
    def is_over(self) -> bool:
        """Whether the environment has ended the episode."""
        return self.observation.terminated or self.observation.truncated

    @property
    def is_won(self) -> bool:
        """Whether the episode ended with a reward, unless the environment says otherwise, as its ``is_won``.

        Raises: EnvironmentFailureError, as `returned` and `achievements` do, for whatever the environment raises.
        """
        own = self._own("is_won")
        return self.observation.terminated and self.observation.reward > 0 if own is None else bool(own)

    @property
    def returned(self) -> float | None:
        """What the environment itself counts as the episode's return, as its ``returned``; None where that is the sum of the rewards."""
        own = self._own("returned")
        return None if own is None else float(own)

    @property
    def achievements(self) -> Mapping[str, int] | None:
        """How often each thing was achieved of all that can be, by the environment's ``achievements``; None where it counts none."""
        own: Mapping[str, int] | None = self._own("achievements")
        return None if own is None else {name: int(count) for name, count in own.items()}

    def _own(self, name: str) -> Any:
        """Return what the environment says by that name, None where it has none: one whose own code lacks something has it, and broke."""
        with told_as_failure(self.environment.name, name):
            try:
                return getattr(self.environment, name)
            except AttributeError:
                if getattr_static(self.environment, name, None) is None:
                    return None
                raise

    def step(self, action: Action, prediction: Prediction) -> Transition:
        """Do ``action`` and return the transition, with ``prediction`` beside what happened."""
        before = self.state
        perception = self._answered(action)
        succeeded = perception.succeeded is not False
        after = update(before, perception)
        if succeeded:
            after.update(self._unseen(prediction, perception))
        transition = Transition(
            before,
            action,
            after,
            self.observation,
            succeeded,
            perception.changed,
            frozenset(perception.told),
            prediction,
        )
        self.transitions.append(transition)
        self.state = after
        self.aim = remaining(self.aim, (after,), self.vocabulary)
        if self.environment.goal != self.goal:  # a text has said more of what is asked for: a recipe, say
            self.goal = self.aim = self.environment.goal
        return transition

    def _answered(self, action: Action) -> Perception:
        """Return what the answer to ``action`` tells."""
        try:
            self.observation = expect_observation(self.environment.step(action))
            return expect_facts(self._perceiver.perceive(self.observation, action, self.state))
        except AgentwmError:
            raise
        except (Exception, SystemExit) as error:
            raise failure(self.environment.name, f"step, on the action {action}", error) from error

    def _unseen(self, prediction: Prediction, perception: Perception) -> dict[Fluent, Value]:
        """Return the changes that a success is predicted to bring and no ordinary text shows: these alone are believed unseen."""
        schemas = self.vocabulary.fluents
        changes = next((outcome.changes for outcome in prediction.outcomes if outcome.success), {})
        return {
            fluent: value
            for fluent, value in changes.items()
            if fluent.name in schemas and schemas[fluent.name].hidden and fluent not in perception.told
        }


def play(
    episode: Episode,
    mind: Mind,
    *,
    max_steps: int,
    before_step: Callable[[Action, Prediction, Plan], None] = lambda _action, _prediction, _plan: None,
    after_step: Callable[[Transition], Mind | None] = lambda _transition: None,
) -> Trajectory:
    """Play ``episode`` to its end, to ``max_steps`` actions, or until the planner has nothing to offer.

    ``after_step`` may return a new mind: one that has learned from the step.
    """
    while not episode.is_over and len(episode.transitions) < max_steps:
        plan = mind.planner.plan(episode.state, episode.aim, episode.transitions)
        if not plan.actions:
            break
        action = plan.actions[0]
        (prediction,) = mind.model.predict([Query(episode.state, action)])
        before_step(action, prediction, plan)
        mind = after_step(episode.step(action, prediction)) or mind
    return episode.trajectory
