"""Takes any environment of ours out, for whoever speaks Gymnasium."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentwm.gym.specification import expect_gymnasium
from agentwm.types import Environment

if TYPE_CHECKING:
    from agentwm.gym.taken_out import TakenOut

__all__ = ["to_gymnasium"]


def to_gymnasium(
    environment: Environment,
    tasks: Sequence[str] | None = None,
    *,
    max_steps: int | None = None,
    render_mode: str | None = None,
) -> "TakenOut":
    """Return ``environment`` as a ``gymnasium.Env`` that plays ``tasks``, None for all it has.

    An observation is a dict of two texts: ``text``, what is seen, and ``goal``, what is asked for. Where no action is done with anything
    and there are few, actions are numbers (`Discrete`), in the order of the vocabulary; else they are commands in words. A command that
    cannot be read costs a step and is answered in words. The info has ``facts`` (what is believed now), ``task``, ``admissible`` (the
    commands that the environment lists, where it does), ``is_understood`` and, for numbers, the ``action_mask``.

    ``reset(seed=7, options={"task": "test-0-3"})`` begins that task, as the environment's own ``reset`` with the seed 7; what is not given
    is drawn. An episode is truncated after ``max_steps`` actions, None for no limit. ``render_mode`` may be ``ansi``.

    Raises: MissingExtraError where gymnasium is not installed; ConfigurationError for an environment without tasks; TaskError where the
        first of them cannot be begun.
    """
    expect_gymnasium("to_gymnasium")
    from agentwm.gym.taken_out import TakenOut  # noqa: PLC0415 -- it is a class of gymnasium's, which is an extra

    return TakenOut(environment, tasks, max_steps=max_steps, render_mode=render_mode)
