"""Importing agentwm, and asking it for help, loads nothing heavy: shown in a fresh interpreter, and shown to be showable."""

import json
import subprocess
import sys

import pytest

HEAVY = {"alfworld", "networkx", "numpy", "openai", "rich", "textworld", "torch", "transformers", "typer"}


def loaded_by(code: str) -> set[str]:
    """Return the top-level names of all modules that ``code`` leaves in a fresh interpreter."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def asked(*arguments: str) -> str:
    """Return code that runs the command in this process and survives its exit."""
    return f"""
import sys
sys.argv = ["agentwm", *{list(arguments)!r}]
from agentwm.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


def test_importing_agentwm_loads_nothing_heavy() -> None:
    assert not HEAVY & loaded_by("import agentwm")


def test_learning_and_playing_load_nothing_that_only_extras_install() -> None:
    extras = HEAVY - {"openai", "rich", "typer"} | {"gymnasium", "pydantic_monty", "scipy", "vllm", "xgrammar"}
    modules = (
        "agentwm.minds, agentwm.experiment, agentwm.cli, agentwm_environments.alfworld, agentwm_environments.small"
    )
    assert not extras & loaded_by(f"import {modules}")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["rules", "show", "--help"]])
def test_help_loads_only_what_parses_options(arguments: list[str]) -> None:
    needless = HEAVY - {"typer"} | {"agentwm_environments", "sqlite3"}
    assert not needless & loaded_by(asked(*arguments))


def test_a_heavy_import_would_be_seen() -> None:
    assert "rich" in loaded_by("import agentwm, rich.console")
    assert "sqlite3" in loaded_by(asked("--help") + "import agentwm.records")
