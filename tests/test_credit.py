"""Who is credited with what nobody saw happen: hot, clean and cool are shown by a later look, or by the reward, alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agentwm import Fluent, State, Trajectory
from agentwm.induction.credit import Example, examples
from agentwm.types import Vocabulary
from agentwm_environments.alfworld.game import Game

Live = Callable[..., Trajectory]

HOT = Fluent("hot", ("apple 1",))
CLEAN = Fluent("clean", ("apple 1",))
FETCH = ("go to countertop 1", "take apple 1 from countertop 1")
AT_MICROWAVE = (*FETCH, "go to microwave 1")
HEAT = "heat apple 1 with microwave 1"
LOOK = "examine apple 1"


def lived(trajectory: Trajectory, words: Vocabulary) -> dict[str, Example]:
    """Return the examples by command; of a command done twice, the last."""
    made = examples(trajectory, words)
    assert len(made) == len(trajectory)
    return {f"{e.action.verb} {' '.join(e.action.args)}": e for e in made}


def hidden(changed: State) -> State:
    return {f: v for f, v in changed.items() if f.name in {"hot", "cool", "clean", "sliced"}}


def test_what_a_look_reveals_is_credited_to_the_act_before_and_not_to_the_look(live: Live, words: Vocabulary) -> None:
    by = lived(live(*AT_MICROWAVE, HEAT, LOOK), words)
    assert by["heat apple 1 microwave 1"].changed == {HOT: True}
    assert not by["examine apple 1"].changed


def test_credit_waits_through_steps_that_do_not_touch_the_thing(live: Live, words: Vocabulary) -> None:
    by = lived(live(*AT_MICROWAVE, HEAT, "go to sinkbasin 1", "look", LOOK), words)
    assert by["heat apple 1 microwave 1"].changed == {HOT: True}
    assert not hidden(by["go to sinkbasin 1"].changed)


def test_a_failed_act_is_never_credited(live: Live, words: Vocabulary) -> None:
    by = lived(live(*AT_MICROWAVE, HEAT, "clean apple 1 with microwave 1", LOOK), words)
    assert not by["clean apple 1 microwave 1"].changed
    assert by["heat apple 1 microwave 1"].changed == {HOT: True}


def test_acts_that_showed_a_change_of_their_own_are_not_credited(live: Live, words: Vocabulary) -> None:
    by = lived(live(*AT_MICROWAVE, HEAT, "open microwave 1", "move apple 1 to microwave 1", "take apple 1 from microwave 1", LOOK), words)  # fmt: skip  # noqa: E501
    assert not hidden(by["move apple 1 microwave 1"].changed)
    assert not hidden(by["take apple 1 microwave 1"].changed)
    assert by["heat apple 1 microwave 1"].changed == {HOT: True}


def test_of_two_quiet_acts_before_one_look_neither_is_credited(live: Live, words: Vocabulary) -> None:
    by = lived(live(*AT_MICROWAVE, HEAT, "go to sinkbasin 1", "clean apple 1 with sinkbasin 1", LOOK), words)
    assert not by["heat apple 1 microwave 1"].changed
    assert not by["clean apple 1 sinkbasin 1"].changed


def test_a_look_between_two_quiet_acts_gives_each_its_own(live: Live, words: Vocabulary) -> None:
    by = lived(live(*AT_MICROWAVE, HEAT, LOOK, "go to sinkbasin 1", "clean apple 1 with sinkbasin 1", LOOK), words)
    assert by["heat apple 1 microwave 1"].changed == {HOT: True}
    assert by["clean apple 1 sinkbasin 1"].changed == {CLEAN: True}


def test_a_look_that_shows_no_difference_settles_that_the_act_changed_nothing(live: Live, words: Vocabulary) -> None:
    by = lived(live(*AT_MICROWAVE, HEAT, LOOK, "open microwave 1", HEAT, LOOK), words)
    again = by["heat apple 1 microwave 1"]
    assert not again.changed
    assert again.settled[HOT] is True


def test_what_nobody_looked_at_is_neither_changed_nor_settled(live: Live, words: Vocabulary) -> None:
    heat = lived(live(*AT_MICROWAVE, HEAT, "go to sinkbasin 1"), words)["heat apple 1 microwave 1"]
    assert heat.succeeded
    assert HOT not in heat.changed
    assert HOT not in heat.settled
    assert heat.settled[Fluent("holding")] == "apple 1"


def test_a_bowl_that_says_nothing_settles_nothing(live: Live, words: Vocabulary) -> None:
    by = lived(live("go to countertop 1", "take mug 1 from countertop 1", "go to microwave 1", "heat mug 1 with microwave 1", "examine mug 1"), words)  # fmt: skip  # noqa: E501
    heat = by["heat mug 1 microwave 1"]
    assert (heat.changed, Fluent("hot", ("mug 1",)) in heat.settled) == ({}, False)


# --- the reward as a look ---------------------------------------------------------------------------------------------

HOME = ("go to countertop 1", "move apple 1 to countertop 1")


def test_a_reward_reveals_that_the_goals_hidden_condition_holds(live: Live, words: Vocabulary) -> None:
    trajectory = live(*AT_MICROWAVE, HEAT, *HOME)
    assert trajectory.transitions[-1].observation.reward == 1
    by = lived(trajectory, words)
    assert by["heat apple 1 microwave 1"].changed == {HOT: True}
    assert not hidden(by["move apple 1 countertop 1"].changed)


def test_the_absence_of_a_reward_reveals_that_it_does_not(live: Live, words: Vocabulary) -> None:
    by = lived(live(*FETCH, "go to sinkbasin 1", "clean apple 1 with sinkbasin 1", *HOME), words)
    clean = by["clean apple 1 sinkbasin 1"]
    assert clean.settled[HOT] is False
    assert not clean.changed


def test_a_goal_that_was_half_reached_before_reveals_nothing_when_another_half_is_done(
    live: Live, words: Vocabulary, house: Game
) -> None:
    two = replace(house, goal_text="put two apple in countertop", task_type="pick_two_obj_and_place")
    by = lived(live("go to cabinet 1", "open cabinet 1", "take apple 2 from cabinet 1", "go to countertop 1", game=two), words)  # fmt: skip
    assert not any(hidden(e.changed) for e in by.values())


# --- told, changed, static --------------------------------------------------------------------------------------------


def test_what_was_merely_found_out_is_no_change(live: Live, words: Vocabulary) -> None:
    by = lived(live("go to fridge 1", "go to countertop 1"), words)
    assert by["go to fridge 1"].changed == {Fluent("at"): "fridge 1"}
    assert by["go to countertop 1"].changed == {
        Fluent("at"): "countertop 1",
        Fluent("explored", ("countertop 1",)): True,
    }


def test_what_was_so_before_is_no_change_even_if_a_text_says_it_again(live: Live, words: Vocabulary) -> None:
    by = lived(live("go to countertop 1", "examine countertop 1"), words)
    assert not by["examine countertop 1"].changed


def test_that_two_receptacles_share_a_place_is_filled_back_to_the_start(live: Live, words: Vocabulary) -> None:
    place = Fluent("place", ("drawer 2",))
    trajectory = live("go to drawer 2", "go to cabinet 1", "go to drawer 1", "look")
    assert trajectory.start[place] == "drawer 2"
    first = examples(trajectory, words)[0]
    assert first.before[place] == first.before[Fluent("place", ("drawer 1",))] == "drawer 1"


def test_an_episode_without_a_step_gives_no_examples(live: Live, words: Vocabulary) -> None:
    assert examples(live(), words) == []


@pytest.mark.parametrize("cut", range(1, 9))
def test_the_examples_of_a_beginning_never_credit_more_than_those_of_the_whole(
    cut: int, live: Live, words: Vocabulary
) -> None:
    whole = live(*AT_MICROWAVE, HEAT, LOOK, "go to sinkbasin 1", "clean apple 1 with sinkbasin 1", LOOK)
    beginning = examples(replace(whole, transitions=whole.transitions[:cut]), words)
    for early, late in zip(beginning, examples(whole, words), strict=False):
        assert early.changed.items() <= late.changed.items()
