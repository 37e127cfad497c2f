"""The questions of the recording ``data/induce.jsonl``: what explains the surprises in a household believed to be known, and in a new one.

What was lived there stands in ``data/lived.jsonl.xz``, text by text. To live anew, on ``train`` games (official ones where the variable
``ALFWORLD_DATA`` names a folder of games), which changes the questions::

    python -m tests.llm_inductions

To record the answers again, given by whoever serves the model::

    python -m tests.llm_inductions openai/NAME http://127.0.0.1:8765/v1 "who answers"
"""

import json
import lzma
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentwm import Episode, Observation, RuleStore, Trajectory, build, parse_rule
from agentwm.backends.accounts import Account
from agentwm.backends.layers import layered
from agentwm.backends.protocol import Backend, BackendOptions
from agentwm.learning import Learner
from agentwm.llm.inducer import LLMInducer
from agentwm.rules.store import Record
from agentwm.types import Action, EnvironmentOptions, Vocabulary
from agentwm_environments.alfworld.engine import HELP
from agentwm_environments.alfworld.reader import HouseholdReader, read_goal, vocabulary
from tests.conftest import FRAME

__all__ = ["RECORDING", "WORDS", "Household", "households", "induce"]

DATA = Path(__file__).parent / "data"
LIVED = DATA / "lived.jsonl.xz"
RECORDING = DATA / "induce.jsonl"
ORDINARY = DATA / "ordinary.rules"
WORDS: Vocabulary = vocabulary(HELP)
# Per household: the seed of its laws, whether the ordinary rules are believed there, how many games and steps, and about how many verbs
# is asked.
PLANS: dict[str, dict[str, Any]] = {
    "altered": {"altered": 2, "knowing": True, "games": 16, "steps": 100, "verbs": 6},
    "ordinary": {"altered": None, "knowing": False, "games": 8, "steps": 60, "verbs": 4},
}


def ordinary_rules() -> RuleStore:
    """Return what one believes who knows the ordinary household: each rule seen to hold twenty times."""
    found = tuple(parse_rule(line) for line in ORDINARY.read_text().splitlines())
    return RuleStore(found, {rule.id: Record(supports=20) for rule in found})


# --- what was lived -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Household:
    """One household: what is believed at first, what was lived there, and about how many verbs is asked."""

    name: str
    believed: RuleStore
    trajectories: tuple[Trajectory, ...]
    verbs: int


class Transcript:
    """An environment that answers what it once answered, whatever is done."""

    name = "transcript"
    vocabulary = WORDS

    def __init__(self, game: dict[str, Any]) -> None:
        self.perceiver = HouseholdReader()
        self.goal = read_goal(game["opening"].rpartition("Your task is to: ")[2])
        self._opening = Observation(game["opening"])
        self._answers = [
            Observation(text, reward=reward, terminated=reward > 0) for _, _, text, reward in game["steps"]
        ]

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        del task, seed
        return self._opening

    def step(self, action: Action) -> Observation:
        del action
        return self._answers.pop(0)


def _lived(game: dict[str, Any]) -> Trajectory:
    episode = Episode(Transcript(game), game["task"])  # type: ignore[arg-type]  # all that an episode asks for
    for verb, args, _, _ in game["steps"]:
        episode.step(Action(verb, tuple(args)), FRAME)
    return episode.trajectory


def households() -> list[Household]:
    """Return what was lived in each household."""
    games = [json.loads(line) for line in lzma.decompress(LIVED.read_bytes()).decode().splitlines()]
    return [
        Household(
            name,
            ordinary_rules() if plan["knowing"] else RuleStore(),
            tuple(_lived(game) for game in games if game["household"] == name),
            plan["verbs"],
        )
        for name, plan in PLANS.items()
    ]


def live() -> None:
    """Play the games of every household as an agent that learns, and write down what was done and answered."""
    lines = []
    for name, plan in PLANS.items():
        options = EnvironmentOptions(split="train", learning=True, count=plan["games"], altered=plan["altered"], seed=1)
        environment = build.environment("alfworld").make(options)
        learner = Learner(ordinary_rules() if plan["knowing"] else None)
        for number, task in enumerate(environment.tasks()):
            episode = Episode(environment, task)
            opening = episode.observation.text
            learner.play(episode, rng=random.Random(f"{name}-{number}"), max_steps=plan["steps"])
            learner.conclude(episode)
            steps = [
                [*each.action, each.observation.text.strip(), each.observation.reward] for each in episode.transitions
            ]
            lines.append({"household": name, "task": Path(task).name, "opening": opening, "steps": steps})
    LIVED.write_bytes(lzma.compress("".join(f"{json.dumps(line)}\n" for line in lines).encode()))


# --- what is asked --------------------------------------------------------------------------------------------------------


def induce(backend: Backend, household: Household) -> tuple[RuleStore, LLMInducer]:
    """Return what is believed of ``household`` once the model behind ``backend`` was asked, and who asked it."""
    inducer = LLMInducer(backend, build.prompt("induce"), WORDS, most_verbs=household.verbs)
    trajectories = household.trajectories
    return inducer.revise(household.believed, trajectories, WORDS, new=len(trajectories)), inducer


def record(name: str, base_url: str, said_by: str) -> None:
    """Ask about every household, keep the answers and print what became of them."""
    account = Account()
    kind, _, model = name.partition("/")
    options = BackendOptions(model, base_url=base_url or None, account=account, timeout_s=3600.0)
    backend = layered(build.backend(kind).make(options), account, record=RECORDING, said_by=said_by)
    for household in households():
        _, inducer = induce(backend, household)
        for each in inducer.proposals:
            sys.stdout.write(f"{household.name}: {'accepted' if each.accepted else each.reason}: {each.text}\n")
    backend.close()


def main(arguments: Sequence[str]) -> None:
    """Live, or record what is said of what was lived."""
    if arguments:
        record(*arguments)
    else:
        live()


if __name__ == "__main__":
    main(sys.argv[1:])
