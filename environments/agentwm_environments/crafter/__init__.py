"""Crafter, an open world of survival: its local view as facts, its achievements as what pays."""

from .environment import SPEC, CrafterEnvironment, make

__all__ = ["SPEC", "CrafterEnvironment", "make"]
