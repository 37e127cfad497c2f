"""Gymnasium's FrozenLake-v1: a walk over slippery ice with holes, on the map of 4x4 or of 8x8."""

from collections.abc import Mapping, Sequence

from agentwm.types import EnvironmentOptions, Goal
from agentwm_environments.tasks import settle

from .toy_text import CellWorld, engine, spec

__all__ = ["SPEC", "TRUE_RULES", "FrozenLakeEnvironment", "make"]

_KINDS = {"S": "start", "F": "ice", "H": "hole", "G": "goal"}
_HORIZONS = {"4x4": 100, "8x8": 200}
_MOVES = {"left": (0, -1), "down": (1, 0), "right": (0, 1), "up": (-1, 0)}  # Gymnasium's actions 0 to 3


TRUE_RULES = """\
left then 0.333 success: at() becomes up(at()); or 0.333 success: at() becomes left(at()); or 0.333 success: at() becomes down(at())
down then 0.333 success: at() becomes left(at()); or 0.333 success: at() becomes down(at()); or 0.333 success: at() becomes right(at())
right then 0.333 success: at() becomes down(at()); or 0.333 success: at() becomes right(at()); or 0.333 success: at() becomes up(at())
up then 0.333 success: at() becomes right(at()); or 0.333 success: at() becomes up(at()); or 0.333 success: at() becomes left(at())
any action leading to kind(at()) is "hole" then 1.00 success: the end
any action leading to kind(at()) is "goal" then 1.00 success: reward 1, the end
"""
"""The truth as rules, one a line."""


class FrozenLakeEnvironment(CellWorld):
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
        super().__init__(played, tasks, moves=_MOVES, kinds=kinds, admissible=admissible, about=about)
        self._map_name = map_name

    @property
    def goal(self) -> Goal:
        """Reach the goal."""
        return Goal("reach the goal without falling into a hole")

    @property
    def horizon(self) -> int:
        """As many steps as Gymnasium gives an episode on this map."""
        return _HORIZONS[self._map_name]

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- all tasks are on one map
        """Return the name of the map."""
        return self._map_name


def make(options: EnvironmentOptions) -> FrozenLakeEnvironment:
    """Return the environment that ``options`` asks for; the splits that name no map are on the one of 4x4.

    Raises: ConfigurationError for what cannot be; MissingExtraError when gymnasium is not installed.
    """
    split, tasks, about = settle(options, SPEC)
    map_name = "8x8" if split.endswith("8x8") else "4x4"
    return FrozenLakeEnvironment(tasks, map_name=map_name, admissible=options.admissible, about=about)


SPEC = spec(
    "frozenlake",
    "a walk over slippery ice with holes in it (Gymnasium's FrozenLake-v1)",
    make,
    TRUE_RULES,
    splits=("test", "train", "test_8x8", "train_8x8"),
    learn=150,
    learning_steps=100,
    max_steps=100,
)
