"""What an episode returned is on record, as the rewards add up or as the environment counts; and the report says so."""

import io
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from agentwm import Action, RunConfig, RunStore, build, run
from agentwm.agent import Episode
from agentwm.backends.protocol import Backend
from agentwm.errors import EnvironmentFailureError
from agentwm.evaluation import EpisodeResult, Report, report_on, results_of
from agentwm.evaluation.display import report_view
from agentwm.llm.perceiving import Perceiving
from agentwm.rules.store import RuleStore
from agentwm.types import EnvironmentOptions
from agentwm_environments.small.gamble import SPEC, GambleEnvironment
from agentwm_environments.tasks import settle


class Counting(GambleEnvironment):
    """Two doors, where the environment itself counts half of what is paid, says what is won, and what was achieved."""

    @property
    def returned(self) -> float:
        """Half of what the garden pays."""
        return 0.5 * self.is_won

    @property
    def is_won(self) -> bool:
        """Whether this is the garden."""
        return self._state is not None and "garden" in self._state.values() and self._is_over

    @property
    def achievements(self) -> Mapping[str, int]:
        """The garden and the moon."""
        return {"garden": int(self.is_won), "moon": 0}


class Broken(GambleEnvironment):
    """Two doors, where the environment's own way of counting is at fault."""

    @property
    def returned(self) -> float:
        """What nobody ever wrote down."""
        return self._written_down  # type: ignore[attr-defined, no-any-return]


def test_an_environment_that_breaks_in_counting_is_not_taken_for_one_that_does_not_count() -> None:
    _, tasks, about = settle(EnvironmentOptions(), SPEC)
    assert Episode(GambleEnvironment(tasks, about=about), tasks[0]).returned is None
    with pytest.raises(EnvironmentFailureError, match=r"returned.*_written_down"):
        _ = Episode(Broken(tasks, about=about), tasks[0]).returned


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the gamble be played in an environment that counts for itself."""

    def make(options: EnvironmentOptions) -> Counting:
        _, tasks, about = settle(options, SPEC)
        return Counting(tasks, about=about)

    spec = replace(SPEC, make=make)
    monkeypatch.setattr(build, "environment", lambda name: spec if name == "gamble" else None)


def played(out: Path, **options: object) -> Report:
    return run(RunConfig.parse({"environment": "gamble", "learn": 3, "episodes": 4, "out": out, **options}))


def shown(report: Report) -> str:
    screen = Console(file=io.StringIO(), width=120)
    screen.print(report_view(report, [], RuleStore()))
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_the_return_is_the_sum_of_the_rewards(tmp_path: Path) -> None:
    report = played(tmp_path / "run")
    with RunStore.open(tmp_path / "run") as records:
        for result, record in zip(results_of(records), records.episodes(), strict=True):
            rewards = [each.observation.reward for each in records.trajectory(record.episode)]
            assert result.returned == record.returned == sum(rewards)
        lived = [each.returned for each in results_of(records) if each.phase == "play"]
    assert report.returns is not None
    assert report.returns.mean == pytest.approx(sum(lived) / len(lived))
    assert report.achievements is None


@pytest.mark.usefixtures("counting")
def test_an_environment_that_counts_for_itself_is_believed(tmp_path: Path) -> None:
    report = played(tmp_path / "run")
    assert report.success.count == 4
    assert report.returns is not None
    assert (report.returns.mean, report.returns.ci95) == (0.5, (0.5, 0.5))
    assert report.achievements is not None
    assert report.achievements.shares == {"garden": 1.0, "moon": 0.0}
    assert report.achievements.score == pytest.approx((101 * 1) ** 0.5 - 1), "the geometric mean of 101 and 1, less 1"
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_what_an_environment_counts_is_heard_through_whoever_reads_it() -> None:
    inner = Counting(["test-0-0"])
    heard = Perceiving(inner, cast("Backend", None), {})
    heard.reset("test-0-0")
    for verb in ("safe", "on"):
        heard.step(Action(verb))
    assert (heard.is_won, heard.returned, heard.achievements) == (True, 0.5, {"garden": 1, "moon": 0})
    silent = Perceiving(GambleEnvironment(["test-0-0"]), cast("Backend", None), {})
    assert (silent.is_won, silent.returned, silent.achievements) == (None, None, None)


def test_an_episode_in_error_has_no_part_in_the_mean_return() -> None:
    ended = [EpisodeResult(str(n), "kind", "play", won=True, steps=4, returned=float(n)) for n in range(3)]
    broken = EpisodeResult("broken", "kind", "play", won=False, steps=9, error="it died", returned=-900.0)
    report = report_of(*ended, broken)
    assert report.returns is not None
    assert (report.episodes, report.success.count, report.returns.mean) == (4, 3, 1.0)


def report_of(*results: EpisodeResult) -> Report:
    return report_on(
        results,
        config=RunConfig(environment="gamble"),
        engine="fast",
        splits=("train", "test"),
        limits=(10, 10),
        rules=(1, 0),
        wall_s=1.0,
        run="run",
    )


def test_the_return_is_shown_where_it_says_more_than_what_was_won() -> None:
    paid = [EpisodeResult(str(n), "fetch", "play", won=True, steps=4, returned=7.5) for n in range(3)]
    told = shown(report_of(*paid))
    assert "mean return 7.50 (7.50 to 7.50)" in told
    assert "return" in told.splitlines()[5]
    usual = [EpisodeResult(str(n), "fetch", "play", won=n > 0, steps=4, returned=float(n > 0)) for n in range(3)]
    assert "return" not in shown(report_of(*usual))


def test_the_interval_of_the_mean_return_is_drawn_from_the_seed() -> None:
    rng = random.Random(0)
    results = [EpisodeResult(str(n), "fetch", "play", won=True, steps=4, returned=rng.random() * 10) for n in range(30)]
    one, again = report_of(*results).returns, report_of(*results).returns
    assert one == again
    assert one is not None
    assert one.mean is not None
    assert one.ci95 is not None
    assert one.ci95[0] < one.mean < one.ci95[1]
