"""ALFWorld's household text games: an engine of our own, official and generated games, and the official engine behind the same face."""

from collections.abc import Sequence

from agentwm.types import Environment, EnvironmentOptions, EnvironmentSpec

__all__ = ["SPEC"]


def _make(options: EnvironmentOptions) -> Environment:
    from .environment import make  # noqa: PLC0415 -- being listed must not import the engine

    return make(options)


def _check() -> Sequence[str]:
    from .check import check  # noqa: PLC0415 -- as above

    return check()


def _true_rules() -> Sequence[str]:
    from .true_rules import true_rules  # noqa: PLC0415 -- as above

    return true_rules()


SPEC = EnvironmentSpec(
    name="alfworld",
    summary="household tasks told in text: find, heat, cool, clean, light up and put away",
    splits=("test", "train", "valid_seen", "valid_unseen"),
    engines=("fast", "official"),
    goals=("template", "human"),
    make=_make,
    true_rules=_true_rules,
    check=_check,
)
