"""Sokoban: its levels can be solved and are no trifles, its engine is what a plain twin does, and the oracle's ways are the shortest."""

import random
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentwm.errors import ConfigurationError
from agentwm.types import Action, EnvironmentOptions, Fluent, State
from agentwm_environments.small import sokoban
from agentwm_environments.small.sokoban_levels import (
    LEAST_MOVES,
    MOVES,
    Cell,
    Level,
    draw_level,
    fingerprint,
    least_moves,
    read_level,
    solve,
)
from agentwm_environments.small.truth import after

AT = Fluent("at")

seeds = st.integers(0, 10**6)
boxes = st.integers(1, 3)


def world(**options: int | str) -> sokoban.SokobanEnvironment:
    return sokoban.make(EnvironmentOptions(**{"count": 20, **options}))  # type: ignore[arg-type]


def pushed(level: Level, verb: str) -> Level:
    """Return ``level`` after one move: a plain twin of the engine, on cells."""
    down, right = MOVES[verb]
    near = (level.player[0] + down, level.player[1] + right)
    far = (near[0] + down, near[1] + right)
    if near not in level.floor or (near in level.boxes and (far not in level.floor or far in level.boxes)):
        return level
    moved = level.boxes - {near} | {far} if near in level.boxes else level.boxes
    return Level(level.floor, level.goals, moved, near)


def played(level: Level, moves: tuple[Action, ...]) -> Level:
    for move in moves:
        level = pushed(level, move.verb)
    return level


def fewest(level: Level) -> int | None:
    """Return how few moves solve ``level``, by a search that passes over nothing: a plain twin of the oracle."""
    seen = {(level.boxes, level.player)}
    queue = deque([(level, 0)])
    while queue:
        now, moves = queue.popleft()
        if now.boxes == now.goals:
            return moves
        for verb in MOVES:
            following = pushed(now, verb)
            if (following.boxes, following.player) not in seen:
                seen.add((following.boxes, following.player))
                queue.append((following, moves + 1))
    return None


# --- the oracle -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "moves"),
    [
        ("#####\n#@$.#\n#####", "right"),
        ("######\n#@ $.#\n######", "right right"),
        ("#####\n# . #\n# $ #\n#@  #\n#####", "right up"),
        ("######\n#    #\n#.$@ #\n######", "left"),
        ("#####\n#*@ #\n#####", ""),
        ("######\n#  . #\n# @$ #\n#    #\n######", "down right up"),
    ],
)
def test_levels_whose_shortest_way_is_plain_are_solved_in_it(picture: str, moves: str) -> None:
    assert solve(read_level(picture)) == tuple(map(Action, moves.split()))


@pytest.mark.parametrize(
    "picture",
    [
        "#####\n#@ $#\n#  .#\n#####",  # in a corner
        "#######\n#@$$..#\n#######",  # two in a row
        "######\n#.@ $#\n#    #\n######",  # along a wall without a goal
        "#####\n#+$ #\n#####",  # nowhere to push from
    ],
)
def test_a_level_without_a_way_has_no_solution(picture: str) -> None:
    assert solve(read_level(picture)) is None
    assert fewest(read_level(picture)) is None


@settings(max_examples=25, deadline=None)
@given(seed=seeds, number=st.integers(1, 2))
def test_no_way_is_shorter_than_the_oracles(seed: int, number: int) -> None:
    level = draw_level(random.Random(seed), number)
    solution = solve(level)
    assert solution is not None
    assert len(solution) == fewest(level)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, number=boxes)
def test_after_the_oracles_moves_every_goal_holds_a_box_and_not_before(seed: int, number: int) -> None:
    level = draw_level(random.Random(seed), number)
    solution = solve(level)
    assert solution
    assert played(level, solution).boxes == level.goals
    assert all(played(level, solution[:moves]).boxes != level.goals for moves in range(len(solution)))


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_from_anywhere_in_play_the_oracle_finds_a_way_just_where_there_is_one(seed: int) -> None:
    rng = random.Random(seed)
    level = draw_level(rng, 1)
    for _ in range(30):
        level = pushed(level, rng.choice(list(MOVES)))
    solution = solve(level)
    assert fewest(level) == (None if solution is None else len(solution))


# --- the levels -----------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(seed=seeds, number=boxes)
def test_every_level_can_be_solved_but_not_in_a_few_moves_nor_without_a_push_of_every_box(
    seed: int, number: int
) -> None:
    level = draw_level(random.Random(seed), number)
    assert len(level.boxes) == len(level.goals) == number
    assert level.boxes | level.goals | {level.player} <= level.floor
    assert not level.boxes & level.goals
    assert level.player not in level.boxes
    solution = solve(level)
    assert solution is not None
    assert LEAST_MOVES <= least_moves(level) <= len(solution)
    for axis in (0, 1):
        along = [cell[axis] for cell in level.floor]
        assert max(along) - min(along) < 7


def test_levels_have_one_to_three_boxes_and_are_all_different() -> None:
    levels = [sokoban.level_of_task(task) for task in world(count=200).tasks()]
    assert {len(level.boxes) for level in levels} == {1, 2, 3}
    assert len({fingerprint(level) for level in levels}) == 200


def test_no_level_to_learn_on_is_one_to_be_tested_on() -> None:
    prints = {
        split: {fingerprint(sokoban.level_of_task(task)) for task in world(split=split, count=100).tasks()}
        for split in ("test", "train")
    }
    assert not prints["test"] & prints["train"]
    assert {int(each, 16) % 2 for each in prints["test"]} == {1}
    assert {int(each, 16) % 2 for each in prints["train"]} == {0}


def turned(level: Level, *, mirrors: bool) -> Level:
    """Return ``level`` turned by a quarter or mirrored, elsewhere on the page."""

    def turn(cell: Cell) -> Cell:
        return (cell[0] + 2, 20 - cell[1]) if mirrors else (cell[1], 20 - cell[0])

    floor, goals, held = (frozenset(map(turn, cells)) for cells in (level.floor, level.goals, level.boxes))
    return Level(floor, goals, held, turn(level.player))


@settings(max_examples=30, deadline=None)
@given(seed=seeds, number=boxes)
def test_a_level_turned_mirrored_or_begun_elsewhere_has_the_same_fingerprint_and_no_other_has(
    seed: int, number: int
) -> None:
    level = draw_level(random.Random(seed), number)
    same = [turned(level, mirrors=False), turned(level, mirrors=True)]
    same += [turned(turned(each, mirrors=False), mirrors=False) for each in same]
    same += [Level(level.floor, level.goals, level.boxes, min(level.floor - level.boxes))]
    assert {fingerprint(each) for each in same} == {fingerprint(level)}
    fewer = Level(level.floor - {min(level.floor - level.boxes)}, level.goals, level.boxes, level.player)
    for other in (fewer, draw_level(random.Random(seed + 1), number)):
        assert fingerprint(other) != fingerprint(level)


# --- pictures -------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seed=seeds, number=boxes)
def test_a_picture_of_a_level_reads_back(seed: int, number: int) -> None:
    level = draw_level(random.Random(seed), number)
    assert read_level(str(level)) == level
    assert sokoban.level_of(sokoban.facts_of(level)) == level


def test_every_letter_of_a_picture_reads_back() -> None:
    picture = "#######\n#+$* .#\n#  $  #\n#######"
    assert str(read_level(picture)) == picture
    assert str(read_level(picture.replace("+", "@").replace("$*", "**"))) == picture.replace("+", "@").replace(
        "$*", "**"
    )


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        ("####\n#@x#\n####", "expected a level drawn with '# .[$][*]@[+]', got 'x'"),
        ("#####\n#$ .#\n#####", "one player, '@' or '[+]', got 0"),
        ("#####\n#@+@#\n#####", "one player, '@' or '[+]', got 3"),
        ("#####\n#@$ #\n#####", "as many boxes as goals within reach, got 1 and 0"),
        ("#######\n#@$ #.#\n#######", "as many boxes as goals within reach, got 1 and 0"),
    ],
)
def test_what_is_no_level_is_said(picture: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_level(picture)


# --- the environment ------------------------------------------------------------------------------------------------


def test_the_engine_does_what_its_plain_twin_does() -> None:
    played_in = world()
    for state in played_in.states(random.Random(2), 150):
        level = sokoban.level_of(state)
        for action in played_in.actions(state):
            [outcome] = played_in.truth(state, action)
            following = pushed(level, action.verb)
            assert sokoban.level_of(after(state, outcome)) == following
            is_won = following.boxes == following.goals
            assert (outcome.reward, outcome.terminated) == (float(is_won), is_won)


def test_the_oracles_moves_win_every_task() -> None:
    for split in ("test", "train"):
        played_in = world(split=split)
        for task in played_in.tasks():
            observation = played_in.reset(task)
            solution = solve(sokoban.level_of(observation.facts))
            assert solution
            for move in solution[:-1]:
                observation = played_in.step(move)
                assert (observation.reward, observation.terminated) == (0.0, False)
            observation = played_in.step(solution[-1])
            assert (observation.reward, observation.terminated) == (1.0, True)


def test_a_task_is_the_same_level_whatever_the_seed_of_its_chance() -> None:
    played_in = world()
    for task in played_in.tasks():
        level = sokoban.level_of_task(task)
        assert played_in.reset(task, seed=1).facts == played_in.reset(task, seed=2).facts == sokoban.facts_of(level)
        assert played_in.task_type(task).split()[0] == str(len(level.boxes))


def derived(state: State, name: str, *args: str) -> object:
    derive = sokoban.VOCABULARY.fluents[name].derive
    assert derive is not None
    return derive(state, args)


def test_a_wall_hides_the_cell_and_what_is_beyond_it() -> None:
    state = sokoban.facts_of(read_level("######\n#@$ .#\n######"))
    assert derived(state, "right", "cell 1 1") == "cell 1 2"
    assert derived(state, "beyond_right", "cell 1 1") == "cell 1 3"
    assert derived(state, "left", "cell 1 1") is None
    assert derived(state, "beyond_left", "cell 1 2") is None
    assert derived(state, "beyond_right", "cell 1 3") is None
    parted = sokoban.facts_of(read_level("#####\n#@  #\n# # #\n#$ .#\n#####"))
    assert derived(parted, "beyond_down", "cell 1 2") is None
    assert derived(parted, "beyond_down", "cell 1 1") == "cell 3 1"


def test_goals_without_a_box_are_counted() -> None:
    state = sokoban.facts_of(read_level("#######\n#+$* .#\n#  $  #\n#######"))
    assert derived(state, "uncovered") == 2
    assert derived({**state, Fluent("box", ("cell 1 5",)): True}, "uncovered") == 1
    assert derived({}, "uncovered") is None
