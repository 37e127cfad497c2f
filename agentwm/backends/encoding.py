"""Requests and replies as JSON, and the keys under which replies are kept."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agentwm.backends.accounts import Usage
from agentwm.backends.protocol import Finish, Reply, Request
from agentwm.backends.schema import bounded_schema

__all__ = ["cache_key", "canonical", "digest", "reply_from", "reply_record", "request_key", "request_record"]

_KEPT = ("text", "finish", "model", "request_id", "seconds", "attempts")
_FINISH: TypeAdapter[Finish] = TypeAdapter(Finish)


def request_record(request: Request) -> dict[str, Any]:
    """Return ``request`` as JSON: all that the answer depends on, so without ``role``."""
    return {
        "messages": [list(message) for message in request.messages],
        "schema": None if request.schema is None else bounded_schema(request.schema),
        "choices": list(request.choices),
        "max_tokens": request.max_tokens,
        "temperature": float(request.temperature),
        "top_p": float(request.top_p),
        "seed": request.seed,
        "stop": list(request.stop),
        "sample": request.sample,
    }


def request_key(request: Request) -> str:
    """Return the name of ``request``, the same for every model: what a recording is looked up by."""
    return digest(request_record(request))


def cache_key(identity: Mapping[str, str], request: Request) -> str:
    """Return the name of ``request`` put to one model: what a cache is looked up by.

    Source: four projects shipped caches that left out the temperature or the sample, and so gave one answer for many (ours: notes).
    """
    return digest({"identity": dict(identity), "request": request_record(request)})


def digest(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of ``record`` in its canonical form."""
    return hashlib.sha256(canonical(record).encode()).hexdigest()


def canonical(record: Mapping[str, Any]) -> str:
    """Return ``record`` as JSON in one and only one way, in ASCII."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)


def reply_record(reply: Reply) -> dict[str, Any]:
    """Return ``reply`` as JSON, as it came: before it was checked."""
    record: dict[str, Any] = {name: getattr(reply, name) for name in _KEPT}
    record["usage"] = {name: getattr(reply.usage, name) for name in Usage.__slots__}
    record["scores"] = None if reply.scores is None else list(reply.scores)
    return record


def reply_from(record: Mapping[str, Any]) -> Reply:
    """Return the reply that `reply_record` wrote.

    Raises: ValueError when ``record`` is something else.
    """
    try:
        scores = record["scores"]
        return Reply(
            text=str(record["text"]),
            usage=Usage(**record["usage"]),
            finish=_FINISH.validate_python(record["finish"]),
            model=record["model"],
            request_id=record["request_id"],
            seconds=float(record["seconds"]),
            attempts=int(record["attempts"]),
            scores=None if scores is None else tuple(map(float, scores)),
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise ValueError(f"not a reply: {error}") from error
