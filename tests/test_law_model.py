"""Laws asked beside the rules: who is believed about what, what a failing law costs, and who opens and closes the sandbox."""

import gc
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm.errors import LawError, MissingExtraError
from agentwm.evaluation.check import check
from agentwm.models import law_model
from agentwm.models.law_model import LawModel, joined
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.sandbox import Sandbox
from agentwm.rules.store import Record
from agentwm.types import Action, Outcome, Prediction, Query
from tests.scripted_laws import (
    AT,
    CRAFT,
    FAILING,
    FISH,
    FOOD,
    GROWS,
    MEADOW,
    PAYS,
    SHRINKS,
    SINCE,
    TABLE,
    WAIT,
    WOOD,
    WORDS,
    Scripted,
    holding,
    law,
    said,
    saying,
    sure,
)

# --- asked beside the rules ------------------------------------------------------------------------------------------------------


def test_a_law_speaks_where_rules_are_silent_and_is_named_with_its_trust() -> None:
    store = holding({}, 8)
    prediction = said(store, saying(sure({TABLE: 1}, reward=2.0)))
    assert prediction.outcomes == sure({TABLE: 1}, reward=2.0)
    assert (prediction.rules, prediction.source) == ((law(0).id,), "rules")
    assert prediction.confidence == store.record(law(0)).trust
    assert said(store, saying(None)).source == "frame"


def test_what_a_law_leaves_to_noise_is_that_nothing_changes() -> None:
    prediction = said(holding({}, 8), saying((Outcome(0.75, {TABLE: 1}),)))
    assert [(outcome.probability, outcome.changes) for outcome in prediction.outcomes] == [
        (0.75, {TABLE: 1}),
        (0.25, {}),
    ]


@pytest.mark.parametrize(
    ("of_rule", "of_law", "table", "speaks"),
    [(20, 5, 1, "rule"), (5, 20, 9, "law"), (5, 5, 1, "rule")],
)
def test_of_one_change_the_more_trusted_is_believed_and_the_rule_on_a_tie(
    of_rule: int, of_law: int, table: int, speaks: str
) -> None:
    prediction = said(holding({GROWS.sentence(): of_rule}, of_law), saying(sure({TABLE: 9})))
    assert prediction.outcomes == sure({TABLE: table})
    assert prediction.rules == ((GROWS.id,) if speaks == "rule" else (law(0).id,))


@pytest.mark.parametrize("of_law", [1, 50])
def test_each_adds_what_the_other_leaves_open(of_law: int) -> None:
    prediction = said(holding({SHRINKS.sentence(): 10}, of_law), saying(sure({TABLE: 1}, reward=1.0)))
    assert prediction.outcomes == sure({WOOD: 4, TABLE: 1}, reward=1.0)
    assert set(prediction.rules) == {SHRINKS.id, law(0).id}
    assert prediction.confidence == min(Record(supports=10).trust, Record(supports=of_law).trust)


def test_of_what_a_law_says_only_what_the_more_trusted_rule_speaks_of_is_dropped() -> None:
    prediction = said(holding({GROWS.sentence(): 50}, 5), saying(sure({TABLE: 9, WOOD: 2})))
    assert prediction.outcomes == sure({TABLE: 1, WOOD: 2})


def test_chances_of_rules_and_laws_multiply() -> None:
    rule = "craft then 0.75 success: wood() falls by 1; or 0.25 success"
    prediction = said(holding({rule: 10}, 50), saying((Outcome(0.5, {TABLE: 1}), Outcome(0.5))))
    assert {
        (outcome.changes.get(WOOD), outcome.changes.get(TABLE)): outcome.probability for outcome in prediction.outcomes
    } == pytest.approx({(4, 1): 0.375, (4, None): 0.375, (None, 1): 0.125, (None, None): 0.125})


def test_of_two_laws_the_more_trusted_goes_first() -> None:
    prediction = said(holding({}, 3, 30), saying(sure({TABLE: 1, WOOD: 2}), sure({TABLE: 2})))
    assert prediction.outcomes == sure({TABLE: 2, WOOD: 2})
    assert prediction.rules == (law(1).id, law(0).id)


def test_where_failure_is_reported_a_law_is_believed_as_far_as_it_is_trusted() -> None:
    store = holding({}, 8)
    for answer in (sure({TABLE: 1}), sure({}, success=False)):
        prediction = said(store, saying(answer), words=FAILING)
        likely, unlikely = prediction.outcomes
        assert (likely.success, unlikely.success) == (answer[0].success, not answer[0].success)
        assert [likely.probability, unlikely.probability] == pytest.approx([0.9, 0.1])
        assert prediction.outcomes[0].changes == answer[0].changes


@pytest.mark.parametrize(("of_rule", "of_law", "success"), [(20, 5, True), (5, 20, False)])
def test_where_one_foretells_success_and_one_failure_the_more_trusted_alone_counts(
    of_rule: int, of_law: int, *, success: bool
) -> None:
    store = holding({GROWS.sentence(): of_rule}, of_law)
    prediction = said(store, saying(sure({WOOD: 0}, success=False)), words=FAILING)
    assert prediction.success is success
    assert len(prediction.rules) == 1


def test_rules_tell_what_the_state_that_a_law_leads_to_brings() -> None:
    store = holding({PAYS.sentence(): 20}, 5)
    prediction = said(store, saying((Outcome(0.5, {AT: "hut"}), Outcome(0.5, {AT: "meadow"}))))
    assert {(o.changes[AT], o.reward, o.terminated) for o in prediction.outcomes} == {
        ("hut", 1.0, True),
        ("meadow", None, None),
    }
    assert set(prediction.rules) == {PAYS.id, law(0).id}


def test_what_the_state_brings_that_a_law_leads_away_from_is_not_promised() -> None:
    query = Query({**MEADOW, AT: "hut"}, Action("craft"))
    store = holding({PAYS.sentence(): 20}, 5)
    assert said(store, saying(None), query).outcomes[0].reward == 1
    assert said(store, saying(sure({AT: "meadow"})), query).outcomes == sure({AT: "meadow"})


@pytest.mark.parametrize(("of_law", "reward"), [(5, 1.0), (50, 7.0)])
def test_of_the_reward_on_arrival_too_the_more_trusted_is_believed(of_law: int, reward: float) -> None:
    prediction = said(holding({PAYS.sentence(): 20}, of_law), saying(sure({AT: "hut"}, reward=7.0)))
    assert (prediction.outcomes[0].reward, prediction.outcomes[0].terminated) == (reward, True)


def test_what_counts_since_a_change_is_kept_up_when_a_law_makes_the_change() -> None:
    query = Query({**MEADOW, FOOD: 3, SINCE: 4}, Action("craft"))
    for rules in ({}, {SHRINKS.sentence(): 9}):
        assert said(holding(rules, 5), saying(sure({FOOD: 8})), query).changes[SINCE] == 0
        assert said(holding(rules, 5), saying(sure({TABLE: 1})), query).changes[SINCE] == 5


def test_many_questions_are_asked_at_once_and_none_twice() -> None:
    sandbox = saying(sure({TABLE: 1}), None)
    model = AlignedModel.symbolic(holding({GROWS.sentence(): 5}, 5, 5), WORDS, sandbox=sandbox)
    first = model.predict([CRAFT, WAIT, CRAFT])
    assert sandbox.runs == [(2, 2)]
    assert model.predict([WAIT, CRAFT]) == [first[1], first[0]]
    assert sandbox.runs == [(2, 2)]
    model.predict([CRAFT, Query({**MEADOW, WOOD: 1}, Action("craft"))])
    assert sandbox.runs == [(2, 2), (2, 1)]


def test_answers_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(law_model, "MOST_ANSWERS", 2)
    model = LawModel(holding({}, 5), WORDS, sandbox=saying(sure({TABLE: 1})))
    for wood in range(9):
        queries = [CRAFT, Query({**MEADOW, WOOD: wood}, Action("craft")), WAIT]
        assert [len(each) for each in model.speak(queries)] == [1, 1, 0]
        assert len(model._answers) <= 3


def test_a_law_that_fails_is_silent_and_counted() -> None:
    raised = LawError("it raised KeyError", reason="raised")
    model = LawModel(holding({}, 5, 5), WORDS, sandbox=saying(raised, sure({TABLE: 1})))
    assert [said.rules for said in model.speak([CRAFT])[0]] == [(law(1).id,)]
    model.speak([CRAFT, WAIT, Query({**MEADOW, WOOD: 1}, Action("craft"))])
    assert model.failures == {law(0).id: {"raised": 2}}
    assert model.complaints == {law(0).id: "it raised KeyError"}


def test_a_law_that_goes_beyond_its_limits_again_and_again_is_asked_no_more() -> None:
    slow = LawError("it took too long", reason="time")
    sandbox = saying(slow, sure({TABLE: 1}))
    model = LawModel(holding({}, 5, 5), WORDS, sandbox=sandbox)
    for wood in range(6):
        model.speak([Query({**MEADOW, WOOD: wood}, Action("craft"))])
    assert [laws for laws, _ in sandbox.runs] == [2, 2, 2, 1, 1, 1]
    assert model.failures == {law(0).id: {"time": 3}}


OUTCOMES = st.builds(
    Outcome,
    st.sampled_from([0.2, 0.3, 0.5]),
    st.dictionaries(st.sampled_from([WOOD, TABLE, FISH]), st.integers(0, 2)),
    reward=st.sampled_from([None, 0.0, 1.0]),
    terminated=st.sampled_from([None, True]),
)


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    outcomes = draw(st.lists(OUTCOMES, min_size=1, max_size=3))
    total = sum(outcome.probability for outcome in outcomes)
    scaled = [replace(outcome, probability=outcome.probability / total) for outcome in outcomes]
    return Prediction(tuple(scaled), draw(st.floats(0, 1)), "rules", (draw(st.sampled_from("ab")),))


@given(predictions(), predictions())
def test_joined_predictions_are_a_distribution_in_which_the_leaders_word_stands(
    leader: Prediction, follower: Prediction
) -> None:
    both = joined(leader, follower)
    assert sum(outcome.probability for outcome in both.outcomes) == pytest.approx(1)
    for fluent in {fluent for outcome in leader.outcomes for fluent in outcome.changes}:
        for value in range(3):
            chances = [
                sum(o.probability for o in said.outcomes if o.changes.get(fluent) == value) for said in (leader, both)
            ]
            assert chances[0] == pytest.approx(chances[1])


# --- who opens and who closes -----------------------------------------------------------------------------------------------------


def test_without_a_sandbox_a_store_with_laws_is_refused_with_what_to_install_and_one_without_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'agentwm\[sandbox\]'"):
        AlignedModel.symbolic(holding({}, 5), WORDS)
    with pytest.raises(MissingExtraError, match=r"pip install 'agentwm\[sandbox\]'"):
        check(holding({}, 5), [], WORDS)
    assert AlignedModel.symbolic(holding({GROWS.sentence(): 5}), WORDS).predict([CRAFT])[0].changes == {TABLE: 1}
    assert check(holding({GROWS.sentence(): 5}), [], WORDS).steps == 0


@pytest.mark.parametrize(("laws", "is_loaded"), [("()", False), ("(parse_law(LAW),)", True)])
def test_only_a_store_with_laws_loads_the_sandbox(laws: str, *, is_loaded: bool) -> None:
    pytest.importorskip("pydantic_monty", reason="needs the [sandbox] extra: pip install 'agentwm[sandbox]'")
    code = f"""
import sys
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.laws import parse_law
from agentwm.rules.store import RuleStore
from agentwm.types import Vocabulary
LAW = {law().source!r}
model = AlignedModel.symbolic(RuleStore(laws={laws}), Vocabulary({{}}, {{}}))
print(sorted({{"agentwm.rules.sandbox", "agentwm.models.law_model", "pydantic_monty"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(json.loads(done.stdout.replace("'", '"'))) == (3 if is_loaded else 0)


def test_a_model_ends_its_own_sandbox_when_closed_or_let_go_of_and_leaves_anothers_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Scripted] = []

    def fresh() -> Sandbox:
        opened.append(saying(sure({TABLE: 1})))
        return opened[-1]

    monkeypatch.setattr(law_model, "open_sandbox", fresh)
    store = holding({}, 5)
    with LawModel(store, WORDS) as model:
        model.speak([CRAFT])
        assert opened[0].closed == 0
    model.close()
    assert opened[0].closed == 1
    aligned = AlignedModel.symbolic(store, WORDS)
    aligned.close()
    aligned.close()
    assert opened[1].closed == 1
    forgotten = AlignedModel.symbolic(store, WORDS)
    assert forgotten.predict([CRAFT])[0].changes == {TABLE: 1}
    del forgotten
    gc.collect()
    assert [each.closed for each in opened] == [1, 1, 1]
    lent = saying(sure({TABLE: 1}))
    with LawModel(store, WORDS, sandbox=lent):
        pass
    AlignedModel.symbolic(store, WORDS, sandbox=lent).close()
    gc.collect()
    assert lent.closed == 0
    assert len(opened) == 3


WORKERS = """
import os, pathlib, sys, time
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.laws import parse_law
from agentwm.rules.store import RuleStore
from agentwm.types import Vocabulary

def stat(path):
    try:
        return path.read_text().rsplit(")", 1)[1].split()[:2]
    except OSError:
        return ["X", "0"]

law, ending = sys.argv[1:]
model = AlignedModel.symbolic(RuleStore(laws=(parse_law(law),)), Vocabulary({}, {}))
mine = [path for path in pathlib.Path("/proc").glob("[0-9]*/stat") if stat(path)[1] == str(os.getpid())]
print(*mine)
if ending == "close":
    model.close()
elif ending == "let go":
    del model
for _ in range(100):
    if ending == "end" or all(stat(path)[0] in "ZX" for path in mine):
        break
    time.sleep(0.05)
print(*(path for path in mine if stat(path)[0] not in "ZX"))
"""


def _is_running(stat: Path) -> bool:
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("ending", ["close", "let go", "end"])
def test_no_process_is_left_behind(ending: str) -> None:
    pytest.importorskip("pydantic_monty", reason="needs the [sandbox] extra: pip install 'agentwm[sandbox]'")
    if not Path("/proc/self/stat").exists():
        pytest.skip("looks for processes where Linux lists them")
    command = [sys.executable, "-c", WORKERS, law().source, ending]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    opened, left = (line.split() for line in done.stdout.split("\n")[:2])
    assert opened, "a worker that is there is seen"
    assert left == (opened if ending == "end" else [])
    for _ in range(100):
        if not any(_is_running(Path(worker)) for worker in opened):
            break
        time.sleep(0.05)
    assert not [worker for worker in opened if _is_running(Path(worker))]
