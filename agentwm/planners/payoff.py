"""Planning for what pays: where the states within reach are few, by their values; else by looking for a way, and by going to see.

For worlds without a goal that can be read: the reward and the end are outcomes of the rules like everything else. Where the states are
too many to list them, a way is looked for in this order: a short search forward; chaining backwards from what pays; a walk to something
that was never looked at; a long search forward; and a wide one, through states that hold something new. Chance is taken there at its
most probable, and it is planned again when that was wrong.

Source: value iteration, breadth-first search, goal regression and width-based search, each named in its module; the order is ours.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from agentwm.planners.meter import until_spent
from agentwm.planners.options import ground_actions, listed_actions
from agentwm.planners.outlook import Known, Outlook
from agentwm.planners.remembering import Remembering
from agentwm.planners.seek import Found, hoped, seek, strangers
from agentwm.planners.value_iteration import CLOSE, ValueIteration, foretold
from agentwm.planners.width import News
from agentwm.rules.outcomes import apply_changes
from agentwm.types import Action, Fluent, Goal, Outcome, Plan, PlannerParts, Situation, State, Transition

__all__ = ["NO_GOAL", "Payoff"]

NEARBY = 1_500  # questions to the world model in the search that comes before chaining
AT_HAND = 60  # where things move by themselves: what is foretold many steps ahead will be otherwise by then
BRIEFLY = 3_000  # those of a search soon after one that found nothing
FEW_CALLS = 20_000  # those of one that need not be thorough
MOST_CALLS = 250_000  # those of one that must
MOST_KNOWN = 100_000  # what was foreseen is kept from decision to decision, up to so much
MOST_NODES = 3_000  # states that the wide search keeps
MANY = 3  # to it, numbers from here on are alike
PAUSE = 40  # steps without another search after one that found no reward, doubled with each
MISSES = 5  # ways to something unknown, gone to their end, after which it is taken to be out of sight
NO_GOAL = Goal("what pays")


class Payoff:
    """Plans towards reward in a world model; where it ``is_thorough``, it takes its time to find one that is far.

    Where none is known it goes to see what is ``unknown``, by default the things that are referred to and of which nothing was told.
    """

    def __init__(
        self, parts: PlannerParts, *, is_thorough: bool = True, unknown: Callable[[State], Iterator[str]] | None = None
    ) -> None:
        vocabulary = parts.vocabulary
        self._is_thorough = is_thorough
        self._model = Remembering(parts.model)
        self._parts = parts = replace(parts, model=self._model)
        self._depth = parts.budget.depth
        self._vocabulary = vocabulary
        self._rng = parts.rng
        self._unknown = unknown or strangers(vocabulary)
        self._few = ValueIteration(parts, self._unknown)
        self._rest: tuple[Action, ...] = ()
        self._listed: Sequence[Action] | None = None
        self._is_restless = False  # what was believed comes to be otherwise by itself
        self._is_growing = False  # more is told as the episode goes on, or its aim changes: no value is one for long
        self._pause = 0
        self._failures = 0
        self._goal = NO_GOAL
        self._known: Known = {}
        self._seen: set[str] = set()  # what was stood before, and nothing was told of it; or what never came into sight
        self._sights: frozenset[str] = frozenset()  # what the latest plan leads before
        self._missed: Counter[str] = Counter()
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
            self._is_growing = True
        self._is_restless |= bool(history) and any(not self._is_static(fluent) for fluent in _corrected(history[-1]))
        if history and not self._is_restless and self._model.note(history[-1]):
            self._known = {}
        worths = self._few.worths(state, len(history)) if pays and not self._is_growing else None
        if worths is not None:
            return self._best(state, worths)
        return self._sought(state, goal, history, pays=pays)

    def _sought(self, state: State, goal: Goal, history: Sequence[Transition], *, pays: bool) -> Plan:
        """Return the way to a reward or to something unknown: the one gone so far, as long as it goes well, else a new one."""
        self._seen.update(self._unknown(state))
        was_done = bool(history) and self._due == (len(history) - 1, history[-1].action)
        if was_done and self.looks and not self._rest:
            self._missed.update(self._sights)
            self._seen.update(name for name in self._sights if self._missed[name] >= MISSES)
        if self._expects and was_done:
            self._in_vain.add(self._outlook(state, goal).key)
        if not self._rest or not was_done or not self._goes_well(history[-1], state, goal):
            self._rest = ()
            if not self._pause or (history and self._tells_more(history[-1])):
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
        if not self._is_listed(self._rest[0]) or (self.looks and self._tells_more(latest)):
            return False
        is_as_foretold = not latest.surprise and not any(map(self._is_static, _corrected(latest)))
        return is_as_foretold or self._still_leads(self._outlook(state, goal))

    def _is_static(self, fluent: Fluent) -> bool:
        schema = self._vocabulary.fluents.get(fluent.name)
        return schema is not None and schema.static

    def _tells_more(self, latest: Transition) -> bool:
        """Whether something was told of which nothing had been known, nor taken for granted."""
        schemas = self._vocabulary.fluents
        new = (fluent.name for fluent in latest.told if fluent not in latest.before)
        return any(name not in schemas or not schemas[name].has_default for name in new)

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

    def _best(self, state: State, worths: Mapping[Action, float]) -> Plan:
        worth = {action: value for action, value in worths.items() if self._is_listed(action)}
        most = max(worth.values(), default=0.0)
        best = [action for action, value in worth.items() if value >= most - CLOSE]
        if not best or (len(best) == len(worth) and most <= CLOSE):
            return self._anything(state)
        return Plan((self._rng.choice(best),), f"is worth {most:.3f}", reaches_goal=True)

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
        most_calls = AT_HAND if self._is_restless else most_calls
        found = self._near(outlook, history) if pays else None
        if found is None:
            found = seek(
                outlook, self._unknown, in_vain=self._in_vain, seen=self._seen, pays=pays, most_calls=most_calls
            )
        self.looks = found is not None and not found.pays
        way = found.actions if found is not None else ()
        self._sights = self._led_before(outlook, way) if self.looks else frozenset()
        is_last_resort = (
            pays and self._is_thorough and not self._goal.conditions and not is_brief and not self._is_restless
        )
        if not way and is_last_resort and outlook.calls >= most_calls:
            with until_spent:
                way = self._widely(outlook.state)
        if way:
            self._failures = self._pause = 0
        elif not is_brief:
            self._failures += 1
            self._pause = PAUSE * 2**self._failures
        return way

    def _led_before(self, outlook: Outlook, way: Sequence[Action]) -> frozenset[str]:
        """Return what is unknown and worth a look where ``way`` leads, as far as that goes well."""
        state, key = outlook.state, outlook.key
        with until_spent:
            for action in way:
                state, key = outlook.after(state, key, hoped(outlook.foresee_one(state, key, action), state).changes)
        return frozenset(self._unknown(state)) - self._seen

    def _near(self, outlook: Outlook, history: Sequence[Transition]) -> Found | None:
        """Return the way to what pays that a short search or chaining backwards finds, else to something unknown that is near."""
        most_calls = AT_HAND if self._is_restless else NEARBY
        found = seek(outlook, self._unknown, in_vain=self._in_vain, seen=self._seen, most_calls=most_calls)
        if self._parts.chain is None or self._depth is not None or (found is not None and found.pays):
            return found if found is not None and found.pays else None  # nobody knows beforehand how deep a chain is
        with until_spent:
            way = tuple(self._parts.chain.way(outlook.state, outlook.goal, self._model, history))
            if way and self._is_listed(way[0]):
                return Found(way, pays=True)
            way = tuple(self._parts.chain.walk(outlook.state, self._model, self._is_unknown)) if found is None else ()
            if way and self._led_before(outlook, way):
                return Found(way, pays=False)
        return None if outlook.goal.conditions else found  # what is asked for is worth a longer search

    def _is_unknown(self, state: State) -> bool:
        """Whether there is something in ``state`` that is worth a look."""
        return any(name not in self._seen for name in self._unknown(state))

    def _widely(self, start: State) -> tuple[Action, ...]:
        """Return the way to a reward through states in which a pair of facts is new, those with fewer steps first."""
        schemas = self._vocabulary.fluents.values()
        passing = self._vocabulary.counters | {schema.name for schema in schemas if schema.static}
        news = News(2, many=MANY, ignored=passing)
        news.is_in(start)
        frontier: list[tuple[State, tuple[Action, ...]]] = [(start, ())]
        for state, way in frontier:
            if len(way) == self._depth:
                break
            for action, outcomes, _ in foretold(self._parts, state):
                if not way and not self._is_listed(action):
                    continue
                likely = outcomes[0]
                if (likely.reward or 0.0) > 0:
                    return (*way, action)
                moving = outcomes[1] if len(outcomes) > 1 and not self._really(likely, state) else likely
                if likely.terminated or not self._really(moving, state):
                    continue
                there = apply_changes(state, moving.changes)
                if len(frontier) < MOST_NODES and news.is_in(there):
                    frontier.append((there, (*way, action)))
        return ()

    def _really(self, outcome: Outcome, state: State) -> bool:
        """Whether anything but a counter changes."""
        return any(
            f.name not in self._vocabulary.counters and state.get(f) != value for f, value in outcome.changes.items()
        )

    def _anything(self, state: State) -> Plan:
        busy: list[Action] = []
        with until_spent:
            said = foretold(self._parts, state) if self._depth != 0 else []
            busy = [each.action for each in said if any(self._really(way, state) for way in each.outcomes)]
        possible = [action for action in busy if self._is_listed(action)]
        possible = possible or [action for action in ground_actions(state, self._vocabulary) if self._is_listed(action)]
        if not possible:
            return Plan((), "nothing can be done here")
        return Plan((self._rng.choice(possible),), "knows of no reward: tries anything")

    def _is_listed(self, action: Action) -> bool:
        """Whether the environment lists ``action`` at the moment, or lists nothing."""
        return self._listed is None or action in self._listed


def _corrected(latest: Transition) -> Iterator[Fluent]:
    """Yield what was told to be otherwise than it was believed to be."""
    return (fluent for fluent in latest.told if fluent in latest.before)


class _Silent:
    """A proposer without an idea: the search is the idea."""

    def propose(
        self, state: State, goal: Goal, *, avoid: Mapping[Action, Sequence[Situation]] = MappingProxyType({})
    ) -> Iterable[Plan]:
        """Return nothing."""
        del state, goal, avoid
        return ()


_SILENT = _Silent()
