"""Inverse dynamics: which action explains a change, by Bayes from what a world model foretells of each.

What nobody can have seen speaks against no action: what is unknown, what is hidden, and what was only found out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agentwm.rules.matching import UNKNOWN, Unknown, look_up
from agentwm.rules.outcomes import apply_changes
from agentwm.types import (
    Action,
    Fluent,
    Goal,
    Observation,
    Outcome,
    Prediction,
    Query,
    State,
    Trajectory,
    Transition,
    Value,
    Vocabulary,
    WorldModel,
)

__all__ = ["Change", "Explanation", "InverseDynamics", "Labelled", "came", "change_of"]

# How many times better another action must explain a sample for the sample not to be one of the action asked about.
# Source: Jeffreys (1961): a Bayes factor of 100 is decisive.
DECISIVE = 100.0

Explanation = Mapping[Action, float]
"""The probability of each action that can explain a change, the most probable first; empty where none can."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was seen of one step: the belief before and the one after, not what was done.

    ``told`` names the fluents that were merely found out. Of ``succeeded``, ``reward`` and ``terminated`` None means that it is not known.
    """

    before: State
    after: State
    told: frozenset[Fluent] = frozenset()
    succeeded: bool | None = None
    reward: float | None = None
    terminated: bool | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A demonstration that was only watched: what was seen step by step, and what explains each."""

    changes: tuple[Change, ...]
    explanations: tuple[Explanation, ...]
    vocabulary: Vocabulary

    @property
    def actions(self) -> tuple[Action | None, ...]:
        """The most probable action of each step, None where nothing explains it."""
        return tuple(next(iter(each), None) for each in self.explanations)

    def trajectory(self, task: str = "", goal: Goal | None = None, *, least: float = 0.0) -> Trajectory:
        """Return the steps whose most probable action has at least the probability ``least``, as if they had been lived."""
        transitions = tuple(
            _transition(change, action, _news(change, self.vocabulary))
            for change, each in zip(self.changes, self.explanations, strict=True)
            for action, probability in list(each.items())[:1]
            if probability >= least
        )
        start = self.changes[0].before if self.changes else {}
        return Trajectory(task, goal or Goal(""), start, transitions)


@dataclass(frozen=True, slots=True)
class InverseDynamics:
    """Tells what was done from what came of it.

    ``options`` lists the actions that may have been done in a state, each as likely as another before anything is seen.
    """

    model: WorldModel
    options: Callable[[State], Iterable[Action]]
    vocabulary: Vocabulary

    def explain(self, changes: Sequence[Change]) -> list[Explanation]:
        """Return what explains each of ``changes``, in order."""
        return [self._explanation(change, self.options(change.before)) for change in changes]

    def label(self, states: Sequence[State], *, told: Sequence[frozenset[Fluent]] | None = None) -> Labelled:
        """Return what explains each step from one of ``states`` to the next; ``told`` are the fluents that each step only found out."""
        found_out = told or [frozenset[Fluent]()] * (len(states) - 1)
        changes = tuple(
            Change(before, after, each) for (before, after), each in zip(pairwise(states), found_out, strict=True)
        )
        return Labelled(changes, tuple(self.explain(changes)), self.vocabulary)

    def agrees(self, query: Query, sample: Outcome) -> bool:
        """Return whether ``sample`` looks like something that the query's action does: no other explains it decisively better."""
        change = Change(
            query.state,
            apply_changes(query.state, sample.changes),
            succeeded=sample.success,
            reward=sample.reward,
            terminated=sample.terminated,
        )
        explanation = self._explanation(change, (query.action, *self.options(query.state)))
        return explanation.get(query.action, 0.0) * DECISIVE > max(explanation.values(), default=0.0)

    def _explanation(self, change: Change, options: Iterable[Action]) -> Explanation:
        actions = list(dict.fromkeys(options))
        news = _news(change, self.vocabulary)
        predictions = self.model.predict([Query(change.before, action) for action in actions])
        weights = {
            action: weight
            for action, prediction in zip(actions, predictions, strict=True)
            if (weight := _likelihood(prediction, change, news, self.vocabulary)) > 0
        }
        total = sum(weights.values())
        return {action: weights[action] / total for action in sorted(weights, key=lambda each: -weights[each])}


def change_of(transition: Transition) -> Change:
    """Return what was seen of ``transition``, without what was done."""
    seen = transition.observation
    return Change(
        transition.before, transition.after, transition.told, transition.succeeded, seen.reward, seen.terminated
    )


def came(outcome: Outcome, change: Change, vocabulary: Vocabulary) -> bool:
    """Return whether ``outcome``, foretold in the state before, is what was seen to come, as far as it says and as far as that is known."""
    return _came(outcome, change, _news(change, vocabulary), vocabulary)


def _news(change: Change, vocabulary: Vocabulary) -> dict[Fluent, Value]:
    """Return what is known to be otherwise than before, and was not merely found out: an action must have brought it.

    That a place is explored now is a fact about what is known of it, so that is found out, too.
    """
    news: dict[Fluent, Value] = {}
    for fluent, value in change.after.items():
        if fluent in change.told or change.before.get(fluent, UNKNOWN) == value or fluent.name == vocabulary.explored:
            continue
        was = look_up(fluent, change.before, vocabulary)
        if not isinstance(was, Unknown) and was != value:
            news[fluent] = value
    return news


def _likelihood(prediction: Prediction, change: Change, news: State, vocabulary: Vocabulary) -> float:
    """Return the probability (0 to 1) of what was seen, by what the model foretold."""
    return sum(each.probability for each in prediction.outcomes if _came(each, change, news, vocabulary))


def _came(outcome: Outcome, change: Change, news: State, vocabulary: Vocabulary) -> bool:
    return (
        change.succeeded in {None, outcome.success}
        and (outcome.reward is None or change.reward in {None, outcome.reward})
        and (outcome.terminated is None or change.terminated in {None, outcome.terminated})
        and all(fluent in outcome.changes and outcome.changes[fluent] == value for fluent, value in news.items())
        and all(
            fluent in news or _may_be(fluent, value, change, vocabulary) for fluent, value in outcome.changes.items()
        )
    )


def _may_be(fluent: Fluent, value: Value, change: Change, vocabulary: Vocabulary) -> bool:
    """Whether ``fluent``, of which there is no news, may have become ``value``."""
    schema = vocabulary.fluents.get(fluent.name)
    if fluent not in change.told and schema is not None and schema.hidden:
        return True  # nobody saw it stay as it was
    if fluent not in change.after and fluent in change.before:
        return True  # it was forgotten
    now = look_up(fluent, change.after, vocabulary)
    return isinstance(now, Unknown) or now == value


def _transition(change: Change, action: Action, changed: State) -> Transition:
    seen = Observation("", reward=change.reward or 0.0, terminated=bool(change.terminated))
    return Transition(change.before, action, change.after, seen, change.succeeded is not False, changed, change.told)
