"""Puts a mind that acts together from its parts; and the `Agent`, which learns and then acts."""

import random
from collections.abc import Callable, Sequence

from agentwm.agent import Episode, Mind, play
from agentwm.learning import Learner
from agentwm.models.rule_model import AlignedModel
from agentwm.planners import mpc, payoff
from agentwm.planners.means_ends import MeansEnds
from agentwm.rules.store import RuleStore
from agentwm.types import Environment, PlannerParts, PlannerSpec, Proposer, Transition

__all__ = ["Agent", "Beside", "acting_mind"]

Beside = Callable[[AlignedModel, Proposer], tuple[AlignedModel, Proposer]]


def acting_mind(
    planner: PlannerSpec, rules: RuleStore, episode: Episode, *, rng: random.Random, beside: Beside | None = None
) -> Mind:
    """Return a mind that acts in ``episode``, which has just begun, by the frozen ``rules``.

    ``beside`` puts something else, such as a language model, beside the model of the rules and their proposer.
    """
    words = episode.vocabulary
    model = AlignedModel.symbolic(rules, words)
    proposer: Proposer = MeansEnds(rules, words)
    if beside is not None:
        model, proposer = beside(model, proposer)
    if planner is mpc.SPEC and not words.reports_failure:
        planner = payoff.SPEC  # what cannot fail is not planned around failure
    pays = bool(rules.laws) or any(rule.pays for rule in rules.rules)
    parts = PlannerParts(proposer, model, words, opening=episode.observation, rng=rng, pays=pays)
    return Mind(planner.make(parts), model)


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
        mind = acting_mind(self._planner, self.rules, episode, rng=random.Random(f"{self._seed}-{task}"))
        play(episode, mind, max_steps=max_steps)
        return episode

    def why(self, transition: Transition) -> list[str]:
        """Return the rules that foretold what ``transition`` would bring, as sentences; empty where none spoke."""
        spoken = transition.predicted.rules if transition.predicted else ()
        return [self.rules.find(name).sentence() for name in spoken]
