"""What is planned, what planning may spend and what it has spent."""

from dataclasses import dataclass, field, fields

from agentwm.errors import ConfigurationError, quoted
from agentwm.types.experience import Prediction
from agentwm.types.values import Action

__all__ = ["Plan", "PlanningBudget", "Spent"]


@dataclass(frozen=True, slots=True)
class PlanningBudget:
    """The most that one decision may spend, None for no limit.

    ``model_calls`` counts questions to the world model, one per action and state; ``llm_calls`` calls of a language model and ``tokens``
    what these read and write; ``seconds`` is time on the wall; ``depth`` is the most actions looked ahead. The first two and the last are
    kept exactly. Tokens and seconds are known only afterwards: once they are reached nothing more is begun. Outside of it is asked what is
    foretold of the action decided on, to be held against what happens, and what critics other than a language model take is not counted.
    """

    model_calls: int | None = None
    llm_calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    depth: int | None = None

    @classmethod
    def parse(cls, text: str) -> "PlanningBudget":
        """Return the budget that ``text`` describes: ``model_calls=500,seconds=2``, or a bare number of model calls.

        Raises: ConfigurationError for a limit that is unknown, given twice, no number or below zero.
        """
        known = {each.name: float if each.name == "seconds" else int for each in fields(cls)}
        limits: dict[str, float] = {}
        for part in text.split(","):
            name, equals, number = part.strip().rpartition("=")
            name = name.strip() if equals else "model_calls"
            if name not in known or name in limits:
                raise ConfigurationError(
                    f"expected a budget such as model_calls=500,seconds=2 (there are {', '.join(known)}, each once), got {quoted(text)}"
                )
            try:
                limits[name] = known[name](number)
            except ValueError:
                limits[name] = -1
            if not limits[name] >= 0:
                raise ConfigurationError(f"expected a number, 0 or more, for {name} in the budget {quoted(text)}")
        return cls(**limits)  # type: ignore[arg-type]  # each limit was read as its field has it

    def __str__(self) -> str:
        given = {each.name: limit for each in fields(self) if (limit := getattr(self, each.name)) is not None}
        told = [f"{name}={f'{limit:.15g}' if name == 'seconds' else limit}" for name, limit in given.items()]
        return ",".join(told) or "no limit"


@dataclass(frozen=True, slots=True)
class Spent:
    """What decisions have cost; can be added.

    ``decisions`` counts them, ``one_step`` those of them that needed no look ahead, and ``model_calls_saved`` what looking ahead there
    would have cost, by the average of the others.
    """

    decisions: int = 0
    model_calls: int = 0
    llm_calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    one_step: int = 0
    model_calls_saved: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Plan:
    """A course of action: ``actions`` in order, why it was chosen, and whether it is expected to reach the goal.

    ``cost`` is the expected number of steps to the goal, as far as the planner can tell. No actions means that the
    planner has nothing to offer. A bold plan goes against the letter of the rules, for want of a better one. ``predictions`` are what the
    world model foretells, action by action, as far as it was asked. ``value`` is the return that is expected of the plan, None where
    nobody weighed it; ``considered`` are the other plans it was weighed against, the best first, and ``spent`` is what that cost. A plan
    that ``is_vetoed`` was not to be done: the world model foretells its first action to fail.
    """

    actions: tuple[Action, ...]
    reason: str
    reaches_goal: bool = False
    cost: float = float("inf")
    predictions: tuple[Prediction, ...] = ()
    is_bold: bool = False
    value: float | None = None
    is_vetoed: bool = False
    considered: tuple["Plan", ...] = ()
    spent: Spent = field(default_factory=Spent)
