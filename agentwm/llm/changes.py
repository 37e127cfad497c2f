"""Reads the changes that a language model foretells: only what the vocabulary can say, of what is known, is believed."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from agentwm.commands import fits
from agentwm.llm.words import SORT
from agentwm.types import NOT_ENTITIES, Fluent, FluentSchema, Query, State, Value, Vocabulary

__all__ = ["StatedChange", "in_one_line", "read_changes", "read_facts"]

LARGEST = 1e9
_NAME = Field(max_length=60)
_NOTHING = ("nothing", "none", "null")
_TRUTHS: Mapping[Value, bool] = {True: True, False: False, "true": True, "false": False}

Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]


class StatedChange(BaseModel):
    """One change as a model writes it; ``value`` None means that there will be nothing."""

    fluent: Annotated[str, _NAME]
    args: Annotated[list[Annotated[str, _NAME]], Field(max_length=3)]
    value: bool | Number | Annotated[str, _NAME] | None


def read_changes(
    stated: Sequence[StatedChange], query: Query, schemas: Mapping[str, FluentSchema], vocabulary: Vocabulary
) -> tuple[dict[Fluent, Value], int]:
    """Return what ``stated`` changes in the state asked about, and how many of them make no sense.

    Names must be known or stand in the action; a value must be of the fluent's sort. What is so already is no change, and no fault.
    """
    known = {**query.state, **_of_the_action(query, vocabulary)}
    facts, dropped = read_facts(stated, known, schemas)
    changes = {f: value for f, value in facts.items() if f not in query.state or query.state[f] != value}
    return changes, dropped


def read_facts(
    stated: Sequence[StatedChange],
    known: State,
    schemas: Mapping[str, FluentSchema],
    *,
    can_be_nothing: bool = False,
) -> tuple[dict[Fluent, Value], int]:
    """Return what ``stated`` says is so, of the names in ``known`` and the fluents ``schemas``, and how many of them make no sense.

    ``can_be_nothing`` takes "nothing" for a value of every sort: a text can tell that something is neither so nor otherwise.
    """
    facts: dict[Fluent, Value] = {}
    dropped = 0
    for each in stated:
        schema = schemas.get(each.fluent)
        if schema is None or not _is_about(schema, each.args, known):
            dropped += 1
            continue
        value = None if can_be_nothing and each.value is None else _value(schema, each.value, known)
        if isinstance(value, _Nonsense):
            dropped += 1
        else:
            facts[Fluent(schema.name, tuple(each.args))] = value
    return facts, dropped


def in_one_line(word: str) -> str:
    """Return ``word`` without line breaks: facts are told a line each, and a word that brings lines of its own would tell more of them."""
    return " ".join(word.split())


class _Nonsense:
    """Marks what cannot be a value."""


def _of_the_action(query: Query, vocabulary: Vocabulary) -> dict[Fluent, Value]:
    """Return the sorts of the action's own names, for those of which none is known."""
    schema = vocabulary.actions[query.action.verb]
    sorts = {Fluent(SORT, (name,)): sort for name, sort in zip(query.action.args, schema.parameters, strict=True)}
    return {
        fluent: sort
        for fluent, sort in sorts.items()
        if fluent not in query.state and "|" not in sort and sort != "any"
    }


def _is_about(schema: FluentSchema, args: Sequence[str], known: State) -> bool:
    if len(args) != len(schema.parameters):
        return False
    return all(fits(name, sorts, known) for name, sorts in zip(args, schema.parameters, strict=True))


def _value(schema: FluentSchema, stated: Value, known: State) -> Value | _Nonsense:
    """Return ``stated`` as a value of the fluent's sort."""
    value = stated.lower() if isinstance(stated, str) and stated.lower() in (*_NOTHING, "true", "false") else stated
    match schema.value:
        case "bool":
            return _TRUTHS.get(value, _Nonsense())
        case "number":
            return _Nonsense() if isinstance(value, bool | str | None) else _whole(value)
        case _:
            return None if value is None or value in _NOTHING else _named(schema.value, value, known)


def _whole(value: float) -> Value:
    return int(value) if float(value).is_integer() else value


def _named(sorts: str, name: Value, known: State) -> Value | _Nonsense:
    if not isinstance(name, str):
        return _Nonsense()
    if sorts in NOT_ENTITIES:
        return in_one_line(name)
    # Some sorts are only roles that things of other sorts play (a place where one can stand): these take any name that is known.
    met = {sort for fluent, sort in known.items() if fluent.name == SORT}
    return name if fits(name, sorts if set(sorts.split("|")) & met else "any", known) else _Nonsense()
