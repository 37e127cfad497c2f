"""A suite: worlds to be played one after another, and what is asked of each. Data, which an entry point names."""

from dataclasses import dataclass, field

__all__ = ["Asked", "Brief", "SuiteRow", "SuiteSpec"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a result must reach; None asks nothing.

    ``won`` is the least share of the episodes won (0 to 1). ``step_ratio`` is the most steps that are needed on average, over the tasks
    won, as a multiple of the reference's. ``return_share`` is how much of the reference's return must be reached at least: the mean
    return may lie below that of the reference, on the same tasks and seeds, by at most ``1 - return_share`` of its size, which has a
    meaning where returns are negative, too.
    """

    won: float | None = None
    step_ratio: float | None = None
    return_share: float | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """How little of a row the quick form plays: ``learn`` episodes to learn from, None for as many as ever, and ``episodes`` played."""

    learn: int | None
    episodes: int


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """One line of a suite's table; ``name`` is the line's, and ``group`` says what it belongs to.

    ``environment`` is what `agentwm run` is told. ``episodes`` are played, after ``learn`` others; None for that, the splits, the steps and
    the planner is what `agentwm run` would take. ``brief`` is the row in the quick form, None where that leaves it out. ``with_random``
    has a policy of pure chance play the same tasks. ``published`` are figures of others to stand beside, each a sentence with its source.
    """

    name: str
    environment: str
    episodes: int
    group: str = ""
    asked: Asked = field(default_factory=Asked)
    split: str | None = None
    train_split: str | None = None
    learn: int | None = None
    max_steps: int | None = None
    planner: str | None = None
    brief: Brief | None = None
    with_random: bool = False
    published: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteSpec:
    """What an entry point of the group ``agentwm.suites`` names: rows to be played in this order, each name once."""

    name: str
    summary: str
    rows: tuple[SuiteRow, ...]
