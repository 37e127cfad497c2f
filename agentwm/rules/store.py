"""The rule store: rules and laws, the record of evidence for each, and what is known where they are silent.

On disk it is a folder of small text files that a person can read, edit, diff and commit::

    rules/heat-1a2b3c4d.rule     one rule, as a sentence
    rules/law-5e6f7a8b.law.py    one law, as Python: read here, never run
    records.json                 the evidence, per rule
    silence.json                 success rates where no rule speaks
    knowledge.json               where things are found
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agentwm.errors import RuleError, quoted
from agentwm.knowledge import Knowledge
from agentwm.rules.language import Rule, parse_rule
from agentwm.rules.laws import Law, parse_law
from agentwm.types import Value

__all__ = ["Record", "RuleStore", "Silence", "file_of", "paths_of", "signature"]

Signature = str

FOLDER = "rules"
RULE, LAW, NEW = ".rule", ".law.py", ".new"
BESIDE = ("records.json", "silence.json", "knowledge.json")

# How many kinds a rule must be seen to hold for before it is believed for one more with even odds. Chosen on train games.
NEW_KIND = 2
# How many transitions a candidate must rest on before it is asked.
CORROBORATED = 2
# Transitions that are said to speak for a rule that nobody doubts.
CERTAIN = 100_000


class Record(BaseModel):
    """The evidence for one rule or law, kept apart from it.

    ``supports`` and ``contradicts`` count transitions. ``last_spoken`` is the number of the transition in which the rule last
    applied. ``kinds`` counts, per parameter, the kinds of things that a rule of success was right about. ``origin`` says who
    proposed it: ``symbolic``, ``llm`` and the model's name, or ``person``. ``reason`` says why it was retired; of an active law, that it
    failed to answer now and then. A ``candidate`` was not ``foretold`` yet in enough transitions that nobody had learned from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    supports: int = 0
    contradicts: int = 0
    last_spoken: int = -1
    kinds: dict[str, dict[str, int]] = {}
    origin: str = "symbolic"
    parents: tuple[str, ...] = ()
    foretold: int = 0
    state: Literal["candidate", "active", "retired"] = "active"
    reason: str = ""
    examples: tuple[str, ...] = ()

    @property
    def is_guess(self) -> bool:
        """Whether it rests on a single transition: good for an experiment, too little for a prediction."""
        return self.state == "candidate" and self.supports < CORROBORATED

    @property
    def trust(self) -> float:
        """The posterior mean of the rule being right when it speaks, from a uniform prior."""
        return (self.supports + 1) / (self.supports + self.contradicts + 2)

    def trust_for(self, kinds: Mapping[str, Value]) -> float:
        """Return the `trust` in the rule for things of these kinds, by parameter: less for one that it was never seen to hold for.

        The fewer kinds it was seen to hold for, the less is one more of them believed.
        """
        trust = self.trust
        for name, seen in self.kinds.items():
            if seen and name in kinds and kinds[name] not in seen:
                trust *= len(seen) / (len(seen) + NEW_KIND)
        return trust


class Silence(BaseModel):
    """How often a verb succeeded, by the truth of the conditions of its success rules.

    ``counts`` maps a verb and a signature such as ``T?F`` (true, unknown, false, in order) to (successes, failures).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    counts: dict[str, dict[Signature, tuple[int, int]]] = {}

    def success_rate(self, verb: str, signature: Signature) -> float:
        """Return the probability (0 to 1) that ``verb`` succeeds.

        Smoothed by the verb's rate in circumstances that rule out every known way to succeed, or in those that do not.
        """
        by_signature = self.counts.get(verb, {})
        is_refuted = _is_refuted(signature)
        alike = [pair for name, pair in by_signature.items() if _is_refuted(name) == is_refuted]
        successes, total = sum(s for s, _ in alike), sum(s + f for s, f in alike)
        prior = (successes + (REFUTED if is_refuted else 1)) / (total + (1 if is_refuted else 2))
        here = by_signature.get(signature, (0, 0))
        return (here[0] + prior) / (sum(here) + 1)


# How often an action is guessed to succeed, before any trial, although every known way to succeed is ruled out.
REFUTED = 0.1


def _is_refuted(signature: Signature) -> bool:
    """Whether every success rule has a condition that is known to be false."""
    return bool(signature) and all("F" in part for part in signature.split("/"))


def signature(truths: Sequence[Sequence[bool | None]]) -> Signature:
    """Return the truth of the conditions of each success rule as a word: ``T`` true, ``F`` false, ``?`` unknown."""
    letters = {True: "T", False: "F", None: "?"}
    return "/".join("".join(letters[truth] for truth in row) for row in truths)


@dataclass(frozen=True)
class RuleStore:
    """The rules and the laws believed now, those retired, and what stands beside them."""

    rules: tuple[Rule, ...] = ()
    records: Mapping[str, Record] = field(default_factory=dict)
    retired: tuple[Rule, ...] = ()
    silence: Silence = field(default_factory=Silence)
    knowledge: Knowledge = field(default_factory=Knowledge)
    laws: tuple[Law, ...] = ()
    retired_laws: tuple[Law, ...] = ()

    def __len__(self) -> int:
        return len(self.rules) + len(self.laws)

    @classmethod
    def certain(cls, texts: Iterable[str]) -> "RuleStore":
        """Return the rules that ``texts`` state, one each, as if they had never failed: without a record a rule is half trusted.

        Raises: RuleError when one cannot be read.
        """
        rules = tuple(map(parse_rule, texts))
        return cls(rules, {rule.id: Record(supports=CERTAIN, foretold=CERTAIN, origin="person") for rule in rules})

    @property
    def entries(self) -> tuple[Rule | Law, ...]:
        """All rules, then all laws, the retired ones after the active ones."""
        return (*self.rules, *self.retired, *self.laws, *self.retired_laws)

    @property
    def believed(self) -> tuple[Rule | Law, ...]:
        """The active rules, then the active laws."""
        return (*self.rules, *self.laws)

    @property
    def given_up(self) -> tuple[Rule | Law, ...]:
        """The retired rules, then the retired laws."""
        return (*self.retired, *self.retired_laws)

    def record(self, rule: Rule | Law) -> Record:
        """Return the record of a rule or a law, an empty one where none was kept."""
        return self.records.get(rule.id, Record(origin="person"))

    def of_verb(self, verb: str) -> tuple[Rule, ...]:
        """Return the active rules about ``verb``, but for those that speak of each thing."""
        return tuple(rule for rule in self.rules if rule.verb == verb and not rule.each)

    def find(self, name: str) -> Rule | Law:
        """Return the rule or the law, active or retired, whose id is or begins with ``name``.

        Raises: RuleError when there is none, or more than one.
        """
        matches = [entry for entry in self.entries if entry.id.startswith(name)]
        exact = [entry for entry in matches if entry.id == name] or matches
        if len(exact) != 1:
            known = ", ".join(entry.id for entry in self.believed) or "none"
            message = f"expected the id of one rule, got {quoted(name)} ({len(exact)} match); known: {known}"
            raise RuleError(message)
        return exact[0]

    def with_knowledge(self, knowledge: Knowledge) -> "RuleStore":
        """Return this store with other knowledge beside the rules."""
        return replace(self, knowledge=knowledge)

    def retire(self, reasons: Mapping[str, str]) -> "RuleStore":
        """Return this store with the active rules and laws named by ``reasons``, which say why, retired."""
        gone = tuple(rule for rule in self.rules if rule.id in reasons)
        gone_laws = tuple(law for law in self.laws if law.id in reasons)
        updates = {
            entry.id: self.record(entry).model_copy(update={"state": "retired", "reason": reasons[entry.id]})
            for entry in self.believed
            if entry.id in reasons
        }
        return replace(
            self,
            rules=tuple(rule for rule in self.rules if rule.id not in reasons),
            records={**self.records, **updates},
            retired=(*self.retired, *gone),
            laws=tuple(law for law in self.laws if law.id not in reasons),
            retired_laws=(*self.retired_laws, *gone_laws),
        )

    def files(self) -> dict[str, str]:
        """Return the store as texts, by the names of the files that `save` writes; `from_files` reads them."""
        records = {entry.id: self.record(entry).model_dump(mode="json") for entry in self.entries}
        return {
            **{file_of(rule): rule.text() for rule in (*self.rules, *self.retired)},
            **{file_of(law): law.source for law in (*self.laws, *self.retired_laws)},
            "records.json": json.dumps({"version": 1, "records": records}, indent=1) + "\n",
            "silence.json": self.silence.model_dump_json(indent=1) + "\n",
            "knowledge.json": self.knowledge.model_dump_json(indent=1) + "\n",
        }

    @classmethod
    def from_files(cls, files: Mapping[str, str], *, source: str) -> "RuleStore":
        """Return the store that ``files`` (texts by name, as `files` returns them) hold.

        The rules stand in the order of their records, those without one last, by name; so do the laws. Raises: RuleError, naming
        ``source`` and the file, for what cannot be read.
        """
        records = _read_model("records.json", files, _Records, source).records
        order = {name: number for number, name in enumerate(records)}
        rules = [_read_rule(name, files[name], source) for name in sorted(files) if name.endswith(RULE)]
        rules.sort(key=lambda rule: order.get(rule.id, len(order)))
        laws = [_read_law(name, files[name], source) for name in sorted(files) if name.endswith(LAW)]
        laws.sort(key=lambda law: order.get(law.id, len(order)))
        retired = {name for name, record in records.items() if record.state == "retired"}
        return cls(
            tuple(rule for rule in rules if rule.id not in retired),
            records,
            tuple(rule for rule in rules if rule.id in retired),
            _read_model("silence.json", files, Silence, source),
            _read_model("knowledge.json", files, Knowledge, source),
            tuple(law for law in laws if law.id not in retired),
            tuple(law for law in laws if law.id in retired),
        )

    def save(self, folder: Path) -> None:
        """Write the store to ``folder``, replacing what an earlier save left there; what was set aside as damaged stays."""
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        files = self.files()
        for name, text in files.items():
            _write(folder / name, text)
        for path in list((folder / FOLDER).iterdir()):  # with what a crash left half written
            is_ours = path.name.removesuffix(NEW).endswith((RULE, LAW))
            if is_ours and f"{FOLDER}/{path.name}" not in files:
                path.unlink()

    @classmethod
    def load(cls, folder: Path) -> "RuleStore":
        """Return the store saved in ``folder``.

        A rule or a law that somebody added by hand, as a file, needs no record. Raises: RuleError naming the file that cannot be read.
        """
        files = {path.relative_to(folder).as_posix(): _read(path) for path in paths_of(folder)}
        return cls.from_files(files, source=str(folder))


def file_of(entry: Rule | Law) -> str:
    """Return the name of the file, within a store's folder, that the rule or the law is written to."""
    return f"{FOLDER}/{entry.id}{RULE if isinstance(entry, Rule) else LAW}"


def paths_of(folder: Path) -> list[Path]:
    """Return the files that make up the store in ``folder``, those of the rules first, then those of the laws.

    Raises: RuleError when it holds none.
    """
    if not (folder / FOLDER).is_dir():
        message = f"expected a rule store (a folder with rules/*.rule in it), got {quoted(str(folder))}"
        raise RuleError(message)
    entries = [path for kind in (RULE, LAW) for path in sorted((folder / FOLDER).glob(f"*{kind}"))]
    paths = [*entries, *(folder / name for name in BESIDE)]
    return [path for path in paths if path.exists()]


def _write(path: Path, text: str) -> None:
    """Write by way of a temporary file, so that a crash leaves the old text or the new one."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    temporary = path.with_name(path.name + NEW)
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read {path}: {error}"
        raise RuleError(message) from error


def _read_rule(name: str, text: str, source: str) -> Rule:
    try:
        return parse_rule(text)
    except RuleError as error:
        message = f"cannot read the rule in {source}/{name}: {error}"
        raise RuleError(message) from error


def _read_law(name: str, text: str, source: str) -> Law:
    try:
        return parse_law(text)
    except RuleError as error:
        message = f"cannot read the law in {source}/{name}: {error}"
        raise RuleError(message) from error


_Model = TypeVar("_Model", bound=BaseModel)


def _read_model(name: str, files: Mapping[str, str], model: type[_Model], source: str) -> _Model:
    """Return what the file holds, an empty value where there is no file."""
    try:
        return model.model_validate_json(files[name]) if name in files else model()
    except ValidationError as error:
        message = (
            f"cannot read {source}/{name}: expected {model.__name__}, "
            f"{error.error_count()} fault(s): {error.errors()[0]['msg']}"
        )
        raise RuleError(message) from error


class _Records(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    records: dict[str, Record] = {}
