"""Reads observations of Crafter, each of which states what is in view, and remembers what went out of it."""

from collections.abc import Iterator

from agentwm.types import Action, Fluent, Observation, Perception, State, Value
from agentwm_environments.cells import STEPS, beside, news

from .words import AT, FACING, object_in, objects_in_view

__all__ = ["CrafterPerceiver"]


class CrafterPerceiver:
    """Perceives a world that moves by itself.

    What a cell is made of is believed as it was last seen, which creature is in one only while the cell is in view. Of what differs, all
    that is so of the player and what is in the cell that he faced are put down to his action: whether it was the action that did it, the
    world does not say, nor whether it succeeded. What differs elsewhere is told like anything else that is seen. So is a creature that is
    tracked into or out of the cell faced, from the next cell or to it.
    """

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what is seen (all of it at the start), what the action changed, and which creatures are seen no more."""
        facts = observation.facts
        if action is None:
            return Perception(told=facts)
        new, otherwise = news(facts, state)
        told: dict[Fluent, Value] = {}
        changed: dict[Fluent, Value] = {}
        faced = beside(str(state.get(AT)), str(state.get(FACING)))
        for fluent, value in (*new.items(), *otherwise.items()):
            is_his = not fluent.args or (fluent.args[0] == faced and not _walked(fluent, value, facts, state))
            (changed if is_his else told)[fluent] = value
        left = {fluent: state[fluent] for fluent in _believed(state) if fluent not in facts}
        emptied = {
            fluent
            for fluent, value in left.items()
            if fluent.args[0] == faced and value is not None and not _walked(fluent, value, state, facts)
        }
        changed.update(dict.fromkeys(emptied))
        return Perception(told, changed, frozenset(left.keys() - emptied))


def _believed(state: State) -> Iterator[Fluent]:
    """Yield what says where creatures are believed to be: all of it was in view a step ago."""
    return (fluent for fluent in objects_in_view(str(state.get(AT))) if fluent in state)


def _walked(fluent: Fluent, value: Value, here: State, elsewhere: State) -> bool:
    """Whether what is in a cell ``here``, at one time, may be what was, or is, in the next cell ``elsewhere``, at the other time."""
    if fluent != object_in(fluent.args[0]):
        return False
    around = (object_in(name) for step in STEPS if (name := beside(fluent.args[0], step)) is not None)
    return any(elsewhere.get(each) == value and here.get(each) != value for each in around)
