"""Model predictive control: propose plans, roll them out in the world model, do the first step of the best, look again.

A plan is kept while its predictions come true. What failed twice in this episode, or changed nothing, is not tried again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentwm.models.rule_model import apply
from agentwm.planners.listing import listed_actions
from agentwm.types import (
    Action,
    Condition,
    Fluent,
    Goal,
    Observation,
    Plan,
    PlannerParts,
    PlannerSpec,
    Prediction,
    Proposer,
    Query,
    Ref,
    Situation,
    State,
    Transition,
    Vocabulary,
    WorldModel,
)

__all__ = ["SPEC", "ModelPredictiveControl", "roll_out", "setbacks"]

PATIENCE = 3


def roll_out(plan: Plan, state: State, model: WorldModel) -> list[tuple[State, Prediction]]:
    """Return what the model expects of each action of ``plan`` in turn: the state after it and the prediction.

    Ends early at an action that the model expects to fail.
    """
    steps = []
    for action in plan.actions:
        (prediction,) = model.predict([Query(state, action)])
        state = apply(state, prediction)
        steps.append((state, prediction))
        if not prediction.success:
            break
    return steps


def setbacks(history: Sequence[Transition], vocabulary: Vocabulary) -> dict[Action, list[Situation]]:
    """Return, per action that failed or showed no effect in this episode, the situations in which that must be expected again.

    A look that showed nothing new is only a setback where it was predicted to change something.
    A situation is what was known of the agent and of the action's arguments. What failed ``PATIENCE`` times is not to be done in any.
    """
    found: dict[Action, list[Situation]] = {}
    for transition in history:
        schema = vocabulary.actions.get(transition.action.verb)
        is_look = schema is not None and schema.inspects
        is_hopeful = transition.predicted is not None and bool(transition.predicted.changes)
        if not transition.succeeded or (not transition.changed and (is_hopeful or not is_look)):
            found.setdefault(transition.action, []).append(_situation(transition, vocabulary))
    return {action: [()] if len(seen) >= PATIENCE else seen for action, seen in found.items()}


def _is_vetoed(prediction: Prediction) -> bool:
    """Whether the rules say that the action fails. Where they are silent, the plan's own optimism stands."""
    return prediction.source == "rules" and not prediction.success


def _situation(transition: Transition, vocabulary: Vocabulary) -> Situation:
    """Return what was known, and what was not, of the agent and of the action's arguments."""
    known, args = transition.after, transition.action.args
    sorts = {arg: known.get(Fluent("sort", (arg,))) for arg in args}
    conditions = []
    for schema in vocabulary.fluents.values():
        if schema.static or schema.hidden or len(schema.parameters) > 1:
            continue
        subjects = [(arg,) for arg in args if sorts[arg] in schema.parameters] if schema.parameters else [()]
        for subject in subjects:
            fluent = Fluent(schema.name, subject)
            if fluent in known:
                conditions.append(Condition(Ref(*fluent), "==", known[fluent]))
            elif not schema.has_default:
                conditions.append(Condition(Ref(*fluent), "unknown", None))
    return tuple(conditions)


class ModelPredictiveControl:
    """Plans with a proposer and a world model.

    With ``opening``, the first observation of the episode, a plan whose first action is not among those that the latest observation lists
    is refused.
    """

    def __init__(
        self, proposer: Proposer, model: WorldModel, vocabulary: Vocabulary, *, opening: Observation | None = None
    ) -> None:
        self._proposer = proposer
        self._model = model
        self._vocabulary = vocabulary
        self._opening = opening
        self._kept: Plan | None = None

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return the rest of the plan that is going well, else the best new one."""
        listed = listed_actions(self._opening, history)
        if (kept := self._continued(state, history)) is not None and (listed is None or kept.actions[0] in listed):
            self._kept = kept
            return kept
        avoid = setbacks(history, self._vocabulary)
        if (again := self.look_again(history, state)) is not None:
            self._kept = None
            return again
        self._kept = self._best(state, goal, avoid, listed)
        return self._kept

    def _continued(self, state: State, history: Sequence[Transition]) -> Plan | None:
        kept = self._kept
        if kept is None or not history or not kept.reaches_goal or len(kept.actions) < 2:
            return None
        last = history[-1]
        if last.action != kept.actions[0] or not last.succeeded or last.surprise:
            return None
        (prediction,) = self._model.predict([Query(state, kept.actions[1])])
        if _is_vetoed(prediction):
            return None
        return replace(kept, actions=kept.actions[1:], predictions=kept.predictions[1:], cost=kept.cost - 1)

    def look_again(self, history: Sequence[Transition], state: State) -> Plan | None:
        """Return a look around after an action surprised by failing or by succeeding, once per situation; else None."""
        if not history:
            return None
        last = history[-1]
        if last.predicted is None or last.predicted.source != "rules" or last.succeeded == last.predicted.success:
            return None
        looks = [a for a in self._vocabulary.actions.values() if a.inspects and not a.parameters]
        if not looks:
            return None
        look = Action(looks[0].verb)
        here = {f: v for f, v in state.items() if not f.args}
        if any(t.action == look and {f: v for f, v in t.after.items() if not f.args} == here for t in history):
            return None
        return Plan((look,), "looks around after a surprise")

    def _best(
        self,
        state: State,
        goal: Goal,
        avoid: Mapping[Action, Sequence[Situation]],
        listed: Sequence[Action] | None = None,
    ) -> Plan:
        refused = dict(avoid)
        for _ in range(4):
            for plan in self._proposer.propose(state, goal, avoid=refused):
                if not plan.actions:  # the goal is believed reached, wrongly: the episode goes on
                    continue
                steps = roll_out(plan, state, self._model)
                if (
                    steps
                    and (plan.is_bold or not _is_vetoed(steps[0][1]))
                    and (listed is None or plan.actions[0] in listed)
                ):
                    return replace(plan, predictions=tuple(prediction for _, prediction in steps))
                refused[plan.actions[0]] = [()]
                break
            else:
                break
        return Plan((), "nothing worth doing is known")


def _make(parts: PlannerParts) -> ModelPredictiveControl:
    return ModelPredictiveControl(parts.proposer, parts.model, parts.vocabulary, opening=parts.opening)


SPEC = PlannerSpec(
    "mpc", "plans to the goal in the learned model, does the first step, and plans again when surprised", _make
)
