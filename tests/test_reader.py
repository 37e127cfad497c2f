"""What a household's sentences mean, read against the engine that writes them."""

import itertools
import random

import pytest

from agentwm import Action, Fluent, Observation, State
from agentwm.agent import update
from agentwm.errors import EnvironmentFailureError
from agentwm.types import Condition, Perception, Ref, Var, Vocabulary
from agentwm_environments.alfworld.engine import HELP, NOTHING_HAPPENS, Household
from agentwm_environments.alfworld.game import Game
from agentwm_environments.alfworld.generator import generate
from agentwm_environments.alfworld.reader import HouseholdReader, read_goal, read_help

DO = Action("do")


def read(text: str, known: State | None = None) -> Perception:
    return HouseholdReader().perceive(Observation(text), DO, known or {})


def facts(name: str, **values: object) -> dict[Fluent, object]:
    return {Fluent(fluent, (name,)): value for fluent, value in values.items()}


def qualities(perception: Perception, thing: str) -> dict[str, object]:
    names = ("hot", "cool", "clean", "sliced", "on")
    return {f.name: v for f, v in perception.told.items() if f.name in names and f.args == (thing,)}


# --- told and changed -------------------------------------------------------------------------------------------------


def test_the_opening_tells_the_receptacles_the_empty_hand_and_that_the_agent_is_nowhere() -> None:
    text = "You are in the middle of a room. Looking quickly around you, you see a fridge 1, a drawer 12, and a sinkbasin 1."
    perception = HouseholdReader().perceive(Observation(text), None, {})
    expected = {Fluent("at"): None, Fluent("holding"): None}
    for name, kind in (("fridge 1", "fridge"), ("drawer 12", "drawer"), ("sinkbasin 1", "sinkbasin")):
        expected |= facts(name, sort="receptacle", kind=kind, place=name)  # type: ignore[arg-type]
    assert perception.told == expected
    assert not perception.changed
    assert perception.succeeded is None


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("You arrive at sinkbasin 1. On the sinkbasin 1, you see nothing.", {Fluent("at"): "sinkbasin 1"}),
        ("You open the fridge 1. The fridge 1 is open. In it, you see nothing.", facts("fridge 1", open=True)),
        ("You close the fridge 1.", facts("fridge 1", open=False)),
        ("You turn on the desklamp 1.", facts("desklamp 1", on=True)),
        ("You pick up the mug 1 from the desk 1.", {Fluent("holding"): "mug 1", **facts("mug 1", **{"in": None})}),
        ("You move the mug 1 to the desk 1.", {Fluent("holding"): None, **facts("mug 1", **{"in": "desk 1"})}),
    ],
)
def test_what_an_action_did_is_changed_and_not_told(text: str, changed: State) -> None:
    perception = read(text)
    assert changed.items() <= perception.changed.items()
    assert not changed.keys() & perception.told.keys()
    assert perception.succeeded is True


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("You arrive at fridge 1. The fridge 1 is closed.", facts("fridge 1", open=False)),
        ("The fridge 1 is open. In it, you see nothing.", facts("fridge 1", open=True)),
        ("On the desk 1, you see nothing.", facts("desk 1", open=None)),
        ("On the desk 1, you see a mug 2.", facts("mug 2", sort="object", kind="mug", **{"in": "desk 1"})),
        ("This desklamp 1 is on.", facts("desklamp 1", on=True)),
        ("This is a hot egg 1.", facts("egg 1", hot=True)),
        ("You are carrying: a egg 1.", {Fluent("holding"): "egg 1"}),
        ("You are not carrying anything.", {Fluent("holding"): None}),
    ],
)
def test_what_was_so_before_is_told_and_not_changed(text: str, told: State) -> None:
    perception = read(text)
    assert told.items() <= perception.told.items()
    assert not told.keys() & perception.changed.keys()


@pytest.mark.parametrize("verb", ["heat", "cool", "clean"])
def test_that_a_treatment_was_accepted_says_nothing_of_what_it_did(verb: str) -> None:
    perception = read(f"You {verb} the egg 1 using the fridge 1.")
    assert (perception.succeeded, perception.changed, perception.told) == (True, {}, {})


def test_nothing_happens_is_a_failure_that_tells_nothing() -> None:
    assert read(NOTHING_HAPPENS) == Perception(succeeded=False)


def test_a_closed_receptacle_is_not_explored_and_an_open_or_plain_one_is() -> None:
    def is_explored(text: str) -> bool:
        return any(fluent.name == "explored" for fluent in read(text).changed)

    assert not is_explored("You arrive at fridge 1. The fridge 1 is closed.")
    assert is_explored("You arrive at desk 1. On the desk 1, you see nothing.")
    assert is_explored("You open the fridge 1. The fridge 1 is open. In it, you see a egg 1.")


# --- qualities --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("hot", {"hot": True, "clean": False}),
        ("hot and clean", {"hot": True, "clean": True}),
        ("cold", {"cool": True, "hot": False, "clean": False}),
        ("cool and clean", {"cool": True, "hot": False, "clean": True}),
        ("clean", {"hot": False, "cool": False, "clean": True}),
        ("sliced", {"hot": False, "cool": False, "clean": False, "sliced": True}),
        ("hot and clean sliced", {"hot": True, "clean": True, "sliced": True}),
    ],
)
def test_qualities_named_are_so_and_the_others_are_not_but_hot_says_nothing_of_cool(
    words: str, expected: dict[str, bool]
) -> None:
    assert qualities(read(f"This is a {words} apple 1."), "apple 1") == expected


def test_nothing_special_means_neither_hot_nor_cool_nor_clean_nor_sliced() -> None:
    perception = read("There's nothing special about apple 1.")
    assert qualities(perception, "apple 1") == dict.fromkeys(("hot", "cool", "clean", "sliced"), False)


def test_a_bowl_says_nothing_of_its_qualities() -> None:
    perception = read("This is a normal bowl 1. In it, you see a fork 1.")
    assert (perception.told, perception.changed) == ({}, {})


@pytest.mark.parametrize(("hot", "cool", "clean", "sliced"), list(itertools.product([False, True], repeat=4)))
def test_what_is_read_of_a_thing_is_never_against_what_the_engine_knows(
    hot: object,
    cool: object,
    clean: object,
    sliced: object,
    house: Game,
) -> None:
    truth = {"hot": hot, "cool": cool, "clean": clean, "sliced": sliced}
    household = Household(house)
    household.reset()
    household.step("go to countertop 1")
    household.step("take apple 1 from countertop 1")
    here = household.snapshot()
    marks = {(f"is{name}", "apple 1") for name, is_so in truth.items() if is_so}
    household.restore(here._replace(facts=here.facts | marks))
    seen = qualities(read(household.step("examine apple 1")), "apple 1")
    assert seen.items() <= truth.items()
    assert {name for name, is_so in truth.items() if is_so} - ({"cool"} if hot else set()) <= seen.keys()


# --- places -----------------------------------------------------------------------------------------------------------


def test_facing_several_receptacles_merges_their_places() -> None:
    perception = read("You are facing the drawer 7, cabinet 2, and drawer 6. Next to it, you see nothing.")
    places = [perception.told[Fluent("place", (name,))] for name in ("drawer 7", "cabinet 2", "drawer 6")]
    assert len(set(places)) == 1


def test_whatever_one_faces_first_the_shared_place_has_the_same_name() -> None:
    one = read("You are facing the drawer 7, and drawer 6. Next to it, you see nothing.")
    other = read("You are facing the drawer 6, and drawer 7. Next to it, you see nothing.")
    assert one.told == other.told


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("You open the drawer 1. The drawer 1 is open. In it, you see nothing.", True),
        ("On the drawer 1, you see a pen 1.", True),
        ("The drawer 1 is closed.", True),
        ("You pick up the pen 1 from the drawer 1.", True),
        ("You move the pen 1 to the drawer 1.", True),
        ("You arrive at drawer 1. The drawer 1 is closed.", False),
        ("There's nothing special about pen 1.", False),
        ("Nothing happens.", False),
    ],
)
def test_what_is_handled_or_looked_into_is_here_though_the_agent_went_to_another(text: str, *, shares: bool) -> None:
    known = {Fluent("at"): "drawer 2", **facts("drawer 1", place="drawer 1"), **facts("drawer 2", place="drawer 2")}
    told = read(text, known).told  # type: ignore[arg-type]
    places = {told.get(Fluent("place", (name,)), name) for name in ("drawer 1", "drawer 2")}
    assert (len(places) == 1) is shares


def test_arrival_forgets_what_is_no_longer_there_and_nothing_else() -> None:
    believed = (
        facts("mug 1", **{"in": "desk 1"}) | facts("pen 1", **{"in": "desk 1"}) | facts("egg 1", **{"in": "shelf 1"})
    )
    perception = read("You arrive at desk 1. On the desk 1, you see a pen 1.", believed)  # type: ignore[arg-type]
    after = update(believed, perception)  # type: ignore[arg-type]
    assert Fluent("in", ("mug 1",)) not in after
    assert after[Fluent("in", ("pen 1",))] == "desk 1"
    assert after[Fluent("in", ("egg 1",))] == "shelf 1"


def test_a_shut_door_forgets_nothing() -> None:
    believed: State = {Fluent("in", ("egg 1",)): "fridge 1"}
    assert not read("You arrive at fridge 1. The fridge 1 is closed.", believed).forgotten


def test_a_belief_read_from_texts_is_never_against_the_truth(words: Vocabulary) -> None:
    """Wander through a few houses, doing whatever the engine admits, and hold the belief against the engine's facts."""
    rng = random.Random(1)
    done: set[str] = set()
    for game in generate("test", 6, 11):
        household = Household(game)
        reader = HouseholdReader()
        belief: dict[Fluent, object] = update({}, reader.perceive(Observation(household.reset()), None, {}))  # type: ignore[assignment]
        for _ in range(60):
            commands = [c for c in household.admissible() if c != "help"]
            verb = rng.choice(sorted({command.split()[0] for command in commands}))
            done.add(verb)
            text = household.step(rng.choice([c for c in commands if c.startswith(verb)]))
            belief = update(belief, reader.perceive(Observation(text), DO, belief))  # type: ignore[assignment, arg-type]
            _check(belief, household, words)
    assert {"go", "open", "close", "take", "move", "examine", "look"} <= done


def _check(belief: dict[Fluent, object], household: Household, words: Vocabulary) -> None:
    truth = set(household.facts())
    held = [thing for name, _, thing in (fact for fact in truth if fact[0] == "holds")]
    assert belief[Fluent("holding")] == (held[0] if held else None)
    for fluent, value in belief.items():
        assert fluent.name in words.fluents
        if fluent.name == "in" and value is not None:
            assert ("inreceptacle", fluent.args[0], value) in truth
        elif fluent.name == "open" and value is not None:
            assert (("opened", fluent.args[0]) in truth) is value
        elif fluent.name == "on":
            assert (("istoggled", fluent.args[0]) in truth) is value


# --- goals and help ---------------------------------------------------------------------------------------------------

_PLACED = {("kind(?x)", "==", "mug"), ("kind(?r)", "==", "desk"), ("in(?x)", "==", "?r")}
_LOOK = {
    ("kind(?x)", "==", "mug"),
    ("kind(?l)", "==", "desklamp"),
    ("holding()", "==", "?x"),
    ("on(?l)", "==", "True"),
    ("place(in(?l))", "==", "place(at())"),
}
_TWO = _PLACED | {("kind(?y)", "==", "mug"), ("in(?y)", "==", "?r")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("put a mug in desk", _PLACED),
        ("put some mug on desk", _PLACED),
        ("put a clean mug in desk", _PLACED | {("clean(?x)", "==", "True")}),
        ("clean some mug and put it in desk", _PLACED | {("clean(?x)", "==", "True")}),
        ("put a hot mug in desk", _PLACED | {("hot(?x)", "==", "True")}),
        ("heat some mug and put it in desk", _PLACED | {("hot(?x)", "==", "True")}),
        ("put a cool mug in desk", _PLACED | {("cool(?x)", "==", "True")}),
        ("cool some mug and put it in desk", _PLACED | {("cool(?x)", "==", "True")}),
        ("put two mug in desk", _TWO),
        ("find two mug and put them in desk", _TWO),
        ("look at mug under the desklamp", _LOOK),
        ("examine the mug with the desklamp", _LOOK),
    ],
)
def test_each_of_the_twelve_templates_is_read(text: str, expected: set[tuple[str, str, str]]) -> None:
    for worded in (text, f"Your task is to: {text}."):
        goal = read_goal(worded)
        assert goal.text == text
        assert {(str(c.left), c.op, str(c.right)) for c in goal.conditions} == expected


def test_a_goal_in_other_words_has_no_conditions_and_keeps_its_text() -> None:
    for text in ("make tea", "put a mug in desk and sing", "put three mug in desk"):
        assert (read_goal(text).text, read_goal(text).conditions) == (text, ())


def test_every_generated_goal_is_read_and_names_its_target_and_destination() -> None:
    for game in generate("train", 60, 4):
        kinds = {
            c.right for c in read_goal(game.goal_text).conditions if isinstance(c.left, Ref) and c.left.name == "kind"
        }
        assert kinds == {game.target, game.destination}


def test_things_of_a_goal_are_variables() -> None:
    goal = read_goal("put two mug in desk")
    assert Condition(Ref("in", (Var("y"),)), "==", Var("r")) in goal.conditions


def test_the_help_is_read_into_verbs_with_sorts_and_spelling() -> None:
    verbs = read_help(HELP)
    assert set(verbs) == {
        "look", "inventory", "go to", "open", "close", "take", "move", "examine", "use", "heat", "clean", "cool", "slice",
    }  # fmt: skip
    assert verbs["take"].parameters == ("object", "receptacle")
    assert verbs["take"].render(("mug 1", "desk 1")) == "take mug 1 from desk 1"
    assert verbs["examine"].parameters == ("any",)
    assert {verb for verb, schema in verbs.items() if schema.inspects} == {"look", "inventory", "examine"}


def test_help_that_lists_nothing_is_refused() -> None:
    with pytest.raises(EnvironmentFailureError, match="to list commands, got 'What"):
        read_help("What?")
