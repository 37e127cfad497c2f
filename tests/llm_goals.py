"""The questions of the recordings ``data/goals.jsonl`` and ``data/perceive.jsonl``: goals in people's own words, and texts, of train games.

Of each of the six types of task ten games are drawn, each with the words of one of the people who annotated it. Where these words leave
out or contradict a part of the goal (another kind of thing, no treatment, no destination), no reading can be right: such games are named
in ``ASIDE``, each with the reason, which was written down before anything was asked, and the next one is drawn. Words that are merely
loose (a table where there are two kinds, a thing called by its looks) stay. What was drawn stands in ``data/drawn.jsonl.xz``: games of
ALFWorld (MIT), with people's words of ALFRED's annotators (MIT), as ExpeL (Apache-2.0) published a sample of them.

To draw again, from a file of such rows::

    python -m tests.llm_goals games.jsonl.xz

To record them again, answered by whoever serves the model::

    python -m tests.llm_goals openai/NAME http://127.0.0.1:8765/v1 "who answers"
"""

import json
import lzma
import random
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from agentwm import Episode, build
from agentwm.backends.accounts import Account
from agentwm.backends.layers import layered
from agentwm.backends.protocol import Backend, BackendOptions, Patience
from agentwm.backends.recording import rows_of
from agentwm.llm.asking import ReplyCount
from agentwm.llm.goals import LLMGoalReader, Unread
from agentwm.llm.perceiver import Heard, LLMPerceiver
from agentwm.types import Condition, Fluent, Perception, Value, Vocabulary
from agentwm_environments.alfworld.environment import AlfworldEnvironment
from agentwm_environments.alfworld.game import TASK_TYPES, Game
from agentwm_environments.alfworld.pddl import read_problem
from agentwm_environments.alfworld.reader import HouseholdReader, read_goal
from agentwm_environments.alfworld.solver import solve
from tests.conftest import FRAME, OneGame, action_of

__all__ = [
    "ASIDE",
    "GOALS",
    "PERCEIVE",
    "SHARED",
    "FactScore",
    "GoalScore",
    "draw",
    "goal_cases",
    "perceive",
    "read_goals",
    "record",
    "text_cases",
]

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "alfworld" / "games.jsonl.xz"  # where there is one
DATA = Path(__file__).parent / "data"
DRAWN = DATA / "drawn.jsonl.xz"
GOALS = DATA / "goals.jsonl"
PERCEIVE = DATA / "perceive.jsonl"
SEED = 0
PER_TYPE = 10
TEXTS = 16
WALKED = (
    "pick_heat_then_place_in_recep",
    "pick_cool_then_place_in_recep",
    "look_at_obj_in_light",
    "pick_clean_then_place_in_recep",
)
HOURS_S = 3 * 3600.0  # a person, or a model asked by hand, may take their time

ASIDE: Mapping[str, str] = {
    "pick_and_place_simple-PepperShaker-None-CounterTop-27/trial_T20190909_010859_836097": "says salt, wants the pepper",
    "look_at_obj_in_light-CD-None-DeskLamp-323/trial_T20190908_051124_983144": "says nothing of light, and puts the CD away",
    "look_at_obj_in_light-Pillow-None-DeskLamp-323/trial_T20190908_053117_107031": "says nothing of the pillow",
    "look_at_obj_in_light-Bowl-None-DeskLamp-304/trial_T20190907_232227_752681": "says nothing of light",
    "pick_clean_then_place_in_recep-Ladle-None-Drawer-4/trial_T20190909_161523_929674": "does not say where to put it",
    "pick_clean_then_place_in_recep-Cloth-None-Drawer-423/trial_T20190908_140728_318318": "says towel, which is another kind of thing",
    "pick_clean_then_place_in_recep-Knife-None-DiningTable-23/trial_T20190908_142126_854011": "says counter, wants the table",
    "pick_cool_then_place_in_recep-WineBottle-None-Cabinet-17/trial_T20190907_064115_485667": "does not say where to put it",
    "pick_cool_then_place_in_recep-WineBottle-None-GarbageCan-16/trial_T20190907_014908_758565": "says nothing of cooling",
    "pick_cool_then_place_in_recep-Mug-None-CoffeeMachine-14/trial_T20190906_182932_157770": "does not say where to put it",
}
"""The games put aside, by task and trial, and what is wrong with the words drawn."""


# --- goals ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GoalCase:
    """One goal in somebody's words, and the conditions of the template's."""

    game: Game
    unread: Unread
    wanted: frozenset[Condition]


class GoalScore(NamedTuple):
    """How many goals were read into the conditions of the template's, of how many; and what came of the replies."""

    right: int
    total: int
    wrong: tuple[str, ...]
    replies: ReplyCount


@cache
def drawn() -> tuple[Game, ...]:
    """Return the games drawn, those put aside included, the types of task one after the other."""
    return tuple(_game(json.loads(line)) for line in lzma.decompress(DRAWN.read_bytes()).decode().splitlines())


def draw(games: Path) -> str:
    """Return the rows drawn from the file ``games``, as the file of those drawn holds them."""
    by_type: dict[str, list[dict[str, object]]] = {task_type: [] for task_type in TASK_TYPES}
    with lzma.open(games, "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            if row["split"] == "train":
                by_type[row["task_type"]].append(row)
    return "".join(f"{json.dumps(row)}\n" for task_type, rows in by_type.items() for row in _taken(task_type, rows))


def _taken(task_type: str, rows: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    rows.sort(key=lambda row: (str(row["task"]), str(row["trial"])))
    random.Random(f"human goals {task_type} {SEED}").shuffle(rows)
    left = PER_TYPE
    for row in rows:
        if not left:
            return
        left -= f"{row['task']}/{row['trial']}" not in ASIDE
        yield row


def _game(row: Mapping[str, object]) -> Game:
    game = read_problem(
        str(row["pddl"]),
        id=f"train/{row['task']}/{row['trial']}",
        task_type=str(row["task_type"]),
        goal_text=str(row["task_desc"]),
        room=str(row["scene"]),
    )
    human = row["human"]
    assert isinstance(human, list)
    return replace(game, annotations=tuple(" ".join(words.split()) for words in human))


def goal_cases() -> list[GoalCase]:
    """Return the goals that are asked about."""
    cases = []
    for game in drawn():
        if game.id.removeprefix("train/") not in ASIDE:
            episode = Episode(AlfworldEnvironment(OneGame(game), annotators=SEED), game.id)
            unread = Unread(episode.goal.text, episode.start, episode.vocabulary)
            cases.append(GoalCase(game, unread, frozenset(read_goal(game.goal_text).conditions)))
    return cases


def read_goals(backend: Backend, cases: Sequence[GoalCase]) -> GoalScore:
    """Return how the model behind ``backend`` reads ``cases``, all asked at once."""
    reader = LLMGoalReader(backend, build.prompt("goal"))
    goals = reader.read_all([case.unread for case in cases])
    wrong = tuple(
        f"{case.unread.text!r} ({case.game.goal_text})"
        for case, goal in zip(cases, goals, strict=True)
        if frozenset(goal.conditions) != case.wanted
    )
    return GoalScore(len(cases) - len(wrong), len(cases), wrong, reader.count)


# --- texts ----------------------------------------------------------------------------------------------------------------


class TextCase(NamedTuple):
    """One text to be read, and what the household's own reader tells of it."""

    heard: Heard
    told: Perception


class FactScore(NamedTuple):
    """Of the facts stated, how many the reader tells; of those that it tells and that were not known, how many were stated.

    ``successes`` counts the texts of which it was said rightly whether the command worked, or that the text does not say.
    """

    stated: int
    right: int
    news: int
    found: int
    successes: int
    total: int
    replies: ReplyCount

    @property
    def precision(self) -> float:
        """The share of the facts stated that the reader tells, too."""
        return self.right / max(self.stated, 1)

    @property
    def recall(self) -> float:
        """The share of the reader's news that was stated."""
        return self.found / max(self.news, 1)


def text_cases() -> list[TextCase]:
    """Return two opening texts and the first text of each other shape that comes up in solving a game of each of four types."""
    firsts = {game.task_type: game for game in reversed(drawn())}
    openings: list[TextCase] = []
    shapes: dict[str, TextCase] = {}
    for task_type in WALKED:
        opening, *rest = _walk(firsts[task_type])
        openings.append(opening)
        for case in rest:
            shapes.setdefault(_shape(case.heard.observation.text), case)
    return [*openings[:2], *shapes.values()][:TEXTS]


def _walk(game: Game) -> Iterator[TextCase]:
    """Yield what the household tells on the way to the goal, with a look at everything that happens, and one failure."""
    episode = Episode(AlfworldEnvironment(OneGame(game)), game.id)
    reader, words = HouseholdReader(), episode.vocabulary
    opening = Heard(episode.observation, None, {})
    yield TextCase(opening, reader.perceive(*opening))
    for command in _commands(solve(game) or (), game):
        before, action = dict(episode.state), action_of(command, words)
        episode.step(action, FRAME)
        heard = Heard(episode.observation, action, before)
        yield TextCase(heard, reader.perceive(*heard))


def _commands(solution: Sequence[str], game: Game) -> Iterator[str]:
    yield f"close {game.receptacles[0].name}"
    full = {thing.receptacle for thing in game.things}
    for receptacle in [each.name for each in game.receptacles if each.is_openable and each.name in full][:1]:
        yield f"go to {receptacle}"
        yield f"open {receptacle}"
    for place, command in enumerate(solution):
        verb, thing = command.split()[0], " ".join(command.split()[1:3])
        if verb in ("heat", "cool"):
            yield f"open {' '.join(command.split()[-2:])}"
        yield command
        if place == 0:
            yield "look"
        if verb == "take":
            yield "inventory"
            yield f"examine {thing}"
        elif verb in ("heat", "cool", "clean"):
            yield f"examine {thing}"


def _shape(text: str) -> str:
    """Return ``text`` with its names and lists made alike."""
    listed = re.sub(r"you see (a [a-z]+ \d+[^.]*)\.", "you see things.", text)
    return re.sub(r"[a-z]+ \d+", "thing", listed)


def perceive(backend: Backend, cases: Sequence[TextCase], vocabulary: Vocabulary) -> FactScore:
    """Return how the model behind ``backend`` reads ``cases``, all asked at once."""
    perceiver = LLMPerceiver(backend, build.prompt("perceive"), vocabulary)
    stated = right = news = found = successes = 0
    for case, said in zip(cases, perceiver.perceive_all([case.heard for case in cases]), strict=True):
        told, facts = _facts(case.told), _facts(said)
        new = {fluent: value for fluent, value in told.items() if not _is_known(fluent, value, case.heard)}
        stated += len(facts)
        right += len(facts.items() & told.items())
        news += len(new)
        found += len(facts.items() & new.items())
        successes += said.succeeded == case.told.succeeded
    return FactScore(stated, right, news, found, successes, len(cases), perceiver.count)


def _facts(perception: Perception) -> dict[Fluent, Value]:
    return {**perception.told, **perception.changed}


def _is_known(fluent: Fluent, value: Value, heard: Heard) -> bool:
    return fluent in heard.state and heard.state[fluent] == value


# --- recording ------------------------------------------------------------------------------------------------------------


def vocabulary_of(cases: Sequence[GoalCase]) -> Vocabulary:
    """Return the vocabulary of the household, which is the same in every game."""
    return cases[0].unread.vocabulary


def record(name: str, base_url: str, said_by: str, *, folder: Path = DATA) -> tuple[GoalScore, FactScore]:
    """Ask every question that is not on record in ``folder``, keep the answers, and return the scores.

    What was answered before is not asked again: a recording that was broken off is gone on with.
    """
    cases = goal_cases()
    options = BackendOptions(
        name.partition("/")[2],
        base_url=base_url or None,
        in_flight=len(cases),
        timeout_s=HOURS_S,
        patience=Patience(attempts=3, seconds=HOURS_S),
    )

    def opened(path: Path) -> Backend:
        account = Account()
        bare = build.backend(name.partition("/")[0]).make(replace(options, account=account))
        so_far = rows_of(path) if path.exists() else []
        return layered(bare, account, record=path, said_by=said_by, so_far=so_far)

    backend = opened(folder / GOALS.name)
    goals = read_goals(backend, cases)
    backend.close()
    backend = opened(folder / PERCEIVE.name)
    facts = perceive(backend, text_cases(), vocabulary_of(cases))
    backend.close()
    return goals, facts


def summary(goals: GoalScore, facts: FactScore) -> str:
    """Return the scores in words."""
    of_all = f"{goals.right} of all {len(drawn())} ({goals.right / len(drawn()):.1%})"
    return "\n".join(
        [
            f"goals: {goals.right} of {goals.total} read into the template's conditions ({goals.right / goals.total:.1%})",
            f"       {len(drawn())} games drawn, {len(ASIDE)} put aside whose words do not state their goal: {of_all}",
            f"       replies: {goals.replies}",
            *(f"       wrong: {each}" for each in goals.wrong),
            f"texts: {facts.total}, of which {facts.successes} with success or failure as the reader has it",
            f"       precision {facts.right} of {facts.stated} ({facts.precision:.1%})",
            f"       recall {facts.found} of {facts.news} ({facts.recall:.1%})",
            f"       replies: {facts.replies}",
        ]
    )


def main(arguments: Sequence[str]) -> None:
    """Draw from the file that is named, or record what is said of what was drawn, and print the scores."""
    if len(arguments) == 1:
        DRAWN.write_bytes(lzma.compress(draw(Path(arguments[0])).encode(), preset=9 | lzma.PRESET_EXTREME))
    else:
        sys.stdout.write(summary(*record(*arguments)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
