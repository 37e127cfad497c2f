"""Reads what a user's ``describe`` returns as facts, and declares the fluents it speaks of from what was seen.

Facts may be written short: ``{"at": "cell 1 2", ("box", "cell 1 2"): True}`` for ``at() = cell 1 2`` and ``box(cell 1 2) = True``. What an
argument names is a thing. So is what a value names, where it has a number at its end (``cell 1 2``) or is named as a thing elsewhere; other
values are words, of the sort ``kind``. A thing's sort is the last word of its name before the numbers, and its kind all of these words: a
``blue key 1`` is a ``key`` of the kind ``blue key``, unless its facts ``sort`` and ``kind`` say otherwise.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from agentwm.errors import ConfigurationError, EnvironmentFailureError, quoted
from agentwm.types import Fluent, FluentSchema, State, Value

__all__ = ["SORTS", "Described", "Reader", "declared", "entity", "kind_of", "plain", "sort_of"]

Described = Mapping[Any, Any]
"""Facts, perhaps written short.

A key is a `Fluent`, a name, or a name and its arguments; a value a text, a number, a truth value or None.
"""

SORTS = (
    FluentSchema("sort", ("any",), "sort", static=True),
    FluentSchema("kind", ("any",), "kind", static=True),
)
_WHAT_IT_IS = frozenset({"sort", "kind"})
_NAME = re.compile(r"[a-z_]\w*")
_NUMBERS = re.compile(r"(?:[\s_,-]*\d+)+$")
_LETTERS = re.compile(r"[a-z]+")
_PLAIN = frozenset({str, int, float, bool, type(None)})


def kind_of(name: str) -> str:
    """Return the kind that a thing's ``name`` tells: the name without the numbers at its end."""
    return _NUMBERS.sub("", name) or name


def sort_of(name: str) -> str:
    """Return the sort that a thing's ``name`` tells: the last word before the numbers at its end."""
    words = _LETTERS.findall(kind_of(name).lower())
    return words[-1] if words else "thing"


def entity(name: str) -> dict[Fluent, Value]:
    """Return the facts that a thing's ``name`` tells of it."""
    return {Fluent("sort", (name,)): sort_of(name), Fluent("kind", (name,)): kind_of(name)}


def plain(value: object) -> Value:
    """Return ``value`` as a text, number, truth value or None; one of numpy's scalars becomes Python's.

    Raises: EnvironmentFailureError for anything else.
    """
    if type(value) in _PLAIN:
        return value  # type: ignore[return-value]  # it is one of these
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0 and type(found := item()) in _PLAIN:
        return found  # type: ignore[no-any-return]  # as above
    if isinstance(value, str | int):  # an enumeration's member, say
        return str(value) if isinstance(value, str) else int(value)
    raise EnvironmentFailureError(
        f"expected describe to say of each fluent a text, a number, a truth value or None, got {quoted(value)}: say what matters of it"
    )


def fluent_of(key: object) -> Fluent:
    """Return the fluent that ``key`` is short for.

    Raises: EnvironmentFailureError for what is short for none.
    """
    match key:
        case Fluent():
            fluent = key
        case str():
            fluent = Fluent(key)
        case (str(name), *args) if isinstance(key, tuple):
            fluent = Fluent(name, tuple(map(str, args)))
        case _:
            fluent = Fluent("")
    if _NAME.fullmatch(fluent.name):
        return fluent
    raise EnvironmentFailureError(
        f"expected describe to name fluents as 'at' or ('box', 'cell 1 2'), in words that begin small, got {quoted(key)}"
    )


class Reader:
    """Reads the facts of one episode; ``schemas`` are the fluents that may be spoken of, None for any.

    What a thing is stays known to the end of the episode, so it needs to be said only once.
    """

    def __init__(self, schemas: Mapping[str, FluentSchema] | None = None) -> None:
        self._schemas = schemas
        self._known: dict[object, Fluent] = {}
        self._entities: dict[Fluent, Value] = {}
        self._things: set[str] = set()
        self._pointing = frozenset(name for name, schema in (schemas or {}).items() if _is_of_things(schema.value))

    def read(self, described: Described) -> dict[Fluent, Value]:
        """Return the facts that ``described`` says, and what is known of the things in them.

        Raises: EnvironmentFailureError for what are no facts, and for fluents that are not declared.
        """
        known, pointing, entities, things = self._known, self._pointing, self._entities, self._things
        facts: dict[Fluent, Value] = {}
        try:
            items = described.items()
        except AttributeError:
            raise EnvironmentFailureError(
                f"expected describe to return a mapping of facts, such as {{'at': 'cell 1 2'}}, got {quoted(described)}"
            ) from None
        for key, value in items:
            fluent = known.get(key) or self._met(key)
            if type(value) not in _PLAIN:
                value = plain(value)  # noqa: PLW2901 -- the same value, in plain form
            if fluent.name in _WHAT_IT_IS:
                entities[fluent] = value
                continue
            facts[fluent] = value
            if fluent.name in pointing and type(value) is str and value not in things:
                self._meet(value)
        return {**entities, **facts}

    def _met(self, key: object) -> Fluent:
        """Return the fluent that ``key`` is short for, which is met for the first time in this episode."""
        fluent = fluent_of(key)
        if self._schemas is not None:
            schema = self._schemas.get(fluent.name)
            if schema is None or len(schema.parameters) != len(fluent.args):
                raise EnvironmentFailureError(
                    f"describe speaks of {fluent}, which was not declared and not met at first: declare it with fluents=, as "
                    f"FluentSchema({fluent.name!r}, {tuple(map(sort_of, fluent.args))!r}, 'kind'), say"
                )
        for arg in fluent.args:
            self._meet(arg)
        self._known[key] = fluent
        return fluent

    def _meet(self, name: str) -> None:
        self._things.add(name)
        for fluent, value in entity(name).items():
            self._entities.setdefault(fluent, value)


def _is_of_things(sorts: str) -> bool:
    return not any(sort in {"bool", "kind", "number", "sort"} for sort in sorts.split("|"))


def declared(lived: Iterable[State], given: Iterable[FluentSchema] = ()) -> dict[str, FluentSchema]:
    """Return the fluents that facts ``lived`` speak of, by name: those ``given`` as they are, others as they were seen.

    Raises: ConfigurationError for a fluent that was seen with different numbers of arguments.
    """
    states = list(lived)
    own = {schema.name: schema for schema in (*SORTS, *given)}
    sorts = {f.args[0]: str(value) for state in states for f, value in state.items() if f.name == "sort"}

    def sort(name: str) -> str:
        return sorts.get(name) or sort_of(name)

    seen: dict[str, tuple[list[tuple[str, ...]], list[Value]]] = {}
    for state in states:
        for fluent, value in state.items():
            if fluent.name not in own:
                args, values = seen.setdefault(fluent.name, ([], []))
                args.append(fluent.args)
                values.append(value)
    found = {name: _schema(name, args, values, sorts.keys(), sort) for name, (args, values) in seen.items()}
    return own | found


def _schema(
    name: str,
    args: Sequence[tuple[str, ...]],
    values: Sequence[Value],
    things: Iterable[str],
    sort: Callable[[str], str],
) -> FluentSchema:
    if len({*map(len, args)}) > 1:
        some = ", ".join(str(Fluent(name, each)) for each in sorted({*args})[:3])
        raise ConfigurationError(f"expected the fluent {name} always to have as many arguments, got {some}")
    parameters = tuple(_joined(map(sort, column)) for column in zip(*args, strict=True))
    return FluentSchema(name, parameters, _sort_of_values(dict.fromkeys(values), frozenset(things), sort))


def _sort_of_values(values: Iterable[Value], things: frozenset[str], sort: Callable[[str], str]) -> str:
    known = [value for value in values if value is not None]
    texts = [value for value in known if isinstance(value, str)]
    if texts:
        names_things = len(texts) == len(known) and any(text in things or _NUMBERS.search(text) for text in texts)
        return _joined(map(sort, texts)) if names_things else "kind"
    if not known:
        return "kind"
    return "bool" if all(isinstance(value, bool) for value in known) else "number"


def _joined(sorts: Iterator[str]) -> str:
    return "|".join(sorted({*sorts}))
