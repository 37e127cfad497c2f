"""An agent that looks before it leaps: it learns how a world works as readable rules, and plans in that model before it acts."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentwm.agent import Episode as Episode
    from agentwm.build import environment as environment
    from agentwm.configuration import RunConfig as RunConfig
    from agentwm.errors import AgentwmError as AgentwmError
    from agentwm.evaluation import Report as Report
    from agentwm.experiment import run as run
    from agentwm.gym import GymnasiumEnvironment as GymnasiumEnvironment
    from agentwm.gym import gymnasium_spec as gymnasium_spec
    from agentwm.gym import to_gymnasium as to_gymnasium
    from agentwm.minds import Agent as Agent
    from agentwm.records import RunStore as RunStore
    from agentwm.rules.language import Rule as Rule
    from agentwm.rules.language import parse_rule as parse_rule
    from agentwm.rules.store import RuleStore as RuleStore
    from agentwm.types import Action as Action
    from agentwm.types import Environment as Environment
    from agentwm.types import EnvironmentOptions as EnvironmentOptions
    from agentwm.types import Fluent as Fluent
    from agentwm.types import Goal as Goal
    from agentwm.types import Observation as Observation
    from agentwm.types import Plan as Plan
    from agentwm.types import Prediction as Prediction
    from agentwm.types import State as State
    from agentwm.types import Trajectory as Trajectory
    from agentwm.types import Transition as Transition

# Where each public name lives. It is imported when it is first asked for: importing agentwm costs nothing.
_HOMES = {
    "agentwm.agent": ("Episode",),
    "agentwm.build": ("environment",),
    "agentwm.configuration": ("RunConfig",),
    "agentwm.errors": ("AgentwmError",),
    "agentwm.evaluation": ("Report",),
    "agentwm.experiment": ("run",),
    "agentwm.gym": ("GymnasiumEnvironment", "gymnasium_spec", "to_gymnasium"),
    "agentwm.minds": ("Agent",),
    "agentwm.records": ("RunStore",),
    "agentwm.rules.language": ("Rule", "parse_rule"),
    "agentwm.rules.store": ("RuleStore",),
    "agentwm.types": (
        "Action",
        "Environment",
        "EnvironmentOptions",
        "Fluent",
        "Goal",
        "Observation",
        "Plan",
        "Prediction",
        "State",
        "Trajectory",
        "Transition",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = list(_HOME_OF)


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'agentwm' has no attribute {name!r}; it has {', '.join(sorted(_HOME_OF))}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
