"""Writes down for a language model what is known: fluents, verbs, facts, rules; and reads the commands that it writes.

Only what a vocabulary declares and a state holds is said here, in one fixed form. All other words are the prompts'.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from agentwm.rules.language import ANY_ACTION, TICK, format_term
from agentwm.rules.store import RuleStore
from agentwm.types import Action, ActionSchema, Fluent, FluentSchema, State, Transition, Value, Vocabulary

__all__ = [
    "CommandReader",
    "Seen",
    "changeable",
    "command_lines",
    "fact_lines",
    "fits",
    "fluent_lines",
    "relevant",
    "rule_lines",
]

MOST_FACTS = 200
MOST_RULES = 24
_SORT = "sort"
_TRUTH = "true or false"


def changeable(vocabulary: Vocabulary) -> tuple[FluentSchema, ...]:
    """Return the fluents that an action may change: none that is static, derived or counted."""
    return tuple(
        schema
        for schema in vocabulary.fluents.values()
        if not (schema.static or schema.derive is not None or schema.counts_since is not None)
    )


def fluent_lines(vocabulary: Vocabulary) -> str:
    """Return a line for each fluent: its arguments, its values, and what is believed of it until something else is seen."""
    return "\n".join(
        f"- {schema.name}({', '.join(_or(sort) for sort in schema.parameters)}) = {_values(schema)}{_remark(schema)}"
        for schema in vocabulary.fluents.values()
        if schema.name != _SORT
    )


def _or(sorts: str) -> str:
    return sorts.replace("any", "anything").replace("|", " or ")


def _values(schema: FluentSchema) -> str:
    return _TRUTH if schema.value == "bool" else _or(schema.value)


def _remark(schema: FluentSchema) -> str:
    remarks = []
    if schema.static:
        remarks.append("never changes")
    if schema.has_default:
        remarks.append(f"{format_term(schema.default)} until something makes it otherwise")
    if schema.hidden:
        remarks.append("not visible: believe what was done")
    return f"; {'; '.join(remarks)}" if remarks else ""


def command_lines(vocabulary: Vocabulary) -> str:
    """Return a line for each verb: its template, with the sorts of what is filled in."""
    return "\n".join(
        f"- {schema.render([f'<{_or(sort)}>' for sort in schema.parameters])}{' (only looks)' if schema.inspects else ''}"
        for schema in vocabulary.actions.values()
    )


def relevant(state: State, names: Iterable[str], vocabulary: Vocabulary) -> dict[Fluent, Value]:
    """Return what of ``state`` concerns the agent itself, ``names``, and what the agent is at or has, derived fluents included.

    Source: ours; in a trial this was a ninth of the full state's tokens, and nothing was foretold less well for it.
    """
    agents = {
        Fluent(schema.name): schema.derive(state, ())
        for schema in vocabulary.fluents.values()
        if schema.derive is not None and not schema.parameters
    }
    agents |= {fluent: value for fluent, value in state.items() if not fluent.args}
    near = {*names, *(value for value in agents.values() if isinstance(value, str))}
    found = dict(agents)
    for schema in vocabulary.fluents.values():
        if schema.derive is not None and len(schema.parameters) == 1:
            found |= {Fluent(schema.name, (name,)): schema.derive(state, (name,)) for name in sorted(near)}
    found |= {
        fluent: value
        for fluent, value in state.items()
        if fluent.args and (not near.isdisjoint(fluent.args) or (isinstance(value, str) and value in near))
    }
    return found


def fact_lines(facts: State) -> str:
    """Return a line for each of ``facts``, those of one thing together, at most `MOST_FACTS`; sorts go without saying."""
    told = [(fluent, value) for fluent, value in facts.items() if fluent.name != _SORT]
    told.sort(key=lambda fact: (bool(fact[0].args), [_natural(arg) for arg in fact[0].args], fact[0].name))
    lines = [f"- {fluent} = {_plain(value)}" for fluent, value in told]
    if len(lines) > MOST_FACTS:
        lines = [*lines[:MOST_FACTS], f"- and {len(lines) - MOST_FACTS} more facts"]
    return "\n".join(lines) or "- nothing yet"


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else format_term(value)


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return what sorts "drawer 2" before "drawer 10"."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def rule_lines(store: RuleStore, verbs: Iterable[str]) -> str:
    """Return the rules that speak of ``verbs``, as sentences with their evidence, the best supported first; empty where there are none."""
    asked = {*verbs, ANY_ACTION, TICK}
    spoken = [rule for rule in store.rules if rule.verb in asked and not store.record(rule).is_guess]
    spoken.sort(key=lambda rule: (-store.record(rule).supports, rule.id))
    return "\n".join(
        f"{number}. {rule.sentence()} (right {store.record(rule).supports} times, wrong {store.record(rule).contradicts} times)"
        for number, rule in enumerate(spoken[:MOST_RULES], 1)
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer of the world that was seen: to which command, and what it said."""

    command: str
    text: str
    succeeded: bool

    @classmethod
    def of(cls, transitions: Iterable[Transition], vocabulary: Vocabulary) -> dict[str, tuple["Seen", ...]]:
        """Return, per verb, the first success and the first failure among ``transitions``; under "" the first failure of any verb."""
        found: dict[tuple[str, bool], Seen] = {}
        for transition in transitions:
            schema = vocabulary.actions.get(transition.action.verb)
            if schema is not None:
                text = " ".join(transition.observation.text.split())
                seen = cls(schema.render(transition.action.args), text, transition.succeeded)
                found.setdefault((schema.verb, seen.succeeded), seen)
                if not seen.succeeded:
                    found.setdefault(("", False), seen)
        verbs = {verb for verb, _ in found}
        return {verb: tuple(seen for (each, _), seen in found.items() if each == verb) for verb in verbs}

    def __str__(self) -> str:
        return f"- {self.command} ({'worked' if self.succeeded else 'failed'}): {self.text}"


class CommandReader:
    """Reads commands as actions of ``vocabulary``."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    @cached_property
    def _patterns(self) -> list[tuple[ActionSchema, re.Pattern[str]]]:
        return [(schema, _pattern(schema)) for schema in self._vocabulary.actions.values()]

    def read(self, command: str, state: State) -> Action | None:
        """Return the action that ``command`` writes; None where it is no command, or names what is not known or of another sort."""
        said = " ".join(command.split()).strip("<>.").replace("<", "").replace(">", "")
        for schema, pattern in self._patterns:
            match = pattern.fullmatch(said)
            if match is None:
                continue
            names = tuple(match[f"name{number}"] for number in range(len(schema.parameters)))
            if all(fits(name, sorts, state) for name, sorts in zip(names, schema.parameters, strict=True)):
                return Action(schema.verb, names)
        return None


def fits(name: str, sorts: str, state: State) -> bool:
    """Return whether ``name`` is known, and of one of ``sorts`` as far as its sort is known."""
    sort = state.get(Fluent(_SORT, (name,)))
    if sort is None:
        return any(name in fluent.args or value == name for fluent, value in state.items())
    return sorts == "any" or sort in sorts.split("|")


def _pattern(schema: ActionSchema) -> re.Pattern[str]:
    slots = [f"\0{number}\0" for number in range(len(schema.parameters))]
    written = re.escape(schema.render(slots))
    for number, slot in enumerate(slots):
        written = written.replace(re.escape(slot), f"(?P<name{number}>.+?)", 1)
    return re.compile(written)
