"""The shop over HTTP, for this machine only: a server of the standard library, and a customer's connection to it."""

import http.client
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlencode

from agentwm.errors import EnvironmentFailureError
from agentwm_environments.web.client import Reply, Site

__all__ = ["Served", "Server"]

LONGEST_FORM = 10_000  # bytes that are read of what is posted
TIMEOUT_S = 10.0


class Server:
    """Serves one site after another on a port that the system chooses, reachable from this machine only."""

    def __init__(self) -> None:
        self.site: Site | None = None
        owner = self

        class Handler(_Handler):
            server_site = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address of the site, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop serving. May be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # so that a connection is kept
    server_site: Server
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("GET", {})

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), LONGEST_FORM)
        form = dict(parse_qsl(self.rfile.read(length).decode(errors="replace"), keep_blank_values=True))
        self._answer("POST", form)

    def _answer(self, method: str, form: Mapping[str, str]) -> None:
        site = self.server_site.site
        reply = Reply(503, "no shop is open") if site is None else site.ask(method, self.path, form)
        body = reply.source.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if reply.location:
            self.send_header("Location", reply.location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the standard library's
        """Write nothing: nobody reads it."""


class Served:
    """A site that is asked over one connection, which is kept, to a server of its own."""

    def __init__(self) -> None:
        self._server = Server()
        self._connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=TIMEOUT_S)
        self._is_closed = False

    @property
    def url(self) -> str:
        """The address of the site."""
        return self._server.url

    def show(self, site: Site) -> None:
        """Serve ``site`` from now on."""
        self._server.site = site

    def ask(self, method: str, target: str, form: Mapping[str, str]) -> Reply:
        """Return the answer to GET or POST of ``target``.

        Raises: EnvironmentFailureError when the server does not answer.
        """
        body = urlencode(form) if method == "POST" else None
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        try:
            self._connection.request(method, target, body, headers)
            response = self._connection.getresponse()
            source = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise EnvironmentFailureError(
                f"expected an answer of the shop to {method} {target}, got {error}"
            ) from error
        return Reply(response.status, source, response.headers.get("Location", ""))

    def close(self) -> None:
        """End the connection and the server. May be called twice."""
        if not self._is_closed:
            self._is_closed = True
            self._connection.close()
            self._server.close()
