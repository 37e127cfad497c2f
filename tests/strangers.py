"""Packages of strangers, installed for a test as pip installs them, into a folder of their own and without a network."""

import subprocess
import sys
from pathlib import Path

__all__ = ["install", "planted"]


def install(package: Path, site: Path) -> Path:
    """Install ``package`` in the folder ``site``, and return that."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index")
    command = [sys.executable, "-m", "pip", "install", *quiet, "--target", str(site), str(package)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return site


def planted(site: Path, copy: Path, faults: dict[str, str]) -> Path:
    """Return a copy of ``site`` in which the texts that are the keys of ``faults`` are replaced, wherever they stand, by their values.

    Raises: AssertionError where one stands nowhere: the fault would not be there.
    """
    unseen = set(faults)
    for path in site.rglob("*"):
        if path.suffix not in {".py", ".txt", ""} or path.is_dir() or "__pycache__" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        for right, wrong in faults.items():
            if right in text:
                unseen.discard(right)
                text = text.replace(right, wrong)
        target = copy / path.relative_to(site)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for path in site.rglob("METADATA"):
        (copy / path.relative_to(site)).write_bytes(path.read_bytes())
    assert not unseen, unseen
    return copy
