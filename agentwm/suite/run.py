"""Plays a suite, row by row: each is an ordinary run in the suite's folder, which goes on where it was cut off.

The table is written anew after every row, so that what there is of it is there whenever a suite is cut off.
"""

import fnmatch
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from agentwm import build
from agentwm.configuration import RunConfig
from agentwm.errors import AgentwmError, ConfigurationError, MissingExtraError
from agentwm.evaluation import EpisodeResult, Report, results_of
from agentwm.experiment import run
from agentwm.faults import told_as_failure
from agentwm.records import RunStore
from agentwm.session import Progress
from agentwm.suite.markdown import markdown
from agentwm.suite.page import page
from agentwm.suite.report import Begun, Lived, RowReport, SuiteReport, row_played, row_unplayed
from agentwm.types import EnvironmentOptions, EnvironmentSpec, Reference, Referenced, SuiteRow, SuiteSpec

__all__ = ["JSON", "MARKDOWN", "PAGE", "SuiteOptions", "Watch", "begun_in", "chosen_rows", "play_suite"]

JSON, MARKDOWN, PAGE = "suite.json", "suite.md", "suite.html"
RUNS, REFERENCES, BY_CHANCE = "runs", "references", "by-chance"
RANDOM_EPISODES = 100  # chance takes long, and is known well enough by then
RANDOM = "reactive"  # the planner that does what comes to mind: with no rules, anything at all

Watch = Callable[[str], AbstractContextManager[Progress]]
"""Watches one run, of which it is told the name."""


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """Which rows of a suite are played, and how: ``only`` names rows or groups, with ``*`` for anything, and is empty for all.

    ``quick`` plays the brief form of those rows that have one. ``episodes`` is played in each row instead of what the row says.
    """

    only: tuple[str, ...] = ()
    quick: bool = False
    seed: int = 0
    episodes: int | None = None


def _nobody(_name: str) -> AbstractContextManager[Progress]:
    return nullcontext(lambda _event: None)


def play_suite(
    spec: SuiteSpec,
    options: SuiteOptions,
    folder: Path,
    *,
    resume: bool = False,
    watch: Watch = _nobody,
) -> SuiteReport:
    """Return what came of the rows of ``spec`` that ``options`` choose, once they are played and written to ``folder``.

    A row whose environment needs a package that is not there, or cannot be played, says so, and the others go on. ``resume`` goes on with
    the suite in that folder, which must have been begun with the same options.

    Raises: ConfigurationError, before anything is played, for options that choose nothing, a folder that holds a suite already and, to be
        resumed, one that holds none or one of other options.
    """
    began_s = time.monotonic()
    rows = chosen_rows(spec, options)
    begun = Begun(
        suite=spec.name,
        rows=[row.name for row in rows],
        quick=options.quick,
        seed=options.seed,
        episodes=options.episodes,
    )
    earlier_s = _expect_own(folder, begun) if resume else _expect_new(folder)
    lines: list[RowReport] = []
    lived: dict[str, Lived] = {}

    def written() -> SuiteReport:
        wall_s = round(earlier_s + time.monotonic() - began_s, 3)
        version = metadata.version("agentwm")
        report = SuiteReport(summary=spec.summary, begun=begun, version=version, rows=lines, wall_s=wall_s)
        _write(folder, report, lived)
        return report

    if not resume:
        written()
    for row in rows:
        line, drawn = _played(row, options, folder, watch)
        lines.append(line)
        lived[row.name] = drawn
        written()
    return written()


def begun_in(folder: Path) -> Begun:
    """Return what the suite in ``folder`` was begun with.

    Raises: ConfigurationError when there is none.
    """
    return _report_in(folder).begun


# --- which rows -----------------------------------------------------------------------------------------------------------


def chosen_rows(spec: SuiteSpec, options: SuiteOptions) -> list[SuiteRow]:
    """Return the rows of ``spec`` that ``options`` choose, in their order.

    Raises: ConfigurationError where that is none, or something named is no row.
    """
    names = [row.name for row in spec.rows]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"expected the rows of the suite {spec.name} to have a name each, got one twice")
    for pattern in options.only:
        if not any(_is_meant(row, pattern, names) for row in spec.rows):
            build.expect(f"row of the suite {spec.name}", pattern, [*names, *_groups(spec)])
    rows = [row for row in spec.rows if not options.only or any(_is_meant(row, each, names) for each in options.only)]
    if options.quick:
        rows = [row for row in rows if row.brief is not None]
    if not rows:
        raise ConfigurationError(f"none of these rows of the suite {spec.name} has a quick form: leave out --quick")
    return rows


def _is_meant(row: SuiteRow, pattern: str, names: Sequence[str]) -> bool:
    """Whether ``pattern`` is, or fits, the row's name or its group's; the name of one of the rows stands for that row alone."""
    if pattern in names:
        return row.name == pattern
    return any(fnmatch.fnmatchcase(each.lower(), pattern.lower()) for each in (row.name, row.group))


def _groups(spec: SuiteSpec) -> list[str]:
    return list(dict.fromkeys(row.group for row in spec.rows if row.group))


def _config(row: SuiteRow, options: SuiteOptions, folder: Path) -> RunConfig:
    brief = row.brief if options.quick else None
    given = {
        "environment": row.environment,
        "split": row.split,
        "train_split": row.train_split,
        "max_steps": row.max_steps,
        "planner": row.planner,
        "learn": row.learn if brief is None else brief.learn,
        "episodes": options.episodes or (row.episodes if brief is None else brief.episodes),
        "seed": options.seed,
        "out": folder / RUNS / row.name,
    }
    return RunConfig.parse(given)


# --- one row --------------------------------------------------------------------------------------------------------------


def _played(row: SuiteRow, options: SuiteOptions, folder: Path, watch: Watch) -> tuple[RowReport, Lived]:
    """Return the line of ``row`` and what there is to draw of it; what cannot be played is a line, too."""
    try:
        config = _config(row, options, folder)
        spec = build.environment(row.environment)
        if (missing := spec.missing()) is not None:
            return row_unplayed(row, "missing", missing), Lived(())
        report, results = _run(config, row.name, watch)
    except MissingExtraError as error:
        return row_unplayed(row, "missing", str(error)), Lived(())
    except AgentwmError as error:
        return row_unplayed(row, "failed", str(error)), Lived(())
    notes = []  # what stands beside a result is not worth losing it
    by_chance: Report | None = None
    chances: list[EpisodeResult] = []
    references: dict[str, Reference] = {}
    try:
        by_chance, chances = _by_chance(config, row, watch)
    except AgentwmError as error:
        notes.append(f"chance could not be tried: {error}")
    try:
        references = _references(config, spec, results, folder / REFERENCES / f"{row.name}.json")
    except AgentwmError as error:
        notes.append(f"without a reference: {error}")
    lived = Lived(results, references, chances)
    return row_played(row, report, lived, random=by_chance, note="; ".join(notes) or None), lived


def _run(config: RunConfig, name: str, watch: Watch) -> tuple[Report, list[EpisodeResult]]:
    """Return the report and the results of a run that is played now, goes on where it was, or is done already."""
    assert config.out is not None
    with watch(name) as progress:
        report = run(config, progress=progress, resume=RunStore.is_at(config.out))
    with RunStore.open(config.out) as records:
        return report, results_of(records)


def _by_chance(config: RunConfig, row: SuiteRow, watch: Watch) -> tuple[Report | None, list[EpisodeResult]]:
    """Return what pure chance makes of the first of the tasks, where that is wanted."""
    if not row.with_random:
        return None, []
    assert config.out is not None
    episodes = min(config.episodes, RANDOM_EPISODES)
    own = {"planner": RANDOM, "learn": 0, "episodes": episodes, "out": config.out.with_name(f"{row.name}-{BY_CHANCE}")}
    return _run(config.model_copy(update=own), f"{row.name}, by chance", watch)


_References = TypeAdapter(dict[str, Reference | None])


def _references(
    config: RunConfig, spec: EnvironmentSpec, results: Sequence[EpisodeResult], path: Path
) -> dict[str, Reference]:
    """Return how well each task played can be played, where its environment knows; kept in the file ``path``, for some take long."""
    tasks = [each.task for each in results if each.phase == "play"]
    if path.is_file():
        kept = _References.validate_json(path.read_text("utf-8"))
        if set(kept) == set(tasks):
            return {task: each for task, each in kept.items() if each is not None}
    found: dict[str, Reference | None] = {}
    with told_as_failure(spec.name, "reference"), closing(spec.make(_options(config, spec))) as environment:
        if isinstance(environment, Referenced):
            environment.tasks()  # some are drawn as they are asked for
            found = {task: environment.reference(task, seed=config.seed) for task in tasks}
    if found:
        kept_text = json.dumps({task: None if each is None else asdict(each) for task, each in found.items()})
        _write_whole(path, kept_text + "\n")
    return {task: each for task, each in found.items() if each is not None}


def _options(config: RunConfig, spec: EnvironmentSpec) -> EnvironmentOptions:
    return config.settled(spec).environment_options(learning=False)


# --- the folder -----------------------------------------------------------------------------------------------------------


def _expect_new(folder: Path) -> float:
    if (folder / JSON).exists():
        raise ConfigurationError(
            f"expected a new folder for the suite, but {folder} holds one already: choose another --out, or go on with --resume {folder}"
        )
    return 0.0


def _expect_own(folder: Path, begun: Begun) -> float:
    """Return how long the suite in ``folder`` took until now.

    Raises: ConfigurationError when there is none, or one of other options.
    """
    known = _report_in(folder)
    for name in Begun.model_fields:
        was, now = getattr(known.begun, name), getattr(begun, name)
        if was != now:
            raise ConfigurationError(f"the suite in {folder} was begun with {name} {was}, not {now}: begin a new one")
    return known.wall_s


def _report_in(folder: Path) -> SuiteReport:
    path = folder / JSON
    if not path.is_file():
        raise ConfigurationError(f"expected a folder that `agentwm eval suite` wrote, but there is no {path}")
    try:
        return SuiteReport.model_validate_json(path.read_text("utf-8"))
    except ValidationError as error:
        raise ConfigurationError(f"{path} is no report of a suite that this agentwm can read: {error}") from error


def _write(folder: Path, report: SuiteReport, lived: Mapping[str, Lived]) -> None:
    _write_whole(folder / JSON, report.model_dump_json(indent=2) + "\n")
    _write_whole(folder / MARKDOWN, markdown(report))
    _write_whole(folder / PAGE, page(report, lived))


def _write_whole(path: Path, text: str) -> None:
    """Write the file such that the whole of it appears at once, or nothing does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)  # noqa: PTH105 -- as one stroke, also where the file is there
