"""A whole rule store as one JSON text, to be sent to somebody else."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from agentwm.errors import RuleError, quoted
from agentwm.knowledge import Knowledge
from agentwm.rules.language import Rule, parse_rule
from agentwm.rules.laws import Law, parse_law
from agentwm.rules.store import Record, RuleStore, Silence

__all__ = ["VERSION", "from_text", "to_text"]

VERSION: Literal[1] = 1


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rule: str
    record: Record


class _LawEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    law: str
    record: Record


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    rules: list[_Entry]
    laws: list[_LawEntry] = []
    silence: Silence
    knowledge: Knowledge


class _Versioned(BaseModel):
    version: object


def to_text(store: RuleStore) -> str:
    """Return ``store`` as JSON, retired rules and laws included; the same store gives the same text."""
    rules = [_Entry(rule=rule.sentence(), record=store.record(rule)) for rule in (*store.rules, *store.retired)]
    laws = [_LawEntry(law=law.source, record=store.record(law)) for law in (*store.laws, *store.retired_laws)]
    sent = _Sent(version=VERSION, rules=rules, laws=laws, silence=store.silence, knowledge=store.knowledge)
    return sent.model_dump_json(indent=1, exclude=None if laws else {"laws"}) + "\n"


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
    rules, laws = [], []
    for number, entry in enumerate(sent.rules):
        try:
            rules.append((parse_rule(entry.rule), entry.record))
        except RuleError as error:
            raise RuleError(f"cannot read rule {number} in {source}: {error}") from error
    for number, law in enumerate(sent.laws):
        try:
            laws.append((parse_law(law.law), law.record))
        except RuleError as error:
            raise RuleError(f"cannot read law {number} in {source}: {error}") from error
    entries: list[tuple[Rule | Law, Record]] = [*rules, *laws]
    return RuleStore(
        tuple(rule for rule, record in rules if record.state != "retired"),
        {entry.id: record for entry, record in entries},
        tuple(rule for rule, record in rules if record.state == "retired"),
        sent.silence,
        sent.knowledge,
        tuple(law for law, record in laws if record.state != "retired"),
        tuple(law for law, record in laws if record.state == "retired"),
    )
