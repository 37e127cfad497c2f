"""Holds what a model predicts against what is true, where the truth is known."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agentwm.types import Action, Fluent, Outcome, Prediction, Query, State, Vocabulary, WorldModel

__all__ = ["Agreement", "agreement"]

TOLERANCE = 0.03
COUNTED_SURE = 0.97  # part of what is measured: not the learner's own bound, with which it must not move

Truth = Callable[[State, Action], Sequence[Outcome]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of the ``asked`` questions were answered as the truth would be, each probability within `TOLERANCE`.

    ``wrongly_sure`` counts those in which a rule was surer than 0.97 of something that is not so. ``changing`` and
    ``changing_right`` count only the questions in which something happens; ``differences`` holds the first few that differ.
    """

    asked: int = 0
    right: int = 0
    changing: int = 0
    changing_right: int = 0
    wrongly_sure: int = 0
    differences: tuple[tuple[Query, Prediction, tuple[Outcome, ...]], ...] = field(default=(), repr=False)

    @property
    def share(self) -> float:
        """The share of the questions answered rightly, 0 to 1."""
        return self.right / self.asked if self.asked else 0.0


Key = tuple[frozenset[tuple[Fluent, object]], float, bool]


def agreement(
    model: WorldModel, truth: Truth, queries: Iterable[Query], vocabulary: Vocabulary, *, most_differences: int = 10
) -> Agreement:
    """Return how far ``model``, asked all at once, agrees with ``truth`` about ``queries``."""
    queries = list(queries)
    asked = right = changing = changing_right = wrongly_sure = 0
    differences: list[tuple[Query, Prediction, tuple[Outcome, ...]]] = []
    for query, prediction in zip(queries, model.predict(queries), strict=True):
        true = tuple(truth(query.state, query.action))
        said, so = _spread(prediction.outcomes, query.state, vocabulary), _spread(true, query.state, vocabulary)
        is_right = all(abs(said.get(key, 0.0) - so.get(key, 0.0)) <= TOLERANCE for key in {*said, *so})
        happens = any(key[0] or key[1] or key[2] for key in so)
        asked += 1
        right += is_right
        changing += happens
        changing_right += happens and is_right
        if not is_right:
            surest = max(said, key=lambda key: said[key])
            wrongly_sure += prediction.source == "rules" and min(said[surest], prediction.confidence) >= COUNTED_SURE
            if len(differences) < most_differences:
                differences.append((query, prediction, true))
    return Agreement(asked, right, changing, changing_right, wrongly_sure, tuple(differences))


def _spread(outcomes: Sequence[Outcome], state: State, vocabulary: Vocabulary) -> Mapping[Key, float]:
    """Return the probability of each way things may turn out: real changes, reward and end."""
    counters = vocabulary.counters
    spread: dict[Key, float] = {}
    for outcome in outcomes:
        changes = frozenset(
            (fluent, value)
            for fluent, value in outcome.changes.items()
            if fluent.name not in counters and state.get(fluent) != value
        )
        key = (changes, float(outcome.reward or 0.0), bool(outcome.terminated))
        spread[key] = spread.get(key, 0.0) + outcome.probability
    return spread
