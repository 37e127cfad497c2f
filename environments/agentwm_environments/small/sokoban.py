"""Sokoban in small rooms of our own: push boxes, one at a time, until there is one on every goal."""

import random
from collections.abc import Mapping, Sequence
from functools import cache, partial

from agentwm.types import (
    Action,
    EnvironmentOptions,
    EnvironmentSpec,
    Fluent,
    FluentSchema,
    Goal,
    Outcome,
    Reference,
    State,
    Value,
    Vocabulary,
)
from agentwm_environments.cells import cell
from agentwm_environments.tasks import settle

from .sokoban_levels import MOVES, Cell, Level, draw_level, fingerprint, solve
from .toy_text import schemas
from .truth import after, check, lived, spread
from .world import AT, SORTS, SmallWorld, entity

__all__ = ["SPEC", "TRUE_RULES", "VOCABULARY", "SokobanEnvironment", "facts_of", "level_of", "level_of_task", "make"]

_MOST_BOXES = 3


# --- what can be said -------------------------------------------------------------------------------------------


def _box(name: str) -> Fluent:
    return Fluent("box", (name,))


@cache
def _box_at(name: str, down: int, right: int) -> Fluent | None:
    """Return the fluent of a box on the cell so far from the one called ``name``, None for what is no name of a cell."""
    match name.split(" "):
        case ["cell", row, column]:
            return _box(cell(int(row) + down, int(column) + right))
    return None


def _beside(state: State, args: tuple[str, ...], *, step: Cell) -> str | None:
    """Return the next cell, None where there is a wall."""
    box = _box_at(args[0], *step)
    return box.args[0] if box in state else None  # type: ignore[union-attr]  # None is in no state


def _beyond(state: State, args: tuple[str, ...], *, step: Cell) -> str | None:
    """Return the next cell but one, None where one of the two is a wall."""
    near = _beside(state, args, step=step)
    return None if near is None else _beside(state, (near,), step=step)


def _uncovered(state: State, _args: tuple[str, ...]) -> Value:
    """Return how many goals hold no box, None where no goal is known of."""
    goals = [fluent.args[0] for fluent, value in state.items() if value == "goal" and fluent.name == "kind"]
    return sum(not state.get(_box(goal)) for goal in goals) if goals else None


VOCABULARY = Vocabulary(
    {
        schema.name: schema
        for schema in (
            *SORTS,
            FluentSchema(AT.name, (), "cell"),
            FluentSchema("box", ("cell",), "bool"),
            *(
                FluentSchema(name.format(verb), ("cell",), "cell", derive=partial(derive, step=step), is_reference=True)
                for name, derive in (("{}", _beside), ("beyond_{}", _beyond))
                for verb, step in MOVES.items()
            ),
            FluentSchema("uncovered", (), "number", derive=_uncovered),
        )
    },
    schemas(list(MOVES)),
    reports_failure=False,
)


TRUE_RULES = """\
up when box(up(at())) is false then 1.00 success: at() becomes up(at())
down when box(down(at())) is false then 1.00 success: at() becomes down(at())
left when box(left(at())) is false then 1.00 success: at() becomes left(at())
right when box(right(at())) is false then 1.00 success: at() becomes right(at())
up when box(up(at())) is true and box(beyond_up(at())) is false \
then 1.00 success: at() becomes up(at()), box(up(at())) becomes false, box(beyond_up(at())) becomes true
down when box(down(at())) is true and box(beyond_down(at())) is false \
then 1.00 success: at() becomes down(at()), box(down(at())) becomes false, box(beyond_down(at())) becomes true
left when box(left(at())) is true and box(beyond_left(at())) is false \
then 1.00 success: at() becomes left(at()), box(left(at())) becomes false, box(beyond_left(at())) becomes true
right when box(right(at())) is true and box(beyond_right(at())) is false \
then 1.00 success: at() becomes right(at()), box(right(at())) becomes false, box(beyond_right(at())) becomes true
any action leading to uncovered() is 0 then 1.00 success: reward 1, the end
"""
"""The truth as rules, one a line. What is said of a cell is silent where there is a wall, so nothing moves into one."""


# --- levels as tasks --------------------------------------------------------------------------------------------


def level_of_task(task: str) -> Level:
    """Return the level that ``task`` is the name of, with up to three boxes.

    Levels with an even fingerprint are for tasks that begin with ``train``, those with an odd one for all others. So no level of the
    one is of the other, be it mirrored, turned or begun elsewhere.
    """
    rng = random.Random(f"sokoban level {task}")
    boxes = rng.randint(1, _MOST_BOXES)
    while True:
        level = draw_level(rng, boxes)
        if (int(fingerprint(level), 16) % 2 == 0) == task.startswith("train"):
            return level


def facts_of(level: Level) -> State:
    """Return the state in which ``level`` is."""
    facts: dict[Fluent, Value] = {AT: cell(*level.player)}
    for place in sorted(level.floor):
        facts |= entity(cell(*place), "cell", "goal" if place in level.goals else "floor")
        facts[_box(cell(*place))] = place in level.boxes
    return facts


def level_of(state: State) -> Level:
    """Return the level that is in ``state``, so that it can be solved from there."""
    holds = {_place(fluent.args[0]): value for fluent, value in state.items() if fluent.name == "box"}
    goals = (_place(fluent.args[0]) for fluent, value in state.items() if fluent.name == "kind" and value == "goal")
    boxes = (place for place, is_held in holds.items() if is_held)
    return Level(frozenset(holds), frozenset(goals), frozenset(boxes), _place(str(state[AT])))


def _place(name: str) -> Cell:
    _, row, column = name.split(" ")
    return int(row), int(column)


# --- the environment --------------------------------------------------------------------------------------------


class SokobanEnvironment(SmallWorld):
    """Plays a small level of Sokoban; each task is the seed of one.

    The reward is 1 once every goal holds a box, which ends the episode. The walls are in the references alone: where there is one, there
    is no neighbour.
    """

    name = "sokoban"

    def __init__(
        self, tasks: Sequence[str], *, admissible: bool = False, about: Mapping[str, str | int] | None = None
    ) -> None:
        super().__init__(tasks, VOCABULARY, admissible=admissible, about=about)

    @property
    def goal(self) -> Goal:
        """Cover the goals."""
        return Goal("push a box onto every goal")

    def task_type(self, task: str) -> str:
        """Return how many boxes there are."""
        boxes = len(level_of_task(task).boxes)
        return "1 box" if boxes == 1 else f"{boxes} boxes"

    def reference(self, task: str, *, seed: int = 0) -> Reference | None:  # noqa: ARG002 -- there is no chance in it
        """Return how few moves the level of ``task`` can be solved in; see `Referenced`."""
        solution = solve(level_of_task(task))
        return None if solution is None else Reference("shortest solution", steps=len(solution), reward=1.0)

    def truth(self, state: State, action: Action) -> tuple[Outcome, ...]:
        """Return what ``action`` does, which is always one outcome; see `KnownWorld`."""
        changes = _moved(state, MOVES[action.verb])
        is_won = len(changes) > 1 and _uncovered(after(state, Outcome(1.0, changes)), ()) == 0
        return (Outcome(1.0, changes, reward=float(is_won), terminated=is_won),)

    def states(self, rng: random.Random, number: int) -> list[State]:
        """Return states to compare on, from play that begins somewhere on the way to the end; see `KnownWorld`."""
        steps = _STEPS_FOR_STATES + _STEPS_PER_STATE * number
        return spread(self, lived(self, lambda: self._midway(rng), rng, steps=steps), rng, number)

    def _midway(self, rng: random.Random) -> State:
        """Return a state on the shortest way through one of the tasks."""
        level = level_of_task(rng.choice(self._tasks))
        state = facts_of(level)
        solution = solve(level) or ()
        for action in solution[: rng.randrange(len(solution))]:
            state = after(state, self.truth(state, action)[0])
        return state

    def _begin(self, task: str) -> State:
        return facts_of(level_of_task(task))

    def _describe(self, state: State) -> str:
        boxes = [fluent.args[0] for fluent, value in state.items() if fluent.name == "box" and value]
        goals = [fluent.args[0] for fluent, value in state.items() if fluent.name == "kind" and value == "goal"]
        return f"You are at {state[AT]}. Boxes: {', '.join(boxes)}. Goals: {', '.join(goals)}."


_STEPS_FOR_STATES = 2000
_STEPS_PER_STATE = 10


def _moved(state: State, step: Cell) -> dict[Fluent, Value]:
    """Return what changes where the player goes a ``step``, and pushes what stands there."""
    here = (str(state[AT]),)
    near, far = _beside(state, here, step=step), _beyond(state, here, step=step)
    if near is None:
        return {}
    if not state[_box(near)]:
        return {AT: near}
    if far is None or state[_box(far)]:
        return {}
    return {AT: near, _box(near): False, _box(far): True}


def make(options: EnvironmentOptions) -> SokobanEnvironment:
    """Return the environment that ``options`` asks for.

    Raises: ConfigurationError for what cannot be.
    """
    _, tasks, about = settle(options, SPEC)
    return SokobanEnvironment(tasks, admissible=options.admissible, about=about)


SPEC = EnvironmentSpec(
    name="sokoban",
    summary="push boxes onto goals in small rooms",
    splits=("test", "train"),
    engines=("fast",),
    make=make,
    true_rules=TRUE_RULES.splitlines,
    check=lambda: check(make(EnvironmentOptions(count=1))),
    learn=50,
    learning_steps=60,
    max_steps=100,
)
