"""The report of a run: what ``--json`` prints, built from the results of its episodes alone."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from agentwm.evaluation.statistics import bootstrap_interval, grouped, mean, median, quantile, wilson_interval
from agentwm.types import Spent

if TYPE_CHECKING:
    from agentwm.configuration import RunConfig
    from agentwm.records import EpisodeRecord, RunStore

__all__ = [
    "Achievements",
    "EpisodeResult",
    "LLMUse",
    "Planning",
    "Report",
    "Returns",
    "achievements_of",
    "planning_of",
    "report_on",
    "result_of",
    "results_of",
    "returns_of",
    "steps_of",
    "success_of",
]


RETURN_DRAWS = 1_000  # of the bootstrap: enough for two digits, and a thousand episodes do not wait for it


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """What came of one episode.

    ``phase`` is ``learn`` or ``play``. ``error`` says why the episode could not be played to its end; such an episode
    counts as one not won. ``predictions`` counts the steps whose success or failure had been predicted. ``spent`` is what its decisions
    took. ``returned`` is the sum of the rewards, or what the environment itself counts as the return; ``achievements`` how often each
    thing was achieved of all that can be, empty where nobody counts. ``failures`` counts the steps that were not accepted.
    ``listed`` is whether the environment listed what can be done, as some always do.
    """

    task: str
    task_type: str
    phase: str
    won: bool
    steps: int
    error: str | None = None
    predictions: int = 0
    predictions_right: int = 0
    spent: Spent = field(default_factory=Spent)
    returned: float = 0.0
    achievements: Mapping[str, int] = field(default_factory=dict)
    failures: int = 0
    listed: bool = False


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Success(_Frozen):
    """Episodes won: how many, as a share of all played (0 to 1), and its 95 % Wilson interval.

    ``rate`` is None when none was played.
    """

    count: int
    rate: float | None
    ci95: tuple[float, float]


class Steps(_Frozen):
    """Steps to the goal, over the episodes won; None when none was."""

    mean: float | None
    median: float | None
    p90: float | None


class Returns(_Frozen):
    """The return over all episodes played, won or not, and the 95 % bootstrap interval of its mean; None when none was played.

    Those in error have no part in it: an episode that breaks off early may well have lost less than one that goes on.
    """

    mean: float | None
    ci95: tuple[float, float] | None


class Achievements(_Frozen):
    """In what share of the episodes played (0 to 1) each thing was achieved, how many of them in an episode, and their score.

    The score is the geometric mean of the shares, in per cent and each with 1 added to it, so that what is rare counts.

    Source: Hafner (2022), "Benchmarking the Spectrum of Agent Capabilities", section 3.3.
    """

    shares: dict[str, float]
    mean: float
    score: float


class TypeReport(_Frozen):
    """The same figures for one type of task."""

    episodes: int
    success: Success
    steps: Steps
    mean_return: float | None = None


class LearnedFrom(_Frozen):
    """What the rules were learned from, in this run: ``steps`` in all, at most ``max_steps`` in an episode."""

    split: str
    episodes: int
    steps: int
    max_steps: int


class RuleCount(_Frozen):
    """How many rules there are."""

    active: int
    retired: int


class PredictionScore(_Frozen):
    """How often a step's predicted success or failure came true, over the ``n`` predicted steps of play."""

    accuracy: float | None
    n: int


class Planning(_Frozen):
    """What planning took in the episodes played, all decisions together.

    ``budget`` is what each decision was allowed, None for the planner's own. ``one_step`` decisions needed no look ahead, which saved about
    ``model_calls_saved``, reckoned with what the others took. ``llm_calls`` counts what decisions asked of a language model, a second
    asking and a remembered reply included; ``tokens`` are of these.
    """

    planner: str
    budget: str | None = None
    decisions: int = 0
    model_calls: int = 0
    llm_calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    one_step: int = 0
    model_calls_saved: int = 0


class Replies(_Frozen):
    """What came of the questions of one role: usable at ``first``, when asked a ``second`` time, or not at all.

    ``dropped`` counts details that made no sense in replies that could be used.
    """

    questions: int = 0
    first: int = 0
    second: int = 0
    unusable: int = 0
    dropped: int = 0


class _Spent(_Frozen):
    """What was spent; ``calls`` are all attempts, ``estimated_calls`` those whose tokens nobody counted. ``money`` None is not known."""

    calls: int = 0
    failed_calls: int = 0
    estimated_calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    money: float | None = None


class RoleUse(_Spent):
    """What was asked of a language model in one role."""

    replies: Replies = Replies()


class Average(_Frozen):
    """What was spent in all, divided by a number of episodes; ``money`` None is not known."""

    calls: float
    input_tokens: float
    cached_tokens: float
    output_tokens: float
    seconds: float
    money: float | None


class CalibrationRow(_Frozen):
    """The predictions whose stated probability of success lay between ``low`` and ``high``: how many, what they said, how many came.

    ``calibrated`` is what such a statement is taken for after all of them.
    """

    low: float
    high: float
    total: int
    mean_stated: float | None
    came: int
    calibrated: float


class LLMUse(_Spent):
    """What was asked of a language model in all, and by role; ``model`` None where there was none.

    ``per_episode`` divides all that was spent by the episodes played, ``per_solved`` by those won: it holds what was spent on the others,
    and on one that was stopped, too. Both are None where there is nothing to divide by. ``prompts`` are the hashes of the prompts used.
    ``unread_goals`` counts the episodes whose goal, in people's own words, could not be read: they are played without one. The Brier
    scores are of the predictions put to the test: as stated, and as they were believed at the time, calibrated on the episodes before;
    None where there were none.
    """

    model: str | None = None
    ask: str | None = None
    prompts: dict[str, str] = {}
    by_role: dict[str, RoleUse] = {}
    per_episode: Average | None = None
    per_solved: Average | None = None
    unread_goals: int = 0
    calibration: list[CalibrationRow] = []
    brier_stated: float | None = None
    brier_calibrated: float | None = None

    def shared(self, episodes: int, solved: int) -> "LLMUse":
        """Return the same with its averages, for so many ``episodes`` of which so many were ``solved``."""
        if self.model is None:
            return self
        return self.model_copy(update={"per_episode": self._per(episodes), "per_solved": self._per(solved)})

    def _per(self, number: int) -> Average | None:
        if not number:
            return None
        names = ("calls", "input_tokens", "cached_tokens", "output_tokens", "seconds")
        shares = {name: round(getattr(self, name) / number, 3) for name in names}
        return Average(**shares, money=None if self.money is None else self.money / number)


class Report(_Frozen):
    """A run in numbers, each with what it takes to read it.

    ``success``, ``steps``, ``returns`` and ``by_task_type`` are of the episodes played with rules frozen, not of those learned on.
    ``steps`` is over episodes won; those not won are ``episodes - success.count``. ``altered`` is the seed of the world's variant, None
    for the ordinary world. ``errors`` names the tasks that could not be played to their end, and why. ``broken_off`` counts those of them
    that are episodes played: they count as not won, and are no failures of the agent.
    ``stopped`` says why a run ended before all of its tasks were played, None for one that came to its end. ``goals`` is how the goals
    played for were worded, where that was asked for. ``preset`` is the named mixture that played, ``explored`` whether what was learned
    from was played for learning alone. ``planning`` and ``returns`` are None in a report from before they were kept, ``achievements``
    where nobody counts any.
    """

    environment: str
    engine: str
    split: str
    episodes: int
    success: Success
    steps: Steps
    by_task_type: dict[str, TypeReport]
    attempts_per_task: int
    admissible_used: bool
    max_steps: int
    seed: int
    altered: int | None
    goals: str | None = None
    preset: str | None = None
    explored: bool = False
    planning: Planning | None = None
    returns: Returns | None = None
    achievements: Achievements | None = None
    learned_from: LearnedFrom
    rules: RuleCount
    prediction: PredictionScore
    llm: LLMUse
    errors: list[str]
    broken_off: int = 0
    wall_s: float
    run: str
    stopped: str | None = None


def report_on(  # noqa: PLR0913 -- one argument per thing a report must say of where its numbers come from
    results: Sequence[EpisodeResult],
    *,
    config: "RunConfig",
    engine: str,
    splits: tuple[str, str],
    limits: tuple[int, int],
    rules: tuple[int, int],
    wall_s: float,
    run: str,
    refused: Sequence[str] = (),
    llm: LLMUse | None = None,
    stopped: str | None = None,
) -> Report:
    """Return the report on ``results``, of both phases and in any order.

    ``splits`` are the one learned on and the one played, ``limits`` the most steps of an episode in each, ``rules`` the active and
    the retired. ``refused`` names tasks that the environment could not even offer, with the reason: they are listed among the
    errors and are no episodes. ``stopped`` says what ended the run early.
    """
    played = [result for result in results if result.phase == "play"]
    learned = [result for result in results if result.phase == "learn"]
    return Report(
        environment=config.environment,
        engine=engine,
        split=splits[1],
        episodes=len(played),
        success=success_of(played),
        steps=steps_of(played),
        by_task_type=_by_task_type(played),
        attempts_per_task=1,
        admissible_used=config.admissible or any(result.listed for result in played),
        max_steps=limits[1],
        seed=config.seed,
        altered=config.altered,
        goals=config.goals,
        preset=config.preset,
        explored=config.explore,
        planning=planning_of(played, planner=config.planner, budget=config.budget),
        returns=returns_of(played, seed=config.seed),
        achievements=achievements_of(played),
        learned_from=_learned_from(learned, splits[0], limits[0]),
        rules=RuleCount(active=rules[0], retired=rules[1]),
        prediction=_prediction(played),
        llm=(llm or LLMUse()).shared(len(played), sum(result.won for result in played)),
        errors=[*refused, *(f"{result.task}: {result.error}" for result in results if result.error)],
        broken_off=sum(result.error is not None for result in played),
        wall_s=round(wall_s, 3),
        run=run,
        stopped=stopped,
    )


def results_of(store: "RunStore") -> list[EpisodeResult]:
    """Return the results of all episodes of a run that came to their end, in the order played."""
    return [result_of(each) for each in store.episodes() if each.status != "running"]


def result_of(record: "EpisodeRecord") -> EpisodeResult:
    """Return the result of an episode on record as ended."""
    return EpisodeResult(
        task=record.task,
        task_type=record.task_type,
        phase=record.phase,
        won=record.won,
        steps=record.steps,
        error=record.error,
        predictions=record.predictions,
        predictions_right=record.predictions_right,
        spent=record.spent,
        returned=record.returned,
        achievements=record.achievements,
        failures=record.failures,
        listed=record.listed,
    )


def planning_of(results: Sequence[EpisodeResult], *, planner: str, budget: str | None) -> Planning:
    """Return what planning took in ``results``."""
    spent = sum((result.spent for result in results), Spent())
    figures = {**asdict(spent), "seconds": round(spent.seconds, 3)}
    return Planning(planner=planner, budget=budget, **figures)


def _by_task_type(results: Sequence[EpisodeResult]) -> dict[str, TypeReport]:
    return {
        task_type: TypeReport(
            episodes=len(group),
            success=success_of(group),
            steps=steps_of(group),
            mean_return=mean([result.returned for result in group if result.error is None]),
        )
        for task_type, group in grouped(results, lambda result: result.task_type).items()
    }


def _learned_from(results: Sequence[EpisodeResult], split: str, max_steps: int) -> LearnedFrom:
    steps = sum(result.steps for result in results)
    return LearnedFrom(split=split, episodes=len(results), steps=steps, max_steps=max_steps)


def _prediction(results: Sequence[EpisodeResult]) -> PredictionScore:
    n = sum(result.predictions for result in results)
    right = sum(result.predictions_right for result in results)
    return PredictionScore(accuracy=right / n if n else None, n=n)


def success_of(results: Sequence[EpisodeResult]) -> Success:
    """Return how many of ``results`` are wins."""
    won = sum(result.won for result in results)
    return Success(count=won, rate=won / len(results) if results else None, ci95=wilson_interval(won, len(results)))


def returns_of(results: Sequence[EpisodeResult], *, seed: int) -> Returns:
    """Return what the episodes of ``results`` returned; ``seed`` draws the bootstrap."""
    returns = [result.returned for result in results if result.error is None]
    return Returns(mean=mean(returns), ci95=bootstrap_interval(returns, rng=random.Random(seed), draws=RETURN_DRAWS))


def achievements_of(results: Sequence[EpisodeResult]) -> Achievements | None:
    """Return what was achieved in ``results``, None where nobody counted."""
    counted = [result.achievements for result in results if result.achievements]
    if not counted:
        return None
    names = dict.fromkeys(name for each in counted for name in each)
    shares = {name: sum(each.get(name, 0) > 0 for each in counted) / len(counted) for name in names}
    score = math.exp(math.fsum(math.log1p(100 * share) for share in shares.values()) / len(shares)) - 1
    return Achievements(shares=shares, mean=math.fsum(shares.values()), score=score)


def steps_of(results: Sequence[EpisodeResult]) -> Steps:
    """Return how long the wins among ``results`` took."""
    lengths = [result.steps for result in results if result.won]
    return Steps(mean=mean(lengths), median=median(lengths), p90=quantile(lengths, 0.9))
