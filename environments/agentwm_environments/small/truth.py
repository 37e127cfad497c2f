"""Worlds whose truth is known, so that what was learned of them can be held against it."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from agentwm.errors import EnvironmentFailureError
from agentwm.types import Action, Environment, Outcome, State, Vocabulary

__all__ = ["KnownWorld", "after", "check", "drawn", "lived", "merged", "reachable", "spread"]


class KnownWorld(Environment, Protocol):
    """An environment that can say what any action would do in any fully known state of its tasks."""

    def truth(self, state: State, action: Action) -> tuple[Outcome, ...]:
        """Return the exact distribution of what ``action`` does in ``state``: each outcome once, most probable first.

        ``changes`` holds only stored fluents, and only those whose value differs from the one in ``state``; reward and end are always
        said. ``state`` must hold every stored fluent and not be the end of an episode.
        """

    def actions(self, state: State) -> tuple[Action, ...]:
        """Return every action there is with the things of ``state``, in a fixed order; all of them are always accepted."""

    def states(self, rng: random.Random, number: int) -> list[State]:
        """Return up to ``number`` different states that play can come to, evenly over the kinds of situation there are.

        What happens rarely is as well represented as what happens often. There are fewer where the world has no more.
        """


def after(state: State, outcome: Outcome) -> State:
    """Return the state that ``outcome`` leaves."""
    return {**state, **outcome.changes}


def merged(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Return the distribution with equal outcomes made one, most probable first; among equals the first given stays first."""
    if len(outcomes) == 1:
        return tuple(outcomes)
    chances: dict[object, float] = {}
    firsts: dict[object, Outcome] = {}
    for outcome in outcomes:
        what = (frozenset(outcome.changes.items()), outcome.reward, outcome.terminated)
        chances[what] = chances.get(what, 0.0) + outcome.probability
        firsts.setdefault(what, outcome)
    result = [
        Outcome(chances[what], first.changes, reward=first.reward, terminated=first.terminated)
        for what, first in firsts.items()
    ]
    return tuple(sorted(result, key=lambda outcome: -outcome.probability))


def drawn(outcomes: Sequence[Outcome], rng: random.Random) -> Outcome:
    """Return one of ``outcomes``, by their probabilities."""
    if len(outcomes) == 1:
        return outcomes[0]
    return rng.choices(outcomes, [outcome.probability for outcome in outcomes])[0]


# --- states to compare on -------------------------------------------------------------------------------------


def reachable(world: KnownWorld, starts: Iterable[State]) -> list[State]:
    """Return every state that play can come to from ``starts`` and that is not an end, nearest first.

    For small worlds only: all of them are listed.
    """
    found = {frozenset(state.items()): state for state in starts}
    open_states = list(found.values())
    for state in open_states:
        for action in world.actions(state):
            for outcome in world.truth(state, action):
                if not outcome.terminated:
                    next_state = after(state, outcome)
                    if found.setdefault(frozenset(next_state.items()), next_state) is next_state:
                        open_states.append(next_state)
    return open_states


def lived(world: KnownWorld, begin: Callable[[], State], rng: random.Random, *, steps: int) -> Iterator[State]:
    """Yield the states of ``steps`` steps of play that mostly does what changes something, each verb as likely as another.

    It begins anew at every end, and after so many steps that it sees many openings.
    """
    state = begin()
    for step in range(1, steps + 1):
        yield state
        if not step % _EPISODE:
            state = begin()
            continue
        outcome = drawn(world.truth(state, _busy_action(world, state, rng)), rng)
        state = begin() if outcome.terminated else after(state, outcome)


_EPISODE = 100
"""After how many steps `lived` begins anew."""

_IDLE = 0.1
"""How often `lived` does just anything."""


def _busy_action(world: KnownWorld, state: State, rng: random.Random) -> Action:
    actions = world.actions(state)
    if rng.random() < _IDLE:
        return rng.choice(actions)
    clocks = _clocks(world.vocabulary)
    by_verb: dict[str, list[Action]] = {}
    for action in actions:
        if any(fluent.name not in clocks for outcome in world.truth(state, action) for fluent in outcome.changes):
            by_verb.setdefault(action.verb, []).append(action)
    return rng.choice(rng.choice(list(by_verb.values()))) if by_verb else rng.choice(actions)


def spread(world: KnownWorld, states: Iterable[State], rng: random.Random, number: int) -> list[State]:
    """Return ``number`` different ones of ``states`` (all, where there are fewer), evenly over the kinds of situation in them.

    Two states are of a kind where each action changes the same fluents, pays the same and ends or does not end alike.
    """
    kinds: dict[object, dict[object, State]] = {}
    for state in states:
        kinds.setdefault(_kind(world, state), {}).setdefault(frozenset(state.items()), state)
    queues = [rng.sample(list(kind.values()), len(kind)) for kind in kinds.values()]
    rng.shuffle(queues)
    chosen: list[State] = []
    while queues and len(chosen) < number:
        chosen += [queue.pop() for queue in queues][: number - len(chosen)]
        queues = [queue for queue in queues if queue]
    return chosen


def _kind(world: KnownWorld, state: State) -> object:
    return frozenset(
        (action.verb, frozenset(fluent.name for fluent in outcome.changes), outcome.reward, outcome.terminated)
        for action in world.actions(state)
        for outcome in world.truth(state, action)
    )


def _clocks(words: Vocabulary) -> set[str]:
    return {name for name, schema in words.fluents.items() if schema.counts_since is not None}


# --- for `agentwm doctor` -----------------------------------------------------------------------------------------

_CHECKED_STEPS = 200


def check(world: KnownWorld) -> list[str]:
    """Return a line that says that random play went as the world's stated truth foretells.

    Raises: EnvironmentFailureError when it did not.
    """
    rng = random.Random("check")
    task, state, is_over = world.tasks()[0], {}, True
    for step in range(_CHECKED_STEPS):
        if is_over:
            state = dict(world.reset(task, seed=step).facts)
        action = rng.choice(world.actions(state))
        foretold = world.truth(state, action)
        seen = world.step(action)
        met = {fluent: value for fluent, value in seen.facts.items() if state.get(fluent) != value}
        if (met, seen.reward, seen.terminated) not in [
            (each.changes, each.reward, each.terminated) for each in foretold
        ]:
            raise EnvironmentFailureError(
                f"{action} in {world.name} changed {met}, which its stated truth rules out: please report this"
            )
        state, is_over = dict(seen.facts), seen.terminated
    return [f"{_CHECKED_STEPS} actions went as the stated truth foretells"]
