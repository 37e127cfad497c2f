"""Exploration for worlds that answer every action: go where, by the rules so far, something would be learned.

In this order: what would settle a doubt (about an effect that was hardly seen, or a rule that failed) and what was hardly tried, the
nearest first; two circumstances that were never met together; the reward, while it was hardly ever had; what is a matter of chance,
until it is known how probable it is; and, for want of all these, where the agent seldom was: what is rare there may open up the rest.

Source: going back to what is rarely reached and exploring from there, as in Ecoffet et al. (2021), "First return, then explore"; the
order and the search of the next new thing in the learned model are ours, DECISIONS 12 and 13.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agentwm.exploration.ambitions import Ambitions
from agentwm.exploration.doubts import RARE, Doubts
from agentwm.exploration.familiarity import MANY, Familiarity
from agentwm.induction.alarm import is_refuted
from agentwm.planners.options import ground_actions
from agentwm.planners.payoff import NO_GOAL, Payoff
from agentwm.planners.seek import strangers
from agentwm.planners.symbolic import symbolic_parts
from agentwm.planners.width import News
from agentwm.rules.outcomes import apply_changes
from agentwm.rules.store import Record, RuleStore
from agentwm.types import Action, Goal, Plan, Query, State, Transition, Vocabulary, WorldModel

__all__ = ["Novelty"]

WELL_KNOWN = 3  # times after which a verb is no longer new where a feature has a value
ENOUGH = 1500  # trials after which a probability is known to within 0.03: more than twice the standard error of an even chance
MOST_NODES = 80
DEEPEST = 20
PRACTICE = 0.6  # how often what is a matter of chance is tried again when nothing is new
LEAST_DOUBT = 0.02  # what is foretold for sure is worth so much less to be tried
PAUSE = 15  # steps without another search after one that found nothing

Way = tuple[Action, ...]


class Novelty:
    """Plans the shortest way, in the learned model, to an action that is new where it is done; else does what is least familiar.

    Where it ``practises``, it also goes for a reward that was hardly ever had.
    """

    def __init__(  # noqa: PLR0913 -- the parts of a mind, put together in one place
        self,
        model: WorldModel,
        familiarity: Familiarity,
        vocabulary: Vocabulary,
        *,
        doubts: Doubts,
        rules: RuleStore,
        rng: random.Random,
        practises: bool = True,
    ) -> None:
        self._model = model
        self._familiarity = familiarity
        self._vocabulary = vocabulary
        self._doubts = doubts
        self._unsure = {
            rule.id for rule in rules.rules if len(rule.outcomes) > 1 and _spoken(rules.record(rule)) < ENOUGH
        }
        self._is_reward_rare = any(rule.pays and rules.record(rule).supports < RARE for rule in rules.rules)
        parts = symbolic_parts(rules, vocabulary, model, rng=rng)
        # What is far can be learned about later.
        self._payoff = Payoff(parts, is_thorough=False)
        idle = replace(parts, best_reward=0.0, worst_reward=0.0)
        self._looking = Payoff(idle, is_thorough=False, unknown=self._never_met)
        self._ambitions = None if parts.chain is None else Ambitions(parts.chain, model, familiarity, rng=rng)
        self._strangers = strangers(vocabulary)
        self._practises = practises
        self._rng = rng
        self._rest: Way = ()
        self._reached: list[tuple[State, Way]] = []
        self._pause = 0

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return the rest of the way to something new while it goes as foretold, else a new way, else what is least familiar here."""
        if history:
            self._doubts.note(history[-1].action, history[-1].before)
        if self._rest and history and not history[-1].surprise:
            actions, self._rest = self._rest, self._rest[1:]
            return Plan(actions, "goes where something is new")
        if history and is_refuted(history[-1]):
            self._pause = 0
        reason, way = next((reason, way) for reason, way in self._offers(state, goal, history) if way)
        self._rest = way[1:]
        return Plan(way, reason)

    def _offers(self, state: State, goal: Goal, history: Sequence[Transition]) -> Iterator[tuple[str, Way]]:
        """Yield ways with why they are worth going, the best first; an empty one leads nowhere."""
        yield "tries what is new", self._way(state)
        if self._rng.random() < PRACTICE:
            yield "tries again what is a matter of chance", self._chancy(state)
        plan = self._looking.plan(state, NO_GOAL, history)
        if self._looking.looks:
            yield plan.reason, plan.actions[:1]
        if self._ambitions is not None and (way := self._ambitions.way(state, history)):
            self._pause = 0
            yield "brings about what never was", way
        if way := self._together():
            self._pause = 0
            yield "tries what was never met together", way
        if self._is_worth_practice(goal, history):
            plan = self._payoff.plan(state, goal, history)
            yield plan.reason, plan.actions[:1] if plan.reaches_goal else ()
        if way := self._seldom():
            self._pause = 0
            yield "goes where it seldom was", way
        yield "tries what is least familiar", (self._least_familiar(state),)

    def _is_worth_practice(self, goal: Goal, history: Sequence[Transition]) -> bool:
        """Whether to go for what pays: where it was hardly ever had, differs from task to task, or lies where little is seen at first."""
        is_open = bool(goal.conditions) or any(transition.told for transition in history)
        return self._practises and (self._is_reward_rare or is_open)

    def _never_met(self, state: State) -> Iterator[str]:
        """Yield what is referred to in ``state`` and of which nothing was told, and what there was never so before."""
        yield from self._strangers(state)
        yield from self._familiarity.never(state)

    def _way(self, state: State) -> Way:
        """Return the way to something new; where none is found, `_reached` holds the states that were looked at."""
        self._reached = []
        if self._pause:
            self._pause -= 1
            return self._new(state)[:1]
        frontier: list[tuple[State, Way]] = [(state, ())]
        news = News(1, many=MANY)
        news.is_in(state)
        for here, way in frontier:
            if new := self._new(here):
                return (*way, new[0])
            if len(way) == DEEPEST:
                continue
            for action, there in self._next(here):
                if len(frontier) < MOST_NODES and news.is_in(there):
                    frontier.append((there, (*way, action)))
        self._reached = frontier
        self._pause = PAUSE
        return ()

    def _next(self, state: State) -> list[tuple[Action, State]]:
        """Return where the actions that have an effect would most probably lead, in any order."""
        actions = ground_actions(state, self._vocabulary)
        self._rng.shuffle(actions)
        predictions = self._model.predict([Query(state, action) for action in actions])
        likely = [(action, prediction.outcomes[0]) for action, prediction in zip(actions, predictions, strict=True)]
        return [
            (action, apply_changes(state, outcome.changes))
            for action, outcome in likely
            if outcome.success and outcome.changes and not outcome.terminated
        ]

    def _new(self, state: State) -> Way:
        """Return an action that would settle a doubt in ``state``, else one of the least known; none where all are well known."""
        known = {action: self._familiarity.times(state, action) for action in ground_actions(state, self._vocabulary)}
        if telling := [action for action in known if self._doubts.are_tested_by(action, state)]:
            return (self._rng.choice(telling),)
        least = min(known.values(), default=WELL_KNOWN)
        if least >= WELL_KNOWN:
            return ()
        return (self._rng.choice([action for action, times in known.items() if times == least]),)

    def _together(self) -> Way:
        """Return the way to an action with pairs of circumstances that its verb was never done with: many, near, or hard to foretell."""
        best = 0.0
        found: Way = ()
        for here, way in self._reached:
            actions = ground_actions(here, self._vocabulary)
            predictions = self._model.predict([Query(here, action) for action in actions])
            for action, prediction in zip(actions, predictions, strict=True):
                doubt = max(LEAST_DOUBT, 1 - prediction.confidence)
                worth = doubt * self._familiarity.unseen(here, action) / (1 + len(way))
                if worth > best:
                    best, found = worth, (*way, action)
        return found

    def _chancy(self, state: State) -> Way:
        """Return the way to an action of which the rules know the outcomes, but not well enough how probable they are."""
        if not self._unsure:
            return ()
        for here, way in self._reached or [(state, ())]:
            actions = ground_actions(here, self._vocabulary)
            predictions = self._model.predict([Query(here, action) for action in actions])
            for action, prediction in zip(actions, predictions, strict=True):
                if not self._unsure.isdisjoint(prediction.rules):
                    return (*way, action)
        return ()

    def _seldom(self) -> Way:
        """Return the way to the state within reach in which something is so that seldom was; none where the agent is there."""
        if not self._reached:
            return ()
        visits = [self._familiarity.visits(here) for here, _ in self._reached]
        return self._reached[visits.index(min(visits))][1]

    def _least_familiar(self, state: State) -> Action:
        actions = ground_actions(state, self._vocabulary)
        times = [self._familiarity.times(state, action) for action in actions]
        return self._rng.choices(actions, [1 / (1 + number) for number in times])[0]


def _spoken(record: Record) -> int:
    """Return in how many transitions the rule spoke."""
    return record.supports + record.contradicts
