"""Gives the same question the same answer for the length of a run, also of one that was cut off and goes on.

A run is resumed by playing its interrupted episode again up to the cut, which needs the answers of then: they stand in the run's own
recording. So does what they cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentwm.backends.accounts import Account, Price, Tally
from agentwm.backends.encoding import request_key
from agentwm.backends.protocol import Answer, Backend, Reply, Request
from agentwm.backends.recording import Row
from agentwm.backends.wrapped import Wrapped

__all__ = ["Remembering", "spent_on"]


class Remembering(Wrapped):
    """A backend that remembers every reply, the first to each question; ``rows`` are those of the run so far."""

    def __init__(self, inner: Backend, rows: Sequence[Row] = ()) -> None:
        super().__init__(inner)
        self._known: dict[str, Reply] = {}
        for row in rows:
            if isinstance(row.answer, Reply):
                self._known.setdefault(row.key, row.answer)

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order; what is known is not asked, and what is asked several times is asked once."""
        keys = [request_key(request) for request in requests]
        known = {key: replace(self._known[key], is_cached=True) for key in keys if key in self._known}
        new = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
        answers: dict[str, Answer] = {**known}
        if new:
            answers |= dict(zip(new, self._inner.generate(list(new.values())), strict=True))
        for key in new:
            answer = answers[key]
            if isinstance(answer, Reply):
                self._known.setdefault(key, answer)
        return [answers[key] for key in keys]


def spent_on(rows: Sequence[Row], model: str, prices: Mapping[str, Price]) -> Mapping[str, Tally]:
    """Return what the replies of ``model`` in ``rows`` cost, per role. Calls that brought no reply are not on record."""
    account = Account(prices=prices)
    meter = account.meter(model)
    for row in rows:
        if isinstance(row.answer, Reply):
            meter.admit(row.role)
            meter.settle(row.role, row.answer.usage, row.answer.seconds, earlier_attempts=row.answer.attempts - 1)
    return account.by_role
