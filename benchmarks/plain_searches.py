"""The searches by hand, in plain Python loops over numbers: the floor for any library.

The world is a complete tree, in which every path leads to a state of its own and nothing pays. Each search returns how many questions it
put to the world.
"""

import heapq
from math import log, sqrt
from random import Random

__all__ = ["beam", "best_first", "uct"]

BRANCHING = 4


def step(state: int, action: int) -> tuple[int, float]:
    """Return the state after ``action``, 1 to `BRANCHING`, and what that brings."""
    return BRANCHING * state + action, 0.0


def best_first(questions: int) -> int:
    """Expand the state of the most reward so far, older ones first among equals; a cheaper way to a state replaces a dearer one."""
    queue = [(0.0, 0, 0)]
    came_from: dict[int, tuple[int, int]] = {}
    returns = {0: 0.0}
    asked = 0
    while queue and asked < questions:
        cost, _, state = heapq.heappop(queue)
        if -cost < returns[state]:
            continue
        for action in range(1, BRANCHING + 1):
            after, reward = step(state, action)
            asked += 1
            total = reward - cost
            if after not in returns or total > returns[after]:
                returns[after], came_from[after] = total, (state, action)
                heapq.heappush(queue, (-total, asked, after))
    return asked


def beam(width: int, depth: int) -> int:
    """Keep the paths of most reward, ``width`` of them at each depth."""
    kept: list[tuple[float, int, tuple[object, ...]]] = [(0.0, 0, ())]
    asked = 0
    for _ in range(depth):
        grown: list[tuple[float, int, tuple[object, ...]]] = []
        for total, state, path in kept:
            for action in range(1, BRANCHING + 1):
                after, reward = step(state, action)
                asked += 1
                grown.append((total + reward, after, (path, action)))
        grown.sort(key=lambda each: each[0], reverse=True)
        kept = grown[:width]
    return asked


class Node:
    """A state in the tree of `uct`."""

    __slots__ = ("children", "depth", "reward", "state", "total", "visits")

    def __init__(self, state: int, reward: float, depth: int) -> None:
        self.state, self.reward, self.depth = state, reward, depth
        self.children: list[Node] = []
        self.visits, self.total = 0, 0.0


def uct(simulations: int, depth: int, rng: Random) -> int:
    """Search by upper confidence bounds, the untried actions first and in random order, without rollouts."""
    root, asked = Node(0, 0.0, 0), 0
    order = {0: _shuffled(rng)}
    for _ in range(simulations):
        node, path = root, [root]
        while node.depth < depth and len(node.children) == BRANCHING:
            logarithm = log(node.visits)
            node = max(node.children, key=lambda each: each.total / each.visits + sqrt(logarithm / each.visits))
            path.append(node)
        if node.depth < depth:
            state, reward = step(node.state, order[node.state][len(node.children)])
            asked += 1
            child = Node(state, reward, node.depth + 1)
            order[state] = _shuffled(rng)
            node.children.append(child)
            path.append(child)
        beyond = 0.0
        for each in reversed(path):
            beyond += each.reward
            each.visits += 1
            each.total += beyond
    return asked


def _shuffled(rng: Random) -> list[int]:
    actions = list(range(1, BRANCHING + 1))
    rng.shuffle(actions)
    return actions
