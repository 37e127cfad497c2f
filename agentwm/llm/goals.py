"""Reads goals in people's own words: a choice among the shapes that the environment's goals have, and of words for their gaps.

Reading is not scoring: what is read is what the agent works towards, and whether the goal is reached is the environment's to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field, create_model

from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend, Request
from agentwm.llm.asking import Asker, ReplyCount
from agentwm.llm.words import KIND, SORT
from agentwm.types import Fluent, Gap, Goal, GoalShape, State, Vocabulary

__all__ = ["LLMGoalReader", "Meant", "Unread"]

MOST_TEXT = 1_000  # characters of a goal that are shown
NOTHING = "(there are none)"
_WORD = Annotated[str, Field(max_length=60)]


class Filling(BaseModel):
    """The words that a model puts into the gaps: a field for each, None where its shape does not have that gap."""


class Meant(BaseModel):
    """The goal that a model says is meant; ``shape`` None where it is none of those there are."""

    why: Annotated[str, Field(max_length=300)]
    shape: _WORD | None
    words: Filling


class Unread(NamedTuple):
    """A goal in somebody's words, in what is known at the start of an episode."""

    text: str
    start: State
    vocabulary: Vocabulary


class LLMGoalReader:
    """Reads goals with a language model. One that it cannot read, or reads as none of the shapes there are, keeps no conditions."""

    def __init__(self, backend: Backend, prompt: Prompt) -> None:
        self._asker = Asker(backend, prompt, Meant)

    @property
    def count(self) -> ReplyCount:
        """What came of the questions put so far; a shape with a gap left open is dropped."""
        return self._asker.count

    def read(self, text: str, start: State, vocabulary: Vocabulary) -> Goal:
        """Return the goal that ``text`` words, in the belief ``start`` at the beginning of an episode.

        Raises: BackendError when the model cannot be asked.
        """
        return self.read_all([Unread(text, start, vocabulary)])[0]

    def read_all(self, unread: Sequence[Unread]) -> list[Goal]:
        """Return the goals that ``unread`` word, asked side by side.

        Raises: BackendError when the model cannot be asked.
        """
        goals = self._asker.ask_about(unread, self.request, _goal)
        return [goal or Goal(each.text) for each, goal in zip(unread, goals, strict=True)]

    def request(self, unread: Unread) -> Request:
        """Return what is put to the model for ``unread``."""
        shapes = unread.vocabulary.goals
        words = _words(shapes, unread.start)
        # What is the same in every task stands first, where a server can cache it.
        fixed = {gap.name for shape in shapes for gap in shape.gaps if gap.words}
        slots = {
            "shapes": "\n".join(f"- {shape.name}: {shape.text}" for shape in shapes),
            "words": _lines({name: given for name, given in words.items() if name in fixed}),
            "here": _lines({name: given for name, given in words.items() if name not in fixed}),
            "sentence": " ".join(unread.text.split())[:MOST_TEXT],
        }
        form = _form(tuple(shape.name for shape in shapes), tuple(words.items()))
        return replace(self._asker.request(slots), schema=form)


def _goal(unread: Unread, meant: Meant) -> tuple[Goal, int]:
    """Return the goal that is ``meant``, and how many shapes had to be dropped, for a gap left open."""
    shape = next((shape for shape in unread.vocabulary.goals if shape.name == meant.shape), None)
    words = {gap.name: getattr(meant.words, gap.name) for gap in shape.gaps} if shape else {}
    if shape is None or not all(words.values()):
        return Goal(unread.text), int(meant.shape is not None)
    return Goal(unread.text, shape.filled(words)), 0


def _words(shapes: Sequence[GoalShape], start: State) -> dict[str, tuple[str, ...]]:
    """Return, for each gap in ``shapes``, what may stand in it; nothing for one that any word may fill."""
    gaps = {gap.name: gap for shape in shapes for gap in shape.gaps}
    return {name: gap.words or _kinds(gap, start) for name, gap in gaps.items()}


def _kinds(gap: Gap, start: State) -> tuple[str, ...]:
    things = (fluent.args[0] for fluent, sort in start.items() if fluent.name == SORT and sort == gap.sort)
    kinds = {start.get(Fluent(KIND, (thing,))) for thing in things}
    return tuple(sorted(kind for kind in kinds if isinstance(kind, str) and kind))


def _lines(words: Mapping[str, Sequence[str]]) -> str:
    return "\n".join(f"- {name}: {', '.join(given) or 'any word'}" for name, given in words.items()) or NOTHING


@cache
def _form(shapes: tuple[str, ...], words: tuple[tuple[str, tuple[str, ...]], ...]) -> type[Meant]:
    """Return the form of an answer that can name these shapes and words only, so that a decoder can be held to them."""
    gaps = {name: (Literal[given] | None if given else _WORD | None, ...) for name, given in words}
    filling = create_model("Filling", __base__=Filling, **gaps)  # type: ignore[call-overload]
    shape: object = Literal[shapes] | None if shapes else None
    return create_model("Meant", __base__=Meant, shape=(shape, ...), words=(filling, ...))  # type: ignore[arg-type]
