"""What stands behind a planner's parts while it is tested: a world model that notes what it is asked, and a clock that it moves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from agentwm.agent import Episode
from agentwm.backends.rationed import Allowance
from agentwm.types import (
    Action,
    Critic,
    Fluent,
    Goal,
    Plan,
    PlannerParts,
    Prediction,
    Proposer,
    Query,
    Situation,
    State,
    Value,
    WorldModel,
)

__all__ = ["Asked", "Clock", "Witness"]

NONE: Mapping[Action, Sequence[Situation]] = MappingProxyType({})
MOST_REFUSALS = 10_000  # in a row, after which it is taken for granted that a planner would ask for ever

Key = frozenset[tuple[Fluent, Value]]


class Clock:
    """A clock that stands still but for `pass_s`.

    The meter reads it whenever it is asked something. So one that is read again and again, and no time passes, shows a planner that does
    not stop where its budget does: that is an AssertionError, and not a test that never ends.
    """

    def __init__(self) -> None:
        self.now_s = 0.0
        self._readings = 0

    def __call__(self) -> float:
        """Return the seconds that have passed."""
        self._readings += 1
        if self._readings > MOST_REFUSALS:
            raise AssertionError(f"expected an end where the budget is spent, got {MOST_REFUSALS} more attempts to ask")
        return self.now_s

    def pass_s(self, seconds: float) -> None:
        """Let time pass, perhaps none: something is answered."""
        self.now_s += seconds
        self._readings = 0


@dataclass(slots=True)
class Asked:
    """What was asked in one decision: when each batch of questions was begun, the questions, and the calls of a language model."""

    begun_s: list[float] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    llm_calls: int = 0


class Witness:
    """Stands in for the parts that a planner asks, notes what it asks of them, and answers as they would.

    The world model is on the far side of the meter: what is noted is what was asked in earnest. A question takes ``question_s`` on
    ``clock``. Where it ``talks``, every plan that is proposed and every judgement costs a call of a language model, which is rationed as
    real ones are.
    """

    def __init__(self, *, question_s: float = 0.0, talks: bool = False) -> None:
        self.clock = Clock()
        self.asked = Asked()
        self.model: WorldModel
        self._question_s = question_s
        self._talks = talks
        self._allowance = Allowance()
        self._led: dict[Key, set[Key]] = {}

    def beside(self, parts: PlannerParts, episode: Episode) -> PlannerParts:  # noqa: ARG002 -- as `acting_mind` has it
        """Return ``parts`` with this in their place."""
        self.model = parts.model
        if not self._talks:
            return replace(parts, model=self)
        return replace(
            parts,
            model=self,
            proposer=_Talking(parts.proposer, self),
            policy=_Talking(parts.policy, self),
            critic=None if parts.critic is None else _Judging(parts.critic, self),
            ration=self._allowance,
        )

    def begin(self) -> None:
        """Begin a decision."""
        self.asked = Asked()

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return what the world model foretells, once all is noted."""
        if queries:
            self.asked.begun_s.append(self.clock.now_s)
            self.asked.queries += queries
            self.clock.pass_s(self._question_s * len(queries))
        predictions = self.model.predict(queries)
        for query, prediction in zip(queries, predictions, strict=False):
            after = self._led.setdefault(_key(query.state), set())
            after.update(_key({**query.state, **outcome.changes}) for outcome in prediction.outcomes)
        return predictions

    def admit(self) -> None:
        """Count a call of the language model. Raises: DecisionSpentError where there is none left."""
        if not self._allowance.admit(1):
            raise self._allowance.refusal()
        self.asked.llm_calls += 1

    def farthest(self, start: State) -> int:
        """Return how many actions were looked ahead from ``start`` in this decision, by the shortest ways that were ever foretold.

        A state that nobody foretold is not counted: it was thought up, not looked ahead to.
        """
        distance = {_key(start): 0}
        waiting = list(distance)
        for key in waiting:
            new = [after for after in self._led.get(key, ()) if after not in distance]
            distance.update(dict.fromkeys(new, distance[key] + 1))
            waiting += new
        asked = {_key(query.state) for query in self.asked.queries}
        return max((1 + distance[key] for key in asked if key in distance), default=0)


class _Talking:
    """A proposer that asks a language model before each plan of another proposer that it passes on."""

    def __init__(self, proposer: Proposer, witness: Witness) -> None:
        self._proposer = proposer
        self._witness = witness

    def propose(
        self, state: State, goal: Goal, *, avoid: Mapping[Action, Sequence[Situation]] = NONE
    ) -> Iterator[Plan]:
        for plan in self._proposer.propose(state, goal, avoid=avoid):
            self._witness.admit()
            yield plan


class _Judging:
    """A critic that asks a language model before it judges as another one does."""

    def __init__(self, critic: Critic, witness: Witness) -> None:
        self._critic = critic
        self._witness = witness

    def judge(self, states: Sequence[State], goal: Goal) -> list[float]:
        self._witness.admit()
        return self._critic.judge(states, goal)


def _key(state: State) -> Key:
    return frozenset(state.items())
