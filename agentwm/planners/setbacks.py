"""What failed in this episode, or changed nothing, and is not to be tried again as things stand."""

from collections.abc import Mapping, Sequence

from agentwm.types import NOT_ENTITIES, Action, Condition, Fluent, Ref, Situation, State, Transition, Vocabulary

__all__ = ["Avoid", "is_repetition", "setbacks"]

PATIENCE = 3

Avoid = Mapping[Action, Sequence[Situation]]
"""Per action, the situations in which it is not to be done; no conditions mean all situations."""


def setbacks(history: Sequence[Transition], vocabulary: Vocabulary) -> dict[Action, list[Situation]]:
    """Return, per action that failed or showed no effect in this episode, the situations in which that must be expected again.

    A look that showed nothing new is only a setback where it was predicted to change something.
    A situation is what was known of the agent, of the action's arguments and of what belongs to them. What failed ``PATIENCE`` times is
    not to be done in any.
    """
    found: dict[Action, list[Situation]] = {}
    for transition in history:
        schema = vocabulary.actions.get(transition.action.verb)
        is_look = schema is not None and schema.inspects
        is_hopeful = transition.predicted is not None and bool(transition.predicted.changes)
        if not transition.succeeded or (not transition.changed and (is_hopeful or not is_look)):
            found.setdefault(transition.action, []).append(_situation(transition, vocabulary))
    return {action: [()] if len(seen) >= PATIENCE else seen for action, seen in found.items()}


def is_repetition(action: Action, state: State, history: Sequence[Transition], vocabulary: Vocabulary) -> bool:
    """Whether ``action`` was done in this episode when all was as it is now that is known of the agent and of what it concerns."""
    before = [transition.before for transition in history if transition.action == action]
    things = _concerned(action, state, vocabulary) if before else ()
    return any(
        all(state.get(f, f) == value for f, value in then.items() if not f.args or f.args[0] in things)
        for then in before
    )


def _situation(transition: Transition, vocabulary: Vocabulary) -> Situation:
    """Return what was known, and what was not, of the agent and of the action's arguments."""
    known = transition.after
    args = _concerned(transition.action, known, vocabulary)
    sorts = {arg: known.get(Fluent("sort", (arg,))) for arg in args}
    conditions = []
    for schema in vocabulary.fluents.values():
        if schema.static or schema.hidden or schema.derive is not None or len(schema.parameters) > 1:
            continue
        accepted = schema.parameters[0].split("|") if schema.parameters else []
        subjects = [(arg,) for arg in args if sorts[arg] in accepted] if schema.parameters else [()]
        for subject in subjects:
            fluent = Fluent(schema.name, subject)
            if fluent in known:
                conditions.append(Condition(Ref(*fluent), "==", known[fluent]))
            elif not schema.has_default:
                conditions.append(Condition(Ref(*fluent), "unknown", None))
    return tuple(conditions)


def _concerned(action: Action, state: State, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the arguments of ``action``, and the things that belong to them for good: the door in an exit, say."""
    links = [
        schema.name
        for schema in vocabulary.fluents.values()
        if schema.static and len(schema.parameters) == 1 and schema.value not in NOT_ENTITIES
    ]
    linked = (state.get(Fluent(name, (arg,))) for arg in action.args for name in links)
    return tuple(dict.fromkeys([*action.args, *(thing for thing in linked if isinstance(thing, str))]))
