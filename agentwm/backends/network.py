"""Many calls over the network at once: a limit on those in flight, retries of each, and a meter on every attempt.

The layers are functions from one `Send` to another. From the outside in: `limited`, `retried`, `metered`, the transport. A call keeps
its place in the limit while it waits to be retried: a server that asks for patience then gets fewer calls, and the time that
a call spends in the queue does not count against its own retries.

Asyncio lives in this file and in the transport only. Its loop runs in a thread of its own, so that a batch can be asked for from
anywhere, also from a notebook, whose own loop is running.
"""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
)

from agentwm.backends.accounts import Meter
from agentwm.backends.protocol import Answer, Patience, Reply, Request
from agentwm.errors import BackendError, UnavailableError

__all__ = ["LoopThread", "Send", "answers", "limited", "metered", "retried"]

Send = Callable[[Request], Awaitable[Reply]]
T = TypeVar("T")


def limited(send: Send, places: asyncio.Semaphore) -> Send:
    """Return ``send`` with no more calls in flight than there are ``places``."""

    async def send_in_turn(request: Request) -> Reply:
        async with places:
            return await send(request)

    return send_in_turn


def metered(send: Send, meter: Meter) -> Send:
    """Return ``send`` with every attempt admitted before and charged after."""

    async def send_on_account(request: Request) -> Reply:
        meter.admit(request.role)
        began_s = time.monotonic()
        try:
            reply = await send(request)
        except BaseException:  # a call that is cancelled has cost its time, too
            meter.fail(request.role, time.monotonic() - began_s)
            raise
        seconds = time.monotonic() - began_s
        meter.settle(request.role, reply.usage, seconds)
        return replace(reply, seconds=seconds)

    return send_on_account


def retried(
    send: Send,
    patience: Patience,
    *,
    rng: random.Random,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Send:
    """Return ``send`` with failures that may pass tried again, as long as ``patience`` has it.

    A server's own Retry-After is obeyed to the letter; one that asks for more time than there is ends the call at once.
    """

    async def send_again(request: Request) -> Reply:
        retrying = AsyncRetrying(
            stop=stop_after_attempt(patience.attempts) | stop_before_delay(patience.seconds),
            wait=_waiting(patience, rng),
            retry=retry_if_exception(_is_transient),
            sleep=sleep,
            reraise=True,
        )
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(patience.seconds):
                reply: Reply = await retrying(send, request)
        except TimeoutError:
            failure: BackendError = UnavailableError(
                f"no answer within the {patience.seconds:g} s that a request may take in all"
            )
        except BackendError as error:
            failure = error
        else:
            return replace(reply, attempts=_attempts(retrying))
        failure.attempts = _attempts(retrying)
        failure.seconds = time.monotonic() - began_s
        raise failure

    return send_again


def _waiting(patience: Patience, rng: random.Random) -> Callable[[RetryCallState], float]:
    """Return how many seconds to wait after a failure: as many as the server asked for, else twice as many each time."""

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, BackendError) and error.retry_after_s is not None:
            return error.retry_after_s
        doubled_s = patience.first_wait_s * 2.0 ** (state.attempt_number - 1)
        # Calls that failed together must not come back together.
        return min(doubled_s, patience.longest_wait_s) * rng.uniform(0.5, 1.0)

    return wait


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, BackendError) and error.is_transient


def _attempts(retrying: AsyncRetrying) -> int:
    return int(retrying.statistics.get("attempt_number", 1))


class LoopThread:
    """A thread with an event loop, started when it is first needed. Once closed it is not to be used again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what ``work`` returns or raises; when this thread is interrupted meanwhile, ``work`` is cancelled."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="agentwm-backend", daemon=True)
                self._thread.start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    @property
    def has_started(self) -> bool:
        """Whether there is anything to close."""
        return self._loop is not None

    def close(self) -> None:
        """End the thread. May be called twice."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()


async def answers(send: Send, requests: Sequence[Request]) -> list[Answer]:
    """Return what ``send`` says to each of ``requests``, all of them side by side, or the `BackendError` that it raises."""
    tasks = [asyncio.ensure_future(_one(send, request)) for request in requests]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:  # those still running when one of them broke down, or all when the batch was interrupted
            task.cancel()


async def _one(send: Send, request: Request) -> Answer:
    try:
        return await send(request)
    except BackendError as error:
        # Kept as a value, it needs no frames, and whatever lies in their variables must not live on in it.
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)
