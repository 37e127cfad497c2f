"""What would come of this course of action, or of that one: every outcome that the world model foretells, side by side."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from agentwm.commands import CommandReader
from agentwm.errors import ConfigurationError
from agentwm.models.inverse import Change, came
from agentwm.rules.matching import Unknown, look_up
from agentwm.rules.store import RuleStore
from agentwm.types import (
    NOTHING,
    Action,
    Fluent,
    Outcome,
    Prediction,
    Query,
    State,
    Transition,
    Value,
    Vocabulary,
    WorldModel,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Candidate", "Course", "Foretold", "Future", "Happened", "Parting", "WhatIf", "what_if"]

MOST_FUTURES = 16  # ways that a course of action is followed in side by side, the most probable ones
LEAST = 1e-6  # the probability below which a way is not followed
ALIKE = 0.005  # by how much probabilities may differ and still look the same in per cent
SAID_APART = ("success", "reward", "the end")

Candidate = str | Action | Sequence[Action]
"""What might be done: an action, several one after another, or commands as the environment writes them, with ``;`` between them."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """What was said of one action of a course: who said it, by which rules, and how sure that is.

    ``sources`` are those of predictions: ``rules``, ``frame`` (no rule speaks) and ``llm``. ``rules`` gives the id of each rule that spoke
    with its sentence. ``confidence`` (0 to 1) is the mean over the states that the actions before may have led to. One that
    ``is_vetoed`` the rules expect to fail.
    """

    action: Action
    command: str
    sources: tuple[str, ...]
    rules: Mapping[str, str]
    confidence: float
    is_vetoed: bool


@dataclass(frozen=True, slots=True)
class Future:
    """One way in which a course may turn out, with its probability (0 to 1).

    ``changes`` are those of the whole course. ``success`` is whether every action is accepted. ``reward`` is the sum of what is paid, None
    where nobody says. ``text`` is what is answered to the last action, None where nobody says.
    """

    probability: float
    changes: State
    success: bool = True
    reward: float | None = None
    is_end: bool = False
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """What really came of a course that was done; ``future`` is the place of the future that it was, None where none foretold it."""

    changes: State
    success: bool
    reward: float
    is_end: bool
    text: str
    future: int | None


@dataclass(frozen=True, slots=True)
class Course:
    """One candidate: its actions, what was said of each that may come to be done, and its futures, the most probable first.

    ``happened`` is None where it was not done, or nobody knows.
    """

    actions: tuple[Action, ...]
    command: str
    steps: tuple[Foretold, ...]
    futures: tuple[Future, ...]
    happened: Happened | None = None

    @property
    def confidence(self) -> float:
        """How sure the model is of the whole course (0 to 1)."""
        return math.prod(step.confidence for step in self.steps)

    @property
    def veto(self) -> Foretold | None:
        """The first action that the rules expect to fail, None where they expect none to."""
        return next((step for step in self.steps if step.is_vetoed), None)


@dataclass(frozen=True, slots=True)
class Parting:
    """Something in which the futures of the courses differ: a fluent, ``success``, ``reward`` or ``the end``.

    ``chances`` gives for each course the probability of each value at its end, the most probable first. What is left is not known.
    """

    about: Fluent | str
    chances: tuple[Mapping[Value, float], ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Candidate courses of action from one state, and where they part. Printed, it is a table."""

    state: State
    courses: tuple[Course, ...]
    partings: tuple[Parting, ...]

    def __rich__(self) -> "RenderableType":
        from agentwm.what_if.view import what_if_view  # noqa: PLC0415 -- a picture is drawn when somebody looks

        return what_if_view(self)

    def __str__(self) -> str:
        from agentwm.what_if.view import plain, what_if_view  # noqa: PLC0415 -- as above

        return plain(what_if_view(self))


def what_if(
    model: WorldModel,
    state: State,
    candidates: Sequence[Candidate],
    vocabulary: Vocabulary,
    *,
    rules: RuleStore,
    lived: Sequence[Transition] = (),
) -> WhatIf:
    """Return what ``model`` foretells of each of ``candidates`` in ``state``, in their order.

    ``rules`` are those that the model speaks by. ``lived`` is what was really done from there on, to be shown beside a candidate that it
    begins with. Raises: ConfigurationError for a command that cannot be read.
    """
    courses = [_actions(each, state, vocabulary) for each in candidates]
    foretold = _foretold(model, state, courses, vocabulary, rules)
    found = []
    for actions, (steps, futures) in zip(courses, foretold, strict=True):
        happened = _happened(futures, actions, lived, vocabulary)
        found.append(Course(actions, _written(actions, vocabulary), steps, futures, happened))
    return WhatIf(state, tuple(found), tuple(_partings(found, state, vocabulary)))


def _actions(candidate: Candidate, state: State, vocabulary: Vocabulary) -> tuple[Action, ...]:
    if isinstance(candidate, Action):
        return (candidate,)
    if not isinstance(candidate, str):
        return tuple(candidate)
    reader = CommandReader(vocabulary)
    commands = [command for command in candidate.split(";") if command.strip()]
    if not commands:
        raise ConfigurationError("expected a command, or several with ; between them, got nothing")
    return tuple(reader.expect(command, state) for command in commands)


def _written(actions: Sequence[Action], vocabulary: Vocabulary) -> str:
    return "; ".join(vocabulary.actions[action.verb].render(action.args) for action in actions)


# --- following courses into their futures ---------------------------------------------------------------------------------


class _Branch(NamedTuple):
    """A state that a course may have led to, and what led there."""

    state: State
    future: Future


def _foretold(
    model: WorldModel, state: State, courses: Sequence[tuple[Action, ...]], vocabulary: Vocabulary, rules: RuleStore
) -> list[tuple[tuple[Foretold, ...], tuple[Future, ...]]]:
    """Return what is said of each action of each of ``courses``, and their futures; all are asked side by side, action by action."""
    branches = [[_Branch(state, Future(1.0, NOTHING))] for _ in courses]
    steps: list[list[Foretold]] = [[] for _ in courses]
    for depth in range(max(map(len, courses), default=0)):
        going = [
            (number, branch)
            for number, actions in enumerate(courses)
            if depth < len(actions)
            for branch in branches[number]
            if not branch.future.is_end
        ]
        predictions = model.predict([Query(branch.state, courses[number][depth]) for number, branch in going])
        said: dict[int, list[tuple[_Branch, Prediction]]] = {}
        for (number, branch), prediction in zip(going, predictions, strict=True):
            said.setdefault(number, []).append((branch, prediction))
        for number, each in said.items():
            steps[number].append(_step(courses[number][depth], each, vocabulary, rules))
            ended = [branch for branch in branches[number] if branch.future.is_end]
            branches[number] = _followed(ended, each)
    return [
        (tuple(steps[number]), tuple(_futures(branches[number], state, vocabulary))) for number in range(len(courses))
    ]


def _step(
    action: Action, said: Sequence[tuple[_Branch, Prediction]], vocabulary: Vocabulary, rules: RuleStore
) -> Foretold:
    total = sum(branch.future.probability for branch, _ in said)
    _, likeliest = max(said, key=lambda each: each[0].future.probability)
    sentences = {entry.id: entry.sentence() for entry in rules.entries}
    spoken = dict.fromkeys(name for _, prediction in said for name in prediction.rules)
    return Foretold(
        action,
        _written([action], vocabulary),
        tuple(dict.fromkeys(prediction.source for _, prediction in said)),
        {name: sentences.get(name, "no longer kept") for name in spoken},
        sum(branch.future.probability * prediction.confidence for branch, prediction in said) / total,
        likeliest.source == "rules" and not likeliest.success,
    )


def _followed(ended: Sequence[_Branch], said: Sequence[tuple[_Branch, Prediction]]) -> list[_Branch]:
    """Return where the course may stand after one more action, the most probable first."""
    merged: dict[object, _Branch] = {}
    followed = [_after(branch, outcome) for branch, prediction in said for outcome in prediction.outcomes]
    for branch in (*ended, *followed):
        future = branch.future
        if future.probability < LEAST:
            continue
        key = frozenset(branch.state.items()), future.success, future.reward, future.is_end
        same = merged.get(key)
        merged[key] = branch if same is None else same._replace(future=_joined(same.future, future))
    return sorted(merged.values(), key=lambda branch: -branch.future.probability)[:MOST_FUTURES]


def _after(branch: _Branch, outcome: Outcome) -> _Branch:
    before = branch.future
    rewards = [each for each in (before.reward, outcome.reward) if each is not None]
    future = Future(
        before.probability * outcome.probability,
        {**before.changes, **outcome.changes},
        before.success and outcome.success,
        sum(rewards) if rewards else None,
        outcome.terminated is True,
        outcome.text,
    )
    return _Branch({**branch.state, **outcome.changes}, future)


def _joined(one: Future, other: Future) -> Future:
    return replace(one, probability=one.probability + other.probability, text=one.text or other.text)


def _futures(branches: Sequence[_Branch], state: State, vocabulary: Vocabulary) -> list[Future]:
    """Return the futures that ``branches`` come to, without changes that lead back to what was so in ``state``."""
    return [replace(branch.future, changes=_real(branch.future.changes, state, vocabulary)) for branch in branches]


def _real(changes: State, state: State, vocabulary: Vocabulary) -> dict[Fluent, Value]:
    return {fluent: value for fluent, value in changes.items() if look_up(fluent, state, vocabulary) != value}


# --- what happened, and where futures part --------------------------------------------------------------------------------


def _happened(
    futures: Sequence[Future], actions: tuple[Action, ...], lived: Sequence[Transition], vocabulary: Vocabulary
) -> Happened | None:
    """Return what came of ``actions``, None where something else was done."""
    done = lived[: len(actions)]
    if not done or tuple(each.action for each in done) != actions:
        return None
    first, last = done[0], done[-1]
    success, is_end = all(each.succeeded for each in done), last.observation.terminated
    reward = sum(each.observation.reward for each in done)
    told = frozenset[Fluent]().union(*(each.told for each in done))
    change = Change(first.before, last.after, told, success, reward, is_end)
    foretold = (
        number
        for number, each in enumerate(futures)
        if came(Outcome(1.0, each.changes, each.success, each.reward, each.is_end or None), change, vocabulary)
    )
    changed = {fluent: last.after.get(fluent) for each in done for fluent in each.changed}
    return Happened(
        _real(changed, first.before, vocabulary), success, reward, is_end, last.observation.text, next(foretold, None)
    )


def _partings(courses: Sequence[Course], state: State, vocabulary: Vocabulary) -> list[Parting]:
    """Return what the ends of ``courses`` differ in, with more than the eye can tell."""
    fluents = dict.fromkeys(fluent for course in courses for future in course.futures for fluent in future.changes)
    found = []
    subjects: list[Fluent | str] = [*SAID_APART, *fluents]
    for about in subjects:
        chances = tuple(_chances(about, course.futures, state, vocabulary) for course in courses)
        values = {value for each in chances for value in each}
        if any(max(row) - min(row) > ALIKE for row in ([each.get(value, 0.0) for each in chances] for value in values)):
            found.append(Parting(about, chances))
    return found


def _chances(
    about: Fluent | str, futures: Sequence[Future], state: State, vocabulary: Vocabulary
) -> dict[Value, float]:
    """Return the probability of each value that ``about`` may have in ``futures``, the most probable first."""
    chances: dict[Value, float] = {}
    for future in futures:
        value = _value(about, future, state, vocabulary)
        if not isinstance(value, Unknown):
            chances[value] = chances.get(value, 0.0) + future.probability
    return dict(sorted(chances.items(), key=lambda chance: -chance[1]))


def _value(about: Fluent | str, future: Future, state: State, vocabulary: Vocabulary) -> Value | Unknown:
    if isinstance(about, Fluent):
        return future.changes[about] if about in future.changes else look_up(about, state, vocabulary)
    return {"success": future.success, "reward": future.reward or 0.0, "the end": future.is_end}[about]
