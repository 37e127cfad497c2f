"""Every error that agentwm raises on purpose.

A message says what was expected, what came (quoted, cut) and what to do about it.
"""

__all__ = [
    "AgentwmError",
    "ConfigurationError",
    "EnvironmentFailureError",
    "MissingExtraError",
    "RuleError",
    "RunStoreError",
    "TaskError",
    "quoted",
]


class AgentwmError(Exception):
    """Is the root of all errors that a caller may want to catch."""


class ConfigurationError(AgentwmError):
    """Says that an option, a name or a folder given by the user cannot be used."""


class MissingExtraError(ConfigurationError):
    """Says that an optional dependency is not installed, and what installs it."""


class TaskError(AgentwmError):
    """Says that one task (a game file, say) cannot be used, with its path and the reason."""


class EnvironmentFailureError(AgentwmError):
    """Says that an environment broke its contract or stopped answering."""


class RuleError(AgentwmError):
    """Says that a rule's text, or a rule store on disk, cannot be read."""


class RunStoreError(AgentwmError):
    """Says that a run store is damaged, locked or not one of ours."""


def quoted(value: object, *, limit: int = 200) -> str:
    """Return ``repr(value)``, cut to ``limit`` characters, for use in a message."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
