"""Speaks the WebDriver protocol to a driver on this machine, over the standard library's HTTP client.

Source: W3C, "WebDriver", sections 6 to 17; only what is needed here.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["DriverError", "Node", "Session", "begin"]

_NODE = "element-6066-11e4-a52e-4f735466cecf"
"""The name under which the protocol hands out a reference to an element."""

_STARTUP_S = 30.0


class DriverError(Exception):
    """Says that the driver refused a command, took too long or is gone; ``code`` is the protocol's word, or "lost" or "timeout"."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Node:
    """A reference to an element of the page that is open: the same for the same element, as long as its document is there."""

    id: str


class Session:
    """A browser that a driver has begun: ``limit_s`` is how long one command may take."""

    def __init__(self, port: int, session: str, capabilities: Mapping[str, Any], *, limit_s: float) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit_s)
        self._path = f"/session/{session}"
        self.capabilities = capabilities

    def get(self, path: str) -> Any:
        """Return what the command ``path`` answers."""
        return _read(_ask(self._connection, "GET", self._path + path))

    def post(self, path: str, **body: Any) -> Any:
        """Return what the command ``path`` with the parameters ``body`` answers."""
        return _read(_ask(self._connection, "POST", self._path + path, _written(body)))

    def delete(self, path: str = "") -> Any:
        """Return what the command ``path`` answers that closes something."""
        return _read(_ask(self._connection, "DELETE", self._path + path))

    def close(self) -> None:
        """Let go of the connection, and of nothing else."""
        self._connection.close()


def begin(port: int, capabilities: Mapping[str, Any], *, limit_s: float) -> Session:
    """Return a browser that the driver at ``port`` begins.

    Raises: DriverError when it cannot.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_STARTUP_S)
    try:
        begun = _ask(connection, "POST", "/session", {"capabilities": {"alwaysMatch": dict(capabilities)}})
    finally:
        connection.close()
    return Session(port, begun["sessionId"], begun["capabilities"], limit_s=limit_s)


def _ask(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> Any:
    payload = None if body is None and method != "POST" else json.dumps(body or {}).encode()
    try:
        connection.request(method, path, payload, {"Content-Type": "application/json; charset=utf-8"})
        response = connection.getresponse()
        answer = json.loads(response.read())["value"]
    except TimeoutError:
        connection.close()
        raise DriverError("timeout", "it did not answer in time") from None
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        connection.close()
        raise DriverError("lost", f"the connection to it was lost ({type(error).__name__})") from None
    if response.status >= http.client.BAD_REQUEST:
        raise DriverError(answer.get("error", "unknown error"), answer.get("message", ""))
    return answer


def _written(value: Any) -> Any:
    if isinstance(value, Node):
        return {_NODE: value.id}
    if isinstance(value, Mapping):
        return {key: _written(each) for key, each in value.items()}
    return [_written(each) for each in value] if isinstance(value, list | tuple) else value


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return Node(value[_NODE]) if _NODE in value else {key: _read(each) for key, each in value.items()}
    return [_read(each) for each in value] if isinstance(value, list) else value
