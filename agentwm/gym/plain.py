"""Reads Gymnasium's observations where nobody says how: what is simple enough to speak for itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from agentwm.errors import ConfigurationError, quoted
from agentwm.gym.words import Described

__all__ = ["described_plainly", "text_of"]

_MOST_NUMBERS = 16
"""How many numbers may stand in one array; more of them are a picture, whose cells say nothing one by one."""


def described_plainly(observation: Any, info: Mapping[str, Any]) -> Described:
    """Return the facts of the info, where it has any as ``to_gymnasium`` gives them, else what ``observation`` says by itself.

    Numbers are the fluent ``observation``, or fluents with the keys of a dict as names; those of an array are ``observation_0`` and on.

    Raises: ConfigurationError for pictures and other things that have to be described.
    """
    facts = info.get("facts")
    if isinstance(facts, Mapping):
        return facts
    if isinstance(observation, Mapping):
        parts = [_read(str(name), value) for name, value in observation.items() if not isinstance(value, str)]
        return {key: value for part in parts for key, value in part}
    return dict(_read("observation", observation))


def text_of(observation: Any, info: Mapping[str, Any]) -> str:  # noqa: ARG001 -- as `text` is called
    """Return what ``observation`` says in words: itself, where it is a text, or its ``text`` or ``mission``; else nothing."""
    if isinstance(observation, str):
        return observation
    if isinstance(observation, Mapping):
        return next((text for key in ("text", "mission") if isinstance(text := observation.get(key), str)), "")
    return ""


def _read(name: str, value: Any) -> Iterator[tuple[object, Any]]:
    shape = getattr(value, "shape", None)
    if shape is None and isinstance(value, tuple):
        shape = (len(value),)
    if not shape:
        yield name, value
        return
    if len(shape) > 1 or shape[0] > _MOST_NUMBERS:
        raise ConfigurationError(
            f"expected describe= to say what is in {name}, which is no simple number but {quoted(value, limit=80)}"
        )
    for number, entry in enumerate(value):
        yield f"{name}_{number}", entry
