"""The parts that a planner is made from where rules alone are the mind."""

import random
from collections.abc import Callable, Sequence

from agentwm.planners.anything import Anything
from agentwm.planners.chain import Chain
from agentwm.planners.critics import Distance
from agentwm.planners.means_ends import MeansEnds
from agentwm.planners.options import Options, applicable_actions, ground_actions
from agentwm.planners.prospects import may_pay
from agentwm.rules.store import RuleStore
from agentwm.types import Action, Observation, PlannerParts, PlanningBudget, State, Vocabulary, WorldModel

__all__ = ["symbolic_parts"]

FEW_ACTIONS = 60  # what can be composed of verbs and things, up to which all of it is worth simulating


def symbolic_parts(  # noqa: PLR0913 -- what a mind is made from
    store: RuleStore,
    vocabulary: Vocabulary,
    model: WorldModel,
    *,
    rng: random.Random,
    opening: Observation | None = None,
    listed: Callable[[], Sequence[Action] | None] = lambda: None,
    budget: PlanningBudget | None = None,
) -> PlannerParts:
    """Return the parts for planning by the rules of ``store``: they propose and judge, and whatever they allow is worth simulating.

    ``listed`` returns what the environment lists at the moment, for those who do anything at all.
    """
    proposer = MeansEnds(store, vocabulary)
    return PlannerParts(
        proposer=proposer,
        policy=Anything(vocabulary, rng=rng, listed=listed),
        model=model,
        options=_few_or_applicable(store, vocabulary),
        vocabulary=vocabulary,
        rng=rng,
        opening=opening,
        critic=Distance(proposer) if vocabulary.reports_failure else None,
        budget=budget or PlanningBudget(),
        best_reward=max(1.0 if store.laws else 0.0, *_rewards(store)),  # laws may say anything
        worst_reward=min(_rewards(store)),
        may_pay=may_pay(store, vocabulary),
        chain=None if vocabulary.reports_failure else Chain(store, vocabulary),
    )


def _few_or_applicable(store: RuleStore, vocabulary: Vocabulary) -> Options:
    """Return what lists every action there is, where these are few, else those that the rules allow."""
    applicable = applicable_actions(store, vocabulary)

    def options(state: State) -> Sequence[Action]:
        if vocabulary.reports_failure:
            return applicable(state)
        every = ground_actions(state, vocabulary)
        return every if len(every) <= FEW_ACTIONS else applicable(state) or every

    return options


def _rewards(store: RuleStore) -> list[float]:
    """Return what the rules say that actions bring, and nothing, which some always do."""
    return [0.0, *(outcome.reward or 0.0 for rule in store.rules for outcome in rule.outcomes)]
