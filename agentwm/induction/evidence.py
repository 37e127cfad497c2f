"""What transitions say for and against laws, and against rules that somebody proposed, and which of them are believed on it.

Whoever wrote one may have had the transitions before him. So it is accepted on others, and goes as soon as it is wrong more often than
the noise that it leaves room for, or its outcomes come more or less often than it says.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from agentwm.errors import LawError
from agentwm.induction.chance import binomial_tail
from agentwm.induction.coverage import packed
from agentwm.induction.credit import Example
from agentwm.rules.language import Rule, RuleOutcome
from agentwm.rules.laws import ROUNDING, Answer, Law, written
from agentwm.rules.matching import Unknown, conjunction, instances, look_up
from agentwm.rules.outcomes import changes_made
from agentwm.rules.sandbox import Sandbox, open_sandbox
from agentwm.rules.store import Record, RuleStore
from agentwm.types import Fluent, Outcome, Query, State, Value, Vocabulary

__all__ = [
    "LEAST",
    "Evidence",
    "accept",
    "answers",
    "evidence_for",
    "happened",
    "is_unseen",
    "left_to_noise",
    "revised",
    "rule_answer",
    "ways",
    "weigh",
]

# How unlikely (0 to 1) it must be for a law to be wrong so often, were it true, before it is given up.
SURPRISING = 0.01
# By how many standard deviations, and one more time, an outcome may come more or less often than a law says: a true law goes beyond
# that about once in 150 000 times. Ours.
DEVIATIONS = 4.5
# About how many different questions that it was not made from a law must be right before it is accepted. Ours.
LEAST = 3


def answers(
    laws: Sequence[Law], lived: Iterable[Example], *, sandbox: Sandbox | None = None
) -> list[dict[str, Answer]]:
    """Return what each law, by its id, answers to each of ``lived``: all at once, and to equal questions once.

    Without a ``sandbox`` one is opened, and closed again. Raises: MissingExtraError where none is installed.
    """
    questions: dict[tuple[str, str], Query] = {}
    keys: list[tuple[str, str]] = []
    for example in lived if laws else ():
        query = Query(example.before, example.action)
        keys.append(written(query))
        questions.setdefault(keys[-1], query)
    if not laws:
        return [{} for _ in lived]
    with open_sandbox() if sandbox is None else nullcontext(sandbox) as opened:
        rows = opened.run(laws, list(questions.values()))
    number = {key: index for index, key in enumerate(questions)}
    return [{law.id: row[number[key]] for law, row in zip(laws, rows, strict=True)} for key in keys]


def rule_answer(rule: Rule, example: Example, vocabulary: Vocabulary) -> Answer:
    """Return what ``rule`` says of ``example``, as a law would: outcomes, None where it is silent.

    Of a rule about each thing that speaks of several, only what it is sure of can be weighed; else it counts as silent.
    """
    spoken = [
        bindings
        for bindings in instances(rule, example.action, example.before)
        if conjunction(rule.when, bindings, example.before, vocabulary)
        and conjunction(rule.after, bindings, example.settled, vocabulary)
    ]
    if not spoken or (len(spoken) > 1 and len(rule.outcomes) > 1):
        return None
    outcomes = [_outcome(each, spoken, example.before, vocabulary) for each in rule.outcomes]
    return tuple(sorted(outcomes, key=lambda outcome: -outcome.probability))


def _outcome(said: RuleOutcome, spoken: Iterable[Mapping[str, str]], state: State, vocabulary: Vocabulary) -> Outcome:
    changes: dict[Fluent, Value] = {}
    for bindings in spoken:
        changes |= changes_made(said, bindings, state, vocabulary)
    return Outcome(said.probability, changes, said.success, said.reward, True if said.ends else None, said.text)


# --- one answer against one transition ----------------------------------------------------------------------------------


def ways(outcomes: Sequence[Outcome], state: State, vocabulary: Vocabulary) -> list[Outcome]:
    """Return the different ways in which things may turn out by ``outcomes``, which were foretold in ``state``, in their order.

    What only some of them change, the others say to stay as it is.
    """
    if len(outcomes) == 1:
        return list(outcomes)
    found: dict[Fluent, Value | Unknown] = {
        fluent: look_up(fluent, state, vocabulary) for outcome in outcomes for fluent in outcome.changes
    }
    known = {fluent: value for fluent, value in found.items() if not isinstance(value, Unknown)}
    merged: dict[object, Outcome] = {}
    for outcome in outcomes:
        way = replace(outcome, changes={**known, **outcome.changes})
        key = (frozenset(way.changes.items()), way.success, way.reward, way.terminated)
        same = merged.get(key)
        merged[key] = way if same is None else replace(same, probability=same.probability + way.probability)
    return list(merged.values())


def happened(outcome: Outcome, example: Example, vocabulary: Vocabulary) -> bool:
    """Whether ``outcome`` is what was seen to happen, as far as it says what happens.

    Where failure is reported, a change that nobody could see, hidden or in what is unknown, speaks neither for nor against it.
    """
    return (
        outcome.success == example.succeeded
        and (outcome.reward is None or outcome.reward == example.reward)
        and (outcome.terminated is None or outcome.terminated == example.ended)
        and all(
            look_up(fluent, example.settled, vocabulary) == value or is_unseen(fluent, example.settled, vocabulary)
            for fluent, value in outcome.changes.items()
        )
    )


def is_unseen(fluent: Fluent, settled: State, vocabulary: Vocabulary) -> bool:
    """Whether nobody could have seen what an action made of ``fluent``, in a world where failure is reported."""
    schema = vocabulary.fluents.get(fluent.name)
    if not vocabulary.reports_failure or schema is None or fluent in settled or schema.derive is not None:
        return False
    return schema.hidden or not schema.has_default


def left_to_noise(outcomes: Sequence[Outcome]) -> float:
    """Return the probability (0 to 1) that ``outcomes`` leave to whatever else may happen."""
    rest = 1 - sum(outcome.probability for outcome in outcomes)
    return min(1.0, rest) if rest > ROUNDING else 0.0


def _tells(outcome: Outcome, example: Example, vocabulary: Vocabulary) -> bool:
    """Whether it takes knowledge to say what ``outcome`` says: a change, a reward, an end, or success where there is failure."""
    return (
        vocabulary.reports_failure
        or bool(outcome.reward or outcome.terminated)
        or any(look_up(fluent, example.before, vocabulary) != value for fluent, value in outcome.changes.items())
    )


# --- all transitions ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """What so many transitions, about which it was ``asked``, say of a law; bit *i* of a mask belongs to the *i*-th of them.

    Where it is neither right nor wrong it was silent or, so many times and for such reasons, ``failures``; ``failure`` is the first one's
    message. ``telling`` are those of ``right`` in which it foretold something. ``noise`` is the mean probability that it left to whatever
    else may happen. ``odds`` holds, for its most probable outcome, the next and so on, how often it came, how often it should have come
    by what the law says, and the variance of that.
    """

    right: int = 0
    wrong: int = 0
    telling: int = 0
    noise: float = 0.0
    odds: tuple[tuple[int, float, float], ...] = ()
    asked: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    failure: str = ""

    def fault(self, before: Record | None = None) -> str:
        """Return why the law is not to be believed, by this evidence and that counted ``before``; empty where it may be."""
        earlier = before or Record()
        wrong = self.wrong.bit_count() + earlier.contradicts
        spoke = self.right.bit_count() + wrong + earlier.supports
        if self.wrong and binomial_tail(wrong, spoke, self.noise) < SURPRISING:
            allowed = f", more than the {self.noise:.0%} that it leaves to noise" if self.noise else ""
            return f"contradicted by {wrong} of {spoke} transitions{allowed}"
        slack = self.noise * (self.right | self.wrong).bit_count()  # noise may look like any of the outcomes
        for rank, (came, expected, variance) in enumerate(self.odds, 1):
            astray = max(expected - came, came - expected - slack)
            if variance and astray > DEVIATIONS * variance**0.5 + 1:
                return f"its outcome {rank} came {came} times, where it says about {expected:.0f}"
        return ""

    @property
    def complaint(self) -> str:
        """How often the law gave no answer, and why it did not the first time; empty where it always did."""
        count = sum(self.failures.values())
        return f"gave no answer to {count} of {self.asked} questions: {self.failure}" if count else ""


def weigh(said: Sequence[Answer], lived: Sequence[Example], vocabulary: Vocabulary) -> Evidence:
    """Return what ``lived`` says of a law that ``said``, in the same order, what would happen."""
    right, wrong, telling = ([False] * len(lived) for _ in range(3))
    noise = 0.0
    odds: dict[int, tuple[int, float, float]] = {}
    failures: list[LawError] = []
    for number, (answer, example) in enumerate(zip(said, lived, strict=True)):
        if isinstance(answer, LawError):
            failures.append(answer)
        if answer is None or isinstance(answer, LawError):
            continue
        possible = ways(answer, example.before, vocabulary)
        met = [way for way in possible if happened(way, example, vocabulary)]
        right[number], wrong[number] = bool(met), not met
        telling[number] = any(_tells(way, example, vocabulary) for way in met)
        noise += left_to_noise(answer)
        if len(met) < 2:  # else it was not to be seen which of them came
            for rank, way in enumerate(possible):
                came, expected, variance = odds.get(rank, (0, 0.0, 0.0))
                chance = min(1.0, way.probability)
                odds[rank] = came + (way in met), expected + chance, variance + chance * (1 - chance)
    return Evidence(
        packed(right),
        packed(wrong),
        packed(telling),
        noise / max(1, sum(right) + sum(wrong)),
        tuple(odds[rank] for rank in sorted(odds)),
        len(lived),
        dict(Counter(failure.reason for failure in failures).most_common()),
        str(failures[0]) if failures else "",
    )


def revised(
    store: RuleStore,
    lived: Sequence[Example],
    vocabulary: Vocabulary,
    *,
    first: int = 0,
    sandbox: Sandbox | None = None,
) -> RuleStore:
    """Return ``store`` with the evidence for its laws that ``lived`` adds; a law that it contradicts is retired, with the reason.

    ``lived`` must not have been counted before; ``first`` is the number of the first of them. A law that failed to answer keeps on, but
    its record says so; one that went so often beyond its limits that it was abandoned is retired.
    """
    records = dict(store.records)
    reasons: dict[str, str] = {}
    said = answers(store.laws, lived, sandbox=sandbox)
    for law in store.laws:
        record = store.record(law)
        evidence = weigh([each[law.id] for each in said], lived, vocabulary)
        spoken = evidence.right | evidence.wrong
        records[law.id] = record.model_copy(
            update={
                "supports": record.supports + evidence.right.bit_count(),
                "contradicts": record.contradicts + evidence.wrong.bit_count(),
                "last_spoken": first + spoken.bit_length() - 1 if spoken else record.last_spoken,
                "reason": evidence.complaint or record.reason,
            }
        )
        if fault := evidence.fault(record) or (evidence.complaint if "abandoned" in evidence.failures else ""):
            reasons[law.id] = fault
    return replace(store, records=records).retire(reasons)


def accept(  # noqa: PLR0913 -- what is believed of whom, on what and why: each is a question of its own
    store: RuleStore,
    proposed: Iterable[Rule | Law],
    lived: Sequence[Example],
    vocabulary: Vocabulary,
    *,
    made_from: Collection[int] = (),
    origin: str = "person",
    least: int = LEAST,
    sandbox: Sandbox | None = None,
) -> RuleStore:
    """Return ``store`` with those of the ``proposed`` rules and laws that ``lived`` speaks for, and the others among the retired.

    ``made_from`` are the positions in ``lived`` of the transitions that whoever proposed them had before him: these speak against one
    but never for it. It must foretell something, and be right, in answer to ``least`` questions that are none of theirs; and each change
    that a rule foretells must have been seen to come, be it there. The reason why one is retired stands in its record. One that the
    store knows, active or retired, stays as it is: it has been judged.
    """
    known = {entry.id for entry in store.entries}
    new = {entry.id: entry for entry in proposed if entry.id not in known}
    weighed = evidence_for(new.values(), lived, vocabulary, sandbox=sandbox)
    keys = [written(Query(example.before, example.action)) for example in lived] if new else []
    shown = {keys[position] for position in made_from} if new else set()
    used = frozenset(made_from)
    held_out = packed(position not in used for position in range(len(keys)))
    records = dict(store.records)
    reasons: dict[str, str] = {}
    for name, entry in new.items():
        evidence = weighed[name]
        records[name] = Record(
            supports=(evidence.right & held_out).bit_count(),
            contradicts=evidence.wrong.bit_count(),
            last_spoken=(evidence.right | evidence.wrong).bit_length() - 1,
            origin=origin,
            reason=evidence.complaint,
        )
        told = {key for position, key in enumerate(keys) if evidence.telling >> position & 1} - shown
        if (
            fault := evidence.fault()
            or _too_few(len(told), least, evidence)
            or _unseen(entry, evidence, lived, vocabulary)
        ):
            reasons[name] = f"not accepted: {fault}"
    rules = tuple(entry for entry in new.values() if isinstance(entry, Rule))
    laws = tuple(entry for entry in new.values() if isinstance(entry, Law))
    return replace(store, rules=(*store.rules, *rules), laws=(*store.laws, *laws), records=records).retire(reasons)


def _too_few(foretold: int, least: int, evidence: Evidence) -> str:
    """Return why so many questions ``foretold`` rightly are not enough; empty where they are."""
    if foretold >= least:
        return ""
    more = f"; it {evidence.complaint}" if evidence.complaint else ""
    return f"foretold {foretold} questions rightly that it was not made from, and {least} are asked for{more}"


def evidence_for(
    proposed: Iterable[Rule | Law], lived: Sequence[Example], vocabulary: Vocabulary, *, sandbox: Sandbox | None = None
) -> dict[str, Evidence]:
    """Return what ``lived`` says of each of the ``proposed`` rules and laws, by its id.

    Raises: MissingExtraError where there are laws, no ``sandbox`` is given and none is installed.
    """
    entries = list(proposed)
    by_laws = answers([entry for entry in entries if isinstance(entry, Law)], lived, sandbox=sandbox)
    said = {
        entry.id: [rule_answer(entry, example, vocabulary) for example in lived]
        if isinstance(entry, Rule)
        else [each[entry.id] for each in by_laws]
        for entry in entries
    }
    return {name: weigh(row, lived, vocabulary) for name, row in said.items()}


def _unseen(entry: Rule | Law, evidence: Evidence, lived: Sequence[Example], vocabulary: Vocabulary) -> str:
    """Return which change that a rule foretells came in none of the examples that it is right about; empty where all came, and for laws."""
    if isinstance(entry, Law):
        return ""
    spoken = [example for position, example in enumerate(lived) if evidence.right >> position & 1]
    for outcome in entry.outcomes:
        for change in outcome.changes:
            alone = replace(entry, outcomes=(replace(outcome, changes=(change,)),))
            if not any(_came(rule_answer(alone, example, vocabulary), example, vocabulary) for example in spoken):
                return f"nobody has seen that {change}"
    return ""


def _came(answer: Answer, example: Example, vocabulary: Vocabulary) -> bool:
    """Whether something that ``answer`` changes was seen to be otherwise before, and so afterwards."""
    return isinstance(answer, tuple) and any(
        not is_unseen(fluent, example.settled, vocabulary)
        and look_up(fluent, example.settled, vocabulary) == value
        and look_up(fluent, example.before, vocabulary) != value
        for outcome in answer
        for fluent, value in outcome.changes.items()
    )
