"""A graph of nodes and named relations, and the forms in which it leaves: networkx, JSON, GraphML and SVG.

The drawing and the JSON need nothing but the standard library; networkx is imported when ``graph`` is first asked for.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING

from agentwm.errors import MissingExtraError
from agentwm.graphs.picture import Box, Line, draw

if TYPE_CHECKING:
    from networkx import MultiDiGraph

__all__ = ["Edge", "Graph", "Node"]

VERSION = 1
"""Of the JSON's form."""

# What XML 1.0 cannot say, not even escaped. Source: the specification's production 2, Char.
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Node:
    """Something that is spoken of: ``sort`` says what it is, ``notes`` what is said of it alone.

    ``is_open`` marks a place where there may be more than is known.
    """

    id: str
    label: str
    sort: str
    notes: tuple[str, ...] = ()
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation that ``source`` has to ``target``, such as *needs*.

    ``detail`` adds to it in a few words ("more than 0"), ``evidence`` says where it comes from and what speaks for it.
    """

    source: str
    target: str
    relation: str
    detail: str = ""
    evidence: Mapping[str, str | int | float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.relation} {self.detail}".strip()


@dataclass(frozen=True)
class Graph:
    """Nodes and the edges between them, each in the order of their names."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    # How a picture treats relations: those drawn against their direction, so that what is needed stands before what needs it, and
    # those left out, because the picture shows them by other lines.
    backward = frozenset[str]()
    undrawn = frozenset[str]()

    @cached_property
    def graph(self) -> "MultiDiGraph":
        """The same as a networkx graph, frozen; copy it to change it.

        Nodes have ``label``, ``sort``, ``notes`` and ``is_open``; edges ``relation``, ``detail`` and what their evidence holds.

        Raises: MissingExtraError when networkx is not installed.
        """
        networkx = _networkx()
        graph = networkx.MultiDiGraph()
        for node in self.nodes:
            graph.add_node(node.id, **_of_node(node))
        for edge in self.edges:
            graph.add_edge(edge.source, edge.target, **_of_edge(edge))
        return networkx.freeze(graph)

    def to_json(self) -> str:
        """Return the graph as node-link JSON, the same text for the same graph; networkx reads it with ``node_link_graph``."""
        seen: dict[tuple[str, str], int] = {}
        edges: list[dict[str, str | int | float]] = []
        for edge in self.edges:
            key = seen[edge.source, edge.target] = seen.get((edge.source, edge.target), -1) + 1
            edges.append({"source": edge.source, "target": edge.target, "key": key, **_of_edge(edge)})
        nodes = [{"id": node.id, **_of_node(node)} for node in self.nodes]
        form = {"version": VERSION, "directed": True, "multigraph": True, "graph": {}, "nodes": nodes, "edges": edges}
        return json.dumps(form, indent=1) + "\n"

    def to_graphml(self) -> str:
        """Return the graph as GraphML, which other programs draw and search; a character that XML cannot hold becomes U+FFFD.

        Raises: MissingExtraError when networkx is not installed.
        """
        networkx = _networkx()
        graph = networkx.MultiDiGraph()
        for node in self.nodes:
            graph.add_node(_xml(node.id), **_xml_values(_of_node(node)))
        for edge in self.edges:
            graph.add_edge(_xml(edge.source), _xml(edge.target), **_xml_values(_of_edge(edge)))
        return "\n".join(networkx.generate_graphml(graph)) + "\n"

    def to_svg(self) -> str:
        """Return a picture of the graph, the same for the same graph; it needs neither networkx nor a network."""
        boxes = [Box(_xml(n.id), _xml(n.label), n.sort, tuple(map(_xml, n.notes)), n.is_open) for n in self.nodes]
        lines: dict[tuple[str, str, bool], list[Edge]] = {}
        for edge in self.edges:
            if edge.relation not in self.undrawn:
                lines.setdefault((edge.source, edge.target, edge.relation in self.backward), []).append(edge)
        drawn = [
            Line(
                _xml(target if is_backward else source),
                _xml(source if is_backward else target),
                tuple(dict.fromkeys(_xml(self.caption(edge)) for edge in edges)),
                tuple(dict.fromkeys(edge.relation for edge in edges)),
                is_label_last=is_backward,
            )
            for (source, target, is_backward), edges in lines.items()
        ]
        return draw(boxes, drawn)

    def caption(self, edge: Edge) -> str:
        """Return what a picture writes on the line of ``edge``."""
        return str(edge)

    def _repr_svg_(self) -> str:
        """Return what a notebook shows."""
        return self.to_svg()


def _of_node(node: Node) -> dict[str, str | bool]:
    return {"label": node.label, "sort": node.sort, "notes": "; ".join(node.notes), "is_open": node.is_open}


def _of_edge(edge: Edge) -> dict[str, str | int | float]:
    return {"relation": edge.relation, "detail": edge.detail, **edge.evidence}


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _xml_values(values: Mapping[str, str | int | float]) -> dict[str, str | int | float]:
    return {name: _xml(value) if isinstance(value, str) else value for name, value in values.items()}


def _networkx() -> ModuleType:
    try:
        import networkx as nx  # noqa: PLC0415 -- an extra, and heavy
    except ImportError as error:
        raise MissingExtraError("this graph needs networkx: pip install 'agentwm[graphs]'") from error
    found: ModuleType = nx
    return found
