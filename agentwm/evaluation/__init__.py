"""What came of the episodes played: statistics, the report, and its picture in the terminal."""

from agentwm.evaluation.progress import ProgressEvent
from agentwm.evaluation.report import EpisodeResult, LLMUse, Report, report_on, result_of, results_of

__all__ = ["EpisodeResult", "LLMUse", "ProgressEvent", "Report", "report_on", "result_of", "results_of"]
