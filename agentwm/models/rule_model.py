"""The symbolic world model: learned rules over "nothing else changes"."""

from collections.abc import Iterable, Mapping, Sequence

from agentwm.rules.language import Rule, fluent_names
from agentwm.rules.matching import UNKNOWN, bind, conjunction, holds, value_of
from agentwm.rules.store import RuleStore, signature
from agentwm.types import Fluent, Outcome, Prediction, Query, State, Value, Vocabulary, WorldModel

__all__ = ["AlignedModel", "FrameModel", "RuleModel", "apply"]


def apply(state: State, prediction: Prediction) -> State:
    """Return the state that ``prediction`` expects to follow ``state``."""
    return {**state, **prediction.changes} if prediction.changes else state


def changes_of(rule: Rule, bindings: Mapping[str, str], state: State, vocabulary: Vocabulary) -> dict[Fluent, Value]:
    """Return the changes of the rule's most probable outcome; a change to or from something unknown is left out."""
    outcome = max(rule.outcomes, key=lambda o: o.probability)
    changes: dict[Fluent, Value] = {}
    for change in outcome.changes:
        args = [value_of(arg, bindings, state, vocabulary) for arg in change.target.args]
        value = value_of(change.value, bindings, state, vocabulary)
        if value is UNKNOWN or any(arg is UNKNOWN or arg is None for arg in args):
            continue
        changes[Fluent(change.target.name, tuple(map(str, args)))] = value  # type: ignore[assignment]
    return changes


def changes_of_success(rules: Iterable[Rule], query: Query, vocabulary: Vocabulary) -> dict[Fluent, Value]:
    """Return what the action changes if it does succeed: what the rule of success says whose conditions come nearest to holding."""
    nearest: tuple[int, dict[Fluent, Value]] = (len(query.state), {})
    for rule in rules:
        bindings = bind(rule, query.action)
        if bindings is None or not rule.predicts_success:
            continue
        against = sum(holds(c, bindings, query.state, vocabulary) is False for c in rule.when)
        if against < nearest[0]:
            nearest = against, changes_of(rule, bindings, query.state, vocabulary)
    return nearest[1]


class RuleModel:
    """Predicts with the rules that apply for certain, and is silent (None) where none does."""

    def __init__(self, store: RuleStore, vocabulary: Vocabulary) -> None:
        self._store = store
        self._vocabulary = vocabulary
        self._by_verb: dict[str, list[Rule]] = {}
        for rule in store.rules:
            self._by_verb.setdefault(rule.verb, []).append(rule)

    def speak(self, query: Query) -> Prediction | None:
        """Return what the rules say, None where all are silent.

        Where rules of success and of failure both apply, an exception by kind wins, then the more trusted, then the more specific.
        """
        spoken: list[tuple[Rule, dict[str, str]]] = []
        for rule in self._by_verb.get(query.action.verb, ()):
            bindings = bind(rule, query.action)
            if bindings is not None and conjunction(rule.when, bindings, query.state, self._vocabulary):
                spoken.append((rule, bindings))
        if not spoken:
            return None
        strongest = max(
            (rule for rule, _ in spoken), key=lambda r: (_is_exception(r), self._trust(r), len(r.when), r.id)
        )
        agreeing = [(r, b) for r, b in spoken if r.predicts_success == strongest.predicts_success]
        trust = self._store.record(strongest).trust
        if not strongest.predicts_success:
            otherwise = changes_of_success(self._by_verb[query.action.verb], query, self._vocabulary)
            outcomes = Outcome(trust, success=False), Outcome(1 - trust, otherwise)
        else:
            changes: dict[Fluent, Value] = {}
            for rule, bindings in agreeing:
                if max(o.probability for o in rule.outcomes) >= 0.5:
                    changes |= changes_of(rule, bindings, query.state, self._vocabulary)
            outcomes = Outcome(trust, changes), Outcome(1 - trust, success=False)
        return Prediction(outcomes, trust, "rules", tuple(r.id for r, _ in agreeing))

    def _trust(self, rule: Rule) -> float:
        return round(self._store.record(rule).trust, 1)


def _is_exception(rule: Rule) -> bool:
    """Whether the rule says that things of certain kinds fail, whatever the circumstances."""
    return not rule.predicts_success and bool(rule.when) and all("kind" in fluent_names(c) for c in rule.when)


class FrameModel:
    """Predicts that nothing changes, with the rate at which the verb has succeeded in such circumstances."""

    def __init__(self, store: RuleStore, vocabulary: Vocabulary) -> None:
        self._store = store
        self._vocabulary = vocabulary
        self._by_verb = {
            verb: [r for r in store.of_verb(verb) if r.predicts_success] for verb in {r.verb for r in store.rules}
        }

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order."""
        return [self._predict(query) for query in queries]

    def _predict(self, query: Query) -> Prediction:
        rules = self._by_verb.get(query.action.verb, [])
        truths = []
        for rule in rules:
            bindings = bind(rule, query.action)
            if bindings is None:
                continue
            row = [holds(c, bindings, query.state, self._vocabulary) for c in rule.when]
            if not any(t is False and "sort" in set(fluent_names(c)) for c, t in zip(rule.when, row, strict=True)):
                truths.append(row)  # a rule for things of another sort says nothing here
        rate = self._store.silence.success_rate(query.action.verb, signature(truths))
        changes = {} if rate >= 0.5 else changes_of_success(rules, query, self._vocabulary)
        likely, unlikely = Outcome(rate, changes), Outcome(1 - rate, success=False)
        outcomes = (likely, unlikely) if rate >= 0.5 else (unlikely, likely)
        return Prediction(outcomes, max(rate, 1 - rate), "frame")


class AlignedModel:
    """Answers with the rules where they speak, and asks the base model where they are silent.

    Source: the alignment of WALL-E (Zhou et al., 2025): rules overrule the model. Here the model is not even asked.
    """

    def __init__(self, rules: RuleModel, base: WorldModel) -> None:
        self._rules = rules
        self._base = base

    @classmethod
    def symbolic(cls, store: RuleStore, vocabulary: Vocabulary) -> "AlignedModel":
        """Return the model that needs no language model: rules over "nothing else changes"."""
        return cls(RuleModel(store, vocabulary), FrameModel(store, vocabulary))

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order."""
        spoken = [self._rules.speak(query) for query in queries]
        silent = [query for query, prediction in zip(queries, spoken, strict=True) if prediction is None]
        answers = iter(self._base.predict(silent)) if silent else iter(())
        return [prediction or next(answers) for prediction in spoken]
