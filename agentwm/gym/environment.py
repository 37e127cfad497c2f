"""Brings any Gymnasium environment in, with a few lines that say how to read it."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from agentwm.errors import AgentwmError, ConfigurationError, EnvironmentFailureError, TaskError, quoted
from agentwm.facts import FactsPerceiver
from agentwm.gym.deeds import Named, action_table, schemas_of
from agentwm.gym.plain import described_plainly, text_of
from agentwm.gym.words import Described, Reader, declared
from agentwm.misuse import begun, episode_over, unknown_task
from agentwm.types import Action, FluentSchema, Goal, Observation, Perceiver, State, Vocabulary

if TYPE_CHECKING:
    from gymnasium import Env

__all__ = ["GymnasiumEnvironment", "seeded_tasks"]

Info = Mapping[str, Any]
_T = TypeVar("_T")

_GOAL = "get as much reward as can be had"
_TASKS = 200
_SURVEY_SEED = 0
_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


def seeded_tasks(split: str, *, count: int = _TASKS, seed: int = 0) -> tuple[str, ...]:
    """Return the names of ``count`` tasks of ``split``, which are nothing but seeds; ``seed`` draws others."""
    return tuple(f"{split}-{seed}-{number}" for number in range(count))


class GymnasiumEnvironment:
    """Plays ``env``, a Gymnasium environment, as the tasks of an agent.

    ``describe`` returns the facts in an observation and its info, written short: see `agentwm.gym.words`. None takes the facts that the
    info has, as those of `to_gymnasium` do, else what can be read off simple observations by themselves::

        def describe(observation, info):  # Taxi-v4
            row, column, passenger, destination = taxi.unwrapped.decode(observation)
            return {"at": f"cell {row} {column}", "passenger": PLACES[passenger], "destination": PLACES[destination]}

        taxi = gymnasium.make("Taxi-v4")
        environment = GymnasiumEnvironment(
            taxi,
            describe=describe,
            actions=["south", "north", "east", "west", "pick up", "drop off"],
            tasks=seeded_tasks("train", count=10),
        )
        agent = Agent.learn(environment)

    ``actions`` names the actions: in the order of a `Discrete` space, or as a mapping from names to what is done, which may name things,
    ``{Action("go", ("cell 1 2",)): 12}``; a function that returns what is done for any action needs a ``vocabulary``. None calls them as
    the environment does. Which fluents there are is declared by ``fluents``, as far as they need it, and else by what random play
    of ``survey`` actions meets, once, before the first task. A ``vocabulary`` given is taken as it is, and nothing is surveyed.

    ``tasks`` are names, of which each is a seed of its own, or a mapping from names to the options of Gymnasium's ``reset``. Names that
    begin with ``train`` share no seed with others. ``goal`` says what is to be done, perhaps by the first observation and info.
    ``text`` returns what is seen in words, None for the observation's own words, else the plain facts. With ``admissible``, observations
    list the actions that the info's ``action_mask`` allows.
    An episode is won where it ends with a reward, or where ``won`` says so of the last observation and info. ``perceiver`` reads the
    observations where facts that are said no more are not to be forgotten, say.

    Raises: ConfigurationError for actions that cannot be named so.
    """

    def __init__(  # noqa: PLR0913 -- each says one thing of how to read somebody else's environment
        self,
        env: "Env[Any, Any]",
        *,
        describe: Callable[[Any, Info], Described] | None = None,
        actions: Named | None = None,
        goal: str | Callable[[Any, Info], str | Goal] = _GOAL,
        text: Callable[[Any, Info], str] | None = None,
        won: Callable[[Any, Info], bool] | None = None,
        fluents: Iterable[FluentSchema] = (),
        vocabulary: Vocabulary | None = None,
        perceiver: Perceiver | None = None,
        tasks: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
        admissible: bool = False,
        survey: int = 200,
        name: str | None = None,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        spec = getattr(env, "spec", None)
        self.name = name or (spec.id if spec else type(env.unwrapped).__name__)
        self.perceiver: Perceiver = perceiver or FactsPerceiver()
        self._env = env
        self._describe = describe or described_plainly
        self._text = text or text_of
        self._goal_of = goal
        self._won = won
        self._fluents = tuple(fluents)
        self._vocabulary = vocabulary
        self._tasks: Mapping[str, Mapping[str, Any]] = (
            dict(tasks) if isinstance(tasks, Mapping) else dict.fromkeys(tasks or seeded_tasks("test"), _NO_OPTIONS)
        )
        self._admissible = admissible
        self._survey_steps = survey
        self._about = {"engine": "gymnasium", **_versions(), **(about or {}), "tasks": len(self._tasks), "refused": 0}
        self._act, self._table = _deeds(env, actions, vocabulary)
        self._listed = tuple(self._table)
        self._goal: Goal | None = None
        self._reader: Reader | None = None
        self._is_won: bool | None = None
        self._is_over = True

    @property
    def about(self) -> Mapping[str, str | int]:
        """Where the tasks come from and how many there are."""
        return self._about

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Nothing: every seed can be played."""
        return ()

    @property
    def vocabulary(self) -> Vocabulary:
        """What can be said and done, found out by random play where nobody said it."""
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(
                declared(self._survey(), self._fluents), schemas_of(self._listed), reports_failure=False
            )
        return self._vocabulary

    @property
    def goal(self) -> Goal:
        """What the present task asks for."""
        return begun(self._goal)

    @property
    def is_won(self) -> bool | None:
        """Whether the present task is won; None where its rewards say that."""
        return self._is_won

    def tasks(self) -> Sequence[str]:
        """Return the names of the tasks, in a fixed order."""
        return tuple(self._tasks)

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- all tasks are of one family
        """Return the one family there is."""
        return self.name

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        """Begin ``task``; the same task and ``seed`` have the same chance.

        Raises: TaskError when there is no such task; EnvironmentFailureError when the environment, or what reads it, raises one.
        """
        options = self._tasks.get(task)
        if options is None:
            raise unknown_task(task, len(self._tasks))
        words = self.vocabulary
        self._reader = Reader(words.fluents)
        observation, info = self._begin(_seed_of(self.name, task, seed), options)
        goal = (
            self._goal_of if isinstance(self._goal_of, str) else self._asked("goal", self._goal_of, observation, info)
        )
        self._goal = goal if isinstance(goal, Goal) else Goal(str(goal))
        self._is_over = False
        return self._observed(observation, info, 0.0)

    def step(self, action: Action) -> Observation:
        """Do ``action``.

        Raises: EnvironmentFailureError before the first and after the end of an episode, for an action that there is none of, and when the
            environment, or what reads it, raises one.
        """
        if self._is_over:
            begun(self._goal)
            raise episode_over(action)
        try:
            done = self._table[action] if self._act is None else self._asked("actions", self._act, action)
        except KeyError:
            known = ", ".join(map(str, self._listed))
            raise EnvironmentFailureError(f"expected one of the actions {known}; got {quoted(str(action))}") from None
        observation, reward, terminated, truncated, info = self._answered(action, done)
        self._is_over = terminated or truncated
        return self._observed(observation, info, reward, terminated=terminated, truncated=truncated)

    def close(self) -> None:
        """Close Gymnasium's environment."""
        self._is_over = True
        self._asked("close", self._env.close)

    # --- asking somebody else's code ---

    def _asked(self, what: str, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Return what ``function`` does. Raises: EnvironmentFailureError for whatever it raises."""
        try:
            return function(*args, **options)
        except AgentwmError:
            raise
        except Exception as error:
            raise EnvironmentFailureError(
                f"{self.name} raised {type(error).__name__} in {what}: {quoted(str(error))}"
            ) from error

    def _begin(self, seed: int, options: Mapping[str, Any]) -> tuple[Any, Info]:
        answer = self._asked("reset", self._env.reset, seed=seed, options=dict(options) or None)
        match answer:
            case (observation, Mapping() as info):
                return observation, info
        raise EnvironmentFailureError(
            f"expected reset of {self.name} to return an observation and a dict, as gymnasium's do, got {quoted(answer)}"
        )

    def _answered(self, action: object, done: Any) -> tuple[Any, float, bool, bool, Info]:
        answer = self._asked(f"step, on the action {action}", self._env.step, done)
        try:
            observation, reward, terminated, truncated, info = answer
            read = observation, float(reward), bool(terminated), bool(truncated), info
        except (TypeError, ValueError):
            raise EnvironmentFailureError(
                f"expected step of {self.name} to return observation, reward, terminated, truncated and info, as gymnasium's do since "
                f"0.26, got {quoted(answer)}"
            ) from None
        return read

    def _observed(
        self, observation: Any, info: Info, reward: float, *, terminated: bool = False, truncated: bool = False
    ) -> Observation:
        assert self._reader is not None, "an episode has begun"
        facts = self._reader.read(self._asked("describe", self._describe, observation, info))
        if self._won is not None:
            self._is_won = bool(self._asked("won", self._won, observation, info))
        text = self._asked("text", self._text, observation, info) or _said(facts)
        return Observation(text, facts, self._admitted(info), reward, terminated, truncated)

    def _admitted(self, info: Info) -> tuple[Action, ...] | None:
        """Return what the info's ``action_mask`` allows, all actions where there is no mask, None where nobody wants the list."""
        if not self._admissible:
            return None
        mask = info.get("action_mask")
        if mask is None or len(mask) != len(self._listed):
            return self._listed
        return tuple(action for action, is_allowed in zip(self._listed, mask, strict=True) if is_allowed)

    def _survey(self) -> list[State]:
        """Return the facts that random play meets, on the first task, with chance of its own."""
        rng = random.Random(f"{self.name} survey")
        options = next(iter(self._tasks.values()), _NO_OPTIONS)
        reader, is_over = Reader(), True
        seen: list[State] = []
        for number in range(self._survey_steps + 1):
            if is_over:
                observation, info = self._begin(_SURVEY_SEED + number, options)
                is_over = False
            else:
                deed = rng.choice(self._listed)
                observation, _, terminated, truncated, info = self._answered(deed, self._table[deed])
                is_over = terminated or truncated
            seen.append(reader.read(self._asked("describe", self._describe, observation, info)))
        return seen


def _deeds(
    env: "Env[Any, Any]", actions: Named | None, vocabulary: Vocabulary | None
) -> tuple[Callable[[Action], Any] | None, dict[Action, Any]]:
    """Return what says how an action is done: a function, or else a table.

    Raises: ConfigurationError for a function without a vocabulary, and as `action_table`.
    """
    if callable(actions):
        if vocabulary is None:
            raise ConfigurationError(
                "expected a vocabulary= beside the function actions=: what can be done cannot be read off a function"
            )
        return actions, {}
    return None, action_table(env, actions)


def _said(facts: State) -> str:
    """Return the plain facts in words, for observations that have none."""
    return "; ".join([f"{fluent.name}: {value}" for fluent, value in facts.items() if not fluent.args])


def _seed_of(name: str, task: str, seed: int) -> int:
    """Return Gymnasium's seed for ``task``: an odd one for tasks that begin with ``train``, an even one for all others."""
    return 2 * random.Random(f"{name} {task} {seed}").getrandbits(30) + task.startswith("train")


def _versions() -> dict[str, str]:
    try:
        return {"gymnasium": version("gymnasium")}
    except PackageNotFoundError:  # an environment that only looks like one of Gymnasium's
        return {}
