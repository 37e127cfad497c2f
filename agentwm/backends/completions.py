"""The chat completions protocol as pure functions: a request as the body that is sent, and a reply from the bytes that come.

Only what was measured on real servers to be common ground is sent: no ``n`` (one server silently makes one choice of three), nothing
that the protocol does not name (one answers 422), and ``stream`` always said (one streams where it is not).
"""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from agentwm.backends.accounts import Usage
from agentwm.backends.protocol import Capabilities, Finish, Reply, Request
from agentwm.backends.schema import Schema, bounded_schema, without_lengths
from agentwm.backends.wording import choice_in_words, schema_in_words
from agentwm.errors import MalformedReplyError, quoted

__all__ = ["completion_body", "read_completion", "refused_parameter", "up_to"]

OPTIONAL = ("max_tokens", "temperature", "top_p", "seed", "stop")
_REFUSING = (
    "unsupported",
    "not support",
    "unrecognized",
    "unrecognised",
    "unknown",
    "unexpected",
    "extra",
    "not permitted",
)
_FINISH: dict[str | None, Finish] = {"length": "length", "content_filter": "refusal"}


def completion_body(request: Request, model: str, capabilities: Capabilities) -> dict[str, Any]:
    """Return the body that puts ``request`` to a server that can do no more than ``capabilities``."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.speaker, "content": message.text} for message in request.messages],
        "stream": False,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }
    if request.top_p != 1:
        body["top_p"] = request.top_p
    if request.draw is not None:
        body["seed"] = request.draw
    if request.stop:
        body["stop"] = list(request.stop)
    for name in capabilities.refused & body.keys():
        value = body.pop(name)
        if name == "max_tokens":  # its newer name, which older servers do not know
            body["max_completion_tokens"] = value
    _ask_for_form(body, request, capabilities)
    return body


def _ask_for_form(body: dict[str, Any], request: Request, capabilities: Capabilities) -> None:
    """Ask for the form of ``request`` in ``body``: by the protocol where the server keeps to it, in words where it does not."""
    form = _form(request)
    if form is None:
        return
    name, schema = form
    if capabilities.structured in ("bounded", "schema"):
        wanted = schema if capabilities.structured == "bounded" else without_lengths(schema)
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": name, "strict": True, "schema": wanted},
        }
        return
    if request.choices:
        words = choice_in_words(request.choices)
    else:
        words = schema_in_words(schema)
        if capabilities.structured == "object":
            body["response_format"] = {"type": "json_object"}
    # At the end: what comes before stays the same from call to call, so that servers can cache it.
    last = body["messages"][-1]
    body["messages"][-1] = {**last, "content": f"{last['content']}\n\n{words}"}


def _form(request: Request) -> tuple[str, Schema] | None:
    if request.schema is not None:
        return request.schema.__name__[:64], bounded_schema(request.schema)
    if request.choices:
        choice = {"type": "string", "enum": list(request.choices)}
        return "Choice", {
            "type": "object",
            "properties": {"choice": choice},
            "required": ["choice"],
            "additionalProperties": False,
        }
    return None


def refused_parameter(status: int, said: str, body: dict[str, Any]) -> str | None:
    """Return which optional parameter of ``body`` the server will not hear of, by what it ``said``, or None."""
    words = said.lower()
    if status not in (400, 422) or not any(word in words for word in _REFUSING):
        return None
    return next((name for name in OPTIONAL if name in body and name in words), None)


# --- what comes back -------------------------------------------------------------------------------------------


class _Details(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _Details | None = None


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: _Usage | None = None
    model: str | None = None


def read_completion(data: bytes, request: Request, *, request_id: str | None = None) -> Reply:
    """Return the reply that ``data`` holds.

    Raises: MalformedReplyError when it holds none; that may pass, and the same request be answered later.
    """
    try:
        completion = _Completion.model_validate_json(data)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise _malformed(f"{where}: {problem['msg']}" if where else problem["msg"], data) from None
    if not completion.choices:
        raise _malformed("no choices", data)
    choice = completion.choices[0]
    text = choice.message.content or ""
    finish = "refusal" if choice.message.refusal else _FINISH.get(choice.finish_reason, "stop")
    return Reply(
        text=choice.message.refusal or _chosen(up_to(text, request.stop), request),
        finish=finish,
        usage=_usage(completion.usage, request, text),
        model=completion.model or "",
        request_id=request_id,
    )


def _malformed(problem: str, data: bytes) -> MalformedReplyError:
    came = data[:200].decode(errors="replace")
    return MalformedReplyError(
        f"expected a chat completion, got {len(data)} bytes ({problem}): {quoted(came)}; "
        "is the base URL that of an OpenAI-compatible server?",
        is_transient=True,
    )


def _usage(usage: _Usage | None, request: Request, text: str) -> Usage:
    if usage is None:
        return Usage.estimated("".join(message.text for message in request.messages), text)
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
    return Usage(usage.prompt_tokens, usage.completion_tokens, cached or 0)


def up_to(text: str, stops: Sequence[str]) -> str:
    """Return ``text`` before the first of ``stops``: some servers leave it in."""
    return text[: min((place for stop in stops if (place := text.find(stop)) >= 0), default=len(text))]


def _chosen(text: str, request: Request) -> str:
    """Return the choice that ``text`` holds as JSON, where that is how it was asked for."""
    if request.choices and text.lstrip().startswith("{"):
        try:
            choice = json.loads(text)["choice"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return text
        return choice if isinstance(choice, str) else text
    return text
