"""What is not to be tried out on the things that a goal names: what ended an episode for nothing when it was done to such a thing.

Burning, eating or cutting amiss what a recipe asks for ends the game: it is done to something else, or as the goal wants it. What it was
that ended an episode is told by the fluents that changed, so that who has eaten one thing asked for need not eat another. Source: ours.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

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
    Trajectory,
    Value,
    Var,
    Vocabulary,
    WorldModel,
)

__all__ = ["Perils"]

Deed = tuple[str, tuple[Value, ...]]
Harm = frozenset[str]
"""The names of the fluents of a thing that a deed has changed."""


class _Pursued(Protocol):
    """An episode, as far as it is asked here for what it is about: a text may tell more of that on the way."""

    @property
    def goal(self) -> Goal:
        """What is asked for."""

    @property
    def vocabulary(self) -> Vocabulary:
        """What can be said and done."""


class Perils:
    """What ended the episodes lived so far, held against what is asked for in ``episode``."""

    def __init__(
        self, store: RuleStore, trajectories: Sequence[Trajectory], model: WorldModel, episode: _Pursued
    ) -> None:
        self._model = model
        self._episode = episode
        self._harms = {harm for trajectory in trajectories for harm in _harms(trajectory)}
        self._deeds = {
            _done(thing, t.action, t.before)
            for trajectory in (trajectories if self._harms else ())
            for t in trajectory
            if t.succeeded
            for thing in t.action.args
        }
        self._touched: dict[tuple[str, int], set[str]] = {}
        self._made: set[tuple[str, object]] = set()
        for rule in store.rules if self._harms else ():
            for change in (change for outcome in rule.outcomes if outcome.success for change in outcome.changes):
                self._made.add((change.target.name, change.value))
                for number, name in enumerate(rule.parameters):
                    if change.target.args == (Var(name),):
                        self._touched.setdefault((rule.verb, number), set()).add(change.target.name)

    def threaten(self, action: Action, state: State) -> bool:
        """Whether ``action`` would do to what the goal names what has ended episodes, and not as the goal asks for it."""
        if not self._harms:
            return False
        wanted = _wanted(self._episode.goal)
        for number, thing in enumerate(action.args):
            kind = state.get(Fluent("kind", (thing,)))
            touched = self._touched.get((action.verb, number), set())
            if kind in wanted and any(harm <= touched for harm in self._harms):
                harms = set().union(*(harm for harm in self._harms if harm <= touched))
                if not self._is_asked(harms, wanted[kind], thing, action, state):
                    return True
        return False

    def _is_asked(
        self, harms: Collection[str], wanted: Sequence[Condition], thing: str, action: Action, state: State
    ) -> bool:
        """Whether ``action`` brings about what is still wanted of what it would change; or might, where no rule says what does.

        It might where nothing of this kind was done yet: with the same other things, to whatever it may be.
        """
        (prediction,) = self._model.predict([Query(state, action)])
        changes = prediction.changes if prediction.success else {}
        for condition in wanted:
            assert isinstance(condition.left, Ref)
            fluent = Fluent(condition.left.name, (thing,))
            right = condition.right
            value = value_of(right, {}, state, self._episode.vocabulary) if isinstance(right, Ref) else right
            if fluent.name not in harms or state.get(fluent) == value:
                continue
            if changes.get(fluent, fluent) == value:
                return True
            if (fluent.name, value) not in self._made and _done(thing, action, state) not in self._deeds:
                return True
        return False


def _done(thing: str, action: Action, state: State) -> Deed:
    """Return what was done to ``thing``: the verb, and the kinds of the other things."""
    return action.verb, tuple(None if arg == thing else state.get(Fluent("kind", (arg,))) for arg in action.args)


def _harms(trajectory: Trajectory) -> Iterator[Harm]:
    """Yield what the last deed changed of the things that the goal named, where it ended the episode without a reward."""
    if not trajectory.transitions:
        return
    last = trajectory.transitions[-1]
    if not last.observation.terminated or last.observation.reward > 0:
        return
    wanted = _wanted(trajectory.goal)
    for thing in last.action.args:
        changed = frozenset(
            f.name for f, value in last.changed.items() if f.args == (thing,) and last.before.get(f, f) != value
        )
        if changed and last.before.get(Fluent("kind", (thing,))) in wanted:
            yield changed


def _wanted(goal: Goal) -> dict[Value, list[Condition]]:
    """Return the kinds that the goal names in any of its parts, with what it wants of things of these kinds."""
    wanted: dict[Value, list[Condition]] = {}
    for part in (goal.conditions, *goal.then):
        about = [c for c in part if isinstance(c.left, Ref) and len(c.left.args) == 1]
        kinds = {c.left.args: c.right for c in about if c.left.name == "kind"}  # type: ignore[union-attr]
        for condition in about:
            if condition.left.name != "kind" and isinstance(kind := kinds.get(condition.left.args), str):  # type: ignore[union-attr]
                wanted.setdefault(kind, []).append(condition)
    return wanted
