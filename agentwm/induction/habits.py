"""What comes now and then without being foretold: after the first few times it is no news, and no rule is to blame for it."""

from collections import deque

from agentwm.types import Fluent, State, Transition, Value

__all__ = ["Habits"]

TIMES = 3  # that something came unforetold, after which it is used to come so
LATELY = 200  # transitions in which it must have come so often


class Habits:
    """What came unforetold of late, by the names of the fluents that changed."""

    def __init__(self) -> None:
        self._came: dict[str, deque[int]] = {}
        self._number = 0

    def news(self, transition: Transition) -> State:
        """Take note of the next transition; return what is surprising in it.

        That is not what changed although no rule spoke of it, if it came so again and again of late: whether it comes says nothing about
        rules that spoke of other things.
        """
        number, self._number = self._number, self._number + 1
        surprise = transition.surprise
        predicted = transition.predicted
        spoken = {fluent for outcome in (predicted.outcomes if predicted else ()) for fluent in outcome.changes}
        unspoken = surprise.keys() - spoken
        used_to = {name for name in {fluent.name for fluent in unspoken} if self._is_used_to(name, number)}
        news: dict[Fluent, Value] = {f: v for f, v in surprise.items() if f in spoken or f.name not in used_to}
        for name in {fluent.name for fluent in unspoken}:
            self._came.setdefault(name, deque(maxlen=TIMES)).append(number)
        return news

    def _is_used_to(self, name: str, number: int) -> bool:
        came = self._came.get(name)
        return came is not None and len(came) == TIMES and number - came[0] <= LATELY
