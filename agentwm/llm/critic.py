"""The critic that a language model is: a graded judgement of how near a state is to the goal."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend, Request
from agentwm.errors import ConfigurationError, DecisionSpentError
from agentwm.llm.asking import Asker, ReplyCount
from agentwm.llm.words import fluent_lines, thing_lines
from agentwm.types import Goal, State, Vocabulary

__all__ = ["Judged", "LLMCritic"]

TEMPERATURE = 1.0


class Judged(BaseModel):
    """How near a model judges a state to be."""

    why: Annotated[str, Field(max_length=300)]
    nearness: Annotated[float, Field(ge=0, le=1)]


class LLMCritic:
    """Judges states with a language model, by the mean of so many ``samples`` of its judgement, drawn apart at a ``temperature``.

    None is 0 for a single sample and `TEMPERATURE` for several. A sample that could not be used counts for nothing, and a state of which
    none could counts as far from the goal.

    Source: the mean of several judgements as in WebDreamer (Gu et al., 2024), where one that cannot be used counts as 0.
    """

    def __init__(
        self,
        backend: Backend,
        prompt: Prompt,
        vocabulary: Vocabulary,
        *,
        samples: int = 1,
        temperature: float | None = None,
    ) -> None:
        if temperature is None:
            temperature = TEMPERATURE if samples > 1 else 0.0
        if samples < 1 or (samples > 1 and temperature <= 0):
            raise ConfigurationError(
                "expected 1 sample of a judgement, or several at a temperature above 0, where they differ, "
                f"got {samples} at {temperature:g}"
            )
        self._samples = samples
        self._asker = Asker(backend, prompt, Judged, temperature=temperature)
        self._stable = {"fluents": fluent_lines(vocabulary)}

    @property
    def count(self) -> ReplyCount:
        """What came of the questions put so far."""
        return self._asker.count

    def judge(self, states: Sequence[State], goal: Goal) -> list[float]:
        """Return how near each of ``states`` is to ``goal``, 0.0 to 1.0, where all of it is so; all are asked side by side.

        Where a decision may ask no more, each is judged by what was said of it, and one of which nothing was counts as far. Raises:
        BackendError when the model cannot be asked; DecisionSpentError when none of them was judged.
        """
        drawn = [
            self._asker.request({**self._stable, "goal": goal.text, "facts": thing_lines(state)}).samples(self._samples)
            for state in states
        ]
        # Every state is asked about once before any is asked about again: so the most is known of all where the budget ends.
        requests = [request for sample in zip(*drawn, strict=True) for request in sample]
        try:
            self._asker.ask(requests)
        except DecisionSpentError:
            if not any(self._asker.was_asked(request) for request in requests):
                raise
        return [self._mean(samples) for samples in drawn]

    def _mean(self, samples: Sequence[Request]) -> float:
        """Return the mean of what was said to those of ``samples`` of which it could be used, 0.0 where there are none."""
        said = [judged.nearness for request in samples if (judged := self._asker.was_asked(request)) is not None]
        return sum(said) / len(said) if said else 0.0
