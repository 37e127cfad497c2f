"""Reads observations that state what is in view, and remembers what went out of it."""

from agentwm.types import Action, Fluent, Observation, Perception, State, Value

__all__ = ["ViewPerceiver"]


class ViewPerceiver:
    """Perceives a world of which every observation states a part: what is not said any more is believed as it was last seen.

    Whether the action succeeded such a world does not say.
    """

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what is seen for the first time (all of it at the start) and what differs from what was believed."""
        facts = observation.facts
        if action is None:
            return Perception(told=facts)
        told: dict[Fluent, Value] = {}
        changed: dict[Fluent, Value] = {}
        known = state.get
        for fluent, value in facts.items():
            believed = known(fluent, _UNKNOWN)
            if believed is _UNKNOWN:
                told[fluent] = value
            elif believed != value:
                changed[fluent] = value
        return Perception(told, changed)


_UNKNOWN = object()
