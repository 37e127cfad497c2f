"""The experiment: learn on some tasks, then play others with the rules frozen.

Every step is on disk before the next one is taken. A run that was cut off goes on where it was: finished episodes are read, the
interrupted one is played again up to the cut, and the rest follows as it would have. That works because an episode depends on
nothing but the configuration, the rules it begins with and its number: no clock and no order of a set has a say in it. Where decisions are
held to seconds a clock does have a say: then what the interrupted episode did is done again, and not decided again.
"""

import json
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agentwm import build
from agentwm.agent import Episode, Mind, play
from agentwm.configuration import BUDGETS, RunConfig, new_folder
from agentwm.errors import BudgetReachedError, ConfigurationError, DecisionSpentError
from agentwm.evaluation import Report, report_on, results_of
from agentwm.faults import told_as_failure
from agentwm.isolation import isolated
from agentwm.learning import AfterStep, BeforeStep, Learner
from agentwm.minds import acting_mind
from agentwm.records import RunStore
from agentwm.rules.store import RuleStore
from agentwm.session import Phase, Progress, Session
from agentwm.types import Action, Environment, EnvironmentSpec, Goal, Plan, Planner, State, Transition

if TYPE_CHECKING:
    from agentwm.llm.run import LLMRun

__all__ = ["phases", "run"]


def run(config: RunConfig, *, progress: Progress = lambda _event: None, resume: bool = False) -> Report:
    """Return the report on the experiment that ``config`` describes, once it is done and saved in ``config.out``.

    ``resume`` goes on with the run in that folder; one that is finished is reported again. ``progress`` is called after every step
    and every episode. A task that cannot be played to its end counts as not won, and the report names it with the reason.

    A run whose budget is spent ends early: its report says so, and it can be resumed with more.

    Raises: ConfigurationError, before anything is written, for what cannot be; RunStoreError when the folder holds a run already
        or, to be resumed, holds none or one of other options; BackendError when a language model cannot be asked.
    """
    began_s = time.monotonic()
    spec = build.checked(config)
    build.planner(config.planner)
    folder = config.out or new_folder(config.environment)
    config = _placed(config.settled(spec), folder)
    if resume and (finished := _finished_report(folder, config)) is not None:
        return finished
    rules = None if resume else _initial_rules(config)
    with ExitStack() as stack:
        language = _language(config, stack, resume=resume)
        learning, playing = phases(config, spec, stack)
        records = stack.enter_context(_resumed(config, folder) if rules is None else _created(config, folder, rules))
        earlier_s = sum(each.wall_s for each in records.episodes() if each.status != "running")
        learner = _restored(records, config)
        learner.store.save(folder)
        max_steps = config.max_steps or spec.max_steps
        if language is not None:
            _begin(language, records, earlier_s)
            learning, playing = (_perceived(phase, language) for phase in (learning, playing))
        stopped = _learn(
            Session(learning, config.seed, records, progress, screenshots=config.screenshots),
            learner,
            spec.learning_steps,
            folder,
            language,
        )
        if stopped is None:
            session = Session(playing, config.seed, records, progress, screenshots=config.screenshots)
            stopped = _play(session, learner.store, config, max_steps, language)
        report = report_on(
            results_of(records),
            config=config,
            engine=playing.engine or learning.engine or config.engine or spec.engines[0],
            splits=(learning.split, playing.split),
            limits=(spec.learning_steps, max_steps),
            rules=(len(learner.store.rules), len(learner.store.retired)),
            wall_s=earlier_s + time.monotonic() - began_s,
            run=str(folder),
            refused=[str(refusal) for phase in (learning, playing) for refusal in phase.refusals],
            llm=None if language is None else language.use(),
            stopped=stopped,
        )
        if broken := [sentence for phase in (learning, playing) if (sentence := phase.close())]:
            report = report.model_copy(update={"errors": [*report.errors, *broken]})
        if stopped is None:
            records.finish(report.model_dump_json())
    return report


# --- what there is to play ------------------------------------------------------------------------------------------------


def phases(config: RunConfig, spec: EnvironmentSpec, stack: ExitStack) -> tuple[Phase, Phase]:
    """Return the learning and the playing phase; their environments are closed with ``stack``.

    Raises: ConfigurationError for what cannot be played, and for tasks that would be both learned from and played.
    """
    # The playing one first: what is wrong with the options is best said of what was asked for.
    played = _phase("play", config, spec, stack, learning=False)
    learned = _phase("learn", config, spec, stack, learning=True)
    if known := set(learned.tasks) & set(played.tasks):
        raise ConfigurationError(
            f"{len(known)} of the {len(played.tasks)} tasks to play would also be learned from ({min(known)}, say): "
            "choose another --split or --train-split"
        )
    return learned, Phase(played.name, len(learned.tasks), played.environment, played.tasks)


def _phase(name: str, config: RunConfig, spec: EnvironmentSpec, stack: ExitStack, *, learning: bool) -> Phase:
    wanted = config.learn if learning else config.episodes
    if not wanted:
        return Phase(name, 0)
    environment = _made(config, spec, learning=learning)
    stack.callback(Phase(name, environment=environment).close)
    _expect_to_be_read(environment, config, spec)
    with told_as_failure(spec.name, "tasks"):
        tasks = tuple(environment.tasks()[:wanted])
    if not tasks:
        refusals = environment.refusals
        reason = f"; {len(refusals)} refused, the first because {refusals[0]}" if refusals else ""
        raise ConfigurationError(
            f"expected tasks to {name}, but {spec.name} has none to offer for these options{reason}"
        )
    return Phase(name, 0, environment, tasks)


def _made(config: RunConfig, spec: EnvironmentSpec, *, learning: bool) -> Environment:
    """Return the environment for a phase, in a process of its own where that was asked for or its spec wants it."""
    options = config.environment_options(learning=learning)
    is_isolated = spec.time_limit_s is not None if config.isolated is None else config.isolated
    with told_as_failure(spec.name, "make"):
        if is_isolated:
            return isolated(config.environment, options)
        try:
            return spec.make(options)
        except ModuleNotFoundError as error:
            raise build.missing_extra(f"environment {spec.name}", error.name or str(error)) from error


def _expect_to_be_read(environment: Environment, config: RunConfig, spec: EnvironmentSpec) -> None:
    """Raise a ConfigurationError where nobody reads what ``environment`` answers, or a language model is to and nothing is left to read."""
    perceives = config.has_model and "perceive" in config.roles_in(spec)
    if environment.perceiver is None and (not perceives or config.ask == "never"):
        raise ConfigurationError(
            f"{spec.name} has no reader of its own for what it answers: give a language model the role, with --roles perceive, and "
            "no --ask never"
        )
    if environment.perceiver is not None and perceives and config.goals in (None, spec.goals[0]):
        worded = f", or choose --goals {' or '.join(spec.goals[1:])}" if len(spec.goals) > 1 else ""
        raise ConfigurationError(
            f"{spec.name} reads what it answers and its goals by itself, and leaves nothing to perceive: leave that out of --roles{worded}"
        )


# --- what a run begins with, or goes on from -----------------------------------------------------------------------------


def _placed(config: RunConfig, folder: Path) -> RunConfig:
    """Return ``config`` such that it means the same wherever the run is resumed from."""
    named = ("games", "rules", "record", "replay")
    places = {name: path.expanduser().absolute() for name in named if (path := getattr(config, name))}
    return config.model_copy(update={**places, "out": folder})


def _initial_rules(config: RunConfig) -> RuleStore:
    if config.rules is None:
        return RuleStore()
    if config.learn and config.out is not None and config.rules == config.out.absolute():
        raise ConfigurationError(f"what is learned would overwrite the rules in {config.rules}: choose another --out")
    return RuleStore.load(config.rules)


def _created(config: RunConfig, folder: Path, rules: RuleStore) -> RunStore:
    """Return the run store of a new run, which keeps the ``rules`` that were named to begin with as they are now."""
    begun_with = None if config.rules is None else json.dumps(rules.files())
    return RunStore.create(folder, config.model_dump(mode="json", exclude={"out"}), begun_with=begun_with)


def _resumed(config: RunConfig, folder: Path) -> RunStore:
    """Return the run store to go on with.

    Raises: ConfigurationError when it was begun with other options.
    """
    records = RunStore.resume(folder)
    try:
        _expect_own_options(records, config, folder)
    except ConfigurationError:
        records.close()
        raise
    return records


def _expect_own_options(records: RunStore, config: RunConfig, folder: Path) -> None:
    """Raise a ConfigurationError where the run on record was begun with other options than ``config`` has."""
    begun = RunConfig.parse(records.config | {"out": folder})
    fixed = [name for name in RunConfig.model_fields if name not in BUDGETS]
    differing = [name for name in fixed if getattr(begun, name) != getattr(config, name)]
    if differing:
        name = differing[0]
        raise ConfigurationError(
            f"the run in {folder} was begun with {name} {getattr(begun, name)}, not {getattr(config, name)}: "
            "it can only be resumed with its own options"
        )


def _language(config: RunConfig, stack: ExitStack, *, resume: bool) -> "LLMRun | None":
    """Return the language model that ``config`` asks for, closed with ``stack``; None where it asks for none."""
    if not config.has_model:
        return None
    from agentwm.llm.run import LLMRun  # noqa: PLC0415 -- only those who ask a model need it

    return stack.enter_context(closing(LLMRun(config, resume=resume)))


def _begin(language: "LLMRun", records: RunStore, elapsed_s: float) -> None:
    """Begin with ``language``, which has heard all that the world answered in the episodes on record."""
    ended = [each.episode for each in [*records.completed("learn"), *records.completed("play")]]
    language.begin(records.path, ended=ended, elapsed_s=elapsed_s)
    for number in ended:
        language.mind.hear(records.trajectory(number))


def _perceived(phase: Phase, language: "LLMRun") -> Phase:
    """Return ``phase`` with its tasks as the language model perceives them."""
    if phase.environment is None:
        return phase
    return replace(phase, environment=language.mind.perceiving(phase.environment))


def _finished_report(folder: Path, config: RunConfig) -> Report | None:
    with RunStore.open(folder) as records:
        if records.report is None:
            return None
        _expect_own_options(records, config, folder)
        return Report.model_validate_json(records.report).model_copy(update={"run": str(folder)})


def _restored(records: RunStore, config: RunConfig) -> Learner:
    """Return a learner that has learned from all finished learning episodes on record, beginning with the run's first rules."""
    finished = records.completed("learn")
    source = f"the run in {records.path}"
    kept, learned = records.begun_with, records.last_learned()
    base = RuleStore() if kept is None else RuleStore.from_files(json.loads(kept), source=source)
    rules = base if learned is None else RuleStore.from_files(json.loads(learned), source=source)
    lived = [records.trajectory(each.episode) for each in finished if each.steps]
    return Learner(rules, lived, base=base, explores=config.explore)


# --- playing --------------------------------------------------------------------------------------------------------------


def _learn(session: Session, learner: Learner, max_steps: int, folder: Path, language: "LLMRun | None") -> str | None:
    """Learn from the episodes still to be played, of ``max_steps`` actions at most, keeping the rules in ``folder`` up to date.

    Return what ended that early, None where nothing did.
    """
    try:
        for number, task in session.unplayed(len(learner.store)):
            attempt = session.attempt(number, task, partial(learner.play, max_steps=max_steps))
            if attempt.episode is not None:
                _conclude(number, attempt.episode, learner, language)
            session.end(attempt, len(learner.store), learned=json.dumps(learner.store.files()))
            learner.store.save(folder)
    except BudgetReachedError as error:
        return _end_of_budget(error)
    return None


def _end_of_budget(error: BudgetReachedError) -> str:
    """Return what ended the run; what ends a single decision is its planner's to heed, and no end of the run."""
    if isinstance(error, DecisionSpentError):
        raise error
    return str(error)


def _conclude(number: int, episode: Episode, learner: Learner, language: "LLMRun | None") -> None:
    """Learn from ``episode``: first what follows from it by itself, then what a language model makes of what that leaves unexplained."""
    learner.conclude(episode)
    if language is not None and episode.transitions:
        learner.store = language.learn(number, learner.store, learner.trajectories, episode.vocabulary)
        language.note_perceived(number, episode)


def _play(
    session: Session, rules: RuleStore, config: RunConfig, max_steps: int, language: "LLMRun | None"
) -> str | None:
    """Play the episodes still to be played; return what ended that early, None where nothing did."""
    planner = build.planner(config.planner)
    budget = config.decision_budget or planner.budget

    def act(
        episode: Episode, *, known: Sequence[Action], rng: random.Random, before_step: BeforeStep, after_step: AfterStep
    ) -> None:
        acting = acting_mind if language is None else language.mind.acting
        mind = acting(planner, rules, episode, rng=rng, budget=budget, max_steps=max_steps)
        if known:
            mind = Mind(_Retracing(mind.planner, known), mind.model)
        play(episode, mind, max_steps=max_steps, before_step=before_step, after_step=after_step)

    try:
        for number, task in session.unplayed(len(rules)):
            known = () if budget.seconds is None else session.done_in(number)
            attempt = session.attempt(number, task, partial(act, known=known))
            if language is not None and attempt.episode is not None:
                language.conclude(number, attempt.episode)
            session.end(attempt, len(rules))
    except BudgetReachedError as error:
        return _end_of_budget(error)
    return None


class _Retracing:
    """A planner that does again what was done before the run was cut off, and then decides."""

    def __init__(self, planner: Planner, known: Sequence[Action]) -> None:
        self._planner = planner
        self._known = known

    def plan(self, state: State, goal: Goal, history: Sequence[Transition] = ()) -> Plan:
        """Return what was done in this place, else what the planner decides on."""
        if len(history) < len(self._known):
            return Plan((self._known[len(history)],), "was done before the run was cut off")
        return self._planner.plan(state, goal, history)
