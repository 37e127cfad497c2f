"""The package of a new environment, written and ready to run."""

from agentwm.new_environment.writing import new_environment

__all__ = ["new_environment"]
