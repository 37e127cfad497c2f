"""The command ``agentwm simulate``: a learned model, played by a person in the terminal or by an agent."""
# ruff: noqa: PLC0415 -- a command imports what it needs when it runs, so that --help answers at once

import json
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentwm.cli_rules import console
from agentwm.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import Console

    from agentwm.agent import Episode
    from agentwm.configuration import RunConfig
    from agentwm.imagination import ImaginedEnvironment, Start
    from agentwm.rules.store import RuleStore
    from agentwm.types import Environment, Outcome, PlannerSpec, PlanningBudget, Prediction, Vocabulary

__all__ = ["simulate"]

EPISODES = 10
AGENT, DEFAULT = "agent", "mpc"  # the planner that a run has where none is named
SURE = 0.95  # the confidence below which a prediction is said to be unsure
WORTH_SAYING = 0.02  # the probability of a way things may turn out
QUIT, HELP = ("quit", "exit"), ("help", "?")
PHASE = "imagined"


def simulate(  # noqa: PLR0913 -- one parameter per option is how typer works
    environment: Annotated[str, typer.Argument(metavar="ENV", help="The environment: see `agentwm envs`.")],
    *,
    rules: Annotated[Path, typer.Option(help="The rules to play: a folder of rules, or a run.")],
    task: Annotated[
        int | None,
        typer.Option(min=0, help="The task to begin in, by number.  [default: 0; a planner: one after another]"),
    ] = None,
    planner: Annotated[
        str | None, typer.Option(help="Let a planner play, not you; `agent` is the default one, mpc.")
    ] = None,
    episodes: Annotated[
        int | None, typer.Option(min=1, help=f"Episodes for a planner to play.  [default: {EPISODES}]")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="LIMITS", help="What one decision may spend: model_calls=500,seconds=2, say.")
    ] = None,
    dropout: Annotated[
        float, typer.Option(min=0, max=1, help="The probability of each rule being left out of an episode.")
    ] = 0.0,
    likeliest: Annotated[
        bool, typer.Option("--likeliest", help="What is most probable happens, always; nothing is left to chance.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Draws the games, and what happens in them.")] = 0,
    max_steps: Annotated[
        int | None,
        typer.Option(min=1, help="Steps after which an episode is given up.  [default: the environment's, often 50]"),
    ] = None,
    games: Annotated[Path | None, typer.Option(help="A folder of games, instead of generated ones.")] = None,
    split: Annotated[str | None, typer.Option(help="The split that the tasks are of.")] = None,
    altered: Annotated[int | None, typer.Option(min=0, help="Draw the opening of a world with other laws.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A new file for what was lived, as `agentwm export` writes it.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what came of it as one JSON object, and nothing else on stdout.")
    ] = False,
) -> None:
    """Play the learned model itself, from the opening of a task: the world is asked for its first observation and nothing else."""
    from agentwm import build
    from agentwm.configuration import RunConfig
    from agentwm.imagination import ImaginedEnvironment
    from agentwm.types import PlanningBudget

    if episodes is not None and planner is None:
        raise ConfigurationError("--episodes are for a planner to play: name one with --planner, `agent` say")
    if out is not None and out.exists():
        raise ConfigurationError(f"expected a new file, but {out} exists: choose another --out")
    wanted = 1 if planner is None else episodes or EPISODES
    options = {
        "environment": environment,
        "rules": rules,
        "episodes": wanted if task is None else task + 1,
        "max_steps": max_steps,
        "games": games,
        "split": split,
        "altered": altered,
        "seed": seed,
    }
    limits = None if budget is None else PlanningBudget.parse(budget)
    spec = None if planner is None else build.planner(DEFAULT if planner == AGENT else planner)
    starts, store, steps = _opened(RunConfig.parse(options), task)
    with closing(ImaginedEnvironment(store, starts, dropout=dropout, is_likeliest=likeliest)) as dream:
        if spec is None:
            played = [_played_by_hand(dream, store, seed, steps, is_quiet=as_json)]
        else:
            names = [start.name for start in starts] if task is None else [starts[0].name] * wanted
            played = [
                _played(dream, name, spec, store, seed=seed + number, max_steps=steps, budget=limits)
                for number, name in enumerate(names)
            ]
    if out is not None:
        _write(out, played)
    _tell(played, as_json=as_json, is_by_hand=planner is None)


def _opened(config: "RunConfig", task: int | None) -> tuple[list["Start"], "RuleStore", int]:
    """Return the openings of the tasks asked for, the rules, and how many steps an episode may take."""
    from agentwm import build
    from agentwm.agent import Episode
    from agentwm.imagination import Start
    from agentwm.rules.store import RuleStore

    spec = build.checked(config)
    assert config.rules is not None
    store = RuleStore.load(config.rules)
    with closing(spec.make(config.environment_options(learning=False))) as world:
        tasks = _tasks(world, config, task)
        starts = [Start.of(Episode(world, each, seed=config.seed)) for each in tasks]
    return starts, store, config.max_steps or spec.max_steps


def _tasks(world: "Environment", config: "RunConfig", task: int | None) -> Sequence[str]:
    tasks = world.tasks()
    if task is None:
        tasks = tasks[: config.episodes]
        if not tasks:
            raise ConfigurationError(f"expected tasks to imagine, but {world.name} has none for these options")
        return tasks
    if task >= len(tasks):
        raise ConfigurationError(f"expected the number of one of the {len(tasks)} tasks of {world.name}, got {task}")
    return [tasks[task]]


# --- by an agent ------------------------------------------------------------------------------------------------------------


def _played(  # noqa: PLR0913 -- what is played, by whom, and for how long
    dream: "ImaginedEnvironment",
    name: str,
    planner: "PlannerSpec",
    store: "RuleStore",
    *,
    seed: int,
    max_steps: int,
    budget: "PlanningBudget | None",
) -> "Episode":
    """Return an episode played by ``planner``, which knows all the rules."""
    from agentwm.agent import Episode, play
    from agentwm.minds import acting_mind

    episode = Episode(dream, name, seed=seed)
    mind = acting_mind(planner, store, episode, rng=random.Random(f"{seed}-{name}"), budget=budget)
    play(episode, mind, max_steps=max_steps)
    return episode


# --- by hand ----------------------------------------------------------------------------------------------------------------


def _played_by_hand(
    dream: "ImaginedEnvironment", store: "RuleStore", seed: int, max_steps: int, *, is_quiet: bool
) -> "Episode":
    """Return the episode that a person plays, command by command; what is said to them goes to stderr where it is to be ``is_quiet``."""
    from rich.console import Console

    from agentwm.agent import Episode
    from agentwm.commands import CommandReader
    from agentwm.models.rule_model import AlignedModel
    from agentwm.types import Query

    screen = Console(stderr=True, highlight=False) if is_quiet else console()

    def say(text: str, style: str = "") -> None:
        screen.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    [name] = dream.tasks()
    episode = Episode(dream, name, seed=seed)
    reader, model = CommandReader(episode.vocabulary), AlignedModel.symbolic(store, episode.vocabulary)
    say(f"imagined from {name}, by {len(store)} rules; type a command, help to list them, quit to end", "dim")
    say(episode.observation.text)
    with closing(model):
        while not episode.is_over and len(episode.transitions) < max_steps:
            command = _asked(screen)
            if command is None or command in QUIT:
                break
            if command in HELP:
                say(_commands(episode.vocabulary))
                continue
            try:
                action = reader.expect(command, episode.state)
            except ConfigurationError as error:
                say(str(error), "yellow")
                continue
            [prediction] = model.predict([Query(episode.state, action)])
            seen = episode.step(action, prediction).observation
            say(f"{seen.text} Reward {seen.reward:g}." if seen.reward else seen.text)
            if doubt := _doubt(prediction):
                say(doubt, "dim")
    say(_verdict(episode), "bold")
    return episode


def _asked(screen: "Console") -> str | None:
    """Return what was typed; None at the end of it. Where it does not come from a terminal it is shown as if it had been typed."""
    screen.print("> ", end="", markup=False)
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        screen.print(line.rstrip("\n"), markup=False)
    return " ".join(line.split()) if line else None


def _commands(words: "Vocabulary") -> str:
    """Return the commands there are, one a line, with the sort of thing that each gap asks for."""
    schemas = words.actions.values()
    return "\n".join(f"  {schema.render([f'<{sort}>' for sort in schema.parameters])}" for schema in schemas)


def _doubt(prediction: "Prediction") -> str:
    """Return what the model was unsure of, in words; empty where it was sure, and knew but one way."""
    ways = [way for way in prediction.outcomes if way.probability >= WORTH_SAYING]
    if prediction.confidence >= SURE and len(ways) == 1:
        return ""
    foretold = " or ".join(f"{way.probability:.0%} {_way(way)}" for way in ways)
    by = "no rule spoke" if prediction.source == "frame" else f"rules {', '.join(prediction.rules)}"
    return f"  unsure ({prediction.confidence:.0%}): foretold {foretold}; {by}"


def _way(way: "Outcome") -> str:
    if not way.success:
        return "that it fails"
    changes = [f"{fluent} = {value}" for fluent, value in way.changes.items()]
    paid = [] if way.reward is None else [f"reward {way.reward:g}"]
    return ", ".join([*changes, *paid, *(["the end"] if way.terminated else [])]) or "that nothing changes"


def _verdict(episode: "Episode") -> str:
    ended = "won" if episode.is_won else "over" if episode.is_over else "left"
    return f"{ended} after {len(episode.transitions)} steps, reward {_reward(episode):g}"


# --- what came of it ----------------------------------------------------------------------------------------------------------


def _reward(episode: "Episode") -> float:
    return sum(transition.observation.reward for transition in episode.transitions)


def _tell(played: Sequence["Episode"], *, as_json: bool, is_by_hand: bool) -> None:
    """Print what came of the episodes: a table, or one object."""
    won = [episode.is_won for episode in played]
    if as_json:
        episodes = [
            {"task": e.task, "won": e.is_won, "steps": len(e.transitions), "reward": _reward(e)} for e in played
        ]
        sys.stdout.write(json.dumps({"episodes": episodes, "won": sum(won)}, indent=2) + "\n")
    elif not is_by_hand:
        from agentwm.evaluation.display import figures_table
        from agentwm.evaluation.statistics import wilson_interval

        table = figures_table("imagined task", "won", "steps", "reward")
        for e in played:
            table.add_row(e.task, "yes" if e.is_won else "no", str(len(e.transitions)), f"{_reward(e):g}")
        low, high = wilson_interval(sum(won), len(won))
        screen = console()
        screen.print(table)
        screen.print(f"won {sum(won)} of {len(won)} in imagination (95 % interval {low:.0%} to {high:.0%})")


def _rows(played: Sequence["Episode"]) -> Iterator[dict[str, Any]]:
    """Yield a row for every step, as `agentwm export --format transitions` has them; the phase is a third one, beside learn and play."""
    from agentwm.training.export import plain_row, sides

    side_of = sides(episode.task for episode in played)
    for number, episode in enumerate(played):
        where = {"split": side_of[episode.task], "phase": PHASE, "task": episode.task, "episode": number}
        for step, transition in enumerate(episode.transitions):
            yield {**where, "step": step, **plain_row(transition, episode.goal.text, episode.vocabulary)}


def _write(out: Path, played: Sequence["Episode"]) -> None:
    from agentwm.training.export import Export

    made = Export(tuple(_rows(played)), left_out=0)
    try:
        out.write_bytes(made.text().encode())
    except OSError as error:
        raise ConfigurationError(f"cannot write {out}: {error.strerror}") from error
    sys.stderr.write(f"{len(made.rows)} steps of {len(played)} episodes, written to {out}\n")
