"""The command ``agentwm what-if``: candidate futures at a step on record, and what another planner would have done there."""
# ruff: noqa: PLC0415 -- a command imports what it needs when it runs, so that --help answers at once

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from agentwm.cli_rules import console

__all__ = ["what_if"]


def what_if(  # noqa: PLR0913 -- one parameter per option is how typer works
    path: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    episode: Annotated[int, typer.Argument(help="The number of an episode: `agentwm replay RUN` lists them.")],
    step: Annotated[int, typer.Argument(help="The step before which to ask, as `agentwm replay RUN EPISODE` counts.")],
    commands: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...",
            help='What might be done there, each in quotes: "go to fridge 1", or "go to fridge 1; open fridge 1".  '
            "[default: what was done, unless there is a --planner]",
        ),
    ] = None,
    *,
    planner: Annotated[str | None, typer.Option(help="Plan again from there, with this planner.")] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="LIMITS", help="What the plan may spend: model_calls=500,seconds=2, say.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Other rules to go by: a folder of rules, or a run.  [default: the run's]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws what the planner leaves to chance.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Show what would have come of other actions at a step of a run, by the rules, without the world."""
    from rich.text import Text

    from agentwm import build
    from agentwm.errors import ConfigurationError
    from agentwm.evaluation.evidence import vocabulary_of
    from agentwm.models.rule_model import AlignedModel
    from agentwm.records import RunStore
    from agentwm.rules.store import RuleStore
    from agentwm.types import PlanningBudget
    from agentwm.what_if import Candidate, moment_of, replan
    from agentwm.what_if import what_if as imagine
    from agentwm.what_if.objects import replanned_object, what_if_object
    from agentwm.what_if.view import moment_view, replanned_view, what_if_view

    if budget is not None and planner is None:
        raise ConfigurationError("expected a --planner for the --budget: without one nothing is planned")
    limits = None if budget is None else PlanningBudget.parse(budget)
    chosen = None if planner is None else build.planner(planner)
    with RunStore.open(path) as records:
        moment = moment_of(records, episode, step)
        done = records.steps(episode)[step - 1].action
        words = vocabulary_of(records, build.environment(str(records.config["environment"])), episode)
    store = RuleStore.load(rules or path)
    asked: list[Candidate] = [*commands] if commands else [done] if chosen is None else []
    with closing(AlignedModel.symbolic(store, words)) as model:
        found = imagine(model, moment.state, asked, words, rules=store, lived=moment.lived) if asked else None
    again = None if chosen is None else replan(moment, chosen, store, words, budget=limits, seed=seed)
    written = words.actions[done.verb].render(done.args)
    if as_json:
        told: dict[str, object] = {"run": str(path), "episode": episode, "step": step, "done": written}
        told |= {} if found is None else what_if_object(found)
        told |= {} if again is None else {"planner": replanned_object(again)}
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return
    screen = console()
    screen.print(moment_view(moment))
    if found is not None:
        screen.print(what_if_view(found))
    if again is not None:
        screen.print(replanned_view(again, done=written))
    else:
        screen.print(Text(f"done in the run: {written}", style="yellow"))
