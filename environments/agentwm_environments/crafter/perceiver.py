"""Reads observations of Crafter, each of which states what is in view, and remembers what went out of it."""

from collections.abc import Iterator

from agentwm.types import Action, Fluent, Observation, Perception, State, Value

from .words import AT, FACING, beside, objects_in_view

__all__ = ["CrafterPerceiver"]


class CrafterPerceiver:
    """Perceives a world that moves by itself.

    What a cell is made of is believed as it was last seen, which creature is in one only while the cell is in view. Of what differs, only
    how the player is and what is in the cell that he faced are put down to his action: all else came and went by itself, and is told like
    anything else that is seen. Whether the action succeeded the world does not say.
    """

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what is seen (all of it at the start), what the action changed, and which creatures are seen no more."""
        facts = observation.facts
        if action is None:
            return Perception(told=facts)
        told: dict[Fluent, Value] = {}
        changed: dict[Fluent, Value] = {}
        faced = beside(str(state.get(AT)), str(state.get(FACING)))
        for fluent, value in facts.items():
            if state.get(fluent, _UNKNOWN) != value:
                (changed if not fluent.args or fluent.args[0] == faced else told)[fluent] = value
        left = {fluent: state[fluent] for fluent in _believed(state) if fluent not in facts}
        emptied = {fluent for fluent, value in left.items() if fluent.args[0] == faced and value is not None}
        changed.update(dict.fromkeys(emptied))
        return Perception(told, changed, frozenset(left.keys() - emptied))


def _believed(state: State) -> Iterator[Fluent]:
    """Yield what says where creatures are believed to be: all of it was in view a step ago."""
    return (fluent for fluent in objects_in_view(str(state.get(AT))) if fluent in state)


_UNKNOWN = object()
