"""TextWorld games as an environment: tasks to play, actions in, texts out."""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from agentwm.errors import ConfigurationError, MissingExtraError, TaskError, quoted
from agentwm.misuse import begun, episode_over, schema_of
from agentwm.types import (
    Action,
    ActionSchema,
    EnvironmentOptions,
    Goal,
    Observation,
    Perceiver,
    Reference,
    Vocabulary,
)

from .families import FAMILIES
from .objective import read_objective, read_recipe
from .player import Player, missing
from .reader import TextReader, own_answer, score_gained
from .rooms import read_room
from .tasks import GivenGames, MadeGames, Tasks, description
from .words import command, exit_of, read_help, read_templates, vocabulary

__all__ = ["ENGINES", "SPLITS", "TextWorldEnvironment", "make"]

SPLITS = ("test", "train")
ENGINES = ("jericho",)

_WON, _LOST = "*** The End ***", "*** You lost! ***"
_BANNER = re.compile(r"^[\s$\\/|_<>]*", re.MULTILINE)
_TYPE = re.compile(r"^\s*type (\w+) : (\w+)", re.MULTILINE)
_PORTABLE = "o"
_TEMPLATE = re.compile(r'::\s*"([a-z][^"]*)"\s*::\s*"')


class TextWorldEnvironment:
    """Plays the games of ``tasks``.

    The text of an observation is all it tells: ``facts`` is always empty, and ``actions`` is given only where ``admissible`` is set. The
    first text is the game's introduction with the answer to ``inventory`` after it. The reward is what the score goes up by. The goal is
    what the introduction words, and is told anew when a recipe is read.
    """

    name = "textworld"

    def __init__(
        self,
        tasks: Tasks,
        *,
        admissible: bool = False,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        self.perceiver: Perceiver = TextReader()
        self.is_won = False
        self._tasks = tasks
        self._admissible = admissible
        self._about = dict(about or {})
        self._player = Player(watches=admissible)
        self._portable: frozenset[str] = frozenset()
        self._goal: Goal | None = None
        self._vocabulary: Vocabulary | None = None
        self._room = ""
        self._is_over = True

    @property
    def about(self) -> Mapping[str, str | int]:
        """Where the games come from, and how many there are."""
        return {**self._about, "tasks": len(self._tasks.names), "refused": len(self._tasks.refusals)}

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Nothing: whether a game can be played is seen when it is begun."""
        return tuple(self._tasks.refusals)

    @property
    def vocabulary(self) -> Vocabulary:
        """The fluents, and the verbs that the running game's own help lists, with those that the game names beside them."""
        return begun(self._vocabulary)

    @property
    def goal(self) -> Goal:
        """What the text of the present game asks for, as far as it has been read."""
        return begun(self._goal)

    @property
    def facts(self) -> frozenset[tuple[str, ...]]:
        """What is so, as the engine knows, where ``admissible`` is set: to score what was read, and never told to an agent."""
        return self._player.facts

    def tasks(self) -> Sequence[str]:
        """Return the ids of the games, in a fixed order."""
        return self._tasks.names

    def task_type(self, task: str) -> str:
        """Return which family of games ``task`` is of."""
        return self._tasks.family(task)

    def reference(self, task: str, *, seed: int = 0) -> Reference | None:  # noqa: ARG002 -- there is no chance in it
        """Return how many commands the game's own walkthrough has, None where nobody knows one."""
        described = description(self._tasks.file(task))
        metadata = {} if described is None else described.get("metadata", {})
        walkthrough = metadata.get("walkthrough")
        return Reference("walkthrough", steps=float(len(walkthrough))) if walkthrough else None

    def reset(self, task: str, *, seed: int = 0) -> Observation:  # noqa: ARG002 -- there is no chance in a game
        """Begin ``task``. ``seed`` changes nothing.

        Raises: TaskError when there is no such task, or its file cannot be played.
        """
        file = self._tasks.file(task)
        help_text = self._introduced(file, "help")
        text = self._introduced(file, "")
        described = description(file)
        verbs = _verbs(help_text, described)
        if self._vocabulary is None or verbs != self._vocabulary.actions:
            self._vocabulary = vocabulary(verbs)
        self._portable = _portable(described)
        room = read_room(text)
        objective = _BANNER.sub("", text.partition("-= ")[0]).strip()
        self._goal = read_objective(objective, room.name if room else "")
        self._is_over = self.is_won = False
        carried = self._player.say("inventory")
        described_room = text[text.find("-= ") :] if room else text
        return self._observation(f"{objective}\n\n{described_room}\n{carried}")

    def step(self, action: Action) -> Observation:
        """Give the command that ``action`` is.

        Raises: EnvironmentFailureError after the end of an episode, and for an action that the vocabulary lacks.
        """
        if self._is_over:
            raise episode_over(action)
        schema = schema_of(action, self.vocabulary)
        text = self._player.say(command(action, schema, self._room))
        if recipe := read_recipe(text):
            self._goal = recipe.goal(own_answer(text).strip())
        return self._observation(text)

    def close(self) -> None:
        """End the interpreter's process."""
        self._is_over = True
        self._player.close()

    def _introduced(self, file: Path, question: str) -> str:
        """Return the game's introduction, or the answer to a ``question`` that is put right after it."""
        text = self._player.begin(file)
        return self._player.say(question) if question else text

    def _observation(self, text: str) -> Observation:
        self.is_won = _WON in text
        self._is_over = self.is_won or _LOST in text
        if room := read_room(text):
            self._room = room.name
        actions = self._listed() if self._admissible else None
        return Observation(text, actions=actions, reward=float(score_gained(text)), terminated=self._is_over)

    def _listed(self) -> tuple[Action, ...]:
        """Return the admissible commands as actions; one that is none of the vocabulary's, as to examine a door, is left out."""
        read = (_read_command(each, self.vocabulary, self._room) for each in self._player.admissible)
        return tuple(action for action in read if action is not None and self._can_be_said(action))

    def _can_be_said(self, action: Action) -> bool:
        sorts = self.vocabulary.actions[action.verb].parameters
        return all(sort != "object" or arg in self._portable for arg, sort in zip(action.args, sorts, strict=True))


def _verbs(help_text: str, described: Mapping[str, Any] | None) -> dict[str, ActionSchema]:
    verbs = read_help(help_text)
    return {**verbs, **read_templates(_templates(described), verbs)}


def _portable(described: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the names of what can be carried, as a game's description has it: the things of TextWorld's type ``o``, and of those below."""
    if described is None:
        return frozenset()
    below = dict(_TYPE.findall(_logic(described)))

    def is_portable(kind: str | None) -> bool:
        return kind == _PORTABLE or (kind in below and is_portable(below[kind]))

    return frozenset(str(info["name"]) for _, info in described.get("infos", ()) if is_portable(info["type"]))


def _logic(described: Mapping[str, Any]) -> str:
    return str(described.get("KB", {}).get("logic", ""))


def _templates(described: Mapping[str, Any] | None) -> Sequence[str]:
    """Return the commands that a game's description names, with gaps for their things: what TextWorld tells as ``command_templates``."""
    if described is None:
        return ()
    return _TEMPLATE.findall(_logic(described))


def _read_command(text: str, words: Vocabulary, room: str) -> Action | None:
    """Return the action that ``text`` is, of the verb that takes most of its words; None where it is no verb's."""
    best: tuple[int, Action] | None = None
    for schema in words.actions.values():
        pattern = re.sub(r"\\\{\d+\\\}", "(.+)", re.escape(schema.template))
        if match := re.fullmatch(pattern, text):
            args = tuple(
                exit_of(room, arg) if sort == "exit" else arg
                for arg, sort in zip(match.groups(), schema.parameters, strict=True)
            )
            if best is None or len(schema.template) > best[0]:
                best = len(schema.template), Action(schema.verb, args)
    return best[1] if best else None


# --- from options ---------------------------------------------------------------------------------------------------------


def make(family: str, options: EnvironmentOptions) -> TextWorldEnvironment:
    """Return the environment that ``options`` asks for: games of ``family``, or those in the file or folder ``games``.

    Raises: ConfigurationError for what cannot be; MissingExtraError when TextWorld is not installed.
    """
    if reason := missing():
        raise MissingExtraError(reason)
    split = options.split or ("train" if options.learning else "test")
    if split not in SPLITS:
        raise ConfigurationError(f"unknown split {quoted(split)}: textworld has {', '.join(SPLITS)}")
    if options.engine not in (None, *ENGINES):
        raise ConfigurationError(f"unknown engine {quoted(options.engine)}: textworld has {', '.join(ENGINES)}")
    if options.altered is not None:
        raise ConfigurationError("textworld has no altered worlds: its games are compiled with their laws in them")
    if options.goals not in (None, "template"):
        raise ConfigurationError(f"unknown wording of goals {quoted(options.goals)}: textworld has template")
    about: dict[str, str | int] = {"engine": ENGINES[0], "split": split, "seed": options.seed}
    tasks: Tasks
    # What is learned on is made here also where the games to play are given, so that they stay unseen.
    if options.games is not None and not options.learning:
        tasks = GivenGames(Path(options.games).expanduser(), count=options.count)
        about["games"] = str(options.games)
    else:
        assert family in FAMILIES
        tasks = MadeGames(family, split, count=options.count, seed=options.seed)
        about["games"] = FAMILIES[family].challenge
    about.update({name: version(name) for name in ("textworld", "jericho")})
    return TextWorldEnvironment(tasks, admissible=options.admissible, about=about)
