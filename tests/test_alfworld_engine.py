"""The household engine: its texts, commands, snapshots and laws, on a small game that stands here."""

from dataclasses import fields, replace

import pytest

from agentwm_environments.alfworld.engine import HELP, NOTHING_HAPPENS, Household
from agentwm_environments.alfworld.game import Game, Receptacle, Thing
from agentwm_environments.alfworld.laws import ORDINARY, TREATMENTS, Laws, altered, differences, is_reachable


def apple(name: str, receptacle: str, location: int, *, is_cool: bool = False) -> Thing:
    return Thing(
        name,
        "apple",
        receptacle,
        location,
        is_pickupable=True,
        is_cleanable=True,
        is_heatable=True,
        is_coolable=True,
        is_sliceable=True,
        is_cool=is_cool,
    )


GAME = Game(
    id="small kitchen",
    task_type="pick_heat_then_place_in_recep",
    goal_text="put a hot apple in fridge",
    target="apple",
    destination="fridge",
    receptacles=(
        Receptacle("countertop 1", "countertop", 1),
        Receptacle("drawer 2", "drawer", 2, is_openable=True),
        Receptacle("drawer 1", "drawer", 2),
        Receptacle("fridge 1", "fridge", 3, is_openable=True),
        Receptacle("microwave 1", "microwave", 4, is_openable=True),
        Receptacle("sinkbasin 1", "sinkbasin", 5),
        Receptacle("toaster 1", "toaster", 1),
    ),
    things=(
        apple("apple 2", "countertop 1", 1),
        apple("apple 1", "drawer 2", 2, is_cool=True),
        Thing(
            "bowl 1",
            "bowl",
            "countertop 1",
            1,
            is_pickupable=True,
            is_cleanable=True,
            is_container=True,
            contents=("fork 1",),
        ),
        Thing("desklamp 1", "desklamp", "drawer 1", 2, is_toggleable=True),
        Thing("fork 1", "fork", "countertop 1", 1, is_pickupable=True, is_cleanable=True),
        Thing("knife 1", "knife", "countertop 1", 1, is_pickupable=True, is_cleanable=True),
    ),
    can_contain=frozenset(
        {
            ("countertop", "apple"),
            ("countertop", "knife"),
            ("fridge", "apple"),
            ("microwave", "apple"),
            ("drawer", "knife"),
        }
    ),
    start=6,
    room="kitchen",
)


@pytest.fixture
def household() -> Household:
    begun = Household(GAME)
    begun.reset()
    return begun


def play(household: Household, *commands: str) -> list[str]:
    return [household.step(command) for command in commands]


def accept(household: Household, *commands: str) -> None:
    assert NOTHING_HAPPENS not in play(household, *commands)


def test_a_golden_game_is_told_word_for_word() -> None:
    household = Household(GAME)
    assert household.reset() == (
        "-= Welcome to TextWorld, ALFRED! =-\n\nYou are in the middle of a room. Looking quickly around you, you see a countertop 1, "
        "a drawer 2, a drawer 1, a fridge 1, a microwave 1, a sinkbasin 1, and a toaster 1.\n\n"
        "Your task is to: put a hot apple in fridge."
    )
    transcript = (
        ("look", "You are in the middle of a room. Looking quickly around you, you see nothing."),
        ("inventory", "You are not carrying anything."),
        (
            "go to countertop 1",
            "You arrive at countertop 1. On the countertop 1, you see a apple 2, a bowl 1, a fork 1, and a knife 1.",
        ),
        ("take apple 2 from countertop 1", "You pick up the apple 2 from the countertop 1."),
        ("examine apple 2", "There's nothing special about apple 2."),
        ("go to microwave 1", "You arrive at microwave 1. The microwave 1 is closed."),
        ("heat apple 2 with microwave 1", "You heat the apple 2 using the microwave 1."),
        ("examine  apple 2", NOTHING_HAPPENS),
        (" examine apple 2 ", "This is a hot apple 2."),
        ("go to sinkbasin 1", "You arrive at sinkbasin 1. On the sinkbasin 1, you see nothing."),
        ("clean apple 2 with sinkbasin 1", "You clean the apple 2 using the sinkbasin 1."),
        ("examine apple 2", "This is a hot and clean apple 2."),
        ("go to fridge 1", "You arrive at fridge 1. The fridge 1 is closed."),
        ("move apple 2 to fridge 1", NOTHING_HAPPENS),
        ("open fridge 1", "You open the fridge 1. The fridge 1 is open. In it, you see nothing."),
    )
    for command, text in transcript:
        assert household.step(command) == text
    assert household.score == 0
    assert household.step("move apple 2 to fridge 1") == "You move the apple 2 to the fridge 1."
    assert household.won
    assert household.score == 1


def test_the_reward_is_not_kept_when_the_goal_is_undone(household: Household) -> None:
    accept(household, "go to countertop 1", "take apple 2 from countertop 1", "go to microwave 1")
    accept(household, "heat apple 2 with microwave 1", "go to fridge 1", "open fridge 1", "move apple 2 to fridge 1")
    assert household.score == 1
    accept(household, "take apple 2 from fridge 1")
    assert household.score == 0


def test_help_is_the_official_one(household: Household) -> None:
    assert household.step("help") == HELP
    assert HELP.startswith("Available commands:\n  look:  ")
    assert HELP.endswith("using a sharp object\n")


@pytest.mark.parametrize(
    "command", ["", "GO TO FRIDGE 1", "go to  fridge 1", "go to fridge 9", "put apple 2 in/on fridge 1"]
)
def test_a_command_that_does_not_match_changes_nothing(household: Household, command: str) -> None:
    before = household.snapshot()
    assert household.step(command) == NOTHING_HAPPENS
    assert household.snapshot() == before


def test_receptacles_at_one_place_are_served_together(household: Household) -> None:
    accept(household, "go to drawer 1")
    assert household.step("go to drawer 2") == NOTHING_HAPPENS
    assert household.step("look") == "You are facing the drawer 2, and drawer 1. Next to it, you see nothing."
    accept(household, "open drawer 2", "take apple 1 from drawer 2", "use desklamp 1")


def test_only_an_openable_receptacle_opens(household: Household) -> None:
    accept(household, "go to drawer 1")
    assert household.step("open drawer 1") == NOTHING_HAPPENS
    assert household.step("examine drawer 1") == "On the drawer 1, you see a desklamp 1."


def test_what_was_taken_and_put_down_beside_lies_next_to_it(household: Household) -> None:
    """The grammar's floor: at the place, and not in a receptacle of that place that it was once taken from."""
    accept(household, "go to drawer 1", "open drawer 2", "take apple 1 from drawer 2", "go to countertop 1")
    accept(household, "move apple 1 to countertop 1", "take knife 1 from countertop 1", "go to drawer 1")
    accept(household, "move knife 1 to drawer 1")
    assert household.step("look") == "You are facing the drawer 2, and drawer 1. Next to it, you see nothing."
    accept(household, "take knife 1 from drawer 1", "move knife 1 to drawer 2")
    assert household.step("look") == "You are facing the drawer 2, and drawer 1. Next to it, you see a knife 1."


def test_states_are_told_as_the_grammar_does(household: Household) -> None:
    accept(household, "go to drawer 2", "open drawer 2", "take apple 1 from drawer 2")
    assert household.step("examine apple 1") == "This is a cold apple 1."
    accept(household, "go to sinkbasin 1", "clean apple 1 with sinkbasin 1")
    assert household.step("examine apple 1") == "This is a cool and clean apple 1."
    accept(household, "go to countertop 1", "move apple 1 to countertop 1", "take knife 1 from countertop 1")
    assert household.step("slice apple 1 with knife 1") == "You sliced the apple 1 with the knife 1."
    accept(household, "move knife 1 to countertop 1", "take apple 1 from countertop 1")
    assert household.step("examine apple 1") == "This is a cool and clean sliced apple 1."
    accept(household, "move apple 1 to countertop 1", "take bowl 1 from countertop 1")
    assert household.step("examine bowl 1") == "This is a normal bowl 1. In it, you see a fork 1."


def test_a_lamp_is_turned_on_and_never_off(household: Household) -> None:
    accept(household, "go to drawer 1")
    assert play(household, "use desklamp 1", "use desklamp 1") == ["You turn on the desklamp 1."] * 2


def test_admissible_commands_are_exactly_those_accepted(household: Household) -> None:
    household.step("go to countertop 1")
    start = household.snapshot()
    admissible = household.admissible()
    assert admissible == sorted(set(admissible))
    for command in admissible:
        assert household.step(command) != NOTHING_HAPPENS
        household.restore(start)
    assert "take knife 1 from countertop 1" in admissible
    assert "go to toaster 1" not in admissible


def test_a_snapshot_brings_everything_back_and_stays_usable(household: Household) -> None:
    accept(household, "go to countertop 1")
    start, facts, admissible = household.snapshot(), household.facts(), household.admissible()
    for _ in range(2):
        accept(
            household,
            "take apple 2 from countertop 1",
            "go to microwave 1",
            "heat apple 2 with microwave 1",
            "open microwave 1",
        )
        assert set(household.facts()) != set(facts)
        household.restore(start)
        assert set(household.facts()) == set(facts)
        assert household.admissible() == admissible


def test_a_snapshot_goes_into_another_household_of_the_same_game(household: Household) -> None:
    accept(household, "go to countertop 1", "take apple 2 from countertop 1")
    twin = Household(GAME)
    twin.restore(household.snapshot())
    assert twin.step("inventory") == "You are carrying: a apple 2."
    assert twin.admissible() == household.admissible()


def test_facts_follow_what_is_done(household: Household) -> None:
    accept(household, "go to countertop 1", "take apple 2 from countertop 1")
    facts = household.facts()
    assert ("holds", "agent1", "apple 2") in facts
    assert ("inreceptacle", "apple 2", "countertop 1") not in facts
    assert len(facts) == len(set(facts))


@pytest.mark.parametrize(
    ("task_type", "target", "destination", "commands"),
    [
        ("pick_and_place_simple", "knife", "drawer", ["move knife 1 to drawer 1"]),
        ("look_at_obj_in_light", "knife", "desklamp", ["use desklamp 1"]),
    ],
)
def test_goals_hold_when_and_only_when_they_should(
    task_type: str, target: str, destination: str, commands: list[str]
) -> None:
    household = Household(replace(GAME, task_type=task_type, target=target, destination=destination))
    household.reset()
    accept(household, "go to countertop 1", "take knife 1 from countertop 1", "go to drawer 1")
    assert household.score == 0
    accept(household, *commands)
    assert household.won


def test_two_must_lie_in_the_same_receptacle() -> None:
    household = Household(replace(GAME, task_type="pick_two_obj_and_place", destination="countertop"))
    household.reset()
    assert household.score == 0
    accept(household, "go to drawer 2", "open drawer 2", "take apple 1 from drawer 2", "go to countertop 1")
    accept(household, "move apple 1 to countertop 1")
    assert household.won


# --- laws -----------------------------------------------------------------------------------------------------------


def under(heat_only: Laws) -> Household:
    household = Household(GAME, heat_only)
    household.reset()
    accept(household, "go to countertop 1", "take apple 2 from countertop 1")
    return household


def test_a_law_moves_a_verb_to_another_appliance() -> None:
    household = under(replace(ORDINARY, heat=replace(ORDINARY.heat, instruments=frozenset({"toaster"}))))
    accept(household, "heat apple 2 with toaster 1", "go to microwave 1")
    assert household.step("heat apple 2 with microwave 1") == NOTHING_HAPPENS


def test_a_law_can_ask_for_an_open_door() -> None:
    household = under(replace(ORDINARY, heat=replace(ORDINARY.heat, door="open")))
    answers = play(
        household,
        "go to microwave 1",
        "heat apple 2 with microwave 1",
        "open microwave 1",
        "heat apple 2 with microwave 1",
    )
    assert [answer == NOTHING_HAPPENS for answer in answers] == [False, True, False, False]


def test_a_law_can_ask_that_the_thing_lie_in_the_appliance() -> None:
    household = under(replace(ORDINARY, heat=replace(ORDINARY.heat, works_on="placed")))
    accept(household, "go to microwave 1", "open microwave 1")
    assert household.step("heat apple 2 with microwave 1") == NOTHING_HAPPENS
    accept(household, "move apple 2 to microwave 1", "heat apple 2 with microwave 1")


def test_a_law_can_ask_for_both_hands() -> None:
    household = under(replace(ORDINARY, open=replace(ORDINARY.open, needs_empty_hand=True)))
    assert play(household, "go to microwave 1", "open microwave 1")[1] == NOTHING_HAPPENS


def test_a_law_says_what_is_undone() -> None:
    household = under(replace(ORDINARY, heat=replace(ORDINARY.heat, undoes=frozenset({"clean"}))))
    accept(household, "go to sinkbasin 1", "clean apple 2 with sinkbasin 1", "go to microwave 1")
    accept(household, "heat apple 2 with microwave 1")
    assert household.step("examine apple 2") == "This is a hot apple 2."


@pytest.mark.parametrize("seed", range(50))
def test_altered_laws_are_drawn_by_their_seed_and_differ_enough(seed: int) -> None:
    laws = altered(seed)
    assert laws == altered(seed)
    assert len(differences(laws)) >= 4
    for verb in TREATMENTS:
        assert getattr(laws, verb).instruments.isdisjoint(getattr(ORDINARY, verb).instruments)
    assert laws.take == ORDINARY.take


def test_altered_laws_differ_from_seed_to_seed() -> None:
    drawn = {altered(seed) for seed in range(50)}
    assert len(drawn) > 45
    doors = {getattr(laws, verb).door for laws in drawn for verb in TREATMENTS}
    assert doors == {"any", "open", "shut"}
    assert {getattr(laws, verb).works_on for laws in drawn for verb in TREATMENTS} == {"held", "placed"}


def test_the_ordinary_laws_differ_from_themselves_in_nothing() -> None:
    assert differences(ORDINARY) == ()
    assert {field.name for field in fields(Laws)} >= set(TREATMENTS)


def test_reachability_asks_for_an_appliance_that_takes_the_thing() -> None:
    assert is_reachable(GAME, ORDINARY)
    coffee = replace(ORDINARY, heat=replace(ORDINARY.heat, instruments=frozenset({"coffeemachine"})))
    assert not is_reachable(GAME, coffee)
    toaster = replace(ORDINARY.heat, instruments=frozenset({"toaster"}))
    assert is_reachable(GAME, replace(ORDINARY, heat=toaster))
    assert not is_reachable(GAME, replace(ORDINARY, heat=replace(toaster, works_on="placed")))
