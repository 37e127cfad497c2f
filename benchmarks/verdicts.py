"""True rules that a model knows, and learned rules that the truth contradicts: *found*, *missed* and *false*, as `truths.py` says."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agentwm.evaluation.agreement import TOLERANCE
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.language import Rule
from agentwm.rules.matching import conjunction, instances, value_of
from agentwm.rules.store import RuleStore
from agentwm.types import Action, Fluent, Outcome, Query, State, Value, Vocabulary, WorldModel
from agentwm_environments.small.truth import after

Truth = Callable[[State, Action], Sequence[Outcome]]
Thing = Fluent | str
REWARD, END = "reward", "end"
Spread = Mapping[frozenset[tuple[Thing, object]], float]


@dataclass(frozen=True, slots=True)
class Finding:
    """A true rule, the number of questions in which it speaks, and in how many of them the model is right about what it speaks of."""

    rule: Rule
    asked: int
    right: int

    @property
    def verdict(self) -> str:
        """Found, missed or not asked, as the head of `truths.py` says."""
        if not self.asked:
            return "not asked"
        return "found" if self.right == self.asked else f"missed ({self.right} of {self.asked})"


@dataclass(frozen=True, slots=True)
class Objection:
    """A learned rule, the number of questions in which it is what the model says, in how many of them the truth contradicts it, and one."""

    rule: Rule
    asked: int
    contradicted: int
    example: Query | None


def findings(
    rules: Iterable[Rule], model: WorldModel, truth: Truth, queries: Sequence[Query], vocabulary: Vocabulary
) -> list[Finding]:
    """Return, for each of the true ``rules``, how far ``model`` knows it."""
    answers = model.predict(queries)
    found = []
    for rule in rules:
        asked = right = 0
        for query, answer in zip(queries, answers, strict=True):
            true = truth(query.state, query.action)
            if not (things := spoken_of(rule, query, true, vocabulary)):
                continue
            asked += 1
            said, so = spread(answer.outcomes, things, query.state), spread(true, things, query.state)
            right += all(abs(said.get(key, 0.0) - so.get(key, 0.0)) <= TOLERANCE for key in {*said, *so})
        found.append(Finding(rule, asked, right))
    return found


def objections(
    store: RuleStore, model: WorldModel, truth: Truth, queries: Sequence[Query], vocabulary: Vocabulary
) -> list[Objection]:
    """Return, for each learned rule, what the truth has against it; ``model`` is the model of the whole store."""
    answers = model.predict(queries)
    found = []
    for rule in store.rules:
        asked = contradicted = 0
        example = None
        record = store.record(rule)
        for query, answer in zip(queries, answers, strict=True):
            true = truth(query.state, query.action)
            if not (things := spoken_of(rule, query, true, vocabulary)):
                continue
            so = spread(_arriving(rule, query, true, vocabulary), things, query.state)
            said = spread(_arriving(rule, query, answer.outcomes, vocabulary), things, query.state)
            own = _own(rule, query, true, things, vocabulary)
            if any(abs(said.get(key, 0.0) - own.get(key, 0.0)) > 1e-6 for key in {*said, *own}):
                continue  # overruled
            asked += 1
            if any(
                abs(own.get(key, 0.0) - so.get(key, 0.0))
                > TOLERANCE + error(so.get(key, 0.0), record.supports + record.contradicts)
                for key in {*own, *so}
            ):
                contradicted += 1
                example = example or query
        found.append(Objection(rule, asked, contradicted, example))
    return found


def error(share: float, number: int) -> float:
    """Return twice the standard error of a ``share`` among ``number`` transitions; 0 where none were counted."""
    return 2 * math.sqrt(share * (1 - share) / number) if number else 0.0


def spoken_of(rule: Rule, query: Query, true: Sequence[Outcome], vocabulary: Vocabulary) -> frozenset[Thing]:
    """Return what ``rule`` speaks of in this question, where ``true`` may follow; nothing where it is silent."""
    things: set[Thing] = set()
    for bindings in _instances(rule, query, vocabulary):
        if not _following(rule, bindings, query, true, vocabulary):
            continue
        for outcome in rule.outcomes:
            things |= {REWARD} if outcome.reward is not None else set()
            things |= {END} if outcome.ends else set()
            for change in outcome.changes:
                args = [value_of(arg, bindings, query.state, vocabulary) for arg in change.target.args]
                if all(isinstance(arg, str) for arg in args):
                    things.add(Fluent(change.target.name, tuple(map(str, args))))
    return frozenset(things)


def _instances(rule: Rule, query: Query, vocabulary: Vocabulary) -> list[dict[str, str]]:
    """Return the ways to bind the rule's variables under which its conditions hold."""
    bound = instances(rule, query.action, query.state)
    return [bindings for bindings in bound if conjunction(rule.when, bindings, query.state, vocabulary)]


def _arriving(rule: Rule, query: Query, outcomes: Sequence[Outcome], vocabulary: Vocabulary) -> list[Outcome]:
    """Return those of ``outcomes`` that lead to a state that the rule is about."""
    bound = _instances(rule, query, vocabulary)
    return [o for o in outcomes if any(_following(rule, bindings, query, [o], vocabulary) for bindings in bound)]


def _following(
    rule: Rule, bindings: dict[str, str], query: Query, outcomes: Sequence[Outcome], vocabulary: Vocabulary
) -> list[Outcome]:
    """Return those of ``outcomes`` that lead to a state that the rule, with its variables bound so, is about."""
    return [o for o in outcomes if conjunction(rule.after, bindings, after(query.state, o), vocabulary)]


def _own(rule: Rule, query: Query, true: Sequence[Outcome], things: frozenset[Thing], vocabulary: Vocabulary) -> Spread:
    """Return what ``rule`` by itself says of ``things``."""
    if rule.after:
        best = max(rule.outcomes, key=lambda outcome: outcome.probability)
        arrived = _arriving(rule, query, true, vocabulary)[0]
        return spread([replace(arrived, reward=best.reward, terminated=best.ends)], things, query.state)
    (prediction,) = AlignedModel.symbolic(RuleStore((rule,)), vocabulary).predict([query])
    return spread(prediction.outcomes, things, query.state)


def spread(outcomes: Sequence[Outcome], things: frozenset[Thing], state: State) -> Spread:
    """Return the probability of each way in which ``things`` may turn out, summing to 1; empty without outcomes."""
    total = sum(outcome.probability for outcome in outcomes)
    chances: dict[frozenset[tuple[Thing, object]], float] = {}
    for outcome in outcomes:
        key = frozenset((thing, _turned_out(thing, outcome, state)) for thing in things)
        chances[key] = chances.get(key, 0.0) + outcome.probability / total
    return chances


def _turned_out(thing: Thing, outcome: Outcome, state: State) -> Value:
    if isinstance(thing, Fluent):
        return outcome.changes.get(thing, state.get(thing))
    return float(outcome.reward or 0.0) if thing == REWARD else bool(outcome.terminated)
