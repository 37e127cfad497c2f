"""The rule language: rules are values that print as sentences and parse back.

A rule names an action pattern, a conjunction of conditions, and outcomes with probabilities::

    heat ?o ?r
      when holding() is ?o
       and place(at()) is place(?r)
       and kind(?r) is "microwave"
      then 1.00 success: hot(?o) becomes true, cool(?o) becomes false

The rest of the probability is noise. Source: noisy deictic rules (Pasula, Zettlemoyer & Kaelbling, 2007), section 3.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from agentwm.errors import RuleError, quoted
from agentwm.types import Condition, Ref, Term, Value, Var

__all__ = [
    "Change",
    "Rule",
    "RuleOutcome",
    "fluent_names",
    "format_condition",
    "format_term",
    "parse_rule",
    "variables",
]

_OPERATORS = {
    "==": "is",
    "!=": "is not",
    "<": "is less than",
    ">": "is more than",
    "in": "is one of",
    "notin": "is none of",
}
_WORDS = {word: op for op, word in sorted(_OPERATORS.items(), key=lambda item: -len(item[1]))}


@dataclass(frozen=True, slots=True)
class Change:
    """Sets the fluent that ``target`` refers to to what ``value`` refers to."""

    target: Ref
    value: Term

    def __str__(self) -> str:
        return f"{format_term(self.target)} becomes {format_term(self.value)}"


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One way the action may turn out when the rule applies."""

    probability: float
    success: bool
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        short = f"{self.probability:.2f}"
        exact = short if float(short) == self.probability else repr(self.probability)
        head = f"{exact} {'success' if self.success else 'failure'}"
        return f"{head}: {', '.join(map(str, self.changes))}" if self.changes else head


@dataclass(frozen=True)
class Rule:
    """What doing ``verb`` with ``parameters`` leads to when the conditions ``when`` hold.

    ``parameters`` are variable names. Two rules with the same text are the same rule and have the same ``id``.
    """

    verb: str
    parameters: tuple[str, ...]
    when: tuple[Condition, ...]
    outcomes: tuple[RuleOutcome, ...]

    @cached_property
    def id(self) -> str:
        """A short name that depends on what the rule says, but not on its probabilities."""
        sure = "\n".join((self._head(), *self._conditions(), *(str(o).split(" ", 1)[1] for o in self.outcomes)))
        return f"{self.verb.replace(' ', '_')}-{hashlib.sha256(sure.encode()).hexdigest()[:8]}"

    @property
    def predicts_success(self) -> bool:
        """Whether the most probable outcome is a success."""
        return bool(self.outcomes) and max(self.outcomes, key=lambda o: o.probability).success

    def sentence(self) -> str:
        """Return the rule as one line of English that ``parse_rule`` reads back."""
        when = f" when {' and '.join(self._conditions())}" if self.when else ""
        return f"{self._head()}{when} then {'; or '.join(map(str, self.outcomes))}"

    def text(self) -> str:
        """Return the sentence broken into lines, as it stands in a rule file."""
        lines = [self._head()]
        lines += [f"  {word} {text}" for word, text in zip(_when_words(), self._conditions(), strict=False)]
        lines += [f"  {word} {text}" for word, text in zip(_then_words(), map(str, self.outcomes), strict=False)]
        return "\n".join(lines) + "\n"

    def _head(self) -> str:
        return " ".join((self.verb, *(f"?{name}" for name in self.parameters)))

    def _conditions(self) -> list[str]:
        return [format_condition(condition) for condition in self.when]


def _when_words() -> Iterator[str]:
    yield "when"
    while True:
        yield " and"


def _then_words() -> Iterator[str]:
    yield "then"
    while True:
        yield ";  or"


def format_term(term: Term) -> str:
    """Return ``term`` as it stands in a sentence: ``?o``, ``in(?o)``, ``"fridge"``, ``true``, ``nothing``, ``3``."""
    if isinstance(term, Var):
        return f"?{term.name}"
    if isinstance(term, Ref):
        return f"{term.name}({', '.join(map(format_term, term.args))})"
    if term is None:
        return "nothing"
    return json.dumps(term)


def format_condition(condition: Condition) -> str:
    """Return ``condition`` as it stands in a sentence."""
    if condition.op in ("in", "notin"):
        assert isinstance(condition.right, tuple)
        right = f"{{{', '.join(format_term(value) for value in condition.right)}}}"
    else:
        right = format_term(condition.right)  # type: ignore[arg-type]
    return f"{format_term(condition.left)} {_OPERATORS[condition.op]} {right}"


def variables(term: object) -> Iterator[str]:
    """Yield the names of the variables in a term or condition, in order, with repeats."""
    if isinstance(term, Var):
        yield term.name
    elif isinstance(term, Ref):
        for arg in term.args:
            yield from variables(arg)
    elif isinstance(term, Condition):
        yield from variables(term.left)
        yield from variables(term.right)


def fluent_names(term: object) -> Iterator[str]:
    """Yield the names of the fluents that a term or condition touches."""
    if isinstance(term, Ref):
        yield term.name
        for arg in term.args:
            yield from fluent_names(arg)
    elif isinstance(term, Condition):
        yield from fluent_names(term.left)
        yield from fluent_names(term.right)


# --- parsing ---------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r'\s*("(?:[^"\\]|\\.)*"|\?[a-z]\w*|[a-z_]\w*(?=\()|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[a-z]+|[(){},:;])'
)
_HEAD = re.compile(r"\s*([a-z]+(?: [a-z]+)*?)((?:\s+\?[a-z]\w*)*)\s+(?=when\b|then\b)")
DEEPEST = 20
_LITERALS: dict[str, Value] = {"true": True, "false": False, "nothing": None}


def parse_rule(text: str) -> Rule:
    """Return the rule that ``text`` says, in one line or many.

    Raises: RuleError naming the first thing that could not be read.
    """
    head = _HEAD.match(text)
    if not head:
        message = f"expected a rule to begin like 'take ?o ?r when …' or 'look then …', got {quoted(text, limit=60)}"
        raise RuleError(message)
    parameters = tuple(word[1:] for word in head[2].split())
    reader = _Reader(text, head.end())
    when = []
    if reader.accept("when"):
        when.append(reader.condition())
        while reader.accept("and"):
            when.append(reader.condition())
    reader.expect("then")
    outcomes = [reader.outcome()]
    while reader.accept(";"):
        reader.expect("or")
        outcomes.append(reader.outcome())
    reader.end()
    rule = Rule(head[1], parameters, tuple(when), tuple(outcomes))
    _check(rule)
    return rule


def _check(rule: Rule) -> None:
    if len(set(rule.parameters)) != len(rule.parameters):
        message = f"a rule's parameters must differ, got {' '.join(rule.parameters)}"
        raise RuleError(message)
    used = [name for condition in rule.when for name in variables(condition)]
    used += [name for o in rule.outcomes for c in o.changes for t in (c.target, c.value) for name in variables(t)]
    if free := sorted(set(used) - set(rule.parameters)):
        message = f"variable ?{free[0]} is not a parameter of '{rule.verb}'"
        raise RuleError(message)
    if any(o.probability < 0 for o in rule.outcomes) or sum(o.probability for o in rule.outcomes) > 1.001:
        message = f"the probabilities of '{rule.verb}' must lie between 0 and 1 and add up to at most 1"
        raise RuleError(message)


class _Reader:
    """Reads a rule's words one at a time."""

    def __init__(self, text: str, position: int) -> None:
        self.text = text
        self.position = position
        self.depth = 0

    def peek(self) -> str:
        match = _TOKEN.match(self.text, self.position)
        return match[1] if match else ""

    def take(self) -> str:
        match = _TOKEN.match(self.text, self.position)
        if not match:
            raise self.error("a word")
        self.position = match.end()
        return match[1]

    def accept(self, word: str) -> bool:
        if self.peek() != word:
            return False
        self.take()
        return True

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise self.error(f"'{word}'")

    def end(self) -> None:
        if self.text[self.position :].strip():
            raise self.error("the end of the rule")

    def error(self, expected: str) -> RuleError:
        rest = self.text[self.position :].strip()
        return RuleError(f"expected {expected}, got {quoted(rest, limit=60)}")

    def condition(self) -> Condition:
        left = self.term()
        for words, op in _WORDS.items():
            start = self.position
            if all(self.accept(word) for word in words.split()):
                return Condition(left, op, self.constants() if op in ("in", "notin") else self.term())
            self.position = start
        raise self.error("'is', 'is not', 'is less than', 'is more than', 'is one of' or 'is none of'")

    def constants(self) -> tuple[Value, ...]:
        self.expect("{")
        values = [self.constant()]
        while self.accept(","):
            values.append(self.constant())
        self.expect("}")
        return tuple(values)

    def constant(self) -> Value:
        term = self.term()
        if isinstance(term, Var | Ref):
            raise self.error("a constant")
        return term

    def term(self) -> Term:
        token = self.take()
        if token.startswith("?"):
            return Var(token[1:])
        if token in _LITERALS:
            return _LITERALS[token]
        if token[0] in '"-0123456789':
            return self.literal(token)
        if self.accept("("):
            self.depth += 1
            if self.depth > DEEPEST:
                raise RuleError(f"expected references at most {DEEPEST} deep, got {quoted(token + '(', limit=60)}")
            args: list[Term] = []
            while not self.accept(")"):
                args.append(self.term())
                if self.peek() != ")":
                    self.expect(",")
            self.depth -= 1
            return Ref(token, tuple(args))
        self.position -= len(token)
        raise self.error("a variable, a reference or a constant")

    def literal(self, token: str) -> Value:
        try:
            value: Value = json.loads(token)
        except ValueError:
            value = math.nan
        if isinstance(value, float) and not math.isfinite(value):
            raise RuleError(f"expected a string or a number as JSON writes it, got {quoted(token, limit=60)}")
        return value

    def outcome(self) -> RuleOutcome:
        number = self.take()
        probability = float(number) if number[0] in "-0123456789" else math.nan
        if not math.isfinite(probability):
            raise RuleError(f"expected a probability, got {quoted(number, limit=60)}")
        success = self.accept("success")
        if not success:
            self.expect("failure")
        changes = []
        if self.accept(":"):
            changes.append(self.change())
            while self.accept(","):
                changes.append(self.change())
        return RuleOutcome(probability, success, tuple(changes))

    def change(self) -> Change:
        target = self.term()
        if not isinstance(target, Ref):
            raise self.error("a reference to a fluent")
        self.expect("becomes")
        return Change(target, self.term())
