"""The roles of the mind and the environment, as protocols, and what entry points name.

Source: the five roles as in the project's design, section 1.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from agentwm.errors import TaskError
from agentwm.types.experience import Observation, Perception, Prediction, Query, Trajectory, Transition
from agentwm.types.planning import Plan, PlanningBudget
from agentwm.types.values import Action, Situation, State
from agentwm.types.vocabulary import Goal, Vocabulary

__all__ = [
    "Chaining",
    "Critic",
    "Environment",
    "EnvironmentOptions",
    "EnvironmentSpec",
    "Inducer",
    "Perceiver",
    "Pictured",
    "Planner",
    "PlannerParts",
    "PlannerSpec",
    "Proposer",
    "Ration",
    "Reference",
    "Referenced",
    "WorldModel",
]


@runtime_checkable
class Environment(Protocol):
    """A set of tasks that can be played one at a time.

    ``goal`` and ``vocabulary`` describe the task begun by the latest ``reset``.

    An environment may say more of the episode in progress, for the record and the report: ``is_won``, where that is not an end with a
    reward; ``returned``, where its own return is not the sum of the rewards that an agent sees; ``achievements``, a mapping from all that
    can be achieved to how often it was. Each may be missing, or None where the usual is meant.
    """

    name: str

    @property
    def perceiver(self) -> "Perceiver | None":
        """What reads the observations; None where the environment has no reader of its own, and they are read by somebody else."""

    @property
    def about(self) -> Mapping[str, str | int]:
        """What a report must say of where the tasks come from: ``engine``, ``split``, ``tasks``, ``refused`` and the like."""

    @property
    def vocabulary(self) -> Vocabulary:
        """What can be said and done in the present task."""

    @property
    def goal(self) -> Goal:
        """What the present task asks for."""

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Why tasks that were met cannot be played, each with where it lies; complete once ``tasks`` was asked for."""

    def tasks(self) -> Sequence[str]:
        """Return the ids of the tasks, in a fixed order."""

    def task_type(self, task: str) -> str:
        """Return the family that ``task`` belongs to, for the report."""

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        """Begin ``task`` and return its first observation.

        Raises: TaskError when the task cannot be played.
        """

    def step(self, action: Action) -> Observation:
        """Do ``action`` and return what is seen. After the end of an episode, only ``reset`` is legal."""

    def close(self) -> None:
        """Release whatever is held. May be called twice."""


@dataclass(frozen=True, slots=True)
class Reference:
    """How well a task can be played, to hold a result against: ``by`` names whoever plays it so ("walkthrough", "BabyAIBot").

    ``steps`` and ``reward``, the sum over the episode, are None where they are not known; ``expected`` is the exact mean of that sum over
    all that chance can do, None where it is not known or there is no chance in it.
    """

    by: str
    steps: float | None = None
    reward: float | None = None
    expected: float | None = None


@runtime_checkable
class Referenced(Protocol):
    """An environment that knows how well its tasks can be played. What it knows is for reports, and never told to an agent."""

    def reference(self, task: str, *, seed: int = 0) -> Reference | None:
        """Return how well ``task`` can be played where chance falls as in ``reset`` with ``seed``; None where nobody knows.

        An episode in progress is not disturbed.
        """


@runtime_checkable
class Pictured(Protocol):
    """An environment that has a face. What it looks like is kept for people to look at, and never told to an agent."""

    def screenshot(self) -> bytes | None:
        """Return what the episode in progress looks like now, as a PNG; None where there is nothing to see.

        Raises: as ``step``.
        """


@dataclass(frozen=True, slots=True)
class EnvironmentOptions:
    """What a user may ask of an environment.

    ``split`` None means the environment's default for ``learning`` or for playing; while learning, ``played`` is the split that was
    asked for to be played afterwards, so that the default can be of its kind. ``count`` is how many tasks are wanted, None for
    all there are. ``altered`` draws a variant of the world's dynamics, None for the ordinary one. ``admissible`` lets
    observations list the admissible actions. ``seed`` draws tasks where they are generated. ``goals`` is how goals are to be worded, None
    for the environment's default.
    """

    split: str | None = None
    learning: bool = False
    played: str | None = None
    games: str | None = None
    engine: str | None = None
    altered: int | None = None
    count: int | None = None
    seed: int = 0
    admissible: bool = False
    goals: str | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """What an entry point of the group ``agentwm.environments`` names.

    ``missing`` returns what stops this environment from running here (an extra to install, say), or None.
    ``splits`` and ``engines`` list what is accepted, the default first.
    ``check`` tries the environment out for `agentwm doctor`: it returns what it found, a line each, and raises an AgentwmError where
    something is broken. A run that asks for nothing else learns from ``learn`` episodes of at most ``learning_steps`` actions, and
    plays ones of at most ``max_steps``. ``true_rules`` states how the ordinary world works, a rule a line, where it is known: for tests
    and comparisons, and never told to an agent. ``goals`` lists the ways in which goals can be worded, the default first; all others are
    people's own words, which only a language model reads.

    One entry point may stand for a family of environments: ``member`` then returns what the one of a full name declares, such as
    ``MiniGrid-Empty-8x8-v0`` of the family ``MiniGrid``, and raises a ConfigurationError where there is none; ``members`` lists the names
    worth showing.

    Where ``time_limit_s`` is set, a run plays the environment in a process of its own, in which one of its calls may take so long: a hang
    or a crash then ends an episode, and not the run.
    """

    name: str
    summary: str
    splits: tuple[str, ...]
    engines: tuple[str, ...]
    make: Callable[[EnvironmentOptions], Environment]
    missing: Callable[[], str | None] = lambda: None
    check: Callable[[], Sequence[str]] = list
    learn: int = 20
    learning_steps: int = 100
    max_steps: int = 50
    goals: tuple[str, ...] = ("template",)
    true_rules: Callable[[], Sequence[str]] = tuple
    member: "Callable[[str], EnvironmentSpec] | None" = None
    members: Callable[[], Sequence[str]] = tuple
    time_limit_s: float | None = None


class Perceiver(Protocol):
    """Reads observations into facts."""

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what ``observation``, the answer to ``action`` in ``state``, tells.

        ``action`` is None for the first observation of an episode.
        """


class WorldModel(Protocol):
    """Predicts what actions would do."""

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order."""


class Proposer(Protocol):
    """Suggests what is worth trying."""

    def propose(
        self, state: State, goal: Goal, *, avoid: Mapping[Action, Sequence[Situation]] = MappingProxyType({})
    ) -> Iterable[Plan]:
        """Return candidate plans, most promising first; empty when there is no idea. They may be made as they are asked for.

        ``avoid`` names, per action, situations in which it is not to be done: no conditions mean all situations.
        """


class Critic(Protocol):
    """Judges how near states are to the goal."""

    def judge(self, states: Sequence[State], goal: Goal) -> list[float]:
        """Return, per state, 1.0 where the goal is known to be reached, 0.0 where nothing of it is."""


class Planner(Protocol):
    """Chooses a course of action."""

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return the plan whose first action is to be done now; ``history`` is the episode so far."""


class Ration(Protocol):
    """What a language model may be asked in one decision."""

    def begin(self, calls: int | None, tokens: int | None) -> None:
        """Begin a decision that may make so many calls and spend so many tokens, None for no limit."""

    def end(self) -> tuple[int, int]:
        """End the decision, so that there is no limit any more; return the calls and tokens it took."""


class Chaining(Protocol):
    """Finds ways backwards, from what is wanted."""

    def way(self, state: State, goal: Goal, model: WorldModel, history: Sequence[Transition] = ()) -> Sequence[Action]:
        """Return a way to what pays, or to ``goal`` where it has conditions, as far as it is sure in ``model``; empty where none is found.

        Raises: DecisionSpentError where ``model`` may be asked no more.
        """

    def walk(self, state: State, model: WorldModel, is_there: Callable[[State], bool]) -> Sequence[Action]:
        """Return the shortest walk from ``state`` to a state that ``is_there``; empty where none is found.

        Raises: as `way`.
        """


@dataclass(frozen=True, slots=True)
class PlannerParts:
    """What a planner is made from, for one episode.

    ``proposer`` thinks of plans, and ``policy`` of what would be done without looking ahead. ``options`` lists what is worth simulating in
    a state. ``opening`` is the episode's first observation: where it lists actions, only listed ones are to be chosen; None where the
    list is not wanted. ``rng`` is all the chance there is. ``critic`` judges where a look ahead ends, None where nobody does.

    ``model`` is held to the ``budget``, but for its depth: it raises a DecisionSpentError once that is spent. ``ration`` holds a language
    model to it, where there is one. ``best_reward`` is the most that a single action is known to bring, 0 where nothing known ever pays, so
    that nothing needs to be looked for; ``worst_reward`` is the least, 0 where nothing known ever costs. ``may_pay`` says, for little,
    whether what pays can be within reach of what is known in a state.

    ``pessimism`` is what an action costs of which the model is not sure at all, in units of reward, and in proportion less where it is
    surer; below 0, doubt attracts.

    ``chain`` finds ways to what lies too deep for a search, None where there is nothing to chain over.
    """

    proposer: Proposer
    policy: Proposer
    model: WorldModel
    options: Callable[[State], Sequence[Action]]
    vocabulary: Vocabulary
    rng: random.Random
    opening: Observation | None = None
    critic: Critic | None = None
    budget: PlanningBudget = field(default_factory=PlanningBudget)
    ration: Ration | None = None
    best_reward: float = 1.0
    worst_reward: float = 0.0
    pessimism: float = 0.05
    may_pay: Callable[[State, Goal], bool] = lambda _state, _goal: True
    max_steps: int | None = None
    chain: Chaining | None = None


@dataclass(frozen=True, slots=True)
class PlannerSpec:
    """What an entry point of the group ``agentwm.planners`` names; ``budget`` is a decision's where nobody gives another."""

    name: str
    summary: str
    make: Callable[[PlannerParts], Planner]
    budget: PlanningBudget = field(default_factory=PlanningBudget)


class Inducer(Protocol):
    """Finds the rules behind what was seen."""

    def induce(self, trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> object:
        """Return a rule store that explains ``trajectories``."""
