"""Hold what an agent learns from its own play against the truth of the small worlds: rules, sample efficiency, noise, time.

    python benchmarks/truths.py                                        # rules found, missed and false, after 5,000 transitions
    python benchmarks/truths.py --worlds crafting --altered 3 --show 5
    python benchmarks/truths.py --curve --noise 0.1 --seeds 0 1 2      # and how soon, beside other learners; and with noise
    python benchmarks/truths.py --time                                 # learning time and predictions per second, nothing else

An agent plays to learn, from an empty store, in training tasks drawn by the seed, until it has seen so many transitions. Then it is asked
what each action would do in held-out states: up to 200 of the world's `test` tasks (the same ones for every seed), evenly over the kinds
of situation that there are, with every action. Frozen ice has one map, and so no other states than those that it learned in.

*Right* is an answer whose every probability is within 0.03 of the truth's (`agentwm.evaluation.agreement`): real changes, reward and end
together, without the counters that the agent keeps itself. *Wrongly sure* is one that is wrong although a rule was surer than 0.97.

Rules. The world's ``TRUE_RULES`` are the truth of the ordinary laws in the language of rules. A rule *speaks* in a held-out question
where its conditions hold; one about the state arrived in speaks where the truth may lead to such a state. It speaks *of* what its
outcomes name: fluents (with the arguments they have there), the reward, the end.

- *Found* is a true rule where, in every question in which it speaks, the model's probabilities of what it speaks of are within 0.03 of the
  truth's. Which learned rules the model owes that to is not asked: one may say what two true ones say.
- *Missed* is one where they are not, be it once; in how many they are is said beside it. Where no held-out question lets it speak, it is
  *not asked*.
- *False* is a learned rule that the truth contradicts in some question in which it speaks: the probability of something that it speaks of
  is off by more than 0.03 and twice the standard error of a share among the transitions it was learned from. So a rule that says what
  never happens, or denies what always does, is false whatever its evidence. A rule about the state arrived in is held against those ways
  alone that lead there. Where a more specific learned rule overrules it, so that the model says otherwise, it is not asked.

Noise corrupts a share of the states that are seen to follow: one to three of the fluents that can change are replaced with other values
that they were seen to have. What an action was done in, reward and end are left alone. Learning is then from the same play. Noise that
is learned as such makes every answer a little less sure, and 0.03 is soon used up; so it is also counted how often what is held to be
most probable is one of the truth's most probable ways.

The comparison with decision trees needs scikit-learn (pip install scikit-learn), FrozenLake and Taxi need gymnasium.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from baselines import Conjunctions, Counts, Trees
from learning_time import tell_time
from small_worlds import (
    SPECS,
    TRUE_RULES,
    Play,
    all_of,
    alters,
    beginning,
    corrupted,
    own_play,
    questions,
    said,
    shares_right,
)
from verdicts import Finding, Objection, findings, objections

from agentwm.evaluation.agreement import Agreement, agreement
from agentwm.induction.noisy import NoisyInducer
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.language import Rule, parse_rule
from agentwm.types import EnvironmentOptions, Query, Trajectory, Vocabulary, WorldModel
from agentwm_environments.small.truth import KnownWorld

SIZES = (10, 30, 100, 300, 1000, 3000)
LONGEST = (1000, 3000, 10_000, 30_000, 100_000)

Learn = Callable[[Sequence[Trajectory], Vocabulary], WorldModel]


def main() -> None:
    """Print what was asked for, as Markdown."""
    options = _options()
    if options.time:
        tell_time(options.time_sizes)
        return
    for name in options.worlds:
        spec = SPECS[name]
        if reason := spec.missing():
            print(f"\n## {name}\n\nleft out: {reason}")
            continue
        held_out = cast(
            "KnownWorld",
            spec.make(EnvironmentOptions(split="test", altered=options.altered if alters(name) else None)),
        )
        queries = questions(held_out, options.states)
        plays = [
            own_play(spec, seed, options.transitions, altered=options.altered, is_usual=options.usual)
            for seed in options.seeds
        ]
        print(f"\n## {name}{'' if options.altered is None or not alters(name) else f', altered by {options.altered}'}")
        print(f"\n{len(queries)} held-out questions, seeds {', '.join(map(str, options.seeds))}")
        tell_truths(name, plays, held_out, queries, options)
        if options.curve:
            tell_curve(plays, held_out, queries)
        if options.noise:
            tell_noise(plays, held_out, queries, options.noise)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", nargs="+", default=sorted(SPECS), choices=sorted(SPECS))
    parser.add_argument("--transitions", type=int, default=5000, help="how many to learn from (5000)")
    parser.add_argument(
        "--usual", action="store_true", help="stop after as many episodes as are played by default, too"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the play to learn from (0)")
    parser.add_argument("--altered", type=int, help="draws other laws where there are such (crafting, locks)")
    parser.add_argument("--states", type=int, default=200, help="held-out states, each with every action (200)")
    parser.add_argument("--show", type=int, default=0, help="how many questions answered wrongly to show")
    parser.add_argument(
        "--curve", action="store_true", help="also learn from the first 10, 30 … transitions, beside others"
    )
    parser.add_argument("--noise", type=float, default=0.0, help="also learn with this share of corrupted transitions")
    parser.add_argument(
        "--time", action="store_true", help="measure learning and prediction time in crafting, nothing else"
    )
    parser.add_argument("--time-sizes", type=int, nargs="+", default=LONGEST, help="after how many transitions")
    options = parser.parse_args()
    if not 0 <= options.noise < 1:
        parser.error(f"expected a share from 0 to 1, got --noise {options.noise}")
    return options


# --- A: truths recovered ----------------------------------------------------------------------------------------------


def tell_truths(
    name: str, plays: Sequence[Play], world: KnownWorld, queries: Sequence[Query], options: argparse.Namespace
) -> None:
    """Print the shares answered rightly, and which rules were found, missed and false."""
    words = world.vocabulary
    true = [] if options.altered is not None and alters(name) else list(map(parse_rule, TRUE_RULES[name].splitlines()))
    by_chance = [query for query in queries if len(world.truth(*query)) > 1]
    found: list[list[Finding]] = []
    against: list[list[Objection]] = []
    print(
        "\n| seed | episodes | transitions | won | rules | right | where something happens | where chance decides | wrongly sure "
        "| found | false | never spoke | CPU |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for play in plays:
        model = AlignedModel.symbolic(play.store, words)
        met = agreement(model, world.truth, queries, words, most_differences=options.show)
        chance = agreement(model, world.truth, by_chance, words)
        found.append(findings(true, model, world.truth, queries, words))
        against.append(objections(play.store, model, world.truth, queries, words))
        won = sum(t.transitions[-1].observation.reward > 0 for t in play.trajectories)
        asked = [finding for finding in found[-1] if finding.asked]
        known = f"{sum(finding.right == finding.asked for finding in asked)} of {len(asked)}" if asked else "-"
        print(
            f"| {play.seed} | {len(play.trajectories)} | {play.transitions} | {won} | {len(play.store)} "
            f"| {_percent(met.right, met.asked)} | {_percent(met.changing_right, met.changing)} "
            f"| {_percent(chance.right, chance.asked)} | {met.wrongly_sure} "
            f"| {known} | {sum(o.contradicted > 0 for o in against[-1])} "
            f"| {sum(not o.asked for o in against[-1])} | {play.cpu_s:.0f} s |"
        )
        _tell_differences(met, play.seed)
    _tell_found(plays, true, found)
    _tell_false(plays, against, world)


def _percent(part: float, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _tell_differences(met: Agreement, seed: int) -> None:
    for query, prediction, true in met.differences:
        print(f"seed {seed}, {query.action}: {said(true)}; said {said(prediction.outcomes)}", file=sys.stderr)


def _tell_found(plays: Sequence[Play], true: Sequence[Rule], found: Sequence[Sequence[Finding]]) -> None:
    if not true:
        print("\nThe laws are altered: the true rules of the ordinary ones are not held against them.")
        return
    print(f"\n| true rule | {' | '.join(f'seed {play.seed}' for play in plays)} |")
    print(f"|---{'|---' * len(plays)}|")
    for number, rule in enumerate(true):
        print(f"| {rule.sentence()} | {' | '.join(each[number].verdict for each in found)} |")


def _tell_false(plays: Sequence[Play], against: Sequence[Sequence[Objection]], world: KnownWorld) -> None:
    print()
    for play, objected in zip(plays, against, strict=True):
        for each in objected:
            if each.example is None:
                continue
            action = each.example.action
            print(
                f"- false, seed {play.seed}, contradicted in {each.contradicted} of {each.asked}: {each.rule.sentence()} "
                f"— {action}: {said(world.truth(each.example.state, action))}"
            )
    if not any(each.example for objected in against for each in objected):
        print("No learned rule is false.")


# --- B: sample efficiency ---------------------------------------------------------------------------------------------


def _learn_rules(trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> WorldModel:
    return AlignedModel.symbolic(NoisyInducer().induce(trajectories, vocabulary), vocabulary)


LEARNERS: Mapping[str, Learn] = {
    "rules": _learn_rules,
    "counts": lambda lived, words: Counts(all_of(lived), words),
    "trees": lambda lived, words: Trees(all_of(lived), words),
    "trees, leaves of 5": lambda lived, words: Trees(all_of(lived), words, least=5),
    "conjunctions": lambda lived, words: Conjunctions(all_of(lived), words),
    "conjunctions, shortened": lambda lived, words: Conjunctions(all_of(lived), words, shortens=True),
}


def tell_curve(plays: Sequence[Play], world: KnownWorld, queries: Sequence[Query]) -> None:
    """Print how much each learner answers rightly after the first so many transitions of the same play, the mean over the plays."""
    print(
        "\nRight of all questions / of those in which something happens, in per cent; * where the rules are not ahead.\n"
    )
    print(f"| transitions | {' | '.join(LEARNERS)} |\n|---{'|---' * len(LEARNERS)}|")
    for number in SIZES:
        met = {
            name: [_asked(learn, beginning(play.trajectories, number), world, queries) for play in plays]
            for name, learn in LEARNERS.items()
            if all(play.transitions >= number for play in plays)
        }
        if met:
            print(f"| {number:,} | {' | '.join(_cells(met))} |", flush=True)


def _asked(
    learn: Learn, trajectories: Sequence[Trajectory], world: KnownWorld, queries: Sequence[Query]
) -> tuple[float, float]:
    met = agreement(learn(trajectories, world.vocabulary), world.truth, queries, world.vocabulary)
    return 100 * met.right / met.asked, 100 * met.changing_right / max(1, met.changing)


def _cells(met: Mapping[str, Sequence[tuple[float, float]]]) -> Iterator[str]:
    """Yield the means, each of another learner's with a mark where it is not below that of the rules."""
    means = {
        name: [round(statistics.mean(part), 1) for part in zip(*pairs, strict=True)] for name, pairs in met.items()
    }
    for name, both in means.items():
        marks = ["*" if name != "rules" and one >= ours else "" for one, ours in zip(both, means["rules"], strict=True)]
        yield " / ".join(f"{mean:.1f}{mark}" for mean, mark in zip(both, marks, strict=True))


# --- C: noise ---------------------------------------------------------------------------------------------------------


def tell_noise(plays: Sequence[Play], world: KnownWorld, queries: Sequence[Query], share: float) -> None:
    """Print how much each learner answers rightly without and with noise, in probabilities and in what is most probable."""
    number = min(play.transitions for play in plays)
    print(
        f"\nLearned from {number:,} transitions, of which {share:.0%} have a corrupted next state; the mean over the seeds.\n"
    )
    print("| learner | right, clean | right, noisy | most probable right, clean | most probable right, noisy |")
    print("|---|---|---|---|---|")
    for name, learn in LEARNERS.items():
        scores = [
            [
                score
                for lived in (play.trajectories, corrupted(play.trajectories, share, world.vocabulary, seed=play.seed))
                for score in shares_right(learn(beginning(lived, number), world.vocabulary), world, queries)
            ]
            for play in plays
        ]
        clean, clean_best, noisy, noisy_best = (statistics.mean(column) for column in zip(*scores, strict=True))
        cells = " | ".join(f"{100 * each:.1f} %" for each in (clean, noisy, clean_best, noisy_best))
        print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
