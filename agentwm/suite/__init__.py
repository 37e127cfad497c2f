"""A suite of worlds: each is learned and played, its result held against what was asked, and all of it written as one table."""

from agentwm.suite.report import RowReport, SuiteReport
from agentwm.suite.run import SuiteOptions, begun_in, play_suite

__all__ = ["RowReport", "SuiteOptions", "SuiteReport", "begun_in", "play_suite"]
