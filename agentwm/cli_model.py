"""The command ``agentwm check-model``: the blind test of a language model."""
# ruff: noqa: PLC0415 -- a command imports what it needs when it runs, so that --help answers at once

import sys
from pathlib import Path
from typing import Annotated

import typer

from agentwm.cli_rules import console

__all__ = ["BaseUrl", "PriceList", "ReplayFile", "SaidBy", "TimeoutS", "check_model"]

# The options that every command has which asks a model.
BaseUrl = Annotated[str | None, typer.Option(metavar="URL", help="Where an OpenAI-compatible server is.")]
SaidBy = Annotated[str | None, typer.Option(help="Who the recording is to name as having answered.")]
ReplayFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Take all answers from a recording.")]
TimeoutS = Annotated[float | None, typer.Option(help="Seconds that one call may take.  [default: 120]")]
PriceList = Annotated[
    str | None, typer.Option(metavar="IN,OUT[,CACHED]", help="What a million tokens cost, for the account.")
]


def check_model(  # noqa: PLR0913 -- one parameter per option is how typer works
    *,
    model: Annotated[
        str | None,
        typer.Option(metavar="BACKEND/NAME", help="The model to test; the key: OPENAI_API_KEY."),
    ] = None,
    base_url: BaseUrl = None,
    environment: Annotated[
        str, typer.Option(metavar="ENV", help="The environment: one that reports failure.")
    ] = "alfworld",
    altered: Annotated[int, typer.Option(min=0, help="Draws the laws of the world.")] = 7,
    seed: Annotated[int, typer.Option(min=0, help="Draws the games and what is asked.")] = 0,
    learn: Annotated[
        int | None,
        typer.Option(
            min=1, help="Games to learn the rules from, without the model.  [default: the environment's, often 20]"
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(help="A folder of rules, or a run, learned from these games before, instead of learning now."),
    ] = None,
    predictions: Annotated[int, typer.Option(min=2, help="Transitions to be foretold: two questions each.")] = 40,
    in_flight: Annotated[
        int | None,
        typer.Option(min=1, help="Questions under way at once.  [default: all with --base-url, else 16]"),
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record what it says; what is there already is not asked again.")
    ] = None,
    said_by: SaidBy = None,
    replay: ReplayFile = None,
    timeout_s: TimeoutS = None,
    price: PriceList = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON object and nothing else.")
    ] = False,
) -> None:
    """Test a language model on a world whose laws it cannot know: what commands do, without rules and with rules learned there."""
    from agentwm.configuration import RunConfig
    from agentwm.errors import ConfigurationError

    if model is None and replay is None:
        raise ConfigurationError("expected a model to test: name it with --model BACKEND/NAME, or give a --replay FILE")
    options = {
        "environment": environment,
        "altered": altered,
        "seed": seed,
        "learn": learn,
        "rules": rules,
        "model": model,
        "base_url": base_url,
        "record": record,
        "said_by": said_by,
        "replay": replay,
        "timeout_s": timeout_s,
        "price": None if price is None else [part.strip() for part in price.split(",")],
    }
    config = RunConfig.parse(options)

    from agentwm.evaluation.model_check import model_check_view
    from agentwm.llm.check_model import check_model as check

    report = check(config, predictions=predictions, in_flight=in_flight, progress=_tell)
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    else:
        console().print(model_check_view(report))


def _tell(news: str) -> None:
    sys.stderr.write(f"{news}\n")
