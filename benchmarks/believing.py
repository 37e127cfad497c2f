"""Ways to believe several rules at once: the first in some order, each thing by itself, or the product of all, weighted.

What they are, and where they come from, is said in `weights.py`.
"""

import itertools
import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from scipy.optimize import minimize
from verdicts import END, REWARD, Thing

from agentwm.evaluation.agreement import TOLERANCE
from agentwm.models.rule_model import ROUNDING, RuleModel
from agentwm.rules.language import ANY_ACTION, Rule, RuleOutcome
from agentwm.rules.outcomes import MakeChanges, apply_changes
from agentwm.rules.store import Record, RuleStore
from agentwm.types import Outcome, Prediction, Query, State, Transition, Value, Vocabulary

SOFTNESS = 0.005  # what an expert keeps for values that it does not speak for
PENALTY = 0.1  # the inverse variance of a weight's prior
LEAST = 0.001  # less probable values are not followed up
FRAME = "nothing changes"

Order = Callable[[Rule, Record], tuple[Any, ...]]
Spoken = tuple[Any, tuple[str, ...]]  # a rule made ready, and what its parameters stand for


def _is_general(rule: Rule) -> bool:
    return rule.verb == ANY_ACTION


ORDERS: Mapping[str, Order] = {
    "most trusted wins": lambda r, e: (-e.trust, _is_general(r), -len(r.when)),
    "this action, trust, specific": lambda r, e: (_is_general(r), -e.trust, -len(r.when)),
    "specific, this action, trust": lambda r, e: (-len(r.when), _is_general(r), -e.trust),
    "active, this action, specific, trust": lambda r, e: (e.state, _is_general(r), -len(r.when), -e.trust),
    "this action, active, specific, trust": lambda r, e: (_is_general(r), e.state, -len(r.when), -e.trust),
    "this action, least specific, trust": lambda r, e: (_is_general(r), len(r.when), -e.trust),
}


class Ranked(RuleModel):
    """Believes, of rules that speak of the same thing, the first in an order."""

    def __init__(self, store: RuleStore, vocabulary: Vocabulary, order: Order) -> None:
        super().__init__(store, vocabulary)
        self._known = {
            name: replace(known, rank=(*order(known.rule, store.record(known.rule)), name))
            for name, known in self._known.items()
        }


class Apart(RuleModel):
    """Believes the most specific rule of each thing by itself: a rule that yields in one thing is heard in the others."""

    def _spoken(self, query: Query) -> tuple[list[Spoken], list[Spoken]]:
        spoken, arriving = super()._spoken(query)
        claimed: set[Thing] = set()
        left: list[Spoken] = []
        for known, args in sorted(spoken, key=lambda each: each[0].rank):
            turns = [(outcome, make(args, query.state)) for outcome, make in known.turns]
            left.append((replace(known, turns=tuple(_without(claimed, *turn) for turn in turns)), args))
            claimed |= {fluent for _, changes in turns for fluent in changes}
            claimed |= {REWARD for outcome, _ in turns if outcome.reward is not None}
        return left, arriving


def _without(claimed: set[Thing], outcome: RuleOutcome, changes: State) -> tuple[RuleOutcome, MakeChanges]:
    """Return the outcome and what makes its changes, less what is ``claimed``."""
    rest = {fluent: value for fluent, value in changes.items() if fluent not in claimed}
    return replace(outcome, reward=None) if REWARD in claimed else outcome, lambda _args, _state: rest


# --- all are heard ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expert:
    """What a rule says in one question: its ways, each with its probability and how everything turns out that the rule speaks of."""

    name: str
    ways: Sequence[tuple[float, Mapping[Thing, Value]]]

    @property
    def things(self) -> Iterable[Thing]:
        """What the rule speaks of."""
        return self.ways[0][1].keys()

    def chances(self, things: Sequence[Thing], given: Mapping[Any, Value]) -> dict[tuple[Value, ...], float]:
        """Return how probable values of ``things`` are in the ways that agree with what is ``given``; in all, where none does."""
        agreeing = [
            way for way in self.ways if all(given.get(thing, value) == value for thing, value in way[1].items())
        ]
        chances: dict[tuple[Value, ...], float] = {}
        total = sum(p for p, _ in agreeing or self.ways)
        for p, way in agreeing or self.ways:
            key = tuple(way[thing] for thing in things)
            chances[key] = chances.get(key, 0.0) + p / total
        return chances


@dataclass(frozen=True, slots=True)
class Dispute:
    """The ``values`` that ``things`` may take, and for each of them the logarithms of what the experts ``names`` give it."""

    things: Sequence[Thing]
    values: tuple[tuple[Value, ...], ...]
    names: tuple[str, ...]
    logs: tuple[tuple[float, ...], ...]


def dispute(experts: Sequence[Expert], things: Sequence[Thing], state: State, given: Mapping[Any, Value]) -> Dispute:
    """Return what ``experts`` and the frame say of ``things``, with the fluents that are decided already ``given``."""
    unmoved: dict[Thing, Value] = {thing: _unmoved(thing, state) for thing in things}
    named = [dict.fromkeys([unmoved[t], *(w[t] for e in experts for _, w in e.ways if t in w)]) for t in things]
    values = tuple(itertools.product(*named))
    names, columns = [], []
    for expert in (*experts, Expert(FRAME, [(1.0, unmoved)])) if len(values) > 1 else ():
        if places := [place for place, thing in enumerate(things) if thing in expert.things]:
            chances = expert.chances([things[place] for place in places], given)
            rest = SOFTNESS / math.prod(len(named[place]) for place in places)
            said = [(1 - SOFTNESS) * chances.get(tuple(value[p] for p in places), 0.0) + rest for value in values]
            names.append(expert.name)
            columns.append(map(math.log, said))
    return Dispute(things, values, tuple(names), tuple(zip(*columns, strict=True)))


def _unmoved(thing: Thing, state: State) -> Value:
    return {REWARD: 0.0, END: False}[thing] if isinstance(thing, str) else state.get(thing)


class Experts(RuleModel):
    """Believes the product of what all rules say, each to the power of its weight: 1, but for what ``weights`` hold; 0 for the frame."""

    def __init__(self, store: RuleStore, vocabulary: Vocabulary, weights: Mapping[str, float] | None = None) -> None:
        super().__init__(store, vocabulary)
        self._weights = dict.fromkeys(self._known, 1.0) | {FRAME: 0.0} | dict(weights or {})

    def speak(self, query: Query) -> Prediction | None:
        """Return what the rules say together, None where all are silent."""
        spoken, arriving = self._spoken(query)
        if not spoken and not arriving:
            return None
        experts = _experts(spoken, query.state)
        ways: list[tuple[float, dict[Any, Value]]] = [(1.0, {})]
        for things in _together(experts):
            shares = self._shares(dispute(experts, things, query.state, {}))
            ways = [(p * share, way | values) for p, way in ways for share, values in shares]
        outcomes = []
        for p, changes in ways:
            settled = apply_changes(query.state, changes)
            late = [*experts, *_experts(_arrived(arriving, settled), query.state)]
            paid = self._shares(dispute(late, [REWARD], query.state, settled))
            ended = self._shares(dispute(late, [END], query.state, settled))
            counted = changes | self._counters.after(changes, query.state)
            outcomes += [
                Outcome(p * q * r, counted, reward=cast("float", reward[REWARD]), terminated=bool(end[END]))
                for (q, reward), (r, end) in itertools.product(paid, ended)
            ]
        outcomes.sort(key=lambda outcome: -outcome.probability)
        return Prediction(tuple(outcomes), outcomes[0].probability, "rules")

    def _shares(self, decided: Dispute) -> list[tuple[float, dict[Thing, Value]]]:
        """Return the values that are probable enough to be followed up, with their probabilities."""
        values = [dict(zip(decided.things, each, strict=True)) for each in decided.values]
        if len(values) == 1:
            return [(1.0, values[0])]
        weights = [self._weights[name] for name in decided.names]
        raised = [sum(map(operator.mul, weights, row)) for row in decided.logs]
        powers = [math.exp(each - max(raised)) for each in raised]
        total = sum(powers)
        return [(p / total, each) for p, each in zip(powers, values, strict=True) if p > LEAST * total]

    def disputes(self, query: Query, settled: State) -> Iterator[Dispute]:
        """Yield what there is to decide where the state ``settled`` follows: fluents, then reward and end."""
        spoken, arriving = self._spoken(query)
        experts = _experts(spoken, query.state)
        for things in _together(experts):
            yield dispute(experts, things, query.state, {})
        late = [*experts, *_experts(_arrived(arriving, settled), query.state)]
        for thing in (REWARD, END):
            yield dispute(late, [thing], query.state, settled)

    def contested(self, query: Query, settled: State) -> tuple[bool, bool]:
        """Return whether several rules speak of the same thing where ``settled`` follows, and whether they disagree."""
        spoken, arriving = self._spoken(query)
        heard: dict[Thing, list[dict[tuple[Value, ...], float]]] = {}
        for expert in _experts([*spoken, *_arrived(arriving, settled)], query.state):
            for thing in expert.things:
                heard.setdefault(thing, []).append(expert.chances([thing], {}))
        pairs = [pair for said in heard.values() for pair in itertools.combinations(said, 2)]
        return bool(pairs), any(abs(a.get(v, 0) - b.get(v, 0)) > TOLERANCE for a, b in pairs for v in {*a, *b})


def _experts(spoken: Iterable[Spoken], state: State) -> list[Expert]:
    """Return what each of the rules says; those that speak of nothing are left out."""
    experts = []
    for known, args in spoken:
        turns = [(outcome, make(args, state)) for outcome, make in known.turns]
        unmoved: dict[Thing, Value] = {fluent: state.get(fluent) for _, changes in turns for fluent in changes}
        unmoved |= {REWARD: 0.0} if any(outcome.reward is not None for outcome, _ in turns) else {}
        unmoved |= {END: False} if any(outcome.ends for outcome, _ in turns) else {}
        ways = []
        for outcome, changes in turns:
            late = ({} if outcome.reward is None else {REWARD: outcome.reward}) | ({END: True} if outcome.ends else {})
            ways.append((outcome.probability, {**unmoved, **changes, **late}))
        if (rest := 1 - sum(p for p, _ in ways)) > ROUNDING:
            ways.append((rest, unmoved))
        experts += [Expert(known.rule.id, ways)] if unmoved else []
    return experts


def _arrived(arriving: Iterable[Spoken], settled: State) -> list[Spoken]:
    """Return those of the rules about the state arrived in that speak in this one."""
    return [(known, args) for known, args in arriving if all(test(args, settled) is True for test in known.after)]


def _together(experts: Iterable[Expert]) -> list[list[Thing]]:
    """Return the fluents that are spoken of, in one group those that a rule moves together by chance."""
    groups: list[list[Thing]] = []
    for expert in experts:
        fluents = [thing for thing in expert.things if not isinstance(thing, str)]
        for new in [fluents] if fluents and len(expert.ways) > 1 else [[fluent] for fluent in fluents]:
            met = [group for group in groups if not set(group).isdisjoint(new)]
            groups = [group for group in groups if group not in met]
            groups.append(list(dict.fromkeys([*itertools.chain(*met), *new])))
    return groups


def fitted(model: Experts, transitions: Iterable[Transition]) -> dict[str, float]:
    """Return the weights under which the transitions are most likely, the prior counted in.

    What turned out as neither a rule nor the frame says is left out: no weight can make it likely.
    """
    seen: Counter[Any] = Counter()
    for before, action, settled, observation in ((t.before, t.action, t.after, t.observation) for t in transitions):
        happened = {**settled, REWARD: float(observation.reward), END: observation.terminated}
        for each in model.disputes(Query(before, action), settled):
            value = tuple(happened.get(thing) for thing in each.things)
            if len(each.values) > 1 and value in each.values:
                seen[each.names, each.logs, each.values.index(value)] += 1
    names = sorted({name for spoken, _, _ in seen for name in spoken})
    cases = [([names.index(name) for name in spoken], np.array(logs), so, n) for (spoken, logs, so), n in seen.items()]
    prior = np.array([float(name != FRAME) for name in names])

    def loss(weights: Any) -> tuple[float, Any]:
        total, slope = PENALTY / 2 * ((weights - prior) ** 2).sum(), PENALTY * (weights - prior)
        for places, logs, so, times in cases:
            raised = logs @ weights[places]
            log_shares = raised - raised.max() - math.log(np.exp(raised - raised.max()).sum())
            total -= times * log_shares[so]
            slope[places] -= times * (logs[so] - np.exp(log_shares) @ logs)
        return total, slope

    if not names:
        return {}
    found = minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(names))
    return dict(zip(names, map(float, found.x), strict=True))
