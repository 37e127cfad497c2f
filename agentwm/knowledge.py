"""Where things are found: which kinds of thing in which kinds of place, and which kinds of place are shut.

This is knowledge of how worlds are furnished, not of how they work, so it is kept beside the rules and never in one. It is
counted at the first full look into each place of an episode, before the agent has moved things about.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from agentwm.types import Fluent, State, Trajectory, Transition, Vocabulary

__all__ = ["Knowledge", "learn"]

# The shape of the gamma prior on how many things of a kind a place holds, and the looks that the average fullness weighs.
# Chosen on train games, DECISIONS 8.
PRIOR_SHAPE = 2.0
PRIOR_LOOKS = 2.0


class Knowledge(BaseModel):
    """Counts of what was found where.

    ``looks`` counts first full looks per kind of place; ``found`` counts things, by kind of thing, then kind of place;
    ``shut`` counts places, by kind, as (found shut, arrived at).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    looks: dict[str, int] = {}
    found: dict[str, dict[str, int]] = {}
    shut: dict[str, tuple[int, int]] = {}

    def expected(self, thing: str, place: str) -> float:
        """Return the expected number of things of kind ``thing`` in a place of kind ``place``.

        A Poisson rate with a gamma prior whose mean is the rate over all places, scaled by how full this kind of place is.
        """
        everywhere = self.found.get(thing, {})
        kinds = max(1, len(self.found))
        common = (sum(everywhere.values()) + 1 / kinds) / (self._all_looks + 1)
        prior = common * self._fullness(place)
        return (everywhere.get(place, 0) + PRIOR_SHAPE) / (self.looks.get(place, 0) + PRIOR_SHAPE / prior)

    def chance(self, thing: str, place: str) -> float:
        """Return the probability (0 to 1) that at least one ``thing`` is in a place of this kind."""
        return 1 - math.exp(-self.expected(thing, place))

    def shut_chance(self, place: str) -> float:
        """Return the probability (0 to 1) that a place of this kind is found shut."""
        shut, arrived = self.shut.get(place, (0, 0))
        return (shut + 0.3) / (arrived + 1)

    def plus(self, other: "Knowledge") -> "Knowledge":
        """Return the counts of both together."""
        kinds = sorted({*self.found, *other.found})
        return Knowledge(
            looks=_sum(self.looks, other.looks),
            found={kind: _sum(self.found.get(kind, {}), other.found.get(kind, {})) for kind in kinds},
            shut={
                kind: (mine[0] + theirs[0], mine[1] + theirs[1])
                for kind in sorted({*self.shut, *other.shut})
                for mine, theirs in [(self.shut.get(kind, (0, 0)), other.shut.get(kind, (0, 0)))]
            },
        )

    def _fullness(self, place: str) -> float:
        """Return how many things a place of this kind holds, as a multiple of the average place."""
        average = (self._held.total() + 1) / (self._all_looks + 1)
        return (self._held[place] + PRIOR_LOOKS * average) / (self.looks.get(place, 0) + PRIOR_LOOKS) / average

    @cached_property
    def _held(self) -> Counter[str]:
        """How many things were found, per kind of place."""
        return sum(map(Counter, self.found.values()), Counter())

    @cached_property
    def _all_looks(self) -> int:
        return sum(self.looks.values())


def _sum(mine: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    return {kind: mine.get(kind, 0) + theirs.get(kind, 0) for kind in sorted({*mine, *theirs})}


def learn(trajectories: Iterable[Trajectory], vocabulary: Vocabulary) -> Knowledge:
    """Return what the trajectories show of where things are found."""
    looks: Counter[str] = Counter()
    found: dict[str, Counter[str]] = {}
    shut: dict[str, list[int]] = {}
    if vocabulary.location is None or vocabulary.explored is None:
        return Knowledge()
    for trajectory in trajectories:
        _count(trajectory, vocabulary, looks, found, shut)
    return Knowledge(
        looks=dict(sorted(looks.items())),
        found={kind: dict(sorted(places.items())) for kind, places in sorted(found.items())},
        shut={kind: (counts[0], counts[1]) for kind, counts in sorted(shut.items())},
    )


def _count(
    trajectory: Trajectory,
    vocabulary: Vocabulary,
    looks: Counter[str],
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
    sort = vocabulary.fluents[explored].parameters[0]
    return {arg for arg, of_sort in zip(transition.action.args, schema.parameters, strict=True) if of_sort == sort}


def _things_in(place: str, location: str, state: State) -> list[str]:
    return [fluent.args[0] for fluent, value in state.items() if fluent.name == location and value == place]


def _kind(name: str, state: State) -> str:
    return str(state.get(Fluent("kind", (name,)), ""))
