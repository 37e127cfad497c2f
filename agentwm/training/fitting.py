"""Fits a causal language model to answers, and measures it on others. Imports torch: only imported to train.

The loss is that of the answers' tokens alone, the one that ends them included; questions are read and not learned. A batch is padded on
the left, so that all answers end together, and logits are made of the answers only: those of whole prompts would fill the memory.
"""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from agentwm.errors import ConfigurationError, quoted

__all__ = ["Fit", "Measured", "Progress", "Schedule", "TokenizedConversation", "chosen_device", "fit", "measure"]

Progress = Callable[[int, int, float], object]

IGNORED = -100  # what torch's cross-entropy leaves out
WARM_UP = 0.05  # of all steps
LOWEST_RATE = 0.1  # of the highest one, at the end
CLIPPED_AT = 1.0
SORTED_TOGETHER = 16  # batches, whose rows are of like length so that little is padded


class TokenizedConversation(NamedTuple):
    """One conversation as tokens: what is read, and what is to be answered, its end included."""

    question: Sequence[int]
    answer: Sequence[int]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast: passes over the data, examples a step, the highest learning rate.

    ``seconds`` None sets no limit. ``is_half`` multiplies in bfloat16, which is quicker where the hardware knows it (2.5 times on a CPU
    that does); the weights stay as they are.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    seconds: float | None = None
    is_half: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """What came of fitting: steps done of those planned, the mean loss (nats a token) of the first and the last tenth of them.

    The losses are None where no step was done.
    """

    steps: int
    planned: int
    first_loss: float | None
    last_loss: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """How many of ``answers`` the model would write exactly so, and how many of their ``tokens`` are its first choice."""

    answers: int
    exact: int
    tokens: int
    right: int


def chosen_device(wanted: str | None) -> str:
    """Return ``wanted``, or a GPU where there is one and nothing else is wanted.

    Raises: ConfigurationError when there is no such device.
    """
    if wanted is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError) as error:
        raise ConfigurationError(f"there is no device {quoted(wanted)} here: {error}") from error
    return wanted


def fit(
    network: Any,
    examples: Sequence[TokenizedConversation],
    schedule: Schedule,
    *,
    progress: Progress = lambda *_: None,
    clock: Callable[[], float] = time.monotonic,
) -> Fit:
    """Fit ``network`` to ``examples``, in place. The rate rises to its highest and falls along a cosine.

    It stops between two steps when ``schedule.seconds`` are over. ``progress`` is told of every step: its number from 1, how many are
    planned, its loss.
    """
    began_s = clock()
    rng = random.Random(schedule.seed)
    trained = [each for each in network.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=schedule.learning_rate, betas=(0.9, 0.95), weight_decay=0.01)
    planned = schedule.epochs * math.ceil(len(examples) / schedule.batch_size)
    losses: list[float] = []
    network.train()
    for batch in _batches(examples, schedule, rng):
        if schedule.seconds is not None and clock() - began_s > schedule.seconds:
            break
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate * _rate(len(losses), planned)
        logits, labels = _answered(network, batch, is_half=schedule.is_half)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, CLIPPED_AT)
        optimizer.step()
        losses.append(float(loss.detach()))
        progress(len(losses), planned, losses[-1])
    tenth = max(1, len(losses) // 10)
    network.eval()
    return Fit(len(losses), planned, _mean(losses[:tenth]), _mean(losses[-tenth:]), clock() - began_s)


def measure(
    network: Any, examples: Sequence[TokenizedConversation], *, batch_size: int, is_half: bool = False
) -> Measured:
    """Return how ``network`` does on ``examples``.

    An answer is written exactly so, greedily, where each of its tokens is the first choice after those before it: nothing is generated.
    """
    exact = right = tokens = 0
    network.eval()
    with torch.inference_mode():
        for batch in _cut(sorted(examples, key=_length), batch_size):
            logits, labels = _answered(network, batch, is_half=is_half)
            said = labels != IGNORED
            hits = (logits.argmax(-1) == labels) & said
            exact += int((hits.sum(-1) == said.sum(-1)).sum())
            right += int(hits.sum())
            tokens += int(said.sum())
    return Measured(len(examples), exact, tokens, right)


def _answered(
    network: Any, batch: Sequence[TokenizedConversation], *, is_half: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits of the answers' tokens (rows by length by vocabulary) and the tokens, those of no answer `IGNORED`."""
    device = network.device
    width, longest = max(map(_length, batch)), max(len(each.answer) for each in batch)
    rows = torch.zeros((len(batch), width), dtype=torch.long)
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    labels = torch.full((len(batch), longest), IGNORED)
    for row, each in enumerate(batch):
        rows[row, width - _length(each) :] = torch.tensor([*each.question, *each.answer])
        mask[row, width - _length(each) :] = 1
        labels[row, longest - len(each.answer) :] = torch.tensor(each.answer)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_half):
        logits = network(
            input_ids=rows.to(device),
            attention_mask=mask.to(device),
            position_ids=(mask.cumsum(-1) - 1).clamp_min(0).to(device),
            logits_to_keep=longest + 1,
        ).logits
    return logits[:, :-1].float(), labels.to(device)


def _batches(
    examples: Sequence[TokenizedConversation], schedule: Schedule, rng: random.Random
) -> Iterator[Sequence[TokenizedConversation]]:
    for _ in range(schedule.epochs):
        shuffled = list(examples)
        rng.shuffle(shuffled)
        batches: list[Sequence[TokenizedConversation]] = []
        for group in _cut(shuffled, schedule.batch_size * SORTED_TOGETHER):
            batches += _cut(sorted(group, key=_length), schedule.batch_size)
        rng.shuffle(batches)
        yield from batches


def _cut(examples: Sequence[TokenizedConversation], size: int) -> list[Sequence[TokenizedConversation]]:
    return [examples[place : place + size] for place in range(0, len(examples), size)]


def _length(example: TokenizedConversation) -> int:
    return len(example.question) + len(example.answer)


def _rate(step: int, planned: int) -> float:
    """Return the share (0 to 1) of the highest rate at ``step``."""
    rising = max(1, round(WARM_UP * planned))
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(1, planned - rising)
    return LOWEST_RATE + (1 - LOWEST_RATE) * (1 + math.cos(math.pi * done)) / 2


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
