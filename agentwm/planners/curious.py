"""Chooses what to try while learning: what has not been tried in such circumstances, before what the goal asks for.

In order: look at what an act without visible effect has done; try at once what is new here; tour the places least known; reach
the goal; where the rules give no way to it, bring about the circumstances in which a verb has not been tried; try anything.
A win ends the episode, so the tour comes first.

Source: novelty by relational circumstances after the exploration of rule learners (Lang, Toussaint & Kersting, 2012); the goal-driven
experiment is ours, DECISIONS 5.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product

from agentwm.induction.table import Table
from agentwm.planners.means_ends import MeansEnds
from agentwm.planners.mpc import ModelPredictiveControl, futile_actions
from agentwm.rules.binding import Cast, ground_condition, is_reached, kind_of
from agentwm.rules.language import fluent_names, variables
from agentwm.rules.matching import holds
from agentwm.types import Action, ActionSchema, Condition, Fluent, Goal, Plan, Query, Ref, State, Transition, Vocabulary, WorldModel

__all__ = ["Curious"]

Tables = Mapping[tuple[str, tuple[str, ...]], Table]

WORTH_A_TRY = 0.2
LOOKING = 0.3
KNOWN = 0.8
TRIES_PER_PLACE = 2
ENOUGH_CONTEXTS = 12
PROBES_PER_VERB = 4
STRANGERS = 2
MOST_CONTEXTS = 40


class Curious:
    """A planner for learning episodes."""

    def __init__(
        self,
        proposer: MeansEnds,
        control: ModelPredictiveControl,
        model: WorldModel,
        tables: Tables,
        vocabulary: Vocabulary,
        *,
        tour: int,
        rng: random.Random,
    ) -> None:
        self._proposer = proposer
        self._control = control
        self._model = model
        self._tables = tables
        self._vocabulary = vocabulary
        self._tour = tour
        self._rng = rng

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return what is most worth trying now."""
        return next(plan for plan in self._ideas(state, goal, history) if plan is not None and plan.actions)

    def _ideas(self, state: State, goal: Goal, history: Sequence[Transition]) -> Iterator[Plan | None]:
        cast = Cast(state)
        puzzle = self._puzzle(goal, cast)
        is_touring = len(history) < self._tour
        yield self._control.look_again(history, state)
        yield self._probe(state, history)
        yield self._deliver(state, goal, cast, puzzle, history)
        yield self._experiment(state, cast, puzzle, history, here=True)
        yield self._try_here(state, cast, history)
        if is_touring:
            yield self._fetch(state, cast, puzzle, history)
            yield self._explore(state, goal, history, missing=self._unseen(puzzle))
        planned = self._control.plan(state, goal, history)
        yield planned if planned.reaches_goal else None
        yield self._experiment(state, cast, puzzle, history, here=False)
        yield self._explore(state, goal, history, missing=self._unseen(puzzle))
        yield planned
        yield self._wander(state, cast)

    def _puzzle(self, goal: Goal, cast: Cast) -> dict[str, list[str]]:
        """Return what the rules cannot bring about of the goal: the kinds it is about, with the things of that kind seen."""
        made = {c.target.name for r in self._proposer.store.rules for o in r.outcomes if o.success for c in o.changes}
        schemas = self._vocabulary.fluents
        puzzle = {}
        for condition in goal.conditions:
            missing = [n for n in fluent_names(condition) if n in schemas and not schemas[n].static and n not in made]
            for name in variables(condition) if missing else ():
                kind = kind_of(name, goal.conditions)
                if kind is not None:
                    puzzle[kind] = cast.by_kind.get(kind, [])
        return puzzle

    def _unseen(self, puzzle: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        return tuple(kind for kind, things in puzzle.items() if not things)

    def _fetch(
        self, state: State, cast: Cast, puzzle: Mapping[str, Sequence[str]], history: Sequence[Transition]
    ) -> Plan | None:
        """Return a plan that brings a puzzling thing as near as the rules can: into the hand, say."""
        things = [thing for found in puzzle.values() for thing in found]
        if any(value in things for fluent, value in state.items() if not fluent.args):
            return None
        avoid = futile_actions(history, self._vocabulary)
        for thing in things[:2]:
            for schema in self._vocabulary.fluents.values():
                if schema.parameters or schema.value != cast.sorts.get(thing):
                    continue
                plan = self._proposer.reach(state, [Condition(Ref(schema.name), "==", thing)], avoid=avoid)
                if plan is not None and plan.actions:
                    return replace(plan, reason=f"fetches {thing}", reaches_goal=False)
        return None

    # --- looking at what was done ---------------------------------------------------------------------------------

    def _probe(self, state: State, history: Sequence[Transition]) -> Plan | None:
        """Return an inspection of the thing last acted upon, if the act showed no effect and its effects are not settled."""
        for transition in reversed(history[-6:]):
            schema = self._vocabulary.actions.get(transition.action.verb)
            if schema is None or schema.inspects:
                if schema is not None and schema.parameters:
                    return None
                continue
            if not transition.succeeded or transition.changed:
                continue
            for thing, sort in zip(transition.action.args, schema.parameters, strict=True):
                if self._has_hidden(sort) and not self._is_settled(transition.action, state):
                    return self._inspect(thing, state, history)
        return None

    def _has_hidden(self, sort: str) -> bool:
        return any(s.hidden and s.parameters == (sort,) for s in self._vocabulary.fluents.values())

    def _is_settled(self, action: Action, state: State) -> bool:
        """Whether enough acts like this one, upon things of this kind, were looked at afterwards."""
        table = self._table(action, state)
        if table is None:
            return False
        hidden = {name for name, schema in self._vocabulary.fluents.items() if schema.hidden}
        probed = sum(any(f.name in hidden for f in example.settled) for example in table.rows)
        return probed >= PROBES_PER_VERB and probed >= len(table.rows) // 20

    def _inspect(self, thing: str, state: State, history: Sequence[Transition]) -> Plan | None:
        for schema in self._vocabulary.actions.values():
            if not schema.inspects or len(schema.parameters) != 1:
                continue
            action = Action(schema.verb, (thing,))
            if any(t.action == action for t in history[-3:]):
                continue
            if not history[-1].succeeded or history[-1].changed:
                table = self._table(action, state)
                if table is None or not table.like(action, state) & table.succeeded:
                    continue
            return Plan((action,), f"looks what became of {thing}")
        return None

    # --- trying what is new here --------------------------------------------------------------------------------------

    def _try_here(self, state: State, cast: Cast, history: Sequence[Transition]) -> Plan | None:
        if self._tries_here(state, history) >= TRIES_PER_PLACE:
            return None
        recent = {t.action for t in history[-8:]}
        best, best_worth = None, WORTH_A_TRY
        for action in self._local_actions(state, cast):
            if action in recent:
                continue
            worth = self._novelty(action, state, cast)
            if worth > best_worth:
                best, best_worth = action, worth
        return None if best is None else Plan((best,), f"tries what is new here (worth {best_worth:.2f})")

    def _tries_here(self, state: State, history: Sequence[Transition]) -> int:
        """Return how many actions in a row have failed where the agent now is, with what it now has."""
        here = {f: v for f, v in state.items() if not f.args}
        count = 0
        for transition in reversed(history):
            if any(transition.before.get(f) != v for f, v in here.items()):
                break
            count += not transition.succeeded
        return count

    def _local_actions(self, state: State, cast: Cast) -> Iterator[Action]:
        """Yield commands from the things at hand, what lies there, and a few strangers."""
        near = self._near(state)
        by_sort: dict[str, list[str]] = {}
        for sort, things in cast.by_sort.items():
            close = [thing for thing in things if thing in near]
            others = [thing for thing in things if thing not in near]
            by_sort[sort] = close + self._rng.sample(others, min(STRANGERS, len(others)))
        for schema in self._vocabulary.actions.values():
            yield from self._commands(schema, by_sort)

    def _commands(self, schema: ActionSchema, by_sort: Mapping[str, Sequence[str]]) -> Iterator[Action]:
        everything = [thing for things in by_sort.values() for thing in things]
        choices = [everything if sort == "any" else by_sort.get(sort, []) for sort in schema.parameters]
        for args in product(*choices):
            if len(set(args)) == len(args):
                yield Action(schema.verb, args)

    def _near(self, state: State) -> set[str]:
        """Return what the fluents without arguments name, what shares its place, and what lies there."""
        named = {value for fluent, value in state.items() if not fluent.args and isinstance(value, str)}
        statics = [f for f in state if len(f.args) == 1 and self._is_shared_place(f)]
        places = {state[f] for f in statics if f.args[0] in named}
        named |= {f.args[0] for f in statics if state[f] in places}
        location = self._vocabulary.location
        return named | {f.args[0] for f, value in state.items() if f.name == location and value in named}

    def _is_shared_place(self, fluent: Fluent) -> bool:
        schema = self._vocabulary.fluents.get(fluent.name)
        return schema is not None and schema.static and schema.value not in ("kind", "sort")

    def _novelty(self, action: Action, state: State, cast: Cast) -> float:
        """Return how much there is to learn from ``action`` here, 0 to 1."""
        schema = self._vocabulary.actions[action.verb]
        table = self._table(action, state)
        weight = LOOKING if schema.inspects else 1.0
        if table is None:
            return weight
        alike = table.like(action, state)
        failures = table.failed.bit_count()
        if alike & table.succeeded or self._is_known_to_fail(action, state):
            return 0.0
        weight *= self._tightness(table, action, state)
        if not alike:
            return weight * 0.9 / (1 + failures / (40 if table.succeeded else 20))
        counts = [(mask & alike).bit_count() for mask in table.of_kinds([cast.kinds.get(arg) for arg in action.args])]
        freshness = sum(1 / (1 + count) ** 2 for count in counts) / max(1, len(counts))
        return weight * 0.7 * freshness / (1 + alike.bit_count() / 15)

    def _is_known_to_fail(self, action: Action, state: State) -> bool:
        (prediction,) = self._model.predict([Query(state, action)])
        return prediction.source == "rules" and not prediction.success and prediction.confidence > KNOWN

    def _tightness(self, table: Table, action: Action, state: State) -> float:
        """Return how much the action's arguments have to do with now, 0 to 1, by the equalities between references that hold."""
        bindings = dict(zip(table.parameters, action.args, strict=True))
        bonds = [bond.condition for bond in table.bonds()]
        true = sum(holds(bond, bindings, state, self._vocabulary) is True for bond in bonds)
        return (0.3 + true) / (0.3 + max(true, min(len(bonds), 2)))

    def _table(self, action: Action, state: State) -> Table | None:
        sorts = tuple(str(state.get(Fluent("sort", (arg,)), "any")) for arg in action.args)
        return self._tables.get((action.verb, sorts))

    # --- going where something can be learned ---------------------------------------------------------------------------

    def _deliver(
        self,
        state: State,
        goal: Goal,
        cast: Cast,
        puzzle: Mapping[str, Sequence[str]],
        history: Sequence[Transition],
    ) -> Plan | None:
        """Return a plan for the rest of the goal, once an act without visible effect may have done what is puzzling.

        A reward then tells what no inspection could: what that act did.
        """
        things = {thing for found in puzzle.values() for thing in found}
        acts = [i for i, t in enumerate(history) if self._is_quiet(t) and things & set(t.action.args)]
        if not acts:
            return None
        schemas = self._vocabulary.fluents
        rest = [c for c in goal.conditions if not any(n in schemas and schemas[n].hidden for n in fluent_names(c))]
        subjects = set(history[acts[-1]].action.args) & things
        part = Goal(goal.text, tuple(rest))
        if len(rest) == len(goal.conditions) or any(
            is_reached(part, t.after, self._vocabulary) for t in history[acts[-1] :]
        ):
            return None
        others = {t for t in things if t not in subjects}
        seen = {f: v for f, v in state.items() if not (f.name == "kind" and f.args[0] in others)}
        plan = self._proposer.reach(seen, rest, avoid=futile_actions(history, self._vocabulary))
        if plan is None or not plan.actions:
            return None
        return replace(plan, reason="sees whether that was what the goal asks for", reaches_goal=False)

    def _is_quiet(self, transition: Transition) -> bool:
        schema = self._vocabulary.actions.get(transition.action.verb)
        return transition.succeeded and not transition.changed and schema is not None and not schema.inspects

    def _explore(
        self, state: State, goal: Goal, history: Sequence[Transition], *, missing: Sequence[str]
    ) -> Plan | None:
        avoid = futile_actions(history, self._vocabulary)
        return next(iter(self._proposer.explorations(state, goal, missing, avoid=avoid)), None)

    def _experiment(
        self,
        state: State,
        cast: Cast,
        puzzle: Mapping[str, Sequence[str]],
        history: Sequence[Transition],
        *,
        here: bool,
    ) -> Plan | None:
        """Return a plan for circumstances in which a verb has not been tried on what is puzzling.

        ``here`` asks only for circumstances that hold already.
        """
        best: Plan | None = None
        avoid = futile_actions(history, self._vocabulary)
        planned = 0
        for action, context in self._untried(state, cast, puzzle):
            if action in avoid:
                continue
            if here:
                if all(holds(c, {}, state, self._vocabulary) is True for c in context):
                    return Plan((action,), f"tries an experiment: {action}")
                continue
            plan = self._proposer.reach(state, context, avoid=avoid)
            planned += 1
            if plan is not None and (best is None or len(plan.actions) + 1 < len(best.actions)):
                best = Plan((*plan.actions, action), f"prepares an experiment: {action}")
            if planned >= MOST_CONTEXTS or (best is not None and planned >= ENOUGH_CONTEXTS):
                break
        return best

    def _untried(
        self, state: State, cast: Cast, puzzle: Mapping[str, Sequence[str]]
    ) -> Iterator[tuple[Action, list[Condition]]]:
        """Yield acts upon what is puzzling with circumstances in which their like has not been tried.

        Verbs with few arguments come first, and for verbs with as many the circumstances that bind the arguments most.
        """
        verbs = [s for s in self._vocabulary.actions.values() if not s.inspects and not self._is_understood(s)]
        for arity in sorted({len(schema.parameters) for schema in verbs}):
            subjects = [
                (action, table, list(_contexts(table)))
                for schema in verbs
                if len(schema.parameters) == arity
                for action in self._subjects(schema, [t for things in puzzle.values() for t in things[:2]], state, cast)
                if (table := self._table(action, state)) is not None
            ]
            for depth in range(max((len(contexts) for _, _, contexts in subjects), default=0)):
                for action, table, contexts in subjects:
                    if depth < len(contexts) and not self._was_tried(table, contexts[depth], action, cast):
                        bindings = dict(zip(table.parameters, action.args, strict=True))
                        yield action, [ground_condition(c, bindings) for c in contexts[depth]]

    def _is_understood(self, schema: ActionSchema) -> bool:
        """Whether some rule says what the verb changes."""
        rules = self._proposer.store.of_verb(schema.verb)
        return any(outcome.changes for rule in rules for outcome in rule.outcomes if outcome.success)

    def _subjects(self, schema: ActionSchema, things: Sequence[str], state: State, cast: Cast) -> Iterator[Action]:
        """Yield the verb applied to one of ``things`` and, for a further argument, a place of every kind or what is at hand."""
        place_sort = self._vocabulary.fluents[self._vocabulary.explored].parameters[0] if self._vocabulary.explored else ""
        at_hand = {value for fluent, value in state.items() if not fluent.args and isinstance(value, str)}
        for thing in things:
            if not schema.parameters or cast.sorts.get(thing) != schema.parameters[0]:
                continue
            others = []
            for sort in schema.parameters[1:]:
                kinds = [of_kind for of_kind in cast.by_kind.values() if cast.sorts.get(of_kind[0]) == sort]
                close = [next((t for t in of_kind if t in at_hand), of_kind[0]) for of_kind in kinds]
                others.append([t for t in close if sort == place_sort or t in at_hand])
            for rest in product(*others):
                if thing not in rest:
                    yield Action(schema.verb, (thing, *rest))

    def _was_tried(self, table: Table, context: Sequence[Condition], action: Action, cast: Cast) -> bool:
        mask = table.where(context)
        for kinds in table.of_kinds([cast.kinds.get(arg) for arg in action.args])[1:]:
            mask &= kinds
        return mask != 0

    def _wander(self, state: State, cast: Cast) -> Plan:
        """Return any command at all."""
        near = self._near(state)
        by_sort = {
            sort: [t for t in things if t in near] or things[:3] for sort, things in cast.by_sort.items()
        }
        commands = [a for s in self._vocabulary.actions.values() for a in self._commands(s, by_sort)]
        return Plan((self._rng.choice(commands),), "tries anything")


def _contexts(table: Table | None) -> Iterator[tuple[Condition, ...]]:
    """Yield circumstances to bring about, the most tightly bound first, plain before particular."""
    if table is None:
        return
    bonds = [bond.condition for bond in table.bonds()]
    states = [literal.condition for literal in table.literals() if not literal.is_bond and literal.condition.op == "=="]
    for size in range(min(len(bonds), 2), 0, -1):
        for chosen in combinations(bonds, size):
            yield chosen
    for size in range(min(len(bonds), 2), 0, -1):
        for chosen in combinations(bonds, size):
            for state in states:
                yield (*chosen, state)
