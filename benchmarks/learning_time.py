"""How long learning takes, and how fast learned rules predict, after long and busy play in crafting."""

import math
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from small_worlds import MOST_TASKS

from agentwm.induction.credit import Example
from agentwm.induction.pooling import EffectsLearner
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.language import Rule
from agentwm.rules.store import RuleStore
from agentwm.types import Action, Condition, EnvironmentOptions, Query, Ref, State
from agentwm_environments.small import crafting
from agentwm_environments.small.truth import KnownWorld, after, drawn

MOST_RULES = 500
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
            action = busy_action(world, state, rng)
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


def busy_action(world: KnownWorld, state: State, rng: random.Random) -> Action:
    """Return an action that mostly changes something, each such verb as likely as another."""
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
