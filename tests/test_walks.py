"""Walks: the shortest one is found, and the world model is asked about a step again only when something has changed that matters to it."""

from collections.abc import Sequence

import pytest

from agentwm.models.rule_model import AlignedModel
from agentwm.planners.walks import MOST_PLACES, Walks, actions_of, places_of
from agentwm.rules.store import RuleStore
from agentwm.types import Action, Fluent, Prediction, Query, State, WorldModel
from tests.dark_house import AT, HANDLING, HELD, WALKING, WORDS, cell, seen, verbs

ROOM = ["..#", "#.k"]


class Counting:
    """A model that counts what it is asked."""

    def __init__(self, model: WorldModel) -> None:
        self._model = model
        self.asked = 0

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        self.asked += len(queries)
        return list(self._model.predict(queries))


class Walker:
    """Walks in a house whose rules are given."""

    def __init__(self, *rules: str) -> None:
        store = RuleStore.certain([*WALKING, *HANDLING, *rules])
        self.model = Counting(AlignedModel.symbolic(store, WORDS))
        self.walks = Walks(store.rules, places_of(store.rules, WORDS), WORDS)

    def to(self, state: State, where: str, *, most_calls: int = 10_000) -> list[Action] | None:
        """Return the walk to a cell, as a decision of its own."""
        self.walks.begin(self.model, state, most_calls=most_calls)
        return self.walks.to(state, {}, lambda there: there[AT] == where)


def test_the_shortest_walk_is_found_and_none_where_there_is_none() -> None:
    walker = Walker()
    assert verbs(walker.to(seen(ROOM), cell(1, 2)) or ()) == ["east", "south", "east"]
    assert walker.to(seen(["..#", "##k"]), cell(1, 2)) is None


def test_what_was_asked_in_an_earlier_decision_is_not_asked_again() -> None:
    walker = Walker()
    first = walker.to(seen(ROOM), cell(1, 2))
    asked = walker.model.asked
    assert asked
    assert walker.to({**seen(ROOM), HELD: "ball"}, cell(1, 2)) == first
    assert walker.model.asked == asked


def test_a_step_is_asked_about_again_once_what_lies_there_has_changed() -> None:
    walker = Walker()
    walker.to(seen(ROOM), cell(1, 2))
    asked = walker.model.asked
    barred = {**seen(ROOM), Fluent("object", (cell(1, 1),)): "wall"}
    assert walker.to(barred, cell(1, 2)) is None
    assert asked < walker.model.asked < 2 * asked + len(WORDS.actions)
    assert walker.to(seen(ROOM), cell(1, 2)) is not None


@pytest.mark.parametrize("ending", ['any action leading to object(at()) is "ball" then 1.00 success: the end'])
def test_an_end_that_lies_in_the_place_come_to_is_not_walked_into_even_if_it_was_harmless_before(ending: str) -> None:
    """What the rule asks is not asked of the place left, so that nothing tells beforehand whether an earlier answer still holds."""
    walker = Walker(ending)
    assert walker.to(seen(ROOM), cell(1, 2)) is not None
    assert walker.to({**seen(ROOM), Fluent("object", (cell(1, 1),)): "ball"}, cell(1, 2)) is None


def test_no_more_is_asked_than_may_be() -> None:
    walker = Walker()
    assert walker.to(seen(["." * 40]), cell(0, 39), most_calls=20) is None
    assert walker.model.asked <= 20 + len(WORDS.actions)


def test_no_more_places_are_looked_at_than_so_many() -> None:
    walker = Walker()
    side = int(MOST_PLACES**0.5) + 5
    assert walker.to(seen(["." * side] * side), cell(side - 1, side - 1), most_calls=10**6) is None


def test_a_way_is_told_from_its_beginning() -> None:
    go, stop = Action("go"), Action("stop")
    assert actions_of((stop, (go, None))) == (go, stop)
    assert actions_of(None) == ()
