"""Conformance tests for what strangers add: functions that need no test framework and raise an AssertionError that says what is wrong.

An environment of your own is tested with ``check_environment("its-name")``, in a test or anywhere else, or with a class of tests that
inherits from `EnvironmentTests`; ``examples/add_an_environment`` shows it, and ``agentwm new-environment NAME`` writes one. A planner of
your own is tested with ``check_planner(SPEC)``; ``examples/add_a_planner`` shows it.
"""

from agentwm.testing.environment_tests import EnvironmentTests
from agentwm.testing.environments import ENVIRONMENT_CHECKS, check_environment
from agentwm.testing.planners import CHECKS, check_planner, transcript
from agentwm.testing.worlds import WORLDS, World

__all__ = [
    "CHECKS",
    "ENVIRONMENT_CHECKS",
    "WORLDS",
    "EnvironmentTests",
    "World",
    "check_environment",
    "check_planner",
    "transcript",
]
