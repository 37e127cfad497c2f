"""Finds rules that foretell different things in a situation that both speak of.

Laws are no part of it: what they foretell shows only where they are asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product

from agentwm.rules.language import Rule, fluent_names, format_term
from agentwm.rules.matching import compare
from agentwm.types import Condition, Ref, Some, Term, Var

__all__ = ["conflict"]

UNCHANGED = "stays as it is"


def conflict(one: Rule, other: Rule) -> str | None:
    """Return what the two rules disagree about (``success``, ``hot(?o)``), None where both may be right.

    They disagree when they are about the same verb, their conditions can hold together and nothing that the one foretells of something
    is among what the other does. The rule that asks for all that the other asks for, and for more, refines it and is no conflict; neither
    is a failure by kind that the other does not ask for: both go first when a prediction is made.
    """
    if one.verb != other.verb or len(one.parameters) != len(other.parameters) or _sort(one) != _sort(other):
        return None
    one = _renamed_rule(one, dict(zip(one.names, one.names, strict=True)))
    other = _renamed_rule(other, dict(zip(other.names, one.names, strict=True)))
    asked, also_asked = ({*rule.when, *rule.after} for rule in (one, other))
    if asked < also_asked or asked > also_asked or _is_exception(one, other) or _is_exception(other, one):
        return None
    if not _can_hold([*one.when, *other.when]) or not _can_hold([*one.after, *other.after]):
        return None
    said, also_said = _foretold(one), _foretold(other)
    return next((slot for slot in said if slot in also_said and not said[slot] & also_said[slot]), None)


def _sort(rule: Rule) -> str:
    """Return the sort of the things that the rule speaks of beside the action's, empty where it speaks of none."""
    return rule.each.sort if rule.each else ""


def _is_exception(rule: Rule, other: Rule) -> bool:
    """Whether ``rule`` says that things of certain kinds fail, and ``other`` does not ask for just such things."""
    by_kind = all("kind" in fluent_names(condition) for condition in rule.when)
    return not rule.predicts_success and other.predicts_success and by_kind and not {*rule.when} <= {*other.when}


def _foretold(rule: Rule) -> Mapping[str, frozenset[str]]:
    """Return what may become, by the rule, of everything that it speaks of."""
    ways: list[dict[str, str]] = []
    for outcome in rule.outcomes:
        way = {format_term(change.target): str(change) for change in outcome.changes}
        if outcome.reward is not None:
            way["the reward"] = str(float(outcome.reward))
        ways.append({"success": str(outcome.success), **way})
    slots = dict.fromkeys(slot for way in ways for slot in way)
    return {slot: frozenset(way.get(slot, UNCHANGED) for way in ways) for slot in slots}


def _can_hold(conditions: Iterable[Condition]) -> bool:
    """Whether no two of the conditions exclude each other, as far as their form tells."""
    found = [_ordered(condition) for condition in conditions]
    return not any(_exclude(one, other) for one, other in product(found, found))


def _ordered(condition: Condition) -> Condition:
    """Return an equality between references with its sides in a fixed order."""
    left, op, right = condition
    is_symmetric = op in ("==", "!=") and isinstance(left, Var | Ref) and isinstance(right, Var | Ref)
    return Condition(right, op, left) if is_symmetric and str(right) < str(left) else condition  # type: ignore[arg-type]


def _exclude(one: Condition, other: Condition) -> bool:
    """Whether ``other`` cannot hold where ``one`` does; not asked the other way round."""
    if one.left != other.left:
        return False
    if one.right == other.right and (one.op, other.op) in (("==", "!="), ("some", "no"), ("in", "notin")):
        return True
    if one.op == "unknown" or other.op in ("known", "unknown") or isinstance(other.right, Var | Ref | Some):
        return one.op == "unknown" and other.op != "unknown"
    # Constants on both sides, so that every comparison has an answer. What is more than 3 excludes what is less than 3, or than 2.
    is_bound = one.op == ">" and other.op == "<"
    values = one.right if one.op == "in" else (one.right,) if one.op == "==" or is_bound else ()
    assert isinstance(values, tuple)
    return bool(values) and all(
        not isinstance(value, Var | Ref | Some | tuple) and compare(value, other.op, other.right) is False
        for value in values
    )


# --- the same variables ---------------------------------------------------------------------------------------------------


def _renamed_rule(rule: Rule, names: Mapping[str, str]) -> Rule:
    """Return ``rule`` with its parameters called by other names, and the variables that its conditions bind by how deep they stand.

    No parameter is called by a number, so none is taken for a variable bound further in; and conditions that differ in nothing but
    what they call the thing that they look for become equal.
    """
    outcomes = tuple(
        replace(
            o, changes=tuple(replace(c, target=_ref(c.target, names), value=_term(c.value, names)) for c in o.changes)
        )
        for o in rule.outcomes
    )
    when, after = (tuple(_condition(c, names) for c in part) for part in (rule.when, rule.after))
    parameters = tuple(names[name] for name in rule.parameters)
    each = rule.each._replace(variable=names[rule.each.variable]) if rule.each else None
    return Rule(rule.verb, parameters, when, outcomes, after, each)


def _term(term: Term, names: Mapping[str, str]) -> Term:
    if isinstance(term, Var):
        return Var(names.get(term.name, term.name))
    return _ref(term, names) if isinstance(term, Ref) else term


def _ref(ref: Ref, names: Mapping[str, str]) -> Ref:
    return Ref(ref.name, tuple(_term(arg, names) for arg in ref.args))


def _condition(condition: Condition, names: Mapping[str, str], depth: int = 1) -> Condition:
    left, op, right = condition
    if isinstance(right, Some):
        bound = str(depth)
        inner = {**names, right.variable: bound}
        conditions = tuple(_condition(each, inner, depth + 1) for each in right.conditions)
        return Condition(Var(bound), op, Some(bound, right.sort, conditions))
    return Condition(_term(left, names), op, right if op in ("in", "notin") else _term(right, names))  # type: ignore[arg-type]
