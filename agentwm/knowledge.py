"""Where things are found: which kinds of thing in which kinds of place, and which kinds of place are shut.

This is knowledge of how worlds are furnished, not of how they work, so it is kept beside the rules and never in one. It is
counted at the first full look into each place of an episode, before the agent has moved things about.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from agentwm.types import Fluent, State, Trajectory, Transition, Vocabulary

__all__ = ["Knowledge", "learn"]

# The shape of the gamma prior on how many things of a kind a place holds, and the looks that the average fullness weighs.
# Chosen on train games, DECISIONS 8.
PRIOR_SHAPE = 2.0
PRIOR_LOOKS = 2.0


class Knowledge(BaseModel):
    """Counts of what was found where.

    ``looks`` counts first full looks per kind of place, and ``exposure`` the same looks, each divided by the square root of how many
    places of that kind the room has: where there are more of them, each holds less. ``found`` counts things, by kind of thing, then kind
    of place; ``shut`` counts places, by kind, as (found shut, arrived at).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    looks: dict[str, int] = {}
    exposure: dict[str, float] = {}
    found: dict[str, dict[str, int]] = {}
    shut: dict[str, tuple[int, int]] = {}

    def expected(self, thing: str, place: str, *, among: int = 1) -> float:
        """Return the expected number of things of kind ``thing`` in one of ``among`` places of kind ``place`` in a room.

        A Poisson rate with a gamma prior whose mean is the rate over all places, scaled by how full this kind of place is.
        """
        everywhere = self.found.get(thing, {})
        kinds = max(1, len(self.found))
        common = (sum(everywhere.values()) + 1 / kinds) / (self._exposed + 1)
        prior = common * self._fullness(place)
        rate = (everywhere.get(place, 0) + PRIOR_SHAPE) / (self.exposure.get(place, 0) + PRIOR_SHAPE / prior)
        return rate / math.sqrt(among)

    def chance(self, thing: str, place: str, *, among: int = 1) -> float:
        """Return the probability (0 to 1) that at least one ``thing`` is in one of ``among`` places of this kind in a room."""
        return 1 - math.exp(-self.expected(thing, place, among=among))

    def shut_chance(self, place: str) -> float:
        """Return the probability (0 to 1) that a place of this kind is found shut."""
        shut, arrived = self.shut.get(place, (0, 0))
        return (shut + 0.3) / (arrived + 1)

    def plus(self, other: "Knowledge") -> "Knowledge":
        """Return the counts of both together."""
        kinds = sorted({*self.found, *other.found})
        return Knowledge(
            looks=_sum(self.looks, other.looks),
            exposure=_sum(self.exposure, other.exposure),
            found={kind: _sum(self.found.get(kind, {}), other.found.get(kind, {})) for kind in kinds},
            shut={
                kind: (mine[0] + theirs[0], mine[1] + theirs[1])
                for kind in sorted({*self.shut, *other.shut})
                for mine, theirs in [(self.shut.get(kind, (0, 0)), other.shut.get(kind, (0, 0)))]
            },
        )

    def _fullness(self, place: str) -> float:
        """Return how many things a place of this kind holds, as a multiple of the average place."""
        average = (self._held.total() + 1) / (self._exposed + 1)
        return (self._held[place] + PRIOR_LOOKS * average) / (self.exposure.get(place, 0) + PRIOR_LOOKS) / average

    @cached_property
    def _held(self) -> Counter[str]:
        """How many things were found, per kind of place."""
        return sum(map(Counter, self.found.values()), Counter())

    @cached_property
    def _exposed(self) -> float:
        return sum(self.exposure.values())


Number = TypeVar("Number", int, float)


def _sum(mine: Mapping[str, Number], theirs: Mapping[str, Number]) -> dict[str, Number]:
    return {kind: mine.get(kind, 0) + theirs.get(kind, 0) for kind in sorted({*mine, *theirs})}


def learn(trajectories: Iterable[Trajectory], vocabulary: Vocabulary) -> Knowledge:
    """Return what the trajectories show of where things are found."""
    looks: Counter[str] = Counter()
    exposure: dict[str, float] = {}
    found: dict[str, Counter[str]] = {}
    shut: dict[str, list[int]] = {}
    if vocabulary.location is None or vocabulary.explored is None:
        return Knowledge()
    for trajectory in trajectories:
        _count(trajectory, vocabulary, looks, exposure, found, shut)
    return Knowledge(
        looks=dict(sorted(looks.items())),
        exposure=dict(sorted(exposure.items())),
        found={kind: dict(sorted(places.items())) for kind, places in sorted(found.items())},
        shut={kind: (counts[0], counts[1]) for kind, counts in sorted(shut.items())},
    )


def _count(
    trajectory: Trajectory,
    vocabulary: Vocabulary,
    looks: Counter[str],
    exposure: dict[str, float],
    found: dict[str, Counter[str]],
    shut: dict[str, list[int]],
) -> None:
    explored, location = str(vocabulary.explored), str(vocabulary.location)
    arrived: set[str] = set()
    moved: set[str] = set()
    for transition in trajectory.transitions:
        after = transition.after
        for fluent in transition.changed:
            if fluent.name == location:
                moved.add(fluent.args[0])
            if fluent.name == explored and transition.before.get(fluent) is not True:
                place = fluent.args[0]
                where = _kind(place, after)
                looks[where] += 1
                exposure[where] = exposure.get(where, 0) + 1 / math.sqrt(_number(where, after))
                for thing in _things_in(place, location, after):
                    if thing not in moved:
                        found.setdefault(_kind(thing, after), Counter())[where] += 1
        for place in _places(transition, explored, vocabulary) - arrived:
            arrived.add(place)
            counts = shut.setdefault(_kind(place, after), [0, 0])
            counts[0] += after.get(Fluent(explored, (place,))) is not True
            counts[1] += 1


def _places(transition: Transition, explored: str, vocabulary: Vocabulary) -> set[str]:
    """Return the places that this action reached, if it succeeded."""
    schema = vocabulary.actions.get(transition.action.verb)
    if schema is None or not transition.succeeded:
        return set()
    sorts = vocabulary.fluents[explored].parameters[0].split("|")
    return {arg for arg, of_sort in zip(transition.action.args, schema.parameters, strict=True) if of_sort in sorts}


def _things_in(place: str, location: str, state: State) -> list[str]:
    return [fluent.args[0] for fluent, value in state.items() if fluent.name == location and value == place]


def _number(kind: str, state: State) -> int:
    return sum(fluent.name == "kind" and value == kind for fluent, value in state.items())


def _kind(name: str, state: State) -> str:
    return str(state.get(Fluent("kind", (name,)), ""))
