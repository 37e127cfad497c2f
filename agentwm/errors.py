"""Every error that agentwm raises on purpose.

A message says what was expected, what came (quoted, cut) and what to do about it.
"""

__all__ = [
    "AgentwmError",
    "BackendError",
    "BudgetReachedError",
    "ConfigurationError",
    "DecisionSpentError",
    "EnvironmentFailureError",
    "InvalidReplyError",
    "LawError",
    "MalformedReplyError",
    "MissingExtraError",
    "RateLimitError",
    "RefusalError",
    "ReplyMissingError",
    "ReplyStoreError",
    "RequestError",
    "RuleError",
    "RunStoreError",
    "SchemaError",
    "TaskError",
    "TruncatedReplyError",
    "UnavailableError",
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


class SchemaError(ConfigurationError):
    """Says that a form of answer has no bound somewhere, so that a model could go on for ever inside it."""


class ReplyStoreError(AgentwmError):
    """Says that a cache or a recording of replies cannot be read or written."""


class BackendError(AgentwmError):
    """Says that a language model gave no answer that can be used.

    ``is_transient`` is whether the same request may well succeed later; ``retry_after_s`` is how long the server asked to wait, None
    where it did not say. ``attempts`` and ``seconds`` are what was spent on it: an error that outlasted its retries says so.
    """

    def __init__(self, message: str, *, is_transient: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.is_transient = is_transient
        self.retry_after_s = retry_after_s
        self.attempts = 1
        self.seconds = 0.0

    def __str__(self) -> str:
        message = super().__str__()
        return message if self.attempts == 1 else f"{message} (after {self.attempts} attempts in {self.seconds:.1f} s)"


class UnavailableError(BackendError):
    """Says that a server could not be reached, took too long, broke off or failed by its own account (5xx)."""


class RateLimitError(BackendError):
    """Says that a server wants fewer requests, or that a quota is used up (429)."""


class RequestError(BackendError):
    """Says that a request cannot be served as it is: a key, a model's name, a parameter or its length is wrong.

    ``status`` is that of the server's answer, None where the request was never sent.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        is_transient: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, is_transient=is_transient, retry_after_s=retry_after_s)
        self.status = status


class MalformedReplyError(BackendError):
    """Says that what a server answered is no chat completion: broken JSON, HTML, no choices, far too long."""


class RefusalError(BackendError):
    """Says that the model, or a filter behind it, declined to answer."""


class TruncatedReplyError(BackendError):
    """Says that a reply was cut at its limit of tokens, perhaps because the model ran into endless whitespace."""


class InvalidReplyError(BackendError):
    """Says that a reply is not of the form that was asked for."""


class BudgetReachedError(BackendError):
    """Says that a call was not made, because the budget is spent."""


class DecisionSpentError(BudgetReachedError):
    """Says that one decision has spent what it may; planners heed it and make the best of what they have."""


class ReplyMissingError(BackendError):
    """Says that replies come from a cache or a recording only, and it holds none to this request."""


def quoted(value: object, *, limit: int = 200) -> str:
    """Return ``repr(value)``, cut to ``limit`` characters, for use in a message."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
