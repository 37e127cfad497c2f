"""Reads observations that carry structured facts."""

from agentwm.facts import FactsPerceiver

__all__ = ["FactsPerceiver"]
