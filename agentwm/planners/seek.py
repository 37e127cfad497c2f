"""The shortest way to what pays, or to where there is something to be seen: a search through states that were never met, one by one.

For worlds that answer every action. Where nothing that pays is within reach of what is known, the next best is to look at what is not:
a state in which a reference, such as the cell ahead, leads to a thing of which nothing was ever told.

Source: breadth-first search over the learned model; looking at the nearest thing unknown as in frontier-based exploration (Yamauchi,
1997).
"""

from collections.abc import Callable, Collection, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from agentwm.induction.features import reference_terms
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import Foreseen, Future, Outlook
from agentwm.planners.walks import Way, actions_of
from agentwm.rules.index import compiled
from agentwm.types import Action, Fluent, Ref, State, Value, Vocabulary

__all__ = ["Found", "hoped", "seek", "strangers"]

AT_FIRST = 3_000  # questions to the world model after which not every state is looked at any more: as much as half a second's thought
SOME = 60_000  # those after which it is again: what a narrower pass does not find by then lies where it does not look
MOST_CALLS = 250_000  # and those after which nothing more is looked for: half a minute or so
PATIENCE = 8_000  # those after which nothing that pays is looked for, where there is something to look at, which may tell of it
COMMITMENT = 10  # steps of walking that are looked at before a step that changes a thing: one crosses a room in as many

BROAD, NARROW, STRAIGHT = "broad", "narrow", "straight"
"""How much a pass of the search takes in.

Broad: everything, the nearest first; it finds what is near, however odd the way. Straight: after a thing was changed only what leads to
places that were not come to before: a door that was opened, a box that was pushed aside; it goes far at little cost, and first, for it
fails soon. Narrow: of what changes things only what is new: what is carried about makes as many states as there are cells to drop it in.
"""

_Node = tuple[int, int, int, State, int, Way | None]
"""A state to go on from: its cost, a tie-break, how deep it is, in what it differs from the present one, its key and the way to it."""


class Found(NamedTuple):
    """A way, and whether it ends where something pays; else it ends before something unknown."""

    actions: tuple[Action, ...]
    pays: bool


def strangers(vocabulary: Vocabulary) -> Callable[[State], Iterator[str]]:
    """Return a function from a state to the names of what is referred to in it and of which nothing was ever told."""
    ways = [
        compiled(term, (), vocabulary)
        for term, _ in reference_terms((), (), vocabulary)
        if isinstance(term, Ref) and vocabulary.fluents[term.name].is_reference
    ]

    def unknown(state: State) -> Iterator[str]:
        for way in ways:
            name = way((), state)
            if isinstance(name, str) and Fluent("sort", (name,)) not in state:
                yield name

    return unknown


def seek(
    outlook: Outlook,
    unknown: Callable[[State], Iterator[str]],
    *,
    in_vain: Collection[int] = (),
    seen: Collection[str] = (),
    pays: bool = True,
    most_calls: int = MOST_CALLS,
) -> Found | None:
    """Return the shortest way to what pays, else to what is ``unknown``; None where neither is found.

    States whose key is ``in_vain`` are known not to pay, whatever the model says; the things in ``seen`` are not worth a look.
    Where nothing ``pays`` that is known of, what is unknown is all that is looked for. A way that is long is not surely the shortest one.
    """
    search = _Search(outlook, unknown, in_vain, seen, pays=pays)
    with until_spent:
        for limit, width in ((AT_FIRST, BROAD), (SOME, STRAIGHT), (SOME, NARROW), (most_calls, BROAD)):
            found = search.run(min(limit, most_calls), width)
            if found is not None or search.is_over:
                return found or search.look
    return search.look


class _Search:
    """Searches forward from the present state, several times over; what was foreseen once is not asked again."""

    def __init__(
        self,
        outlook: Outlook,
        unknown: Callable[[State], Iterator[str]],
        in_vain: Collection[int],
        seen: Collection[str],
        *,
        pays: bool,
    ) -> None:
        self._outlook = outlook
        self._unknown = unknown
        self._in_vain = in_vain
        self._seen = seen
        self._pays = pays
        self.look: Found | None = None
        self.is_over = False

    def run(self, limit: int, width: str) -> Found | None:
        """Return a way, None where none to what pays is found in ``limit`` questions, asked before or now.

        A narrow pass leaves out states that were come to by changing things, unless a thing is there as none was before; and it walks a
        while before it changes anything. A straight one leaves out, besides, where it was before things were changed: what was changed must
        have opened a way.
        """
        outlook, root = self._outlook, self._outlook.state
        tie = count()
        frontier: list[_Node] = [(0, 0, 0, {}, outlook.key, None)]
        met = {outlook.key}
        done: set[tuple[Fluent, Value]] = set()
        paths = _Paths(root)
        asked = 0
        while frontier:
            cost, _, depth, changed, key, way = heappop(frontier)
            if max(asked, outlook.calls) > (limit if self.look is None else min(limit, PATIENCE)):
                self.is_over = self.look is not None and width == NARROW
                return None
            state = {**root, **changed}
            if way is not None and self._shows_more(state, way) and not self._pays:
                return self.look
            if depth == outlook.parts.budget.depth:
                continue
            for future, longer in self._futures(state, key, way):
                asked += 1
                arrived = outlook.key_after(state, key, future.changes)
                if future.reward > 0 and arrived not in self._in_vain:
                    return Found(actions_of(longer), pays=True)
                if future.is_end or arrived in met:
                    continue
                met.add(arrived)
                price = 1 if width == BROAD else _price(future, done)
                there = {**changed, **future.changes}
                if price is not None and (width != STRAIGHT or paths.leads_on(there, future.changes)):
                    heappush(frontier, (cost + price, next(tie), depth + 1, there, arrived, longer))
        self.is_over = width == BROAD
        return None

    def _futures(self, state: State, key: int, way: Way | None) -> Iterator[tuple[Future, Way]]:
        actions = self._outlook.actions(state, key)
        foreseen = self._outlook.foresee([(state, key, action) for action in actions])
        for action, each in zip(actions, foreseen, strict=False):
            yield hoped(each, state), (action, way)

    def _shows_more(self, state: State, way: Way) -> bool:
        """Whether there is something unknown in ``state``; the first ``way`` to such a state is kept."""
        if self.look is None and any(name not in self._seen for name in self._unknown(state)):
            self.look = Found(actions_of(way), pays=False)
        return self.look is not None


class _Paths:
    """Where was walked to in one pass, and whether a step leads on: things were changed by it, or never, or it comes to a new place."""

    def __init__(self, root: State) -> None:
        self._root = root
        self._walked: list[Fluent] = []
        self._places: set[tuple[Value, ...]] = set()

    def leads_on(self, changed: State, latest: State) -> bool:
        """Whether to go on from where ``changed`` differs from the beginning, ``latest`` of it by the last step."""
        if any(fluent.args for fluent in latest):
            return True
        for fluent in latest:
            if fluent not in self._walked:
                self._walked.append(fluent)
                self._places = {(*place, self._root.get(fluent)) for place in self._places}
        place = tuple(changed.get(fluent, self._root.get(fluent)) for fluent in self._walked)
        is_new = place not in self._places
        self._places.add(place)
        return is_new or not any(fluent.args for fluent in changed)


def _price(future: Future, done: set[tuple[Fluent, Value]]) -> int | None:
    """Return what a step costs a narrow search, None where it only does with things what was ``done`` already."""
    changes = {each for each in future.changes.items() if each[0].args}
    if not changes:
        return 1
    if changes <= done:
        return None
    done |= changes
    return 1 + COMMITMENT


def hoped(foreseen: Foreseen, state: State) -> Future:
    """Return what is likeliest to happen, or if that is nothing, what is likeliest beside it."""
    if len(foreseen.futures) == 1:
        return foreseen.futures[0]
    ranked = sorted(foreseen.futures, key=lambda future: -future.probability)
    moving = (each for each in ranked if any(state.get(f) != value for f, value in each.changes.items()))
    return next(moving, ranked[0])
