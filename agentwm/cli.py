"""The command ``agentwm``.

What a command needs is imported when it runs, so that ``agentwm --help`` answers at once.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentwm.cli_compare import compare, presets
from agentwm.cli_envs import envs
from agentwm.cli_imagination import simulate
from agentwm.cli_model import BaseUrl, PriceList, ReplayFile, SaidBy, TimeoutS, check_model
from agentwm.cli_new_environment import new_environment
from agentwm.cli_rules import console, rules_app
from agentwm.cli_suite import eval_app
from agentwm.cli_training import export, train
from agentwm.cli_what_if import what_if
from agentwm.errors import AgentwmError, BackendError, ConfigurationError

if TYPE_CHECKING:
    from agentwm.configuration import RunConfig
    from agentwm.evaluation import Report
    from agentwm.rules.store import RuleStore

__all__ = ["app", "main"]

EXIT_ERROR = 2
EXIT_BUDGET = 3
EXIT_INTERRUPTED = 130

app = typer.Typer(
    help="Learn how a world works as rules you can read, then act by looking ahead.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help needs half the time, and plain errors are one sentence
)
app.add_typer(rules_app, name="rules")
app.add_typer(eval_app, name="eval")


def main() -> None:
    """Run the command; an error of ours becomes one sentence on stderr and exit code 2."""
    try:
        app()
    except AgentwmError as error:
        sys.stderr.write(f"agentwm: {' '.join(str(error).split())}\n")
        sys.exit(EXIT_ERROR)


@app.command()
def run(  # noqa: PLR0913 - one parameter per option is how typer works
    context: typer.Context,
    environment: Annotated[
        str | None, typer.Argument(metavar="ENV", help="The environment: see `agentwm envs`.")
    ] = None,
    *,
    learn: Annotated[
        int | None,
        typer.Option(min=0, help="Games to learn on before playing.  [default: the environment's, often 20]"),
    ] = None,
    episodes: Annotated[int, typer.Option(min=0, help="Games to play with the rules frozen.")] = 60,
    games: Annotated[Path | None, typer.Option(help="A folder of games, instead of generated ones.")] = None,
    goals: Annotated[
        str | None,
        typer.Option(
            help="How goals are worded: people's own words (human, for alfworld) need a --model to read them."
        ),
    ] = None,
    split: Annotated[str | None, typer.Option(help="The split to play.")] = None,
    train_split: Annotated[str | None, typer.Option(help="The split to learn on.")] = None,
    engine: Annotated[str | None, typer.Option(help="Who runs the games: our engine or the official one.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Rules to start from: a folder of rules, or a run.")] = None,
    planner: Annotated[str | None, typer.Option(help="How to choose actions.  [default: mpc, or the preset's]")] = None,
    preset: Annotated[str | None, typer.Option(help="A named mixture, such as walle: see `agentwm presets`.")] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="LIMITS", help="What one decision may spend: model_calls=500,seconds=2, say.")
    ] = None,
    explore: Annotated[
        bool, typer.Option("--explore", help="Learn for the sake of learning alone: pursue no goal and no reward.")
    ] = False,
    max_steps: Annotated[
        int | None,
        typer.Option(min=1, help="Steps after which an episode is given up.  [default: the environment's, often 50]"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the games and the agent's choices.")] = 0,
    altered: Annotated[int | None, typer.Option(min=0, help="Draw a world with other laws, from this seed.")] = None,
    admissible: Annotated[
        bool, typer.Option("--admissible", help="Let the agent see the list of admissible commands.")
    ] = False,
    isolated: Annotated[
        bool | None,
        typer.Option(
            "--isolated/--in-process",
            help="Run the environment in a process of its own: a crash or a hang ends an episode, not the run.  "
            "[default: as the environment wants it]",
        ),
    ] = None,
    screenshots: Annotated[
        bool, typer.Option("--screenshots/--no-screenshots", help="Keep what an environment with a face looks like.")
    ] = True,
    model: Annotated[
        str | None,
        typer.Option(metavar="BACKEND/NAME", help="A language model to ask beside the rules; the key: OPENAI_API_KEY."),
    ] = None,
    base_url: BaseUrl = None,
    ask: Annotated[
        str | None,
        typer.Option(help="When to ask it: never, silent (where the rules are) or always.  [default: silent]"),
    ] = None,
    roles: Annotated[
        str | None,
        typer.Option(help="What to ask it for: perceive, predict, propose, judge, induce.  [default: predict]"),
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record what it says.  [default: RUN/replies.jsonl]")
    ] = None,
    said_by: SaidBy = None,
    replay: ReplayFile = None,
    timeout_s: TimeoutS = None,
    price: PriceList = None,
    max_calls: Annotated[
        int | None, typer.Option(min=1, help="Calls after which the run stops, to be resumed.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens, in and out, after which it stops.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="Money after which it stops; needs --price.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Seconds after which no more is asked.")] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what the run would ask of the model and what that costs; ask nothing."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the run.  [default: ./runs/ENV-TIME]")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON object and nothing else.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Go on with a run that was cut off or stopped, with --max-calls more, say."),
    ] = None,
) -> None:
    """Learn the rules of a world by playing, then play unseen games with the rules frozen."""
    from agentwm.configuration import RunConfig, new_folder

    if resume is not None:
        config = _resumed_config(context, resume, environment)
    elif environment is None:
        raise ConfigurationError("expected the name of an environment, or --resume RUN; `agentwm envs` lists them")
    else:
        options = {name: value for name, value in context.params.items() if name in RunConfig.model_fields}
        lists = {"roles": _listed(roles), "price": _listed(price)}
        config = RunConfig.parse(options | lists | {"out": out or new_folder(environment)})
    if dry_run:
        _tell_forecast(config, as_json=as_json)
        return
    report = _run(config, is_resumed=resume is not None, as_json=as_json)
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    else:
        _print_report(report)
    if report.stopped is not None:
        sys.stderr.write(f"\nstopped: {report.stopped}\n{_how_to_go_on(Path(report.run), more=True)}\n")
        raise typer.Exit(EXIT_BUDGET)


@app.command()
def replay(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    episode: Annotated[int | None, typer.Argument(help="Its number; without it, all episodes are listed.")] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write it as one page, with the pictures that were kept."),
    ] = None,
) -> None:
    """Show an episode step by step: what was predicted, what happened, which rules spoke."""
    from agentwm.evaluation.replay import episode_list, episode_view, write_page
    from agentwm.records import RunStore

    if html is not None and episode is None:
        raise ConfigurationError("expected the number of an episode for --html: `agentwm replay RUN` lists them")
    with RunStore.open(path) as store:
        if html is not None and episode is not None:
            write_page(store, episode, _rules_of(path), html)
            sys.stderr.write(f"written to {html}\n")
            return
        view = episode_list(store) if episode is None else episode_view(store, episode, _rules_of(path))
    console().print(view)


@app.command()
def doctor() -> None:
    """Say what is installed, what is missing and which games are found; try every environment out."""
    from agentwm.doctor import examine

    if not examine(console()):
        raise typer.Exit(1)


app.command()(envs)
app.command("new-environment")(new_environment)
app.command()(compare)
app.command()(presets)
app.command("check-model")(check_model)
app.command()(simulate)
app.command("what-if")(what_if)
app.command()(export)
app.command()(train)


def _run(config: "RunConfig", *, is_resumed: bool, as_json: bool) -> "Report":
    from rich.console import Console

    from agentwm import build
    from agentwm.evaluation.display import ProgressDisplay
    from agentwm.records import RunStore

    build.checked(config)  # before the rest is imported: a slip of the pen is answered at once
    from agentwm.experiment import run as run_experiment

    with _stdout_to_stderr(really=as_json):
        progress = ProgressDisplay(Console(stderr=True))
        try:
            with progress:
                return run_experiment(config, resume=is_resumed, progress=progress)
        except KeyboardInterrupt:
            is_saved = config.out is not None and RunStore.is_at(config.out)
            saved = _how_to_go_on(config.out) if is_saved else "the run had not begun"
            sys.stderr.write(f"\ninterrupted; {saved}\n")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BackendError as error:
            if config.out is None or not RunStore.is_at(config.out):
                raise
            raise AgentwmError(f"{error}; {_how_to_go_on(config.out)}") from error


def _tell_forecast(config: "RunConfig", *, as_json: bool) -> None:
    """Print what the run of ``config`` would ask of its language model."""
    from rich.console import Console

    from agentwm.dry_run import dry_run
    from agentwm.evaluation.display import ProgressDisplay
    from agentwm.evaluation.forecast import forecast_view

    with _stdout_to_stderr(really=as_json), ProgressDisplay(Console(stderr=True)) as progress:
        forecast = dry_run(config, progress=progress)
    if as_json:
        sys.stdout.write(forecast.model_dump_json(indent=2) + "\n")
    else:
        console().print(forecast_view(forecast))


def _how_to_go_on(path: Path | None, *, more: bool = False) -> str:
    return f"the run is saved; go on with: agentwm run --resume {path}{' --max-calls MORE, or whatever is spent' if more else ''}"


def _listed(text: str | None) -> list[str] | None:
    """Return the parts of a list with commas."""
    return None if text is None else [part.strip() for part in text.split(",")]


def _resumed_config(context: typer.Context, path: Path, environment: str | None) -> "RunConfig":
    """Return the configuration that the run in ``path`` was begun with.

    Raises: ConfigurationError when another option than a budget was given beside ``--resume``: a run keeps its own. So does a ``--model``
        that is code, but that has to be named again: a folder that somebody passed on must not choose what is called here.
    """
    from agentwm.configuration import BUDGETS, RunConfig
    from agentwm.records import RunStore

    given = [name for name in context.params if _was_given(context, name)]
    fixed = [name for name in given if name not in {"resume", "as_json", "environment", "model", *BUDGETS}]
    if fixed:
        option = fixed[0].replace("_", "-")
        raise ConfigurationError(f"--resume goes on with the options that the run was begun with: leave out --{option}")
    more = {name: context.params[name] for name in given if name in BUDGETS}
    with RunStore.open(path) as store:
        config = RunConfig.parse(store.config | more | {"out": path})
    if environment not in {None, config.environment}:
        raise ConfigurationError(f"the run in {path} is of {config.environment}, not of {environment}")
    _expect_own_model(config, context.params["model"])
    return config


def _expect_own_model(config: "RunConfig", named: str | None) -> None:
    """Raise a ConfigurationError where ``named`` is another model than that of a resumed run, or has to be named and is not."""
    from agentwm import build

    if named not in {None, config.model}:
        raise ConfigurationError(
            f"the run in {config.out} was begun with --model {config.model}, not {named}: it goes on with its own"
        )
    if named is None and config.model is not None and build.backend(config.model.partition("/")[0]).names_code:
        raise ConfigurationError(
            f"the run in {config.out} would call {config.model}, which is code: if you trust it, say so with --model {config.model}"
        )


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _print_report(report: "Report") -> None:
    from agentwm.evaluation import results_of
    from agentwm.evaluation.display import report_view
    from agentwm.records import RunStore

    path = Path(report.run)
    with RunStore.open(path) as store:
        results = results_of(store)
    console().print(report_view(report, results, _rules_of(path)))


def _rules_of(path: Path) -> "RuleStore":
    """Return the rules in ``path``, a folder of rules or a run (which is one)."""
    from agentwm.rules.store import RuleStore

    return RuleStore.load(path)


@contextmanager
def _stdout_to_stderr(*, really: bool) -> Iterator[None]:
    """Send whatever is written to stdout meanwhile to stderr, C libraries included: engines print as they please."""
    if not really:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
