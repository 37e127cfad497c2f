"""A whole rule store as one JSON text, to be sent to somebody else."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from agentwm.errors import RuleError, quoted
from agentwm.knowledge import Knowledge
from agentwm.rules.language import parse_rule
from agentwm.rules.store import Record, RuleStore, Silence

__all__ = ["VERSION", "from_text", "to_text"]

VERSION: Literal[1] = 1


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rule: str
    record: Record


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    rules: list[_Entry]
    silence: Silence
    knowledge: Knowledge


class _Versioned(BaseModel):
    version: object


def to_text(store: RuleStore) -> str:
    """Return ``store`` as JSON, retired rules included; the same store gives the same text."""
    rules = [_Entry(rule=rule.sentence(), record=store.record(rule)) for rule in (*store.rules, *store.retired)]
    sent = _Sent(version=VERSION, rules=rules, silence=store.silence, knowledge=store.knowledge)
    return sent.model_dump_json(indent=1) + "\n"


def from_text(text: str, *, source: str) -> RuleStore:
    """Return the store that `to_text` wrote.

    Raises: RuleError, naming ``source``, for what is no such text, or one of another version.
    """
    try:
        version = _Versioned.model_validate_json(text).version
        if version != VERSION:
            raise RuleError(
                f"cannot read {source}: expected exported rules of version {VERSION}, got {quoted(version)}: "
                "export them again with the version of agentwm that is installed here"
            )
        sent = _Sent.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RuleError(
            f"cannot read {source}: expected what `agentwm rules export` writes, but {first['msg']}{f' at {place}' if place else ''}"
        ) from error
    rules = []
    for number, entry in enumerate(sent.rules):
        try:
            rules.append((parse_rule(entry.rule), entry.record))
        except RuleError as error:
            raise RuleError(f"cannot read rule {number} in {source}: {error}") from error
    return RuleStore(
        tuple(rule for rule, record in rules if record.state != "retired"),
        {rule.id: record for rule, record in rules},
        tuple(rule for rule, record in rules if record.state == "retired"),
        sent.silence,
        sent.knowledge,
    )
