"""The symbolic world model: learned rules over "nothing else changes"."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from agentwm.rules.language import ANY_ACTION, TICK, Rule, RuleOutcome, fluent_names
from agentwm.rules.matching import bind, conjunction, holds
from agentwm.rules.outcomes import apply_changes, changes_made, changes_of, counted
from agentwm.rules.store import RuleStore, signature
from agentwm.types import Fluent, Outcome, Prediction, Query, State, Value, Vocabulary, WorldModel

__all__ = ["AlignedModel", "FrameModel", "RuleModel", "apply"]

MOST_WAYS = 64
UNTOLD = 0.5  # the confidence in "nothing changes" where failure is not reported
ROUNDING = 0.005  # probabilities are printed with three digits


def apply(state: State, prediction: Prediction) -> State:
    """Return the state that ``prediction`` expects to follow ``state``."""
    return apply_changes(state, prediction.changes)


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


Spoken = tuple[Rule, dict[str, str]]


class RuleModel:
    """Predicts with the rules that apply for certain, and is silent (None) where none does."""

    def __init__(self, store: RuleStore, vocabulary: Vocabulary) -> None:
        self._store = store
        self._vocabulary = vocabulary
        self._by_verb: dict[str, list[Rule]] = {}
        for rule in store.rules:
            self._by_verb.setdefault(rule.verb, []).append(rule)
        self._arrivals = [rule for rule in store.rules if rule.after]

    def speak(self, query: Query) -> Prediction | None:
        """Return what the rules say, None where all are silent.

        Where rules of success and of failure both apply, an exception by kind wins, then the more trusted, then the more specific. Where
        two rules speak of the same change, or of the reward, the more specific one is believed; what they leave open is independent.
        """
        spoken = self._spoken(query)
        ways = [Outcome(1.0)]
        trust, names = 1.0, dict.fromkeys(rule.id for rule, _ in spoken)
        if spoken:
            strongest = max(
                (rule for rule, _ in spoken), key=lambda r: (_is_exception(r), self._trust(r), len(r.when), r.id)
            )
            agreeing = [(r, b) for r, b in spoken if r.predicts_success == strongest.predicts_success]
            trust = self._store.record(strongest).trust
            names = dict.fromkeys(rule.id for rule, _ in agreeing)
            if not strongest.predicts_success:
                otherwise = changes_of_success(self._by_verb[query.action.verb], query, self._vocabulary)
                outcomes = Outcome(trust, success=False), Outcome(1 - trust, otherwise)
                return Prediction(outcomes, trust, "rules", tuple(names))
            ways = self._combined(agreeing, query)
            if not self._vocabulary.reports_failure:
                trust = min(self._store.record(rule).trust for rule, _ in agreeing)
        ways, arrived = self._with_arrivals(ways, query)
        names |= dict.fromkeys(arrived)
        if not names:
            return None
        ways.sort(key=lambda way: -way.probability)
        if not self._vocabulary.reports_failure:
            return Prediction(tuple(ways), trust, "rules", tuple(names))
        scaled = [replace(way, probability=trust * way.probability) for way in ways]
        return Prediction((*scaled, Outcome(1 - trust, success=False)), trust, "rules", tuple(names))

    def _spoken(self, query: Query) -> list[Spoken]:
        """Return the rules that apply to the action, or to any, with what their variables stand for."""
        found: list[Spoken] = []
        for rule in (*self._by_verb.get(query.action.verb, ()), *self._by_verb.get(ANY_ACTION, ())):
            bindings = None if rule.after else bind(rule, query.action)
            if bindings is not None and conjunction(rule.when, bindings, query.state, self._vocabulary):
                found.append((rule, bindings))
        for rule in self._by_verb.get(TICK, ()):
            found += [
                (rule, bindings)
                for bindings in _ticking(rule, query.state)
                if conjunction(rule.when, bindings, query.state, self._vocabulary)
            ]
        return found

    def _combined(self, spoken: Sequence[Spoken], query: Query) -> list[Outcome]:
        """Return the ways in which the rules together may turn out."""
        ways = [Outcome(1.0)]
        claimed: set[Fluent | str] = set()
        for rule, bindings in sorted(spoken, key=lambda s: self._rank(s[0])):
            turns = [
                (o, changes_made(o, bindings, query.state, self._vocabulary))
                for o in rule.outcomes
                if o.success == rule.predicts_success
            ]
            targets: set[Fluent | str] = {fluent for _, changes in turns for fluent in changes}
            targets |= {"reward"} if any(o.reward is not None for o, _ in turns) else set()
            if targets & claimed:
                continue
            claimed |= targets
            ways = _product(ways, turns)
        return ways

    def _with_arrivals(self, ways: Sequence[Outcome], query: Query) -> tuple[list[Outcome], list[str]]:
        """Return each way with what the state that it leads to brings, and the rules that say so."""
        arrived: list[Outcome] = []
        names: list[str] = []
        for way in ways:
            state = apply_changes(query.state, way.changes)
            for rule in self._arrivals:
                bindings = bind(rule, query.action)
                if bindings is None or not conjunction(rule.when, bindings, query.state, self._vocabulary):
                    continue
                if not conjunction(rule.after, bindings, state, self._vocabulary):
                    continue
                best = max(rule.outcomes, key=lambda o: o.probability)
                names.append(rule.id)
                way = replace(  # noqa: PLW2901 -- one arrival after another adds to it
                    way,
                    reward=way.reward if best.reward is None else best.reward,
                    terminated=best.ends or way.terminated,
                )
            arrived.append(replace(way, changes={**way.changes, **self._counted(way.changes, query.state)}))
        return arrived, names

    def _counted(self, changes: State, state: State) -> dict[Fluent, Value]:
        """Return the counters since the last change as they stand after ``changes``."""
        return counted(changes, state, self._vocabulary)

    def _rank(self, rule: Rule) -> tuple[bool, int, float, str]:
        """Order rules by how specific they are: what is said of any action yields to what is said of this one."""
        return rule.verb in (ANY_ACTION, TICK), -len(rule.when), -self._trust(rule), rule.id

    def _trust(self, rule: Rule) -> float:
        return round(self._store.record(rule).trust, 1)


def _product(ways: Sequence[Outcome], turns: Sequence[tuple[RuleOutcome, Mapping[Fluent, Value]]]) -> list[Outcome]:
    """Return every way with every turn that one more rule may take, and with none where it leaves probability over."""
    total = sum(outcome.probability for outcome, _ in turns)
    rest: list[tuple[RuleOutcome, Mapping[Fluent, Value]]] = (
        [(RuleOutcome(1 - total), {})] if total < 1 - ROUNDING else []
    )
    scale = 1.0 if rest else 1 / total
    merged: dict[object, Outcome] = {}
    for way in ways:
        for outcome, changes in (*turns, *rest):
            joint = Outcome(
                way.probability * outcome.probability * scale,
                {**way.changes, **changes},
                reward=way.reward if outcome.reward is None else outcome.reward,
                terminated=outcome.ends or way.terminated,
                text=way.text if outcome.text is None else outcome.text,
            )
            key = (frozenset(joint.changes.items()), joint.reward, joint.terminated, joint.text)
            same = merged.get(key)
            merged[key] = joint if same is None else replace(same, probability=same.probability + joint.probability)
    return sorted(merged.values(), key=lambda o: -o.probability)[:MOST_WAYS]


def _ticking(rule: Rule, state: State) -> list[dict[str, str]]:
    """Return what the tick's variable may stand for: every thing that there is."""
    if not rule.parameters:
        return [{}]
    (name,) = rule.parameters
    return [{name: fluent.args[0]} for fluent in state if fluent.name == "sort"]


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
        if not self._vocabulary.reports_failure:
            return Prediction((Outcome(1.0, counted({}, query.state, self._vocabulary)),), UNTOLD, "frame")
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
