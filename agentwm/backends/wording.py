"""What the mechanism itself says to a model. Everything else that is said stands in the prompts."""

import json
from collections.abc import Sequence

from agentwm.backends.schema import Schema

__all__ = ["again", "choice_in_words", "schema_in_words"]

_AGAIN = "That answer cannot be used: {problem}. Answer the same question again, in the form asked for and with nothing else."
_SCHEMA = "Answer with one JSON object that fits this JSON schema, and with nothing else:\n{schema}"
_CHOICE = "Answer with exactly one of these lines, and with nothing else:\n{choices}"


def again(problem: object) -> str:
    """Return what is said when an answer could not be used."""
    return _AGAIN.format(problem=problem)


def schema_in_words(schema: Schema) -> str:
    """Return what is said to a model that nothing holds to ``schema``."""
    return _SCHEMA.format(schema=json.dumps(schema, ensure_ascii=False))


def choice_in_words(choices: Sequence[str]) -> str:
    """Return what is said to a model that nothing holds to ``choices``."""
    return _CHOICE.format(choices="\n".join(choices))
