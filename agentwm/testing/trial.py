"""Puts a planner on trial: it decides step after step in a world while everything that it asks is noted, and held against the contract."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agentwm.agent import Episode
from agentwm.errors import quoted
from agentwm.minds import acting_mind
from agentwm.testing.witness import Asked, Witness
from agentwm.testing.worlds import World
from agentwm.types import Action, Fluent, Plan, Planner, PlannerSpec, PlanningBudget, Query, State, Vocabulary

__all__ = ["Decision", "Trial", "why_illegal"]

PER_DECISION = PlanningBudget(model_calls=50)
NEVER_S = 1e9


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided in ``state``, what was asked for it, and how many actions were looked ahead."""

    state: State
    plan: Plan
    asked: Asked
    ahead: int


@dataclass(frozen=True, slots=True)
class Trial:
    """The first ``steps`` decisions of a planner in a world, each held to ``budget``, all chance drawn by ``seed``.

    A question to the world model takes ``question_s`` on a clock of its own. With ``listed_in`` n, observations list every n-th of the
    admissible actions, and only these are to be chosen; 0 for no list. Where it ``talks``, what is proposed and judged costs calls of a
    language model.
    """

    spec: PlannerSpec
    world: World
    budget: PlanningBudget = PER_DECISION
    steps: int = 3
    seed: int = 0
    question_s: float = 0.0
    listed_in: int = 0
    talks: bool = False

    def decisions(self) -> Iterator[Decision]:
        """Yield the decisions, each once it is known to be explicit, legal and without side effects, and then do it.

        Raises: AssertionError for one that is not.
        """
        episode = self.world.begin(lists=self.listed_in > 0)
        self._shorten_list(episode)
        witness = Witness(question_s=self.question_s, talks=self.talks)
        mind = acting_mind(
            self.spec,
            self.world.store,
            episode,
            rng=random.Random(self.seed),
            # With some limit of time, the meter reads the clock.
            budget=self.budget if self.budget.seconds is not None else replace(self.budget, seconds=NEVER_S),
            beside=witness.beside,
            clock=witness.clock,
        )
        for _ in range(self.steps):
            decision = self._decided(episode, mind.planner, witness)
            yield decision
            if not decision.plan.actions:
                return
            [prediction] = witness.model.predict([Query(episode.state, decision.plan.actions[0])])
            episode.step(decision.plan.actions[0], prediction)
            self._shorten_list(episode)
            if episode.is_over:
                return

    def expect(self, *, that: bool, expected: str, got: object) -> None:
        """Raise an AssertionError that says what was expected, and where, unless it is so."""
        if not that:
            raise AssertionError(self._failed(expected, got))

    def _failed(self, expected: str, got: object) -> str:
        place = f"{self.world.environment} with {self.budget}"
        return f"the planner {self.spec.name}, in {place}: expected {expected}, got {quoted(got)}"

    def planned(self, episode: Episode, planner: Planner) -> Plan:
        """Return what is planned. Raises: AssertionError where there is an error instead, or nobody says why."""
        try:
            plan = planner.plan(episode.state, episode.aim, episode.transitions)
        except AssertionError:
            raise
        except Exception as error:  # a planner may break in any way, and each is what is looked for
            raise AssertionError(self._failed("a plan, perhaps without actions", error)) from error
        self.expect(that=bool(plan.reason), expected="a plan that says why", got=plan)
        return plan

    def _decided(self, episode: Episode, planner: Planner, witness: Witness) -> Decision:
        state, history = dict(episode.state), list(episode.transitions)
        witness.begin()
        plan = self.planned(episode, planner)
        unchanged = list(state.items()) == list(episode.state.items())
        self.expect(that=unchanged, expected="the state to be left as it was", got=episode.state)
        self.expect(
            that=history == episode.transitions, expected="the history to be left as it was", got=episode.transitions
        )
        if plan.actions:
            wrong = why_illegal(plan.actions[0], episode.state, episode.vocabulary, episode.observation.actions)
            self.expect(that=wrong is None, expected=f"a first action that {wrong}", got=str(plan.actions[0]))
        return Decision(episode.state, plan, witness.asked, witness.farthest(episode.state))

    def _shorten_list(self, episode: Episode) -> None:
        """Drop from what the latest observation lists all but every so-manieth action."""
        listed = episode.observation.actions
        if listed is not None:
            episode.observation = replace(episode.observation, actions=listed[:: self.listed_in])
            if episode.transitions:
                episode.transitions[-1] = replace(episode.transitions[-1], observation=episode.observation)


def why_illegal(
    action: Action, state: State, vocabulary: Vocabulary, listed: Sequence[Action] | None = None
) -> str | None:
    """Return what a legal action would do that ``action`` does not, None where it is legal.

    Its verb is known, it is done with known things of the sorts that the verb asks for, and it is one of those ``listed``, if any are.
    """
    schema = vocabulary.actions.get(action.verb)
    if schema is None:
        return f"has one of the verbs {', '.join(vocabulary.actions)}"
    if len(action.args) != len(schema.parameters):
        return f"has {len(schema.parameters)} arguments"
    for arg, wanted in zip(action.args, schema.parameters, strict=True):
        sort = state.get(Fluent("sort", (arg,)))
        if sort is None or not ({"any", sort} & set(wanted.split("|"))):
            return f"is done with a known {wanted} (not {arg})"
    if listed is not None and action not in listed:
        return "is listed"
    return None
