"""What a large language model really answered, through a relay, replayed: no key, no network, the same bytes every time.

When a prompt changes, its answers have to be recorded anew: `tests.llm_questions` says how, and ``--record`` does it for a run.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from agentwm import RuleStore, RunConfig, build, run
from agentwm.backends.accounts import Account
from agentwm.backends.checking import Checked
from agentwm.backends.protocol import Backend, BackendOptions, Reply
from agentwm.backends.recording import head_of, rows_of
from agentwm.evaluation import Report
from agentwm.llm.world_model import LLMWorldModel
from agentwm.models.rule_model import AlignedModel
from agentwm.types import Query
from tests.llm_questions import DATA, RECORDING, ask, cases, rules
from tests.test_experiment import comparable, lived

NO_RULES = DATA / "no_rules.jsonl"
ROLES = ["predict", "propose", "judge"]


@pytest.fixture
def recorded() -> Callable[..., Backend]:
    def recorded(account: Account | None = None) -> Backend:
        options = BackendOptions(str(RECORDING), account=account or Account())
        return Checked(build.backend("recorded").make(options))

    return recorded


@pytest.mark.parametrize("path", [RECORDING, NO_RULES])
def test_a_recording_says_who_answered_and_is_small(path: Path) -> None:
    assert head_of(path)["said_by"] == "a large language model through the relay"
    assert path.stat().st_size < 100_000
    assert all(isinstance(row.answer, Reply) for row in rows_of(path))


def test_in_an_altered_household_rules_in_the_prompt_tell_the_model_what_it_cannot_know(
    recorded: Callable[..., Backend],
) -> None:
    happened = [case.came.succeeded for case in cases()]
    right = {}
    for name, told in (("none", RuleStore()), ("told", rules())):
        predictions = ask(recorded(), told)
        assert {each.source for each in predictions} == {"llm"}, "every reply can be used"
        right[name] = sum(each.success == came for each, came in zip(predictions, happened, strict=True))
    assert right == {"none": 9, "told": 13}
    assert len(happened) == 14


def test_rules_as_data_ask_the_model_less_and_are_right_as_often(recorded: Callable[..., Backend]) -> None:
    asked = cases()
    words, queries = asked[0].vocabulary, [Query(case.state, case.action) for case in asked]
    right, questions = {}, {}
    for when in ("silent", "always"):
        model = LLMWorldModel(recorded(), build.prompt("predict"), words, rules=rules())
        predictions = AlignedModel.symbolic(rules(), words).asking(model, when).predict(queries)
        right[when] = sum(each.success == case.came.succeeded for each, case in zip(predictions, asked, strict=True))
        questions[when] = model.count.questions
    assert right["silent"] == right["always"] == 13
    assert questions["silent"] < questions["always"] == len(asked)


# --- a run without any rules ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replays(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Report]]:
    """Return two replays of two games that a model won with nothing learned: it proposed, predicted and judged."""
    made = []
    for name in ("one", "two"):
        out = tmp_path_factory.mktemp("runs") / name
        options = {"learn": 0, "episodes": 2, "max_steps": 16, "roles": ROLES, "replay": NO_RULES}
        made.append((out, run(RunConfig.parse({"environment": "alfworld", "out": out, **options}))))
    return made


def test_a_model_wins_games_of_which_no_rule_is_known(replays: list[tuple[Path, Report]]) -> None:
    report = replays[0][1]
    assert (report.success.count, report.episodes, report.rules.active, report.stopped) == (2, 2, 0, None)
    assert report.prediction.accuracy == 1.0
    assert {role: use.replies.questions for role, use in report.llm.by_role.items()} == {
        "judge": 5,
        "predict": 11,
        "propose": 6,
    }
    for use in report.llm.by_role.values():
        assert use.replies.first == use.replies.questions == use.calls
        assert use.replies.dropped == 0


def test_two_replays_leave_the_same_bytes(replays: list[tuple[Path, Report]]) -> None:
    (one, first), (two, second) = replays
    assert comparable(first) == comparable(second)
    assert lived(one) == lived(two)
    for name in ("replies.jsonl", "asked.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    assert (one / "replies.jsonl").read_bytes() == NO_RULES.read_bytes()
