"""What a run keeps of its language model beside the replies: per episode, what was stated and came, and which replies could be used.

It is a small file in the folder of the run, from which the calibration is made anew when the run is resumed.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from agentwm.errors import ReplyStoreError
from agentwm.llm.asking import ReplyCount
from agentwm.llm.calibration import Calibration, Statement
from agentwm.llm.inducer import Proposal

__all__ = ["EpisodeNotes", "Notes"]


class EpisodeNotes(BaseModel):
    """What was asked in one episode: what came of the replies, per role, the predictions put to the test and the rules proposed.

    ``open_questions`` are what the model would like to know of the world. ``has_unread_goal`` says that the goal was to be read and could
    not be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    replies: dict[str, ReplyCount] = {}
    statements: tuple[Statement, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    open_questions: tuple[str, ...] = ()
    has_unread_goal: bool = False


class Notes(BaseModel):
    """The notes on all episodes that have ended, by their number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notes: Literal[1] = 1
    episodes: dict[int, EpisodeNotes] = {}

    def with_episode(self, number: int, notes: EpisodeNotes) -> Self:
        """Return these notes with those on episode ``number``, which replace what was noted of it before."""
        return self.model_copy(update={"episodes": {**self.episodes, number: notes}})

    def with_perceived(self, number: int, replies: Mapping[str, ReplyCount], *, has_unread_goal: bool) -> Self:
        """Return these notes with what came of perceiving added to those on episode ``number``."""
        noted = self.episodes.get(number, EpisodeNotes())
        if not replies and not has_unread_goal:
            return self
        more = {"replies": {**noted.replies, **replies}, "has_unread_goal": has_unread_goal}
        return self.with_episode(number, noted.model_copy(update=more))

    @property
    def unread_goals(self) -> int:
        """How many goals were to be read and could not be."""
        return sum(each.has_unread_goal for each in self.episodes.values())

    def of_episodes(self, numbers: Iterable[int]) -> Self:
        """Return the notes on the episodes ``numbers`` alone."""
        wanted = set(numbers)
        return self.model_copy(update={"episodes": {n: each for n, each in self.episodes.items() if n in wanted}})

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All statements, in the order of the episodes."""
        return tuple(each for number in sorted(self.episodes) for each in self.episodes[number].statements)

    @property
    def calibration(self) -> Calibration:
        """What all statements together say about further ones."""
        return Calibration(self.statements)

    @property
    def replies(self) -> Mapping[str, ReplyCount]:
        """What came of all replies, per role."""
        found: dict[str, ReplyCount] = {}
        for each in self.episodes.values():
            for role, count in each.replies.items():
                found[role] = found.get(role, ReplyCount()) + count
        return found

    def save(self, path: Path) -> None:
        """Write the notes to ``path``: a crash leaves the old ones or the new ones."""
        temporary = path.with_name(f"{path.name}.new")
        temporary.write_text(self.model_dump_json() + "\n", encoding="utf-8", newline="\n")
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the notes in ``path``, empty ones where there is no file.

        Raises: ReplyStoreError when it holds something else.
        """
        if not path.exists():
            return cls()
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise ReplyStoreError(f"cannot read the notes in {path}: {error}") from error
