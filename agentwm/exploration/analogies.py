"""Carries over to a verb that never worked what is known of verbs like it: those that take as many things, of the same sorts.

Of the many pairs of things of one sort few matter: who knows that things in the hand are chopped with a knife tries first to dice one so.
Source: ours, after analogy as the mapping of what is alike in structure (Gentner, 1983, "Structure-mapping").
"""

from collections.abc import Collection, Iterator
from itertools import islice, product

from agentwm.exploration.experiments import Tables
from agentwm.rules.binding import Cast, ground_condition
from agentwm.rules.language import Rule, fluent_names, variables
from agentwm.rules.matching import holds
from agentwm.rules.store import RuleStore
from agentwm.types import Action, ActionSchema, Condition, Query, State, Vocabulary, WorldModel

__all__ = ["KNOWN", "Analogies"]

KNOWN = 0.8  # the trust from which a foretold failure is believed
ENOUGH_FAILURES = 3  # in such circumstances, after which the verbs are not alike in this
MOST_THINGS = 6  # considered for an argument
MOST_PAIRS = 30


class Analogies:
    """What works with verbs whose effect is known, taken to hold for the verbs like them that have not worked yet."""

    def __init__(self, store: RuleStore, tables: Tables, vocabulary: Vocabulary, model: WorldModel) -> None:
        self._vocabulary = vocabulary
        self._model = model
        self._tables = tables
        worked = {verb for (verb, _), table in tables.items() if table.succeeded}
        patterns: dict[tuple[str, ...], list[Rule]] = {}
        for rule in store.rules:
            schema = vocabulary.actions.get(rule.verb)
            if schema is not None and len(set(schema.parameters)) < len(schema.parameters) and _changes(rule):
                patterns.setdefault(schema.parameters, []).append(rule)
        self._patterns = {
            verb: patterns[schema.parameters]
            for verb, schema in vocabulary.actions.items()
            if verb not in worked and not schema.inspects and schema.parameters in patterns
        }

    def are_against(self, action: Action, state: State) -> bool:
        """Whether with none of the verbs like it, where there are any, what ``action`` is done with would work."""
        verbs = {rule.verb for rule in self._patterns.get(action.verb, ())}
        predictions = self._model.predict([Query(state, Action(verb, action.args)) for verb in verbs])
        return bool(predictions) and all(
            each.source == "rules" and not each.success and each.confidence > KNOWN for each in predictions
        )

    def untried(self, state: State, cast: Cast, spared: Collection[str]) -> Iterator[tuple[Action, list[Condition]]]:
        """Yield acts with verbs that never worked, and the circumstances in which verbs like them do; ``spared`` things come last."""
        for verb, rules in self._patterns.items():
            for rule in rules:
                if self._is_refuted(verb, rule):
                    continue
                for args in self._casts(rule, self._vocabulary.actions[verb], state, cast, spared):
                    bindings = dict(zip(rule.parameters, args, strict=True))
                    yield Action(verb, args), [ground_condition(c, bindings) for c in rule.when]

    def _is_refuted(self, verb: str, rule: Rule) -> bool:
        """Whether the verb has often enough been tried where ``rule`` says that one like it works."""
        tables = (table for (other, _), table in self._tables.items() if other == verb)
        return sum(table.where(rule.when).bit_count() for table in tables) >= ENOUGH_FAILURES

    def _casts(
        self, rule: Rule, schema: ActionSchema, state: State, cast: Cast, spared: Collection[str]
    ) -> Iterator[tuple[str, ...]]:
        """Yield things that may stand for the arguments of ``rule``, those of kinds that it has worked with first."""
        choices = []
        for number, (name, sort) in enumerate(zip(rule.parameters, schema.parameters, strict=True)):
            worked = self._worked(rule.verb, number)
            things = sorted(cast.by_sort.get(sort, ()), key=lambda t: (t in spared, cast.kinds.get(t) not in worked, t))
            about = [c for c in rule.when if set(fluent_names(c)) == {"kind"} and set(variables(c)) == {name}]
            choices.append([t for t in things if not self._is_excluded(about, {name: t}, state)][:MOST_THINGS])
        return islice((args for args in product(*choices) if len(set(args)) == len(args)), MOST_PAIRS)

    def _worked(self, verb: str, number: int) -> set[str]:
        """Return the kinds of things with which the verb has worked, for one of its arguments."""
        tables = [table for (other, _), table in self._tables.items() if other == verb and table.succeeded]
        return {str(kind) for table in tables for kind in list(table.kinds_in(table.succeeded).values())[number]}

    def _is_excluded(self, conditions: Collection[Condition], bindings: dict[str, str], state: State) -> bool:
        return any(holds(c, bindings, state, self._vocabulary) is False for c in conditions)


def _changes(rule: Rule) -> bool:
    return any(outcome.changes for outcome in rule.outcomes if outcome.success)
