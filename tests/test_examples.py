"""The notebooks run from top to bottom, as they are, and end in a picture; one that runs from recordings keeps what it printed."""

import base64
from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient", reason="needs the [notebooks] extra")
nbformat = pytest.importorskip("nbformat", reason="needs the [notebooks] extra")
pytest.importorskip("ipykernel", reason="needs the [notebooks] extra")
pytest.importorskip("matplotlib", reason="needs the [notebooks] extra")

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
RECORDED = {
    "llm_mind.ipynb"
}  # what these print is the same on every machine, so that it is kept and can be read without running them
LIMIT_S = 60


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == [
        "llm_mind.ipynb",
        "look_ahead.ipynb",
        "quickstart.ipynb",
        "rules.ipynb",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_but_for_those_that_never_change(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert any(cell.outputs or cell.execution_count for cell in cells) == (path.name in RECORDED)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder beside which all that stands beside the examples does, and in which nothing is in the way."""
    (tmp_path / "tests").symlink_to(EXAMPLES.parent / "tests", target_is_directory=True)
    (tmp_path / "examples").mkdir()
    return tmp_path / "examples"


def printed(notebook: Any, stream: str = "stdout") -> list[str]:
    """Return what the cells of ``notebook`` wrote to ``stream``."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output.text for output in outputs if output.get("name") == stream]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter's own making, in this process only
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_ends_in_a_picture(path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ALFWORLD_DATA"):
        monkeypatch.delenv(name, raising=False)
    notebook = nbformat.read(path, as_version=4)
    kept = printed(notebook)
    nbclient.NotebookClient(notebook, timeout=LIMIT_S, resources={"metadata": {"path": str(checkout)}}).execute()
    outputs: list[Any] = notebook.cells[-1].outputs
    pictures = [
        base64.b64decode(output.data["image/png"]) for output in outputs if "image/png" in output.get("data", {})
    ]
    assert [picture[:8] for picture in pictures] == [b"\x89PNG\r\n\x1a\n"]
    assert len(pictures[0]) > 5000
    assert not printed(notebook, "stderr")
    assert path.name not in RECORDED or printed(notebook) == kept


def test_the_hello_world_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    code = readme.split("```python\n")[1].split("```")[0]
    exec(  # noqa: S102 -- our own README
        compile(code.replace("count=10", "count=2").replace("count=5", "count=1"), "README.md", "exec"), {}
    )
    assert "success" in capsys.readouterr().out
