"""Plays the same commands in two engines and lists every difference: how we know that ours is ALFWorld's."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .engine import Engine, Household
from .game import Game

__all__ = ["Difference", "compare", "random_commands"]


class Difference(NamedTuple):
    """One thing in which two engines differ: after which command, what, and what each of them shows."""

    game: str
    step: int
    command: str
    what: str
    ours: object
    theirs: object


def compare(game: str, ours: Engine, theirs: Engine, commands: Iterable[str]) -> Iterator[Difference]:
    """Yield the differences in text, admissible commands, reward and end after a reset and after each of ``commands``.

    ``commands`` may be an iterator that looks at ``ours`` to choose the next one.
    """
    yield from _differences(game, 0, "", (ours, ours.reset()), (theirs, theirs.reset()))
    for number, command in enumerate(commands, start=1):
        yield from _differences(game, number, command, (ours, ours.step(command)), (theirs, theirs.step(command)))


def _differences(
    game: str, number: int, command: str, ours: tuple[Engine, str], theirs: tuple[Engine, str]
) -> Iterator[Difference]:
    shown = [
        {"text": text, "admissible": set(engine.admissible()), "reward": engine.score, "end": engine.won}
        for engine, text in (ours, theirs)
    ]
    for what, here in shown[0].items():
        there = shown[1][what]
        if isinstance(here, set) and isinstance(there, set) and here != there:
            yield Difference(game, number, command, what, sorted(here - there), sorted(there - here))
        elif here != there:
            yield Difference(game, number, command, what, here, there)


def random_commands(game: Game, household: Household, *, steps: int, rng: random.Random) -> Iterator[str]:
    """Yield ``steps`` commands for ``household``, about half of them admissible in its state at that time.

    Admissible ones are drawn by verb first, so that rare verbs come up. The others name things and receptacles at random, or spell an
    admissible command wrongly.
    """
    for _ in range(steps):
        by_verb = defaultdict(list)
        for command in household.admissible():
            by_verb[command.split(" ", 1)[0]].append(command)
        admissible = rng.choice(by_verb[rng.choice(sorted(by_verb))])
        if rng.random() < 0.5:
            yield admissible
        else:
            yield _strange(game, admissible, rng)


_PATTERNS = (
    "go to {r}", "open {r}", "close {r}", "take {o} from {r}", "move {o} to {r}", "put {o} in/on {r}", "examine {r}", "examine {o}",
    "use {o}", "heat {o} with {r}", "clean {o} with {r}", "cool {o} with {r}", "slice {o} with {o2}", "take {o} from {o2}", "go to {o}",
)  # fmt: skip
_MISSPELLINGS: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.title,
    lambda command: command.replace(" ", "  "),
    lambda command: f"  {command}\n",  # blanks at the ends are forgiven
    lambda command: command[:-1],
    lambda _: "",
)


def _strange(game: Game, admissible: str, rng: random.Random) -> str:
    if rng.random() < 0.2:
        return rng.choice(_MISSPELLINGS)(admissible)
    receptacle, (thing, other) = rng.choice(game.receptacles), rng.choices(game.things, k=2)
    return rng.choice(_PATTERNS).format(r=receptacle.name, o=thing.name, o2=other.name)
