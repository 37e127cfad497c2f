"""What is spent is added up per role, and a budget is kept."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentwm.backends.accounts import Account, Budget, Price, Tally, Usage
from agentwm.errors import BudgetReachedError, ConfigurationError

COUNTS = st.integers(0, 1_000)
TALLIES = st.builds(
    Tally, calls=COUNTS, failed_calls=COUNTS, cache_hits=COUNTS, input_tokens=COUNTS, output_tokens=COUNTS
)


def test_tokens_are_charged_to_the_role_that_asked() -> None:
    account = Account()
    meter = account.meter("m")
    for role, tokens in (("predict", 10), ("predict", 20), ("judge", 5)):
        meter.admit(role)
        meter.settle(role, Usage(tokens, 1, cached_tokens=2), seconds=0.5)
    meter.hit("judge")
    assert account.by_role["predict"] == Tally(
        calls=2, input_tokens=30, output_tokens=2, cached_tokens=4, seconds=1.0, money=None
    )
    assert account.by_role["judge"].cache_hits == 1
    assert account.total.calls == 3
    assert account.total.tokens == 38


def test_a_failed_call_is_a_call_and_a_cache_hit_is_none() -> None:
    account = Account()
    meter = account.meter("m")
    meter.admit("predict")
    meter.fail("predict", 2.0)
    meter.hit("predict")
    assert account.total == Tally(calls=1, failed_calls=1, cache_hits=1, seconds=2.0)


def test_tokens_that_nobody_counted_are_told_apart() -> None:
    account = Account()
    meter = account.meter("m")
    meter.admit("predict")
    meter.settle("predict", Usage.estimated("x" * 10, "y" * 4), 0.0)
    assert (account.total.estimated_calls, account.total.input_tokens, account.total.output_tokens) == (1, 3, 1)


def test_money_is_counted_by_the_price_table_cached_input_at_its_own_price() -> None:
    account = Account(prices={"m": Price(input=2.0, cached=0.5, output=10.0)})
    meter = account.meter("m")
    meter.admit("predict")
    meter.settle("predict", Usage(1_000_000, 100_000, cached_tokens=400_000), 0.0)
    assert account.total.money == pytest.approx(0.6 * 2.0 + 0.4 * 0.5 + 0.1 * 10.0)


def test_money_is_unknown_as_soon_as_one_price_is() -> None:
    account = Account(prices={"m": Price(1.0, 1.0)})
    for model in ("m", "other"):
        account.meter(model).admit("predict")
        account.meter(model).settle("predict", Usage(1, 1), 0.0)
    assert account.total.money is None


def test_a_budget_of_money_needs_a_price() -> None:
    account = Account(Budget(money=1.0), {"m": Price(1.0, 1.0)})
    account.meter("m")
    with pytest.raises(ConfigurationError, match=r"price of every model, but that of 'other' .*there is: m"):
        account.meter("other")


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (Budget(tokens=100), "tokens: 110 of 100"),
        (Budget(money=0.5), r"money: 1\.1 of 0\.5"),
        (Budget(calls=1), "calls: 1 of 1"),
    ],
)
def test_no_call_is_begun_once_a_limit_is_reached(budget: Budget, words: str) -> None:
    account = Account(budget, {"m": Price(10_000.0, 10_000.0)})
    meter = account.meter("m")
    meter.admit("predict")
    meter.settle("predict", Usage(100, 10), 0.0)
    with pytest.raises(BudgetReachedError, match=words):
        meter.admit("judge")
    assert account.total.calls == 1


def test_seconds_are_those_on_the_wall_and_go_on_when_a_run_is_resumed() -> None:
    now = 100.0
    account = Account(Budget(seconds=60), elapsed_s=50.0, clock=lambda: now)
    meter = account.meter("m")
    now = 109.0
    meter.admit("predict")
    now = 110.0
    with pytest.raises(BudgetReachedError, match="seconds: 60 of 60"):
        meter.admit("predict")


def test_what_was_spent_before_counts_after_a_resume() -> None:
    first = Account(Budget(calls=2))
    first.meter("m").admit("predict")
    second = Account(Budget(calls=2), spent=first.by_role)
    second.meter("m").admit("judge")
    with pytest.raises(BudgetReachedError):
        second.meter("m").admit("judge")


def test_a_budget_of_calls_is_exact_from_many_threads() -> None:
    account = Account(Budget(calls=50))
    meter = account.meter("m")
    refused = []

    def ask() -> None:
        for _ in range(25):
            try:
                meter.admit("predict")
            except BudgetReachedError:
                refused.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.total.calls == 50
    assert len(refused) == 150


@given(TALLIES, TALLIES)
def test_an_episode_is_what_was_spent_after_less_what_was_spent_before(before: Tally, episode: Tally) -> None:
    assert (before + episode) - before == episode
    assert Tally() + episode == episode
