"""The layers of a call over the network, each alone, with time and failure made up."""

import asyncio
import random
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any

import pytest

from agentwm.backends.accounts import Account, Budget, Usage
from agentwm.backends.completions import completion_body, read_completion, refused_parameter
from agentwm.backends.network import LoopThread, Send, answers, limited, metered, retried
from agentwm.backends.protocol import Capabilities, Message, Patience, Reply, Request
from agentwm.backends.server import retry_after_s
from agentwm.errors import (
    BackendError,
    BudgetReachedError,
    ConfigurationError,
    MalformedReplyError,
    RateLimitError,
    RequestError,
    UnavailableError,
)

REQUEST = Request((Message("user", "hello"),), role="predict")
REPLY = Reply("hi", Usage(5, 2))
BUSY = RateLimitError("slow down", is_transient=True)


def failing(*failures: BackendError | None) -> tuple[Send, list[Request]]:
    """Return a way to send that fails so, and then answers; and what went through it."""
    sent: list[Request] = []
    waiting = iter(failures)

    async def send(request: Request) -> Reply:
        sent.append(request)
        if failure := next(waiting, None):
            raise failure
        return REPLY

    return send, sent


def tried(patience: Patience, *failures: BackendError | None) -> tuple[Reply | BackendError, list[float], int]:
    """Return the answer, the waits before it and the number of calls."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    send, sent = failing(*failures)
    [answer] = asyncio.run(answers(retried(send, patience, rng=random.Random(0), sleep=sleep), [REQUEST]))
    return answer, waits, len(sent)


# --- retries --------------------------------------------------------------------------------------------------------


def test_what_may_pass_is_tried_again_with_doubling_waits_never_in_step() -> None:
    answer, waits, calls = tried(Patience(first_wait_s=1.0, longest_wait_s=3.0), BUSY, BUSY, BUSY, BUSY)
    assert isinstance(answer, Reply)
    assert (answer.attempts, calls) == (5, 5)
    assert all(longest / 2 <= wait <= longest for wait, longest in zip(waits, (1, 2, 3, 3), strict=True))
    assert len(set(waits)) == 4


@pytest.mark.parametrize(
    "error", [RequestError("wrong key", status=401), UnavailableError("never again"), BudgetReachedError("spent")]
)
def test_what_will_not_pass_is_not_tried_again(error: BackendError) -> None:
    answer, _, calls = tried(Patience(), error)
    assert (answer, calls) == (error, 1)


def test_the_wait_a_server_asks_for_is_obeyed_to_the_letter() -> None:
    asked = RateLimitError("slow down", is_transient=True, retry_after_s=7.25)
    _, waits, _ = tried(Patience(), asked, BUSY)
    assert waits[0] == 7.25
    assert waits[1] < 7


def test_a_server_that_asks_for_more_time_than_there_is_ends_the_call_at_once() -> None:
    asked = RateLimitError("slow down", is_transient=True, retry_after_s=600)
    answer, waits, calls = tried(Patience(seconds=60), asked)
    assert (answer, waits, calls) == (asked, [], 1)


def test_the_last_failure_says_how_often_it_was_tried() -> None:
    answer, _, calls = tried(Patience(attempts=3), *[UnavailableError("the server is down", is_transient=True)] * 9)
    assert isinstance(answer, UnavailableError)
    assert calls == answer.attempts == 3
    assert str(answer).startswith("the server is down (after 3 attempts in 0.")


def test_all_attempts_together_keep_within_the_time_given() -> None:
    async def never(_: Request) -> Reply:
        await asyncio.sleep(30)
        return REPLY

    [answer] = asyncio.run(answers(retried(never, Patience(seconds=0.05), rng=random.Random(0)), [REQUEST]))
    assert isinstance(answer, UnavailableError)
    assert "0.05 s" in str(answer)


def test_time_in_the_queue_does_not_count_against_the_retries() -> None:
    async def slow(_: Request) -> Reply:
        await asyncio.sleep(0.02)
        return REPLY

    async def ask() -> Sequence[object]:
        send = limited(retried(slow, Patience(seconds=0.1), rng=random.Random(0)), asyncio.Semaphore(1))
        return await answers(send, [REQUEST] * 12)

    assert all(isinstance(answer, Reply) for answer in asyncio.run(ask()))


# --- limit and meter ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_no_more_calls_are_in_flight_than_the_limit_and_no_fewer_are_wanted(limit: int) -> None:
    flying, most = 0, 0

    async def send(_: Request) -> Reply:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        return REPLY

    async def ask() -> None:
        await answers(limited(send, asyncio.Semaphore(limit)), [REQUEST] * 20)

    asyncio.run(ask())
    assert most == min(limit, 20)


def test_every_attempt_is_metered_the_failed_ones_too() -> None:
    account = Account()
    send, _ = failing(BUSY, BUSY)
    chain = retried(metered(send, account.meter("m")), Patience(first_wait_s=0), rng=random.Random(0))
    asyncio.run(answers(chain, [REQUEST]))
    total = account.by_role["predict"]
    assert (total.calls, total.failed_calls, total.tokens) == (3, 2, 7)


def test_a_budget_ends_retries_and_keeps_what_was_answered() -> None:
    account = Account(Budget(calls=4))
    send, sent = failing(None, BUSY, BUSY)
    chain = limited(
        retried(metered(send, account.meter("m")), Patience(first_wait_s=0), rng=random.Random(0)), asyncio.Semaphore(1)
    )
    first, second, third = asyncio.run(answers(chain, [REQUEST] * 3))
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert isinstance(third, BudgetReachedError)
    assert len(sent) == account.total.calls == 4


def test_an_error_kept_as_a_value_holds_on_to_no_frames_and_no_other_errors() -> None:
    async def send(_: Request) -> Reply:
        try:
            return dict[str, Reply]()["sk-secret"]
        except KeyError as error:
            raise UnavailableError("down") from error

    [answer] = asyncio.run(answers(send, [REQUEST]))
    assert isinstance(answer, UnavailableError)
    assert (answer.__traceback__, answer.__cause__, answer.__context__) == (None, None, None)


def test_a_mistake_of_the_program_is_raised_and_ends_the_batch() -> None:
    ended = []

    async def send(request: Request) -> Reply:
        if request.sample == 1:
            raise ConfigurationError("no price")
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(request.sample)
        return REPLY

    with pytest.raises(ConfigurationError):
        asyncio.run(answers(send, REQUEST.samples(3)))
    assert sorted(ended) == [0, 2]


def test_a_batch_can_be_asked_for_while_another_loop_runs_as_in_a_notebook() -> None:
    loop = LoopThread()
    send, _ = failing()

    async def cell() -> list[Any]:
        return loop.run(answers(send, [REQUEST]))

    assert asyncio.run(cell()) == [REPLY]
    loop.close()
    loop.close()


def test_an_interrupt_cancels_the_calls_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, events = LoopThread(), []

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            events.append("cancelled")
            raise

    real: Callable[..., Any] = asyncio.run_coroutine_threadsafe

    def interrupted(*args: Any) -> Any:
        future = real(*args)

        def result() -> None:
            real(asyncio.sleep(0.01), args[1]).result()  # the work has begun
            raise KeyboardInterrupt

        future.result = result
        return future

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        loop.run(work())
    monkeypatch.undo()
    loop.run(asyncio.sleep(0.01))
    assert events == ["cancelled"]
    loop.close()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "140", "retry-after": "9"}, 0.14),
        ({"retry-after": formatdate(1_000_012, usegmt=True)}, 12.0),
        ({"retry-after": formatdate(999_000, usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "x"}, None),
    ],
)
def test_retry_after_is_read_in_all_the_ways_of_saying_it(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, now=1_000_000.0) == seconds


# --- bodies ---------------------------------------------------------------------------------------------------------------


def test_only_what_differs_from_the_ordinary_is_sent_and_stream_is_always_said() -> None:
    assert completion_body(REQUEST, "m", Capabilities()) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": False,
        "max_tokens": 512,
        "temperature": 0.0,
    }


def test_a_refused_limit_is_sent_by_its_newer_name_and_other_refused_parameters_not_at_all() -> None:
    request = Request((Message("user", "hello"),), seed=3, top_p=0.5, stop=("\n",))
    body = completion_body(request, "m", Capabilities(refused=frozenset({"max_tokens", "temperature", "stop"})))
    assert body["max_completion_tokens"] == 512
    assert (body["seed"], body["top_p"]) == (3, 0.5)
    assert not {"max_tokens", "temperature", "stop"} & body.keys()


@pytest.mark.parametrize(
    ("status", "said", "name"),
    [
        (
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens",
        ),
        (400, "Unsupported value: 'temperature' does not support 0 with this model.", "temperature"),
        (422, '{"detail": "Unexpected keys in the request: {\'seed\'}"}', "seed"),
        (400, "max_tokens is too large: 512. This model's maximum context length is 256 tokens.", None),
        (429, "Unsupported: temperature", None),
        (400, "Unsupported parameter: 'top_k'", None),
    ],
)
def test_a_refused_parameter_is_told_from_one_that_is_merely_too_large(
    status: int, said: str, name: str | None
) -> None:
    assert refused_parameter(status, said, {"max_tokens": 512, "temperature": 0, "seed": 1}) == name


def test_a_server_that_keeps_to_nothing_is_asked_in_words_at_the_end_of_the_last_message() -> None:
    request = Request((Message("system", "You choose."), Message("user", "Which?")), choices=("open", "take"))
    told, asked = completion_body(request, "m", Capabilities())["messages"]
    assert told["content"] == "You choose."
    assert asked["content"].startswith("Which?\n\n")
    assert asked["content"].endswith("\nopen\ntake")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b"\xff\xfe",
        b"[" * 9_999,
    ],
)
def test_whatever_is_no_completion_is_malformed_and_may_pass(data: bytes) -> None:
    with pytest.raises(MalformedReplyError) as error:
        read_completion(data, REQUEST)
    assert error.value.is_transient


def test_a_stop_string_left_in_the_text_is_cut_and_uncounted_tokens_are_estimated() -> None:
    request = Request((Message("user", "x" * 40),), stop=("\n",))
    reply = read_completion(b'{"choices": [{"message": {"content": "one\\ntwo"}}]}', request)
    assert (reply.text, reply.usage) == ("one", Usage(10, 2, is_estimated=True))
