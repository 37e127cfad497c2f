"""Which processes are there, as /proc says."""

from pathlib import Path

__all__ = ["running_in"]


def running_in(group: int) -> list[int]:
    """Return the processes of ``group`` that are running; those that have ended, and that nobody waited for, are not."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(its_group) == group and state not in "ZX":
            found.append(int(entry.name))
    return found
