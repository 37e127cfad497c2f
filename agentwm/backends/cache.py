"""Keeps replies in a sqlite file, so that the same question to the same model is paid for once.

Modes: ``off``; ``read`` uses what is there; ``write`` also keeps what is new; ``replay`` asks nobody, and what is not there is an error.
Replies are kept as they came, before they are checked, and errors are never kept.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from agentwm.backends.accounts import Meter
from agentwm.backends.encoding import cache_key, canonical, reply_from, reply_record
from agentwm.backends.protocol import Answer, Backend, Reply, Request
from agentwm.backends.wrapped import Wrapped
from agentwm.errors import BackendError, ReplyMissingError, ReplyStoreError, quoted

__all__ = ["CacheMode", "Cached", "ReplyCache"]

CacheMode = Literal["off", "read", "write", "replay"]
APPLICATION_ID = 0x6177_6D63  # "awmc", so that we know our own files
BUSY_TIMEOUT_S = 10.0


class ReplyCache:
    """Replies on disk, by key. Several processes may use one file at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._reading():
            self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except ReplyStoreError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        with self._reading():
            [found] = self._db.execute("PRAGMA application_id").fetchone()
            [tables] = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if found != APPLICATION_ID and tables:
                raise ReplyStoreError(
                    f"expected a cache of replies, but {self.path} is another program's sqlite file: choose another"
                )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, reply TEXT NOT NULL) WITHOUT ROWID"
            )

    def get(self, key: str) -> Reply | None:
        """Return the reply kept under ``key``, or None."""
        with self._lock, self._reading():
            row = self._db.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
            return None if row is None else reply_from(json.loads(row[0]))

    def put(self, replies: Mapping[str, Reply]) -> None:
        """Keep ``replies``, by key, all of them or none. What is kept already stays."""
        rows = [(key, canonical(reply_record(reply))) for key, reply in replies.items()]
        with self._lock, self._reading():
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                # The first answer stays: a run in another process may have gone on from it.
                self._db.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?)", rows)

    def close(self) -> None:
        """Release the file. May be called twice."""
        self._db.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what sqlite or a row says into a ReplyStoreError."""
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            raise ReplyStoreError(
                f"the cache {self.path} cannot be used ({error}): delete it, or choose another"
            ) from error


class Cached(Wrapped):
    """A backend that answers from a `ReplyCache` what it can."""

    def __init__(self, inner: Backend, cache: ReplyCache, mode: CacheMode, meter: Meter) -> None:
        super().__init__(inner)
        self._cache = cache
        self._mode = mode
        self._meter = meter

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order; equal ones are asked once."""
        if self._mode == "off":
            return self._inner.generate(requests)
        keys = [cache_key(self.identity, request) for request in requests]
        known: dict[str, Answer] = {key: reply for key in set(keys) if (reply := self._cache.get(key)) is not None}
        kept = set(known)
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
        known |= self._ask(missing)
        answers = []
        for key, request in zip(keys, requests, strict=True):
            answer = known[key]
            if key in kept and isinstance(answer, Reply):
                self._meter.hit(request.role)
                answer = replace(answer, is_cached=True)
            kept.add(key)
            answers.append(answer)
        return answers

    def _ask(self, missing: Mapping[str, Request]) -> dict[str, Answer]:
        if self._mode == "replay":
            return {key: _miss(self._cache.path, request) for key, request in missing.items()}
        answers = self._inner.generate(list(missing.values())) if missing else []
        found = dict(zip(missing, answers, strict=True))
        replies = {key: answer for key, answer in found.items() if isinstance(answer, Reply)}
        if self._mode == "write" and replies:
            self._cache.put(replies)
        return found

    def close(self) -> None:
        """Close the cache and what is beneath."""
        self._cache.close()
        super().close()


def _miss(path: Path, request: Request) -> BackendError:
    asked = request.messages[-1].text
    return ReplyMissingError(
        f"in replay, every reply must be in {path}, but there is none to {quoted(asked)}: fill it in mode write first"
    )
