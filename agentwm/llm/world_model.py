"""The world model that a language model is: asked what a command would do, checked against the vocabulary, calibrated on what happened."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, Field, create_model

from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend, Request
from agentwm.llm.asking import Asker, ReplyCount
from agentwm.llm.calibration import Calibration, Statement
from agentwm.llm.changes import StatedChange, read_changes
from agentwm.llm.words import (
    NONE,
    Answers,
    changeable,
    command_lines,
    fact_lines,
    fluent_lines,
    relevant,
    rules_about,
)
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Outcome,
    Prediction,
    Query,
    Transition,
    Vocabulary,
)

__all__ = ["Foretold", "LLMWorldModel", "foretold_form", "slots_for", "stable_slots"]

NO_RULES = RuleStore()
MOST_CHANGES = 8
LONGEST_TEXT = 600  # characters


class Foretold(BaseModel):
    """What a model says a command would do: ``changes`` if it works, ``text`` in the likelier case."""

    why: Annotated[str, Field(max_length=300)]
    p_success: Annotated[float, Field(ge=0, le=1)]
    changes: Annotated[list[StatedChange], Field(max_length=MOST_CHANGES)]
    text: Annotated[str, Field(max_length=LONGEST_TEXT)]


@cache
def foretold_form(fluents: tuple[str, ...]) -> type[Foretold]:
    """Return the form of a prediction that may speak of ``fluents`` only, so that a decoder can be held to them."""
    if not fluents:
        return Foretold
    named: object = Literal[fluents]
    change = create_model("StatedChange", __base__=StatedChange, fluent=(named, ...))  # type: ignore[arg-type]
    changes: object = Annotated[list[change], Field(max_length=MOST_CHANGES)]  # type: ignore[valid-type]
    return create_model("Foretold", __base__=Foretold, changes=(changes, ...))  # type: ignore[arg-type]


def stable_slots(vocabulary: Vocabulary) -> dict[str, str]:
    """Return what fills the slots of the prompt that are the same for every query."""
    return {"fluents": fluent_lines(vocabulary), "commands": command_lines(vocabulary)}


def slots_for(query: Query, vocabulary: Vocabulary, *, rules: RuleStore, answers: Answers) -> dict[str, str]:
    """Return what fills the slots of the prompt that are about ``query``."""
    schema = vocabulary.actions[query.action.verb]
    return {
        "rules": rules_about(rules, query, vocabulary) or NONE,
        "answers": answers.lines(schema.verb, vocabulary) or NONE,
        "facts": fact_lines(relevant(query.state, query.action.args, vocabulary)),
        "command": schema.render(query.action.args),
    }


class LLMWorldModel:
    """Predicts with a language model what actions do.

    It is told of ``rules`` and of ``answers`` seen to such commands. What it says changes is checked against the
    vocabulary and what is known: a change that makes no sense is dropped and counted. What it states is calibrated.
    """

    def __init__(
        self,
        backend: Backend,
        prompt: Prompt,
        vocabulary: Vocabulary,
        *,
        rules: RuleStore = NO_RULES,
        answers: Answers | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self._schemas = {schema.name: schema for schema in changeable(vocabulary)}
        self._rules = rules
        self._answers = answers or Answers()
        self._calibration = calibration or Calibration()
        self._asker = Asker(backend, prompt, foretold_form(tuple(self._schemas)))
        self._stable = stable_slots(vocabulary)

    @property
    def count(self) -> ReplyCount:
        """What came of the questions put so far."""
        return self._asker.count

    def speak(self, queries: Sequence[Query]) -> list[Prediction | None]:
        """Return one prediction per query, in order, None where no answer could be used.

        There are fewer, but one at least, where a decision may ask no more. Raises: BackendError when the model cannot be asked;
        DecisionSpentError when no call is left to the decision.
        """
        return self._asker.ask_about(queries, self.request, self._prediction)

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order: with no usable answer, that nothing is known and nothing changes.

        Raises: BackendError when the model cannot be asked.
        """
        unknown = Prediction((Outcome(0.5), Outcome(0.5, success=False)), 0.5, "frame")
        return [prediction or unknown for prediction in self.speak(queries)]

    def statement(self, transition: Transition) -> Statement | None:
        """Return what the model stated of the action of ``transition`` and whether it came; None where it was not asked or not understood.

        Where failure is not reported, what was predicted comes if nothing surprises.
        """
        foretold = self._asker.was_asked(self.request(Query(transition.before, transition.action)))
        if foretold is None:
            return None
        came = transition.succeeded if self._vocabulary.reports_failure else not transition.surprise
        believed = self._calibration.calibrated(transition.action.verb, foretold.p_success)
        return Statement(transition.action.verb, foretold.p_success, came, believed)

    def request(self, query: Query) -> Request:
        """Return what is put to the model for ``query``."""
        asked = slots_for(query, self._vocabulary, rules=self._rules, answers=self._answers)
        return self._asker.request({**self._stable, **asked})

    def _prediction(self, query: Query, foretold: Foretold) -> tuple[Prediction, int]:
        """Return what ``foretold`` says, and how many of its changes had to be dropped."""
        changes, dropped = read_changes(foretold.changes, query, self._schemas, self._vocabulary)
        p = self._calibration.calibrated(query.action.verb, foretold.p_success)
        # The text was asked for the case that the model itself took for likelier, whatever is believed of that now.
        is_of_success = foretold.p_success >= 0.5
        works = Outcome(p, changes, text=foretold.text if is_of_success else None)
        fails = Outcome(1 - p, success=False, text=None if is_of_success else foretold.text)
        outcomes = (works, fails) if p >= 0.5 else (fails, works)
        return Prediction(outcomes, max(p, 1 - p), "llm"), dropped
