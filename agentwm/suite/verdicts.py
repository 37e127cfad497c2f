"""Whether a result is what was asked: each thing asked beside what was found."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agentwm.evaluation import EpisodeResult
from agentwm.evaluation.statistics import mean
from agentwm.types import Asked, Reference

__all__ = ["Beside", "Verdict", "beside", "is_all_reached", "return_share", "verdicts"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Beside(_Frozen):
    """The results on the tasks for which there is a reference, beside it; ``by`` names whoever it is that plays so well.

    ``step_ratio`` is the mean over the ``step_tasks``, tasks won for which the reference's steps are known, of our steps divided by its.
    ``own_return`` and ``mean_return``, ours and the reference's, are means over the ``return_tasks``, each on the same seed;
    ``expected_return`` is the mean of what the reference can expect. Episodes in error have no part in any of it. All are None where there
    is nothing to take a mean of.
    """

    by: str
    step_ratio: float | None
    step_tasks: int
    own_return: float | None
    mean_return: float | None
    expected_return: float | None
    return_tasks: int


class Verdict(_Frozen):
    """One thing that was asked, what was found, and whether that reaches it; both are None where there is nothing to find it in."""

    what: Literal["won", "step_ratio", "return_share"]
    asked: float
    found: float | None
    is_reached: bool | None


def beside(results: Sequence[EpisodeResult], references: Mapping[str, Reference]) -> Beside | None:
    """Return ``results`` beside the references of their tasks, None where there is none for any of them."""
    known = [(each, references[each.task]) for each in results if each.task in references and each.error is None]
    if not known:
        return None
    ratios = [each.steps / best.steps for each, best in known if each.won and best.steps]
    paid = [(each.returned, best.reward) for each, best in known if best.reward is not None]
    return Beside(
        by=", ".join(dict.fromkeys(best.by for _, best in known)),
        step_ratio=mean(ratios),
        step_tasks=len(ratios),
        own_return=mean([own for own, _ in paid]),
        mean_return=mean([best for _, best in paid]),
        expected_return=mean([best.expected for _, best in known if best.expected is not None]),
        return_tasks=len(paid),
    )


def return_share(own: float, best: float) -> float:
    """Return how much of the return ``best`` the return ``own`` reaches: 1 less the loss, in units of the size of ``best``.

    So 0.98 is a loss of 2 % of that size, be it positive or negative; beside 0, which has no size, any loss is total.
    """
    if best == 0:
        return 1.0 if own >= 0 else 0.0
    return 1 - (best - own) / abs(best)


def verdicts(asked: Asked, results: Sequence[EpisodeResult], found: Beside | None) -> list[Verdict]:
    """Return what became of each thing ``asked``; an episode in error is not won."""
    won = sum(each.won for each in results) / len(results) if results else None
    has_returns = found is not None and found.own_return is not None and found.mean_return is not None
    share = return_share(found.own_return, found.mean_return) if has_returns else None  # type: ignore[union-attr,arg-type]
    ratio = None if found is None else found.step_ratio
    return [
        *([] if asked.won is None else [_at_least("won", asked.won, won)]),
        *([] if asked.step_ratio is None else [_at_most("step_ratio", asked.step_ratio, ratio)]),
        *([] if asked.return_share is None else [_at_least("return_share", asked.return_share, share)]),
    ]


def is_all_reached(found: Sequence[Verdict]) -> bool | None:
    """Return whether everything that was asked is reached; None where nothing was asked, or not all of it could be found."""
    if any(each.is_reached is False for each in found):
        return False
    return True if found and all(each.is_reached for each in found) else None


def _at_least(what: Literal["won", "return_share"], asked: float, found: float | None) -> Verdict:
    return Verdict(what=what, asked=asked, found=found, is_reached=None if found is None else found >= asked - ROUNDING)


def _at_most(what: Literal["step_ratio"], asked: float, found: float | None) -> Verdict:
    return Verdict(what=what, asked=asked, found=found, is_reached=None if found is None else found <= asked + ROUNDING)


ROUNDING = 1e-9  # 49 of 50 is 98 %, whatever the arithmetic of a share makes of it
