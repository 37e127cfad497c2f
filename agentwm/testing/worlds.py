"""Worlds to test in: they need nothing installed, and rules that hold in them are given."""

from dataclasses import dataclass

from agentwm import build
from agentwm.agent import Episode
from agentwm.rules.store import RuleStore
from agentwm.types import EnvironmentOptions

__all__ = ["WORLDS", "World"]


@dataclass(frozen=True, slots=True)
class World:
    """The first task of an ``environment``, found by its name, with the rules that are stated of it."""

    environment: str

    @property
    def store(self) -> RuleStore:
        """The rules, ready to be planned by, as if they had never failed."""
        return RuleStore.certain(build.environment(self.environment).true_rules())

    def begin(self, *, lists: bool = False) -> Episode:
        """Return the task, just begun; observations list the admissible actions where ``lists`` is set."""
        options = EnvironmentOptions(split="test", count=1, admissible=lists)
        environment = build.environment(self.environment).make(options)
        return Episode(environment, environment.tasks()[0])


WORLDS = tuple(map(World, ("gamble", "sokoban", "locks", "alfworld")))
"""Chance, a puzzle of pushing, doors that answer every action, and a household in which actions fail and much is hidden."""
