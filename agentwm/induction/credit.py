"""Turns trajectories into examples: who is credited with a change that only a later look revealed.

Three things stand between what was lived and what can be learned from. A static fact learned late (two receptacles
share one place) was true all along, so it is filled back over the whole episode. And a hidden quality (hot, clean) is
shown by no ordinary text: when an inspection shows that it differs from what it was known to be, the last act upon the
inspected thing is credited; when it shows no difference, that act is known not to have changed it. And what a refusal tells, as that
the door is locked, was so when the action was tried: that is why it failed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from agentwm.rules.binding import bindings_of
from agentwm.rules.language import fluent_names, variables
from agentwm.rules.matching import conjunction
from agentwm.types import Action, Condition, Fluent, Goal, Ref, State, Trajectory, Transition, Value, Vocabulary

__all__ = ["Example", "examples"]


@dataclass(frozen=True, slots=True)
class Example:
    """One action as evidence: the state it was done in, whether it succeeded and what it is credited with.

    ``settled`` holds, for every fluent of which it is known, the value right after the action; a hidden fluent is in
    it only when it was inspected. ``reward`` is what the action was paid, ``ended`` whether it ended the episode.
    """

    before: State
    action: Action
    succeeded: bool
    changed: State
    settled: State
    reward: float = 0.0
    ended: bool = False


def examples(trajectory: Trajectory, vocabulary: Vocabulary) -> list[Example]:
    """Return one example per transition, in order."""
    statics = _statics(trajectory, vocabulary)
    hidden = _hidden_changes(trajectory, vocabulary)
    return [
        _example(transition, statics, hidden.get(index, {}), vocabulary)
        for index, transition in enumerate(trajectory.transitions)
    ]


def _example(
    transition: Transition, statics: State, inspected: Mapping[Fluent, tuple[Value, Value]], vocabulary: Vocabulary
) -> Example:
    known = statics if transition.succeeded else {**statics, **_told(transition)}
    before = {**transition.before, **known} if _differs(transition.before, known) else transition.before
    changed = {f: value for f, value in transition.changed.items() if _known_before(f, before, vocabulary) != value}
    changed |= {f: after for f, (earlier, after) in inspected.items() if earlier != after}
    settled = _Settled(transition.after, {f: after for f, (_, after) in inspected.items()}, vocabulary)
    answer = transition.observation
    return Example(before, transition.action, transition.succeeded, changed, settled, answer.reward, answer.terminated)


@dataclass(frozen=True, slots=True)
class _Settled(Mapping[Fluent, Value]):
    """The state after an action, without the hidden fluents that nobody looked at."""

    after: State
    inspected: State
    vocabulary: Vocabulary

    def __getitem__(self, fluent: Fluent) -> Value:
        if fluent in self.inspected:
            return self.inspected[fluent]
        schema = self.vocabulary.fluents.get(fluent.name)
        if schema is not None and schema.hidden:
            raise KeyError(fluent)
        return self.after[fluent]

    def __iter__(self) -> Iterator[Fluent]:
        return (fluent for fluent in {**self.after, **self.inspected} if fluent in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _told(transition: Transition) -> State:
    """Return what the answer told of what was so already."""
    return {fluent: transition.after[fluent] for fluent in transition.told if fluent in transition.after}


def _differs(state: State, statics: State) -> bool:
    return any(state.get(fluent, fluent) != value for fluent, value in statics.items())


def _statics(trajectory: Trajectory, vocabulary: Vocabulary) -> dict[Fluent, Value]:
    """Return the static facts as they were known at the end."""
    last = trajectory.transitions[-1].after if trajectory.transitions else trajectory.start
    return {f: v for f, v in last.items() if (schema := vocabulary.fluents.get(f.name)) is not None and schema.static}


def _known_before(fluent: Fluent, state: State, vocabulary: Vocabulary) -> Value | Fluent:
    """Return the value before, or the fluent itself (equal to no value) where it was unknown."""
    if fluent in state:
        return state[fluent]
    try:
        return vocabulary.default(fluent)
    except KeyError:
        return fluent


def _hidden_changes(trajectory: Trajectory, vocabulary: Vocabulary) -> dict[int, dict[Fluent, tuple[Value, Value]]]:
    """Return, per step, the hidden fluents that were inspected after it: (known before, seen after).

    Credited is the only act upon the thing, since it was last inspected, that showed no change of its own (the first time, if it was
    repeated); where there were different ones nobody can tell which it was.
    """
    known: dict[Fluent, Value] = {}
    quiet_acts: dict[str, list[int]] = {}
    credit: dict[int, dict[Fluent, tuple[Value, Value]]] = {}

    def settle(seen: Iterable[tuple[Fluent, Value]]) -> None:
        things = set()
        for fluent, value in seen:
            earlier = known.get(fluent, vocabulary.default(fluent))
            known[fluent] = value
            things.add(fluent.args[0])
            acts = quiet_acts.get(fluent.args[0], [])
            if len({trajectory.transitions[act].action for act in acts}) == 1:
                credit.setdefault(acts[0], {})[fluent] = (earlier, value)
        for thing in things:
            quiet_acts.pop(thing, None)

    for index, transition in enumerate(trajectory.transitions):
        schema = vocabulary.actions.get(transition.action.verb)
        if schema is not None and schema.inspects:
            settle(_inspected(transition, vocabulary))
        elif transition.succeeded and not transition.changed:
            for name in transition.action.args:
                quiet_acts.setdefault(name, []).append(index)
        settle(_judged(transition, trajectory.goal, vocabulary))
    return credit


def _judged(transition: Transition, goal: Goal, vocabulary: Vocabulary) -> list[tuple[Fluent, Value]]:
    """Return what the reward, or its absence, tells of the goal's hidden conditions once all others have come true.

    With a reward they hold; without one, a single hidden condition does not. Nothing where several things could be meant.
    """
    hidden = [c for c in goal.conditions if _is_hidden(c, vocabulary)]
    rewarded = transition.observation.reward > 0
    if not hidden or not transition.changed or (not rewarded and len(hidden) > 1):
        return []
    shown = [c for c in goal.conditions if not _is_hidden(c, vocabulary)]
    ways = [
        bindings
        for bindings in bindings_of(shown, transition.after)
        if conjunction(shown, bindings, transition.after, vocabulary) is True
        and conjunction(shown, bindings, transition.before, vocabulary) is not True
    ]
    if len(ways) != 1:
        return []
    return [
        (Fluent(c.left.name, tuple(ways[0][name] for name in variables(c.left))), c.right is rewarded)
        for c in hidden
        if isinstance(c.left, Ref) and c.op == "==" and isinstance(c.right, bool)
    ]


def _is_hidden(condition: Condition, vocabulary: Vocabulary) -> bool:
    return any(name in vocabulary.fluents and vocabulary.fluents[name].hidden for name in fluent_names(condition))


def _inspected(transition: Transition, vocabulary: Vocabulary) -> Iterator[tuple[Fluent, Value]]:
    """Yield the hidden fluents that this inspection told, with their values."""
    told: Iterable[Fluent] = transition.told
    for fluent in told:
        schema = vocabulary.fluents.get(fluent.name)
        if schema is not None and schema.hidden and schema.has_default and fluent.args:
            yield fluent, transition.after[fluent]
