"""The commands ``agentwm eval …``: how well worlds are learned and played, all of them in one table."""
# ruff: noqa: PLC0415 -- a command imports what it needs when it runs, so that --help answers at once

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentwm.cli_rules import console
from agentwm.errors import ConfigurationError

if TYPE_CHECKING:
    from agentwm.suite import SuiteOptions

__all__ = ["eval_app"]

DEFAULT = "worlds"
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

eval_app = typer.Typer(
    help="Play many worlds and hold what comes of it against what is asked.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@eval_app.callback()
def _evaluate() -> None:
    """Play many worlds and hold what comes of it against what is asked."""


@eval_app.command()
def suite(  # noqa: PLR0913 -- one parameter per option is how typer works
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The suite.")] = DEFAULT,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the table and the runs.  [default: ./runs/suite-TIME]")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Play a few episodes of each world only.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="ROW|GROUP", help="Play these rows alone, * for anything; may be given again."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the tasks and the agent's choices.")] = 0,
    episodes: Annotated[
        int | None, typer.Option(min=1, help="Test episodes in each world.  [default: the suite's]")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Go on with a suite that was cut off, with its own options.")
    ] = None,
    list_rows: Annotated[
        bool, typer.Option("--list", help="Show the rows and what they ask, and play nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON object and nothing else.")
    ] = False,
) -> None:
    """Learn and play the worlds of a suite, one after another, and write the table as Markdown, JSON and one page with plots.

    A row whose package is not installed says what to install; one that cannot be played says why; the others go on.
    """
    from agentwm import build
    from agentwm.suite import SuiteOptions

    if list_rows:
        _list_rows(name)
        return
    if resume is None:
        options = SuiteOptions(only=tuple(only or ()), quick=quick, seed=seed, episodes=episodes)
        folder = out or _new_folder()
    else:
        name, options = _resumed(context, resume)
        folder = resume
    spec = build.suite(name)

    from agentwm.evaluation.display import named_progress
    from agentwm.suite import play_suite
    from agentwm.suite.display import suite_view

    try:
        report = play_suite(spec, options, folder, resume=resume is not None, watch=named_progress)
    except KeyboardInterrupt:
        sys.stderr.write(f"\ninterrupted; go on with: agentwm eval suite --resume {folder}\n")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    else:
        console().print(suite_view(report, folder))
    if any(row.state == "failed" for row in report.rows):
        raise typer.Exit(EXIT_FAILED)


def _list_rows(name: str) -> None:
    from agentwm import build
    from agentwm.evaluation.display import figures_table
    from agentwm.suite.cells import asked_text
    from agentwm.suite.verdicts import verdicts

    spec = build.suite(name)
    table = figures_table("world", "group", "tests", "quick", "asked")
    for row in spec.rows:
        brief = "-" if row.brief is None else str(row.brief.episodes)
        table.add_row(row.name, row.group, f"{row.episodes:,}", brief, asked_text(verdicts(row.asked, (), None)))
    console().print(f"{spec.name}: {spec.summary}", highlight=False)
    console().print(table)


def _resumed(context: typer.Context, folder: Path) -> "tuple[str, SuiteOptions]":
    """Return the suite in ``folder`` and the options it was begun with.

    Raises: ConfigurationError when there is none, or another option was given: a suite keeps its own.
    """
    from agentwm.suite import SuiteOptions, begun_in

    for option in ("name", "out", "quick", "only", "seed", "episodes"):
        source = context.get_parameter_source(option)
        if source is not None and source.name == "COMMANDLINE":
            raise ConfigurationError(
                f"--resume goes on with what the suite was begun with: leave out {'NAME' if option == 'name' else f'--{option}'}"
            )
    begun = begun_in(folder)
    return begun.suite, SuiteOptions(
        only=tuple(begun.rows), quick=begun.quick, seed=begun.seed, episodes=begun.episodes
    )


def _new_folder() -> Path:
    from agentwm.configuration import new_folder

    return new_folder("suite")
