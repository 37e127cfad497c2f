"""Predicts with laws, beside the rules: in a sandbox, and many questions at once, because that is where the time goes.

Of each change, of the reward and of the end the more trusted is believed, the rules or a law, and the rules where they are trusted
alike; what the one leaves open the other adds, as independent of it. Where the one foretells success and the other failure, only the
more trusted counts.
"""

import weakref
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Self

from agentwm.errors import LawError
from agentwm.models.rule_model import RuleModel
from agentwm.rules.laws import ROUNDING, Law, written
from agentwm.rules.matching import bind, conjunction
from agentwm.rules.outcomes import Counters, apply_changes
from agentwm.rules.sandbox import LIMITED, Sandbox, open_sandbox
from agentwm.rules.store import RuleStore
from agentwm.types import Fluent, Outcome, Prediction, Query, Vocabulary

__all__ = ["LawModel", "joined"]

# How often a law may go beyond a limit before it is asked no more, and how many answers are kept.
PATIENCE = 3
MOST_ANSWERS = 20_000
MOST_WAYS = 64


class LawModel:
    """Predicts with the laws of a store beside its rules, and is silent (None) where neither speaks.

    It asks ``sandbox``, which stays its owner's to close; without one it opens its own, and ends it when it is closed, used in a ``with``
    block, let go of, or when Python ends. A law that fails is silent: `failures` counts that, and nothing is raised.

    Raises: MissingExtraError when no sandbox is given and none is installed.
    """

    def __init__(self, store: RuleStore, vocabulary: Vocabulary, *, sandbox: Sandbox | None = None) -> None:
        self._laws = {law.id: law for law in store.laws}
        self._trust = {law.id: store.record(law).trust for law in store.laws}
        self._vocabulary = vocabulary
        self._counters = Counters(vocabulary)
        # What an arrival brings depends on where the laws lead, so it is asked for once they have spoken.
        self._arriving = [(rule, store.record(rule).trust) for rule in store.rules if rule.after]
        moving = tuple(rule for rule in store.rules if not rule.after)
        self._moving = RuleModel(replace(store, rules=moving), vocabulary)
        self._answers: dict[tuple[str, str], tuple[Prediction, ...]] = {}
        self._failures: dict[str, Counter[str]] = {}
        self._complaints: dict[str, str] = {}
        self._sandbox = open_sandbox() if sandbox is None else sandbox
        self._end = weakref.finalize(self, self._sandbox.close) if sandbox is None else None

    @property
    def failures(self) -> Mapping[str, Mapping[str, int]]:
        """How often each law gave no answer, by its id and by the reason, as in `LawError`; a question asked again counts once."""
        return {name: dict(reasons) for name, reasons in self._failures.items()}

    @property
    def complaints(self) -> Mapping[str, str]:
        """Why each of the laws in `failures` gave no answer the first time, in a sentence."""
        return dict(self._complaints)

    def close(self) -> None:
        """End the sandbox, if it is its own. May be called twice."""
        if self._end is not None:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def beside(self, ruled: Sequence[Prediction | None], queries: Sequence[Query]) -> list[Prediction | None]:
        """Return what rules and laws say together of ``queries``, of which rules alone say what is ``ruled``."""
        return [
            self._together(query, lawful) if lawful else alone
            for alone, query, lawful in zip(ruled, queries, self.speak(queries), strict=True)
        ]

    def speak(self, queries: Sequence[Query]) -> list[tuple[Prediction, ...]]:
        """Return what each law that speaks says of each of ``queries``: none where all are silent, the most trusted first."""
        keys = [written(query) for query in queries]
        new = {key: query for key, query in zip(keys, queries, strict=True) if key not in self._answers}
        if len(self._answers) + len(new) > MOST_ANSWERS:
            self._answers.clear()
            new = dict(zip(keys, queries, strict=True))
        if new:
            self._answers |= self._asked(new)
        return [self._answers[key] for key in keys]

    def _asked(self, queries: Mapping[tuple[str, str], Query]) -> dict[tuple[str, str], tuple[Prediction, ...]]:
        laws = list(self._laws.values())
        rows = self._sandbox.run(laws, list(queries.values())) if laws else []
        spoken: dict[tuple[str, str], list[Prediction]] = {key: [] for key in queries}
        for law, row in zip(laws, rows, strict=True):
            for key, answer in zip(queries, row, strict=True):
                if isinstance(answer, LawError):
                    self._count(law, answer)
                elif answer is not None:
                    spoken[key].append(self._prediction(law, answer))
        for name, reasons in self._failures.items():
            if reasons["abandoned"] or sum(reasons[reason] for reason in LIMITED) >= PATIENCE:
                self._laws.pop(name, None)
        return {key: tuple(sorted(said, key=_rank)) for key, said in spoken.items()}

    def _count(self, law: Law, failure: LawError) -> None:
        self._failures.setdefault(law.id, Counter())[failure.reason] += 1
        self._complaints.setdefault(law.id, str(failure))

    def _prediction(self, law: Law, outcomes: Sequence[Outcome]) -> Prediction:
        """Return what a law says: its outcomes and, for what it leaves to noise, that nothing changes; failure where it is not trusted."""
        trust = self._trust[law.id]
        rest = 1 - sum(outcome.probability for outcome in outcomes)
        said = (*outcomes, Outcome(rest, success=outcomes[0].success)) if rest > ROUNDING else tuple(outcomes)
        if self._vocabulary.reports_failure:
            is_success = 2 * sum(outcome.probability for outcome in said if outcome.success) >= 1
            scaled = (replace(outcome, probability=trust * outcome.probability) for outcome in said)
            said = (*scaled, Outcome(1 - trust, success=not is_success))
        return Prediction(tuple(sorted(said, key=_unlikely)), trust, "rules", (law.id,))

    def _together(self, query: Query, lawful: Sequence[Prediction]) -> Prediction:
        """Return what the rules and the laws that speak say, then what the states that this leads to bring."""
        moved = self._moving.speak(query)
        # Sorting is stable: the rules come first among what is trusted alike.
        spoken = sorted([*([moved] if moved else []), *lawful], key=lambda said: -said.confidence)
        said = reduce(joined, spoken)
        firm = {what: each.confidence for each in reversed(lawful) for what in _spoken_of(each.outcomes)}
        names = list(said.rules)
        outcomes = []
        for outcome in said.outcomes:
            arrived, brought = self._arrived(outcome, query, firm) if outcome.success else (outcome, [])
            names += brought
            counted = self._counters.after(arrived.changes, query.state) if self._counters else {}
            outcomes.append(replace(arrived, changes={**arrived.changes, **counted}) if counted else arrived)
        return replace(said, outcomes=tuple(outcomes), rules=tuple(dict.fromkeys(names)))

    def _arrived(self, outcome: Outcome, query: Query, firm: Mapping[Fluent | str, float]) -> tuple[Outcome, list[str]]:
        """Return ``outcome`` with what the state that it leads to brings, and the rules that say so.

        ``firm`` is how far a law is trusted that speaks of the reward or the end itself: a rule trusted less does not overrule it.
        """
        state = apply_changes(query.state, outcome.changes)
        names = []
        for rule, trust in self._arriving:
            bindings = bind(rule, query.action)
            if bindings is None or not conjunction(rule.when, bindings, query.state, self._vocabulary):
                continue
            if conjunction(rule.after, bindings, state, self._vocabulary):
                best = max(rule.outcomes, key=lambda each: each.probability)
                pays = best.reward is not None and trust >= firm.get("reward", 0.0)
                ends = best.ends and trust >= firm.get("the end", 0.0)
                outcome = replace(
                    outcome,
                    reward=best.reward if pays else outcome.reward,
                    terminated=True if ends else outcome.terminated,
                )
                names.append(rule.id)
        return outcome, names


def joined(leader: Prediction, follower: Prediction) -> Prediction:
    """Return what two predictions say together: all that ``leader`` says, and what ``follower`` says of other things."""
    taken = _spoken_of(leader.outcomes)
    if leader.success != follower.success or _spoken_of(follower.outcomes) <= taken:
        return leader
    outcomes: list[Outcome] = []
    for outcome in leader.outcomes:
        others = _merged(_without(taken, other) for other in follower.outcomes if other.success == outcome.success)
        total = sum(other.probability for other in others)
        outcomes += [_both(outcome, other, other.probability / total) for other in others] if total else [outcome]
    return Prediction(
        tuple(sorted(_merged(outcomes), key=_unlikely)[:MOST_WAYS]),
        min(leader.confidence, follower.confidence),
        "rules",
        (*leader.rules, *follower.rules),
    )


def _both(outcome: Outcome, other: Outcome, chance: float) -> Outcome:
    return replace(
        outcome,
        probability=outcome.probability * chance,
        changes={**outcome.changes, **other.changes},
        reward=other.reward if outcome.reward is None else outcome.reward,
        terminated=other.terminated if outcome.terminated is None else outcome.terminated,
        text=other.text if outcome.text is None else outcome.text,
    )


def _spoken_of(outcomes: Iterable[Outcome]) -> set[Fluent | str]:
    """Return what any of ``outcomes`` changes, and whether one says something of the reward and of the end."""
    found: set[Fluent | str] = set()
    for outcome in outcomes:
        found |= outcome.changes.keys()
        found |= {"reward"} if outcome.reward is not None else set()
        found |= {"the end"} if outcome.terminated is not None else set()
    return found


def _without(taken: set[Fluent | str], outcome: Outcome) -> Outcome:
    return replace(
        outcome,
        changes={fluent: value for fluent, value in outcome.changes.items() if fluent not in taken},
        reward=None if "reward" in taken else outcome.reward,
        terminated=None if "the end" in taken else outcome.terminated,
    )


def _merged(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return ``outcomes`` with equal ones made one."""
    merged: dict[object, Outcome] = {}
    for outcome in outcomes:
        key = (frozenset(outcome.changes.items()), outcome.success, outcome.reward, outcome.terminated, outcome.text)
        same = merged.get(key)
        merged[key] = outcome if same is None else replace(same, probability=same.probability + outcome.probability)
    return list(merged.values())


def _rank(said: Prediction) -> tuple[float, tuple[str, ...]]:
    return -said.confidence, said.rules


def _unlikely(outcome: Outcome) -> float:
    return -outcome.probability
