"""Forms of answer: a pydantic model as a JSON schema that is bounded everywhere, and replies read by it.

A decoder that is held to a schema keeps to it, but nothing makes it come to an end: an open string runs on until the tokens are
used up. So every string, list and number must have its bounds, and a model without them is refused before anything is asked.

Source: measured on four constrained decoders (ours): those that let whitespace free ran to the cap on a bounded schema, too.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agentwm.errors import InvalidReplyError, SchemaError, quoted

__all__ = ["bounded_schema", "has_whitespace_loop", "longest", "read_value", "without_lengths", "without_thoughts"]

WHITESPACE_LOOP = 64  # characters; indented JSON of our depth never has as many between two tokens
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)
_FENCED = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_LENGTHS = {"minLength", "maxLength", "pattern"}
_KEPT = {
    "description",
    "enum",
    "maxItems",
    "maximum",
    "maxLength",
    "minItems",
    "minimum",
    "minLength",
    "pattern",
    "type",
}
_BOUNDS = {
    "string": (("maxLength",), "max_length"),
    "array": (("maxItems",), "max_length"),
    "integer": (("minimum", "maximum"), "ge and le"),
    "number": (("minimum", "maximum"), "ge and le"),
}

Schema = dict[str, Any]
Form = TypeVar("Form", bound=BaseModel)


@cache
def bounded_schema(model: type[BaseModel]) -> Schema:
    """Return the JSON schema of ``model`` in the subset that constrained decoders share: closed objects, no references.

    The result is shared: do not change it.

    Raises: SchemaError when something in it has no bound, is an open mapping or holds itself.
    """
    raw = model.model_json_schema()
    return _closed(raw, raw.get("$defs", {}), model.__name__, ())


def _closed(node: Mapping[str, Any], definitions: Mapping[str, Any], path: str, above: tuple[str, ...]) -> Schema:
    """Return ``node`` with references put in and objects closed; ``above`` names the definitions that it lies in."""
    if reference := node.get("$ref"):
        name = reference.rpartition("/")[2]
        if name in above:
            raise SchemaError(
                f"{path} holds itself ({name}): expected a form with a greatest depth, so write the levels out"
            )
        return _closed(definitions[name], definitions, path, (*above, name))
    if options := node.get("anyOf") or node.get("oneOf"):
        return {"anyOf": [_closed(option, definitions, path, above) for option in options]}
    schema = {key: value for key, value in node.items() if key in _KEPT}
    if "const" in node:
        schema["enum"] = [node["const"]]
    if schema.get("type") == "object":
        schema |= _object(node, definitions, path, above)
    elif schema.get("type") == "array":
        schema |= _array(node, definitions, path, above)
    _expect_bounds(schema, path)
    return schema


def _object(node: Mapping[str, Any], definitions: Mapping[str, Any], path: str, above: tuple[str, ...]) -> Schema:
    if node.get("additionalProperties") or "properties" not in node:
        raise SchemaError(f"{path} is an open mapping: expected a model with named fields, or a list of pairs")
    properties = {
        name: _closed(field, definitions, f"{path}.{name}", above) for name, field in node["properties"].items()
    }
    return {"properties": properties, "required": list(properties), "additionalProperties": False}


def _array(node: Mapping[str, Any], definitions: Mapping[str, Any], path: str, above: tuple[str, ...]) -> Schema:
    if "prefixItems" in node:
        raise SchemaError(
            f"{path} is a tuple of different things, which decoders do not share: expected a model with named fields"
        )
    return {"items": _closed(node.get("items", {}), definitions, f"{path}[]", above)}


def _expect_bounds(schema: Schema, path: str) -> None:
    if "enum" in schema or schema.get("type") in ("boolean", "null", "object"):
        return
    needed, keyword = _BOUNDS.get(schema.get("type", ""), ((), ""))
    if not needed:
        raise SchemaError(
            f"{path} may be anything: expected one of the types {', '.join(_BOUNDS)}, a boolean, an enum or a model"
        )
    if missing := [bound for bound in needed if bound not in schema]:
        raise SchemaError(f"{path} is a {schema['type']} without {' and '.join(missing)}: give it Field({keyword}=…)")


def without_lengths(schema: Schema) -> Schema:
    """Return ``schema`` less the bounds on strings, for servers that refuse to hear of them."""
    return {
        key: {name: without_lengths(field) for name, field in value.items()} if key == "properties"
        else [without_lengths(option) for option in value] if key == "anyOf"
        else without_lengths(value) if key == "items"
        else value
        for key, value in schema.items()
        if key not in _LENGTHS
    }  # fmt: skip


def longest(schema: Schema) -> int:
    """Return how many characters the longest instance of ``schema`` has as compact JSON, escapes not counted."""
    if "anyOf" in schema:
        return max(map(longest, schema["anyOf"]))
    if "enum" in schema:
        return max(len(json.dumps(value, ensure_ascii=False)) for value in schema["enum"])
    if schema["type"] == "object":
        return 1 + sum(len(json.dumps(name)) + 2 + longest(field) for name, field in schema["properties"].items())
    if schema["type"] == "array":
        return 2 + int(schema["maxItems"]) * (1 + longest(schema["items"]))
    return _longest_scalar(schema)


def _longest_scalar(schema: Schema) -> int:
    match schema["type"]:
        case "string":
            return 2 + int(schema["maxLength"])
        case "integer":
            return max(len(str(schema[bound])) for bound in ("minimum", "maximum"))
        case "number":
            return 24  # the longest way in which a double is written
        case _:
            return len("false")


def read_value(text: str, model: type[Form]) -> Form:
    """Return the instance of ``model`` that ``text`` writes as JSON, bare, fenced or as the only object in some prose.

    Raises: InvalidReplyError that says what is wrong in words that a model can act on.
    """
    try:
        return model.model_validate_json(_only_object(text))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the answer'}: {each['msg']}, got {quoted(each['input'], limit=80)}"
            for each in error.errors(include_url=False)[:4]
        )
        raise InvalidReplyError(f"expected JSON of the form {model.__name__}: {wrong}") from None


def _only_object(text: str) -> str:
    """Return the one JSON object in ``text``, written properly."""
    fenced = _FENCED.findall(text)
    inner = fenced[0] if len(fenced) == 1 else text
    start = inner.find("{")
    if start < 0:
        raise InvalidReplyError(f"expected one JSON object, got {quoted(text)}")
    try:
        # Not strict: models, and one constrained decoder, put line breaks and the like into strings as they are.
        value, end = json.JSONDecoder(strict=False).raw_decode(inner, start)
    except (ValueError, RecursionError) as error:
        raise InvalidReplyError(f"expected one JSON object, got {quoted(text)}: {error}") from None
    if "{" in inner[end:]:
        raise InvalidReplyError(f"expected one JSON object and nothing after it, got {quoted(inner[end:])} after it")
    return json.dumps(value)


def without_thoughts(text: str) -> str:
    """Return ``text`` less the block in which a reasoning model thinks aloud before it answers."""
    return _THOUGHTS.sub("", text, count=1)


def has_whitespace_loop(text: str) -> bool:
    """Return whether ``text`` holds a run of whitespace that no answer of ours has: the model got stuck in it."""
    return re.search(rf"\s{{{WHITESPACE_LOOP},}}", text) is not None
