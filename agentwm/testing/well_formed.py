"""What is wrong with a value that an environment hands out, in words; None where nothing is."""

import math
from collections.abc import Iterator, Mapping

from agentwm.errors import quoted
from agentwm.types import NOT_ENTITIES, Fluent, FluentSchema, Observation, Ref, State, Value, Var, Vocabulary
from agentwm.types.values import Condition, Some

__all__ = ["what_is_wrong_with_conditions", "what_is_wrong_with_facts", "what_is_wrong_with_observation"]


def what_is_wrong_with_observation(seen: Observation) -> str | None:
    """Return what ``seen`` has that no observation may have, but for its facts."""
    text, reward = _untyped(seen.text), _untyped(seen.reward)
    if not isinstance(text, str):
        return f"its text is {quoted(text)}, which is no str"
    if not isinstance(reward, int | float) or not math.isfinite(reward):
        return f"its reward is {quoted(reward)}, which is no finite number"
    for what in ("terminated", "truncated"):
        if not isinstance(getattr(seen, what), bool):
            return f"{what} is {quoted(getattr(seen, what))}, which is no bool"
    if seen.actions is not None and len(set(seen.actions)) < len(seen.actions):
        twice = next(each for each in seen.actions if seen.actions.count(each) > 1)
        return f"its actions list {twice} twice"
    return None


def what_is_wrong_with_facts(state: State, words: Vocabulary) -> str | None:
    """Return the first fact of ``state`` that ``words`` do not declare so."""
    sorts = {
        fluent.args[0]: value for fluent, value in state.items() if fluent.name == "sort" and len(fluent.args) == 1
    }
    return next((wrong for fluent, value in state.items() if (wrong := _wrong_fact(fluent, value, words, sorts))), None)


def _wrong_fact(fluent: Fluent, value: Value, words: Vocabulary, sorts: Mapping[str, Value]) -> str | None:
    told = _untyped(fluent)
    if not isinstance(told, Fluent) or not isinstance(_untyped(told.args), tuple):
        return f"a fact is about {quoted(fluent)}, which is no Fluent with a tuple of names"
    if strange := [arg for arg in map(_untyped, fluent.args) if not isinstance(arg, str)]:
        return f"{fluent} is about {quoted(strange[0])}, which is no name: a str"
    schema = words.fluents.get(fluent.name)
    if schema is None:
        return f"{fluent} is told and not declared: there is {', '.join(words.fluents)}"
    wrong = _wrong_about(fluent, schema, sorts) or _wrong_value(value, schema, sorts)
    return None if wrong is None else f"{fluent} is {wrong}"


def _wrong_about(fluent: Fluent, schema: FluentSchema, sorts: Mapping[str, Value]) -> str | None:
    if schema.derive is not None:
        return "told, and declared to be derived: what is derived stands in no facts"
    if len(fluent.args) != len(schema.parameters):
        return f"told of {len(fluent.args)} things, and declared of {len(schema.parameters)}"
    for arg, wanted in zip(fluent.args, schema.parameters, strict=True):
        if (wrong := _wrong_thing(arg, wanted, sorts)) is not None:
            return f"about {wrong}"
    return None


def _untyped(value: object) -> object:
    """Return ``value``: what a stranger hands out need not be what it is declared to be."""
    return value


def _wrong_value(value: Value, schema: FluentSchema, sorts: Mapping[str, Value]) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value}, which is no finite number"
    if value is None or "any" in schema.value.split("|"):
        return None
    match schema.value:
        case "bool":
            return None if isinstance(value, bool) else f"{value!r}, which is no bool"
        case "number":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return None if is_number else f"{value!r}, which is no number"
        case "kind" | "sort":
            return None if isinstance(value, str) else f"{value!r}, which is no str"
    return _wrong_thing(value, schema.value, sorts)


def _wrong_thing(value: Value, wanted: str, sorts: Mapping[str, Value]) -> str | None:
    """Return what is wrong with ``value`` as a thing of the sorts ``wanted``, of which some may be no sorts of things."""
    accepted = set(wanted.split("|"))
    if accepted & NOT_ENTITIES:
        return None
    if not isinstance(value, str):
        return f"{value!r}, which is no name of a {wanted}"
    # A sort that nothing is of, such as place, is a word for values, and says of things nothing.
    if value in sorts and accepted & {"any", *sorts.values()} and not accepted & {"any", sorts[value]}:
        return f"{value!r}, which is a {sorts[value]} and no {wanted}"
    return None


def what_is_wrong_with_conditions(conditions: tuple[Condition, ...], words: Vocabulary) -> str | None:
    """Return the fluent that ``conditions`` of a goal name and ``words`` do not declare."""
    for ref in _references(conditions):
        if ref.name not in words.fluents:
            return f"{ref} is asked for and not declared: there is {', '.join(words.fluents)}"
    return None


def _references(value: object) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
        yield from (inner for arg in value.args for inner in _references(arg))
    elif isinstance(value, Condition):
        yield from (inner for side in (value.left, value.right) for inner in _references(side))
    elif isinstance(value, Some):
        yield from _references(value.conditions)
    elif isinstance(value, tuple) and not isinstance(value, Var):
        yield from (inner for each in value for inner in _references(each))
