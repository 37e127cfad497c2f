"""Reads commands, written as the environment writes them, as actions."""

import re
from functools import cached_property

from agentwm.errors import ConfigurationError, quoted
from agentwm.types import Action, ActionSchema, Fluent, State, Vocabulary

__all__ = ["CommandReader", "fits"]

NAMES_SHOWN = 12


class CommandReader:
    """Reads commands as actions of ``vocabulary``."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    @cached_property
    def _patterns(self) -> list[tuple[ActionSchema, re.Pattern[str]]]:
        return [(schema, _pattern(schema)) for schema in self._vocabulary.actions.values()]

    def read(self, command: str, state: State) -> Action | None:
        """Return the action that ``command`` writes; None where it is no command, or names what is not known or of another sort."""
        for schema, names in self._readings(command):
            if all(fits(name, sorts, state) for name, sorts in zip(names, schema.parameters, strict=True)):
                return Action(schema.verb, names)
        return None

    def expect(self, command: str, state: State) -> Action:
        """Return the action that ``command`` writes.

        Raises: ConfigurationError as `read` returns None, with what commands look like, or which names are known.
        """
        action = self.read(command, state)
        if action is not None:
            return action
        for schema, names in self._readings(command):
            for name, sorts in zip(names, schema.parameters, strict=True):
                if not fits(name, sorts, state):
                    raise ConfigurationError(
                        f"expected something known as {_or(sorts)} in {quoted(command)}, got {quoted(name)}; "
                        f"there is: {_known(sorts, state)}"
                    )
        written = ", ".join(
            repr(schema.render([f"<{_or(sort)}>" for sort in schema.parameters]))
            for schema in self._vocabulary.actions.values()
        )
        raise ConfigurationError(f"expected a command, got {quoted(command)}; commands look like {written}")

    def _readings(self, command: str) -> list[tuple[ActionSchema, tuple[str, ...]]]:
        """Return the verbs that ``command`` may be of, with the names in it, known or not."""
        said = " ".join(command.split()).strip("<>.").replace("<", "").replace(">", "")
        return [
            (schema, tuple(match[f"name{number}"] for number in range(len(schema.parameters))))
            for schema, pattern in self._patterns
            if (match := pattern.fullmatch(said)) is not None
        ]


def fits(name: str, sorts: str, state: State) -> bool:
    """Return whether ``name`` is known, and of one of ``sorts`` as far as its sort is known."""
    sort = state.get(Fluent("sort", (name,)))
    if sort is None:
        return any(name in fluent.args or value == name for fluent, value in state.items())
    return sorts == "any" or sort in sorts.split("|")


def _pattern(schema: ActionSchema) -> re.Pattern[str]:
    slots = [f"\0{number}\0" for number in range(len(schema.parameters))]
    written = re.escape(schema.render(slots))
    for number, slot in enumerate(slots):
        written = written.replace(re.escape(slot), f"(?P<name{number}>.+?)", 1)
    return re.compile(written)


def _or(sorts: str) -> str:
    return sorts.replace("any", "thing").replace("|", " or ")


def _known(sorts: str, state: State) -> str:
    """Return the names known that are of ``sorts``, as a list that may be cut."""
    names = sorted({f.args[0] for f, sort in state.items() if f.name == "sort" and fits(f.args[0], sorts, state)})
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"{', '.join(names[:NAMES_SHOWN])}{more}" if names else "none"
