"""Time the coverage and pruning of rules against plain loops, and measure how far the greedy answers are from the best.

    python benchmarks/rules.py                # about a minute
    python benchmarks/rules.py --quick        # seconds, on small instances

The instances are synthetic: transitions come in episodes of a few kinds of situation, hidden laws decide what happens, and a rule is a
conjunction of 1 to 4 of 60 conditions (30 features that are true or false), often a variation on another, that foretells what happened
most often where it applies. Times are seconds of CPU. The optimum needs the extra `[exact]`.
"""

import argparse
import random
import resource
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import and_, or_
from typing import TypeVar

from agentwm.induction.coverage import Coverage, packed
from agentwm.induction.pruning import Cover, exact_cover, maximum_coverage

FEATURES = 30
SITUATIONS = 12
OUTCOMES = 8
LAWS = 60
EXCEPTIONS = 16  # one transition in so many does not follow the laws

LARGE = (2000, 1_000_000)
EXACT = ((100, 20_000), (500, 20_000), (500, 100_000))
QUICK = ((50, 2000), (100, 5000))
LIMIT = 10

Condition = tuple[int, bool]
"""The number of a feature, and whether it must be true or false."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule foretells where all its conditions hold."""

    conditions: frozenset[Condition]
    outcome: int


@dataclass(frozen=True, slots=True)
class Instance:
    """Transitions as columns of ones and zeros, one per feature, with what happened in each; and rules about them."""

    features: list[bytes]
    outcomes: bytes
    rules: list[Rule]


def main() -> None:
    """Print the growth in memory, the comparison with plain loops, the cost of a new transition and the gap to the optimum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=500, help="rules in the comparison with plain loops (500)")
    parser.add_argument("--transitions", type=int, default=100_000, help="transitions in that comparison (100000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="small instances only")
    options = parser.parse_args()
    sizes: Sequence[tuple[int, int]] = QUICK if options.quick else EXACT
    if not options.quick:  # first, since the peak is that of the whole process
        _tell_large(*LARGE, options.seed)
    size: tuple[int, int] = QUICK[-1] if options.quick else (options.rules, options.transitions)
    _tell_ratios(_instance(*size, options.seed))
    _tell_appending(_instance(*size, options.seed))
    _tell_gaps([_instance(*size, options.seed) for size in sizes])


def _tell_large(rules: int, transitions: int, seed: int) -> None:
    instance = _instance(rules, transitions, seed)
    seconds, covers = _timed(partial(_covered, instance))
    greedy_seconds, chosen = _timed(partial(maximum_coverage, covers))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print("| rules x transitions | coverage, s | greedy, s | rules chosen | peak memory of the process, GB |")
    print("|---" * 5 + "|")
    print(f"| {_size(instance)} | {seconds:.2f} | {greedy_seconds:.2f} | {len(chosen)} | {peak / 1e9:.2f} |\n")


def _tell_ratios(instance: Instance) -> None:
    """Compare bit columns and the lazy greedy with plain loops, which see the transitions as rows of Booleans."""
    rows = [[bool(truth) for truth in row] for row in zip(*instance.features, strict=True)]
    seconds, covers = _timed(partial(_covered, instance))
    greedy_seconds, chosen = _timed(partial(maximum_coverage, covers))
    plain_seconds, plain_covers = _timed(partial(_plainly_covered, instance.rules, rows, instance.outcomes))
    plain_greedy_seconds, plain_chosen = _timed(partial(_plain_greedy, plain_covers))
    numbers = range(len(rows))
    is_same = chosen == plain_chosen and covers == [packed(map(plain.__contains__, numbers)) for plain in plain_covers]
    print(f"| {_size(instance)} | bits, s | plain loops, s | ratio |")
    print("|---" * 4 + "|")
    print(f"| coverage | {seconds:.4f} | {plain_seconds:.2f} | {plain_seconds / seconds:.0f} |")
    print(
        f"| greedy | {greedy_seconds:.4f} | {plain_greedy_seconds:.2f} | {plain_greedy_seconds / greedy_seconds:.0f} |"
    )
    both, plain_both = seconds + greedy_seconds, plain_seconds + plain_greedy_seconds
    print(f"| both | {both:.4f} | {plain_both:.2f} | {plain_both / both:.0f} |")
    print(f"\nsame coverage and same {len(chosen)} rules, in the same order: {'yes' if is_same else 'NO'}\n")


def _tell_appending(instance: Instance) -> None:
    """Time a thousand new transitions beside few known ones and beside many."""
    names = [str(number) for number in range(len(instance.rules))]
    covers = _covered(instance)
    print("| transitions known | a new one, microseconds of CPU |\n|---|---|")
    known = len(instance.outcomes) - 1000
    last = [cover >> known for cover in covers]
    right = [[name for name, bits in zip(names, last, strict=True) if bits >> i & 1] for i in range(1000)]
    for start in (0, known):
        coverage = Coverage(transitions=start)
        for name, cover in zip(names, covers, strict=True):
            coverage.add_rule(name, right=cover & ((1 << start) - 1), wrong=0)

        def append(coverage: Coverage = coverage) -> int:
            for rules in right:
                coverage.add_transition(right=rules, wrong=())
            return sum(coverage.right(name).bit_count() for name in names)

        seconds, _ = _timed(append)
        print(f"| {start} | {seconds * 1000:.1f} |")
    print()


def _tell_gaps(instances: Sequence[Instance]) -> None:
    """Compare the greedy answers with the optimum: the fewest rules, then the most transitions with a limit."""
    print(
        "| rules x transitions | greedy | needless dropped | optimum | proven | greedy, s | optimum, s "
        f"| explained by {LIMIT}: greedy | optimum | proven | optimum, s |"
    )
    print("|---" * 11 + "|")
    exact_cover([1])  # loads the solver
    for instance in instances:
        covers = _covered(instance)
        greedy_seconds, chosen = _timed(partial(maximum_coverage, covers))
        seconds, best = _timed(partial(exact_cover, covers))
        most_seconds, most = _timed(partial(exact_cover, covers, limit=LIMIT))
        print(
            f"| {_size(instance)} | {len(chosen)} | {best.greedy} | {best.value} | {_proof(best)} "
            f"| {greedy_seconds:.4f} | {seconds:.2f} | {most.greedy} | {most.value} | {_proof(most)} | {most_seconds:.2f} |"
        )


def _proof(cover: Cover) -> str:
    return "yes" if cover.is_optimal else f"no (bound {cover.bound})"


def _size(instance: Instance) -> str:
    return f"{len(instance.rules):,} x {len(instance.outcomes):,}"


def _timed(compute: Callable[[], _Result]) -> tuple[float, _Result]:
    started = time.process_time()
    result = compute()
    return time.process_time() - started, result


# --- the fast way and the plain way ----------------------------------------------------------------------------------


def _covered(instance: Instance) -> list[int]:
    """Return the mask of the transitions that each rule explains; each condition is looked at once."""
    coverage = Coverage(transitions=len(instance.outcomes))
    atoms = _atoms(instance.features)
    happened = _happened(instance.outcomes)
    for number, rule in enumerate(instance.rules):
        speaks = _conjunction(rule.conditions, atoms, coverage.everything)
        right = speaks & happened[rule.outcome]
        coverage.add_rule(str(number), right=right, wrong=speaks ^ right)
    return [coverage.right(rule) for rule in coverage.rules]


def _atoms(features: Sequence[bytes]) -> dict[Condition, int]:
    everything = (1 << len(features[0])) - 1
    masks = [packed(column) for column in features]
    return {
        (feature, truth): mask if truth else everything ^ mask
        for feature, mask in enumerate(masks)
        for truth in (True, False)
    }


def _happened(outcomes: bytes) -> list[int]:
    """Return the mask of the transitions in which each outcome happened."""
    return [packed(outcomes.translate(bytes(byte == outcome for byte in range(256)))) for outcome in range(OUTCOMES)]


def _conjunction(conditions: Collection[Condition], atoms: Mapping[Condition, int], everything: int) -> int:
    return reduce(and_, (atoms[condition] for condition in conditions), everything)


def _plainly_covered(rules: Sequence[Rule], rows: Sequence[Sequence[bool]], outcomes: bytes) -> list[set[int]]:
    """Return the transitions that each rule explains, by asking every rule about every one."""
    covers: list[set[int]] = []
    for rule in rules:
        right: set[int] = set()
        wrong: set[int] = set()
        for number, row in enumerate(rows):
            for feature, truth in rule.conditions:
                if row[feature] is not truth:
                    break
            else:
                (right if outcomes[number] == rule.outcome else wrong).add(number)
        covers.append(right)
    return covers


def _plain_greedy(covers: Sequence[set[int]]) -> list[int]:
    """Return the greedy choice, by trying all rules each time."""
    covered: set[int] = set()
    chosen: list[int] = []
    while True:
        best, most = -1, 0
        for index, cover in enumerate(covers):
            if (added := len(cover - covered)) > most:
                best, most = index, added
        if best < 0:
            return chosen
        chosen.append(best)
        covered |= covers[best]


# --- instances -------------------------------------------------------------------------------------------------------


def _instance(rules: int, transitions: int, seed: int) -> Instance:
    rng = random.Random(seed)
    features = _features(transitions, rng)
    atoms = _atoms(features)
    outcomes = _outcomes(atoms, transitions, rng)
    return Instance(features, outcomes, _rules(rules, atoms, _happened(outcomes), rng))


def _features(transitions: int, rng: random.Random) -> list[bytes]:
    """Return columns of ones and zeros, alike within an episode and between episodes of one kind."""
    situations = [[rng.betavariate(0.3, 0.3) for _ in range(FEATURES)] for _ in range(SITUATIONS)]
    tables = [[bytes(byte < 256 * share for byte in range(256)) for share in shares] for shares in situations]
    columns = [bytearray() for _ in range(FEATURES)]
    while len(columns[0]) < transitions:
        [situation] = rng.choices(tables, [1 / rank for rank in range(1, SITUATIONS + 1)])
        steps = min(rng.randint(10, 60), transitions - len(columns[0]))
        for column, table in zip(columns, situation, strict=True):
            column.extend(rng.randbytes(steps).translate(table))
    return [bytes(column) for column in columns]


def _outcomes(atoms: Mapping[Condition, int], transitions: int, rng: random.Random) -> bytes:
    """Return what happened in each transition: what the first law that applies says, or 0 where none does, with exceptions."""
    outcomes = [0] * transitions
    laws = [(_conditions(rng), rng.randrange(1, OUTCOMES)) for _ in range(LAWS)]
    for conditions, outcome in reversed(laws):
        applies = f"{_conjunction(conditions, atoms, (1 << transitions) - 1):0{transitions}b}"[::-1]
        outcomes = [outcome if bit == "1" else before for bit, before in zip(applies, outcomes, strict=True)]
    return bytes(rng.randrange(OUTCOMES) if rng.randrange(EXCEPTIONS) == 0 else outcome for outcome in outcomes)


def _rules(count: int, atoms: Mapping[Condition, int], happened: Sequence[int], rng: random.Random) -> list[Rule]:
    """Return different rules that each explain something: every other one a variation on an earlier one."""
    everything = reduce(or_, happened)
    found: dict[Rule, None] = {}
    earlier: list[frozenset[Condition]] = []
    while len(found) < count:
        conditions = _variation(rng.choice(earlier), rng) if earlier and rng.random() < 0.5 else _conditions(rng)
        speaks = _conjunction(conditions, atoms, everything)
        if speaks:
            shares = [(speaks & mask).bit_count() for mask in happened]
            found[Rule(conditions, shares.index(max(shares)))] = None
            earlier.append(conditions)
    return list(found)


def _conditions(rng: random.Random) -> frozenset[Condition]:
    [length] = rng.choices((1, 2, 3, 4), (1, 3, 6, 6))
    return frozenset((feature, rng.random() < 0.5) for feature in rng.sample(range(FEATURES), length))


def _variation(conditions: frozenset[Condition], rng: random.Random) -> frozenset[Condition]:
    """Return the conditions with one exchanged, added or left out, such that 1 to 4 remain."""
    kept = rng.sample(sorted(conditions), rng.randint(max(1, len(conditions) - 1), min(3, len(conditions))))
    unused = sorted(set(range(FEATURES)) - {feature for feature, _ in kept})
    added = [(rng.choice(unused), rng.random() < 0.5)] if len(kept) < len(conditions) or rng.random() < 0.5 else []
    return frozenset((*kept, *added))


if __name__ == "__main__":
    main()
