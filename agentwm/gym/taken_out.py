"""An environment of ours as a ``gymnasium.Env``; the only module but `spaces` that imports gymnasium."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from gymnasium import Env, Space, spaces
from gymnasium.envs.registration import EnvSpec

from agentwm.commands import CommandReader, fits
from agentwm.errors import ConfigurationError, EnvironmentFailureError, quoted
from agentwm.gym.spaces import AnyText, Commands
from agentwm.types import Action, Environment, Fluent, Observation, State, Value, Vocabulary

__all__ = ["TakenOut"]

_FEW = 64
_MOST_TRIES = 20

Told = dict[str, str]
Info = dict[str, Any]


class TakenOut(Env[Told, Any]):
    """Plays ``tasks`` of ``environment``: see `agentwm.to_gymnasium`."""

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 -- Gymnasium declares it so

    def __init__(
        self,
        environment: Environment,
        tasks: Sequence[str] | None = None,
        *,
        max_steps: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.render_mode = render_mode
        self._environment = environment
        self._tasks = tuple(environment.tasks() if tasks is None else tasks)
        if not self._tasks:
            raise ConfigurationError(f"expected tasks to play, but {environment.name} has none to offer")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ConfigurationError(f"unknown render mode {quoted(render_mode)}; there is: ansi")
        self._max_steps = max_steps
        # What can be done is known once a task has begun: a text world says it then.
        self._seen: Observation = environment.reset(self._tasks[0])
        self._state: State = {}
        self._steps = 0
        self._task: str | None = None
        self._numbered = _numbered(environment.vocabulary)
        self._read_by: tuple[Vocabulary, CommandReader] | None = None
        self.observation_space: Space[Any] = spaces.Dict({"text": AnyText(), "goal": AnyText()})
        self.action_space: Space[Any] = (
            spaces.Discrete(len(self._numbered)) if self._numbered else Commands(self._any_command)
        )
        # With it Gymnasium can make another one, on the same environment, as its checker wants to.
        made = partial(type(self), environment, self._tasks, max_steps=max_steps)
        self.spec = EnvSpec(
            f"agentwm/{_safe(environment.name)}-v0",
            entry_point=made,
            disable_env_checker=True,
        )

    def reset(self, *, seed: int | None = None, options: Mapping[str, Any] | None = None) -> tuple[Told, Info]:
        """Begin the task that ``options`` name, or one that is drawn.

        Raises: ConfigurationError for other options; TaskError for a task that cannot be begun.
        """
        super().reset(seed=seed)
        given = dict(options or {})
        task = given.pop("task", None) or self._tasks[int(self.np_random.integers(len(self._tasks)))]
        chance = int(self.np_random.integers(2**31))
        if given:
            raise ConfigurationError(f"unknown options {quoted(sorted(given))}; there is: task")
        self._task, self._steps = task, 0
        self._seen = self._environment.reset(task, seed=chance if seed is None else seed)
        self._state = self._believed({}, None)
        return self._told(), self._info()

    def step(self, action: Any) -> tuple[Told, float, bool, bool, Info]:
        """Do ``action``: a number, or a command in words.

        Raises: EnvironmentFailureError before the first and after the end of an episode, and for a number that stands for no action.
        """
        if self._task is None or self._is_over:
            expected = "no task has been begun" if self._task is None else "the episode is over"
            raise EnvironmentFailureError(f"{expected}: expected reset, got the action {quoted(action)}")
        done, complaint = self._meant(action)
        self._steps += 1
        if done is None:
            self._seen = Observation(complaint, self._seen.facts, self._seen.actions)
        else:
            self._seen = self._environment.step(done)
            self._state = self._believed(self._state, done)
        seen = self._seen
        return (
            self._told(),
            float(seen.reward),
            seen.terminated,
            seen.truncated or (self._is_late and not seen.terminated),
            self._info(is_understood=done is not None),
        )

    def render(self) -> str | None:
        """Return what is seen, in words."""
        return self._seen.text if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Close the environment."""
        self._environment.close()

    @property
    def _is_late(self) -> bool:
        return self._max_steps is not None and self._steps >= self._max_steps

    @property
    def _is_over(self) -> bool:
        return self._seen.terminated or self._seen.truncated or self._is_late

    def _told(self) -> Told:
        return {"text": self._seen.text, "goal": self._environment.goal.text}

    def _info(self, *, is_understood: bool = True) -> Info:
        info: Info = {"task": self._task, "facts": dict(self._state), "is_understood": is_understood}
        listed = self._seen.actions
        if listed is not None:
            schemas = self._environment.vocabulary.actions
            info["admissible"] = tuple(schemas[each.verb].render(each.args) for each in listed)
        if self._numbered:
            info["action_mask"] = np.array([listed is None or each in listed for each in self._numbered], dtype=np.int8)
        return info

    def _believed(self, state: State, action: Action | None) -> dict[Fluent, Value]:
        """Return what is believed once the latest observation was read; without a reader, what it states."""
        perceiver = self._environment.perceiver
        if perceiver is None:
            return dict(self._seen.facts)
        perception = perceiver.perceive(self._seen, action, state)
        kept = {fluent: value for fluent, value in state.items() if fluent not in perception.forgotten}
        return {**kept, **perception.told, **perception.changed}

    # --- actions ---

    def _meant(self, action: Any) -> tuple[Action | None, str]:
        """Return the action that ``action`` stands for; where it is no command that can be read, None and the reason."""
        if self._numbered:
            if not self.action_space.contains(action):
                raise EnvironmentFailureError(
                    f"expected a number from 0 to {len(self._numbered) - 1} for one of the actions "
                    f"{', '.join(map(str, self._numbered))}; got {quoted(action)}"
                )
            return self._numbered[int(action)], ""
        try:
            return self._reader.expect(str(action), self._state), ""
        except ConfigurationError as error:
            return None, str(error)

    @property
    def _reader(self) -> CommandReader:
        words = self._environment.vocabulary
        if self._read_by is None or self._read_by[0] is not words:
            self._read_by = words, CommandReader(words)
        return self._read_by[1]

    def _any_command(self, rng: np.random.Generator) -> str:
        """Return a command of those listed or, where none are, one with known things of the right sorts."""
        schemas = self._environment.vocabulary.actions
        if self._seen.actions:
            listed = self._seen.actions[int(rng.integers(len(self._seen.actions)))]
            return schemas[listed.verb].render(listed.args)
        verbs = list(schemas.values())
        things = sorted(fluent.args[0] for fluent in self._state if fluent.name == "sort")
        for _ in range(_MOST_TRIES):
            schema = verbs[int(rng.integers(len(verbs)))]
            fitting = [[name for name in things if fits(name, sorts, self._state)] for sorts in schema.parameters]
            if all(fitting):
                return schema.render([str(rng.choice(names)) for names in fitting])
        return verbs[0].template


def _numbered(words: Vocabulary) -> tuple[Action, ...]:
    """Return the actions in order, where none is done with anything and there are few; else none."""
    schemas = words.actions.values()
    is_plain = len(schemas) <= _FEW and not any(schema.parameters for schema in schemas)
    return tuple(Action(schema.verb) for schema in schemas) if is_plain else ()


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in name)
