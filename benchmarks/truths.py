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
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from baselines import Conjunctions, Counts, Trees, changes_between

from agentwm.agent import Episode
from agentwm.evaluation.agreement import TOLERANCE, Agreement, agreement
from agentwm.induction.credit import Example
from agentwm.induction.effects import EffectsLearner
from agentwm.induction.noisy import NoisyInducer
from agentwm.minds import Learner
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.language import Rule, parse_rule
from agentwm.rules.matching import bind, conjunction, value_of
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Action,
    Condition,
    EnvironmentOptions,
    EnvironmentSpec,
    Fluent,
    Outcome,
    Query,
    Ref,
    State,
    Trajectory,
    Transition,
    Value,
    Vocabulary,
    WorldModel,
)
from agentwm_environments.small import crafting, frozenlake, locks, taxi
from agentwm_environments.small.truth import KnownWorld, after, drawn

SPECS = {spec.name: spec for spec in (crafting.SPEC, frozenlake.SPEC, locks.SPEC, taxi.SPEC)}
TRUE_RULES = {
    "crafting": crafting.TRUE_RULES,
    "frozenlake": frozenlake.TRUE_RULES,
    "locks": locks.TRUE_RULES,
    "taxi": taxi.TRUE_RULES,
}
SIZES = (10, 30, 100, 300, 1000, 3000)
LONGEST = (1000, 3000, 10_000, 30_000, 100_000)
MOST_RULES = 500
MOST_TASKS = 5000

Truth = Callable[[State, Action], Sequence[Outcome]]
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
            spec.make(EnvironmentOptions(split="test", altered=options.altered if _alters(name) else None)),
        )
        queries = questions(held_out, options.states)
        plays = [own_play(spec, seed, options) for seed in options.seeds]
        print(f"\n## {name}{'' if options.altered is None or not _alters(name) else f', altered by {options.altered}'}")
        print(f"\n{len(queries)} held-out questions, seeds {', '.join(map(str, options.seeds))}")
        tell_truths(name, plays, held_out, queries, options)
        if options.curve:
            tell_curve(plays, held_out, queries)
        if options.noise:
            tell_noise(plays, held_out, queries, options.noise)


def _alters(name: str) -> bool:
    return name in ("crafting", "locks")


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


# --- play -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Play:
    """What an agent lived through and learned by itself, and what that took."""

    seed: int
    trajectories: Sequence[Trajectory]
    store: RuleStore
    cpu_s: float

    @property
    def transitions(self) -> int:
        """How many actions there were."""
        return sum(map(len, self.trajectories))


def own_play(spec: EnvironmentSpec, seed: int, options: argparse.Namespace) -> Play:
    """Return the play of an agent that began with no rules, in as many tasks as it takes."""
    altered = options.altered if _alters(spec.name) else None
    count = spec.learn if options.usual else MOST_TASKS
    world = spec.make(EnvironmentOptions(split="train", learning=True, count=count, seed=seed, altered=altered))
    learner = Learner()
    trajectories: list[Trajectory] = []
    began_s, left = time.process_time(), options.transitions
    for number, task in enumerate(world.tasks()):
        episode = Episode(world, task, seed=seed)
        learner.play(episode, rng=random.Random(f"{seed}-{number}"), max_steps=min(spec.learning_steps, left))
        learner.conclude(episode)
        trajectories.append(episode.trajectory)
        left -= len(episode.transitions)
        if left <= 0:
            break
    play = Play(seed, trajectories, learner.store, time.process_time() - began_s)
    print(f"{spec.name}, seed {seed}: played and learned in {play.cpu_s:.0f} s of CPU", file=sys.stderr)
    return play


def questions(world: KnownWorld, states: int) -> list[Query]:
    """Return the held-out questions: every action in each of up to so many states."""
    found = world.states(random.Random("held out"), states)
    return [Query(state, action) for state in found for action in world.actions(state)]


# --- found, missed and false ------------------------------------------------------------------------------------------

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
        """Found, missed or not asked, as the head of this file says."""
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
    bindings = bind(rule, query.action)
    if bindings is None or not conjunction(rule.when, bindings, query.state, vocabulary):
        return frozenset()
    if not _arriving(rule, query, true, vocabulary):
        return frozenset()
    things: set[Thing] = set()
    for outcome in rule.outcomes:
        things |= {REWARD} if outcome.reward is not None else set()
        things |= {END} if outcome.ends else set()
        for change in outcome.changes:
            args = [value_of(arg, bindings, query.state, vocabulary) for arg in change.target.args]
            if all(isinstance(arg, str) for arg in args):
                things.add(Fluent(change.target.name, tuple(map(str, args))))
    return frozenset(things)


def _arriving(rule: Rule, query: Query, outcomes: Sequence[Outcome], vocabulary: Vocabulary) -> list[Outcome]:
    """Return those of ``outcomes`` that lead to a state that the rule is about."""
    bindings = bind(rule, query.action) or {}
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


# --- A: truths recovered ----------------------------------------------------------------------------------------------


def tell_truths(
    name: str, plays: Sequence[Play], world: KnownWorld, queries: Sequence[Query], options: argparse.Namespace
) -> None:
    """Print the shares answered rightly, and which rules were found, missed and false."""
    words = world.vocabulary
    true = [] if options.altered is not None and _alters(name) else list(map(parse_rule, TRUE_RULES[name].splitlines()))
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
        print(f"seed {seed}, {query.action}: {_said(true)}; said {_said(prediction.outcomes)}", file=sys.stderr)


def _said(outcomes: Sequence[Outcome]) -> str:
    return " or ".join(
        f"{o.probability:.2f} "
        + ", ".join(
            [*(f"{fluent} = {value}" for fluent, value in o.changes.items()), f"reward {o.reward}"]
            + (["the end"] if o.terminated else [])
        )
        for o in outcomes
    )


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
                f"— {action}: {_said(world.truth(each.example.state, action))}"
            )
    if not any(each.example for objected in against for each in objected):
        print("No learned rule is false.")


# --- B: sample efficiency ---------------------------------------------------------------------------------------------


def _learn_rules(trajectories: Sequence[Trajectory], vocabulary: Vocabulary) -> WorldModel:
    return AlignedModel.symbolic(NoisyInducer().induce(trajectories, vocabulary), vocabulary)


LEARNERS: Mapping[str, Learn] = {
    "rules": _learn_rules,
    "counts": lambda lived, words: Counts(_all(lived), words),
    "trees": lambda lived, words: Trees(_all(lived), words),
    "trees, leaves of 5": lambda lived, words: Trees(_all(lived), words, least=5),
    "conjunctions": lambda lived, words: Conjunctions(_all(lived), words),
    "conjunctions, shortened": lambda lived, words: Conjunctions(_all(lived), words, shortens=True),
}


def _all(trajectories: Iterable[Trajectory]) -> list[Transition]:
    return [transition for trajectory in trajectories for transition in trajectory]


def beginning(trajectories: Iterable[Trajectory], number: int) -> list[Trajectory]:
    """Return the first ``number`` transitions of the play."""
    kept: list[Trajectory] = []
    for trajectory in trajectories:
        if number <= 0:
            break
        kept.append(replace(trajectory, transitions=trajectory.transitions[:number]))
        number -= len(trajectory)
    return kept


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
                for score in _both(learn(beginning(lived, number), world.vocabulary), world, queries)
            ]
            for play in plays
        ]
        clean, clean_best, noisy, noisy_best = (statistics.mean(column) for column in zip(*scores, strict=True))
        cells = " | ".join(f"{100 * each:.1f} %" for each in (clean, noisy, clean_best, noisy_best))
        print(f"| {name} | {cells} |", flush=True)


def _both(model: WorldModel, world: KnownWorld, queries: Sequence[Query]) -> tuple[float, float]:
    """Return the shares of questions answered rightly, and of those whose most probable answer is one of the truth's most probable."""
    met = agreement(model, world.truth, queries, world.vocabulary)
    right = 0
    for query, answer in zip(queries, model.predict(queries), strict=True):
        true = world.truth(query.state, query.action)
        most = [_real(o, query.state, world.vocabulary) for o in true if o.probability > true[0].probability - 1e-9]
        right += _real(answer.outcomes[0], query.state, world.vocabulary) in most
    return met.share, right / len(queries)


def _real(outcome: Outcome, state: State, vocabulary: Vocabulary) -> object:
    changes = {
        fluent: value
        for fluent, value in outcome.changes.items()
        if state.get(fluent) != value and vocabulary.fluents[fluent.name].counts_since is None
    }
    return changes, float(outcome.reward or 0.0), bool(outcome.terminated)


def corrupted(
    trajectories: Sequence[Trajectory], share: float, vocabulary: Vocabulary, *, seed: int
) -> list[Trajectory]:
    """Return the play as a bad eye would have seen it; see the head of this file."""
    rng = random.Random(f"noise {seed}")
    seen: dict[str, dict[Value, None]] = {}
    for transition in _all(trajectories):
        for fluent, value in transition.after.items():
            schema = vocabulary.fluents[fluent.name]
            if not schema.static and schema.counts_since is None:
                seen.setdefault(fluent.name, {})[value] = None
    return [
        replace(
            trajectory,
            transitions=tuple(_corrupted(t, seen, rng) if rng.random() < share else t for t in trajectory),
        )
        for trajectory in trajectories
    ]


def _corrupted(transition: Transition, seen: Mapping[str, Mapping[Value, None]], rng: random.Random) -> Transition:
    fluents = [fluent for fluent in transition.after if len(seen.get(fluent.name, ())) > 1]
    wrong = dict(transition.after)
    for fluent in rng.sample(fluents, min(len(fluents), rng.randint(1, 3))):
        wrong[fluent] = rng.choice([value for value in seen[fluent.name] if value != wrong[fluent]])
    return replace(transition, after=wrong, changed=changes_between(transition.before, wrong))


# --- D: time ----------------------------------------------------------------------------------------------------------

_IDLE = 0.1
_EPISODE = 250
_ASKED = 500
_LEAST_S = 2.0


def tell_time(sizes: Sequence[int]) -> None:
    """Print how long learning takes after so many transitions of busy random play in crafting, and how fast rules predict."""
    world = crafting.make(EnvironmentOptions(split="train", count=MOST_TASKS))
    learner = EffectsLearner(world.vocabulary)
    transitions = busy_play(world, random.Random(0))
    appended_s, totals_s, known = 0.0, [], 0
    print("\nCPU seconds for appending transitions one by one and fitting once at the end.\n")
    print("| transitions | append | fit | together | per transition | rules |\n|---|---|---|---|---|---|")
    for number in sizes:
        while known < number:
            example = next(transitions)
            began_s = time.process_time()
            learner.append(example)
            appended_s += time.process_time() - began_s
            known += 1
        began_s = time.process_time()
        rules = [learned.rule for learned in learner.rules()]
        fitted_s = time.process_time() - began_s
        totals_s.append(appended_s + fitted_s)
        print(
            f"| {number:,} | {appended_s:.2f} s | {fitted_s:.2f} s | {totals_s[-1]:.2f} s "
            f"| {1000 * totals_s[-1] / number:.3f} ms | {len(rules)} |",
            flush=True,
        )
    if len(sizes) > 1:
        last = exponent(sizes[-2:], totals_s[-2:])
        print(
            f"\nExponent of growth: {exponent(sizes, totals_s):.2f} by least squares over the logarithms, {last:.2f} in the last step."
        )
    _tell_rate(rules, world)


def exponent(numbers: Sequence[float], times_s: Sequence[float]) -> float:
    """Return the slope of the line of least squares through the logarithms."""
    return statistics.linear_regression([math.log(n) for n in numbers], [math.log(t) for t in times_s]).slope


def busy_play(world: KnownWorld, rng: random.Random) -> Iterator[Example]:
    """Yield what random play shows that mostly does what changes something, each such verb as likely as another; it never ends."""
    while True:
        state = world.reset(rng.choice(world.tasks())).facts
        for _ in range(_EPISODE):
            action = _busy_action(world, state, rng)
            outcome = drawn(world.truth(state, action), rng)
            now = after(state, outcome)
            yield Example(
                state,
                action,
                succeeded=True,
                changed=outcome.changes,
                settled=now,
                reward=outcome.reward or 0.0,
                ended=bool(outcome.terminated),
            )
            if outcome.terminated:
                break
            state = now


def _busy_action(world: KnownWorld, state: State, rng: random.Random) -> Action:
    actions = world.actions(state)
    if rng.random() < _IDLE:
        return rng.choice(actions)
    clocks = {name for name, schema in world.vocabulary.fluents.items() if schema.counts_since is not None}
    by_verb: dict[str, list[Action]] = {}
    for action in actions:
        if any(fluent.name not in clocks for outcome in world.truth(state, action) for fluent in outcome.changes):
            by_verb.setdefault(action.verb, []).append(action)
    return rng.choice(rng.choice(list(by_verb.values()))) if by_verb else rng.choice(actions)


def _tell_rate(rules: Sequence[Rule], world: KnownWorld) -> None:
    """Print how many single predictions a second the learned rules make, alone and among variants that never apply."""
    rng = random.Random(1)
    queries = [
        Query(state, rng.choice(world.actions(state))) for state in world.states(random.Random("held out"), _ASKED)
    ]
    print("\n| store | rules | predictions per second |\n|---|---|---|")
    for name, store in (("learned", tuple(rules)), ("with variants that never apply", padded(rules, MOST_RULES))):
        model = AlignedModel.symbolic(RuleStore(store), world.vocabulary)
        began_s, done = time.process_time(), 0
        while time.process_time() - began_s < _LEAST_S:
            for query in queries:
                model.predict([query])
            done += len(queries)
        print(f"| {name} | {len(store)} | {done / (time.process_time() - began_s):,.0f} |")


def padded(rules: Sequence[Rule], number: int) -> tuple[Rule, ...]:
    """Return ``rules`` and variants of them up to ``number``; the last condition of each variant never holds."""
    variants = [
        replace(rule, when=(*rule.when, Condition(Ref("food"), ">", 1_000_000 + turn)))
        for turn in range(number // max(1, len(rules)) + 1)
        for rule in rules
    ]
    return (*rules, *variants[: number - len(rules)])


if __name__ == "__main__":
    main()
