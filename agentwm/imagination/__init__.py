"""The learned model as an environment: to be played, to practise in, and to be held against the world."""

from agentwm.imagination.consistency import Consistency, StepPair, consistency
from agentwm.imagination.environment import ImaginedEnvironment, ImaginedPerceiver, Start
from agentwm.imagination.practice import TabularPolicy, practise

__all__ = [
    "Consistency",
    "ImaginedEnvironment",
    "ImaginedPerceiver",
    "Start",
    "StepPair",
    "TabularPolicy",
    "consistency",
    "practise",
]
