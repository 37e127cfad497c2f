"""The values of an episode as JSON, and back again without loss.

A fact is a flat list ``["in", "apple 1", "fridge 1"]``: the fluent's name, its arguments, its value. It is what a
person would look for with sqlite's own shell, and a third of the size of keyed objects. What an episode tells again and again is
shortened in ``written.py``.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from agentwm.types import (
    Action,
    Condition,
    Fluent,
    Goal,
    Outcome,
    Plan,
    Prediction,
    Ref,
    Spent,
    State,
    Term,
    Value,
    Var,
)

__all__ = [
    "action_from",
    "action_text",
    "encode",
    "fact_data",
    "fact_from",
    "goal_from",
    "goal_text",
    "named_data",
    "named_from",
    "plan_from",
    "plan_text",
    "prediction_from",
    "prediction_text",
    "spent_from",
    "spent_text",
    "state_from",
    "state_text",
]

PLAN_ACTIONS = 20
OTHERS, OTHER_ACTIONS = 4, 6
"""How much is kept of a plan, and of how many that it was weighed against: what a person would read."""

encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def state_text(state: State) -> str:
    """Return ``state`` as JSON, in its own order."""
    return encode(_facts(state))


def state_from(text: str) -> dict[Fluent, Value]:
    """Return the state that ``state_text`` wrote.

    Raises: ValueError when ``text`` is something else.
    """
    return _state(json.loads(text))


def action_text(action: Action) -> str:
    """Return ``action`` as JSON."""
    return encode(named_data(action))


def action_from(text: str) -> Action:
    """Return the action that ``action_text`` wrote."""
    return Action(*named_from(json.loads(text)))


def prediction_text(prediction: Prediction | None) -> str | None:
    """Return ``prediction`` as JSON; None when nothing was predicted."""
    if prediction is None:
        return None
    data: dict[str, object] = {"source": prediction.source, "confidence": prediction.confidence}
    if prediction.rules:
        data["rules"] = prediction.rules
    return encode(data | {"outcomes": [_outcome_data(outcome) for outcome in prediction.outcomes]})


def prediction_from(text: str | None) -> Prediction | None:
    """Return the prediction that ``prediction_text`` wrote."""
    if text is None:
        return None
    data = json.loads(text)
    return Prediction(
        outcomes=tuple(map(_outcome, data["outcomes"])),
        confidence=data["confidence"],
        source=data["source"],
        rules=tuple(data.get("rules", ())),
    )


def spent_text(spent: Spent) -> str:
    """Return ``spent`` as JSON, without what is 0."""
    return encode({name: value for name, value in asdict(spent).items() if value})


def spent_from(text: str) -> Spent:
    """Return what `spent_text` wrote."""
    return Spent(**json.loads(text))


def plan_text(plan: Plan) -> str:
    """Return ``plan`` as JSON: its first actions, why it was chosen and what for, and the best of those it was weighed against.

    What is foretold of it and what it cost stand elsewhere, or are not kept.
    """
    others = [_plan_data(each, OTHER_ACTIONS) for each in plan.considered[:OTHERS]]
    return encode(_plan_data(plan, PLAN_ACTIONS) | ({"considered": others} if others else {}))


def plan_from(text: str) -> Plan:
    """Return what `plan_text` wrote."""
    data = json.loads(text)
    return replace(_plan(data), considered=tuple(map(_plan, data.get("considered", ()))))


def _plan_data(plan: Plan, most: int) -> dict[str, object]:
    data: dict[str, object] = {"actions": [named_data(action) for action in plan.actions[:most]], "reason": plan.reason}
    told = {
        "value": plan.value,
        "reaches_goal": plan.reaches_goal,
        "is_bold": plan.is_bold,
        "is_vetoed": plan.is_vetoed,
    }
    return data | {name: value for name, value in told.items() if value is not None and value is not False}


def _plan(data: Mapping[str, Any]) -> Plan:
    told = {name: value for name, value in data.items() if name not in {"actions", "considered"}}
    return Plan(tuple(Action(*named_from(each)) for each in data["actions"]), **told)


def goal_text(goal: Goal) -> str:
    """Return ``goal`` as JSON."""
    conditions, *then = ([_condition_data(each) for each in part] for part in (goal.conditions, *goal.then))
    return encode({"text": goal.text, "conditions": conditions} | ({"then": then} if then else {}))


def goal_from(text: str) -> Goal:
    """Return the goal that ``goal_text`` wrote."""
    data = json.loads(text)
    conditions, *then = (tuple(map(_condition, part)) for part in (data["conditions"], *data.get("then", ())))
    return Goal(data["text"], conditions, tuple(then))


def fact_data(fluent: Fluent, value: Value) -> list[Value]:
    """Return the fact that ``fluent`` has ``value`` as a flat list."""
    return [fluent.name, *fluent.args, value]


def fact_from(data: Sequence[Any]) -> tuple[Fluent, Value]:
    """Return the fact that `fact_data` gave the data of."""
    name, *args, value = data
    return Fluent(name, tuple(args)), value


def named_data(named: Fluent | Action) -> list[Value]:
    """Return a name and its arguments as a flat list."""
    name, args = named
    return [name, *args]


def named_from(data: Sequence[Any]) -> tuple[str, tuple[str, ...]]:
    """Return the name and the arguments that `named_data` gave the data of."""
    name, *args = data
    return name, tuple(args)


def _facts(state: State) -> list[list[Value]]:
    return [fact_data(fluent, value) for fluent, value in state.items()]


def _state(facts: Iterable[Sequence[Any]]) -> dict[Fluent, Value]:
    return dict(map(fact_from, facts))


def _outcome_data(outcome: Outcome) -> dict[str, object]:
    # What is so of most outcomes is left out: that they are certain, succeed, and speak of neither reward nor end nor text.
    data: dict[str, object] = {} if outcome.probability == 1 else {"probability": outcome.probability}
    if not outcome.success:
        data["success"] = False
    if outcome.changes:
        data["changes"] = _facts(outcome.changes)
    said = {"reward": outcome.reward, "terminated": outcome.terminated, "text": outcome.text}
    return data | {name: value for name, value in said.items() if value is not None}


def _outcome(data: Mapping[str, Any]) -> Outcome:
    return Outcome(
        probability=data.get("probability", 1.0),
        changes=_state(data.get("changes", ())),
        success=data.get("success", True),
        reward=data.get("reward"),
        terminated=data.get("terminated"),
        text=data.get("text"),
    )


def _condition_data(condition: Condition) -> list[object]:
    right = condition.right
    if isinstance(right, tuple) and not isinstance(right, Var | Ref):
        return [_term_data(condition.left), condition.op, {"any": list(right)}]
    return [_term_data(condition.left), condition.op, _term_data(right)]


def _condition(data: Sequence[Any]) -> Condition:
    left, op, right = data
    if isinstance(right, dict) and "any" in right:
        return Condition(_term(left), op, tuple(right["any"]))
    return Condition(_term(left), op, _term(right))


def _term_data(term: Term) -> object:
    match term:
        case Var():
            return {"var": term.name}
        case Ref():
            return {"ref": term.name, "args": [_term_data(arg) for arg in term.args]}
        case _:
            return term


def _term(data: Any) -> Term:
    if not isinstance(data, dict):
        constant: Value = data
        return constant
    if "var" in data:
        return Var(data["var"])
    return Ref(data["ref"], tuple(map(_term, data["args"])))
