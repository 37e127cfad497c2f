"""The small worlds: their engines do what their stated truths say, and those what plain twins say."""

import importlib.util
import json
import random
import subprocess
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentwm.errors import ConfigurationError, EnvironmentFailureError, MissingExtraError, TaskError
from agentwm.facts import FactsPerceiver
from agentwm.types import (
    NOT_ENTITIES,
    Action,
    EnvironmentOptions,
    EnvironmentSpec,
    Fluent,
    Observation,
    Outcome,
    State,
    Value,
)
from agentwm_environments.small import cliffwalking, crafting, frozenlake, gamble, locks, sokoban, taxi
from agentwm_environments.small.crafting_laws import ORDINARY as CRAFTING
from agentwm_environments.small.crafting_laws import altered as altered_crafting
from agentwm_environments.small.locks_laws import ORDINARY as LOCKS
from agentwm_environments.small.locks_laws import Laws as LocksLaws
from agentwm_environments.small.locks_laws import altered as altered_locks
from agentwm_environments.small.locks_layout import layout as locked_rooms
from agentwm_environments.small.truth import KnownWorld, after, check, merged

pytest.importorskip("gymnasium")

Make = Callable[[EnvironmentOptions], KnownWorld]
MAKES: Mapping[str, Make] = {
    "cliffwalking": cliffwalking.make,
    "crafting": crafting.make,
    "frozenlake": frozenlake.make,
    "gamble": gamble.make,
    "locks": locks.make,
    "sokoban": sokoban.make,
    "taxi": taxi.make,
}
SPECS: Mapping[str, EnvironmentSpec] = {
    spec.name: spec
    for spec in (
        cliffwalking.SPEC,
        crafting.SPEC,
        frozenlake.SPEC,
        gamble.SPEC,
        locks.SPEC,
        sokoban.SPEC,
        taxi.SPEC,
    )
}
OURS = ("crafting", "locks")
NUMBERS = {"cliffwalking": 37, "frozenlake": 11, "gamble": 2}  # of states, where there are few
AT = Fluent("at")

every_world = pytest.mark.parametrize("name", sorted(MAKES))
both_of_ours = pytest.mark.parametrize("name", OURS)


def world_of(name: str, **options: int | str | bool) -> KnownWorld:
    return MAKES[name](EnvironmentOptions(**{"count": 20, **options}))  # type: ignore[arg-type]


def play(world: KnownWorld, task: str, *, seed: int = 0, steps: int = 60) -> list[Observation]:
    """Return what is seen of random actions, which are the same ones for the same task."""
    rng = random.Random(task)
    seen = [world.reset(task, seed=seed)]
    while len(seen) <= steps and not seen[-1].terminated:
        seen.append(world.step(rng.choice(world.actions(seen[-1].facts))))
    return seen


def differing(before: State, now: State) -> dict[Fluent, Value]:
    return {fluent: value for fluent, value in now.items() if before.get(fluent) != value}


# --- engine and truth -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "altered"), [*((name, None) for name in MAKES), *((name, 3) for name in OURS)])
def test_the_engine_does_what_the_truth_says_and_as_often(name: str, altered: int | None) -> None:
    world = MAKES[name](EnvironmentOptions(count=20, altered=altered))
    rng = random.Random(5)
    expected: defaultdict[object, float] = defaultdict(float)
    spread: defaultdict[object, float] = defaultdict(float)
    seen: Counter[object] = Counter()
    for episode, task in enumerate([*world.tasks()] * 4):
        observation = world.reset(task, seed=episode)
        for _ in range(60):
            before = observation.facts
            action = rng.choice(world.actions(before))
            foretold = world.truth(before, action)
            observation = world.step(action)
            met = (differing(before, observation.facts), observation.reward, observation.terminated)
            assert met in [(o.changes, o.reward, o.terminated) for o in foretold], f"{action} in {before}"
            assert observation.facts.keys() == before.keys()
            for rank, outcome in enumerate(foretold):
                if outcome.probability < 1:
                    way = (action.verb, len(foretold), rank)
                    expected[way] += outcome.probability
                    spread[way] += outcome.probability * (1 - outcome.probability)
                    seen[way] += met == (outcome.changes, outcome.reward, outcome.terminated)
            if observation.terminated:
                break
    for each, number in expected.items():
        assert abs(seen[each] - number) < 4.5 * spread[each] ** 0.5 + 1, each
    assert bool(expected) == (name in {"crafting", "frozenlake", "gamble"})


@every_world
def test_the_truth_is_a_distribution_over_different_outcomes(name: str) -> None:
    world = world_of(name)
    for state in world.states(random.Random(1), 60):
        for action in world.actions(state):
            outcomes = world.truth(state, action)
            chances = [outcome.probability for outcome in outcomes]
            assert sum(chances) == pytest.approx(1)
            assert chances == sorted(chances, reverse=True)
            assert chances[-1] > 0
            assert len({(frozenset(o.changes.items()), o.reward, o.terminated) for o in outcomes}) == len(outcomes)
            for outcome in outcomes:
                assert all(state[fluent] != value for fluent, value in outcome.changes.items())
                assert outcome.reward is not None
                assert outcome.terminated is not None
                assert not any(world.vocabulary.fluents[fluent.name].static for fluent in outcome.changes)


@every_world
def test_states_are_different_and_show_every_verb_at_work_a_reward_and_every_fluent_change(name: str) -> None:
    world = world_of(name)
    states = world.states(random.Random(1), 200)
    assert states == world.states(random.Random(1), 200)
    assert len({frozenset(state.items()) for state in states}) == len(states) == NUMBERS.get(name, 200)
    outcomes = [(a, o) for state in states for a in world.actions(state) for o in world.truth(state, a)]
    assert any((outcome.reward or 0) > 0 for _, outcome in outcomes) == (name != "cliffwalking")  # where all steps cost
    assert any(outcome.terminated for _, outcome in outcomes)
    assert {action.verb for action, outcome in outcomes if outcome.changes} == set(world.vocabulary.actions)
    fixed = {"sort", "kind", "colour", "near", "far", "destination", "strokes"}
    stored = {fluent.name for fluent in states[0]}
    assert {fluent.name for _, outcome in outcomes for fluent in outcome.changes} == stored - fixed


def test_equal_outcomes_are_made_one() -> None:
    here, there = Outcome(0.25, {AT: "here"}), Outcome(0.375, {AT: "there"})
    assert merged([here, there, here, here]) == (replace(here, probability=0.75), replace(there, probability=0.375))


@every_world
def test_doctor_notices_an_engine_that_does_not_obey_the_truth(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(name)
    assert SPECS[name].check()
    monkeypatch.setattr(world, "_do", lambda *_: Outcome(1.0, {}, reward=7.0, terminated=False))
    with pytest.raises(EnvironmentFailureError, match="stated truth rules out"):
        check(world)


# --- plain twins ----------------------------------------------------------------------------------------------


def derived(world: KnownWorld, state: State, name: str, *args: str) -> Value:
    derive = world.vocabulary.fluents[name].derive
    assert derive is not None
    return derive(state, args)


@pytest.mark.parametrize(("split", "number"), [("test", 11), ("test_8x8", 53)])
def test_frozenlake_slips_to_either_side_by_its_references(split: str, number: int) -> None:
    world = world_of("frozenlake", split=split)
    around = ("left", "down", "right", "up")
    states = world.states(random.Random(0), 100)
    assert len(states) == number
    for state in states:
        here = state[AT]
        for index, verb in enumerate(around):
            ways: Counter[Value] = Counter()
            for side in (around[index - 1], verb, around[(index + 1) % 4]):
                ways[derived(world, state, side, str(here)) or here] += 1
            outcomes = world.truth(state, Action(verb))
            assert {o.changes.get(AT, here): round(3 * o.probability) for o in outcomes} == ways
            for outcome in outcomes:
                kind = state[Fluent("kind", (str(outcome.changes.get(AT, here)),))]
                assert outcome.reward == (kind == "goal")
                assert outcome.terminated == (kind in {"goal", "hole"})


def test_taxi_drives_by_its_references_and_pays_as_the_rules_of_the_game_say() -> None:
    world = world_of("taxi")
    states = world.states(random.Random(0), 1000)
    assert len(states) == 400
    passenger = Fluent("passenger")
    for state in states:
        here, rider = str(state[AT]), state[passenger]
        is_landmark = state[Fluent("kind", (here,))] == "landmark"
        for action in world.actions(state):
            changes: dict[Fluent, Value] = {}
            reward, is_over = -1.0, False
            if action.verb == "pick up" and rider == here:
                changes = {passenger: "taxi"}
            elif action.verb == "drop off" and rider == "taxi" and is_landmark:
                changes, is_over = {passenger: here}, here == state[Fluent("destination")]
                reward = 20.0 if is_over else -1.0
            elif action.verb in {"pick up", "drop off"}:
                reward = -10.0
            elif beside := derived(world, state, action.verb, here):
                changes = {AT: beside}
            assert world.truth(state, action) == (Outcome(1.0, changes, reward=reward, terminated=is_over),)


def test_a_wall_of_the_town_hides_the_neighbour() -> None:
    world = world_of("taxi")
    state = world.reset(world.tasks()[0]).facts
    assert derived(world, state, "east", "cell 0 1") is None
    assert derived(world, state, "west", "cell 0 2") is None
    assert derived(world, state, "east", "cell 2 1") == "cell 2 2"
    assert derived(world, state, "north", "cell 0 1") is None


def test_a_step_over_the_cliff_costs_100_and_leads_back_and_nothing_is_paid_at_the_goal() -> None:
    world = world_of("cliffwalking")
    around = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
    for state in world.states(random.Random(0), 100):
        row, column = (int(part) for part in str(state[AT]).split(" ")[1:])
        for verb, (down, right) in around.items():
            then = min(max(row + down, 0), 3), min(max(column + right, 0), 11)
            is_fall = then[0] == 3 and 0 < then[1] < 11
            there = "cell 3 0" if is_fall else f"cell {then[0]} {then[1]}"
            [outcome] = world.truth(state, Action(verb))
            assert outcome.changes == ({} if there == state[AT] else {AT: there})
            assert (outcome.reward, outcome.terminated) == (-100.0 if is_fall else -1.0, then == (3, 11))


def test_the_best_walk_along_the_cliff_takes_13_steps_and_is_won_at_the_goal() -> None:
    world = cliffwalking.make(EnvironmentOptions(count=1))
    [task] = world.tasks()
    best = world.reference(task)
    assert (best.steps, best.reward) == (13, -13.0)
    world.reset(task)
    assert not world.is_won
    ends = [world.step(Action(verb)) for verb in ("up", *["right"] * 11, "down")]
    assert [end.terminated for end in ends] == [False] * 12 + [True]
    assert world.is_won


_PRICES = {
    "plank": {"wood": (1, 1)},
    "stick": {"plank": (1, 1)},
    "pickaxe": {"plank": (2, 2), "stick": (1, 1)},
    "hammer": {"stone": (2, 1), "stick": (1, 1)},
    "bell": {"iron": (1, 1), "stick": (1, 1), "hammer": (1, 0)},
}


def craft(state: State, action: Action) -> list[tuple[float, dict[str, Value]]]:  # noqa: PLR0911 -- one for each verb
    """Return what the ordinary crafting world does, by name of fluent, but for the passing of time."""
    now = {fluent.name: value for fluent, value in state.items() if not fluent.args}
    had = {name: value for name, value in now.items() if isinstance(value, int)}
    kind = state[Fluent("kind", (str(now["at"]),))]
    match action:
        case ("go", (place,)) if place != now["at"]:
            return [(1.0, {"at": place})]
        case ("chop", ()) if kind == "forest":
            return [(1.0, {"wood": had["wood"] + 1})]
        case ("dig", ()) if kind in {"mine", "quarry"} and had["pickaxe"]:
            found = "iron" if kind == "mine" else "stone"
            return [(1.0, {found: had[found] + 1})]
        case ("fish", ()) if kind == "lake":
            return [(0.6, {}), (0.4, {"fish": had["fish"] + 1})]
        case ("eat", ()) if had["fish"]:
            return [(1.0, {"fish": had["fish"] - 1, "food": had["food"] + 5})]
        case ("make", (item,)) if item not in {"pickaxe", "bell"} or kind == "workshop":
            if all(had[name] >= needed for name, (needed, _) in _PRICES[item].items()):
                left: dict[str, Value] = {name: had[name] - used for name, (_, used) in _PRICES[item].items() if used}
                return [(1.0, {**left, item: had[item] + (2 if item in {"plank", "stick"} else 1)})]
    return [(1.0, {})]


def test_crafting_is_what_its_plain_twin_does_and_hunger_comes_every_25_actions() -> None:
    world = world_of("crafting")
    for state in world.states(random.Random(2), 150):
        food, since = state[Fluent("food")], state[Fluent("since_food")]
        assert isinstance(food, int)
        assert isinstance(since, int)
        for action in world.actions(state):
            expected = []
            for chance, changes in craft(state, action):
                if since == 24 and "food" not in changes:
                    changes["food"] = food - 1
                if not ("food" in changes and since == 0):
                    changes["since_food"] = 0 if "food" in changes else since + 1
                is_won = action == ("make", ("bell",)) and "bell" in changes
                stored = {Fluent(name): value for name, value in changes.items()}
                is_over = is_won or changes.get("food") == 0
                expected.append(Outcome(chance, stored, reward=float(is_won), terminated=is_over))
            assert world.truth(state, action) == tuple(expected)


def unlock(state: State, action: Action) -> dict[Fluent, Value]:  # noqa: PLR0911 -- as above
    """Return what the ordinary locked rooms do."""
    [thing] = action.args
    value = {(fluent.name, *fluent.args): value for fluent, value in state.items()}
    if action.verb in {"take", "drop"}:
        is_taken = action.verb == "take"
        if not (value["in", thing] == value["at",] if is_taken else value["carried", thing]):
            return {}
        return {Fluent("in", (thing,)): None if is_taken else value["at",], Fluent("carried", (thing,)): is_taken}
    sides = [value["near", thing], value["far", thing]]
    carried = {value["colour", f.args[0]] for f, is_so in state.items() if f.name == "carried" and is_so}
    match action.verb, value["open", thing]:
        case _ if value["at",] not in sides:
            return {}
        case "go", True:
            sides.remove(value["at",])
            return {AT: sides[0]}
        case "close", True:
            return {Fluent("open", (thing,)): False}
        case "open", False if value["colour", thing] in carried:
            return {Fluent("open", (thing,)): True}
    return {}


def test_locks_are_what_their_plain_twin_does() -> None:
    world = world_of("locks")
    for state in world.states(random.Random(2), 150):
        for action in world.actions(state):
            changes = unlock(state, action)
            is_won = AT in changes and str(changes[AT]).startswith("treasury")
            assert world.truth(state, action) == (Outcome(1.0, changes, reward=float(is_won), terminated=is_won),)


# --- altered worlds -------------------------------------------------------------------------------------------


def shortest(world: KnownWorld, start: State, caps: Mapping[str, int], ignored: Collection[str] = ()) -> int | None:
    """Return the number of actions of the shortest way to a reward, None where there is none.

    States that differ in ``ignored`` fluents alone count as one; states above ``caps`` are passed over.
    """
    schemas = world.vocabulary.fluents
    told_apart = [fluent for fluent in start if not schemas[fluent.name].static and fluent.name not in ignored]
    capped = [fluent for fluent in told_apart if fluent.name in caps]
    seen = {tuple(start[fluent] for fluent in told_apart)}
    queue: deque[tuple[State, int]] = deque([(start, 0)])
    actions = world.actions(start)
    while queue:
        state, depth = queue.popleft()
        for outcome in (outcome for action in actions for outcome in world.truth(state, action)):
            if (outcome.reward or 0) > 0:
                return depth + 1
            reached = after(state, outcome)
            what = tuple(reached[fluent] for fluent in told_apart)
            if outcome.terminated or what in seen or any(int(reached[f] or 0) > caps[f.name] for f in capped):
                continue
            seen.add(what)
            queue.append((reached, depth + 1))
    return None


@pytest.mark.parametrize("seed", [None, *range(10)])
def test_the_bell_can_be_made_long_before_the_food_at_the_start_is_gone(seed: int | None) -> None:
    world = crafting.make(EnvironmentOptions(count=1, altered=seed))
    laws = world.laws
    caps = {item: 1 for item in crafting.COUNTS if item != "fish"} | {"strokes": laws.strokes}
    for ingredient in (ingredient for recipe in laws.recipes for ingredient in recipe.ingredients):
        caps[ingredient.item] = max(caps[ingredient.item], ingredient.needed)
    for recipe in laws.recipes:
        caps[recipe.item] += recipe.gives
    start = world.reset(world.tasks()[0]).facts
    length = shortest(world, start, caps, ignored={"food", "since_food", "fish"})
    assert length is not None
    assert length < laws.food * laws.hunger / 2


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), other=st.integers(0, 10**6))
def test_the_treasury_can_be_reached_under_the_laws_and_under_those_that_follow(seed: int, other: int) -> None:
    laws, later = altered_locks(seed), altered_locks(other)
    start = locked_rooms(random.Random(seed), [laws, later])
    for each in (laws, later):
        length = shortest(locks.LocksEnvironment(["any"], laws=each), start, {})
        assert length is not None
        assert length >= 2


def test_the_treasury_can_be_reached_under_the_ordinary_laws() -> None:
    world = world_of("locks")
    lengths = [shortest(world, world.reset(task).facts, {}) for task in world.tasks()]
    assert None not in lengths
    assert len(set(lengths)) > 3


@both_of_ours
def test_altered_laws_differ_from_the_ordinary_ones_and_stay_the_same_for_a_seed(name: str) -> None:
    draw: Callable[[int], object] = altered_crafting if name == "crafting" else altered_locks
    ordinary: object = CRAFTING if name == "crafting" else LOCKS
    drawn = [draw(seed) for seed in range(20)]
    assert drawn == [draw(seed) for seed in range(20)]
    assert ordinary not in drawn
    assert len({repr(laws) for laws in drawn}) > 10
    plain = world_of(name)
    states = plain.states(random.Random(0), 60)
    for seed in range(20):
        other = world_of(name, altered=seed)
        assert any(other.truth(state, a) != plain.truth(state, a) for state in states for a in plain.actions(state))


def two_rooms(**keys: str) -> State:
    """Return a state in a hall with a red door to the treasury and with keys of these colours, all carried."""
    state: dict[Fluent, Value] = {AT: "hall 1", Fluent("kind", ("treasury 1",)): "treasury"}
    door: dict[str, Value] = {"colour": "red", "near": "treasury 1", "far": "hall 1", "open": False}
    state |= {Fluent(name, ("door 1",)): value for name, value in door.items()}
    for key, colour in keys.items():
        state |= {Fluent("colour", (key,)): colour, Fluent("in", (key,)): None, Fluent("carried", (key,)): True}
    return state


OPEN = Fluent("open", ("door 1",))


def changes_of(laws: LocksLaws, state: State, verb: str, thing: str = "door 1") -> State:
    [outcome] = locks.outcomes(laws, state, Action(verb, (thing,)))
    return outcome.changes


def test_each_law_of_the_locks_does_what_it_says() -> None:
    hands_full = two_rooms(a="red", b="red", c="blue")
    ordinary = LOCKS
    assert changes_of(ordinary, hands_full, "open") == {OPEN: True}
    used = replace(ordinary, uses_up_key=True)
    assert changes_of(used, hands_full, "open") == {OPEN: True, Fluent("carried", ("a",)): False}
    crossed = replace(ordinary, fits=(("blue", "red"), ("red", "blue")))
    assert changes_of(crossed, two_rooms(a="red"), "open") == {}
    assert changes_of(crossed, two_rooms(a="blue"), "open") == {OPEN: True}
    opened = {**hands_full, OPEN: True}
    assert changes_of(ordinary, opened, "go") == {AT: "treasury 1"}
    assert changes_of(replace(ordinary, shuts_behind=True), opened, "go") == {AT: "treasury 1", OPEN: False}
    assert changes_of(replace(ordinary, needs_empty_hands=True), opened, "go") == {}
    dropped = {**hands_full, Fluent("in", ("b",)): "hall 1", Fluent("carried", ("b",)): False}
    assert changes_of(ordinary, dropped, "take", "b") == {Fluent("in", ("b",)): None, Fluent("carried", ("b",)): True}
    assert changes_of(replace(ordinary, most_keys=2), dropped, "take", "b") == {}


# --- a change of laws in mid-run ------------------------------------------------------------------------------


def chopping(world: crafting.CraftingEnvironment, task: str, times: int) -> list[Value]:
    """Return the wood had after each of so many strokes in a forest, which is gone to first."""
    facts = world.reset(task).facts
    forest = next(fluent.args[0] for fluent, kind in facts.items() if fluent.name == "kind" and kind == "forest")
    world.step(Action("go", (forest,)))
    return [world.step(Action("chop")).facts[Fluent("wood")] for _ in range(times)]


def test_other_laws_come_into_force_after_so_many_actions_of_all_episodes() -> None:
    world = crafting.CraftingEnvironment(["a", "b"], change=(9, replace(CRAFTING, strokes=3)))
    assert chopping(world, "a", 3) == [1, 2, 3]  # 4 actions
    assert chopping(world, "b", 7) == [1, 2, 3, 4, 4, 4, 5]  # 5 under the old laws, then 3 under the new
    assert chopping(world, "a", 4) == [0, 0, 1, 1]


def test_the_truth_that_is_stated_changes_with_the_laws() -> None:
    world = locks.LocksEnvironment(["a"], change=(1, replace(LOCKS, needs_empty_hands=True)))
    state = {**two_rooms(a="red"), OPEN: True}
    go = Action("go", ("door 1",))
    assert world.truth(state, go)[0].changes
    world.step(world.actions(world.reset("a").facts)[0])
    assert not world.truth(state, go)[0].changes


# --- the face of an environment -------------------------------------------------------------------------------


@every_world
def test_the_same_task_and_seed_play_the_same(name: str) -> None:
    for task in world_of(name).tasks()[:5]:
        assert play(world_of(name), task, seed=3) == play(world_of(name), task, seed=3)
    first = world_of(name)
    again = [play(first, task) for task in (*first.tasks()[:3], *first.tasks()[:3])]
    assert again[:3] == again[3:]


@pytest.mark.parametrize("name", ["crafting", "frozenlake", "gamble", "taxi"])
def test_another_seed_has_other_chance(name: str) -> None:
    world = world_of(name)
    tasks = world.tasks()
    assert [play(world, task, seed=1) for task in tasks] != [play(world, task, seed=2) for task in tasks]


@every_world
def test_every_fact_is_declared_with_its_sorts_and_every_observation_holds_them_all(name: str) -> None:
    world = world_of(name, altered=1) if name in OURS else world_of(name)
    schemas = world.vocabulary.fluents
    for task in world.tasks()[:8]:
        seen = play(world, task)
        sorts = {fluent.args[0]: value for fluent, value in seen[0].facts.items() if fluent.name == "sort"}
        for observation in seen:
            for fluent, value in observation.facts.items():
                schema = schemas[fluent.name]
                assert schema.derive is None
                assert len(fluent.args) == len(schema.parameters)
                for argument, parameter in zip(fluent.args, schema.parameters, strict=True):
                    assert parameter == "any" or sorts[argument] in parameter.split("|")
                if schema.value == "number":
                    assert type(value) is int
                elif schema.value == "bool":
                    assert type(value) is bool
                elif schema.value in NOT_ENTITIES:
                    assert type(value) is str
                else:
                    assert value is None or sorts[str(value)] in schema.value.split("|")
        for before, now in pairwise(seen):
            assert before.facts.keys() == now.facts.keys()
            assert all(not schemas[fluent.name].static for fluent in differing(before.facts, now.facts))


@every_world
def test_references_lead_to_things_of_their_sort_or_nowhere(name: str) -> None:
    world = world_of(name)
    references = [schema for schema in world.vocabulary.fluents.values() if schema.is_reference]
    assert bool(references) == (name not in {"crafting", "gamble"})
    for state in world.states(random.Random(4), 20):
        sorts = {fluent.args[0]: value for fluent, value in state.items() if fluent.name == "sort"}
        for schema in references:
            for thing in (thing for thing, sort in sorts.items() if sort == schema.parameters[0]):
                value = derived(world, state, schema.name, thing)
                assert value is None or sorts[str(value)] == schema.value
            assert derived(world, state, schema.name, "nothing known") is None


@every_world
def test_splits_share_no_task_and_open_otherwise(name: str) -> None:
    openings = {}
    for split in SPECS[name].splits:
        world = MAKES[name](EnvironmentOptions(split=split))
        assert len(world.tasks()) == len(set(world.tasks())) == 200
        assert {world.about["split"], world.about["tasks"]} == {split, 200}
        assert world.refusals == ()
        openings[split] = {(task, frozenset(world.reset(task).facts.items())) for task in world.tasks()}
    for one, other in combinations(openings.values(), 2):
        assert not {task for task, _ in one} & {task for task, _ in other}
        if name in OURS:
            assert not {opening for _, opening in one} & {opening for _, opening in other}


def test_learning_and_seeds_have_tasks_of_their_own_on_the_map_that_will_be_played() -> None:
    big = frozenlake.make(EnvironmentOptions(learning=True, played="test_8x8"))
    assert big.about["split"] == "train_8x8"
    assert {big.task_type(task) for task in big.tasks()} == {"8x8"}
    assert taxi.make(EnvironmentOptions(learning=True)).about["split"] == "train"
    assert crafting.make(EnvironmentOptions()).about["split"] == "test"
    assert not {*world_of("locks", seed=1).tasks()} & {*world_of("locks", seed=2).tasks()}


@every_world
def test_actions_are_listed_where_that_was_asked_for(name: str) -> None:
    plain, listing = world_of(name), world_of(name, admissible=True)
    task = plain.tasks()[0]
    assert all(observation.actions is None for observation in play(plain, task))
    for observation in play(listing, task):
        assert observation.actions == listing.actions(observation.facts)
        assert observation.text
    verbs = plain.vocabulary.actions
    assert all(verbs[action.verb].render(action.args) for action in listing.actions(observation.facts))


@every_world
def test_what_cannot_be_is_said(name: str) -> None:
    make = MAKES[name]
    with pytest.raises(ConfigurationError, match="unknown split 'dev'"):
        make(EnvironmentOptions(split="dev"))
    with pytest.raises(ConfigurationError, match="unknown engine 'steam'"):
        make(EnvironmentOptions(engine="steam"))
    with pytest.raises(ConfigurationError, match="reads no games"):
        make(EnvironmentOptions(games="somewhere"))
    if name not in OURS:
        with pytest.raises(ConfigurationError, match="cannot be altered"):
            make(EnvironmentOptions(altered=1))
    world = world_of(name)
    action = Action("no such verb")
    with pytest.raises(EnvironmentFailureError, match="no task has been begun"):
        world.step(action)
    with pytest.raises(TaskError, match="no task 'none such' among the 20"):
        world.reset("none such")
    facts = world.reset(world.tasks()[0]).facts
    for wrong in (action, Action(world.actions(facts)[0].verb, ("nobody",))):
        with pytest.raises(EnvironmentFailureError, match="expected one of the actions"):
            world.step(wrong)
    world.close()
    world.close()
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        world.step(world.actions(facts)[0])


def test_after_the_end_only_reset_is_legal() -> None:
    world = world_of("frozenlake")
    last = play(world, world.tasks()[0], steps=1000)[-1]
    assert last.terminated
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        world.step(Action("left"))
    assert not world.reset(world.tasks()[0]).terminated


@pytest.mark.parametrize("name", ["frozenlake", "taxi"])
def test_without_gymnasium_it_is_said_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SPECS[name].missing() is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "agentwm[gym]" in str(SPECS[name].missing())
    assert not SPECS[name].check()
    with pytest.raises(MissingExtraError, match="gymnasium"):
        world_of(name)


def test_listing_the_small_worlds_does_not_import_gymnasium() -> None:
    code = "import sys, json; from agentwm_environments.small import crafting, frozenlake, locks, taxi"
    script = f"{code}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert not {"gymnasium", "numpy"} & set(loaded)
    assert "agentwm_environments.small.taxi" in loaded


# --- perception -----------------------------------------------------------------------------------------------


def test_facts_are_told_at_first_and_later_only_what_differs_has_changed() -> None:
    here, there, wood = {AT: "here"}, {AT: "there"}, {Fluent("wood"): 1}
    perceiver = FactsPerceiver()
    opening = perceiver.perceive(Observation("", {**here, **wood}), None, {})
    assert (opening.told, opening.changed, opening.forgotten) == ({**here, **wood}, {}, frozenset())
    later = perceiver.perceive(Observation("", {**there, Fluent("fish"): 0}), Action("go"), {**here, **wood})
    assert later.told == {Fluent("fish"): 0}
    assert later.changed == there
    assert later.forgotten == {Fluent("wood")}
    assert later.succeeded is None


@every_world
def test_what_is_perceived_adds_up_to_the_facts(name: str) -> None:
    world = world_of(name)
    seen = play(world, world.tasks()[1])
    assert world.perceiver is not None
    for before, now in pairwise(seen):
        perception = world.perceiver.perceive(now, Action("any"), before.facts)
        assert not perception.told
        assert not perception.forgotten
        assert perception.changed == differing(before.facts, now.facts)
