"""The report of a suite: what its JSON holds, built from the reports of its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agentwm.evaluation import EpisodeResult, Report
from agentwm.evaluation.report import Achievements, LearnedFrom, Returns, RuleCount, Steps, Success, returns_of
from agentwm.suite.verdicts import Beside, Verdict, beside, is_all_reached, verdicts
from agentwm.types import Reference, SuiteRow

__all__ = ["Begun", "Lived", "RandomPlay", "RowReport", "SuiteReport", "row_played", "row_unplayed"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Lived:
    """What there is to draw of a row: the episodes of both phases, in the order played, and the references of the tasks played."""

    results: Sequence[EpisodeResult]
    references: Mapping[str, Reference] = field(default_factory=dict)
    random: Sequence[EpisodeResult] = ()

    @property
    def learned(self) -> list[EpisodeResult]:
        """The episodes learned from."""
        return [each for each in self.results if each.phase == "learn"]

    @property
    def played(self) -> list[EpisodeResult]:
        """The episodes played with the rules frozen."""
        return [each for each in self.results if each.phase == "play"]


class RandomPlay(_Frozen):
    """What pure chance gets in the first ``episodes`` of the tasks."""

    episodes: int
    success: Success
    returns: Returns
    achievements: Achievements | None


class Figures(_Frozen):
    """What came of a row that was played: one attempt at each task, the rules frozen.

    ``returns`` leaves out episodes in error; ``success`` counts them as not won. ``broken_off`` is how many of those played there are;
    ``errors`` names each, and those met in learning, with the reason. ``seconds`` are of learning and playing, without the reference and
    random play.
    """

    split: str
    engine: str
    planner: str
    seed: int
    attempts_per_task: int
    max_steps: int
    episodes: int
    learned_from: LearnedFrom
    rules: RuleCount
    success: Success
    steps: Steps
    returns: Returns
    achievements: Achievements | None
    reference: Beside | None
    random: RandomPlay | None
    errors: list[str]
    broken_off: int
    seconds: float
    run: str


class RowReport(_Frozen):
    """A line of the table. One that is ``missing`` needs a package, one that is ``failed`` could not be played: ``note`` says why.

    ``figures`` is None of both. ``is_reached`` is None where nothing was asked, or it is not known.
    """

    name: str
    group: str
    environment: str
    state: Literal["played", "missing", "failed"]
    note: str | None = None
    asked: list[Verdict] = []
    is_reached: bool | None = None
    figures: Figures | None = None
    published: list[str] = []


class Begun(_Frozen):
    """What a suite was begun with: which rows of it, in full or in the quick form, and from which seed."""

    suite: str
    rows: list[str]
    quick: bool
    seed: int
    episodes: int | None


class SuiteReport(_Frozen):
    """The rows of a suite that are done so far, out of those ``begun``."""

    format: Literal[1] = 1
    summary: str
    begun: Begun
    version: str
    rows: list[RowReport]
    wall_s: float

    @property
    def is_complete(self) -> bool:
        """Whether every row is there."""
        return len(self.rows) == len(self.begun.rows)


def row_played(
    row: SuiteRow, report: Report, lived: Lived, *, random: Report | None = None, note: str | None = None
) -> RowReport:
    """Return the line of ``row``, of which ``report`` came; ``random`` is the report on chance."""
    played = lived.played
    found = beside(played, lived.references)
    asked = verdicts(row.asked, played, found)
    figures = Figures(
        split=report.split,
        engine=report.engine,
        planner="" if report.planning is None else report.planning.planner,
        seed=report.seed,
        attempts_per_task=report.attempts_per_task,
        max_steps=report.max_steps,
        episodes=report.episodes,
        learned_from=report.learned_from,
        rules=report.rules,
        success=report.success,
        steps=report.steps,
        returns=returns_of(played, seed=report.seed),
        achievements=report.achievements,
        reference=found,
        random=None if random is None else _random_play(random, lived),
        errors=report.errors,
        broken_off=report.broken_off,
        seconds=report.wall_s,
        run=report.run,
    )
    return RowReport(
        name=row.name,
        group=row.group,
        environment=row.environment,
        state="played",
        note=note,
        asked=asked,
        is_reached=is_all_reached(asked),
        figures=figures,
        published=list(row.published),
    )


def row_unplayed(row: SuiteRow, state: Literal["missing", "failed"], note: str) -> RowReport:
    """Return the line of a ``row`` that could not be played, and why."""
    return RowReport(
        name=row.name,
        group=row.group,
        environment=row.environment,
        state=state,
        note=note,
        asked=verdicts(row.asked, (), None),
        published=list(row.published),
    )


def _random_play(report: Report, lived: Lived) -> RandomPlay:
    returns = returns_of(lived.random, seed=report.seed)
    return RandomPlay(
        episodes=report.episodes, success=report.success, returns=returns, achievements=report.achievements
    )
