"""Puts an environment on trial: it is made, begun and walked about in, and what goes wrong becomes a sentence that says what to mend."""

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from agentwm.agent import Episode
from agentwm.errors import AgentwmError, ConfigurationError, quoted
from agentwm.isolation import IsolatedEnvironment, isolated
from agentwm.planners.options import ground_actions
from agentwm.types import (
    Action,
    Environment,
    EnvironmentOptions,
    EnvironmentSpec,
    Goal,
    Observation,
    Prediction,
    State,
    Transition,
)

__all__ = ["CLOSE", "STEPS", "TASKS", "EnvironmentTrial", "Walk", "difference"]

STEPS = 12
TASKS = 2
NOTHING_FORETOLD = Prediction((), 0.0, "frame")
CLOSE = "what is closed already is to be left alone"
ANSWER_S = 60.0
"""How long an answer may take where the environment sets no limit."""


@dataclass(frozen=True, slots=True)
class Walk:
    """The beginning of an episode: what was seen (the opening first), what was done in between, and what was believed each time."""

    task: str
    goal: Goal
    seen: tuple[Observation, ...]
    done: tuple[Action, ...]
    believed: tuple[State, ...]
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class EnvironmentTrial:
    """An environment on trial, as its ``spec`` declares it; ``is_installed`` is whether its name finds it in any process."""

    spec: EnvironmentSpec
    is_installed: bool = False

    def expect(self, fault: str, *, that: bool, mend: str) -> None:
        """Raise an AssertionError that names the ``fault`` and says how to ``mend`` it, unless ``that`` is so."""
        if not that:
            raise AssertionError(self.told(fault, mend))

    def told(self, fault: str, mend: str) -> str:
        """Return the sentence that names a ``fault`` and says how to ``mend`` it."""
        return f"the environment {self.spec.name} {fault}: {mend}"

    @contextmanager
    def doing(self, what: str, *, mend: str) -> Iterator[None]:
        """Tell whatever is raised while ``what`` is done as a fault, and a package that is missing by its name."""
        try:
            yield
        except AssertionError:
            raise
        except (Exception, SystemExit) as error:
            if (package := _missing_package(error)) is not None:
                raise AssertionError(
                    self.told(
                        f"needs the package {quoted(package)}, which is not installed, and its missing() does not say so",
                        f"let missing() return what to install (pip install {package}) where it cannot be imported, None where it can",
                    )
                ) from error
            said = f" ({quoted(str(error))})" if str(error) else ""
            raise AssertionError(self.told(f"raised {type(error).__name__}{said} in {what}", mend)) from error

    # --- making ---

    @contextmanager
    def made(self, **options: Any) -> Iterator[Environment]:
        """Give the environment made for ``options``, and close it afterwards."""
        with self.doing(f"make, for {_words(options)}", mend="it is to accept whatever its spec declares"):
            environment = self.spec.make(EnvironmentOptions(**options))
        try:
            yield environment
        except BaseException:
            with suppress(Exception):  # what went wrong first is what is told
                environment.close()
            raise
        with self.doing("close", mend=CLOSE):
            environment.close()

    @contextmanager
    def made_elsewhere(self, **options: Any) -> Iterator[Environment]:
        """Give the environment made for ``options`` in a process of its own, in which texts hash as they never did here."""
        mend = "everything it hands out is to stand in a module by itself, so that another process finds it"
        with self.doing("make, in a process of its own", mend=mend):
            if self.is_installed:
                environment = isolated(self.spec.name, EnvironmentOptions(**options))
            else:
                make = partial(self.spec.make, EnvironmentOptions(**options))
                environment = IsolatedEnvironment(make, time_limit_s=self.spec.time_limit_s or ANSWER_S)
        with closing(environment):
            yield environment

    def needs_more(self, **options: Any) -> bool:
        """Whether ``options`` are refused as a user's mistake: a split may need files that nobody named."""
        try:
            self.spec.make(EnvironmentOptions(**options)).close()
        except ConfigurationError:
            return True
        except AgentwmError:
            return False  # which is told where it is made in earnest
        return False

    @property
    def has_processes(self) -> bool:
        """Whether environments can have processes of their own on this system."""
        return sys.platform != "win32"

    def tasks(self, environment: Environment, *, count: int = TASKS) -> tuple[str, ...]:
        """Return the first ``count`` tasks."""
        with self.doing("tasks", mend="it is to return the ids of the tasks that it was made with"):
            found = tuple(environment.tasks()[:count])
        refused = [str(each) for each in environment.refusals]
        self.expect(
            f"has no tasks, and refused {refused[:1] or 'none'}",
            that=bool(found),
            mend="make is to find tasks for the options that its spec declares",
        )
        return found

    # --- walking ---

    def begun(self, environment: Environment, task: str, *, seed: int = 0) -> Episode:
        """Return ``task``, just begun."""
        with self.doing(f"reset of {task} with seed {seed}", mend="every task that it lists is to begin"):
            return Episode(environment, task, seed=seed)

    def step(self, episode: Episode, action: Action) -> Transition:
        """Return what came of ``action``."""
        listed = episode.observation.actions
        where = f"step, on the action {action} in {episode.task} after {len(episode.transitions)} steps"
        if listed is not None and action in listed:
            where += ", which it had listed as admissible"
        mend = "an action of its verbs, with things that it told of, is to be answered, if only by words that it cannot be done"
        with self.doing(where, mend=mend):
            return episode.step(action, NOTHING_FORETOLD)

    def walk(
        self, environment: Environment, task: str, *, seed: int = 0, like: Walk | None = None, steps: int = STEPS
    ) -> Walk:
        """Return the first ``steps`` steps of ``task``: those of another walk, or else whatever chance has one do.

        What is listed is done where something is listed, and anything that can be said where nothing is.
        """
        episode = self.begun(environment, task, seed=seed)
        rng = random.Random(f"{task} {seed}")
        seen, believed = [episode.observation], [episode.state]
        for number in range(steps if like is None else len(like.done)):
            options = [] if episode.is_over else _possible(episode) if like is None else [like.done[number]]
            if not options:
                break
            self.step(episode, rng.choice(options))
            seen.append(episode.observation)
            believed.append(episode.state)
        done = tuple(each.action for each in episode.transitions)
        return Walk(task, episode.goal, tuple(seen), done, tuple(believed), tuple(episode.transitions))

    def walks(self, *, admissible: bool = True) -> Iterator[Walk]:
        """Yield a walk in each of the first tasks to play and to learn on."""
        for learning in (False, True):
            with self.made(count=TASKS, admissible=admissible, learning=learning) as environment:
                for task in self.tasks(environment):
                    yield self.walk(environment, task)


def difference(one: Observation, other: Observation) -> str | None:
    """Return where two observations differ first, None where they do not."""
    if one.text != other.text:
        return f"its text was {quoted(one.text)} and then {quoted(other.text)}"
    if list(one.facts.items()) != list(other.facts.items()):
        return _difference_in_facts(one.facts, other.facts)
    for what in ("actions", "reward", "terminated", "truncated"):
        before, after = getattr(one, what), getattr(other, what)
        if before != after:
            return f"its {what} was {quoted(before)} and then {quoted(after)}"
    return None


def _difference_in_facts(one: State, other: State) -> str:
    unsaid = object()
    for fluent in [*one, *other]:
        before, after = (facts.get(fluent, unsaid) for facts in (one, other))
        if before != after:
            told = ["unsaid" if value is unsaid else repr(value) for value in (before, after)]
            return f"{fluent} was {told[0]} and then {told[1]}"
    return (
        f"its facts came in another order: {_first_apart(one, other)} (the order of a set is another in every process)"
    )


def _first_apart(one: State, other: State) -> str:
    return next(f"{before} before {after}" for before, after in zip(one, other, strict=True) if before != after)


def _possible(episode: Episode) -> Sequence[Action]:
    listed = episode.observation.actions
    return ground_actions(episode.state, episode.vocabulary) if listed is None else listed


def _words(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {quoted(value)}" for name, value in options.items()) or "no options"


def _missing_package(error: BaseException) -> str | None:
    """Return the package whose absence is behind ``error``, None where it is something else."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModuleNotFoundError) and cause.name:
            return cause.name.partition(".")[0]
        cause = cause.__cause__ or cause.__context__
    return None
