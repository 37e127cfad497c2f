"""A house of square cells that are only known once seen: somebody walks, lifts lids and picks things up, with rules that are given."""

import random
from collections.abc import Iterable, Mapping
from functools import partial

from agentwm.models.rule_model import AlignedModel
from agentwm.planners.symbolic import symbolic_parts
from agentwm.rules.store import RuleStore
from agentwm.types import Action, ActionSchema, Fluent, FluentSchema, PlannerParts, State, Value, Vocabulary

AT, HELD = Fluent("at"), Fluent("held")
STEPS = {"east": (0, 1), "west": (0, -1), "north": (-1, 0), "south": (1, 0)}


def cell(row: int, column: int) -> str:
    return f"cell {row} {column}"


def _beside(_state: State, args: tuple[str, ...], *, step: tuple[int, int]) -> Value:
    row, column = (int(part) for part in args[0].split()[1:])
    return cell(row + step[0], column + step[1])


WORDS = Vocabulary(
    {
        schema.name: schema
        for schema in (
            FluentSchema("sort", ("any",), "sort", static=True),
            FluentSchema("at", (), "cell"),
            FluentSchema("held", (), "kind"),
            FluentSchema("object", ("cell",), "kind"),
            FluentSchema("color", ("cell",), "kind"),
            *(
                FluentSchema(name, ("cell",), "cell", derive=partial(_beside, step=step), is_reference=True)
                for name, step in STEPS.items()
            ),
        )
    },
    {verb: ActionSchema(verb, (), verb) for verb in (*STEPS, "take", "drop")},
    reports_failure=False,
)

WALKING = [f'{way} when object({way}(at())) is not "wall" then 1.00 success: at() becomes {way}(at())' for way in STEPS]
HANDLING = [
    'take when held() is "none" and object(at()) is not "none" then 1.00 success: held() becomes object(at()), object(at()) becomes "none"',
    'drop when object(at()) is "none" then 1.00 success: object(at()) becomes held(), held() becomes "none"',
]
PAYING = ['any action leading to object(at()) is "goal" then 1.00 success: reward 1, the end']


def seen(rows: Iterable[str], *, at: tuple[int, int] = (0, 0), held: str = "none") -> dict[Fluent, Value]:
    """Return the belief in which ``rows`` were seen, a letter a cell; a blank is a cell that nobody has seen."""
    kinds: Mapping[str, str] = {".": "none", "#": "wall", "G": "goal", "k": "key", "b": "ball"}
    facts: dict[Fluent, Value] = {AT: cell(*at), HELD: held}
    for row, line in enumerate(rows):
        for column, letter in enumerate(line):
            if letter != " ":
                facts[Fluent("sort", (cell(row, column),))] = "cell"
                facts[Fluent("object", (cell(row, column),))] = kinds[letter]
    return facts


def parts(*rules: str) -> PlannerParts:
    store = RuleStore.certain(rules)
    return symbolic_parts(store, WORDS, AlignedModel.symbolic(store, WORDS), rng=random.Random(0))


def verbs(actions: Iterable[Action]) -> list[str]:
    return [action.verb for action in actions]


def after(state: State, **facts: Value) -> dict[Fluent, Value]:
    return {**state, **{Fluent(name): value for name, value in facts.items()}}
