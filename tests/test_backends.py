"""Backends as a whole: the contract that all of them keep, and a server that misbehaves in every way we know of."""

import gc
import io
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from agentwm import build
from agentwm.backends.accounts import Account, Budget
from agentwm.backends.layers import layered
from agentwm.backends.protocol import (
    Backend,
    BackendOptions,
    BackendSpec,
    Message,
    Patience,
    Reply,
    Request,
    expect_replies,
)
from agentwm.backends.recording import Recorder
from agentwm.backends.scripted import scripted
from agentwm.errors import (
    BackendError,
    BudgetReachedError,
    ConfigurationError,
    InvalidReplyError,
    MalformedReplyError,
    RateLimitError,
    RefusalError,
    RequestError,
    TruncatedReplyError,
    UnavailableError,
)
from tests.fault_server import FaultServer
from tests.test_lightness import HEAVY, loaded_by

KEY = "sk-Wq7-never-to-be-seen"
PATIENCE = Patience(attempts=3, seconds=30.0, first_wait_s=0.005)


class Guess(BaseModel):
    why: Annotated[str, Field(max_length=80)]
    p_success: Annotated[float, Field(ge=0, le=1)]


def asking(text: str = "Does it work?", **settings: Any) -> Request:
    return Request((Message("system", "You predict."), Message("user", text)), role="predict", **settings)


Connect = Callable[..., Backend]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Return a function that makes a checked backend of a server, closed at the end."""
    made: list[Backend] = []

    def connect(server: FaultServer, account: Account | None = None, **settings: Any) -> Backend:
        account = account or Account()
        options = BackendOptions(
            "m", base_url=server.url, key=SecretStr(KEY), timeout_s=20.0, patience=PATIENCE, account=account
        )
        made.append(layered(build.backend("openai").make(replace(options, **settings)), account))
        return made[-1]

    yield connect
    for backend in made:
        backend.close()


# --- the contract -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", build.names("backends"))
def test_every_backend_declares_itself_without_loading_what_it_needs(name: str) -> None:
    spec = build.backend(name)
    assert isinstance(spec, BackendSpec)
    assert spec.name == name
    assert spec.summary
    missing = spec.missing()
    assert missing is None or "pip install" in missing


def test_all_declarations_together_load_nothing_heavy() -> None:
    code = "from agentwm import build\nfor name in build.names('backends'): build.backend(name)"
    assert not HEAVY & loaded_by(code)


@pytest.fixture(params=["openai", "recorded", "scripted"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Yield each backend that runs anywhere; all of them answer with the question."""

    def echo(asked: Request) -> str:
        return asked.messages[-1].text

    with FaultServer(says=lambda body: str(body["messages"][-1]["content"])) as server:
        path = tmp_path / "run.jsonl"
        Recorder(scripted(echo), path).generate([asking(f"question {number}") for number in range(40)])
        options = {
            "openai": BackendOptions("m", base_url=server.url, key=SecretStr(KEY)),
            "recorded": BackendOptions(str(path)),
            "scripted": BackendOptions("builtins:repr"),
        }
        name = request.param
        backend = scripted(echo) if name == "scripted" else build.backend(name).make(options[name])
        yield backend
        backend.close()


def test_answers_stand_in_the_order_of_their_requests(running: Backend) -> None:
    questions = [f"question {number}" for number in range(40)]
    replies = expect_replies(running.generate([asking(question) for question in questions]))
    assert [reply.text for reply in replies] == questions
    assert all(reply.usage.input_tokens > 0 for reply in replies)


def test_no_requests_have_no_answers_and_closing_twice_is_legal(running: Backend) -> None:
    assert running.generate([]) == []
    running.close()
    running.close()


def test_a_backend_says_who_it_is_in_words_and_what_it_can(running: Backend) -> None:
    assert {"backend", "model"} <= set(running.identity)
    assert all(isinstance(word, str) for word in running.identity.values())
    assert running.probe() == running.probe()


def test_a_backend_can_be_asked_from_several_threads(running: Backend) -> None:
    heard: dict[int, list[str]] = {}

    def ask(number: int) -> None:
        questions = [asking(f"question {number + place}") for place in range(5)]
        heard[number] = [reply.text for reply in expect_replies(running.generate(questions))]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {number: [f"question {number + place}" for place in range(5)] for number in range(8)}


# --- faults ---------------------------------------------------------------------------------------------------------------

# What each fault ends in when it happens once, and when it goes on for ever: None is an answer, else the error.
FAULTS: dict[str, tuple[type[BackendError] | None, type[BackendError] | None]] = {
    "429": (None, RateLimitError),
    "429 seconds": (None, RateLimitError),
    "429 milliseconds": (None, RateLimitError),
    "429 for long": (RateLimitError, RateLimitError),
    "408": (None, UnavailableError),
    "409": (None, UnavailableError),
    "500": (None, UnavailableError),
    "503": (None, UnavailableError),
    "503 never again": (UnavailableError, UnavailableError),
    "timeout": (None, UnavailableError),
    "dribble": (None, UnavailableError),
    "reset": (None, UnavailableError),
    "truncated": (None, UnavailableError),
    "broken json": (None, MalformedReplyError),
    "html": (None, MalformedReplyError),
    "no choices": (None, MalformedReplyError),
    "error in 200": (None, MalformedReplyError),
    "endless": (None, MalformedReplyError),
    "refusal": (RefusalError, RefusalError),
    "filter": (RefusalError, RefusalError),
    "length": (None, TruncatedReplyError),
    "whitespace": (None, TruncatedReplyError),
    "wrong schema": (None, InvalidReplyError),
    "prose": (None, InvalidReplyError),
    "empty": (None, InvalidReplyError),
    "400": (RequestError, RequestError),
    "401": (RequestError, RequestError),
    "404": (RequestError, RequestError),
}


@pytest.mark.parametrize("how_long", ["once", "for ever"])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_in_an_answer_or_a_typed_error_with_the_account_right(
    fault: str, how_long: str, connect: Connect
) -> None:
    account, is_lasting = Account(), how_long == "for ever"
    expected = FAULTS[fault][is_lasting]
    timeout_s = 0.6 if fault in ("timeout", "dribble") else 20.0  # long, for machines that are busy
    with FaultServer("ok", fault, for_ever=is_lasting) as server:  # the first request is the probe
        [answer] = connect(server, account, timeout_s=timeout_s).generate([asking(schema=Guess)])
        if expected is None:
            assert isinstance(answer, Reply), answer
            assert answer.read(Guess).p_success == 0
        else:
            assert type(answer) is expected, answer
        assert account.total.calls == len(server.asked) <= 1 + PATIENCE.attempts
        assert account.by_role["probe"].calls == 1


@pytest.mark.parametrize("fault", ["500", "timeout", "html", "reset", "length"])
def test_a_budget_of_calls_is_kept_whatever_fails(fault: str, connect: Connect) -> None:
    account = Account(Budget(calls=5))
    with FaultServer("ok", fault, for_ever=True) as server:
        answers = connect(server, account, timeout_s=0.6 if fault == "timeout" else 20.0).generate(
            [asking(str(number), schema=Guess) for number in range(6)]
        )
        assert len(server.asked) == 5
        assert any(isinstance(answer, BudgetReachedError) for answer in answers)
        assert all(isinstance(answer, BackendError) for answer in answers)


def test_a_spent_budget_keeps_what_was_answered(connect: Connect) -> None:
    with FaultServer() as server:
        answers = connect(server, Account(Budget(calls=4))).generate([asking(str(number)) for number in range(9)])
        assert sum(isinstance(answer, Reply) for answer in answers) == 4
        assert sum(isinstance(answer, BudgetReachedError) for answer in answers) == 5


def test_one_bad_call_does_not_lose_the_others(connect: Connect) -> None:
    with FaultServer("400") as server:
        answers = connect(server).generate([asking(str(number)) for number in range(12)])
        assert sum(isinstance(answer, Reply) for answer in answers) == 11


def test_retry_after_is_waited_for(connect: Connect) -> None:
    with FaultServer("429 seconds") as server:
        expect_replies(connect(server).generate([asking()]))
        first, second = server.asked
        assert second.at_s - first.at_s >= 0.3


def test_a_server_that_is_not_there_is_an_error_that_names_it(connect: Connect) -> None:
    with FaultServer() as server:
        pass
    [answer] = connect(server).generate([asking()])
    assert isinstance(answer, UnavailableError)
    assert server.url in str(answer)
    assert "after 3 attempts" in str(answer)


def test_calls_in_flight_stay_within_the_limit_and_use_it(connect: Connect) -> None:
    with FaultServer(delay_s=0.1) as server:
        expect_replies(connect(server, in_flight=24).generate([asking(str(number)) for number in range(256)]))
        assert len(server.asked) == 256
        assert 8 < server.most_in_flight <= 24


# --- what a server can do ---------------------------------------------------------------------------------------------------


def test_a_server_that_enforces_schemas_is_believed_after_one_probe(connect: Connect) -> None:
    with FaultServer() as server:
        backend = connect(server)
        assert backend.probe().structured == "bounded"
        expect_replies(backend.generate([asking(schema=Guess), asking(choices=("take", "open"))]))
        assert len(server.asked) == 3
        sent = {body["response_format"]["json_schema"]["name"]: body for body in server.bodies()}
        assert sent.keys() == {"Guess", "Choice"}
        assert all(len(body["messages"]) == 2 and "JSON" not in str(body["messages"]) for body in sent.values())


def test_a_server_that_accepts_a_schema_and_answers_prose_is_found_out(connect: Connect) -> None:
    with FaultServer(enforces=False, says=lambda _: '{"why": "so", "p_success": 1}') as server:
        backend = connect(server)
        assert backend.probe().structured == "none"
        [reply] = expect_replies(backend.generate([asking(schema=Guess)]))
        assert reply.read(Guess).p_success == 1
        [body] = server.bodies()
        assert "response_format" not in body
        assert '"p_success"' in body["messages"][-1]["content"]


def test_a_server_that_turns_response_format_down_is_asked_in_words(connect: Connect) -> None:
    with FaultServer(refuses=["response_format"], says=lambda _: "open") as server:
        backend = connect(server)
        [reply] = expect_replies(backend.generate([asking(choices=("take", "open"))]))
        assert (backend.probe().structured, reply.text) == ("none", "open")


def test_a_small_context_is_no_sign_that_schemas_are_not_kept(connect: Connect) -> None:
    with FaultServer(context_tokens=256) as server:
        assert connect(server).probe().structured == "bounded"


def test_free_text_needs_no_probe(connect: Connect) -> None:
    with FaultServer() as server:
        expect_replies(connect(server).generate([asking()]))
        assert len(server.asked) == 1


def test_a_probe_that_failed_is_made_again(connect: Connect) -> None:
    with FaultServer("401", "ok") as server:
        backend = connect(server)
        [answer] = backend.generate([asking(schema=Guess)])
        assert isinstance(answer, RequestError)
        assert expect_replies(backend.generate([asking(schema=Guess)]))


def test_parameters_that_a_model_turns_down_are_left_out_from_then_on(connect: Connect) -> None:
    account = Account()
    with FaultServer(refuses=["max_tokens", "temperature"]) as server:
        backend = connect(server, account)
        expect_replies(backend.generate([asking("a")]))
        expect_replies(backend.generate([asking("b")]))
        assert account.total.calls == len(server.asked) == 4
        assert server.bodies()[-1].keys() == {"model", "messages", "stream", "max_completion_tokens"}
        assert backend.probe().refused == {"max_tokens", "temperature"}


def test_tokens_read_from_the_servers_own_cache_are_counted(connect: Connect) -> None:
    account = Account()
    with FaultServer() as server:
        [reply] = expect_replies(connect(server, account).generate([asking()]))
        assert (reply.usage.input_tokens, reply.usage.cached_tokens, reply.usage.output_tokens) == (20, 8, 5)
        assert (reply.model, reply.request_id) == ("fault-1", "request-7")
        assert account.total.cached_tokens == 8


# --- the key ------------------------------------------------------------------------------------------------------------------


def test_the_key_is_sent_and_appears_nowhere_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen = io.StringIO()
    faults = ["ok", "echo", "answer with key", "500", "html", "timeout", "reset", "429"]
    with FaultServer(*faults) as server:
        account = Account()
        options = BackendOptions(
            "m", base_url=server.url, key=SecretStr(KEY), account=account, timeout_s=1.0, patience=Patience(attempts=1)
        )
        bare = build.backend("openai").make(options)
        backend = layered(bare, account, cache=tmp_path / "c.db", cache_mode="write", record=tmp_path / "r.jsonl")
        answers = [answer for number in range(8) for answer in backend.generate([asking(str(number))])]
        for answer in answers:
            print(repr(answer), str(answer), file=seen)
            if isinstance(answer, BackendError):
                try:
                    raise answer
                except BackendError as error:
                    report = traceback.TracebackException.from_exception(error, capture_locals=True)
                    print(*report.format(), file=seen)
        print(repr(options), repr(backend), backend.identity, file=seen)
        backend.close()
        assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in server.asked)
        assert sum(isinstance(answer, BackendError) for answer in answers) == 6
    for file in tmp_path.rglob("*"):
        assert KEY.encode() not in file.read_bytes(), file
    assert KEY not in seen.getvalue()
    assert KEY not in caplog.text
    assert "[key]" in seen.getvalue()
    assert not any(KEY in text for answer in answers for text in _strings_held_by(answer))


@pytest.mark.parametrize("key", ["EMPTY", "a", "fine"])
def test_a_placeholder_for_a_key_does_not_garble_replies(key: str, connect: Connect) -> None:
    with FaultServer(says=lambda _: "a fine shelf: EMPTY") as server:
        [reply] = expect_replies(connect(server, key=SecretStr(key)).generate([asking()]))
        assert reply.text == "a fine shelf: EMPTY"


def test_a_key_in_plain_sight_would_be_found() -> None:
    error = UnavailableError("down")
    error.__cause__ = OSError(f"Bearer {KEY}")
    assert any(KEY in text for text in _strings_held_by(error))


def _strings_held_by(value: object) -> list[str]:
    """Return every string that can be reached from ``value``, classes and code left out."""
    found, waiting, known = [], [value], {id(value)}
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            found.append(each)
        if isinstance(each, type | ModuleType | FunctionType | FrameType):
            continue
        for child in gc.get_referents(each):
            if id(child) not in known:
                known.add(id(child))
                waiting.append(child)
    return found


def test_a_key_belongs_in_the_environment_and_not_in_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    make = build.backend("openai").make
    for url in (f"http://user:{KEY}@127.0.0.1/v1", f"http://127.0.0.1/v1?key={KEY}"):
        with pytest.raises(ConfigurationError, match="belong in OPENAI_API_KEY") as error:
            make(BackendOptions("m", base_url=url))
        assert KEY not in str(error.value)
    with pytest.raises(ConfigurationError, match="expected a base URL such as"):
        make(BackendOptions("m", base_url="127.0.0.1:8000"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY"):
        make(BackendOptions("m"))
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\nand more")
    with pytest.raises(ConfigurationError, match="plain ASCII") as error:
        make(BackendOptions("m"))
    assert KEY not in str(error.value)


def test_the_key_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    with FaultServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        backend = build.backend("openai").make(BackendOptions("m"))
        expect_replies(backend.generate([asking()]))
        backend.close()
        assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
