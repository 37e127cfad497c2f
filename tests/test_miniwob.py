"""MiniWoB++ in a real browser: read as facts and text, begun alike each time, and learned from nothing."""

import itertools
import random
from collections.abc import Iterator

import pytest

from agentwm import build
from agentwm.agent import Episode, play
from agentwm.errors import ConfigurationError, EnvironmentFailureError, TaskError
from agentwm.learning import Learner
from agentwm.minds import acting_mind
from agentwm.types import Action, Environment, EnvironmentOptions, Fluent
from agentwm_environments.web import instruction, miniwob
from agentwm_environments.web.miniwob import MiniWobEnvironment
from agentwm_environments.web.page import Element, Page

needs_miniwob = pytest.mark.skipif(miniwob.missing() is not None, reason=miniwob.missing() or "")


# --- what an instruction names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "said", "found"),
    [
        (["ONE", "TWO"], "Click button ONE.", ["ONE"]),
        (["ok", "OK"], 'Click on the "ok" button.', ["ok"]),
        (["OK"], "Press ok.", ["OK"]),
        (["Guinea", "Guinea-Bissau", "Papua New Guinea"], "Select Guinea-Bissau from the list.", ["Guinea-Bissau"]),
        (["Guinea", "Guinea-Bissau"], "Select Guinea and Guinea-Bissau.", ["Guinea", "Guinea-Bissau"]),
        (["Tab #1", "Tab #2"], "Click on Tab #2.", ["Tab #2"]),
        (["cat"], "Click on concatenate.", []),
        ([""], "Click.", []),
    ],
)
def test_a_name_is_mentioned_by_all_of_its_words_and_not_inside_a_longer_name(
    names: list[str], said: str, found: list[str]
) -> None:
    assert sorted(instruction.mentioned(names, said)) == sorted(found)


def test_the_texts_named_are_those_quoted_and_then_the_choices_of_lists_in_the_order_of_the_instruction() -> None:
    page = Page("/", "", (Element("combobox 1", "combobox", value="c", options=("c", "b", "a")),))
    assert instruction.named(page, 'Select a, then b, and type "x".') == ("x", "a", "b")


def test_where_a_named_text_stands_is_read_from_the_page() -> None:
    fields = (
        Element("textbox User", "textbox", "User", value=""),
        Element("textbox Word", "textbox", "Word", value="ada"),
    )
    state = instruction.facts(Page("/", "", fields), 'Type "ada" and "bob".')
    where = {name: instruction.FLUENTS[name].derive for name in ("where1", "where2")}
    assert where["where1"] is not None
    assert where["where2"] is not None
    assert where["where1"](state, ()) == "Word"
    assert where["where2"](state, ()) is None


# --- the environment --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def login() -> Iterator[MiniWobEnvironment]:
    yield from made("login-user", admissible=True)


@pytest.fixture(scope="module")
def boxes() -> Iterator[MiniWobEnvironment]:
    yield from made("click-checkboxes")


def made(page: str, *, admissible: bool = False) -> Iterator[MiniWobEnvironment]:
    if reason := miniwob.missing():
        pytest.skip(reason)
    environment = build.environment(f"miniwob-{page}").make(EnvironmentOptions(count=5, admissible=admissible))
    assert isinstance(environment, MiniWobEnvironment)
    yield environment
    environment.close()


@needs_miniwob
def test_the_same_task_begins_alike_and_another_one_otherwise(login: MiniWobEnvironment) -> None:
    first, second, *_ = login.tasks()
    begun = login.reset(first)
    assert isinstance(login, Environment)
    login.step(Action("type", ("textbox Username", "x")))
    assert login.reset(first) == begun
    assert login.reset(second) != begun


@needs_miniwob
def test_train_and_test_share_no_seeds() -> None:
    seeds = {
        (split, miniwob.page_seed("miniwob-click-test", f"{split}-{seed}-{number}"))
        for split, seed, number in itertools.product(("train", "test"), range(3), range(200))
    }
    assert len({seed for _, seed in seeds}) == len(seeds)


@needs_miniwob
def test_a_page_is_told_as_text_and_as_facts_and_its_instruction_is_the_goal(login: MiniWobEnvironment) -> None:
    seen = login.reset(login.tasks()[0])
    assert seen.text.startswith(login.goal.text)
    assert [line.strip() for line in seen.text.splitlines()[-3:]] == [
        "[textbox Username] = ''",
        "[textbox Password] = ''",
        "[button Login]",
    ]
    user, password = (seen.facts[fluent] for fluent in instruction.NAMED)
    assert login.goal.text == (
        f'Enter the username "{user}" and the password "{password}" into the text fields and press login.'
    )
    assert seen.facts[Fluent("blank", ("textbox Username",))] is True
    assert set(seen.actions or ()) == {
        Action("click", ("button Login",)),
        *(Action("click", (f"textbox {field}",)) for field in ("Username", "Password")),
        *(Action("type", (f"textbox {f}", str(t))) for f in ("Username", "Password") for t in (user, password)),
    }


@needs_miniwob
def test_the_whole_reward_is_a_win_however_long_it_took(login: MiniWobEnvironment) -> None:
    seen = login.reset(login.tasks()[0])
    user, password = (str(seen.facts[fluent]) for fluent in instruction.NAMED)
    login.step(Action("type", ("textbox Username", user)))
    login.step(Action("type", ("textbox Password", password)))
    last = login.step(Action("click", ("button Login",)))
    assert (last.reward, last.terminated, login.is_won, login.returned) == (1.0, True, True, 1.0)
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        login.step(Action("click", ("button Login",)))


@needs_miniwob
def test_a_part_of_the_reward_is_no_win_and_is_returned_as_the_page_has_it(boxes: MiniWobEnvironment) -> None:
    returned = []
    for task in boxes.tasks():
        boxes.reset(task)
        last = boxes.step(Action("click", ("button Submit",)))
        assert last.reward == (1.0 if boxes.returned == 1 else -1.0)
        returned.append(boxes.returned)
    assert any(-1 < each < 1 for each in returned)


@needs_miniwob
def test_doing_nothing_that_counts_wins_nothing(boxes: MiniWobEnvironment) -> None:
    seen = boxes.reset(boxes.tasks()[0])
    box = next(fluent.args[0] for fluent, value in seen.facts.items() if fluent.name == "sort" and value == "checkbox")
    for _ in range(4):
        seen = boxes.step(Action("click", (box,)))
        assert (seen.reward, seen.terminated, boxes.is_won) == (0.0, False, False)


@needs_miniwob
def test_what_there_is_not_is_an_error_that_says_what_there_is(boxes: MiniWobEnvironment) -> None:
    with pytest.raises(TaskError, match="no task 'x'"):
        boxes.reset("x")
    with pytest.raises(ConfigurationError, match="miniwob has miniwob-click-link"):
        build.environment("miniwob-click-links")
    boxes.reset(boxes.tasks()[0])
    with pytest.raises(EnvironmentFailureError, match=r"of 'checkbox .*button Submit'"):
        boxes.step(Action("click", ("button Pay",)))


@needs_miniwob
def test_a_picture_is_taken_of_an_episode_and_of_nothing_else() -> None:
    environment = MiniWobEnvironment("click-test", ["test-0-0"])
    assert environment.screenshot() is None
    try:
        environment.reset("test-0-0")
        picture = environment.screenshot()
        assert picture is not None
        assert picture.startswith(b"\x89PNG")
    finally:
        environment.close()


@needs_miniwob
def test_the_pages_of_the_benchmark_are_all_there() -> None:
    spec = build.environment("miniwob")
    assert len(spec.members()) == 14
    assert {each.removeprefix("miniwob-") for each in spec.members()} <= set(miniwob.pages())


@needs_miniwob
def test_which_button_pays_is_learned_from_nothing() -> None:
    spec = build.environment("miniwob-click-test-2")
    learner = Learner()
    train = spec.make(EnvironmentOptions(split="train", learning=True, count=10))
    test = spec.make(EnvironmentOptions(split="test", count=5))
    try:
        learner.learn(train, train.tasks(), max_steps=spec.learning_steps)
        won = 0
        for task in test.tasks():
            episode = Episode(test, task)
            mind = acting_mind(build.planner("mpc"), learner.store, episode, rng=random.Random(0))
            play(episode, mind, max_steps=3)
            won += episode.is_won
    finally:
        train.close()
        test.close()
    assert won == 5


def test_being_listed_needs_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    reason = build.environment("miniwob").missing()
    assert reason is not None
    assert "install" in reason


@needs_miniwob
def test_an_observation_does_not_say_where_the_package_is_installed(login: MiniWobEnvironment) -> None:
    assert "at /login-user.html" in login.reset(login.tasks()[0]).text
