"""What the outcomes of a rule do to a state."""

from collections.abc import Callable, Mapping, Sequence

from agentwm.rules.index import compiled, named
from agentwm.rules.language import Rule, RuleOutcome
from agentwm.rules.matching import UNKNOWN, Unknown, look_up, value_of
from agentwm.types import Fluent, Ref, State, Term, Value, Vocabulary

__all__ = ["Counters", "MakeChanges", "apply_changes", "changes_made", "changes_of", "compiled_changes"]


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


_fluent = tuple.__new__  # what `Fluent` does, in half the time

MakeChanges = Callable[[tuple[str, ...], State], dict[Fluent, Value]]


def compiled_changes(outcome: RuleOutcome, parameters: Sequence[str], vocabulary: Vocabulary) -> MakeChanges:
    """Return a function of an action's arguments and the state that returns what `changes_made` does."""
    parts = [
        (
            change.target.name,
            [compiled(arg, parameters, vocabulary) for arg in change.target.args],
            compiled(change.value, parameters, vocabulary),
            compiled(change.target, parameters, vocabulary) if change.adds else None,
            _points(change.value, vocabulary),
        )
        for change in outcome.changes
    ]

    def make(args: tuple[str, ...], state: State) -> dict[Fluent, Value]:
        changes: dict[Fluent, Value] = {}
        for name, reads, read, added_to, points in parts:
            value = read(args, state)
            if value is UNKNOWN or (value is None and points):
                continue  # nothing is known of it, or there is no such place, so nothing moves
            names = named(reads, args, state)
            if not isinstance(names, tuple):
                continue
            if added_to is not None:
                before = added_to(args, state)
                if not isinstance(before, int | float) or not isinstance(value, int | float):
                    continue
                value = before + value
            changes[_fluent(Fluent, (name, names))] = value  # type: ignore[assignment]  # UNKNOWN was left out
        return changes

    return make


class Counters:
    """The fluents of a vocabulary that count the actions since another one last changed."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        schemas = [schema for schema in vocabulary.fluents.values() if schema.counts_since is not None]
        self._single = [(Fluent(s.name), Fluent(str(s.counts_since))) for s in schemas if not s.parameters]
        self._many = {s.name: str(s.counts_since) for s in schemas if s.parameters}

    def __bool__(self) -> bool:
        return bool(self._single or self._many)

    def after(self, changes: State, state: State) -> dict[Fluent, Value]:
        """Return the counters as ``changes`` leave them: back to 0 where what they watch has changed, else one more."""
        pairs = self._single
        if self._many:
            counted = ((fluent, self._many.get(fluent.name)) for fluent in state)
            pairs = [*pairs, *((fluent, Fluent(name, fluent.args)) for fluent, name in counted if name is not None)]
        result: dict[Fluent, Value] = {}
        for counter, watched in pairs:
            value = state.get(counter)
            if isinstance(value, int | float):
                is_changed = watched in changes and changes[watched] != state.get(watched)
                result[counter] = 0 if is_changed else value + 1
        return result
