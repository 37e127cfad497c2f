"""Runs on disk: every step durable before the next one starts, and an episode rebuilt exactly as it was lived."""

from agentwm.records.store import EpisodeRecord, RunStore, StepRecord
from agentwm.records.writer import EpisodeWriter

__all__ = ["EpisodeRecord", "EpisodeWriter", "RunStore", "StepRecord"]
