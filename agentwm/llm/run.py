"""The language model of a run: opened with its layers, held to the budget, its account and its notes kept in the run's folder.

All that it says stands in a recording, the run's own or the one asked for. A run that goes on takes from there what was said before and
what it cost, so that nothing is asked or paid for twice.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agentwm import build
from agentwm.agent import Episode
from agentwm.backends.accounts import Account, Budget, Price, Tally
from agentwm.backends.layers import layered
from agentwm.backends.memory import spent_on
from agentwm.backends.prompts import Prompt
from agentwm.backends.protocol import Backend, BackendOptions
from agentwm.backends.recording import head_of, rows_of
from agentwm.configuration import RunConfig
from agentwm.errors import ConfigurationError, MissingExtraError, quoted
from agentwm.evaluation.report import CalibrationRow, LLMUse, Replies, RoleUse
from agentwm.llm.asking import ReplyCount
from agentwm.llm.calibration import brier
from agentwm.llm.mind import LLMMind
from agentwm.llm.notes import Notes

__all__ = ["LLMRun"]

REPLIES = "replies.jsonl"
NOTES = "asked.json"
TIMEOUT_S = 120.0


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
        name, self._model = _named(config)
        self._prices = {self._model: Price(*config.price)} if config.price else {}
        self.account = Account(_budget(config), self._prices)
        self._prompts: dict[str, Prompt] = {role: build.prompt(role) for role in config.roles or ("predict",)}
        self._bare = _bare(config, name, self._model, self.account)
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
        backend = layered(
            self._bare, self.account, record=path, said_by=self._config.said_by or self._heard(), so_far=so_far
        )
        notes = Notes.load(self._notes).of_episodes(ended)
        self._mind = LLMMind(backend, self._prompts, ask=self._config.ask or "silent", notes=notes)

    def _heard(self) -> str:
        """Return who is said to have answered in the recording that is replayed; empty where there is none."""
        return "" if self._config.replay is None else str(head_of(self._config.replay).get("said_by", ""))

    def conclude(self, number: int, episode: Episode) -> None:
        """Note what became of what was said in an episode that has been played to its end."""
        self.mind.conclude(number, episode.trajectory)
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
                    **_spent(self.account.by_role.get(role, Tally())), replies=_replies(notes.replies.get(role))
                )
                for role in roles
            },
            calibration=[CalibrationRow(**row._asdict()) for row in notes.calibration.table() if row.total],
            brier_stated=stated,
            brier_calibrated=believed,
        )

    def close(self) -> None:
        """Release the model. May be called twice."""
        self._bare.close()


def _spent(tally: Tally) -> dict[str, Any]:
    names = ("calls", "failed_calls", "estimated_calls", "input_tokens", "cached_tokens", "output_tokens")
    return {**{name: getattr(tally, name) for name in names}, "seconds": round(tally.seconds, 3), "money": tally.money}


def _replies(count: ReplyCount | None) -> Replies:
    count = count or ReplyCount()
    return Replies(
        questions=count.questions,
        first=count.first,
        second=count.second,
        unusable=count.unusable,
        dropped=count.dropped,
    )


def _budget(config: RunConfig) -> Budget:
    return Budget(config.max_calls, config.max_tokens, config.max_cost, config.max_seconds)


def _named(config: RunConfig) -> tuple[str, str]:
    """Return the backend and what it knows the model by.

    Raises: ConfigurationError when the recording to be replayed is another model's than the one named.
    """
    if config.replay is None:
        backend, _, model = str(config.model).partition("/")
        return backend, model
    identity = head_of(config.replay)["identity"]
    recorded = f"{identity.get('backend')}/{identity.get('model')}"
    if config.model not in (None, recorded):
        raise ConfigurationError(
            f"expected a recording of {config.model}, but {config.replay} is one of {quoted(recorded)}"
        )
    return "recorded", str(identity.get("model", ""))


def _bare(config: RunConfig, name: str, model: str, account: Account) -> Backend:
    """Return the backend itself, without the layers above it."""
    spec = build.backend(name)
    if missing := spec.missing():
        raise MissingExtraError(f"the backend {name} cannot be used here: {missing}")
    place = model if config.replay is None else str(config.replay)
    return spec.make(
        BackendOptions(place, base_url=config.base_url, account=account, timeout_s=config.timeout_s or TIMEOUT_S)
    )
