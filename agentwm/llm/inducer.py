"""The inducer that a language model is: asked which rules explain what was seen, and believed as far as all that was lived bears it out.

It is shown contrasting transitions, a question for each verb. What it proposes goes through the same evidence as whatever else is proposed
(`agentwm.induction.evidence`): what was shown to it speaks against a rule, never for it. What is refused it is told once, with the
transition that speaks against it, and it may mend it once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend, Request
from agentwm.errors import MissingExtraError, RuleError
from agentwm.induction.evidence import accept, evidence_for
from agentwm.induction.table import parameter_names
from agentwm.llm.asking import Asker, ReplyCount
from agentwm.llm.contrast import Case, case_lines, cases_of, contrasting, contrasts, unexplained
from agentwm.llm.words import NONE, changeable, command_lines, fluent_lines, rule_lines
from agentwm.rules.language import Rule, fluent_names, parse_rule
from agentwm.rules.laws import Law, parse_law
from agentwm.rules.store import RuleStore
from agentwm.types import ActionSchema, Condition, Ref, Some, Trajectory, Vocabulary

__all__ = ["InducedRules", "LLMInducer", "Proposal", "ProposedRule"]

NO_RULES = RuleStore()
MOST_RULES = 6
MOST_LAWS = 1
MOST_QUESTIONS = 3
MOST_SHOWN = 12  # transitions in one question
MOST_VERBS = 6
MOST_AGAINST = 2  # transitions that are shown against one refused rule
MOST_NOISE = 0.5  # a rule that leaves more open is hard to contradict, and would speak where silence is due
LARGEST = 99
MAX_TOKENS = 2048  # six rules with their reasons and a law need more than other answers
# Why a proposal is refused that there is no use in mending.
_BELIEVED = "it is believed already"
_FORETOLD = "not needed: the rules believed now foretell all that it foretells"
_NEEDLESS = (_BELIEVED, _FORETOLD)


class ProposedRule(BaseModel):
    """One rule as a model writes it, and the numbers of the transitions that it is to explain."""

    why: Annotated[str, Field(max_length=300)]
    rule: Annotated[str, Field(min_length=1, max_length=600)]
    explains: Annotated[list[Annotated[int, Field(ge=1, le=LARGEST)]], Field(max_length=MOST_SHOWN)]


class InducedRules(BaseModel):
    """What a model says explains what was seen."""

    rules: Annotated[list[ProposedRule], Field(max_length=MOST_RULES)]
    laws: Annotated[list[Annotated[str, Field(min_length=1, max_length=2000)]], Field(max_length=MOST_LAWS)]
    open_questions: Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=MOST_QUESTIONS)]


class Proposal(BaseModel):
    """What became of one rule or law that a model proposed: its ``text``, and where it was not accepted the ``reason``.

    ``is_mended`` marks one that was proposed in place of what had been refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: str
    text: str
    accepted: bool
    reason: str = ""
    is_mended: bool = False


@dataclass
class _Question:
    """What is asked about one verb, as it grows: the cases shown, in the order of their numbers, and what was refused."""

    schema: ActionSchema
    puzzles: set[int]
    shown: list[Case]
    refused: list[str] = field(default_factory=list)

    def numbers(self, cases: Sequence[Case]) -> str:
        """Return the numbers under which ``cases`` are shown, in words; those that were not yet are from now on."""
        self.shown += [case for case in cases if case not in self.shown]
        return f"transition{'s' * (len(cases) > 1)} {', '.join(str(self.shown.index(case) + 1) for case in cases)}"


class LLMInducer:
    """Induces rules and laws with a language model, beside those that are believed already.

    ``proposals`` say what became of all that it proposed, ``open_questions`` what it would like to know. ``origin`` is what the records of
    its rules say of where they come from. At a time it asks about ``most_verbs``, and about each of them once more at most.
    """

    def __init__(
        self,
        backend: Backend,
        prompt: Prompt,
        vocabulary: Vocabulary,
        *,
        origin: str = "llm",
        most_verbs: int = MOST_VERBS,
    ) -> None:
        self.proposals: list[Proposal] = []
        self.open_questions: list[str] = []
        self._vocabulary = vocabulary
        self._origin = origin
        self._most_verbs = most_verbs
        self._asker = Asker(backend, prompt, InducedRules, max_tokens=MAX_TOKENS)
        self._stable = {
            "fluents": fluent_lines(vocabulary),
            "commands": command_lines(vocabulary),
            "most_rules": str(MOST_RULES),
            "most_questions": str(MOST_QUESTIONS),
        }

    @property
    def count(self) -> ReplyCount:
        """What came of the questions put so far; dropped was what is no rule, or none about what was asked."""
        return self._asker.count

    def induce(self, trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> RuleStore:
        """Return the rules and laws that explain ``trajectories``, of all verbs.

        Raises: as `revise`.
        """
        return self._explained(NO_RULES, cases_of(trajectories, vocabulary), first=0)

    def revise(
        self, store: RuleStore, trajectories: Sequence[Trajectory], vocabulary: Vocabulary, *, new: int = 1
    ) -> RuleStore:
        """Return ``store`` with what the model proposes on the last, ``new`` ones of ``trajectories``, as far as all of them bear it out.

        It is asked about the verbs of which the rules left something unforetold there; where they did not, nothing is asked.

        Raises: BackendError when the model cannot be asked.
        """
        cases = cases_of(trajectories, vocabulary)
        return self._explained(store, cases, first=sum(map(len, trajectories[:-new])))

    def _explained(self, store: RuleStore, cases: Sequence[Case], *, first: int) -> RuleStore:
        """Return ``store`` with what was accepted; asked is about the verbs that surprised in the cases from the ``first`` on."""
        questions = self._questions(store, cases, first)
        for is_mended in (False, True):
            asked = [question for question in questions if question.refused or not is_mended]
            said = self._asker.ask([self._request(question, store) for question in asked])
            for question, induced in zip(asked, said, strict=True):
                question.refused = []
                if induced is not None:
                    store = self._judged(store, question, induced, cases, is_mended=is_mended)
        return store

    # --- asking ---------------------------------------------------------------------------------------------------------

    def _questions(self, store: RuleStore, cases: Sequence[Case], first: int) -> list[_Question]:
        """Return a question for each verb that surprised, those of which there is most contrast to learn from first."""
        verbs = {case.verb for case in cases[first:]} & self._vocabulary.actions.keys()
        alike = {verb: [case for case in cases if case.verb == verb] for verb in sorted(verbs)}
        puzzles = {verb: unexplained(store, found, self._vocabulary) for verb, found in alike.items()}
        news = [verb for verb in alike if any(number >= first for number in puzzles[verb])]
        news.sort(key=lambda verb: (-contrasts(alike[verb], puzzles[verb]), -len(puzzles[verb])))
        return [
            _Question(
                self._vocabulary.actions[verb],
                puzzles[verb],
                contrasting(alike[verb], puzzles[verb], most=MOST_SHOWN),
            )
            for verb in news[: self._most_verbs]
        ]

    def _request(self, question: _Question, store: RuleStore) -> Request:
        schema = question.schema
        transitions = [
            case_lines(case, self._vocabulary, number=number, is_puzzle=case.number in question.puzzles)
            for number, case in enumerate(question.shown, 1)
        ]
        slots: Mapping[str, str] = {
            **self._stable,
            "command": command_lines(replace(self._vocabulary, actions={schema.verb: schema})).removeprefix("- "),
            "head": _head(schema),
            "rules": rule_lines(store, [schema.verb]) or NONE,
            "transitions": "\n".join(transitions),
            "refused": "\n".join(question.refused) or NONE,
        }
        return self._asker.request(slots)

    # --- judging --------------------------------------------------------------------------------------------------------

    def _judged(
        self, store: RuleStore, question: _Question, induced: InducedRules, cases: Sequence[Case], *, is_mended: bool
    ) -> RuleStore:
        """Return ``store`` with what of ``induced`` is accepted; what it may mend of the rest is noted in ``question``."""
        shown = tuple(question.shown)
        rules = {each.rule: each for each in induced.rules}
        for text in dict.fromkeys((*rules, *induced.laws)):
            try:
                entry = self._read(text, question.schema) if text in rules else parse_law(text)
                claimed = [shown[n - 1] for n in rules[text].explains if n <= len(shown)] if text in rules else []
                after, reason = self._weighed(store, question, entry, shown, claimed, cases)
                is_mendable = bool(reason) and reason not in _NEEDLESS
            except RuleError as error:
                after, reason, is_mendable = store, f"not understood: {error}", True
                self._asker.tell(ReplyCount(dropped=1))
            except MissingExtraError as error:  # the user's to mend: the model would be asked for nothing
                after, reason, is_mendable = store, str(error), False
            if is_mendable:
                question.refused.append(f"- {' '.join(text.split())}\n  {reason}")
            store = after
            self.proposals.append(
                Proposal(verb=question.schema.verb, text=text, accepted=not reason, reason=reason, is_mended=is_mended)
            )
        self.open_questions = list(dict.fromkeys((*self.open_questions, *induced.open_questions)))
        return store

    def _read(self, text: str, schema: ActionSchema) -> Rule:
        """Return the rule that ``text`` says about the verb of ``schema``.

        Raises: RuleError for what is no rule, or speaks of what this world does not have.
        """
        rule = parse_rule(text)
        if (rule.verb, len(rule.parameters), rule.each) != (schema.verb, len(schema.parameters), None):
            raise RuleError(
                f"expected a rule that begins {_head(schema)}, got {rule.sentence().partition(' when ')[0]}"
            )
        for fault in _faults(rule, self._vocabulary):
            raise RuleError(fault)
        return rule

    def _weighed(
        self,
        store: RuleStore,
        question: _Question,
        entry: Rule | Law,
        shown: Sequence[Case],
        claimed: Sequence[Case],
        cases: Sequence[Case],
    ) -> tuple[RuleStore, str]:
        """Return ``store`` with ``entry``, which was to explain the cases ``claimed``; or as it is, and why ``entry`` is refused."""
        if entry.id in {each.id for each in store.believed}:
            return store, _BELIEVED
        lived = [case.example for case in cases]
        made_from = [case.number for case in shown]
        after = accept(store, [entry], lived, self._vocabulary, made_from=made_from, origin=self._origin)
        evidence = evidence_for([entry], lived, self._vocabulary)[entry.id]
        if entry.id not in {each.id for each in after.believed}:
            wrong = [case for case in cases if evidence.wrong >> case.number & 1]
            spoken = evidence.right | evidence.wrong
            silent = [case for case in claimed if not spoken >> case.number & 1]
            reasons = [after.record(entry).reason]
            reasons += [f"see {question.numbers(wrong[:MOST_AGAINST])} above"] if wrong else []
            reasons += [f"it says nothing of {question.numbers(silent)}, which it was to explain"] if silent else []
            return store, "; ".join(reasons)
        right = [case for case in cases if evidence.right >> case.number & 1]
        if not unexplained(store, right, self._vocabulary):
            return store, _FORETOLD
        return after, ""


def _head(schema: ActionSchema) -> str:
    """Return how a rule about the verb of ``schema`` begins."""
    return " ".join((schema.verb, *(f"?{name}" for name in parameter_names(schema.parameters))))


def _faults(rule: Rule, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield what in ``rule`` this world does not have."""
    can_change = {schema.name for schema in changeable(vocabulary)}
    changes = [change for outcome in rule.outcomes for change in outcome.changes]
    for change in changes:
        if change.target.name not in can_change:
            yield f"expected changes of {', '.join(sorted(can_change))}, got {change.target.name}()"
    parts: list[object] = [*rule.when, *rule.after, *(part for each in changes for part in (each.target, each.value))]
    for name in (name for part in parts for name in fluent_names(part)):
        if name not in vocabulary.fluents:
            yield f"expected properties of this world, got {name}()"
    for reference in _references(parts):
        arity = len(vocabulary.fluents[reference.name].parameters)
        if len(reference.args) != arity:
            yield f"expected {reference.name}() to be of {arity} things, got {len(reference.args)}"
    if sum(outcome.probability for outcome in rule.outcomes) <= MOST_NOISE:
        yield "expected a rule to say what mostly comes, and not to leave half of it or more to chance"
    if not vocabulary.reports_failure and any(not outcome.success for outcome in rule.outcomes):
        yield "nothing fails in this world: say what a command changes"
    if any(outcome.changes for outcome in rule.outcomes if not outcome.success):
        yield "expected a failure to change nothing"


def _references(parts: Iterable[object]) -> Iterator[Ref]:
    """Yield all references in terms and conditions, however deep."""
    for part in parts:
        match part:
            case Ref():
                yield part
                yield from _references(part.args)
            case Some():
                yield from _references(part.conditions)
            case Condition():
                yield from _references((part.left, part.right))
