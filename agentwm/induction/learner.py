"""The symbolic inducer: from transitions to rules, starting from none.

Per verb: conjunctions for which it succeeds, conjunctions for which it fails, and what a success changes, each change
with the conditions under which it comes. Every rule's evidence is counted over all transitions; rules that explain nothing
that the others leave unexplained are pruned; a rule that no longer follows from the evidence is retired with the reason.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agentwm.induction.chance import SURE
from agentwm.induction.credit import Example, examples
from agentwm.induction.evidence import rule_answer, weigh
from agentwm.induction.pruning import maximum_coverage
from agentwm.induction.search import Conjunction, false_mask, mask_of, separate, shut_out
from agentwm.induction.table import KIND_PRICE, MOST_KINDS, Literal, Table, membership
from agentwm.knowledge import learn as learn_knowledge
from agentwm.rules import matching
from agentwm.rules.language import ANY_ACTION, Change, Rule, RuleOutcome, variables
from agentwm.rules.matching import holds, instances, sorts_of, value_of
from agentwm.rules.store import Record, RuleStore, Silence, signature
from agentwm.types import Condition, Fluent, Ref, Trajectory, Value, Var, Vocabulary

__all__ = ["SymbolicInducer"]

Sorts = tuple[str, ...]
Counts = dict[str, tuple[int, int]]
"""Successes and failures, by which conditions of the rules held."""

# An effect seen in fewer than this share of the successes in which it could show is taken for coincidence.
LEAST_EFFECT = 0.3
SOME = 3


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A rule with the examples for which it speaks, and those it gets right."""

    rule: Rule
    speaks: int
    right: int


class SymbolicInducer:
    """Induces rules from trajectories; keeps the columns of finished episodes, so that one more episode costs one more episode.

    ``base`` holds what was known before the first trajectory: where things are found, and how often verbs succeed.
    """

    def __init__(self, base: RuleStore | None = None) -> None:
        self._base = base or RuleStore()
        self._tables: dict[tuple[str, Sorts], Table] = {}
        self._finished: list[Trajectory] = []
        self._knowledge = self._base.knowledge
        self.tables: dict[tuple[str, Sorts], Table] = {}
        self._vocabulary: Vocabulary | None = None
        self._verb_cache: dict[tuple[str, Sorts], tuple[list[Example], list[_Candidate], Counts]] = {}

    def induce(self, trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> RuleStore:
        """Return the rules that explain ``trajectories``, of which all but the last are taken to be finished."""
        return self.revise(RuleStore(), trajectories, vocabulary)

    def revise(self, store: RuleStore, trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> RuleStore:
        """Return ``store`` brought up to date with ``trajectories``; rules that no longer follow are retired."""
        tables = self._tables_for(trajectories, vocabulary)
        self.tables = tables
        rules: list[Rule] = []
        records: dict[str, Record] = {}
        counts: dict[str, Counts] = {}
        for table in tables.values():
            kept, silence = self._rules_of(table)
            for candidate in kept:
                rules.append(candidate.rule)
                records[candidate.rule.id] = _record(candidate, table)
            for key, (successes, failures) in silence.items():
                earlier = counts.setdefault(table.verb, {}).get(key, (0, 0))
                counts[table.verb][key] = (earlier[0] + successes, earlier[1] + failures)
        still_held, retired, reasons = _retire(store, rules, tables)
        return replace(
            store,
            rules=(*rules, *still_held),
            records={**store.records, **records, **reasons},
            retired=tuple(retired),
            silence=Silence(counts={**self._base.silence.counts, **counts}),
            knowledge=self._knowledge.plus(learn_knowledge(trajectories[-1:], vocabulary)),
        )

    def _tables_for(self, trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> dict[tuple[str, Sorts], Table]:
        finished, current = list(trajectories[:-1]), trajectories[-1:]
        is_continuation = len(finished) >= len(self._finished) and all(
            old is new for old, new in zip(self._finished, finished, strict=False)
        )
        if not is_continuation or vocabulary != self._vocabulary:
            self._tables, self._finished, self._vocabulary = {}, [], vocabulary
            self._verb_cache = {}
            self._knowledge = self._base.knowledge
        for trajectory in finished[len(self._finished) :]:
            _fill(self._tables, examples(trajectory, vocabulary), vocabulary)
            self._knowledge = self._knowledge.plus(learn_knowledge([trajectory], vocabulary))
            self._finished.append(trajectory)
        tables = {key: table.copy() for key, table in self._tables.items()}
        for trajectory in current:
            _fill(tables, examples(trajectory, vocabulary), vocabulary)
        return tables

    def _rules_of(self, table: Table) -> tuple[list[_Candidate], Counts]:
        """Return the rules that follow from ``table``, and the outcomes where they are silent."""
        key = (table.verb, table.sorts)
        cached = self._verb_cache.get(key)
        if cached is None or cached[0] != table.rows:
            candidates = _induce_verb(table)
            cached = (table.rows, candidates, _silence(table, [c.rule for c in candidates]))
            self._verb_cache[key] = cached
        return cached[1:]


def _fill(tables: dict[tuple[str, Sorts], Table], rows: Iterable[Example], vocabulary: Vocabulary) -> None:
    for example in rows:
        key = (example.action.verb, sorts_of(example.action.args, example.before))
        if key not in tables:
            tables[key] = Table(*key, vocabulary)
        tables[key].append(example)


def _induce_verb(table: Table) -> list[_Candidate]:
    """Return the rules for one verb.

    A failure that an exception explains does not count against the rule that it is an exception to.
    """
    successes = separate(table, table.succeeded, table.failed)
    failures = _prune([_failure_rule(table, c) for c in shut_out(table, table.succeeded, table.failed, successes)])
    excepted = 0
    for failure in failures:
        excepted |= failure.right
    return [c for conjunction in successes for c in _success_rules(table, conjunction, ~excepted)] + failures


# --- success, and what it changes ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Effect:
    """A change that some successes show: in which examples it came, and in which it demonstrably did not."""

    change: Change
    came: int
    stayed_away: int


def _success_rules(table: Table, conjunction: Conjunction, unexcepted: int) -> list[_Candidate]:
    """Return the rule for a success with the changes that always come, and one more for each that comes under conditions."""
    speaks = mask_of(conjunction, table.everything & unexcepted)
    inside = table.succeeded & table.everything & ~false_mask(conjunction)
    always: list[Change] = []
    rules: list[_Candidate] = []
    for effect in _effects(table, inside):
        rate = effect.came.bit_count() / max(1, (effect.came | effect.stayed_away).bit_count())
        if rate >= SURE:
            always.append(effect.change)
        elif conditional := _conditional_rule(table, conjunction, effect):
            rules.append(conditional)
    rate = (speaks & table.succeeded).bit_count() / max(1, speaks.bit_count())
    rule = _rule(table, conjunction, rate, tuple(always))
    return [_Candidate(rule, speaks, speaks & table.succeeded), *rules]


def _conditional_rule(table: Table, conjunction: Conjunction, effect: _Effect) -> _Candidate | None:
    """Return a rule for a change that only sometimes comes: under the conditions that tell when, else with its rate."""
    rate = effect.came.bit_count() / (effect.came | effect.stayed_away).bit_count()
    if (told := _told_by_kind(table, effect)) is not None:
        wider = (*conjunction, *told)
        speaks = mask_of(wider, effect.came | effect.stayed_away)
        rate = effect.came.bit_count() / max(1, speaks.bit_count())
        return _Candidate(_rule(table, wider, rate, (effect.change,)), speaks, effect.came)
    for literal in sorted(table.literals(), key=lambda x: (x.price, x.condition.op == "==")):
        is_told_apart = not literal.true & effect.stayed_away and not literal.false & effect.came
        if is_told_apart and literal.false & effect.stayed_away and literal.true & effect.came:
            wider = (*conjunction, literal)
            speaks = mask_of(wider, table.everything)
            return _Candidate(_rule(table, wider, 1.0, (effect.change,)), speaks, speaks & table.succeeded)
    for literal in sorted(table.literals(), key=lambda x: (x.price, x.condition.op == "==")):
        ruled_out = literal.false & effect.stayed_away
        if ruled_out.bit_count() >= SOME and not literal.false & effect.came:
            wider = (*conjunction, literal)
            speaks = (effect.came | effect.stayed_away) & ~literal.false
            rate = effect.came.bit_count() / speaks.bit_count()
            if rate >= LEAST_EFFECT:
                return _Candidate(_rule(table, wider, rate, (effect.change,)), speaks, effect.came)
    if rate < LEAST_EFFECT:
        return None
    return _Candidate(_rule(table, conjunction, rate, (effect.change,)), effect.came | effect.stayed_away, effect.came)


def _told_by_kind(table: Table, effect: _Effect) -> Conjunction | None:
    """Return conditions, one of them on a kind, under which a change takes just this value: the oven roasts and the stove fries.

    None where no other value came in its stead, or where no kind tells.
    """
    if not isinstance(effect.change.value, str) or not effect.stayed_away:
        return None
    others = (example for _, example in table.rows_of(effect.stayed_away))
    if not any(_ground_target(effect.change, table, example) in example.changed for example in others):
        return None
    found: list[tuple[bool, int, int, Conjunction]] = []
    for term, by_kind in table.kinds():
        liked = sorted(str(kind) for kind, mask in by_kind.items() if mask & effect.came)
        inside = sum(by_kind[kind] for kind in liked)
        if len(liked) > MOST_KINDS or not effect.stayed_away & ~inside:
            continue
        literal = Literal(membership(term, liked), KIND_PRICE, inside, table.everything & ~inside)
        rest = effect.stayed_away & inside
        excluding = (x for x in table.literals() if not x.false & effect.came and not rest & ~x.false)
        more = min(excluding, key=lambda x: (x.price, x.condition.op == "=="), default=None) if rest else None
        told = (literal,) if more is None else (literal, more)
        found.append((bool(rest) and more is None, len(liked), len(by_kind), told))
    return min(found, key=lambda item: item[:3])[3] if found else None


def _effects(table: Table, successes: int) -> list[_Effect]:
    """Return the lifted changes seen among ``successes``, most frequent first."""
    came: dict[Change, int] = {}
    for index, example in table.rows_of(successes):
        for fluent, value in example.changed.items():
            for change in _lifted(fluent, value, table, example):
                came[change] = came.get(change, 0) | 1 << index
    effects = []
    for change, mask in _widest(came).items():
        against = 0
        for index, example in table.rows_of(successes & ~mask):
            if _failed_to_come(change, table, example):
                against |= 1 << index
        effects.append(_Effect(change, mask, against))
    return sorted(effects, key=lambda effect: (-effect.came.bit_count(), str(effect.change)))


def _lifted(fluent: Fluent, value: Value, table: Table, example: Example) -> Iterator[Change]:
    """Yield the change in terms of the action's parameters, in every way in which its value can be said.

    None where the fluent is not about the arguments. A thing that is no argument is what something refers to: a room that is arrived at is
    the one that the exit leads to.
    """
    names = dict(zip(example.action.args, table.parameters, strict=True))
    if any(arg not in names for arg in fluent.args):
        return
    target = Ref(fluent.name, tuple(Var(names[arg]) for arg in fluent.args))
    if not isinstance(value, str):
        yield Change(target, value)
        return
    if value in names:
        yield Change(target, Var(names[value]))
        return
    bindings = dict(zip(table.parameters, example.action.args, strict=True))
    schema = table.vocabulary.fluents.get(fluent.name)
    terms = table.references(schema.value) if schema is not None else ()
    lifted = [term for term in terms if value_of(term, bindings, example.before, table.vocabulary) == value]
    about_arguments = [term for term in lifted if any(True for _ in variables(term))]
    for term in (*about_arguments, value, *(term for term in lifted if term not in about_arguments)):
        yield Change(target, term)


def _widest(came: Mapping[Change, int]) -> dict[Change, int]:
    """Return the changes without those that another way of saying them covers: of several ways, the one that fits most examples stays."""
    kept: dict[Change, int] = {}
    covered: dict[Ref, int] = {}
    for change, mask in sorted(came.items(), key=lambda item: -item[1].bit_count()):
        if mask & ~covered.get(change.target, 0):
            kept[change] = mask
            covered[change.target] = covered.get(change.target, 0) | mask
    return {change: mask for change, mask in came.items() if change in kept}


def _failed_to_come(change: Change, table: Table, example: Example) -> bool:
    """Whether it is known that ``change`` was not made, and not because it was so before."""
    bindings = dict(zip(table.parameters, example.action.args, strict=True))
    target = _ground_target(change, table, example)
    if target in example.changed:
        return True
    wanted = value_of(change.value, bindings, example.before, table.vocabulary)
    if target not in example.settled:
        schema = table.vocabulary.fluents[target.name]
        return schema.has_default and not schema.hidden and wanted != schema.default
    return example.settled[target] != wanted


def _ground_target(change: Change, table: Table, example: Example) -> Fluent:
    """Return the fluent that ``change`` is about in ``example``."""
    bindings = dict(zip(table.parameters, example.action.args, strict=True))
    return Fluent(change.target.name, tuple(bindings[v.name] for v in change.target.args if isinstance(v, Var)))


# --- rules ----------------------------------------------------------------------------------------------------------------


def _rule(
    table: Table, conjunction: Conjunction, rate: float, changes: tuple[Change, ...], *, success: bool = True
) -> Rule:
    sorts = tuple(
        Condition(Ref("sort", (Var(name),)), "==", sort)
        for name, sort, declared in zip(table.parameters, table.sorts, _declared_sorts(table), strict=True)
        if sort != declared
    )
    when = (*sorts, *(literal.condition for literal in conjunction))
    return Rule(table.verb, table.parameters, when, (RuleOutcome(round(rate, 2), success, changes),))


def _declared_sorts(table: Table) -> Sorts:
    schema = table.vocabulary.actions.get(table.verb)
    return schema.parameters if schema else table.sorts


def _failure_rule(table: Table, conjunction: Conjunction) -> _Candidate:
    speaks = mask_of(conjunction, table.everything)
    right = speaks & table.failed
    rate = right.bit_count() / max(1, speaks.bit_count())
    return _Candidate(_rule(table, conjunction, rate, (), success=False), speaks, right)


def _prune(candidates: list[_Candidate]) -> list[_Candidate]:
    """Keep the rules needed to cover all that any of them explains, the most telling first."""
    return [candidates[index] for index in maximum_coverage([candidate.right for candidate in candidates])]


def _record(candidate: _Candidate, table: Table) -> Record:
    return Record(
        supports=candidate.right.bit_count(),
        contradicts=(candidate.speaks & ~candidate.right).bit_count(),
        last_spoken=candidate.speaks.bit_length() - 1,
        kinds=table.kinds_in(candidate.right) if candidate.rule.predicts_success else {},
    )


def _retire(
    store: RuleStore, rules: list[Rule], tables: dict[tuple[str, Sorts], Table]
) -> tuple[list[Rule], list[Rule], dict[str, Record]]:
    """Return the earlier rules still held, those retired, and the records that say why.

    A rule that does not follow from the evidence at hand is held all the same while it rests on more than that (another run's
    evidence, or the word of a person or a language model) and nothing contradicts it but what it was accepted in spite of.
    """
    present = {rule.id for rule in rules}
    held: list[Rule] = []
    retired = [rule for rule in store.retired if rule.id not in present]
    reasons: dict[str, Record] = {}
    for rule in store.rules:
        if rule.id in present:
            continue
        record = store.record(rule)
        against = _contradictions(rule, tables)
        at_hand = sum(len(table) for (verb, _), table in tables.items() if rule.verb in (verb, ANY_ACTION))
        is_given = record.origin != "symbolic" and against <= record.contradicts
        if is_given or (not against and record.supports > at_hand):
            held.append(rule)
            continue
        reason = f"contradicted by {against} transitions" if against else "replaced by rules that explain more"
        reasons[rule.id] = record.model_copy(update={"state": "retired", "reason": reason, "contradicts": against})
        retired.append(rule)
    return held, retired, reasons


def _contradictions(rule: Rule, tables: dict[tuple[str, Sorts], Table]) -> int:
    """Return how many transitions speak against ``rule``."""
    if rule.verb == ANY_ACTION:
        return _contradictions_of_any_action(rule, tables)
    count = 0
    for (verb, _), table in tables.items():
        if verb != rule.verb:
            continue
        for example in table.rows:
            if example.succeeded != rule.predicts_success:
                count += any(
                    matching.conjunction(rule.when, bindings, example.before, table.vocabulary)
                    for bindings in instances(rule, example.action, example.before)
                )
    return count


def _contradictions_of_any_action(rule: Rule, tables: dict[tuple[str, Sorts], Table]) -> int:
    """Return how many transitions, whatever their verb, speak against a rule about any action; none while its noise may have brought them.

    Such a rule of success foretells that the action succeeds, and then what it changes: so it predicts (`RuleModel.speak`), and so it is
    weighed when somebody proposes it. Hence an action that failed where it speaks is against it, and so is a change that did not come.
    """
    lived = [example for table in tables.values() for example in table.rows]
    if not lived:
        return 0
    vocabulary = next(iter(tables.values())).vocabulary
    evidence = weigh([rule_answer(rule, example, vocabulary) for example in lived], lived, vocabulary)
    return evidence.wrong.bit_count() if evidence.fault() else 0


# --- silence -------------------------------------------------------------------------------------------------------------


def _silence(table: Table, rules: list[Rule]) -> Counts:
    successes = [rule for rule in rules if rule.predicts_success]
    tally: Counter[tuple[str, bool]] = Counter()
    for example in table.rows:
        bindings = dict(zip(table.parameters, example.action.args, strict=True))
        truths = [[holds(c, bindings, example.before, table.vocabulary) for c in rule.when] for rule in successes]
        tally[signature(truths), example.succeeded] += 1
    keys = {key for key, _ in tally}
    return {key: (tally[key, True], tally[key, False]) for key in sorted(keys)}
