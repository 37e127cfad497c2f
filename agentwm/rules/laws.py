'''Laws: what rules cannot say, said in Python.

A law is source text with two functions. It is data here: it is looked at, never run; a sandbox runs it (`agentwm.rules.sandbox`)::

    """Three pieces of wood make a table, if the saw holds."""

    def precondition(state, action):
        return action["verb"] == "craft" and state.get("wood()", 0) >= 3

    def effect(state, action):
        made = {"wood()": state["wood()"] - 3, "table()": True, "reward": 1}
        return [(0.9, made), (0.1, {"saw()": None, "success": False})]

``state`` maps fluents, as they print, to their values; a fluent that is not in it is unknown. ``action`` has a ``verb`` and ``args``.
``precondition`` returns True, or False or None where the law has nothing to say. ``effect`` returns the changes, or a list of
(probability, changes); the rest of the probability is noise. Beside fluents, changes may name a ``reward`` (a number), whether the
episode ``ends``, and whether the action is a ``success`` (it is, unless told otherwise).
'''

import ast
import hashlib
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

from agentwm.errors import LawError, RuleError, quoted
from agentwm.types import Fluent, Outcome, Query, Value

__all__ = ["MODULES", "Answer", "Law", "parse_fluent", "parse_law", "read_answer", "read_effect", "written"]

Answer = tuple[Outcome, ...] | LawError | None
"""What a law says of a query: outcomes, most probable first; None where it is silent; or why its answer cannot be used."""


@dataclass(frozen=True)
class Law:
    """A law's source, checked by nobody; `parse_law` checks it."""

    source: str

    @cached_property
    def id(self) -> str:
        """A short name that depends on the source, but not on white space at the ends of its lines or round it."""
        lines = self.source.replace("\r\n", "\n").strip("\n").split("\n")
        normal = "\n".join(line.rstrip() for line in lines)
        return f"law-{hashlib.sha256(normal.encode(errors='surrogatepass')).hexdigest()[:8]}"

    @cached_property
    def text(self) -> str:
        """The law as a person would say it: the first line of its docstring, else of a function's; empty where there is none."""
        try:
            tree = _parse(self.source)
        except RuleError:
            return ""
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        docstrings = (ast.get_docstring(tree), *map(ast.get_docstring, functions))
        return next((text.splitlines()[0].strip() for text in docstrings if text and text.strip()), "")

    def sentence(self) -> str:
        """Return what a list of rules says of the law, in one line: its `text`, which is not what it does but what it is about."""
        text = "".join(letter if letter.isprintable() else " " for letter in self.text)
        return f"law: {text or 'says nothing of itself; give it a docstring'}"


# --- fluents ----------------------------------------------------------------------------------------------------------

_FLUENT = re.compile(r"([^\W\d]\w*)\(([^()]*)\)")


def parse_fluent(text: str) -> Fluent:
    """Return the fluent that prints as ``text``: a word and its arguments, such as ``in(apple 1)``, ``next(3, left)`` or ``wood()``.

    An argument is printable and has no commas or parentheses. Raises: RuleError.
    """
    match = _FLUENT.fullmatch(text)
    args = tuple(arg.strip() for arg in match[2].split(",")) if match and match[2].strip() else ()
    if not match or not all(args) or not text.isprintable():
        raise RuleError(f"expected a fluent such as 'in(apple 1)' or 'wood()', got {quoted(text, limit=60)}")
    return Fluent(match[1], args)


def written(query: Query) -> tuple[str, str]:
    """Return the state and the action as a law sees them, in JSON: equal queries are written equally."""
    state = {str(fluent): value for fluent, value in query.state.items()}
    action = {"verb": query.action.verb, "args": query.action.args}
    return json.dumps(state, sort_keys=True), json.dumps(action)


# --- what a law answers -------------------------------------------------------------------------------------------------

MOST_OUTCOMES = 64
MOST_CHANGES = 1000
LONGEST_TEXT = 1000
LARGEST_NUMBER = 2**63
DEEPEST_ANSWER = 20
ROUNDING = 1e-6


def read_answer(text: str) -> tuple[Outcome, ...] | None:
    """Return what a law answered, from the JSON of what its two functions returned: ``[precondition, effect]``.

    None means silence. The text is not trusted: whatever it holds, it ends in outcomes, silence or an error. Raises: LawError.
    """
    try:
        pair = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _unusable(
            f"expected an answer in JSON, got {quoted(text, limit=60)} ({quoted(str(error), limit=60)})"
        ) from error
    if _depth(pair) > DEEPEST_ANSWER:
        raise _unusable("effect must return changes or a list of (probability, changes), got something nested deeper")
    if not isinstance(pair, list) or len(pair) != 2:
        raise _unusable(f"expected [precondition, effect], got {quoted(pair, limit=60)}")
    said, effect = pair
    if said is True:
        return read_effect(effect)
    if said is False or said is None:
        return None
    raise _unusable(
        f"precondition must return True, False or None, got {quoted(said, limit=60)}; compare, or use bool(…)"
    )


def read_effect(said: object) -> tuple[Outcome, ...]:
    """Return the outcomes that ``said``, what ``effect`` returned, stands for: one at least, most probable first.

    Raises: LawError with the reason ``result`` for whatever is not changes, or a list of (probability, changes), as above.
    """
    if isinstance(said, dict):
        return (_outcome(1.0, said),)
    if not isinstance(said, list | tuple) or not said:
        raise _unusable(
            f"effect must return a dict of changes, or a list of (probability, changes), got {quoted(said, limit=60)}"
        )
    if len(said) > MOST_OUTCOMES:
        raise _unusable(
            f"effect must return at most {MOST_OUTCOMES} outcomes, got {len(said)}; leave the rest to noise"
        )
    outcomes = [_weighed(pair) for pair in said]
    if (total := sum(outcome.probability for outcome in outcomes)) > 1 + ROUNDING:
        raise _unusable(f"the probabilities of an effect must add up to at most 1, got {total:g}")
    return tuple(sorted(outcomes, key=lambda outcome: -outcome.probability))


def _unusable(message: str) -> LawError:
    return LawError(message, reason="result")


def _refuse_constant(constant: str) -> NoReturn:
    raise _unusable(f"a law's numbers must be finite, got {constant}")


def _depth(value: object) -> int:
    """Return how deeply lists and dicts are nested in ``value``, or the first number beyond `DEEPEST_ANSWER`."""
    layer, depth = [value], 0
    while depth <= DEEPEST_ANSWER and (nests := [each for each in layer if isinstance(each, list | dict) and each]):
        layer = [part for nest in nests for part in (nest.values() if isinstance(nest, dict) else nest)]
        depth += 1
    return depth


def _weighed(pair: object) -> Outcome:
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[1], dict):
        raise _unusable(
            f"expected (probability, changes) in the list that effect returns, got {quoted(pair, limit=60)}"
        )
    probability = _number(pair[0], "a probability")
    if not 0 < probability <= 1 + ROUNDING:
        raise _unusable(
            f"a probability must be more than 0 and at most 1, got {probability:g}; leave out what cannot happen"
        )
    return _outcome(min(probability, 1.0), pair[1])


def _outcome(probability: float, said: Mapping[object, object]) -> Outcome:
    rest = dict(said)
    reward = _number(rest.pop("reward"), "a reward") if "reward" in rest else None
    ends = _truth(rest.pop("ends"), "ends") if "ends" in rest else None
    success = _truth(rest.pop("success"), "success") if "success" in rest else True
    if len(rest) > MOST_CHANGES:
        raise _unusable(f"an effect must make at most {MOST_CHANGES} changes, got {len(rest)}; name only what changes")
    changes: dict[Fluent, Value] = {}
    for key, value in rest.items():
        fluent = _fluent(key)
        if fluent in changes:
            raise _unusable(f"an effect must name each fluent once, got {fluent} twice")
        changes[fluent] = _value(fluent, value)
    return Outcome(probability, changes, success=success, reward=reward, terminated=ends)


def _fluent(key: object) -> Fluent:
    if isinstance(key, str) and len(key) <= LONGEST_TEXT:
        try:
            return parse_fluent(key)
        except RuleError:
            pass
    raise _unusable(
        "the keys of a change are fluents such as 'in(apple 1)' or 'wood()', or one of 'reward', 'ends', 'success'; "
        f"got {quoted(key, limit=60)}"
    )


def _value(fluent: Fluent, value: object) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if abs(value) <= LARGEST_NUMBER:  # which NaN is not
            return value
        raise _unusable(f"the number of {fluent} must be finite and at most 2**63, got {quoted(value, limit=60)}")
    if not isinstance(value, str):
        raise _unusable(
            f"the value of {fluent} must be text, a number, True, False or None, got {quoted(value, limit=60)}"
        )
    if len(value) > LONGEST_TEXT:
        raise _unusable(f"the text of {fluent} must have at most {LONGEST_TEXT} characters, got {len(value)}")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _unusable(f"the text of {fluent} must be Unicode, got {quoted(value, limit=60)}")
    return value


def _number(said: object, what: str) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not abs(said) <= LARGEST_NUMBER:
        raise _unusable(f"{what} must be a finite number, got {quoted(said, limit=60)}")
    return float(said)


def _truth(said: object, key: str) -> bool:
    if not isinstance(said, bool):
        raise _unusable(f"'{key}' must be True or False, got {quoted(said, limit=60)}")
    return said


# --- the linter: a friendly word before the sandbox's short one; the sandbox is what keeps the host safe ---------------------

LONGEST_SOURCE = 20_000
DEEPEST_SOURCE = 100
MOST_FAULTS = 5
FUNCTIONS = ("precondition", "effect")
PARAMETERS = ["state", "action"]

MODULES = frozenset(
    {
        "__future__",
        "bisect",
        "collections",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "functools",
        "hashlib",
        "itertools",
        "json",
        "math",
        "random",
        "re",
        "typing",
    }
)
"""What a law may import: what the sandbox has and a law can need. Tried with pydantic-monty 1.4.0."""

# By the name of the node's type, as not every Python that runs us has all of them.
_NODES = {
    "AsyncFor": ("'async for'", "write a plain 'for'"),
    "AsyncFunctionDef": ("'async def'", "write a plain 'def'"),
    "AsyncWith": ("'async with'", "write a plain 'with'"),
    "Await": ("'await'", "call the function directly"),
    "Delete": ("'del'", "use d.pop(key), or build a new dict or list without it"),
    "Global": ("'global'", "pass the value on as an argument: a law remembers nothing from one call to the next"),
    "TemplateStr": ("a template string", "write an f-string"),
    "TryStar": ("'except*'", "write a plain 'except'"),
    "TypeAlias": ("a 'type' statement", "leave it out"),
    "Yield": ("'yield'", "collect the values in a list and return it"),
    "YieldFrom": ("'yield from'", "collect the values in a list and return it"),
}
_ALONE = "a law has only its state and action to go by, and answers by returning"
_WRITTEN_OUT = "write the code out"
_ATTRIBUTE = "write the attribute's name out, or use a dict"
_NAMES = {
    **dict.fromkeys(("open", "input", "breakpoint", "help", "exit", "quit"), _ALONE),
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), _WRITTEN_OUT),
    **dict.fromkeys(("globals", "locals", "vars", "dir"), "name the variables, or use a dict"),
    **dict.fromkeys(("getattr", "setattr", "delattr"), _ATTRIBUTE),
    "ascii": "use repr(…)",
    "bytearray": "use a list of numbers",
    "callable": "look at the value instead",
    "memoryview": "use a slice",
    "object": "write a class of your own",
    "super": "there is no inheritance: call the function by its name",
}


def parse_law(source: str) -> Law:
    """Return the law that ``source`` says, after a look at whether a sandbox can run it.

    Its lines end as they do in a file that is read and written as text, so that what is saved is loaded.

    Raises: RuleError naming each fault's line, what was found there and what to write instead (the first few faults).
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    if len(source) > LONGEST_SOURCE:
        raise RuleError(
            f"expected a law of at most {LONGEST_SOURCE} characters, got {len(source)}; say less, or make it two laws"
        )
    tree = _parse(source)
    if faults := sorted({*_outline(tree), *_faults(tree)}):
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        lines = [f"line {line}: {what}" for line, what in faults[:MOST_FAULTS]] + more
        raise RuleError("\n  ".join(("expected a law that a sandbox can run, but", *lines)))
    return Law(source + "\n")


def _parse(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in strings, say: they are the law's own business
            return ast.parse(source)
    except SyntaxError as error:
        raise RuleError(f"expected a law in Python, but line {error.lineno or 1}: {error.msg}; correct it") from error
    except (ValueError, RecursionError, MemoryError) as error:  # zero bytes, lone surrogates, thousands of brackets
        raise RuleError(
            f"expected a law in Python, but its text cannot be parsed ({error}); write it plainly"
        ) from error


def _outline(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with the two functions that make a law."""
    for name in FUNCTIONS:
        found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        if not found:
            yield 1, f"found no function '{name}'; instead: begin one with 'def {name}(state, action):'"
        if len(found) > 1:
            yield found[1].lineno, f"found another function '{name}'; instead: only one of that name"
        for node in found:
            a = node.args
            names = [each.arg for each in (*a.posonlyargs, *a.args)]
            if names != PARAMETERS or a.vararg or a.kwarg or a.kwonlyargs or a.defaults:
                yield node.lineno, f"found '{name}({ast.unparse(a)})'; instead: 'def {name}(state, action):'"
            if node.decorator_list:
                yield node.lineno, f"found a decorator on '{name}'; instead: call what it does in the function"


def _faults(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line of each thing that the sandbox lacks or a law has no use for, and what to write instead."""
    nodes: list[tuple[ast.AST, int]] = [(tree, 0)]
    while nodes:
        node, depth = nodes.pop()
        line = getattr(node, "lineno", 1)
        if depth > DEEPEST_SOURCE:
            yield line, f"found code nested more than {DEEPEST_SOURCE} deep; instead: break it into functions"
            continue
        for found, what, instead in _fault(node):
            yield getattr(found, "lineno", 1), f"found {what}; instead: {instead}"
        nodes.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _fault(node: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    """Yield what stands at fault in ``node`` itself: where, what, and what to write instead."""
    if fault := _NODES.get(type(node).__name__):
        yield node, *fault
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _import_fault(node)
        case ast.ClassDef():
            yield from _class_fault(node)
        case ast.Attribute(attr=name) if name.startswith("__"):
            yield (
                node,
                f"the attribute '{name}'",
                "a law reaches no Python internals: use values, type(…) or isinstance(…)",
            )
        case ast.Name(id=name) if name in _NAMES:
            yield node, f"'{name}'", _NAMES[name]
        case ast.Name(id=name) if name.startswith("__"):
            yield node, f"'{name}'", "choose a name without leading underscores"
        case ast.Call(func=ast.Name(id="next"), args=[ast.GeneratorExp(), *_]):
            yield node, "next(… for …)", "the sandbox makes a list of it, so write next(iter([… for …]), None)"


def _import_fault(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[ast.AST, str, str]]:
    if isinstance(node, ast.Import):
        modules = [each.name for each in node.names]
    else:
        modules = ["." * node.level + (node.module or "")]
        if any(each.name == "*" for each in node.names):
            yield node, "'import *'", "name what is imported"
    for module in modules:
        if module not in MODULES:
            known = ", ".join(sorted(name for name in MODULES if name.isalpha()))
            yield node, f"an import of '{module}'", f"one of {known}"


def _class_fault(node: ast.ClassDef) -> Iterator[tuple[ast.AST, str, str]]:
    if node.bases or node.keywords:
        yield node, f"inheritance in class '{node.name}'", "a class of its own, or functions and a dict"
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.decorator_list:
            yield part, f"a decorator on the method '{part.name}'", "a plain method, or a function beside the class"
