"""One decision from inside: what is foreseen, what it is worth, and what each strategy makes of it in worlds with known optima."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from types import MappingProxyType

import pytest

from agentwm.agent import Episode
from agentwm.errors import DecisionSpentError
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.anything import Anything
from agentwm.planners.beam import beam
from agentwm.planners.best_first import best_first
from agentwm.planners.best_of_n import best_of_n
from agentwm.planners.cem import cem
from agentwm.planners.critics import NEARER, SCALE, Conditions, Distance
from agentwm.planners.deliberation import Deliberation
from agentwm.planners.mcts import mcts
from agentwm.planners.means_ends import MeansEnds
from agentwm.planners.meter import MeteredModel
from agentwm.planners.mpc import propose_and_repair
from agentwm.planners.options import applicable_actions, ground_actions, listed_actions
from agentwm.planners.outlook import DISCOUNT, LEAST_CONFIDENCE, Outlook, Prospect
from agentwm.planners.symbolic import symbolic_parts
from agentwm.rules.binding import is_reached
from agentwm.testing import WORLDS, World
from agentwm.types import (
    Action,
    ActionSchema,
    Condition,
    Critic,
    Fluent,
    FluentSchema,
    Goal,
    Observation,
    Outcome,
    Plan,
    PlannerParts,
    PlanningBudget,
    Prediction,
    Query,
    Ref,
    Situation,
    State,
    Transition,
    Vocabulary,
)
from agentwm_environments.alfworld.game import Game
from agentwm_environments.small.sokoban import level_of
from agentwm_environments.small.sokoban_levels import solve

Begin = Callable[..., Episode]
Strategy = Callable[[Outlook], Sequence[Plan]]

GAMBLE, SOKOBAN, LOCKS, HOUSEHOLD = WORLDS
TAXI = World("taxi")
LAKE = World("frozenlake")
NONE: Mapping[Action, Sequence[Situation]] = MappingProxyType({})


def looking(world: World, *, calls: int | None = None, depth: int | None = None) -> Outlook:
    """Return the first decision in ``world``, whose rules are the model."""
    episode = world.begin()
    budget = PlanningBudget(model_calls=calls, depth=depth)
    words = episode.vocabulary
    meter = MeteredModel(AlignedModel.symbolic(world.store, words), budget)
    parts = symbolic_parts(world.store, words, meter, rng=random.Random(0), budget=budget)
    return Outlook(episode.state, episode.goal, parts, avoid={})


def course(outlook: Outlook, *verbs: str) -> Prospect:
    prospect = outlook.start
    for verb in verbs:
        [prospect] = outlook.advance([(prospect, Action(verb))])
    return prospect


# --- what is foreseen -------------------------------------------------------------------------------------------------


def test_luck_is_weighed_and_what_comes_later_is_discounted() -> None:
    outlook = looking(GAMBLE)
    risky, sure = course(outlook, "risky"), course(outlook, "safe", "on")
    assert risky.gained == pytest.approx(0.6 * 2 - 0.4 * 10, abs=1e-3)
    assert risky.reached == pytest.approx(0.6)
    assert not risky.branches
    assert sure.gained == pytest.approx(DISCOUNT, abs=1e-3)
    assert (sure.reached, sure.is_open) == (1.0, False)
    assert outlook.plan(sure, 1.0, "").reaches_goal
    assert not outlook.plan(risky, 1.0, "").reaches_goal


def test_on_ice_probabilities_add_up_and_ways_to_one_state_are_one_branch() -> None:
    outlook = looking(LAKE)
    rng = random.Random(1)
    for _ in range(30):
        prospect, ended = outlook.start, 0.0
        for _ in range(6):
            verb = rng.choice(("left", "down", "right", "up"))
            before = sum(branch.probability for branch in prospect.branches)
            [prospect] = outlook.advance([(prospect, Action(verb))])
            after = sum(branch.probability for branch in prospect.branches)
            assert after <= before + 1e-9
            ended += before - after
            states = [frozenset(branch.state.items()) for branch in prospect.branches]
            assert len(set(states)) == len(states) == len({branch.key for branch in prospect.branches})
            assert [b.probability for b in prospect.branches] == sorted(
                (b.probability for b in prospect.branches), reverse=True
            )
        assert prospect.reached <= ended + 1e-9
        assert prospect.gained <= prospect.reached + 1e-9


def test_states_have_one_key_just_where_they_are_the_same() -> None:
    outlook = looking(SOKOBAN)
    rng = random.Random(2)
    keys: dict[object, int] = {}
    state, key = outlook.state, outlook.key
    for _ in range(300):
        [foreseen] = outlook.foresee([(state, key, Action(rng.choice(("up", "down", "left", "right"))))])
        state, key = outlook.after(state, key, foreseen.futures[0].changes)
        assert keys.setdefault(frozenset(state.items()), key) == key
    assert len(set(keys.values())) == len(keys) > 5


def test_nothing_is_asked_twice_and_the_end_of_the_budget_cuts_the_answers_short() -> None:
    outlook = looking(GAMBLE, calls=2)
    risky, safe, on = ((outlook.state, outlook.key, Action(verb)) for verb in ("risky", "safe", "on"))
    assert len(outlook.foresee([risky, risky, risky])) == 3
    assert outlook.calls == 1
    assert len(outlook.foresee([risky, safe, on])) == 2
    assert outlook.calls == 2
    with pytest.raises(DecisionSpentError):
        outlook.foresee([on])
    assert len(outlook.foresee([safe, risky])) == 2, "what is known can be looked up for ever"


def test_what_was_known_before_is_not_asked_again() -> None:
    first = looking(GAMBLE)
    course(first, "safe", "on")
    again = Outlook(first.state, first.goal, first.parts, avoid={}, known=first._known)
    course(again, "safe", "on")
    assert (first.calls, again.calls) == (2, 0)


class Doubting:
    """A world model that foretells a reward, and is as sure of it as it is told to be."""

    def __init__(self, confidence: float) -> None:
        self.confidence = confidence

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        return [Prediction((Outcome(1.0, reward=0.5),), self.confidence, "rules") for _ in queries]


def test_doubt_costs_in_proportion_and_attracts_where_its_price_is_negative() -> None:
    outlook = looking(GAMBLE)
    for pessimism in (0.2, 0.0, -0.2):
        worths = []
        for confidence in (1.0, 0.75, 0.5):
            parts = replace(outlook.parts, model=Doubting(confidence), pessimism=pessimism)
            looked = Outlook(outlook.state, outlook.goal, parts, avoid={})
            worths.append(course(looked, "safe").gained)
        assert worths == pytest.approx([0.5, 0.5 - pessimism / 4, 0.5 - pessimism / 2])


def test_a_course_is_cut_where_nothing_on_it_is_sure_any_more() -> None:
    outlook = looking(GAMBLE)
    doubting = Outlook(outlook.state, outlook.goal, replace(outlook.parts, model=Doubting(0.5)), avoid={})
    steps = 0
    prospect = doubting.start
    while prospect.is_open:
        [prospect] = doubting.advance([(prospect, Action("safe"))])
        steps += 1
        assert prospect.confidence == pytest.approx(0.5**steps)
    assert 0.5**steps < LEAST_CONFIDENCE <= 0.5 ** (steps - 1)


def test_reaching_the_goal_pays_and_ends(begin: Begin) -> None:
    episode = begin("go to countertop 1")
    goal = Goal("hold an egg", (Condition(Ref("holding"), "==", "egg 1"),))
    words = episode.vocabulary
    parts = symbolic_parts(HOUSEHOLD.store, words, AlignedModel.symbolic(HOUSEHOLD.store, words), rng=random.Random(0))
    outlook = Outlook(episode.state, goal, parts, avoid={})
    egg, mug = (Action("take", (thing, "countertop 1")) for thing in ("egg 1", "mug 1"))
    taken, other = outlook.advance([(outlook.start, egg), (outlook.start, mug)])
    assert (taken.reached, taken.gained) == pytest.approx((1.0, 1.0), abs=1e-3)
    assert not taken.branches
    assert other.reached == 0
    assert other.branches


# --- what it is worth -------------------------------------------------------------------------------------------------


@dataclass
class Liking:
    """A critic that likes the corridor."""

    judged: list[int] = field(default_factory=list)
    is_spent: bool = False

    def judge(self, states: Sequence[State], goal: Goal) -> list[float]:  # noqa: ARG002 -- a critic's
        if self.is_spent:
            raise DecisionSpentError("spent")
        self.judged.append(len(states))
        return [0.7 if state[Fluent("at")] == "corridor" else 0.0 for state in states]


def judged_by(outlook: Outlook, critic: Critic | None) -> Outlook:
    return Outlook(outlook.state, outlook.goal, replace(outlook.parts, critic=critic), avoid={})


def test_the_critic_judges_what_goes_on_all_at_once_and_nothing_that_has_ended() -> None:
    critic = Liking()
    outlook = judged_by(looking(GAMBLE), critic)
    prospects = [course(outlook, *verbs) for verbs in (("safe",), ("on",), ("safe", "on"), ("risky",))]
    values = outlook.values(prospects)
    doubt = outlook.parts.pessimism * 0.5  # no rule speaks of going on from the fork
    assert values == pytest.approx([0.7 * DISCOUNT, -doubt, DISCOUNT, -2.8], abs=1e-2)
    assert critic.judged == [4]


def test_without_a_critic_or_a_call_left_for_it_the_rest_is_worth_nothing() -> None:
    for critic in (None, Liking(is_spent=True)):
        outlook = judged_by(looking(GAMBLE), critic)
        assert outlook.values([course(outlook, "safe")]) == pytest.approx([0.0], abs=1e-3)


# --- what may be done -------------------------------------------------------------------------------------------------


class Proposing:
    """Proposes what it is given."""

    def __init__(self, *plans: Plan) -> None:
        self.plans = plans

    def propose(
        self,
        state: State,  # noqa: ARG002 -- a proposer's
        goal: Goal,  # noqa: ARG002 -- as above
        *,
        avoid: Mapping[Action, Sequence[Situation]] = NONE,  # noqa: ARG002 -- as above
    ) -> Iterator[Plan]:
        return iter(self.plans)


def plan(*verbs: str) -> Plan:
    return Plan(tuple(map(Action, verbs)), f"thinks of {verbs[0]}")


def test_proposals_are_those_that_may_be_begun_and_are_within_the_horizon() -> None:
    outlook = looking(GAMBLE, depth=2)
    ideas = Proposing(plan("risky", "on", "on"), plan("safe", "on"), plan("on"), Plan((Action("risky"),), ""))
    parts = replace(outlook.parts, proposer=ideas)
    listed = [Action("safe"), Action("risky")]
    here = Fluent("at")
    elsewhere, there = (((Condition(Ref(here.name), "==", place),),) for place in ("corridor", "fork"))
    free = Outlook(outlook.state, outlook.goal, parts, avoid={Action("safe"): elsewhere}, listed=listed)
    assert [each.actions[0].verb for each in free.proposals] == ["safe", "risky"]
    assert free.root_actions == [Action("safe"), Action("risky")]
    bound = Outlook(outlook.state, outlook.goal, parts, avoid={Action("safe"): there}, listed=listed)
    assert [each.actions[0].verb for each in bound.proposals] == ["risky"]
    assert bound.root_actions == [Action("risky")]


def test_what_is_listed_is_what_the_latest_observation_lists_if_that_is_wanted() -> None:
    here, there = (Observation("", actions=(Action(verb),)) for verb in ("safe", "on"))
    step = Transition({}, Action("safe"), {}, there, succeeded=True)
    assert listed_actions(here, []) == (Action("safe"),)
    assert listed_actions(here, [step]) == (Action("on"),)
    assert listed_actions(None, [step]) is None


@pytest.mark.parametrize("world", [GAMBLE, SOKOBAN, LOCKS, TAXI], ids=lambda world: str(world.environment))
def test_what_can_be_composed_is_every_action_there_is(world: World) -> None:
    episode = world.begin(lists=True)
    assert set(ground_actions(episode.state, episode.vocabulary)) == set(episode.observation.actions or ())


def test_the_rules_allow_just_what_they_foretell_to_succeed_and_to_change_something(begin: Begin, house: Game) -> None:
    told: list[tuple[str, ...]] = [
        (),
        ("go to countertop 1",),
        ("go to countertop 1", "take mug 1 from countertop 1", "go to fridge 1"),
        ("go to fridge 1", "open fridge 1"),
    ]
    for commands in told:
        episode = begin(*commands, game=house)
        words = episode.vocabulary
        model = AlignedModel.symbolic(HOUSEHOLD.store, words)
        every = ground_actions(episode.state, words)
        said = model.predict([Query(episode.state, action) for action in every])
        foretold = {
            action
            for action, prediction in zip(every, said, strict=True)
            if prediction.source == "rules" and prediction.success and prediction.changes
        }
        assert set(applicable_actions(HOUSEHOLD.store, words)(episode.state)) == foretold
        assert foretold


# --- critics ----------------------------------------------------------------------------------------------------------


def test_the_share_of_the_goal_that_holds_is_that_of_the_best_thing(begin: Begin) -> None:
    episode = begin("go to countertop 1")
    words = episode.vocabulary
    shares = Conditions(words).judge(
        [episode.state, {**episode.state, Fluent("hot", ("apple 1",)): True}], episode.goal
    )
    assert 0 < shares[0] < shares[1] <= 1
    assert Conditions(words).judge([episode.state], Goal("be happy")) == [0.0]
    assert Conditions(words).judge([{}], episode.goal) == [0.0]


def test_the_nearer_the_goal_in_the_rules_the_higher_a_state_is_judged(begin: Begin) -> None:
    episode = begin("go to countertop 1", "take apple 1 from countertop 1", "go to microwave 1")
    heated = {**episode.state, Fluent("hot", ("apple 1",)): True}
    carried = {**heated, Fluent("at"): "countertop 1"}
    done = {**carried, Fluent("holding"): None, Fluent("in", ("apple 1",)): "countertop 1"}
    assert is_reached(episode.goal, done, episode.vocabulary)
    critic = Distance(MeansEnds(HOUSEHOLD.store, episode.vocabulary))
    judged = critic.judge([episode.state, heated, carried, done], episode.goal)
    assert judged == pytest.approx([NEARER**steps for steps in (3, 2, 1, 0)], abs=1e-5)


def test_where_no_way_is_known_little_is_thought_of_a_state(begin: Begin) -> None:
    episode = begin("go to countertop 1")
    cold = replace(
        HOUSEHOLD.store, rules=tuple(rule for rule in HOUSEHOLD.store.rules if rule.verb not in ("heat", "move"))
    )
    [judged] = Distance(MeansEnds(cold, episode.vocabulary)).judge([episode.state], episode.goal)
    assert 0 < judged <= SCALE


# --- strategies -------------------------------------------------------------------------------------------------------

STRATEGIES: Sequence[Strategy] = (beam, best_first, cem, mcts)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_expectation_takes_the_safe_door(strategy: Strategy) -> None:
    found = strategy(looking(GAMBLE, calls=500))
    assert [action.verb for action in found[0].actions] == ["safe", "on"]
    assert found[0].value == pytest.approx(DISCOUNT, abs=1e-2)
    assert [each.value for each in found] == sorted((each.value or 0.0 for each in found), reverse=True)
    risky = [each for each in found if each.actions[0].verb == "risky" and len(each.actions) == 1]
    assert all(each.value == pytest.approx(-2.8, abs=1e-2) for each in risky)


def test_one_step_is_too_short_sighted_to_see_what_lies_behind_the_safe_door() -> None:
    found = {each.actions[0].verb: each.value for each in best_of_n(looking(GAMBLE))}
    assert found["risky"] == pytest.approx(-2.8, abs=1e-2)
    assert found["safe"] == pytest.approx(0.0, abs=1e-2)


def most_return(world: World) -> float:
    """Return the most that can be had from the start, discounted, by a blind search through the world's own truth: an oracle."""
    episode = world.begin()
    environment = episode.environment
    tie = count()
    frontier: list[tuple[float, int, int, State | None]] = [(0.0, next(tie), 0, episode.state)]
    seen: set[object] = set()
    bound = 20.0
    while frontier:
        loss, _, depth, state = heappop(frontier)
        if state is None:
            return bound - loss
        if frozenset(state.items()) in seen:
            continue
        seen.add(frozenset(state.items()))
        for action in environment.actions(state):  # type: ignore[attr-defined]  # a world whose truth is known
            [outcome] = environment.truth(state, action)  # type: ignore[attr-defined]
            # The loss against having the bound now, so that it only ever grows.
            there = None if outcome.terminated else {**state, **outcome.changes}
            gained = bound - loss - bound * DISCOUNT**depth + DISCOUNT**depth * outcome.reward
            rest = 0.0 if there is None else bound * DISCOUNT ** (depth + 1)
            heappush(frontier, (bound - gained - rest, next(tie), depth + 1, there))
    raise AssertionError("no end within reach")


def test_the_search_gets_the_most_out_of_a_taxi() -> None:
    [found] = best_first(looking(TAXI))
    assert found.value == pytest.approx(most_return(TAXI), abs=1e-2)
    assert found.reaches_goal


def test_the_search_solves_a_puzzle_in_the_fewest_moves() -> None:
    outlook = looking(SOKOBAN)
    [found] = best_first(outlook)
    best = solve(level_of(outlook.state))
    assert best is not None
    assert len(found.actions) == len(found.predictions) == len(best)


def test_the_search_leaves_nothing_to_chance() -> None:
    assert best_first(looking(LAKE)) == []
    assert [each.actions[0].verb for each in best_first(looking(GAMBLE))] == ["safe"]


def values_on_ice() -> dict[str, float]:
    """Return what each action is worth at the start, by value iteration over the world's own truth: an oracle."""
    episode = LAKE.begin()
    lake = episode.environment
    values: dict[object, float] = {}
    states = {frozenset(episode.state.items()): episode.state}
    waiting = [episode.state]

    def worth(state: State, action: Action) -> float:
        return sum(
            o.probability
            * (o.reward + (0 if o.terminated else DISCOUNT * values.get(frozenset({**state, **o.changes}.items()), 0)))
            for o in lake.truth(state, action)  # type: ignore[attr-defined]  # a world whose truth is known
        )

    for state in waiting:
        for action in lake.actions(state):  # type: ignore[attr-defined]
            for outcome in lake.truth(state, action):  # type: ignore[attr-defined]
                there = {**state, **outcome.changes}
                if not outcome.terminated and frozenset(there.items()) not in states:
                    states[frozenset(there.items())] = there
                    waiting.append(there)
    for _ in range(500):
        values = {key: max(worth(state, a) for a in lake.actions(state)) for key, state in states.items()}  # type: ignore[attr-defined]
    return {action.verb: worth(episode.state, action) for action in lake.actions(episode.state)}  # type: ignore[attr-defined]


def test_a_tree_of_futures_finds_what_value_iteration_finds_on_ice() -> None:
    worth = values_on_ice()
    found = mcts(looking(LAKE, calls=3000))
    assert {each.actions[0].verb: each.value for each in found} == pytest.approx(worth, abs=0.03)
    assert worth[found[0].actions[0].verb] == pytest.approx(max(worth.values()), abs=1e-3)


# --- where the budget ends --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [beam, best_of_n, cem, mcts])
@pytest.mark.parametrize("world", [LAKE, LOCKS], ids=lambda world: str(world.environment))
def test_wherever_the_budget_ends_something_was_found_in_what_was_asked(world: World, strategy: Strategy) -> None:
    for calls in range(1, 40):
        found = strategy(looking(world, calls=calls))
        assert found, calls
        assert all(each.actions and each.predictions for each in found)


# --- mending ------------------------------------------------------------------------------------------------------------

STAIRS = Vocabulary({"on": FluentSchema("on", (), "number")}, {verb: ActionSchema(verb, (), verb) for verb in "abc"})
UP = Fluent("on")


class Stairs:
    """A world model of stairs: every action leads a step up, but ``a`` fails on the second step."""

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        return [
            Prediction((Outcome(1.0, success=False),), 1.0, "rules")
            if (action.verb, state[UP]) == ("a", 2)
            else Prediction((Outcome(1.0, {UP: int(state[UP] or 0) + 1}),), 1.0, "rules")
            for state, action in queries
        ]


class Climbing:
    """Proposes to do the same six times, and something else for what is to be avoided."""

    def propose(
        self,
        state: State,  # noqa: ARG002 -- a proposer's
        goal: Goal,  # noqa: ARG002 -- as above
        *,
        avoid: Mapping[Action, Sequence[Situation]] = NONE,
    ) -> list[Plan]:
        return [plan(*(verb * 6)) for verb in "ab" if Action(verb) not in avoid]


def climbing(depth: int | None) -> Plan:
    budget = PlanningBudget(depth=depth)
    rng = random.Random(0)
    parts = PlannerParts(
        Climbing(), Anything(STAIRS, rng=rng), Stairs(), lambda _: [Action("c")], STAIRS, rng, budget=budget
    )
    return propose_and_repair(Outlook({UP: 0}, Goal("up"), parts, avoid={}))[0]


def test_a_plan_is_mended_where_the_model_says_that_it_fails() -> None:
    mended = climbing(None)
    assert "".join(action.verb for action in mended.actions) == "aabbbbbb"
    assert mended.reason == "thinks of a, mended at a"
    assert len(mended.predictions) == 8


def test_a_plan_is_not_mended_beyond_the_horizon() -> None:
    assert [len(climbing(depth).actions) for depth in (6, 7, 8, 9)] == [6, 6, 8, 8]


# --- from step to step ------------------------------------------------------------------------------------------------


class Noted:
    """A strategy that counts how often it is asked, and offers a fixed plan."""

    def __init__(self, offered: Plan) -> None:
        self.offered = offered
        self.times = 0

    def __call__(self, outlook: Outlook) -> list[Plan]:
        self.times += 1
        outlook.foresee([(outlook.state, outlook.key, action) for action in outlook.root_actions])
        return [self.offered]


def deliberating(world: World, strategy: Strategy, *ideas: Plan) -> tuple[Episode, Deliberation]:
    outlook, episode = looking(world), world.begin()
    return episode, Deliberation(strategy, replace(outlook.parts, proposer=Proposing(*ideas)))


def foretold(episode: Episode, action: Action) -> Prediction:
    return AlignedModel.symbolic(GAMBLE.store, episode.vocabulary).predict([Query(episode.state, action)])[0]


SURE = replace(plan("safe", "on"), reaches_goal=True, value=1.0)


def test_a_plan_is_kept_while_its_predictions_come_true() -> None:
    strategy = Noted(SURE)
    episode, planner = deliberating(GAMBLE, strategy)
    assert planner.plan(episode.state, episode.goal).actions == SURE.actions
    episode.step(Action("safe"), foretold(episode, Action("safe")))
    kept = planner.plan(episode.state, episode.goal, episode.transitions)
    assert (kept.actions, kept.considered, strategy.times) == ((Action("on"),), (), 1)


def test_a_plan_is_made_again_on_surprise() -> None:
    strategy = Noted(SURE)
    episode, planner = deliberating(GAMBLE, strategy)
    planner.plan(episode.state, episode.goal)
    episode.step(Action("safe"), Prediction((Outcome(1.0),), 1.0, "rules"))  # as if nothing were to change
    assert episode.transitions[-1].surprise
    planner.plan(episode.state, episode.goal, episode.transitions)
    assert strategy.times == 2


def test_where_all_proposals_begin_alike_nothing_is_weighed_and_the_calls_saved_are_told() -> None:
    strategy = Noted(SURE)
    episode, planner = deliberating(GAMBLE, strategy, plan("safe", "on"), plan("safe", "safe"))
    easy = planner.plan(episode.state, episode.goal)
    assert (strategy.times, easy.actions[0].verb) == (0, "safe")
    assert (easy.spent.one_step, easy.spent.model_calls_saved) == (1, 0)


def test_where_chance_led_back_it_is_decided_as_before_and_the_calls_saved_are_told() -> None:
    episode = GAMBLE.begin()
    strategy = Noted(replace(plan("risky"), value=0.5, predictions=(foretold(episode, Action("risky")),)))
    episode, planner = deliberating(GAMBLE, strategy)
    first = planner.plan(episode.state, episode.goal)
    again = planner.plan(episode.state, episode.goal)
    assert strategy.times == 1
    assert again.actions == first.actions
    assert again.reason.endswith("as before")
    assert (again.spent.one_step, again.spent.model_calls_saved) == (1, 3)


def test_whoever_comes_back_to_a_state_by_no_chance_weighs_it_anew() -> None:
    episode = GAMBLE.begin()
    strategy = Noted(replace(plan("safe"), value=0.5, predictions=(foretold(episode, Action("safe")),)))
    episode, planner = deliberating(GAMBLE, strategy)
    for _ in range(2):
        planner.plan(episode.state, episode.goal)
    assert strategy.times == 2


def test_what_is_kept_to_is_no_decision_that_was_easy() -> None:
    strategy = Noted(SURE)
    sure = replace(plan("safe", "on"), reaches_goal=True)
    episode, planner = deliberating(GAMBLE, strategy, sure, sure)
    assert planner.plan(episode.state, episode.goal).spent.one_step == 1
    episode.step(Action("safe"), foretold(episode, Action("safe")))
    kept = planner.plan(episode.state, episode.goal, episode.transitions)
    assert kept.actions == (Action("on"),)
    assert kept.spent.one_step == 0


def test_a_plan_that_promises_nothing_gives_way_to_the_first_proposal() -> None:
    strategy = Noted(replace(plan("risky"), value=-2.8))
    episode, planner = deliberating(GAMBLE, strategy, plan("on"), plan("safe"))
    followed = planner.plan(episode.state, episode.goal)
    assert followed.actions == (Action("on"),)
    assert [each.actions for each in followed.considered] == [(Action("risky"),)]


def test_a_vetoed_plan_is_not_followed_but_shown() -> None:
    strategy = Noted(replace(plan("risky"), value=2.0, is_vetoed=True))
    episode, planner = deliberating(GAMBLE, strategy)
    chosen = planner.plan(episode.state, episode.goal)
    assert chosen.reason == "knows nothing better"
    assert [each.actions for each in chosen.considered] == [(Action("risky"),)]


def test_states_that_differ_in_minus_one_and_minus_two_have_keys_of_their_own() -> None:
    """Python gives both numbers the same hash."""
    score = Fluent("score")
    outlook = looking(WORLDS[0])
    before, key = outlook.after(outlook.state, outlook.key, {score: 0})
    keys = {value: outlook.after(before, key, {score: value})[1] for value in (-1, -2)}
    assert keys[-1] != keys[-2]
    assert outlook.after({**before, score: -1}, keys[-1], {score: 0})[1] == key
