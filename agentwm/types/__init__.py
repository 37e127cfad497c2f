"""The values that flow through agentwm, and the protocols that pass them on.

A *state* maps fluents to values. A missing fluent is unknown; ``None`` is known to be absent. So belief
update is one merge of mappings, and a surprise is one comparison.
"""

from agentwm.types.experience import Observation, Outcome, Perception, Prediction, Query, Trajectory, Transition
from agentwm.types.planning import Plan, PlanningBudget, Spent
from agentwm.types.protocols import (
    Chaining,
    Critic,
    Environment,
    EnvironmentOptions,
    EnvironmentSpec,
    Inducer,
    Perceiver,
    Pictured,
    Planner,
    PlannerParts,
    PlannerSpec,
    Proposer,
    Ration,
    Reference,
    Referenced,
    WorldModel,
)
from agentwm.types.suites import Asked, Brief, SuiteRow, SuiteSpec
from agentwm.types.values import NOTHING, Action, Condition, Fluent, Ref, Situation, Some, State, Term, Value, Var
from agentwm.types.vocabulary import NOT_ENTITIES, ActionSchema, FluentSchema, Gap, Goal, GoalShape, Vocabulary

__all__ = [
    "NOTHING",
    "NOT_ENTITIES",
    "Action",
    "ActionSchema",
    "Asked",
    "Brief",
    "Chaining",
    "Condition",
    "Critic",
    "Environment",
    "EnvironmentOptions",
    "EnvironmentSpec",
    "Fluent",
    "FluentSchema",
    "Gap",
    "Goal",
    "GoalShape",
    "Inducer",
    "Observation",
    "Outcome",
    "Perceiver",
    "Perception",
    "Pictured",
    "Plan",
    "Planner",
    "PlannerParts",
    "PlannerSpec",
    "PlanningBudget",
    "Prediction",
    "Proposer",
    "Query",
    "Ration",
    "Ref",
    "Reference",
    "Referenced",
    "Situation",
    "Some",
    "Spent",
    "State",
    "SuiteRow",
    "SuiteSpec",
    "Term",
    "Trajectory",
    "Transition",
    "Value",
    "Var",
    "Vocabulary",
    "WorldModel",
]
