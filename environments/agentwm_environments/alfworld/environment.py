"""ALFWorld as an environment: tasks to play, actions in, texts out."""

import os
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from agentwm.errors import ConfigurationError, MissingExtraError, TaskError, quoted
from agentwm.misuse import begun, episode_over, schema_of, unknown_task
from agentwm.types import Action, ActionSchema, EnvironmentOptions, Goal, Observation, Perceiver, Vocabulary

from . import SPEC, games
from .engine import Engine, Household
from .game import Game
from .laws import ORDINARY, Laws, altered
from .official import OfficialHousehold, missing
from .reader import HouseholdReader, read_goal, vocabulary
from .tasks import GeneratedGames, OfficialGames, Tasks

__all__ = ["AlfworldEnvironment", "make"]

_GENERATED_SPLITS = ("test", "train")

_TASK = "Your task is to: "


class AlfworldEnvironment:
    """Plays the games of ``tasks``, in our engine under ``laws`` or, with ``engine`` ``official``, in ALFWorld's own.

    The text of an observation is all it tells: ``facts`` is always empty, and ``actions`` is given only where ``admissible`` is
    set. The reward is 1 at the goal, which ends the episode. Goals are worded by ALFWorld's templates or, where ``annotators`` is a seed,
    by one of the people who annotated the game: such words are left for others to read, and whether the goal is reached is the
    engine's to say, whatever they make of them.
    """

    name = SPEC.name

    def __init__(
        self,
        tasks: Tasks,
        *,
        engine: str = "fast",
        laws: Laws = ORDINARY,
        admissible: bool = False,
        annotators: int | None = None,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        self.perceiver: Perceiver = HouseholdReader()
        self._annotators = annotators
        self._tasks = tasks
        self._laws = laws
        self._admissible = admissible
        self._about = dict(about or {})
        self._official = OfficialHousehold() if engine == "official" else None
        self._household: Engine | None = None
        self._goal: Goal | None = None
        self._vocabulary: Vocabulary | None = None
        self._is_over = True

    @property
    def about(self) -> Mapping[str, str | int]:
        """Where the tasks come from, how many there are, and how many files were refused."""
        number = len(self._tasks.games)  # reads the files, which is when refusals are met
        return {**self._about, "tasks": number, "refused": len(self._tasks.refusals)}

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Why files that were met cannot be played, each with its path; complete once ``tasks`` was asked for."""
        return tuple(self._tasks.refusals)

    @property
    def vocabulary(self) -> Vocabulary:
        """The household's fluents, and the verbs that the running game's own help lists."""
        return begun(self._vocabulary)

    @property
    def goal(self) -> Goal:
        """What the text of the present task asks for."""
        return begun(self._goal)

    def tasks(self) -> Sequence[str]:
        """Return the ids of the games, in a fixed order."""
        return tuple(self._tasks.games)

    def task_type(self, task: str) -> str:
        """Return which of ALFWorld's six task types ``task`` is."""
        return self.game(task).task_type

    def reset(self, task: str, *, seed: int = 0) -> Observation:  # noqa: ARG002 -- a household has no chance in it
        """Begin ``task``. ``seed`` changes nothing.

        Raises: TaskError when there is no such task, the official engine refuses it, or nobody annotated it and that was asked for.
        """
        game = self.game(task)
        if self._official is None:
            self._household = Household(game, self._laws)
        else:
            self._official.play(game, self._tasks.problem(task))
            self._household = self._official
        text = self._household.reset()
        if self._vocabulary is None:
            self._vocabulary = vocabulary(self._household.step("help"))
        room, _, goal = text.rpartition(_TASK)
        if self._annotators is None:
            self._goal = read_goal(goal)
        else:
            # Not put into the game itself: the official engine's grammar takes brackets for code.
            self._goal = Goal(games.annotation(game, self._annotators))
            text = f"{room}{_TASK}{self._goal.text}"
        self._is_over = False
        return self._observation(text)

    def step(self, action: Action) -> Observation:
        """Do ``action``, written as its schema says.

        Raises: EnvironmentFailureError after the end of an episode, and for an action that the vocabulary lacks.
        """
        household = begun(self._household)
        if self._is_over:
            raise episode_over(action)
        return self._observation(household.step(schema_of(action, self.vocabulary).render(action.args)))

    def close(self) -> None:
        """End the official engine's process, where there is one."""
        self._is_over = True
        if self._official is not None:
            self._official.close()

    def game(self, task: str) -> Game:
        """Return the game that ``task`` is.

        Raises: TaskError when there is none.
        """
        try:
            return self._tasks.games[task]
        except KeyError:
            raise unknown_task(task, len(self._tasks.games)) from None

    def _observation(self, text: str) -> Observation:
        household = begun(self._household)
        self._is_over = household.won
        actions = _read_actions(household.admissible(), self.vocabulary) if self._admissible else None
        return Observation(text, actions=actions, reward=float(household.score), terminated=household.won)


def _read_actions(commands: Sequence[str], words: Vocabulary) -> tuple[Action, ...]:
    """Return the commands as actions; one that is no verb of the vocabulary, as ``help`` is none, is left out."""
    patterns = [(schema, _pattern(schema)) for schema in words.actions.values()]
    matches = ((schema, pattern.fullmatch(command)) for command in commands for schema, pattern in patterns)
    return tuple(Action(schema.verb, match.groups()) for schema, match in matches if match)


def _pattern(schema: ActionSchema) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\d+\\\}", r"([a-z]+ \\d+)", re.escape(schema.template)))


# --- from options -----------------------------------------------------------------------------------------------


def make(options: EnvironmentOptions) -> AlfworldEnvironment:
    """Return the environment that ``options`` asks for.

    Without a split the games are generated, ``train`` ones for learning and ``test`` ones for playing; where ``games`` names a folder
    they are official ones, ``train`` and ``valid_seen``. The split ``train``, asked for by name or to learn from for an official split, is
    the official one where there is a folder of games. That folder is ``games`` or, failing that, the variable ``ALFWORLD_DATA``.

    A ``count`` of official games is drawn by ``seed``; without it all are played, in order of path. Generated games are drawn by
    ``seed``, 200 where no ``count`` is given. Which annotation words a goal, where they are to be ``human``, is drawn by ``seed``, too.

    Raises: ConfigurationError for what cannot be; MissingExtraError when the official engine is not installed.
    """
    engine = options.engine or SPEC.engines[0]
    if engine not in SPEC.engines:
        raise ConfigurationError(f"unknown engine {quoted(engine)}: alfworld has {', '.join(SPEC.engines)}")
    if options.altered is not None and engine == "official":
        raise ConfigurationError(
            "the official engine has only the ordinary laws: altered households need the engine fast"
        )
    laws = ORDINARY if options.altered is None else altered(options.altered)
    goals = options.goals or SPEC.goals[0]
    if goals not in SPEC.goals:
        raise ConfigurationError(f"unknown wording of goals {quoted(goals)}: alfworld has {', '.join(SPEC.goals)}")
    if engine == "official" and (reason := missing()):
        raise MissingExtraError(reason)
    tasks, origin = _tasks(options, laws)
    if goals == "human" and isinstance(tasks, GeneratedGames):
        raise ConfigurationError(
            "nobody has annotated generated games: --goals human needs official ones, with --games"
        )
    about: dict[str, str | int] = {"engine": engine, **origin, "goals": goals, "seed": options.seed}
    if options.altered is not None:
        about["altered"] = options.altered
    if engine == "official":
        about.update({name: version(name) for name in ("alfworld", "textworld")})
    annotators = options.seed if goals == "human" else None
    return AlfworldEnvironment(
        tasks, engine=engine, laws=laws, admissible=options.admissible, annotators=annotators, about=about
    )


def _tasks(options: EnvironmentOptions, laws: Laws) -> tuple[Tasks, dict[str, str | int]]:
    split = options.split or _default_split(options)
    if split not in SPEC.splits:
        raise ConfigurationError(f"unknown split {quoted(split)}: alfworld has {', '.join(SPEC.splits)}")
    folder = _games_folder(options, split)
    if folder is None:
        generated = GeneratedGames(split, count=options.count, seed=options.seed, laws=laws)
        return generated, {"games": "generated", "split": split}
    listing = games.find(folder, split)
    official = OfficialGames(listing, count=options.count, seed=options.seed, learning=options.learning, laws=laws)
    return official, {"games": str(folder), "split": split, "listed": len(listing.files)}


def _default_split(options: EnvironmentOptions) -> str:
    if options.learning:
        return "train"
    return "test" if options.games is None else "valid_seen"


def _games_folder(options: EnvironmentOptions, split: str) -> Path | None:
    """Return the folder of official games to use, None for generated ones."""
    if options.games is not None:
        if split not in games.SPLITS:
            raise ConfigurationError(
                f"the split {split!r} is generated, the games in {options.games} have {', '.join(games.SPLITS)}"
            )
        return Path(options.games).expanduser()
    named = os.environ.get("ALFWORLD_DATA")
    is_official_by_name = named and (options.split == "train" or options.played in games.SPLITS)
    if split not in _GENERATED_SPLITS or (split == "train" and is_official_by_name):
        if not named:
            raise ConfigurationError(
                f"the split {split!r} needs official games: name their folder with --games or ALFWORLD_DATA"
            )
        return Path(named).expanduser()
    return None
