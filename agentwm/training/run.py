"""Trains a language model on an export: reads it, fits, measures on what was held out, and saves a folder that `transformers` loads."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentwm.backends.rendering import chat_tokens
from agentwm.errors import ConfigurationError
from agentwm.training.dataset import Conversation, Dataset
from agentwm.training.fitting import Fit, Progress, Schedule, TokenizedConversation, fit, measure
from agentwm.training.network import Shape, adapted, context_tokens, merged, new_network, read_base
from agentwm.training.report import Counts, Scores, TrainingReport
from agentwm.training.saving import appearing
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


@dataclass(frozen=True, slots=True)
class _Sides:
    """The two sides of the split as tokens, with how many conversations of each have more than ``room``."""

    room: int
    train: Sequence[TokenizedConversation]
    train_too_long: int
    held_out: Sequence[TokenizedConversation]
    held_out_too_long: int


@dataclass(frozen=True, slots=True)
class _Course:
    """How fitting went: the scores before it, of a base, and how many parameters it could move."""

    before: Scores | None
    parameters: int
    fit: Fit


def train(data: Dataset, training: Training, *, source: str, progress: Progress = lambda *_: None) -> TrainingReport:
    """Return what came of training on ``data``, read from ``source``, once the model is saved in ``training.out``.

    ``progress`` is told of every step, as `fit` says.

    Raises: ConfigurationError for a base that cannot be read or data that no model of this size has room for, and before anything else
        for a folder that cannot be written.
    """
    began_s = time.monotonic()
    with appearing(training.out) as unfinished:
        network, tokenizer = _network(data, training)
        sides = _sides(data, network, tokenizer)
        network, course = _fitted(network.to(training.device), sides, training, progress)
        report = TrainingReport(
            out=str(training.out),
            data=source,
            commonest_exact_match=_commonest(data),
            vocabulary=len(tokenizer),
            seconds=round(time.monotonic() - began_s, 1),
            **_account(network, sides, training, course),
        )
        _save(network, tokenizer, report, unfinished)
    if training.gguf is not None:
        from agentwm.training.gguf_file import write_gguf  # noqa: PLC0415 -- it needs one package more

        write_gguf(training.out, training.gguf, name=training.out.name)
    return report


def _sides(data: Dataset, network: Any, tokenizer: Any) -> _Sides:
    room = context_tokens(network, tokenizer)
    sides = _Sides(room, *_tokenized(data.train, tokenizer, room), *_tokenized(data.held_out, tokenizer, room))
    if not sides.train:
        raise ConfigurationError(
            f"expected conversations of at most {room} tokens, but all {sides.train_too_long} are longer: choose a larger --context"
        )
    return sides


def _fitted(network: Any, sides: _Sides, training: Training, progress: Progress) -> tuple[Any, _Course]:
    """Return ``network`` fitted to the training side, a base by adapters that are merged into it, and how that went."""
    if training.base is None:
        return network, _Course(
            None, _movable(network), fit(network, sides.train, training.schedule, progress=progress)
        )
    before = _scores(network, sides.held_out, training.schedule)
    adapting = adapted(network, seed=training.schedule.seed)
    course = _Course(before, _movable(adapting), fit(adapting, sides.train, training.schedule, progress=progress))
    return merged(adapting), course


def _movable(network: Any) -> int:
    return sum(each.numel() for each in network.parameters() if each.requires_grad)


def _account(network: Any, sides: _Sides, training: Training, course: _Course) -> dict[str, Any]:
    """Return what the report says of the ``network`` that was fitted, and of how."""
    schedule = training.schedule
    return {
        "base": training.base,
        "method": "from scratch" if training.base is None else "LoRA",
        "parameters": sum(each.numel() for each in network.parameters()),
        "trained_parameters": course.parameters,
        "context_tokens": sides.room,
        "train": _counts(sides.train, sides.train_too_long),
        "held_out": _counts(sides.held_out, sides.held_out_too_long),
        "before": course.before,
        "after": _scores(network, sides.held_out, schedule),
        "epochs": schedule.epochs,
        "steps": course.fit.steps,
        "planned_steps": course.fit.planned,
        "first_loss": course.fit.first_loss,
        "last_loss": course.fit.last_loss,
        "seed": schedule.seed,
        "device": str(network.device),
        "gguf": None if training.gguf is None else str(training.gguf),
    }


def _network(data: Dataset, training: Training) -> tuple[Any, Any]:
    if training.base is not None:
        return read_base(training.base)
    tokenizer = new_tokenizer(data.train, most_tokens=training.vocabulary)
    return new_network(training.shape, tokenizer, seed=training.schedule.seed), tokenizer


def _tokenized(
    conversations: Sequence[Conversation], tokenizer: Any, room: int
) -> tuple[list[TokenizedConversation], int]:
    """Return ``conversations`` as tokens, just as they are put to the model when it is used, and how many have more than ``room``."""
    examples = []
    for each in conversations:
        answer = tokenizer(each.answer, add_special_tokens=False)["input_ids"]
        examples.append(TokenizedConversation(chat_tokens(tokenizer, each.messages), [*answer, tokenizer.eos_token_id]))
    fitting = [each for each in examples if len(each.question) + len(each.answer) <= room]
    return fitting, len(examples) - len(fitting)


def _counts(examples: Sequence[TokenizedConversation], too_long: int) -> Counts:
    return Counts(
        conversations=len(examples), too_long=too_long, answer_tokens=sum(len(each.answer) for each in examples)
    )


def _scores(network: Any, examples: Sequence[TokenizedConversation], schedule: Schedule) -> Scores | None:
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
    try:
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / REPORT).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"cannot write the model to {report.out}: {error.strerror}") from error
