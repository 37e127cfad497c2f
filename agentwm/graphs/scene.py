"""What an agent believes of where it is, as a graph: which things there are, what holds between them, what is unexplored."""

from collections.abc import Iterable, Iterator, Mapping

from agentwm.graphs.graph import Edge, Graph, Node
from agentwm.rules.language import format_term
from agentwm.rules.matching import look_up
from agentwm.types import NOT_ENTITIES, Fluent, FluentSchema, State, Value, Vocabulary

__all__ = ["SceneGraph"]

AGENT = "agent"
"""The node that stands for whoever acts: what is said of nothing else is said of it."""

UNEXPLORED = "unexplored"

_CLASSES = ("kind", "sort")


class SceneGraph(Graph):
    """A state of a world.

    Nodes are ``agent`` and the things (``thing:apple 1``), whose sort is the vocabulary's; the notes of a node are its kind, where that
    says more than its name, and what holds of it alone. An edge is a fluent whose value is a thing, or that holds of two things. What is
    known to be false or absent is left out. A place whose contents may not all have been seen is open, and says *unexplored*.
    """

    @classmethod
    def of(cls, state: State, vocabulary: Vocabulary, about: Iterable[str] | None = None) -> "SceneGraph":
        """Return ``state`` as a graph: all of it, or the things named by ``about`` and those they have to do with."""
        schemas = vocabulary.fluents
        sorts = _sorts(state, schemas)
        edges = [edge for fluent, value in state.items() for edge in _edges(fluent, value, schemas)]
        if about is not None:
            edges, sorts = _near({_thing(name) for name in about}, edges, sorts)
        notes: dict[str, list[str]] = {}
        for fluent, value in state.items():
            if note := _note(fluent, value, schemas):
                notes.setdefault(_thing(fluent.args[0]) if fluent.args else AGENT, []).append(note)
        unexplored = {node for node in sorts if _is_unexplored(node, sorts[node], state, vocabulary)}
        for node in unexplored:
            notes.setdefault(node, []).append(UNEXPLORED)
        nodes = [
            Node(node, node.removeprefix("thing:"), sort, tuple(sorted(notes.get(node, ()))), node in unexplored)
            for node, sort in sorted(sorts.items())
        ]
        return cls(tuple(nodes), tuple(sorted(edges, key=lambda e: (e.source, e.target, e.relation, e.detail))))


def _thing(name: str) -> str:
    return f"thing:{name}"


def _is_of_entities(schema: FluentSchema) -> bool:
    return schema.value not in NOT_ENTITIES


def _sorts(state: State, schemas: Mapping[str, FluentSchema]) -> dict[str, str]:
    """Return the sort of every node: what the state says, else what a fluent's schema asks of its place."""
    sorts: dict[str, str] = {}
    for fluent, value in state.items():
        schema = schemas.get(fluent.name)
        if schema is None:
            continue
        if not fluent.args:
            sorts[AGENT] = AGENT
        if fluent.name == "sort":
            sorts[_thing(fluent.args[0])] = str(value)
        for name, sort in zip(fluent.args, schema.parameters, strict=True):
            sorts.setdefault(_thing(name), sort)
        if _is_of_entities(schema) and isinstance(value, str):
            sorts.setdefault(_thing(value), schema.value)
    return sorts


def _edges(fluent: Fluent, value: Value, schemas: Mapping[str, FluentSchema]) -> Iterator[Edge]:
    """Yield what the fact says between things."""
    schema = schemas.get(fluent.name)
    if schema is None or fluent.name in _CLASSES or value is None or value is False:
        return
    ends = [_thing(name) for name in fluent.args] or [AGENT]
    is_thing = _is_of_entities(schema) and isinstance(value, str)
    if is_thing:
        ends.append(_thing(str(value)))
    detail = "" if is_thing or value is True else format_term(value)
    for target in ends[1:]:
        yield Edge(ends[0], target, fluent.name, detail)


def _note(fluent: Fluent, value: Value, schemas: Mapping[str, FluentSchema]) -> str:
    """Return what the fact says of one thing alone; empty where it says nothing of the kind."""
    schema = schemas.get(fluent.name)
    is_said = schema is not None and len(fluent.args) < 2 and not _is_of_entities(schema)
    if not is_said or fluent.name == "sort" or value is None or value is False:
        return ""
    if fluent.name == "kind" and str(value) in fluent.args[0]:
        return ""
    return fluent.name if value is True else f"{fluent.name} {value}"


def _is_unexplored(node: str, sort: str, state: State, vocabulary: Vocabulary) -> bool:
    if vocabulary.explored is None or node == AGENT:
        return False
    fluent = Fluent(vocabulary.explored, (node.removeprefix("thing:"),))
    accepted = vocabulary.fluents[vocabulary.explored].parameters[0].split("|")
    return sort in accepted and look_up(fluent, state, vocabulary) is not True


def _near(wanted: Iterable[str], edges: Iterable[Edge], sorts: Mapping[str, str]) -> tuple[list[Edge], dict[str, str]]:
    """Return the edges at the ``wanted`` nodes, and these nodes with those at the other ends."""
    wanted = {node for node in wanted if node in sorts}
    kept = [edge for edge in edges if edge.source in wanted or edge.target in wanted]
    near = wanted | {end for edge in kept for end in (edge.source, edge.target)}
    return kept, {node: sort for node, sort in sorts.items() if node in near}
