"""Learns from games without a run to keep them in: for checks and estimates."""

import random
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from agentwm.agent import Episode
from agentwm.errors import EnvironmentFailureError, TaskError
from agentwm.learning import Learner
from agentwm.rules.store import RuleStore
from agentwm.types import Environment, Trajectory

__all__ = ["Learned", "learned_from"]


class Learned(NamedTuple):
    """What is believed after the ``trajectories``, and they themselves."""

    rules: RuleStore
    trajectories: Sequence[Trajectory]


def learned_from(
    environment: Environment,
    tasks: Sequence[str],
    rules: RuleStore | None = None,
    *,
    seed: int,
    max_steps: int,
) -> Learned:
    """Return what an agent that begins with ``rules`` learns from ``tasks``, as `agentwm run` would.

    A task that breaks down teaches what was seen of it until then.
    """
    learner = Learner(rules)
    for number, task in enumerate(tasks):
        try:
            episode = Episode(environment, task, seed=seed)
        except TaskError:
            continue
        with suppress(EnvironmentFailureError, TaskError):
            learner.play(episode, rng=random.Random(f"{seed}-{number}"), max_steps=max_steps)
        learner.conclude(episode)
    return Learned(learner.store, learner.trajectories)
