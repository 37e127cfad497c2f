"""A cellar of lamps: turn the power on, see which switch is wired to which lamp, and light the one that is wanted."""

import random

from agentwm import Action, EnvironmentOptions, Fluent, Goal, Observation, misuse
from agentwm.facts import FactsPerceiver
from agentwm.types import ActionSchema, EnvironmentSpec, FluentSchema, Value, Vocabulary

FLUENTS = (
    FluentSchema("sort", ("any",), "sort", static=True),
    FluentSchema("wired", ("switch",), "lamp", static=True),
    FluentSchema("wanted", (), "lamp", static=True),
    FluentSchema("lit", ("lamp",), "bool"),
    FluentSchema("power", (), "bool"),
)
VERBS = (ActionSchema("press", ("switch",), "press {0}"), ActionSchema("pull lever", (), "pull lever"))
# Every action is answered, and what it did is seen: nothing is ever refused.
WORDS = Vocabulary({each.name: each for each in FLUENTS}, {each.verb: each for each in VERBS}, reports_failure=False)
LAMPS, SWITCHES = ("lamp 1", "lamp 2", "lamp 3"), ("switch 1", "switch 2", "switch 3")
ACTIONS = (Action("pull lever"), *(Action("press", (switch,)) for switch in SWITCHES))
POWER, WANTED = Fluent("power"), Fluent("wanted")


class Lamps:
    """Plays the cellar; each task is a seed of its wiring."""

    name, perceiver, vocabulary, refusals = "lamps", FactsPerceiver(), WORDS, ()

    def __init__(self, options: EnvironmentOptions) -> None:
        split = options.split or ("train" if options.learning else "test")
        self.about, self.listed = {"split": split}, ACTIONS if options.admissible else None
        self.names = tuple(f"{split}-{options.seed}-{number}" for number in range(options.count or 100))
        self.facts: dict[Fluent, Value] = {}

    @property
    def goal(self) -> Goal:
        return Goal(f"light {self.facts[WANTED]}")

    def tasks(self) -> tuple[str, ...]:
        return self.names

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- there is one family
        return "light a lamp"

    def reset(self, task: str, *, seed: int = 0) -> Observation:
        if task not in self.names:
            raise misuse.unknown_task(task, len(self.names))
        rng = random.Random(f"{task} {seed}")
        self.facts = {Fluent("sort", (thing,)): thing.split()[0] for thing in LAMPS + SWITCHES}
        lamps = rng.sample(LAMPS, len(LAMPS))
        self.facts |= {Fluent("wired", (each,)): lamp for each, lamp in zip(SWITCHES, lamps, strict=True)}
        self.facts |= {Fluent("lit", (lamp,)): False for lamp in LAMPS}
        self.facts |= {POWER: rng.random() < 0.3, WANTED: rng.choice(LAMPS)}
        return self.seen()

    def step(self, action: Action) -> Observation:
        if action not in ACTIONS:
            raise misuse.unknown_action(action, WORDS)
        lamp = self.facts.get(Fluent("wired", action.args))
        switched = POWER if lamp is None else Fluent("lit", (str(lamp),))
        self.facts[switched] = self.facts[switched] != (lamp is None or self.facts[POWER])
        return self.seen()

    def seen(self) -> Observation:
        told = ", ".join(f"{fluent} {value}" for fluent, value in self.facts.items() if fluent.name in {"lit", "wired"})
        is_won = self.facts[Fluent("lit", (str(self.facts[WANTED]),))] is True
        text = f"The power is {'on' if self.facts[POWER] else 'off'}: {told}."
        return Observation(text, dict(self.facts), self.listed, reward=float(is_won), terminated=is_won)

    def close(self) -> None:
        self.facts = {}


SPEC = EnvironmentSpec("lamps", "a cellar of lamps and switches", ("test", "train"), ("fast",), make=Lamps, learn=10)
