"""The command ``agentwm new-environment``: a package with an environment of your own to begin with."""
# ruff: noqa: PLC0415 -- a command imports what it needs when it runs, so that --help answers at once

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["new_environment"]


def new_environment(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called: agentwm run NAME.")],
    *,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write it; not there yet.  [default: ./NAME]")
    ] = None,
) -> None:
    """Write a package with a small environment that works, to put a world of your own in its place."""
    from agentwm.new_environment import new_environment as write

    written = write(name, folder)
    typer.echo(
        f"written to {written}; go on with:\n  pip install -e {written}\n  agentwm run {name}\n  pytest {written}"
    )
