"""Gymnasium's CliffWalking-v1: a walk along the edge of a cliff, from whose foot one begins again."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from agentwm.types import EnvironmentOptions, Goal
from agentwm_environments.tasks import settle

from .toy_text import CellWorld, Engine, engine, spec
from .world import AT

__all__ = ["SPEC", "TRUE_RULES", "CliffWalkingEnvironment", "make"]

_MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}  # Gymnasium's actions 0 to 3


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


class CliffWalkingEnvironment(CellWorld):
    """Plays CliffWalking-v1; each task is the same.

    A step costs 1 and one over the edge 100, after which one stands where one began. The end is at the goal, and nothing is paid for it.
    """

    name = "cliffwalking"

    def __init__(
        self, tasks: Sequence[str], *, admissible: bool = False, about: Mapping[str, str | int] | None = None
    ) -> None:
        played = cast("_Cliff", engine("CliffWalking-v1"))
        rows, columns = played.shape
        kinds = [
            ["cliff" if played._cliff[row, column] else "ground" for column in range(columns)]  # noqa: SLF001 -- nothing else says so
            for row in range(rows)
        ]
        row, column = divmod(played.start_state_index, columns)
        kinds[row][column], kinds[-1][-1] = "start", "goal"
        super().__init__(played, tasks, moves=_MOVES, kinds=kinds, admissible=admissible, about=about)

    @property
    def goal(self) -> Goal:
        """Reach the goal."""
        return Goal("reach the goal without stepping over the cliff")

    @property
    def is_won(self) -> bool:
        """Whether the goal was reached, which no reward says."""
        return self._state is not None and self._kinds[str(self._state[AT])] == "goal"

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- there is one kind
        """Return the name of the world: all tasks are of one kind."""
        return self.name


def make(options: EnvironmentOptions) -> CliffWalkingEnvironment:
    """Return the environment that ``options`` asks for.

    Raises: ConfigurationError for what cannot be; MissingExtraError when gymnasium is not installed.
    """
    _, tasks, about = settle(options, SPEC)
    return CliffWalkingEnvironment(tasks, admissible=options.admissible, about=about)


SPEC = spec(
    "cliffwalking",
    "a walk along the edge of a cliff (Gymnasium's CliffWalking-v1)",
    make,
    TRUE_RULES,
    learn=50,
    learning_steps=100,
    max_steps=200,
)
