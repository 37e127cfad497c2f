"""Plays the same games in several ways, by the same rules and within the same budget: presets, or planners alone."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentwm import build
from agentwm.configuration import BUDGETS, RunConfig, new_folder
from agentwm.errors import ConfigurationError
from agentwm.evaluation import Report, results_of
from agentwm.evaluation.comparison import Comparison, Contender, entries_of
from agentwm.experiment import phases, run
from agentwm.presets import PRESETS
from agentwm.records import RunStore
from agentwm.session import Progress
from agentwm.types import EnvironmentSpec, PlanningBudget

__all__ = ["Watch", "compare"]

RULES = "rules"

Watch = Callable[[str], AbstractContextManager[Progress]]
"""Watches one run, of which it is told the name."""


def _nobody(_name: str) -> AbstractContextManager[Progress]:
    return nullcontext(lambda _event: None)


def compare(names: Sequence[str], config: RunConfig, *, watch: Watch = _nobody) -> Comparison:
    """Return what came of the games of ``config``, played in the way of each of ``names``, presets or planners.

    The rules are learned once, without a language model, from ``learn`` games, or are those in the folder ``rules``. Every decision is
    held to the budget of ``config``. A language model is asked by those presets alone that ask one. It is recorded to, and replayed from,
    the file ``NAME.jsonl`` in the folder that ``record`` and ``replay`` name; a file to replay from is everybody's. The runs are kept in
    ``out``; a comparison that was cut off goes on where it was.

    Raises: ConfigurationError, before anything is played, for what cannot be; and whatever `run` does.
    """
    began_s = time.monotonic()
    folder = config.out or new_folder(f"compare-{config.environment}")
    budget = _budget(config)
    _expect_names(names, config)
    spec = build.checked(config)
    rules = _rules(config, folder)
    configs = {name: _contending(name, config, budget, rules, folder) for name in names}
    _expect_playable(config, configs.values(), spec)
    with watch(RULES) as progress:
        learning = None if rules != folder / RULES else _run(_learning(config, rules), progress)
    reports = {}
    for name, each in configs.items():
        with watch(name) as progress:
            reports[name] = _run(each, progress)
    first = reports[names[0]]
    return Comparison(
        environment=first.environment,
        engine=first.engine,
        split=first.split,
        games=first.episodes,
        max_steps=first.max_steps,
        admissible_used=first.admissible_used,
        seed=first.seed,
        altered=first.altered,
        budget=str(budget),
        rules=first.rules,
        learned_from=None if learning is None else learning.learned_from,
        entries=entries_of([_contender(each, reports[name]) for name, each in configs.items()], seed=config.seed),
        wall_s=round(time.monotonic() - began_s, 3),
        folder=str(folder),
    )


# --- what is to be played -------------------------------------------------------------------------------------------------


def _budget(config: RunConfig) -> PlanningBudget:
    if config.budget is None:
        raise ConfigurationError(
            "expected a budget that every decision is held to, such as --budget model_calls=500: without one nothing is compared"
        )
    return PlanningBudget.parse(config.budget)


def _expect_names(names: Sequence[str], config: RunConfig) -> None:
    known = [*PRESETS, *build.names("planners")]
    for name in names:
        build.expect("preset or planner", name, known)
    if len(set(names)) < len(names) or len(names) < 2:
        raise ConfigurationError(
            f"expected two presets or planners to compare, or more, each once, got {', '.join(names) or 'none'}"
        )
    if config.has_model and not any(name in PRESETS and PRESETS[name].needs_model for name in names):
        raise ConfigurationError(
            f"none of {', '.join(names)} asks a language model: leave out --model and --replay, or name a preset that does"
        )
    if config.rules is not None and config.learn:
        raise ConfigurationError("expected rules or games to learn them from, got both: drop --rules or --learn")


def _rules(config: RunConfig, folder: Path) -> Path | None:
    """Return the folder of the rules that all play by, None where there are none."""
    if config.rules is not None:
        return config.rules
    return None if config.learn == 0 else folder / RULES


def _learning(config: RunConfig, folder: Path | None) -> RunConfig:
    """Return the run that learns the rules."""
    alone = dict.fromkeys(("rules", "budget", *_OF_THE_MODEL))
    return config.model_copy(update={**alone, "episodes": 0, "out": folder})


_OF_THE_MODEL = ("model", "base_url", "ask", "roles", "record", "said_by", "replay", "timeout_s", "price", *BUDGETS)


def _contending(name: str, config: RunConfig, budget: PlanningBudget, rules: Path | None, folder: Path) -> RunConfig:
    """Return the run of the contender ``name``.

    Raises: ConfigurationError where it asks a language model and there is none.
    """
    preset = PRESETS.get(name)
    own: dict[str, Any] = {"planner": name} if preset is None else {"preset": name, "planner": None}
    if preset is not None and preset.needs_model:
        said = f"{name}.jsonl"
        own["record"] = None if config.record is None else config.record / said
        if config.replay is not None:
            own["replay"] = config.replay / said if config.replay.is_dir() else config.replay
    else:
        own |= dict.fromkeys(_OF_THE_MODEL)
    if preset is not None and budget.depth is None:
        budget = replace(budget, depth=preset.budget.depth)
    common = {"learn": 0, "rules": rules, "budget": str(budget), "out": folder / name}
    return RunConfig.parse({**config.model_dump(exclude={"planner", "preset"}), **common, **own})


def _expect_playable(config: RunConfig, contending: Iterable[RunConfig], spec: EnvironmentSpec) -> None:
    """Raise a ConfigurationError where there are no tasks, one would be both learned from and played, or a model cannot be opened."""
    learned = config if config.rules is None else config.model_copy(update={"learn": 0})
    with ExitStack() as stack:
        phases(learned.settled(spec), spec, stack)
    for each in contending:
        if each.has_model:
            from agentwm.llm.run import LLMRun  # noqa: PLC0415 -- only those who ask a model need it

            LLMRun(each, resume=_is_begun(each)).close()


# --- playing it -----------------------------------------------------------------------------------------------------------


def _run(config: RunConfig, progress: Progress) -> Report:
    """Return the report of a run that is played now, or goes on where it was."""
    return run(config, progress=progress, resume=_is_begun(config))


def _is_begun(config: RunConfig) -> bool:
    return config.out is not None and RunStore.is_at(config.out)


def _contender(config: RunConfig, report: Report) -> Contender:
    preset = None if config.preset is None else PRESETS[config.preset]
    with RunStore.open(Path(report.run)) as records:
        results = results_of(records)
    return Contender(
        name=config.planner if preset is None else preset.name,
        kind="planner" if preset is None else "preset",
        source=None if preset is None else preset.source,
        differs=None if preset is None else preset.differs,
        ask=config.ask,
        roles=config.roles or (),
        report=report,
        results=results,
    )
