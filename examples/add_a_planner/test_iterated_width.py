from agentwm_iterated_width import SPEC

from agentwm.testing import check_planner


def test_it_keeps_the_contract_of_a_planner() -> None:
    check_planner(SPEC)
