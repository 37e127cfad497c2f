"""The small worlds as the benchmarks use them: an agent's own play in them, held-out questions about them, and bad eyes.

What is measured in them, and what the words mean, is said in `truths.py`.
"""

import random
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from baselines import changes_between

from agentwm.agent import Episode
from agentwm.evaluation.agreement import agreement
from agentwm.learning import Learner
from agentwm.rules.store import RuleStore
from agentwm.types import (
    EnvironmentOptions,
    EnvironmentSpec,
    Outcome,
    Query,
    State,
    Trajectory,
    Transition,
    Value,
    Vocabulary,
    WorldModel,
)
from agentwm_environments.small import crafting, frozenlake, gamble, locks, sokoban, taxi
from agentwm_environments.small.truth import KnownWorld

SPECS = {spec.name: spec for spec in (crafting.SPEC, frozenlake.SPEC, gamble.SPEC, locks.SPEC, sokoban.SPEC, taxi.SPEC)}
TRUE_RULES = {name: "\n".join(spec.true_rules()) for name, spec in SPECS.items()}
MOST_TASKS = 5000


def alters(name: str) -> bool:
    """Return whether the world ``name`` has other laws that a seed can draw."""
    return name in ("crafting", "locks")


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


def own_play(
    spec: EnvironmentSpec, seed: int, transitions: int, *, altered: int | None = None, is_usual: bool = False
) -> Play:
    """Return the play of an agent that began with no rules, of ``transitions`` actions, in as many tasks as it takes.

    ``is_usual`` ends it after as many tasks as are learned on by default, too.
    """
    altered = altered if alters(spec.name) else None
    count = spec.learn if is_usual else MOST_TASKS
    world = spec.make(EnvironmentOptions(split="train", learning=True, count=count, seed=seed, altered=altered))
    learner = Learner()
    trajectories: list[Trajectory] = []
    began_s, left = time.process_time(), transitions
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


def all_of(trajectories: Iterable[Trajectory]) -> list[Transition]:
    """Return the transitions of the whole play."""
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


# --- how right a model is ---------------------------------------------------------------------------------------------


def shares_right(model: WorldModel, world: KnownWorld, queries: Sequence[Query]) -> tuple[float, float]:
    """Return the shares of questions answered rightly, and of those whose most probable answer is one of the truth's most probable."""
    met = agreement(model, world.truth, queries, world.vocabulary)
    right = 0
    for query, answer in zip(queries, model.predict(queries), strict=True):
        true = world.truth(query.state, query.action)
        most = [real(o, query.state, world.vocabulary) for o in true if o.probability > true[0].probability - 1e-9]
        right += real(answer.outcomes[0], query.state, world.vocabulary) in most
    return met.share, right / len(queries)


def real(outcome: Outcome, state: State, vocabulary: Vocabulary) -> object:
    """Return what an outcome comes to: real changes, without the counters, reward and end."""
    changes = {
        fluent: value
        for fluent, value in outcome.changes.items()
        if state.get(fluent) != value and vocabulary.fluents[fluent.name].counts_since is None
    }
    return changes, float(outcome.reward or 0.0), bool(outcome.terminated)


def said(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes in words."""
    return " or ".join(
        f"{o.probability:.2f} "
        + ", ".join(
            [*(f"{fluent} = {value}" for fluent, value in o.changes.items()), f"reward {o.reward}"]
            + (["the end"] if o.terminated else [])
        )
        for o in outcomes
    )


# --- noise ------------------------------------------------------------------------------------------------------------


def corrupted(
    trajectories: Sequence[Trajectory], share: float, vocabulary: Vocabulary, *, seed: int
) -> list[Trajectory]:
    """Return the play as a bad eye would have seen it, in so large a share of its transitions."""
    rng = random.Random(f"noise {seed}")
    seen: dict[str, dict[Value, None]] = {}
    for transition in all_of(trajectories):
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
