"""Gymnasium's Taxi-v4: fetch a passenger from one landmark of a small town and bring him to another."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from agentwm.types import EnvironmentOptions, Fluent, FluentSchema, Goal, State, Value, Vocabulary
from agentwm_environments.cells import cell
from agentwm_environments.tasks import settle

from .toy_text import Engine, ToyTextWorld, engine, reference, schemas, spec
from .world import AT, SORTS, entity

__all__ = ["SPEC", "TRUE_RULES", "TaxiEnvironment", "make"]

PASSENGER = Fluent("passenger")
DESTINATION = Fluent("destination")
_TAXI = "taxi"

_VERBS = ("south", "north", "east", "west", "pick up", "drop off")  # Gymnasium's actions 0 to 5
_SIDE = 5


TRUE_RULES = """\
south then 1.00 success: at() becomes south(at()), reward -1
north then 1.00 success: at() becomes north(at()), reward -1
east then 1.00 success: at() becomes east(at()), reward -1
west then 1.00 success: at() becomes west(at()), reward -1
pick up when passenger() is at() then 1.00 success: passenger() becomes "taxi", reward -1
pick up when passenger() is not at() then 1.00 success: reward -10
drop off when passenger() is "taxi" and at() is destination() then 1.00 success: passenger() becomes at(), reward 20, the end
drop off when passenger() is "taxi" and kind(at()) is "landmark" and at() is not destination() \
then 1.00 success: passenger() becomes at(), reward -1
drop off when passenger() is "taxi" and kind(at()) is "street" then 1.00 success: reward -10
drop off when passenger() is not "taxi" then 1.00 success: reward -10
"""
"""The truth as rules, one a line."""


class _Town(Engine, Protocol):
    """What is used of Taxi beside: the landmarks' rows and columns, and the numbering of states."""

    locs: Sequence[tuple[int, int]]

    def encode(self, taxi_row: int, taxi_col: int, pass_loc: int, dest_idx: int) -> int:
        """Return the number of a state."""

    def decode(self, i: int) -> tuple[int, int, int, int]:
        """Return the taxi's row and column, the passenger's landmark (4: in the taxi) and the destination's."""


class TaxiEnvironment(ToyTextWorld):
    """Plays Taxi-v4; each task is a seed of its opening.

    The rewards are Gymnasium's: -1 a step, -10 for picking up or dropping off where that cannot be, 20 at the destination, which ends
    the episode. The walls are in the references alone: where there is one, there is no neighbour.
    """

    name = "taxi"

    def __init__(
        self, tasks: Sequence[str], *, admissible: bool = False, about: Mapping[str, str | int] | None = None
    ) -> None:
        town = cast("_Town", engine("Taxi-v4"))
        super().__init__(town, tasks, _vocabulary(town), admissible=admissible, about=about)
        landmarks = [cell(row, column) for row, column in town.locs]
        self._statics = entity(_TAXI, "taxi", "taxi")
        for name in _cells():
            self._statics |= entity(name, "cell", "landmark" if name in landmarks else "street")
        self._facts_of = [
            {AT: cell(row, column), PASSENGER: (*landmarks, _TAXI)[passenger], DESTINATION: landmarks[destination]}
            for row, column, passenger, destination in map(town.decode, range(len(town.P)))
        ]
        self._numbers_of_facts: dict[tuple[Value, ...], int] = {
            tuple(facts.values()): number for number, facts in enumerate(self._facts_of)
        }

    @property
    def goal(self) -> Goal:
        """Bring the passenger to the destination."""
        return Goal("bring the passenger to the destination")

    @property
    def _map(self) -> State:
        return self._statics

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- all tasks are of one family
        """Return the one family there is."""
        return "fetch and bring"

    def _facts(self, number: int) -> State:
        return self._facts_of[number]

    def _number(self, state: State) -> int:
        return self._numbers_of_facts[state[AT], state[PASSENGER], state[DESTINATION]]

    def _describe(self, state: State) -> str:
        where = "sits in the taxi" if state[PASSENGER] == _TAXI else f"waits at {state[PASSENGER]}"
        return f"You are at {state[AT]}. The passenger {where} and wants to go to {state[DESTINATION]}."


def _cells() -> dict[str, tuple[int, int]]:
    return {cell(row, column): (row, column) for row in range(_SIDE) for column in range(_SIDE)}


def _vocabulary(town: Engine) -> Vocabulary:
    fluents = (
        *SORTS,
        FluentSchema(AT.name, (), "cell"),
        FluentSchema(PASSENGER.name, (), "cell|taxi"),
        FluentSchema(DESTINATION.name, (), "cell"),
        *(reference(side, table) for side, table in _neighbours(town).items()),
    )
    return Vocabulary({schema.name: schema for schema in fluents}, schemas(_VERBS), reports_failure=False)


def _neighbours(town: Engine) -> dict[str, dict[str, str]]:
    """Return the way from cell to cell by side; on the map there is a colon between two cells of a row that no wall parts."""
    tables: dict[str, dict[str, str]] = {side: {} for side in _VERBS[:4]}
    for name, (row, column) in _cells().items():
        if row + 1 < _SIDE:
            tables["south"][name] = cell(row + 1, column)
            tables["north"][cell(row + 1, column)] = name
        if town.desc[1 + row, 2 * column + 2] == b":":
            tables["east"][name] = cell(row, column + 1)
            tables["west"][cell(row, column + 1)] = name
    return tables


def make(options: EnvironmentOptions) -> TaxiEnvironment:
    """Return the environment that ``options`` asks for.

    Raises: ConfigurationError for what cannot be; MissingExtraError when gymnasium is not installed.
    """
    _, tasks, about = settle(options, SPEC)
    return TaxiEnvironment(tasks, admissible=options.admissible, about=about)


SPEC = spec(
    "taxi",
    "fetch a passenger and bring him where he wants to go (Gymnasium's Taxi-v4)",
    make,
    TRUE_RULES,
    learn=12,
    learning_steps=250,
    max_steps=200,
)
