"""The report of `agentwm check-model`: how well a language model foretells a world with laws of its own, with rules and without."""

import math

from pydantic import BaseModel, ConfigDict
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agentwm.evaluation.display import calibration_view, figures_table
from agentwm.evaluation.report import CalibrationRow, Replies

__all__ = ["Asked", "Foretelling", "ModelCheck", "model_check_view"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Foretelling(_Frozen):
    """How one way of foretelling did on the predictions.

    ``right`` is about success, ``right_in_full`` about all that was seen to change, too. ``by_model`` is how many of the answers are the
    model's. The Brier scores are of the probability of success: with the model's as it was stated, and calibrated on the other games; so is
    ``right_calibrated``. A reply that could not be used is not right, and counts as 0.5.
    """

    right: int
    ci95: tuple[float, float]
    right_in_full: int
    by_model: int
    brier: float
    brier_calibrated: float
    right_calibrated: int


class Asked(_Frozen):
    """The questions put without rules, or with them in the prompt: what came of the replies, and how what was stated came true."""

    replies: Replies
    calibration: list[CalibrationRow]


class ModelCheck(_Frozen):
    """A model held against transitions of a world whose laws were drawn by the seed ``altered``; it is said that ``said_by`` answered.

    The ``rules`` were learned from the first ``learned_games`` games of ``split``, by play without the model, or were given as learned
    there: then ``learning_steps`` is None. The ``predictions`` are transitions of ``held_out_games`` further ones, so many of them
    ``failing``. The rules say nothing of ``silent`` of them, and are right about the success of ``ruled_right`` of the others. ``verbs``
    counts them by verb. What was spent is in all; ``estimated_calls`` are those whose tokens nobody counted, ``seconds`` adds up calls
    side by side, and ``money`` is None without a price.
    """

    model: str
    said_by: str
    environment: str
    altered: int | None
    seed: int
    split: str
    learned_games: int
    learning_steps: int | None
    rules: int
    held_out_games: int
    predictions: int
    failing: int
    silent: int
    ruled_right: int
    verbs: dict[str, int]
    prompt: str
    ways: dict[str, Foretelling]
    asked: dict[str, Asked]
    calls: int
    estimated_calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    seconds: float
    money: float | None


def model_check_view(check: ModelCheck) -> RenderableType:
    """Return the report as a person reads it."""
    parts: list[RenderableType] = [_head(check), _ways(check), _replies(check)]
    for name, asked in check.asked.items():
        if asked.calibration:
            way = check.ways[name]
            parts += [Text(f"{name}: what was stated, and what came", style="bold")]
            last = f"Brier score {way.brier:.3f} as stated, {way.brier_calibrated:.3f} calibrated on the other games"
            parts += [calibration_view(asked.calibration, last)]
    return Group(*parts)


def _head(check: ModelCheck) -> Text:
    world = "the ordinary one" if check.altered is None else f"altered world {check.altered}"
    text = Text(f"{check.model} in {check.environment}, {world}", style="bold")
    if check.said_by:
        text.append(f"\nanswered by {check.said_by}", style="not bold")
    played = "given" if check.learning_steps is None else f"learned in {check.learning_steps} steps"
    return text.append(
        f"\n{check.predictions} transitions of {check.held_out_games} games of {check.split} (seed {check.seed}), "
        f"{check.failing} of them failures; {check.rules} rules, {played}, from {check.learned_games} other games of it, "
        f"silent on {check.silent}, right on {check.ruled_right} of the {check.predictions - check.silent} that they speak of\n",
        style="not bold dim",
    )


def _ways(check: ModelCheck) -> Table:
    heads = ("by the model", "success right", "95 %", "all right", "Brier", "calibrated", "right then")
    table = figures_table("", *heads)
    for name, way in check.ways.items():
        low, high = way.ci95
        table.add_row(
            name,
            str(way.by_model),
            f"{way.right} of {check.predictions}",
            f"{math.floor(100 * low)}-{math.ceil(100 * high)}",
            str(way.right_in_full),
            f"{way.brier:.3f}",
            f"{way.brier_calibrated:.3f}",
            str(way.right_calibrated),
        )
    return table


def _replies(check: ModelCheck) -> RenderableType:
    table = figures_table("", "questions", "usable at once", "when asked again", "never", "details dropped")
    for name, each in check.asked.items():
        counts = (getattr(each.replies, part) for part in ("questions", "first", "second", "unusable", "dropped"))
        table.add_row(name, *map(str, counts))
    cost = "" if check.money is None else f", {check.money:.4f} in money"
    guessed = f" (tokens of {check.estimated_calls} are a guess)" if check.estimated_calls else ""
    spent = (
        f"{check.calls} calls{guessed}: {check.input_tokens} tokens in, {check.cached_tokens} of them cached, "
        f"{check.output_tokens} out, {check.seconds:.1f} s of calls{cost}\n"
    )
    return Group(table, Text(spent, style="dim"))
