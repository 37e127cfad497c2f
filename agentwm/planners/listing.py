"""What can be done: what the environment lists as admissible, and what can be composed of verbs and things."""

from collections.abc import Sequence
from itertools import product

from agentwm.types import Action, Observation, State, Transition, Vocabulary

__all__ = ["ground_actions", "listed_actions"]


def listed_actions(opening: Observation | None, history: Sequence[Transition]) -> tuple[Action, ...] | None:
    """Return the actions that the latest observation lists, ``opening`` being the first one of the episode.

    None where it lists none, or where ``opening`` is None: the list is not wanted.
    """
    if opening is None:
        return None
    return history[-1].observation.actions if history else opening.actions


def ground_actions(state: State, vocabulary: Vocabulary) -> list[Action]:
    """Return every action that can be composed of the vocabulary's verbs and the things of ``state``, in a fixed order."""
    things: dict[str, list[str]] = {}
    for fluent, value in state.items():
        if fluent.name == "sort":
            things.setdefault(str(value), []).append(fluent.args[0])
            things.setdefault("any", []).append(fluent.args[0])
    return [
        Action(schema.verb, args)
        for schema in vocabulary.actions.values()
        for args in product(*([t for s in sort.split("|") for t in things.get(s, ())] for sort in schema.parameters))
    ]
