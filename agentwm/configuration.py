"""What a run is asked to do: one closed object, from Python and from the command line alike."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agentwm.errors import ConfigurationError, quoted
from agentwm.presets import Ask, Role, filled, preset
from agentwm.types import EnvironmentOptions, EnvironmentSpec, PlanningBudget

__all__ = ["BUDGETS", "Ask", "Role", "RunConfig", "new_folder"]

Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]

# What a run may be given more of when it is resumed.
BUDGETS = ("max_calls", "max_tokens", "max_cost", "max_seconds")

_OF_A_MODEL = ("base_url", "ask", "roles", "record", "said_by", "timeout_s", "price", *BUDGETS)


class RunConfig(BaseModel):
    """A whole experiment: learn on some tasks, then play others with the rules frozen.

    ``learn`` episodes of ``train_split`` are learned from, starting from the rules in the folder ``rules`` or from none; then
    ``episodes`` of ``split`` are played. None for a split, an engine, ``learn`` or ``max_steps`` is the environment's default.
    ``goals`` is how the goals to be played for are worded, None for the environment's own wording, in which they are always learned
    from. ``games`` is a folder of games, ``altered`` the seed of a variant of the world, None for the ordinary one. ``out`` is the folder
    of the run, None for a new one under ``./runs``. ``max_steps`` and ``admissible`` are for playing: learning has a limit of its
    own, and never sees the list of admissible actions. ``budget`` is what each decision may spend (see `PlanningBudget.parse`), None for
    the planner's own. ``preset`` is a named mixture, which fills in what was not given. ``explore`` learns for the sake of learning alone:
    learning episodes then pursue neither goal nor reward. ``isolated`` is whether the environment runs in a process of its own, so that a
    crash or a hang of it ends an episode and not the run; None for as its spec wants it. ``screenshots`` keeps what an environment with a
    face looks like along the way.

    ``model`` is a language model, ``BACKEND/NAME``, that takes on ``roles`` while playing, and ``induce`` while learning; None for rules
    alone. Goals in people's own words make it perceive, too. It is asked ``never``, where the rules are ``silent`` (the default), or
    ``always``. What it says is recorded in the file ``record``, said to be by ``said_by``, or in the folder of the run; ``replay`` is a
    recording to take all answers from. A call may take ``timeout_s``, None for 120 s. ``price`` is what a million tokens cost: input,
    output and perhaps cached input. The budgets are for the whole run, however often it is resumed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: str
    planner: str = "mpc"
    preset: str | None = None
    budget: str | None = None
    explore: bool = False
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
    goals: str | None = None
    admissible: bool = False
    isolated: bool | None = None
    screenshots: bool = True
    out: Path | None = None
    model: str | None = None
    base_url: str | None = None
    ask: Ask | None = None
    roles: tuple[Role, ...] | None = None
    record: Path | None = None
    said_by: str | None = None
    replay: Path | None = None
    timeout_s: Amount | None = None
    price: tuple[Price, ...] | None = None
    max_calls: AtLeastOne | None = None
    max_tokens: AtLeastOne | None = None
    max_cost: Amount | None = None
    max_seconds: Amount | None = None

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, options: Any) -> Any:
        """Return ``options`` with what their preset says, and the budget in one form, once it is known to be one."""
        if not isinstance(options, Mapping):
            return options
        given = filled(options)
        if isinstance(given.get("budget"), str):
            given["budget"] = str(PlanningBudget.parse(given["budget"]))
        # No planner is none that was given: what was not given is the default.
        return {name: value for name, value in given.items() if name != "planner" or value is not None}

    @property
    def decision_budget(self) -> PlanningBudget | None:
        """What each decision may spend, None for the planner's own budget."""
        return None if self.budget is None else PlanningBudget.parse(self.budget)

    @property
    def has_model(self) -> bool:
        """Whether a language model, or a recording of one, takes part."""
        return self.model is not None or self.replay is not None

    @classmethod
    def parse(cls, options: Mapping[str, object]) -> Self:
        """Return the configuration that ``options`` describe.

        Raises: ConfigurationError naming the first option that is unknown or has an impossible value.
        """
        try:
            config = cls.model_validate(dict(options))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            if first["type"] == "extra_forbidden":
                raise ConfigurationError(
                    f"unknown option {quoted(name)}; there are {', '.join(cls.model_fields)}"
                ) from error
            raise ConfigurationError(f"option {quoted(name)}: {first['msg']}, got {quoted(first['input'])}") from error
        config.expect_a_model()
        return config

    def expect_a_model(self) -> None:
        """Raise a ConfigurationError where something is asked of a language model and there is none, or that cannot be."""
        if self.preset is not None and preset(self.preset).needs_model and not self.has_model:
            raise ConfigurationError(
                f"the preset {self.preset} asks a language model to {', '.join(preset(self.preset).roles)}: name one with "
                "--model BACKEND/NAME, or a recording with --replay"
            )
        given = [name for name in _OF_A_MODEL if getattr(self, name) is not None]
        if given and not self.has_model:
            raise ConfigurationError(
                f"the option {given[0]} is about a language model: name one with --model BACKEND/NAME, or a recording with --replay"
            )
        if self.replay is not None and self.record is not None:
            raise ConfigurationError(
                "expected a file to record to or one to replay, got both: drop --record or --replay"
            )
        if self.model is not None and not all(self.model.partition("/")):
            raise ConfigurationError(f"expected a model as BACKEND/NAME (openai/gpt-5, say), got {quoted(self.model)}")
        if self.price is not None and len(self.price) not in (2, 3):
            raise ConfigurationError(
                f"expected a price as INPUT,OUTPUT or INPUT,OUTPUT,CACHED per million tokens, got {quoted(self.price)}"
            )
        if self.roles is not None and "judge" in self.roles and "propose" not in self.roles:
            raise ConfigurationError(
                "judge weighs what propose proposes: give the language model both roles, or neither"
            )
        if self.roles is not None and "induce" in self.roles and self.learn == 0:
            raise ConfigurationError(
                "induce finds rules while learning, and --learn 0 learns nothing: drop one of the two"
            )

    def expect_a_reader(self) -> None:
        """Raise a ConfigurationError unless a language model is there to read goals in people's own words, and is asked."""
        if not self.has_model:
            raise ConfigurationError(
                f"the goals {quoted(self.goals)} are in people's own words, which only a language model reads: name one with "
                "--model BACKEND/NAME, or a recording with --replay"
            )
        if self.ask == "never":
            raise ConfigurationError(
                f"the goals {quoted(self.goals)} are for a language model to read, and --ask never asks nothing of it: drop one of the two"
            )

    def roles_in(self, spec: EnvironmentSpec) -> tuple[Role, ...]:
        """Return the roles that a language model is given in the world of ``spec``; goals in people's own words make it perceive, too."""
        roles: tuple[Role, ...] = self.roles or ("predict",)
        is_worded = self.goals not in (None, spec.goals[0])
        return (*roles, "perceive") if is_worded and "perceive" not in roles else roles

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
            # Rules are of what happens, however the goal is worded.
            goals=None if learning else self.goals,
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
