"""The checks of an environment as a class of tests, which pytest reports one by one."""

from typing import ClassVar

from agentwm.testing import environments
from agentwm.types import EnvironmentSpec

__all__ = ["EnvironmentTests"]


class EnvironmentTests:
    """The tests of an environment, to be inherited from in a test file of your own.

    For example::

        from agentwm.testing import EnvironmentTests

        class TestLamps(EnvironmentTests):
            environment = "lamps"

    ``environment`` is its spec or the name it is installed under. Each test raises an AssertionError that says what to mend.
    """

    environment: ClassVar[EnvironmentSpec | str]

    def test_its_name_finds_it_and_nothing_else(self) -> None:
        """Check the entry point."""
        environments.check_name(self.environment)

    def test_it_says_what_is_missing(self) -> None:
        """Check what the spec declares."""
        environments.check_missing(self.environment)

    def test_no_task_is_learned_from_and_played(self) -> None:
        """Check the tasks."""
        environments.check_tasks(self.environment)

    def test_the_same_seed_begins_the_same(self) -> None:
        """Check the start, in other processes, too."""
        environments.check_start(self.environment)

    def test_the_same_actions_are_answered_the_same(self) -> None:
        """Check that an episode can be played again."""
        environments.check_replay(self.environment)

    def test_listed_actions_are_legal(self) -> None:
        """Check the admissible actions."""
        environments.check_actions(self.environment)

    def test_facts_are_as_they_are_declared(self) -> None:
        """Check facts, goals and rewards."""
        environments.check_facts(self.environment)

    def test_text_and_facts_agree(self) -> None:
        """Check the texts."""
        environments.check_text(self.environment)

    def test_it_can_be_closed_twice(self) -> None:
        """Check the end."""
        environments.check_close(self.environment)

    def test_it_keeps_its_time_limit(self) -> None:
        """Check the time that reset and step take."""
        environments.check_time(self.environment)
