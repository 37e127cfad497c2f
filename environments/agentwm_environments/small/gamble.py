"""Two doors: a risky one, behind which there is mostly a treasure and else a pit, and a safe one to a smaller, sure reward.

It is the smallest world in which whoever takes luck for control loses: what comes mostly of the risky door, and the best that can come of
it, are both better than what comes of the safe one; what comes of it on average is worse.
"""

import copy
import random
from collections.abc import Mapping, Sequence

from agentwm.types import (
    Action,
    EnvironmentOptions,
    EnvironmentSpec,
    FluentSchema,
    Goal,
    Outcome,
    Reference,
    State,
    Vocabulary,
)
from agentwm_environments.tasks import settle

from .optimum import BestPolicy
from .toy_text import schemas
from .truth import check, reachable, spread
from .world import AT, SORTS, SmallWorld, entity

__all__ = ["OPTIMAL_RETURN", "RISKY_RETURN", "SPEC", "TRUE_RULES", "VOCABULARY", "GambleEnvironment", "make"]

_REWARDS = {"fork": 0.0, "corridor": 0.0, "treasure": 2.0, "pit": -10.0, "garden": 1.0}
"""The places, and what arriving there pays; there is an end wherever something is paid."""

_WAYS = {
    ("fork", "risky"): (("treasure", 0.6), ("pit", 0.4)),
    ("fork", "safe"): (("corridor", 1.0),),
    ("corridor", "on"): (("garden", 1.0),),
}
"""Where each verb leads from where, and with what probability; elsewhere it leads nowhere."""

OPTIMAL_RETURN = _REWARDS["garden"]
"""The most that a policy can get on average: that of the safe door."""

RISKY_RETURN = sum(chance * _REWARDS[place] for place, chance in _WAYS["fork", "risky"])
"""What the risky door brings on average."""

VOCABULARY = Vocabulary(
    {schema.name: schema for schema in (*SORTS, FluentSchema(AT.name, (), "place"))},
    schemas(("risky", "safe", "on")),
    reports_failure=False,
)


TRUE_RULES = """\
risky when kind(at()) is "fork" then 0.60 success: at() becomes "treasure"; or 0.40 success: at() becomes "pit"
safe when kind(at()) is "fork" then 1.00 success: at() becomes "corridor"
on when kind(at()) is "corridor" then 1.00 success: at() becomes "garden"
any action leading to kind(at()) is "treasure" then 1.00 success: reward 2, the end
any action leading to kind(at()) is "pit" then 1.00 success: reward -10, the end
any action leading to kind(at()) is "garden" then 1.00 success: reward 1, the end
"""
"""The truth as rules, one a line."""


class GambleEnvironment(SmallWorld):
    """Plays a choice between two doors; each task is a seed of its chance."""

    name = "gamble"

    def __init__(
        self, tasks: Sequence[str], *, admissible: bool = False, about: Mapping[str, str | int] | None = None
    ) -> None:
        super().__init__(tasks, VOCABULARY, admissible=admissible, about=about)

    @property
    def goal(self) -> Goal:
        """Get as much as can be had."""
        return Goal("get as much reward as can be had")

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- all tasks are of one family
        """Return the one family there is."""
        return "two doors"

    def truth(self, state: State, action: Action) -> tuple[Outcome, ...]:
        """Return where the way leads, or that it leads nowhere; see `KnownWorld`."""
        ways = _WAYS.get((str(state[AT]), action.verb))
        if ways is None:
            return (Outcome(1.0, {}, reward=0.0, terminated=False),)
        return tuple(
            Outcome(chance, {AT: place}, reward=_REWARDS[place], terminated=_REWARDS[place] != 0)
            for place, chance in ways
        )

    def states(self, rng: random.Random, number: int) -> list[State]:
        """Return the fork and the corridor; see `KnownWorld`."""
        return spread(self, reachable(self, [_OPENING]), rng, number)

    def reference(self, task: str, *, seed: int = 0) -> Reference:
        """Return what the best policy gets; see `Referenced`."""
        twin = copy.copy(self)  # so that an episode in progress is not disturbed
        return BestPolicy(twin, [_OPENING], SPEC.max_steps).reference(task, seed=seed)

    def _begin(self, task: str) -> State:  # noqa: ARG002 -- a task is nothing but its chance
        return _OPENING

    def _describe(self, state: State) -> str:
        return f"You are at the {state[AT]}."


_OPENING: State = {AT: "fork"} | {
    fluent: value for place in _REWARDS for fluent, value in entity(place, "place", place).items()
}


def make(options: EnvironmentOptions) -> GambleEnvironment:
    """Return the environment that ``options`` asks for.

    Raises: ConfigurationError for what cannot be.
    """
    _, tasks, about = settle(options, SPEC)
    return GambleEnvironment(tasks, admissible=options.admissible, about=about)


SPEC = EnvironmentSpec(
    name="gamble",
    summary="a choice between a risky door and a safe one",
    splits=("test", "train"),
    engines=("fast",),
    make=make,
    true_rules=TRUE_RULES.splitlines,
    check=lambda: check(make(EnvironmentOptions(count=1))),
    learn=100,
    learning_steps=10,
    max_steps=10,
)
