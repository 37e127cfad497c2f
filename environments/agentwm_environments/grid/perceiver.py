"""Reads observations that state what is in view, and remembers what went out of it."""

from agentwm.types import Action, Observation, Perception, State
from agentwm_environments.cells import news

__all__ = ["ViewPerceiver"]


class ViewPerceiver:
    """Perceives a world of which every observation states a part: what is not said any more is believed as it was last seen.

    Whether the action succeeded such a world does not say.
    """

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what is seen for the first time (all of it at the start) and what differs from what was believed."""
        if action is None:
            return Perception(told=observation.facts)
        return Perception(*news(observation.facts, state))
