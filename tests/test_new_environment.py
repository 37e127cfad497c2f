"""`agentwm new-environment` writes a package that installs, runs and passes the conformance tests as it is; or nothing at all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentwm.errors import ConfigurationError
from agentwm.new_environment import new_environment
from tests.conftest import agentwm_here
from tests.strangers import install

NAME = "hill-country"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a package that was written, and with ``site``, where it is installed."""
    pytest.importorskip(
        "setuptools", minversion="70.1", reason="needs setuptools to install a package without a network"
    )
    folder = tmp_path_factory.mktemp("workshop")
    done = agentwm_here("new-environment", NAME, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert f"pip install -e {NAME}\n  agentwm run {NAME}\n  pytest {NAME}" in done.stdout
    install(folder / NAME, folder / "site")
    return folder


def beside(workshop: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Do a command of Python where the package is installed."""
    paths = os.pathsep.join((str(workshop / "site"), *filter(None, sys.path)))
    return subprocess.run(
        [sys.executable, *command],
        cwd=workshop,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_written_is_run_and_solved(workshop: Path) -> None:
    done = beside(workshop, "-c", "from agentwm.cli import main; main()", "run", NAME, "--episodes", "20", "--json")
    assert done.returncode == 0, done.stderr
    success = json.loads(done.stdout)["success"]
    assert (success["count"], success["rate"]) == (20, 1.0)


def test_what_is_written_passes_its_own_tests(workshop: Path) -> None:
    done = beside(workshop, "-m", "pytest", "-q", "-p", "no:cacheprovider", NAME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "11 passed" in done.stdout


def test_what_is_written_is_clean(workshop: Path) -> None:
    files = sorted(path.name for path in (workshop / NAME).iterdir() if path.is_file())
    assert files == ["README.md", "agentwm_hill_country.py", "pyproject.toml", "test_hill_country.py"]
    text = "".join((workshop / NAME / name).read_text(encoding="utf-8") for name in files)
    assert "$" not in text
    assert max(map(len, (workshop / NAME / "agentwm_hill_country.py").read_text(encoding="utf-8").splitlines())) <= 120


@pytest.mark.parametrize(
    "name",
    ["", "Hill", "hill country", "hill_country", "-hill", "hill-", "a--b", "../hill", "3d", "h" * 41, "höhe", "a/b"],
)
def test_a_name_that_cannot_be_one_is_said_so(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="expected a name such as lamps or hill-country"):
        new_environment(name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("locks", "'locks' exists already: `agentwm envs` lists"),
        ("environments", "there is a module agentwm_environments"),
    ],
)
def test_a_name_that_is_taken_is_said_so(name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=said):
        new_environment(name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_there_is_left_alone(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "there"
    if kind == "folder":
        target.mkdir()
    elif kind == "file":
        target.write_text("mine", encoding="utf-8")
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="is there already: choose another with --folder"):
        new_environment(NAME, target)
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot write hill-country to"):
        new_environment(NAME, tmp_path / "file" / "inside")


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text, written = Path.write_text, []

    def full_disk(path: Path, text: str, **more: str) -> int:
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return write_text(path, text, **more)

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        new_environment(NAME, tmp_path / NAME)
    assert len(written) == 3
    assert not list(tmp_path.iterdir())


def test_it_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    done = agentwm_here("new-environment", "x2", "--folder", "deep/er", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "deep" / "er" / "agentwm_x2.py").is_file()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["er"]
