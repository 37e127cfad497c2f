"""What the worlds of Gymnasium's ``toy_text`` share: numbered states, numbered actions, and a table of what leads where."""

import copy
import importlib.util
import random
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol, cast

from agentwm.errors import MissingExtraError
from agentwm.types import (
    Action,
    ActionSchema,
    EnvironmentOptions,
    EnvironmentSpec,
    FluentSchema,
    Outcome,
    Reference,
    State,
    Value,
    Vocabulary,
)
from agentwm_environments.cells import cell

from .optimum import BestPolicy
from .truth import check, merged, reachable, spread
from .world import AT, SORTS, SmallWorld, entity

__all__ = ["CellWorld", "ToyTextWorld", "engine", "missing", "reference", "schemas", "spec"]

_HORIZON = 200


class Engine(Protocol):
    """What is used of an environment of ``toy_text``.

    ``P`` leads from a state and an action to all that may follow: probability, next state, reward, end. ``desc`` is the map.
    """

    P: Mapping[int, Mapping[int, Sequence[tuple[float, int, float, bool]]]]
    initial_state_distrib: Sequence[float]
    desc: Any

    def reset(self, *, seed: int) -> tuple[int, object]:
        """Return the opening state."""

    def step(self, a: int) -> tuple[int, float, bool, bool, object]:
        """Return the next state, the reward, and whether this is the end."""


def missing() -> str | None:
    """Return what keeps Gymnasium's worlds from running here and what installs it, or None."""
    if importlib.util.find_spec("gymnasium") is None:
        return "this world needs gymnasium, which is not installed: pip install 'agentwm[gym]'"
    return None


def engine(name: str, **options: Any) -> Engine:
    """Return Gymnasium's environment ``name`` without its wrappers, and so without a limit of time.

    Raises: MissingExtraError when gymnasium is not installed.
    """
    if reason := missing():
        raise MissingExtraError(reason)
    import gymnasium  # noqa: PLC0415 -- an extra, and heavy: being listed must not import it

    return cast("Engine", gymnasium.make(name, **options).unwrapped)


def reference(name: str, neighbours: Mapping[str, str]) -> FluentSchema:
    """Declare the derived fluent that leads from a cell to its neighbour, None where there is none."""
    return FluentSchema(name, ("cell",), "cell", derive=partial(_neighbour, neighbours), is_reference=True)


def _neighbour(neighbours: Mapping[str, str], _state: State, args: tuple[str, ...]) -> Value:
    return neighbours.get(args[0])


def schemas(verbs: Sequence[str]) -> dict[str, ActionSchema]:
    """Declare ``verbs``, which are written as they are named and take no arguments."""
    return {verb: ActionSchema(verb, (), verb) for verb in verbs}


class ToyTextWorld(SmallWorld):
    """Plays an environment of ``toy_text``, whose action number n is the n-th verb of the vocabulary."""

    def __init__(
        self,
        played: Engine,
        tasks: Sequence[str],
        vocabulary: Vocabulary,
        *,
        admissible: bool = False,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(
            tasks, vocabulary, admissible=admissible, about={**(about or {}), "gymnasium": version("gymnasium")}
        )
        self._engine = played
        self._best: BestPolicy | None = None
        self._numbers = {Action(verb): number for number, verb in enumerate(vocabulary.actions)}

    @abstractmethod
    def _facts(self, number: int) -> State:
        """Return the fluents that can change, as they are in the state ``number``."""

    @abstractmethod
    def _number(self, state: State) -> int:
        """Return the number of ``state``."""

    @property
    @abstractmethod
    def _map(self) -> State:
        """The facts that never change."""

    def truth(self, state: State, action: Action) -> tuple[Outcome, ...]:
        """Return what Gymnasium's own table says; see `KnownWorld`."""
        rows = self._engine.P[self._number(state)][self._numbers[action]]
        return merged([self._outcome(state, *row) for row in rows])

    def states(self, rng: random.Random, number: int) -> list[State]:
        """Return states to compare on, from all that can be reached; see `KnownWorld`."""
        return spread(self, reachable(self, self._openings()), rng, number)

    def reference(self, task: str, *, seed: int = 0) -> Reference:
        """Return what the best policy gets in ``task`` within `horizon` steps; see `Referenced`."""
        if self._best is None:
            twin = copy.copy(self)  # with an engine of its own, so that an episode in progress is not disturbed
            twin._engine = copy.deepcopy(self._engine)  # noqa: SLF001 -- of its own kind
            self._best = BestPolicy(twin, self._openings(), self.horizon)
        return self._best.reference(task, seed=seed)

    @property
    def horizon(self) -> int:
        """How many steps the best policy may take: as many as Gymnasium gives an episode, or enough."""
        return _HORIZON

    def _openings(self) -> list[State]:
        chances = enumerate(self._engine.initial_state_distrib)
        return [{**self._map, **self._facts(start)} for start, chance in chances if chance > 0]

    def _begin(self, task: str) -> State:  # noqa: ARG002 -- a task is nothing but its chance
        start, _ = self._engine.reset(seed=self._rng.getrandbits(31))
        return {**self._map, **self._facts(start)}

    def _do(self, state: State, action: Action) -> Outcome:
        number, reward, is_over, _, _ = self._engine.step(self._numbers[action])
        return self._outcome(state, 1.0, number, reward, is_over)

    def _outcome(self, state: State, chance: float, number: int, reward: float, is_over: bool) -> Outcome:  # noqa: FBT001 -- a row of the table
        changes = {fluent: value for fluent, value in self._facts(number).items() if state[fluent] != value}
        return Outcome(float(chance), changes, reward=float(reward), terminated=bool(is_over))


class CellWorld(ToyTextWorld):
    """Plays a world of cells of several kinds, in which nothing changes but where one is; ``moves`` are (rows down, columns right).

    ``kinds`` are those of the cells, row by row, and the state number n is to be in the n-th cell.
    """

    def __init__(
        self,
        played: Engine,
        tasks: Sequence[str],
        *,
        moves: Mapping[str, tuple[int, int]],
        kinds: Sequence[Sequence[str]],
        admissible: bool = False,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        cells = {(row, column): cell(row, column) for row, line in enumerate(kinds) for column, _ in enumerate(line)}
        super().__init__(played, tasks, _cell_vocabulary(cells, moves), admissible=admissible, about=about)
        self._kinds = {name: kinds[row][column] for (row, column), name in cells.items()}
        self._facts_of = [{AT: name} for name in self._kinds]
        self._numbers_of_cells = {name: number for number, name in enumerate(self._kinds)}
        self._statics = {f: v for name, kind in self._kinds.items() for f, v in entity(name, "cell", kind).items()}

    @property
    def _map(self) -> State:
        return self._statics

    def _facts(self, number: int) -> State:
        return self._facts_of[number]

    def _number(self, state: State) -> int:
        return self._numbers_of_cells[str(state[AT])]

    def _describe(self, state: State) -> str:
        here = str(state[AT])
        return f"You are at {here} ({self._kinds[here]})."


def _cell_vocabulary(cells: Mapping[tuple[int, int], str], moves: Mapping[str, tuple[int, int]]) -> Vocabulary:
    references = [
        reference(
            verb,
            {
                name: cells[row + down, column + right]
                for (row, column), name in cells.items()
                if (row + down, column + right) in cells
            },
        )
        for verb, (down, right) in moves.items()
    ]
    fluents = (*SORTS, FluentSchema(AT.name, (), "cell"), *references)
    return Vocabulary({schema.name: schema for schema in fluents}, schemas(tuple(moves)), reports_failure=False)


def spec(  # noqa: PLR0913 -- what distinguishes one such world from another
    name: str,
    summary: str,
    make: Callable[[EnvironmentOptions], ToyTextWorld],
    true_rules: str,
    *,
    learn: int,
    learning_steps: int,
    max_steps: int,
    splits: tuple[str, ...] = ("test", "train"),
) -> EnvironmentSpec:
    """Declare the world of ``toy_text`` that ``make`` makes."""
    return EnvironmentSpec(
        name=name,
        summary=summary,
        splits=splits,
        engines=("gymnasium",),
        make=make,
        true_rules=true_rules.splitlines,
        missing=missing,
        check=lambda: [] if missing() else check(make(EnvironmentOptions(count=1))),
        learn=learn,
        learning_steps=learning_steps,
        max_steps=max_steps,
    )
