"""An environment in a process of its own."""

import pickle
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agentwm.errors import ConfigurationError, EnvironmentFailureError, TaskError
from agentwm.isolation.process import Worker
from agentwm.isolation.wire import Differences, Receiver, Told
from agentwm.misuse import begun
from agentwm.types import Action, Environment, Goal, Observation, Perceiver, Reference, Vocabulary

__all__ = ["IsolatedEnvironment"]

STARTUP_S = 120.0
"""How long may pass until there is an environment, and until it has listed its tasks: whatever it needs is imported, and games made."""

_NOTHING_TOLD = Told(None, None, None)


class IsolatedEnvironment:
    """The environment that ``make`` returns, played in another process, where each call may take ``time_limit_s``.

    A call that takes longer, or that ends its process, raises an EnvironmentFailureError; the next ``reset`` begins another process. What
    reads observations and the vocabulary are copies of that environment's, handed over with each task: they have to stand in a module by
    themselves, as ``make`` has to, and so do functions that derive fluents.

    Raises: ConfigurationError for what cannot be sent to another process, and on systems where this is not done; what ``make`` raises.
    """

    def __init__(self, make: Callable[[], Environment], *, time_limit_s: float) -> None:
        if sys.platform == "win32":
            raise ConfigurationError("environments cannot have a process of their own on Windows: leave out --isolated")
        try:
            self._make = pickle.dumps(make)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigurationError(
                f"expected a function that another process can find, one of a module, to make the environment: {error}"
            ) from error
        self._limit_s = time_limit_s
        self._worker: Worker | None = None
        self._answers: dict[tuple[Any, ...], Any] = {}
        self._receiver = Receiver()
        self._handed_over: dict[str, tuple[bytes, Any]] = {}
        self._goal: Goal | None = None
        self._told: Told | None = _NOTHING_TOLD
        self.name = "the environment"
        self._running()

    @property
    def about(self) -> Mapping[str, str | int]:
        """Where the tasks come from."""
        return self._once("about", limit_s=STARTUP_S)  # type: ignore[no-any-return]  # as the other side has it

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Why tasks that were met cannot be played."""
        self.tasks()
        return [TaskError(message) for message in self._once("refusals")]

    @property
    def perceiver(self) -> Perceiver | None:
        """What reads the observations: a copy of the environment's."""
        if "perceiver" not in self._handed_over:
            self._take("perceiver", self._ask("perceiver"))
        reader: Perceiver | None = self._handed_over["perceiver"][1]
        return reader

    @property
    def vocabulary(self) -> Vocabulary:
        """What can be said and done in the present task."""
        words: Vocabulary = begun(self._handed_over.get("vocabulary"))[1]
        return words

    @property
    def goal(self) -> Goal:
        """What the present task asks for."""
        goal: Goal = begun(self._goal)
        return goal

    @property
    def is_won(self) -> bool | None:
        """Whether the environment says that the present task is won; None where it leaves that to the rewards."""
        return self._now_told.is_won

    @property
    def returned(self) -> float | None:
        """What the environment counts as the return; None where it leaves that to the rewards."""
        return self._now_told.returned

    @property
    def achievements(self) -> Mapping[str, int] | None:
        """What the environment counts as achieved; None where it counts nothing."""
        return self._now_told.achievements

    def tasks(self) -> Sequence[str]:
        """Return the ids of the tasks, in a fixed order."""
        return self._once("tasks", limit_s=STARTUP_S)  # type: ignore[no-any-return]  # as the other side has it

    def task_type(self, task: str) -> str:
        """Return the family that ``task`` belongs to."""
        return str(self._once("task_type", task))

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        """Begin ``task``, in a new process if the former has ended.

        Raises: TaskError when the task cannot be played; EnvironmentFailureError when the environment breaks down.
        """
        self._goal, self._told, self._receiver = None, _NOTHING_TOLD, Receiver()
        seen, goal, new = self._ask("reset", task, seed)
        for what, pickled in new.items():
            self._take(what, pickled)
        self._goal, self._told = pickle.loads(goal), None  # noqa: S301 -- from the process begun here
        return self._receiver.read(Differences(*seen))

    def step(self, action: Action) -> Observation:
        """Do ``action`` and return what is seen.

        Raises: EnvironmentFailureError before the first and after the end of an episode, and when the environment breaks down.
        """
        begun(self._goal)
        if self._worker is None:
            raise EnvironmentFailureError(
                f"the process of {self.name} has ended: expected reset, got the action {action}"
            )
        self._told = None
        seen, goal = self._ask("step", *action)
        if goal is not None:
            self._goal = pickle.loads(goal)  # noqa: S301 -- from the process begun here
        return self._receiver.read(Differences(*seen))

    def reference(self, task: str, *, seed: int = 0) -> Reference | None:
        """Return how well ``task`` can be played; None where the environment does not know."""
        known: Reference | None = self._once("reference", task, seed, limit_s=STARTUP_S)
        return known

    def screenshot(self) -> bytes | None:
        """Return what the episode in progress looks like now, as a PNG; None where there is nothing to see."""
        if self._worker is None or not self._once("is_pictured"):
            return None
        png: bytes | None = self._ask("screenshot")
        return png

    def close(self) -> None:
        """Close the environment and end its process. May be called twice.

        Raises: EnvironmentFailureError where the environment cannot be closed; its process has ended nonetheless.
        """
        if self._worker is None:
            return
        try:
            self._ask("close")
        finally:
            self._end()

    @property
    def _now_told(self) -> Told:
        """What the environment tells of the present task: asked for when somebody wants to know it, which is mostly at the end."""
        if self._told is None:
            self._told = _NOTHING_TOLD if self._worker is None else Told(*self._ask("told"))
        return self._told

    # --- the other process ---

    def _ask(self, name: str, *args: Any, limit_s: float | None = None) -> Any:
        worker = self._running()
        try:
            return worker.ask(_what(self.name, name, args), name, args, limit_s=limit_s or self._limit_s)
        except BaseException:
            if not worker.is_alive:
                self._end()
            raise

    def _once(self, name: str, *args: Any, limit_s: float | None = None) -> Any:
        """Return what never changes, asked for once: it is known even when the process has ended."""
        if (name, *args) not in self._answers:
            self._answers[name, *args] = self._ask(name, *args, limit_s=limit_s)
        return self._answers[name, *args]

    def _running(self) -> Worker:
        if self._worker is None:
            worker = Worker()
            try:
                made = (self._make, list(sys.path))
                self.name = worker.ask(f"making {self.name}", "make", made, limit_s=STARTUP_S)
            except BaseException:
                worker.end()
                raise
            self._worker = worker
        return self._worker

    def _end(self) -> None:
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.end()

    def _take(self, what: str, pickled: bytes) -> None:
        """Keep what was handed over, unless it is the same as before: whoever compares by identity finds it so."""
        if what not in self._handed_over or self._handed_over[what][0] != pickled:
            self._handed_over[what] = pickled, pickle.loads(pickled)  # noqa: S301 -- from the process begun here


def _what(environment: str, name: str, args: tuple[Any, ...]) -> str:
    if name == "step":
        return f"{environment}'s step, on the action {Action(*args)},"
    return f"{environment}'s {name}{f' of {args[0]!r}' if args else ''}"
