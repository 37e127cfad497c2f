"""Time the tree search and the beam search of llm-reasoners on a world that costs nothing; `planning.py --reasoners` runs this.

    python -m venv reasoners
    reasoners/bin/pip install numpy tqdm
    reasoners/bin/pip install --no-deps llm-reasoners==1.0.2
    reasoners/bin/python benchmarks/llm_reasoners.py

It is run by an interpreter of its own and knows nothing of agentwm. The library imports torch and transformers for its language models,
which are not timed: where they are not installed, empty modules stand in for them. Prints a JSON object per line: the setting, its size,
questions to the world and CPU seconds.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import fsum
from random import Random, seed
from types import ModuleType, SimpleNamespace

for heavy in ("torch", "transformers"):
    if find_spec(heavy) is None:
        sys.modules[heavy] = ModuleType(heavy)
        sys.modules[heavy].StoppingCriteriaList = SimpleNamespace

from reasoners import Reasoner, SearchConfig, WorldModel  # noqa: E402 -- what stands in has to stand there first
from reasoners.algorithm import MCTS, BeamSearch, MCTSNode  # noqa: E402 -- as above

ACTIONS = [1, 2, 3, 4]
DEPTH = 20
DEEPEST = (4**DEPTH - 1) // 3  # the least state at that depth: states number the nodes of the tree
SIMULATIONS = (200, 1000, 5000)
WIDTHS = (32, 128, 512)


class Tree(WorldModel):
    """A complete tree of four actions: every path leads to a state of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def init_state(self) -> int:
        """Return the root."""
        return 0

    def step(self, state: int, action: int) -> tuple[int, dict[str, object]]:
        """Return the state below."""
        self.steps += 1
        return 4 * state + action, {}

    def is_terminal(self, state: int) -> bool:
        """Return whether the tree ends there."""
        return state >= DEEPEST


class Constant(SearchConfig):
    """The same four actions everywhere, and nothing pays."""

    def get_actions(self, state: int) -> list[int]:  # noqa: ARG002 -- the library's signature
        """Return all actions."""
        return ACTIONS

    def fast_reward(self, state: int, action: int) -> tuple[float, dict[str, object]]:  # noqa: ARG002 -- as above
        """Return what is thought of ``action`` before it is simulated."""
        return 0.0, {}

    def reward(self, state: int, action: int, **_: object) -> tuple[float, dict[str, object]]:  # noqa: ARG002 -- as above
        """Return what ``action`` brings."""
        return 0.0, {}


class WithoutRollouts(MCTS):
    """Backs up what the new node brought at once; the library has no switch for it."""

    def _simulate(self, path: list[MCTSNode]) -> None:
        pass


class RunningMean:
    """The mean of each node's returns, going on from where it was last asked: np.mean reads the whole list every time."""

    def __init__(self) -> None:
        self.seen: dict[int, tuple[int, float]] = {}

    def __call__(self, rewards: list[float]) -> float:
        """Return the mean of ``rewards``, a list that only grows."""
        count, total = self.seen.get(id(rewards), (0, 0.0))
        if count < len(rewards):
            total += fsum(rewards[count:])
            self.seen[id(rewards)] = len(rewards), total
        return total / len(rewards)


def uniformly(rng: Random) -> Callable[[Sequence[float]], int]:
    """Return a function that draws a place in a list; the library draws with numpy, which takes longer."""
    return lambda rewards: int(rng.random() * len(rewards))


def mcts(kind: type[MCTS], simulations: int, *, is_fast: bool) -> MCTS:
    """Return a tree search, as it comes or with all that was found to make it faster."""
    fast = (
        {"simulate_strategy": uniformly(Random(0)), "calc_q": RunningMean()}
        if is_fast
        else {"simulate_strategy": "random"}
    )
    return kind(
        n_iters=simulations,
        depth_limit=DEPTH,
        w_exp=1.0,
        uct_with_fast_reward=False,
        output_strategy="last_iter",
        **fast,
    )


def tell(setting: str, size: int, algorithm: MCTS | BeamSearch) -> None:
    """Time one search and print what it took."""
    seed(0)
    world = Tree()
    gc.collect()
    gc.freeze()
    began_s = time.process_time()
    Reasoner(world, Constant(), algorithm)(example=None)
    seconds = time.process_time() - began_s
    gc.unfreeze()
    print(json.dumps({"setting": setting, "size": size, "questions": world.steps, "seconds": seconds}), flush=True)


def main() -> None:
    """Time all settings and sizes."""
    Reasoner(Tree(), Constant(), mcts(MCTS, 100, is_fast=False))(example=None)  # what is done only once is not timed
    for width in WIDTHS:
        tell("beam", width, BeamSearch(width, DEPTH, reward_aggregator="cumulative"))
    for kind, rollouts in ((WithoutRollouts, "no rollouts"), (MCTS, "rollouts")):
        for is_fast in (True, False):
            for simulations in SIMULATIONS:
                setting = f"mcts, {rollouts}, {'fastest' if is_fast else 'as it comes'}"
                tell(setting, simulations, mcts(kind, simulations, is_fast=is_fast))


if __name__ == "__main__":
    main()
