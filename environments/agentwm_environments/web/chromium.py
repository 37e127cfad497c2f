"""Chromium as a component that fails: begun when it is first needed, held to limits, replaced when it breaks, and never left behind."""

import base64
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

from agentwm.errors import ConfigurationError, EnvironmentFailureError, MissingExtraError, quoted

from .webdriver import DriverError, Node, Session, begin

__all__ = ["INSTALL", "Chromium", "RefusedError", "missing"]

INSTALL = "apt-get install --no-install-recommends chromium chromium-driver"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_DRIVER = "chromedriver"

T = TypeVar("T")

_FLAGS = (
    "--headless",
    "--no-sandbox",  # its sandbox does not start for root; what it may reach is bounded below
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--remote-debugging-pipe",  # so that it ends when its driver does
)
_PREFERENCES = {
    "download_restrictions": 3,  # all of them
    "webrtc.ip_handling_policy": "disable_non_proxied_udp",
    "profile.default_content_setting_values.popups": 2,
    "credentials_enable_service": False,
}
_NOWHERE = "nowhere.invalid:1"

# Ends the driver, and clears away what was written, as soon as nobody holds the other end of its input any more: so that not even
# `kill -9` of this process leaves anything behind. A browser that is ending goes on writing for a while.
_GUARD = """
folder=$1; shift
"$@" <&- &
cat >/dev/null
kill -KILL $!
for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$folder" 2>/dev/null; sleep 0.5; done
rm -rf "$folder"
"""
_HOST = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d+)?")
_STARTED = re.compile(r"started successfully on port (\d+)")
_STARTUP_S = 20.0
_END_S = 5.0
_SLACK_S = 2.0  # more than the browser's own limits, for its driver to say that one was passed


# A point of an element, in the window's coordinates, where nothing lies over it; null where there is none.
_UNCOVERED = """
const element = arguments[0], steps = 8;
if (!element.isConnected) return null;
for (const box of element.getClientRects())
  for (let row = 0; row <= steps; row++)
    for (let column = 0; column <= steps; column++) {
      const x = Math.floor(box.left + 1 + (box.width - 2) * column / steps);
      const y = Math.floor(box.top + 1 + (box.height - 2) * row / steps);
      if (element.contains(document.elementFromPoint(x, y))) return [x, y];
    }
return null;
"""


class RefusedError(Exception):
    """Says that the browser is well, but the page did not let something be done: an element is gone, hidden or covered, say."""


_REFUSED = frozenset(
    {
        "element click intercepted",
        "element not interactable",
        "invalid element state",
        "no such element",
        "stale element reference",
        "move target out of bounds",
        "detached shadow root",
    }
)
_SAYS_OF = {
    "unexpected alert open": "the page opened a dialog",
    "timeout": "it did not answer in time",
    "script timeout": "a script took too long",
    "invalid session id": "the browser is gone",
    "no such window": "its window was closed",
    "lost": "the connection to it was lost",
}


def missing() -> str | None:
    """Return what keeps a browser from running here and what installs it, or None."""
    lacks = [name for name, found in (("chromium", _browser()), (_DRIVER, shutil.which(_DRIVER))) if not found]
    return f"this world needs {' and '.join(lacks)}, not found on the PATH: {INSTALL}" if lacks else None


def _browser() -> str | None:
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


class Chromium:
    """One browser with one window, in processes of its own, that reaches ``hosts`` and nothing else.

    A host is a name or an address, with a port where that is not the usual one: ``127.0.0.1:8000``. Without any, files may be opened, and
    nothing else. Each command may take ``limit_s``. There are no downloads, and windows that a page opens are to be closed.

    Whatever breaks raises an EnvironmentFailureError and ends the browser; the next command begins another one.

    Raises: ConfigurationError for what is no host.
    """

    def __init__(
        self, *, hosts: Sequence[str] = (), limit_s: float = 20.0, size: tuple[int, int] = (1024, 768)
    ) -> None:
        self.hosts = tuple(hosts)
        self.limit_s = limit_s
        self._size = size
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._session: Session | None = None
        self._window = ""
        wrong = next((host for host in self.hosts if not _HOST.fullmatch(host)), None)
        if wrong is not None:
            raise ConfigurationError(f"expected a host such as localhost or 127.0.0.1:8000, got {quoted(wrong)}")

    @property
    def process_group(self) -> int | None:
        """The process group that the browser and its driver run in; None while there is none."""
        return None if self._process is None else self._process.pid

    @property
    def process_id(self) -> int | None:
        """The browser's own process, of which all its others are; None while there is none."""
        known = None if self._session is None else self._session.capabilities.get("goog:processID")
        return known if isinstance(known, int) else None

    @property
    def folder(self) -> Path | None:
        """Where the browser keeps what it writes, until it is ended; None while there is none."""
        return self._folder

    @property
    def is_running(self) -> bool:
        """Whether a browser is there that was not found broken."""
        return self._session is not None

    # --- commands -----------------------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        """Open ``url``, and wait until it is loaded. A page that cannot be reached is an error page, and no error."""
        self._do(f"opening {quoted(url)}", lambda browser: _opened(browser, url))

    def run(self, script: str, *args: Any) -> Any:
        """Return what the body of a function, ``script``, returns in the page: JSON, with a Node for each element."""
        return self._do("running a script", lambda browser: browser.post("/execute/sync", script=script, args=args))

    def click(self, node: Node) -> None:
        """Click on ``node`` as a mouse does: in its middle or, where that is covered, where it is seen. Raises: RefusedError as it says."""
        try:
            self._do("a click", lambda browser: browser.post(f"/element/{node.id}/click"))
        except RefusedError:
            point = self.run(_UNCOVERED, node)
            if not (isinstance(point, list) and len(point) == 2 and all(isinstance(each, int) for each in point)):
                raise
            self._do("a click", lambda browser: browser.post("/actions", actions=[_pointed(*point)]))

    def press(self, node: Node, keys: str) -> None:
        """Type ``keys`` into ``node``. Raises: RefusedError as it says."""
        self._do("typing", lambda browser: browser.post(f"/element/{node.id}/value", text=keys))

    def back(self) -> None:
        """Go back to the page before, if there is one."""
        self._do("going back", lambda browser: browser.post("/back"))

    @property
    def url(self) -> str:
        """The address of the page that is open."""
        return str(self._do("asking for the address", lambda browser: browser.get("/url")))

    def screenshot(self, node: Node | None = None) -> bytes:
        """Return what is in view, or where ``node`` is, as a PNG file. Raises: RefusedError where that is nowhere."""
        path = "/screenshot" if node is None else f"/element/{node.id}/screenshot"
        return base64.b64decode(self._do("taking a picture", lambda browser: browser.get(path)))

    def close_others(self) -> int:
        """Close all windows but the one that was opened first; return how many there were."""
        return int(self._do("closing windows", self._close_others))

    def is_allowed(self, url: str) -> bool:
        """Whether ``url`` is one that may be shown: of an allowed host, a file that was asked for, or an empty page."""
        parts = urlsplit(url)
        if parts.scheme in ("http", "https"):
            return parts.netloc.rpartition("@")[2] in self.hosts
        return url.startswith(("about:blank", "about:srcdoc")) or (parts.scheme == "file" and not self.hosts)

    # --- beginning and ending -----------------------------------------------------------------------------------

    def end(self) -> None:
        """End the browser and all its processes, and remove what it wrote. May be called twice."""
        session, self._session = self._session, None
        process, self._process = self._process, None
        folder, self._folder = self._folder, None
        if session is not None:
            session.close()
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.stdin is not None:
                process.stdin.close()
            process.wait()
            _wait_for(lambda: not _is_running(process.pid), _END_S)
        if folder is not None:
            _wait_for(lambda: _is_removed(folder), _END_S)

    def __del__(self) -> None:
        """End the browser: whoever forgot to is helped, and nothing is left behind."""
        self.end()

    def _begun(self) -> Session:
        if self._session is None:
            if reason := missing():
                raise MissingExtraError(reason)
            try:
                return self._begin()
            except BaseException:
                self.end()
                raise
        return self._session

    def _begin(self) -> Session:
        self._folder = Path(tempfile.mkdtemp(prefix="agentwm-chromium-"))
        log = self._folder / "driver.log"
        with log.open("wb") as printed:
            self._process = _guarded([_DRIVER, "--port=0"], printed, self._folder)
        process = self._process
        _wait_for(lambda: _STARTED.search(log.read_text()) or process.poll() is not None, _STARTUP_S)
        started = _STARTED.search(log.read_text())
        if started is None:
            raise EnvironmentFailureError(f"expected {_DRIVER} to start, it printed {quoted(log.read_text())}")
        try:
            session = begin(int(started[1]), self._capabilities(self._folder), limit_s=self.limit_s + _SLACK_S)
            self._session = session
            self._window = str(session.get("/window"))
            session.post("/goog/cdp/execute", cmd="Browser.setDownloadBehavior", params={"behavior": "deny"})
        except DriverError as error:
            raise EnvironmentFailureError(f"Chromium could not be started: {_first_line(error)}") from None
        return session

    def _capabilities(self, folder: Path) -> dict[str, Any]:
        width, height = self._size
        names = {urlsplit(f"//{host}").hostname or host for host in self.hosts}
        excluded = "".join(f", EXCLUDE {name}" for name in sorted(names))
        options = {
            "binary": _browser(),
            "args": [
                *_FLAGS,
                f"--window-size={width},{height}",
                f"--user-data-dir={folder / 'profile'}",
                f"--host-resolver-rules=MAP * ~NOTFOUND{excluded}",
                # A name may stand for a port that is not allowed: whatever is not listed here goes by a proxy that does not exist.
                f"--proxy-server={_NOWHERE}",
                f"--proxy-bypass-list={';'.join(('<-loopback>', *_with_ports(self.hosts)))}",
            ],
            "excludeSwitches": ["disable-popup-blocking", "enable-logging"],
            "prefs": _PREFERENCES,
        }
        milliseconds = int(1000 * self.limit_s)
        return {
            "browserName": "chrome",
            "timeouts": {"pageLoad": milliseconds, "script": milliseconds},
            "unhandledPromptBehavior": "dismiss and notify",
            "goog:chromeOptions": options,
        }

    # --- one command --------------------------------------------------------------------------------------------

    def _do(self, what: str, command: Callable[[Session], T]) -> T:
        """Return what ``command`` returns. The browser is ended where it breaks, and where the command is broken off."""
        browser = self._begun()
        try:
            return command(browser)
        except DriverError as error:
            if error.code in _REFUSED:
                raise RefusedError(_first_line(error)) from None
            self.end()
            raise EnvironmentFailureError(f"Chromium failed in {what}: {_said_of(error)}; it was ended") from None
        except BaseException:
            self.end()
            raise

    def _close_others(self, browser: Session) -> int:
        others = [window for window in browser.get("/window/handles") if window != self._window]
        for window in others:
            with suppress(DriverError):
                browser.post("/window", handle=window)
                browser.delete("/window")
        if others:
            browser.post("/window", handle=self._window)
        return len(others)


def _with_ports(hosts: Sequence[str]) -> Iterator[str]:
    """Yield ``hosts`` with their ports: the usual ones where none is given, which is not to say all of them."""
    for host in hosts:
        is_plain = urlsplit(f"//{host}").port is None
        yield from (f"{host}:80", f"{host}:443") if is_plain else (host,)


def _opened(browser: Session, url: str) -> None:
    try:
        browser.post("/url", url=url)
    except DriverError as error:
        if "net::ERR_" not in str(error):
            raise


def _pointed(x: int, y: int) -> dict[str, Any]:
    """Return what a mouse does that clicks on a point of the window."""
    steps = [
        {"type": "pointerMove", "duration": 0, "x": x, "y": y, "origin": "viewport"},
        {"type": "pointerDown", "button": 0},
        {"type": "pointerUp", "button": 0},
    ]
    return {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}


def _said_of(error: DriverError) -> str:
    said = _SAYS_OF.get(error.code)
    return _first_line(error) if said is None else f"{said} ({quoted(_first_line(error))})"


def _first_line(error: DriverError) -> str:
    return str(error).strip().partition("\n")[0]


# --- processes --------------------------------------------------------------------------------------------------


def _guarded(command: Sequence[str], printed: IO[bytes], folder: Path) -> subprocess.Popen[bytes]:
    """Return ``command`` in a session of its own, ended when the pipe to it is closed. It keeps what it writes in ``folder``."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.Popen(  # noqa: S603 -- fixed words and paths of ours
        ["/bin/sh", "-c", _GUARD, "guard", str(folder), *command],
        stdin=subprocess.PIPE,
        stdout=printed,
        stderr=subprocess.STDOUT,
        env={**kept, "TMPDIR": str(folder)},
        start_new_session=True,
    )


def _is_running(group: int) -> bool:
    """Whether a process of ``group`` is still running; one that has ended, and that nobody waited for, is not."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return not Path("/proc").is_dir() or any(_is_of(entry, group) for entry in Path("/proc").glob("[0-9]*"))


def _is_of(entry: Path, group: int) -> bool:
    """Whether the process behind an ``entry`` of /proc is of ``group``, and running."""
    try:
        state, _, found = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
    except (OSError, ValueError):  # it has ended meanwhile
        return False
    return int(found) == group and state not in "ZX"


def _is_removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _wait_for(is_so: Callable[[], object], limit_s: float) -> None:
    """Wait until ``is_so``, or ``limit_s`` have passed."""
    end = time.monotonic() + limit_s
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
