"""What the outcomes of a rule do to a state."""

from collections.abc import Mapping

from agentwm.rules.language import Rule, RuleOutcome
from agentwm.rules.matching import UNKNOWN, Unknown, look_up, value_of
from agentwm.types import Fluent, Ref, State, Term, Value, Vocabulary

__all__ = ["apply_changes", "changes_made", "changes_of", "counted"]


def apply_changes(state: State, changes: State) -> State:
    """Return ``state`` with ``changes`` made."""
    return {**state, **changes} if changes else state


def changes_of(rule: Rule, bindings: Mapping[str, str], state: State, vocabulary: Vocabulary) -> dict[Fluent, Value]:
    """Return the changes of the rule's most probable outcome; a change to or from something unknown is left out."""
    return changes_made(max(rule.outcomes, key=lambda o: o.probability), bindings, state, vocabulary)


def changes_made(
    outcome: RuleOutcome, bindings: Mapping[str, str], state: State, vocabulary: Vocabulary
) -> dict[Fluent, Value]:
    """Return the changes of ``outcome``, grounded; a change to or from something unknown, or from where there is nothing, is left out."""
    changes: dict[Fluent, Value] = {}
    for change in outcome.changes:
        args = [value_of(arg, bindings, state, vocabulary) for arg in change.target.args]
        value = value_of(change.value, bindings, state, vocabulary)
        if isinstance(value, Unknown) or any(arg is UNKNOWN or arg is None for arg in args):
            continue
        if value is None and _points(change.value, vocabulary):
            continue  # there is no such place, so nothing moves
        fluent = Fluent(change.target.name, tuple(map(str, args)))
        if change.adds:
            before = look_up(fluent, state, vocabulary)
            if not isinstance(before, int | float) or not isinstance(value, int | float):
                continue
            value = before + value
        changes[fluent] = value
    return changes


def _points(term: Term, vocabulary: Vocabulary) -> bool:
    return isinstance(term, Ref) and term.name in vocabulary.fluents and vocabulary.fluents[term.name].is_reference


def counted(changes: State, state: State, vocabulary: Vocabulary) -> dict[Fluent, Value]:
    """Return the changes of all counters of actions since a fluent last changed: back to 0, or one more."""
    result: dict[Fluent, Value] = {}
    for schema in vocabulary.fluents.values():
        if schema.counts_since is None:
            continue
        for fluent, value in state.items():
            if fluent.name == schema.name and isinstance(value, int | float):
                counts = Fluent(schema.counts_since, fluent.args)
                is_changed = counts in changes and changes[counts] != state.get(counts)
                result[fluent] = 0 if is_changed else value + 1
    return result
