"""What language models cost: calls, tokens, seconds and money per role, and the budget that ends them.

An `Account` is one per run and is shared by all its backends. Every attempt is admitted before it is sent and settled after, so
that a budget of calls is exact. Of tokens, money and seconds more is known only afterwards: once one of them is reached no call is
begun, and what is in flight is finished and counted.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Self

from agentwm.errors import BudgetReachedError, ConfigurationError, quoted

__all__ = ["Account", "Budget", "Meter", "Price", "Tally", "Usage"]

NO_PRICES: Mapping[str, "Price"] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one call. ``cached_tokens`` are those of ``input_tokens`` that the server already held.

    ``is_estimated`` where the server did not count, and a fourth of the characters was taken for it.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    is_estimated: bool = False

    @classmethod
    def estimated(cls, asked: str, answered: str) -> Self:
        """Return a guess at the tokens of a call that nobody counted."""
        return cls(-(-len(asked) // 4), -(-len(answered) // 4), is_estimated=True)


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in any one currency. Cached input is charged as input where nothing else is said."""

    input: float
    output: float
    cached: float | None = None

    def of(self, usage: Usage) -> float:
        """Return what ``usage`` cost."""
        cached = self.input if self.cached is None else self.cached
        fresh_tokens = usage.input_tokens - usage.cached_tokens
        return (fresh_tokens * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output) / 1e6


@dataclass(frozen=True, slots=True)
class Tally:
    """What was spent. Tallies can be added and subtracted.

    ``calls`` counts every attempt, ``failed_calls`` those of them that brought no reply, ``estimated_calls`` those whose tokens nobody
    counted; ``cache_hits`` were no calls. ``seconds`` adds up the time of each call, also of those side by side. ``money`` is None
    where a call's price is not known.
    """

    calls: int = 0
    failed_calls: int = 0
    estimated_calls: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    money: float | None = 0.0

    @classmethod
    def of(cls, usage: Usage, seconds: float, price: Price | None, *, calls: int = 1, failed_calls: int = 0) -> Self:
        """Return what a reply cost that took so many ``calls``; ``price`` None is not known."""
        return cls(
            calls=calls,
            failed_calls=failed_calls,
            estimated_calls=int(usage.is_estimated),
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
            seconds=seconds,
            money=None if price is None else price.of(usage),
        )

    def __add__(self, other: "Tally") -> "Tally":
        return self._with(other, 1)

    def __sub__(self, other: "Tally") -> "Tally":
        return self._with(other, -1)

    def _with(self, other: "Tally", sign: int) -> "Tally":
        sums = {
            each.name: getattr(self, each.name) + sign * getattr(other, each.name)
            for each in fields(self)
            if each.name != "money"
        }
        is_known = self.money is not None and other.money is not None
        return Tally(**sums, money=(self.money or 0.0) + sign * (other.money or 0.0) if is_known else None)

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent, None for as much as you like. ``seconds`` is time on the wall since the account was opened."""

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    seconds: float | None = None

    def reached(self, spent: Tally, elapsed_s: float) -> str | None:
        """Return which limit ``spent`` has come up to, in words, or None."""
        limits = (
            ("calls", spent.calls, self.calls),
            ("tokens", spent.tokens, self.tokens),
            ("money", spent.money, self.money),
            ("seconds", elapsed_s, self.seconds),
        )
        for name, used, limit in limits:
            if limit is not None and used is not None and used >= limit:
                return f"{name}: {used:g} of {limit:g}"
        return None


class Account:
    """Adds up what is spent, per role and in all, and refuses calls once its budget is reached. Safe in several threads.

    ``prices`` are by model. ``spent`` and ``elapsed_s`` are carried over from a run that is resumed, as by `carry_over`.
    """

    def __init__(
        self,
        budget: Budget | None = None,
        prices: Mapping[str, Price] = NO_PRICES,
        *,
        spent: Mapping[str, Tally] | None = None,
        elapsed_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget or Budget()
        self._prices = dict(prices)
        self._spent = dict(spent or {})
        self._clock = clock
        self._began_s = clock() - elapsed_s
        self._lock = threading.Lock()

    @property
    def by_role(self) -> Mapping[str, Tally]:
        """What each role has spent so far."""
        with self._lock:
            return MappingProxyType(dict(self._spent))

    @property
    def total(self) -> Tally:
        """What all roles together have spent so far."""
        with self._lock:
            return self._total()

    @property
    def elapsed_s(self) -> float:
        """The time on the wall since the account was opened."""
        return self._clock() - self._began_s

    def meter(self, model: str) -> "Meter":
        """Return the meter of ``model``, through which its calls are charged to this account.

        Raises: ConfigurationError when there is a budget of money and no price for ``model``.
        """
        price = self._prices.get(model)
        if price is None and self.budget.money is not None:
            known = ", ".join(sorted(self._prices)) or "none"
            raise ConfigurationError(
                f"a budget of money needs the price of every model, but that of {quoted(model)} is not given (there is: {known}): "
                "add it to the price table"
            )
        return Meter(self, price)

    def carry_over(self, spent: Mapping[str, Tally], elapsed_s: float) -> None:
        """Count what was spent, and how long it took, before the run was cut off."""
        with self._lock:
            for role, tally in spent.items():
                self._add(role, tally)
            self._began_s -= elapsed_s

    def _admit(self, role: str) -> None:
        with self._lock:
            if reached := self.budget.reached(self._total(), self.elapsed_s):
                raise BudgetReachedError(f"the budget is spent ({reached}): allow more, or go on with what there is")
            self._add(role, Tally(calls=1))

    def _charge(self, role: str, tally: Tally) -> None:
        with self._lock:
            self._add(role, tally)

    def _add(self, role: str, tally: Tally) -> None:
        self._spent[role] = self._spent.get(role, Tally()) + tally

    def _total(self) -> Tally:
        return sum(self._spent.values(), Tally())


class Meter:
    """Charges the calls to one model to an `Account`."""

    def __init__(self, account: Account, price: Price | None) -> None:
        self._account = account
        self._price = price

    def admit(self, role: str) -> None:
        """Count one call that ``role`` is about to make.

        Raises: BudgetReachedError when it must not be made.
        """
        self._account._admit(role)  # noqa: SLF001 -- the account and its meters are one mechanism

    def settle(self, role: str, usage: Usage, seconds: float, *, earlier_attempts: int = 0) -> None:
        """Charge what an admitted call used; ``earlier_attempts`` failed before it, in a recording that is replayed."""
        # The call itself was counted when it was admitted.
        tally = Tally.of(usage, seconds, self._price, calls=earlier_attempts, failed_calls=earlier_attempts)
        self._account._charge(role, tally)  # noqa: SLF001 -- as above

    def fail(self, role: str, seconds: float) -> None:
        """Charge the time of an admitted call that brought no reply."""
        self._account._charge(role, Tally(failed_calls=1, seconds=seconds))  # noqa: SLF001 -- as above

    def hit(self, role: str) -> None:
        """Count a reply that came from the cache."""
        self._account._charge(role, Tally(cache_hits=1))  # noqa: SLF001 -- as above
