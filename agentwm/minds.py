"""Puts minds together from their parts: one that learns, one that acts, and the `Agent` that has both."""

import random
from collections.abc import Callable, Iterable, Sequence

from agentwm.agent import Episode, Mind, play
from agentwm.induction.alarm import Alarm
from agentwm.induction.credit import examples
from agentwm.induction.evidence import revised
from agentwm.induction.learner import SymbolicInducer
from agentwm.induction.noisy import NoisyInducer
from agentwm.models.rule_model import AlignedModel
from agentwm.planners import mpc, payoff
from agentwm.planners.curious import Curious
from agentwm.planners.doubts import Doubts
from agentwm.planners.familiarity import Familiarity
from agentwm.planners.means_ends import MeansEnds
from agentwm.planners.novelty import Novelty
from agentwm.planners.retrials import Retrials
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Action,
    Environment,
    Plan,
    PlannerParts,
    PlannerSpec,
    Prediction,
    Proposer,
    Trajectory,
    Transition,
)

__all__ = ["LEARNING_STEPS", "TOUR_STEPS", "AfterStep", "Agent", "BeforeStep", "Beside", "Learner", "acting_mind"]

BeforeStep = Callable[[Action, Prediction, Plan], None]
AfterStep = Callable[[Transition], None]
Beside = Callable[[AlignedModel, Proposer], tuple[AlignedModel, Proposer]]

# How long a learning episode may take. More than is usual for playing: a win ends the episode, and what the goal does not ask for can
# be tried only before it. Source: ours, chosen on train games, DECISIONS 5.
LEARNING_STEPS = 100
# How many of these go to looking around and trying things out before the goal is pursued.
TOUR_STEPS = 70
# Where everything is answered, rules are made anew once there is this much more to learn from, and so many transitions.
REFIT, FEW = 1.1, 5  # or as soon as what one of them foretells does not come as it should


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


class Learner:
    """Learns rules from episodes, one after another; ``store`` holds what is believed now.

    After *n* episodes it is a function of the store and the trajectories it was made with and of those *n* episodes: a learner made
    anew from the store, the trajectories so far and the ``base`` it began with (the store itself, where nothing was learned yet) goes on
    exactly as this one would.
    """

    def __init__(
        self,
        store: RuleStore | None = None,
        trajectories: Iterable[Trajectory] = (),
        *,
        base: RuleStore | None = None,
    ) -> None:
        self.store = store or RuleStore()
        self._base = self.store if base is None else base
        self._trajectories = list(trajectories)
        self._inducer = SymbolicInducer(self._base)
        self._noisy = NoisyInducer(self._base)
        self._familiarity: Familiarity | None = None
        self._retrials: Retrials | None = None

    @property
    def trajectories(self) -> tuple[Trajectory, ...]:
        """The episodes learned from, in order."""
        return tuple(self._trajectories)

    def play(
        self,
        episode: Episode,
        *,
        rng: random.Random,
        max_steps: int = LEARNING_STEPS,
        before_step: BeforeStep = lambda _action, _prediction, _plan: None,
        after_step: AfterStep = lambda _transition: None,
    ) -> Trajectory:
        """Play ``episode`` to learn, revising the rules after every step that they did not foretell. `conclude` belongs after it.

        Raises: EnvironmentFailureError when the environment breaks down; what was lived until then can still be concluded from.
        """
        if not episode.vocabulary.reports_failure:
            return self._explore(episode, rng, max_steps, before_step, after_step)
        # A new one for each episode, so that nothing an inducer keeps for speed outlives what a resumed run could restore.
        self._inducer = SymbolicInducer(self._base)
        if self._trajectories:
            self._inducer.revise(self.store, [*self._trajectories, _beginning(episode)], episode.vocabulary)

        def learn(transition: Transition) -> Mind | None:
            after_step(transition)
            if not _is_news(transition):
                return None
            trajectories = [*self._trajectories, episode.trajectory]
            self.store = self._inducer.revise(self.store, trajectories, episode.vocabulary)
            return self._mind(episode, rng)

        mind = self._mind(episode, rng)
        return play(episode, mind, max_steps=max_steps, before_step=before_step, after_step=learn)

    def _explore(
        self,
        episode: Episode,
        rng: random.Random,
        max_steps: int,
        before_step: BeforeStep,
        after_step: AfterStep,
    ) -> Trajectory:
        """Play where every action is answered: go where something is new, and learn again once there is a tenth more to learn from."""
        words = episode.vocabulary
        if self._familiarity is None or self._retrials is None:
            self._familiarity, self._retrials = Familiarity(words), Retrials(words)
            for transition in (t for trajectory in self._trajectories for t in trajectory):
                self._live(transition)
        familiarity, retrials = self._familiarity, self._retrials
        self._noisy.observe(self._trajectories, words)
        total = sum(len(trajectory) for trajectory in self._trajectories)
        fitted = total
        alarm = Alarm()

        def mind() -> Mind:
            model = AlignedModel.symbolic(self.store, words)
            doubts = Doubts(self._noisy.tables, words, retrials)
            return Mind(Novelty(model, familiarity, words, doubts=doubts, rules=self.store, rng=rng), model)

        def learn(transition: Transition) -> Mind | None:
            nonlocal fitted
            after_step(transition)
            if self._live(transition):
                alarm.heed()
            seen = total + len(episode.transitions)
            alarm.note(transition)
            if not _is_news(transition) or (seen < fitted * REFIT + FEW and not alarm):
                return None
            fitted = seen
            alarm.clear()
            self.store = self._noisy.revise(self.store, [*self._trajectories, episode.trajectory], words)
            return mind()

        return play(episode, mind(), max_steps=max_steps, before_step=before_step, after_step=learn)

    def _live(self, transition: Transition) -> bool:
        """Count what was done; where a rule failed that had long been right, all that is done so is new again. Return whether one did."""
        assert self._familiarity is not None
        assert self._retrials is not None
        if is_broken := self._retrials.note(transition, self.store):
            self._familiarity.forget(transition.before, transition.action)
        self._familiarity.add(transition.before, transition.action)
        return is_broken

    def conclude(self, episode: Episode) -> None:
        """Revise the rules in the light of the whole ``episode``. One without a step teaches nothing."""
        if episode.transitions:
            self._trajectories.append(episode.trajectory)
            if not episode.vocabulary.reports_failure:
                self.store = self._noisy.revise(self.store, self._trajectories, episode.vocabulary)
            else:
                trajectories = [*self._trajectories, _beginning(episode)]
                self.store = self._inducer.revise(self.store, trajectories, episode.vocabulary)
            if self.store.laws:  # which are not learned, but held against what was seen
                lived = examples(episode.trajectory, episode.vocabulary)
                first = sum(map(len, self._trajectories)) - len(lived)
                self.store = revised(self.store, lived, episode.vocabulary, first=first)

    def _mind(self, episode: Episode, rng: random.Random) -> Mind:
        vocabulary = episode.vocabulary
        model = AlignedModel.symbolic(self.store, vocabulary)
        proposer = MeansEnds(self.store, vocabulary)
        control = mpc.ModelPredictiveControl(proposer, model, vocabulary)
        tables = self._inducer.tables
        return Mind(Curious(proposer, control, model, tables, vocabulary, tour=TOUR_STEPS, rng=rng), model)


def _beginning(episode: Episode) -> Trajectory:
    """Return the episode without its steps: an inducer takes all trajectories but the last to be finished."""
    return Trajectory(episode.task, episode.goal, episode.start)


def _is_news(transition: Transition) -> bool:
    """Whether the rules did not foretell the step, or foretold it wrongly."""
    predicted = transition.predicted
    return (
        predicted is None
        or predicted.source != "rules"
        or predicted.success != transition.succeeded
        or bool(transition.surprise)
    )


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
        for index, task in enumerate(environment.tasks() if tasks is None else tasks):
            episode = Episode(environment, task, seed=seed)
            learner.play(episode, rng=random.Random(f"{seed}-{index}"))
            learner.conclude(episode)
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
