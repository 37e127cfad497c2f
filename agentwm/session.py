"""One phase of a run: its episodes, as they are played, put on record and told to whoever watches."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agentwm.agent import Episode
from agentwm.errors import AgentwmError, EnvironmentFailureError, RunStoreError, TaskError, quoted
from agentwm.evaluation import EpisodeResult, ProgressEvent, result_of
from agentwm.faults import expect_png, told_as_failure
from agentwm.learning import AfterStep, BeforeStep
from agentwm.records import EpisodeWriter, RunStore
from agentwm.types import Action, Environment, Goal, Pictured, Transition

__all__ = ["Attempt", "Phase", "Progress", "Session"]

Progress = Callable[[ProgressEvent], None]

NO_SPLIT = "none"
UNKNOWN = "unknown"  # the family of a task of which the environment cannot say it


@dataclass(frozen=True, slots=True)
class Phase:
    """``learn`` or ``play``: ``tasks`` are its episodes in order, the first of which has the number ``first``.

    ``environment`` is None where there is nothing to play.
    """

    name: str
    first: int = 0
    environment: Environment | None = None
    tasks: Sequence[str] = ()

    @property
    def engine(self) -> str:
        """Who runs the tasks; empty where there are none."""
        return "" if self.environment is None else str(self.environment.about.get("engine", ""))

    @property
    def split(self) -> str:
        """The split that the tasks are of."""
        return NO_SPLIT if self.environment is None else str(self.environment.about.get("split", NO_SPLIT))

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Why further tasks cannot be played."""
        return () if self.environment is None else self.environment.refusals

    def close(self) -> str | None:
        """Close the environment; return what went wrong, None where nothing did: what was played is played."""
        if self.environment is None:
            return None
        try:
            with told_as_failure(self.environment.name, "close"):
                self.environment.close()
        except AgentwmError as error:
            return str(error)
        return None


class Play(Protocol):
    """Plays an episode that has just begun."""

    def __call__(
        self, episode: Episode, /, *, rng: random.Random, before_step: BeforeStep, after_step: AfterStep
    ) -> object:
        """Play ``episode``; all chance is in ``rng``."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An episode that came to its end; ``episode`` is None where it could not begin, ``error`` says what broke it off.

    An environment that broke down is asked nothing more, so ``returned`` and ``achievements`` are None then, too.
    """

    number: int
    task: str
    episode: Episode | None = None
    error: str | None = None
    is_won: bool = False
    returned: float | None = None
    achievements: Mapping[str, int] | None = None


class Session:
    """Plays the episodes of ``phase`` that ``records`` do not have.

    With ``screenshots``, what an environment with a face looks like is kept along the way.
    """

    def __init__(
        self, phase: Phase, seed: int, records: RunStore, progress: Progress, *, screenshots: bool = True
    ) -> None:
        self._phase = phase
        self._seed = seed
        self._records = records
        self._progress = progress
        self._screenshots = screenshots
        self._rules = 0
        self._task_type = UNKNOWN

    @property
    def _environment(self) -> Environment:
        assert self._phase.environment is not None, "a phase with tasks has an environment"
        return self._phase.environment

    def unplayed(self, rules: int) -> Iterator[tuple[int, str]]:
        """Yield number and task of the episodes not on record as ended, and tell of those that are. ``rules`` is how many there are.

        Raises: RunStoreError when a task on record is another one.
        """
        self._rules = rules
        ended = {record.episode: record for record in self._records.completed(self._phase.name)}
        for number, task in enumerate(self._phase.tasks, start=self._phase.first):
            record = ended.get(number)
            if record is None:
                yield number, task
            elif record.task == task:
                self._tell(number + 1, result=result_of(record))
            else:
                raise RunStoreError(
                    f"cannot resume {self._records.path}: episode {number} was of {quoted(record.task)} and would now be of "
                    f"{quoted(task)}: the games have changed since; begin a new run"
                )

    def attempt(self, number: int, task: str, play: Play) -> Attempt:
        """Have ``task`` played, every step on record before the next one."""
        writer = EpisodeWriter(self._records, number)
        self._task_type = UNKNOWN
        episode = None
        try:
            with told_as_failure(self._environment.name, f"task_type of {task}"):
                self._task_type = self._environment.task_type(task)
            episode = Episode(self._environment, task, seed=self._seed)
            writer.begin(self._phase.name, task, self._task_type, episode.goal)
            writer.start(episode.goal, episode.observation, episode.start)
            self._show(writer)
            play(
                episode,
                rng=random.Random(f"{self._seed}-{number}"),
                before_step=writer.intend,
                after_step=lambda transition: self._after_step(number, transition, episode, writer),
            )
            return Attempt(
                number,
                task,
                episode,
                is_won=episode.is_won,
                returned=episode.returned,
                achievements=episode.achievements,
            )
        except (EnvironmentFailureError, TaskError) as error:
            if episode is None:
                writer.begin(self._phase.name, task, self._task_type, Goal(""))
            return Attempt(number, task, episode, str(error) or type(error).__name__)

    def done_in(self, number: int) -> tuple[Action, ...]:
        """Return what is on record as done in the episode ``number``, which is perhaps not begun yet."""
        return self._records.actions_of(number)

    def _after_step(self, number: int, transition: Transition, episode: Episode | None, writer: EpisodeWriter) -> None:
        writer.record(transition)
        self._show(writer)
        assert episode is not None
        command = episode.vocabulary.actions[transition.action.verb].render(transition.action.args)
        self._tell(number, step=len(episode.transitions), text=command)

    def _show(self, writer: EpisodeWriter) -> None:
        """Put on record what the environment looks like now, where it has a face."""
        if self._screenshots and isinstance(self._environment, Pictured):
            with told_as_failure(self._environment.name, "screenshot"):
                png = self._environment.screenshot()
            writer.show(expect_png(png))

    def end(self, attempt: Attempt, rules: int, *, learned: str | None = None) -> None:
        """Put on record how ``attempt`` ended and, in the same stroke, what was ``learned`` from it."""
        self._rules = rules
        lived = [] if attempt.episode is None else attempt.episode.transitions
        self._records.end_episode(
            attempt.number,
            won=attempt.is_won,
            steps=len(lived),
            error=attempt.error,
            learned=learned,
            returned=attempt.returned,
            achievements=attempt.achievements,
        )
        self._tell(attempt.number + 1, result=result_of(self._records.episode(attempt.number)))

    def _tell(self, number: int, *, step: int = 0, text: str = "", result: EpisodeResult | None = None) -> None:
        """Tell of a step, or of an episode's end; the episodes before ``number`` have ended."""
        self._progress(
            ProgressEvent(
                phase=self._phase.name,
                done=number - self._phase.first,
                total=len(self._phase.tasks),
                task_type=result.task_type if result else self._task_type,
                step=result.steps if result else step,
                text=text,
                result=result,
                rules=self._rules,
            )
        )
