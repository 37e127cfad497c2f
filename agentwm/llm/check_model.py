"""Plays the blind test on a language model: what commands do in a world whose laws were drawn by a seed, without its rules and with them.

The rules are learned by play, without the model; what is asked comes from other games. All questions are put at once: those without
rules, and the same with what the rules say of each in the prompt. No answers of the world are shown: they would tell of its laws.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from agentwm import build
from agentwm.backends.accounts import Account, Price, Tally
from agentwm.backends.checking import Checked
from agentwm.backends.encoding import request_key
from agentwm.backends.memory import Remembering
from agentwm.backends.protocol import Answer, Backend, Reply, Request
from agentwm.backends.recording import Recorder, rows_of
from agentwm.backends.wrapped import Wrapped
from agentwm.configuration import RunConfig
from agentwm.errors import BackendError, ConfigurationError
from agentwm.evaluation.held_out import HeldOut, held_out
from agentwm.evaluation.learning import learned_from
from agentwm.evaluation.model_check import Asked, Foretelling, ModelCheck
from agentwm.evaluation.statistics import wilson_interval
from agentwm.llm.asking import UNUSABLE
from agentwm.llm.calibration import Calibration, Statement
from agentwm.llm.opening import bare_backend, budget_of, heard, named, prices_of
from agentwm.llm.run import replies_of
from agentwm.llm.world_model import LLMWorldModel
from agentwm.models.rule_model import AlignedModel
from agentwm.rules.store import RuleStore
from agentwm.types import Environment, EnvironmentSpec, Prediction, Query, Transition

__all__ = ["PREDICTIONS", "check_model"]

PREDICTIONS = 40
HELD_OUT_GAMES = 20

RULES, BLIND, TOLD = "rules alone", "model, no rules", "model, rules in the prompt"
FIRST, BOTH = "rules first, then the model", "rules first and in the prompt"


def check_model(
    config: RunConfig,
    *,
    predictions: int = PREDICTIONS,
    in_flight: int | None = None,
    progress: Callable[[str], None] = lambda _news: None,
) -> ModelCheck:
    """Return how well the model of ``config`` foretells ``predictions`` transitions of the world that ``config`` alters.

    The first ``config.learn`` games of the training split are learned from, unless ``config.rules`` are given as what was learned from
    them; the transitions are of further ones. What is in ``config.record`` already is not asked again. ``in_flight`` None puts all
    questions at once to a server of the user's own (``base_url``), and leaves their number to the backend's default otherwise.

    Raises: ConfigurationError for a model, an environment or a file that cannot be used; BackendError when the model cannot be asked.
    """
    spec = build.checked(config)
    config = config.settled(spec)
    account = Account(budget_of(config), prices_of(config))
    if in_flight is None and config.base_url is not None:
        in_flight = 2 * predictions
    with closing(bare_backend(config, account, in_flight=in_flight)) as bare:
        backend = _Noting(_kept(bare, config))
        world = _world(config, spec, predictions, progress)
        blind, told = (
            LLMWorldModel(Checked(backend), build.prompt("predict"), world.asked.vocabulary, rules=rules)
            for rules in (RuleStore(), world.rules)
        )
        questions = [model.request(query) for model in (blind, told) for query in world.queries]
        progress(f"asking {'/'.join(named(config))} {len(set(questions))} questions")
        _ask_at_once(Checked(backend), questions)
        return _report(config, world, {BLIND: blind, TOLD: told}, backend, prices_of(config).get(named(config)[1]))


# --- the world and what is asked about it ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _World:
    """What was learned of the world, and what is asked about it."""

    split: str
    rules: RuleStore
    learning_steps: int | None
    asked: HeldOut

    @property
    def queries(self) -> list[Query]:
        """The questions, one for each transition."""
        return [Query(each.before, each.action) for _, each in self.asked.transitions]

    @property
    def transitions(self) -> list[Transition]:
        """What is to be foretold."""
        return [each for _, each in self.asked.transitions]


def _world(config: RunConfig, spec: EnvironmentSpec, predictions: int, progress: Callable[[str], None]) -> _World:
    learn = config.learn or 0
    given = None if config.rules is None else RuleStore.load(config.rules)
    options = replace(config.environment_options(learning=True), count=learn + HELD_OUT_GAMES)
    with closing(spec.make(replace(options, admissible=True))) as walked:
        tasks = _tasks(walked, learn)
        asked = held_out(walked, tasks[learn:], predictions, seed=config.seed)
        split = str(walked.about.get("split", ""))
    if given is not None:
        return _World(split, given, None, asked)
    with closing(spec.make(options)) as environment:
        progress(f"learning from {learn} games of {environment.name}")
        learned = learned_from(environment, tasks[:learn], seed=config.seed, max_steps=spec.learning_steps)
    return _World(split, learned.rules, sum(map(len, learned.trajectories)), asked)


def _tasks(environment: Environment, learn: int) -> Sequence[str]:
    """Return the games to learn from, and after them those that are asked about.

    Raises: ConfigurationError when there are none of the latter.
    """
    tasks = environment.tasks()[: learn + HELD_OUT_GAMES]
    if len(tasks) <= learn:
        raise ConfigurationError(
            f"expected more than the {learn} games to learn from, to ask about, but {environment.name} has {len(tasks)}: "
            "learn from fewer"
        )
    return tasks


# --- asking ---------------------------------------------------------------------------------------------------------------


class _Noting(Wrapped):
    """A backend that notes each reply, the first to each question."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.replies: dict[str, Reply] = {}

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """Return the answers from beneath."""
        answers = super().generate(requests)
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Reply):
                self.replies.setdefault(request_key(request), answer)
        return answers


def _kept(bare: Backend, config: RunConfig) -> Backend:
    """Return a backend that asks nothing twice, also not what stands in the recording asked for, to which the rest is added."""
    path = config.record
    if path is None:
        return Remembering(bare)
    so_far = rows_of(path) if path.exists() and path.stat().st_size else ()
    return Remembering(Recorder(bare, path, said_by=config.said_by or "", errors=False), so_far)


def _ask_at_once(backend: Backend, requests: Sequence[Request]) -> None:
    """Put ``requests`` side by side, to be remembered. Raises: BackendError when one of them cannot be put."""
    for answer in backend.generate(list(dict.fromkeys(requests))):
        if isinstance(answer, BackendError) and not isinstance(answer, UNUSABLE):
            raise answer


# --- the report -----------------------------------------------------------------------------------------------------------


def _report(
    config: RunConfig, world: _World, models: Mapping[str, LLMWorldModel], backend: _Noting, price: Price | None
) -> ModelCheck:
    symbolic = AlignedModel.symbolic(world.rules, world.asked.vocabulary)
    alone = symbolic.predict(world.queries)
    said = {name: model.speak(world.queries) for name, model in models.items()}
    stated = {name: _statements(model, world) for name, model in models.items()}
    ways = {
        RULES: _foretelling(world, alone, None),
        **{name: _foretelling(world, said[name], stated[name]) for name in models},
        **_behind_rules(world, symbolic, models, stated),
    }
    symbolic.close()
    identity, transitions = backend.identity, world.transitions
    verbs = [transition.action.verb for transition in transitions]
    return ModelCheck(
        model=f"{identity['backend']}/{identity['model']}",
        said_by=config.said_by or heard(config),
        environment=config.environment,
        altered=config.altered,
        seed=config.seed,
        split=world.split,
        learned_games=config.learn or 0,
        learning_steps=world.learning_steps,
        rules=len(world.rules),
        held_out_games=len({task for task, _ in world.asked.transitions}),
        predictions=len(transitions),
        failing=sum(not each.succeeded for each in transitions),
        silent=sum(each.source != "rules" for each in alone),
        ruled_right=sum(
            ruled.source == "rules" and ruled.success == each.succeeded
            for ruled, each in zip(alone, transitions, strict=True)
        ),
        verbs={verb: verbs.count(verb) for verb in sorted(set(verbs))},
        prompt=build.prompt("predict").digest,
        ways=ways,
        asked={name: _asked(model, stated[name]) for name, model in models.items()},
        **_spent(backend.replies.values(), price),
    )


def _behind_rules(
    world: _World,
    symbolic: AlignedModel,
    models: Mapping[str, LLMWorldModel],
    stated: Mapping[str, Sequence[Statement | None]],
) -> dict[str, Foretelling]:
    """Return how right each model is where it is asked only what the rules leave open."""
    return {
        name: _foretelling(world, symbolic.asking(models[model], "silent").predict(world.queries), stated[model])
        for name, model in ((FIRST, BLIND), (BOTH, TOLD))
    }


def _asked(model: LLMWorldModel, stated: Iterable[Statement | None]) -> Asked:
    """Return what came of the replies of ``model``, and how what it stated came true."""
    calibration = Calibration(tuple(each for each in stated if each is not None))
    rows = [row for row in calibration.table() if row.total]
    return Asked(replies=replies_of(model.count), calibration=rows)


def _statements(model: LLMWorldModel, world: _World) -> list[Statement | None]:
    """Return what ``model`` stated of each transition, with what the statements about the other games make of it; None where nothing."""
    bare = [model.statement(transition) for transition in world.transitions]
    tasks = [task for task, _ in world.asked.transitions]
    found: list[Statement | None] = []
    for statement, task in zip(bare, tasks, strict=True):
        others = tuple(each for each, of in zip(bare, tasks, strict=True) if each is not None and of != task)
        found.append(
            None
            if statement is None
            else statement._replace(believed=Calibration(others).calibrated(statement.verb, statement.stated))
        )
    return found


def _foretelling(
    world: _World, said: Sequence[Prediction | None], stated: Sequence[Statement | None] | None
) -> Foretelling:
    """Return how right ``said`` is, None in it being a reply that could not be used; what the model says is by ``stated``."""
    right = in_full = right_calibrated = by_model = 0
    errors, errors_calibrated = [], []
    for transition, prediction, statement in zip(world.transitions, said, stated or [None] * len(said), strict=True):
        came = transition.succeeded
        if prediction is None:
            errors.append(0.25)
            errors_calibrated.append(0.25)
            continue
        p = believed = sum(outcome.probability for outcome in prediction.outcomes if outcome.success)
        is_right = is_right_calibrated = prediction.success == came
        if prediction.source == "llm" and statement is not None:
            by_model += 1
            p, believed = statement.stated, statement.believed
            is_right_calibrated = (believed >= 0.5) == came
        right += is_right
        right_calibrated += is_right_calibrated
        in_full += is_right and not replace(transition, predicted=prediction).surprise
        errors.append((p - came) ** 2)
        errors_calibrated.append((believed - came) ** 2)
    number = len(said)
    return Foretelling(
        right=right,
        ci95=wilson_interval(right, number),
        right_in_full=in_full,
        by_model=by_model,
        brier=sum(errors) / number,
        brier_calibrated=sum(errors_calibrated) / number,
        right_calibrated=right_calibrated,
    )


def _spent(replies: Iterable[Reply], price: Price | None) -> dict[str, Any]:
    costs = (Tally.of(reply.usage, reply.seconds, price, calls=reply.attempts) for reply in replies)
    total = sum(costs, Tally())
    names = ("calls", "estimated_calls", "input_tokens", "cached_tokens", "output_tokens", "money")
    return {name: getattr(total, name) for name in names} | {"seconds": round(total.seconds, 3)}
