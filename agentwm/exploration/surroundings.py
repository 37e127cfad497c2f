"""What is around the agent: what it has at hand, what lies where it is, and what commands that makes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from agentwm.exploration.pursuit import tells_where
from agentwm.types import Action, ActionSchema, Fluent, State, Value, Vocabulary

__all__ = ["Surroundings", "commands"]


class Surroundings:
    """Tells from a state what is near."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def situation(self, state: State) -> dict[Fluent, Value]:
        """Return what is so of the agent, and what is where only the agent itself is: what it carries, where no hand is spoken of."""
        schemas = self._vocabulary.fluents
        own = {v for f, v in state.items() if not f.args and f.name in schemas and schemas[f.name].static}
        return {f: v for f, v in state.items() if not f.args or (v in own and tells_where(f, self._vocabulary))}

    def near(self, state: State) -> set[str]:
        """Return what the fluents without arguments name, what shares its place, and what lies there."""
        named = {value for fluent, value in state.items() if not fluent.args and isinstance(value, str)}
        statics = [f for f in state if len(f.args) == 1 and self._is_shared_place(f)]
        places = {state[f] for f in statics if f.args[0] in named}
        named |= {f.args[0] for f in statics if state[f] in places}
        return named | {f.args[0] for f, value in state.items() if tells_where(f, self._vocabulary) and value in named}

    def _is_shared_place(self, fluent: Fluent) -> bool:
        schema = self._vocabulary.fluents.get(fluent.name)
        return schema is not None and schema.static and schema.value not in ("kind", "sort")


def commands(schema: ActionSchema, by_sort: Mapping[str, Sequence[str]]) -> Iterator[Action]:
    """Yield what ``schema`` can be done with, all of its arguments different."""
    everything = [thing for things in by_sort.values() for thing in things]
    choices = [everything if sort == "any" else by_sort.get(sort, []) for sort in schema.parameters]
    for args in product(*choices):
        if len(set(args)) == len(args):
            yield Action(schema.verb, args)
