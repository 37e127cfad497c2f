"""What is installed, what is missing, which games are found: each environment is tried out, and a fault is said aloud."""

import platform
from importlib import metadata, util

from rich.console import Console
from rich.text import Text

from agentwm import build
from agentwm.errors import AgentwmError

__all__ = ["examine"]

_FOR_DEVELOPERS = {"all", "dev", "test"}
# The few packages whose import name is not their name in the index.
_MODULES = {"pydantic-monty": "pydantic_monty", "import-linter": "importlinter"}


def examine(console: Console) -> bool:
    """Print the state of this installation; return whether everything that is installed works."""
    _heading(console, "installed")
    _line(console, "ok", f"Python {platform.python_version()} on {platform.system()}")
    _line(console, "ok", f"agentwm {metadata.version('agentwm')}")
    _heading(console, "extras")
    for extra, packages in build.extras().items():
        if extra in _FOR_DEVELOPERS:
            continue
        missing = [each for each in packages if not _is_installed(each)]
        if missing:
            _line(console, "absent", f"{extra}: pip install 'agentwm[{extra}]'")
        else:
            _line(console, "ok", f"{extra}: {', '.join(f'{each} {metadata.version(each)}' for each in packages)}")
    is_sound = True
    for name in build.names("environments"):
        is_sound &= _examine_environment(console, name)
    return is_sound


def _examine_environment(console: Console, name: str) -> bool:
    _heading(console, name)
    try:
        spec = build.environment(name)
        found = list(spec.check())
    except AgentwmError as error:
        _line(console, "broken", str(error))
        return False
    missing = spec.missing()
    if missing:
        _line(console, "absent", missing)
    for line in found:
        _line(console, "ok", line)
    return True


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return util.find_spec(_MODULES.get(package, package.replace("-", "_"))) is not None


def _heading(console: Console, title: str) -> None:
    console.print(Text(f"\n{title}", style="bold"))


def _line(console: Console, state: str, text: str) -> None:
    sign, style = {"ok": ("✓", "green"), "absent": ("·", "yellow"), "broken": ("✗", "red")}[state]
    console.print(Text(f"  {sign} ", style=style).append(text, style="default"))
