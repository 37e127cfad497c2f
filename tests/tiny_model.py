"""A language model of half a million weights, made by our own commands from our own play: what is asked of real weights is asked of it.

Its answers are of the right form and seldom right; nothing here depends on their being so.
"""

import importlib.util
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import agentwm_here
from tests.test_cli import AGENTWM

SIZE = ("--layers", "2", "--width", "128", "--epochs", "6", "--batch", "4", "--max-seconds", "90")
MOST = {"train": 60, "held_out": 36}  # conversations of each side, evenly drawn: enough to learn the form of an answer
# More threads than one wait for one another in so small a model, and for ever on a busy machine.
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def has(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) for module in modules)


needs_torch = pytest.mark.skipif(not has("torch", "transformers"), reason="torch and transformers are not installed")


@dataclass(frozen=True)
class TinyModel:
    """What was made, and from what: ``folder`` as transformers loads it, ``gguf`` as llama.cpp does, None without the package for it.

    ``lived`` is a run, of whose steps some are in ``data``.
    """

    lived: Path
    data: Path
    folder: Path
    gguf: Path | None
    report: dict[str, Any]


_MADE: list[TinyModel] = []


def tiny_model(folders: pytest.TempPathFactory, lived: Path) -> TinyModel:
    """Return the tiny model, made once in a session of tests from the run in ``lived``."""
    if not _MADE:
        with one_thread():
            _MADE.append(_made(folders.mktemp("tiny-model"), lived))
    return _MADE[0]


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch, in this process, to one thread."""
    import torch  # noqa: PLC0415 -- an extra

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _made(folder: Path, lived: Path) -> TinyModel:
    data, model = folder / "data.jsonl", folder / "model"
    done = agentwm_here("export", lived, cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    sides = [([row for row in rows if row["split"] == side], most) for side, most in MOST.items()]
    data.write_text("".join(f"{json.dumps(row)}\n" for side, most in sides for row in side[:: -(-len(side) // most)]))
    gguf = folder / "model.gguf" if has("gguf") else None
    also = () if gguf is None else ("--gguf", gguf)
    done = agentwm_here("train", data, "--out", model, *SIZE, *also, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return TinyModel(lived, data, model, gguf, json.loads(done.stdout))


def command(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command ``agentwm`` in a process of its own, with one thread."""
    words = [*AGENTWM, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd, env=ONE_THREAD, timeout=400)
