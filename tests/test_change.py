"""A world whose laws change in mid-run: the change is noticed, stale rules are retired with a reason, and what still holds is kept."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from agentwm.evaluation.agreement import agreement
from agentwm.induction.credit import examples
from agentwm.induction.noisy import NoisyInducer, verdict
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.language import Rule
from agentwm.rules.store import RuleStore
from agentwm.types import Fluent, Prediction, Query, Trajectory, Transition, Vocabulary
from agentwm_environments.small import locks, locks_laws
from agentwm_environments.small.locks import LocksEnvironment
from tests.conftest import benchmark

change, verdicts = benchmark("change"), benchmark("verdicts")
learning_time, small_worlds = benchmark("learning_time"), benchmark("small_worlds")

AT_STEP = {"crafting": 1000, "locks": 600}
LEAD, MORE = 150, 300
EPISODE = 60
TRUSTING = 0.5
TASKS = tuple(f"train-0-{number}" for number in range(60))
EXAMINED = {"strokes": ("chop",), "empty": ("go", "take"), "most": ("take", "drop")}
"""Changes, and the verbs that are tried more often than others so that something is seen of them soon."""


@dataclass(frozen=True, slots=True)
class Life:
    """What was believed just before and well after a change that may have come, and what was lived through."""

    before: RuleStore
    after: RuleStore
    trajectories: Sequence[Trajectory]
    vocabulary: Vocabulary


def lived(world: Any, steps: int, rng: random.Random, store: RuleStore, verbs: Collection[str]) -> list[Trajectory]:
    """Return busy random play, episode by episode; often one of ``verbs`` is done as it would, by ``store``, change something."""
    model = AlignedModel.symbolic(store, world.vocabulary)
    trajectories: list[Trajectory] = []
    while steps > 0:
        task = rng.choice(TASKS)
        start = state = world.reset(task, seed=steps).facts
        transitions: list[Transition] = []
        while len(transitions) < min(EPISODE, steps):
            asked = [Query(state, action) for action in world.actions(state)]
            foretold = dict(zip((query.action for query in asked), model.predict(asked), strict=True))
            promising = [a for a, said in foretold.items() if a.verb in verbs and is_change(said, world.vocabulary)]
            is_trusting = promising and rng.random() < TRUSTING
            action = rng.choice(promising) if is_trusting else learning_time.busy_action(world, state, rng)
            seen = world.step(action)
            changed = {fluent: value for fluent, value in seen.facts.items() if state.get(fluent) != value}
            transitions.append(
                Transition(state, action, seen.facts, seen, succeeded=True, changed=changed, predicted=foretold[action])
            )
            state = seen.facts
            if seen.terminated:
                break
        trajectories.append(Trajectory(task, world.goal, start, tuple(transitions)))
        steps -= len(transitions)
    return trajectories


def is_change(said: Prediction, words: Vocabulary) -> bool:
    """Whether something is said to change that is no counter."""
    return any(words.fluents[fluent.name].counts_since is None for fluent in said.changes)


@cache
def life(name: str, *, changes: bool = True) -> Life:
    """Return the life in which the change ``name`` comes, or, for comparison, the one in which it does not."""
    first = AT_STEP[change.world_of(name)]
    world = change.changing(name, TASKS, first + LEAD if changes else first + LEAD + MORE)
    inducer, rng = NoisyInducer(), random.Random(f"life {name}")
    trajectories = lived(world, first, rng, RuleStore(), ())
    before = inducer.revise(RuleStore(), trajectories, world.vocabulary)
    trajectories += lived(world, LEAD, rng, before, EXAMINED[name])
    before = inducer.revise(before, trajectories, world.vocabulary)
    trajectories += lived(world, MORE, rng, before, EXAMINED[name])
    return Life(before, inducer.revise(before, trajectories, world.vocabulary), trajectories, world.vocabulary)


@cache
def questions(name: str) -> tuple[Any, list[Query], list[Query]]:
    """Return the changed world, the questions whose answer has changed, and those whose answer has not."""
    world, old = change.changing(name, TASKS, 0), change.changing(name, TASKS, 1)
    asked = small_worlds.questions(world, 40)
    changed = [query for query in asked if world.truth(*query) != old.truth(*query)]
    return world, changed, [query for query in asked if query not in changed]


def stale(name: str, store: RuleStore) -> list[Rule]:
    """Return the rules of ``store`` that the changed world contradicts in what has changed."""
    world, changed, _ = questions(name)
    model = AlignedModel.symbolic(store, world.vocabulary)
    against = verdicts.objections(store, model, world.truth, changed, world.vocabulary)
    return [each.rule for each in against if each.contradicted]


def is_mistaken(rule: Rule, of: Life) -> bool:
    """Whether ``rule`` is contradicted by something that was seen, or a shorter one says the same."""
    seen = [example for each in of.trajectories for example in examples(each, of.vocabulary)]
    shorter = [
        other for other in of.after.rules if other.outcomes == rule.outcomes and set(other.when) < set(rule.when)
    ]
    return bool(shorter) or any(verdict(rule, example, of.vocabulary) is False for example in seen)


def speaking(rule: Rule, of: Life) -> int:
    """Return in how many of all transitions the conditions of ``rule`` hold."""
    seen = [example for each in of.trajectories for example in examples(each, of.vocabulary)]
    return sum(verdict(rule, example, of.vocabulary) is not None for example in seen)


@pytest.mark.parametrize("name", EXAMINED)
def test_stale_rules_are_retired_with_a_reason(name: str) -> None:
    went = life(name)
    outdated = stale(name, went.before)
    assert outdated
    for rule in outdated:
        assert rule not in went.after.rules, rule.sentence()
        record = went.after.record(rule)
        assert record.state == "retired"
        assert record.reason


@pytest.mark.parametrize("name", EXAMINED)
def test_what_has_changed_is_learned_and_what_has_not_is_still_known(name: str) -> None:
    went = life(name)
    world, changed, same = questions(name)
    before, after = (AlignedModel.symbolic(store, went.vocabulary) for store in (went.before, went.after))
    assert agreement(before, world.truth, changed, went.vocabulary).share < 0.1
    assert agreement(after, world.truth, changed, went.vocabulary).share > 0.95
    known, still = (agreement(model, world.truth, same, went.vocabulary).share for model in (before, after))
    assert still > known - 0.01


@pytest.mark.parametrize("name", ["empty", "most"])
def test_rules_about_other_verbs_survive_a_change(name: str) -> None:
    went = life(name)
    touched = {rule.verb for rule in stale(name, went.before)}
    others = [rule for rule in went.before.rules if rule.verb not in touched]
    assert len(others) > 2
    assert [rule.sentence() for rule in others if rule in went.after.retired and not is_mistaken(rule, went)] == []


def test_a_rule_learned_since_a_change_rests_on_what_was_seen_since() -> None:
    went = life("strokes")
    new = [rule for rule in went.after.rules if rule.verb == "chop" and rule not in went.before.rules]
    counted = [went.after.record(rule).supports + went.after.record(rule).contradicts for rule in new]
    assert any(number < speaking(rule, went) for number, rule in zip(counted, new, strict=True))


def test_nothing_is_put_down_to_a_change_where_there_was_none() -> None:
    went = life("most", changes=False)
    assert all(is_mistaken(rule, went) for rule in went.after.retired)
    for rule in went.after.rules:
        record = went.after.record(rule)
        assert record.supports + record.contradicts == speaking(rule, went), rule.sentence()


# --- the changes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", change.CHANGES)
def test_each_change_alters_some_answers_and_leaves_most(name: str) -> None:
    _, changed, same = questions(name)
    assert 0 < len(changed) < len(same)


def test_jammed_doors_stand_open_at_first_and_cannot_be_opened_once_closed() -> None:
    world = LocksEnvironment(TASKS, laws=locks_laws.Laws(jammed=("green", "red")))
    closed = 0
    for task in TASKS:
        state = dict(world.reset(task).facts)
        for fluent, colour in list(state.items()):
            if fluent.name != "colour" or fluent.args[0].startswith("key") or colour not in ("green", "red"):
                continue
            door = fluent.args[0]
            assert state[Fluent("open", (door,))] is True
            shut = {**state, Fluent("open", (door,)): False, Fluent("at"): state[Fluent("near", (door,))]}
            keys = [
                f.args[0]
                for f, of in state.items()
                if f.name == "colour" and f.args[0].startswith("key") and of == colour
            ]
            held = {**shut, **{Fluent("carried", (key,)): True for key in keys}}
            if keys:
                closed += 1
                action = next(a for a in world.actions(held) if a.verb == "open" and a.args == (door,))
                assert locks.outcomes(world.laws, held, action)[0].changes == {}
                assert locks.outcomes(locks_laws.ORDINARY, held, action)[0].changes
    assert closed
