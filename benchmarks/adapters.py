"""Time each adapter beside the bare environment that it adapts, and see whether its memory stays as it is over a thousand episodes.

A step of an adapter is `Episode.step`: the environment's step, its perceiver, and what is believed afterwards. A bare step is the library's
own, without Gymnasium's wrappers. Both do the same random actions, in turns and in one run; what is told is the median of the ratios of
several rounds, and their quartiles. Seconds are of CPU time, that of an adapter's own processes included, so that a busy machine does not
matter much. Beginning an episode is timed apart.

    python benchmarks/adapters.py                            # steps per second, of everything that is installed
    python benchmarks/adapters.py --worlds taxi crafter      # of some
    python benchmarks/adapters.py --profile MiniGrid-DoorKey-8x8-v0
    python benchmarks/adapters.py --memory                   # resident memory in the first and the last hundred of 1,000 episodes
"""

import argparse
import cProfile
import importlib
import json
import os
import pstats
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, redirect_stdout, suppress
from itertools import cycle, islice
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any, NamedTuple, Protocol

from agentwm import build
from agentwm.agent import Episode
from agentwm.errors import AgentwmError
from agentwm.types import Action, Environment, EnvironmentOptions, Outcome, Prediction

FRAME = Prediction((Outcome(1.0),), 0.5, "frame")
ROUNDS = 9
MEGABYTE = 2**20


class Move(NamedTuple):
    """An action, its number among the verbs, and the command that it is."""

    action: Action
    number: int
    command: str


class Bare(Protocol):
    """The library's own environment."""

    def begin(self, task: str) -> None:
        """Begin an episode that is like that of ``task``."""

    def step(self, move: Move) -> bool:
        """Do ``move``; return whether the episode is over."""


class OfGymnasium:
    """An environment of Gymnasium's, without wrappers."""

    def __init__(self, name: str, *, registers: str | None = None, **options: Any) -> None:
        import gymnasium  # noqa: PLC0415 -- an extra

        with _unheard():
            if registers is not None:
                importlib.import_module(registers)
            self._env = gymnasium.make(name, disable_env_checker=True, **options).unwrapped
        self._name = name

    def begin(self, task: str) -> None:
        """Begin an episode with the chance of ``task``."""
        with _unheard():
            self._env.reset(seed=random.Random(f"{self._name} {task}").getrandbits(30))

    def step(self, move: Move) -> bool:
        """Do the action of the same number."""
        _, _, terminated, truncated, _ = self._env.step(move.number)
        return bool(terminated or truncated)


class OfCrafter:
    """Crafter's own environment, whose ``reset`` goes on to another world."""

    def __init__(self) -> None:
        self._module = importlib.import_module("crafter")
        self._env: Any = None

    def begin(self, task: str) -> None:
        """Begin the world of ``task``."""
        seed_of = importlib.import_module("agentwm_environments.crafter.environment").seed_of
        self._env = self._module.Env(seed=seed_of(task))
        self._env.reset()

    def step(self, move: Move) -> bool:
        """Do the action of the same number."""
        return bool(self._env.step(move.number)[2])


class OfTextWorld:
    """TextWorld's own environment, in this process and asked for nothing but text and score."""

    def __init__(self, family: str) -> None:
        self._textworld = importlib.import_module("textworld")
        self._played = build.environment(family).make(EnvironmentOptions(count=20))
        self._env: Any = None

    def begin(self, task: str) -> None:
        """Load and begin the game of ``task``."""
        if self._env is not None:
            self._env.close()
        wanted = self._textworld.EnvInfos(score=True, won=True)
        self._env = self._textworld.start(str(self._played._tasks.file(task)), wanted)  # type: ignore[attr-defined]  # noqa: SLF001
        self._env.reset()

    def step(self, move: Move) -> bool:
        """Give the command."""
        return bool(self._env.step(move.command)[2])


class World(NamedTuple):
    """How the bare environment of an adapter is made, None where there is none, and what is played of it."""

    bare: Callable[[], Bare] | None
    episodes: int = 10
    steps: int = 100
    in_memory: int = 50


def _grid(name: str) -> World:
    return World(lambda: OfGymnasium(name, registers="minigrid"))


WORLDS: Mapping[str, World] = {
    "taxi": World(lambda: OfGymnasium("Taxi-v4")),
    "frozenlake": World(lambda: OfGymnasium("FrozenLake-v1", is_slippery=True), episodes=60),
    "cliffwalking": World(lambda: OfGymnasium("CliffWalking-v1")),
    "MiniGrid-DoorKey-8x8-v0": _grid("MiniGrid-DoorKey-8x8-v0"),
    "BabyAI-GoToLocal-v0": _grid("BabyAI-GoToLocal-v0"),
    "crafter": World(OfCrafter, episodes=3, steps=100),
    "textworld-coin": World(lambda: OfTextWorld("textworld-coin"), episodes=5, steps=30, in_memory=10),
    "sokoban": World(None),
}
"""An adapter that is not installed, or whose extra is not, is passed over and named."""


# --- what is played -----------------------------------------------------------------------------------------------------


def walk(environment: Environment, task: str, steps: int, seed: int) -> list[Move]:
    """Return random moves in ``task``, of those that the environment lists."""
    rng = random.Random(f"{seed} {task}")
    seen = environment.reset(task, seed=seed)
    moves: list[Move] = []
    while len(moves) < steps and not (seen.terminated or seen.truncated):
        moves.append(any_move(environment, seen.actions or (), rng))
        seen = environment.step(moves[-1].action)
    return moves


def any_move(environment: Environment, listed: Sequence[Action], rng: random.Random) -> Move:
    """Return one of the actions ``listed``, or of those done with nothing, where none are."""
    schemas = environment.vocabulary.actions
    verbs = list(schemas)
    action = rng.choice(listed or [Action(verb) for verb in verbs if not schemas[verb].parameters])
    number = listed.index(action) if len(listed) == len(verbs) else verbs.index(action.verb)
    return Move(action, number, schemas[action.verb].render(action.args))


class Times(NamedTuple):
    """Seconds that an episode took to begin and a step to do, on average."""

    begin_s: float
    step_s: float


def timed(begin: Callable[[str], Callable[[Move], bool]], walks: Mapping[str, Sequence[Move]]) -> Times:
    """Return how long it takes to ``begin`` the tasks, and to do what it returns with their moves."""
    begun_s = stepped_s = 0.0
    steps = 0
    for task, moves in walks.items():
        start_s = begin_of_cpu_s()
        step = begin(task)
        begun_s += end_of_cpu_s() - start_s
        start_s = begin_of_cpu_s()
        for move in moves:
            steps += 1
            if step(move):
                break
        stepped_s += end_of_cpu_s() - start_s
    return Times(begun_s / len(walks), stepped_s / steps)


def begin_of_cpu_s() -> float:
    """Return the CPU time spent until now, asked so that the asking counts as before."""
    others_s = others_cpu_s(os.getpid())
    return others_s + time.process_time()


def end_of_cpu_s() -> float:
    """Return the CPU time spent until now, asked so that the asking counts as after."""
    own_s = time.process_time()
    return own_s + others_cpu_s(os.getpid())


def others_cpu_s(pid: int) -> float:
    """Return the CPU time of the living processes that a process has begun."""
    total_ns = 0
    for child in children(pid):
        with suppress(OSError):  # it has ended
            tasks = Path(f"/proc/{child}/task").iterdir()
            total_ns += sum(int((each / "schedstat").read_text().split()[0]) for each in tasks)
    return total_ns / 1e9


def children(pid: int) -> list[int]:
    """Return the processes that a process has begun; none where it has ended."""
    with suppress(OSError):
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    return []


def adapted(environment: Environment) -> Callable[[str], Callable[[Move], bool]]:
    """Return what begins a task of an adapter as an agent does."""

    def begin(task: str) -> Callable[[Move], bool]:
        episode = Episode(environment, task)

        def step(move: Move) -> bool:
            episode.step(move.action, FRAME)
            return episode.is_over

        return step

    return begin


def plain(bare: Bare) -> Callable[[str], Callable[[Move], bool]]:
    """Return what begins a task of the library's own."""

    def begin(task: str) -> Callable[[Move], bool]:
        bare.begin(task)
        return bare.step

    return begin


def walks_of(name: str, world: World, seed: int) -> dict[str, list[Move]]:
    """Return the moves that are timed, by task."""
    with closing(build.environment(name).make(EnvironmentOptions(count=20, admissible=True))) as listing:
        return {task: walk(listing, task, world.steps, seed) for task in islice(cycle(listing.tasks()), world.episodes)}


def row(name: str, world: World, rounds: int, seed: int) -> str:
    """Return the figures of one adapter."""
    walks = walks_of(name, world, seed)
    with closing(build.environment(name).make(EnvironmentOptions(count=20))) as environment:
        bare = None if world.bare is None else world.bare()
        ours: list[Times] = []
        theirs: list[Times] = []
        for _ in range(rounds):
            if bare is not None:
                theirs.append(timed(plain(bare), walks))
            ours.append(timed(adapted(environment), walks))
    cells = [f"{name:<26}{1 / median(each.step_s for each in ours):>10,.0f}"]
    if theirs:
        ratios = [mine.step_s / other.step_s for mine, other in zip(ours, theirs, strict=True)]
        cells += [f"{1 / median(each.step_s for each in theirs):>10,.0f}", f"{median(ratios):>8.2f}"]
        low, _, high = quantiles(ratios, n=4)
        cells += [f"{low:>7.2f}-{high:<5.2f}"]
    else:
        cells += [f"{'-':>10}{'-':>8}{'-':>13}"]
    cells += [f"{1000 * median(each.begin_s for each in ours):>9.2f}"]
    cells += [f"{1000 * median(each.begin_s for each in theirs):>9.2f}" if theirs else f"{'-':>9}"]
    return "".join(cells)


# --- memory -------------------------------------------------------------------------------------------------------------


def resident(pid: int | None = None) -> int:
    """Return the bytes of memory that a process, None for this one, and all it has begun hold."""
    pid = os.getpid() if pid is None else pid
    pages = 0
    with suppress(OSError):  # it has ended
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") + sum(map(resident, children(pid)))


def remembered(name: str, episodes: int, steps: int) -> list[int]:
    """Return the memory held at the end of each of so many episodes of random play, cut after ``steps`` actions."""
    rng = random.Random(name)
    held: list[int] = []
    is_text = name.startswith("textworld")
    options = EnvironmentOptions(count=20 if is_text else min(episodes, 200), admissible=True)
    with closing(build.environment(name).make(options)) as environment:
        for task in islice(cycle(environment.tasks()), episodes):
            episode = Episode(environment, task, seed=len(held))
            while not episode.is_over and len(episode.transitions) < steps:
                episode.step(any_move(environment, episode.observation.actions or (), rng).action, FRAME)
            held.append(resident())
    return held


def memory_row(name: str, episodes: int, steps: int) -> str:
    """Return the figures of one adapter, played in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "held.json"
        command = [sys.executable, __file__, "--worlds", name, "--memory-to", str(file), "--episodes", str(episodes)]
        began_s = time.monotonic()
        subprocess.run([*command, "--steps", str(steps)], check=True, stdout=sys.stderr)
        held = json.loads(file.read_text(encoding="utf-8"))
    tenth = max(1, len(held) // 10)
    first, last = fmean(held[:tenth]) / MEGABYTE, fmean(held[-tenth:]) / MEGABYTE
    taken_s = time.monotonic() - began_s
    return f"{name:<26}{len(held):>9,}{steps:>7}{first:>9.1f}{last:>9.1f}{last - first:>+9.1f}{taken_s:>8.0f}"


# --- the command --------------------------------------------------------------------------------------------------------


def playable(names: Sequence[str]) -> list[str]:
    """Return those of ``names`` that can be played here, and say why the others cannot."""
    found = []
    for name in names:
        try:
            reason = build.environment(name).missing()
        except AgentwmError as error:
            reason = str(error)
        if reason is None:
            found.append(name)
        else:
            print(f"{name}: passed over, {reason}", file=sys.stderr)
    return found


def profile(name: str, world: World, seed: int) -> None:
    """Print what an adapter's steps and beginnings are spent on."""
    walks = walks_of(name, world, seed)
    with closing(build.environment(name).make(EnvironmentOptions(count=20))) as environment:
        timed(adapted(environment), walks)
        profiler = cProfile.Profile()
        profiler.runcall(lambda: [timed(adapted(environment), walks) for _ in range(5)])
    pstats.Stats(profiler).sort_stats("tottime").print_stats(22)


def _unheard() -> redirect_stdout[Any]:
    """Keep from the output what libraries print as they draw levels."""
    return redirect_stdout(sys.stderr)


def main() -> None:
    """Do what the options ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often both are timed ({ROUNDS})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", metavar="NAME", help="say instead what one adapter spends its time on")
    parser.add_argument("--memory", action="store_true", help="measure memory instead")
    parser.add_argument("--episodes", type=int, default=1000, help="episodes to measure memory over (1000)")
    parser.add_argument("--steps", type=int, help="actions after which these are cut (by world, 50 mostly)")
    parser.add_argument("--memory-to", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.profile:
        profile(options.profile, WORLDS.get(options.profile, World(None)), options.seed)
        return
    names = playable(options.worlds)
    worlds = {name: WORLDS.get(name, World(None)) for name in names}
    if options.memory_to:
        [name] = names
        options.memory_to.write_text(json.dumps(remembered(name, options.episodes, options.steps)), encoding="utf-8")
        return
    if options.memory:
        print(f"{'MB held':<26}{'episodes':>9}{'steps':>7}{'first':>9}{'last':>9}{'growth':>9}{'s':>8}")
        for name, world in worlds.items():
            print(memory_row(name, options.episodes, options.steps or world.in_memory), flush=True)
        return
    print(f"{'steps per second':<26}{'adapter':>10}{'bare':>10}{'ratio':>8}{'quartiles':>13}{'begin ms':>9}{'bare':>9}")
    for name, world in worlds.items():
        print(row(name, world, options.rounds, options.seed), flush=True)


if __name__ == "__main__":
    main()
