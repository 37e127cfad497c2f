"""Holds what one decision asks of a language model to its part of the budget of planning: so many calls exactly, and so many tokens.

What is asked counts, not what is paid for: a second asking counts, and so does a reply from the cache or from the run so far, like a fresh
one. So a run that goes on after it was cut off decides as it did before.
"""

import threading
from collections.abc import Sequence

from agentwm.backends.protocol import Answer, Backend, Reply, Request
from agentwm.backends.wrapped import Wrapped
from agentwm.errors import DecisionSpentError

__all__ = ["Allowance", "Rationed"]


class Allowance:
    """What may be asked from `begin` to `end`; before and after there is no limit. Safe in several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._most_calls: int | None = None
        self._most_tokens: int | None = None
        self._calls = 0
        self._tokens = 0

    def begin(self, calls: int | None, tokens: int | None) -> None:
        """Begin a decision that may make so many calls and spend so many tokens, None for no limit."""
        with self._lock:
            self._most_calls, self._most_tokens = calls, tokens
            self._calls = self._tokens = 0

    def end(self) -> tuple[int, int]:
        """End the decision, so that there is no limit any more; return the calls and tokens it took."""
        with self._lock:
            self._most_calls = self._most_tokens = None
            return self._calls, self._tokens

    def admit(self, wanted: int) -> int:
        """Return how many of ``wanted`` calls may be made, and count these; where tokens are left for one, there are for all."""
        with self._lock:
            if self._most_tokens is not None and self._tokens >= self._most_tokens:
                return 0
            left = wanted if self._most_calls is None else self._most_calls - self._calls
            admitted = max(0, min(wanted, left))
            self._calls += admitted
            return admitted

    def charge(self, tokens: int) -> None:
        """Count the tokens of a reply."""
        with self._lock:
            self._tokens += tokens

    def refusal(self) -> DecisionSpentError:
        """Return the error that says why a call is not made."""
        limits = (("calls", self._calls, self._most_calls), ("tokens", self._tokens, self._most_tokens))
        reached = ", ".join(
            f"{used} of {most} {name}" for name, used, most in limits if most is not None and used >= most
        )
        return DecisionSpentError(f"what one decision may ask of a language model is spent: {reached}")


class Rationed(Wrapped):
    """A backend that asks no more than its `Allowance` admits; the requests of a batch beyond that are refused, the last ones first."""

    def __init__(self, inner: Backend, allowance: Allowance) -> None:
        super().__init__(inner)
        self._allowance = allowance

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order: a DecisionSpentError for each that was not let through."""
        admitted = self._allowance.admit(len(requests))
        answers = self._inner.generate(requests[:admitted]) if admitted else []
        for answer in answers:
            if isinstance(answer, Reply):
                self._allowance.charge(answer.usage.input_tokens + answer.usage.output_tokens)
        return [*answers, *(self._allowance.refusal() for _ in requests[admitted:])]
