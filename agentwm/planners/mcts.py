"""Monte Carlo tree search with chance nodes: what looks good is looked at more often, and luck is weighed by its probability.

Below an action there is a node for each outcome that the model foretells. Which one a simulation follows is drawn; what the action is worth
is the expectation over all of them, and what a state is worth is what its best action is worth. A state that several ways lead to has
one node. Where the tree ends the critic judges; where there is none, nothing more is expected.

Source: UCT (Kocsis & Szepesvári, 2006) with the backups of dynamic programming (Keller & Helmert, 2013, "Trial-based heuristic tree
search") and values scaled to those seen, as in MuZero (Schrittwieser et al., 2020); with a language model as the world model, RAP (Hao et
al., 2023).
"""

from math import log, sqrt

from agentwm.planners.deliberation import Deliberation
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import DISCOUNT, LEAST_CONFIDENCE, SURE, Foreseen, Outlook
from agentwm.types import Action, Plan, Planner, PlannerParts, PlannerSpec, State

__all__ = ["SPEC", "mcts"]

SIMULATIONS = 400  # where the budget sets no limit
MOST_SIMULATIONS = 50_000  # where it only limits the time
EXPLORATION = 1.0
LEAST_SCALE = 0.01  # differences in worth below which nothing is told apart: the price of a little doubt, say


class _Node:
    """A state in the tree, what was tried in it, and what it is worth."""

    __slots__ = ("edges", "key", "state", "untried", "value", "visits")

    def __init__(self, state: State, key: int, untried: list[Action], value: float) -> None:
        self.state = state
        self.key = key
        self.untried = untried
        self.value = value
        self.edges: list[_Edge] = []
        self.visits = 0


class _Edge:
    """An action in a state: what is foreseen of it, the nodes below by outcome, and what it is worth."""

    __slots__ = ("action", "below", "foreseen", "value", "visits")

    def __init__(self, action: Action, foreseen: Foreseen) -> None:
        self.action = action
        self.foreseen = foreseen
        self.below: list[_Node | None] = [None] * len(foreseen.futures)
        self.value = foreseen.worth
        self.visits = 0


class _Tree:
    """A tree of futures, grown one simulation at a time."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook = outlook
        self._rng = outlook.rng
        self._has_critic = outlook.parts.critic is not None
        self._low, self._high = float("inf"), -float("inf")
        self._nodes: dict[int, _Node] = {}
        self.root = self._node(outlook.state, outlook.key)

    def _node(self, state: State, key: int) -> _Node:
        """Return the node of ``state``, one for all the ways that lead to it."""
        node = self._nodes.get(key)
        if node is None:
            untried = list(self._outlook.actions(state, key))
            self._rng.shuffle(untried)
            value = self._outlook.judge([state])[0] if self._has_critic else 0.0
            node = self._nodes[key] = _Node(state, key, untried, value)
        return node

    def simulate(self) -> None:
        """Go down to where the tree ends, add what lies there, and tell all above what it is worth.

        Raises: DecisionSpentError where the budget ends on the way; the tree is then as it was.
        """
        node, confidence = self.root, 1.0
        path: list[tuple[_Node, _Edge]] = []
        for _ in range(self._outlook.depth):
            if node.untried:
                edge = self._tried(node)
            elif node.edges:
                edge = self._chosen(node)
            else:
                break
            path.append((node, edge))
            confidence *= edge.foreseen.prediction.confidence
            futures = edge.foreseen.futures
            place = 0 if len(futures) == 1 else self._drawn(edge)
            if futures[place].is_end or confidence < LEAST_CONFIDENCE:
                break
            below = edge.below[place]
            if below is None:
                below = edge.below[place] = self._node(
                    *self._outlook.after(node.state, node.key, futures[place].changes)
                )
            if not below.visits:
                break
            node = below
        self._back_up(path)

    def _tried(self, node: _Node) -> _Edge:
        [foreseen] = self._outlook.foresee([(node.state, node.key, node.untried[-1])])
        edge = _Edge(node.untried.pop(), foreseen)
        node.edges.append(edge)
        return edge

    def _chosen(self, node: _Node) -> _Edge:
        """Return the edge with the highest upper confidence bound."""
        low, scale = self._low, 1 / max(self._high - self._low, LEAST_SCALE)
        explored = EXPLORATION * EXPLORATION * log(node.visits or 1)
        best, most = node.edges[0], -1.0
        for edge in node.edges:
            # An action that was tried where the budget ended has no visit yet.
            bound = (edge.value - low) * scale + sqrt(explored / (edge.visits or 1))
            if bound > most:
                best, most = edge, bound
        return best

    def _drawn(self, edge: _Edge) -> int:
        point = self._rng.random()
        for place, future in enumerate(edge.foreseen.futures):
            point -= future.probability
            if point < 0:
                return place
        return 0

    def _back_up(self, path: list[tuple[_Node, _Edge]]) -> None:
        for node, edge in reversed(path):
            value = edge.foreseen.worth
            for future, below in zip(edge.foreseen.futures, edge.below, strict=True):
                if below is not None:
                    value += future.probability * DISCOUNT * below.value
            edge.value = value
            edge.visits += 1
            node.visits += 1
            # What was not tried is not known to be any better.
            node.value = max([each.value for each in node.edges])
            self._low = min(self._low, value)
            self._high = max(self._high, value)


def mcts(outlook: Outlook) -> list[Plan]:
    """Return a plan per first action, the best first: what follows it is what is then best."""
    tree = _Tree(outlook)
    budget = outlook.parts.budget
    is_limited = any(
        limit is not None for limit in (budget.model_calls, budget.llm_calls, budget.tokens, budget.seconds)
    )
    with until_spent:
        for _ in range(MOST_SIMULATIONS if is_limited else SIMULATIONS):
            tree.simulate()
    tried = [edge for edge in tree.root.edges if edge.visits]
    return [_plan(edge, outlook.depth) for edge in sorted(tried, key=lambda edge: -edge.value)]


def _plan(edge: _Edge, depth: int) -> Plan:
    """Return the plan that begins with ``edge`` and goes on, ``depth`` actions in all at most, while nothing is left to chance."""
    actions, predictions, value, is_won = [edge.action], [edge.foreseen.prediction], edge.value, False
    for _ in range(depth - 1):
        likeliest = max(range(len(edge.below)), key=lambda place: edge.foreseen.futures[place].probability)
        future, below = edge.foreseen.futures[likeliest], edge.below[likeliest]
        is_sure = future.probability >= SURE * edge.foreseen.prediction.confidence
        is_won = is_sure and future.is_end and future.reward > 0
        tried = [each for each in below.edges if each.visits] if below is not None else []
        if not is_sure or future.is_end or not tried:
            break
        edge = max(tried, key=lambda each: each.value)
        actions.append(edge.action)
        predictions.append(edge.foreseen.prediction)
    return Plan(
        tuple(actions), f"promises {value:.2f}", reaches_goal=is_won, predictions=tuple(predictions), value=value
    )


def _make(parts: PlannerParts) -> Planner:
    return Deliberation(mcts, parts)


SPEC = PlannerSpec("mcts", "grows a tree of futures, where it looks best, and averages over chance", _make)
