"""An OpenAI-compatible server that misbehaves as told, for tests and benchmarks: plain standard library, in a thread.

    python tests/fault_server.py --delay-s 1.0    # serves until it is interrupted, and prints its base URL

Each request takes the next fault of the script; when the script is used up all goes well, or the last fault goes on for ever.
"""

import argparse
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

STUCK_S = 30.0  # longer than any client here waits
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class Asked(NamedTuple):
    """One request as it arrived."""

    body: dict[str, Any]
    headers: Mapping[str, str]
    at_s: float


class FaultServer:
    """Serves on a free port of this machine while it is entered.

    ``says`` makes the text of an answer from the request's body; the default keeps to a schema if there is one. A server that
    does not enforce (``enforces`` False) accepts ``response_format`` and answers prose. ``refuses`` names parameters that it
    turns down, and an answer of more than ``context_tokens`` finds no room.
    """

    def __init__(
        self,
        *faults: str,
        for_ever: bool = False,
        says: Callable[[dict[str, Any]], str] | None = None,
        enforces: bool = True,
        refuses: Sequence[str] = (),
        context_tokens: int = 10_000,
        delay_s: float = 0.0,
    ) -> None:
        self.asked: list[Asked] = []
        self.most_in_flight = 0
        self.stopped = threading.Event()
        self._faults = list(faults)
        self._for_ever = for_ever
        self._says = says
        self._enforces = enforces
        self._refuses = refuses
        self._context_tokens = context_tokens
        self._delay_s = delay_s
        self._in_flight = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.faults = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def bodies(self) -> list[dict[str, Any]]:
        """Return what was asked, without the probes."""
        return [each.body for each in self.asked if "Describe the sea" not in each.body["messages"][0]["content"]]

    def next_fault(self, asked: Asked) -> str:
        with self._lock:
            self.asked.append(asked)
            if not self._faults:
                return "ok"
            return self._faults[0] if self._for_ever and len(self._faults) == 1 else self._faults.pop(0)

    def text(self, body: dict[str, Any]) -> str:
        form = body.get("response_format", {})
        if form and not self._enforces:
            return "The sea is wide and blue."
        if self._says and "Describe the sea" not in body["messages"][0]["content"]:
            return self._says(body)
        if form.get("type") == "json_schema":
            return json.dumps(instance(form["json_schema"]["schema"]))
        return "fine"

    def turned_down(self, body: dict[str, Any]) -> str | None:
        if body.get("max_tokens", 0) > self._context_tokens:
            return f"max_tokens={body['max_tokens']} cannot be greater than max_model_len={self._context_tokens}."
        name = next((name for name in self._refuses if name in body), None)
        return name and f"Unsupported parameter: '{name}' is not supported with this model."

    @contextlib.contextmanager
    def flight(self) -> Any:
        with self._lock:
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            if self._delay_s:
                time.sleep(self._delay_s)
            yield
        finally:
            with self._lock:
                self._in_flight -= 1


def instance(schema: Mapping[str, Any]) -> Any:
    """Return the dullest instance of ``schema``."""
    if "anyOf" in schema:
        return instance(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        return {name: instance(field) for name, field in schema["properties"].items()}
    if schema["type"] == "array":
        return [instance(schema["items"])] * schema.get("minItems", 0)
    return {"string": "x", "boolean": True, "null": None}.get(schema["type"], schema.get("minimum"))


def completion(text: str | None, *, finish: str = "stop", **message: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "fault-1",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text, **message},
            }
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 8},
        },
    }


class _Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True
    faults: FaultServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients go away on purpose here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body, or Nagle holds the second back
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: object) -> None: ...

    def do_POST(self) -> None:
        faults = self.server.faults
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = faults.next_fault(
            Asked(body, {name.lower(): text for name, text in self.headers.items()}, time.monotonic())
        )
        with faults.flight():
            self._answer(fault, body)

    def _answer(self, fault: str, body: dict[str, Any]) -> None:
        faults = self.server.faults
        if problem := faults.turned_down(body):
            self._send(400, {"error": {"message": problem}})
        elif fault in _REPLIES:
            self._send(200, _REPLIES[fault])
        elif fault in _STATUSES:
            status, headers = _STATUSES[fault]
            self._send(status, {"error": {"message": f"told to answer {status}"}}, headers)
        elif fault == "ok":
            self._send(200, completion(faults.text(body)))
        else:
            getattr(self, f"_{fault.replace(' ', '_')}")(body)

    def _send(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("x-request-id", "request-7")
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def _date(self, _: object) -> None:
        self._send(429, {}, {"Retry-After": formatdate(time.time() + 1, usegmt=True)})

    def _timeout(self, _: object) -> None:
        self.server.faults.stopped.wait(STUCK_S)
        self.close_connection = True

    def _reset(self, _: object) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _truncated(self, body: dict[str, Any]) -> None:
        data = json.dumps(completion(self.server.faults.text(body))).encode()
        self._begin(len(data))
        self.wfile.write(data[: len(data) // 2])
        self.close_connection = True

    def _dribble(self, _: object) -> None:
        self._begin(10_000_000)
        while not self.server.faults.stopped.wait(0.05):
            self.wfile.write(b" ")
            self.wfile.flush()

    def _endless(self, _: object) -> None:
        self._begin(10_000_000)
        self.wfile.write(b'{"choices": [{"message": {"content": "' + b"sea " * 2_499_000)
        self.close_connection = True

    def _begin(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _echo(self, _: object) -> None:
        key = self.headers["Authorization"].removeprefix("Bearer ")
        self._send(401, {"error": {"message": f"Incorrect API key provided: {key}"}})

    def _answer_with_key(self, _: object) -> None:
        key = self.headers["Authorization"].removeprefix("Bearer ")
        self._send(200, completion(f"your key is {key}"))


_REPLIES: dict[str, object] = {
    "broken json": b'{"choices": [{"message": {"content": "fi',
    "html": HTML,
    "no choices": {"id": "x", "choices": [], "usage": None},
    "error in 200": {"error": {"message": "provider overloaded", "code": 502}},
    "refusal": completion(None, refusal="I cannot help with that."),
    "filter": completion("", finish="content_filter"),
    "length": completion('{"why": "because', finish="length"),
    "whitespace": completion('{"why": ' + "\n" * 400, finish="length"),
    "wrong schema": completion('{"why": "so", "p_success": 7}'),
    "prose": completion("I think it will work."),
    "empty": completion(""),
}
_STATUSES: dict[str, tuple[int, dict[str, str]]] = {
    "429": (429, {}),
    "429 seconds": (429, {"Retry-After": "0.3"}),
    "429 milliseconds": (429, {"retry-after-ms": "300"}),
    "429 for long": (429, {"Retry-After": "600"}),
    "503 never again": (503, {"x-should-retry": "false"}),
    **{str(status): (status, {}) for status in (400, 401, 404, 408, 409, 500, 503)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay-s", type=float, default=0.0)
    with FaultServer(delay_s=parser.parse_args().delay_s) as server, contextlib.suppress(KeyboardInterrupt):
        print(server.url, flush=True)  # noqa: T201 -- the caller reads it
        server.stopped.wait()


if __name__ == "__main__":
    main()
