"""Prompts: one per role, stable part first, every slot filled, nothing of any environment in them but what the slots bring."""

import re

import pytest

from agentwm import build
from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Message
from agentwm.commands import CommandReader
from agentwm.errors import ConfigurationError
from agentwm.llm.words import (
    command_lines,
    fact_lines,
    fluent_lines,
    relevant,
    rule_lines,
    thing_lines,
)
from agentwm.rules.store import Record, RuleStore
from agentwm.types import Action, ActionSchema, EnvironmentOptions, Fluent, FluentSchema, State, Vocabulary
from tests.conftest import Begin

ROLES = ("goal", "induce", "judge", "perceive", "predict", "propose")


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_prompt_that_is_found_by_name(role: str) -> None:
    prompt = build.prompt(role)
    assert prompt.role == {"goal": "perceive"}.get(role, role), "a prompt is of a role, for the account"
    assert re.fullmatch("[0-9a-f]{64}", prompt.digest)


def test_the_hash_of_a_prompt_changes_with_every_word() -> None:
    prompt = build.prompt("predict")
    assert prompt.digest != Prompt(prompt.role, prompt.system, prompt.user + " Please.").digest
    assert prompt.digest == build.prompt("predict").digest


@pytest.mark.parametrize("role", ROLES)
def test_no_prompt_knows_an_environment(role: str) -> None:
    """No verb of more than one word, no fluent and no kind of thing of any environment installed stands in a prompt."""
    prompt = build.prompt(role)
    text = f"{prompt.system} {prompt.user}".lower()
    words = set(re.findall(r"[a-z]+", text))
    assert not words & {
        "fridge",
        "microwave",
        "apple",
        "receptacle",
        "drawer",
        "kitchen",
        "alfworld",
        "taxi",
        "lake",
        "ice",
        "wood",
    }
    for name in build.names("environments"):
        environment = build.environment(name).make(EnvironmentOptions(count=1))
        environment.reset(environment.tasks()[0])
        fluents = {f"{each}(" for each in environment.vocabulary.fluents}
        assert not [each for each in fluents if re.search(rf"\b{re.escape(each)}", text)], name
        environment.close()


def test_what_is_filled_in_is_not_looked_through_for_slots() -> None:
    messages = Prompt("predict", "Facts: $facts", "Do: $command").messages({"facts": "$command", "command": "pay $5"})
    assert messages == (Message("system", "Facts: $command"), Message("user", "Do: pay $5"))


@pytest.mark.parametrize("text", ["no separator", "only\n---\n", "a\n---\nb\n---\nc"])
def test_a_prompt_has_two_parts(text: str) -> None:
    with pytest.raises(ConfigurationError, match="a line ---"):
        Prompt.parse("predict", text)


def test_a_slot_that_nothing_fills_is_an_error_that_lists_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"'fact'.*\$facts"):
        Prompt("predict", "$fact", "?").messages({"facts": "none"})


# --- what is filled in ----------------------------------------------------------------------------------------------------


def test_only_what_concerns_the_agent_and_the_command_is_told(begin: Begin, words: Vocabulary) -> None:
    episode = begin("go to countertop 1", "take apple 1 from countertop 1", "go to microwave 1")
    told = fact_lines(relevant(episode.state, ("apple 1", "microwave 1"), words))
    assert "- holding() = apple 1" in told
    assert "- open(microwave 1) = false" in told
    assert "fridge" not in told
    assert [line for line in told.splitlines() if "sort(" in line] == [
        "- sort(apple 1) = object",
        "- sort(microwave 1) = receptacle",
    ]
    assert len(told.splitlines()) < len(episode.state) / 4


def test_what_lies_at_a_named_place_is_told(begin: Begin, words: Vocabulary) -> None:
    episode = begin("go to countertop 1", "go to fridge 1")
    assert "- in(egg 1) = countertop 1" in fact_lines(relevant(episode.state, ("countertop 1",), words))
    assert "egg 1" not in fact_lines(relevant(episode.state, ("fridge 1",), words))


def test_nothing_is_said_as_nothing_and_names_are_in_natural_order() -> None:
    state: State = {Fluent("open", ("drawer 10",)): False, Fluent("open", ("drawer 2",)): True, Fluent("holding"): None}
    assert fact_lines(state) == "- holding() = nothing\n- open(drawer 2) = true\n- open(drawer 10) = false"


def test_things_are_told_in_a_line_each_without_what_goes_without_saying(begin: Begin) -> None:
    lines = thing_lines(begin("go to countertop 1").state).splitlines()
    assert lines[0] == "- the agent: at = countertop 1, holding = nothing"
    assert "- apple 1 (object): in = countertop 1" in lines
    assert lines[-1].startswith("- of each receptacle here nothing else is known: cabinet 1, cabinet 2, ")
    assert len(lines) == len({line.partition(":")[0] for line in lines})


def test_derived_fluents_are_told() -> None:
    words = Vocabulary(
        {
            "at": FluentSchema("at", (), "cell"),
            "left": FluentSchema("left", (), "cell", derive=lambda state, _: f"left of {state[Fluent('at')]}"),
            "kind": FluentSchema("kind", ("cell",), "kind"),
        },
        {},
    )
    state: State = {Fluent("at"): "a", Fluent("kind", ("left of a",)): "wall", Fluent("kind", ("far",)): "wall"}
    assert fact_lines(relevant(state, (), words)) == "- at() = a\n- left() = left of a\n- kind(left of a) = wall"


def test_rules_are_told_as_sentences_with_their_evidence(true_rules: RuleStore) -> None:
    [rule] = true_rules.of_verb("heat")
    store = RuleStore(true_rules.rules, {rule.id: Record(supports=7, contradicts=1)})
    assert rule_lines(store, ("heat",)) == f"1. {rule.sentence()} (right 7 times, wrong 1 times)"
    guess = RuleStore(true_rules.rules, {rule.id: Record(supports=1, state="candidate")})
    assert rule_lines(guess, ("heat",)) == "", "what rests on one case is not told as a rule"


def test_the_vocabulary_is_told_without_its_dynamics(words: Vocabulary) -> None:
    assert (
        "- hot(object) = true or false; false until something makes it otherwise; not visible: believe what was done"
        in (fluent_lines(words).splitlines())
    )
    assert "- move <object> to <receptacle>" in command_lines(words).splitlines()


# --- commands -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "action"),
    [
        ("go to countertop 1", Action("go to", ("countertop 1",))),
        (" take  apple 1 from countertop 1. ", Action("take", ("apple 1", "countertop 1"))),
        ("take <apple 1> from <countertop 1>", Action("take", ("apple 1", "countertop 1"))),
        ("look", Action("look")),
        ("take countertop 1 from apple 1", None),
        ("go to apple 1", None),
        ("go to bed 1", None),
        ("dance", None),
    ],
)
def test_a_command_is_read_where_it_could_be_given(
    command: str, action: Action | None, begin: Begin, words: Vocabulary
) -> None:
    assert CommandReader(words).read(command, begin("go to countertop 1").state) == action


def test_a_template_may_name_its_arguments_in_another_order() -> None:
    schema = ActionSchema("put", ("object", "receptacle"), "into {1} put {0}")
    state: State = {Fluent("sort", ("apple 1",)): "object", Fluent("sort", ("box 1",)): "receptacle"}
    action = CommandReader(Vocabulary({}, {"put": schema})).read("into box 1 put apple 1", state)
    assert action == Action("put", ("apple 1", "box 1"))
