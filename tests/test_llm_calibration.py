"""Calibration: monotone, drawn towards what happened, and towards what was stated where little has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm.llm.calibration import Calibration, Statement, brier

PROBABILITIES = st.floats(0, 1)
STATEMENTS = st.lists(
    st.builds(Statement, st.sampled_from(["take", "open"]), PROBABILITIES, st.booleans(), PROBABILITIES)
)


def stated(p: float, came: int, failed: int, verb: str = "take") -> list[Statement]:
    return [Statement(verb, p, number < came, p) for number in range(came + failed)]


@given(STATEMENTS, PROBABILITIES, PROBABILITIES)
def test_a_higher_statement_never_counts_for_less(statements: list[Statement], one: float, other: float) -> None:
    calibration = Calibration(tuple(statements))
    low, high = (calibration.calibrated("take", p) for p in sorted((one, other)))
    assert 0 < low <= high + 1e-12 < 1 + 1e-12


@given(PROBABILITIES)
def test_without_evidence_a_statement_is_taken_as_it_is_but_never_for_sure(p: float) -> None:
    assert Calibration().calibrated("take", p) == pytest.approx(min(max(p, 0.05), 0.95))


def test_overconfidence_is_found_out() -> None:
    calibration = Calibration(tuple(stated(0.95, 45, 55)))
    assert calibration.calibrated("take", 0.95) == pytest.approx(0.45, abs=0.05)
    assert calibration.calibrated("take", 1.0) < 0.5, "the top is no exception"


def test_a_verb_has_its_own_calibration_and_an_unseen_one_that_of_all() -> None:
    calibration = Calibration((*stated(0.95, 0, 40, "open"), *stated(0.95, 40, 0)))
    assert calibration.calibrated("open", 0.95) < 0.15
    assert calibration.calibrated("take", 0.95) > 0.85
    assert 0.4 < calibration.calibrated("slice", 0.95) < 0.6


def test_few_statements_move_little() -> None:
    assert Calibration(tuple(stated(0.95, 0, 1))).calibrated("take", 0.95) > 0.55


def test_the_table_counts_every_statement_once() -> None:
    statements = [*stated(0.0, 0, 3), *stated(0.3, 1, 1), *stated(0.9, 4, 0), *stated(1.0, 2, 1, "open")]
    calibration = Calibration(tuple(statements))
    table = calibration.table()
    assert [(row.low, row.total, row.came) for row in table if row.total] == [(0.0, 3, 0), (0.3, 2, 1), (0.9, 7, 6)]
    assert table[-1].mean_stated == pytest.approx((4 * 0.9 + 3 * 1.0) / 7)
    assert sum(row.total for row in calibration.table("open")) == 3
    assert [row.calibrated for row in table] == sorted(row.calibrated for row in table)


def test_the_brier_score_is_of_what_was_stated_and_of_what_was_believed() -> None:
    assert brier([Statement("take", 1.0, False, 0.5), Statement("take", 1.0, True, 0.5)]) == (0.5, 0.25)  # noqa: FBT003
    assert brier([]) == (None, None)
