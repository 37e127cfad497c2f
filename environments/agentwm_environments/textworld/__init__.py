"""TextWorld: text games that are made by seed, and any that are given as files."""

from collections.abc import Sequence
from functools import partial

from agentwm.errors import ConfigurationError, quoted
from agentwm.types import Environment, EnvironmentOptions, EnvironmentSpec

from .families import FAMILIES

__all__ = ["SPEC"]

_PREFIX = "textworld-"


def _make(family: str, options: EnvironmentOptions) -> Environment:
    from .environment import make  # noqa: PLC0415 -- being listed must not import the engine

    return make(family, options)


def _missing() -> str | None:
    from .player import missing  # noqa: PLC0415 -- as above

    return missing()


def _member(name: str) -> EnvironmentSpec:
    """Return what the family called ``name`` in full declares.

    Raises: ConfigurationError when there is none.
    """
    family = name.removeprefix(_PREFIX)
    if family not in FAMILIES:
        raise ConfigurationError(f"no environment {quoted(name)}: textworld has {', '.join(_members())}")
    return _spec(name, family)


def _members() -> Sequence[str]:
    return tuple(f"{_PREFIX}{family}" for family in FAMILIES)


def _spec(name: str, family: str) -> EnvironmentSpec:
    return EnvironmentSpec(
        name=name,
        summary=FAMILIES[family].summary,
        splits=("test", "train"),
        engines=("jericho",),
        make=partial(_make, family),
        missing=_missing,
        learn=FAMILIES[family].learn,
        learning_steps=100,
        max_steps=100,
        member=_member if name == "textworld" else None,
        members=_members if name == "textworld" else tuple,
    )


SPEC = _spec("textworld", "coin")
