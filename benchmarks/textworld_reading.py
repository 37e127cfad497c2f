"""How far what is read from TextWorld's texts agrees with what its engine knows, in random play of unseen games.

python benchmarks/textworld_reading.py --games 10 --steps 60 --seed 1
"""

import argparse
import random
from collections import Counter

from agentwm.agent import Episode
from agentwm.types import Action, EnvironmentOptions, Prediction
from agentwm_environments.textworld.agreement import score
from agentwm_environments.textworld.environment import make
from agentwm_environments.textworld.families import FAMILIES

NOTHING_EXPECTED = Prediction((), 0.0, "frame")


def drawn(episode: Episode, rng: random.Random) -> Action:
    """Return an admissible action or, one time in five, any verb with any things met."""
    listed = episode.observation.actions or ()
    if listed and rng.random() < 0.8:
        return rng.choice(listed)
    things: dict[object, list[str]] = {}
    for fluent, value in episode.state.items():
        if fluent.name == "sort":
            things.setdefault(value, []).append(fluent.args[0])
    verbs = [s for s in episode.vocabulary.actions.values() if all(sort in things for sort in s.parameters)]
    schema = rng.choice(verbs)
    return Action(schema.verb, tuple(rng.choice(things[sort]) for sort in schema.parameters))


def main() -> None:
    """Print, per family and fluent, the share of beliefs that are right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=10)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for family in FAMILIES:
        environment = make(family, EnvironmentOptions(count=options.games, seed=options.seed, admissible=True))
        right: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for task in environment.tasks():
            rng = random.Random(task)
            episode = Episode(environment, task)
            while not episode.is_over and len(episode.transitions) < options.steps:
                episode.step(drawn(episode, rng), NOTHING_EXPECTED)
                if not episode.is_over:
                    for name, (good, every) in score(episode.state, environment.facts).items():
                        right[name] += good
                        total[name] += every
        environment.close()
        parts = ", ".join(f"{name} {right[name] / total[name]:.2%}" for name in sorted(total))
        share = right.total() / max(1, total.total())
        print(f"{family}: {right.total()} of {total.total()} beliefs right ({share:.3%}): {parts}", flush=True)


if __name__ == "__main__":
    main()
