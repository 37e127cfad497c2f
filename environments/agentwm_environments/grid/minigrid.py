"""MiniGrid and BabyAI: every environment that the package minigrid registers, by its id.

Source: Chevalier-Boisvert et al., "Minigrid & Miniworld" (2023) and "BabyAI" (2019).
"""

import contextlib
import difflib
import hashlib
import importlib
import importlib.util
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version
from typing import Any, TypeVar

from agentwm.errors import ConfigurationError, EnvironmentFailureError, MissingExtraError, quoted
from agentwm.misuse import begun, episode_over, unknown_action
from agentwm.types import (
    Action,
    EnvironmentOptions,
    EnvironmentSpec,
    Fluent,
    Goal,
    Observation,
    Perceiver,
    Reference,
    Value,
)
from agentwm_environments.cells import cell
from agentwm_environments.tasks import SeededTasks, settle

from .meant import MissionFacts
from .missions import Part, goal_of, parts_of
from .perceiver import ViewPerceiver
from .reference import reference
from .view import EMPTY, View
from .words import (
    AT,
    CARRIED_COLOR,
    CARRYING,
    DIRECTIONS,
    FACING,
    VERBS,
    vocabulary,
)

__all__ = ["BABYAI", "MINIGRID", "GridEnvironment", "make", "missing"]

T = TypeVar("T")

_FAMILIES = {"MiniGrid": "MiniGrid-Empty-8x8-v0", "BabyAI": "BabyAI-GoToLocal-v0"}
"""The families, and which of them is played where none is asked for."""

_SHOWN = {
    "MiniGrid": (
        "Empty-8x8-v0",
        "FourRooms-v0",
        "DoorKey-5x5-v0",
        "DoorKey-8x8-v0",
        "MultiRoom-N4-S5-v1",
        "UnlockPickup-v0",
    ),
    "BabyAI": ("GoToLocal-v0", "PickupLoc-v0", "PutNextLocal-v0", "UnlockLocal-v0", "GoToSeq-v0"),
}
"""What is worth showing of each. MultiRoom-N4-S5-v0 has six rooms in truth; v1 has four."""

_SAID_WHEN_DONE = ("MiniGrid-GoToDoor-", "MiniGrid-GoToObject-")
"""Where being there is not enough: the agent has to say so, with the action ``done``."""

_DIRECTION_FACTS: Mapping[Fluent, Value] = {Fluent("sort", (each,)): "direction" for each in DIRECTIONS}


# --- the package minigrid ---------------------------------------------------------------------------------------


def missing() -> str | None:
    """Return what keeps MiniGrid from running here and what installs it, or None."""
    if importlib.util.find_spec("minigrid") is None:
        return "this world needs minigrid, which is not installed: pip install 'agentwm[grid]'"
    return None


@cache
def ids() -> tuple[str, ...]:
    """Return the ids of all environments of both families.

    Raises: MissingExtraError when minigrid is not installed.
    """
    if reason := missing():
        raise MissingExtraError(reason)
    with _quiet():
        import gymnasium  # noqa: PLC0415 -- an extra, and heavy: being listed must not import it

        importlib.import_module("minigrid")  # which registers the ids
    families = tuple(f"{family}-" for family in _FAMILIES)
    return tuple(sorted(each for each in gymnasium.registry if each.startswith(families)))


def make_engine(name: str) -> Any:
    """Return the environment ``name`` of minigrid without Gymnasium's wrappers; it ends its episodes by itself."""
    ids()
    import gymnasium  # noqa: PLC0415 -- as above

    with _quiet():
        return gymnasium.make(name, disable_env_checker=True).unwrapped


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the terminal what minigrid prints while it draws levels, and pygame when it is imported."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


# --- the environment --------------------------------------------------------------------------------------------


class GridEnvironment(SeededTasks):
    """Plays one environment of MiniGrid or BabyAI; each task is the seed of a level.

    Told are the cells that are in the agent's window now, as MiniGrid's own image shows them, where the agent is and looks, in
    coordinates of the grid, what it carries, and what it stands on. What nothing has shown yet is unknown; the perceiver keeps what was
    seen before. A reward is 1 where MiniGrid's is above 0, which shrinks with every step, and else as it is: what is to be learned is
    what succeeds. ``returned`` is the sum of MiniGrid's own.

    ``parts`` are what the mission asks for, one after another, where it is in BabyAI's language.
    """

    def __init__(
        self,
        name: str,
        tasks: Sequence[str],
        *,
        admissible: bool = False,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        self.name = name
        self.perceiver: Perceiver = ViewPerceiver()
        self._engine = make_engine(name)
        super().__init__(tasks, about, minigrid=version("minigrid"))
        is_said = name.startswith(_SAID_WHEN_DONE)
        verbs = VERBS[: min(self._engine.action_space.n, len(VERBS) - (not is_said))]
        self.vocabulary = vocabulary(verbs, has_missions=name.startswith("BabyAI-"))
        self.parts: tuple[Part, ...] = ()
        self.returned = 0.0
        self._reads_missions = not is_said
        self._numbers = {Action(verb): number for number, verb in enumerate(verbs)}
        self._actions = tuple(self._numbers) if admissible else None
        self._view = View(self._engine.height, self._engine.width, self._engine.agent_view_size)
        self._goal: Goal | None = None
        self._meant: MissionFacts | None = None
        self._is_over = True

    @property
    def goal(self) -> Goal:
        """The mission of the present task."""
        return begun(self._goal)

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- all tasks are of one kind
        """Return the id of the environment."""
        return self.name

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        """Begin ``task``, whose level is always the same; ``seed`` is for what moves by chance.

        Raises: TaskError when there is no such task; EnvironmentFailureError when MiniGrid cannot begin it.
        """
        self._expect(task)
        self._is_over = True
        image = _asked(self.name, lambda: begin(self._engine, self.name, task, seed))
        text = str(self._engine.mission)
        self.parts = parts_of(text) if self._reads_missions else ()
        self._goal = goal_of(text) if self._reads_missions else Goal(text)
        self._meant = MissionFacts(self._engine, self.parts)
        self.returned = 0.0
        self._is_over = False
        return self._observation(image)

    def step(self, action: Action) -> Observation:
        """Do ``action``.

        Raises: EnvironmentFailureError before the first and after the end of an episode, for an action that there is not, and when
            MiniGrid breaks.
        """
        meant = begun(self._meant)
        if self._is_over:
            raise episode_over(action)
        number = self._numbers.get(action)
        if number is None:
            raise unknown_action(action, self.vocabulary)
        self._is_over = True  # and so it stays where MiniGrid breaks
        observed, reward, terminated, truncated, _ = _asked(self.name, lambda: self._engine.step(number))
        meant.note(self._engine)
        self.returned += float(reward)
        self._is_over = bool(terminated or truncated)
        earned = 1.0 if reward > 0 else float(reward)
        return self._observation(observed["image"], earned, terminated=bool(terminated), truncated=bool(truncated))

    def reference(self, task: str, *, seed: int = 0) -> Reference | None:
        """Return how well ``task`` can be played; see `reference`. It is found out in an engine of its own."""
        self._expect(task)
        engine = make_engine(self.name)
        _asked(self.name, lambda: begin(engine, self.name, task, seed))
        return reference(engine)

    def close(self) -> None:
        """End the episode and let go of what MiniGrid holds."""
        self._is_over = True
        self._engine.close()

    def _observation(
        self, image: Any, reward: float = 0.0, *, terminated: bool = False, truncated: bool = False
    ) -> Observation:
        engine, meant = self._engine, self._meant
        assert meant is not None
        column, row = map(int, engine.agent_pos)
        direction = int(engine.agent_dir)
        ground = engine.grid.get(column, row)
        shown = image.tobytes()
        facts = self._view.facts(shown, row, column, direction, EMPTY if ground is None else bytes(ground.encode()))
        facts.update(_DIRECTION_FACTS)
        carried = engine.carrying
        facts[AT] = cell(row, column)
        facts[FACING] = DIRECTIONS[direction]
        facts[CARRYING] = "none" if carried is None else carried.type
        facts[CARRIED_COLOR] = None if carried is None else carried.color
        meant.tell(engine, facts)
        words = "nothing" if carried is None else f"a {carried.color} {carried.type}"
        text = self._view.words(shown, row, column, direction, words)
        return Observation(text, facts, self._actions, reward=reward, terminated=terminated, truncated=truncated)


def _asked(name: str, ask: Callable[[], T]) -> T:
    """Return what MiniGrid answers."""
    try:
        return ask()
    except Exception as error:  # it may break in any way, and each is its failure
        raise EnvironmentFailureError(
            f"{name} broke: {type(error).__name__}: {quoted(str(error))}; begin another task"
        ) from error


# --- levels as tasks --------------------------------------------------------------------------------------------


def begin(engine: Any, name: str, task: str, seed: int) -> Any:
    """Begin ``task`` and return the first image. What happens by chance from then on hangs on ``seed`` as well."""
    import numpy as np  # noqa: PLC0415 -- comes with minigrid

    with _quiet():
        engine.reset(seed=level_seed(name, task))
    engine.np_random = np.random.default_rng(_digest(f"{name} {task} {seed}"))
    return engine.gen_obs()[
        "image"
    ]  # what reset itself returned may be out of date: some levels then put a thing in hand


def level_seed(name: str, task: str) -> int:
    """Return the seed of the level that ``task`` is: even for tasks that begin with ``train``, odd for all others."""
    return 2 * _digest(f"{name} {task}") + (not task.startswith("train"))


def _digest(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


# --- from options -----------------------------------------------------------------------------------------------


def make(options: EnvironmentOptions, *, spec: EnvironmentSpec, name: str) -> GridEnvironment:
    """Return the environment ``name`` as ``options`` ask for it.

    Raises: ConfigurationError for what cannot be; MissingExtraError when minigrid is not installed.
    """
    _, tasks, about = settle(options, spec)
    return GridEnvironment(name, tasks, admissible=options.admissible, about=about)


def _member(name: str) -> EnvironmentSpec:
    """Return what the environment of the full ``name`` declares."""
    if missing() is None and name not in ids():
        close = difflib.get_close_matches(name, ids(), n=3, cutoff=0.5) or list(members(name.partition("-")[0]))
        raise ConfigurationError(f"unknown environment {quoted(name)}: minigrid has {', '.join(close)} and others")
    return _spec(name, name)


def members(family: str) -> tuple[str, ...]:
    """Return the ids of ``family`` that are worth showing."""
    return tuple(f"{family}-{each}" for each in _SHOWN[family])


def _check(name: str) -> Sequence[str]:
    if missing():
        return []
    environment = _spec(name, name).make(EnvironmentOptions(count=1))
    [task] = environment.tasks()
    if environment.reset(task) != environment.reset(task):
        raise EnvironmentFailureError(f"{name} does not begin the same task the same way twice: please report this")
    for action in _CHECKED:
        if environment.step(action).terminated:
            break
    family = name.partition("-")[0]
    number = sum(each.startswith(f"{family}-") for each in ids())
    return [f"{number} environments; {name} begins its first task the same way twice"]


_CHECKED = [Action(verb) for verb in ("left", "forward", "pickup", "drop", "toggle", "right")]


def _spec(name: str, played: str, **more: Any) -> EnvironmentSpec:
    def made(options: EnvironmentOptions) -> GridEnvironment:
        return make(options, spec=spec, name=played)

    spec = EnvironmentSpec(
        name=name,
        summary=f"a grid world seen through a small window ({played} of minigrid)",
        splits=("test", "train"),
        engines=("minigrid",),
        make=made,
        missing=missing,
        learn=20,
        learning_steps=150,
        max_steps=_MOST_STEPS,
        **more,
    )
    return spec


_MOST_STEPS = 10_000  # each environment ends its episodes long before


def _family(name: str) -> EnvironmentSpec:
    played = _FAMILIES[name]
    return _spec(name, played, member=_member, members=partial(members, name), check=partial(_check, played))


MINIGRID = _family("MiniGrid")
BABYAI = _family("BabyAI")
