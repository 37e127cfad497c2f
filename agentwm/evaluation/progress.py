"""What a run tells while it works."""

from dataclasses import dataclass

from agentwm.evaluation.report import EpisodeResult

__all__ = ["ProgressEvent"]


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """One piece of news from a run, for whoever watches.

    ``phase`` is ``learn`` or ``play``; ``done`` of ``total`` episodes of it have ended. Within an episode ``step`` counts the steps so far
    and ``text`` is the command just given. ``result`` is set once, when an episode ends. ``rules`` is the number of active rules.
    """

    phase: str
    done: int
    total: int
    task_type: str = ""
    step: int = 0
    text: str = ""
    result: EpisodeResult | None = None
    rules: int = 0
