"""What if this were done instead: candidate futures side by side, and plans made again at a step on record, without the world."""

from agentwm.what_if.futures import Candidate, Course, Foretold, Future, Happened, Parting, WhatIf, what_if
from agentwm.what_if.recorded import Moment, Replanned, moment_of, replan

__all__ = [
    "Candidate",
    "Course",
    "Foretold",
    "Future",
    "Happened",
    "Moment",
    "Parting",
    "Replanned",
    "WhatIf",
    "moment_of",
    "replan",
    "what_if",
]
