"""A web shop of our own, for this machine only: the web world that needs nothing installed."""

from .environment import SPEC

__all__ = ["SPEC"]
