"""An environment as a language model perceives it: what it answers, where it has no reader of its own, and goals that it cannot read."""

from collections.abc import Mapping, Sequence

from agentwm.agent import update
from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend
from agentwm.errors import TaskError
from agentwm.llm.asking import ReplyCount
from agentwm.llm.goals import LLMGoalReader
from agentwm.llm.perceiver import LLMPerceiver
from agentwm.types import Action, Environment, Goal, Observation, Perceiver, Pictured, Vocabulary

__all__ = ["PROMPTS", "Perceiving"]

ROLE = "perceive"
PROMPTS = (ROLE, "goal")


class Perceiving:
    """The tasks of ``environment``, read by a language model where the environment leaves that open.

    ``prompts`` holds one for each of `PROMPTS`, the two questions of the role. Observations are read by the environment's own reader
    where it has one: that is exact, and free. Goals are read where their text came without conditions and the vocabulary declares what
    shapes goals have. A goal that could not be read has no conditions, and the episode is played without any. What is won is the
    environment's to say, never the reading's.
    """

    def __init__(self, environment: Environment, backend: Backend, prompts: Mapping[str, Prompt]) -> None:
        self.name = environment.name
        self._inner = environment
        self._backend = backend
        self._prompts = dict(prompts)
        self._perceiver: Perceiver | None = environment.perceiver
        self._goal: Goal | None = None
        self._readers: dict[str, LLMPerceiver | LLMGoalReader] = {}

    @property
    def perceiver(self) -> Perceiver | None:
        """The environment's own reader, or the language model once a task has begun."""
        return self._perceiver

    @property
    def about(self) -> Mapping[str, str | int]:
        """Where the environment's tasks come from."""
        return self._inner.about

    @property
    def vocabulary(self) -> Vocabulary:
        """What can be said and done in the present task."""
        return self._inner.vocabulary

    @property
    def goal(self) -> Goal:
        """What the present task asks for, as it was read."""
        return self._inner.goal if self._goal is None else self._goal

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Why tasks that were met cannot be played."""
        return self._inner.refusals

    @property
    def is_won(self) -> bool | None:
        """Whether the environment itself says that the present task is won; None where it leaves that to the rewards."""
        return getattr(self._inner, "is_won", None)

    @property
    def returned(self) -> float | None:
        """What the environment itself counts as the return; None where it leaves that to the rewards."""
        return getattr(self._inner, "returned", None)

    @property
    def achievements(self) -> Mapping[str, int] | None:
        """What the environment counts as achieved; None where it counts nothing."""
        return getattr(self._inner, "achievements", None)

    @property
    def replies(self) -> Mapping[str, ReplyCount]:
        """What came of the questions of the present task, as those of one role; empty where none were put."""
        count = sum((each.count for each in self._readers.values()), ReplyCount())
        return {} if count == ReplyCount() else {ROLE: count}

    @property
    def has_unread_goal(self) -> bool:
        """Whether the model was to read the present task's goal and could not."""
        return "goal" in self._readers and not self.goal.conditions

    def tasks(self) -> Sequence[str]:
        """Return the ids of the environment's tasks."""
        return self._inner.tasks()

    def task_type(self, task: str) -> str:
        """Return the family that ``task`` belongs to."""
        return self._inner.task_type(task)

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        """Begin ``task``, read its goal if need be, and return its first observation.

        Raises: TaskError when the task cannot be played; BackendError when the model cannot be asked.
        """
        observation = self._inner.reset(task, seed=seed)
        self._readers, self._goal = {}, None
        self._perceiver = self._inner.perceiver or self._reader()
        if not self._inner.goal.conditions and self.vocabulary.goals:
            start = update({}, self._perceiver.perceive(observation, None, {}))
            reader = self._readers["goal"] = LLMGoalReader(self._backend, self._prompts["goal"])
            self._goal = reader.read(self._inner.goal.text, start, self.vocabulary)
        return observation

    def _reader(self) -> LLMPerceiver:
        reader = LLMPerceiver(self._backend, self._prompts["perceive"], self._inner.vocabulary)
        self._readers["perceive"] = reader
        return reader

    def step(self, action: Action) -> Observation:
        """Do ``action`` and return what is seen."""
        return self._inner.step(action)

    def screenshot(self) -> bytes | None:
        """Return what the environment looks like now; None where there is nothing to see."""
        return self._inner.screenshot() if isinstance(self._inner, Pictured) else None

    def close(self) -> None:
        """Release what the environment holds."""
        self._inner.close()
