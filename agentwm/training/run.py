"""Trains a language model on an export: reads it, fits, measures on what was held out, and saves a folder that `transformers` loads."""

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentwm.backends.rendering import chat_tokens
from agentwm.errors import ConfigurationError
from agentwm.training.dataset import Conversation, Dataset
from agentwm.training.fitting import Example, Progress, Schedule, fit, measure
from agentwm.training.network import Shape, adapted, context_tokens, merged, new_network, read_base
from agentwm.training.report import Counts, Scores, TrainingReport
from agentwm.training.tokenizer import new_tokenizer

__all__ = ["Training", "train"]

REPORT = "training.json"


@dataclass(frozen=True, slots=True)
class Training:
    """What is to be trained. ``base`` None starts from nothing: a network of ``shape`` with at most ``vocabulary`` tokens of its own.

    ``gguf`` is a file to write it to as well, in the form of llama.cpp.
    """

    out: Path
    schedule: Schedule
    base: str | None = None
    shape: Shape = field(default_factory=Shape)
    vocabulary: int = 2048
    device: str = "cpu"
    gguf: Path | None = None


def train(data: Dataset, training: Training, *, source: str, progress: Progress = lambda *_: None) -> TrainingReport:
    """Return what came of training on ``data``, read from ``source``, once the model is saved in ``training.out``.

    ``progress`` is told of every step, as `fit` says.

    Raises: ConfigurationError for a base that cannot be read or data that no model of this size has room for.
    """
    began_s = time.monotonic()
    network, tokenizer = _network(data, training)
    room = context_tokens(network, tokenizer)
    examples, too_long = _tokenized(data.train, tokenizer, room)
    held_out, held_out_too_long = _tokenized(data.held_out, tokenizer, room)
    if not examples:
        raise ConfigurationError(
            f"expected conversations of at most {room} tokens, but all {too_long} are longer: choose a larger --context"
        )
    network = network.to(training.device)
    before = None if training.base is None else _scores(network, held_out, training.schedule)
    fitted = network if training.base is None else adapted(network, seed=training.schedule.seed)
    trained = sum(each.numel() for each in fitted.parameters() if each.requires_grad)
    done = fit(fitted, examples, training.schedule, progress=progress)
    network = fitted if training.base is None else merged(fitted)
    report = TrainingReport(
        out=str(training.out),
        data=source,
        base=training.base,
        method="from scratch" if training.base is None else "LoRA",
        parameters=sum(each.numel() for each in network.parameters()),
        trained_parameters=trained,
        vocabulary=len(tokenizer),
        context_tokens=room,
        train=_counts(examples, too_long),
        held_out=_counts(held_out, held_out_too_long),
        before=before,
        after=_scores(network, held_out, training.schedule),
        commonest_exact_match=_commonest(data),
        epochs=training.schedule.epochs,
        steps=done.steps,
        planned_steps=done.planned,
        first_loss=done.first_loss,
        last_loss=done.last_loss,
        seed=training.schedule.seed,
        device=str(network.device),
        seconds=round(time.monotonic() - began_s, 1),
        gguf=None if training.gguf is None else str(training.gguf),
    )
    _save(network, tokenizer, report, training.out)
    if training.gguf is not None:
        from agentwm.training.gguf_file import write_gguf  # noqa: PLC0415 -- it needs one package more

        write_gguf(training.out, training.gguf, name=training.out.name)
    return report


def _network(data: Dataset, training: Training) -> tuple[Any, Any]:
    if training.base is not None:
        return read_base(training.base)
    tokenizer = new_tokenizer(data.train, most_tokens=training.vocabulary)
    return new_network(training.shape, tokenizer, seed=training.schedule.seed), tokenizer


def _tokenized(conversations: Sequence[Conversation], tokenizer: Any, room: int) -> tuple[list[Example], int]:
    """Return ``conversations`` as tokens, just as they are put to the model when it is used, and how many have more than ``room``."""
    examples = []
    for each in conversations:
        answer = tokenizer(each.answer, add_special_tokens=False)["input_ids"]
        examples.append(Example(chat_tokens(tokenizer, each.messages), [*answer, tokenizer.eos_token_id]))
    fitting = [each for each in examples if len(each.question) + len(each.answer) <= room]
    return fitting, len(examples) - len(fitting)


def _counts(examples: Sequence[Example], too_long: int) -> Counts:
    return Counts(
        conversations=len(examples), too_long=too_long, answer_tokens=sum(len(each.answer) for each in examples)
    )


def _scores(network: Any, examples: Sequence[Example], schedule: Schedule) -> Scores | None:
    if not examples:
        return None
    measured = measure(network, examples, batch_size=schedule.batch_size, is_half=schedule.is_half)
    return Scores(
        exact_match=measured.exact / measured.answers, token_accuracy=measured.right / max(1, measured.tokens)
    )


def _commonest(data: Dataset) -> float | None:
    """Return how many of the answers held out are the one that is commonest in training; the first such one."""
    if not data.held_out:
        return None
    [(commonest, _)] = Counter(each.answer for each in data.train).most_common(1)
    return sum(each.answer == commonest for each in data.held_out) / len(data.held_out)


def _save(network: Any, tokenizer: Any, report: TrainingReport, folder: Path) -> None:
    """Write the model to ``folder``, all of it or nothing."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        network.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        (unfinished / REPORT).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if folder.is_dir():
            folder.rmdir()  # it is known to be empty
        unfinished.rename(folder)
    except OSError as error:
        raise ConfigurationError(f"cannot write the model to {folder}: {error.strerror}") from error
