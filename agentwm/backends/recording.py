"""Records what was asked and answered as JSON lines, and answers from such a recording: the backend ``recorded``.

A recording is a small text file to commit and to read: a first line that says who answered, then a request and its answer a line. A
long message that stood in an earlier line already is named by that line's number, ``{"line": 2}``, and by its place in it if that was
another one. Errors are recorded, too, so that a run that met some is replayed as it was. Headers and keys never get here. Requests are
looked up by what they ask, not by their place in the file; one that was answered several times is answered in that order, and at last
with the last answer again.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agentwm import errors
from agentwm.backends.encoding import reply_from, reply_record, request_key, request_record
from agentwm.backends.in_process import InProcess
from agentwm.backends.protocol import (
    Answer,
    Backend,
    BackendOptions,
    BackendSpec,
    Capabilities,
    Message,
    Reply,
    Request,
)
from agentwm.backends.wrapped import Wrapped
from agentwm.errors import BackendError, BudgetReachedError, ReplyMissingError, ReplyStoreError, quoted

__all__ = ["SPEC", "Question", "Recorded", "Recorder", "Row", "head_of", "questions_of", "rows_of"]

FORMAT = 1
LONG = 400  # characters of a message that is not written out twice
# What is not written out, to keep a line short.
_ORDINARY: Mapping[str, object] = {
    "schema": None,
    "choices": [],
    "temperature": 0.0,
    "top_p": 1.0,
    "seed": None,
    "stop": [],
    "sample": 0,
}
_ERRORS: Mapping[str, type[BackendError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, BackendError) and kind is not BudgetReachedError
}


class Recorder(Wrapped):
    """A backend that writes down all that is asked of the one beneath, and what it answers, batch by batch.

    An existing recording of the same model is gone on with. ``said_by`` says in words who answered, for those who read the file.
    Without ``errors`` only replies are written down: so a run that was stopped by an error and went on is replayed without a stop.

    Raises: ReplyStoreError when ``path`` is something else, or another model's recording.
    """

    def __init__(self, inner: Backend, path: Path, *, said_by: str = "", errors: bool = True) -> None:
        super().__init__(inner)
        self._path = path
        self._lines = 0
        self._place_of: dict[str, tuple[int, int]] = {}
        self._left_out: type[BackendError] = BudgetReachedError if errors else BackendError
        self._lock = threading.Lock()
        head = {"recording": FORMAT, "identity": dict(inner.identity), "said_by": said_by}
        if path.exists() and path.stat().st_size:
            found = head_of(path)
            if found["identity"] != head["identity"]:
                raise ReplyStoreError(
                    f"expected a recording of {quoted(head['identity'])}, but {path} is one of {quoted(found['identity'])}: "
                    "choose another file"
                )
            self._go_on()
        else:
            self._append([head])

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """Return the answers from beneath, once they are on disk. That the budget was spent is not recorded: it may differ in replay."""
        answers = self._inner.generate(requests)
        kept = [
            (request, answer)
            for request, answer in zip(requests, answers, strict=True)
            if not isinstance(answer, self._left_out)
        ]
        with self._lock:
            first = self._lines + 1
            self._append([self._line(*pair, number) for number, pair in enumerate(kept, first)])
        return answers

    def _go_on(self) -> None:
        """Cut off what a crash left half written, or the next line would be joined to it, and count what is there."""
        with self._path.open("r+b") as file:
            text = file.read()
            file.truncate(text.rfind(b"\n") + 1)
        self._lines = text.count(b"\n")

    def _line(self, request: Request, answer: Answer, number: int) -> dict[str, Any]:
        asked = {name: value for name, value in request_record(request).items() if value != _ORDINARY.get(name)}
        if request.schema is not None:
            asked["schema"] = request.schema.__name__  # the key stands for all of it
        asked["messages"] = [
            [message.speaker, self._told(message.text, number, place)] for place, message in enumerate(request.messages)
        ]
        line = {"key": request_key(request), "role": request.role, "request": asked}
        if isinstance(answer, Reply):
            return line | {"reply": reply_record(answer)}
        return line | {"error": {"kind": type(answer).__name__, "message": str(answer)}}

    def _told(self, text: str, number: int, place: int) -> str | dict[str, int]:
        """Return ``text``, or where it was written out before: in which line and, if not at the same place, at which place in it."""
        if len(text) < LONG:
            return text
        line, then = self._place_of.setdefault(text, (number, place))
        if line == number:
            return text
        return {"line": line} if then == place else {"line": line, "place": then}

    def _append(self, records: Sequence[Mapping[str, Any]]) -> None:
        text = "".join(f"{_json(record)}\n" for record in records)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise ReplyStoreError(f"cannot write the recording {self._path}: {error.strerror}") from error
        self._lines += len(records)


def _json(record: Mapping[str, Any]) -> str:
    """Return ``record`` as JSON that can be read, or escaped where it cannot be written otherwise (lone surrogates)."""
    text = json.dumps(record, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(record)


def head_of(path: Path) -> dict[str, Any]:
    """Return the first line of the recording in ``path``: who answered (``identity``, ``said_by``).

    Raises: ReplyStoreError when it is no recording, or cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = file.readline()
    except OSError as error:
        raise ReplyStoreError(f"cannot read the recording {path}: {error}") from error
    try:
        head = json.loads(first)
        if head["recording"] == FORMAT and isinstance(head["identity"], dict):
            return dict(head)
    except (ValueError, KeyError, TypeError):
        pass
    raise ReplyStoreError(f"expected a recording (format {FORMAT}), but {path} begins with {quoted(first)}")


class Row(NamedTuple):
    """One question on record, by its key, who asked it, and what was answered."""

    key: str
    role: str
    answer: Answer


def rows_of(path: Path) -> list[Row]:
    """Return what is recorded in ``path``, in order. What comes after the last line break was never finished, and does not count.

    Raises: ReplyStoreError when it cannot be read.
    """
    return [_row(line, f"{path}:{number}") for number, line in enumerate(_lines(path), 2)]


class Question(NamedTuple):
    """What was asked, by whom, and how many tokens were allowed for the answer."""

    role: str
    messages: tuple[Message, ...]
    max_tokens: int


def questions_of(path: Path) -> list[Question]:
    """Return what was asked in the recording ``path``, in order, messages that are named by their line written out again.

    Raises: ReplyStoreError when it cannot be read.
    """
    found: list[Question] = []
    for number, line in enumerate(_lines(path), 2):
        try:
            record = json.loads(line)
            messages = tuple(
                Message(speaker, said if isinstance(said, str) else _written_out(said, found, place))
                for place, (speaker, said) in enumerate(record["request"]["messages"])
            )
            found.append(Question(record.get("role", ""), messages, int(record["request"]["max_tokens"])))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise ReplyStoreError(f"expected a request in {path}:{number}, got {quoted(line)} ({error})") from error
    return found


def _written_out(where: Mapping[str, int], before: Sequence[Question], place: int) -> str:
    """Return the message that is named by its line, and by its place in it where that is another one."""
    return before[where["line"] - 2].messages[where.get("place", place)].text


def _lines(path: Path) -> list[str]:
    """Return the finished lines after the first."""
    head_of(path)
    try:
        return path.read_text(encoding="utf-8").split("\n")[1:-1]
    except (OSError, UnicodeDecodeError) as error:
        raise ReplyStoreError(f"cannot read the recording {path}: {error}") from error


class Recorded:
    """An engine that answers from a recording, as the model did that is recorded in it.

    Raises: ReplyStoreError when ``path`` is no recording.
    """

    batch_size = 1  # so that a budget ends a replay where it ended the run
    capabilities = Capabilities(structured="bounded", has_scores=True)

    def __init__(self, path: Path) -> None:
        self.path = path
        self.head = head_of(path)
        self._answers = defaultdict[str, list[Answer]](list)
        for row in rows_of(path):
            self._answers[row.key].append(row.answer)
        self._given = defaultdict[str, int](int)

    @property
    def identity(self) -> Mapping[str, str]:
        """That of the model recorded: what it said does not depend on where it is read."""
        return {str(name): str(value) for name, value in self.head["identity"].items()}

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        """Return what was answered to ``requests``, a ReplyMissingError for those that were never put."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Answer:
        key = request_key(request)
        answers = self._answers.get(key)
        if not answers:
            return ReplyMissingError(
                f"{self.path} holds no answer to {quoted(request.messages[-1].text)} asked like this "
                f"(key {key[:12]}…): the prompt or its parameters have changed, so record it again"
            )
        place = min(self._given[key], len(answers) - 1)
        self._given[key] += 1
        return answers[place]

    def close(self) -> None:
        """Do nothing: the file was read once."""


def _row(line: str, where: str) -> Row:
    try:
        record = json.loads(line)
        role = record.get("role", "")
        if "reply" in record:
            return Row(record["key"], role, reply_from(record["reply"]))
        error = record["error"]
        return Row(record["key"], role, _ERRORS[error["kind"]](error["message"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReplyStoreError(f"expected a request and its answer in {where}, got {quoted(line)} ({error})") from error


def _make(options: BackendOptions) -> Backend:
    engine = Recorded(Path(options.model))
    return InProcess(engine, options.account.meter(engine.identity.get("model", options.model)))


SPEC = BackendSpec("recorded", "answers from a recording: recorded/FILE.jsonl", _make)
