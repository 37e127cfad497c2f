"""What goes over the pipe: requests, answers, and of observations only what differs from the one before.

Facts that stay as they are would be most of what is sent: a room of Sokoban has a hundred, and a step changes three.
"""

import pickle
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from agentwm import errors
from agentwm.errors import AgentwmError, EnvironmentFailureError
from agentwm.faults import expect_observation, expect_values
from agentwm.types import Action, Fluent, Observation, State, Value, Vocabulary

__all__ = ["Answer", "Differences", "Receiver", "Sender", "Told", "error_from", "pickled", "written_error"]

_UNSAID = object()


class Differences(NamedTuple):
    """An observation, as it differs from the one before; ``is_anew`` where it does not build on it.

    Fluents go by their numbers, in the order in which they were first said; ``met`` are the new ones, which get the next numbers.
    ``actions`` is whether they are the same as before, and which there are, if they are not.
    """

    text: str
    is_anew: bool
    met: list[tuple[str, tuple[str, ...]]]
    said: list[int]
    values: list[Value]
    unsaid: list[int]
    actions: tuple[bool, tuple[Action, ...] | None]
    reward: float
    terminated: bool
    truncated: bool


class Told(NamedTuple):
    """What an environment tells of the present task beside its observations; None where it does not."""

    is_won: bool | None
    returned: float | None
    achievements: Mapping[str, int] | None


class Answer(NamedTuple):
    """What came of a request: what it returned, or else the name and message of the error."""

    value: Any = None
    error: tuple[str, str] | None = None


class Sender:
    """Writes the observations of an episode, each as it differs from the one before."""

    def __init__(self) -> None:
        self._facts: dict[Fluent, Value] = {}
        self._actions: tuple[Action, ...] | None = None
        self._numbers: dict[Fluent, int] = {}

    def written(self, seen: Observation) -> Differences:
        """Return what is to be sent of ``seen``.

        Raises: EnvironmentFailureError where it is no observation, or has facts that are none.
        """
        known, facts = self._facts, dict(expect_observation(seen).facts)
        said = {
            fluent: value
            for fluent, value in facts.items()
            if (before := known.get(fluent, _UNSAID)) is not value
            and (before != value or type(before) is not type(value))
        }
        expect_values(said)
        unsaid = known.keys() - facts.keys() if len(known) + len(said) > len(facts) else frozenset()
        is_anew = list(_merged(known, said, unsaid)) != list(facts)
        if is_anew:
            said, unsaid = facts, frozenset()
        met = [(fluent.name, fluent.args) for fluent in said if fluent not in self._numbers]
        numbers = [self._numbers.setdefault(fluent, len(self._numbers)) for fluent in said]
        are_same = seen.actions == self._actions
        self._facts, self._actions = facts, seen.actions
        return Differences(
            seen.text,
            is_anew,
            met,
            numbers,
            list(said.values()),
            [self._numbers[fluent] for fluent in unsaid],
            (are_same, None if are_same else seen.actions),
            seen.reward,
            seen.terminated,
            seen.truncated,
        )


class Receiver:
    """Reads what a `Sender` wrote, in the same order."""

    def __init__(self) -> None:
        self._facts: dict[Fluent, Value] = {}
        self._actions: tuple[Action, ...] | None = None
        self._fluents: list[Fluent] = []

    def read(self, sent: Differences) -> Observation:
        """Return the observation."""
        self._fluents += [Fluent(*each) for each in sent.met]
        fluents = self._fluents
        said = {fluents[number]: value for number, value in zip(sent.said, sent.values, strict=True)}
        self._facts = said if sent.is_anew else _merged(self._facts, said, {fluents[number] for number in sent.unsaid})
        are_same, actions = sent.actions
        if not are_same:
            self._actions = actions
        return Observation(sent.text, self._facts, self._actions, sent.reward, sent.terminated, sent.truncated)


def _merged(known: State, said: State, unsaid: AbstractSet[Fluent]) -> dict[Fluent, Value]:
    kept = {fluent: value for fluent, value in known.items() if fluent not in unsaid} if unsaid else known
    return {**kept, **said}


def pickled(what: str, value: object) -> bytes:
    """Return ``value`` as it goes from one process to another.

    Raises: EnvironmentFailureError where it cannot, with the fluent that is in the way, if one is.
    """
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        where = what
        if isinstance(value, Vocabulary):
            where = next((f"derive of the fluent {name}" for name, each in value.fluents.items() if _stays(each)), what)
        raise EnvironmentFailureError(
            f"expected a {where} that can be sent from one process to another, made of functions and classes that stand in a module by "
            f"themselves (functools.partial of one will do, a lambda will not): {error}"
        ) from error


def _stays(value: object) -> bool:
    try:
        pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return True
    return False


def written_error(error: AgentwmError) -> tuple[str, str]:
    """Return ``error`` as the name of the nearest class of ours and its message."""
    name = next(each.__name__ for each in type(error).__mro__ if each.__module__ == errors.__name__)
    return name, str(error)


def error_from(written: tuple[str, str]) -> AgentwmError:
    """Return the error that `written_error` wrote."""
    name, message = written
    error: AgentwmError = getattr(errors, name)(message)
    return error
