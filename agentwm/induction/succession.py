"""What became of a rule that is no longer believed: which rules say now what it said, and how they differ from it."""

from collections.abc import Sequence

from agentwm.induction.acceptance import effects_of
from agentwm.rules.language import ANY_ACTION, Rule

__all__ = ["reason_for", "successors"]


def successors(rule: Rule, rules: Sequence[Rule]) -> list[Rule]:
    """Return those of ``rules`` that foretell, of the same action or of any, some of what ``rule`` did."""
    said = effects_of(rule)
    return [
        other
        for other in rules
        if other.id != rule.id
        and (other.verb == rule.verb or ANY_ACTION in (other.verb, rule.verb))
        and not said.isdisjoint(effects_of(other))
    ]


def reason_for(rule: Rule, after: Sequence[Rule]) -> str:
    """Return why ``rule`` was retired when the rules ``after`` took its place, as a sentence's end."""
    if not after:
        return "no longer follows from what was seen"
    names = ", ".join(other.id for other in after)
    asked = {*rule.when, *rule.after}
    if all(asked < {*other.when, *other.after} for other in after):
        return f"{'split' if len(after) > 1 else 'specialised'} into {names}"
    if all({*other.when, *other.after} < asked for other in after):
        return f"widened to {names}"
    return f"replaced by {names}"
