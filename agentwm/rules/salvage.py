"""Reads a store in which something is damaged: what cannot be read is named and set aside, and the rest is loaded."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from agentwm.errors import RuleError
from agentwm.rules.store import Record, RuleStore, file_of, paths_of

__all__ = ["Problem", "salvage", "set_aside"]

DAMAGED = ".damaged"


@dataclass(frozen=True, slots=True)
class Problem:
    """A file of a store that was left out, wholly or in part, and the sentence that says what is wrong with it."""

    path: Path
    reason: str


def salvage(folder: Path) -> tuple[RuleStore, list[Problem]]:
    """Return what of the store in ``folder`` can be read, and the problems with the rest; nothing on disk is changed.

    Of a damaged file of records the records that can be read are kept. A rule, or a law, that two files say is read once, from the
    file named after it. Raises: RuleError when ``folder`` holds no store at all.
    """
    files: dict[str, str] = {}
    said: dict[str, str] = {}
    problems: list[Problem] = []
    for path in sorted(paths_of(folder), key=_is_misnamed):
        name = path.relative_to(folder).as_posix()
        try:
            text = path.read_text(encoding="utf-8")
            alone = RuleStore.from_files({name: text}, source=str(folder))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(path, f"cannot read {path}: {error}"))
            continue
        except RuleError as error:
            reasons = [str(error)]
            if path.name == "records.json" and (found := _intact_records(text)) is not None:
                files[name], faults = found
                reasons = [f"cannot read {fault} in {path}" for fault in faults] or reasons
            problems += [Problem(path, reason) for reason in reasons]
            continue
        if repeated := next((said[entry.id] for entry in alone.entries if entry.id in said), None):
            kind = "law" if alone.laws else "rule"
            problems.append(Problem(path, f"{path} says the same {kind} as {repeated}, which is the one that counts"))
            continue
        said |= {entry.id: name for entry in alone.entries}
        files[name] = text
    return RuleStore.from_files(files, source=str(folder)), problems


def set_aside(folder: Path, store: RuleStore, problems: list[Problem]) -> list[Path]:
    """Rename the files with ``problems`` to ``*.damaged``, save ``store`` in ``folder`` and return the new names."""
    renamed = []
    for path in dict.fromkeys(problem.path for problem in problems):
        target, number = path.with_name(path.name + DAMAGED), 2
        while target.exists():
            target, number = path.with_name(f"{path.name}.{number}{DAMAGED}"), number + 1
        renamed.append(path.rename(target))
    store.save(folder)
    return renamed


def _is_misnamed(path: Path) -> bool:
    """Whether a file is not named after its rule or law; False for one that cannot be read, as for any other file."""
    try:
        entries = RuleStore.from_files({path.name: path.read_text(encoding="utf-8")}, source="").entries
    except (OSError, UnicodeDecodeError, RuleError):
        return False
    return any(Path(file_of(entry)).name != path.name for entry in entries)


def _intact_records(text: str) -> tuple[str, list[str]] | None:
    """Return a file of the records in ``text`` that can be read, and what is wrong with the others; None where it is no such file."""
    try:
        data = json.loads(text)
    except ValueError:
        return None
    if not isinstance(data, dict) or data.get("version", 1) != 1 or not isinstance(data.get("records"), dict):
        return None
    intact: dict[str, object] = {}
    faults: list[str] = []
    for name, record in data["records"].items():
        try:
            intact[name] = Record.model_validate(record).model_dump(mode="json")
        except ValidationError as error:
            faults.append(f"the record of {name} ({error.errors()[0]['msg']})")
    return json.dumps({"version": 1, "records": intact}), faults
