"""The perceiver that a language model is: texts into facts, of which only what the vocabulary can say is believed.

It is for worlds that have no reader of their own: a reader that knows the wording is exact, and costs nothing.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field, create_model

from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend, Request
from agentwm.llm.asking import Asker, ReplyCount
from agentwm.llm.changes import StatedChange, in_one_line, read_facts
from agentwm.llm.words import KIND, NONE, SORT, fact_lines, fluent_lines
from agentwm.types import (
    NOT_ENTITIES,
    Action,
    Fluent,
    FluentSchema,
    Observation,
    Perception,
    State,
    Value,
    Vocabulary,
)

__all__ = ["Heard", "LLMPerceiver", "Perceived", "perceived_form"]

MOST_THINGS = 80
MOST_FACTS = 80
MOST_NAMES = 150
MOST_TEXT = 8_000  # characters of an observation that are shown
MAX_TOKENS = 4_096
NO_COMMAND = "(none: this is what there is at the start)"
_NAME = Field(max_length=60)


class StatedThing(BaseModel):
    """A thing as a model writes that a text names it."""

    name: Annotated[str, _NAME]
    sort: Annotated[str, _NAME]
    kind: Annotated[str, _NAME]


class Perceived(BaseModel):
    """What a model says that a text tells; ``success`` None means that the text leaves it open."""

    things: Annotated[list[StatedThing], Field(max_length=MOST_THINGS)]
    success: bool | None
    facts: Annotated[list[StatedChange], Field(max_length=MOST_FACTS)]


@cache
def perceived_form(fluents: tuple[str, ...], sorts: tuple[str, ...]) -> type[Perceived]:
    """Return the form of a perception that may speak of ``fluents`` and of things of ``sorts`` only."""
    fields: dict[str, object] = {}
    if sorts:
        thing = create_model("StatedThing", __base__=StatedThing, sort=(Literal[sorts], ...))  # type: ignore[arg-type]
        fields["things"] = (Annotated[list[thing], Field(max_length=MOST_THINGS)], ...)  # type: ignore[valid-type]
    if fluents:
        fact = create_model("StatedFact", __base__=StatedChange, fluent=(Literal[fluents], ...))  # type: ignore[arg-type]
        fields["facts"] = (Annotated[list[fact], Field(max_length=MOST_FACTS)], ...)  # type: ignore[valid-type]
    return create_model("Perceived", __base__=Perceived, **fields)  # type: ignore[call-overload, no-any-return]


class Heard(NamedTuple):
    """An observation to be read: the answer to ``action``, None for an episode's first one, in ``state``."""

    observation: Observation
    action: Action | None
    state: State


class LLMPerceiver:
    """Reads observations with a language model into the facts of ``vocabulary``.

    A name that is not known must stand in the text, and a fact must be one of the vocabulary's: what is not so is dropped and counted.
    What differs from what was believed is what the action did, unless it failed; the rest was so and is only now known. An answer
    that cannot be used tells nothing.
    """

    def __init__(self, backend: Backend, prompt: Prompt, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._schemas = {schema.name: schema for schema in _told(vocabulary)}
        self._asker = Asker(
            backend, prompt, perceived_form(tuple(self._schemas), _sorts(vocabulary)), max_tokens=MAX_TOKENS
        )
        self._stable = {"fluents": _meanings(self._schemas.values(), vocabulary)}

    @property
    def count(self) -> ReplyCount:
        """What came of the questions put so far."""
        return self._asker.count

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what ``observation``, the answer to ``action`` in ``state``, tells.

        Raises: BackendError when the model cannot be asked.
        """
        return self.perceive_all([Heard(observation, action, state)])[0]

    def perceive_all(self, heard: Sequence[Heard]) -> list[Perception]:
        """Return what each of ``heard`` tells, asked side by side.

        Raises: BackendError when the model cannot be asked.
        """
        perceptions = self._asker.ask_about(heard, self.request, self._perception)
        return [perception or Perception() for perception in perceptions]

    def request(self, heard: Heard) -> Request:
        """Return what is put to the model for ``heard``."""
        command = NO_COMMAND
        if heard.action is not None:
            command = self._vocabulary.actions[heard.action.verb].render(heard.action.args)
        own = {fluent: value for fluent, value in heard.state.items() if not fluent.args}
        return self._asker.request(
            {
                **self._stable,
                "names": _name_lines(heard.state),
                "agent": fact_lines(own),
                "command": command,
                "text": heard.observation.text.strip()[:MOST_TEXT] or NONE,
            }
        )

    def _perception(self, heard: Heard, said: Perceived) -> tuple[Perception, int]:
        """Return what ``said`` tells, and how much of it had to be dropped."""
        met, strange = self._met(said.things, heard)
        known = {**heard.state, **met}
        names = _Names(known)
        stated = [_under_known_names(fact, names) for fact in said.facts]
        facts, nonsense = read_facts(stated, known, self._schemas, can_be_nothing=True)
        is_done = heard.action is not None and said.success is not False
        changed = {f: value for f, value in facts.items() if is_done and self._is_change(f, value, heard.state)}
        told = {**met, **{fluent: value for fluent, value in facts.items() if fluent not in changed}}
        succeeded = None if heard.action is None else said.success
        return Perception(told, changed, self._gone(facts, heard.state), succeeded), strange + nonsense

    def _met(self, things: Sequence[StatedThing], heard: Heard) -> tuple[dict[Fluent, Value], int]:
        """Return the sorts and kinds of the things that the text names for the first time, and how many others were stated."""
        text = " ".join(heard.observation.text.lower().split())
        met: dict[Fluent, Value] = {}
        dropped = 0
        names = _Names(heard.state)
        for thing in things:
            sort = Fluent(SORT, (thing.name,))
            known = heard.state.get(Fluent(SORT, (names.known_as(thing.name),)))
            if known is not None:
                dropped += known != thing.sort
            elif not thing.name.strip() or not re.search(rf"(?<!\w){re.escape(thing.name.lower())}(?!\w)", text):
                dropped += 1
            else:
                met[sort] = thing.sort
                if KIND in self._vocabulary.fluents:
                    met[Fluent(KIND, (thing.name,))] = in_one_line(thing.kind)
        return met, dropped

    def _is_change(self, fluent: Fluent, value: Value, state: State) -> bool:
        """Return whether something else was believed of ``fluent``, if by default only."""
        schema = self._schemas[fluent.name]
        if schema.static or (fluent not in state and not schema.has_default):
            return False
        return state.get(fluent, schema.default) != value

    def _gone(self, facts: State, state: State) -> frozenset[Fluent]:
        """Return the beliefs that things are in a place of which all that is there was told, and they were not."""
        words = self._vocabulary
        seen = {fluent.args[0] for fluent, value in facts.items() if fluent.name == words.explored and value is True}
        return frozenset(
            fluent
            for fluent, value in state.items()
            if seen and fluent.name == words.location and value in seen and fluent not in facts
        )


class _Names:
    """The names of the things in a state. A text begins its sentences with capitals: what differs in case alone is the same thing."""

    def __init__(self, state: State) -> None:
        self._known = {fluent.args[0] for fluent in state if fluent.name == SORT}
        self._alike: dict[str, list[str]] = {}
        for name in self._known:
            self._alike.setdefault(name.casefold(), []).append(name)

    def known_as(self, name: str) -> str:
        """Return the one thing that ``name`` names but for case; else ``name`` as it is."""
        alike = self._alike.get(name.casefold(), ())
        return alike[0] if name not in self._known and len(alike) == 1 else name


def _under_known_names(fact: StatedChange, names: _Names) -> StatedChange:
    value = names.known_as(fact.value) if isinstance(fact.value, str) else fact.value
    return fact.model_copy(update={"args": [names.known_as(arg) for arg in fact.args], "value": value})


def _told(vocabulary: Vocabulary) -> list[FluentSchema]:
    """Return the fluents that a text can tell of: none that is worked out, and not what things are, which is told apart."""
    return [
        schema
        for schema in vocabulary.fluents.values()
        if schema.derive is None and schema.counts_since is None and schema.name not in (SORT, KIND)
    ]


def _sorts(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the sorts that things have. One that is only ever a choice beside others is a role that they play."""
    taken = [schema.parameters for schema in vocabulary.actions.values()]
    taken += [schema.parameters for schema in vocabulary.fluents.values()]
    sorts = {sort for parameters in taken for sort in parameters if "|" not in sort}
    return tuple(sorted(sorts - {"any"} - NOT_ENTITIES))


def _meanings(schemas: Iterable[FluentSchema], vocabulary: Vocabulary) -> str:
    """Return a line for each of ``schemas``, with its meaning where the environment gives one, and no word of what to believe unseen."""
    lines = []
    for schema in schemas:
        bare = replace(schema, static=False, has_default=False, hidden=False)
        line = fluent_lines(replace(vocabulary, fluents={schema.name: bare}))
        lines.append(f"{line}: {schema.about}" if schema.about else line)
    return "\n".join(lines)


def _name_lines(state: State) -> str:
    """Return the names known, a line for each sort."""
    by_sort: dict[str, list[str]] = {}
    known = sorted((fluent.args[0], str(sort)) for fluent, sort in state.items() if fluent.name == SORT)
    for name, sort in known[:MOST_NAMES]:
        by_sort.setdefault(sort, []).append(name)
    return "\n".join(f"- {sort}: {', '.join(names)}" for sort, names in sorted(by_sort.items())) or NONE
