"""Finds experiments: acts, with circumstances in which their like has not been tried.

Circumstances are ties between an action's arguments and the situation (this thing in the hand, that place where the agent is) that were
seen together before, plain or with one truth value more. Source: ours, DECISIONS 6.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product

from agentwm.induction.table import Table
from agentwm.rules.binding import Cast, ground_condition
from agentwm.rules.language import Rule, fluent_names, variables
from agentwm.rules.matching import holds, sorts_of
from agentwm.rules.store import RuleStore
from agentwm.types import Action, ActionSchema, Condition, Ref, State, Term, Value, Var, Vocabulary

__all__ = ["Experiments", "Tables"]

Tables = Mapping[tuple[str, tuple[str, ...]], Table]

ENOUGH_PAIRS = 9  # of things of one sort, after which a context in which verbs failed is not the right one
IMMATURE = 4  # supports below which a rule is still put to the test. Chosen on train games


class Experiments:
    """What has and has not been tried, according to the examples in ``tables`` and the rules in ``store``."""

    def __init__(self, store: RuleStore, tables: Tables, vocabulary: Vocabulary) -> None:
        self._store = store
        self._tables = tables
        self._vocabulary = vocabulary
        # What was often dealt with will be met again: it comes first.
        self._met: Counter[Value] = Counter()
        for table in tables.values():
            for _, by_kind in table.kinds():
                self._met.update({kind: mask.bit_count() for kind, mask in by_kind.items()})
        self._pattern_cache: dict[tuple[str, ...], list[frozenset[Condition]]] = {}

    def untried(
        self,
        state: State,
        cast: Cast,
        puzzle: Mapping[str, Sequence[str]],
        is_open: Callable[[Action], bool] = lambda _action: True,
    ) -> Iterator[tuple[Action, list[Condition]]]:
        """Yield acts upon what is puzzling with circumstances in which their like has not been tried, of those that are ``open``.

        Verbs with few arguments come first, and for verbs with as many the circumstances that bind the arguments most.
        """
        yield from ((action, context) for action, context in self.unexplained(state, cast, puzzle) if is_open(action))
        verbs = [s for s in self._vocabulary.actions.values() if not s.inspects and not self.is_understood(s)]
        for arity in sorted({len(schema.parameters) for schema in verbs}):
            subjects = [
                (action, table, list(_contexts(table, self._patterns(table))))
                for schema in verbs
                if len(schema.parameters) == arity
                for action in self._subjects(schema, [t for things in puzzle.values() for t in things[:2]], state, cast)
                if (table := self.table(action, state)) is not None and is_open(action)
            ]
            for depth in range(max((len(contexts) for _, _, contexts in subjects), default=0)):
                level = []
                for order, (action, table, contexts) in enumerate(subjects):
                    if depth < len(contexts) and not self._is_given_up(table, contexts[depth]):
                        exact, similar = self._tries(table, contexts[depth], action, cast)
                        if not exact:
                            level.append((similar, order, action, table, contexts[depth]))
                for _, _, action, table, context in sorted(level, key=lambda item: item[:2]):
                    bindings = dict(zip(table.parameters, action.args, strict=True))
                    yield action, [ground_condition(c, bindings) for c in context]

    def unexplained(
        self, state: State, cast: Cast, puzzle: Mapping[str, Sequence[str]]
    ) -> Iterator[tuple[Action, list[Condition]]]:
        """Yield acts that are known to succeed, though not what they do, upon puzzling things on which they were not done."""
        things = [t for found in puzzle.values() for t in found]
        for rule in self._store.rules:
            schema = self._vocabulary.actions.get(rule.verb)
            if schema is None or schema.inspects or not rule.predicts_success or self._is_mature(rule, schema):
                continue
            for action in self._subjects(schema, things, state, cast):
                table = self.table(action, state)
                bindings = dict(zip(rule.parameters, action.args, strict=True))
                context = [ground_condition(c, bindings) for c in rule.when]
                fixed = [c for c in context if all(_is_static(n, self._vocabulary) for n in fluent_names(c))]
                if table is None or any(holds(c, {}, state, self._vocabulary) is False for c in fixed):
                    continue
                if not self._tries(table, rule.when, action, cast)[0]:
                    yield action, context

    def is_understood(self, schema: ActionSchema) -> bool:
        """Whether some rule says what the verb changes."""
        rules = self._store.of_verb(schema.verb)
        return any(outcome.changes for rule in rules for outcome in rule.outcomes if outcome.success)

    def table(self, action: Action, state: State) -> Table | None:
        """Return the examples of the action's verb with things of these sorts, None where there are none."""
        return self._tables.get((action.verb, sorts_of(action.args, state)))

    def _patterns(self, table: Table) -> list[frozenset[Condition]]:
        """Return the ties between arguments and situation that were seen together, for things of these sorts."""
        if table.sorts not in self._pattern_cache:
            alike = [other for other in self._tables.values() if other.sorts == table.sorts]
            seen = {p for other in alike for p in other.bond_patterns() if _ties_all(p, table.parameters)}
            worked = set()
            if _pairs(table.sorts):
                worked = self._worked(table)
                seen |= self._joined(table)
            self._pattern_cache[table.sorts] = sorted(
                seen, key=lambda p: (p not in worked, -len(p), sorted(map(str, p)))
            )
        return self._pattern_cache[table.sorts]

    def _worked(self, table: Table) -> set[frozenset[Condition]]:
        """Return the ties in which some verb has worked with two things of one sort: there are many such pairs, and few that matter."""
        alike = [other for other in self._tables.values() if other.sorts == table.sorts and other.succeeded]
        return {
            frozenset(bond.condition for bond in other.bonds() if bond.true & 1 << index)
            for other in alike
            for index, _ in other.rows_of(other.succeeded)
        }

    def _is_given_up(self, table: Table, context: Sequence[Condition]) -> bool:
        """Whether verbs like this one have failed so often in this context, with two things of one sort, that it is not the right one."""
        if not _pairs(table.sorts):
            return False
        tries = [(other.where(context), other) for other in self._tables.values() if other.sorts == table.sorts]
        return sum(mask.bit_count() for mask, _ in tries) >= ENOUGH_PAIRS and not any(
            mask & other.succeeded for mask, other in tries
        )

    def _joined(self, table: Table) -> set[frozenset[Condition]]:
        """Return the ties in which verbs have worked with one thing, put together for several: what is held, say, with what is held."""
        single: list[list[frozenset[Condition]]] = []
        for name, sort in zip(table.parameters, table.sorts, strict=True):
            ties = {
                frozenset(_renamed(bond.condition, name) for bond in other.bonds() if bond.true & 1 << index)
                for other in self._tables.values()
                if other.sorts == (sort,) and other.succeeded
                for index, _ in other.rows_of(other.succeeded)
            }
            single.append([each for each in ties if each])
        return {frozenset().union(*each) for each in product(*single)}

    def _is_mature(self, rule: Rule, schema: ActionSchema) -> bool:
        """Whether what the verb does is known, and from more than a few cases."""
        return self.is_understood(schema) and self._store.record(rule).supports >= IMMATURE

    def _subjects(self, schema: ActionSchema, things: Sequence[str], state: State, cast: Cast) -> Iterator[Action]:
        """Yield the verb applied to one of ``things`` and, for a further argument, a place of every kind or what is at hand."""
        explored = self._vocabulary.explored
        place_sorts = self._vocabulary.fluents[explored].parameters[0].split("|") if explored else []
        at_hand = {value for fluent, value in state.items() if not fluent.args and isinstance(value, str)}
        if any(s.static and not s.parameters for s in self._vocabulary.fluents.values()):  # many things can be carried
            at_hand |= {f.args[0] for f, value in state.items() if value in at_hand and len(f.args) == 1}
        for thing in things:
            if not schema.parameters or cast.sorts.get(thing) != schema.parameters[0]:
                continue
            others = []
            for sort in schema.parameters[1:]:
                kinds = [of_kind for of_kind in cast.by_kind.values() if cast.sorts.get(of_kind[0]) == sort]
                if _pairs(schema.parameters):
                    kinds.sort(key=lambda of_kind: -self._met[cast.kinds[of_kind[0]]])
                close = [next((t for t in of_kind if t in at_hand), of_kind[0]) for of_kind in kinds]
                others.append([t for t in close if sort in place_sorts or t in at_hand])
            for rest in product(*others):
                if thing not in rest:
                    yield Action(schema.verb, (thing, *rest))

    def _tries(self, table: Table, context: Sequence[Condition], action: Action, cast: Cast) -> tuple[int, int]:
        """Return how often the verb was tried in this context: on these kinds of things, and on the last kind at all."""
        mask = table.where(context)
        *_, last = of_kinds = table.of_kinds([cast.kinds.get(arg) for arg in action.args])
        alike = mask
        for kinds in of_kinds:
            alike &= kinds
        return alike.bit_count(), (mask & last).bit_count()


def _pairs(sorts: Sequence[str]) -> bool:
    """Whether two things are of one sort, so that there are many pairs."""
    return len(set(sorts)) < len(sorts)


def _is_static(name: str, vocabulary: Vocabulary) -> bool:
    schema = vocabulary.fluents.get(name)
    return schema is not None and schema.static


def _contexts(table: Table, patterns: Iterable[frozenset[Condition]]) -> Iterator[tuple[Condition, ...]]:
    """Yield circumstances that tie the arguments to the situation, plain before particular."""
    ties = [tuple(bond.condition for bond in table.bonds() if bond.condition in pattern) for pattern in patterns]
    yield from ties
    states = [literal.condition for literal in table.literals() if not literal.is_bond and literal.condition.op == "=="]
    for chosen in ties:
        for state in states:
            yield (*chosen, state)


def _ties_all(pattern: Iterable[Condition], parameters: Sequence[str]) -> bool:
    """Whether the equalities speak of every argument."""
    return {name for condition in pattern for name in variables(condition)} == set(parameters)


def _renamed(condition: Condition, name: str) -> Condition:
    """Return ``condition``, which has one variable, with that called ``name``."""
    return Condition(_term(condition.left, name), condition.op, _term(condition.right, name))  # type: ignore[arg-type]


def _term(term: Term, name: str) -> Term:
    if isinstance(term, Ref):
        return Ref(term.name, tuple(_term(arg, name) for arg in term.args))
    return Var(name) if isinstance(term, Var) else term
