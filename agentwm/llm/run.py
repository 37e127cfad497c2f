"""The language model of a run: opened with its layers, held to the budget, its account and its notes kept in the run's folder.

All that it says stands in a recording, the run's own or the one asked for. A run that goes on takes from there what was said before and
what it cost, so that nothing is asked or paid for twice.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from agentwm import build
from agentwm.agent import Episode
from agentwm.backends.accounts import Account, Tally
from agentwm.backends.layers import layered
from agentwm.backends.memory import spent_on
from agentwm.backends.prompts import Prompt
from agentwm.backends.rationed import Allowance
from agentwm.backends.recording import rows_of
from agentwm.configuration import RunConfig
from agentwm.errors import ConfigurationError
from agentwm.evaluation.report import LLMUse, Replies, RoleUse
from agentwm.llm.asking import ReplyCount
from agentwm.llm.calibration import brier
from agentwm.llm.mind import LLMMind
from agentwm.llm.notes import Notes
from agentwm.llm.opening import bare_backend, budget_of, heard, named, prices_of
from agentwm.llm.perceiving import PROMPTS
from agentwm.presets import preset
from agentwm.rules.store import RuleStore
from agentwm.types import Trajectory, Vocabulary

__all__ = ["LLMRun", "replies_of"]

REPLIES = "replies.jsonl"
NOTES = "asked.json"


class LLMRun:
    """The language model of one run, held to its budget. Between `begin` and `close`, ``mind`` acts with it.

    Nothing is asked of it, and nothing is written, before the run begins.

    Raises: ConfigurationError for a model, a prompt, a file or a budget that cannot be used; ReplyStoreError for a recording that
        cannot be read; MissingExtraError when the backend needs what is not installed.
    """

    def __init__(self, config: RunConfig, *, resume: bool) -> None:
        if not resume and config.record is not None and config.record.exists() and config.record.stat().st_size:
            raise ConfigurationError(
                f"expected a new file to record to, but {config.record} is there already: choose another, or --replay it"
            )
        self._config = config
        _, self._model = named(config)
        self._prices = prices_of(config)
        self.account = Account(budget_of(config), self._prices)
        self._prompts: dict[str, Prompt] = {name: build.prompt(name) for name in _prompts_of(config)}
        self._bare = bare_backend(config, self.account)
        self._mind: LLMMind | None = None
        self._notes = Path(NOTES)

    @property
    def mind(self) -> LLMMind:
        """What acts, once the run has begun."""
        assert self._mind is not None, "a run begins before it plays"
        return self._mind

    def begin(self, folder: Path, *, ended: Iterable[int] = (), elapsed_s: float = 0.0) -> None:
        """Begin the run in ``folder``, or go on with it: ``ended`` are the episodes played to their end, which took ``elapsed_s``.

        Raises: ReplyStoreError when the files of a run that goes on cannot be read.
        """
        path, self._notes = self._config.record or folder / REPLIES, folder / NOTES
        so_far = rows_of(path) if path.exists() and path.stat().st_size else []
        self.account.carry_over(spent_on(so_far, self._model, self._prices), elapsed_s)
        allowance = Allowance()
        backend = layered(
            self._bare,
            self.account,
            record=path,
            said_by=self._config.said_by or heard(self._config),
            so_far=so_far,
            allowance=allowance,
        )
        notes = Notes.load(self._notes).of_episodes(ended)
        asked = self._config.ask or "silent"
        manner = _manner(self._config)
        self._mind = LLMMind(backend, self._prompts, ask=asked, notes=notes, ration=allowance, **manner)

    def learn(
        self, number: int, store: RuleStore, trajectories: Sequence[Trajectory], vocabulary: Vocabulary
    ) -> RuleStore:
        """Return ``store``, learned from ``trajectories``, with what the model induces from the last, the episode ``number``.

        Raises: BackendError when the model cannot be asked, or its budget is spent: nothing of the episode is lost.
        """
        store = self.mind.induce(number, store, trajectories, vocabulary)
        self.mind.hear(trajectories[-1])
        self.mind.notes.save(self._notes)
        return store

    def conclude(self, number: int, episode: Episode) -> None:
        """Note what became of what was said in an episode that has been played to its end."""
        self.mind.conclude(number, episode.trajectory)
        self.note_perceived(number, episode)

    def note_perceived(self, number: int, episode: Episode) -> None:
        """Note what came of what was read in an episode, learned from or played, that has come to its end."""
        self.mind.note_perceived(number, episode.environment)
        self.mind.notes.save(self._notes)

    def use(self) -> LLMUse:
        """Return what was asked of the model so far, what it cost, and how its words came true."""
        total, notes, identity = self.account.total, self.mind.notes, self._bare.identity
        stated, believed = brier(notes.statements)
        roles = sorted({*self.account.by_role, *notes.replies})
        return LLMUse(
            model=f"{identity['backend']}/{identity['model']}",
            ask=self.mind.ask,
            prompts={role: prompt.digest for role, prompt in sorted(self._prompts.items())},
            **_spent(total),
            by_role={
                role: RoleUse(
                    **_spent(self.account.by_role.get(role, Tally())), replies=replies_of(notes.replies.get(role))
                )
                for role in roles
            },
            unread_goals=notes.unread_goals,
            calibration=[row for row in notes.calibration.table() if row.total],
            brier_stated=stated,
            brier_calibrated=believed,
        )

    def close(self) -> None:
        """Release the model. May be called twice."""
        self._bare.close()


def _manner(config: RunConfig) -> dict[str, Any]:
    """Return what the preset of ``config`` says of the proposer and the critic; nothing where there is none, or it asks no model."""
    chosen = None if config.preset is None else preset(config.preset)
    if chosen is None or not chosen.needs_model:
        return {}
    return {"tells": chosen.tells, "proposes_alone": chosen.proposes_alone, "votes": chosen.votes}


def _prompts_of(config: RunConfig) -> list[str]:
    """Return the prompts of the roles that the model is given."""
    roles = config.roles_in(build.environment(config.environment))
    return sorted({prompt for role in roles for prompt in (PROMPTS if role == "perceive" else (role,))})


def _spent(tally: Tally) -> dict[str, Any]:
    names = ("calls", "failed_calls", "estimated_calls", "input_tokens", "cached_tokens", "output_tokens")
    return {**{name: getattr(tally, name) for name in names}, "seconds": round(tally.seconds, 3), "money": tally.money}


def replies_of(count: ReplyCount | None) -> Replies:
    """Return ``count`` as a report says it; None is of no question."""
    count = count or ReplyCount()
    return Replies(
        questions=count.questions,
        first=count.first,
        second=count.second,
        unusable=count.unusable,
        dropped=count.dropped,
    )
