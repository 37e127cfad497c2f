"""Answers every question with the least that its form allows: what stands in for a model that is not asked."""

from collections.abc import Mapping
from typing import Any

from agentwm.backends.encoding import canonical
from agentwm.backends.protocol import Request
from agentwm.backends.schema import bounded_schema

__all__ = ["least"]


def least(request: Request) -> str:
    """Return the shortest answer of the form asked for, numbers halfway between their bounds: a probability then says nothing."""
    if request.schema is not None:
        return canonical(_least(bounded_schema(request.schema)))
    return request.choices[0] if request.choices else "-"


def _least(schema: Mapping[str, Any]) -> Any:
    if "anyOf" in schema:
        return _least(min(schema["anyOf"], key=lambda option: option.get("type") != "null"))
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"]
    if kind == "object":
        return {name: _least(field) for name, field in schema["properties"].items()}
    if kind in ("integer", "number"):
        middle = (schema["minimum"] + schema["maximum"]) / 2
        return int(middle) if kind == "integer" else middle
    if kind == "array":
        return [_least(schema["items"])] * schema.get("minItems", 0)
    return {"string": "-" * schema.get("minLength", 0), "boolean": False, "null": None}[kind]
