"""A worker process: begun, asked within a time limit, and ended with all that it has begun itself."""

import os
import pickle
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from socket import socketpair
from typing import IO, Any

from agentwm.errors import EnvironmentFailureError, quoted
from agentwm.isolation.wire import Answer, error_from

__all__ = ["Worker"]

_KEPT = 2000  # characters of what it prints
_READ = 65536


class Worker:
    """A process that answers requests; what it prints is read and dropped, but for the end, which an error may need.

    It is the leader of a session of its own, so that it can be ended with whatever it began, and an interrupt of the terminal is not its.
    """

    def __init__(self) -> None:
        ours, theirs = socketpair()
        command = [sys.executable, "-P", "-m", "agentwm.isolation.worker", str(theirs.fileno())]
        paths = os.pathsep.join(path for path in sys.path if path)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 -- our own module, no outside input
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": paths},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())
        self._poll = select.poll()
        self._poll.register(self._connection.fileno(), select.POLLIN)
        self._printed = b""
        assert self._process.stdout is not None
        self._drain = threading.Thread(target=self._keep_end, args=(self._process.stdout,), daemon=True)
        self._drain.start()

    def ask(self, what: str, name: str, args: tuple[Any, ...], *, limit_s: float) -> Any:
        """Return what the request ``name`` returns; ``what`` says whom is asked what, in errors.

        Raises: the error that the other side answers with; EnvironmentFailureError where it does not answer in time, or is gone. Then this
            process has ended.
        """
        try:
            self._connection.send_bytes(pickle.dumps((name, limit_s, args), pickle.HIGHEST_PROTOCOL))
            is_in_time = bool(self._poll.poll(1000 * limit_s))
            reply = self._connection.recv_bytes() if is_in_time else b""
        except (EOFError, OSError):
            raise EnvironmentFailureError(f"{what} ended its process{self._how_it_ended()}") from None
        except BaseException:  # an interrupt, say: what the other side answers later would be taken for the next answer
            self.end()
            raise
        if not is_in_time:
            self.end()
            raise EnvironmentFailureError(f"{what} took longer than {limit_s:g} s; its process was ended")
        answer = Answer(*pickle.loads(reply))  # noqa: S301 -- from the process begun above
        if answer.error is not None:
            raise error_from(answer.error)
        return answer.value

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked."""
        return not self._connection.closed

    def end(self) -> None:
        """End the process and whatever it began. May be called twice."""
        self._connection.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._drain.join(timeout=1)

    def _how_it_ended(self) -> str:
        self.end()
        code = self._process.returncode
        how = f" by {signal.Signals(-code).name}" if code < 0 else f" with the exit status {code}"
        last = self._printed.decode(errors="replace").strip().rpartition("\n")[2]
        return f"{how}{f'; the last it printed: {quoted(last)}' if last else ''}"

    def _keep_end(self, printed: IO[bytes]) -> None:
        with printed:
            while chunk := os.read(printed.fileno(), _READ):
                self._printed = (self._printed + chunk)[-_KEPT:]
