"""Chooses what to try while learning: what has not been tried in such circumstances, before what the goal asks for.

In order: look at what an act without visible effect has done; try at once what is new here; tour the places least known; reach
the goal; where the rules give no way to it, bring about the circumstances in which a verb has not been tried; try anything.
A win ends the episode, so the tour comes first.

Source: novelty by relational circumstances after the exploration of rule learners (Lang, Toussaint & Kersting, 2012); the goal-driven
experiment is ours, DECISIONS 6, 9.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from agentwm.exploration.analogies import KNOWN, Analogies
from agentwm.exploration.experiments import Experiments, Tables
from agentwm.exploration.inspections import Inspections
from agentwm.exploration.perils import Perils
from agentwm.exploration.pursuit import Pursuit
from agentwm.exploration.surroundings import Surroundings, commands
from agentwm.induction.table import Table
from agentwm.planners.deliberation import Deliberation
from agentwm.planners.means_ends import FEW_NODES, MeansEnds
from agentwm.planners.setbacks import Avoid, is_repetition, setbacks
from agentwm.rules.binding import Cast, is_reached
from agentwm.rules.language import fluent_names
from agentwm.rules.laws import Law
from agentwm.rules.matching import holds
from agentwm.types import (
    Action,
    Condition,
    Fluent,
    Goal,
    Plan,
    Query,
    Ref,
    State,
    Transition,
    Vocabulary,
    WorldModel,
)

__all__ = ["Curious"]

# All chosen on train games.
WORTH_A_TRY = 0.2  # the least novelty (0 to 1) worth an action
LOOKING = 0.4  # the weight of novelty of verbs that only look
UNDERSTOOD = 0.9  # the weight of novelty of verbs whose effect is known
GENERALITY = 0.35  # the novelty of what worked in like circumstances, but only for another kind of thing
ENOUGH_FAILURES = 3  # like circumstances that failed before it is believed
TRIES_PER_PLACE = 2  # failures in one spot after which only what is worth WORTH_PATIENCE is tried
WORTH_PATIENCE = 0.35
MOST_TRIES_PER_PLACE = 5
PATIENCE = 8  # failures in a row after which wandering ends the episode
ENOUGH_CONTEXTS = 12  # circumstances planned for before the nearest one found is taken
MOST_CONTEXTS = 40
UNLIKELY = 0.25  # the weight of novelty of what verbs like it speak against
STRANGERS = 1  # things out of reach, per sort, that are tried as well
NO_GOAL = Goal("")


class Curious:
    """A planner for learning episodes.

    One that has no goals is told of none: what it carries is then what it tries things out on.
    """

    def __init__(  # noqa: PLR0913 -- the parts of a mind, put together in one place
        self,
        proposer: MeansEnds,
        control: Deliberation,
        model: WorldModel,
        tables: Tables,
        vocabulary: Vocabulary,
        *,
        tour: int,
        rng: random.Random,
        perils: Perils,
        has_goals: bool = True,
    ) -> None:
        self._proposer = proposer
        self._control = control
        self._model = model
        self._tables = tables
        self._surroundings = Surroundings(vocabulary)
        self._experiments = Experiments(proposer.store, tables, vocabulary)
        self._inspections = Inspections(proposer, self._experiments, vocabulary)
        self._analogies = Analogies(proposer.store, tables, vocabulary, model)
        self._vocabulary = vocabulary
        self._pursuit = Pursuit(proposer, vocabulary)
        self._perils = perils
        self._tour = tour
        self._has_goals = has_goals
        self._rng = rng
        self._avoid: tuple[int, Avoid] | None = None

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return what is most worth trying now."""
        goal = goal if self._has_goals else NO_GOAL
        ideas = (plan for plan in self._ideas(state, goal, history) if plan is not None and plan.actions)
        return next(ideas, Plan((), "nothing is left to try"))

    def _ideas(self, state: State, goal: Goal, history: Sequence[Transition]) -> Iterator[Plan | None]:
        cast = Cast(state)
        puzzle = self._pursuit.puzzle(goal, cast) if self._has_goals else self._riddle(state, cast)
        is_touring = len(history) < self._tour
        yield self._control.look_again(history, state)
        yield self._inspections.probe(state, history, self._setbacks(history))
        yield self._deliver(state, goal, puzzle, history)
        yield self._bring_about(state, goal, cast, history)
        yield self._pursuit.go_on(state, goal, history, avoid=self._setbacks(history))
        yield self._experiment(state, cast, puzzle, history, here=True)
        yield self._imitate(state, goal, cast, history)
        yield self._try_here(state, cast, history)
        if is_touring:
            yield self._fetch(state, cast, puzzle, history)
            yield self._explain(state, cast, history)
            yield self._pick_up(state, cast, puzzle, history)
            yield self._explore(state, goal, history, missing=self._unseen(puzzle))
        planned = self._control.plan(state, goal, history)
        yield planned if planned.reaches_goal or planned.is_bold else None
        yield self._experiment(state, cast, puzzle, history, here=False)
        yield self._explore(state, goal, history, missing=self._unseen(puzzle))
        yield self._try_here(state, cast, history, is_patient=True)
        yield planned
        yield self._wander(state, cast, history)

    def _riddle(self, state: State, cast: Cast) -> dict[str, list[str]]:
        """Return, where no goal says what is puzzling, what is in the hand, as long as nobody knows what some verb does."""
        verbs = self._vocabulary.actions.values()
        if all(schema.inspects or self._experiments.is_understood(schema) for schema in verbs):
            return {}
        held = [value for fluent, value in state.items() if not fluent.args and isinstance(value, str)]
        riddle: dict[str, list[str]] = {}
        for thing in held:
            if thing in cast.kinds and not self._is_place(cast.sorts.get(thing)):
                riddle.setdefault(str(cast.kinds[thing]), []).append(thing)
        return riddle

    def _is_place(self, sort: str | None) -> bool:
        explored = self._vocabulary.explored
        return explored is not None and sort in self._vocabulary.fluents[explored].parameters[0].split("|")

    def _unseen(self, puzzle: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Return the kinds that are puzzling and of which nothing has been seen yet."""
        return tuple(kind for kind, things in puzzle.items() if not things)

    def _fetch(
        self, state: State, cast: Cast, puzzle: Mapping[str, Sequence[str]], history: Sequence[Transition]
    ) -> Plan | None:
        """Return a plan that brings a puzzling thing as near as the rules can: into the hand, say."""
        things = [thing for found in puzzle.values() for thing in found]
        if any(value in things for fluent, value in state.items() if not fluent.args):
            return None
        avoid = self._setbacks(history)
        for thing in things[:2]:
            for schema in self._vocabulary.fluents.values():
                if schema.parameters or schema.value != cast.sorts.get(thing):
                    continue
                plan = self._proposer.reach(state, [Condition(Ref(schema.name), "==", thing)], avoid=avoid)
                if plan is not None and plan.actions:
                    return replace(plan, reason=f"fetches {thing}", reaches_goal=False)
        return None

    def _setbacks(self, history: Sequence[Transition]) -> Avoid:
        """Return what is not to be done again, worked out once per step."""
        if self._avoid is None or self._avoid[0] != len(history):
            self._avoid = (len(history), setbacks(history, self._vocabulary))
        return self._avoid[1]

    # --- trying what is new here --------------------------------------------------------------------------------------

    def _try_here(
        self, state: State, cast: Cast, history: Sequence[Transition], *, is_patient: bool = False
    ) -> Plan | None:
        """Return what is newest of all that can be tried here; whoever ``is_patient`` goes on after any number of failures."""
        tries = 0 if is_patient else self._tries_here(state, history)
        best, best_worth = None, WORTH_A_TRY
        if tries >= MOST_TRIES_PER_PLACE:
            return None
        for action in self._local_actions(state, cast):
            if self._is_repetition(action, state, history) or self._perils.threaten(action, state):
                continue
            worth = self._novelty(action, state, cast)
            if tries >= TRIES_PER_PLACE and worth < WORTH_PATIENCE:
                continue
            if worth > best_worth:
                best, best_worth = action, worth
        return None if best is None else Plan((best,), f"tries what is new here (worth {best_worth:.2f})")

    def _tries_here(self, state: State, history: Sequence[Transition]) -> int:
        """Return how many actions in a row have failed where the agent now is, with what it now has."""
        here = self._surroundings.situation(state)
        count = 0
        for transition in reversed(history):
            if any(transition.before.get(f) != v for f, v in here.items()):
                break
            count += not transition.succeeded
        return count

    def _local_actions(self, state: State, cast: Cast) -> Iterator[Action]:
        """Yield commands from the things at hand, what lies there, and a few strangers."""
        near = self._surroundings.near(state)
        by_sort: dict[str, list[str]] = {}
        for sort, things in cast.by_sort.items():
            close = [thing for thing in things if thing in near]
            others = [thing for thing in things if thing not in near]
            by_sort[sort] = close + self._rng.sample(others, min(STRANGERS, len(others)))
        for schema in self._vocabulary.actions.values():
            yield from commands(schema, by_sort)

    def _novelty(self, action: Action, state: State, cast: Cast) -> float:
        """Return how much there is to learn from ``action`` here, 0 to 1."""
        schema = self._vocabulary.actions[action.verb]
        table = self._experiments.table(action, state)
        weight = LOOKING if schema.inspects else UNDERSTOOD if self._experiments.is_understood(schema) else 1.0
        if self._analogies.are_against(action, state):
            weight *= UNLIKELY
        if table is None:
            return weight
        truths = table.truths(action, state)
        alike = table.like(truths)
        failures = table.failed.bit_count()
        masks = table.of_kinds([cast.kinds.get(arg) for arg in action.args])
        if alike & table.succeeded:
            return weight * GENERALITY * _is_untested(masks, alike, table)
        if alike.bit_count() >= ENOUGH_FAILURES and self._is_known_to_fail(action, state):
            return 0.0
        tightness = _tightness(table, truths)
        weight *= tightness
        if not alike:
            return weight * 0.9 / (1 + failures / (40 if table.succeeded else 20))
        counts = [(mask & alike).bit_count() for mask in masks]
        freshness = sum(1 / (1 + count) ** 2 for count in counts) / max(1, len(counts))
        return weight * 0.7 * freshness / (1 + alike.bit_count() / (100 if tightness == 1 else 6))

    def _is_known_to_fail(self, action: Action, state: State) -> bool:
        (prediction,) = self._model.predict([Query(state, action)])
        if prediction.source != "rules" or prediction.success or prediction.confidence <= KNOWN:
            return False
        rules = [self._proposer.store.find(name) for name in prediction.rules]
        return any(
            isinstance(rule, Law) or "kind" not in {n for c in rule.when for n in fluent_names(c)} for rule in rules
        )

    # --- going where something can be learned ---------------------------------------------------------------------------

    def _explain(self, state: State, cast: Cast, history: Sequence[Transition]) -> Plan | None:
        """Return a plan to do an act whose effect nobody knows upon something seen on which it was not done, and near."""
        avoid = self._setbacks(history)
        at_hand = sorted(
            thing for thing in self._surroundings.near(state) if len(cast.by_kind.get(cast.kinds.get(thing, ""), ()))
        )
        tried = 0
        for action, context in self._experiments.unexplained(state, cast, {"": at_hand}):
            if any(t.action == action for t in history) or self._perils.threaten(action, state):
                continue
            plan = self._proposer.reach(state, context, avoid=avoid, most_nodes=FEW_NODES)
            if plan is not None:
                return Plan((*plan.actions, action), f"finds out what it does: {action}")
            tried += 1
            if tried >= ENOUGH_CONTEXTS:
                break
        return None

    def _pick_up(
        self, state: State, cast: Cast, puzzle: Mapping[str, Sequence[str]], history: Sequence[Transition]
    ) -> Plan | None:
        """Return a plan to carry something here of a kind never carried: with it, every place offers something new to try."""
        if puzzle:
            return None
        avoid = self._setbacks(history)
        for schema in self._vocabulary.fluents.values():
            if schema.parameters or state.get(Fluent(schema.name), "") is not None:
                continue
            carried = self._carried_kinds(Fluent(schema.name), cast)
            for thing in sorted(self._surroundings.near(state)):
                if cast.sorts.get(thing) != schema.value or cast.kinds[thing] in carried:
                    continue
                plan = self._proposer.reach(state, [Condition(Ref(schema.name), "==", thing)], avoid=avoid)
                if plan is not None and len(plan.actions) == 1:
                    return replace(plan, reason=f"takes {thing} along", reaches_goal=False)
        return None

    def _carried_kinds(self, fluent: Fluent, cast: Cast) -> set[str]:
        kinds = set()
        for table in self._tables.values():
            for _, example in table.rows_of(table.succeeded):
                if isinstance(name := example.changed.get(fluent), str):
                    kinds.add(str(example.before.get(Fluent("kind", (name,)), cast.kinds.get(name, ""))))
        return kinds

    def _deliver(
        self,
        state: State,
        goal: Goal,
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
        plan = self._proposer.reach(seen, rest, avoid=self._setbacks(history))
        if plan is None or not plan.actions:
            return None
        return replace(plan, reason="sees whether that was what the goal asks for", reaches_goal=False)

    def _is_quiet(self, transition: Transition) -> bool:
        schema = self._vocabulary.actions.get(transition.action.verb)
        return transition.succeeded and not transition.changed and schema is not None and not schema.inspects

    def _explore(
        self, state: State, goal: Goal, history: Sequence[Transition], *, missing: Sequence[str]
    ) -> Plan | None:
        avoid = self._setbacks(history)
        return next(self._proposer.explorations(state, goal, missing, avoid=avoid), None)

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
        avoid = self._setbacks(history)
        planned = 0

        @cache
        def is_open(action: Action) -> bool:
            return (
                () not in avoid.get(action, ())
                and not self._is_repetition(action, state, history)
                and not self._analogies.are_against(action, state)
                and not self._perils.threaten(action, state)
            )

        for action, context in self._experiments.untried(state, cast, puzzle, is_open):
            if here:
                if all(holds(c, {}, state, self._vocabulary) is True for c in context):
                    return Plan((action,), f"tries an experiment: {action}")
                continue
            plan = self._proposer.reach(state, context, avoid=avoid, most_nodes=FEW_NODES)
            planned += 1
            if plan is not None and (best is None or len(plan.actions) + 1 < len(best.actions)):
                best = Plan((*plan.actions, action), f"prepares an experiment: {action}")
            if planned >= MOST_CONTEXTS or (best is not None and planned >= ENOUGH_CONTEXTS):
                break
        return best

    def _bring_about(self, state: State, goal: Goal, cast: Cast, history: Sequence[Transition]) -> Plan | None:
        """Return what never worked, to be done to what the goal names and is nowhere: it may be there only afterwards."""
        for action in self._pursuit.beginnings(state, goal, cast):
            table = self._experiments.table(action, state)
            if not (table and table.succeeded) and not self._is_repetition(action, state, history):
                return Plan((action,), f"tries whether that brings it about: {action}")
        return None

    def _imitate(self, state: State, goal: Goal, cast: Cast, history: Sequence[Transition]) -> Plan | None:
        """Return a plan to do with a verb that never worked what works with one like it."""
        avoid = self._setbacks(history)
        untried = self._analogies.untried(state, cast, self._pursuit.named(goal, cast))
        for tried, (action, context) in enumerate(untried):
            if tried >= ENOUGH_CONTEXTS:
                break
            if () in avoid.get(action, ()) or self._is_repetition(action, state, history):
                continue
            if self._perils.threaten(action, state):
                continue
            plan = self._proposer.reach(state, context, avoid=avoid, most_nodes=FEW_NODES)
            if plan is not None:
                return Plan((*plan.actions, action), f"tries by analogy: {action}")
        return None

    def _is_repetition(self, action: Action, state: State, history: Sequence[Transition]) -> bool:
        return is_repetition(action, state, history, self._vocabulary)

    def _wander(self, state: State, cast: Cast, history: Sequence[Transition]) -> Plan:
        """Return any command at all; nothing once that has led nowhere for a while."""
        if len(history) >= PATIENCE and not any(t.succeeded for t in history[-PATIENCE:]):
            return Plan((), "nothing is left to try")
        near = self._surroundings.near(state)
        by_sort = {sort: [t for t in things if t in near] or things[:3] for sort, things in cast.by_sort.items()}
        possible = [a for s in self._vocabulary.actions.values() for a in commands(s, by_sort)]
        return Plan((self._rng.choice(possible),), "tries anything")


def _is_untested(of_kinds: Sequence[int], alike: int, table: Table) -> bool:
    """Whether, in circumstances in which a verb has worked, it worked for one kind of thing only and was tried on few others."""
    worked, failed = alike & table.succeeded, alike & table.failed
    kinds = [len(seen) for seen in table.kinds_in(worked).values()]
    tests = zip(of_kinds, kinds, strict=True)
    return failed.bit_count() < ENOUGH_FAILURES and any(number == 1 and not mask & alike for mask, number in tests)


def _tightness(table: Table, truths: Sequence[bool | None]) -> float:
    """Return how much an action's arguments have to do with now, 0 to 1, by the equalities between references that hold."""
    true, total = table.bonds_that_hold(truths)
    return (0.3 + true) / (0.3 + max(true, min(total, 2)))
