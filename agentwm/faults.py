"""What an environment breaks with, as one kind of error, so that it ends an episode and not the run."""

from collections.abc import Iterator
from contextlib import contextmanager

from agentwm.errors import AgentwmError, EnvironmentFailureError, quoted
from agentwm.types import Observation, Perception, State

__all__ = ["PNG", "expect_facts", "expect_observation", "expect_png", "expect_values", "failure", "told_as_failure"]

PNG = b"\x89PNG\r\n\x1a\n"
"""How every PNG begins."""

_PLAIN = frozenset({str, int, float, bool, type(None)})
_PLAIN_OR_LIKE_IT = (str, int, float)


def failure(environment: str, doing: str, error: BaseException) -> EnvironmentFailureError:
    """Return the error that says what ``environment`` raised while it was ``doing`` something."""
    said = str(error)
    return EnvironmentFailureError(
        f"{environment} broke down in {doing}: it raised {type(error).__name__}{f' ({quoted(said)})' if said else ''}"
    )


@contextmanager
def told_as_failure(environment: str, doing: str) -> Iterator[None]:
    """Raise whatever is raised meanwhile as an EnvironmentFailureError, but for errors of agentwm's own, which say enough.

    An exit is as bad as an exception: it would take the run with it. An interrupt is the user's.
    """
    try:
        yield
    except AgentwmError:
        raise
    except (Exception, SystemExit) as error:
        raise failure(environment, doing, error) from error


def expect_observation(seen: Observation) -> Observation:
    """Return ``seen``. Raises: EnvironmentFailureError where it is no observation."""
    if isinstance(seen, Observation):
        return seen
    raise EnvironmentFailureError(f"expected the environment to answer with an Observation, got {quoted(seen)}")


def expect_png(seen: object) -> bytes | None:
    """Return ``seen``. Raises: EnvironmentFailureError where it is neither a PNG nor None."""
    if seen is None or (isinstance(seen, bytes) and seen.startswith(PNG)):
        return seen
    raise EnvironmentFailureError(
        f"expected the bytes of a PNG, or None, for a screenshot, got {quoted(seen, limit=40)}"
    )


def expect_facts(perception: Perception) -> Perception:
    """Return ``perception``. Raises: EnvironmentFailureError where a value in it is none that a fact can have."""
    expect_values(perception.told)
    expect_values(perception.changed)
    return perception


def expect_values(facts: State) -> None:
    """Raise an EnvironmentFailureError where a value is none that a fact can have."""
    for fluent, value in facts.items():
        if type(value) not in _PLAIN and not isinstance(value, _PLAIN_OR_LIKE_IT):
            raise EnvironmentFailureError(
                f"expected a text, a number, a truth value or None for {fluent}, got {quoted(value)}"
            )
