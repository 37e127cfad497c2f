"""The language model as a world model: its replies are checked and calibrated, and the rules overrule it, always."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agentwm import build
from agentwm.backends.accounts import Account, Budget
from agentwm.backends.checking import Checked
from agentwm.backends.protocol import Request
from agentwm.backends.schema import bounded_schema
from agentwm.backends.scripted import Said, scripted
from agentwm.configuration import Ask
from agentwm.errors import BudgetReachedError, RefusalError, UnavailableError
from agentwm.llm.calibration import Calibration, Statement
from agentwm.llm.changes import StatedChange
from agentwm.llm.words import Answers
from agentwm.llm.world_model import LLMWorldModel, foretold_form
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.store import RuleStore
from agentwm.types import (
    Action,
    ActionSchema,
    Fluent,
    FluentSchema,
    Outcome,
    Prediction,
    Query,
    State,
    Transition,
    Vocabulary,
)
from tests.conftest import FRAME, Begin
from tests.llm_examples import babbling, command_in, hopeful, said


def reply(p: float = 0.9, *changes: tuple[str, list[str], Any], text: str = "You do it.") -> str:
    written = [{"fluent": fluent, "args": args, "value": value} for fluent, args, value in changes]
    return json.dumps({"why": "so", "p_success": p, "changes": written, "text": text})


def model(says: Said | Callable[[Request], Said], words: Vocabulary, **rest: Any) -> LLMWorldModel:
    backend = scripted(says if callable(says) else lambda _: says, account=rest.pop("account", None))
    return LLMWorldModel(Checked(backend), build.prompt("predict"), words, **rest)


TAKE = Action("take", ("apple 1", "countertop 1"))
HEAT = Action("heat", ("apple 1", "microwave 1"))


@pytest.fixture
def state(begin: Begin) -> State:
    return begin("go to countertop 1").state


def test_a_reply_becomes_a_prediction_with_both_ways_it_may_turn_out(state: State, words: Vocabulary) -> None:
    says = reply(0.9, ("holding", [], "apple 1"), ("in", ["apple 1"], None), text="You pick up the apple 1.")
    [prediction] = model(says, words).predict([Query(state, TAKE)])
    works, fails = prediction.outcomes
    assert works.changes == {Fluent("holding"): "apple 1", Fluent("in", ("apple 1",)): None}
    assert (works.text, works.success, fails.success, fails.changes) == ("You pick up the apple 1.", True, False, {})
    assert works.probability == prediction.confidence == pytest.approx(0.9)
    assert (prediction.source, prediction.success) == ("llm", True)


def test_a_failure_foretold_is_a_failure_with_its_text(state: State, words: Vocabulary) -> None:
    [prediction] = model(reply(0.2, ("holding", [], "apple 1"), text="Nothing happens."), words).predict(
        [Query(state, TAKE)]
    )
    assert not prediction.success
    assert prediction.changes == {}
    assert prediction.outcomes[0].text == "Nothing happens."
    assert prediction.outcomes[1].changes == {Fluent("holding"): "apple 1"}, "what it would change is kept"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("open", ["microwave 1"], True), {Fluent("open", ("microwave 1",)): True}),
        (("open", ["microwave 1"], "False"), {Fluent("open", ("microwave 1",)): False}),
        (("at", [], "microwave 1"), {Fluent("at"): "microwave 1"}),
        (("in", ["apple 1"], "nothing"), {Fluent("in", ("apple 1",)): None}),
        (("in", ["apple 1"], "fridge 1"), {Fluent("in", ("apple 1",)): "fridge 1"}),
    ],
)
def test_a_change_that_can_be_said_is_believed(
    change: tuple[str, list[str], Any], expected: State, state: State, words: Vocabulary
) -> None:
    asked = model(reply(0.9, change), words)
    assert asked.predict([Query(state, HEAT)])[0].changes == expected
    assert asked.count.dropped == 0


@pytest.mark.parametrize(
    "change",
    [
        ("open", ["bed 1"], True),
        ("open", ["apple 1"], True),
        ("open", [], True),
        ("open", ["microwave 1"], "ajar"),
        ("open", ["microwave 1"], None),
        ("in", ["apple 1"], "bed 1"),
        ("in", ["apple 1"], "egg 1"),
        ("in", ["apple 1"], 3),
        ("holding", [], True),
    ],
)
def test_a_change_that_makes_no_sense_is_dropped_and_counted(
    change: tuple[str, list[str], Any], state: State, words: Vocabulary
) -> None:
    asked = model(reply(0.9, change, ("hot", ["apple 1"], True)), words)
    [prediction] = asked.predict([Query(state, HEAT)])
    assert prediction.changes == {Fluent("hot", ("apple 1",)): True}, "the rest of the reply stands"
    assert asked.count.dropped == 1
    asked.predict([Query(state, HEAT)])
    assert asked.count.dropped == 1, "what is not asked again is not counted again"


def test_what_is_so_already_is_no_change(state: State, words: Vocabulary) -> None:
    asked = model(reply(0.9, ("at", [], "countertop 1")), words)
    assert asked.predict([Query(state, TAKE)])[0].changes == {}
    assert asked.count.dropped == 0


def test_numbers_are_numbers() -> None:
    words = Vocabulary({"wood": FluentSchema("wood", (), "number")}, {"chop": ActionSchema("chop", (), "chop")})
    query = Query({Fluent("wood"): 1}, Action("chop"))
    assert model(reply(0.9, ("wood", [], 2)), words).predict([query])[0].changes == {Fluent("wood"): 2}
    assert model(reply(0.9, ("wood", [], 2.5)), words).predict([query])[0].changes == {Fluent("wood"): 2.5}
    for nonsense in ("two", True, None):
        assert model(reply(0.9, ("wood", [], nonsense)), words).predict([query])[0].changes == {}


def test_the_form_lets_a_decoder_write_only_fluents_that_can_change(words: Vocabulary) -> None:
    form = foretold_form(("open", "hot"))
    fluents = bounded_schema(form)["properties"]["changes"]["items"]["properties"]["fluent"]["enum"]
    assert fluents == ["open", "hot"]
    request = model(reply(), words).request(Query({}, Action("look")))
    assert request.schema is not None
    written = bounded_schema(request.schema)["properties"]["changes"]["items"]["properties"]["fluent"]["enum"]
    assert "hot" in written
    assert not {"kind", "sort", "place"} & set(written), "what never changes cannot be foretold to"
    assert issubclass(form.model_fields["changes"].annotation.__args__[0], StatedChange)  # type: ignore[union-attr]


# --- what cannot be used --------------------------------------------------------------------------------------------------


def test_a_reply_of_the_wrong_form_is_asked_for_again(state: State, words: Vocabulary) -> None:
    answers = iter(["Well.", reply(0.7)])
    asked = model(lambda _: next(answers), words)
    [prediction] = asked.predict([Query(state, TAKE)])
    assert prediction.confidence == pytest.approx(0.7)
    assert (asked.count.questions, asked.count.first, asked.count.second, asked.count.unusable) == (1, 0, 1, 0)


@pytest.mark.parametrize("says", [babbling, lambda _: RefusalError("no")])
def test_a_reply_that_cannot_be_used_leaves_the_question_open_and_is_counted(
    says: Callable[[Request], Said], state: State, words: Vocabulary
) -> None:
    asked = model(says, words)
    assert asked.speak([Query(state, TAKE)]) == [None]
    assert asked.predict([Query(state, TAKE)])[0].source == "frame"
    assert (asked.count.questions, asked.count.unusable) == (1, 1)


def test_a_model_that_cannot_be_asked_is_an_error_not_a_guess(state: State, words: Vocabulary) -> None:
    with pytest.raises(UnavailableError):
        model(UnavailableError("gone"), words).predict([Query(state, TAKE)])
    with pytest.raises(BudgetReachedError):
        model(hopeful, words, account=Account(Budget(calls=1))).predict([Query(state, TAKE), Query(state, HEAT)])


# --- what it is told -------------------------------------------------------------------------------------------------------


def test_a_batch_is_answered_in_order_and_each_question_put_once(state: State, words: Vocabulary) -> None:
    asked: list[str] = []

    def says(request: Request) -> str:
        asked.append(command_in(request))
        return reply(0.9 if "heat" in asked[-1] else 0.1)

    world = model(says, words)
    predictions = world.predict([Query(state, TAKE), Query(state, HEAT), Query(state, TAKE)])
    assert [each.success for each in predictions] == [False, True, False]
    assert asked == ["take apple 1 from countertop 1", "heat apple 1 with microwave 1"]


def test_the_prompt_has_the_rules_and_the_answers_of_the_verb(
    begin: Begin, true_rules: RuleStore, words: Vocabulary
) -> None:
    answers = Answers()
    answers.add(begin("go to countertop 1", "take apple 1 from countertop 1", "open sinkbasin 1").trajectory)
    world = model(hopeful, words, rules=true_rules, answers=answers)
    state = begin("go to countertop 1").state
    take, go = (
        said(world.request(Query(state, TAKE))),
        said(world.request(Query(state, Action("go to", ("fridge 1",))))),
    )
    assert "take ?o ?r when" in take
    assert "heat ?o" not in take
    assert "- take apple 1 from countertop 1 (worked): You pick up the apple 1 from the countertop 1." in take
    assert "- open sinkbasin 1 (failed): Nothing happens." in take, "another verb's failure stands in"
    assert "(worked): You arrive at countertop 1." in go
    system = {world.request(Query(state, action)).messages[0] for action in (TAKE, HEAT)}
    assert len(system) == 1, "the first part is the same for every command, so that a server can cache it"


# --- calibration ----------------------------------------------------------------------------------------------------------


def test_what_is_stated_is_calibrated_and_may_turn_into_its_opposite(state: State, words: Vocabulary) -> None:
    refuted = Calibration(tuple(Statement("take", 0.95, False, 0.95) for _ in range(40)))  # noqa: FBT003
    says = reply(0.95, ("holding", [], "apple 1"), text="You pick it up.")
    [prediction] = model(says, words, calibration=refuted).predict([Query(state, TAKE)])
    assert not prediction.success
    assert prediction.confidence > 0.8
    assert [way.text for way in prediction.outcomes] == [None, "You pick it up."]


def test_a_statement_is_what_was_stated_beside_what_came(begin: Begin, words: Vocabulary) -> None:
    episode = begin("go to countertop 1")
    world = model(reply(0.8), words)
    [prediction] = world.predict([Query(episode.state, TAKE)])
    transition = episode.step(TAKE, prediction)
    statement = world.statement(transition)
    assert statement is not None
    assert (statement.verb, statement.stated, statement.came) == ("take", 0.8, True)
    assert statement.believed == pytest.approx(0.8)
    unasked = episode.step(HEAT, FRAME)
    assert world.statement(unasked) is None


def test_where_failure_is_not_reported_what_was_foretold_comes_if_nothing_surprises(
    begin: Begin, words: Vocabulary
) -> None:
    silent = replace(words, reports_failure=False)
    episode = begin("go to countertop 1")
    world = model(reply(0.8, ("holding", [], "egg 1")), silent)
    [prediction] = world.predict([Query(episode.state, TAKE)])
    statement = world.statement(episode.step(TAKE, prediction))
    assert statement is not None
    assert not statement.came


# --- beside the rules -----------------------------------------------------------------------------------------------------


class Doubting:
    """A model that foretells failure of everything, and keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Action] = []

    def speak(self, queries: Any) -> list[Prediction | None]:
        self.asked += [query.action for query in queries]
        said = Prediction((Outcome(0.99, success=False, text="No."), Outcome(0.01)), 0.99, "llm")
        return [None if query.action.verb == "look" else said for query in queries]


@pytest.mark.parametrize(("ask", "expected"), [("never", []), ("silent", ["use"]), ("always", ["take", "use"])])
def test_the_model_is_asked_never_where_rules_are_silent_or_always(
    ask: Ask, expected: list[str], state: State, true_rules: RuleStore, words: Vocabulary
) -> None:
    doubting = Doubting()
    aligned = AlignedModel.symbolic(true_rules, words).asking(doubting, ask)
    queries = [Query(state, TAKE), Query(state, Action("use", ("apple 1",)))]
    symbolic = AlignedModel.symbolic(true_rules, words).predict(queries)
    assert [each.source for each in symbolic] == ["rules", "frame"]
    predictions = aligned.predict(queries)
    assert [action.verb for action in doubting.asked] == expected
    assert predictions[0] == symbolic[0], "rules overrule it, always"
    assert predictions[1].source == ("frame" if ask == "never" else "llm")


def test_where_both_expect_the_same_the_model_lends_its_words(
    state: State, true_rules: RuleStore, words: Vocabulary
) -> None:
    hopeful_model = model(reply(0.9, ("hot", ["egg 1"], True), text="You pick up the apple 1."), words)
    [symbolic] = AlignedModel.symbolic(true_rules, words).predict([Query(state, TAKE)])
    [together] = AlignedModel.symbolic(true_rules, words).asking(hopeful_model, "always").predict([Query(state, TAKE)])
    assert together.outcomes[0] == replace(symbolic.outcomes[0], text="You pick up the apple 1.")
    assert (together.rules, together.confidence) == (symbolic.rules, symbolic.confidence)


def test_where_the_model_has_nothing_to_say_the_frame_answers(
    state: State, true_rules: RuleStore, words: Vocabulary
) -> None:
    [prediction] = (
        AlignedModel.symbolic(true_rules, words).asking(Doubting(), "always").predict([Query(state, Action("look"))])
    )
    assert prediction.source == "frame"


def test_a_transition_remembers_that_the_model_foretold_it(begin: Begin, words: Vocabulary) -> None:
    episode = begin("go to countertop 1")
    [prediction] = model(reply(0.8, ("holding", [], "egg 1")), words).predict([Query(episode.state, TAKE)])
    transition: Transition = episode.step(TAKE, prediction)
    assert transition.surprise == {Fluent("holding"): "apple 1", Fluent("in", ("apple 1",)): None}
