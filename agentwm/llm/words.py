"""Writes down for a language model what is known: fluents, verbs, facts, rules.

Only what a vocabulary declares and a state holds is said here, in one fixed form. All other words are the prompts'.
"""

import re
from collections.abc import Iterable

from agentwm.rules.language import ANY_ACTION, Rule, format_term
from agentwm.rules.matching import bind, holds
from agentwm.rules.store import RuleStore
from agentwm.types import Action, Fluent, FluentSchema, Query, State, Transition, Value, Vocabulary

__all__ = [
    "KIND",
    "NONE",
    "SORT",
    "Answers",
    "changeable",
    "command_lines",
    "fact_lines",
    "fluent_lines",
    "relevant",
    "rule_lines",
    "rules_about",
    "thing_lines",
]

MOST_FACTS = 200
MOST_RULES = 40
MOST_NEAR = 4
NONE = "(none)"  # fills a slot of a prompt in which there is nothing to say
SORT, KIND = "sort", "kind"  # the fluents that say what things are
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

    Sorts are told of ``names`` alone.

    Source: ours; in a trial this was a ninth of the full state's tokens, and nothing was foretold less well for it.
    """
    agents = {
        Fluent(schema.name): schema.derive(state, ())
        for schema in vocabulary.fluents.values()
        if schema.derive is not None and not schema.parameters
    }
    agents |= {fluent: value for fluent, value in state.items() if not fluent.args}
    asked = set(names)
    near = {*asked, *(value for value in agents.values() if isinstance(value, str))}
    found = dict(agents)
    for schema in vocabulary.fluents.values():
        if schema.derive is not None and len(schema.parameters) == 1:
            found |= {Fluent(schema.name, (name,)): schema.derive(state, (name,)) for name in sorted(near)}
    found |= {
        fluent: value
        for fluent, value in state.items()
        if fluent.args
        and (not near.isdisjoint(fluent.args) or (isinstance(value, str) and value in near))
        and (fluent.name != SORT or not asked.isdisjoint(fluent.args))
    }
    return found


def fact_lines(facts: State) -> str:
    """Return a line for each of ``facts``, those of one thing together, at most `MOST_FACTS`."""
    told = sorted(facts.items(), key=lambda fact: ([_natural(arg) for arg in fact[0].args], fact[0].name))
    lines = [f"- {fluent} = {_plain(value)}" for fluent, value in told]
    if len(lines) > MOST_FACTS:
        lines = [*lines[:MOST_FACTS], f"- and {len(lines) - MOST_FACTS} more facts"]
    return "\n".join(lines) or "- nothing yet"


def thing_lines(facts: State) -> str:
    """Return a line for the agent and for each thing with all that is known of it, at most `MOST_FACTS`; in fewer words than `fact_lines`.

    A kind that the name begins with, and a reference of a thing to itself, go without saying. Things of which nothing is left to say
    stand together, by sort.
    """
    things: dict[tuple[str, ...], list[str]] = {}
    for fluent, value in facts.items():
        told = things.setdefault(fluent.args, [])
        is_said = fluent.args == (value,) or (fluent.name == KIND and fluent.args[0].startswith(str(value)))
        if fluent.name != SORT and not is_said:
            told.append(f"{fluent.name} = {_plain(value)}")
    lines = []
    bare: dict[str, list[str]] = {}
    for args, told in sorted(things.items(), key=lambda thing: [_natural(arg) for arg in thing[0]]):
        sort = str(facts.get(Fluent(SORT, args), ""))
        name = f"{', '.join(args)} ({sort})" if sort else ", ".join(args) or "the agent"
        if told:
            lines.append(f"- {name}: {', '.join(sorted(told))}")
        else:
            bare.setdefault(sort, []).append(", ".join(args))
    if len(lines) > MOST_FACTS:
        lines = [*lines[:MOST_FACTS], f"- and {len(lines) - MOST_FACTS} more things"]
    lines += [f"- of each {sort} here nothing else is known: {', '.join(names)}" for sort, names in bare.items()]
    return "\n".join(lines) or "- nothing yet"


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else format_term(value)


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return what sorts "drawer 2" before "drawer 10"."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def rule_lines(store: RuleStore, verbs: Iterable[str]) -> str:
    """Return the rules that speak of ``verbs``, as sentences with their evidence, the best supported first; empty where there are none."""
    asked = {*verbs, ANY_ACTION}
    spoken = [rule for rule in store.rules if rule.verb in asked and not store.record(rule).is_guess]
    spoken.sort(key=lambda rule: (-store.record(rule).supports, rule.id))
    return _sentences(spoken[:MOST_RULES], store)


def rules_about(store: RuleStore, query: Query, vocabulary: Vocabulary) -> str:
    """Return the rules that may speak of ``query``, and a few that nearly would, as `rule_lines` does.

    Those that are ruled out tell what the action needs: the nearest ones do, and the rest only cost tokens.
    """
    told: list[tuple[int, int, str, Rule]] = []
    for rule in store.rules:
        bindings = bind(rule, query.action)
        record = store.record(rule)
        if bindings is not None and not record.is_guess:
            against = [
                condition
                for condition in rule.when
                if not rule.each and holds(condition, bindings, query.state, vocabulary) is False
            ]
            told.append((len(against), -record.supports, rule.id, rule))
    told.sort(key=lambda each: each[:3])
    fitting = [each[-1] for each in told if each[0] == 0]
    near = [each[-1] for each in told if each[0] > 0]
    return _sentences([*fitting[:MOST_RULES], *near[:MOST_NEAR]], store)


def _sentences(rules: Iterable[Rule], store: RuleStore) -> str:
    return "\n".join(
        f"{number}. {rule.sentence()} (right {store.record(rule).supports} times, wrong {store.record(rule).contradicts} times)"
        for number, rule in enumerate(rules, 1)
    )


class Answers:
    """Remembers how the world words its answers: per verb, the first to a success and the first to a failure."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bool], tuple[Action, str]] = {}

    def add(self, transitions: Iterable[Transition]) -> None:
        """Take in what was answered in ``transitions``."""
        for transition in transitions:
            text = " ".join(transition.observation.text.split())
            self._seen.setdefault((transition.action.verb, transition.succeeded), (transition.action, text))

    def lines(self, verb: str, vocabulary: Vocabulary) -> str:
        """Return the answers to ``verb``, a line each. Where it was never seen to fail, another verb's failure stands in."""
        found = [key for key in ((verb, True), (verb, False)) if key in self._seen]
        if (verb, False) not in self._seen:
            # A failure is worded alike whatever was tried, in most worlds.
            found += [key for key in self._seen if not key[1] and key[0] in vocabulary.actions][:1]
        return "\n".join(_answer(*self._seen[key], vocabulary, succeeded=key[1]) for key in found)


def _answer(action: Action, text: str, vocabulary: Vocabulary, *, succeeded: bool) -> str:
    command = vocabulary.actions[action.verb].render(action.args)
    return f"- {command} ({'worked' if succeeded else 'failed'}): {text}"
