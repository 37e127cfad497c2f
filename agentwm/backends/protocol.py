"""What goes to a language model and comes back, and what every backend does: requests in, answers out, in order.

A batch may be as large as you like: how many calls are in flight is the backend's own affair, and so is waiting. One answer stands
for each request, a `Reply` or the `BackendError` that says why there is none, so one bad call never loses the others.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, Self

from pydantic import BaseModel, SecretStr

from agentwm.backends.accounts import Account, Usage
from agentwm.backends.schema import Form, bounded_schema
from agentwm.errors import BackendError, InvalidReplyError, RequestError, quoted

__all__ = [
    "Answer",
    "Backend",
    "BackendOptions",
    "BackendSpec",
    "Capabilities",
    "Finish",
    "Message",
    "Patience",
    "Reply",
    "Request",
    "Speaker",
    "Structured",
    "Usage",
    "expect_replies",
]

Speaker = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "refusal"]
Structured = Literal["bounded", "schema", "object", "none"]


class Message(NamedTuple):
    """One turn of a conversation."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a language model. Two requests that are equal but for ``role`` are the same question.

    The answer is JSON of the form ``schema``, one of the strings ``choices``, or free text where neither is given. ``role`` is the
    role of the agent that asks, for the account. ``temperature`` 0 is greedy. ``sample`` counts the answers wanted to one question:
    those of different samples are drawn apart, and the same sample is the same answer, so that a cache may keep it. ``seed`` None
    leaves the draw to the model.

    Raises: RequestError for values that no model can serve; SchemaError where ``schema`` has no bound.
    """

    messages: tuple[Message, ...]
    role: str = ""
    schema: type[BaseModel] | None = None
    choices: tuple[str, ...] = ()
    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    sample: int = 0

    def __post_init__(self) -> None:
        if not self.messages or self.messages[-1].speaker != "user":
            raise RequestError(f"expected messages that end with the user's, got {quoted(self.messages)}")
        if self.schema is not None and self.choices:
            raise RequestError("expected a schema or choices, got both: drop one")
        if len(set(self.choices)) < len(self.choices) or any(not each.strip() for each in self.choices):
            raise RequestError(f"expected choices that differ and are not empty, got {quoted(self.choices)}")
        if self.max_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1 or self.sample < 0:
            raise RequestError(
                "expected max_tokens >= 1, temperature >= 0, 0 < top_p <= 1 and sample >= 0, "
                f"got {self.max_tokens}, {self.temperature}, {self.top_p} and {self.sample}"
            )
        if self.schema is not None:
            bounded_schema(self.schema)

    @property
    def draw(self) -> int | None:
        """The seed that this sample is drawn with, another one for each sample; None leaves it to the model."""
        if self.seed is None or self.sample == 0:
            return self.seed
        # Added up, sample 1 of seed 0 would be sample 0 of seed 1.
        return zlib.crc32(f"{self.seed}/{self.sample}".encode()) >> 1

    def samples(self, count: int) -> list[Self]:
        """Return ``count`` requests for as many answers to this question, each drawn apart from the others."""
        return [replace(self, sample=self.sample + number) for number in range(count)]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered.

    ``value`` is the answer read by the request's schema, once it was checked. ``scores`` are log-probabilities, one per choice, where
    the backend can tell. ``attempts`` counts the calls it took; ``is_second`` marks the answer to a question asked again because
    the first answer could not be used, ``is_cached`` one that cost nothing. ``model`` is who answered, by the server's account.
    """

    text: str
    usage: Usage
    finish: Finish = "stop"
    model: str = ""
    request_id: str | None = None
    seconds: float = 0.0
    attempts: int = 1
    scores: tuple[float, ...] | None = None
    value: BaseModel | None = None
    is_second: bool = False
    is_cached: bool = False

    def read(self, schema: type[Form]) -> Form:
        """Return ``value``, known to be of the form that was asked for.

        Raises: InvalidReplyError when another form, or none, was asked for.
        """
        if not isinstance(self.value, schema):
            raise InvalidReplyError(f"expected a reply of the form {schema.__name__}, got {quoted(self.value)}")
        return self.value


Answer = Reply | BackendError


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model was seen to do.

    ``structured`` is how far it is held to a schema: with all its bounds (``bounded``), less those on strings (``schema``), to some
    JSON object (``object``), or not at all, so that it has to be asked in words. ``has_scores`` is whether it weighs choices by
    log-probability. ``refused`` names the parameters that it will not hear of. ``context_tokens`` None is not known.
    """

    structured: Structured = "none"
    has_scores: bool = False
    refused: frozenset[str] = frozenset()
    context_tokens: int | None = None


class Backend(Protocol):
    """A language model, wherever it runs."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What an answer depends on beside the request: backend, model, base URL, version. Never a secret."""

    def probe(self) -> Capabilities:
        """Return what the model can do, tried out on the first call and remembered.

        Raises: BackendError when it cannot be reached.
        """

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order. Can be called from several threads."""

    def close(self) -> None:
        """Release whatever is held. May be called twice."""


def expect_replies(answers: Sequence[Answer]) -> list[Reply]:
    """Return ``answers`` when all of them are replies; raise the first error among them otherwise."""
    for answer in answers:
        if isinstance(answer, BackendError):
            raise answer
    return [answer for answer in answers if isinstance(answer, Reply)]


# --- making one ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request is tried: ``attempts`` calls, ``seconds`` in all, waits between them included.

    A server that says how long to wait is obeyed; else waits double from ``first_wait_s`` to ``longest_wait_s``.
    """

    attempts: int = 5
    seconds: float = 300.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """What a user may ask of a backend.

    ``model`` is what the backend knows it by: a name, a folder, a file. ``key`` None is looked for in the environment. ``in_flight``
    is the greatest number of calls under way at once, or of rows in one batch; one call may take ``timeout_s``. ``settings`` are the
    backend's own, by name.
    """

    model: str
    base_url: str | None = None
    key: SecretStr | None = None
    in_flight: int = 16
    timeout_s: float = 120.0
    patience: Patience = field(default_factory=Patience)
    account: Account = field(default_factory=Account)
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """What an entry point of the group ``agentwm.backends`` names.

    ``make`` returns the bare backend, which meters what it asks in the account of its options; `agentwm.backends.layers` puts
    checking, cache and recording above it. ``missing`` returns what stops it from running here, or None. ``names_code`` says that its
    model is code, which is imported and called: such a one is taken from whoever starts a run, never from a file alone.
    """

    name: str
    summary: str
    make: Callable[[BackendOptions], Backend]
    missing: Callable[[], str | None] = lambda: None
    names_code: bool = False
