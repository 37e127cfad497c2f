"""Declares a Gymnasium environment for an entry point, so that ``agentwm run NAME`` plays it."""

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from agentwm.errors import ConfigurationError, MissingExtraError, quoted
from agentwm.gym.environment import GymnasiumEnvironment, seeded_tasks
from agentwm.types import EnvironmentOptions, EnvironmentSpec

if TYPE_CHECKING:
    from gymnasium import Env

__all__ = ["expect_gymnasium", "gymnasium_spec"]

_SPLITS = ("test", "train")


def expect_gymnasium(what: str) -> None:
    """Raise a MissingExtraError, which says what to install, where gymnasium is not installed."""
    if (reason := _missing(what)) is not None:
        raise MissingExtraError(reason)


def gymnasium_spec(
    made: "str | Callable[[], Env[Any, Any]]",
    *,
    name: str,
    summary: str,
    read: Callable[..., GymnasiumEnvironment] = GymnasiumEnvironment,
    **options: Any,
) -> EnvironmentSpec:
    """Return what an entry point names for the Gymnasium environment ``made``: its id, or a function that makes it.

    Two lines bring it to ``agentwm run cartpole``, the first in a module of yours, the second in the ``pyproject.toml`` of its package,
    under ``[project.entry-points."agentwm.environments"]``::

        SPEC = gymnasium_spec("CartPole-v1", name="cartpole", summary="balance a pole", describe=describe, actions=["left", "right"])

        cartpole = "my_module:SPEC"

    ``options`` are those of `GymnasiumEnvironment`, ``read`` what is called with them; where they are none of its own they are the spec's,
    such as ``learn``, ``max_steps`` and ``time_limit_s``, which has it run in a process of its own.
    """
    own = {
        each: options.pop(each) for each in ("learn", "learning_steps", "max_steps", "time_limit_s") if each in options
    }
    return EnvironmentSpec(
        name=name,
        summary=summary,
        splits=_SPLITS,
        engines=("gymnasium",),
        make=partial(_make, made, name, read, options),
        missing=partial(_missing, name),
        **own,
    )


def _make(
    made: "str | Callable[[], Env[Any, Any]]",
    name: str,
    read: Callable[..., GymnasiumEnvironment],
    given: dict[str, Any],
    options: EnvironmentOptions,
) -> GymnasiumEnvironment:
    """Return the environment that ``options`` asks for.

    Raises: ConfigurationError for what cannot be; MissingExtraError when gymnasium is not installed.
    """
    expect_gymnasium(name)
    import gymnasium  # noqa: PLC0415 -- an extra, and heavy: being listed must not import it

    split = options.split or ("train" if options.learning else "test")
    if split not in _SPLITS:
        raise ConfigurationError(f"unknown split {quoted(split)}: {name} has {', '.join(_SPLITS)}")
    for option, value in (("games", options.games), ("altered", options.altered)):
        if value is not None:
            raise ConfigurationError(f"{name} knows no {option}, got {quoted(value)}: leave them out")
    tasks = seeded_tasks(split, seed=options.seed, **({} if options.count is None else {"count": options.count}))
    env = gymnasium.make(made) if isinstance(made, str) else made()
    about = {"split": split, "seed": options.seed}
    return read(env, **{"name": name, "tasks": tasks, "admissible": options.admissible, "about": about, **given})


def _missing(what: str) -> str | None:
    if importlib.util.find_spec("gymnasium") is None:
        return f"{what} needs gymnasium, which is not installed: pip install 'agentwm[gym]'"
    return None
