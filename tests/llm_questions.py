"""The questions of the recording ``data/predict.jsonl``: commands in an altered household, asked without its rules and with them.

To record them again, answered by whoever serves the model::

    python -m tests.llm_questions openai/NAME http://127.0.0.1:8765/v1 "who answers"
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from agentwm import Episode, RuleStore, build, parse_rule
from agentwm.backends.accounts import Account
from agentwm.backends.layers import layered
from agentwm.backends.protocol import Backend, BackendOptions
from agentwm.llm.world_model import LLMWorldModel
from agentwm.rules.store import Record
from agentwm.types import Action, Prediction, Query, State
from agentwm_environments.alfworld.environment import AlfworldEnvironment
from agentwm_environments.alfworld.laws import altered
from tests.conftest import FRAME, HOUSE, OneGame, action_of

__all__ = ["RECORDING", "Case", "ask", "cases", "rules"]

DATA = Path(__file__).parent / "data"
RECORDING = DATA / "predict.jsonl"
RULES = DATA / "altered.rules"
WORLD = 2

# What was done before, and what is asked. What of it works is the altered household's affair.
SCENARIOS = (
    (["go to cabinet 1"], "open cabinet 1"),
    (["go to countertop 1", "take apple 1 from countertop 1", "go to cabinet 1"], "open cabinet 1"),
    (["go to countertop 1"], "take apple 1 from countertop 1"),
    (["go to countertop 1", "take apple 1 from countertop 1"], "take egg 1 from countertop 1"),
    (["go to countertop 1", "take apple 1 from countertop 1", "go to microwave 1"], "heat apple 1 with microwave 1"),
    (
        ["go to countertop 1", "take apple 1 from countertop 1", "go to stoveburner 1"],
        "heat apple 1 with stoveburner 1",
    ),
    (["go to countertop 1", "take mug 1 from countertop 1", "go to sinkbasin 1"], "clean mug 1 with sinkbasin 1"),
    (["go to countertop 1", "take egg 1 from countertop 1", "go to fridge 1"], "cool egg 1 with fridge 1"),
    (["go to countertop 1", "take apple 1 from countertop 1", "go to toaster 1"], "heat apple 1 with toaster 1"),
    (["go to countertop 1", "take potato 1 from countertop 1"], "move potato 1 to garbagecan 1"),
    (["go to cabinet 1", "open cabinet 1"], "close cabinet 1"),
    (["go to drawer 1"], "go to drawer 2"),
    (["go to countertop 1", "take tomato 1 from countertop 1", "go to garbagecan 1"], "move tomato 1 to garbagecan 1"),
    (["go to countertop 1"], "examine countertop 1"),
)


class Case:
    """One question, and what the household made of the command."""

    def __init__(self, before: Sequence[str], command: str) -> None:
        episode = Episode(AlfworldEnvironment(OneGame(HOUSE), laws=altered(WORLD)), HOUSE.id)
        words = self.vocabulary = episode.vocabulary
        for each in before:
            episode.step(action_of(each, words), FRAME)
        self.state: State = dict(episode.state)
        self.action: Action = action_of(command, words)
        self.came = episode.step(self.action, FRAME)


def cases() -> list[Case]:
    """Return the questions with their answers by the household."""
    return [Case(*scenario) for scenario in SCENARIOS]


def rules() -> RuleStore:
    """Return the rules of the altered household, as if each had been seen to hold twenty times."""
    found = tuple(parse_rule(line) for line in RULES.read_text().splitlines())
    return RuleStore(found, {rule.id: Record(supports=20) for rule in found})


def ask(backend: Backend, told: RuleStore) -> list[Prediction]:
    """Return what the model behind ``backend`` foretells of every case, told of the rules ``told``."""
    asked = cases()
    model = LLMWorldModel(backend, build.prompt("predict"), asked[0].vocabulary, rules=told)
    return model.predict([Query(case.state, case.action) for case in asked])


def record(name: str, base_url: str, said_by: str) -> None:
    """Ask every question and keep the answers."""
    account = Account()
    options = BackendOptions(name.partition("/")[2], base_url=base_url, account=account, timeout_s=3600.0)
    bare = build.backend(name.partition("/")[0]).make(options)
    backend = layered(bare, account, record=RECORDING, said_by=said_by)
    for told in (RuleStore(), rules()):
        ask(backend, told)
    backend.close()


if __name__ == "__main__":
    record(*sys.argv[1:4])
