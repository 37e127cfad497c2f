"""The critic that a language model is: a graded judgement of how near a state is to the goal."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend
from agentwm.llm.asking import Asker, ReplyCount
from agentwm.llm.words import fluent_lines, thing_lines
from agentwm.types import Goal, State, Vocabulary

__all__ = ["Judged", "LLMCritic"]


class Judged(BaseModel):
    """How near a model judges a state to be."""

    why: Annotated[str, Field(max_length=300)]
    nearness: Annotated[float, Field(ge=0, le=1)]


class LLMCritic:
    """Judges states with a language model. One whose judgement could not be used counts as far from the goal."""

    def __init__(self, backend: Backend, prompt: Prompt, vocabulary: Vocabulary) -> None:
        self._asker = Asker(backend, prompt, Judged)
        self._stable = {"fluents": fluent_lines(vocabulary)}

    @property
    def count(self) -> ReplyCount:
        """What came of the questions put so far."""
        return self._asker.count

    def judge(self, states: Sequence[State], goal: Goal) -> list[float]:
        """Return how near each of ``states`` is to ``goal``, 0.0 to 1.0, where all of it is so; all are asked side by side.

        Raises: BackendError when the model cannot be asked.
        """
        requests = [
            self._asker.request({**self._stable, "goal": goal.text, "facts": thing_lines(state)}) for state in states
        ]
        return [0.0 if judged is None else judged.nearness for judged in self._asker.ask(requests)]
