"""What came otherwise than it was foretold comes so again, as long as an episode lasts: for models that do not learn while they are used.

Without it, a planner whose model is wrong about a state makes the same plan there for ever.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from agentwm.types import Action, Outcome, Prediction, Query, State, Transition, WorldModel

__all__ = ["Remembering"]

MOST = 16  # steps remembered of each action, the latest: a planner in a loop comes back soon
_UNSAID = object()


class Remembering:
    """A world model with what was lived beside it, which counts for more where it was foretold for sure and came otherwise."""

    def __init__(self, model: WorldModel) -> None:
        self._model = model
        self._lived: dict[Action, deque[tuple[State, Prediction]]] = {}

    def note(self, latest: Transition) -> bool:
        """Remember what came of the ``latest`` step, if that was foretold otherwise and for sure. Return whether it was."""
        predicted = latest.predicted
        if predicted is None or len(predicted.outcomes) != 1 or not latest.surprise:
            return False
        before, seen = latest.before, latest.observation
        changes = {fluent: value for fluent, value in latest.after.items() if before.get(fluent, _UNSAID) != value}
        came = Outcome(1.0, changes, latest.succeeded, seen.reward, seen.terminated)
        self._lived.setdefault(latest.action, deque(maxlen=MOST)).append((before, replace(predicted, outcomes=(came,))))
        return True

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order; fewer where the model beneath gives fewer."""
        predictions = self._model.predict(queries)
        if not self._lived:
            return predictions
        return [self._remembered(query) or each for query, each in zip(queries, predictions, strict=False)]

    def _remembered(self, query: Query) -> Prediction | None:
        lived = self._lived.get(query.action, ())
        return next((prediction for state, prediction in lived if state == query.state), None)
