"""The symbolic proposer: plans made from the learned rules, and, where a needed thing has not been seen, where to look for it.

The plan comes from a search in the rules, backwards to find what matters and forwards to find the way. When a thing
that the goal asks for has not been seen, what can already be done of the goal is done, and then places are explored in
the order of chance by price: the chance that one of the missing things is there, by the actions it takes to look.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from heapq import heappop, heappush
from itertools import product

from agentwm.planners.forward import MOST_NODES, Searched, search
from agentwm.planners.grounding import NONE, Avoid, relevant_actions
from agentwm.rules.binding import Cast, ground_condition, kind_of, things_for, variables_of
from agentwm.rules.language import fluent_names, variables
from agentwm.rules.matching import holds, value_of
from agentwm.rules.store import RuleStore
from agentwm.types import Condition, Fluent, Goal, Plan, Ref, State, Value, Var, Vocabulary

__all__ = ["MeansEnds"]

CANDIDATES_PER_VARIABLE = 3
PLACES_TRIED = 6
LIKELY_PLACES = 3
FEW_NODES = 150

# How much less likely a thing is to lie where the goal wants it than elsewhere: few people ask for what is done already.
# Source: ours, DECISIONS 7.
WANTED_PLACE = 0.15


def relaxations(store: RuleStore) -> list[RuleStore]:
    """Return the store with rules that hold more and more widely.

    First without exceptions by kind; then what must have one value must only not have another; then without any condition on
    kinds. What the rules tie together (this thing in the hand, this place where the agent is) is kept.
    """
    unexcepted = [r for r in store.rules if r.predicts_success or not any(_is_about_kind(c) for c in r.when)]
    bonds = [r for r in unexcepted if not r.predicts_success and all(isinstance(c.right, Ref | Var) for c in r.when)]
    successes = [r for r in unexcepted if r.predicts_success]
    looser = [replace(r, when=when) for r in successes for when in product(*(_weaker(c) for c in r.when))]
    widest = [replace(r, when=tuple(c for c in r.when if not _is_about_kind(c))) for r in looser]
    return [replace(store, rules=tuple(dict.fromkeys(rules))) for rules in (unexcepted, looser + bonds, widest + bonds)]


def _is_about_kind(condition: Condition) -> bool:
    return "kind" in fluent_names(condition)


_TRUTHS: tuple[Value, ...] = (True, False, None)


def _weaker(condition: Condition) -> list[Condition]:
    """Return what remains of "is true" (or false, or nothing): that it is not one of the others."""
    is_truth = condition.op == "==" and any(condition.right is truth for truth in _TRUTHS)
    if not is_truth or (condition.right is None and not (isinstance(condition.left, Ref) and condition.left.args)):
        return [condition]
    return [Condition(condition.left, "!=", other) for other in _TRUTHS if other is not condition.right]


class MeansEnds:
    """Proposes plans by means-ends analysis over a rule store."""

    def __init__(self, store: RuleStore, vocabulary: Vocabulary) -> None:
        self.store = store
        self.vocabulary = vocabulary
        self._bolder: list[MeansEnds] = []
        self._patience: dict[tuple[Condition, ...], int] = {}

    def propose(self, state: State, goal: Goal, *, avoid: Avoid = NONE) -> Iterator[Plan]:
        """Yield a plan to the goal; else a plan for part of it; else plans that explore, the most promising first."""
        cast = Cast(state)
        missing = self._missing(goal, cast)
        if missing:
            if plan := self._reach_part(state, goal, missing, avoid, cast):
                yield plan
                return
        elif goal.conditions:
            plan = self._reach_all_or_one_more(state, goal.conditions, avoid, cast)
            if plan is not None:
                yield plan
                if plan.reaches_goal:
                    return
            if bold := self._bold_plan(state, goal, avoid, cast):
                yield bold
        yield from self.explorations(state, goal, missing, avoid=avoid, cast=cast)

    def _reach_all_or_one_more(
        self, state: State, conditions: Sequence[Condition], avoid: Avoid, cast: Cast
    ) -> Plan | None:
        """Return a plan for all of ``conditions``; for one more of them where the way to all is too long to be found.

        Each time that it was not found, half as much is searched for it the next time.
        """
        wanted = tuple(conditions)
        patience = self._patience.get(wanted, MOST_NODES)
        found = self._searched(state, conditions, avoid, cast, patience)
        if found.given_up:
            self._patience[wanted] = max(patience // 2, FEW_NODES)
            return self.reach_one_more(state, conditions, avoid=avoid, cast=cast)
        self._patience.pop(wanted, None)
        return _reaching(found, "reaches the goal")

    def _bold_plan(self, state: State, goal: Goal, avoid: Avoid, cast: Cast) -> Plan | None:
        """Return a plan that would reach the goal if rules held a little more widely than is known."""
        if not self._bolder:
            self._bolder = [MeansEnds(store, self.vocabulary) for store in relaxations(self.store)]
        for bolder in self._bolder:
            plan = bolder._reach_all_or_one_more(state, goal.conditions, avoid, cast)  # noqa: SLF001 -- our own class
            if plan is not None and plan.actions:
                return replace(plan, reason="tries what nearly fits the rules", is_bold=True)
        return None

    def reach(
        self,
        state: State,
        conditions: Sequence[Condition],
        *,
        avoid: Avoid = NONE,
        cast: Cast | None = None,
        most_nodes: int = MOST_NODES,
    ) -> Plan | None:
        """Return the cheapest plan after which ``conditions`` hold, None where the rules give none or it is too far."""
        found = self._searched(state, conditions, avoid, cast or Cast(state), most_nodes)
        return _reaching(found, "reaches what is wanted")

    def _searched(
        self, state: State, conditions: Sequence[Condition], avoid: Avoid, cast: Cast, most_nodes: int
    ) -> Searched:
        """Return how a search for a way to where ``conditions`` hold ends; it begins only where all of them are within reach."""
        names = variables_of(conditions)
        goals = [
            [ground_condition(condition, bindings) for condition in conditions]
            for bindings in self._bindings(conditions, names, state, cast)
        ]
        if not goals:
            return Searched()
        wanted = sorted({c for g in goals for c in g}, key=str)
        actions, reached = relevant_actions(
            wanted, state, self.store, self.vocabulary, cast=cast, focus=self._focus(goals, state, cast), avoid=avoid
        )
        goals = [conjuncts for conjuncts in goals if reached.issuperset(conjuncts)]
        return search(goals, actions, state, self.vocabulary, most_nodes=most_nodes) if goals else Searched()

    def reach_one_more(
        self, state: State, conditions: Sequence[Condition], *, avoid: Avoid = NONE, cast: Cast | None = None
    ) -> Plan | None:
        """Return a plan after which one more of ``conditions`` holds, and those that hold already still do.

        For what asks for so much that a plan for all of it is too long to be found. None where some of it is out of reach.
        """
        cast = cast or Cast(state)
        for bindings in self._bindings(conditions, variables_of(conditions), state, cast):
            goal = [ground_condition(condition, bindings) for condition in conditions]
            held = [each for each in goal if holds(each, {}, state, self.vocabulary) is True]
            focus = self._focus([goal], state, cast)
            plans = []
            for wanted in (each for each in goal if each not in held):
                actions, reached = relevant_actions(
                    [wanted], state, self.store, self.vocabulary, cast=cast, focus=focus, avoid=avoid
                )
                if wanted not in reached:
                    return None
                found = search([[*held, wanted]], actions, state, self.vocabulary, most_nodes=FEW_NODES)
                if plan := _reaching(found, "reaches one more of what is wanted"):
                    plans.append(replace(plan, reaches_goal=False))
            if plans:
                return min(plans, key=lambda plan: plan.cost)
        return None

    def explorations(
        self, state: State, goal: Goal, missing: Sequence[str], *, avoid: Avoid = NONE, cast: Cast | None = None
    ) -> Iterator[Plan]:
        """Yield one plan per place worth looking into, the best chance per price first.

        A plan is made only for a place that could be the next: the chance over the price of a single step bounds its worth.
        """
        explored = self.vocabulary.explored
        if explored is None:
            return
        cast = cast or Cast(state)
        wanted = " or ".join(missing) or "anything new"
        waiting: list[tuple[float, int, Plan]] = []
        for number, (place, chance, shut) in enumerate(self._places(state, cast, goal, missing)[:PLACES_TRIED]):
            while waiting and -waiting[0][0] >= chance / (1 + shut):
                yield heappop(waiting)[2]
            context = [Condition(Ref(explored, (place,)), op="==", right=True)]
            plan = self.reach(state, context, avoid=avoid, cast=cast, most_nodes=FEW_NODES)
            if plan is not None and plan.actions:
                plan = replace(plan, reason=f"looks for {wanted} in {place}", reaches_goal=False)
                heappush(waiting, (-chance / (len(plan.actions) + shut), number, plan))
        while waiting:
            yield heappop(waiting)[2]

    def _places(self, state: State, cast: Cast, goal: Goal, missing: Sequence[str]) -> list[tuple[str, float, float]]:
        """Return the unexplored places, the chance of finding there what is missing, and that of a shut door, by chance per price."""
        explored = str(self.vocabulary.explored)
        sorts = self.vocabulary.fluents[explored].parameters[0].split("|")
        chances = [
            (place, self._chance(place, cast, goal, missing), self._shut_chance(place, cast))
            for sort in sorts
            for place in cast.by_sort.get(sort, [])
            if state.get(Fluent(explored, (place,))) is not True
        ]
        return sorted(chances, key=lambda item: -item[1] / (1 + item[2]))

    def _shut_chance(self, place: str, cast: Cast) -> float:
        return self.store.knowledge.shut_chance(cast.kinds.get(place, ""))

    def _chance(self, place: str, cast: Cast, goal: Goal, missing: Sequence[str]) -> float:
        kind = cast.kinds.get(place, "")
        if not missing:
            return 1 / (1 + self.store.knowledge.looks.get(kind, 0))
        absent = 1.0
        for thing in missing:
            chance = self.store.knowledge.chance(thing, kind, among=len(cast.by_kind[kind]))
            if _is_wanted_there(goal, thing, kind):
                chance *= WANTED_PLACE
            absent *= 1 - chance
        return 1 - absent

    def _missing(self, goal: Goal, cast: Cast) -> tuple[str, ...]:
        """Return the kinds of which the goal needs more things than have been seen."""
        needed: dict[str, int] = {}
        for name in variables_of(goal.conditions):
            kind = kind_of(name, goal.conditions)
            if kind is not None:
                needed[kind] = needed.get(kind, 0) + 1
        return tuple(kind for kind, number in needed.items() if len(cast.by_kind.get(kind, [])) < number)

    def _reach_part(self, state: State, goal: Goal, missing: Sequence[str], avoid: Avoid, cast: Cast) -> Plan | None:
        """Return a plan for the conditions that speak only of things seen, None where they hold or cannot be reached."""
        names = variables_of(goal.conditions)
        seen: dict[str, int] = {}
        absent = set()
        for name in names:
            kind = kind_of(name, goal.conditions)
            if kind in missing:
                seen[str(kind)] = seen.get(str(kind), 0) + 1
                if seen[str(kind)] > len(cast.by_kind.get(str(kind), [])):
                    absent.add(name)
        passing = self._changed_by_exploring
        part = [c for c in goal.conditions if not absent & set(variables(c)) and not passing & set(fluent_names(c))]
        if all(set(fluent_names(condition)) <= {"kind"} for condition in part):
            return None
        plan = self.reach(state, part, avoid=avoid, cast=cast)
        if plan is None or not plan.actions:
            return None
        return replace(plan, reason="does what can be done already", reaches_goal=False)

    @cached_property
    def _changed_by_exploring(self) -> set[str]:
        """The fluents of the agent itself that looking into places changes, so that they are not worth reaching before."""
        changed_by: dict[str, set[str]] = {}
        for rule in self.store.rules:
            names = {change.target.name for outcome in rule.outcomes for change in outcome.changes}
            changed_by.setdefault(rule.verb, set()).update(names)
        touched = [names for names in changed_by.values() if self.vocabulary.explored in names]
        schemas = [self.vocabulary.fluents.get(name) for names in touched for name in names]
        return {schema.name for schema in schemas if schema is not None and not schema.parameters}

    def _bindings(
        self, conditions: Sequence[Condition], names: Sequence[str], state: State, cast: Cast
    ) -> list[dict[str, str]]:
        """Return the most promising ways to bind the goal's variables."""
        things = {name: things_for(name, conditions, cast) for name in names}
        linked = self._linked(conditions, things, state)
        choices = [
            sorted(things[name], key=lambda thing: (thing not in linked, self._reluctance(thing, state, cast)))[
                :CANDIDATES_PER_VARIABLE
            ]
            for name in names
        ]
        ways: dict[frozenset[Condition], dict[str, str]] = {}
        for chosen in product(*choices):
            if len(set(chosen)) == len(chosen):
                bindings = dict(zip(names, chosen, strict=True))
                ways.setdefault(frozenset(ground_condition(c, bindings) for c in conditions), bindings)
        return list(ways.values())

    def _linked(self, conditions: Sequence[Condition], things: Mapping[str, Sequence[str]], state: State) -> set[str]:
        """Return the things between which a condition of the goal holds already."""
        linked: set[str] = set()
        for condition in conditions:
            left, right = condition.left, condition.right
            if not (isinstance(right, Var) and isinstance(left, Ref) and len(left.args) == 1):
                continue
            for thing in things.get(left.args[0].name, ()) if isinstance(left.args[0], Var) else ():
                value = value_of(Ref(left.name, (thing,)), {}, state, self.vocabulary)
                if value in things.get(right.name, ()):
                    linked |= {thing, str(value)}
        return linked

    def _reluctance(self, thing: str, state: State, cast: Cast) -> float:
        """Return roughly how many actions it takes to have ``thing`` at hand."""
        if any(value == thing for fluent, value in state.items() if not fluent.args):
            return 0.0
        where = value_of(Ref(self.vocabulary.location or "", (thing,)), {}, state, self.vocabulary)
        place = where if isinstance(where, str) else thing
        is_explored = state.get(Fluent(self.vocabulary.explored or "", (place,))) is True
        return 1.0 if is_explored else 2.0 + self._shut_chance(place, cast)

    def _focus(self, goals: Sequence[Sequence[Condition]], state: State, cast: Cast) -> list[str]:
        """Return the things that may fill in where a rule leaves an argument open: those of the goal and those at hand."""
        things: dict[str, None] = {}
        for goal in goals:
            for condition in goal:
                for side in (condition.left, condition.right):
                    for name in _names(side):
                        things.setdefault(name)
        at_hand = [value for fluent, value in state.items() if not fluent.args and isinstance(value, str)]
        things.update(dict.fromkeys(at_hand))
        for thing in at_hand:
            things.update(dict.fromkeys(self._likely_places(thing, state, cast)))
        return list(things)

    def _likely_places(self, thing: str, state: State, cast: Cast) -> list[str]:
        """Return a few places that have been looked into, of kinds where things like ``thing`` are found."""
        explored = self.vocabulary.explored
        if explored is None:
            return []
        kind = cast.kinds.get(thing, "")
        places = [fluent.args[0] for fluent, value in state.items() if fluent.name == explored and value is True]
        likely = {p: self._expected(kind, p, cast) for p in places if p != thing}
        return sorted(likely, key=lambda place: (-likely[place], place))[:LIKELY_PLACES]

    def _expected(self, thing: str, place: str, cast: Cast) -> float:
        kind = cast.kinds.get(place, "")
        return self.store.knowledge.expected(thing, kind, among=len(cast.by_kind.get(kind, ())) or 1)


def _reaching(found: Searched, reason: str) -> Plan | None:
    """Return the plan that a search has ``found``, None where it has found none."""
    return None if found.actions is None else Plan(found.actions, reason, reaches_goal=True, cost=found.cost)


def _names(term: object) -> Iterator[str]:
    if isinstance(term, Ref):
        for arg in term.args:
            yield from _names(arg)
    elif isinstance(term, str):
        yield term


def _is_wanted_there(goal: Goal, thing: str, kind: str) -> bool:
    """Whether a ``thing`` in a place of this kind would be all that the goal asks of it."""
    for condition in goal.conditions:
        left, right = condition.left, condition.right
        if not (
            isinstance(left, Ref) and isinstance(left.args[0] if left.args else None, Var) and isinstance(right, Var)
        ):
            continue
        subject = left.args[0].name  # type: ignore[union-attr]
        if kind_of(subject, goal.conditions) == thing and kind_of(right.name, goal.conditions) == kind:
            others = [
                c
                for c in goal.conditions
                if subject in set(variables(c)) and c != condition and "kind" not in set(fluent_names(c))
            ]
            return not others
    return False
