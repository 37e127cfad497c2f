"""Planning for what pays: where the states within reach are few, by their values; else by a search that keeps to states with news.

For worlds without a goal that can be read: the reward and the end are outcomes of the rules like everything else.

Source: value iteration (Bellman, 1957); iterated width search, which drops a state in which no pair of facts is new (Lipovetzky &
Geffner, 2012), and best-first search where that finds nothing. Chance is weighed in the first and taken at its most probable in the
second, which plans again when that was wrong.
Stopped at a budget, both make the best of the states that they came to; the first goes on from there in the next decision.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from agentwm.planners.countdown import Countdown
from agentwm.planners.meter import until_spent
from agentwm.planners.options import ground_actions, listed_actions
from agentwm.planners.outlook import DISCOUNT, Known, Outlook
from agentwm.planners.seek import Found, hoped, seek, strangers
from agentwm.planners.width import News
from agentwm.rules.outcomes import apply_changes
from agentwm.types import (
    Action,
    Fluent,
    Goal,
    Outcome,
    Plan,
    PlannerParts,
    Query,
    Situation,
    State,
    Transition,
    Value,
)

__all__ = ["NO_GOAL", "Payoff"]

FEW_STATES = 700
MANY_FACTS = 500  # from which on the states within reach are not listed one by one
SWEEPS = 400
CLOSE = 1e-5
LEAST = 0.02  # the probability below which an outcome is not looked at
MOST_NODES = 3000
MOST_CALLS = 250_000
NEARBY = 1_500
BRIEFLY = 3_000
FEW_CALLS = 20_000  # where it need not be thorough
MOST_KNOWN = 100_000  # what was foreseen is kept from decision to decision, up to so much
NO_GOAL = Goal("what pays")
MANY = 3  # numbers from here on are alike
PAUSE = 40  # steps without another search after one that found no reward, doubled with each

Key = frozenset[tuple[Fluent, Value]]


Way = tuple[float, float, State, Key | None]
Ways = dict[Action, list[Way]]
"""Where each action may lead from a state: (probability, reward less the price of doubt, the next state, its key or None at an end)."""


class Payoff:
    """Plans towards reward in a world model; where it ``is_thorough``, it takes its time to find one that is far.

    Where none is known it goes to see what is ``unknown``, by default the things that are referred to and of which nothing was told.
    """

    def __init__(
        self, parts: PlannerParts, *, is_thorough: bool = True, unknown: Callable[[State], Iterator[str]] | None = None
    ) -> None:
        vocabulary = parts.vocabulary
        self._is_thorough = is_thorough
        self._parts = parts
        self._model = parts.model
        self._depth = parts.budget.depth
        self._vocabulary = vocabulary
        self._rng = parts.rng
        self._counters = vocabulary.counters
        self._passing = self._counters | {s.name for s in vocabulary.fluents.values() if s.static}
        self._graph: dict[Key, Ways] = {}
        self._values: dict[Key, float] = {}
        self._countdown: Countdown[Key] | None = None
        self._hurried: list[Key] = []  # states of which not all actions could be asked about in time
        self._is_whole = False
        self._rest: tuple[Action, ...] = ()
        self._listed: Sequence[Action] | None = None
        self._is_large = False
        self._pause = 0
        self._failures = 0
        self._goal = NO_GOAL
        self._unknown = unknown or strangers(vocabulary)
        self._known: Known = {}
        self._seen: set[str] = set()  # what was stood before, and nothing was told of it
        self._in_vain: set[int] = set()  # what was come to and should have paid
        self._expects = False
        self._due: tuple[int, Action] | None = None  # when the plan's first action was to be done, and which
        self.looks = False
        """Whether the latest plan goes where there is something to be seen, and to nothing that pays."""

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return the action of the highest value, or the way to the nearest reward; where none is known, to something unknown.

        Where there is neither, anything that has an effect.
        """
        self._listed = listed_actions(self._parts.opening, history)
        if goal.conditions != self._goal.conditions:
            self._goal, self._rest, self._known, self._expects, self._pause = goal, (), {}, False, 0
        pays = bool(goal.conditions) or self._parts.best_reward > 0 or self._parts.worst_reward < 0
        if goal.conditions or (history and history[-1].told):
            self._is_large = True  # what is believed grows, so that no value is one for long
        if pays and not self._is_large and (not self._is_whole or self._key(state) not in self._values):
            self._explore(state)
        if pays and not self._is_large and self._key(state) in self._graph:
            return self._best(state, len(history))
        return self._sought(state, goal, history, pays=pays)

    def _sought(self, state: State, goal: Goal, history: Sequence[Transition], *, pays: bool) -> Plan:
        """Return the way to a reward or to something unknown: the one gone so far, as long as it goes well, else a new one."""
        self._seen.update(self._unknown(state))
        was_done = bool(history) and self._due == (len(history) - 1, history[-1].action)
        if self._expects and was_done:
            self._in_vain.add(self._outlook(state, goal).key)
        if not self._rest or not was_done or not self._goes_well(history[-1], state, goal):
            self._rest = ()
            is_told = bool(history) and any(fluent not in history[-1].before for fluent in history[-1].told)
            if not self._pause or is_told:
                self._rest = self._search(self._outlook(state, goal), history, pays=pays, is_brief=self._pause > 0)
            self._pause = max(0, self._pause - 1)
        actions, self._rest = self._rest, self._rest[1:]
        self._due = (len(history), actions[0]) if actions else None
        self._expects = len(actions) == 1 and not self.looks
        if not actions:
            self.looks = False
            return self._anything(state)
        if self.looks:
            return Plan(actions, "goes to see what is there", cost=len(actions))
        return Plan(actions, "goes for the reward", reaches_goal=True, cost=len(actions))

    def _goes_well(self, latest: Transition, state: State, goal: Goal) -> bool:
        """Whether the plan is to be gone on with: it leads where it should, and, where it is to see something, nothing was seen yet."""
        if not self._is_listed(self._rest[0]) or (self.looks and latest.told):
            return False
        return not latest.surprise or self._still_leads(self._outlook(state, goal))

    def _still_leads(self, outlook: Outlook) -> bool:
        """Whether the rest of the plan leads from here, too, to what pays or to something unknown."""
        state, key = outlook.state, outlook.key
        with until_spent:
            for action in self._rest:
                future = hoped(outlook.foresee_one(state, key, action), state)
                if future.reward > 0 or future.is_end:
                    return future.reward > 0
                state, key = outlook.after(state, key, future.changes)
            return self.looks and self._is_unknown(state)
        return False

    # --- where the states are few ------------------------------------------------------------------------------------

    def _explore(self, start: State) -> None:
        """List the states within reach, nearest first, and their values; give up where they are too many."""
        for key in self._hurried:
            del self._graph[key]
        self._hurried.clear()
        waiting = [(start, self._key(start), 0)]
        met: set[Key] = set()
        self._is_whole = False
        with until_spent:
            for state, key, depth in waiting:
                if key in met or depth == self._depth:
                    continue
                met.add(key)
                if key not in self._graph:
                    if len(self._graph) == FEW_STATES or len(state) > MANY_FACTS or any(self._unknown(state)):
                        self._is_large = True
                        return
                    self._expand(state, key)
                waiting += [
                    (there, met_there, depth + 1)
                    for ways in self._graph[key].values()
                    for _, _, there, met_there in ways
                    if met_there is not None
                ]
            self._is_whole = self._depth is None
        self._values = self._iterated(self._graph)
        self._countdown = None

    def _expand(self, state: State, key: Key) -> None:
        foretold = self._foretold(state)
        if len(foretold) < len(ground_actions(state, self._vocabulary)):
            self._hurried.append(key)
        # Doubt is priced against the surest action there: where all is doubtful alike, to end it all must not be the cheapest.
        surest = max((confidence for _, _, confidence in foretold), default=1.0)
        self._graph[key] = {
            action: [self._way(state, each, surest - confidence) for each in outcomes]
            for action, outcomes, confidence in foretold
        }

    def _way(self, state: State, outcome: Outcome, doubt: float) -> Way:
        there = apply_changes(state, outcome.changes)
        worth = (outcome.reward or 0.0) - self._parts.pessimism * doubt
        return outcome.probability, worth, there, None if outcome.terminated else self._key(there)

    @staticmethod
    def _iterated(graph: dict[Key, Ways]) -> dict[Key, float]:
        values = dict.fromkeys(graph, 0.0)
        order = list(reversed(graph))
        for _ in range(SWEEPS):
            change = 0.0
            for key in order:
                best = max((_worth(ways, values) for ways in graph[key].values()), default=0.0)
                change = max(change, abs(best - values[key]))
                values[key] = best
            if change < CLOSE:
                break
        return values

    def _best(self, state: State, done: int) -> Plan:
        foretold = self._worths(self._key(state), done)
        worth = {action: value for action, value in foretold.items() if self._is_listed(action)}
        most = max(worth.values(), default=0.0)
        best = [action for action, value in worth.items() if value >= most - CLOSE]
        if not best or (len(best) == len(worth) and most <= CLOSE):
            return self._anything(state)
        return Plan((self._rng.choice(best),), f"is worth {most:.3f}", reaches_goal=True)

    def _worths(self, key: Key, done: int) -> dict[Action, float]:
        """Return what each action is worth, ``done`` others having been done: where chance decides, by the number of steps left."""
        limit = self._parts.max_steps
        is_chancy = any(len(ways) > 1 for actions in self._graph.values() for ways in actions.values())
        if limit is None or not self._is_whole or not is_chancy:
            return {action: _worth(ways, self._values) for action, ways in self._graph[key].items()}
        if self._countdown is None:
            self._countdown = Countdown(
                {
                    here: {
                        action: [(p, worth, there) for p, worth, _, there in ways] for action, ways in actions.items()
                    }
                    for here, actions in self._graph.items()
                }
            )
        return self._countdown.worth(key, max(1, limit - done))

    # --- where they are many -----------------------------------------------------------------------------------------

    def _outlook(self, state: State, goal: Goal) -> Outlook:
        if len(self._known) > MOST_KNOWN:
            self._known = {}
        parts = replace(self._parts, proposer=_SILENT)
        return Outlook(state, goal, parts, avoid={}, listed=self._listed, known=self._known)

    def _search(
        self, outlook: Outlook, history: Sequence[Transition], *, pays: bool, is_brief: bool
    ) -> tuple[Action, ...]:
        """Return the shortest way to a reward or to something unknown, else one through states in which something is new.

        One that ``is_brief`` is for when a search found nothing of late, and a little more is known since.
        """
        pays = pays and self._parts.may_pay(outlook.state, outlook.goal)
        most_calls = BRIEFLY if is_brief else MOST_CALLS if self._is_thorough else FEW_CALLS
        found = self._near(outlook, history) if pays else None
        if found is None:
            found = seek(
                outlook, self._unknown, in_vain=self._in_vain, seen=self._seen, pays=pays, most_calls=most_calls
            )
        self.looks = found is not None and not found.pays
        way = found.actions if found is not None else ()
        is_last_resort = pays and self._is_thorough and not self._goal.conditions and not is_brief
        if not way and is_last_resort and outlook.calls >= most_calls:
            with until_spent:
                way = self._widely(outlook.state, News(2, many=MANY, ignored=self._passing))
        if way:
            self._failures = self._pause = 0
        elif not is_brief:
            self._failures += 1
            self._pause = PAUSE * 2**self._failures
        return way

    def _near(self, outlook: Outlook, history: Sequence[Transition]) -> Found | None:
        """Return the way to what pays that a short search or chaining backwards finds, else to something unknown that is near."""
        found = seek(outlook, self._unknown, in_vain=self._in_vain, seen=self._seen, most_calls=NEARBY)
        if self._parts.chain is None or self._depth is not None or (found is not None and found.pays):
            return found if found is not None and found.pays else None  # nobody knows beforehand how deep a chain is
        with until_spent:
            way = tuple(self._parts.chain.way(outlook.state, outlook.goal, self._model, history))
            if way and self._is_listed(way[0]):
                return Found(way, pays=True)
            if found is None and (way := tuple(self._parts.chain.walk(outlook.state, self._model, self._is_unknown))):
                return Found(way, pays=False)
        return None if outlook.goal.conditions else found  # what is asked for is worth a longer search

    def _is_unknown(self, state: State) -> bool:
        """Whether there is something in ``state`` that is worth a look."""
        return any(name not in self._seen for name in self._unknown(state))

    def _widely(self, start: State, news: News) -> tuple[Action, ...]:
        frontier: list[tuple[State, tuple[Action, ...]]] = [(start, ())]
        news.is_in(start)
        for state, way in frontier:
            if len(way) == self._depth:
                break
            for action, outcomes, _ in self._foretold(state):
                if not way and not self._is_listed(action):
                    continue
                outcome = outcomes[0]
                if (outcome.reward or 0.0) > 0:
                    return (*way, action)
                hoped = outcomes[1] if len(outcomes) > 1 and not self._really(outcome, state) else outcome
                if outcome.terminated or not self._really(hoped, state):
                    continue
                there = apply_changes(state, hoped.changes)
                if len(frontier) < MOST_NODES and news.is_in(there):
                    frontier.append((there, (*way, action)))
        return ()

    # --- both --------------------------------------------------------------------------------------------------------

    def _foretold(self, state: State) -> list[tuple[Action, list[Outcome], float]]:
        """Return each action with its outcomes and the confidence in them; fewer where the budget ends."""
        actions = ground_actions(state, self._vocabulary)
        predictions = self._model.predict([Query(state, action) for action in actions])
        return [
            (action, [o for o in said.outcomes if o.probability >= LEAST] or [said.outcomes[0]], said.confidence)
            for action, said in zip(actions, predictions, strict=False)
        ]

    def _really(self, outcome: Outcome, state: State) -> bool:
        """Whether anything but a counter changes."""
        return any(f.name not in self._counters and state.get(f) != value for f, value in outcome.changes.items())

    def _anything(self, state: State) -> Plan:
        busy: list[Action] = []
        with until_spent:
            foretold = self._foretold(state) if self._depth != 0 else []
            busy = [action for action, ways, _ in foretold if any(self._really(way, state) for way in ways)]
        possible = [action for action in busy if self._is_listed(action)]
        possible = possible or [action for action in ground_actions(state, self._vocabulary) if self._is_listed(action)]
        if not possible:
            return Plan((), "nothing can be done here")
        return Plan((self._rng.choice(possible),), "knows of no reward: tries anything")

    def _is_listed(self, action: Action) -> bool:
        """Whether the environment lists ``action`` at the moment, or lists nothing."""
        return self._listed is None or action in self._listed

    def _key(self, state: State) -> Key:
        return frozenset((f, v) for f, v in state.items() if f.name not in self._passing)


class _Silent:
    """A proposer without an idea: the search is the idea."""

    def propose(
        self, state: State, goal: Goal, *, avoid: Mapping[Action, Sequence[Situation]] = MappingProxyType({})
    ) -> Iterable[Plan]:
        """Return nothing."""
        del state, goal, avoid
        return ()


_SILENT = _Silent()


def _worth(ways: Sequence[Way], values: dict[Key, float]) -> float:
    return sum(
        probability * (reward + (0.0 if key is None else DISCOUNT * values.get(key, 0.0)))
        for probability, reward, _, key in ways
    )
