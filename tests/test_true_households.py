"""The household's true rules: they foretell the engine exactly, under any laws, wherever the texts told enough."""

import json
import lzma
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from agentwm import Episode
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.anything import Anything
from agentwm.rules.binding import Cast
from agentwm.rules.language import parse_rule
from agentwm.rules.matching import look_up
from agentwm.rules.store import RuleStore
from agentwm.types import Action, Fluent, Prediction, Query, State, Transition, Vocabulary
from agentwm_environments.alfworld.engine import Fact, Household
from agentwm_environments.alfworld.environment import AlfworldEnvironment
from agentwm_environments.alfworld.game import Game, Thing
from agentwm_environments.alfworld.generator import generate
from agentwm_environments.alfworld.laws import ORDINARY, Laws, altered
from agentwm_environments.alfworld.pddl import read_problem
from agentwm_environments.alfworld.rooms import SLICEABLE
from agentwm_environments.alfworld.solver import solve
from agentwm_environments.alfworld.true_rules import true_rules
from tests.conftest import OneGame, benchmark

Begin = Callable[..., Episode]

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "alfworld" / "games.jsonl.xz"
STEPS = 80
QUALITIES = ("hot", "cool", "clean", "sliced")


prediction = benchmark("prediction")


# --- the rules against the engine -----------------------------------------------------------------------------------------


class Case(NamedTuple):
    """A transition of which all was told, what was foretold of it, and the engine's facts before and after."""

    transition: Transition
    said: Prediction
    facts: tuple[set[Fact], set[Fact]]
    words: Vocabulary


def cases(games: Sequence[Game], laws: Laws, rules: Laws) -> list[Case]:
    """Return what the true rules of ``rules`` say of random commands in ``games`` under ``laws``, where all was told."""
    return [case for game in games for case in walk(game, solve(game, laws) or [], laws, rules)]


def walk(game: Game, plan: Sequence[str], laws: Laws = ORDINARY, rules: Laws = ORDINARY) -> Iterator[Case]:
    rng = random.Random(game.id)
    game = replace(game, target="what is nowhere")  # so that the walk does not end
    episode = Episode(AlfworldEnvironment(OneGame(game), laws=laws, admissible=True), game.id)
    words, twin, read = episode.vocabulary, Household(game, laws), episode.observation.text
    model = AlignedModel.symbolic(RuleStore(tuple(map(parse_rule, true_rules(rules)))), words)
    for action in actions(episode, plan, rng):
        [said] = model.predict([Query(episode.state, action)])
        facts = set(twin.facts())
        # The kind of a thing that is first named when it is picked up, as no reader of texts would, is never read.
        is_told = all(Fluent("kind", (arg,)) in episode.state for arg in action.args)
        is_told &= not list(prediction._untold(action, episode.state, facts, read))
        transition = episode.step(action, said)
        twin.step(words.actions[action.verb].render(action.args))
        read += episode.observation.text
        if is_told:
            yield Case(transition, said, (facts, set(twin.facts())), words)


def actions(episode: Episode, plan: Sequence[str], rng: random.Random) -> Iterator[Action]:
    """Yield a plan, then what is admissible, by verb first, so that rare verbs come up, or anything at all."""
    words, anything = episode.vocabulary, Anything(episode.vocabulary, rng=rng)
    for step in range(STEPS):
        listed = {
            words.actions[action.verb].render(action.args): action for action in episode.observation.actions or ()
        }
        if step < len(plan):
            yield listed[plan[step]]
        elif rng.random() < 0.6:
            verb = rng.choice(sorted({action.verb for action in listed.values()} - {"inventory", "look"}))
            yield rng.choice([action for action in listed.values() if action.verb == verb])
        else:
            yield anything.command(Cast(episode.state)) or Action("look")


def wrong(case: Case) -> str | None:
    """Return what was foretold wrongly, None where nothing was."""
    transition = case.transition
    if case.said.success != transition.succeeded:
        return f"{transition.action}: foretold {case.said.success}"
    if not transition.succeeded:
        return None
    foretold = case.said.outcomes[0].changes
    qualities = {
        Fluent(quality, (fact[1],)): fact in case.facts[1]
        for quality in QUALITIES
        for fact in case.facts[0] ^ case.facts[1]
        if fact[0] == f"is{quality}"
    }
    happened = {**news(transition.changed, transition.before, case.words), **qualities}
    real = {
        fluent: value
        for fluent, value in foretold.items()
        if (fluent in happened if fluent.name in QUALITIES else look_up(fluent, transition.before, case.words) != value)
    }
    told = {fluent: value for fluent, value in happened.items() if not is_behind_a_door(fluent, transition)}
    return None if told.items() <= real.items() <= happened.items() else f"{transition.action}: {real}, not {happened}"


def news(changed: State, before: State, words: Vocabulary) -> State:
    return {fluent: value for fluent, value in changed.items() if look_up(fluent, before, words) != value}


def is_behind_a_door(fluent: Fluent, transition: Transition) -> bool:
    """Whether it is of what one sees on arrival, where no text had told of an open door, or of none."""
    return fluent.name == "explored" and Fluent("open", fluent.args) not in transition.before


def official_games() -> list[Game]:
    """Return every tenth official train game."""
    with lzma.open(SHARED, "rt", encoding="utf-8") as rows:
        train = [row for row in map(json.loads, rows) if row["split"] == "train"]
    return [
        read_problem(
            row["pddl"], id=row["trial"], task_type=row["task_type"], goal_text=row["task_desc"], room=row["scene"]
        )
        for row in train[::10]
    ]


@pytest.mark.parametrize("seed", [None, 0, 1, 2, 3])
def test_the_true_rules_foretell_the_engine_under_any_laws_wherever_all_was_told(seed: int | None) -> None:
    laws = ORDINARY if seed is None else altered(seed)
    found = cases(list(generate("test", 24, 0, laws=laws)), laws, laws)
    assert list(filter(None, map(wrong, found))) == []
    done = {case.transition.action.verb for case in found if case.transition.succeeded}
    assert {"go to", "open", "close", "take", "move", "examine", "heat", "clean", "cool"} < done
    assert sum(not case.transition.succeeded for case in found) > 100


@pytest.mark.skipif(not SHARED.is_file(), reason=f"the official games are not at {SHARED}")
def test_the_true_rules_foretell_the_engine_in_official_rooms_wherever_all_was_told() -> None:
    found = cases(official_games(), ORDINARY, ORDINARY)
    assert list(filter(None, map(wrong, found))) == []
    assert {"use", "clean", "heat", "cool"} < {
        case.transition.action.verb for case in found if case.transition.succeeded
    }


def test_the_true_rules_foretell_slicing(house: Game) -> None:
    things = [replace(thing, location=4, is_sliceable=thing.kind in SLICEABLE) for thing in house.things]
    knives = [
        Thing(f"{kind} 1", kind, "countertop 1", 4, is_pickupable=True) for kind in ("knife", "butterknife", "spoon")
    ]
    for knife in knives:
        plan = ["go to countertop 1", f"take {knife.name} from countertop 1"]
        kitchen = replace(house, id=knife.name, things=(*things, *knives))
        found = [case for case in walk(kitchen, plan) if case.transition.action.verb == "slice"]
        assert list(filter(None, map(wrong, found))) == []
        assert any(case.transition.succeeded for case in found) == (knife.kind != "spoon")


def test_the_ordinary_rules_fail_under_other_laws() -> None:
    laws = altered(0)
    assert any(map(wrong, cases(list(generate("test", 24, 0, laws=laws)), laws, ORDINARY)))


def test_no_two_true_rules_speak_of_the_same_things_put_into_the_same_receptacle() -> None:
    pairs = [
        (receptacle, thing)
        for rule in map(parse_rule, true_rules())
        if rule.verb == "move"
        for receptacles, things in [[c.right for c in rule.when if c.op == "in"]]
        if isinstance(receptacles, tuple) and isinstance(things, tuple)
        for receptacle in receptacles
        for thing in things
    ]
    assert len(pairs) == len(set(pairs)) > 300


# --- what the benchmark takes to have been shown ------------------------------------------------------------------------------


def believed(begin: Begin, *commands: str) -> State:
    episode = begin(*commands)
    pairs = [pair for transition in episode.transitions for pair in prediction._shown_to_share(transition)]
    state: State = prediction._with_shared_places(episode.state, pairs)
    return state


def are_together(state: State) -> bool:
    return state[Fluent("place", ("drawer 1",))] == state[Fluent("place", ("drawer 2",))]


@pytest.mark.parametrize("command", ["examine drawer 1", "open drawer 1", "go to drawer 1"])
def test_what_is_reached_from_here_or_cannot_be_gone_to_is_shown_to_be_here(begin: Begin, command: str) -> None:
    assert are_together(believed(begin, "go to drawer 2", command))


@pytest.mark.parametrize("command", ["close drawer 1", "take apple 1 from drawer 1", "open cabinet 1"])
def test_other_failures_and_arrivals_show_no_shared_place(begin: Begin, command: str) -> None:
    assert not are_together(believed(begin, "go to drawer 1", "go to cabinet 1", "go to drawer 2", command))


def test_a_room_does_not_inform_the_guesses_made_about_it() -> None:
    guess = prediction.Guess(success=False, circumstance=("open", "F"))
    here, there = (SimpleNamespace(room=room, succeeded=True, guess=guess) for room in ("here", "there"))
    assert list(prediction._best_guesses([here], [here, here], lambda case: case.guess)) == [False]
    assert list(prediction._best_guesses([here], [here, there], lambda case: case.guess)) == [True]
