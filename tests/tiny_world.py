"""A tiny world to ask one thing at a time: four fluents, two verbs, and whatever law a test gives it."""

import random
from collections.abc import Callable, Iterator

from agentwm import Action, Fluent, State
from agentwm.induction.credit import Example
from agentwm.types import ActionSchema, FluentSchema, Value, Vocabulary

Law = Callable[[State, Action, random.Random], dict[Fluent, Value]]

WARM, WET, WOOD, AT = Fluent("warm"), Fluent("wet"), Fluent("wood"), Fluent("at")
WEST = {"b": "a", "c": "b"}
WORDS = Vocabulary(
    {
        schema.name: schema
        for schema in (
            FluentSchema("warm", (), "bool"),
            FluentSchema("wet", (), "bool"),
            FluentSchema("wood", (), "number"),
            FluentSchema("at", (), "cell"),
            FluentSchema("west", ("cell",), "cell", derive=lambda _, args: WEST.get(args[0]), is_reference=True),
            FluentSchema("kind", ("cell",), "kind", static=True),
            FluentSchema("sort", ("any",), "sort", static=True),
        )
    },
    {verb: ActionSchema(verb, (), verb) for verb in ("act", "wait")},
    reports_failure=False,
)
CELLS: dict[Fluent, Value] = {
    **{Fluent("sort", (cell,)): "cell" for cell in "abc"},
    **{Fluent("kind", (cell,)): kind for cell, kind in zip("abc", ("ice", "ice", "hole"), strict=True)},
}


def situation(rng: random.Random) -> dict[Fluent, Value]:
    return {
        **CELLS,
        WARM: rng.random() < 0.5,
        WET: rng.random() < 0.5,
        WOOD: rng.randrange(6),
        AT: rng.choice("abc"),
    }


def seen(law: Law, number: int, *, seed: int = 0, noise: float = 0.0) -> Iterator[Example]:
    rng = random.Random(seed)
    for _ in range(number):
        before, action = situation(rng), Action(rng.choice(("act", "wait")))
        after = {**before, **(law(before, action, rng) if action.verb == "act" else {})}
        if rng.random() < noise:
            after[rng.choice((WARM, WET))] = rng.random() < 0.5
            after[WOOD] = rng.randrange(6)
        yield example(before, action, after)


def example(before: State, action: Action, after: State, *, reward: float = 0.0, ended: bool = False) -> Example:
    changed = {fluent: value for fluent, value in after.items() if before[fluent] != value}
    return Example(before, action, succeeded=True, changed=changed, settled=after, reward=reward, ended=ended)
