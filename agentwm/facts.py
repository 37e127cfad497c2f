"""Reads observations that carry structured facts."""

from itertools import compress
from operator import is_not

from agentwm.types import Action, Fluent, Observation, Perception, State, Value

__all__ = ["FactsPerceiver"]


class FactsPerceiver:
    """Perceives a world that states all of its facts in every observation.

    Whether the action succeeded such a world does not say.
    """

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what is so (all of it at first, later what was not known before), what differs, and what is said no more."""
        facts = observation.facts
        if action is None:
            return Perception(told=facts, forgotten=frozenset(state.keys() - facts.keys()))
        if len(facts) == len(state) and list(facts) == list(state):
            # The usual case, and several times as fast: the same facts in the same order, so only what may differ is looked up.
            differing = compress(facts, map(is_not, facts.values(), state.values()))
            return Perception(changed={each: facts[each] for each in differing if state[each] != facts[each]})
        told: dict[Fluent, Value] = {}
        changed: dict[Fluent, Value] = {}
        for fluent, value in facts.items():
            known = state.get(fluent, _UNKNOWN)
            if known is _UNKNOWN:
                told[fluent] = value
            elif known != value:
                changed[fluent] = value
        is_all_said = len(state) + len(told) == len(facts)
        return Perception(told, changed, frozenset() if is_all_said else frozenset(state.keys() - facts.keys()))


_UNKNOWN = object()
