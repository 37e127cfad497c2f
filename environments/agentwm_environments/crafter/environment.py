"""Crafter as tasks that are seeds: what its picture shows told as facts, its achievements as what pays."""

import importlib.util
import random
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from agentwm.errors import EnvironmentFailureError, MissingExtraError
from agentwm.misuse import begun, episode_over, unknown_action
from agentwm.types import Action, EnvironmentOptions, EnvironmentSpec, Goal, Observation, Vocabulary
from agentwm_environments.tasks import SeededTasks, settle

from .perceiver import CrafterPerceiver
from .view import View
from .words import ACHIEVEMENTS, VOCABULARY, verb_of

__all__ = ["SPEC", "CrafterEnvironment", "make", "missing", "seed_of"]

_LONGEST = 10_000
"""The steps after which Crafter ends an episode."""

_CHECKED_STEPS = 30


def missing() -> str | None:
    """Return what keeps Crafter from running here and what installs it, or None."""
    if importlib.util.find_spec("crafter") is None:
        return "this world needs crafter, which is not installed: pip install 'agentwm[grid]'"
    return None


def seed_of(task: str) -> int:
    """Return the seed of Crafter that ``task`` is the name of: an even one for tasks that begin with ``train``, else an odd one."""
    return 2 * random.Random(f"crafter {task}").getrandbits(29) + (not task.startswith("train"))


class CrafterEnvironment(SeededTasks):
    """Plays Crafter; each task is a seed of its world.

    The reward is 1 for an action that achieves something for the first time in the episode. Crafter's own reward adds a tenth of what
    health changes, which is told as a fact instead: its sum is ``returned``. Death ends an episode, and so does Crafter's limit of steps.

    Raises: MissingExtraError when crafter is not installed.
    """

    name = "crafter"

    def __init__(
        self, tasks: Sequence[str], *, admissible: bool = False, about: Mapping[str, str | int] | None = None
    ) -> None:
        if reason := missing():
            raise MissingExtraError(reason)
        from .engine import Engine  # noqa: PLC0415 -- an extra, and heavy: being listed must not import it

        super().__init__(tasks, about, crafter=version("crafter"))
        self.perceiver = CrafterPerceiver()
        self._engine = Engine()
        self._numbers = {Action(*verb_of(name)): number for number, name in enumerate(self._engine.actions)}
        self._listed = tuple(self._numbers) if admissible else None
        self._view: View | None = None
        self._is_over = True
        self._returned = 0.0

    @property
    def vocabulary(self) -> Vocabulary:
        """What can be said and done."""
        return VOCABULARY

    @property
    def goal(self) -> Goal:
        """Achieve what there is to achieve, which is no condition to be reached once and for all."""
        return Goal("achieve as many different things as you can")

    @property
    def achievements(self) -> Mapping[str, int]:
        """How often each thing was achieved in the present episode."""
        if self._view is None:
            return dict.fromkeys(ACHIEVEMENTS, 0)
        return {name: int(self._engine.player.achievements[name]) for name in ACHIEVEMENTS}

    @property
    def returned(self) -> float:
        """The sum of Crafter's own rewards in the present episode."""
        return self._returned

    @property
    def is_won(self) -> bool:
        """Whether everything was achieved."""
        return all(self.achievements.values())

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- all tasks are of one family
        """Return the one family there is."""
        return "survive"

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        """Begin ``task``: the first episode of ``crafter.Env(seed=seed_of(task))``, where chance falls as it does there if ``seed`` is 0.

        Raises: TaskError when there is no such task.
        """
        self._expect(task)
        self._engine.reset(seed_of(task), chance=seed)
        self._view = View(self._engine)
        self._is_over, self._returned = False, 0.0
        return self._observation(0.0)

    def step(self, action: Action) -> Observation:
        """Do ``action``.

        Raises: EnvironmentFailureError before the first and after the end of an episode, and for an action that there is not.
        """
        view = begun(self._view)
        if self._is_over:
            raise episode_over(action)
        number = self._numbers.get(action)
        if number is None:
            raise unknown_action(action, self.vocabulary)
        reward, self._is_over = self._engine.step(number)
        self._returned += reward
        view.pass_step()
        return self._observation(float(view.has_achieved))

    def close(self) -> None:
        """End the episode; there is nothing else to release."""
        self._is_over = True

    def _observation(self, reward: float) -> Observation:
        assert self._view is not None
        facts = self._view.facts()
        is_dead = self._is_over and self._engine.player.health <= 0
        return Observation(
            self._view.text(),
            facts,
            self._listed,
            reward=reward,
            terminated=is_dead,
            truncated=self._is_over and not is_dead,
        )


def make(options: EnvironmentOptions) -> CrafterEnvironment:
    """Return the environment that ``options`` asks for.

    Raises: ConfigurationError for what cannot be; MissingExtraError when crafter is not installed.
    """
    _, tasks, about = settle(options, SPEC)
    return CrafterEnvironment(tasks, admissible=options.admissible, about=about)


def _check() -> list[str]:
    """Return a line that says that the same seed and actions came to the same twice.

    Raises: EnvironmentFailureError when they did not.
    """
    environment = make(EnvironmentOptions(count=1))
    seen = []
    for _ in range(2):
        rng = random.Random("check")
        answers = [environment.reset(environment.tasks()[0])]
        while len(answers) <= _CHECKED_STEPS and not answers[-1].terminated:
            answers.append(environment.step(rng.choice([*environment._numbers])))  # noqa: SLF001
        seen.append(answers)
    if seen[0] != seen[1]:
        raise EnvironmentFailureError("the same seed and actions came to different ends in crafter: please report this")
    return [f"{len(seen[0]) - 1} actions came to the same twice"]


SPEC = EnvironmentSpec(
    name="crafter",
    summary="survive, gather and make tools in an open world (Crafter)",
    splits=("test", "train"),
    engines=("crafter",),
    make=make,
    missing=missing,
    check=_check,
    learn=40,
    learning_steps=500,
    max_steps=_LONGEST,
)
