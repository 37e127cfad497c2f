"""Gymnasium's FrozenLake-v1: a walk over slippery ice with holes, on the map of 4x4 or of 8x8."""

from collections.abc import Mapping, Sequence

from agentwm.types import EnvironmentOptions, EnvironmentSpec, FluentSchema, Goal, State, Vocabulary

from .toy_text import ToyTextWorld, cell, engine, missing, reference, schemas
from .truth import check
from .world import AT, SORTS, entity, settle

__all__ = ["SPEC", "TRUE_RULES", "FrozenLakeEnvironment", "make"]

_KINDS = {"S": "start", "F": "ice", "H": "hole", "G": "goal"}
_VERBS = ("left", "down", "right", "up")  # Gymnasium's actions 0 to 3
_HORIZONS = {"4x4": 100, "8x8": 200}
_MOVES = {"left": (0, -1), "down": (1, 0), "right": (0, 1), "up": (-1, 0)}


TRUE_RULES = """\
left then 0.333 success: at() becomes up(at()); or 0.333 success: at() becomes left(at()); or 0.333 success: at() becomes down(at())
down then 0.333 success: at() becomes left(at()); or 0.333 success: at() becomes down(at()); or 0.333 success: at() becomes right(at())
right then 0.333 success: at() becomes down(at()); or 0.333 success: at() becomes right(at()); or 0.333 success: at() becomes up(at())
up then 0.333 success: at() becomes right(at()); or 0.333 success: at() becomes up(at()); or 0.333 success: at() becomes left(at())
any action leading to kind(at()) is "hole" then 1.00 success: the end
any action leading to kind(at()) is "goal" then 1.00 success: reward 1, the end
"""
"""The truth as rules, one a line."""


class FrozenLakeEnvironment(ToyTextWorld):
    """Plays FrozenLake-v1, slippery, on the map ``4x4`` or ``8x8``; each task is a seed of its chance.

    The reward is 1 at the goal, which ends the episode; so does a hole, without one.
    """

    name = "frozenlake"

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        map_name: str = "4x4",
        admissible: bool = False,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        played = engine("FrozenLake-v1", map_name=map_name, is_slippery=True)
        kinds = [[_KINDS[letter.decode()] for letter in row] for row in played.desc]
        super().__init__(played, tasks, _vocabulary(kinds), admissible=admissible, about=about)
        self._cells = [cell(row, column) for row, line in enumerate(kinds) for column, _ in enumerate(line)]
        self._numbers_of_cells = {name: number for number, name in enumerate(self._cells)}
        self._kinds = dict(zip(self._cells, (kind for line in kinds for kind in line), strict=True))
        self._facts_of = [{AT: name} for name in self._cells]
        self._statics = {f: v for name, kind in self._kinds.items() for f, v in entity(name, "cell", kind).items()}
        self._map_name = map_name

    @property
    def goal(self) -> Goal:
        """Reach the goal."""
        return Goal("reach the goal without falling into a hole")

    @property
    def horizon(self) -> int:
        """As many steps as Gymnasium gives an episode on this map."""
        return _HORIZONS[self._map_name]

    @property
    def _map(self) -> State:
        return self._statics

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- all tasks are on one map
        """Return the name of the map."""
        return self._map_name

    def _facts(self, number: int) -> State:
        return self._facts_of[number]

    def _number(self, state: State) -> int:
        return self._numbers_of_cells[str(state[AT])]

    def _describe(self, state: State) -> str:
        here = state[AT]
        return f"You are at {here} ({self._kinds[str(here)]})."


def _vocabulary(kinds: Sequence[Sequence[str]]) -> Vocabulary:
    cells = {(row, column): cell(row, column) for row, line in enumerate(kinds) for column, _ in enumerate(line)}
    references = [
        reference(
            verb,
            {
                name: cells[row + down, column + right]
                for (row, column), name in cells.items()
                if (row + down, column + right) in cells
            },
        )
        for verb, (down, right) in _MOVES.items()
    ]
    fluents = (*SORTS, FluentSchema(AT.name, (), "cell"), *references)
    return Vocabulary({schema.name: schema for schema in fluents}, schemas(_VERBS), reports_failure=False)


def make(options: EnvironmentOptions) -> FrozenLakeEnvironment:
    """Return the environment that ``options`` asks for; the splits that name no map are on the one of 4x4.

    Raises: ConfigurationError for what cannot be; MissingExtraError when gymnasium is not installed.
    """
    split, tasks, about = settle(options, SPEC)
    map_name = "8x8" if split.endswith("8x8") else "4x4"
    return FrozenLakeEnvironment(tasks, map_name=map_name, admissible=options.admissible, about=about)


def _check() -> Sequence[str]:
    return [] if missing() else check(make(EnvironmentOptions(count=1)))


SPEC = EnvironmentSpec(
    name="frozenlake",
    summary="a walk over slippery ice with holes in it (Gymnasium's FrozenLake-v1)",
    splits=("test", "train", "test_8x8", "train_8x8"),
    engines=("gymnasium",),
    make=make,
    true_rules=TRUE_RULES.splitlines,
    missing=missing,
    check=_check,
    learn=150,
    learning_steps=100,
    max_steps=100,
)
