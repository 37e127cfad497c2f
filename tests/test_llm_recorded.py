"""What a large language model really answered, through a relay, replayed: no key, no network, the same bytes every time.

When a prompt changes, its answers have to be recorded anew: `tests.llm_goals`, `tests.llm_inductions` and, for predictions, ``agentwm
check-model --record`` say how; ``--record`` does it for a run.
"""

from pathlib import Path

import pytest

from agentwm.backends.protocol import Reply
from agentwm.backends.recording import head_of, rows_of
from agentwm.evaluation import Report
from agentwm.evaluation.model_check import ModelCheck
from agentwm.llm.check_model import BLIND, BOTH, FIRST, RULES, TOLD
from tests.conftest import agentwm_here
from tests.recorded import (
    CHECK,
    NO_RULES,
    RECORDINGS,
    SAID_BY,
    RoleCount,
    check_rules,
    checked,
    played,
    role_counts,
    table,
)
from tests.test_cli import agentwm
from tests.test_experiment import comparable, lived

pytestmark = pytest.mark.usefixtures("no_official_games")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_says_who_answered_and_is_small(path: Path) -> None:
    assert head_of(path)["said_by"] == SAID_BY
    assert path.stat().st_size < 150_000
    assert all(isinstance(row.answer, Reply) for row in rows_of(path))


# --- all of them ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def counts() -> dict[str, RoleCount]:
    """Return what came of the answers on record, role by role."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ALFWORLD_DATA", raising=False)
        return role_counts()


def test_in_every_role_nearly_all_replies_are_usable_at_first_and_all_after_one_more(
    counts: dict[str, RoleCount],
) -> None:
    assert counts.keys() == {"perceive", "predict", "propose", "judge", "induce"}
    assert sum(each.answers for each in counts.values()) == sum(len(rows_of(path)) for path in RECORDINGS) >= 60
    for role, (answers, replies) in counts.items():
        assert answers > 0, role
        assert replies.first >= 0.95 * replies.questions, role
        assert replies.unusable == 0, role


def test_the_table_has_a_line_for_each_role_and_one_for_all(counts: dict[str, RoleCount]) -> None:
    lines = table(counts).splitlines()
    assert [line.split()[0] for line in lines[1:]] == [*counts, "all"]
    assert lines[-1].split()[1] == str(sum(each.answers for each in counts.values()))


# --- the blind test in an altered household -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def check() -> ModelCheck:
    """Return the report of the blind test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ALFWORLD_DATA", raising=False)
        return checked()


def test_two_replays_of_the_blind_test_print_the_same_bytes(check: ModelCheck, tmp_path: Path) -> None:
    with check_rules() as rules:
        command = ["check-model", f"--rules={rules}", f"--replay={CHECK}"]
        told = agentwm(*command, "--json", cwd=tmp_path)
        page = agentwm_here(*command, cwd=tmp_path).stdout
    assert (told.returncode, told.stdout) == (0, check.model_dump_json(indent=2) + "\n"), told.stderr
    assert f"answered by {SAID_BY}" in page
    assert "35 of 40" in page


def test_what_is_asked_is_forty_commands_in_a_household_whose_laws_were_drawn(check: ModelCheck) -> None:
    assert (check.altered, check.split, check.predictions, check.failing) == (7, "train", 40, 20)
    assert (check.learned_games, check.rules) == (20, 68)
    assert len(check.verbs) >= 5
    assert all(asked.replies.first == asked.replies.questions == 40 for asked in check.asked.values())


def test_rules_make_the_model_righter_where_the_laws_are_not_the_ordinary_ones(check: ModelCheck) -> None:
    """Rules alone are as right here; with them in the prompt it is sure of what is so, which the Brier scores show."""
    right = {name: way.right for name, way in check.ways.items()}
    assert right == {BLIND: 35, RULES: 37, TOLD: 37, FIRST: 37, BOTH: 37}
    assert check.ways[TOLD].brier < check.ways[RULES].brier < check.ways[BLIND].brier


def test_rules_first_ask_the_model_where_they_are_silent_only(check: ModelCheck) -> None:
    asked = {name: way.by_model for name, way in check.ways.items()}
    assert asked == {RULES: 0, BLIND: 40, TOLD: 40, FIRST: 6, BOTH: 6}
    assert (check.silent, check.ruled_right) == (6, 33)


def test_calibration_helps_a_model_that_does_not_know_the_laws(check: ModelCheck) -> None:
    """And costs a little where it was told of them: forty predictions are few to calibrate on."""
    scores = {name: (round(way.brier, 3), round(way.brier_calibrated, 3)) for name, way in check.ways.items()}
    assert scores[BLIND] == (0.120, 0.097)
    assert scores[TOLD] == (0.066, 0.072)


# --- a run without any rules ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replays(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Report]]:
    """Return two replays of two games that a model won with nothing learned: it proposed, predicted and judged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ALFWORLD_DATA", raising=False)
        outs = [tmp_path_factory.mktemp("runs") / name for name in ("one", "two")]
        return [(out, played(out)) for out in outs]


def test_a_model_wins_games_of_which_no_rule_is_known(replays: list[tuple[Path, Report]]) -> None:
    report = replays[0][1]
    assert (report.success.count, report.episodes, report.rules.active, report.stopped) == (2, 2, 0, None)
    assert report.prediction.accuracy == 1.0
    assert {role: use.replies.questions for role, use in report.llm.by_role.items()} == {
        "judge": 3,
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
    recorded = NO_RULES.read_text().splitlines()
    assert [row for row in recorded if row in set((one / "replies.jsonl").read_text().splitlines())], (
        "nothing was asked"
    )
    assert set((one / "replies.jsonl").read_text().splitlines()) <= set(
        recorded
    )  # less is asked now than when it was recorded
