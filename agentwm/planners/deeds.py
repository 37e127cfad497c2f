"""What can be brought about: an outcome of a rule as a deed, what a change does for a condition, and what only needs to be waited for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agentwm.rules.index import Test
from agentwm.rules.language import ANY_ACTION, Change, Rule, RuleOutcome
from agentwm.rules.matching import compare
from agentwm.types import Condition, Fluent, Ref, State, Var, Vocabulary

__all__ = ["Deed", "awaited", "helps"]


@dataclass(frozen=True, eq=False)
class Deed:
    """An outcome of a rule made ready to be brought about."""

    rule: Rule
    outcome: RuleOutcome
    plain: tuple[tuple[Condition, Test], ...]
    local: tuple[tuple[Condition, Test], ...]
    own: tuple[Test, ...]
    """What is asked of the things that the action is done with, which nothing changes."""

    @property
    def names(self) -> tuple[str, ...]:
        """The variables of the rule."""
        return self.rule.names


def awaited(rules: Sequence[Rule], vocabulary: Vocabulary) -> list[Rule]:
    """Return what happens under some conditions whatever is done, as rules of a verb that needs no things: to wait is a deed, too."""
    idle = next((verb for verb, schema in vocabulary.actions.items() if not schema.parameters), None)
    general = [rule for rule in rules if rule.verb == ANY_ACTION and rule.when and not rule.after]
    return [] if idle is None else [replace(rule, verb=idle) for rule in general]


def helps(change: Change, condition: Condition, state: State) -> bool:
    """Whether ``change`` of what ``condition`` speaks of brings that about or nearer."""
    value = change.value
    if isinstance(value, Ref | Var):
        return False
    wanted = condition.right
    if not change.adds:
        return compare(value, condition.op, wanted) is True  # type: ignore[arg-type]
    if not isinstance(value, int | float):
        return False
    if condition.op in ("<", ">"):
        return (value > 0) is (condition.op == ">")
    assert isinstance(condition.left, Ref)
    have = state.get(Fluent(condition.left.name))
    if condition.op == "==" and isinstance(wanted, int | float) and isinstance(have, int | float):
        return (value > 0) is (wanted > have)
    return condition.op == "!="
