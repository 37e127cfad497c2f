"""What a run is asked to do: one closed object, from Python and from the command line alike."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentwm.errors import ConfigurationError, quoted
from agentwm.types import EnvironmentOptions, EnvironmentSpec

__all__ = ["RunConfig", "new_folder"]

Count = Annotated[int, Field(ge=0)]


class RunConfig(BaseModel):
    """A whole experiment: learn on some tasks, then play others with the rules frozen.

    ``learn`` episodes of ``train_split`` are learned from, starting from the rules in the folder ``rules`` or from none; then
    ``episodes`` of ``split`` are played. None for a split, an engine, ``learn`` or ``max_steps`` is the environment's default.
    ``games`` is a folder of games, ``altered`` the seed of a variant of the world, None for the ordinary one. ``out`` is the folder
    of the run, None for a new one under ``./runs``. ``max_steps`` and ``admissible`` are for playing: learning has a limit of its
    own, and never sees the list of admissible actions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: str
    planner: str = "mpc"
    learn: Count | None = None
    episodes: Count = 60
    games: Path | None = None
    split: str | None = None
    train_split: str | None = None
    engine: str | None = None
    rules: Path | None = None
    max_steps: Annotated[int, Field(ge=1)] | None = None
    seed: Count = 0
    altered: Count | None = None
    admissible: bool = False
    out: Path | None = None

    @classmethod
    def parse(cls, options: Mapping[str, object]) -> Self:
        """Return the configuration that ``options`` describe.

        Raises: ConfigurationError naming the first option that is unknown or has an impossible value.
        """
        try:
            return cls.model_validate(dict(options))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            if first["type"] == "extra_forbidden":
                raise ConfigurationError(
                    f"unknown option {quoted(name)}; there are {', '.join(cls.model_fields)}"
                ) from error
            raise ConfigurationError(f"option {quoted(name)}: {first['msg']}, got {quoted(first['input'])}") from error

    def settled(self, spec: EnvironmentSpec) -> Self:
        """Return the configuration with the environment's own numbers where none were given."""
        given = {"learn": self.learn, "max_steps": self.max_steps}
        own = {"learn": spec.learn, "max_steps": spec.max_steps}
        return self.model_copy(update={name: own[name] if value is None else value for name, value in given.items()})

    def environment_options(self, *, learning: bool) -> EnvironmentOptions:
        """Return what is asked of the environment for one of the two phases."""
        return EnvironmentOptions(
            split=self.train_split if learning else self.split,
            learning=learning,
            played=self.split if learning else None,
            games=None if self.games is None else str(self.games),
            engine=self.engine,
            altered=self.altered,
            count=self.learn if learning else self.episodes,
            seed=self.seed,
            # Learning does without the list: what fails is half of what there is to learn.
            admissible=self.admissible and not learning,
        )


def new_folder(environment: str) -> Path:
    """Return a folder for a new run, ``./runs/ENVIRONMENT-TIME``, that is not there yet."""
    # The name is only a name here: whether there is such an environment is asked later.
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in environment)
    stem = Path("runs") / f"{safe}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    candidate, number = stem, 2
    while candidate.exists():
        candidate, number = stem.with_name(f"{stem.name}-{number}"), number + 1
    return candidate
