"""TextWorld: what its texts are read as, and games that are made, learned from and played."""

import importlib.util
import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm.agent import Episode, play, update
from agentwm.errors import ConfigurationError, EnvironmentFailureError, MissingExtraError, TaskError
from agentwm.learning import Learner
from agentwm.minds import acting_mind
from agentwm.planners import mpc
from agentwm.rules.binding import remaining
from agentwm.testing import check_environment
from agentwm.types import (
    Action,
    Condition,
    EnvironmentOptions,
    Fluent,
    Goal,
    Observation,
    Prediction,
    Ref,
    State,
    Value,
    Var,
)
from agentwm_environments.textworld import SPEC, player
from agentwm_environments.textworld.agreement import score
from agentwm_environments.textworld.environment import TextWorldEnvironment, make
from agentwm_environments.textworld.families import FAMILIES, numbers, recipe
from agentwm_environments.textworld.objective import read_objective, read_recipe
from agentwm_environments.textworld.reader import TextReader, own_answer, score_gained
from agentwm_environments.textworld.rooms import read_list, read_room
from agentwm_environments.textworld.tasks import GivenGames, MadeGames, fingerprint
from agentwm_environments.textworld.words import command, exit_of, read_help, read_templates, vocabulary

DATA = Path(__file__).parent / "data" / "textworld"
HELP = """Available commands:
  look:                describe the current room
  goal:                print the goal of this game
  inventory:           print player's inventory
  go <dir>:            move the player north, east, south or west
  examine ...:         examine something more closely
  eat ...:             eat edible food
  open ...:            open a door or a container
  close ...:           close a door or a container
  drop ...:            drop an object on the floor
  take ...:            take an object that is on the floor
  put ... on ...:      place an object on a supporter
  take ... from ...:   take an object from a container or a supporter
  insert ... into ...: place an object into a container
  lock ... with ...:   lock a door or a container with a key
  unlock ... with ...: unlock a door or a container with a key
"""
TEMPLATES = (
    "slice {f} with {o}",
    "dice {f} with {o}",
    "cook {f} with {oven}",
    "drink {f}",
    "prepare meal",
    "go east",
    "look",
    "open {c}",
)
VERBS = {**read_help(HELP), **read_templates(TEMPLATES, read_help(HELP))}
WORDS = vocabulary(VERBS)
NOTHING_EXPECTED = Prediction((), 0.0, "frame")

needs_textworld = pytest.mark.skipif(player.missing() is not None, reason=f"{player.missing()}")


@pytest.fixture(autouse=True)
def _kept_elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep made games in one folder for all tests, apart from the user's."""
    monkeypatch.setenv("AGENTWM_TEXTWORLD_GAMES", str(tmp_path_factory.getbasetemp() / "textworld"))


def lived(name: str) -> list[tuple[str, str]]:
    """Return a real game as it was played: commands and answers."""
    return [(said, answer) for said, answer in json.loads((DATA / f"{name}.json").read_text())["steps"]]


def action_of(said: str, state: State) -> Action:
    """Return the action that a command is, in ``state``."""
    for schema in sorted(VERBS.values(), key=lambda each: -len(each.template)):
        pattern = re.sub(r"\\\{\d\\\}", "(.+)", re.escape(schema.template))
        if match := re.fullmatch(pattern, said):
            room = str(state[Fluent("at")])
            args = (
                exit_of(room, arg) if sort == "exit" else arg
                for arg, sort in zip(match.groups(), schema.parameters, strict=True)
            )
            return Action(schema.verb, tuple(args))
    raise AssertionError(said)


def believed(name: str, upto: str | None = None) -> tuple[dict[Fluent, Value], list[bool | None]]:
    """Return what is believed after a game, and what was read of the success of each command."""
    state: dict[Fluent, Value] = {}
    outcomes: list[bool | None] = []
    reader = TextReader()
    for said, answer in lived(name):
        action = action_of(said, state) if said else None
        perception = reader.perceive(Observation(answer), action, state)
        state = update(state, perception)
        outcomes.append(perception.succeeded)
        if said == upto:
            break
    return state, outcomes


# --- rooms ----------------------------------------------------------------------------------------------------------------


def test_a_room_is_read_with_what_stands_there_lies_there_and_leads_out() -> None:
    room = read_room(
        "\n-= Living Room =-\nWell, here we are in a living room. You begin to take stock of what's here.\n\n"
        "You see a closed normal looking safe nearby. You can make out a couch! You see a milk and a raw red potato on the couch, "
        "so there's that. You scan the room for a tv, and you find a tv. The tv is ordinary. Unfortunately, there isn't a thing on "
        "it. Hm. Oh well You rest your hand against a wall, but you miss the wall and fall onto a chest. The chest is empty! What a "
        "waste of a day! Look over there! a fridge. The fridge contains a sliced fried carrot.\n\n"
        "There is a closed oak door leading east. You don't like doors? Why not try going north, that entranceway is unguarded.\n\n"
        "There is a shovel and an old key on the floor.\n\n"
    )
    assert room is not None
    assert room.name == "living room"
    assert [(each.name, each.is_open) for each in room.fixtures] == [
        ("safe", False),
        ("couch", None),
        ("tv", None),
        ("chest", True),
        ("fridge", True),
    ]
    assert [each.things and [thing.name for thing in each.things] for each in room.fixtures] == [
        None,
        ["milk", "red potato"],
        (),
        (),
        ["carrot"],
    ]
    assert [(each.direction, each.door, each.is_open) for each in room.exits] == [
        ("east", "oak door", False),
        ("north", None, None),
    ]
    assert [thing.name for thing in room.floor] == ["shovel", "old key"]


def test_what_is_on_something_may_tell_its_full_name() -> None:
    room = read_room(
        "-= Vault =-\nA vault.\n\nYou can see a stand. On the splintery stand you see a bug.\n\nThere is an exit to the east.\n"
    )
    assert room is not None
    assert [each.name for each in room.fixtures] == ["splintery stand"]


def test_lists_tell_how_things_are_cooked_and_cut() -> None:
    assert read_list("a sliced fried carrot, some raw pork chop and an egg") == [
        ("carrot", "fried", "sliced"),
        ("pork chop", None, None),
        ("egg", None, None),
    ]
    assert read_list("nothing") == []


names = st.lists(
    st.text("abcdefghij", min_size=2, max_size=6).filter(lambda word: word not in ("an", "a")),
    min_size=1,
    max_size=6,
    unique=True,
)


@given(names)
def test_any_list_is_read_back(things: list[str]) -> None:
    *first, last = [f"a {name}" for name in things]
    assert [thing.name for thing in read_list(f"{', '.join(first)} and {last}" if first else last)] == things


# --- real games -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.json")))
def test_every_command_of_a_walkthrough_is_read_as_done(name: str) -> None:
    refused = {"simple": {"open wooden door", "eat old key"}, "cooking": {"prepare meal"}, "coin": {"go west"}}
    _, outcomes = believed(name)
    asked = [(said, outcome) for (said, _), outcome in zip(lived(name), outcomes, strict=True)]
    assert asked[0] == ("", None)
    assert {said for said, outcome in asked[1:4] if not outcome} == refused.get(name, set())
    assert all(outcome for _, outcome in asked[4:])


def test_a_refusal_tells_of_the_lock_and_of_its_key() -> None:
    state, _ = believed("simple", upto="open wooden door")
    assert state[Fluent("locked", ("wooden door",))] is True
    assert state[Fluent("key", ("wooden door",))] == "old key"
    assert state[Fluent("open", ("wooden door",))] is False


def test_what_is_carried_is_where_the_player_is_meant() -> None:
    state, _ = believed("treasure", upto="inventory")
    assert state[Fluent("where", ("TextWorld key",))] == "you"
    assert state[Fluent("where", ("fudge scented passkey",))] == state[Fluent("at")]


def test_a_way_is_known_in_both_directions_once_it_was_gone() -> None:
    state, _ = believed("coin")
    leads = {fluent.args[0]: value for fluent, value in state.items() if fluent.name == "leads"}
    assert len(leads) == 2 * (len(lived("coin")) - 4)
    for way, room in leads.items():
        origin = state[Fluent("from", (way,))]
        assert any(leads[back] == origin for back in leads if state[Fluent("from", (back,))] == room)


def test_the_meal_is_ready_once_all_that_the_recipe_asks_for_is_done() -> None:
    before, _ = believed("cooking", upto="take knife from table")
    ready = WORDS.fluents["ready"].derive
    assert ready is not None
    assert ready(before, ("meal",)) is False
    after, _ = believed("cooking", upto="dice red bell pepper with knife")
    assert ready(after, ("meal",)) is True
    assert ready({}, ("meal",)) is None


def test_points_and_the_end_are_told_apart_from_the_answer() -> None:
    text = lived("simple")[-1][1]
    assert own_answer(text).strip().endswith("on the stove.")
    assert score_gained(text) == 1
    assert score_gained("Your score has just gone up by three points.") == 3
    assert score_gained(own_answer(text)) == 0


# --- goals ----------------------------------------------------------------------------------------------------------------


def _said(text: str) -> Goal:
    return read_objective(
        f"Welcome to TextWorld! Here is your task for today. First of all, you could, like, {text} That's it!", "hall"
    )


def _names(goal: Goal) -> list[str]:
    return [" and ".join(f"{c.left} {c.op} {c.right}" for c in part) for part in (goal.conditions, *goal.then)]


def test_an_objective_is_read_step_by_step() -> None:
    goal = _said(
        "look and see that the antique trunk inside the bedroom is opened. Then, recover the old key from the antique trunk. Having got "
        "the old key, unlock the wooden door with the old key. After that, ensure that the wooden door is wide open. And then, take a trip "
        "east. Next, go to the south. Following that, pick-up the milk from the floor of the garden. With the milk, rest the milk on "
        "the stove inside the kitchen. Then, insert the milk into the fridge. Then, close the fridge."
    )
    there = "leads(way(hall, east))"
    assert _names(goal) == [
        "kind(?x) == antique trunk and open(?x) == True",
        "kind(?x) == old key and where(?x) == me()",
        "kind(?x) == wooden door and open(?x) == True",
        f"at() == {there}",
        f"at() == leads(way({there}, south))",
        "kind(?x) == milk and where(?x) == me()",
        "kind(?x) == milk and kind(?y) == stove and in(?x) == ?y",
        "kind(?x) == milk and kind(?y) == fridge and in(?x) == ?y",
        "kind(?x) == fridge and open(?x) == False",
    ]


@pytest.mark.parametrize("name", ["coin", "treasure", "simple"])
def test_a_walkthrough_reaches_every_part_of_the_goal_that_was_read(name: str) -> None:
    reader = TextReader()
    steps = lived(name)
    objective = steps[0][1].partition("-= ")[0].rpartition("$")[2]
    start = read_room(steps[0][1])
    assert start is not None
    goal = read_objective(objective, start.name)
    state = update({}, reader.perceive(Observation(steps[0][1]), None, {}))
    for said, answer in steps[1:]:
        state = update(state, reader.perceive(Observation(answer), action_of(said, state), state))
        goal = remaining(goal, (state,), WORDS)
    assert goal.then == ()
    assert remaining(Goal("", goal.conditions, ((),)), (state,), WORDS).conditions == ()


def test_a_single_step_is_read_whether_or_not_it_begins_the_sentence() -> None:
    for text in (
        "Welcome! Pick up the iron from the floor of the shower.",
        "Your objective is to take the iron from the bench.",
    ):
        assert _names(read_objective(text, "hall")) == ["kind(?x) == iron and where(?x) == me()"]


def test_a_brief_objective_leaves_the_goal_unread() -> None:
    assert read_objective("The dinner is almost ready! It's only missing a grilled milk.", "bedroom").conditions == ()


def test_the_cookbook_is_to_be_read_first_and_the_meal_enjoyed_once_done() -> None:
    goal = read_objective("Check the cookbook in the kitchen for the recipe. Once done, enjoy your meal!", "hall")
    assert _names(goal) == [
        "kind(?x) == cookbook and examined(?x) == True",
        "kind(?x) == meal and eaten(?x) == True",
    ]


def test_a_recipe_is_read_as_what_is_so_when_it_was_followed() -> None:
    read = read_recipe(next(answer for said, answer in lived("cooking") if said == "examine cookbook"))
    assert read is not None
    assert read.dish == "meal"
    goal = read.goal("cook")
    assert len(goal.then) == 2
    x = Var("x1")
    assert Condition(Ref("where", (x,)), "==", Ref("me")) in goal.conditions
    assert {c.right for c in goal.conditions if isinstance(c.left, Ref) and c.left.name == "cooked"} == {"roasted"}
    assert {c.right for c in goal.conditions if isinstance(c.left, Ref) and c.left.name == "cut"} == {"diced"}
    assert read_recipe("The cookbook looks useful.") is None


# --- commands -------------------------------------------------------------------------------------------------------------


def test_the_help_gives_the_verbs_and_the_sorts_of_their_things() -> None:
    assert {verb: schema.parameters for verb, schema in VERBS.items()} == {
        "look": (),
        "inventory": (),
        "go": ("exit",),
        "examine": ("object",),
        "eat": ("object",),
        "open": ("fixture",),
        "close": ("fixture",),
        "drop": ("object",),
        "take": ("object",),
        "put on": ("object", "fixture"),
        "take from": ("object", "fixture"),
        "insert into": ("object", "fixture"),
        "lock with": ("fixture", "object"),
        "unlock with": ("fixture", "object"),
        "slice with": ("object", "object"),
        "dice with": ("object", "object"),
        "cook with": ("object", "fixture"),
        "drink": ("object",),
        "prepare": ("object",),
    }
    with pytest.raises(EnvironmentFailureError, match="expected the game's help to list commands"):
        read_help("That's not a verb I recognise.")


def test_a_command_names_only_the_direction_of_an_exit_that_is_here() -> None:
    way = Action("go", (exit_of("hall", "north"),))
    assert command(way, VERBS["go"], "hall") == "go north"
    assert command(way, VERBS["go"], "cellar") == "go north exit of hall"
    assert command(Action("take from", ("milk", "fridge")), VERBS["take from"], "hall") == "take milk from fridge"


# --- which games ----------------------------------------------------------------------------------------------------------


def test_train_and_test_games_never_share_a_seed() -> None:
    for family in FAMILIES:
        train = {number for seed in range(5) for number in numbers(family, "train", seed, 300)}
        test = {number for seed in range(5) for number in numbers(family, "test", seed, 300)}
        assert not train & test
        assert numbers(family, "test", 0, 50) == numbers(family, "test", 0, 300)[:50]
        names = [recipe(family, number).name for number in sorted(train | test)]
        assert len(set(names)) == len(names)


def test_each_family_is_a_member_of_textworld() -> None:
    assert SPEC.member is not None
    for name in SPEC.members():
        assert SPEC.member(name).name == name
    with pytest.raises(ConfigurationError, match="textworld has textworld-coin"):
        SPEC.member("textworld-chess")


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "textworld" else found(name))
    assert "pip install 'agentwm[textworld]'" in str(SPEC.missing())
    with pytest.raises(MissingExtraError, match="textworld"):
        make("coin", EnvironmentOptions())


@needs_textworld
@pytest.mark.parametrize("wrong", [{"split": "valid"}, {"engine": "official"}, {"altered": 3}, {"goals": "human"}])
def test_what_textworld_does_not_have_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="textworld"):
        make("coin", EnvironmentOptions(**wrong))  # type: ignore[arg-type]


def test_a_place_without_games_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is nothing at"):
        GivenGames(tmp_path / "nowhere", count=None)
    with pytest.raises(ConfigurationError, match="found none"):
        GivenGames(tmp_path, count=None)


# --- faults ---------------------------------------------------------------------------------------------------------------


@needs_textworld
@pytest.mark.parametrize("content", [b"", b"this is no game", b"\x08" + bytes(range(256)) * 400])
def test_a_file_that_is_no_game_is_refused_and_the_next_one_played(content: bytes, tmp_path: Path) -> None:
    game = MadeGames("coin", "train", count=1, seed=0)
    (tmp_path / "a.z8").write_bytes(content)
    (tmp_path / "b.z8").write_bytes(game.file(game.names[0]).read_bytes())
    (tmp_path / "c.ulx").write_bytes(content)
    environment = TextWorldEnvironment(GivenGames(tmp_path, count=None))
    with pytest.raises(TaskError, match=r"a\.z8"):
        environment.reset("a")
    with pytest.raises(TaskError, match=r"plays no \.ulx"):
        environment.reset("c")
    with pytest.raises(TaskError, match="no task"):
        environment.reset("d")
    assert "-= " in environment.reset("b").text
    environment.close()


@needs_textworld
def test_a_game_that_vanishes_or_an_interpreter_that_dies_is_an_error_and_not_an_end() -> None:
    games = MadeGames("coin", "train", count=1, seed=0)
    environment = TextWorldEnvironment(games)
    episode = Episode(environment, games.names[0])
    process = environment._player._process._process
    assert process is not None
    process.kill()
    with pytest.raises(EnvironmentFailureError, match="the interpreter's process ended"):
        episode.step(Action("look"), NOTHING_EXPECTED)
    assert "-= " in environment.reset(games.names[0]).text
    environment.close()


@needs_textworld
def test_an_action_is_refused_that_is_none_or_comes_after_the_end() -> None:
    environment = make("coin", EnvironmentOptions(count=1, learning=True))
    task = environment.tasks()[0]
    with pytest.raises(EnvironmentFailureError, match="expected reset first"):
        _ = environment.goal
    environment.reset(task)
    with pytest.raises(EnvironmentFailureError, match="expected one of the actions"):
        environment.step(Action("fly"))
    with pytest.raises(EnvironmentFailureError, match="expected one of the actions"):
        environment.step(Action("go"))
    environment.close()
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        environment.step(Action("look"))


# --- made games -----------------------------------------------------------------------------------------------------------


@needs_textworld
def test_the_same_seed_makes_the_same_world_and_no_two_seeds_do(tmp_path: Path) -> None:
    games = [MadeGames("coin", split, count=2, seed=0) for split in ("train", "test")]
    prints = {fingerprint(each.file(task)) for each in games for task in each.names}
    assert len(prints) == 4
    again = MadeGames("coin", "train", count=1, seed=0, folder=tmp_path)
    assert fingerprint(again.file(again.names[0])) in prints


@needs_textworld
def test_what_is_read_agrees_with_what_the_engine_knows() -> None:
    """Random play of a training game, admissible commands and others; more games in benchmarks/textworld_reading.py."""
    environment = make("coin", EnvironmentOptions(count=1, learning=True, admissible=True))
    episode = Episode(environment, environment.tasks()[0])
    rng = random.Random(0)
    for _ in range(25):
        if episode.is_over:
            break
        listed = episode.observation.actions
        assert listed
        episode.step(rng.choice(listed), NOTHING_EXPECTED)
        if not episode.is_over:
            for name, (right, total) in score(episode.state, environment.facts).items():
                assert right == total, name
    environment.close()


@needs_textworld
def test_coin_collector_is_learned_from_nothing_and_unseen_games_are_won_on_the_shortest_way() -> None:
    learner = Learner()
    train = make("coin", EnvironmentOptions(count=2, learning=True))
    learner.learn(train, train.tasks(), max_steps=60)
    train.close()
    environment = make("coin", EnvironmentOptions(count=2))
    won = []
    for task in environment.tasks():
        episode = Episode(environment, task)
        play(episode, acting_mind(mpc.SPEC, learner.store, episode, rng=random.Random(0)), max_steps=60)
        reference = environment.reference(task)
        assert reference is not None
        won.append(episode.is_won and len(episode.transitions) == reference.steps)
    environment.close()
    assert won == [True, True]


@needs_textworld
@pytest.mark.parametrize("family", ["cooking", "simple"])
def test_games_with_all_there_is_conform(family: str) -> None:
    check_environment(f"textworld-{family}")
