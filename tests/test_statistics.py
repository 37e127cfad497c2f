"""Statistics against their definitions, and the report against results counted by hand."""

import math
import statistics as naive

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm.configuration import RunConfig
from agentwm.evaluation import EpisodeResult, Report, report_on
from agentwm.evaluation.statistics import Z_95, grouped, mean, median, quantile, wilson_interval

lengths = st.lists(st.integers(0, 60), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("successes", "trials", "interval"),
    # From the closed form, computed apart with 30 digits.
    [
        (0, 10, (0.0, 0.277533)),
        (10, 10, (0.722467, 1.0)),
        (5, 10, (0.236593, 0.763407)),
        (139, 140, (0.960652, 0.998738)),
    ],
)
def test_wilson_intervals_are_the_known_ones(successes: int, trials: int, interval: tuple[float, float]) -> None:
    assert wilson_interval(successes, trials) == pytest.approx(interval, abs=1e-6)


@given(st.integers(1, 500), st.data())
def test_a_wilson_bound_solves_the_equation_of_the_score_test(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    rate = successes / trials
    for bound in wilson_interval(successes, trials):
        assert 0 <= bound <= 1
        if 0 < bound < 1:
            assert abs(rate - bound) == pytest.approx(Z_95 * math.sqrt(bound * (1 - bound) / trials), abs=1e-9)


def test_nothing_tried_says_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert mean([]) is None
    assert median([]) is None
    assert quantile([], 0.9) is None


@given(lengths)
def test_mean_and_median_are_the_textbook_ones(values: list[int]) -> None:
    assert mean(values) == pytest.approx(naive.fmean(values))
    assert median(values) == pytest.approx(naive.median(values))


@given(st.lists(st.integers(0, 60), min_size=2, max_size=30))
def test_the_ninetieth_percentile_is_the_inclusive_one(values: list[int]) -> None:
    assert quantile(values, 0.9) == pytest.approx(naive.quantiles(values, n=10, method="inclusive")[-1])


def test_groups_are_in_alphabetical_order() -> None:
    groups = grouped(["pear", "fig", "apple", "plum"], lambda word: word[0])
    assert list(groups.items()) == [("a", ["apple"]), ("f", ["fig"]), ("p", ["pear", "plum"])]


# --- the report ---

PROMISED = {
    *("environment", "engine", "split", "episodes", "success", "steps", "by_task_type", "attempts_per_task"),
    *("admissible_used", "max_steps", "seed", "learned_from", "rules", "prediction", "llm", "wall_s", "run"),
}


def result(
    task_type: str, steps: int, *, won: bool = True, phase: str = "play", error: str | None = None
) -> EpisodeResult:
    return EpisodeResult("task", task_type, phase, won, steps, error, predictions=steps, predictions_right=steps - 1)


def report(*results: EpisodeResult) -> Report:
    return report_on(
        results,
        config=RunConfig(environment="alfworld", seed=3),
        engine="fast",
        splits=("train", "test"),
        limits=(80, 50),
        rules=(12, 3),
        wall_s=1.5,
        run="runs/a",
    )


def test_the_report_counts_what_was_played() -> None:
    found = report(
        result("heat", 4), result("heat", 50, won=False), result("cool", 8), result("heat", 30, phase="learn")
    )
    assert (found.episodes, found.success.count) == (3, 2)
    assert found.success.rate == pytest.approx(2 / 3)
    assert (found.learned_from.split, found.learned_from.episodes, found.learned_from.steps) == ("train", 1, 30)
    assert list(found.by_task_type) == ["cool", "heat"]
    assert found.by_task_type["heat"].success.count == 1
    assert found.prediction.n == 62
    assert found.prediction.accuracy == pytest.approx(59 / 62)


def test_steps_are_over_the_episodes_won() -> None:
    steps = report(result("heat", 4), result("heat", 50, won=False), result("cool", 8)).steps
    assert [steps.mean, steps.median, steps.p90] == pytest.approx([6.0, 6.0, 7.6])


def test_an_episode_in_error_counts_as_not_won_and_is_named() -> None:
    found = report(result("heat", 4), result("heat", 0, won=False, error="the file is torn"))
    assert (found.episodes, found.success.count) == (2, 1)
    assert found.errors == ["task: the file is torn"]


def test_a_report_on_nothing_claims_nothing() -> None:
    found = report()
    assert (found.episodes, found.success.rate, found.success.ci95) == (0, None, (0.0, 1.0))
    assert (found.steps.mean, found.prediction.accuracy, found.by_task_type) == (None, None, {})


def test_the_json_has_the_promised_keys_and_comes_back() -> None:
    found = report(result("heat", 4))
    data = found.model_dump()
    added = {"achievements", "altered", "broken_off", "errors", "explored", "goals", "planning", "preset", "returns"}
    assert set(data) == PROMISED | added | {"stopped"}
    assert set(data["success"]) == {"count", "rate", "ci95"}
    assert set(data["steps"]) == {"mean", "median", "p90"}
    assert set(data["learned_from"]) == {"split", "episodes", "steps", "max_steps"}
    assert set(data["rules"]) == {"active", "retired"}
    assert set(data["prediction"]) == {"accuracy", "n"}
    assert set(data["llm"]) >= {"calls", "input_tokens", "cached_tokens", "output_tokens", "money", "by_role"}
    assert Report.model_validate_json(found.model_dump_json()) == found
