"""Finds the ground actions that could matter for a goal, by reasoning backwards through the rules.

From each wanted condition to the rules that could bring it about, from these to their own conditions, and so on. A room of
two hundred cupboards thus gives the search a dozen actions, not thousands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from agentwm.induction.chance import SURE
from agentwm.rules.binding import Cast, ground_condition, ground_term
from agentwm.rules.language import Change, Rule, variables
from agentwm.rules.matching import UNKNOWN, Unknown, holds, value_of
from agentwm.rules.store import RuleStore
from agentwm.types import Action, Condition, Fluent, Ref, Situation, State, Term, Value, Var, Vocabulary

__all__ = ["GroundAction", "GroundRule", "relevant_actions"]

Avoid = Mapping[Action, Sequence[Situation]]
NONE: Avoid = MappingProxyType({})

MOST_OF_A_KIND = 3
MOST_ACTIONS = 400
WORTH_HOPING = 0.3  # the least probability of an effect that a plan may count on: it is made again when that fails


@dataclass(frozen=True, slots=True)
class GroundRule:
    """A rule applied to particular things: its conditions and changes, without variables, and how far it is trusted for such things.

    ``is_sure`` says that what it foretells always comes, as far as is known; otherwise the trust is about how often.
    """

    when: tuple[Condition, ...]
    changes: tuple[Change, ...] = ()
    trust: float = 1.0
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class GroundAction:
    """An action with the rules that speak of its success, and of its failure."""

    action: Action
    successes: tuple[GroundRule, ...]
    failures: tuple[GroundRule, ...]


def relevant_actions(  # noqa: PLR0913 -- all of what is known
    goals: Iterable[Condition],
    state: State,
    store: RuleStore,
    vocabulary: Vocabulary,
    *,
    cast: Cast | None = None,
    focus: Iterable[str] = (),
    avoid: Avoid = NONE,
) -> tuple[list[GroundAction], set[Condition]]:
    """Return the ground actions from which plans for ``goals`` (conditions without variables) could be made, and the goals within reach.

    A goal is out of reach when even a plan that never undoes anything could not bring it about. ``focus`` names things that may
    stand in where a rule leaves an argument open.
    """
    return _Regression(state, cast or Cast(state), store, vocabulary, list(focus), avoid).run(goals)


class _Regression:
    def __init__(
        self, state: State, cast: Cast, store: RuleStore, vocabulary: Vocabulary, focus: Sequence[str], avoid: Avoid
    ) -> None:
        self.avoid = avoid
        self.state = state
        self.store = store
        self.vocabulary = vocabulary
        self.focus = focus
        self.cast = cast
        self.makers: dict[str, list[tuple[Rule, Change]]] = {}
        for rule in store.rules:
            outcome = max(rule.outcomes, key=lambda o: o.probability)
            if outcome.success and self._is_plannable(rule):
                for change in outcome.changes:
                    self.makers.setdefault(change.target.name, []).append((rule, change))
        self.actions: dict[Action, GroundAction] = {}
        self.foreseen: dict[Fluent, dict[str, None]] = {}
        self.asked: set[Fluent] = set()

    def _is_plannable(self, rule: Rule) -> bool:
        """Whether the rule is about an action that can be done here; what befalls things that none names is foretold, but not planned."""
        schema = self.vocabulary.actions.get(rule.verb)
        return schema is not None and len(schema.parameters) == len(rule.parameters) and not rule.each

    def run(self, goals: Iterable[Condition]) -> tuple[list[GroundAction], set[Condition]]:
        wanted = list(goals)
        makers = self._regress(wanted)
        if self._foresee():
            makers = self._regress(wanted)
        usable, reached = self._within_reach(makers)
        return [self.actions[action] for action in usable], reached & set(wanted)

    def _foresee(self) -> bool:
        """Note the values that the actions found could give to what rules refer to; return whether any was new.

        A thing that will have been put into the sink can be taken from there.
        """
        is_news = False
        for action in self.actions.values():
            for rule in action.successes:
                for change in rule.changes:
                    if isinstance(change.value, str):
                        fluent = Fluent(change.target.name, tuple(str(arg) for arg in change.target.args))
                        values = self.foreseen.setdefault(fluent, {})
                        is_news |= fluent in self.asked and change.value not in values
                        values.setdefault(change.value)
        return is_news

    def _regress(self, wanted: Sequence[Condition]) -> dict[Condition, list[Action]]:
        agenda = list(wanted)
        makers: dict[Condition, list[Action]] = {condition: [] for condition in agenda}
        while agenda and len(self.actions) < MOST_ACTIONS:
            condition = agenda.pop()
            makers[condition] = [action for action in self._achievers(condition) if self._admit(action)]
            for action in makers[condition]:
                for needed in self._needs(self.actions[action]):
                    if needed not in makers:
                        makers[needed] = []
                        agenda.append(needed)
        return makers

    def _admit(self, action: Action) -> bool:
        """Take up a ground action and return whether it is one that could be done."""
        if any(not situation for situation in self.avoid.get(action, ())):
            return False
        if action not in self.actions:
            grounded = self._ground(action)
            if grounded is None:
                return False
            self.actions[action] = grounded
        return True

    def _needs(self, action: GroundAction) -> Iterator[Condition]:
        for rule in action.successes:
            yield from rule.when
        for rule in action.failures:
            if len(rule.when) == 1:
                yield from map(_opposite, rule.when)

    def _within_reach(self, makers: Mapping[Condition, Sequence[Action]]) -> tuple[list[Action], set[Condition]]:
        """Return the actions that could ever be done and the conditions that could ever hold, were nothing ever undone."""
        reached = {c for c in makers if holds(c, {}, self.state, self.vocabulary) is not False}
        usable: dict[Action, None] = {}
        grew = True
        while grew:
            grew = False
            for action, grounded in self.actions.items():
                if action not in usable and any(all(c in reached for c in rule.when) for rule in grounded.successes):
                    usable[action] = None
                    grew = True
            for condition, actions in makers.items():
                if condition not in reached and any(action in usable for action in actions):
                    reached.add(condition)
                    grew = True
        return list(usable), reached

    def _achievers(self, wanted: Condition) -> Iterator[Action]:
        for fluent in _dynamic(wanted, self.state, self.vocabulary):
            for rule, change in self.makers.get(fluent.name, ()):
                bindings = _unify(change.target, fluent)
                if bindings is None:
                    continue
                for bound in self._values(rule, change, wanted, fluent, bindings):
                    if self._fits(rule, bound):
                        for complete in self._completions(rule, bound):
                            yield Action(rule.verb, tuple(complete[name] for name in rule.parameters))

    def _values(
        self, rule: Rule, change: Change, wanted: Condition, fluent: Fluent, bindings: dict[str, str]
    ) -> Iterator[dict[str, str]]:
        """Yield bindings under which the change gives ``fluent`` a value that lets ``wanted`` hold."""
        if isinstance(change.value, Ref):
            yield from self._referring(rule, change.value, wanted, fluent, bindings)
            return
        if not isinstance(change.value, Var):
            if self._would_hold(wanted, fluent, change.value):
                yield bindings
            return
        name = change.value.name
        if name in bindings:
            if self._would_hold(wanted, fluent, bindings[name]):
                yield bindings
            return
        things = [thing for thing in _mentioned(wanted, self.state, self.vocabulary) if thing in self.cast.sorts]
        for thing in self._suitable(things, wanted, fluent) or self._suitable(self.focus, wanted, fluent):
            yield {**bindings, name: thing}

    def _referring(
        self, rule: Rule, value: Ref, wanted: Condition, fluent: Fluent, bindings: dict[str, str]
    ) -> Iterator[dict[str, str]]:
        """Yield bindings under which what ``value`` refers to lets ``wanted`` hold: the exits that lead to the room wanted.

        Where nobody knows what the thing wanted is, or what ``value`` refers to, the one may be the other.
        """
        open_names = [name for name in dict.fromkeys(variables(value)) if name not in bindings]
        if len(open_names) != 1 or open_names[0] not in rule.parameters:
            yield bindings
            return
        sort = self.vocabulary.actions[rule.verb].parameters[rule.parameters.index(open_names[0])]
        is_open = any(value_of(side, {}, self.state, self.vocabulary) is UNKNOWN for side in _sides(wanted, fluent))
        for thing in self.cast.by_sort.get(sort, ()):
            bound = {**bindings, open_names[0]: thing}
            referred = value_of(value, bound, self.state, self.vocabulary)
            if is_open if isinstance(referred, Unknown) else self._would_hold(wanted, fluent, referred):
                yield bound

    def _suitable(self, things: Iterable[str], wanted: Condition, fluent: Fluent) -> list[str]:
        """Return the things that, as the value of ``fluent``, would make ``wanted`` true."""
        return [
            thing
            for thing in dict.fromkeys(things)
            if holds(wanted, {}, {**self.state, fluent: thing}, self.vocabulary) is True
        ]

    def _would_hold(self, wanted: Condition, fluent: Fluent, value: Value) -> bool:
        return holds(wanted, {}, {**self.state, fluent: value}, self.vocabulary) is not False

    def _completions(self, rule: Rule, bindings: dict[str, str]) -> Iterator[dict[str, str]]:
        """Yield the bindings completed for every parameter that is still open."""
        open_names = [name for name in rule.parameters if name not in bindings]
        if not open_names:
            yield bindings
            return
        name = open_names[0]
        for thing in self._candidates(rule, name, bindings):
            yield from self._completions(rule, {**bindings, name: thing})

    def _fits(self, rule: Rule, bindings: Mapping[str, str]) -> bool:
        """Whether the things bound are of the sorts that the verb takes."""
        sorts = self.vocabulary.actions[rule.verb].parameters
        return all(
            sort in ("any", self.cast.sorts.get(bindings[name]))
            for name, sort in zip(rule.parameters, sorts, strict=True)
            if name in bindings
        )

    def _candidates(self, rule: Rule, name: str, bindings: dict[str, str]) -> list[str]:
        of_kind = self._of_right_kind(rule, name)
        if of_kind is not None:
            return self._nearest(of_kind)
        for condition in rule.when:
            if condition.op != "==":
                continue
            for here, there in ((condition.left, condition.right), (condition.right, condition.left)):
                if here == Var(name) and isinstance(there, Ref) and set(variables(there)) <= bindings.keys():
                    value = value_of(there, bindings, self.state, self.vocabulary)
                    foreseen = self._foreseen_values(there, bindings)
                    if isinstance(value, str):
                        return list(dict.fromkeys((value, *foreseen)))
                    if value is None:
                        return foreseen
        schema = self.vocabulary.actions.get(rule.verb)
        sort = schema.parameters[rule.parameters.index(name)] if schema else "any"
        at_hand = [thing for thing in self.focus if sort in ("any", self.cast.sorts.get(thing))]
        return list(dict.fromkeys((*at_hand, *self._proven(rule, name))))

    def _proven(self, rule: Rule, name: str) -> list[str]:
        """Return a few things of the kinds for which ``rule`` was seen to hold, where these are few."""
        kinds = self.store.record(rule).kinds.get(name, {})
        if len(kinds) > MOST_OF_A_KIND:
            return []
        return self._nearest([thing for kind in kinds for thing in self.cast.by_kind.get(kind, [])])

    def _foreseen_values(self, term: Ref, bindings: Mapping[str, str]) -> list[str]:
        """Return the values that some action found could give to what ``term`` refers to."""
        grounded = ground_term(term, bindings)
        if not isinstance(grounded, Ref) or any(isinstance(arg, Ref) for arg in grounded.args):
            return []
        fluent = Fluent(grounded.name, tuple(str(arg) for arg in grounded.args))
        self.asked.add(fluent)
        return list(self.foreseen.get(fluent, {}))

    def _of_right_kind(self, rule: Rule, name: str) -> list[str] | None:
        term = Ref("kind", (Var(name),))
        for condition in rule.when:
            if condition.left == term and condition.op == "==":
                return self.cast.by_kind.get(str(condition.right), [])
            if condition.left == term and condition.op == "in" and isinstance(condition.right, tuple):
                return [thing for kind in condition.right for thing in self.cast.by_kind.get(str(kind), [])]
        return None

    def _nearest(self, things: list[str]) -> list[str]:
        """Return a few of ``things``, those in focus first."""
        ranked = sorted(things, key=lambda thing: (thing not in self.focus, things.index(thing)))
        return ranked[:MOST_OF_A_KIND]

    def _ground(self, action: Action) -> GroundAction | None:
        """Return the action with all rules that speak of it, None where something unchangeable forbids it."""
        successes: list[GroundRule] = []
        failures: list[GroundRule] = []
        for rule in self.store.of_verb(action.verb):
            if len(rule.parameters) != len(action.args):
                continue
            bindings = dict(zip(rule.parameters, action.args, strict=True))
            when = self._conditions(rule, bindings)
            if when is None:
                continue
            outcome = max(rule.outcomes, key=lambda o: o.probability)
            changes = tuple(
                Change(_as_ref(ground_term(c.target, bindings)), ground_term(c.value, bindings))
                for c in outcome.changes
            )
            if not outcome.success:
                if not when:
                    return None
                failures.append(GroundRule(when))
            elif outcome.probability >= WORTH_HOPING:
                kinds = {name: self.cast.kinds.get(thing) for name, thing in bindings.items()}
                trust = self.store.record(rule).trust_for(kinds)
                successes.append(GroundRule(when, changes, trust, is_sure=outcome.probability >= SURE))
        if not successes:
            return None
        failures += [GroundRule(situation) for situation in self.avoid.get(action, ())]
        return GroundAction(action, tuple(successes), tuple(failures))

    def _conditions(self, rule: Rule, bindings: dict[str, str]) -> tuple[Condition, ...] | None:
        """Return the rule's conditions that a plan could still change, None where a fixed one is false."""
        open_ones = []
        for condition in rule.when:
            grounded = ground_condition(condition, bindings)
            if next(_dynamic(grounded, self.state, self.vocabulary), None) is None:
                if holds(grounded, {}, self.state, self.vocabulary) is False:
                    return None
            else:
                open_ones.append(grounded)
        return tuple(open_ones)


_OPPOSITES = {"==": "!=", "!=": "==", "in": "notin", "notin": "in", "<": ">", ">": "<"}


def _opposite(condition: Condition) -> Condition:
    return Condition(condition.left, _OPPOSITES[condition.op], condition.right)


def _as_ref(term: Term) -> Ref:
    assert isinstance(term, Ref)
    return term


def _dynamic(term: object, state: State, vocabulary: Vocabulary) -> Iterator[Fluent]:
    """Yield the fluents that ``term`` touches in this state and that can change."""
    if isinstance(term, Condition):
        yield from _dynamic(term.left, state, vocabulary)
        yield from _dynamic(term.right, state, vocabulary)
    elif isinstance(term, Ref):
        schema = vocabulary.fluents.get(term.name)
        args = [value_of(arg, {}, state, vocabulary) if isinstance(arg, Ref) else arg for arg in term.args]
        if (schema is None or not schema.static) and all(isinstance(arg, str) for arg in args):
            yield Fluent(term.name, tuple(str(arg) for arg in args))
        for arg in term.args:
            yield from _dynamic(arg, state, vocabulary)


def _sides(wanted: Condition, fluent: Fluent) -> Iterator[Ref]:
    """Yield the references that ``fluent`` is compared with in ``wanted``."""
    here = Ref(fluent.name, fluent.args)
    return (side for side in (wanted.left, wanted.right) if isinstance(side, Ref) and side != here)


def _mentioned(term: object, state: State, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the names that stand in a condition, and what its references refer to now."""
    if isinstance(term, Condition):
        yield from _mentioned(term.left, state, vocabulary)
        yield from _mentioned(term.right, state, vocabulary)
    elif isinstance(term, Ref):
        value = value_of(term, {}, state, vocabulary)
        if isinstance(value, str):
            yield value
        for arg in term.args:
            yield from _mentioned(arg, state, vocabulary)
    elif isinstance(term, str):
        yield term


def _unify(target: Ref, fluent: Fluent) -> dict[str, str] | None:
    bindings: dict[str, str] = {}
    if target.name != fluent.name or len(target.args) != len(fluent.args):
        return None
    for term, arg in zip(target.args, fluent.args, strict=True):
        if isinstance(term, Var):
            if bindings.setdefault(term.name, arg) != arg:
                return None
        elif term != arg:
            return None
    return bindings
