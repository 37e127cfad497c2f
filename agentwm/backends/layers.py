"""Puts the layers above a bare backend, from the top: checking, the ration of a decision, cache, memory, recording.

What is recorded and cached are the replies as they came, so that a replay is checked again, by the forms and rules of today. Below them,
a backend over the network has its limit on calls in flight, its retries and its meter (`agentwm.backends.network`).
"""

from collections.abc import Sequence
from pathlib import Path

from agentwm.backends.accounts import Account
from agentwm.backends.cache import Cached, CacheMode, ReplyCache
from agentwm.backends.checking import Checked
from agentwm.backends.memory import Remembering
from agentwm.backends.protocol import Backend
from agentwm.backends.rationed import Allowance, Rationed
from agentwm.backends.recording import Recorder, Row
from agentwm.errors import ConfigurationError

__all__ = ["layered"]


def layered(  # noqa: PLR0913 -- one argument per layer and what it needs
    bare: Backend,
    account: Account,
    *,
    cache: Path | None = None,
    cache_mode: CacheMode = "off",
    record: Path | None = None,
    said_by: str = "",
    so_far: Sequence[Row] | None = None,
    allowance: Allowance | None = None,
) -> Backend:
    """Return ``bare`` with checking above it, with the cache in the file ``cache`` and with a recording to ``record`` if there are any.

    Closing it closes all of it. The recording says that ``said_by`` answered. Where ``so_far`` is given, the rows of the run up to now,
    the same question gets the same answer for the length of the run, and errors, after which it can be resumed, are not recorded.
    Where an ``allowance`` is given, no more is asked than it admits, second askings, cached and remembered replies included.

    Raises: ConfigurationError when there is a cache without a mode or a mode without a cache; ReplyStoreError when a file is not ours.
    """
    if (cache is None) != (cache_mode == "off"):
        raise ConfigurationError(
            f"expected a cache file and a mode other than off, or neither, got {cache} and {cache_mode!r}"
        )
    backend = bare
    if record is not None:
        backend = Recorder(backend, record, said_by=said_by, errors=so_far is None)
    if so_far is not None:
        backend = Remembering(backend, so_far)
    if cache is not None:
        meter = account.meter(bare.identity.get("model", ""))
        backend = Cached(backend, ReplyCache(cache), cache_mode, meter)
    if allowance is not None:
        backend = Rationed(backend, allowance)
    return Checked(backend)
