"""A language model made of a few lines, for the tests of the LLM mind: it answers by what its prompt says, as a real one would have to."""

import json
import re

from agentwm.backends.protocol import Request

HOPEFUL = {"why": "it usually works", "p_success": 0.8, "changes": [], "text": "You do it."}


def said(request: Request) -> str:
    """Return the user's message of ``request``."""
    return request.messages[-1].text


def command_in(request: Request) -> str:
    """Return the command that a request for a prediction asks about."""
    return said(request).rpartition("The command: ")[2]


def hopeful(request: Request) -> str:
    """Answer every question of every role: all works, everything is worth trying, nothing is reached."""
    match request.role:
        case "predict":
            return json.dumps(HOPEFUL)
        case "propose":
            return json.dumps({"why": "look there", "plans": [{"steps": [unexplored(request)], "reaches_goal": False}]})
        case "induce":
            return json.dumps(induced(f"{verb_in(request)} when holding() is nothing then 1.00 failure"))
        case _:
            return json.dumps({"why": "far", "nearness": 0.1})


def verb_in(request: Request) -> str:
    """Return how a rule begins that a request for rules asks about, with the variables."""
    return said(request).partition("A rule about it begins: ")[2].partition("\n")[0]


def induced(*rules: str, laws: tuple[str, ...] = (), explains: tuple[int, ...] = (1,)) -> dict[str, object]:
    """Return an answer that proposes ``rules`` and ``laws``, and leaves one question open."""
    proposed = [{"why": "the difference", "rule": rule, "explains": explains} for rule in rules]
    return {"rules": proposed, "laws": laws, "open_questions": ["does it work elsewhere? try it there"]}


def unexplored(request: Request) -> str:
    """Return the command to go to the first thing that the prompt calls neither explored nor where the agent is, nor tried in vain."""
    known, _, vain = said(request).partition("Tried in vain")
    things = re.findall(r"^- ([a-z]+ \d+) \(receptacle\):(.*)$", known, re.MULTILINE)
    explored = {name for name, rest in things if "explored = true" in rest}
    listed = re.search(r"of each receptacle here nothing else is known: (.*)", known)
    names = [*(name for name, _ in things), *(listed[1].split(", ") if listed else ())]
    at = known.partition("at = ")[2].partition(",")[0]
    places = [name for name in names if name not in {*explored, at} and f"go to {name}\n" not in f"{vain}\n"]
    return f"go to {places[0] if places else 'nowhere 1'}"


def babbling(request: Request) -> str:
    """Answer nothing that can be used."""
    return f"Well, {command_in(request)[:10]} ..."
