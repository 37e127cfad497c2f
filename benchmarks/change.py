"""Change the laws of a small world in mid-run, and see how soon the agent that plays in it knows the new ones and what it forgets.

    python benchmarks/change.py                                        # every change, seed 0
    python benchmarks/change.py --changes strokes jammed --seeds 0 1 2
    python benchmarks/change.py --changes shuts --show 5               # and questions answered wrongly at the last mark

An agent plays to learn, from an empty store, in training tasks drawn by the seed, under the ordinary laws. After so many transitions, in
the midst of an episode, the laws change in one respect; nobody tells it. It plays on, and at each mark the rules that it holds then,
whatever it has yet to learn from what it saw, are asked what each action would do in held-out states (`truths.py` says what is *right*):

- *all*: up to 200 states of the `test` tasks as the changed world comes to them, with every action. *most probable*: how often what
  is held to be most probable is one of the truth's most probable ways.
- *changed*: those of them whose answer is another one than before the change; *same*: those whose answer is not.
- *before*: the same for the ordinary laws, just before the change, in states as the ordinary world comes to them.

A rule of before is *stale* where the truth that holds now contradicts it (``verdicts.objections``) in a question whose answer has changed,
else it *holds*. It is kept where the same rule, by its id or its sentence, is held at the last mark. *Noticed* is after how many
transitions the first of the stale rules was given up; where a change only adds something, no rule need be.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from small_worlds import MOST_TASKS, SPECS, Play, own_play, questions, said, shares_right
from verdicts import objections

from agentwm.agent import Episode
from agentwm.evaluation.agreement import agreement
from agentwm.learning import Learner
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.store import RuleStore
from agentwm.types import Action, EnvironmentOptions, Plan, Prediction
from agentwm_environments.small import crafting_laws, locks_laws
from agentwm_environments.small.crafting import CraftingEnvironment
from agentwm_environments.small.locks import LocksEnvironment
from agentwm_environments.small.truth import KnownWorld

MARKS = (0, 50, 100, 200, 400)
"""After how many transitions under the new laws the rules are asked."""

BEFORE, GOAL = -1, 0.95

LEAD = 50
"""How many transitions of the first episode after what all changes of a world share are still under the ordinary laws."""

_CRAFTING, _LOCKS = crafting_laws.ORDINARY, locks_laws.ORDINARY


def _gathered(verb: str, **other: float | str) -> tuple[crafting_laws.Gathering, ...]:
    return tuple(replace(each, **other) if each.verb == verb else each for each in _CRAFTING.gatherings)  # type: ignore[arg-type]


CHANGES: Mapping[str, tuple[str, crafting_laws.Laws | locks_laws.Laws]] = {
    "strokes": ("wood takes two blows", replace(_CRAFTING, strokes=2)),
    "meadow": ("wood is had in the meadow", replace(_CRAFTING, gatherings=_gathered("chop", place="meadow"))),
    "bites": ("fish bite twice as often", replace(_CRAFTING, gatherings=_gathered("fish", chance=0.8))),
    "hunger": ("food falls after 15 actions, not 25", replace(_CRAFTING, hunger=15)),
    "meal": ("a fish adds 2 to the food, not 5", replace(_CRAFTING, meal=2)),
    "jammed": ("green and red doors no longer open", replace(_LOCKS, jammed=("green", "red"))),
    "shuts": ("doors shut behind one", replace(_LOCKS, shuts_behind=True)),
    "empty": ("nobody with a key goes through a door", replace(_LOCKS, needs_empty_hands=True)),
    "most": ("only one key can be carried", replace(_LOCKS, most_keys=1)),
    "fits": (
        "keys fit doors of another colour",
        replace(_LOCKS, fits=(("blue", "green"), ("green", "red"), ("red", "yellow"), ("yellow", "blue"))),
    ),
}


def main() -> None:
    """Print a table of how well the world is known around each change, and one of what became of the rules, as Markdown."""
    options = _options()
    plays: dict[tuple[str, int], Play] = {}
    runs: dict[str, list[Run]] = {}
    for name in options.changes:
        for seed in options.seeds:
            play_of = (world_of(name), seed)
            if play_of not in plays:
                plays[play_of] = _ordinary_play(*play_of, options.transitions)
            runs.setdefault(name, []).append(lived_through(name, plays[play_of], options))
    print(f"\nChanged after {options.transitions:,} transitions; seeds {', '.join(map(str, options.seeds))}.")
    _tell_known(runs)
    _tell_rules(runs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", nargs="+", default=list(CHANGES), choices=list(CHANGES))
    parser.add_argument("--transitions", type=int, default=2000, help="after how many the laws change (2000)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the play (0)")
    parser.add_argument("--states", type=int, default=200, help="held-out states, each with every action (200)")
    parser.add_argument("--show", type=int, default=0, help="how many questions answered wrongly at last to show")
    options = parser.parse_args()
    if options.transitions <= LEAD:
        parser.error(f"expected more than {LEAD} transitions before the change, got {options.transitions}")
    return options


# --- play -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """What one agent went through: the ``stores`` it held, each with the number of transitions from the change, and how right they were."""

    seed: int
    stores: Sequence[tuple[int, RuleStore]]
    scores: Mapping[str, Mapping[int, float]]
    stale: frozenset[str]

    def at(self, mark: int) -> RuleStore:
        """Return the store held ``mark`` transitions after the change."""
        return [store for number, store in self.stores if number <= mark][-1]

    @property
    def noticed(self) -> int | None:
        """After how many transitions a stale rule was given up for the first time."""
        return next((n for n, store in self.stores if n > 0 and self.stale - {rule.id for rule in store.rules}), None)


def world_of(change: str) -> str:
    """Return the name of the world that ``change`` is one of."""
    return "crafting" if isinstance(CHANGES[change][1], crafting_laws.Laws) else "locks"


def changing(change: str, tasks: Sequence[str], step: int) -> CraftingEnvironment | LocksEnvironment:
    """Return the world in which ``change`` comes into force after ``step`` actions."""
    laws = CHANGES[change][1]
    if isinstance(laws, crafting_laws.Laws):
        return CraftingEnvironment(tasks, change=(step, laws))
    return LocksEnvironment(tasks, change=(step, laws))


def _tasks(name: str, split: str, seed: int) -> Sequence[str]:
    count = None if split == "test" else MOST_TASKS
    return SPECS[name].make(EnvironmentOptions(split=split, seed=seed, count=count)).tasks()


def _ordinary_play(name: str, seed: int, transitions: int) -> Play:
    """Return the play that all changes of a world share."""
    return own_play(SPECS[name], seed, transitions - LEAD)


def lived_through(change: str, play: Play, options: argparse.Namespace) -> Run:
    """Return how an agent that has lived through ``play`` lives through ``change``."""
    name, seed = world_of(change), play.seed
    began_s = time.process_time()
    stores = list(_stores(change, play, LEAD + MARKS[-1] + 1))
    print(f"{change}, seed {seed}: {time.process_time() - began_s:.0f} s of CPU", file=sys.stderr)
    world = changing(change, _tasks(name, "test", 0), 0)
    old = changing(change, world.tasks(), 1)
    scores, stale = _asked(Run(seed, stores, {}, frozenset()), world, old, options)
    return Run(seed, stores, scores, stale)


def _stores(change: str, play: Play, steps: int) -> Iterator[tuple[int, RuleStore]]:
    """Yield each store that was held, with the number of the transition from the change on that it was first held before."""
    name, seed, met = world_of(change), play.seed, len(play.trajectories)
    spec = SPECS[name]
    world = changing(change, _tasks(name, "train", seed)[met:], LEAD)
    learner = Learner(play.store, play.trajectories, base=RuleStore())
    held: list[tuple[int, RuleStore]] = []
    done = 0

    def note(_action: Action, _prediction: Prediction, _plan: Plan) -> None:
        nonlocal done
        if not held or held[-1][1] is not learner.store:
            held.append((done - LEAD, learner.store))
        done += 1

    for number, task in enumerate(world.tasks(), met):
        episode = Episode(world, task, seed=seed)
        most = min(spec.learning_steps, steps - done)
        learner.play(episode, rng=random.Random(f"{seed}-{number}"), max_steps=most, before_step=note)
        learner.conclude(episode)
        if done >= steps:
            break
    yield from held


# --- how well the world is known --------------------------------------------------------------------------------------


def _asked(
    run: Run, world: KnownWorld, old: KnownWorld, options: argparse.Namespace
) -> tuple[Mapping[str, Mapping[int, float]], frozenset[str]]:
    """Return the shares of questions answered rightly, by which questions and by mark, and the ids of the rules that are stale."""
    words = world.vocabulary
    queries = questions(world, options.states)
    same = [query for query in queries if world.truth(*query) == old.truth(*query)]
    changed = [query for query in queries if world.truth(*query) != old.truth(*query)]
    scores: dict[str, dict[int, float]] = {name: {} for name in ("all", "most probable", "changed", "same")}
    for mark in MARKS:
        model = AlignedModel.symbolic(run.at(mark), words)
        scores["all"][mark], scores["most probable"][mark] = shares_right(model, world, queries)
        scores["changed"][mark] = agreement(model, world.truth, changed, words).share
        scores["same"][mark] = agreement(model, world.truth, same, words).share
    before = AlignedModel.symbolic(run.at(0), words)
    earlier = shares_right(before, old, questions(old, options.states))
    scores["all"][BEFORE], scores["most probable"][BEFORE] = earlier
    for query, answer, true in agreement(model, world.truth, queries, words, most_differences=options.show).differences:
        so, but = said(true), said(answer.outcomes)
        print(f"seed {run.seed}, {query.action}: {so}; said {but}", file=sys.stderr)
    against = objections(run.at(0), before, world.truth, changed, words)
    return scores, frozenset(each.rule.id for each in against if each.contradicted)


def _tell_known(runs: Mapping[str, Sequence[Run]]) -> None:
    print("\nRight, in per cent, the mean over the seeds (and how many of the seeds were above 95).\n")
    print(f"| change | questions | before | {' | '.join(f'+{mark}' for mark in MARKS)} |")
    print(f"|---|---|---|{'---|' * len(MARKS)}")
    for name, lived in runs.items():
        for asked in ("all", "most probable", "changed", "same"):
            cells = []
            for mark in (BEFORE, *MARKS):
                shares = [run.scores[asked][mark] for run in lived if mark in run.scores[asked]]
                reached = f" ({sum(share > GOAL for share in shares)}/{len(shares)})"
                cells.append(f"{100 * statistics.mean(shares):.1f}{reached}" if shares else "")
            print(f"| {CHANGES[name][0]} | {asked} | {' | '.join(cells)} |")


# --- what became of the rules -----------------------------------------------------------------------------------------


def _tell_rules(runs: Mapping[str, Sequence[Run]]) -> None:
    print(f"\nOf the rules held at the change, at +{MARKS[-1]}.\n")
    print("| change | seed | hold, kept | stale, given up | noticed | reasons |\n|---|---|---|---|---|---|")
    for name, lived in runs.items():
        for run in lived:
            now = run.at(MARKS[-1])
            kept = {rule.id for rule in now.rules} | {rule.sentence() for rule in now.rules}
            gone = [rule for rule in run.at(0).rules if not {rule.id, rule.sentence()} & kept]
            holding = [rule for rule in run.at(0).rules if rule.id not in run.stale]
            reasons = "; ".join(now.record(rule).reason for rule in gone)
            noticed = "-" if run.noticed is None else f"+{run.noticed}"
            print(
                f"| {CHANGES[name][0]} | {run.seed} | {sum(rule not in gone for rule in holding)} of {len(holding)} "
                f"| {len(run.stale & {rule.id for rule in gone})} of {len(run.stale)} | {noticed} | {reasons} |"
            )


if __name__ == "__main__":
    main()
