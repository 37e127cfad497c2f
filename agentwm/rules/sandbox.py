"""Sandboxes: where laws run. The host itself runs no line of a law, by any path.

A sandbox is asked about many laws and many queries at once, and answers each with outcomes, silence or a typed error. What it must
withstand is written down as attacks, in the tests; whoever adds a sandbox runs it through the same ones.

Source: pydantic-monty 1.4.0's documented interface; which of its traps are real was tried.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, Self

from agentwm.errors import ConfigurationError, LawError, MissingExtraError, quoted
from agentwm.rules.laws import Answer, Law, read_answer, written
from agentwm.types import Query

if TYPE_CHECKING:
    from pydantic_monty import MontyError, MontySession

__all__ = ["LIMITED", "Limits", "MontySandbox", "Sandbox", "open_sandbox"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one law may use up before it is stopped.

    ``time_s`` is for one query, both functions together, and once for loading the law. ``memory_bytes`` also bounds what a law can
    send out, as the message of an exception: 100 MB of that took the host from 27 to 313 MB. ``recursion`` is the depth of calls.
    ``answer`` and ``printed`` are in characters and bytes. A law that went beyond a limit ``patience`` times in one run is abandoned.
    """

    time_s: float = 0.5
    memory_bytes: int = 64 * 2**20
    recursion: int = 500
    answer: int = 2**16
    printed: int = 2**14
    patience: int = 3


class Sandbox(Protocol):
    """Runs laws where they can do no harm. Use it in a ``with`` block, or close it."""

    @property
    def name(self) -> str:
        """What it is called in reports and tests."""

    def run(self, laws: Sequence[Law], queries: Sequence[Query], *, seed: int = 0) -> list[list[Answer]]:
        """Return for each law its answer to each query, both in order.

        A law shares nothing with other laws. The same law, query and seed give the same answer, chance inside the law included, as
        long as the law itself keeps nothing from one query to the next.
        """

    def close(self) -> None:
        """Release whatever is held. May be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


# --- pydantic-monty --------------------------------------------------------------------------------------------------------

# A function, so that a law, while it runs, cannot rebind these names; and modules cannot be written to in there. What leaves is
# always a string, cut: a list that holds one text many times leaves small, and fills the host once that looks through it (980 MB
# for printing one of 1 MB).
_ASK = """\
def agentwm_ask():
    from json import dumps, loads
    from random import seed
    seed(agentwm_seed)
    said = precondition(loads(agentwm_state), loads(agentwm_action))
    then = effect(loads(agentwm_state), loads(agentwm_action)) if said is True else None
    return dumps([said, then])[:{cut}]
agentwm_ask()
"""
_LAW = "<python-input-0>"
_CALLS = {5: "precondition", 6: "effect"}
_WRITES = 7
# The value of a law's last line would leave as it is. The blank line comes first, lest a backslash swallow the None.
_NO_VALUE = "\n\nNone\n"

# Each refusal of a file or of a name that does not exist is a trip to the host.
MOST_TRIPS = 16
# How long a worker whose time is over may take to end by itself before it is killed.
GRACE_S = 0.4
STARTUP_S = 20.0
LONGEST_MESSAGE = 200

LIMITED = frozenset({"time", "memory", "recursion", "printed", "host", "crashed"})
"""The reasons of a `LawError` that stand for a limit."""


class MontySandbox:
    """Runs each law in a fresh worker process of pydantic-monty, whose interpreter has no files, network, environment or clock.

    Raises: MissingExtraError when pydantic-monty is not installed; ConfigurationError when its worker does not start.
    """

    name = "monty"

    def __init__(self, limits: Limits | None = None) -> None:
        try:
            from pydantic_monty import Monty  # noqa: PLC0415 -- an optional extra
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"laws run in a sandbox, which needs the package {quoted(error.name)}, which is not installed: "
                "pip install 'agentwm[sandbox]'"
            ) from error
        self.limits = limits or Limits()
        self._ask = _ASK.format(cut=self.limits.answer + 1)
        self._pool = Monty(
            min_processes=1,
            max_processes=2,
            checkout_timeout=STARTUP_S,
            # What ends a worker that no longer looks at its own clock; None unless it is set.
            request_timeout=self.limits.time_s + GRACE_S,
            feed_duration_limit_grace=GRACE_S,
            max_checkouts_per_worker=1,
        )
        try:
            self._pool.__enter__()
        except RuntimeError as error:
            raise ConfigurationError(
                f"the sandbox's worker does not start ({error}); try: pip install --force-reinstall 'agentwm[sandbox]'"
            ) from error
        self._is_open = True

    def run(self, laws: Sequence[Law], queries: Sequence[Query], *, seed: int = 0) -> list[list[Answer]]:
        """Return for each law its answer to each query, both in order."""
        if not self._is_open:
            raise ConfigurationError("expected an open sandbox, got one that was closed; open another")
        questions = [written(query) for query in queries]
        return [self._answers(law, questions, seed) for law in laws]

    def close(self) -> None:
        """End the workers. May be called twice."""
        if self._is_open:
            self._is_open = False
            self._pool.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answers(self, law: Law, questions: Sequence[tuple[str, str]], seed: int) -> list[Answer]:
        answers: list[Answer] = []
        for _ in range(self.limits.patience):
            answers.extend(self._answers_until_limited(law, questions[len(answers) :], seed))
            if len(answers) == len(questions):
                return answers
        given_up = f"{law.id} was abandoned: it went beyond a limit {self.limits.patience} times; make it do less"
        abandoned = [LawError(given_up, reason="abandoned") for _ in questions[len(answers) :]]
        return [*answers, *abandoned]

    def _answers_until_limited(self, law: Law, questions: Sequence[tuple[str, str]], seed: int) -> Iterator[Answer]:
        """Yield the answers of a fresh interpreter, up to the first that left it in doubt; that of a law that does not load for all."""
        with self._session(seed) as session:
            loaded = self._feed(session, law, law.source + _NO_VALUE, {})
            if isinstance(loaded, LawError):
                yield from (loaded for _ in questions)
                return
            for state, action in questions:
                answer = self._answer(session, law, state, action, seed)
                yield answer
                if isinstance(answer, LawError) and answer.reason in LIMITED:
                    return

    def _session(self, seed: int) -> "MontySession":
        return self._pool.checkout(
            script_name="law.py",
            limits={
                "max_feed_duration_secs": self.limits.time_s,
                "max_memory": self.limits.memory_bytes,
                "max_recursion_depth": self.limits.recursion,
                "max_suspensions": MOST_TRIPS,
            },
            os_policy={
                "datetime": datetime(2000, 1, 1, tzinfo=UTC),
                "timezone": "utc",
                "sleep": "zero",
                "process_time": "zero",
                "random_start": {"seed": seed},
            },
        )

    def _answer(self, session: "MontySession", law: Law, state: str, action: str, seed: int) -> Answer:
        number = hashlib.sha256("\n".join((str(seed), law.id, state, action)).encode()).hexdigest()
        inputs = {"agentwm_state": state, "agentwm_action": action, "agentwm_seed": number}
        said = self._feed(session, law, self._ask, inputs)
        if isinstance(said, LawError):
            return said
        if not isinstance(said, str) or len(said) > self.limits.answer:
            message = (
                f"{law.id} answered with more than {self.limits.answer} characters of JSON; name only what changes"
            )
            return LawError(message, reason="result")
        try:
            return read_answer(said)
        except LawError as error:
            return LawError(f"{law.id}: {error}", reason=error.reason)

    def _feed(self, session: "MontySession", law: Law, code: str, inputs: dict[str, str]) -> object:
        """Return what ``code`` comes to in the interpreter, or the error."""
        from pydantic_monty import CollectString, MontyError  # noqa: PLC0415 -- an optional extra

        printed = CollectString(max_bytes=self.limits.printed)
        try:
            return session.feed_run(code, inputs=inputs, print_callback=printed)
        except MontyError as error:
            reason, message = _explain(error, self.limits, printed=printed.output)
        return LawError(f"{law.id} {message}", reason=reason, printed=printed.output)


def open_sandbox(limits: Limits | None = None) -> Sandbox:
    """Return the sandbox that is installed, ready to run laws.

    Raises: MissingExtraError when there is none: a law is never run without one.
    """
    return MontySandbox(limits)


def _explain(error: "MontyError", limits: Limits, *, printed: str) -> tuple[str, str]:
    """Return the reason, as in `LawError`, and the rest of a sentence that begins with the law's id."""
    from pydantic_monty import MontyCrashedError, MontyRuntimeError, MontySyntaxError  # noqa: PLC0415 -- an optional extra

    cause = quoted(str(error)[: LONGEST_MESSAGE + 1], limit=LONGEST_MESSAGE)
    frames = error.traceback() if isinstance(error, MontyRuntimeError | MontySyntaxError) else []
    is_writing = bool(frames) and frames[-1].function_name == "agentwm_ask" and frames[-1].line == _WRITES
    reason = "result" if is_writing else "raised"
    match error.exception():
        case _ if isinstance(error, MontyCrashedError):
            reason = "time" if error.timed_out else "crashed"
        case SyntaxError():
            reason = "syntax"
        case NotImplementedError() if "monty syntax parser" in cause:
            reason = "syntax"
        case TimeoutError() if not frames:  # one that the law raises has frames
            reason = "time"
        case MemoryError():
            is_printed = not frames and len(printed.encode()) >= limits.printed
            reason = "printed" if is_printed else "memory"
        case RecursionError() if not is_writing:
            reason = "recursion"
        case RuntimeError() if "suspension limit" in cause:
            reason = "host"
    lines = [frame.line for frame in frames if frame.filename == _LAW]
    calls = [_CALLS[frame.line] for frame in frames if frame.filename != _LAW and frame.line in _CALLS]
    place = " of ".join((*(f"line {line}" for line in lines[-1:]), *calls[:1])) or "the law"
    return reason, _sentence(reason, cause, place, limits)


def _sentence(reason: str, cause: str, place: str, limits: Limits) -> str:
    return {
        "syntax": f"cannot be read: {cause} in {place}; say it in plain Python",
        "raised": f"raised {cause} in {place}; correct it, or test first, as with state.get(…)",
        "result": f"returned what is no JSON ({cause}); return dicts, lists, text, numbers, True, False or None",
        "time": f"took longer than {limits.time_s:g} s and was stopped; make it do less",
        "memory": f"took more than {limits.memory_bytes >> 20} MB of memory and was stopped; make it do less",
        "recursion": f"called itself more than {limits.recursion} deep in {place}; write a loop",
        "printed": f"printed more than {limits.printed} bytes and was stopped; print less",
        "host": "asked again and again for files, or names that do not exist; a law has only its state and action",
        "crashed": f"broke its worker: {cause}; make it do less",
    }[reason]
