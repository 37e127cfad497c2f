"""Weights in this process: what is the same for every library that runs them.

A `Runtime` turns tokens into tokens and into probabilities; the engine here does the rest: length against context, forms, and choices.
Choices are weighed instead of written: the log-probability of each of them as the whole answer, its end included, so that
"drawer 1" is not favoured over "drawer 10" for being its beginning. For weak models that is the better half of structured output.
"""

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agentwm.backends.accounts import Usage
from agentwm.backends.completions import up_to
from agentwm.backends.protocol import Answer, Capabilities, Finish, Message, Reply, Request, Structured
from agentwm.backends.schema import Schema, bounded_schema
from agentwm.backends.wording import schema_in_words
from agentwm.errors import BackendError, RequestError

__all__ = ["Completion", "Draft", "LocalEngine", "Runtime", "fingerprint"]


@dataclass(frozen=True, slots=True)
class Draft:
    """One completion to make: how ``tokens`` go on, under ``schema`` if there is one, drawn with ``seed``."""

    tokens: Sequence[int]
    request: Request
    schema: Schema | None
    seed: int


@dataclass(frozen=True, slots=True)
class Completion:
    """How a draft went on: ``text`` of ``token_count`` tokens, the last one that ends it included."""

    text: str
    token_count: int
    finish: Finish
    cached_tokens: int = 0


class Runtime(Protocol):
    """A library with one model loaded."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, model, its fingerprint, the library's version."""

    @property
    def context_tokens(self) -> int:
        """How many tokens question and answer may have together."""

    @property
    def keeps_schemas(self) -> bool:
        """Whether completions can be held to a schema."""

    def chat_tokens(self, messages: Sequence[Message]) -> list[int]:
        """Return ``messages`` as the model was trained to see them, up to where its answer begins.

        Raises: RequestError when the model's template has no place for them.
        """

    def answer_tokens(self, text: str) -> list[int]:
        """Return ``text`` as a whole answer, with the token that ends it."""

    def complete(self, drafts: Sequence[Draft]) -> list[Completion]:
        """Return how each of ``drafts`` goes on, in order.

        Raises: BackendError when they cannot be run together.
        """

    def score(self, prompt: Sequence[int], endings: Sequence[Sequence[int]]) -> list[float]:
        """Return the log-probability (natural, not above 0) of each of ``endings`` after ``prompt``."""

    def close(self) -> None:
        """Free the memory. May be called twice."""


class LocalEngine:
    """Answers from a `Runtime`. ``rng`` draws the seeds of requests that bring none."""

    def __init__(self, runtime: Runtime, batch_size: int, rng: random.Random) -> None:
        self.batch_size = batch_size
        self._runtime = runtime
        self._rng = rng

    @property
    def identity(self) -> Mapping[str, str]:
        """That of the runtime."""
        return self._runtime.identity

    @property
    def capabilities(self) -> Capabilities:
        """What the runtime can do."""
        structured: Structured = "bounded" if self._runtime.keeps_schemas else "none"
        return Capabilities(structured, has_scores=True, context_tokens=self._runtime.context_tokens)

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order."""
        answers: dict[int, Answer] = {}
        drafts: dict[int, Draft] = {}
        for place, request in enumerate(requests):
            try:
                draft = self._draft(request)
                if request.choices:
                    answers[place] = self._chosen(draft)
                else:
                    drafts[place] = draft
            except BackendError as error:
                answers[place] = error.with_traceback(None)
        answers |= self._completed(drafts)
        return [answers[place] for place in range(len(requests))]

    def close(self) -> None:
        """Free the runtime."""
        self._runtime.close()

    def _draft(self, request: Request) -> Draft:
        schema = None if request.schema is None else bounded_schema(request.schema)
        messages = request.messages
        if schema is not None and not self._runtime.keeps_schemas:
            last = messages[-1]
            messages = (*messages[:-1], last._replace(text=f"{last.text}\n\n{schema_in_words(schema)}"))
            schema = None
        tokens = self._runtime.chat_tokens(messages)
        room = self._runtime.context_tokens - len(tokens)
        if room < (1 if request.choices else request.max_tokens):
            # Not every library refuses: one was seen to write garbage for 19 s instead.
            raise RequestError(
                f"expected question and answer to fit into {self._runtime.context_tokens} tokens, got {len(tokens)} and up to "
                f"{request.max_tokens}: shorten the prompt, or lower max_tokens"
            )
        seed = self._rng.getrandbits(32) if request.draw is None else request.draw
        return Draft(tokens, request, schema, seed)

    def _completed(self, drafts: Mapping[int, Draft]) -> dict[int, Answer]:
        if not drafts:
            return {}
        try:
            completions = self._runtime.complete(list(drafts.values()))
        except BackendError as error:
            return dict.fromkeys(drafts, error.with_traceback(None))
        return {
            place: self._reply(draft, completion)
            for (place, draft), completion in zip(drafts.items(), completions, strict=True)
        }

    def _reply(self, draft: Draft, completion: Completion) -> Reply:
        text = up_to(completion.text, draft.request.stop)
        return Reply(
            text,
            Usage(len(draft.tokens), completion.token_count, completion.cached_tokens),
            finish="stop" if len(text) < len(completion.text) else completion.finish,
            model=self._runtime.identity["model"],
        )

    def _chosen(self, draft: Draft) -> Reply:
        request = draft.request
        endings = [self._runtime.answer_tokens(choice) for choice in request.choices]
        if len(draft.tokens) + max(map(len, endings)) > self._runtime.context_tokens:
            raise RequestError(
                f"a choice does not fit into the context of {self._runtime.context_tokens} tokens: shorten it"
            )
        scores = tuple(self._runtime.score(draft.tokens, endings))
        return Reply(
            request.choices[_pick(scores, request.temperature, random.Random(draft.seed))],
            # Every choice is read after the whole prompt; nothing is written.
            Usage(sum(len(draft.tokens) + len(ending) for ending in endings), 0),
            model=self._runtime.identity["model"],
            scores=scores,
        )


def _pick(scores: Sequence[float], temperature: float, rng: random.Random) -> int:
    """Return the place of the best of ``scores``, or of one drawn at ``temperature``."""
    best = max(scores)
    if temperature == 0:
        return scores.index(best)
    weights = [math.exp((score - best) / temperature) for score in scores]
    return rng.choices(range(len(scores)), weights)[0]


def fingerprint(model: str) -> dict[str, str]:
    """Return what tells the weights in the folder ``model`` from later ones in the same place; nothing for a name on a hub."""
    folder = Path(model)
    if not folder.is_dir():
        return {}
    files = sorted(file for file in folder.iterdir() if file.is_file())
    seen = "\n".join(f"{file.name} {(status := file.stat()).st_size} {status.st_mtime_ns}" for file in files)
    return {"weights": hashlib.sha256(seen.encode()).hexdigest()[:16]}
