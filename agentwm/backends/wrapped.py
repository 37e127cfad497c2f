"""A backend with another one beneath it: the base of every layer."""

from collections.abc import Mapping, Sequence

from agentwm.backends.protocol import Answer, Backend, Capabilities, Request

__all__ = ["Wrapped"]


class Wrapped:
    """A backend that is, but for how it generates, what is beneath it."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner

    @property
    def identity(self) -> Mapping[str, str]:
        """What is beneath."""
        return self._inner.identity

    def probe(self) -> Capabilities:
        """Return what the model beneath can do."""
        return self._inner.probe()

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order: those from beneath."""
        return self._inner.generate(requests)

    def close(self) -> None:
        """Close what is beneath."""
        self._inner.close()
