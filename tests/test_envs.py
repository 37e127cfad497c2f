"""`agentwm envs` says of each environment what it needs and whether that is there, a stranger's and a broken one's included."""

import importlib
import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from agentwm import cli_envs
from agentwm.cli_envs import Listed, Need, listed
from tests.conftest import agentwm_here

SPECS = """
from agentwm.types import EnvironmentSpec
def spec(name, **options):
    return EnvironmentSpec(name, "a place far away", ("test", "train"), ("fast",), make=lambda options: None, **options)
MOON = spec("moon", missing=lambda: "the moon needs a rocket: pip install 'agentwm[rocket]'", time_limit_s=5)
SEA = spec("sea", members=lambda: ("sea-north", "sea-south"))
"""


@pytest.fixture
def strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Listed]:
    """Install environments as pip would, one of them without what it needs and one broken; return all that are listed, by name."""
    (tmp_path / "agentwm_far.py").write_text(SPECS)
    info = tmp_path / "agentwm_far-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: agentwm-far\nVersion: 1.0\n")
    entries = "moon = agentwm_far:MOON\nsea = agentwm_far:SEA\nsun = agentwm_far_away:SUN\n"
    (info / "entry_points.txt").write_text(f"[agentwm.environments]\n{entries}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "agentwm_far", raising=False)
    importlib.invalidate_caches()
    return {each.name: each for each in listed()}


def shown(found: list[Listed]) -> str:
    screen = Console(width=80, record=True, file=io.StringIO())
    screen.print(cli_envs._view(found))
    return screen.export_text()


def test_each_environment_says_whether_it_can_be_played_here(strangers: dict[str, Listed]) -> None:
    assert {name: strangers[name].state for name in ("moon", "sea", "sun", "sokoban")} == {
        "moon": "missing",
        "sea": "ok",
        "sun": "broken",
        "sokoban": "ok",
    }
    assert "pip install 'agentwm[rocket]'" in str(strangers["moon"].reason)
    assert "agentwm_far_away" in str(strangers["sun"].reason)
    assert strangers["sea"].members == ("sea-north", "sea-south")
    assert (strangers["moon"].is_isolated, strangers["sea"].is_isolated) == (True, False)


def test_needs_are_the_packages_of_an_engine_and_what_installs_them(strangers: dict[str, Listed]) -> None:
    [need] = strangers["taxi"].needs
    assert (need.engine, need.extra, set(need.packages)) == ("gymnasium", "gym", {"gymnasium"})
    [official] = strangers["alfworld"].needs
    assert (official.engine, official.install) == ("official", "pip install 'agentwm[alfworld]'")
    assert set(official.packages) == {"alfworld", "textworld"}
    assert strangers["sokoban"].needs == ()


def test_at_80_columns_every_word_is_there_and_no_line_is_longer(strangers: dict[str, Listed]) -> None:
    text = shown(list(strangers.values()))
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    assert "the moon needs a rocket: pip install 'agentwm[rocket]'" in words
    assert "runs in a process of its own" in words
    assert "any of its kind, such as sea-north, sea-south" in words
    assert "goals template, human · engines fast, official" in words
    assert words.count("needs nothing else") >= 3


def test_an_engine_that_is_missing_says_what_installs_it() -> None:
    needs = (Need("official", "castle", {"castle": None, "moat": "1.0"}),)
    one = Listed("castle", "ok", None, "a castle", engines=("fast", "official"), needs=needs)
    assert "official needs castle (missing), moat 1.0: pip install 'agentwm[castle]'" in " ".join(shown([one]).split())


def test_as_json_it_is_one_list_and_nothing_else(tmp_path: Path) -> None:
    done = agentwm_here("envs", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = {each["name"]: each for each in json.loads(done.stdout)}
    assert found["taxi"]["needs"][0]["extra"] == "gym"
    assert found["alfworld"]["goals"] == ["template", "human"]
