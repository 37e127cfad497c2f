"""Gymnasium's CliffWalking-v1: a walk along the edge of a cliff, from whose foot one begins again."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from agentwm.types import EnvironmentOptions, EnvironmentSpec, FluentSchema, Goal, State, Vocabulary

from .toy_text import Engine, ToyTextWorld, cell, engine, missing, reference, schemas
from .truth import check
from .world import AT, SORTS, entity, settle

__all__ = ["SPEC", "TRUE_RULES", "CliffWalkingEnvironment", "make"]

_VERBS = ("up", "right", "down", "left")  # Gymnasium's actions 0 to 3
_MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}


TRUE_RULES = """\
up then 1.00 success: at() becomes up(at()), reward -1
left then 1.00 success: at() becomes left(at()), reward -1
right when kind(right(at())) is not "cliff" then 1.00 success: at() becomes right(at()), reward -1
down when kind(down(at())) is not "cliff" then 1.00 success: at() becomes down(at()), reward -1
right when kind(right(at())) is "cliff" then 1.00 success: reward -100
down when kind(down(at())) is "cliff" then 1.00 success: at() becomes "cell 3 0", reward -100
any action leading to kind(at()) is "goal" then 1.00 success: the end
"""
"""The truth as rules, one a line. To the right there is cliff only from where one begins, and so one is left there."""


class _Cliff(Engine, Protocol):
    """What is used of CliffWalking beside: how many rows and columns there are, where it begins, and where it is steep."""

    shape: tuple[int, int]
    start_state_index: int
    _cliff: Any


class CliffWalkingEnvironment(ToyTextWorld):
    """Plays CliffWalking-v1; each task is the same.

    A step costs 1 and one over the edge 100, after which one stands where one began. The end is at the goal, and nothing is paid for it.
    """

    name = "cliffwalking"

    def __init__(
        self, tasks: Sequence[str], *, admissible: bool = False, about: Mapping[str, str | int] | None = None
    ) -> None:
        played = cast("_Cliff", engine("CliffWalking-v1"))
        rows, columns = played.shape
        places = [(row, column) for row in range(rows) for column in range(columns)]
        super().__init__(played, tasks, _vocabulary(rows, columns), admissible=admissible, about=about)
        self._cells = [cell(*place) for place in places]
        self._numbers_of_cells = {name: number for number, name in enumerate(self._cells)}
        kinds = ["cliff" if played._cliff[place] else "ground" for place in places]  # noqa: SLF001 -- nothing else says so
        kinds[played.start_state_index], kinds[-1] = "start", "goal"
        self._kinds = dict(zip(self._cells, kinds, strict=True))
        self._facts_of = [{AT: name} for name in self._cells]
        self._statics = {f: v for name, kind in self._kinds.items() for f, v in entity(name, "cell", kind).items()}

    @property
    def goal(self) -> Goal:
        """Reach the goal."""
        return Goal("reach the goal without stepping over the cliff")

    @property
    def is_won(self) -> bool:
        """Whether the goal was reached, which no reward says."""
        return self._state is not None and self._kinds[str(self._state[AT])] == "goal"

    @property
    def _map(self) -> State:
        return self._statics

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- there is one kind
        """Return the name of the world: all tasks are of one kind."""
        return self.name

    def _facts(self, number: int) -> State:
        return self._facts_of[number]

    def _number(self, state: State) -> int:
        return self._numbers_of_cells[str(state[AT])]

    def _describe(self, state: State) -> str:
        here = state[AT]
        return f"You are at {here} ({self._kinds[str(here)]})."


def _vocabulary(rows: int, columns: int) -> Vocabulary:
    references = [
        reference(
            verb,
            {
                cell(row, column): cell(row + down, column + right)
                for row in range(rows)
                for column in range(columns)
                if 0 <= row + down < rows and 0 <= column + right < columns
            },
        )
        for verb, (down, right) in _MOVES.items()
    ]
    fluents = (*SORTS, FluentSchema(AT.name, (), "cell"), *references)
    return Vocabulary({schema.name: schema for schema in fluents}, schemas(_VERBS), reports_failure=False)


def make(options: EnvironmentOptions) -> CliffWalkingEnvironment:
    """Return the environment that ``options`` asks for.

    Raises: ConfigurationError for what cannot be; MissingExtraError when gymnasium is not installed.
    """
    _, tasks, about = settle(options, SPEC)
    return CliffWalkingEnvironment(tasks, admissible=options.admissible, about=about)


def _check() -> Sequence[str]:
    return [] if missing() else check(make(EnvironmentOptions(count=1)))


SPEC = EnvironmentSpec(
    name="cliffwalking",
    summary="a walk along the edge of a cliff (Gymnasium's CliffWalking-v1)",
    splits=("test", "train"),
    engines=("gymnasium",),
    make=make,
    true_rules=TRUE_RULES.splitlines,
    missing=missing,
    check=_check,
    learn=50,
    learning_steps=100,
    max_steps=200,
)
