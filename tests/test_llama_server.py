"""The OpenAI protocol against a real server: llama.cpp serves a tiny model of our own, a run asks it, and the run's account is true."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentwm import build
from agentwm.backends.accounts import Account
from agentwm.backends.checking import Checked
from agentwm.backends.protocol import Backend, BackendOptions, Message, Reply, Request, expect_replies
from agentwm.backends.recording import rows_of
from agentwm.errors import RequestError
from agentwm.llm.world_model import Foretold
from agentwm.training.dataset import read_dataset
from tests.conftest import agentwm_here
from tests.llama_server import llama_server
from tests.test_llm_run import files, tables
from tests.tiny_model import TinyModel, has, one_thread, tiny_model

pytestmark = pytest.mark.skipif(
    not has("torch", "transformers", "gguf", "xllamacpp"),
    reason="torch and transformers (to make a model), gguf (to convert it) or xllamacpp (to serve it) is not installed",
)
GAMES = ("--learn", "0", "--episodes", "2", "--max-steps", "4", "--ask", "always")


@pytest.fixture(autouse=True)
def _no_official_games(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, household: Path) -> Iterator[TinyModel]:
    with one_thread():
        yield tiny_model(tmp_path_factory, household)


@pytest.fixture(scope="module")
def server(tiny: TinyModel) -> Iterator[str]:
    """Return the base URL of a server with the tiny model."""
    assert tiny.gguf is not None
    with llama_server(tiny.gguf) as url:
        yield url


@pytest.fixture(scope="module")
def backend(server: str) -> Iterator[Backend]:
    options = BackendOptions("tiny", base_url=server, account=Account())
    with closing(build.backend("openai").make(options)) as made:
        yield made


@pytest.fixture(scope="module")
def served(server: str, tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return the folder and the report of a run that asked the server."""
    folder = tmp_path_factory.mktemp("served")
    return folder / "run", played(folder / "run", tiny, "--model", "openai/tiny", "--base-url", server)


def played(out: Path, tiny: TinyModel, *model: str | Path) -> dict[str, Any]:
    done = agentwm_here(
        "run", "alfworld", *GAMES, "--rules", tiny.lived, *model, "--out", out, "--json", cwd=out.parent
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def comparable(report: dict[str, Any]) -> dict[str, Any]:
    planning = {name: value for name, value in report["planning"].items() if name != "seconds"}
    return {**report, "wall_s": None, "run": None, "planning": planning}


def expect_true_account(report: dict[str, Any], folder: Path, *, probes: int) -> None:
    """Check the report's counts against the replies on record."""
    rows = [row for row in rows_of(folder / "replies.jsonl") if isinstance(row.answer, Reply)]
    use = report["llm"]
    predict, replies = use["by_role"]["predict"], use["by_role"]["predict"]["replies"]
    assert predict["calls"] == len(rows) > 0
    assert use["calls"] == len(rows) + probes
    for name in ("input_tokens", "cached_tokens", "output_tokens"):
        assert predict[name] == sum(getattr(row.answer.usage, name) for row in rows)  # type: ignore[union-attr]
    assert replies["questions"] == replies["first"] + replies["second"] + replies["unusable"]
    assert predict["calls"] == replies["first"] + 2 * (replies["second"] + replies["unusable"])
    assert (report["episodes"], report["stopped"], report["errors"]) == (2, None, [])


def test_the_server_is_found_to_keep_to_schemas(backend: Backend) -> None:
    assert backend.probe().structured == "bounded"


def test_the_server_writes_what_the_same_weights_write_in_process(backend: Backend, tiny: TinyModel) -> None:
    asked = [Request(each.messages, max_tokens=60) for each in read_dataset(tiny.data).held_out[::4]]
    options = BackendOptions(str(tiny.folder), settings={"device": "cpu"})
    with closing(build.backend("transformers").make(options)) as local:
        here, there = expect_replies(local.generate(asked)), expect_replies(backend.generate(asked))
    assert [reply.text for reply in there] == [reply.text for reply in here]
    assert [reply.usage.input_tokens for reply in there] == [reply.usage.input_tokens for reply in here]
    assert len({reply.text for reply in here}) > 1, "one answer to everything would prove nothing"


def test_a_reply_held_to_a_schema_is_read_by_it(backend: Backend, tiny: TinyModel) -> None:
    [each, *_] = read_dataset(tiny.data).held_out
    [answer] = Checked(backend).generate([Request(each.messages, schema=Foretold, max_tokens=1024)])
    assert isinstance(answer, Reply)
    assert answer.read(Foretold).p_success in (0.0, 1.0)


def test_a_prompt_beyond_the_context_is_a_typed_error(backend: Backend) -> None:
    [error] = backend.generate([Request((Message("user", "open the fridge " * 3_000),), max_tokens=8)])
    assert isinstance(error, RequestError)


def test_a_run_that_asks_the_server_ends_with_a_true_account(served: tuple[Path, dict[str, Any]]) -> None:
    folder, report = served
    assert report["llm"]["model"] == "openai/tiny"
    expect_true_account(report, folder, probes=report["llm"]["by_role"]["probe"]["calls"])


def test_a_run_that_asks_the_same_weights_in_process_ends_with_a_true_account_too(
    served: tuple[Path, dict[str, Any]], tiny: TinyModel, tmp_path: Path
) -> None:
    report = played(tmp_path / "run", tiny, "--model", f"transformers/{tiny.folder}")
    expect_true_account(report, tmp_path / "run", probes=0)
    asked_of_server = served[1]["llm"]["by_role"]["predict"]["replies"]["questions"]
    assert report["llm"]["by_role"]["predict"]["replies"]["questions"] == asked_of_server
    assert report["success"] == served[1]["success"], "where the rules speak they have the last word"


def test_the_run_is_replayed_from_its_recording_twice_byte_for_byte(
    served: tuple[Path, dict[str, Any]], tiny: TinyModel, tmp_path: Path
) -> None:
    folder, live = served
    reports = [played(tmp_path / name, tiny, "--replay", folder / "replies.jsonl") for name in ("one", "two")]
    assert comparable(reports[0]) == comparable(reports[1])
    assert files(tmp_path / "one") == files(tmp_path / "two") == files(folder)
    assert tables(tmp_path / "one") == tables(tmp_path / "two") == tables(folder)
    assert reports[0]["llm"]["by_role"]["predict"] == live["llm"]["by_role"]["predict"]
