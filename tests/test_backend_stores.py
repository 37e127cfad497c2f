"""What is kept of replies: their keys, the cache, and recordings that are replayed."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm import build
from agentwm.backends.accounts import Account, Budget, Usage
from agentwm.backends.cache import Cached, CacheMode, ReplyCache
from agentwm.backends.checking import Checked
from agentwm.backends.encoding import cache_key, reply_from, reply_record, request_key
from agentwm.backends.protocol import (
    Answer,
    Backend,
    BackendOptions,
    Message,
    Reply,
    Request,
    expect_replies,
)
from agentwm.backends.recording import Recorder
from agentwm.backends.scripted import Said, scripted
from agentwm.errors import (
    BackendError,
    BudgetReachedError,
    RateLimitError,
    RefusalError,
    ReplyMissingError,
    ReplyStoreError,
)
from tests.backend_examples import BAD, GOOD, Counting, Guess, Other, asking, reply, texts

# --- keys ---------------------------------------------------------------------------------------------------------------

OTHER_VALUES: dict[str, Any] = {
    "messages": (Message("user", "else"),),
    "schema": Guess,
    "choices": ("a", "b"),
    "max_tokens": 1,
    "temperature": 0.5,
    "top_p": 0.5,
    "seed": 0,
    "stop": ("\n",),
    "sample": 1,
}


@pytest.mark.parametrize("name", [field.name for field in fields(Request)])
def test_the_key_depends_on_all_that_the_answer_depends_on(name: str) -> None:
    if name == "role":
        assert request_key(asking()) == request_key(replace(asking(), role="judge"))
    else:
        assert request_key(asking()) != request_key(replace(asking(), **{name: OTHER_VALUES[name]}))


def test_two_forms_of_one_name_have_two_keys() -> None:
    renamed = type("Guess", (Other,), {})
    assert request_key(asking(schema=Guess)) != request_key(asking(schema=renamed))


def test_the_key_of_a_cache_depends_on_the_server_and_the_model() -> None:
    keys = {
        cache_key(identity, asking()) for identity in ({"model": "a"}, {"model": "b"}, {"model": "a", "base_url": "x"})
    }
    assert len(keys) == 3


REQUESTS = st.builds(
    asking,
    text=st.text(max_size=5),
    max_tokens=st.integers(1, 3),
    temperature=st.sampled_from([0, 0.0, 0.5, 1]),
    seed=st.sampled_from([None, 0, 1]),
    sample=st.integers(0, 2),
    stop=st.sampled_from([(), ("\n",)]),
)


@given(REQUESTS, REQUESTS)
def test_equal_requests_and_only_they_share_a_key(one: Request, other: Request) -> None:
    assert (request_key(one) == request_key(other)) == (one == other)


@given(
    st.builds(
        Reply,
        text=st.text(st.characters()),
        usage=st.builds(Usage, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.booleans()),
        finish=st.sampled_from(["stop", "length", "refusal"]),
        seconds=st.floats(0, 9),
        scores=st.none() | st.tuples(st.floats(-9, 0)),
        request_id=st.none() | st.text(),
    )
)
def test_a_reply_survives_being_written_down(came: Reply) -> None:
    assert reply_from(json.loads(json.dumps(reply_record(came)))) == came


# --- cache ----------------------------------------------------------------------------------------------------------------


Caching = Callable[..., Cached]


@pytest.fixture
def caching(tmp_path: Path) -> Iterator[Caching]:
    """Return a function that puts a cache, always in the same file, above a backend."""
    with contextlib.ExitStack() as made:

        def caching(inner: Backend, mode: CacheMode, account: Account | None = None) -> Cached:
            cached = Cached(inner, ReplyCache(tmp_path / "cache.db"), mode, (account or Account()).meter("m"))
            made.callback(cached.close)
            return cached

        yield caching


def test_what_was_written_is_not_asked_again_and_counts_as_a_hit(caching: Caching) -> None:
    inner, account = Counting(), Account()
    with_cache = caching(inner, "write", account)
    first = with_cache.generate([asking("a"), asking("b")])
    second = with_cache.generate([asking("b"), asking("c"), asking("a")])
    assert texts(first) == ["a #0", "b #1"]
    assert texts(second) == ["b #1", "c #2", "a #0"]
    assert [each.is_cached for each in expect_replies(second)] == [True, False, True]
    assert account.by_role["predict"].cache_hits == 2


def test_modes_differ_in_what_they_read_write_and_ask(caching: Caching) -> None:
    caching(Counting(), "write").generate([asking("known")])
    seen = {}
    for mode in ("off", "read", "replay"):
        inner = Counting()
        answers = caching(inner, mode).generate([asking("known"), asking("new")])
        seen[mode] = [isinstance(each, Reply) for each in answers], [each.messages[-1].text for each in inner.asked]
    assert seen == {
        "off": ([True, True], ["known", "new"]),
        "read": ([True, True], ["new"]),
        "replay": ([True, False], []),
    }


def test_a_miss_in_replay_is_an_error_that_says_what_was_asked(caching: Caching) -> None:
    [error] = caching(Counting(), "replay").generate([asking("never asked")])
    assert isinstance(error, ReplyMissingError)
    assert "never asked" in str(error)


@given(st.integers(1, 6), st.integers(1, 6))
def test_sampling_never_collapses_into_one_answer(first: int, second: int) -> None:
    request = asking(temperature=1.0)
    keys = [request_key(each) for each in (*request.samples(first), *replace(request, sample=first).samples(second))]
    assert len(set(keys)) == first + second


def test_samples_are_cached_apart_and_each_is_the_same_again(caching: Caching) -> None:
    inner = Counting()
    with_cache = caching(inner, "write")
    three = texts(with_cache.generate(asking(temperature=1.0).samples(3)))
    assert len(set(three)) == 3
    assert texts(with_cache.generate(asking(temperature=1.0).samples(5)))[:3] == three
    assert len(inner.asked) == 5


def test_a_greedy_question_twice_in_a_batch_is_asked_once(caching: Caching) -> None:
    inner, account = Counting(), Account()
    answers = caching(inner, "write", account).generate([asking(), asking()])
    assert len(inner.asked) == 1
    assert [each.is_cached for each in expect_replies(answers)] == [False, True]
    assert account.total.cache_hits == 1


def test_errors_are_never_cached(caching: Caching) -> None:
    answers: list[Answer] = [RateLimitError("slow down"), reply("now it works")]
    with_cache = caching(Counting(says=lambda *_: answers.pop(0)), "write")
    assert isinstance(with_cache.generate([asking()])[0], RateLimitError)
    assert texts(with_cache.generate([asking()])) == ["now it works"]


def test_two_caches_on_one_file_keep_the_first_answer(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    with contextlib.closing(ReplyCache(path)) as one, contextlib.closing(ReplyCache(path)) as other:
        one.put({"k": reply("first")})
        other.put({"k": reply("second")})
        assert one.get("k") == other.get("k") == reply("first")


def test_another_programs_file_or_a_damaged_one_is_left_alone(tmp_path: Path) -> None:
    other, damaged, row = tmp_path / "other.db", tmp_path / "damaged.db", tmp_path / "row.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    damaged.write_bytes(b"not a database" * 100)
    with pytest.raises(ReplyStoreError, match="another program's"):
        ReplyCache(other)
    with pytest.raises(ReplyStoreError, match="cannot be used"):
        ReplyCache(damaged)
    cache = ReplyCache(row)
    cache._db.execute("INSERT INTO replies VALUES ('k', '{}')")
    with pytest.raises(ReplyStoreError, match="not a reply"):
        cache.get("k")
    cache.close()


# --- recording and replay ---------------------------------------------------------------------------------------------------


def test_a_recorded_run_is_replayed_byte_for_byte_with_no_model(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    said: list[Said] = [BAD, GOOD, reply("<think>é\u2028</think>open"), RateLimitError("slow down"), RefusalError("no")]
    requests = [asking("a", schema=Guess), asking("b", choices=("open", "take")), asking("c"), asking("d", sample=1)]

    def run(backend: Backend) -> list[str]:
        answers = [answer for request in requests for answer in Checked(backend).generate([request])]
        return [
            repr(answer) if isinstance(answer, BackendError) else f"{answer.text} {answer.value}" for answer in answers
        ]

    live = run(Recorder(scripted(said), path, said_by="a list"))
    replays = [run(build.backend("recorded").make(BackendOptions(str(path)))) for _ in range(2)]
    assert live == replays[0] == replays[1]
    assert json.loads(path.read_text("utf-8").split("\n")[0]) == {
        "recording": 1,
        "identity": {"backend": "scripted", "model": "script"},
        "said_by": "a list",
    }


def test_the_account_of_a_replay_is_that_of_the_run(tmp_path: Path) -> None:
    path, live, replayed = tmp_path / "run.jsonl", Account(), Account()
    said = [reply("a", attempts=3, seconds=1.5, model="m"), reply("b", seconds=0.5)]
    recorder = Recorder(scripted(said, account=live), path)
    recorder.generate([asking("a"), asking("b")])
    build.backend("recorded").make(BackendOptions(str(path), account=replayed)).generate([asking("a"), asking("b")])
    assert replayed.total == live.total
    assert (replayed.total.calls, replayed.total.failed_calls, replayed.total.seconds) == (4, 2, 2.0)


def test_a_budget_ends_a_replay_where_it_ended_the_run(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    requests = [asking(str(number)) for number in range(4)]
    Recorder(scripted(list("abcd")), path).generate(requests)
    account = Account(Budget(calls=2))
    answers = build.backend("recorded").make(BackendOptions(str(path), account=account)).generate(requests)
    assert texts(answers[:2]) == ["a", "b"]
    assert all(isinstance(each, BudgetReachedError) for each in answers[2:])


def test_a_spent_budget_is_not_recorded(tmp_path: Path) -> None:
    path, account = tmp_path / "run.jsonl", Account(Budget(calls=1))
    Recorder(scripted(["a", "b"], account=account), path).generate([asking("a"), asking("b")])
    assert path.read_text().count("\n") == 2


def test_a_changed_prompt_is_a_miss_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    Recorder(scripted(["a"]), path).generate([asking("a")])
    backend = build.backend("recorded").make(BackendOptions(str(path)))
    [error] = backend.generate([asking("a", temperature=0.1)])
    assert isinstance(error, ReplyMissingError)
    assert "record it again" in str(error)
    assert texts(backend.generate([asking("a")])) == ["a"]


def test_one_question_answered_twice_is_replayed_in_turn(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    recorder = Recorder(scripted(["one", "two"]), path)
    recorder.generate([asking()])
    recorder.generate([asking()])
    backend = build.backend("recorded").make(BackendOptions(str(path)))
    assert [texts(backend.generate([asking()]))[0] for _ in range(3)] == ["one", "two", "two"]


def test_a_recording_is_gone_on_with_by_its_own_model_only(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    Recorder(Counting("m"), path).generate([asking("a")])
    Recorder(Counting("m"), path).generate([asking("b")])
    assert path.read_text().count("recording") == 1
    with pytest.raises(ReplyStoreError, match="choose another"):
        Recorder(Counting("other"), path)


@pytest.mark.parametrize(
    "text", ["", "hello\n", '{"recording": 99, "identity": {}}\n', '{"recording": 1, "identity": {}}\n{"key": 1}\n']
)
def test_what_is_no_recording_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    with pytest.raises(ReplyStoreError):
        build.backend("recorded").make(BackendOptions(str(path)))
    with pytest.raises(ReplyStoreError):
        build.backend("recorded").make(BackendOptions(str(tmp_path / "missing.jsonl")))


def test_a_recording_can_be_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    Recorder(scripted([GOOD]), path).generate([asking("Où ?", schema=Guess, temperature=0.5)])
    [_, line, end] = path.read_text("utf-8").split("\n")
    assert end == ""
    assert '"Où ?"' in line
    assert json.loads(line)["request"] == {
        "messages": [["system", "You predict."], ["user", "Où ?"]],
        "schema": "Guess",
        "max_tokens": 512,
        "temperature": 0.5,
    }
