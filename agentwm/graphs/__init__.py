"""What an agent knows, and what it believes of where it is, as graphs: for networkx, as JSON and GraphML, and as pictures."""

from agentwm.graphs.graph import Edge, Graph, Node
from agentwm.graphs.knowledge import KnowledgeGraph
from agentwm.graphs.scene import SceneGraph

__all__ = ["Edge", "Graph", "KnowledgeGraph", "Node", "SceneGraph"]
