"""Engines in a process of their own, which are asked in lines of JSON: one line a request, one line its answer.

For engines that must not run in ours: they leak memory, end their process over a file that they cannot read, print, or keep global state.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from agentwm.errors import EnvironmentFailureError

__all__ = ["LineProcess", "answer_lines"]

Line = dict[str, Any]


class LineProcess:
    """Asks ``module``, which calls `answer_lines`, in a process that is begun with the first request and anew after it has ended.

    ``name`` stands for it in errors. A request that is not answered within ``patience_s`` seconds, where that is given, ends it.
    """

    def __init__(self, module: str, name: str, *, patience_s: float | None = None) -> None:
        self._module = module
        self._name = name
        self._patience_s = patience_s
        self._process: subprocess.Popen[str] | None = None

    def ask(self, request: Line) -> Line:
        """Return the answer to ``request``; with ``error`` in it, which says what went wrong, the process is still there.

        Raises: EnvironmentFailureError when there is none. Then the process has ended.
        """
        process = self._process = self._process or self._begun()
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018 -- both are pipes
        how = "ended"
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            if self._patience_s is None or select.select([process.stdout], [], [], self._patience_s)[0]:
                line = process.stdout.readline()
            else:
                line, how = "", f"did not answer within {self._patience_s:.0f} s"
        except OSError as error:
            line, how = "", f"ended ({error})"
        if not line:
            self.close()
            raise EnvironmentFailureError(f"{self._name} {how}")
        answer: Line = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process. May be called twice."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.communicate()

    def _begun(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(  # noqa: S603 -- our own module, no outside input
            [sys.executable, "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )


def answer_lines(answered: Callable[[Line], Line]) -> None:
    """Answer what is asked on the standard streams until it ends; whatever else is printed goes to the standard error stream.

    Whatever goes wrong in ``answered``, an exit included, is the answer's ``error``.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            answer = answered(json.loads(line))
        except (Exception, SystemExit) as error:  # noqa: BLE001
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
