"""The values that flow through agentwm, and the protocols that pass them on.

A *state* maps fluents to values. A missing fluent is unknown; ``None`` is known to be absent. So belief
update is one merge of mappings, and a surprise is one comparison.

Source: fluents as in PDDL 3.1's object fluents; the five roles as in the project's design, section 1.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Protocol, runtime_checkable

from agentwm.errors import TaskError

__all__ = [
    "Action",
    "ActionSchema",
    "Condition",
    "Critic",
    "Environment",
    "EnvironmentOptions",
    "EnvironmentSpec",
    "Fluent",
    "FluentSchema",
    "Gap",
    "Goal",
    "GoalShape",
    "Inducer",
    "Observation",
    "Outcome",
    "Perceiver",
    "Perception",
    "Plan",
    "Planner",
    "PlannerParts",
    "PlannerSpec",
    "Prediction",
    "Proposer",
    "Query",
    "Ref",
    "Situation",
    "Some",
    "State",
    "Term",
    "Trajectory",
    "Transition",
    "Value",
    "Var",
    "Vocabulary",
    "WorldModel",
]

Value = str | int | float | bool | None


class Fluent(NamedTuple):
    """A ground property of the world, such as ``in(apple 1)`` or ``holding()``."""

    name: str
    args: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.args)})"


State = Mapping[Fluent, Value]
NOTHING: State = MappingProxyType({})


class Action(NamedTuple):
    """A ground action: a verb of the vocabulary and the names it is applied to."""

    verb: str
    args: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.verb, *(f"[{arg}]" for arg in self.args)))


# --- terms and conditions ---------------------------------------------------------------------------------


class Var(NamedTuple):
    """A variable of a rule or goal, printed ``?name``."""

    name: str

    def __str__(self) -> str:
        return f"?{self.name}"


class Ref(NamedTuple):
    """A reference to whatever a fluent's value is, such as ``in(?o)`` or ``place(at())``."""

    name: str
    args: tuple["Term", ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.args))})"


Term = Var | Ref | Value


class Condition(NamedTuple):
    """A test ``left op right``; ``op`` is one of ``== != < > in notin unknown some no``.

    ``some`` and ``no`` ask whether there is a thing that fulfils a conjunction, whose right side is a `Some`; their left is its variable.

    For ``in`` and ``notin`` the right side is a tuple of constants, for the others a single term. A
    condition that touches an unknown fluent is neither true nor false, except for ``unknown``, which asks just that and has no
    right side (None).
    """

    left: Term
    op: str
    right: "Term | tuple[Value, ...] | Some"


class Some(NamedTuple):
    """The things of one sort that fulfil a conjunction, in which ``variable`` stands for each of them in turn."""

    variable: str
    sort: str
    conditions: tuple[Condition, ...]


Situation = tuple[Condition, ...]
"""A conjunction without variables."""

NOT_ENTITIES = frozenset({"bool", "kind", "number", "sort"})
"""The sorts whose values are not names of things."""


# --- what an environment declares ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FluentSchema:
    """Declares a fluent: the sorts of its arguments and of its value.

    ``default`` is believed until something else is seen, where ``has_default`` is set. A ``static`` fluent
    never changes, so what is learned of it late holds for the whole episode. A ``hidden`` fluent is shown by
    no ordinary observation, only by an inspecting action. A parameter may accept several sorts: ``a|b``.

    A fluent with ``derive`` stands in no state: ``derive(state, args)`` returns its value there. A ``is_reference`` fluent points from one
    place to another ("the cell ahead"): where it is None there is no such place, and what would be moved there stays where it is.
    ``counts_since`` names another fluent: this one is the number of actions since that one last changed, and is kept up by the agent.
    ``about`` says in words what it means, for whoever reads texts into facts.
    """

    name: str
    parameters: tuple[str, ...]
    value: str
    default: Value = None
    has_default: bool = False
    static: bool = False
    hidden: bool = False
    derive: "Derive | None" = None
    is_reference: bool = False
    counts_since: str | None = None
    about: str = ""


Derive = Callable[[State, tuple[str, ...]], Value]


@dataclass(frozen=True, slots=True)
class ActionSchema:
    """Declares a verb, the sorts of its arguments and how a command with it is written.

    ``template`` holds ``{0}``, ``{1}`` … for the arguments. ``inspects`` marks a verb that the environment's own
    help describes as looking only.
    """

    verb: str
    parameters: tuple[str, ...]
    template: str
    inspects: bool = False

    def render(self, args: Sequence[str]) -> str:
        """Return the command as the environment expects it."""
        return self.template.format(*args)


class Gap(NamedTuple):
    """What may fill a gap in the shape of a goal: one of ``words``; where there are none, any kind of ``sort`` known at the start."""

    name: str
    words: tuple[str, ...] = ()
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class GoalShape:
    """One shape that goals of an environment have, for whoever reads goals in people's own words.

    ``text`` says it in words, with its gaps in braces: ``a hot {thing} is on a {place}``. In ``conditions`` the string ``{thing}``, alone
    on the right of one, stands for what fills the gap. A gap is the same in all shapes that have one of its name.
    """

    name: str
    text: str
    conditions: tuple["Condition", ...]
    gaps: tuple[Gap, ...] = ()

    def filled(self, words: Mapping[str, str]) -> tuple["Condition", ...]:
        """Return the conditions with ``words``, one per gap by its name, in the gaps."""
        fillings: dict[object, str] = {f"{{{gap.name}}}": words[gap.name] for gap in self.gaps}
        return tuple(each._replace(right=fillings.get(each.right, each.right)) for each in self.conditions)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything that can be said of an environment: its fluents and its verbs, not its dynamics.

    Sorts are plain words. ``any`` stands for every sort of entity; ``bool``, ``kind`` and ``number`` are not entities.
    An entity's sort and kind are the static fluents ``sort(x)`` and ``kind(x)``. ``location`` names the fluent that says where a
    thing is, ``explored`` the one that says that everything in a place has been seen; None where there is no such fluent. An
    environment that answers every action, and never says that one failed, does not report failure. ``goals`` are the shapes that
    goals have, where they can be said.
    """

    fluents: Mapping[str, FluentSchema]
    actions: Mapping[str, ActionSchema]
    location: str | None = None
    explored: str | None = None
    reports_failure: bool = True
    goals: tuple[GoalShape, ...] = ()

    def default(self, fluent: Fluent) -> Value:
        """Return the declared default of ``fluent``; raise ``KeyError`` where it has none."""
        schema = self.fluents.get(fluent.name)
        if schema is None or not schema.has_default:
            raise KeyError(fluent)
        return schema.default


@dataclass(frozen=True, slots=True)
class Goal:
    """What the episode asks for: its text and, when they could be read, conditions over a state.

    Variables in the conditions are existential; different variables stand for different entities.
    ``conditions`` is empty when the text could not be read.
    """

    text: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What an environment answers: text, structured facts if it has them, and the usual five-tuple's rest.

    ``actions`` is None when the environment does not list what is admissible.
    """

    text: str
    facts: State = field(default_factory=dict)
    actions: tuple[Action, ...] | None = None
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Perception:
    """What an observation tells: facts that are so, changes that were made, beliefs that no longer stand.

    ``told`` was so before and is only now known; ``changed`` is what the action did. ``succeeded`` is None when the
    text does not say.
    """

    told: State = field(default_factory=dict)
    changed: State = field(default_factory=dict)
    forgotten: frozenset[Fluent] = frozenset()
    succeeded: bool | None = None


# --- predictions and plans ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way an action may turn out, with its probability (0 to 1)."""

    probability: float
    changes: State = field(default_factory=dict)
    success: bool = True
    reward: float | None = None
    terminated: bool | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """A distribution over outcomes, most probable first.

    ``source`` is ``rules``, ``frame`` (nothing is known: nothing changes) or ``llm``; ``confidence`` is the calibrated
    probability (0 to 1) that the success or failure predicted comes true; ``rules`` are the ids of those that spoke.
    """

    outcomes: tuple[Outcome, ...]
    confidence: float
    source: str
    rules: tuple[str, ...] = ()

    @property
    def success(self) -> bool:
        """Whether success is at least as probable as failure."""
        return 2 * sum(o.probability for o in self.outcomes if o.success) >= 1

    @property
    def changes(self) -> State:
        """The changes of the most probable outcome."""
        return self.outcomes[0].changes if self.outcomes else NOTHING


class Query(NamedTuple):
    """A question to a world model: what would ``action`` do in ``state``?"""

    state: State
    action: Action


@dataclass(frozen=True, slots=True)
class Plan:
    """A course of action: ``actions`` in order, why it was chosen, and whether it is expected to reach the goal.

    ``cost`` is the expected number of steps to the goal, as far as the planner can tell. No actions means that the
    planner has nothing to offer. A bold plan goes against the letter of the rules, for want of a better one.
    """

    actions: tuple[Action, ...]
    reason: str
    reaches_goal: bool = False
    cost: float = float("inf")
    predictions: tuple[Prediction, ...] = ()
    is_bold: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """One step: the belief before, the action, the belief after, and what had been predicted.

    ``changed`` holds what the text says the action did; ``told`` names the fluents that were merely found out.
    ``succeeded`` is whether the environment accepted the action.
    """

    before: State
    action: Action
    after: State
    observation: Observation
    succeeded: bool
    changed: State = field(default_factory=dict)
    told: frozenset[Fluent] = frozenset()
    predicted: Prediction | None = None

    @property
    def surprise(self) -> State:
        """What was seen and differs from what was predicted; empty when nothing was predicted wrongly.

        A fluent that was predicted to change and is now known to be otherwise counts, and so does a change that
        was not predicted. What is as it was before surprises nobody who did not predict otherwise.
        """
        predicted = self.predicted.changes if self.predicted else NOTHING
        expected = {**self.changed, **{f: v for f, v in predicted.items() if f in self.after}}
        foretold = {f: predicted.get(f, self.before.get(f, _UNSAID)) for f in expected}
        return {f: self.after[f] for f in expected if f in self.after and foretold[f] != self.after[f]}


_UNSAID = object()


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One episode as it was lived: its task, goal, opening belief and transitions."""

    task: str
    goal: Goal
    start: State
    transitions: tuple[Transition, ...] = field(default=())

    def __iter__(self) -> Iterator[Transition]:
        return iter(self.transitions)

    def __len__(self) -> int:
        return len(self.transitions)


# --- protocols ---------------------------------------------------------------------------------------------------


@runtime_checkable
class Environment(Protocol):
    """A set of tasks that can be played one at a time.

    ``goal`` and ``vocabulary`` describe the task begun by the latest ``reset``.
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
    plays ones of at most ``max_steps``. ``goals`` lists the ways in which goals can be worded, the default first; all others are
    people's own words, which only a language model reads.
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
    """Judges how near a state is to the goal."""

    def judge(self, state: State, goal: Goal) -> float:
        """Return 1.0 where the goal is known to be reached, 0.0 where nothing of it is."""


class Planner(Protocol):
    """Chooses a course of action."""

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return the plan whose first action is to be done now; ``history`` is the episode so far."""


@dataclass(frozen=True, slots=True)
class PlannerParts:
    """What a planner is made from, for one episode.

    ``opening`` is the episode's first observation: where it lists actions, only listed ones are to be chosen. ``rng`` is all the chance
    there is. ``pays`` is False where nothing known ever brings a reward, so that none needs to be looked for.
    """

    proposer: Proposer
    model: WorldModel
    vocabulary: Vocabulary
    opening: Observation
    rng: random.Random
    pays: bool = True


@dataclass(frozen=True, slots=True)
class PlannerSpec:
    """What an entry point of the group ``agentwm.planners`` names."""

    name: str
    summary: str
    make: Callable[[PlannerParts], Planner]


class Inducer(Protocol):
    """Finds the rules behind what was seen."""

    def induce(self, trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> object:
        """Return a rule store that explains ``trajectories``."""
