"""The folder that a model is written to: all of it appears at once, or nothing does, and whether it can be written is known beforehand."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentwm.errors import ConfigurationError

__all__ = ["appearing"]


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """Yield a new folder to write to, beside ``folder``, which takes its place at the end; an error leaves neither.

    ``folder`` is not there yet, or empty. Raises: ConfigurationError, before anything is yielded, when it cannot be written, or another
    training writes it or was cut off: what that one left is not ours to remove.
    """
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    try:
        unfinished.mkdir(parents=True)
    except FileExistsError:
        raise ConfigurationError(
            f"expected nobody else to write the model to {folder}, but {unfinished} is there: another training is at it, or was cut off; "
            "remove it, or choose another --out"
        ) from None
    except OSError as error:
        raise _not_written(folder, error) from error
    try:
        yield unfinished
        _take_place(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _take_place(unfinished: Path, folder: Path) -> None:
    try:
        if folder.is_dir():
            folder.rmdir()  # it is known to be empty
        unfinished.rename(folder)
    except OSError as error:
        raise _not_written(folder, error) from error


def _not_written(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot write the model to {folder}: {error.strerror}")
