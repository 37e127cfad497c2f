"""No key in any file that a run leaves, in any role, nor in what is exported: not even where the server writes it into every answer."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agentwm import RunConfig, build, run
from agentwm.backends.protocol import Message, Request
from agentwm.training.export import FORMATS
from agentwm.types import Environment, EnvironmentOptions, EnvironmentSpec
from tests import text_world
from tests.conftest import agentwm_here
from tests.fault_server import FaultServer
from tests.llm_examples import hopeful
from tests.test_cli import agentwm
from tests.text_world import Cottage

pytestmark = pytest.mark.usefixtures("no_official_games")
KEY = "sk-a-secret-that-is-nobodys-0123456789"
PROMPTS = ("perceive", "goal", "predict", "propose", "judge", "induce")
BEGINNING = 60  # characters of a system message, by which a prompt is told from the others


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@cache
def prompt_roles() -> dict[str, str]:
    """Return the role of each prompt, by the beginning of its system message."""
    prompts = map(build.prompt, PROMPTS)
    return {prompt.system[:BEGINNING]: prompt.role for prompt in prompts}


def telling(body: dict[str, Any]) -> str:
    """Answer in the role that is asked, with the key in it."""
    messages = tuple(Message(each["role"], each["content"]) for each in body["messages"])
    request = Request(messages, role=prompt_roles()[messages[0].text[:BEGINNING]])
    answer = json.loads(text_world.reading(request) if request.role == "perceive" else hopeful(request))
    if "why" in answer:
        answer["why"] = f"the key is {KEY}"
    if "plans" in answer:  # a second one, or there is nothing to be judged
        answer["plans"].append({"steps": ["inventory"], "reaches_goal": False})
    if "open_questions" in answer:
        answer["open_questions"] = [f"is it {KEY}?"]
    if "things" in answer:
        answer["things"].append({"name": KEY, "sort": "item", "kind": KEY})
    return json.dumps(answer)


def expect_no_key(folder: Path, server: FaultServer) -> None:
    """Check that no file in ``folder`` has the key, which was sent with every call and came back with every answer."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert server.asked
    assert all(each.headers["authorization"] == f"Bearer {KEY}" for each in server.asked)
    assert "[key]" in (folder / "run" / "replies.jsonl").read_text(encoding="utf-8"), "where the key stood"


def test_no_file_of_a_run_that_plays_and_learns_has_the_key_nor_has_what_is_exported(tmp_path: Path) -> None:
    with FaultServer(says=telling) as server:
        model = ["--model", "openai/m", "--base-url", server.url, "--roles", "predict,propose,judge,induce"]
        games = ["--learn", "1", "--episodes", "1", "--max-steps", "6", "--ask", "always"]
        done = agentwm("run", "alfworld", *games, *model, "--out", "run", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        roles = json.loads(done.stdout)["llm"]["by_role"]
        assert roles.keys() >= {"predict", "propose", "judge", "induce"}
        said = [done]
        said += [
            agentwm_here("export", "run", "--format", each, "--out", f"{each}.jsonl", cwd=tmp_path) for each in FORMATS
        ]
        assert [each.returncode for each in said] == [0] * len(said)
        expect_no_key(tmp_path, server)
        assert not [each for each in said if KEY in each.stdout + each.stderr]


def test_no_file_of_a_run_that_a_model_reads_for_has_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def cottage(options: EnvironmentOptions) -> Environment:
        return Cottage("practice" if options.learning else "chest")

    spec, known = (
        EnvironmentSpec("cottage", "a hall and a cellar", ("only",), ("own",), make=cottage),
        build.environment,
    )
    monkeypatch.setattr(build, "environment", lambda name: spec if name == "cottage" else known(name))
    text_world.rules().save(tmp_path / "rules")
    with FaultServer(says=telling) as server:
        model = {"model": "openai/m", "base_url": server.url, "roles": ["perceive"], "rules": tmp_path / "rules"}
        options = {"environment": "cottage", "learn": 0, "episodes": 1, "out": tmp_path / "run"}
        report = run(RunConfig.parse({**options, **model}))
        assert report.llm.by_role["perceive"].replies.dropped > 0, "the thing that is named after the key"
        expect_no_key(tmp_path, server)


def test_no_file_of_a_blind_test_has_the_key(tmp_path: Path) -> None:
    with FaultServer(says=telling) as server:
        model = ["--model", "openai/m", "--base-url", server.url, "--record", "run/replies.jsonl"]
        done = agentwm_here("check-model", *model, "--learn", "1", "--predictions", "4", "--json", cwd=tmp_path)
        assert (done.returncode, KEY in done.stdout + done.stderr) == (0, False), done.stderr
        expect_no_key(tmp_path, server)


def test_a_run_that_is_refused_its_key_says_so_without_it(tmp_path: Path) -> None:
    with FaultServer("echo", for_ever=True) as server:
        model = ["--model", "openai/m", "--base-url", server.url, "--ask", "always"]
        done = agentwm_here("run", "alfworld", "--learn", "1", "--episodes", "1", *model, "--out", "run", cwd=tmp_path)
        assert done.returncode == 2
        assert "Incorrect API key provided: [key]" in done.stderr
        assert KEY not in done.stdout + done.stderr
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
