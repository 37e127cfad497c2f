"""Exploration for worlds that answer every action: go where, by the rules so far, something would be learned.

In this order: what never had an effect, with amounts that were never there together when it was tried; what would settle a doubt (about
an effect that was hardly seen, or a rule that failed) and what was hardly tried, the nearest first; two circumstances that were never met
together; the reward, while it was hardly ever had; what is a matter of chance, until it is known how probable it is; and, for want of all
these, where the agent seldom was: what is rare there may open up the rest.

Where the world lists what can be done, that is what is tried, and what is not listed once, to know what comes of it. What is foretold to
end the episode comes last in the first half of it.

Source: going back to what is rarely reached and exploring from there, as in Ecoffet et al. (2021), "First return, then explore"; the
order and the search of the next new thing in the learned model are ours, DECISIONS 12, 13 and 37.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from agentwm.exploration.ambitions import Ambitions
from agentwm.exploration.doubts import RARE, Doubts
from agentwm.exploration.familiarity import MANY, Familiarity
from agentwm.exploration.listings import Listings
from agentwm.induction.alarm import is_refuted
from agentwm.planners.options import ground_actions, listed_actions
from agentwm.planners.payoff import NO_GOAL, Payoff
from agentwm.planners.seek import strangers
from agentwm.planners.symbolic import symbolic_parts
from agentwm.planners.width import News
from agentwm.rules.outcomes import apply_changes
from agentwm.rules.store import Record, RuleStore
from agentwm.types import Action, Goal, Observation, Plan, Query, State, Transition, Vocabulary, WorldModel

__all__ = ["WELL_KNOWN", "Novelty"]

WELL_KNOWN = 3  # times after which a verb is no longer new where a feature has a value
ENOUGH = 1500  # trials after which a probability is known to within 0.03: more than twice the standard error of an even chance
MOST_NODES = 80
DEEPEST = 20
PRACTICE = 0.6  # how often what is a matter of chance is tried again when nothing is new
LEAST_DOUBT = 0.02  # what is foretold for sure is worth so much less to be tried
LATE = 0.5  # of an episode, after which it may end: little else can be tried in the rest of it
PAUSE = 15  # steps without another search after one that found nothing

Way = tuple[Action, ...]


class Novelty:
    """Plans the shortest way, in the learned model, to an action that is new where it is done; else does what is least familiar.

    Where it ``practises``, it also goes for a reward that was hardly ever had. Where the observations list what can be done, of which
    ``opening`` is the first one, it does that first; what is not listed it tries for once, to see what comes of it. Such an episode, which
    lasts at most ``max_steps``, is not ended early on while there is anything else to try; what that does elsewhere was not measured.
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
        listings: Listings | None = None,
        opening: Observation | None = None,
        max_steps: int | None = None,
    ) -> None:
        self._model = model
        self._familiarity = familiarity
        self._vocabulary = vocabulary
        self._doubts = doubts
        self._listings = listings or Listings(vocabulary, familiarity)
        self._opening = opening
        self._late = 0.0 if opening is None or opening.actions is None or max_steps is None else LATE * max_steps
        self._is_late = False
        self._listed: Sequence[Action] | None = None
        self._present: State = {}
        self._unsure = {
            rule.id for rule in rules.rules if len(rule.outcomes) > 1 and _spoken(rules.record(rule)) < ENOUGH
        }
        self._worked = {rule.verb for rule in rules.rules if any(outcome.changes for outcome in rule.outcomes)}
        self._is_reward_rare = any(rule.pays and rules.record(rule).supports < RARE for rule in rules.rules)
        parts = symbolic_parts(rules, vocabulary, model, rng=rng, opening=opening)
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
        self._listed, self._present = listed_actions(self._opening, history), state
        self._is_late = len(history) >= self._late
        if self._rest and history and not history[-1].surprise and self._is_to_try(self._rest[0], state):
            actions, self._rest = self._rest, self._rest[1:]
            return Plan(actions, "goes where something is new")
        if history and is_refuted(history[-1]):
            self._pause = 0
        reason, way = next((reason, way) for reason, way in self._offers(state, goal, history) if way)
        self._rest = way[1:]
        return Plan(way, reason)

    def _offers(self, state: State, goal: Goal, history: Sequence[Transition]) -> Iterator[tuple[str, Way]]:
        """Yield ways with why they are worth going, the best first; an empty one leads nowhere."""
        yield "tries what never worked, with other amounts", self._with_other_amounts(state)
        yield "tries what is new", self._way(state)
        yield "tries what is not listed", self._unlisted(state)
        if self._rng.random() < PRACTICE:
            yield "tries again what is a matter of chance", self._chancy(state)
        plan = self._looking.plan(state, NO_GOAL, history)
        if self._looking.looks:
            yield plan.reason, plan.actions[:1]
        if self._ambitions is not None and (way := self._ambitions.way(state, history)) and self._is_listed(way[0]):
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
        """Return the way to something new; where none is found, `_reached` holds the states that were looked at.

        What would end the episode comes last: nothing else can be tried after it.
        """
        self._reached = []
        if self._pause:
            self._pause -= 1
            return self._new(state)[:1]
        frontier: list[tuple[State, Way]] = [(state, ())]
        news = News(1, many=MANY)
        news.is_in(state)
        last: Way = ()
        for here, way in frontier:
            if new := self._new(here):
                if not self._ends(here, new[0]):
                    return (*way, new[0])
                last = last or (*way, new[0])
            if len(way) == DEEPEST:
                continue
            for action, there in self._next(here):
                if len(frontier) < MOST_NODES and news.is_in(there):
                    frontier.append((there, (*way, action)))
        if not last:
            self._reached = frontier
            self._pause = PAUSE
        return last

    def _next(self, state: State) -> list[tuple[Action, State]]:
        """Return where the actions that have an effect would most probably lead, in any order."""
        actions = self._possible(state)
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
        chosen = next(filter(None, self._worth_trying(state)), None)
        return (self._rng.choice(chosen),) if chosen else ()

    def _worth_trying(self, state: State) -> Iterator[list[Action]]:
        """Yield actions to choose from in ``state``, the best first; what would end the episode comes last."""
        every = ground_actions(state, self._vocabulary)
        telling = [action for action in every if self._doubts.are_tested_by(action, state)]
        yield self._going_on(state, telling)
        known = {action: self._familiarity.times(state, action) for action in self._possible(state)}
        new = [action for action, times in known.items() if times < WELL_KNOWN]
        yield _least(self._going_on(state, new), known)
        yield telling
        yield _least(new, known)

    def _going_on(self, state: State, actions: Sequence[Action]) -> list[Action]:
        """Return those of ``actions`` that are not foretold to end the episode."""
        return [action for action in actions if not self._ends(state, action)]

    def _ends(self, state: State, action: Action) -> bool:
        """Whether ``action`` is foretold to end the episode, and there is something to lose by that."""
        if self._is_late:
            return False
        [prediction] = self._model.predict([Query(state, action)])
        return prediction.outcomes[0].terminated is True

    def _possible(self, state: State) -> list[Action]:
        """Return what can be done in ``state``: what is listed, where it is the present one, else what may come to be listed there."""
        every = ground_actions(state, self._vocabulary)
        if self._listed is None:
            return every
        if state is self._present:
            return list(self._listed) or every
        return [action for action in every if self._listings.may_have(state, action)]

    def _is_listed(self, action: Action) -> bool:
        return self._listed is None or action in self._listed

    def _is_to_try(self, action: Action, state: State) -> bool:
        """Whether ``action`` is to be done in ``state``, the present one, all the same if it is not listed: to settle a doubt."""
        return self._is_listed(action) or self._doubts.are_tested_by(action, state)

    def _unlisted(self, state: State) -> Way:
        """Return an action that is not listed here, and was never done as things are; none where nothing is listed."""
        if self._listed is None:
            return ()
        others = [each for each in ground_actions(state, self._vocabulary) if each not in self._listed]
        never = [each for each in others if not self._familiarity.times(state, each, is_listed=False)]
        return (self._rng.choice(never),) if never else ()

    def _with_other_amounts(self, state: State) -> Way:
        """Return an action of which no effect is known, and which was never done with these amounts at once; none where there is none."""
        actions = [each for each in self._possible(state) if each.verb not in self._worked]
        untried = [each for each in actions if self._familiarity.is_untried_with(state, each)]
        going_on = self._going_on(state, untried)
        return (self._rng.choice(going_on),) if going_on else ()

    def _together(self) -> Way:
        """Return the way to an action with pairs of circumstances that its verb was never done with: many, near, or hard to foretell."""
        best = 0.0
        found: Way = ()
        for here, way in self._reached:
            actions = self._possible(here)
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
            actions = self._possible(here)
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
        actions = self._possible(state)
        times = [self._familiarity.times(state, action) for action in actions]
        return self._rng.choices(actions, [1 / (1 + number) for number in times])[0]


def _least(actions: Sequence[Action], known: Mapping[Action, int]) -> list[Action]:
    """Return those of ``actions`` that are least ``known``."""
    least = min((known[action] for action in actions), default=0)
    return [action for action in actions if known[action] == least]


def _spoken(record: Record) -> int:
    """Return in how many transitions the rule spoke."""
    return record.supports + record.contradicts
