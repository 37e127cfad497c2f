"""Tells, for little, whether what pays can be within reach: whether a thing is known of that has all that it asks for.

A rule that pays, or a goal, asks for values: of the thing ahead to be a ball and to be red, say. As long as no thing is known of with both,
and no rule makes one red, nothing that is known can be turned into it, and it need not be searched for. Where rules only carry values from
place to place this is exact; it never says of what is within reach that it is not, as long as what belongs together is carried together.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

from agentwm.rules.language import fluent_names, variables
from agentwm.rules.matching import holds
from agentwm.rules.store import RuleStore
from agentwm.types import Condition, Goal, Ref, State, Term, Value, Var, Vocabulary

__all__ = ["MayPay", "may_pay"]

MayPay = Callable[[State, Goal], bool]
Asked = frozenset[Value]
"""Constants that are asked for of one thing."""


def may_pay(store: RuleStore, vocabulary: Vocabulary) -> MayPay:
    """Return a function that says whether, in a state, the goal or what the rules say that pays can be within reach."""
    made = {
        change.value
        for rule in store.rules
        for outcome in rule.outcomes
        for change in outcome.changes
        if not isinstance(change.value, Ref | Var)
    }
    paying = [
        list(_asked((*rule.when, *rule.after), made, vocabulary))
        for rule in store.rules
        if any((outcome.reward or 0.0) > 0 for outcome in rule.outcomes)
    ]
    changed = {change.target.name for rule in store.rules for outcome in rule.outcomes for change in outcome.changes}
    derived = {schema.name for schema in vocabulary.fluents.values() if schema.derive is not None}
    is_open = bool(store.laws)  # which may do anything

    def is_beyond(condition: Condition, state: State) -> bool:
        """Whether ``condition``, which is about no thing in particular, is not so and no rule changes anything of it."""
        names = set(fluent_names(condition))
        if names & (changed | derived) or any(True for _ in variables(condition)):
            return False
        return holds(condition, {}, state, vocabulary) is not True

    def may(state: State, goal: Goal) -> bool:
        is_in_vain = not is_open and not paying and any(is_beyond(each, state) for each in goal.conditions)
        if is_in_vain:
            return False
        wanted = [*paying, list(_asked(goal.conditions, made, vocabulary))] if goal.conditions else paying
        if is_open or not all(wanted):
            return is_open or bool(wanted)
        had = _had(state)
        return any(all(any(asked <= values for values in had) for asked in groups) for groups in wanted)

    return may


def _asked(conditions: Iterable[Condition], made: Collection[Value], vocabulary: Vocabulary) -> Iterator[Asked]:
    """Yield what is asked of each thing, but for what rules can make so."""
    groups: dict[tuple[Term, ...], set[Value]] = {}
    for left, op, right in conditions:
        schema = vocabulary.fluents.get(left.name) if isinstance(left, Ref) else None
        is_told = isinstance(left, Ref) and schema is not None and schema.derive is None
        if is_told and op == "==" and isinstance(right, str) and right not in made:
            assert isinstance(left, Ref)
            groups.setdefault(left.args, set()).add(right)
    yield from map(frozenset, groups.values())


def _had(state: State) -> list[set[Value]]:
    """Return the values that each thing has, and those of what has no arguments."""
    had: dict[tuple[str, ...], set[Value]] = {}
    for (_, args), value in state.items():
        if len(args) < 2:
            if args not in had:
                had[args] = set()
            had[args].add(value)
    return list(had.values())
