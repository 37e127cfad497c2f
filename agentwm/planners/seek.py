"""The shortest way to what pays, or to where there is something to be seen: a search through states that were never met, one by one.

For worlds that answer every action. Where nothing that pays is within reach of what is known, the next best is to look at what is not:
a state in which a reference, such as the cell ahead, leads to a thing of which nothing was ever told.

Source: breadth-first search over the learned model; looking at the nearest thing unknown as in frontier-based exploration (Yamauchi,
1997).
"""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from agentwm.induction.features import reference_terms
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import Foreseen, Future, Outlook
from agentwm.rules.index import compiled
from agentwm.types import Action, Fluent, Ref, State, Vocabulary

__all__ = ["Found", "seek", "strangers"]

MOST_CALLS = 250_000  # questions to the world model after which it gives up
PATIENCE = 12_000  # questions more for what pays, once there is something to look at

Way = tuple[Action, "Way | None"]


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
    Where nothing ``pays`` that is known of, what is unknown is all that is looked for.
    """
    frontier: list[tuple[State, int, Way | None, int]] = [(outlook.state, outlook.key, None, 0)]
    met = {outlook.key}
    depth_limit = outlook.parts.budget.depth
    look: Way | None = None
    with until_spent:
        for state, key, way, depth in frontier:
            if outlook.calls > most_calls:
                break
            if depth == depth_limit:
                continue
            actions = outlook.actions(state, key)
            for action, foreseen in zip(actions, outlook.foresee([(state, key, a) for a in actions]), strict=False):
                future = _hoped(foreseen, state)
                there, arrived = outlook.after(state, key, future.changes)
                longer = action, way
                if future.reward > 0 and arrived not in in_vain:
                    return Found(_actions(longer), pays=True)
                if future.is_end or arrived in met:
                    continue
                met.add(arrived)
                frontier.append((there, arrived, longer, depth + 1))
                if look is None and any(name not in seen for name in unknown(there)):
                    look = longer
                    if not pays:
                        return Found(_actions(look), pays=False)
                    most_calls = min(most_calls, outlook.calls + PATIENCE)
    return None if look is None else Found(_actions(look), pays=False)


def _hoped(foreseen: Foreseen, state: State) -> Future:
    """Return what is likeliest to happen, or if that is nothing, what is likeliest beside it."""
    ranked = sorted(foreseen.futures, key=lambda future: -future.probability)
    moving = (each for each in ranked if any(state.get(f) != value for f, value in each.changes.items()))
    return ranked[0] if len(ranked) == 1 else next(moving, ranked[0])


def _actions(way: Way | None) -> tuple[Action, ...]:
    actions: list[Action] = []
    while way is not None:
        action, way = way
        actions.append(action)
    return tuple(reversed(actions))
