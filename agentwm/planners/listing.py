"""What the environment lists as admissible, for a planner that is to keep to it."""

from collections.abc import Sequence

from agentwm.types import Action, Observation, Transition

__all__ = ["listed_actions"]


def listed_actions(opening: Observation | None, history: Sequence[Transition]) -> tuple[Action, ...] | None:
    """Return the actions that the latest observation lists, ``opening`` being the first one of the episode.

    None where it lists none, or where ``opening`` is None: the list is not wanted.
    """
    if opening is None:
        return None
    return history[-1].observation.actions if history else opening.actions
