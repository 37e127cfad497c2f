"""What a language model is told of the world beside, or in place of, rules and facts one by one: the graphs, a line for each node.

Source: WALL-E 2.0 (Zhou et al., 2025), which tells its agent a knowledge graph and a scene graph.
"""

from collections.abc import Sequence

from agentwm.graphs import KnowledgeGraph, SceneGraph
from agentwm.graphs.graph import Edge, Graph
from agentwm.rules.store import RuleStore
from agentwm.types import State, Vocabulary

__all__ = ["knowledge_lines", "scene_lines"]

MOST_LINES = 200
MOST_PLACES = 3  # where a kind of thing is mostly found
_FOUND, _ENABLES = "found in", "enables"


def knowledge_lines(store: RuleStore) -> str:
    """Return a line for each act that the rules know: what it needs and what comes of it; and for each kind of thing, where it is found.

    What an act enables is left out: it follows from what the others need. Empty where nothing is known.
    """
    return _lines(KnowledgeGraph.of(store), left_out=_ENABLES)


def scene_lines(state: State, vocabulary: Vocabulary) -> str:
    """Return a line for the agent and for each thing: what it is, what holds of it, and what it has to do with which other thing."""
    return _lines(SceneGraph.of(state, vocabulary)) or "- nothing yet"


def _lines(graph: Graph, left_out: str = "") -> str:
    labels = {node.id: node.label for node in graph.nodes}
    told: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        # That a thing has itself to do with itself goes without saying.
        if edge.relation != left_out and edge.source != edge.target:
            told.setdefault(edge.source, []).append(edge)
    lines = []
    for node in graph.nodes:
        edges = _mostly(told.get(node.id, []))
        said = list(dict.fromkeys([*node.notes, *(_phrase(edge, labels[edge.target]) for edge in edges)]))
        if said:
            sort = "" if node.sort in (node.label, "act", "kind") else f" ({node.sort})"
            lines.append(f"- {node.label}{sort}: {'; '.join(said)}")
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"- and {len(lines) - MOST_LINES} more"]
    return "\n".join(lines)


def _phrase(edge: Edge, target: str) -> str:
    """Return the edge in words: what its rule says in full, where it comes from a rule."""
    says = edge.evidence.get("says")
    chance = float(edge.evidence.get("probability", 1))
    if says is None or edge.relation == _FOUND:
        return f"{edge.relation} {target} {edge.detail}".strip()
    return f"{edge.relation} {says}" if chance >= 1 else f"{edge.relation} {says} ({chance:.0%})"


def _mostly(edges: Sequence[Edge]) -> list[Edge]:
    """Return ``edges``, of those that say where something is found only the likeliest few."""
    places = [edge for edge in edges if edge.relation == _FOUND]
    places.sort(key=lambda edge: (-float(edge.evidence["probability"]), edge.target))
    return [edge for edge in edges if edge.relation != _FOUND] + places[:MOST_PLACES]
