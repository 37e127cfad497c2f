"""What training was and came to, as a value: printed as a table or as JSON, and kept beside the weights."""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from rich.table import Table

__all__ = ["Counts", "Scores", "TrainingReport", "report_view"]


class Counts(BaseModel):
    """How many conversations stood on a side of the split, and how many of them are too long for the model, and were left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    conversations: int
    too_long: int
    answer_tokens: int


class Scores(BaseModel):
    """How a model does on the conversations held out: shares from 0 to 1.

    ``exact_match`` is of answers that it would write exactly so, greedily; ``token_accuracy`` of their tokens that are its first choice
    after the right ones before them, the one that ends an answer included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exact_match: float
    token_accuracy: float


class TrainingReport(BaseModel):
    """What was trained, on what, for how long, and how the result does on what was held out.

    ``base`` None is a model trained from nothing. The scores are None where nothing was held out; ``before`` where there was no base.
    ``commonest_exact_match`` is what the answer that is commonest in training would reach. Losses are nats a token, None where no
    step was done.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: str
    data: str
    base: str | None
    method: Literal["from scratch", "LoRA"]
    parameters: int
    trained_parameters: int
    vocabulary: int
    context_tokens: int
    train: Counts
    held_out: Counts
    before: Scores | None
    after: Scores | None
    commonest_exact_match: float | None
    epochs: int
    steps: int
    planned_steps: int
    first_loss: float | None
    last_loss: float | None
    seed: int
    device: str
    seconds: float
    gguf: str | None = None


def report_view(report: TrainingReport) -> Table:
    """Return ``report`` as a table for a terminal."""
    table = Table.grid(padding=(0, 3))
    origin = "nothing" if report.base is None else f"{report.base} ({report.method})"
    table.add_row("trained from", origin)
    table.add_row("parameters", f"{report.parameters:,}, {report.trained_parameters:,} of them trained")
    table.add_row("vocabulary", f"{report.vocabulary:,} tokens, {report.context_tokens:,} of context")
    for name, counts in (("train", report.train), ("held out", report.held_out)):
        left_out = f", {counts.too_long:,} too long for the model left out" if counts.too_long else ""
        table.add_row(
            name, f"{counts.conversations:,} conversations, {counts.answer_tokens:,} tokens of answers{left_out}"
        )
    stopped = "" if report.steps == report.planned_steps else f" of {report.planned_steps:,} planned: out of time"
    table.add_row("steps", f"{report.steps:,}{stopped}, on {report.device}, seed {report.seed}, {report.seconds:.1f} s")
    if report.first_loss is not None and report.last_loss is not None:
        table.add_row("loss a token", f"{report.first_loss:.3f} at first, {report.last_loss:.3f} at last")
    if report.after is None:
        table.add_row("held-out scores", "none: nothing was held out")
    else:
        before = report.before
        was = ("", "") if before is None else (f"{before.exact_match:.3f} → ", f"{before.token_accuracy:.3f} → ")
        commonest = f"the commonest answer: {report.commonest_exact_match or 0:.3f}"
        table.add_row("held-out exact match", f"{was[0]}{report.after.exact_match:.3f} ({commonest})")
        table.add_row("held-out token accuracy", f"{was[1]}{report.after.token_accuracy:.3f}")
    if report.gguf is not None:
        table.add_row("as GGUF", report.gguf)
    return table
