"""Inverse dynamics: what was done is told from what came of it, exactly as Bayes would have it, and never from what was only found out."""

import random
from collections.abc import Mapping
from types import ModuleType

import pytest

from agentwm import Agent, Goal, RuleStore, parse_rule
from agentwm.models.inverse import Change, InverseDynamics, came, change_of
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.options import ground_actions
from agentwm.types import Action, EnvironmentOptions, Fluent, Outcome, Query, State, Trajectory, Vocabulary
from agentwm_environments.alfworld.environment import AlfworldEnvironment
from agentwm_environments.alfworld.generator import generate
from agentwm_environments.alfworld.true_rules import true_rules
from agentwm_environments.small import crafting, frozenlake, gamble, locks, sokoban, taxi
from agentwm_environments.small.truth import KnownWorld, after, drawn
from tests.conftest import Begin, Live, OneGame, action_of

AT = Fluent("at")
needs_gymnasium = pytest.mark.skipif(frozenlake.SPEC.missing() is not None, reason="gymnasium is not installed")


def inverse(store: RuleStore, words: Vocabulary) -> InverseDynamics:
    return InverseDynamics(AlignedModel.symbolic(store, words), lambda state: ground_actions(state, words), words)


def known(module: ModuleType) -> tuple[KnownWorld, InverseDynamics]:
    """Return a world of which the truth is known, and inverse dynamics by its true rules."""
    world: KnownWorld = module.make(EnvironmentOptions())
    store = RuleStore(tuple(map(parse_rule, module.TRUE_RULES.splitlines())))
    model = AlignedModel.symbolic(store, world.vocabulary)
    return world, InverseDynamics(model, world.actions, world.vocabulary)


def by_bayes(world: KnownWorld, change: Change) -> Mapping[Action, float]:
    """Return the probability of each action by the truth itself: the naive twin."""
    weights = {
        action: sum(
            outcome.probability
            for outcome in world.truth(change.before, action)
            if after(change.before, outcome) == change.after
            and (outcome.reward, outcome.terminated) == (change.reward, change.terminated)
        )
        for action in world.actions(change.before)
    }
    return {action: weight / sum(weights.values()) for action, weight in weights.items() if weight}


# --- against the truth ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module",
    [
        crafting,
        gamble,
        locks,
        sokoban,
        pytest.param(frozenlake, marks=needs_gymnasium),
        pytest.param(taxi, marks=needs_gymnasium),
    ],
    ids=lambda module: module.__name__.rpartition(".")[2],
)
def test_with_the_true_rules_the_probabilities_are_those_of_bayes_by_the_truth(module: ModuleType) -> None:
    world, found = known(module)
    rng = random.Random(0)
    for state in world.states(rng, 100):
        action = rng.choice(world.actions(state))
        outcome = drawn(world.truth(state, action), rng)
        change = Change(state, after(state, outcome), reward=outcome.reward, terminated=outcome.terminated)
        [explanation] = found.explain([change])
        assert action in explanation
        assert dict(explanation) == pytest.approx(dict(by_bayes(world, change)))
        assert list(explanation.values()) == sorted(explanation.values(), reverse=True)


@needs_gymnasium
def test_actions_that_do_the_same_share_the_probability() -> None:
    world, found = known(taxi)
    street = next(
        state
        for state in world.states(random.Random(0), 200)
        if state[Fluent("kind", (str(state[AT]),))] == "street" and state[Fluent("passenger")] != "taxi"
    )
    [in_vain] = found.explain([Change(street, street, reward=-10)])
    assert in_vain == {Action("pick up"): 0.5, Action("drop off"): 0.5}


def test_what_no_action_does_is_explained_by_none(begin: Begin, true_rules: RuleStore, words: Vocabulary) -> None:
    state = begin("go to countertop 1").state
    beamed: State = {**state, AT: "fridge 1", Fluent("in", ("egg 1",)): "fridge 1"}
    [explanation] = inverse(true_rules, words).explain([Change(state, beamed)])
    assert explanation == {}


# --- what nobody can have seen ----------------------------------------------------------------------------------------------


def test_what_was_found_out_explains_nothing_and_hinders_nothing(
    live: Live, true_rules: RuleStore, words: Vocabulary
) -> None:
    opened = list(live("go to cabinet 1", "open cabinet 1"))[-1]
    assert Fluent("in", ("apple 2",)) in opened.told
    found = inverse(true_rules, words)
    assert next(iter(found.explain([change_of(opened)])[0])) == opened.action
    # Had the same been believed otherwise before, it counts against every action, unless it is said to be found out.
    mistaken: State = {**opened.before, Fluent("in", ("apple 2",)): "drawer 1"}
    assert found.explain([Change(mistaken, opened.after)]) == [{}]
    [explanation] = found.explain([Change(mistaken, opened.after, told=opened.told)])
    assert next(iter(explanation)) == opened.action


def test_what_is_hidden_may_have_changed_unseen(begin: Begin, true_rules: RuleStore, words: Vocabulary) -> None:
    state = begin("go to countertop 1", "take apple 1 from countertop 1", "go to microwave 1", "open microwave 1").state
    heat = action_of("heat apple 1 with microwave 1", words)
    [unseen] = inverse(true_rules, words).explain([Change(state, state, succeeded=True)])
    assert heat in unseen
    [seen] = inverse(true_rules, words).explain([Change(state, {**state, Fluent("hot", ("apple 1",)): True})])
    assert next(iter(seen)) == heat


def test_success_reward_and_end_count_as_far_as_they_are_known_and_foretold(words: Vocabulary) -> None:
    silent, paid = Outcome(1.0), Outcome(1.0, reward=1.0, terminated=True)
    for outcome, change, expected in [
        (silent, Change({}, {}, succeeded=True, reward=1.0, terminated=True), True),
        (silent, Change({}, {}, succeeded=False), False),
        (paid, Change({}, {}), True),
        (paid, Change({}, {}, reward=0.0), False),
        (paid, Change({}, {}, reward=1.0, terminated=False), False),
    ]:
        assert came(outcome, change, words) is expected


# --- demonstrations that were only watched ------------------------------------------------------------------------------------


def test_the_actions_of_own_play_are_recovered_wherever_they_changed_something() -> None:
    store = RuleStore(tuple(map(parse_rule, true_rules())))
    shown = 0
    for game in generate("test", 2, 0):
        episode = Agent(store).play(AlfworldEnvironment(OneGame(game)), game.id)
        found = inverse(store, episode.vocabulary)
        telling = [each for each in episode.transitions if each.changed]
        for transition, explanation in zip(telling, found.explain(list(map(change_of, telling))), strict=True):
            assert explanation[transition.action] == pytest.approx(max(explanation.values()))
            shown += 1
    assert shown > 10


def states_of(trajectory: Trajectory) -> list[State]:
    return [trajectory.start, *(each.after for each in trajectory)]


def test_a_demonstration_of_states_alone_is_labelled(live: Live, true_rules: RuleStore, words: Vocabulary) -> None:
    lived = live(
        "go to countertop 1",
        "take apple 1 from countertop 1",
        "go to microwave 1",
        "open microwave 1",
        "move apple 1 to microwave 1",
        "close microwave 1",
    )
    labelled = inverse(true_rules, words).label(states_of(lived))
    assert labelled.actions == tuple(each.action for each in lived)
    again = labelled.trajectory("watched", Goal("learn"))
    assert [each.action for each in again] == [each.action for each in lived]
    assert again.transitions[1].changed == lived.transitions[1].changed
    assert (again.task, again.start) == ("watched", lived.start)


def test_a_step_that_nothing_explains_or_not_surely_enough_is_left_out(
    live: Live, true_rules: RuleStore, words: Vocabulary
) -> None:
    lived = live("go to countertop 1", "go to fridge 1")
    start, table, fridge = states_of(lived)
    beamed: State = {**fridge, Fluent("in", ("egg 1",)): "fridge 1"}
    labelled = inverse(true_rules, words).label([start, table, table, beamed])
    assert labelled.actions[0] == Action("go to", ("countertop 1",))
    assert labelled.actions[2] is None
    assert len(labelled.trajectory()) == 2
    assert len(labelled.trajectory(least=0.5)) == 1, "that nothing changed is what many commands explain"


# --- samples of a model ----------------------------------------------------------------------------------------------------


def test_a_sample_agrees_unless_another_action_explains_it_decisively_better(
    begin: Begin, true_rules: RuleStore, words: Vocabulary
) -> None:
    state = begin("go to countertop 1").state
    found = inverse(true_rules, words)
    take, look = action_of("take apple 1 from countertop 1", words), Action("look")
    taken = {Fluent("holding"): "apple 1", Fluent("in", ("apple 1",)): None}
    assert found.agrees(Query(state, take), Outcome(1.0, taken))
    assert not found.agrees(Query(state, look), Outcome(1.0, taken)), "looking takes nothing"
    assert not found.agrees(Query(state, take), Outcome(1.0, {Fluent("holding"): "egg 1"})), "the egg stays where it is"
    assert found.agrees(Query(state, look), Outcome(1.0))
