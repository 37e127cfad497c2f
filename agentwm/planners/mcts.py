"""Monte Carlo tree search with chance nodes: what looks good is looked at more often, and luck is weighed by its probability.

Below an action there is a node for each outcome that the model foretells. Which one a simulation follows is drawn; what the action is worth
is the expectation over all of them, and what a state is worth is what its best action is worth. A state that several ways lead to has
one node. Where the tree ends the critic judges. Where there is none, the tree is grown in the hope of the best reward there is, so that
it reaches out to what is not in it; what to do is then decided without such hope.

Source: UCT (Kocsis & Szepesvári, 2006) with the backups of dynamic programming (Keller & Helmert, 2013, "Trial-based heuristic tree
search") and values scaled to those seen, as in MuZero (Schrittwieser et al., 2020); with a language model as the world model, RAP (Hao et
al., 2023).
"""

from collections.abc import Sequence
from math import log, sqrt

from agentwm.planners.deliberation import deliberating
from agentwm.planners.meter import until_spent
from agentwm.planners.outlook import DISCOUNT, LEAST_CONFIDENCE, SURE, Foreseen, Outlook
from agentwm.types import Action, Plan, PlanningBudget, State

__all__ = ["SPEC", "mcts"]

SIMULATIONS = 400  # where the budget sets no limit
MOST_SIMULATIONS = 50_000  # where it only limits the time
IDLE = 150  # simulations in a row that add nothing to the tree, after which it is taken to be whole
EXPLORATION = 1.0
LEAST_SCALE = 0.01  # differences in worth below which nothing is told apart: the price of a little doubt, say
SWEEPS = 200
CLOSE = 1e-5
BREATH = 32  # simulations between two looks at the clock
ALIKE = 4  # decimals of worth beyond which hope decides


class _Node:
    """A state in the tree, what was tried in it, what it is worth, and what it is hoped to be worth."""

    __slots__ = ("edges", "hoped", "key", "state", "untried", "value", "visits")

    def __init__(self, state: State, key: int, untried: list[Action], value: float, hoped: float) -> None:
        self.state = state
        self.key = key
        self.untried = untried
        self.value = value
        self.hoped = hoped
        self.edges: list[_Edge] = []
        self.visits = 0


class _Edge:
    """An action in a state: what is foreseen of it, the nodes below by outcome, what it is worth and what it is hoped to be worth.

    ``weights`` are the probabilities of the outcomes, discounted. Below an outcome that was not followed yet stands ``unmet``.
    """

    __slots__ = ("action", "below", "confidence", "foreseen", "hoped", "value", "visits", "weights", "worth")

    def __init__(self, action: Action, foreseen: Foreseen, unmet: _Node) -> None:
        prediction, futures, worth = foreseen
        self.action = action
        self.foreseen = foreseen
        self.confidence = prediction.confidence
        if len(futures) == 1:  # as most often: the same as below, for less
            [(probability, _, _, is_end)] = futures
            self.below = [_END if is_end else unmet]
            self.weights: tuple[float, ...] = (probability * DISCOUNT,)
        else:
            self.below = [_END if future.is_end else unmet for future in futures]
            self.weights = tuple(future.probability * DISCOUNT for future in futures)
        self.value = self.hoped = self.worth = worth
        self.visits = 0


_END = _Node({}, 0, [], 0.0, 0.0)
"""Stands below an outcome that ends the episode: nothing more comes of it."""


class _Tree:
    """A tree of futures, grown one simulation at a time."""

    def __init__(self, outlook: Outlook) -> None:
        self._depth = outlook.depth
        self._options = outlook.parts.options
        self._after = outlook.after
        self._foresee = outlook.foresee_one
        self._judge = outlook.judge
        self._rng = outlook.rng
        self._has_critic = outlook.parts.critic is not None
        self._best_reward = outlook.parts.best_reward
        self._unmet = _Node({}, 0, [], 0.0, self._best_reward)
        self._low, self._high = float("inf"), -float("inf")
        self._scale = 1.0
        self._nodes: dict[int, _Node] = {}
        self.root = self._added(outlook.state, outlook.key, outlook.root_actions)

    def _added(self, state: State, key: int, actions: Sequence[Action]) -> _Node:
        """Return the node of ``state``: it is the only one, whatever way leads to it."""
        untried = self._shuffled(actions)
        value = self._judge([state])[0] if self._has_critic else 0.0
        hoped = value if self._has_critic else self._best_reward
        node = self._nodes[key] = _Node(state, key, untried, value, hoped)
        return node

    def _shuffled(self, actions: Sequence[Action]) -> list[Action]:
        """Return ``actions`` as `random.shuffle` would order them, for half of what that takes: there are nodes by the thousand."""
        shuffled, bits = list(actions), self._rng.getrandbits
        for last in range(len(shuffled) - 1, 0, -1):
            width = (last + 1).bit_length()
            place = bits(width)
            while place > last:
                place = bits(width)
            shuffled[last], shuffled[place] = shuffled[place], shuffled[last]
        return shuffled

    def simulate(self) -> bool:
        """Go down to where the tree ends, add what lies there, and tell all above of it; return whether there was anything to add.

        Raises: DecisionSpentError where the budget ends on the way; the tree is then as it was.
        """
        node, unmet, confidence, is_news = self.root, self._unmet, 1.0, False
        path: list[tuple[_Node, _Edge]] = []
        for _ in range(self._depth):
            if node.untried:
                edge, is_news = self._tried(node), True
            elif node.edges:
                edge = self._chosen(node)
            else:
                break
            path.append((node, edge))
            confidence *= edge.confidence
            place = 0 if len(edge.below) == 1 else self._drawn(edge)
            below = edge.below[place]
            if below is _END or confidence < LEAST_CONFIDENCE:
                break
            if below is unmet:
                state, key = self._after(node.state, node.key, edge.foreseen.futures[place].changes)
                edge.below[place] = self._nodes.get(key) or self._added(state, key, self._options(state))
                is_news = True
            if is_news:
                break
            node = below
        self._back_up(path)
        return is_news

    def _tried(self, node: _Node) -> _Edge:
        foreseen = self._foresee(node.state, node.key, node.untried[-1])
        edge = _Edge(node.untried.pop(), foreseen, self._unmet)
        node.edges.append(edge)
        return edge

    def _chosen(self, node: _Node) -> _Edge:
        """Return the edge with the highest upper confidence bound."""
        low, scale = self._low, self._scale
        explored = EXPLORATION * EXPLORATION * log(node.visits or 1)
        best, most = node.edges[0], -float("inf")
        for edge in node.edges:
            # An action that was tried where the budget ended has no visit yet.
            bound = (edge.hoped - low) * scale + sqrt(explored / (edge.visits or 1))
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
            hoped, belows = edge.worth, edge.below
            if len(belows) == 1:
                hoped += edge.weights[0] * belows[0].hoped
            else:
                for weight, below in zip(edge.weights, belows, strict=True):
                    hoped += weight * below.hoped
            if hoped != edge.hoped or not edge.visits:
                edge.hoped = hoped
                if not node.untried:
                    node.hoped = max([each.hoped for each in node.edges])
                self._low = min(self._low, hoped)
                self._high = max(self._high, hoped)
                self._scale = 1 / max(self._high - self._low, LEAST_SCALE)
            edge.visits += 1
            node.visits += 1

    def settle(self, outlook: Outlook) -> None:
        """Work out what all in the tree is worth, without hope: where it ends, a state is worth what the critic says."""
        inner = [node for node in self._nodes.values() if node.edges]
        for _ in range(SWEEPS):
            change = 0.0
            for node in reversed(inner):
                before, most = node.value, -float("inf")
                for edge in node.edges:
                    value, belows = edge.worth, edge.below
                    if len(belows) == 1:
                        value += edge.weights[0] * belows[0].value
                    else:
                        for weight, below in zip(edge.weights, belows, strict=True):
                            value += weight * below.value
                    edge.value = value
                    most = max(most, value)
                node.value = most
                change = max(change, abs(most - before))
            if change < CLOSE:
                break
            outlook.expect_time()


def mcts(outlook: Outlook) -> list[Plan]:
    """Return a plan per first action, the best first: what follows it is what is then best."""
    tree = _Tree(outlook)
    budget = outlook.parts.budget
    is_timed = budget.seconds is not None and budget.model_calls is None
    simulations = MOST_SIMULATIONS if is_timed else SIMULATIONS if budget.model_calls is None else budget.model_calls
    idle = 0
    with until_spent:
        for number in range(simulations):
            if not number % BREATH:
                outlook.expect_time()
            idle = 0 if tree.simulate() else idle + 1
            if idle == IDLE:
                break
    with until_spent:
        tree.settle(outlook)
    best_first = sorted(tree.root.edges, key=lambda edge: (-round(edge.value, ALIKE), -edge.hoped))
    return [_plan(edge, outlook.depth) for edge in best_first]


def _plan(edge: _Edge, depth: int) -> Plan:
    """Return the plan that begins with ``edge`` and goes on, ``depth`` actions in all at most, while nothing is left to chance."""
    actions, predictions, value, is_won = [edge.action], [edge.foreseen.prediction], edge.value, False
    while True:
        likeliest = max(range(len(edge.below)), key=lambda place: edge.foreseen.futures[place].probability)
        future, below = edge.foreseen.futures[likeliest], edge.below[likeliest]
        is_sure = future.probability >= SURE * edge.foreseen.prediction.confidence
        is_won = is_sure and future.is_end and future.reward > 0
        if not is_sure or not below.edges or len(actions) >= depth:
            break
        edge = max(below.edges, key=lambda each: each.value)
        actions.append(edge.action)
        predictions.append(edge.foreseen.prediction)
    return Plan(
        tuple(actions), f"promises {value:.2f}", reaches_goal=is_won, predictions=tuple(predictions), value=value
    )


SPEC = deliberating(
    "mcts",
    "grows a tree of futures, where it looks best, and averages over chance",
    mcts,
    budget=PlanningBudget(model_calls=1000),
)
