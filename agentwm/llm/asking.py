"""Asks a language model on behalf of one role, and keeps count of what could be used of what it said.

A reply that cannot be used after it was asked for again (of the wrong form, cut, declined) leaves the question open: the asker answers
None, counts it, and the symbolic mind goes on alone. Everything else that goes wrong (no server, no key, no budget) is raised.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend, Request
from agentwm.errors import (
    BackendError,
    DecisionSpentError,
    InvalidReplyError,
    RefusalError,
    TruncatedReplyError,
)

__all__ = ["UNUSABLE", "Asker", "ReplyCount"]

Form = TypeVar("Form", bound=BaseModel)
Subject = TypeVar("Subject")
Read = TypeVar("Read")
MAX_TOKENS = 1024
UNUSABLE = (InvalidReplyError, RefusalError, TruncatedReplyError)


class ReplyCount(BaseModel):
    """How many questions were put, and what came of them.

    ``second`` counts replies that could be used only when asked for again, ``unusable`` those that could not even then. ``dropped``
    counts the things in usable replies that make no sense: an unknown name, a value of another sort, a command that is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    questions: int = 0
    second: int = 0
    unusable: int = 0
    dropped: int = 0

    def __add__(self, other: "ReplyCount") -> "ReplyCount":
        return ReplyCount(**{name: getattr(self, name) + getattr(other, name) for name in ReplyCount.model_fields})

    @property
    def first(self) -> int:
        """How many replies could be used as they came."""
        return self.questions - self.second - self.unusable


@dataclass(frozen=True, slots=True)
class _Said(Generic[Form]):
    value: Form | None


class Asker(Generic[Form]):
    """Puts the questions of one prompt, each only once: what was said to it is remembered."""

    def __init__(
        self,
        backend: Backend,
        prompt: Prompt,
        form: type[Form],
        *,
        temperature: float = 0.0,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        self.prompt = prompt
        self.count = ReplyCount()
        self._backend = backend
        self._form = form
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._said: dict[Request, _Said[Form]] = {}

    def request(self, slots: Mapping[str, str]) -> Request:
        """Return the question that the prompt puts with ``slots`` filled in."""
        messages = self.prompt.messages(slots)
        return Request(
            messages,
            role=self.prompt.role,
            schema=self._form,
            max_tokens=self._max_tokens,
            temperature=self._temperature,
        )

    def ask(self, requests: Sequence[Request]) -> list[Form | None]:
        """Return what the model says to each of ``requests``, None where that could not be used.

        Raises: BackendError when it cannot be asked; what else was answered is kept, as it was paid for.
        """
        new = [request for request in dict.fromkeys(requests) if request not in self._said]
        answers = self._backend.generate(new) if new else []
        failures = []
        for request, answer in zip(new, answers, strict=True):
            if isinstance(answer, BackendError):
                if not isinstance(answer, UNUSABLE):
                    failures.append(answer)
                    continue
                self.tell(ReplyCount(questions=1, unusable=1))
                self._said[request] = _Said(None)
            else:
                self.tell(ReplyCount(questions=1, second=int(answer.is_second)))
                self._said[request] = _Said(answer.read(self._form))
        if failures:
            raise failures[0]
        return [self._said[request].value for request in requests]

    def ask_about(
        self,
        subjects: Sequence[Subject],
        request: Callable[[Subject], Request],
        read: Callable[[Subject, Form], tuple[Read, int]],
    ) -> list[Read | None]:
        """Return what is ``read`` in the answers about ``subjects``, asked side by side; None where one could not be used.

        ``read`` returns, too, how much of an answer makes no sense: that is counted once for each question. There are fewer answers, but
        one at least, where a decision may ask no more. Raises: as `ask`.
        """
        requests = [request(subject) for subject in subjects]
        new = {each for each in requests if each not in self._said}
        found: list[Read | None] = []
        for subject, asked, said in zip(subjects, requests, self._answered(requests), strict=False):
            if said is None:
                found.append(None)
                continue
            understood, dropped = read(subject, said)
            found.append(understood)
            if asked in new:
                new.discard(asked)
                self.tell(ReplyCount(dropped=dropped))
        return found

    def _answered(self, requests: Sequence[Request]) -> list[Form | None]:
        """Return what the model says to ``requests``, or to the first of them where a decision may ask no more. Raises: as `ask`."""
        try:
            return self.ask(requests)
        except DecisionSpentError:
            known = list(takewhile(self._said.__contains__, requests))
            if not known:
                raise
            return [self._said[request].value for request in known]

    def was_asked(self, request: Request) -> Form | None:
        """Return what was said to ``request``, None where it was not put or not answered."""
        said = self._said.get(request)
        return None if said is None else said.value

    def tell(self, count: ReplyCount) -> None:
        """Add to the count."""
        self.count += count
