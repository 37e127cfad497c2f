"""Answers given by a function or a list, for tests, examples and trying things out: the backend ``scripted``."""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from agentwm.backends.accounts import Account, Usage
from agentwm.backends.in_process import InProcess
from agentwm.backends.protocol import Answer, Backend, BackendOptions, BackendSpec, Capabilities, Reply, Request
from agentwm.errors import BackendError, ConfigurationError, ReplyMissingError, quoted

__all__ = ["SPEC", "Script", "Scripted", "scripted"]

Said = str | Reply | BackendError
Script = Callable[[Request], Said]


class Scripted:
    """An engine that answers by a function, or with the items of a sequence one after the other."""

    batch_size = 1
    capabilities = Capabilities()

    def __init__(self, script: Script | Sequence[Said], name: str = "script") -> None:
        self.identity: Mapping[str, str] = MappingProxyType({"backend": "scripted", "model": name})
        self.requests: list[Request] = []
        self._script = script if callable(script) else _in_turn(iter(script))

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        """Return what the script says to ``requests``; they are kept in `requests`, to be looked at."""
        self.requests += requests
        return [_answer(request, self._script(request)) for request in requests]

    def close(self) -> None:
        """Do nothing: nothing is held."""


def _in_turn(answers: Iterator[Said]) -> Script:
    used_up = ReplyMissingError("the script has come to its end: give it as many answers as there are requests")
    return lambda _: next(answers, used_up)


def _answer(request: Request, said: Said) -> Answer:
    if isinstance(said, str):
        asked = "".join(message.text for message in request.messages)
        return Reply(said, Usage.estimated(asked, said), model="script")
    return said


def scripted(script: Script | Sequence[Said], *, account: Account | None = None, name: str = "script") -> Backend:
    """Return a backend that answers by ``script``."""
    return InProcess(Scripted(script, name), (account or Account()).meter(name))


def _make(options: BackendOptions) -> Backend:
    """Return the backend whose script is the function ``module:name``."""
    module, _, name = options.model.partition(":")
    try:
        script = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"expected a script as module:function, got {quoted(options.model)} ({error}): is the module on Python's path?"
        ) from error
    if not callable(script):
        raise ConfigurationError(f"expected {options.model} to be a function of a request, got {quoted(script)}")
    return scripted(script, account=options.account, name=options.model)


SPEC = BackendSpec("scripted", "answers by a Python function: scripted/MODULE:FUNCTION", _make, names_code=True)
