"""Reads conversations to train on: JSON lines, each with its ``messages`` and the side of the split on which it stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from agentwm.backends.protocol import Message, Speaker
from agentwm.errors import ConfigurationError, quoted

__all__ = ["Conversation", "Dataset", "read_dataset"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A question, ``messages``, and the ``answer`` that is to be learned."""

    messages: tuple[Message, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is trained on, and what is kept apart to measure on."""

    train: tuple[Conversation, ...]
    held_out: tuple[Conversation, ...]


class _Said(BaseModel):
    role: Speaker
    content: str


class _Line(BaseModel):
    split: Literal["train", "held_out"]
    messages: Annotated[list[_Said], Field(min_length=2)]


def read_dataset(path: Path) -> Dataset:
    """Return the conversations in ``path``, as ``agentwm export --format sft`` writes them.

    Raises: ConfigurationError when it cannot be read, when a line is something else (it is named), or nothing is there to train on.
    """
    sides: dict[str, list[Conversation]] = {"train": [], "held_out": []}
    try:
        # Not splitlines: a JSON text may hold line separators of other alphabets.
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the training data {path}: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            read = _line(line, f"{path}:{number}")
            sides[read.split].append(_conversation(read.messages))
    if not sides["train"]:
        there = f"only {len(sides['held_out'])} held-out lines" if sides["held_out"] else "no line"
        raise ConfigurationError(
            f"expected conversations to train on, but {path} has {there}: make some with agentwm export RUN --format sft"
        )
    return Dataset(tuple(sides["train"]), tuple(sides["held_out"]))


def _line(line: str, where: str) -> _Line:
    try:
        read = _Line.model_validate_json(line)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, problem["loc"])) or "the line"
        raise ConfigurationError(
            f"expected a conversation, as agentwm export --format sft writes it, in {where}: {field}: {problem['msg']}, "
            f"got {quoted(line)}"
        ) from None
    if read.messages[-1].role != "assistant" or read.messages[-2].role != "user":
        raise ConfigurationError(
            f"expected a question of the user's and the assistant's answer at the end of {where}, got "
            f"{', '.join(message.role for message in read.messages)}"
        )
    return read


def _conversation(messages: Iterable[_Said]) -> Conversation:
    *asked, answer = (Message(each.role, each.content) for each in messages)
    return Conversation(tuple(asked), answer.text)
