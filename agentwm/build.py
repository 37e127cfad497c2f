"""Finds what is installed by name: the only place that knows concrete classes.

Environments, planners and backends are entry points. Ours stand in the same table as a stranger's; listing the names
imports none of them.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Literal, TypeVar

from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import BackendSpec
from agentwm.configuration import RunConfig
from agentwm.errors import AgentwmError, ConfigurationError, MissingExtraError, quoted
from agentwm.types import EnvironmentSpec, PlannerSpec, SuiteSpec

__all__ = [
    "Kind",
    "backend",
    "checked",
    "environment",
    "expect",
    "extras",
    "load",
    "missing_extra",
    "names",
    "planner",
    "prompt",
    "suite",
]

Kind = Literal["environments", "planners", "backends", "prompts", "suites"]
Spec = TypeVar("Spec")

_OPTIONAL = re.compile(r"""^(?P<package>[A-Za-z0-9._-]+).*;.*extra\s*==\s*['"](?P<extra>[^'"]+)['"]""")


def names(kind: Kind) -> list[str]:
    """Return the names installed for ``kind``, sorted, without importing any."""
    return sorted({entry.name for entry in _entries(kind)})


def load(kind: Kind, name: str) -> object:
    """Import and return what ``name`` stands for.

    Raises: ConfigurationError when the name is unknown, two distributions give it or its import fails; MissingExtraError when that needs a
        package that is not installed.
    """
    expect(kind.removesuffix("s"), name, names(kind))
    entries = [entry for entry in _entries(kind) if entry.name == name]
    if len(entries) > 1:
        owners = " and ".join(sorted(_owner(entry) for entry in entries))
        raise ConfigurationError(
            f"two packages give the {kind.removesuffix('s')} {quoted(name)}: {owners}; uninstall one of them"
        )
    [entry] = entries
    try:
        return entry.load()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == entry.module.partition(".")[0]:
            raise ConfigurationError(f"the {kind.removesuffix('s')} {quoted(name)} is broken: {error}") from error
        raise missing_extra(f"{kind.removesuffix('s')} {quoted(name)}", error.name or str(error)) from error
    except AgentwmError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"the {kind.removesuffix('s')} {quoted(name)} is broken: {entry.value} raised {type(error).__name__} ({quoted(str(error))})"
        ) from error


def environment(name: str) -> EnvironmentSpec:
    """Return what the environment ``name`` declares; ``FAMILY-REST`` is one of a family, where an entry point is called ``FAMILY``.

    Raises: as `load`, and ConfigurationError when its entry point is no `EnvironmentSpec` or the family has no such member.
    """
    family, _, rest = name.partition("-")
    if rest and name not in (known := names("environments")) and family in known:
        spec = _spec("environments", family, EnvironmentSpec)
        if spec.member is not None:
            return spec.member(name)
    return _spec("environments", name, EnvironmentSpec)


def planner(name: str) -> PlannerSpec:
    """Return what the planner ``name`` declares.

    Raises: as `load`, and ConfigurationError when its entry point is no `PlannerSpec`.
    """
    return _spec("planners", name, PlannerSpec)


def backend(name: str) -> BackendSpec:
    """Return what the backend ``name`` declares.

    Raises: as `load`, and ConfigurationError when its entry point is no `BackendSpec`.
    """
    return _spec("backends", name, BackendSpec)


def suite(name: str) -> SuiteSpec:
    """Return what the suite ``name`` declares.

    Raises: as `load`, and ConfigurationError when its entry point is no `SuiteSpec`.
    """
    return _spec("suites", name, SuiteSpec)


def _spec(kind: Kind, name: str, wanted: type[Spec]) -> Spec:
    """Return what ``name`` stands for, once it is known to be what is ``wanted`` of its kind."""
    spec = load(kind, name)
    if not isinstance(spec, wanted):
        article = "an" if wanted.__name__[0] in "AEIOU" else "a"
        raise ConfigurationError(
            f"expected the {kind.removesuffix('s')} {quoted(name)} to be {article} {wanted.__name__}, got {quoted(spec)}"
        )
    return spec


def prompt(name: str) -> Prompt:
    """Return the prompt ``name``, whose entry point is a function that reads it.

    Raises: as `load`, and ConfigurationError when its entry point returns no `Prompt`.
    """
    read = load("prompts", name)
    found = read() if callable(read) else read
    if not isinstance(found, Prompt):
        raise ConfigurationError(
            f"expected the prompt {quoted(name)} to be a function that returns a Prompt, got {quoted(found)}"
        )
    return found


def checked(config: RunConfig) -> EnvironmentSpec:
    """Return what the environment of ``config`` declares, once every name in ``config`` is known to mean something.

    Raises: ConfigurationError for an unknown environment, planner, backend, split, engine or wording of goals, and for goals in
        people's own words that nobody is there to read.
    """
    spec = environment(config.environment)
    expect("planner", config.planner, names("planners"))
    if config.model is not None:
        expect("backend", config.model.partition("/")[0], names("backends"))
    for split in (config.split, config.train_split):
        if split is not None:
            expect(f"split of {spec.name}", split, spec.splits)
    if config.engine is not None:
        expect(f"engine of {spec.name}", config.engine, spec.engines)
    if config.goals is not None:
        expect(f"wording of goals of {spec.name}", config.goals, spec.goals)
        if config.goals != spec.goals[0]:
            config.expect_a_reader()
    return spec


def expect(noun: str, name: str, known: Sequence[str]) -> None:
    """Raise a ConfigurationError, with what there is and what was perhaps meant, unless ``name`` is among ``known``."""
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    there = ", ".join(known) or "none installed"
    raise ConfigurationError(f"unknown {noun} {quoted(name)}; there is: {there}.{hint}")


def extras() -> dict[str, list[str]]:
    """Return our extras and the packages that each installs, those of other extras of ours included."""
    needed: dict[str, list[str]] = {extra: [] for extra in metadata.metadata("agentwm").get_all("Provides-Extra") or ()}
    for requirement in metadata.requires("agentwm") or ():
        if found := _OPTIONAL.match(requirement):
            needed[found["extra"]].append(found["package"])
    return needed


def missing_extra(what: str, module: str) -> MissingExtraError:
    """Return the error that says what to install for ``what``, whose import did not find ``module``."""
    package = module.partition(".")[0]
    having = {
        extra: found for extra, found in extras().items() if package in {each.replace("-", "_") for each in found}
    }
    # The smallest extra that brings it: `all` would, too.
    wanted = f"agentwm[{min(having, key=lambda extra: len(having[extra]))}]" if having else package
    return MissingExtraError(
        f"{what} needs the package {quoted(package)}, which is not installed: pip install '{wanted}'"
    )


def _entries(kind: Kind) -> Iterable[metadata.EntryPoint]:
    return metadata.entry_points(group=f"agentwm.{kind}")


def _owner(entry: metadata.EntryPoint) -> str:
    return f"{entry.dist.name} ({entry.value})" if entry.dist else entry.value
