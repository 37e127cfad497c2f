"""The rule language: rules are values that print as sentences and parse back.

A rule names an action pattern, a conjunction of conditions, and outcomes with probabilities::

    heat ?o ?r
      when holding() is ?o
       and place(at()) is place(?r)
       and kind(?r) is "microwave"
      then 1.00 success: hot(?o) becomes true, cool(?o) becomes false

    fish
      when at() is "lake"
      then 0.40 success: fish() grows by 1
      ;  or 0.60 success

    any action
      leading to kind(at()) is "goal"
      then 1.00 success: reward 1, the end

What stands after *leading to* is said of the state arrived in. *any action* stands for every verb. A rule may speak of every thing
of a sort beside those that the action names: ``unlock ?d, each key ?k`` of what unlocking a door does to keys, ``any action, each plant
?p`` of what plants do by themselves, whatever is done (a *tick*). The rest of the probability is noise.

Source: noisy deictic rules (Pasula, Zettlemoyer & Kaelbling, 2007), section 3; conditions on the state arrived in and rules about each
thing are ours, DECISIONS 11 and 17.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from agentwm.errors import RuleError, quoted
from agentwm.types import Condition, Ref, Some, Term, Value, Var

__all__ = [
    "ANY_ACTION",
    "Change",
    "Each",
    "Rule",
    "RuleOutcome",
    "fluent_names",
    "format_condition",
    "format_term",
    "parse_rule",
    "variables",
]

ANY_ACTION = "any action"

_OPERATORS = {
    "==": "is",
    "!=": "is not",
    "<": "is less than",
    ">": "is more than",
    "in": "is one of",
    "notin": "is none of",
    "known": "is known",
    "unknown": "is unknown",
}
_WITHOUT_RIGHT_SIDE = ("known", "unknown")
_OF_CONSTANTS = ("in", "notin")
_QUANTIFIERS = ("some", "no")
_WORDS = {word: op for op, word in sorted(_OPERATORS.items(), key=lambda item: -len(item[1]))}


@dataclass(frozen=True, slots=True)
class Change:
    """Sets the fluent that ``target`` refers to to what ``value`` refers to or, with ``adds``, adds that to it."""

    target: Ref
    value: Term
    adds: bool = False

    def __str__(self) -> str:
        if not self.adds:
            return f"{format_term(self.target)} becomes {format_term(self.value)}"
        if isinstance(self.value, int | float) and self.value < 0:
            return f"{format_term(self.target)} falls by {format_term(-self.value)}"
        return f"{format_term(self.target)} grows by {format_term(self.value)}"


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One way the action may turn out when the rule applies: what changes, what is paid, what is seen and whether the episode ends."""

    probability: float
    success: bool = True
    changes: tuple[Change, ...] = ()
    reward: float | None = None
    ends: bool = False
    text: str | None = None

    def __str__(self) -> str:
        short = f"{self.probability:.2f}"
        exact = short if float(short) == self.probability else repr(self.probability)
        head = f"{exact} {'success' if self.success else 'failure'}"
        parts = [str(change) for change in self.changes]
        if self.reward is not None:
            parts.append(f"reward {format_term(self.reward)}")
        if self.text is not None:
            parts.append(f"says {format_term(self.text)}")
        if self.ends:
            parts.append("the end")
        return f"{head}: {', '.join(parts)}" if parts else head


class Each(NamedTuple):
    """Says that a rule speaks of every thing of ``sort``, for which ``variable`` stands."""

    variable: str
    sort: str


@dataclass(frozen=True)
class Rule:
    """What doing ``verb`` with ``parameters`` leads to when the conditions ``when`` hold, and ``after`` in the state arrived in.

    ``parameters`` are variable names. With ``each`` it speaks once for every thing of a sort, but for those that the action is done with,
    and has one more variable for that. Two rules with the same text are the same rule and have the same ``id``.
    """

    verb: str
    parameters: tuple[str, ...]
    when: tuple[Condition, ...]
    outcomes: tuple[RuleOutcome, ...]
    after: tuple[Condition, ...] = ()
    each: Each | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all its variables: what the action is done with, then the one that stands for each thing."""
        return (*self.parameters, self.each.variable) if self.each else self.parameters

    @cached_property
    def id(self) -> str:
        """A short name that depends on what the rule says, but not on its probabilities."""
        ways = (str(outcome).split(" ", 1)[1] for outcome in self.outcomes)
        sure = "\n".join((self._head(), *_formatted(self.when), *(f"> {c}" for c in _formatted(self.after)), *ways))
        return f"{self.verb.replace(' ', '_')}-{hashlib.sha256(sure.encode()).hexdigest()[:8]}"

    @property
    def predicts_success(self) -> bool:
        """Whether the most probable outcome is a success."""
        return bool(self.outcomes) and max(self.outcomes, key=lambda o: o.probability).success

    @property
    def pays(self) -> bool:
        """Whether one of the outcomes brings a reward above zero."""
        return any((outcome.reward or 0) > 0 for outcome in self.outcomes)

    def sentence(self) -> str:
        """Return the rule as one line of English that ``parse_rule`` reads back."""
        when = f" when {' and '.join(_formatted(self.when))}" if self.when else ""
        after = f" leading to {' and '.join(_formatted(self.after))}" if self.after else ""
        return f"{self._head()}{when}{after} then {'; or '.join(map(str, self.outcomes))}"

    def text(self) -> str:
        """Return the sentence broken into lines, as it stands in a rule file."""
        lines = [self._head()]
        lines += [f"  {word} {text}" for word, text in zip(_words("when", " and"), _formatted(self.when), strict=False)]
        lines += [
            f"  {word} {text}" for word, text in zip(_words("leading to", " and"), _formatted(self.after), strict=False)
        ]
        lines += [
            f"  {word} {text}" for word, text in zip(_words("then", ";  or"), map(str, self.outcomes), strict=False)
        ]
        return "\n".join(lines) + "\n"

    def _head(self) -> str:
        head = " ".join((self.verb, *(f"?{name}" for name in self.parameters)))
        return f"{head}, each {self.each.sort} ?{self.each.variable}" if self.each else head


def _formatted(conditions: tuple[Condition, ...]) -> list[str]:
    return [format_condition(condition) for condition in conditions]


def _words(first: str, later: str) -> Iterator[str]:
    yield first
    while True:
        yield later


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
    if isinstance(condition.right, Some):
        variable, sort, conditions = condition.right
        return f"{condition.op} {sort} ?{variable} with ({' and '.join(_formatted(conditions))})"
    if condition.op in _WITHOUT_RIGHT_SIDE:
        return f"{format_term(condition.left)} {_OPERATORS[condition.op]}"
    if condition.op in _OF_CONSTANTS:
        assert isinstance(condition.right, tuple)
        right = f"{{{', '.join(format_term(value) for value in condition.right)}}}"
    else:
        right = format_term(condition.right)  # type: ignore[arg-type]
    return f"{format_term(condition.left)} {_OPERATORS[condition.op]} {right}"


def variables(term: object) -> Iterator[str]:
    """Yield the names of the free variables in a term or condition, in order, with repeats."""
    if isinstance(term, Var):
        yield term.name
    elif isinstance(term, Some):
        yield from (name for c in term.conditions for name in variables(c) if name != term.variable)
    elif isinstance(term, Condition) and isinstance(term.right, Some):
        yield from variables(term.right)
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
    elif isinstance(term, Some):
        for condition in term.conditions:
            yield from fluent_names(condition)
    elif isinstance(term, Condition):
        yield from fluent_names(term.left)
        yield from fluent_names(term.right)


# --- parsing ---------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r'\s*("(?:[^"\\]|\\.)*"|\?[a-z]\w*|[a-z_]\w*(?=\()|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[a-z]+(?:\|[a-z]+)*|[(){},:;])'
)
_HEAD = re.compile(
    r"\s*([a-z]+(?: [a-z]+)*?)((?:\s+\?[a-z]\w*)*)(?:\s*,\s*each\s+([a-z]+)\s+\?([a-z]\w*))?\s+(?=when\b|leading to\b|then\b)"
)
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
    when = reader.conditions() if reader.accept("when") else ()
    after: tuple[Condition, ...] = ()
    if reader.accept("leading"):
        reader.expect("to")
        after = reader.conditions()
    reader.expect("then")
    outcomes = [reader.outcome()]
    while reader.accept(";"):
        reader.expect("or")
        outcomes.append(reader.outcome())
    reader.end()
    rule = Rule(head[1], parameters, when, tuple(outcomes), after, Each(head[4], head[3]) if head[3] else None)
    _check(rule)
    return rule


def _check(rule: Rule) -> None:
    if len(set(rule.names)) != len(rule.names):
        message = f"a rule's parameters must differ, got {' '.join(rule.names)}"
        raise RuleError(message)
    if "each" in rule.verb.split() or (rule.each and rule.each.sort == "any"):
        raise RuleError(
            f"expected a rule about each thing of a sort to begin like 'take ?o, each cup ?x', got {quoted(rule.sentence(), limit=60)}"
        )
    if rule.verb == ANY_ACTION and rule.parameters:
        raise RuleError(f"a rule about any action has no parameters, got {quoted(rule.sentence(), limit=60)}")
    if rule.each and rule.after:
        raise RuleError(
            f"a rule about each thing says nothing of the state arrived in, got {quoted(rule.sentence(), limit=60)}"
        )
    used = [name for condition in (*rule.when, *rule.after) for name in variables(condition)]
    used += [name for o in rule.outcomes for c in o.changes for t in (c.target, c.value) for name in variables(t)]
    if free := sorted(set(used) - set(rule.names)):
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

    def conditions(self) -> tuple[Condition, ...]:
        found = [self.condition()]
        while self.accept("and"):
            found.append(self.condition())
        return tuple(found)

    def condition(self) -> Condition:
        if self.peek() in _QUANTIFIERS:
            return self.quantified()
        left = self.term()
        for words, op in _WORDS.items():
            start = self.position
            if all(self.accept(word) for word in words.split()):
                if op in _WITHOUT_RIGHT_SIDE:
                    return Condition(left, op, None)
                return Condition(left, op, self.constants() if op in _OF_CONSTANTS else self.term())
            self.position = start
        raise self.error(
            "'is', 'is not', 'is less than', 'is more than', 'is one of', 'is none of', 'is known' or 'is unknown'"
        )

    def quantified(self) -> Condition:
        op, sort, variable = self.take(), self.take(), self.take()
        if not sort.replace("|", "").isalpha() or not variable.startswith("?"):
            raise RuleError(f"expected '{op} SORT ?x with (…)', got {quoted(f'{op} {sort} {variable}', limit=60)}")
        self.expect("with")
        self.expect("(")
        self.deeper(f"{op} {sort}")
        conditions = self.conditions()
        self.expect(")")
        self.depth -= 1
        return Condition(Var(variable[1:]), op, Some(variable[1:], sort, conditions))

    def deeper(self, token: str) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise RuleError(f"expected references at most {DEEPEST} deep, got {quoted(token + '(', limit=60)}")

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
            self.deeper(token)
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
        changes: list[Change] = []
        reward, text, ends = None, None, False
        if self.accept(":"):
            while True:
                if self.accept("reward"):
                    reward = self.number("a reward")
                elif self.accept("says"):
                    text = self.quoted_text()
                elif self.accept("the"):
                    self.expect("end")
                    ends = True
                else:
                    changes.append(self.change())
                if not self.accept(","):
                    break
        return RuleOutcome(probability, success, tuple(changes), reward, ends, text)

    def number(self, expected: str) -> float:
        value = self.constant()
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(expected)
        return value

    def quoted_text(self) -> str:
        value = self.constant()
        if not isinstance(value, str):
            raise self.error("a text in double quotes")
        return value

    def change(self) -> Change:
        target = self.term()
        if not isinstance(target, Ref):
            raise self.error("a reference to a fluent")
        if self.accept("becomes"):
            return Change(target, self.term())
        is_fall = self.accept("falls")
        if not is_fall and not self.accept("grows"):
            raise self.error("'becomes', 'grows by' or 'falls by'")
        self.expect("by")
        if is_fall:
            return Change(target, -self.number("a number"), adds=True)
        return Change(target, self.term(), adds=True)
