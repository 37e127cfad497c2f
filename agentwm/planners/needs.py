"""What runs out by itself and must be renewed in time: numbers that were told to have fallen, and are low.

For worlds that go on by themselves: what pays is worth nothing to whoever starved on the way. Nobody says what is needed; that a number
falls whatever is done is seen, and how it is renewed is for the rules to say.

Source: homeostasis, keeping what is vital within bounds (Ashby, 1952; as a drive of agents, Konidaris & Barto, 2006); ours is what counts.
"""

from collections.abc import Iterator, Sequence

from agentwm.types import Condition, Fluent, Ref, State, Transition

__all__ = ["Needs"]

LOW = 0.4  # of the most that there was, from where on it is renewed: what renews it may be far
PLENTY = 0.9  # of the most, up to where it is then renewed: whoever is there need not come again so soon


class Needs:
    """Takes note, in one episode, of what falls by itself."""

    def __init__(self) -> None:
        self._most: dict[Fluent, float] = {}
        self._renewed: set[Fluent] = set()
        self._noted = 0

    def note(self, history: Sequence[Transition]) -> None:
        """Take note of what is new in ``history``, that of the episode so far."""
        for transition in history[self._noted :]:
            before = transition.before
            for fluent in transition.told:
                was, now = before.get(fluent), transition.after.get(fluent)
                if not fluent.args and type(was) is int and type(now) is int and now < was:
                    self._most.setdefault(fluent, was)
        self._noted = len(history)

    def pressing(self, state: State) -> Iterator[Condition]:
        """Yield that there be more of what is low in ``state``, or was and is not plenty yet, the lowest first."""
        amounts = {fluent: value for fluent in self._most if isinstance(value := state.get(fluent), int)}
        for fluent, amount in sorted(amounts.items(), key=lambda item: (item[1], item[0].name)):
            most = self._most[fluent] = max(self._most[fluent], amount)
            if amount <= LOW * most:
                self._renewed.add(fluent)
            elif amount >= PLENTY * most:
                self._renewed.discard(fluent)
            if fluent in self._renewed:
                yield Condition(Ref(fluent.name), ">", amount)
