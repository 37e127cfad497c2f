"""Reads what an instruction quotes."""

import re

__all__ = ["quotations"]

_QUOTED = re.compile(r'"([^"]+)"|“([^”]+)”|(?<!\w)\'([^\']+)\'(?!\w)')


def quotations(instruction: str) -> tuple[str, ...]:
    """Return what stands in quotation marks, in order and each once."""
    return tuple(dict.fromkeys(next(filter(None, groups)) for groups in _QUOTED.findall(instruction)))
