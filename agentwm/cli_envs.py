"""The command ``agentwm envs``: every environment installed, what it needs and whether that is there."""
# ruff: noqa: PLC0415 -- a command imports what it needs when it runs, so that --help answers at once

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Annotated

import typer

from agentwm.cli_rules import console
from agentwm.errors import AgentwmError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from agentwm.types import EnvironmentSpec

__all__ = ["Listed", "Need", "envs", "listed"]

OUR_ENGINE = "fast"
"""What an engine is called that needs nothing but agentwm."""

WIDEST = 100
FOR_DEVELOPERS = frozenset({"all", "dev", "test"})


@dataclass(frozen=True, slots=True)
class Need:
    """What an ``engine`` needs: packages, each with its version here or None where it is missing, and the extra that installs them."""

    engine: str
    extra: str
    packages: dict[str, str | None]

    @property
    def is_met(self) -> bool:
        """Whether all of it is installed."""
        return all(version is not None for version in self.packages.values())

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install 'agentwm[{self.extra}]'"


@dataclass(frozen=True, slots=True)
class Listed:
    """An environment: what it accepts and needs. ``state`` is ``ok``, ``missing`` or ``broken``, and ``reason`` says why."""

    name: str
    state: str
    reason: str | None = None
    summary: str = ""
    splits: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    is_isolated: bool = False


def envs(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON and nothing else.")] = False,
) -> None:
    """List the environments installed, what each one needs, and whether that is there."""
    found = listed()
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in found], indent=2) + "\n")
        return
    screen = console()
    screen.print(_view(found), width=min(screen.width, WIDEST))


def listed() -> list[Listed]:
    """Return every environment installed, by name; one that cannot be loaded is listed with the reason."""
    from agentwm import build

    extras = {extra: packages for extra, packages in build.extras().items() if extra not in FOR_DEVELOPERS}
    found: list[Listed] = []
    for name in build.names("environments"):
        try:
            spec = build.environment(name)
            found.append(_listed(name, spec, tuple(_needs(spec, extras))))
        except AgentwmError as error:
            found.append(Listed(name, "broken", str(error)))
    return found


def _listed(name: str, spec: "EnvironmentSpec", needs: tuple[Need, ...]) -> Listed:
    reason = spec.missing()
    return Listed(
        name,
        "ok" if reason is None else "missing",
        reason,
        spec.summary,
        tuple(spec.splits),
        tuple(spec.engines),
        tuple(spec.goals),
        tuple(spec.members()),
        needs,
        spec.time_limit_s is not None,
    )


def _needs(spec: "EnvironmentSpec", extras: dict[str, list[str]]) -> Iterable[Need]:
    """Yield what the engines of ``spec`` need: an engine has the name of its package, or else its environment that of an extra."""
    for engine in spec.engines:
        bringing = [extra for extra, packages in extras.items() if engine in packages]
        if bringing:
            extra = min(bringing, key=lambda each: len(extras[each]))
            yield Need(engine, extra, {engine: _version(engine)})
        elif engine != OUR_ENGINE and spec.name in extras:
            yield Need(engine, spec.name, {package: _version(package) for package in extras[spec.name]})


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


# --- in words ---------------------------------------------------------------------------------------------------------


def _view(found: Sequence[Listed]) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    styles = {"ok": "green", "missing": "yellow", "broken": "red"}
    for each in found:
        about = Text(each.summary or str(each.reason))
        for line in _lines(each):
            about.append(f"\n{line}", style="dim")
        if each.summary and each.reason is not None:
            about.append(f"\n{each.reason}", style="yellow")
        table.add_row(Text(each.name, style="bold"), Text(each.state, style=styles[each.state]), about)
    return table


def _lines(each: Listed) -> Iterable[str]:
    if each.members:
        yield f"any of its kind, such as {', '.join(each.members)}"
    accepted = {"splits": each.splits, "goals": each.goals, "engines": each.engines}
    told = [f"{what} {', '.join(names)}" for what, names in accepted.items() if len(names) > (what != "splits")]
    if told:
        yield " · ".join(told)
    for need in each.needs:
        versions = ", ".join(f"{package} {version or '(missing)'}" for package, version in need.packages.items())
        whose = f"{need.engine} " if len(each.engines) > 1 else ""
        yield f"{whose}needs {versions}{'' if need.is_met or each.reason else f': {need.install}'}"
    if each.engines == (OUR_ENGINE,):
        yield "needs nothing else"
    if each.is_isolated:
        yield "runs in a process of its own"
