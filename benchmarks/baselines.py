"""Three other learners that foretell what actions do, to be compared with the one that learns rules.

All three take the same transitions and answer the same questions as a world model does. `Counts` knows states, not what they have in
common. `Trees` and `Conjunctions` are given what the learner of rules is given: its conditions as columns of true and false, and its
effects as classes, for each verb and for each thing that may change. They pool no verbs and share nothing between slots.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentwm.induction.features import Feature, Features, accepts, is_number
from agentwm.induction.table import parameter_names
from agentwm.rules.language import Change, RuleOutcome
from agentwm.rules.matching import UNKNOWN, Unknown, holds, look_up, sorts_of
from agentwm.rules.outcomes import Counters, changes_made
from agentwm.types import (
    Action,
    Condition,
    Fluent,
    Outcome,
    Prediction,
    Query,
    Ref,
    State,
    Term,
    Transition,
    Value,
    Var,
    Vocabulary,
)

__all__ = ["Conjunctions", "Counts", "Trees", "changes_between"]

MOST_WAYS = 64
LEAST_LIKELY = 1e-4

REWARD, END = "reward of the action", "end of the episode"
_KEEPS: Mapping[str, Hashable] = {REWARD: 0.0, END: False}


def changes_between(before: State, after: State) -> dict[Fluent, Value]:
    """Return what is different ``after``."""
    return {fluent: value for fluent, value in after.items() if before.get(fluent, _UNSAID) != value}


_UNSAID = object()


# --- a table of counts ------------------------------------------------------------------------------------------------


class Counts:
    """How often an action did what in this very state, static facts left out; where it was never done, nothing changes."""

    def __init__(self, transitions: Iterable[Transition], vocabulary: Vocabulary) -> None:
        self._static = {name for name, schema in vocabulary.fluents.items() if schema.static}
        self._counts: dict[object, Counter[tuple[frozenset[tuple[Fluent, Value]], float, bool]]] = {}
        for each in transitions:
            changes = frozenset(changes_between(each.before, each.after).items())
            what = changes, each.observation.reward, each.observation.terminated
            self._counts.setdefault(self._key(each.before, each.action), Counter())[what] += 1

    def _key(self, state: State, action: Action) -> object:
        return action, frozenset(item for item in state.items() if item[0].name not in self._static)

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order."""
        return [self._predict(query) for query in queries]

    def _predict(self, query: Query) -> Prediction:
        seen = self._counts.get(self._key(query.state, query.action))
        if seen is None:
            return Prediction((Outcome(1.0),), 0.5, "frame")
        outcomes = [
            Outcome(count / seen.total(), dict(changes), reward=reward, terminated=ended)
            for (changes, reward, ended), count in seen.most_common()
        ]
        return Prediction(tuple(outcomes), outcomes[0].probability, "counts")


# --- what the other two share -----------------------------------------------------------------------------------------

Label = Hashable
"""What became of a slot: a `Change`, None where it was kept; for the reward a number, for the end whether it came."""


@dataclass(slots=True)
class _Slot:
    """What became of one thing: in which examples it was there to change, what explains each, and the explanation preferred."""

    target: Ref | None
    rows: list[int] = field(default_factory=list)
    explained: list[dict[Label, None]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def settle(self) -> None:
        """Label each example by the effect that explains the most of those left: a reference before a sum, a sum before a constant."""
        self.labels = [None] * len(self.rows)
        left = {number for number, labels in enumerate(self.explained) if None not in labels}
        while left:
            tally = Counter(label for number in sorted(left) for label in self.explained[number])
            best = max(tally, key=lambda label: (tally[label], -_rank(label)))
            done = {number for number in left if best in self.explained[number]}
            for number in done:
                self.labels[number] = best
            left -= done


def _rank(label: Label) -> int:
    assert isinstance(label, Change)
    return 0 if not label.adds and isinstance(label.value, Ref | Var) else 1 if label.adds else 2


class _Table:
    """The examples of one verb with things of certain sorts, as columns of bits and slots."""

    def __init__(self, sorts: Sequence[str], vocabulary: Vocabulary) -> None:
        self.parameters = parameter_names(sorts)
        self.vocabulary = vocabulary
        self._before = Features(self.parameters, sorts, vocabulary)
        self._after = Features(self.parameters, sorts, vocabulary, arrives=True)
        self._number = 0
        self.slots: dict[str, _Slot] = {str(target): _Slot(target) for target in self._targets()}
        self.slots |= {REWARD: _Slot(None), END: _Slot(None)}

    def _targets(self) -> Iterator[Ref]:
        fluents = [schema for schema in self.vocabulary.fluents.values() if schema.is_seen_to_change]
        yield from (Ref(s.name) for s in fluents if not s.parameters and s.counts_since is None)
        unary = {s.name for s in fluents if len(s.parameters) == 1}
        yield from (
            term for term, _ in self._before.typed if isinstance(term, Ref) and term.args and term.name in unary
        )

    def append(self, transition: Transition) -> None:
        """Add one example."""
        row, self._number = self._number, self._number + 1
        values = self._before.append(row, transition.action.args, transition.before)
        self._after.append(row, transition.action.args, transition.after)
        for name, label in (
            (REWARD, transition.observation.reward),
            (END, transition.observation.terminated),
        ):
            self.slots[name].rows.append(row)
            self.slots[name].labels.append(label)
        for slot in self.slots.values():
            if slot.target is not None:
                self._append_to(slot, slot.target, row, values, transition.after)

    def _append_to(
        self, slot: _Slot, target: Ref, row: int, values: Mapping[Term, Value | Unknown], after: State
    ) -> None:
        args = [values[term] for term in target.args]
        if any(arg is None or arg is UNKNOWN for arg in args):
            return
        was = values[target]
        now = look_up(Fluent(target.name, tuple(map(str, args))), after, self.vocabulary)
        if isinstance(was, Unknown) or isinstance(now, Unknown):
            return
        slot.rows.append(row)
        slot.explained.append(dict.fromkeys(self._explanations(target, was, now, values)))

    def _explanations(
        self, target: Ref, was: Value, now: Value, values: Mapping[Term, Value | Unknown]
    ) -> Iterator[Label]:
        """Yield all that explains that a slot ``was`` and ``now`` is: nothing (None), what is copied, added or set."""
        if was == now:
            yield None
        sort = self.vocabulary.fluents[target.name].value
        if sort not in ("bool", "number"):
            for term, of in self._before.typed:
                if term != target and accepts(sort, of):
                    leads = isinstance(term, Ref) and self.vocabulary.fluents[term.name].is_reference
                    if (values[term] == now and now is not None) or (leads and values[term] is None and was == now):
                        yield Change(target, term)
        if is_number(was) and is_number(now) and was != now:
            yield Change(target, now - was, adds=True)
        yield Change(target, now)

    def finish(self) -> tuple[list[Feature], list[Feature]]:
        """Settle the labels; return the conditions on the state before, and those with the ones on the state arrived in."""
        for slot in self.slots.values():
            if slot.target is not None:
                slot.settle()
        before = self._before.all()
        return before, [*before, *self._after.all()]


class _Situation:
    """A question, and the state arrived in, of which conditions are asked one at a time."""

    def __init__(self, parameters: Sequence[str], query: Query, arrived: State, vocabulary: Vocabulary) -> None:
        self.bindings = dict(zip(parameters, query.action.args, strict=True))
        self._states = query.state, arrived
        self._vocabulary = vocabulary
        self._known: dict[tuple[Condition, bool], bool | None] = {}

    def truth(self, feature: Feature) -> bool | None:
        """Return whether the feature's condition holds, None where that is unknown."""
        key = feature.condition, feature.arrives
        if key not in self._known:
            self._known[key] = holds(feature.condition, self.bindings, self._states[feature.arrives], self._vocabulary)
        return self._known[key]


class _Foreteller(Protocol):
    """What was learned of one slot."""

    def labels(self, situation: _Situation) -> Sequence[tuple[Label, float]]:
        """Return what may become of the slot, with probabilities."""


class _Slotwise:
    """Foretells each slot on its own; what is not foretold stays as it is."""

    def __init__(self, transitions: Iterable[Transition], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._counters = Counters(vocabulary)
        tables: dict[tuple[str, tuple[str, ...]], _Table] = {}
        for each in transitions:
            key = self._key(each.before, each.action)
            if key not in tables:
                tables[key] = _Table(key[1], vocabulary)
            tables[key].append(each)
        self._learned: dict[tuple[str, tuple[str, ...]], dict[str, _Foreteller]] = {}
        for key, table in tables.items():
            before, both = table.finish()
            self._learned[key] = {
                name: self._fit(slot, both if name in _KEEPS else before, _KEEPS.get(name))
                for name, slot in table.slots.items()
                if any(label != _KEEPS.get(name) for label in slot.labels)
            }

    def _fit(self, slot: _Slot, features: Sequence[Feature], keep: Label) -> _Foreteller:
        """Return what foretells ``slot``, whose label is ``keep`` where nothing happens."""
        raise NotImplementedError

    @staticmethod
    def _key(state: State, action: Action) -> tuple[str, tuple[str, ...]]:
        return action.verb, sorts_of(action.args, state)

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Return one prediction per query, in order."""
        return [self._predict(query) for query in queries]

    def _predict(self, query: Query) -> Prediction:
        key = self._key(query.state, query.action)
        learned = self._learned.get(key, {})
        parameters = parameter_names(key[1])
        situation = _Situation(parameters, query, query.state, self._vocabulary)
        ways: dict[frozenset[tuple[Fluent, Value]], float] = {frozenset(): 1.0}
        for name, foreteller in learned.items():
            if name not in _KEEPS:
                ways = self._product(ways, foreteller.labels(situation), situation, query.state)
        outcomes: list[Outcome] = []
        for changes, chance in sorted(ways.items(), key=lambda way: -way[1]):
            made = {**dict(changes), **self._counters.after(dict(changes), query.state)}
            there = _Situation(parameters, query, {**query.state, **made}, self._vocabulary)
            rewards = learned[REWARD].labels(there) if REWARD in learned else ((0.0, 1.0),)
            ends = learned[END].labels(there) if END in learned else ((False, 1.0),)
            outcomes += [
                Outcome(chance * pays * stops, made, reward=reward, terminated=end)  # type: ignore[arg-type]
                for reward, pays in rewards
                for end, stops in ends
            ]
        outcomes.sort(key=lambda outcome: -outcome.probability)
        return Prediction(tuple(outcomes), outcomes[0].probability, "rules" if learned else "frame")

    def _product(
        self,
        ways: Mapping[frozenset[tuple[Fluent, Value]], float],
        labels: Sequence[tuple[Label, float]],
        situation: _Situation,
        state: State,
    ) -> dict[frozenset[tuple[Fluent, Value]], float]:
        turns = []
        for label, chance in labels:
            outcome = RuleOutcome(1.0, changes=(label,) if isinstance(label, Change) else ())
            made = changes_made(outcome, situation.bindings, state, self._vocabulary)
            turns.append((frozenset(item for item in made.items() if state.get(item[0], _UNSAID) != item[1]), chance))
        joint: Counter[frozenset[tuple[Fluent, Value]]] = Counter()
        for way, chance in ways.items():
            for changes, turn in turns:
                joint[way | changes] += chance * turn  # type: ignore[assignment]
        return dict(sorted(joint.items(), key=lambda way: -way[1])[:MOST_WAYS])


# --- decision trees ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tree:
    """A fitted tree, walked condition by condition."""

    features: Sequence[Feature]
    classes: Sequence[Label]
    arrays: Any

    def labels(self, situation: _Situation) -> Sequence[tuple[Label, float]]:
        """Return the shares of the labels in the leaf that the situation falls into."""
        node, arrays = 0, self.arrays
        while arrays.children_left[node] >= 0:
            is_true = situation.truth(self.features[arrays.feature[node]]) is True
            node = arrays.children_right[node] if is_true else arrays.children_left[node]
        shares = arrays.value[node][0] / arrays.value[node][0].sum()
        return [(label, float(p)) for label, p in zip(self.classes, shares, strict=True) if p > LEAST_LIKELY]


class Trees(_Slotwise):
    """A decision tree of scikit-learn for each verb and slot, as it comes, but for the least number of examples in a leaf."""

    def __init__(self, transitions: Iterable[Transition], vocabulary: Vocabulary, *, least: int = 1) -> None:
        self._least = least
        super().__init__(transitions, vocabulary)

    def _fit(self, slot: _Slot, features: Sequence[Feature], keep: Label) -> _Foreteller:  # noqa: ARG002 -- one class of many
        try:
            import numpy as np  # noqa: PLC0415 -- only this comparison needs it
            from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 -- as numpy
        except ImportError as error:
            message = "the comparison with decision trees needs scikit-learn: pip install scikit-learn"
            raise SystemExit(message) from error
        classes = list(dict.fromkeys(slot.labels))
        columns = [_column(feature.true, slot.rows) for feature in features] or [[False] * len(slot.rows)]
        tree = DecisionTreeClassifier(random_state=0, min_samples_leaf=self._least)
        tree.fit(np.array(columns, dtype=np.float32).T, [classes.index(label) for label in slot.labels])
        return _Tree(features, classes, tree.tree_)


def _column(mask: int, rows: Sequence[int]) -> list[bool]:
    word = f"{mask:b}"[::-1]
    return [row < len(word) and word[row] == "1" for row in rows]


# --- conjunctions without noise ---------------------------------------------------------------------------------------

Literal = tuple[Feature, bool]


@dataclass(frozen=True, slots=True)
class _Cover:
    """Conjunctions with the label that follows from each and the number of examples that it covers; else ``keep``."""

    conjunctions: Sequence[tuple[Sequence[Literal], Label, int]]
    keep: Label

    def labels(self, situation: _Situation) -> Sequence[tuple[Label, float]]:
        """Return the label of the conjunction that holds, of several the one that covers most."""
        held = [
            (covered, label)
            for literals, label, covered in self.conjunctions
            if all(situation.truth(feature) is wanted for feature, wanted in literals)
        ]
        return [(max(held, key=lambda pair: pair[0])[1] if held else self.keep, 1.0)]


class Conjunctions(_Slotwise):
    """For each effect a set of conjunctions that are never wrong on what was seen, found by separate and conquer.

    Each is the intersection of what is true of its examples: of the first that is left, then of every other one whose joining lets in
    no example to the contrary. An example that no conjunction tells from those to the contrary is given up. ``shortens`` then drops the
    dearest conditions first, as long as that lets in no example to the contrary.

    Source: find-S (Mitchell, 1982) within the covering of AQ (Michalski, 1969).
    """

    def __init__(self, transitions: Iterable[Transition], vocabulary: Vocabulary, *, shortens: bool = False) -> None:
        self._shortens = shortens
        super().__init__(transitions, vocabulary)

    def _fit(self, slot: _Slot, features: Sequence[Feature], keep: Label) -> _Foreteller:
        literals: list[Literal] = []
        masks: list[int] = []
        for feature in sorted(features, key=lambda f: -f.price) if self._shortens else features:
            literals += [(feature, True), (feature, False)]
            masks += [feature.true, feature.false]
        found: list[tuple[Sequence[Literal], Label, int]] = []
        for label in dict.fromkeys(slot.labels):
            if label == keep:
                continue
            inside, outside = self._sides(slot, label)
            for chosen, covered in _cover(inside, outside, masks, shortens=self._shortens):
                found.append(([literals[number] for number in chosen], label, covered))
        return _Cover(found, keep)

    @staticmethod
    def _sides(slot: _Slot, label: Label) -> tuple[int, int]:
        """Return the examples of ``label``, and those that it does not explain."""
        inside = outside = 0
        explained: Iterable[object] = slot.explained or ({each: None} for each in slot.labels)
        for row, own, explanations in zip(slot.rows, slot.labels, explained, strict=True):
            if own == label:
                inside |= 1 << row
            elif label not in explanations:  # type: ignore[operator]
                outside |= 1 << row
        return inside, outside


def _cover(inside: int, outside: int, masks: Sequence[int], *, shortens: bool) -> Iterator[tuple[list[int], int]]:
    """Yield conjunctions, as numbers of ``masks``, that hold in no row ``outside``, and how many rows ``inside`` each covers."""
    everything = inside | outside
    left = inside
    while left:
        seed = left & -left
        left ^= seed
        chosen = [number for number, mask in enumerate(masks) if mask & seed]
        if _held(chosen, masks, everything) & outside:
            continue
        others = left
        while others:
            row = others & -others
            fewer = [number for number in chosen if masks[number] & row]
            held = _held(fewer, masks, everything)
            if held & outside:
                others ^= row
            else:
                chosen = fewer
                others &= ~held
        if shortens:
            chosen = _shortened(chosen, outside, masks)
        held = _held(chosen, masks, everything)
        left &= ~held
        yield chosen, (held & inside).bit_count()


def _shortened(chosen: Sequence[int], outside: int, masks: Sequence[int]) -> list[int]:
    """Return ``chosen`` without those that are not needed to shut out every row ``outside``, the first dropped first."""
    later = [outside]  # the rows let in by the conditions after the last, the last but one, …
    for number in reversed(chosen):
        later.append(later[-1] & masks[number])
    kept: list[int] = []
    inside = -1
    for position, number in enumerate(chosen):
        if inside & later[len(chosen) - position - 1]:
            kept.append(number)
            inside &= masks[number]
    return kept


def _held(chosen: Iterable[int], masks: Sequence[int], rows: int) -> int:
    for number in chosen:
        rows &= masks[number]
    return rows
