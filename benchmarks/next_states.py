"""How right the rules learned in Crafter are about the next state, by kind of object, in episodes of unseen seeds.

    python benchmarks/next_states.py                     # rules learned from 10 episodes, asked in 5 others
    python benchmarks/next_states.py --rules runs/crafter-20261122 --episodes 10 --seed 3    # those of a run

The rules are learned from training seeds and then frozen. The test seeds are played twice: by the agent, and at random, which comes to
other situations. Asked is only what could be known: cells in view that were known a step before. A share of what changed is right where
the most probable outcome has just that change; a share of what stayed, where it foretells none. Nothing is asked of what is told alone.
"""

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from agentwm.agent import Episode, play
from agentwm.learning import Learner
from agentwm.minds import acting_mind
from agentwm.models.rule_model import AlignedModel, apply
from agentwm.planners import mpc
from agentwm.planners.options import ground_actions
from agentwm.rules.store import RuleStore
from agentwm.types import EnvironmentOptions, Fluent, Query, State, Transition
from agentwm_environments.crafter import SPEC, CrafterEnvironment, make
from agentwm_environments.crafter.words import AT, FACING, ITEMS, SLEEPING, VITALS, VOCABULARY, objects_in_view

KINDS = ("material of a cell", "creature in a cell", "place and posture", "vital", "inventory", "achievement")
_PLAIN = {
    **dict.fromkeys((AT, FACING, SLEEPING), KINDS[2]),
    **{Fluent(name): KINDS[3] for name in VITALS},
    **{Fluent(name): KINDS[4] for name in ITEMS if name not in VITALS},
}


class Tally:
    """Counts, by kind of object, what changed and what stayed, and how much of each was foretold."""

    def __init__(self) -> None:
        self._asked: Counter[tuple[str, bool]] = Counter()
        self._right: Counter[tuple[str, bool]] = Counter()
        self._wholly = self._steps = 0

    def add(self, transition: Transition, foretold: State) -> None:
        """Count one transition, before which the state ``foretold`` was expected to follow."""
        is_whole = True
        for fluent, kind in _asked(transition):
            was, came, said = (each.get(fluent) for each in (transition.before, transition.after, foretold))
            key = kind, came != was
            self._asked[key] += 1
            self._right[key] += said == came
            is_whole &= said == came
        self._wholly += is_whole
        self._steps += 1

    def lines(self) -> Iterator[str]:
        """Yield a table in Markdown."""
        yield "| kind of object | changed | foretold | stayed | foretold |"
        yield "|---|---|---|---|---|"
        for kind in KINDS:
            yield f"| {kind} | {self._cells(kind, changed=True)} | {self._cells(kind, changed=False)} |"
        yield f"\nAll of that at once: {self._wholly} of {self._steps} next states."

    def _cells(self, kind: str, *, changed: bool) -> str:
        asked, right = self._asked[kind, changed], self._right[kind, changed]
        return f"{asked:,} | {100 * right / asked:.1f} %" if asked else "0 | -"


def _asked(transition: Transition) -> Iterator[tuple[Fluent, str]]:
    """Yield what is asked about a transition, each with its kind."""
    before, after = transition.before, transition.after
    for creature in objects_in_view(str(after[AT])):
        material = Fluent("kind", creature.args)
        if material in before:
            yield material, KINDS[0]
            if creature in before or creature in after:
                yield creature, KINDS[1]
    for fluent in after:
        if not fluent.args and (kind := _PLAIN.get(fluent)):
            yield fluent, kind
        elif fluent.name.startswith("achieved_"):
            yield fluent, KINDS[5]


def learned(number: int, seed: int, steps: int) -> RuleStore:
    """Return the rules learned from so many training episodes."""
    environment = make(EnvironmentOptions(seed=seed, count=number, split="train"))
    learner = Learner()
    learner.learn(environment, environment.tasks()[:number], seed=seed, max_steps=steps)
    return learner.store


def by_the_agent(rules: RuleStore, seed: int) -> Callable[[Episode, int], None]:
    """Return a function that plays an episode by the rules."""

    def played(episode: Episode, steps: int) -> None:
        mind = acting_mind(mpc.SPEC, rules, episode, rng=random.Random(f"{seed} {episode.task}"), max_steps=steps)
        play(episode, mind, max_steps=steps)

    return played


def at_random(rules: RuleStore, seed: int) -> Callable[[Episode, int], None]:
    """Return a function that plays an episode by chance."""
    model = AlignedModel.symbolic(rules, VOCABULARY)

    def played(episode: Episode, steps: int) -> None:
        rng = random.Random(f"{seed} {episode.task}")
        while not episode.is_over and len(episode.transitions) < steps:
            action = rng.choice(ground_actions(episode.state, VOCABULARY))
            episode.step(action, model.predict([Query(episode.state, action)])[0])

    return played


def measured(
    environment: CrafterEnvironment, tasks: Sequence[str], played: Callable[[Episode, int], None], steps: int
) -> Tally:
    """Return how right the predictions were that were made as ``tasks`` were ``played``."""
    tally = Tally()
    for task in tasks:
        episode = Episode(environment, task)
        played(episode, steps)
        for transition in episode.transitions:
            assert transition.predicted is not None
            tally.add(transition, apply(transition.before, transition.predicted))
    return tally


def main() -> None:
    """Learn, play, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learn", type=int, default=10, help="episodes to learn from")
    parser.add_argument("--rules", type=Path, help="a run, or a folder of rules, to take the rules from instead")
    parser.add_argument("--episodes", type=int, default=5, help="episodes to ask about")
    parser.add_argument(
        "--steps", type=int, default=500, help="steps after which an episode of either kind is given up"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.rules is None:
        rules = learned(options.learn, options.seed, min(options.steps, SPEC.learning_steps or options.steps))
        origin = f"rules from {options.learn} episodes"
    else:
        rules, origin = RuleStore.load(options.rules), f"rules of {options.rules}"
    environment = make(EnvironmentOptions(seed=options.seed, count=options.episodes, split="test"))
    tasks = environment.tasks()[: options.episodes]
    for name, player in (("played by the agent", by_the_agent), ("played at random", at_random)):
        print(f"\n{name}, {len(tasks)} episodes, seed {options.seed}, {origin}:\n")
        print("\n".join(measured(environment, tasks, player(rules, options.seed), options.steps).lines()))


if __name__ == "__main__":
    main()
