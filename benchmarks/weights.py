"""Ask what to believe where several learned rules speak of the same thing: the most specific one, or all of them, weighted.

    python benchmarks/weights.py                                      # all small worlds, after 300, 1,000 and 5,000 transitions
    python benchmarks/weights.py --worlds crafting --seeds 0 1 2 --transitions 2000
    python benchmarks/weights.py --orders                             # and other orders in which one rule may win

The play, the held-out questions and what counts as *right* are those of `truths.py`, and so is the noise: a tenth of the states that
are seen to follow is corrupted. From the same rules, learned from the same transitions, predict

- *most specific wins*: the library, `agentwm.models.rule_model`. What is said of any action yields to what is said of this one, then the
  less specific rule to the more specific, then the less trusted to the more trusted; a rule that yields in one thing is not heard at all;
- *thing by thing*: the same, but that rule is heard in everything in which it does not yield;
- *most trusted wins*: as the first, but the trust that the record gives comes first;
- *product of experts*: the probability of a value of a fluent, of the reward or of the end is proportional to the product, over the rules
  that speak of it and the frame "nothing changes", of what each of them gives it, to the power of its weight. The weights are at least 0
  and fitted by maximum likelihood to the transitions that the rules were learned from, with a Gaussian prior about 1, for the frame about
  0. Fluents that one rule moves together by chance are decided together, reward and end once the state arrived in is;
- *equal weights*: the same, every rule's weight 1 and the frame's 0.

That is done with the rules that are believed at the end and with *all ever believed*: those too that were given up after some eighth of
the play, with what was seen of them in all of it. The learner tells most rules apart itself; these were never meant to stand together.

An expert keeps one part in two hundred for what it does not say, evenly over the values in question: else nothing could outvote it. The
log-likelihood is the one to be expected of a transition from a held-out question; what was given no chance counts as one in a thousand.
Several rules *disagree* where they give something probabilities more than 0.03 apart. What one way of believing can be better than another
lies there, in what is not heard of a rule that yields, and in the frame. The time is that of predictions one by one beside the first
model's, in one run. Needs scipy (the `exact` extra).

Source of the product: OneLife (Khan et al., 2025), which fits one weight for each law and multiplies what the active ones say.
"""

import argparse
import itertools
import math
import operator
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from scipy.optimize import minimize
from truths import END, REWARD, SPECS, Thing, _both, _real, beginning, corrupted, own_play, questions

from agentwm.evaluation.agreement import TOLERANCE, agreement
from agentwm.induction.acceptance import ENOUGH
from agentwm.induction.credit import examples
from agentwm.induction.noisy import NoisyInducer, verdict
from agentwm.models.rule_model import ROUNDING, AlignedModel, FrameModel, RuleModel
from agentwm.rules.language import ANY_ACTION, TICK, Rule, RuleOutcome
from agentwm.rules.outcomes import MakeChanges, apply_changes
from agentwm.rules.store import Record, RuleStore
from agentwm.types import (
    EnvironmentOptions,
    Outcome,
    Prediction,
    Query,
    State,
    Trajectory,
    Transition,
    Value,
    Vocabulary,
    WorldModel,
)
from agentwm_environments.small.truth import KnownWorld, after

NOISE = 0.1
SOFTNESS = 0.005  # what an expert keeps for values that it does not speak for
PENALTY = 0.1  # the inverse variance of a weight's prior
LEAST = 0.001  # less probable values are not followed up
PARTS = 8  # after each of so many parts of the play it is asked what is believed
TIMED, ROUNDS = 300, 5
FRAME = "nothing changes"
SPECIFIC, PRODUCT = "most specific wins", "product of experts"

Order = Callable[[Rule, Record], tuple[Any, ...]]
Spoken = tuple[Any, tuple[str, ...]]  # a rule made ready, and what its parameters stand for


def _is_general(rule: Rule) -> bool:
    return rule.verb in (ANY_ACTION, TICK)


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


# --- measuring --------------------------------------------------------------------------------------------------------


def believed(lived: Sequence[Trajectory], words: Vocabulary) -> tuple[RuleStore, RuleStore]:
    """Return what is believed at the end, and all that ever was, with the evidence for it at the end."""
    inducer, store, number = NoisyInducer(), RuleStore(), sum(map(len, lived))
    for part in range(1, PARTS + 1):
        store = inducer.revise(store, beginning(lived, number * part // PARTS), words)
    seen = [example for trajectory in lived for example in examples(trajectory, words)]
    records = dict(store.records)
    for rule in store.retired:
        verdicts = Counter(verdict(rule, example, words) for example in seen)
        records[rule.id] = Record(
            supports=verdicts[True],
            contradicts=verdicts[False],
            state="active" if records[rule.id].foretold >= ENOUGH else "candidate",
        )
    return store, RuleStore((*store.rules, *store.retired), records)


def measured(
    store: RuleStore, lived: Sequence[Trajectory], world: KnownWorld, queries: Sequence[Query], orders: Iterable[str]
) -> tuple[dict[str, list[float]], list[float]]:
    """Return each model's scores, and how often the rules meet; the columns are those of `tell`."""
    words, equal = world.vocabulary, Experts(store, world.vocabulary)
    models: dict[str, RuleModel] = {SPECIFIC: RuleModel(store, words)}
    models |= {"thing by thing": Apart(store, words)}
    models |= {name: Ranked(store, words, ORDERS[name]) for name in orders}
    models |= {PRODUCT: Experts(store, words, fitted(equal, itertools.chain(*lived))), "equal weights": equal}
    asked = {name: AlignedModel(model, FrameModel(store, words)) for name, model in models.items()}
    times_s = _times_s(asked, queries[:: max(1, len(queries) // TIMED)])
    scores = {}
    for name, model in asked.items():
        answers = model.predict(queries)
        right, best = _both(SimpleNamespace(predict=lambda _, answers=answers: answers), world, queries)
        likelihood = statistics.mean(map(_likelihood, itertools.repeat(world), queries, answers))
        scores[name] = [100 * right, 100 * best, likelihood, times_s[name] / times_s[SPECIFIC]]
    return scores, [len(store), *_meetings(equal, asked[SPECIFIC], world, queries)]


def _times_s(models: Mapping[str, WorldModel], queries: Sequence[Query]) -> dict[str, float]:
    """Return the CPU seconds that each model takes, asked one by one: the least of some rounds in which they take turns."""
    times_s = dict.fromkeys(models, math.inf)
    for _, (name, model) in itertools.product(range(ROUNDS), models.items()):
        began_s = time.process_time()
        for query in queries:
            model.predict([query])
        times_s[name] = min(times_s[name], time.process_time() - began_s)
    return times_s


def _likelihood(world: KnownWorld, query: Query, answer: Prediction) -> float:
    """Return the expected log-likelihood of what follows."""
    said = [(_real(way, query.state, world.vocabulary), way.probability) for way in answer.outcomes]
    expected = 0.0
    for way in world.truth(*query):
        real = _real(way, query.state, world.vocabulary)
        expected += way.probability * math.log(max(LEAST, sum(p for each, p in said if each == real)))
    return expected


def _meetings(voices: Experts, library: WorldModel, world: KnownWorld, queries: Sequence[Query]) -> list[float]:
    """Return the shares of questions where several rules speak of the same, where they disagree, and where the library then is wrong."""
    met = [voices.contested(query, after(query.state, world.truth(*query)[0])) for query in queries]
    disputed = [query for query, (_, differ) in zip(queries, met, strict=True) if differ]
    wrong = len(disputed) - agreement(library, world.truth, disputed, world.vocabulary).right
    return [100 * number / len(queries) for number in (sum(several for several, _ in met), len(disputed), wrong)]


# --- telling ----------------------------------------------------------------------------------------------------------


def main() -> None:
    """Print a table for each world, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", nargs="+", default=sorted(SPECS), choices=sorted(SPECS))
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[300, 1000, 5000], help="learned from so many transitions"
    )
    parser.add_argument("--transitions", type=int, help="how long to play, where not to the largest of the sizes")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the play to learn from (0)")
    parser.add_argument("--states", type=int, default=200, help="held-out states, each with every action (200)")
    parser.add_argument("--orders", action="store_true", help="also let one rule win by other orders")
    options = parser.parse_args()
    options.sizes = sorted({min(size, options.transitions or size) for size in options.sizes})
    options.transitions, options.altered, options.usual = options.sizes[-1], None, False
    for name in options.worlds:
        if reason := SPECS[name].missing():
            print(f"\n## {name}\n\nleft out: {reason}")
            continue
        tell(name, {seed: own_play(SPECS[name], seed, options).trajectories for seed in options.seeds}, options)


def tell(name: str, plays: Mapping[int, Sequence[Trajectory]], options: argparse.Namespace) -> None:
    """Print how often rules met in this world and how each model did, the mean over the plays."""
    world = cast("KnownWorld", SPECS[name].make(EnvironmentOptions(split="test")))
    queries = questions(world, options.states)
    print(f"\n## {name}\n\n{len(queries)} held-out questions, seeds {', '.join(map(str, plays))}; means\n")
    print("| transitions | model | right | beside the first, by seed | most probable right | log-likelihood | time |")
    print("|---|---|---|---|---|---|---|")
    orders = list(ORDERS)[: None if options.orders else 1]
    meetings = []
    for size, share in itertools.product(options.sizes, (0.0, NOISE)):
        lived = [beginning(corrupted(p, share, world.vocabulary, seed=seed), size) for seed, p in plays.items()]
        stores = [believed(each, world.vocabulary) for each in lived]
        for number, of in enumerate(("", ", all ever believed")):
            found = [measured(s[number], each, world, queries, orders) for s, each in zip(stores, lived, strict=True)]
            label = f"{size:,}{', noisy' if share else ''}{of}"
            for model in found[0][0]:
                right, best, likelihood, ratio = _means(scores[model] for scores, _ in found)
                against = " ".join(f"{scores[model][0] - scores[SPECIFIC][0]:+.1f}" for scores, _ in found)
                cells = f"{right:.1f} % | {against} | {best:.1f} % | {likelihood:.4f} | {ratio:.2f}"
                print(f"| {label} | {model} | {cells} |", flush=True)
            meetings.append(
                "| {} | {:.0f} | {:.1f} % | {:.1f} % | {:.1f} % |".format(label, *_means(m for _, m in found))
            )
    print("\n| transitions | rules | several speak of the same | and disagree | and the most specific is wrong |")
    print("\n".join(["|---|---|---|---|---|", *meetings]))


def _means(rows: Iterable[Sequence[float]]) -> list[float]:
    return [statistics.mean(column) for column in zip(*rows, strict=True)]


if __name__ == "__main__":
    main()
