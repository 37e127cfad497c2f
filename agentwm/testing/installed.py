"""Finds the environment that is to be tested, by its name or by its spec, and whether the name is its own."""

from importlib import metadata

from agentwm import build
from agentwm.errors import AgentwmError, MissingExtraError, quoted
from agentwm.testing.environment_trial import EnvironmentTrial
from agentwm.types import EnvironmentSpec

__all__ = ["expect_own_name", "trial_of"]

GROUP = "agentwm.environments"


def trial_of(environment: EnvironmentSpec | str) -> EnvironmentTrial:
    """Return the trial of ``environment``, its spec or the name it is installed under.

    Raises: AssertionError where the name finds nothing, or too much.
    """
    if not isinstance(environment, str):
        return EnvironmentTrial(environment, is_installed=_is_found(environment))
    try:
        return EnvironmentTrial(build.environment(environment), is_installed=True)
    except AgentwmError as error:
        raise AssertionError(
            f"the environment {environment} cannot be found: {error}{_mend(environment, error)}"
        ) from error


def _mend(name: str, error: AgentwmError) -> str:
    if isinstance(error, MissingExtraError):
        return f"; import that inside make, and let missing() of the spec say so, so that {name} is listed where it is not installed"
    if len(_owners(name)) > 1:
        return ", or give yours another name: in pyproject.toml and in its spec"
    return ""


def expect_own_name(trial: EnvironmentTrial, environment: EnvironmentSpec | str) -> None:
    """Raise an AssertionError unless the name of the spec finds that spec, and nothing else has it."""
    spec = trial.spec
    owners = _owners(spec.name)
    trial.expect(
        f"has a name that exists already: {' and '.join(owners)} have it",
        that=len(owners) < 2,
        mend="give yours another one, in pyproject.toml and in its spec",
    )
    if isinstance(environment, str):
        trial.expect(
            f"is installed as {environment}", that=environment == spec.name, mend="let both have the same name"
        )
        return
    if not owners and spec.name.partition("-")[0] in build.names("environments"):
        return  # a member of a family
    trial.expect(
        "is not installed under its name",
        that=bool(owners),
        mend=f'add {spec.name} = "MODULE:SPEC" to [project.entry-points."{GROUP}"] in pyproject.toml, and pip install -e .',
    )
    trial.expect(
        f"has a name that exists already: {owners[0]} has it",
        that=_is_found(spec),
        mend="give yours another one, in pyproject.toml and in its spec",
    )


def _is_found(spec: EnvironmentSpec) -> bool:
    """Return whether the name of ``spec`` finds it; a copy of it, imported by another path, is it, too."""
    try:
        found = build.environment(spec.name)
    except AgentwmError:
        return False
    return found is spec or _place(found) == _place(spec)


def _place(spec: EnvironmentSpec) -> tuple[str, str]:
    make = getattr(spec.make, "func", spec.make)  # of a functools.partial
    return getattr(make, "__module__", ""), getattr(make, "__qualname__", repr(make))


def _owners(name: str) -> list[str]:
    """Return the packages that have an environment of this name, each with where it stands."""
    entries = metadata.entry_points(group=GROUP, name=name)
    return sorted(f"{entry.dist.name if entry.dist else 'a package'} ({quoted(entry.value)})" for entry in entries)
