"""Learns rules from episodes: by pursuing goals where a world says what failed, by exploring where it answers every action.

Whoever explores for the sake of learning alone pursues neither goals nor rewards, and learns rules for any of them.

Source: exploration before the task is known, as in Plan2Explore (Sekar et al., 2020) and LEXA (Mendonca et al., 2021).
"""

import math
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from agentwm.agent import Episode, Mind, play
from agentwm.exploration.curious import Curious
from agentwm.exploration.doubts import Doubts
from agentwm.exploration.familiarity import Familiarity
from agentwm.exploration.listings import Listings
from agentwm.exploration.novelty import WELL_KNOWN, Novelty
from agentwm.exploration.perils import Perils
from agentwm.exploration.retrials import Retrials
from agentwm.induction.alarm import Alarm, is_refuted
from agentwm.induction.credit import examples
from agentwm.induction.evidence import revised
from agentwm.induction.habits import Habits
from agentwm.induction.learner import SymbolicInducer
from agentwm.induction.noisy import NoisyInducer
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.deliberation import Deliberation
from agentwm.planners.means_ends import MeansEnds
from agentwm.planners.mpc import propose_and_repair
from agentwm.planners.symbolic import symbolic_parts
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Action,
    Environment,
    Plan,
    Prediction,
    Trajectory,
    Transition,
    Vocabulary,
)

__all__ = ["LEARNING_STEPS", "TOUR_STEPS", "AfterStep", "BeforeStep", "Learner"]

BeforeStep = Callable[[Action, Prediction, Plan], None]
AfterStep = Callable[[Transition], None]

# How long a learning episode may take. More than is usual for playing: a win ends the episode, and what the goal does not ask for can
# be tried only before it. Source: ours, chosen on train games, DECISIONS 5.
LEARNING_STEPS = 100
# How many of these go to looking around and trying things out before the goal is pursued.
TOUR_STEPS = 70
# Where everything is answered, rules are made anew once there is this much more to learn from, and so many transitions.
REFIT, FEW = 1.1, 5  # or as soon as what one of them foretells does not come as it should
MORE = 1.02  # and at the end of an episode, once there is this much more; many episodes are short


@dataclass(slots=True)
class _Lived:
    """What is believed, what was believed before the first episode, and the episodes since."""

    store: RuleStore
    base: RuleStore
    trajectories: list[Trajectory]
    explores: bool


class _Learning(Protocol):
    """A way to learn in an episode, and from it once it has ended."""

    def play(self, episode: Episode, rng: random.Random, max_steps: int, before: BeforeStep, after: AfterStep) -> None:
        """Play the episode, revising the rules on the way."""

    def revise(self, episode: Episode) -> None:
        """Revise the rules in the light of the whole episode, which is the last of those lived."""


class Learner:
    """Learns rules from episodes, one after another; ``store`` holds what is believed now.

    After *n* episodes it is a function of the store and the trajectories it was made with and of those *n* episodes: a learner made
    anew from the store, the trajectories so far and the ``base`` it began with (the store itself, where nothing was learned yet) goes on
    exactly as this one would. One that ``explores`` pursues no goal and no reward.
    """

    def __init__(
        self,
        store: RuleStore | None = None,
        trajectories: Iterable[Trajectory] = (),
        *,
        base: RuleStore | None = None,
        explores: bool = False,
    ) -> None:
        store = store or RuleStore()
        self._lived = _Lived(store, store if base is None else base, list(trajectories), explores)
        self._pursuing, self._exploring = _Pursuing(self._lived), _Exploring(self._lived)

    @property
    def store(self) -> RuleStore:
        """What is believed now."""
        return self._lived.store

    @store.setter
    def store(self, store: RuleStore) -> None:
        self._lived.store = store

    @property
    def trajectories(self) -> tuple[Trajectory, ...]:
        """The episodes learned from, in order."""
        return tuple(self._lived.trajectories)

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
        self._way(episode.vocabulary).play(episode, rng, max_steps, before_step, after_step)
        return episode.trajectory

    def conclude(self, episode: Episode) -> None:
        """Revise the rules in the light of the whole ``episode``. One without a step teaches nothing."""
        if not episode.transitions:
            return
        self._lived.trajectories.append(episode.trajectory)
        self._way(episode.vocabulary).revise(episode)
        if self.store.laws:  # which are not learned, but held against what was seen
            lived = examples(episode.trajectory, episode.vocabulary)
            first = sum(map(len, self._lived.trajectories)) - len(lived)
            self.store = revised(self.store, lived, episode.vocabulary, first=first)

    def learn(
        self, environment: Environment, tasks: Iterable[str], *, seed: int = 0, max_steps: int = LEARNING_STEPS
    ) -> None:
        """Play each of ``tasks`` in order to learn, and conclude from it.

        Raises: EnvironmentFailureError when the environment breaks down.
        """
        for number, task in enumerate(tasks):
            episode = Episode(environment, task, seed=seed)
            self.play(episode, rng=random.Random(f"{seed}-{number}"), max_steps=max_steps)
            self.conclude(episode)

    def _way(self, vocabulary: Vocabulary) -> _Learning:
        return self._pursuing if vocabulary.reports_failure else self._exploring


class _Pursuing:
    """Learns where failure is reported: looks around, tries out what is in doubt, then goes for the goal."""

    def __init__(self, lived: _Lived) -> None:
        self._lived = lived
        self._inducer = SymbolicInducer(lived.base)

    def play(self, episode: Episode, rng: random.Random, max_steps: int, before: BeforeStep, after: AfterStep) -> None:
        """Play the episode, revising the rules after every step that they did not foretell."""
        # A new one for each episode, so that nothing an inducer keeps for speed outlives what a resumed run could restore.
        self._inducer = SymbolicInducer(self._lived.base)
        if self._lived.trajectories:
            self._revised([*self._lived.trajectories, _beginning(episode)], episode)

        def learn(transition: Transition) -> Mind | None:
            after(transition)
            if not _is_news(transition):
                return None
            self._lived.store = self._revised([*self._lived.trajectories, episode.trajectory], episode)
            return self._mind(episode, rng)

        play(episode, self._mind(episode, rng), max_steps=max_steps, before_step=before, after_step=learn)

    def revise(self, episode: Episode) -> None:
        """Revise the rules in the light of the whole episode."""
        self._lived.store = self._revised([*self._lived.trajectories, _beginning(episode)], episode)

    def _revised(self, trajectories: list[Trajectory], episode: Episode) -> RuleStore:
        return self._inducer.revise(self._lived.store, trajectories, episode.vocabulary)

    def _mind(self, episode: Episode, rng: random.Random) -> Mind:
        vocabulary, store = episode.vocabulary, self._lived.store
        model = AlignedModel.symbolic(store, vocabulary)
        proposer = MeansEnds(store, vocabulary)
        control = Deliberation(propose_and_repair, symbolic_parts(store, vocabulary, model, rng=rng), is_frugal=False)
        tables = self._inducer.tables
        has_goals = not self._lived.explores
        perils = Perils(store, self._lived.trajectories if has_goals else (), model, episode)
        curious = Curious(
            proposer, control, model, tables, vocabulary, tour=TOUR_STEPS, rng=rng, perils=perils, has_goals=has_goals
        )
        return Mind(curious, model)


class _Known(NamedTuple):
    """What an explorer knows beside the rules: how familiar everything is, what is listed where, and what is to be tried again."""

    familiarity: Familiarity
    listings: Listings
    retrials: Retrials
    habits: Habits


class _Exploring:
    """Learns where every action is answered: goes where something is new, and learns again once there is a tenth more to learn from."""

    def __init__(self, lived: _Lived) -> None:
        self._lived = lived
        self._inducer = NoisyInducer(lived.base)
        self._known: _Known | None = None

    def play(self, episode: Episode, rng: random.Random, max_steps: int, before: BeforeStep, after: AfterStep) -> None:
        """Play the episode, revising the rules now and then, and soon where they fail."""
        words, lived = episode.vocabulary, self._lived
        known = self._acquainted(words)
        self._inducer.observe(lived.trajectories, words)
        total = sum(map(len, lived.trajectories))
        fitted = total
        alarm, opening = Alarm(), episode.observation

        def mind() -> Mind:
            model = AlignedModel.symbolic(lived.store, words)
            doubts = Doubts(self._inducer.tables, words, known.retrials)
            practises = not lived.explores
            novelty = Novelty(
                model,
                known.familiarity,
                words,
                doubts=doubts,
                rules=lived.store,
                rng=rng,
                practises=practises,
                listings=known.listings,
                opening=opening,
                max_steps=max_steps,
            )
            return Mind(novelty, model)

        def learn(transition: Transition) -> Mind | None:
            nonlocal fitted
            after(transition)
            if _live(transition, _listed_before(episode.transitions), known, lived.store):
                alarm.heed()
            seen = total + len(episode.transitions)
            alarm.note(transition)
            if not _is_news(transition) or (seen < fitted * REFIT + FEW and not alarm):
                return None
            fitted = seen
            alarm.clear()
            lived.store = self._inducer.revise(lived.store, [*lived.trajectories, episode.trajectory], words)
            return mind()

        play(episode, mind(), max_steps=max_steps, before_step=before, after_step=learn)

    def revise(self, episode: Episode) -> None:
        """Revise the rules in the light of all that was lived, if that is a little more than it was or something came as it should not."""
        after = sum(map(len, self._lived.trajectories))
        if _grown(after) > _grown(after - len(episode.transitions)) or any(map(is_refuted, episode.transitions)):
            self._lived.store = self._inducer.revise(self._lived.store, self._lived.trajectories, episode.vocabulary)

    def _acquainted(self, words: Vocabulary) -> _Known:
        """Return how familiar everything is, and what is to be tried again, after all that was lived."""
        if self._known is None:
            familiarity = Familiarity(words)
            self._known = _Known(familiarity, Listings(words, familiarity), Retrials(words), Habits())
            for trajectory in self._lived.trajectories:
                for number, transition in enumerate(trajectory.transitions):
                    listed = _listed_before(trajectory.transitions[max(0, number - 1) : number + 1])
                    _live(transition, listed, self._known, self._lived.store)
        return self._known


def _grown(number: int) -> int:
    """Return how often ``number`` has grown by `MORE` since it was one."""
    return int(math.log(max(1, number), MORE))


def _listed_before(transitions: Sequence[Transition]) -> Collection[Action] | None:
    """Return what was listed when the latest of ``transitions`` was begun; None at the first, of whose list no record is kept."""
    return transitions[-2].observation.actions if len(transitions) > 1 else None


def _live(transition: Transition, listed: Collection[Action] | None, known: _Known, rules: RuleStore) -> bool:
    """Count what was done; where a rule failed that had long been right, all that is done so is new again. Return whether one did.

    ``listed`` is what was said to be possible, None where nothing was said.
    """
    familiarity = known.familiarity
    if is_broken := known.retrials.note(transition, rules):
        familiarity.forget(transition.before, transition.action)
    news, predicted = known.habits.news(transition), transition.predicted
    is_foretold = predicted is not None and len(predicted.outcomes) == 1 and not news
    # What came so is not repeated where each level of many amounts makes everything new; what a world lists is little, and worth it.
    is_enough = is_foretold and familiarity.has_amounts and transition.observation.actions is None
    times = WELL_KNOWN if is_enough else 1
    is_listed = listed is None or transition.action in listed
    familiarity.add(transition.before, transition.action, is_listed=is_listed, times=times)
    known.listings.note(transition.after, transition.observation.actions)
    if (transition.observation.reward or 0.0) > 0:
        familiarity.add_paid(transition.before, transition.action)
    return is_broken


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
