"""The symbolic world model: learned rules over "nothing else changes"."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from agentwm.configuration import Ask
from agentwm.rules.index import RuleIndex, Test, compiled_test
from agentwm.rules.language import ANY_ACTION, Rule, RuleOutcome, fluent_names
from agentwm.rules.matching import bind, holds, things_beside
from agentwm.rules.outcomes import Counters, MakeChanges, apply_changes, changes_of, compiled_changes
from agentwm.rules.store import Record, RuleStore, signature
from agentwm.types import Fluent, Outcome, Prediction, Query, State, Value, Vocabulary, WorldModel

if TYPE_CHECKING:
    from agentwm.models.law_model import LawModel
    from agentwm.rules.sandbox import Sandbox

__all__ = ["AlignedModel", "FrameModel", "RuleModel", "Speaker", "apply"]

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


@dataclass(frozen=True, slots=True)
class _Known:
    """A rule made ready to be asked: what it is trusted, how it ranks, what it tests on arrival and what its outcomes change."""

    rule: Rule
    trust: float
    strength: tuple[bool, float, int, str]
    rank: tuple[bool, int, float, str]
    when: tuple[Test, ...]
    after: tuple[Test, ...]
    turns: tuple[tuple[RuleOutcome, MakeChanges], ...]
    is_sure: bool

    @classmethod
    def of(cls, rule: Rule, record: Record, vocabulary: Vocabulary) -> "_Known":
        trust = record.trust
        rounded = round(trust, 1)
        likely = [outcome for outcome in rule.outcomes if outcome.success == rule.predicts_success]
        explained = sum(outcome.probability for outcome in likely)
        if not vocabulary.reports_failure and explained:
            # What is left is noise: it makes the rule less sure, not something else more probable.
            likely = [replace(outcome, probability=outcome.probability / explained) for outcome in likely]
            trust *= min(1.0, explained)
        return cls(
            rule,
            trust,
            (_is_exception(rule), rounded, len(rule.when), rule.id),
            # What is said of any action yields to what is said of this one, and the less specific to the more specific.
            (rule.verb == ANY_ACTION, -len(rule.when), -rounded, rule.id),
            tuple(compiled_test(condition, rule.names, vocabulary) for condition in rule.when),
            tuple(compiled_test(condition, rule.names, vocabulary) for condition in rule.after),
            tuple((outcome, compiled_changes(outcome, rule.names, vocabulary)) for outcome in likely),
            rule.predicts_success and len(likely) == 1 and likely[0].probability >= 1 - ROUNDING,
        )


Spoken = tuple[_Known, tuple[str, ...]]


def _rank(spoken: Spoken) -> tuple[bool, int, float, str]:
    return spoken[0].rank


class RuleModel:
    """Predicts with the rules that apply for certain, and is silent (None) where none does."""

    def __init__(self, store: RuleStore, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._by_verb: dict[str, list[Rule]] = {}
        self._of_each: dict[str, list[Rule]] = {}
        rules = [rule for rule in store.rules if rule.pays or not store.record(rule).is_guess]
        for rule in rules:
            (self._of_each if rule.each else self._by_verb).setdefault(rule.verb, []).append(rule)
        self._known = {rule.id: _Known.of(rule, store.record(rule), vocabulary) for rule in rules}
        self._index = RuleIndex(rules, vocabulary)
        self._counters = Counters(vocabulary)

    def speak(self, query: Query) -> Prediction | None:
        """Return what the rules say, None where all are silent.

        Where rules of success and of failure both apply, an exception by kind wins, then the more trusted, then the more specific. Where
        two rules speak of the same change, or of the reward, the more specific one is believed in that (DECISIONS 16); what they leave
        open is independent.
        """
        spoken, arriving = self._spoken(query)
        if not self._vocabulary.reports_failure and all(known.is_sure for known, _ in spoken):
            return self._surely(spoken, arriving, query.state)
        ways = [Outcome(1.0)]
        trust, names = 1.0, [known.rule.id for known, _ in spoken]
        if spoken:
            strongest = max((known for known, _ in spoken), key=lambda known: known.strength)
            is_success = strongest.rule.predicts_success
            agreeing = [each for each in spoken if each[0].rule.predicts_success == is_success]
            names = [known.rule.id for known, _ in agreeing]
            trust = strongest.trust
            if not is_success:
                otherwise = changes_of_success(self._by_verb.get(query.action.verb, ()), query, self._vocabulary)
                outcomes = Outcome(trust, success=False), Outcome(1 - trust, otherwise)
                return Prediction(outcomes, trust, "rules", tuple(names))
            ways = self._combined(agreeing, query.state)
            if not self._vocabulary.reports_failure:
                trust = min(known.trust for known, _ in agreeing)
        if arriving:
            ways, arrived = self._arrived(ways, arriving, query)
            names += arrived
        if not names:
            return None
        if self._counters:
            ways = [
                replace(way, changes={**way.changes, **self._counters.after(way.changes, query.state)}) for way in ways
            ]
        if not self._vocabulary.reports_failure:
            return Prediction(tuple(ways), trust, "rules", tuple(dict.fromkeys(names)))
        scaled = [replace(way, probability=trust * way.probability) for way in ways]
        return Prediction((*scaled, Outcome(1 - trust, success=False)), trust, "rules", tuple(dict.fromkeys(names)))

    def _surely(self, spoken: Sequence[Spoken], arriving: Sequence[Spoken], state: State) -> Prediction | None:
        """Return what rules say of which each knows but one way: a shorter way to what they say in general."""
        changes: dict[Fluent, Value] = {}
        reward, ends, text = None, None, None
        names: list[str] = []
        trust = 1.0
        for known, args in sorted(spoken, key=_rank) if len(spoken) > 1 else spoken:
            outcome, make = known.turns[0]
            made = make(args, state)
            names.append(known.rule.id)
            trust = min(trust, known.trust)
            changes = {**made, **changes} if changes else made
            reward = outcome.reward if reward is None else reward
            ends, text = outcome.ends or ends, outcome.text if text is None else text
        way = Outcome(1.0, changes, reward=reward, terminated=ends, text=text)
        if arriving:
            way, arrived = _on_arrival(way, arriving, apply_changes(state, changes))
            names += arrived
        if not names:
            return None
        if self._counters:
            changes.update(self._counters.after(changes, state))
        return Prediction((way,), trust, "rules", tuple(names))

    def _spoken(self, query: Query) -> tuple[list[Spoken], list[Spoken]]:
        """Return the rules that apply, with what their parameters stand for: those that speak now, and those that wait for the arrival."""
        spoken: list[Spoken] = []
        arriving: list[Spoken] = []
        for rule in self._index.applying(query.action, query.state):
            args = query.action.args if rule.parameters else ()
            (arriving if rule.after else spoken).append((self._known[rule.id], args))
        if self._of_each:
            spoken += self._spoken_of_each(query)
        return spoken, arriving

    def _spoken_of_each(self, query: Query) -> list[Spoken]:
        """Return the rules about each thing that apply, each with every thing to which it does."""
        state, action = query.state, query.action
        spoken: list[Spoken] = []
        for rule in (*self._of_each.get(action.verb, ()), *self._of_each.get(ANY_ACTION, ())):
            named = () if rule.verb == ANY_ACTION else action.args
            if rule.each and len(named) == len(rule.parameters):
                known = self._known[rule.id]
                for thing in things_beside(action, state, rule.each.sort):
                    args = (*named, thing)
                    if all(test(args, state) is True for test in known.when):
                        spoken.append((known, args))
        return spoken

    @staticmethod
    def _combined(spoken: Sequence[Spoken], state: State) -> list[Outcome]:
        """Return the ways in which the rules together may turn out, the most probable first."""
        ways = [Outcome(1.0)]
        claimed: set[Fluent | str] = set()
        for known, args in sorted(spoken, key=_rank) if len(spoken) > 1 else spoken:
            turns = [(outcome, make(args, state)) for outcome, make in known.turns]
            targets: set[Fluent | str] = {fluent for _, changes in turns for fluent in changes}
            if any(outcome.reward is not None for outcome, _ in turns):
                targets.add("reward")
            if claimed and targets & claimed:
                turns = [_unclaimed(outcome, changes, claimed) for outcome, changes in turns]
            claimed |= targets
            ways = _product(ways, turns)
        return ways

    @staticmethod
    def _arrived(ways: Sequence[Outcome], arriving: Sequence[Spoken], query: Query) -> tuple[list[Outcome], list[str]]:
        """Return each way with what the state that it leads to brings, and the rules that say so."""
        arrived: list[Outcome] = []
        names: list[str] = []
        for way in ways:
            reached, spoken = _on_arrival(way, arriving, apply_changes(query.state, way.changes))
            arrived.append(reached)
            names += spoken
        return arrived, names


def _on_arrival(way: Outcome, arriving: Sequence[Spoken], state: State) -> tuple[Outcome, list[str]]:
    """Return ``way`` with what the ``state`` that it leads to pays and whether it ends there, and the rules that say so."""
    speaking = []
    for known, args in arriving:
        for test in known.after:
            if test(args, state) is not True:
                break
        else:
            speaking.append(known)
    if not speaking:
        return way, []
    reward, ends = way.reward, way.terminated
    for known in speaking:
        best = known.turns[0][0]
        reward, ends = reward if best.reward is None else best.reward, best.ends or ends
    if (reward, ends) != (way.reward, way.terminated):
        way = replace(way, reward=reward, terminated=ends)
    return way, [known.rule.id for known in speaking]


def _unclaimed(
    outcome: RuleOutcome, changes: Mapping[Fluent, Value], claimed: Container[Fluent | str]
) -> tuple[RuleOutcome, dict[Fluent, Value]]:
    """Return what a rule may still say where others, more specific, have ``claimed`` some of what it speaks of."""
    rest = {fluent: value for fluent, value in changes.items() if fluent not in claimed}
    return replace(outcome, reward=None) if "reward" in claimed else outcome, rest


def _product(ways: Sequence[Outcome], turns: Sequence[tuple[RuleOutcome, Mapping[Fluent, Value]]]) -> list[Outcome]:
    """Return every way with every turn that one more rule may take, and with none where it leaves probability over."""
    if len(turns) == len(ways) == 1 and turns[0][0].probability >= 1 - ROUNDING:
        (outcome, changes), (way,) = turns[0], ways
        return [
            Outcome(
                way.probability,
                {**way.changes, **changes} if way.changes else changes,
                reward=way.reward if outcome.reward is None else outcome.reward,
                terminated=outcome.ends or way.terminated,
                text=way.text if outcome.text is None else outcome.text,
            )
        ]
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


def _is_exception(rule: Rule) -> bool:
    """Whether the rule says that things of certain kinds fail, whatever the circumstances."""
    return not rule.predicts_success and bool(rule.when) and all("kind" in fluent_names(c) for c in rule.when)


class FrameModel:
    """Predicts that nothing changes, with the rate at which the verb has succeeded in such circumstances."""

    def __init__(self, store: RuleStore, vocabulary: Vocabulary) -> None:
        self._store = store
        self._vocabulary = vocabulary
        self._counters = Counters(vocabulary)
        self._by_verb = {
            verb: [r for r in store.of_verb(verb) if r.predicts_success] for verb in {r.verb for r in store.rules}
        }

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order."""
        return [self._predict(query) for query in queries]

    def _predict(self, query: Query) -> Prediction:
        if not self._vocabulary.reports_failure:
            return Prediction((Outcome(1.0, self._counters.after({}, query.state)),), UNTOLD, "frame")
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


class Speaker(Protocol):
    """A world model that may have nothing to say."""

    def speak(self, queries: Sequence[Query]) -> list[Prediction | None]:
        """Return one prediction per query, in order, None where there is none; fewer where no more may be asked, one at least."""


class AlignedModel:
    """Answers with the rules and laws where they speak, and asks the base model where they are silent.

    Of a change that both rules and a law speak of, the more trusted are believed, and the rules where they are trusted alike (`LawModel`).
    With `asking`, a language model comes between the two: the base model answers only where that is not asked or not understood.

    Source: the alignment of WALL-E (Zhou et al., 2025): rules overrule the model. Here the model is not even asked, unless it is to be.
    """

    def __init__(self, rules: RuleModel, base: WorldModel, laws: "LawModel | None" = None) -> None:
        self._rules = rules
        self._base = base
        self._asked: Speaker | None = None
        self._ask: Ask = "never"
        self.laws = laws

    @classmethod
    def symbolic(cls, store: RuleStore, vocabulary: Vocabulary, *, sandbox: "Sandbox | None" = None) -> "AlignedModel":
        """Return the model that needs no language model: rules and laws over "nothing else changes".

        Laws are asked in ``sandbox``, which stays its owner's to close, or in one that ends with the model. Raises: MissingExtraError
        where there are laws and no sandbox is given or installed.
        """
        rules, base = RuleModel(store, vocabulary), FrameModel(store, vocabulary)
        if not store.laws:
            return cls(rules, base)
        from agentwm.models.law_model import LawModel  # noqa: PLC0415 -- it builds on the rules; and where there are no laws, none is loaded

        return cls(rules, base, LawModel(store, vocabulary, sandbox=sandbox))

    def asking(self, model: "Speaker", ask: Ask) -> "AlignedModel":
        """Return this model with ``model`` asked as ``ask`` says: never, where rules and laws are silent, or always.

        Rules and laws overrule it, always. Where it is asked and they speak, it adds no more than the text that they leave open.
        """
        asking = AlignedModel(self._rules, self._base, self.laws)
        asking._asked, asking._ask = model, ask
        return asking

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order; fewer where a decision may ask no more of a language model, one at least.

        Raises: BackendError when there is a language model to ask, and it cannot be asked.
        """
        spoken = [self._rules.speak(query) for query in queries]
        if self.laws is not None:
            spoken = self.laws.beside(spoken, queries)
        if self._asked is not None and self._ask != "never":
            spoken = self._beside(spoken, queries, self._asked)
        silent = [query for query, prediction in zip(queries, spoken, strict=False) if prediction is None]
        answers = iter(self._base.predict(silent)) if silent else iter(())
        return [prediction or next(answers) for prediction in spoken]

    def _beside(
        self, ruled: Sequence[Prediction | None], queries: Sequence[Query], model: "Speaker"
    ) -> list[Prediction | None]:
        """Return what is ``ruled``, and what ``model`` says where nothing is, up to where it says no more."""
        asked = [place for place, prediction in enumerate(ruled) if self._ask == "always" or prediction is None]
        said = model.speak([queries[place] for place in asked]) if asked else []
        end = asked[len(said)] if len(said) < len(asked) else len(ruled)
        guesses = dict(zip(asked, said, strict=False))
        return [
            guesses[place] if prediction is None else _worded(prediction, guesses.get(place))
            for place, prediction in enumerate(ruled[:end])
        ]

    def close(self) -> None:
        """End the laws' sandbox, if it is the model's own, without waiting until nobody holds the model. May be called twice."""
        if self.laws is not None:
            self.laws.close()


def _worded(ruled: Prediction, guess: Prediction | None) -> Prediction:
    """Return what the rules say, with the text that ``guess`` has for it, where both expect the same and the rules have no text."""
    first = ruled.outcomes[0]
    if guess is None or guess.success != ruled.success or first.text is not None:
        return ruled
    text = next((way.text for way in guess.outcomes if way.success == first.success), None)
    return ruled if text is None else replace(ruled, outcomes=(replace(first, text=text), *ruled.outcomes[1:]))
