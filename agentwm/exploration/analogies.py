"""Carries over to a verb that never worked what is known of verbs like it: those that take as many things, of the same sorts.

There are many pairs of things of one sort, and few of them matter: who knows that things are chopped with a knife tries first to dice one
with a knife. Source: ours, after relational transfer by analogy (Gentner, 1983, "Structure-mapping").
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import product

from agentwm.exploration.experiments import Tables
from agentwm.rules.binding import Cast, ground_condition
from agentwm.rules.language import Rule, fluent_names, variables
from agentwm.rules.matching import holds, sorts_of
from agentwm.rules.store import RuleStore
from agentwm.types import Action, ActionSchema, Condition, Fluent, State, Vocabulary

__all__ = ["Analogies"]

SEVERAL = 2  # kinds of one argument with which verbs have worked, while the other was always of one kind: that one is a tool
MOST_THINGS = 6  # considered for an argument


class Analogies:
    """What is known of the verbs that take two things of one sort, each taken to hold for the others until they have worked."""

    def __init__(self, store: RuleStore, tables: Tables, vocabulary: Vocabulary) -> None:
        self._tables = tables
        self._vocabulary = vocabulary
        self._rules: dict[tuple[str, ...], list[Rule]] = {}
        self._tool_cache: dict[tuple[str, ...], list[str | None]] = {}
        for rule in store.rules:
            schema = vocabulary.actions.get(rule.verb)
            if schema is not None and _pairs(schema) and _changes(rule):
                self._rules.setdefault(schema.parameters, []).append(rule)

    def are_against(self, action: Action, state: State) -> bool:
        """Whether all verbs like this one have worked with one kind of thing only for some argument, and this is another."""
        sorts = sorts_of(action.args, state)
        if len(set(sorts)) == len(sorts):
            return False
        worked = self._tools(sorts)
        kinds = [str(state.get(Fluent("kind", (arg,)))) for arg in action.args]
        return any(tool is not None and tool != kind for tool, kind in zip(worked, kinds, strict=True))

    def _tools(self, sorts: tuple[str, ...]) -> list[str | None]:
        """Return, per argument, the one kind of thing with which verbs that take things of these sorts have worked so far."""
        if sorts not in self._tool_cache:
            seen: list[set[str]] = [set() for _ in sorts]
            for table in (t for t in self._tables.values() if t.sorts == sorts and t.succeeded):
                for kinds, more in zip(seen, table.kinds_in(table.succeeded).values(), strict=True):
                    kinds.update(more)
            is_known = any(len(kinds) >= SEVERAL for kinds in seen)
            self._tool_cache[sorts] = [next(iter(kinds)) if is_known and len(kinds) == 1 else None for kinds in seen]
        return self._tool_cache[sorts]

    def untried(
        self, state: State, cast: Cast, spared: Collection[str]
    ) -> Iterator[tuple[Action, list[Condition]]]:
        """Yield acts with verbs that never worked, and the circumstances in which verbs like them do.

        Things of kinds on which those have worked come first, and what is ``spared`` comes last.
        """
        for schema in self._vocabulary.actions.values():
            own = [table for (verb, _), table in self._tables.items() if verb == schema.verb]
            if not _pairs(schema) or any(table.succeeded for table in own):
                continue
            for rule in self._rules.get(schema.parameters, ()):
                for args in self._casts(rule, schema, state, cast, spared):
                    action = Action(schema.verb, args)
                    bindings = dict(zip(rule.parameters, args, strict=True))
                    if not self._is_tried(action, rule, state, cast):
                        yield action, [ground_condition(c, bindings) for c in rule.when]

    def _casts(
        self, rule: Rule, schema: ActionSchema, state: State, cast: Cast, spared: Collection[str]
    ) -> Iterator[tuple[str, ...]]:
        """Yield things that may stand for the arguments of ``rule``."""
        choices = []
        for number, sort in enumerate(schema.parameters):
            worked = self._worked(rule.verb, number)
            things = sorted(
                cast.by_sort.get(sort, ()), key=lambda t: (t in spared, cast.kinds.get(t) not in worked, t)
            )
            choices.append([t for t in things if self._may_be(rule, number, t, state)][:MOST_THINGS])
        return (args for args in product(*choices) if len(set(args)) == len(args))

    def _worked(self, verb: str, number: int) -> set[str]:
        """Return the kinds of things with which the verb has worked, for one of its arguments."""
        kinds: set[str] = set()
        for (other, _), table in self._tables.items():
            if other == verb and table.succeeded:
                seen: Sequence[Collection[str]] = list(table.kinds_in(table.succeeded).values())
                kinds |= set(seen[number])
        return kinds

    def _may_be(self, rule: Rule, number: int, thing: str, state: State) -> bool:
        """Whether what ``rule`` asks of one argument's kind is so of ``thing``."""
        name = rule.parameters[number]
        about = [c for c in rule.when if fluent_names(c) and set(fluent_names(c)) <= {"kind"} and name in variables(c)]
        return all(holds(c, {name: thing}, state, self._vocabulary) is not False for c in about)

    def _is_tried(self, action: Action, rule: Rule, state: State, cast: Cast) -> bool:
        table = self._tables.get((action.verb, sorts_of(action.args, state)))
        if table is None:
            return False
        mask = table.where(rule.when)
        for kinds in table.of_kinds([cast.kinds.get(arg) for arg in action.args]):
            mask &= kinds
        return bool(mask)


def _pairs(schema: ActionSchema) -> bool:
    return not schema.inspects and len(set(schema.parameters)) < len(schema.parameters)


def _changes(rule: Rule) -> bool:
    return any(outcome.changes for outcome in rule.outcomes if outcome.success)
