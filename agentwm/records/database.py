"""The sqlite file of a run: its tables, its lock, and what its errors mean."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from agentwm.errors import RunStoreError

__all__ = ["DATABASE", "connect", "create_database", "expect_ours", "lock", "reading"]

DATABASE = "run.db"
FORMAT = 3
APPLICATION_ID = 0x6177_6D31  # "awm1", so that `file` and we know our own files
BUSY_TIMEOUT_MS = 5_000

_SCHEMA = """
CREATE TABLE run (
    config TEXT NOT NULL, versions TEXT NOT NULL, created_s REAL NOT NULL, status TEXT NOT NULL, report TEXT, begun_with TEXT
);
CREATE TABLE episodes (
    episode INTEGER PRIMARY KEY, phase TEXT NOT NULL, task TEXT NOT NULL, task_type TEXT NOT NULL,
    goal TEXT NOT NULL, status TEXT NOT NULL, opening TEXT, opening_facts TEXT, opening_actions TEXT, start TEXT,
    won INTEGER, steps INTEGER, error TEXT, learned TEXT, began_s REAL NOT NULL, wall_s REAL, returned REAL, achievements TEXT
);
CREATE TABLE steps (
    episode INTEGER NOT NULL REFERENCES episodes, step INTEGER NOT NULL,
    action TEXT NOT NULL, predicted TEXT, predicted_success INTEGER, began_s REAL NOT NULL,
    observation TEXT, facts TEXT, actions TEXT, reward REAL, terminated INTEGER, truncated INTEGER,
    succeeded INTEGER, changed TEXT, told TEXT, believed TEXT, forgotten TEXT, wall_s REAL, spent TEXT, plan TEXT,
    PRIMARY KEY (episode, step)
);
-- Many moments look alike, so a picture is kept once, under the hash of its bytes.
CREATE TABLE pictures (digest TEXT PRIMARY KEY, png BLOB NOT NULL);
-- The picture after so many steps of an episode, 0 for its beginning.
CREATE TABLE screenshots (
    episode INTEGER NOT NULL REFERENCES episodes, steps INTEGER NOT NULL, digest TEXT NOT NULL REFERENCES pictures,
    PRIMARY KEY (episode, steps)
) WITHOUT ROWID;
"""


def create_database(path: Path, *, config: str, versions: str, now: float, begun_with: str | None = None) -> None:
    """Write the file of a new run to the folder ``path``: the whole of it appears at once, or nothing does."""
    new = path / f"{DATABASE}.new"
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(new)) as database:
        database.executescript(_SCHEMA)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.execute("INSERT INTO run VALUES (?, ?, ?, 'running', NULL, ?)", (config, versions, now, begun_with))
        database.commit()
    new.rename(path / DATABASE)
    with closing(connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")


def expect_ours(database: sqlite3.Connection, path: Path) -> None:
    """Raise a RunStoreError unless ``database`` is a sound run of this format."""
    with reading(path):
        [application_id] = database.execute("PRAGMA application_id").fetchone()
        [version] = database.execute("PRAGMA user_version").fetchone()
        [complaint] = database.execute("PRAGMA quick_check(1)").fetchone()
    if application_id != APPLICATION_ID:
        raise RunStoreError(f"expected a run of agentwm, but {path / DATABASE} is another program's sqlite file")
    if version != FORMAT:
        raise RunStoreError(
            f"expected run format {FORMAT}, but {path} has {version}: use the agentwm that wrote it, or begin a new run"
        )
    if complaint != "ok":
        raise RunStoreError(f"the run in {path} is damaged: {complaint}")


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the run in ``path`` that waits its turn; transactions are begun and ended by hand."""
    connection = sqlite3.connect(path / DATABASE, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def lock(path: Path) -> sqlite3.Connection:
    """Return a connection whose life keeps other writers out; it ends with the process, however that dies.

    sqlite's file locks are the portable ones. The lock has a file of its own, so that readers are not kept out.
    """
    holder = sqlite3.connect(path / "run.lock", timeout=0, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        holder.close()
        raise RunStoreError(
            f"the run in {path} is locked: another process is writing it (or the folder is read-only)"
        ) from error
    return holder


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an error of sqlite into a RunStoreError that says what it means."""
    try:
        yield
    except sqlite3.Error as error:
        reason = "locked by another process" if "locked" in str(error) else f"damaged or not readable ({error})"
        raise RunStoreError(f"the run in {path} is {reason}") from error
