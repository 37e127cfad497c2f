"""Every error that agentwm raises on purpose.

A message says what was expected, what came (quoted, cut) and what to do about it.
"""

__all__ = [
    "AgentwmError",
    "ConfigurationError",
    "EnvironmentFailureError",
    "LawError",
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


class LawError(RuleError):
    """Says that a law gave no answer that can be used.

    ``reason`` is one word: ``syntax``, ``raised`` and ``result`` for what the law does wrong, ``time``, ``memory``, ``recursion``,
    ``printed`` and ``host`` (it asked for files and the like too often) for a limit it went beyond, ``crashed`` for a worker that died,
    and ``abandoned`` for a law that was not asked any more. ``printed`` is what the law printed before that, cut.
    """

    def __init__(self, message: str, *, reason: str = "result", printed: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.printed = printed


class RunStoreError(AgentwmError):
    """Says that a run store is damaged, locked or not one of ours."""


def quoted(value: object, *, limit: int = 200) -> str:
    """Return ``repr(value)``, cut to ``limit`` characters, for use in a message."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
