"""The transport to an OpenAI-compatible server: one call, and every way in which it fails as an error of ours.

The SDK's own retries are off: there is one layer of them (`agentwm.backends.network`), or they would multiply. The body is read here,
piece by piece: the SDK raises a bare JSONDecodeError for broken JSON and returns a str for HTML, and either loses status and request id.

The key lies in the SDK's client and in a SecretStr, nowhere else. What a server says may quote it, so it is cut out of that, and no
error of the SDK's is chained to one of ours.
"""

import asyncio
import email.utils
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from agentwm.backends.completions import completion_body, read_completion, refused_parameter
from agentwm.backends.protocol import Capabilities, Reply, Request
from agentwm.errors import (
    BackendError,
    MalformedReplyError,
    RateLimitError,
    RequestError,
    UnavailableError,
    quoted,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["ChatServer", "retry_after_s"]

LONGEST_REPLY = 4_000_000  # bytes; 128 thousand tokens of English are a sixth of it
LONGEST_QUOTE = 500
SHORTEST_SECRET = 12  # characters
_PASSING = frozenset({408, 409, 425})
NO_KEY = SecretStr("none")  # servers of one's own want none, the SDK does


class ChatServer:
    """One model of one server. Its coroutines belong to one event loop.

    ``refused`` grows as the server turns down parameters: the call that found out is tried again without.
    """

    def __init__(self, model: str, base_url: str, key: SecretStr, timeout_s: float) -> None:
        self.model = model
        self.base_url = base_url
        self.refused: frozenset[str] = frozenset()
        self._key = key
        self._timeout_s = timeout_s
        self._client: AsyncOpenAI | None = None

    async def send(self, request: Request, capabilities: Capabilities) -> Reply:
        """Return the reply to ``request``, asked for as ``capabilities`` allow.

        Raises: BackendError, of the kind that says what went wrong.
        """
        body = completion_body(request, self.model, capabilities)
        data, request_id, failure = await self._call(body)
        if failure is not None:
            # Not from within an except clause: the SDK's error would hang on to it.
            raise failure
        return read_completion(data, request, request_id=request_id)

    async def _call(self, body: dict[str, Any]) -> tuple[bytes, str | None, BackendError | None]:
        """Return the bytes of the answer to ``body`` and its request id, or why there are none."""
        import httpx2  # noqa: PLC0415 -- 0.4 s, and only those who ask a server need it
        import openai  # noqa: PLC0415 -- 1.6 s, as above

        try:
            async with asyncio.timeout(self._timeout_s):
                async with self._opened().chat.completions.with_streaming_response.create(**body) as response:
                    data = bytearray()
                    async for piece in response.iter_bytes():
                        data += piece
                        if len(data) > LONGEST_REPLY:
                            return b"", None, self._endless()
                    return self._without_key(bytes(data)), response.request_id, None
        except (TimeoutError, openai.APITimeoutError):
            return b"", None, self._unavailable(f"gave no answer within {self._timeout_s:g} s")
        except openai.APIStatusError as error:
            return b"", None, self._turned_down(error.status_code, error.response.headers, error.response.text, body)
        except openai.APIConnectionError as error:
            return b"", None, self._unavailable(f"cannot be reached ({_told(error.__cause__ or error)})")
        except httpx2.HTTPError as error:
            return b"", None, self._unavailable(f"broke off its answer ({_told(error)})")

    def _opened(self) -> "AsyncOpenAI":
        import openai  # noqa: PLC0415 -- 1.6 s, and only those who ask a server need it

        if self._client is None:
            self._client = openai.AsyncOpenAI(
                api_key=self._key.get_secret_value(),
                base_url=self.base_url,
                max_retries=0,
                timeout=self._timeout_s,
            )
        return self._client

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    # --- failures ---

    def _unavailable(self, what: str) -> UnavailableError:
        return UnavailableError(self._redacted(f"the server at {self.base_url} {what}"), is_transient=True)

    def _endless(self) -> MalformedReplyError:
        return MalformedReplyError(
            f"expected a chat completion from {self.base_url}, got more than {LONGEST_REPLY:,} bytes", is_transient=True
        )

    def _turned_down(self, status: int, headers: Mapping[str, str], said: str, body: dict[str, Any]) -> BackendError:
        """Return the error for a ``status`` of 400 and above."""
        answer = self._redacted(f"the server at {self.base_url} answered {status}: {quoted(said, limit=LONGEST_QUOTE)}")
        wait_s = retry_after_s(headers, now=time.time())
        if wait_s:
            answer += f", and asks to wait for {wait_s:g} s"
        hint = headers.get("x-should-retry", "")
        if status == 429:
            is_transient = hint != "false" and "insufficient_quota" not in said
            return RateLimitError(answer, is_transient=is_transient, retry_after_s=wait_s)
        if status >= 500 or status in _PASSING:
            return UnavailableError(answer, is_transient=hint != "false", retry_after_s=wait_s)
        if parameter := refused_parameter(status, said, body):
            self.refused |= {parameter}
            return RequestError(answer, status=status, is_transient=True, retry_after_s=0.0)
        advice = _ADVICE.get(status, "mend the request")
        return RequestError(f"{answer}; {advice}", status=status, is_transient=hint == "true")

    def _redacted(self, text: str) -> str:
        return text.replace(self._key.get_secret_value(), "[key]") if self._is_secret else text

    def _without_key(self, data: bytes) -> bytes:
        return data.replace(self._key.get_secret_value().encode(), b"[key]") if self._is_secret else data

    @property
    def _is_secret(self) -> bool:
        # "EMPTY" and the like, which servers of one's own are given, are words that a reply may well hold.
        return len(self._key) >= SHORTEST_SECRET


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__


_ADVICE = {
    401: "set OPENAI_API_KEY to a key that it accepts",
    403: "set OPENAI_API_KEY to a key that may use this model",
    404: "check the model's name and the base URL, which usually ends in /v1",
    413: "ask for less at once",
}


def retry_after_s(headers: Mapping[str, str], *, now: float) -> float | None:
    """Return how many seconds ``headers`` ask to wait, in any of the three ways of saying it, or None. ``now`` is seconds since 1970."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        if (after := headers.get("retry-after")) is None:
            return None
        if after.replace(".", "", 1).isdecimal():
            return float(after)
        return max(0.0, email.utils.parsedate_to_datetime(after).timestamp() - now)
    except (ValueError, OverflowError):
        return None  # a header that makes no sense asks for nothing
