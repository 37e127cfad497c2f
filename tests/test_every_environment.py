"""Every environment that is installed keeps the contract of environments."""

from collections.abc import Callable

import pytest

from agentwm import build
from agentwm.testing import ENVIRONMENT_CHECKS
from agentwm.types import EnvironmentSpec


def spec_of(name: str) -> EnvironmentSpec:
    """Return what ``name`` declares; skip where something that it needs is missing."""
    spec = build.environment(name)
    if (reason := spec.missing()) is not None:
        pytest.skip(reason)
    return spec


@pytest.mark.parametrize("check", ENVIRONMENT_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", build.names("environments"))
def test_every_environment_installed_keeps_the_contract(name: str, check: Callable[[str], None]) -> None:
    check(spec_of(name).name)


def test_there_are_environments() -> None:
    assert {"alfworld", "locks", "sokoban"} <= set(build.names("environments"))
