"""The learned model as an environment: what it draws, what it hides and shows, and that the world bears it out."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from agentwm import Action, Episode, Fluent, RuleStore, build, parse_rule
from agentwm.agent import Mind, play
from agentwm.errors import ConfigurationError, EnvironmentFailureError, TaskError
from agentwm.imagination import ImaginedEnvironment, Start, consistency, practise
from agentwm.imagination.hidden import Door, door_of
from agentwm.knowledge import Knowledge
from agentwm.learning import Learner
from agentwm.minds import acting_mind
from agentwm.models.rule_model import AlignedModel
from agentwm.planners import mpc
from agentwm.planners.means_ends import MeansEnds
from agentwm.planners.setbacks import setbacks
from agentwm.rules.store import Record
from agentwm.types import Environment, EnvironmentOptions, Goal, Query, State, Value, Vocabulary
from agentwm_environments.small import frozenlake
from tests.conftest import FRAME, Begin, action_of, benchmark
from tests.tiny_world import AT, CELLS, WARM, WORDS

ACT = Action("act")
NO_GOAL = Goal("nothing in particular")
LEARN, HOUSES, DREAMS = 4, 6, 200


def tiny(*rules: str, goal: Goal = NO_GOAL, **options: float) -> ImaginedEnvironment:
    """Return the imagination of a tiny world by ``rules``, from one start."""
    state = {**CELLS, AT: "a", WARM: False, Fluent("wood"): 0}
    store = RuleStore(tuple(map(parse_rule, rules)))
    return ImaginedEnvironment(store, [Start("tiny", state, goal, WORDS)], **options)  # type: ignore[arg-type]


def certain(store: RuleStore) -> RuleStore:
    """Return ``store`` with so much evidence that next to nothing is doubted."""
    return replace(store, records={rule.id: Record(supports=10**6) for rule in store.rules})


def start_of(episode: Episode, **changes: object) -> Start:
    return replace(Start.of(episode), **changes)  # type: ignore[arg-type]


def do(episode: Episode, *commands: str) -> Episode:
    for command in commands:
        episode.step(action_of(command, episode.vocabulary), FRAME)
    return episode


# --- what an action does ---------------------------------------------------------------------------------------------------


def test_outcomes_come_as_often_as_the_model_gives_them() -> None:
    world = tiny("act then 0.70 success: warm() becomes true; or 0.30 success: wood() grows by 1")
    came: Counter[str] = Counter()
    for seed in range(400):
        episode = Episode(world, "tiny", seed=seed)
        changed = episode.step(ACT, FRAME).changed
        came.update(fluent.name for fluent in changed)
    assert came.keys() == {"warm", "wood"}
    assert came.total() == 400
    assert 0.63 < came["warm"] / 400 < 0.77


def test_the_same_seed_dreams_the_same_and_another_one_does_not() -> None:
    world = tiny("act then 0.50 success: warm() becomes true; or 0.50 success: warm() becomes false")

    def dream(seed: int) -> list[State]:
        episode = Episode(world, "tiny", seed=seed)
        return [episode.step(ACT, FRAME).after for _ in range(30)]

    assert dream(1) == dream(1)
    assert dream(1) != dream(2)


def test_the_likeliest_always_happens_where_nothing_is_left_to_chance() -> None:
    world = tiny("act then 0.60 success: wood() grows by 1; or 0.40 success", is_likeliest=True)
    episode = Episode(world, "tiny")
    assert [episode.step(ACT, FRAME).after[Fluent("wood")] for _ in range(20)] == list(range(1, 21))


def test_rewards_and_ends_are_those_of_the_model() -> None:
    world = tiny('act leading to kind(at()) is "ice" then 1.00 success: reward 3, the end')
    episode = Episode(world, "tiny")
    episode.step(ACT, FRAME)
    assert (episode.observation.reward, episode.is_over, episode.is_won) == (3.0, True, True)
    with pytest.raises(EnvironmentFailureError, match="the episode is over: expected reset"):
        episode.step(ACT, FRAME)


def test_the_text_is_the_models_where_it_has_one_and_else_the_changes() -> None:
    told = Episode(tiny('act then 1.00 success: warm() becomes true, says "Ah, warm."'), "tiny")
    told.step(ACT, FRAME)
    assert told.observation.text == "Ah, warm."
    untold = Episode(tiny("act then 1.00 success: warm() becomes true"), "tiny")
    untold.step(ACT, FRAME)
    assert untold.observation.text == "warm() becomes true."


def test_dropout_leaves_out_as_many_rules_as_it_says_and_others_in_each_dream() -> None:
    names = [f"act when wood() is {number} then 1.00 success: warm() becomes true" for number in range(60)]
    kept: list[frozenset[str]] = []

    def count(rules: RuleStore, words: Vocabulary) -> AlignedModel:
        kept.append(frozenset(rule.id for rule in rules.rules))
        return AlignedModel.symbolic(rules, words)

    store = RuleStore(tuple(map(parse_rule, names)))
    world = ImaginedEnvironment(store, [Start("tiny", CELLS, NO_GOAL, WORDS)], dropout=0.25, model_of=count)
    for seed in range(20):
        world.reset("tiny", seed=seed)
    assert len(set(kept)) == 20
    assert 0.70 < sum(map(len, kept)) / (20 * 60) < 0.80
    world.reset("tiny", seed=7)
    assert kept[-1] == kept[7]


def test_what_cannot_be_played_is_said() -> None:
    world = tiny("act then 1.00 success")
    with pytest.raises(EnvironmentFailureError, match="expected reset first"):
        world.step(ACT)
    with pytest.raises(TaskError, match="no task 'other' among the 1 of"):
        world.reset("other")
    world.reset("tiny")
    with pytest.raises(EnvironmentFailureError, match=r"expected one of the actions act, wait; got 'dance \[a\]'"):
        world.step(Action("dance", ("a",)))
    with pytest.raises(ConfigurationError, match="expected a probability"):
        tiny("act then 1.00 success", dropout=1.5)
    with pytest.raises(ConfigurationError, match="starts of different names"):
        ImaginedEnvironment(RuleStore(), [Start("one", {}, NO_GOAL, WORDS)] * 2)


def test_it_is_an_environment_like_any_other() -> None:
    world = tiny("act then 1.00 success")
    world.reset("tiny")
    assert isinstance(world, Environment)


# --- a household -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known(true_rules: RuleStore) -> RuleStore:
    """Return the truth about the household, and a little about where things are found."""
    looks = {"countertop": 8, "cabinet": 8, "fridge": 8}
    knowledge = Knowledge(
        looks=looks,
        exposure={kind: float(number) for kind, number in looks.items()},
        found={"apple": {"fridge": 16, "countertop": 4}, "mug": {"countertop": 24, "cabinet": 8}},
        shut={"fridge": (8, 8), "cabinet": (8, 8), "countertop": (0, 8)},
    )
    return certain(true_rules).with_knowledge(knowledge)


@pytest.fixture
def dream(known: RuleStore, begin: Begin) -> Callable[..., Episode]:
    """Return a function that begins an episode in the imagined house, after so many commands in the real one."""

    def make(*commands: str, seed: int = 0) -> Episode:
        start = Start.of(begin(*commands))
        return Episode(ImaginedEnvironment(known, [start]), start.name, seed=seed)

    return make


def things_in(state: State, place: str) -> dict[str, Value]:
    names = [fluent.args[0] for fluent, value in state.items() if fluent.name == "in" and value == place]
    return {name: state[Fluent("kind", (name,))] for name in names}


def test_an_action_that_fails_changes_nothing_and_is_perceived_to_have_failed(dream: Callable[..., Episode]) -> None:
    episode = dream("go to countertop 1")
    before = dict(episode.state)
    transition = do(episode, "go to countertop 1").transitions[-1]
    assert not transition.succeeded
    assert transition.after == before
    assert (transition.changed, transition.observation.reward, episode.is_over) == ({}, 0.0, False)


def test_the_facts_read_back_what_the_action_changed_and_nothing_else(dream: Callable[..., Episode]) -> None:
    episode = do(dream("go to countertop 1"), "take mug 1 from countertop 1")
    [transition] = episode.transitions
    assert transition.succeeded
    assert transition.changed == {Fluent("holding"): "mug 1", Fluent("in", ("mug 1",)): None}
    assert not transition.told
    assert {f: v for f, v in episode.state.items() if f not in transition.changed} == {
        f: v for f, v in transition.before.items() if f not in transition.changed
    }


def test_what_is_done_with_a_thing_never_seen_fails(dream: Callable[..., Episode]) -> None:
    episode = do(dream("go to countertop 1"), "take apple 1 from countertop 1", "take banana 7 from countertop 1")
    assert [transition.succeeded for transition in episode.transitions] == [True, False]


def test_nothing_hidden_is_shown_before_its_place_is_looked_into(dream: Callable[..., Episode]) -> None:
    episode = dream()
    assert not any(fluent.name in ("in", "open") for fluent in episode.state)
    do(episode, "go to fridge 1")
    assert episode.state[Fluent("open", ("fridge 1",))] is False
    assert Fluent("explored", ("fridge 1",)) not in episode.state
    assert not any(fluent.name == "in" for fluent in episode.state)


def test_a_look_tells_what_is_there_in_the_form_of_a_real_one(
    dream: Callable[..., Episode], live: Callable[..., Sequence[object]]
) -> None:
    seen: Counter[Value] = Counter()
    for seed in range(20):
        episode = do(dream(seed=seed), "go to fridge 1", "open fridge 1")
        opened = episode.transitions[-1]
        assert opened.changed == {Fluent("open", ("fridge 1",)): True, Fluent("explored", ("fridge 1",)): True}
        found = things_in(episode.state, "fridge 1")
        seen.update(found.values())
        told = {Fluent(name, (thing,)) for thing in found for name in ("sort", "kind", "in")}
        assert opened.told == told
        assert all(episode.state[Fluent("sort", (thing,))] == "object" for thing in found)
        assert all(thing.startswith(f"{kind} ") for thing, kind in found.items())
    assert seen["apple"] > seen["mug"], "apples are what fridges hold"
    [_, real] = live("go to fridge 1", "open fridge 1")
    assert opened.changed == real.changed  # type: ignore[attr-defined]


def test_what_has_no_door_is_looked_into_on_arrival(dream: Callable[..., Episode]) -> None:
    episode = do(dream(), "go to countertop 1")
    assert episode.state[Fluent("explored", ("countertop 1",))] is True
    assert episode.state[Fluent("open", ("countertop 1",))] is None


def test_things_drawn_bear_names_that_nothing_seen_has(dream: Callable[..., Episode]) -> None:
    for seed in range(10):
        episode = dream("go to countertop 1", seed=seed)
        seen = things_in(episode.state, "countertop 1")
        do(episode, "go to fridge 1", "open fridge 1", "go to cabinet 1", "open cabinet 1")
        found = [*things_in(episode.state, "fridge 1"), *things_in(episode.state, "cabinet 1")]
        assert len({*found, *seen}) == len(found) + len(seen)


def test_what_the_goal_needs_is_there_and_not_where_it_is_wanted(known: RuleStore, begin: Begin) -> None:
    start = Start.of(begin())
    nowhere = known.with_knowledge(Knowledge())
    wanted = begin().goal.conditions  # a hot apple on a countertop
    cold = tuple(condition for condition in wanted if "hot" not in str(condition))
    for seed in range(15):
        world = ImaginedEnvironment(nowhere, [replace(start, goal=Goal("an apple there", cold))])
        episode = toured(Episode(world, start.name, seed=seed), known)
        assert not episode.is_over
        apples = [f.args[0] for f, value in episode.state.items() if f.name == "kind" and value == "apple"]
        assert apples
        assert all(not str(episode.state[Fluent("in", (apple,))]).startswith("countertop") for apple in apples)


def toured(episode: Episode, rules: RuleStore) -> Episode:
    """Return ``episode`` once everything was looked into."""
    proposer = MeansEnds(rules, episode.vocabulary)
    for _ in range(200):
        avoid = setbacks(episode.transitions, episode.vocabulary)
        plan = next(iter(proposer.explorations(episode.state, Goal(""), (), avoid=avoid)), None)
        if plan is None or episode.is_over:
            return episode
        episode.step(plan.actions[0], FRAME)
    raise AssertionError("there is no end to it")


def test_how_much_is_drawn_is_what_is_expected(known: RuleStore, begin: Begin) -> None:
    start = start_of(begin(), goal=NO_GOAL)
    places = ("fridge 1", "countertop 1")
    found: Counter[tuple[str, Value]] = Counter()
    for seed in range(DREAMS):
        episode = Episode(ImaginedEnvironment(known, [start]), start.name, seed=seed)
        do(episode, "go to countertop 1", "go to fridge 1", "open fridge 1")
        found.update((place, kind) for place in places for kind in things_in(episode.state, place).values())
    for place in places:
        for kind in ("apple", "mug"):
            rate = known.knowledge.expected(kind, place.split()[0])
            # Four standard errors of the mean of so many Poisson numbers.
            assert found[place, kind] / DREAMS == pytest.approx(rate, abs=4 * (rate / DREAMS) ** 0.5), (place, kind)


def test_the_goal_reached_brings_one_and_the_end(dream: Callable[..., Episode], known: RuleStore) -> None:
    episode = dream("go to countertop 1")
    model = AlignedModel.symbolic(known, episode.vocabulary)
    for command in (
        "take apple 1 from countertop 1",
        "go to microwave 1",
        "heat apple 1 with microwave 1",
        "go to countertop 1",
        "move apple 1 to countertop 1",
    ):
        assert not episode.is_over, command
        assert episode.observation.reward == 0
        action = action_of(command, episode.vocabulary)
        [prediction] = model.predict([Query(episode.state, action)])
        episode.step(action, prediction)
    assert episode.is_won
    assert episode.observation.reward == 1


def test_what_no_ordinary_text_shows_is_not_shown(dream: Callable[..., Episode]) -> None:
    commands = ("take apple 1 from countertop 1", "go to microwave 1", "heat apple 1 with microwave 1")
    episode = do(dream("go to countertop 1"), *commands)
    assert episode.transitions[-1].succeeded
    assert not episode.transitions[-1].changed
    assert Fluent("hot", ("apple 1",)) not in episode.state, "nothing was foretold, so nothing is believed"


def test_an_inspection_tells_what_is_so(known: RuleStore, begin: Begin) -> None:
    rules = replace(known, rules=(*known.rules, parse_rule("examine ?o when holding() is ?o then 1.00 success")))
    start = Start.of(begin("go to countertop 1"))
    episode = Episode(ImaginedEnvironment(certain(rules), [start]), start.name)
    do(
        episode,
        "take apple 1 from countertop 1",
        "go to microwave 1",
        "heat apple 1 with microwave 1",
        "examine apple 1",
    )
    assert episode.transitions[-1].succeeded
    assert episode.state[Fluent("hot", ("apple 1",))] is True
    assert Fluent("hot", ("apple 1",)) in episode.transitions[-1].told


def test_the_door_is_what_a_rule_changes_in_the_same_stroke_as_the_look(
    true_rules: RuleStore, words: Vocabulary
) -> None:
    assert door_of(true_rules, words) == Door("open", shut=False)
    shut_out = replace(true_rules, rules=tuple(rule for rule in true_rules.rules if rule.verb != "open"))
    assert door_of(shut_out, words) is None


# --- held against the world -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def houses() -> Environment:
    return build.environment("alfworld").make(EnvironmentOptions(split="test", count=HOUSES))


@pytest.fixture(scope="module")
def learned() -> RuleStore:
    """Return the rules of a few games."""
    learner = Learner()
    world = build.environment("alfworld").make(EnvironmentOptions(split="train", learning=True, count=LEARN))
    learner.learn(world, world.tasks()[:LEARN])
    return learner.store


def played(world: Environment, task: str, rules: RuleStore) -> Episode:
    episode = Episode(world, task)
    play(episode, acting_mind(mpc.SPEC, rules, episode, rng=random.Random(0)), max_steps=50)
    return episode


def test_where_nothing_is_hidden_a_plan_comes_out_in_the_world_as_it_was_imagined(
    houses: Environment, true_rules: RuleStore
) -> None:
    rules = certain(true_rules)
    same = []
    for task in houses.tasks():
        real = toured(Episode(houses, task), rules)
        imagined = played(ImaginedEnvironment(rules, [Start.of(real)]), task, rules)
        compared = consistency(imagined, real)
        assert compared.imagined == len(compared.steps)
        same.append(compared.is_same and compared.won == (True, True))
    assert sum(same) >= HOUSES - 1, "the rules say nothing of what fits where"


def test_where_the_model_is_wrong_the_comparison_says_where_they_part(begin: Begin) -> None:
    lie = parse_rule("take ?o ?r then 1.00 success: holding() becomes ?o, in(?o) becomes nothing")
    start = Start.of(begin("go to countertop 1"))
    imagined = Episode(ImaginedEnvironment(certain(RuleStore((lie,))), [start]), start.name)
    do(imagined, "take apple 1 from countertop 1", "take egg 1 from countertop 1")
    compared = consistency(imagined, begin("go to countertop 1"))
    assert [step.is_same for step in compared.steps] == [True, False]
    assert compared.steps[1].succeeded == (True, False)
    assert (compared.is_same, compared.is_same_end) == (False, True)


def test_a_whole_game_is_played_from_its_first_observation_in_rules_that_were_learned(
    houses: Environment, learned: RuleStore
) -> None:
    world = ImaginedEnvironment(learned, [Start.of(Episode(houses, task)) for task in houses.tasks()])
    won = [played(world, task, learned).is_won for task in world.tasks()]
    blind = [played(world, task, RuleStore()).is_won for task in world.tasks()]
    assert sum(won) >= HOUSES / 2
    assert sum(blind) < sum(won) / 2
    assert {world.task_type(task) for task in world.tasks()} == {houses.task_type(task) for task in houses.tasks()}


# --- practice -----------------------------------------------------------------------------------------------------------------


def test_what_was_practised_in_imagination_alone_works_in_the_world() -> None:
    rules = RuleStore(tuple(parse_rule(line) for line in frozenlake.TRUE_RULES.strip().splitlines()))
    world = frozenlake.SPEC.make(EnvironmentOptions(split="test", count=60))
    first = world.tasks()[0]
    imagination = ImaginedEnvironment(rules, [Start.of(Episode(world, first))])
    policy = practise(imagination, [first] * 400, rng=random.Random(0))
    words = world.vocabulary
    novice = practise(imagination, [first], rng=random.Random(0), max_steps=1)
    wins = {}
    for name, planner in (("practised", policy), ("novice", novice)):
        mind = Mind(planner, AlignedModel.symbolic(rules, words))
        wins[name] = 0
        for task in world.tasks():
            episode = Episode(world, task)
            play(episode, mind, max_steps=100)
            wins[name] += episode.is_won
    assert wins["practised"] >= 30, "the best there is wins three in four"
    assert wins["novice"] <= 10


def test_practice_needs_something_to_practise() -> None:
    with pytest.raises(ConfigurationError, match="expected tasks to practise"):
        practise(tiny("act then 1.00 success"), [], rng=random.Random(0))


# --- the benchmark's own figures ----------------------------------------------------------------------------------------------


def test_ranks_are_averaged_over_ties() -> None:
    spearman = benchmark("imagination").spearman
    assert spearman([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert spearman([1, 2, 3], [30, 20, 10]) == pytest.approx(-1)
    assert spearman([1, 1, 1], [1, 2, 3]) == 0
    # Two lists with ties, by hand: ranks 1.5 1.5 3 4 and 1 2.5 2.5 4.
    assert spearman([0, 0, 1, 2], [0, 1, 1, 2]) == pytest.approx(3.75 / 4.5)
