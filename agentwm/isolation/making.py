"""Makes an environment by the name it is installed under, in whatever process."""

from functools import partial

from agentwm import build
from agentwm.isolation.environment import IsolatedEnvironment
from agentwm.types import Environment, EnvironmentOptions

__all__ = ["TIME_LIMIT_S", "isolated"]

TIME_LIMIT_S = 60.0
"""How long a call may take where the environment does not say: far longer than any reset that was measured here."""


def isolated(name: str, options: EnvironmentOptions) -> IsolatedEnvironment:
    """Return the environment ``name``, made for ``options`` in a process of its own.

    Raises: as `agentwm.build.environment`, and what its ``make`` raises.
    """
    limit_s = build.environment(name).time_limit_s or TIME_LIMIT_S
    return IsolatedEnvironment(partial(_made, name, options), time_limit_s=limit_s)


def _made(name: str, options: EnvironmentOptions) -> Environment:
    return build.environment(name).make(options)
