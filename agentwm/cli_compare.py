"""The commands ``agentwm compare`` and ``agentwm presets``: several ways of deciding on the same games, and those that have a name."""
# ruff: noqa: ARG001, PLC0415 -- options go on through typer's context, all at once; and a command imports what it needs when it runs

import sys
from pathlib import Path
from typing import Annotated

import typer

from agentwm.cli_model import BaseUrl, PriceList, SaidBy, TimeoutS
from agentwm.cli_rules import console

__all__ = ["compare", "presets"]


def compare(  # noqa: PLR0913 -- one parameter per option is how typer works
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME NAME...", help="Presets or planners, each once.")],
    *,
    environment: Annotated[str, typer.Option(metavar="ENV", help="The environment: see `agentwm envs`.")],
    budget: Annotated[
        str, typer.Option(metavar="LIMITS", help="What every decision is held to: model_calls=500,seconds=2, say.")
    ],
    rules: Annotated[Path | None, typer.Option(help="The rules all play by: a folder of rules, or a run.")] = None,
    learn: Annotated[
        int | None,
        typer.Option(min=0, help="Games to learn the rules on, if none are given.  [default: the environment's]"),
    ] = None,
    episodes: Annotated[int, typer.Option(min=1, help="Games that each of them plays.")] = 60,
    games: Annotated[Path | None, typer.Option(help="A folder of games, instead of generated ones.")] = None,
    split: Annotated[str | None, typer.Option(help="The split to play.")] = None,
    engine: Annotated[str | None, typer.Option(help="Who runs the games: our engine or the official one.")] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="Steps after which a game is given up.  [default: the environment's]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the games, the choices and the intervals.")] = 0,
    altered: Annotated[int | None, typer.Option(min=0, help="Draw a world with other laws, from this seed.")] = None,
    admissible: Annotated[
        bool, typer.Option("--admissible", help="Let them see the list of admissible commands.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(metavar="BACKEND/NAME", help="The language model of the presets that ask one."),
    ] = None,
    base_url: BaseUrl = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Record what it says, to a file NAME.jsonl for each preset.")
    ] = None,
    said_by: SaidBy = None,
    replay: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Take all answers from such recordings, or from one file.")
    ] = None,
    timeout_s: TimeoutS = None,
    price: PriceList = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the runs; one that was cut off goes on there.  [default: ./runs/compare-ENV-TIME]"
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the comparison as one JSON object and nothing else.")
    ] = False,
) -> None:
    """Play the same games in several ways, by the same rules, every decision held to the same budget."""
    from agentwm.configuration import RunConfig

    options = {name: value for name, value in context.params.items() if name in RunConfig.model_fields}
    prices = None if price is None else [part.strip() for part in price.split(",")]
    config = RunConfig.parse({**options, "price": prices})

    from agentwm.compare import compare as play
    from agentwm.evaluation.comparison import comparison_view
    from agentwm.evaluation.display import named_progress

    comparison = play(names, config, watch=named_progress)
    if as_json:
        sys.stdout.write(comparison.model_dump_json(indent=2) + "\n")
    else:
        console().print(comparison_view(comparison))


def presets() -> None:
    """List the presets: what each one is, its paper, and what is not as there."""
    from rich.table import Table

    from agentwm.presets import PRESETS

    table = Table.grid(padding=(0, 3))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for preset in PRESETS.values():
        table.add_row(preset.name, preset.summary)
        asked = f" · a language model to {', '.join(preset.roles)}" if preset.needs_model else ""
        limits = str(preset.budget)
        held = "" if limits == "no limit" else f" · {limits}"
        table.add_row("", f"[dim]{preset.source} · planner {preset.planner}{asked}{held}")
        table.add_row("", f"[dim]differs: {preset.differs}")
    console().print(table)
