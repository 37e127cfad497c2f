"""Conformance tests for what strangers add: functions that need no test framework and raise an AssertionError that says what is wrong.

A planner of your own is tested with ``check_planner(SPEC)``, in a test or anywhere else; ``examples/add_a_planner`` shows it.
"""

from agentwm.testing.planners import CHECKS, check_planner, transcript
from agentwm.testing.worlds import WORLDS, World

__all__ = ["CHECKS", "WORLDS", "World", "check_planner", "transcript"]
