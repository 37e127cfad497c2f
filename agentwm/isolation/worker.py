"""The process that an isolated environment runs in: ``python -m agentwm.isolation.worker FD``.

It answers requests that come over the connection ``FD`` until they end. A request is a pickled name with its arguments, and the first one
is the function that makes the environment.
"""

import pickle
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from agentwm.errors import AgentwmError
from agentwm.faults import told_as_failure
from agentwm.isolation.wire import Answer, Sender, Told, pickled, written_error
from agentwm.types import Action, Environment, Goal, Pictured, Reference, Referenced

__all__ = ["GRACE_S", "main"]

GRACE_S = 1.0
"""How long after the end of a call's time this process ends by itself, should nobody be left to end it."""


class Served:
    """An environment, as the other process asks it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._sender = Sender()
        self._sent: dict[str, object] = {}
        self._goal: Goal | None = None

    def hello(self) -> str:
        """Return the environment's name."""
        return self._environment.name

    def about(self) -> dict[str, str | int]:
        """Return where the tasks come from."""
        return dict(self._environment.about)

    def refusals(self) -> list[str]:
        """Return why tasks cannot be played."""
        return [str(refusal) for refusal in self._environment.refusals]

    def tasks(self) -> tuple[str, ...]:
        """Return the ids of the tasks."""
        return tuple(self._environment.tasks())

    def task_type(self, task: str) -> str:
        """Return the family of ``task``."""
        return self._environment.task_type(task)

    def perceiver(self) -> bytes:
        """Return what reads the observations, pickled."""
        return pickled("perceiver", self._environment.perceiver)

    def reset(self, task: str, seed: int) -> tuple[Any, ...]:
        """Begin ``task``; return what is seen and asked for, and what reads and describes it, where that is not what it was."""
        seen = self._environment.reset(task, seed=seed)
        self._sender, self._goal = Sender(), None
        new = {
            what: pickled(what, value)
            for what in ("perceiver", "vocabulary")
            if (value := getattr(self._environment, what)) is not self._sent.get(what, self)
        }
        self._sent = {what: getattr(self._environment, what) for what in ("perceiver", "vocabulary")}
        return tuple(self._sender.written(seen)), self._new_goal(), new

    def step(self, verb: str, args: tuple[str, ...]) -> tuple[Any, ...]:
        """Do an action; return what is seen, and the goal where that is another now: a text may say more of it."""
        seen = self._environment.step(Action(verb, args))
        return tuple(self._sender.written(seen)), self._new_goal()

    def _new_goal(self) -> bytes | None:
        """Return the goal, pickled, unless it is the one that was sent last."""
        goal = self._environment.goal
        if goal == self._goal:
            return None
        self._goal = goal
        return pickled("goal", goal)

    def told(self) -> tuple[Any, ...]:
        """Return what the environment tells of the present task beside its observations."""
        return tuple(getattr(self._environment, what, None) for what in Told._fields)

    def reference(self, task: str, seed: int) -> Reference | None:
        """Return how well ``task`` can be played, None where the environment does not know."""
        environment = self._environment
        return environment.reference(task, seed=seed) if isinstance(environment, Referenced) else None

    def is_pictured(self) -> bool:
        """Return whether the environment has a face."""
        return isinstance(self._environment, Pictured)

    def screenshot(self) -> bytes | None:
        """Return what the present task looks like now."""
        return self._environment.screenshot() if isinstance(self._environment, Pictured) else None

    def close(self) -> None:
        """Close the environment."""
        self._environment.close()


def main(connection: Connection) -> None:
    """Answer requests until they end."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    served: Served | None = None
    while True:
        try:
            name, limit_s, args = pickle.loads(connection.recv_bytes())  # noqa: S301 -- from the process that began this one
        except (EOFError, OSError):
            return
        # Nobody else ends a call that never returns, if the process that asked is gone; the kernel needs no word of Python for it.
        signal.setitimer(signal.ITIMER_REAL, limit_s + GRACE_S)
        answer = Answer()
        try:
            with told_as_failure("the environment" if served is None else served.hello(), _doing(name, args)):
                if served is None:
                    served = Served(_made(*args))
                    answer = Answer(served.hello())
                else:
                    answer = Answer(getattr(served, name)(*args))
                reply = pickle.dumps(tuple(answer), pickle.HIGHEST_PROTOCOL)
        except AgentwmError as error:
            reply = pickle.dumps(tuple(Answer(error=written_error(error))), pickle.HIGHEST_PROTOCOL)
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.send_bytes(reply)


def _made(make: bytes, paths: list[str]) -> Environment:
    sys.path[:] = paths
    made: Callable[[], Environment] = pickle.loads(make)  # noqa: S301 -- as above
    return made()


def _doing(name: str, args: tuple[Any, ...]) -> str:
    if name == "step":
        return f"step, on the action {Action(*args)}"
    return f"{name} of {args[0]!r}" if name in {"reset", "task_type"} else name


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
