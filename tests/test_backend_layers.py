"""Requests, the check of their replies, scripts, and all layers put together."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from agentwm import build
from agentwm.backends.accounts import Account
from agentwm.backends.checking import Checked
from agentwm.backends.layers import layered
from agentwm.backends.protocol import (
    Answer,
    BackendOptions,
    Message,
    Reply,
    Request,
    expect_replies,
)
from agentwm.backends.scripted import Said, scripted
from agentwm.errors import (
    BackendError,
    ConfigurationError,
    InvalidReplyError,
    RateLimitError,
    RefusalError,
    ReplyMissingError,
    RequestError,
    SchemaError,
    TruncatedReplyError,
)
from tests.backend_examples import BAD, GOOD, Counting, Guess, Other, asking, reply, texts

# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Request(()), "end with the user's"),
        (lambda: Request((Message("assistant", "hello"),)), "end with the user's"),
        (lambda: asking(schema=Guess, choices=("a",)), "got both"),
        (lambda: asking(choices=("a", "a")), "choices that differ"),
        (lambda: asking(choices=("a", " ")), "not empty"),
        (lambda: asking(max_tokens=0), "max_tokens >= 1"),
        (lambda: asking(temperature=-0.1), "temperature >= 0"),
        (lambda: asking(top_p=0.0), "top_p"),
    ],
)
def test_a_request_that_nobody_can_serve_is_not_made(make: Callable[[], Request], complaint: str) -> None:
    with pytest.raises(RequestError, match=complaint):
        make()


def test_a_form_without_bounds_is_refused_before_anything_is_asked() -> None:
    class Endless(BaseModel):
        why: str

    with pytest.raises(SchemaError, match=r"Endless\.why"):
        asking(schema=Endless)


def test_samples_are_drawn_with_seeds_of_their_own() -> None:
    seeds = [request.draw for seed in range(4) for request in asking(temperature=1.0, seed=seed).samples(8)]
    assert len(set(seeds)) == 32
    assert asking(seed=7).draw == 7
    assert {request.draw for request in asking(temperature=1.0).samples(3)} == {None}


def test_the_first_error_among_answers_is_raised_when_replies_are_expected() -> None:
    with pytest.raises(RateLimitError):
        expect_replies([reply("a"), RateLimitError("slow down"), RefusalError("no")])


# --- checking ---------------------------------------------------------------------------------------------------------


def checked(*said: Said, **settings: Any) -> tuple[Answer, list[Request]]:
    backend = scripted(list(said))
    [answer] = Checked(backend).generate([asking(**settings)])
    return answer, backend._engine.requests  # type: ignore[attr-defined]


def test_a_valid_reply_is_read_and_asked_for_once() -> None:
    answer, asked = checked(GOOD, schema=Guess)
    assert isinstance(answer, Reply)
    assert answer.read(Guess).p_success == 0.5
    assert (len(asked), answer.is_second) == (1, False)
    with pytest.raises(InvalidReplyError, match="expected a reply of the form Other"):
        answer.read(Other)


@pytest.mark.parametrize(
    "first", [BAD, "It works.", "", reply('{"why": "because', finish="length"), '{"why":' + " " * 200]
)
def test_an_unusable_reply_is_asked_again_once_with_the_error_shown(first: Said) -> None:
    answer, asked = checked(first, GOOD, schema=Guess)
    assert isinstance(answer, Reply)
    assert answer.is_second
    assert answer.read(Guess).p_success == 0.5
    [original, again] = asked
    assert again.messages[:2] == original.messages
    assert [message.speaker for message in again.messages[2:]] == ["assistant", "user"]
    assert "cannot be used: " in again.messages[-1].text
    assert replace(again, messages=original.messages) == original


def test_the_error_shown_says_what_to_mend() -> None:
    _, asked = checked(BAD, GOOD, schema=Guess)
    assert "p_success: Input should be less than or equal to 1, got 5" in asked[1].messages[-1].text


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        (BAD, InvalidReplyError),
        (reply("{", finish="length"), TruncatedReplyError),
        (RateLimitError("no"), RateLimitError),
    ],
)
def test_a_second_failure_is_a_typed_error(second: Said, kind: type[BackendError]) -> None:
    answer, asked = checked(BAD, second, schema=Guess)
    assert type(answer) is kind
    assert len(asked) == 2


def test_where_asking_again_is_impossible_the_first_problem_is_told() -> None:
    answer, _ = checked(BAD, RequestError("too long"), schema=Guess)
    assert isinstance(answer, InvalidReplyError)


def test_a_refusal_is_not_argued_with() -> None:
    answer, asked = checked(reply("I cannot help with that.", finish="refusal"), schema=Guess)
    assert isinstance(answer, RefusalError)
    assert len(asked) == 1


def test_json_that_was_complete_before_the_cut_is_complete() -> None:
    answer, _ = checked(reply(GOOD + " " * 300, finish="length"), schema=Guess)
    assert isinstance(answer, Reply)
    assert not answer.is_second


def test_free_text_that_was_cut_is_an_error_and_not_half_an_answer() -> None:
    answer, asked = checked(reply("go to the", finish="length"))
    assert isinstance(answer, TruncatedReplyError)
    assert len(asked) == 1
    assert "cut after 512 tokens: 'go to the'" in str(answer)


@pytest.mark.parametrize("said", ["open", " open\n", '"open"', "`open`.", "<think>take?</think>open"])
def test_a_choice_is_one_of_those_given_however_it_is_quoted(said: str) -> None:
    answer, _ = checked(said, choices=("take", "open"))
    assert isinstance(answer, Reply)
    assert answer.text == "open"


def test_a_choice_that_was_not_given_is_an_error() -> None:
    answer, asked = checked("drop", "I would open", choices=("take", "open"))
    assert isinstance(answer, InvalidReplyError)
    assert "exactly one of 'take', 'open', got 'drop'" in asked[1].messages[-1].text


def test_a_batch_is_asked_again_as_a_batch_and_keeps_its_order() -> None:
    def says(request: Request, _: int) -> Answer:
        is_odd = request.messages[1].text in ("1", "3")
        return reply(BAD if is_odd and len(request.messages) == 2 else GOOD)

    inner = Counting(says=says)
    answers = Checked(inner).generate([asking(str(number), schema=Guess) for number in range(5)])
    assert [each.is_second for each in expect_replies(answers)] == [False, True, False, True, False]
    assert [request.messages[1].text for request in inner.asked] == ["0", "1", "2", "3", "4", "1", "3"]


def test_one_sample_twice_in_a_batch_is_refused_and_two_samples_are_not() -> None:
    backend = Checked(Counting())
    request = asking(temperature=0.7)
    with pytest.raises(RequestError, match=r"stands 2 times .* Request\.samples"):
        backend.generate([request, replace(request, role="judge")])
    assert len(backend.generate(request.samples(2))) == 2
    assert len(backend.generate([asking(), asking()])) == 2


# --- together -------------------------------------------------------------------------------------------------------------------


def test_all_layers_together_answer_and_close_together(tmp_path: Path) -> None:
    inner, account = Counting(says=lambda *_: reply(GOOD)), Account()
    backend = layered(inner, account, cache=tmp_path / "c.db", cache_mode="write", record=tmp_path / "r.jsonl")
    for _ in range(2):
        [answer] = expect_replies(backend.generate([asking(schema=Guess)]))
        assert answer.read(Guess).p_success == 0.5
    assert len(inner.asked) == 1
    assert (tmp_path / "r.jsonl").read_text().count('"key"') == 1
    backend.close()
    backend.close()
    assert inner.is_closed


def test_a_cache_needs_a_mode_and_a_mode_a_cache(tmp_path: Path) -> None:
    for settings in ({"cache": tmp_path / "c.db"}, {"cache_mode": "read"}):
        with pytest.raises(ConfigurationError, match="expected a cache file and a mode"):
            layered(Counting(), Account(), **settings)


def test_a_script_is_found_by_its_module_and_a_wrong_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_script.py").write_text(
        "def answer(request):\n    return request.messages[-1].text.upper()\nvalue = 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    make = build.backend("scripted").make
    assert texts(make(BackendOptions("my_script:answer")).generate([asking("hi")])) == ["HI"]
    for name in ("my_script:nothing", "no_such_module:answer", "my_script", "my_script:value"):
        with pytest.raises(ConfigurationError, match="expected"):
            make(BackendOptions(name))


def test_a_script_that_is_used_up_says_so() -> None:
    [_, error] = scripted(["only"]).generate([asking("a"), asking("b")])
    assert isinstance(error, ReplyMissingError)
