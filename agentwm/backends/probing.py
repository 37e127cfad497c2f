"""Finds out how far a server holds a model to a JSON schema, by trying.

A question in prose is asked together with a schema that the question does not speak of. Only a server that enforces it makes a model
answer in that form; one that merely accepts ``response_format`` answers in prose, and is found out.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from agentwm.backends.protocol import Capabilities, Message, Reply, Request, Structured
from agentwm.backends.schema import read_value
from agentwm.errors import InvalidReplyError, RequestError

__all__ = ["Ask", "find_structured"]

Ask = Callable[[Request, Capabilities], Awaitable[Reply]]

QUESTION = "Describe the sea in one long sentence."
PROBE_TOKENS = (512, 96)  # enough for a model that thinks first; and for one whose context has no room for that


class _Bounded(BaseModel):
    """A form that nobody would guess, with a string shorter than any description."""

    code: Literal["ochre-17", "violet-23"]
    words: Annotated[str, Field(max_length=12)]


class _Open(BaseModel):
    """The same without the bound."""

    code: Literal["ochre-17", "violet-23"]
    words: str


_WILL_NOT_HEAR_OF_IT = (400, 422)
_TRIALS: tuple[tuple[Structured, type[BaseModel]], ...] = (
    ("bounded", _Bounded),
    ("schema", _Open),
    ("object", _Open),
)


async def find_structured(ask: Ask) -> Structured:
    """Return how far the server behind ``ask`` keeps to a schema; few calls, on the account of the role ``probe``.

    Raises: BackendError when the server cannot be asked at all.
    """
    for structured, form in _TRIALS:
        try:
            reply = await _answer(ask, Capabilities(structured))
            read_value(reply.text, form)
        except RequestError as error:
            if error.status not in _WILL_NOT_HEAR_OF_IT:
                raise
        except InvalidReplyError:
            pass  # it was accepted, and is not done
        else:
            return structured
    return "none"


async def _answer(ask: Ask, capabilities: Capabilities) -> Reply:
    long, short = (
        Request((Message("user", QUESTION),), role="probe", schema=_Bounded, max_tokens=tokens)
        for tokens in PROBE_TOKENS
    )
    try:
        return await ask(long, capabilities)
    except RequestError as error:
        if error.status not in _WILL_NOT_HEAR_OF_IT:
            raise
        # Perhaps for want of room; every server has its own words for that.
        return await ask(short, capabilities)
