"""A small world, laws for it, and a sandbox that answers what a test tells it to: nothing is run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from agentwm import RuleStore, parse_rule
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.laws import Answer, Law, parse_law
from agentwm.rules.sandbox import Sandbox
from agentwm.rules.store import Record
from agentwm.types import (
    Action,
    ActionSchema,
    Fluent,
    FluentSchema,
    Outcome,
    Prediction,
    Query,
    State,
    Value,
    Vocabulary,
)

WOOD, TABLE, FISH, FOOD, SINCE, AT = map(Fluent, ("wood", "table", "fish", "food", "since_food", "at"))
WORDS = Vocabulary(
    {
        schema.name: schema
        for schema in (
            *(FluentSchema(name, (), "number") for name in ("wood", "table", "fish", "food")),
            FluentSchema("since_food", (), "number", counts_since="food"),
            FluentSchema("at", (), "place"),
            FluentSchema("kind", ("place",), "kind", static=True),
        )
    },
    {verb: ActionSchema(verb, (), verb) for verb in ("craft", "wait")},
    reports_failure=False,
)
FAILING = replace(WORDS, reports_failure=True)
MEADOW: dict[Fluent, Value] = {WOOD: 5, TABLE: 0, AT: "meadow", Fluent("kind", ("hut",)): "home"}
CRAFT, WAIT = Query(MEADOW, Action("craft")), Query(MEADOW, Action("wait"))

GROWS = parse_rule("craft then 1.00 success: table() grows by 1")
SHRINKS = parse_rule("craft then 1.00 success: wood() falls by 1")
PAYS = parse_rule('any action leading to kind(at()) is "home" then 1.00 success: reward 1, the end')


def law(number: int = 0, *, says: str = "return {}") -> Law:
    """Return a law of its own for every ``number`` and for whatever it ``says``, which is what its ``effect`` does."""
    return parse_law(
        f'"""Law number {number}."""\n\ndef precondition(state, action):\n    return action["verb"] == "craft"\n\n'
        f"def effect(state, action):\n    {says}\n"
    )


@dataclass
class Scripted:
    """Answers for the laws given, by number as `law` numbers them; counts how often it was asked, and how often it was closed."""

    script: dict[str, Callable[[Query], Answer]]
    name: str = "scripted"
    runs: list[tuple[int, int]] = field(default_factory=list)
    closed: int = 0

    def run(self, laws: Sequence[Law], queries: Sequence[Query], *, seed: int = 0) -> list[list[Answer]]:
        assert not seed
        assert not self.closed
        self.runs.append((len(laws), len(queries)))
        return [[self.script[each.id](query) for query in queries] for each in laws]

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def saying(*answers_of_laws: Answer | Callable[[Query], Answer]) -> Scripted:
    """Return a sandbox in which law number n answers the n-th of these, to ``craft``, or what it returns."""

    def one(answer: Answer | Callable[[Query], Answer]) -> Callable[[Query], Answer]:
        if callable(answer):
            return answer
        return lambda query: answer if query.action.verb == "craft" else None

    return Scripted({law(number).id: one(answer) for number, answer in enumerate(answers_of_laws)})


def sure(changes: State, **rest: float | bool) -> tuple[Outcome, ...]:
    return (Outcome(1.0, changes, **rest),)  # type: ignore[arg-type]


def holding(rules: dict[str, int], *supports: int) -> RuleStore:
    """Return a store of rules, and of one law per number, each with so many transitions for it."""
    parsed = {parse_rule(text): count for text, count in rules.items()}
    laws = tuple(law(number) for number in range(len(supports)))
    records = {rule.id: Record(supports=count) for rule, count in parsed.items()}
    records |= {each.id: Record(supports=count) for each, count in zip(laws, supports, strict=True)}
    return RuleStore(tuple(parsed), records, laws=laws)


def said(store: RuleStore, sandbox: Sandbox, query: Query = CRAFT, *, words: Vocabulary = WORDS) -> Prediction:
    (prediction,) = AlignedModel.symbolic(store, words, sandbox=sandbox).predict([query])
    return prediction
