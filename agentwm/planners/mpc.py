"""Model predictive control: propose plans, roll them out in the world model, do the first step of the best, look again.

A plan is kept while its predictions come true. What failed twice in this episode, or changed nothing, is not tried again.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from agentwm.models.rule_model import apply
from agentwm.types import Action, Goal, Plan, Prediction, Proposer, Query, State, Transition, Vocabulary, WorldModel

__all__ = ["ModelPredictiveControl", "futile_actions", "roll_out"]

VETO = 0.5


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


def futile_actions(history: Sequence[Transition], vocabulary: Vocabulary) -> set[Action]:
    """Return the actions not to be done again in this episode: twice they failed, or had no effect that shows."""
    disappointments: Counter[Action] = Counter()
    for transition in history:
        schema = vocabulary.actions.get(transition.action.verb)
        is_look = schema is not None and schema.inspects
        if not transition.succeeded or (not transition.changed and not is_look):
            disappointments[transition.action] += 1
    return {action for action, number in disappointments.items() if number > 1}


class ModelPredictiveControl:
    """Plans with a proposer and a world model."""

    def __init__(self, proposer: Proposer, model: WorldModel, vocabulary: Vocabulary) -> None:
        self._proposer = proposer
        self._model = model
        self._vocabulary = vocabulary
        self._kept: Plan | None = None

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return the rest of the plan that is going well, else the best new one."""
        if (kept := self._continued(history)) is not None:
            self._kept = kept
            return kept
        avoid = futile_actions(history, self._vocabulary)
        if (again := self.look_again(history, state)) is not None:
            self._kept = None
            return again
        self._kept = self._best(state, goal, avoid)
        return self._kept

    def _continued(self, history: Sequence[Transition]) -> Plan | None:
        kept = self._kept
        if kept is None or not history or not kept.reaches_goal or len(kept.actions) < 2:  # noqa: PLR2004
            return None
        last = history[-1]
        if last.action != kept.actions[0] or not last.succeeded or last.surprise:
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

    def _best(self, state: State, goal: Goal, avoid: Collection[Action]) -> Plan:
        refused = set(avoid)
        for _ in range(4):
            for plan in self._proposer.propose(state, goal, avoid=refused):
                steps = roll_out(plan, state, self._model)
                if steps and steps[0][1].success:
                    return replace(plan, predictions=tuple(prediction for _, prediction in steps))
                refused.add(plan.actions[0])
                break
            else:
                break
        return Plan((), "nothing worth doing is known")
