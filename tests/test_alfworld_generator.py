"""Generated games and the planner that sees everything."""

import random
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import islice

import pytest

from agentwm.errors import ConfigurationError
from agentwm_environments.alfworld.engine import NOTHING_HAPPENS, Household
from agentwm_environments.alfworld.game import TASK_TYPES, Game
from agentwm_environments.alfworld.generator import LAYOUTS, generate
from agentwm_environments.alfworld.laws import ORDINARY, TREATMENTS, Laws, altered
from agentwm_environments.alfworld.solver import solve

_DOORS = {"drawer", "cabinet", "fridge", "microwave", "safe"}
_LAWS = [ORDINARY, *(altered(seed) for seed in range(1, 6))]


@cache
def _games(split: str, count: int = 120, seed: int = 0) -> tuple[Game, ...]:
    return tuple(generate(split, count, seed))


def _in_reach(game: Game, kind: str) -> list[str]:
    return [thing.receptacle for thing in game.things if thing.kind == kind and thing.receptacle is not None]


def test_the_same_seed_gives_the_same_games() -> None:
    assert _games("test", 18) == tuple(generate("test", 18, 0))


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    assert _games("test")[:18] == tuple(islice(generate("test", None, 0), 18))


def test_other_seeds_give_other_games() -> None:
    goals = [[game.goal_text for game in _games("test", 18, seed)] for seed in (0, 1)]
    assert goals[0] != goals[1]


def test_ids_are_unique_and_name_split_seed_number_and_task() -> None:
    ids = [game.id for split in LAYOUTS for seed in (0, 1) for game in _games(split, 18, seed)]
    assert len(set(ids)) == len(ids)
    assert _games("test", 18)[17].id == "test-0-000017-pick_two_obj_and_place"


def test_train_and_test_games_are_set_in_different_rooms() -> None:
    rooms = {split: {game.room: game.receptacles for game in _games(split)} for split in ("train", "test")}
    assert rooms["train"].keys().isdisjoint(rooms["test"].keys())
    assert set(rooms["train"].values()).isdisjoint(rooms["test"].values())


def test_all_six_task_types_occur_in_any_six_games() -> None:
    types = [game.task_type for game in _games("train")]
    assert all(set(types[start : start + 6]) == set(TASK_TYPES) for start in range(len(types) - 5))


def test_an_unknown_split_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown split 'valid_seen': generated games have test, train"):
        generate("valid_seen", 1, 0)


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_game_is_won_by_its_plan_and_not_before(split: str) -> None:
    for game in _games(split):
        _play(game, ORDINARY)


@pytest.mark.parametrize("seed", range(1, 6))
def test_games_made_for_altered_households_are_won_there(seed: int) -> None:
    laws = altered(seed)
    for game in generate("test", 60, 0, laws=laws):
        _play(game, laws)


def _play(game: Game, laws: Laws) -> None:
    household = Household(game, laws)
    household.reset()
    plan = solve(game, laws)
    assert plan
    for command in plan:
        assert not household.won, (game.id, plan, command)
        assert household.step(command) != NOTHING_HAPPENS, (game.id, plan, command)
    assert household.won, (game.id, plan)


def test_nothing_asked_for_is_in_its_place_already_unless_it_has_to_be_treated() -> None:
    treated = {f"pick_{verb}_then_place_in_recep" for verb in TREATMENTS}
    for game in _games("train"):
        kinds = {name.rsplit(" ", 1)[0] for name in _in_reach(game, game.target)}
        assert game.destination not in kinds or game.task_type in treated


def test_the_agent_starts_where_no_receptacle_is_and_every_door_is_shut() -> None:
    for game in _games("train"):
        assert all(receptacle.location != game.start for receptacle in game.receptacles)
        assert not any(receptacle.is_open for receptacle in game.receptacles)
        assert {receptacle.kind for receptacle in game.receptacles if receptacle.is_openable} <= _DOORS


def test_names_are_numbered_from_one_and_listed_as_officially() -> None:
    for game in _games("train"):
        for entities in (game.receptacles, game.things):
            listed = [(entity.kind, -int(entity.name.rsplit(" ", 1)[1])) for entity in entities]
            assert listed == sorted(listed)
            assert all(
                sorted(-number for k, number in listed if k == kind) == list(range(1, size + 1))
                for kind, size in Counter(kind for kind, _ in listed).items()
            )


def test_two_things_are_within_reach_where_two_are_asked_for() -> None:
    for game in _games("train"):
        assert len(_in_reach(game, game.target)) >= (2 if game.task_type == "pick_two_obj_and_place" else 1)


def test_rooms_are_like_the_official_ones() -> None:
    games = _games("train", 600)
    sizes = [len(game.receptacles) for game in games]
    assert 17 <= statistics.median(sizes) <= 25  # official: 20 to 21.5
    assert min(sizes) >= 5
    assert 40 <= max(sizes) <= 60  # official: 54
    shared = [len({r.location for r in game.receptacles}) < len(game.receptacles) for game in games]
    assert 0.6 <= statistics.mean(shared) <= 0.9  # official: 254 of 340
    kinds = Counter(r.kind for game in games for r in game.receptacles)
    doors = Counter(r.kind for game in games for r in game.receptacles if r.is_openable)
    assert 0.73 <= doors["drawer"] / kinds["drawer"] <= 0.93  # official: 0.83
    assert 0.7 <= doors["cabinet"] / kinds["cabinet"] <= 0.9  # official: 0.80
    plans = [len(solve(game) or ()) for game in games]
    assert 5.3 <= statistics.mean(plans) <= 6.3  # official: 5.8 to 6.0


# --- the planner against a naive twin -------------------------------------------------------------------------


def _small_games() -> Iterator[Game]:
    """Yield games cut down until a blind search can see all of them, half of them with one more shared location."""
    rng = random.Random(5)
    instruments = {kind for laws in _LAWS for verb in TREATMENTS for kind in getattr(laws, verb).instruments}
    for game in generate("train", 54, 3):
        names = {*_in_reach(game, game.target)[:2], *_in_reach(game, game.destination)[:1]}
        names |= {r.name for r in game.receptacles if r.kind == game.destination and r.name.endswith(" 1")}
        names |= {f"{kind} 1" for kind in rng.sample(sorted(instruments), 3)}
        receptacles = [r for r in game.receptacles if r.name in names]
        if rng.random() < 0.5:
            receptacles[0] = replace(receptacles[0], location=receptacles[-1].location)
        things = [t for t in game.things if t.receptacle in names and t.kind in {game.target, game.destination}]
        yield replace(game, receptacles=tuple(receptacles), things=tuple(things))


def _blind_length(game: Game, laws: Laws) -> int | None:
    """Return the length of a shortest plan, by trying every command in the engine."""
    household = Household(game, laws)
    layer = [household.snapshot()]
    seen: set[object] = set()
    length = 0
    while layer:
        following = []
        for snapshot in layer:
            household.restore(snapshot)
            if household.won:
                return length
            for command in household.admissible():
                if command.startswith(("look", "inventory", "help", "examine", "slice")):
                    continue
                household.restore(snapshot)
                household.step(command)
                after = household.snapshot()
                facts = frozenset(fact for fact in after.facts if fact[0] not in {"checked", "ison"})
                key = (after.place, after.held, tuple(sorted(after.contents.items())), facts)
                if key not in seen:
                    seen.add(key)
                    following.append(after)
        layer = following
        length += 1
    return None


@pytest.mark.parametrize("number", range(len(_LAWS)))
def test_plans_are_as_short_as_those_of_a_blind_search(number: int) -> None:
    laws = _LAWS[number]
    for game in islice(_small_games(), number, None, 3):
        plan = solve(game, laws)
        assert (None if plan is None else len(plan)) == _blind_length(game, laws), (game.id, plan)
