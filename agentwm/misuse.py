"""What an environment answers to those who ask it for what cannot be: the same errors, in the same words, of all of them."""

from typing import TypeVar

from agentwm.errors import EnvironmentFailureError, TaskError, quoted
from agentwm.types import Action, ActionSchema, Vocabulary

__all__ = ["begun", "episode_over", "not_begun", "schema_of", "unknown_action", "unknown_task"]

_T = TypeVar("_T")


def not_begun() -> EnvironmentFailureError:
    """Return the error of being asked before the first reset."""
    return EnvironmentFailureError("no task has been begun: expected reset first")


def begun(value: _T | None) -> _T:
    """Return ``value``, which every task has. Raises: EnvironmentFailureError where it is None: no task has been begun."""
    if value is None:
        raise not_begun()
    return value


def episode_over(action: Action) -> EnvironmentFailureError:
    """Return the error of being asked for ``action`` after the end of an episode."""
    return EnvironmentFailureError(f"the episode is over: expected reset, got the action {action}")


def unknown_action(action: Action, vocabulary: Vocabulary, *, note: str = "") -> EnvironmentFailureError:
    """Return the error of being asked for an ``action`` that is none of ``vocabulary``; ``note`` says more of those that are."""
    known = ", ".join(schema.template for schema in vocabulary.actions.values())
    return EnvironmentFailureError(f"expected one of the actions {known}{note}; got {quoted(str(action))}")


def schema_of(action: Action, vocabulary: Vocabulary) -> ActionSchema:
    """Return how ``vocabulary`` declares ``action``. Raises: EnvironmentFailureError where it does not, with so many things."""
    schema = vocabulary.actions.get(action.verb)
    if schema is None or len(schema.parameters) != len(action.args):
        raise unknown_action(action, vocabulary)
    return schema


def unknown_task(task: str, number: int) -> TaskError:
    """Return the error of being asked for a ``task`` that is none of the ``number`` there are."""
    return TaskError(f"no task {quoted(task)} among the {number} of this environment")
