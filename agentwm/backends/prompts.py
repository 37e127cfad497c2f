"""Prompts as values: what a role says to a model, with slots for what it is about."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Self

from agentwm.backends.protocol import Message
from agentwm.errors import ConfigurationError, quoted

__all__ = ["Prompt"]

SEPARATOR = "\n---\n"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt of one role: a system message that stays the same for long, so that a server can cache it, and the user's, which asks.

    Both may hold ``$slots``.
    """

    role: str
    system: str
    user: str

    @classmethod
    def parse(cls, role: str, text: str) -> Self:
        """Return the prompt that ``text`` writes: the system message, a line of three dashes, the user's message.

        Raises: ConfigurationError when it is not in these two parts.
        """
        parts = text.replace("\r\n", "\n").split(SEPARATOR)
        if len(parts) != 2 or not all(part.strip() for part in parts):
            raise ConfigurationError(
                f"expected the prompt {role} to be a system message, a line ---, and a user's message, got {len(parts)} parts"
            )
        return cls(role, parts[0].strip(), parts[1].strip())

    @property
    def digest(self) -> str:
        """The SHA-256 of the prompt as it is written, slots unfilled."""
        return hashlib.sha256(f"{self.system}{SEPARATOR}{self.user}".encode()).hexdigest()

    def messages(self, slots: Mapping[str, str]) -> tuple[Message, ...]:
        """Return the two messages with ``slots`` filled in. What is filled in is not looked through for slots.

        Raises: ConfigurationError when the prompt has a slot that is not among ``slots``.
        """
        try:
            system, user = (Template(part).substitute(slots) for part in (self.system, self.user))
        except (KeyError, ValueError) as error:
            raise ConfigurationError(
                f"the prompt {self.role} has a slot that nothing fills ({quoted(str(error))}); there is: "
                f"{', '.join(f'${name}' for name in sorted(slots))}"
            ) from None
        return Message("system", system), Message("user", user)
