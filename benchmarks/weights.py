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
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import cast

from believing import LEAST, ORDERS, Apart, Experts, Ranked, fitted
from small_worlds import SPECS, beginning, corrupted, own_play, questions, real, shares_right

from agentwm.evaluation.agreement import agreement
from agentwm.induction.acceptance import ENOUGH
from agentwm.induction.credit import examples
from agentwm.induction.noisy import NoisyInducer, verdict
from agentwm.models.rule_model import AlignedModel, FrameModel, RuleModel
from agentwm.rules.store import Record, RuleStore
from agentwm.types import EnvironmentOptions, Prediction, Query, Trajectory, Vocabulary, WorldModel
from agentwm_environments.small.truth import KnownWorld, after

NOISE = 0.1
PARTS = 8  # after each of so many parts of the play it is asked what is believed
TIMED, ROUNDS = 300, 5
SPECIFIC, PRODUCT = "most specific wins", "product of experts"


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
        right, best = shares_right(SimpleNamespace(predict=lambda _, answers=answers: answers), world, queries)
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
    said = [(real(way, query.state, world.vocabulary), way.probability) for way in answer.outcomes]
    expected = 0.0
    for way in world.truth(*query):
        true = real(way, query.state, world.vocabulary)
        expected += way.probability * math.log(max(LEAST, sum(p for each, p in said if each == true)))
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
    most = options.sizes[-1]
    for name in options.worlds:
        if reason := SPECS[name].missing():
            print(f"\n## {name}\n\nleft out: {reason}")
            continue
        tell(name, {seed: own_play(SPECS[name], seed, most).trajectories for seed in options.seeds}, options)


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
