"""Opens the language model that a configuration names: the bare backend, without the layers above it."""

from agentwm import build
from agentwm.backends.accounts import Account, Budget, Price
from agentwm.backends.protocol import Backend, BackendOptions, Patience
from agentwm.backends.recording import head_of
from agentwm.configuration import RunConfig
from agentwm.errors import ConfigurationError, MissingExtraError, quoted

__all__ = ["bare_backend", "budget_of", "heard", "named", "prices_of"]

TIMEOUT_S = 120.0


def named(config: RunConfig) -> tuple[str, str]:
    """Return the backend and what it knows the model by.

    Raises: ConfigurationError when the recording to be replayed is another model's than the one named.
    """
    if config.replay is None:
        backend, _, model = str(config.model).partition("/")
        return backend, model
    identity = head_of(config.replay)["identity"]
    recorded = f"{identity.get('backend')}/{identity.get('model')}"
    if config.model not in (None, recorded):
        raise ConfigurationError(
            f"expected a recording of {config.model}, but {config.replay} is one of {quoted(recorded)}"
        )
    return "recorded", str(identity.get("model", ""))


def heard(config: RunConfig) -> str:
    """Return who is said to have answered in the recording that is replayed; empty where there is none."""
    return "" if config.replay is None else str(head_of(config.replay).get("said_by", ""))


def budget_of(config: RunConfig) -> Budget:
    """Return what may be spent."""
    return Budget(config.max_calls, config.max_tokens, config.max_cost, config.max_seconds)


def prices_of(config: RunConfig) -> dict[str, Price]:
    """Return the price of the model, by its name; nothing where none is known."""
    return {named(config)[1]: Price(*config.price)} if config.price else {}


def bare_backend(config: RunConfig, account: Account, *, in_flight: int | None = None) -> Backend:
    """Return the backend itself. Nothing is asked of it yet; ``in_flight`` None leaves that many calls at once to its default.

    Raises: ConfigurationError for a model or a recording that cannot be used; MissingExtraError when the backend needs what is not
        installed.
    """
    name, model = named(config)
    spec = build.backend(name)
    if missing := spec.missing():
        raise MissingExtraError(f"the backend {name} cannot be used here: {missing}")
    timeout_s = config.timeout_s or TIMEOUT_S
    options = BackendOptions(
        model if config.replay is None else str(config.replay),
        base_url=config.base_url,
        account=account,
        timeout_s=timeout_s,
        # All attempts together must not be cut off before the first of them is.
        patience=Patience(seconds=max(Patience().seconds, 2 * timeout_s)),
        in_flight=in_flight or BackendOptions("").in_flight,
    )
    return spec.make(options)
