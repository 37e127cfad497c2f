"""Writes the package of a new environment: a small world that works, for somebody to put a world of their own in its place."""

import importlib.util
import re
import shutil
import tempfile
from importlib import resources
from pathlib import Path
from string import Template

from agentwm import build
from agentwm.errors import ConfigurationError, quoted

__all__ = ["new_environment"]

LONGEST = 40
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "environment.py.txt": "{module}.py",
    "test_environment.py.txt": "test_{plain}.py",
}


def new_environment(name: str, folder: Path | None = None) -> Path:
    """Write a package with the environment ``name`` to ``folder``, None for one of its name here, and return where it is.

    It is there as a whole, or nothing is.

    Raises: ConfigurationError for a name that cannot be one or is taken, and for a folder that is there or cannot be written.
    """
    module = _free_module(name)
    target = (folder or Path(name)).expanduser()
    if target.exists() or target.is_symlink():
        raise ConfigurationError(
            f"expected a new folder for {name}, but {target} is there already: choose another with --folder, or move it away"
        )
    plain = name.replace("-", "_")
    words = {"name": name, "package": f"agentwm-{name}", "module": module, "title": _title(name)}
    files = {
        path.format(module=module, plain=plain): Template(_template(kept)).substitute(words)
        for kept, path in _FILES.items()
    }
    try:
        _write(target, files)
    except OSError as error:
        raise ConfigurationError(f"cannot write {name} to {target}: {error.strerror or error}") from error
    return target


def _free_module(name: str) -> str:
    """Return what the module of the environment ``name`` is called, once it is known that nothing else has either name."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise ConfigurationError(
            f"expected a name such as lamps or hill-country, of at most {LONGEST} small letters, digits and single dashes between them, "
            f"got {quoted(name)}"
        )
    if name in build.names("environments"):
        raise ConfigurationError(
            f"the name {quoted(name)} exists already: `agentwm envs` lists that environment; choose another"
        )
    module = f"agentwm_{name.replace('-', '_')}"
    if importlib.util.find_spec(module) is not None:
        raise ConfigurationError(
            f"the name {quoted(name)} is taken: there is a module {module} already; choose another"
        )
    return module


def _title(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def _template(name: str) -> str:
    return resources.files("agentwm.new_environment").joinpath("template", name).read_text(encoding="utf-8")


def _write(target: Path, files: dict[str, str]) -> None:
    """Write ``files`` beside ``target`` and give them its name at the end, so that nothing half written is ever there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for name, text in files.items():
            (making / name).write_text(text, encoding="utf-8")
        making.chmod(0o755)
        making.rename(target)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
