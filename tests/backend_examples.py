"""Requests, replies and a backend that counts, for the tests of the backends."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from agentwm.backends.accounts import Usage
from agentwm.backends.protocol import Answer, Message, Reply, Request, expect_replies


class Guess(BaseModel):
    why: Annotated[str, Field(max_length=80)]
    p_success: Annotated[float, Field(ge=0, le=1)]


class Other(BaseModel):
    why: Annotated[str, Field(max_length=81)]


GOOD = '{"why": "it is open", "p_success": 0.5}'
BAD = '{"why": "it is open", "p_success": 5}'


def asking(text: str = "Does it work?", **settings: Any) -> Request:
    return Request((Message("system", "You predict."), Message("user", text)), role="predict", **settings)


def reply(text: str, **rest: Any) -> Reply:
    return Reply(text, Usage(10, 2), **rest)


class Counting:
    """A backend that numbers its answers, so that no two are alike, and keeps what it was asked."""

    def __init__(self, model: str = "m", says: Callable[[Request, int], Answer] | None = None) -> None:
        self.identity = {"backend": "counting", "model": model}
        self.asked: list[Request] = []
        self.is_closed = False
        self._says = says or (lambda request, number: reply(f"{request.messages[-1].text} #{number}"))

    def probe(self) -> Any: ...

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        self.asked += requests
        begin = len(self.asked) - len(requests)
        return [self._says(request, begin + number) for number, request in enumerate(requests)]

    def close(self) -> None:
        self.is_closed = True


def texts(answers: Sequence[Answer]) -> list[str]:
    return [each.text for each in expect_replies(answers)]
