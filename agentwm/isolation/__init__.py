"""Environments in processes of their own: a hang or a crash there is an error here, and the next episode goes on in a new process."""

from agentwm.isolation.environment import IsolatedEnvironment
from agentwm.isolation.making import isolated

__all__ = ["IsolatedEnvironment", "isolated"]
