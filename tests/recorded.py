"""The recordings of a large language model's real answers, through a relay, and how many of them could be used.

    python -m tests.recorded

replays them all, with no key and no network, and prints for each role how many answers are on record, and the shares that could be used at
first and after they were asked for once more.
"""

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from agentwm import Report, RuleStore, RunConfig, build, run
from agentwm.backends.checking import Checked
from agentwm.backends.protocol import Backend, BackendOptions
from agentwm.backends.recording import rows_of
from agentwm.evaluation.model_check import ModelCheck
from agentwm.llm.asking import ReplyCount
from agentwm.llm.check_model import check_model
from agentwm.llm.inducer import LLMInducer
from agentwm.rules.exchange import from_text
from tests import llm_goals, llm_inductions

__all__ = [
    "CHECK",
    "NO_RULES",
    "RECORDINGS",
    "SAID_BY",
    "RoleCount",
    "checked",
    "induced",
    "induced_once",
    "played",
    "replaying",
    "role_counts",
]

DATA = Path(__file__).parent / "data"
CHECK = DATA / "check_model.jsonl"
CHECK_RULES = DATA / "check_model_rules.json"
NO_RULES = DATA / "no_rules.jsonl"
RECORDINGS = (llm_goals.GOALS, llm_goals.PERCEIVE, CHECK, NO_RULES, llm_inductions.RECORDING)
SAID_BY = "a large language model through the relay"
ROLES = ("perceive", "predict", "propose", "judge", "induce")


def replaying(path: Path) -> Backend:
    """Return the model that is recorded in ``path``, its answers checked as those of any."""
    return Checked(build.backend("recorded").make(BackendOptions(str(path))))


@contextmanager
def check_rules() -> Iterator[Path]:
    """Give the folder of the rules that the blind test was made with: what `agentwm rules import` makes of the file."""
    with tempfile.TemporaryDirectory() as folder:
        from_text(CHECK_RULES.read_text(encoding="utf-8"), source=str(CHECK_RULES)).save(Path(folder) / "rules")
        yield Path(folder) / "rules"


@cache
def checked() -> ModelCheck:
    """Return the report of the blind test, replayed once: 40 commands in the altered household 7."""
    with check_rules() as rules:
        options = {"environment": "alfworld", "altered": 7, "learn": 20, "rules": rules, "replay": CHECK}
        return check_model(RunConfig.parse(options))


def played(out: Path) -> Report:
    """Return the report of two games that the model won with nothing learned, replayed into the folder ``out``."""
    options = {"learn": 0, "episodes": 2, "max_steps": 16, "roles": ["predict", "propose", "judge"]}
    return run(RunConfig.parse({"environment": "alfworld", "out": out, "replay": NO_RULES, **options}))


def induced() -> list[tuple[llm_inductions.Household, RuleStore, LLMInducer]]:
    """Return what is believed of each household once the recorded answers were weighed, and who weighed them, replayed anew."""
    backend = replaying(llm_inductions.RECORDING)
    return [(household, *llm_inductions.induce(backend, household)) for household in llm_inductions.households()]


induced_once = cache(induced)


class RoleCount(NamedTuple):
    """Of one role, how many answers are on record, and what came of the questions that they answer; one may answer several."""

    answers: int
    replies: ReplyCount


def role_counts() -> dict[str, RoleCount]:
    """Return the count of each role in all recordings."""
    answers = Counter(row.role for path in RECORDINGS for row in rows_of(path))
    replies = dict.fromkeys(ROLES, ReplyCount())
    for role, count in _replies():
        replies[role] += count
    return {role: RoleCount(answers[role], replies[role]) for role in ROLES}


def _replies() -> Iterator[tuple[str, ReplyCount]]:
    cases = llm_goals.goal_cases()
    yield "perceive", llm_goals.read_goals(replaying(llm_goals.GOALS), cases).replies
    words = llm_goals.vocabulary_of(cases)
    yield "perceive", llm_goals.perceive(replaying(llm_goals.PERCEIVE), llm_goals.text_cases(), words).replies
    for _, _, inducer in induced_once():
        yield "induce", inducer.count
    reports = [("predict", asked.replies) for asked in checked().asked.values()]
    with tempfile.TemporaryDirectory() as folder:
        reports += [(role, use.replies) for role, use in played(Path(folder) / "run").llm.by_role.items()]
    for role, said in reports:
        yield role, ReplyCount(**said.model_dump(exclude={"first"}))


def table(counts: dict[str, RoleCount]) -> str:
    """Return ``counts`` as a table."""
    lines = [f"{'':<10}{'answers':>8}{'questions':>11}{'usable at first':>17}{'after one re-ask':>18}"]
    for role, (answers, replies) in {**counts, "all": _total(counts)}.items():
        after = replies.first + replies.second
        shares = [f"{part} ({part / replies.questions:.1%})" for part in (replies.first, after)]
        lines.append(f"{role:<10}{answers:>8}{replies.questions:>11}{shares[0]:>17}{shares[1]:>18}")
    return "\n".join(lines)


def _total(counts: dict[str, RoleCount]) -> RoleCount:
    return RoleCount(
        sum(each.answers for each in counts.values()), sum((each.replies for each in counts.values()), ReplyCount())
    )


if __name__ == "__main__":
    os.environ.pop("ALFWORLD_DATA", None)  # what was recorded was asked about generated games
    sys.stdout.write(f"answered by {SAID_BY}\n{table(role_counts())}\n")
