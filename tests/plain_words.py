"""Official games, as files, that people have annotated in plain words, and a reader of such words in the place of a language model."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from agentwm.backends.protocol import Request
from agentwm_environments.alfworld.game import Game
from agentwm_environments.alfworld.pddl import write_problem
from tests.llm_examples import hopeful

__all__ = ["SENTENCES", "annotated", "reading", "sentence", "write"]

# Two people's words for each type of task, and the shape that they mean.
SENTENCES = {
    "pick_and_place_simple": ("place", ("Leave the {0} at the {1}.", "The {0} belongs at the {1}.")),
    "pick_heat_then_place_in_recep": ("hot", ("Warm the {0} up, then the {1}.", "A steaming {0} at the {1}.")),
    "pick_cool_then_place_in_recep": ("cool", ("Chill the {0}, then the {1}.", "An icy {0} at the {1}.")),
    "pick_clean_then_place_in_recep": ("clean", ("Rinse the {0}, then the {1}.", "A spotless {0} at the {1}.")),
    "pick_two_obj_and_place": ("two", ("Both of the {0} at the {1}.", "A pair of {0} at the {1}.")),
    "look_at_obj_in_light": ("look", ("Hold the {0} and have the {1} on.", "See the {0} lit by the {1}.")),
}


def annotated(game: Game) -> tuple[str, ...]:
    """Return how two people word the goal of ``game``."""
    return tuple(words.format(game.target, game.destination) for words in SENTENCES[game.task_type][1])


def write(folder: Path, games: Sequence[Game], *, split: str = "valid_seen") -> None:
    """Write ``games`` to ``folder`` in the official layout, with their annotations."""
    for number, game in enumerate(games):
        trial = folder / "json_2.1.1" / split / f"{game.task_type}-{number}-{game.room}" / "trial_1"
        trial.mkdir(parents=True)
        grammar = (
            f'action PutObject {{ template :: "move {{o}} to {{r}}"; }} "rhs": "Your task is to: {game.goal_text}."'
        )
        content = {"grammar": grammar, "pddl_problem": write_problem(game), "solvable": True}
        (trial / "game.tw-pddl").write_text(json.dumps(content))
        turk = {"anns": [{"task_desc": f"{words} \n"} for words in annotated(game)]}
        scene = {"floor_plan": game.room}
        (trial / "traj_data.json").write_text(
            json.dumps({"task_type": game.task_type, "scene": scene, "turk_annotations": turk})
        )


def sentence(request: Request) -> str:
    """Return the goal that a request asks to be read."""
    return request.messages[-1].text.rpartition("The sentence: ")[2]


def reading(request: Request) -> str:
    """Read the annotations as they are meant; answer all other questions hopefully."""
    if request.role != "perceive":
        return hopeful(request)
    for shape, wordings in SENTENCES.values():
        for words in wordings:
            pattern = re.escape(words).replace(r"\{0\}", r"(\w+)").replace(r"\{1\}", r"(\w+)")
            if found := re.fullmatch(pattern, sentence(request)):
                other = "lamp" if shape == "look" else "place"
                filled = {"thing": found[1], "place": None, "lamp": None, other: found[2]}
                return json.dumps({"why": "-", "shape": shape, "words": filled})
    raise AssertionError(sentence(request))


def out_of_their_depth(request: Request) -> str:
    """Say of every goal that it is none of those there are; answer all other questions hopefully."""
    if request.role != "perceive":
        return hopeful(request)
    return json.dumps({"why": "?", "shape": None, "words": {"thing": None, "place": None, "lamp": None}})
