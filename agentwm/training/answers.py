"""What the role ``predict`` should have answered: what came of a step, in the form that is asked of a language model."""

import json

from pydantic import ValidationError

from agentwm.llm.words import changeable
from agentwm.llm.world_model import LONGEST_TEXT, Foretold, foretold_form
from agentwm.types import NOTHING, Prediction, State, Transition, Vocabulary

__all__ = ["AnswerForm"]


class AnswerForm:
    """Writes answers in the form of one vocabulary's predictions.

    Nothing is known of why something came, so ``why`` is empty. What became of an action that failed is that nothing changed, and so
    it is with ``changes``: what it would have done had it worked was not seen.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._names = tuple(schema.name for schema in changeable(vocabulary))
        self._form = foretold_form(self._names)

    def came(self, transition: Transition) -> str | None:
        """Return what came of ``transition``; None where it does not fit into the form (too many changes, say)."""
        text = " ".join(transition.observation.text.split())[:LONGEST_TEXT]
        return self._written(transition.changed, text, success=transition.succeeded)

    def contrasted(self, transition: Transition, *, reports_failure: bool) -> tuple[str, str] | None:
        """Return what came of ``transition`` and what was wrongly foretold of it; None where nothing was.

        The two differ in what was foretold alone: where no text was, both leave it empty. That nothing is known is no prediction.
        """
        predicted = transition.predicted
        if (
            predicted is None
            or predicted.source == "frame"
            or not _is_wrong(transition, predicted, reports_failure=reports_failure)
        ):
            return None
        foretold_text = predicted.outcomes[0].text if predicted.outcomes else None
        seen_text = None if foretold_text is None else " ".join(transition.observation.text.split())
        came = {**transition.changed, **_come_true(transition, predicted)}
        chosen = self._written(came, (seen_text or "")[:LONGEST_TEXT], success=transition.succeeded)
        changes = predicted.changes if predicted.success else NOTHING
        rejected = self._written(changes, (foretold_text or "")[:LONGEST_TEXT], success=predicted.success)
        return None if chosen is None or rejected is None or chosen == rejected else (chosen, rejected)

    def _written(self, changes: State, text: str, *, success: bool) -> str | None:
        stated = [
            {"fluent": fluent.name, "args": list(fluent.args), "value": value}
            for fluent, value in sorted(changes.items(), key=lambda change: change[0])
            if fluent.name in self._names
        ]
        answer = {"why": "", "p_success": float(success), "changes": stated, "text": text}
        try:
            self._form.model_validate(answer)
        except ValidationError:
            return None
        # As decoders that are held to a schema write it: one space after a comma and a colon.
        return json.dumps({name: answer[name] for name in Foretold.model_fields}, ensure_ascii=False)


def _is_wrong(transition: Transition, predicted: Prediction, *, reports_failure: bool) -> bool:
    return bool(transition.surprise) or (reports_failure and predicted.success != transition.succeeded)


def _come_true(transition: Transition, predicted: Prediction) -> State:
    """Return the changes that were foretold and are so now: nobody saw them happen, which does not make them wrong."""
    return {
        fluent: value
        for fluent, value in predicted.changes.items()
        if fluent in transition.after
        and transition.after[fluent] == value
        and (fluent not in transition.before or transition.before[fluent] != value)
    }
