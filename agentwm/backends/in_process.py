"""Engines that answer in this process, as a backend: cut into batches, metered, one at a time."""

import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from agentwm.backends.accounts import Meter
from agentwm.backends.protocol import Answer, Capabilities, Reply, Request
from agentwm.errors import BudgetReachedError

__all__ = ["Engine", "InProcess"]


class Engine(Protocol):
    """Something that answers one batch at a time."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What an answer depends on beside the request."""

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do: it is ours, so there is nothing to find out."""

    @property
    def batch_size(self) -> int:
        """How many requests it takes at once."""

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order; at most ``batch_size`` are given."""

    def close(self) -> None:
        """Release whatever is held. May be called twice."""


class InProcess:
    """A backend over an `Engine`. The budget is looked at before each batch."""

    def __init__(self, engine: Engine, meter: Meter) -> None:
        self._engine = engine
        self._meter = meter
        self._lock = threading.Lock()

    @property
    def identity(self) -> Mapping[str, str]:
        """What the engine says of itself."""
        return self._engine.identity

    def probe(self) -> Capabilities:
        """Return what the engine can do."""
        return self._engine.capabilities

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order."""
        answers: list[Answer] = []
        waiting = iter(requests)
        while batch := list(itertools.islice(waiting, self._engine.batch_size)):
            admitted, refused = self._admit(batch)
            answers += self._run(admitted) + refused
        return answers

    def _admit(self, batch: Sequence[Request]) -> tuple[Sequence[Request], list[Answer]]:
        """Return how much of ``batch`` the budget allows, and the errors for the rest."""
        for place, request in enumerate(batch):
            try:
                self._meter.admit(request.role)
            except BudgetReachedError as error:
                return batch[:place], [error.with_traceback(None)] * (len(batch) - place)
        return batch, []

    def _run(self, batch: Sequence[Request]) -> list[Answer]:
        if not batch:
            return []
        began_s = time.monotonic()
        with self._lock:
            answers = self._engine.run(batch)
        share_s = (time.monotonic() - began_s) / len(batch)
        return [self._settled(request, answer, share_s) for request, answer in zip(batch, answers, strict=True)]

    def _settled(self, request: Request, answer: Answer, share_s: float) -> Answer:
        """Return ``answer``, charged to the account, with its time: its own where it is a recorded one, else its share of the batch."""
        if not isinstance(answer, Reply):
            self._meter.fail(request.role, share_s)
            return answer
        seconds = answer.seconds or share_s
        self._meter.settle(request.role, answer.usage, seconds, earlier_attempts=answer.attempts - 1)
        return replace(answer, seconds=seconds)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()
