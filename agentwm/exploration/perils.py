"""What is not to be tried out on the things that a goal names: what ended an episode for nothing when it was done to such a thing.

Burning, eating or cutting amiss what a recipe asks for ends the game: it is done to something else, or as the goal wants it. What it was
that ended an episode is told by the fluents that changed, so that who has eaten one thing asked for need not eat another.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from agentwm.rules.binding import Cast, is_reached
from agentwm.rules.matching import value_of
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Action,
    Condition,
    Fluent,
    Goal,
    Query,
    Ref,
    State,
    Term,
    Trajectory,
    Value,
    Var,
    Vocabulary,
    WorldModel,
)

__all__ = ["Perils"]

Harm = frozenset[str]
"""The names of the fluents of a thing that a deed has changed."""


class _Pursued(Protocol):
    """An episode, as far as it is asked here for what it is about."""

    goal: Goal
    vocabulary: Vocabulary


class Perils:
    """What ended the episodes lived so far, held against what is asked for in ``episode``."""

    def __init__(
        self, store: RuleStore, trajectories: Sequence[Trajectory], model: WorldModel, episode: _Pursued
    ) -> None:
        self._model = model
        self._trajectories = trajectories
        self._passed: dict[tuple[Condition, ...], bool] = {}
        self._episode = episode
        self._harms = {harm for trajectory in trajectories for harm in _harms(trajectory)}
        self._touched: dict[tuple[str, int], set[str]] = {}
        self._made: dict[str, set[Term]] = {}
        for rule in store.rules if self._harms else ():
            for change in (change for outcome in rule.outcomes if outcome.success for change in outcome.changes):
                self._made.setdefault(change.target.name, set()).add(change.value)
                for number, name in enumerate(rule.parameters):
                    if change.target.args == (Var(name),):
                        self._touched.setdefault((rule.verb, number), set()).add(change.target.name)

    def ends_episode(self, goal: Goal) -> bool:
        """Whether the episode may end once ``goal`` is reached: not where it has a further part, or was reached before and nothing ended."""
        if goal.then:
            return False
        if goal.conditions not in self._passed:
            words = self._episode.vocabulary
            lasts = (trajectory.transitions[-1:] for trajectory in self._trajectories)
            self._passed[goal.conditions] = any(is_reached(goal, last.before, words) for each in lasts for last in each)
        return not self._passed[goal.conditions]

    def spared(self, cast: Cast) -> set[str]:
        """Return the things that the goal names."""
        return {thing for kind in _wanted(self._episode.goal) for thing in cast.by_kind.get(kind, ())}

    def threaten(self, action: Action, state: State) -> bool:
        """Whether ``action`` would do to what the goal names what has ended episodes, and not as the goal asks for it."""
        wanted = _wanted(self._episode.goal) if self._harms else {}
        for number, thing in enumerate(action.args if wanted else ()):
            kind = str(state.get(Fluent("kind", (thing,))))
            touched = self._touched.get((action.verb, number), set())
            for harm in self._harms if kind in wanted else ():
                if harm <= touched and not self._is_asked(harm, wanted[kind], thing, action, state):
                    return True
        return False

    def _is_asked(
        self, harm: Collection[str], wanted: Sequence[Condition], thing: str, action: Action, state: State
    ) -> bool:
        """Whether ``action`` does one of these changes as it is wanted, or might, where nobody knows what would."""
        (prediction,) = self._model.predict([Query(state, action)])
        changes = prediction.changes if prediction.success else {}
        for condition in wanted:
            name = condition.left.name if isinstance(condition.left, Ref) else ""
            if name in harm:
                value = self._value(condition.right, state)
                fluent = Fluent(name, (thing,))
                if changes.get(fluent, fluent) == value or (fluent not in changes and not self._is_made(name, value)):
                    return True
        return False

    def _value(self, wanted: object, state: State) -> object:
        return value_of(wanted, {}, state, self._episode.vocabulary) if isinstance(wanted, Ref) else wanted

    def _is_made(self, name: str, value: object) -> bool:
        """Whether some rule says how to bring it about."""
        return any(each == value or isinstance(each, Var | Ref) for each in self._made.get(name, ()))


def _harms(trajectory: Trajectory) -> Iterator[Harm]:
    """Yield what the last deed changed of the things that the goal named, where it ended the episode without a reward."""
    if not trajectory.transitions:
        return
    last = trajectory.transitions[-1]
    if not last.observation.terminated or last.observation.reward > 0:
        return
    wanted = _wanted(trajectory.goal)
    for thing in last.action.args:
        changed = frozenset(f.name for f, value in last.changed.items() if f.args == (thing,) and _was(f, last.before) != value)
        if changed and str(last.before.get(Fluent("kind", (thing,)))) in wanted:
            yield changed


def _was(fluent: Fluent, state: State) -> Value | Fluent:
    return state.get(fluent, fluent)


def _wanted(goal: Goal) -> dict[str, list[Condition]]:
    """Return the kinds that the goal names in any of its parts, with what it wants of things of these kinds."""
    wanted: dict[str, list[Condition]] = {}
    for part in (goal.conditions, *goal.then):
        kinds = {c.left.args[0]: str(c.right) for c in part if isinstance(c.left, Ref) and c.left.name == "kind" and c.op == "=="}
        for variable, kind in kinds.items():
            about = [c for c in part if isinstance(c.left, Ref) and c.left.name != "kind" and c.left.args == (variable,)]
            wanted.setdefault(kind, []).extend(about)
    return wanted
