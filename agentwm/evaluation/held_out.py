"""Draws transitions that a model is then asked to foretell: half of them failures, as many of each verb as there are.

They come from walks that know nothing of rules, so that the questions are the same whatever was learned: now something that the
environment lists as possible, now a command about what is at hand, which often just does not work. Commands that only look are no question.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentwm.agent import Episode
from agentwm.errors import ConfigurationError
from agentwm.planners.anything import Anything
from agentwm.planners.options import ground_actions
from agentwm.rules.binding import Cast
from agentwm.types import Action, Environment, Fluent, Outcome, Prediction, State, Transition, Vocabulary

__all__ = ["HeldOut", "held_out"]

STEPS = 60
LISTED = 0.6
_NOTHING_FORESEEN = Prediction((Outcome(1.0),), 0.5, "frame")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Transitions to be foretold, each with the task that it is from."""

    vocabulary: Vocabulary
    transitions: Sequence[tuple[str, Transition]]


def held_out(environment: Environment, tasks: Sequence[str], number: int, *, seed: int) -> HeldOut:
    """Return ``number`` transitions of walks in ``tasks``, an odd one being a failure; the same for the same arguments.

    Raises: ConfigurationError where the environment does not report failure, or the walks did not bring as many.
    """
    met: dict[bool, list[tuple[str, Transition]]] = {True: [], False: []}
    words = Vocabulary({}, {})
    asked = set[tuple[Action, frozenset[tuple[Fluent, object]]]]()
    for task in tasks:
        episode = Episode(environment, task, seed=seed)
        words = episode.vocabulary
        _expect_failures(environment.name, words)
        for transition in _walk(episode, random.Random(f"{seed} {task}")):
            key = transition.action, frozenset(transition.before.items())
            if key not in asked and not words.actions[transition.action.verb].inspects:
                asked.add(key)
                met[transition.succeeded].append((task, transition))
    rng = random.Random(f"held out {seed}")
    chosen = []
    for succeeded, wanted in ((True, number // 2), (False, number - number // 2)):
        found = _spread(met[succeeded], wanted, rng)
        if len(found) < wanted:
            kind = "commands that work" if succeeded else "commands that fail"
            raise ConfigurationError(
                f"expected {wanted} {kind} in {len(tasks)} games of {environment.name}, found {len(found)}: ask for fewer predictions"
            )
        chosen += found
    rng.shuffle(chosen)
    return HeldOut(words, tuple(chosen))


def _expect_failures(environment: str, vocabulary: Vocabulary) -> None:
    if not vocabulary.reports_failure:
        raise ConfigurationError(
            f"{environment} answers every command and reports no failure, so that there is none to foretell: choose an environment "
            "that does, such as alfworld"
        )


def _walk(episode: Episode, rng: random.Random) -> Iterator[Transition]:
    """Yield what comes of commands, a verb at a time as likely as another, until the walk or the episode is over."""
    words = episode.vocabulary
    anything = Anything(words, rng=rng)
    while not episode.is_over and len(episode.transitions) < STEPS:
        listed = [each for each in episode.observation.actions or () if not words.actions[each.verb].inspects]
        near = [] if listed and rng.random() < LISTED else _at_hand(episode.state, words)
        action = _one(near or listed, rng)
        if action is None:
            action = anything.command(Cast(episode.state))
            if action is None:
                return
        yield episode.step(action, _NOTHING_FORESEEN)


def _at_hand(state: State, vocabulary: Vocabulary) -> list[Action]:
    """Return the commands about the things that the agent has, that it is at, or that are there."""
    own = {value for fluent, value in state.items() if not fluent.args and isinstance(value, str)}
    there = {
        arg for fluent, value in state.items() for arg in fluent.args if value in own and isinstance(value, str)
    } | own
    known = {fluent: value for fluent, value in state.items() if fluent.name == "sort" and fluent.args[0] in there}
    return [each for each in ground_actions(known, vocabulary) if not vocabulary.actions[each.verb].inspects]


def _one(actions: Sequence[Action], rng: random.Random) -> Action | None:
    """Return one of ``actions``, its verb drawn first; None of none."""
    if not actions:
        return None
    verb = rng.choice(sorted({action.verb for action in actions}))
    return rng.choice([action for action in actions if action.verb == verb])


def _spread(found: Sequence[tuple[str, Transition]], number: int, rng: random.Random) -> list[tuple[str, Transition]]:
    """Return up to ``number`` of ``found``, one of each verb in turn."""
    by_verb: dict[str, list[tuple[str, Transition]]] = {}
    for each in found:
        by_verb.setdefault(each[1].action.verb, []).append(each)
    for group in by_verb.values():
        rng.shuffle(group)
    chosen: list[tuple[str, Transition]] = []
    while len(chosen) < number and any(by_verb.values()):
        for verb in sorted(by_verb):
            if by_verb[verb] and len(chosen) < number:
                chosen.append(by_verb[verb].pop())
    return chosen
