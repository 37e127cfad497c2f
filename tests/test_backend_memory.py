"""A run's memory: the same question gets the same answer, also after the run was cut off, and what it cost is not forgotten."""

import json
from pathlib import Path

from agentwm.backends.accounts import Account, Price
from agentwm.backends.layers import layered
from agentwm.backends.memory import Remembering, spent_on
from agentwm.backends.protocol import Answer, expect_replies
from agentwm.backends.recording import Recorder, rows_of
from agentwm.backends.scripted import Said, scripted
from agentwm.errors import RateLimitError
from tests.backend_examples import BAD, GOOD, Counting, Guess, asking, reply, texts


def test_the_same_question_gets_the_same_answer_and_is_asked_once() -> None:
    inner = Counting()
    remembering = Remembering(inner)
    first = texts(remembering.generate([asking("a"), asking("b"), asking("a")]))
    assert first[0] == first[2] != first[1]
    assert texts(remembering.generate([asking("b"), asking("c")]))[0] == first[1]
    assert len(inner.asked) == 3


def test_samples_are_remembered_apart() -> None:
    remembering = Remembering(Counting())
    three = asking(temperature=1.0).samples(3)
    assert len(set(texts(remembering.generate(three)))) == 3
    assert texts(remembering.generate(three)) == texts(remembering.generate(three))


def test_an_error_is_not_remembered() -> None:
    said: list[Answer] = [RateLimitError("slow down"), reply("now it works")]
    remembering = Remembering(Counting(says=lambda *_: said.pop(0)))
    assert isinstance(remembering.generate([asking()])[0], RateLimitError)
    assert texts(remembering.generate([asking()])) == ["now it works"]


def test_a_run_that_goes_on_remembers_what_was_said_before(tmp_path: Path) -> None:
    path, account = tmp_path / "replies.jsonl", Account()
    before = layered(scripted(["one", BAD, GOOD]), account, record=path, so_far=[])
    said = texts(before.generate([asking("a"), asking("b", schema=Guess)]))
    rows = rows_of(path)
    after = layered(scripted([]), account, record=path, so_far=rows)
    again = expect_replies(after.generate([asking("a"), asking("b", schema=Guess)]))
    assert [each.text for each in again] == said == ["one", GOOD]
    assert again[1].is_second, "the first, unusable answer is remembered, too"
    assert len(rows_of(path)) == len(rows) == 3


def test_what_was_spent_is_read_from_the_recording(tmp_path: Path) -> None:
    path, account = tmp_path / "replies.jsonl", Account(prices={"script": Price(1.0, 2.0)})
    said: list[Said] = [reply("a", attempts=3, seconds=1.5), RateLimitError("slow down"), reply("b", seconds=0.5)]
    layered(scripted(said, account=account), account, record=path, so_far=[]).generate(
        [asking("a"), asking("b"), asking("c")]
    )
    spent = spent_on(rows_of(path), "script", {"script": Price(1.0, 2.0)})
    [(role, tally)] = spent.items()
    assert role == "predict"
    lived = account.total
    assert (lived.calls - tally.calls, lived.failed_calls - tally.failed_calls) == (1, 1), (
        "the call that failed is not on record"
    )
    assert (tally.tokens, tally.seconds, tally.money) == (lived.tokens, 2.0, lived.money)


def test_a_long_message_is_written_out_once(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    long = "the rules of the world " * 40
    Recorder(scripted(["a", "b"]), path).generate([asking(long), asking(long, temperature=0.5)])
    Recorder(scripted(["c"]), path).generate([asking(long, temperature=0.9)])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    told = [line["request"]["messages"][1][1] for line in lines[1:]]
    assert told == [long, {"line": 2}, long], "who goes on does not read what is there"
    assert [row.answer.text for row in rows_of(path) if not isinstance(row.answer, RateLimitError)] == ["a", "b", "c"]  # type: ignore[union-attr]


def test_a_line_that_a_crash_left_half_written_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    Recorder(scripted(["a"]), path).generate([asking("a")])
    whole = path.read_text()
    path.write_text(whole + '{"key": "torn')
    assert len(rows_of(path)) == 1
    Recorder(scripted(["b"]), path).generate([asking("b")])
    assert path.read_text().startswith(whole)
    assert len(rows_of(path)) == 2
