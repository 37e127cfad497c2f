"""The benchmark that compares asking where rules are silent with asking always: its recordings are replayed to the same table."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import benchmark

pytestmark = pytest.mark.usefixtures("no_official_games")
GAMES = ("--learn", "2", "--episodes", "2")
STAND_IN = "scripted/tests.llm_examples:hopeful"
Compare = Callable[..., list[str]]


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Compare:
    """Return a function that runs the benchmark and returns the lines that it prints."""

    def compare(*options: str | Path) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["asking.py", *GAMES, *map(str, options)])
        benchmark("asking").main()
        return capsys.readouterr().out.splitlines()

    return compare


def test_what_was_recorded_is_replayed_to_the_same_table(compare: Compare, tmp_path: Path) -> None:
    live = compare("--model", STAND_IN, "--record", tmp_path, "--said-by", "a function")
    assert [line.split()[0] for line in live[1:4]] == ["never", "silent", "always"]
    never, silent, always = (int(line.split()[3]) for line in live[1:4])
    assert never == 0 < always
    assert silent < always
    assert live[4].startswith("silent asks")
    assert compare("--replay", tmp_path) == live
