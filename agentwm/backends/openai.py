"""The backend ``openai``: any OpenAI-compatible server, by its base URL."""

import asyncio
import os
import random
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import SecretStr

from agentwm.backends.network import LoopThread, Send, answers, limited, metered, retried
from agentwm.backends.probing import find_structured
from agentwm.backends.protocol import Answer, Backend, BackendOptions, BackendSpec, Capabilities, Reply, Request
from agentwm.backends.server import NO_KEY, ChatServer
from agentwm.errors import BackendError, ConfigurationError

__all__ = ["SPEC", "OpenAIBackend"]

OPENAI = "https://api.openai.com/v1"


class OpenAIBackend:
    """A model behind an OpenAI-compatible server. Nothing is asked of it before the first request.

    What it can do is probed when the first request for a form comes, and remembered.
    """

    def __init__(self, options: BackendOptions, base_url: str, key: SecretStr) -> None:
        self._server = ChatServer(options.model, base_url, key, options.timeout_s)
        self._patience = options.patience
        self._meter = options.account.meter(options.model)
        self._places = asyncio.Semaphore(options.in_flight)
        self._loop = LoopThread()
        self._probing = threading.Lock()
        self._capabilities: Capabilities | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        """The server and the model."""
        return MappingProxyType({"backend": "openai", "base_url": self._server.base_url, "model": self._server.model})

    def probe(self) -> Capabilities:
        """Return what the server was seen to do. The first call asks it, on the account of the role ``probe``.

        Raises: BackendError when it cannot be asked.
        """
        with self._probing:
            if self._capabilities is None:
                structured = self._loop.run(find_structured(self._ask))
                self._capabilities = Capabilities(structured, refused=self._server.refused)
            return self._capabilities

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order, asked for side by side."""
        try:
            capabilities = self.probe() if any(each.schema or each.choices for each in requests) else Capabilities()
        except BackendError as error:
            return [error] * len(requests)
        return self._loop.run(answers(self._through(capabilities), requests))

    def close(self) -> None:
        """Close the connections and end the thread. May be called twice."""
        if self._loop.has_started:
            self._loop.run(self._server.close())
            self._loop.close()

    async def _ask(self, request: Request, capabilities: Capabilities) -> Reply:
        return await self._through(capabilities)(request)

    def _through(self, capabilities: Capabilities) -> Send:
        """Return the way to the server through all layers."""
        send = metered(partial(self._send, capabilities), self._meter)
        return limited(retried(send, self._patience, rng=random.Random()), self._places)

    async def _send(self, capabilities: Capabilities, request: Request) -> Reply:
        known = Capabilities(capabilities.structured, refused=self._server.refused)
        return await self._server.send(request, known)


def _make(options: BackendOptions) -> Backend:
    base_url = options.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"expected a base URL such as http://127.0.0.1:8000/v1, got {parts.scheme}://{parts.hostname}"
        )
    if parts.username or parts.password or parts.query:
        # Not quoted: what stands there is most likely a key.
        raise ConfigurationError("expected a base URL without user, password and query: keys belong in OPENAI_API_KEY")
    return OpenAIBackend(options, base_url.rstrip("/"), options.key or _key(base_url))


def _key(base_url: str) -> SecretStr:
    """Return the key from the environment."""
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not key and base_url == OPENAI:
        raise ConfigurationError("OpenAI wants a key: set OPENAI_API_KEY, or give the base URL of another server")
    if not key.isascii() or not key.isprintable():
        raise ConfigurationError("expected OPENAI_API_KEY to be a line of plain ASCII; what it holds cannot be sent")
    return SecretStr(key) if key else NO_KEY


SPEC = BackendSpec("openai", "any OpenAI-compatible server: openai/MODEL --base-url URL", _make)
