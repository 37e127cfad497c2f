"""Where which actions are listed: what the listings so far say of those to come.

A world may list what can be done at the moment, such as the controls of the page that is seen. In a state that is only foreseen, nothing
is listed yet; an action is taken to be possible there unless something is so of which it was known, several times, to go with its absence,
and never with its presence. Source: ours.
"""

from collections import Counter
from collections.abc import Collection, Hashable

from agentwm.exploration.familiarity import Familiarity, deed
from agentwm.planners.options import ground_actions
from agentwm.types import Action, State, Vocabulary

__all__ = ["Listings"]

ENOUGH = 2  # times that an action was not listed where a feature had a value, after which it is not looked for there


class Listings:
    """Counts, over all episodes, in what situations each action was listed, and in what situations it was not."""

    def __init__(self, vocabulary: Vocabulary, familiarity: Familiarity) -> None:
        self._vocabulary = vocabulary
        self._familiarity = familiarity
        self._present: dict[Hashable, set[Hashable]] = {}
        self._absent: dict[Hashable, Counter[Hashable]] = {}
        self._telling: dict[Hashable, set[Hashable]] = {}

    def note(self, state: State, listed: Collection[Action] | None) -> None:
        """Take in what is ``listed`` in ``state``, None where nothing is said about it."""
        if listed is None:
            return
        known = frozenset(listed)
        absent: dict[Hashable, set[Hashable]] = {}
        for action in ground_actions(state, self._vocabulary):
            done, situation = deed(state, action), self._familiarity.situation(state, action)
            if action in known:
                self._present.setdefault(done, set()).update(situation)
            else:
                absent.setdefault(done, set()).update(situation)
        for done, features in absent.items():
            self._absent.setdefault(done, Counter()).update(features)
        self._telling = {}

    def may_have(self, state: State, action: Action) -> bool:
        """Whether ``action`` may be listed in ``state``, which is foreseen."""
        telling = self._telling_of(deed(state, action))
        return not telling or telling.isdisjoint(self._familiarity.situation(state, action))

    def _telling_of(self, done: Hashable) -> set[Hashable]:
        """Return what says that what is ``done`` is not listed."""
        telling = self._telling.get(done)
        if telling is None:
            present = self._present.get(done, set())
            absent = self._absent.get(done, Counter())
            telling = {feature for feature, times in absent.items() if times >= ENOUGH and feature not in present}
            self._telling[done] = telling
        return telling
