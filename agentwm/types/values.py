"""States, actions and what is said of them: fluents, terms, conditions.

A *state* maps fluents to values. A missing fluent is unknown; ``None`` is known to be absent. So belief
update is one merge of mappings, and a surprise is one comparison.

Source: fluents as in PDDL 3.1's object fluents.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["NOTHING", "Action", "Condition", "Fluent", "Ref", "Situation", "Some", "State", "Term", "Value", "Var"]

Value = str | int | float | bool | None


class Fluent(NamedTuple):
    """A ground property of the world, such as ``in(apple 1)`` or ``holding()``."""

    name: str
    args: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.args)})"


State = Mapping[Fluent, Value]
NOTHING: State = MappingProxyType({})


class Action(NamedTuple):
    """A ground action: a verb of the vocabulary and the names it is applied to."""

    verb: str
    args: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.verb, *(f"[{arg}]" for arg in self.args)))


# --- terms and conditions ---------------------------------------------------------------------------------


class Var(NamedTuple):
    """A variable of a rule or goal, printed ``?name``."""

    name: str

    def __str__(self) -> str:
        return f"?{self.name}"


class Ref(NamedTuple):
    """A reference to whatever a fluent's value is, such as ``in(?o)`` or ``place(at())``."""

    name: str
    args: tuple["Term", ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.args))})"


Term = Var | Ref | Value


class Condition(NamedTuple):
    """A test ``left op right``; ``op`` is one of ``== != < > in notin unknown some no``.

    ``some`` and ``no`` ask whether there is a thing that fulfils a conjunction, whose right side is a `Some`; their left is its variable.

    For ``in`` and ``notin`` the right side is a tuple of constants, for the others a single term. A
    condition that touches an unknown fluent is neither true nor false, except for ``unknown``, which asks just that and has no
    right side (None).
    """

    left: Term
    op: str
    right: "Term | tuple[Value, ...] | Some"


class Some(NamedTuple):
    """The things of one sort that fulfil a conjunction, in which ``variable`` stands for each of them in turn."""

    variable: str
    sort: str
    conditions: tuple[Condition, ...]


Situation = tuple[Condition, ...]
"""A conjunction without variables."""
