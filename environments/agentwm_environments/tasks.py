"""Tasks that are seeds: which ones options ask for, and what every environment answers about such tasks."""

from collections.abc import Mapping, Sequence

from agentwm.errors import ConfigurationError, TaskError, quoted
from agentwm.misuse import unknown_task
from agentwm.types import EnvironmentOptions, EnvironmentSpec

__all__ = ["SeededTasks", "settle"]

_TASKS = 200
"""How many tasks there are where no number was asked for."""


class SeededTasks:
    """What an environment has whose tasks are names to draw from: each of them can be played.

    ``about`` is what `settle` returns, None where tasks come from elsewhere; ``versions`` are those of the packages that play them.
    """

    def __init__(self, tasks: Sequence[str], about: Mapping[str, str | int] | None, **versions: str) -> None:
        self._tasks = tuple(tasks)
        self._known = frozenset(tasks)
        self._about = {**(about or {}), "tasks": len(self._tasks), "refused": 0, **versions}

    @property
    def about(self) -> Mapping[str, str | int]:
        """Where the tasks come from and how many there are."""
        return self._about

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Nothing: every task can be played."""
        return ()

    def tasks(self) -> Sequence[str]:
        """Return the ids of the tasks, in a fixed order."""
        return self._tasks

    def _expect(self, task: str) -> None:
        """Raise a TaskError where there is no such ``task``."""
        if task not in self._known:
            raise unknown_task(task, len(self._tasks))


def settle(
    options: EnvironmentOptions, spec: EnvironmentSpec, *, can_alter: bool = False
) -> tuple[str, tuple[str, ...], dict[str, str | int]]:
    """Return the split that ``options`` asks of ``spec``, its tasks, and what a report must say of them.

    A task is named after its split, the seed it was drawn with and its number, so splits share none. Without a split it is the first
    of ``test`` ones for playing and, for learning, the ``train`` one of the kind that will be played.

    Raises: ConfigurationError for what cannot be.
    """
    split = options.split or _default_split(options)
    if split not in spec.splits:
        raise ConfigurationError(f"unknown split {quoted(split)}: {spec.name} has {', '.join(spec.splits)}")
    engine = options.engine or spec.engines[0]
    if engine not in spec.engines:
        raise ConfigurationError(f"unknown engine {quoted(engine)}: {spec.name} has {', '.join(spec.engines)}")
    if options.games is not None:
        raise ConfigurationError(
            f"{spec.name} reads no games from folders, got {quoted(options.games)}: leave them out"
        )
    if options.altered is not None and not can_alter:
        raise ConfigurationError(f"{spec.name} has only its ordinary laws, which cannot be altered")
    number = _TASKS if options.count is None else options.count
    about: dict[str, str | int] = {"engine": engine, "split": split, "seed": options.seed}
    if options.altered is not None:
        about["altered"] = options.altered
    return split, tuple(f"{split}-{options.seed}-{index}" for index in range(number)), about


def _default_split(options: EnvironmentOptions) -> str:
    if not options.learning:
        return "test"
    return (options.played or "train").replace("test", "train", 1)
