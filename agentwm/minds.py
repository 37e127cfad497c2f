"""Puts a mind that acts together from its parts; and the `Agent`, which learns and then acts."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

from agentwm.agent import Episode, Mind, play
from agentwm.learning import Learner
from agentwm.models.rule_model import AlignedModel
from agentwm.planners import mpc
from agentwm.planners.meter import metered
from agentwm.planners.symbolic import symbolic_parts
from agentwm.rules.store import RuleStore
from agentwm.types import Environment, PlannerParts, PlannerSpec, PlanningBudget, State, Transition, Vocabulary
from agentwm.what_if.futures import Candidate, WhatIf, what_if

__all__ = ["Agent", "Beside", "acting_mind"]

Beside = Callable[[PlannerParts, Episode], PlannerParts]


def acting_mind(  # noqa: PLR0913 -- what a mind is made from
    planner: PlannerSpec,
    rules: RuleStore,
    episode: Episode,
    *,
    rng: random.Random,
    budget: PlanningBudget | None = None,
    max_steps: int | None = None,
    beside: Beside | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Mind:
    """Return a mind that acts in ``episode``, which has just begun, by the frozen ``rules``.

    The episode is given up after ``max_steps`` actions, None where nobody says: a planner may make haste. Each decision is held to
    ``budget``, None for the planner's own; ``clock`` returns the seconds that its time is measured in. ``beside``
    puts something else, such as a language model, beside the parts that are made of the rules.
    """
    words = episode.vocabulary
    parts = symbolic_parts(
        rules,
        words,
        AlignedModel.symbolic(rules, words),
        rng=rng,
        opening=episode.observation,
        listed=lambda: episode.observation.actions,
        budget=planner.budget if budget is None else budget,
    )
    parts = replace(parts, max_steps=max_steps)
    if beside is not None:
        parts = beside(parts, episode)
    return Mind(metered(planner, parts, clock=clock), parts.model)


class Agent:
    """An agent with rules: made with `learn`, it plays by them and says why.

    ``seed`` draws whatever its planner leaves to chance.
    """

    def __init__(self, rules: RuleStore | None = None, *, planner: PlannerSpec = mpc.SPEC, seed: int = 0) -> None:
        self.rules = rules or RuleStore()
        self._planner = planner
        self._seed = seed

    @classmethod
    def learn(
        cls,
        environment: Environment,
        tasks: Sequence[str] | None = None,
        *,
        rules: RuleStore | None = None,
        seed: int = 0,
    ) -> "Agent":
        """Return an agent that has played ``tasks`` (None: all) in order to learn, starting from ``rules`` or from none."""
        learner = Learner(rules)
        learner.learn(environment, environment.tasks() if tasks is None else tasks, seed=seed)
        return cls(learner.store, seed=seed)

    def play(self, environment: Environment, task: str, *, max_steps: int = 50) -> Episode:
        """Return ``task`` played by the rules as they are: see its ``is_won`` and its ``trajectory``."""
        episode = Episode(environment, task, seed=self._seed)
        mind = acting_mind(
            self._planner, self.rules, episode, rng=random.Random(f"{self._seed}-{task}"), max_steps=max_steps
        )
        play(episode, mind, max_steps=max_steps)
        return episode

    def what_if(self, state: State, actions: Sequence[Candidate], vocabulary: Vocabulary) -> WhatIf:
        """Return what would come of each of ``actions`` in ``state``, an episode's; each may be a command, or several with ``;`` between.

        Printed, it is a table. Raises: ConfigurationError for a command that cannot be read.
        """
        with closing(AlignedModel.symbolic(self.rules, vocabulary)) as model:
            return what_if(model, state, actions, vocabulary, rules=self.rules)

    def why(self, transition: Transition) -> list[str]:
        """Return the rules that foretold what ``transition`` would bring, as sentences; empty where none spoke."""
        spoken = transition.predicted.rules if transition.predicted else ()
        return [self.rules.find(name).sentence() for name in spoken]
