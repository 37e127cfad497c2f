"""Gymnasium both ways: its environments brought in, ours taken out.

Nothing here imports gymnasium before it is needed.
"""

from agentwm.gym.environment import GymnasiumEnvironment, seeded_tasks
from agentwm.gym.outward import to_gymnasium
from agentwm.gym.specification import gymnasium_spec

__all__ = ["GymnasiumEnvironment", "gymnasium_spec", "seeded_tasks", "to_gymnasium"]
