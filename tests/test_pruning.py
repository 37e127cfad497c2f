"""Coverage and pruning against plain loops, brute force and the definitions."""

import subprocess
import sys
from collections.abc import Iterable, Sequence
from itertools import combinations
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentwm.errors import MissingExtraError
from agentwm.induction import coverage as coverage_module
from agentwm.induction.coverage import Coverage, packed
from agentwm.induction.pruning import dominated, exact_cover, maximum_coverage, minimum_cover, redundant

TRANSITIONS = 12
COVERS = st.lists(st.integers(0, 2**TRANSITIONS - 1), max_size=9)
VERDICTS = st.sampled_from(["right", "wrong", "silent"])
MATRICES = st.integers(0, TRANSITIONS).flatmap(
    lambda length: st.lists(st.lists(VERDICTS, min_size=length, max_size=length), max_size=7)
)


# --- oracles ----------------------------------------------------------------------------------------------------------


def union(covers: Iterable[int]) -> int:
    mask = 0
    for cover in covers:
        mask |= cover
    return mask


def bits(verdicts: Sequence[str], wanted: str) -> int:
    return sum(1 << number for number, verdict in enumerate(verdicts) if verdict == wanted)


def batch(matrix: Sequence[Sequence[str]]) -> Coverage:
    coverage = Coverage(transitions=len(matrix[0]) if matrix else 0)
    for number, verdicts in enumerate(matrix):
        coverage.add_rule(str(number), right=bits(verdicts, "right"), wrong=bits(verdicts, "wrong"))
    return coverage


def plain_greedy(covers: Sequence[Sequence[bool]], limit: int | None) -> list[int]:
    """Choose by trying all rules each time, in lists of Booleans."""
    covered = [False] * max(map(len, covers), default=0)
    chosen: list[int] = []
    while limit is None or len(chosen) < limit:
        gains = [sum(is_covered and not was for is_covered, was in zip(row, covered, strict=True)) for row in covers]
        if not any(gains):
            break
        chosen.append(gains.index(max(gains)))
        covered = [is_covered or was for is_covered, was in zip(covers[chosen[-1]], covered, strict=True)]
    return chosen


def fewest(covers: Sequence[int]) -> int:
    """Return the size of the smallest choice that covers all, by trying every choice."""
    sizes = range(len(covers) + 1)
    return next(n for n in sizes for choice in combinations(covers, n) if union(choice) == union(covers))


def most(covers: Sequence[int], limit: int) -> int:
    """Return how much so many can cover, by trying every choice."""
    return max(union(choice).bit_count() for choice in combinations(covers, min(limit, len(covers))))


# --- coverage ---------------------------------------------------------------------------------------------------------


@given(st.data())
def test_packed_conjunctions_and_the_lazy_greedy_agree_with_plain_loops(data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 5))
    rows = data.draw(st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=40))
    conditions = st.dictionaries(st.integers(0, width - 1), st.booleans(), max_size=4)
    rules = data.draw(st.lists(conditions, max_size=8))
    limit = data.draw(st.one_of(st.none(), st.integers(0, 3)))

    plain = [[all(row[feature] is truth for feature, truth in rule.items()) for row in rows] for rule in rules]
    everything = (1 << len(rows)) - 1
    columns = [packed(column) for column in zip(*rows, strict=True)]
    covers = [everything] * len(rules)
    for number, rule in enumerate(rules):
        for feature, truth in rule.items():
            covers[number] &= columns[feature] if truth else everything ^ columns[feature]

    assert covers == [sum(1 << number for number, truth in enumerate(row) if truth) for row in plain]
    assert maximum_coverage(covers, limit=limit) == plain_greedy(plain, limit)


def test_nothing_packs_to_the_empty_mask() -> None:
    assert packed([]) == 0


@given(MATRICES, st.data())
def test_rows_and_columns_added_in_any_order_make_the_same_matrix(matrix: list[list[str]], data: st.DataObject) -> None:
    length = len(matrix[0]) if matrix else 0
    arrivals = [data.draw(st.integers(0, length)) for _ in matrix]
    readings = data.draw(st.sets(st.integers(0, length)))
    grown = Coverage()
    with patch.object(coverage_module, "FEWEST_WAITING", 2):
        for time in range(length + 1):
            for number, verdicts in enumerate(matrix):
                if arrivals[number] == time:
                    past = verdicts[:time]
                    grown.add_rule(str(number), right=bits(past, "right"), wrong=bits(past, "wrong"))
            if time in readings:
                grown.explained()
            if time < length:
                known = {rule: matrix[int(rule)][time] for rule in grown.rules}
                added = grown.add_transition(
                    right=[rule for rule, verdict in known.items() if verdict == "right"],
                    wrong=[rule for rule, verdict in known.items() if verdict == "wrong"],
                )
                assert added == time
    whole = batch(matrix)
    assert len(grown) == len(whole) == length
    assert {r: (grown.right(r), grown.wrong(r)) for r in grown.rules} == {
        r: (whole.right(r), whole.wrong(r)) for r in whole.rules
    }


def test_a_long_row_is_the_bits_that_were_set() -> None:
    coverage = Coverage()
    coverage.add_rule("third", right=0, wrong=0)
    for number in range(20_000):
        coverage.add_transition(right=["third"] if number % 3 == 0 else [], wrong=[])
    assert coverage.right("third") == packed(number % 3 == 0 for number in range(20_000))
    assert coverage.counts("third") == (6667, 0)


@given(MATRICES)
def test_a_rule_is_dominated_by_one_that_is_right_wherever_it_is_and_wrong_nowhere_else(
    matrix: list[list[str]],
) -> None:
    coverage = batch(matrix)

    def is_as_good(other: str, rule: str) -> bool:
        return not coverage.right(rule) & ~coverage.right(other) and not coverage.wrong(other) & ~coverage.wrong(rule)

    expected = {
        rule
        for rule in coverage.rules
        for other in coverage.rules
        if is_as_good(other, rule) and (not is_as_good(rule, other) or int(other) < int(rule))
    }
    found = coverage.dominated()
    assert set(found) == expected
    assert all(is_as_good(other, rule) and other not in found for rule, other in found.items())


@given(MATRICES)
def test_forgetting_all_redundant_rules_loses_no_explained_transition(matrix: list[list[str]]) -> None:
    coverage = batch(matrix)
    before = coverage.explained()
    for rule in coverage.redundant():
        coverage.forget(rule)
    assert coverage.explained() == before
    assert not coverage.redundant()


def test_of_two_rules_that_make_each_other_needless_the_less_trusted_goes() -> None:
    coverage = Coverage(transitions=3)
    coverage.add_rule("sound", right=0b011, wrong=0)
    coverage.add_rule("rash", right=0b011, wrong=0b100)
    assert coverage.redundant() == ["rash"]
    assert coverage.dominated() == {"rash": "sound"}


def test_what_cannot_be_a_row_or_a_column_is_refused_and_changes_nothing() -> None:
    coverage = Coverage(transitions=2)
    coverage.add_rule("known", right=0b01, wrong=0)
    for rule, right, wrong in [("known", 0, 0), ("long", 0b100, 0), ("torn", 0b01, 0b01), ("negative", -1, 0)]:
        with pytest.raises(ValueError, match=rule):
            coverage.add_rule(rule, right=right, wrong=wrong)
    with pytest.raises(ValueError, match="known"):
        coverage.add_transition(right=["known"], wrong=["known"])
    with pytest.raises(KeyError, match="stranger"):
        coverage.add_transition(right=["known"], wrong=["stranger"])
    assert (coverage.rules, len(coverage), coverage.right("known")) == (("known",), 2, 0b01)
    assert "known" in coverage
    assert "long" not in coverage


def test_an_empty_matrix_has_nothing_to_say() -> None:
    coverage = Coverage()
    assert (coverage.rules, coverage.explained(), coverage.dominated(), coverage.redundant()) == ((), 0, {}, [])


# --- greedy answers ---------------------------------------------------------------------------------------------------


@given(COVERS, st.one_of(st.none(), st.integers(0, 4)))
@example([0b000_000_11111, 0b000_111_00000, 0b111_000_00001], None)  # the last could add four, and adds three
def test_the_lazy_greedy_chooses_what_the_plain_one_does_the_first_of_equals(
    covers: list[int], limit: int | None
) -> None:
    rows = [[bool(cover >> number & 1) for number in range(TRANSITIONS)] for cover in covers]
    assert maximum_coverage(covers, limit=limit) == plain_greedy(rows, limit)


@given(COVERS)
@example([0b001111, 0b010101, 0b101010])
@example([0b0011110, 0b0000111, 0b1111000])
def test_a_minimum_cover_uncovers_nothing_has_no_needless_rule_and_no_more_than_the_greedy(covers: list[int]) -> None:
    chosen = minimum_cover(covers)
    assert union(covers[index] for index in chosen) == union(covers)
    assert all(union(covers[i] for i in chosen if i != index) != union(covers) for index in chosen)
    assert len(chosen) <= len(maximum_coverage(covers))


def test_a_choice_that_later_ones_made_needless_is_given_up() -> None:
    covers = [0b0011110, 0b0000111, 0b1111000]
    assert maximum_coverage(covers) == [0, 2, 1]
    assert minimum_cover(covers) == [2, 1]


@given(COVERS)
def test_what_is_redundant_can_be_left_out_together_and_nothing_more(covers: list[int]) -> None:
    needless = redundant(covers)
    kept = [cover for index, cover in enumerate(covers) if index not in needless]
    assert union(kept) == union(covers)
    assert not redundant(kept)


def test_there_is_nothing_to_choose_among_no_rules_or_rules_that_explain_nothing() -> None:
    for covers in ([], [0], [0, 0]):
        assert maximum_coverage(covers) == minimum_cover(covers) == []
        assert exact_cover(covers).chosen == exact_cover(covers, limit=1).chosen == ()
        assert exact_cover(covers).is_optimal
    assert redundant([]) == []
    assert dominated([]) == {}


# --- domination -------------------------------------------------------------------------------------------------------


def spread(covers: list[int]) -> list[int]:
    """Return covers that include each other as these do, too wide to be compared whole."""
    return [union(0b1011 << 67 * bit for bit in range(TRANSITIONS) if cover >> bit & 1) for cover in covers]


@given(st.one_of(COVERS, COVERS.map(spread)))
def test_domination_is_inclusion_and_the_first_of_equals_stays(covers: list[int]) -> None:
    found = dominated(covers)
    for index, cover in enumerate(covers):
        wider = [j for j, other in enumerate(covers) if not cover & ~other and (other != cover or j < index)]
        assert (index in found) == bool(wider)
        assert index not in found or (found[index] in wider and found[index] not in found)


@given(COVERS)
@settings(max_examples=50)
def test_a_dominated_rule_is_never_needed(covers: list[int]) -> None:
    kept = [cover for index, cover in enumerate(covers) if index not in dominated(covers)]
    assert union(kept) == union(covers)
    assert fewest(kept) == fewest(covers)
    assert all(most(kept, limit) == most(covers, limit) for limit in range(1, 4) if covers)


def test_one_transition_is_enough_to_escape_domination() -> None:
    narrow, wide = (1 << 320) - 1, (1 << 400) - 1
    assert dominated([narrow, wide]) == {0: 1}
    assert not any(dominated([narrow, wide ^ 1 << number]) for number in range(320))


# --- the optimum ------------------------------------------------------------------------------------------------------


@given(COVERS)
@settings(max_examples=60, deadline=None)
@example([0b001111, 0b010101, 0b101010])
def test_the_exact_cover_is_as_small_as_brute_force_finds(covers: list[int]) -> None:
    best = exact_cover(covers)
    assert union(covers[index] for index in best.chosen) == union(covers)
    assert best.bound == best.value == len(best.chosen) == fewest(covers)
    assert best.is_optimal
    assert best.value + best.gap == best.greedy == len(minimum_cover(covers))


@given(COVERS, st.integers(0, 4))
@settings(max_examples=60, deadline=None)
@example([0b001111, 0b000111, 0b111000, 0b011110], 2)
def test_the_exact_cover_within_a_limit_explains_as_much_as_brute_force_finds(covers: list[int], limit: int) -> None:
    best = exact_cover(covers, limit=limit)
    assert len(best.chosen) <= limit
    assert best.bound == best.value == union(covers[index] for index in best.chosen).bit_count()
    assert best.value == (most(covers, limit) if covers else 0)
    assert best.value - best.gap == best.greedy


# Two rows of seven transitions, and three blocks of columns that are each larger than what is left of a row.
ROWS_AND_BLOCKS = [0b1111111, 0b1111111 << 7, *(block << 7 | block for block in (0b0001111, 0b0110000, 0b1000000))]


def test_the_gap_tells_what_the_greedy_missed() -> None:
    best = exact_cover(ROWS_AND_BLOCKS)
    assert (set(best.chosen), best.value, best.greedy, best.gap) == ({0, 1}, 2, 3, 1)
    best = exact_cover(ROWS_AND_BLOCKS, limit=2)
    assert (set(best.chosen), best.value, best.greedy, best.gap) == ({0, 1}, 14, 12, 2)


@pytest.mark.parametrize("limit", [None, 2])
def test_with_no_time_the_greedy_answer_stands_and_is_not_called_optimal(limit: int | None) -> None:
    hasty, best = (exact_cover(ROWS_AND_BLOCKS, limit=limit, timeout_s=timeout_s) for timeout_s in (0, 2))
    assert hasty.value == hasty.greedy == best.greedy != best.value
    assert not hasty.is_optimal
    assert abs(hasty.bound - hasty.value) >= abs(best.value - hasty.value)


def test_without_scipy_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtraError, match=r"'scipy'.*pip install 'agentwm\[exact\]'"):
        exact_cover([0b1])


def test_coverage_and_greedy_pruning_need_the_standard_library_only() -> None:
    script = """
import sys
sys.modules["numpy"] = sys.modules["scipy"] = None
from agentwm.induction.coverage import Coverage
from agentwm.induction.pruning import dominated, maximum_coverage, minimum_cover
assert minimum_cover([1, 3]) == maximum_coverage([1, 3]) == [1] and dominated([1, 3]) == {0: 1}
assert Coverage().redundant() == []
"""
    subprocess.run([sys.executable, "-c", script], check=True)
