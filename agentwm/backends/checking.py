"""Checks every reply, and asks once more, with what was wrong, where the first answer cannot be used.

That a server was asked to keep to a schema proves nothing: replies are read here, always.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from agentwm.backends.protocol import Answer, Message, Reply, Request
from agentwm.backends.schema import bounded_schema, has_whitespace_loop, longest, read_value, without_thoughts
from agentwm.backends.wording import again
from agentwm.backends.wrapped import Wrapped
from agentwm.errors import (
    BackendError,
    InvalidReplyError,
    RefusalError,
    RequestError,
    TruncatedReplyError,
    quoted,
)

__all__ = ["Checked", "asked_again", "checked"]

LONGEST_SHOWN = 2_000  # characters of the first answer that are shown when asking again
_QUOTES = "\"'`"


def checked(request: Request, reply: Reply) -> Reply:
    """Return ``reply`` once it is known to be an answer to ``request``, with its ``value`` read.

    A reply that was cut after its JSON was complete is complete.

    Raises: RefusalError; TruncatedReplyError when it was cut or ran into whitespace; InvalidReplyError when it is not of the form.
    """
    if reply.finish == "refusal":
        raise RefusalError(f"the model declined to answer: {quoted(reply.text)}")
    text = without_thoughts(reply.text)
    is_cut = reply.finish == "length" or has_whitespace_loop(text)
    if request.schema is not None:
        try:
            return replace(reply, text=text, value=read_value(text, request.schema))
        except InvalidReplyError:
            if not is_cut:
                raise
    if is_cut:
        raise TruncatedReplyError(_cut(request, text))
    if not text.strip():
        raise InvalidReplyError("expected an answer, got an empty one")
    return replace(reply, text=_choice(text, request.choices) if request.choices else text)


def _cut(request: Request, text: str) -> str:
    shown = quoted(" ".join(text.split()))
    what = "runs into whitespace" if has_whitespace_loop(text) else f"was cut after {request.max_tokens} tokens"
    if request.schema is None:
        return f"the answer {what}: {shown}"
    most = longest(bounded_schema(request.schema))
    return f"the answer {what} before its JSON was complete ({request.schema.__name__} has up to {most} characters): {shown}"


def _choice(text: str, choices: Sequence[str]) -> str:
    said = text.strip()
    for candidate in (said, said.strip(_QUOTES), said.strip(f"{_QUOTES}.")):
        if candidate in choices:
            return candidate
    raise InvalidReplyError(f"expected exactly one of {', '.join(map(repr, choices))}, got {quoted(said)}")


def asked_again(request: Request, reply: Reply, problem: BackendError) -> Request:
    """Return ``request`` put once more, with the answer that came and what is wrong with it."""
    said = " ".join(reply.text.split())[:LONGEST_SHOWN] or "(nothing)"
    return replace(
        request,
        messages=(
            *request.messages,
            Message("assistant", said),
            Message("user", again(problem)),
        ),
    )


class Checked(Wrapped):
    """A backend whose replies have been read by their schema; those that cannot be used are asked for again, once."""

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one checked answer per request, in order.

        Raises: RequestError when the same sample of one question stands in ``requests`` twice.
        """
        _expect_distinct_samples(requests)
        came = self._inner.generate(requests)
        answers = [_answer(request, answer) for request, answer in zip(requests, came, strict=True)]
        repeated = {
            place: asked_again(requests[place], first, answer)
            for place, (first, answer) in enumerate(zip(came, answers, strict=True))
            if isinstance(first, Reply) and isinstance(answer, BackendError) and _is_curable(requests[place], answer)
        }
        if repeated:
            seconds = self._inner.generate(list(repeated.values()))
            for (place, request), second in zip(repeated.items(), seconds, strict=True):
                # Where asking again is what cannot be done (it may be too long), what was wrong at first stays to be said.
                if not isinstance(second, RequestError):
                    answers[place] = _second_answer(request, second)
        return answers


def _answer(request: Request, answer: Answer) -> Answer:
    """Return ``answer``, or what is wrong with it."""
    if isinstance(answer, BackendError):
        return answer
    try:
        return checked(request, answer)
    except BackendError as error:
        return error.with_traceback(None)


def _is_curable(request: Request, problem: BackendError) -> bool:
    if isinstance(problem, TruncatedReplyError):
        # Free text has no form to come back to: it needs more tokens, and would be cut again.
        return request.schema is not None or bool(request.choices)
    return isinstance(problem, InvalidReplyError)


def _second_answer(request: Request, answer: Answer) -> Answer:
    read = _answer(request, answer)
    if isinstance(read, Reply):
        return replace(read, is_second=True)
    # What is wrong with the reply, not with the call: the call's own error has its own message.
    return type(read)(f"{read}; it was asked twice") if isinstance(answer, Reply) else read


def _expect_distinct_samples(requests: Sequence[Request]) -> None:
    """Raise a RequestError when sampling would collapse: a cache, or a seed, gives equal samples one answer."""
    drawn = Counter(replace(request, role="") for request in requests if request.temperature > 0)
    for request, count in drawn.items():
        if count > 1:
            raise RequestError(
                f"sample {request.sample} of one question stands {count} times in a batch, and would be one answer: "
                "use Request.samples for several"
            )
