"""The actions of a Gymnasium environment under names that rules can speak of."""

import enum
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agentwm.errors import ConfigurationError, quoted
from agentwm.gym.words import sort_of
from agentwm.types import Action, ActionSchema

if TYPE_CHECKING:
    from gymnasium import Env

__all__ = ["Named", "action_table", "schemas_of"]

Named = Sequence[str] | Mapping[str, Any] | Mapping[Action, Any] | Callable[[Action], Any]
"""How actions may be named: in the order of a `Discrete` space, or each with what stands for it in the environment."""

_VERB = re.compile(r"[a-z]+(?: [a-z]+)*")
_WORDS_OF_RULES = frozenset({"any", "each", "leading", "then", "when"})
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def action_table(env: "Env[Any, Any]", named: Sequence[str] | Mapping[Any, Any] | None) -> dict[Action, Any]:
    """Return the actions of ``env``, each with what stands for it there, in the order of their names.

    Where nobody ``named`` them, a `Discrete` space's are called as the environment itself calls them, else ``choose a``, ``choose b`` …

    Raises: ConfigurationError for a space whose actions need names, and for names that do not fit the space or that no rule could say.
    """
    space = env.action_space
    number, first = getattr(space, "n", None), int(getattr(space, "start", 0))
    if isinstance(named, Mapping):
        table = {name if isinstance(name, Action) else Action(name): done for name, done in named.items()}
    elif number is None or getattr(space, "shape", ()) != ():
        raise ConfigurationError(
            f"expected names for the actions of {space}: give actions= as a mapping from names to actions, such as {{'push': [0.0, 1.0]}}"
        )
    else:
        names = _own_names(env, int(number)) if named is None else list(named)
        if isinstance(named, str) or len(names) != number or len({*names}) != number:
            raise ConfigurationError(
                f"expected {number} different names for the {number} actions of {space}, got {quoted(named)}"
            )
        table = {Action(name): first + index for index, name in enumerate(names)}
    for action, done in table.items():
        _expect_sayable(action.verb)
        if not space.contains(done):
            raise ConfigurationError(f"expected for the action {action} one of {space}, got {quoted(done)}")
    return table


def schemas_of(actions: Sequence[Action]) -> dict[str, ActionSchema]:
    """Declare the verbs of ``actions``, which are written as the verb and what it is applied to: ``go cell 1 2``."""
    schemas: dict[str, ActionSchema] = {}
    for verb in dict.fromkeys(action.verb for action in actions):
        args = [action.args for action in actions if action.verb == verb]
        if len({*map(len, args)}) > 1:
            raise ConfigurationError(
                f"expected the action {verb} always to be applied to as many things, got {quoted(args)}"
            )
        parameters = tuple("|".join(sorted({*map(sort_of, column)})) for column in zip(*args, strict=True))
        schemas[verb] = ActionSchema(verb, parameters, " ".join((verb, *(f"{{{n}}}" for n in range(len(parameters))))))
    return schemas


def _expect_sayable(verb: str) -> None:
    """Raise a ConfigurationError where no rule could speak of ``verb``."""
    if not _VERB.fullmatch(verb) or _WORDS_OF_RULES & {*verb.split(" ")}:
        raise ConfigurationError(
            f"expected an action to be named in small letters with single spaces, as 'pick up', without the words "
            f"{', '.join(sorted(_WORDS_OF_RULES))}; got {quoted(verb)}"
        )


def _own_names(env: "Env[Any, Any]", number: int) -> list[str]:
    """Return what ``env`` calls its actions, by an enumeration or as Atari's do; letters where it does not, or two would be alike."""
    plain = env.unwrapped
    members = getattr(plain, "actions", None)
    names: Sequence[str] = ()
    if isinstance(members, type) and issubclass(members, enum.IntEnum):
        names = [each.name for each in sorted(members)]
    elif callable(meanings := getattr(plain, "get_action_meanings", None)):
        names = [str(each) for each in meanings()]
    said = [" ".join(_WORD.findall(name)).lower() for name in names]
    is_usable = len({*said}) == number and all(_VERB.fullmatch(name) for name in said)
    return said if is_usable and not _WORDS_OF_RULES & {*" ".join(said).split()} else list(_lettered(number))


def _lettered(number: int) -> Iterator[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    for index in range(number):
        high, low = divmod(index, len(letters))
        yield f"choose {letters[high - 1] if high else ''}{letters[low]}"
