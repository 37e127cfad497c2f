"""What every environment keeps to, ours and a stranger's, as checks that raise an AssertionError where it does not.

Each check makes the environment as a run would, begins its first tasks and does in them what chance has it do. The message names the
fault and says what to mend.

"""

import time
from collections.abc import Callable
from itertools import pairwise

from agentwm.agent import Episode
from agentwm.errors import TaskError, quoted
from agentwm.faults import PNG
from agentwm.testing.agreement import text_that_is_no_longer_so, text_that_never_changes, thing_out_of_nowhere, things
from agentwm.testing.environment_trial import CLOSE, STEPS, TASKS, EnvironmentTrial, Walk, difference
from agentwm.testing.installed import expect_own_name, trial_of
from agentwm.testing.trial import why_illegal
from agentwm.testing.well_formed import (
    what_is_wrong_with_conditions,
    what_is_wrong_with_facts,
    what_is_wrong_with_observation,
)
from agentwm.types import Action, Environment, EnvironmentSpec, Observation, State, Vocabulary

__all__ = [
    "ENVIRONMENT_CHECKS",
    "check_actions",
    "check_close",
    "check_environment",
    "check_facts",
    "check_missing",
    "check_name",
    "check_replay",
    "check_start",
    "check_tasks",
    "check_text",
    "check_time",
]

Checked = EnvironmentSpec | str

LISTED = 8
SEEDS = (0, 1)
NO_TASK = "a task that nobody has heard of"

OUT_OF_NOWHERE = "its perceiver is to tell what is written there, and to call things by the words that are"
NO_LONGER_SO = "write the text of an observation from the same state as its facts"
DRAW_FROM_SEED = 'draw all chance from a generator of its own, made in reset, such as random.Random(f"{task} {seed}")'


def check_environment(environment: Checked) -> None:
    """Do all checks on ``environment``, its spec or the name it is installed under.

    Raises: AssertionError for the first thing that is not as it is to be, and says what to mend.
    """
    for check in ENVIRONMENT_CHECKS:
        check(environment)


def check_name(environment: Checked) -> None:
    """Check that the name finds this environment and no other one."""
    expect_own_name(trial_of(environment), environment)


def check_missing(environment: Checked) -> None:
    """Check that what is missing here is told by ``missing``, and that what its spec declares can be."""
    trial = trial_of(environment)
    spec = trial.spec
    with trial.doing("missing", mend="it is to return a sentence, or None where nothing is missing"):
        reason = spec.missing()
    trial.expect(
        f"cannot be tested here, for it says of itself: {reason}",
        that=reason is None,
        mend="install that, and test again",
    )
    for what in ("splits", "engines"):
        trial.expect(f"declares no {what}", that=bool(getattr(spec, what)), mend="name at least one, the default first")
    for what in ("learning_steps", "max_steps"):
        trial.expect(
            f"declares {what} {getattr(spec, what)}",
            that=getattr(spec, what) >= 1,
            mend="an episode has one step or more",
        )
    with trial.made(count=TASKS) as made:
        trial.tasks(made)


def check_tasks(environment: Checked) -> None:
    """Check that tasks have ids in a fixed order, and that none is both learned from and played."""
    trial = trial_of(environment)
    wanted = max(TASKS, trial.spec.learn)
    with trial.made(count=wanted) as made:
        played = trial.tasks(made, count=wanted)
        is_fixed = played == tuple(made.tasks()[:wanted])
        trial.expect("lists other tasks the second time", that=is_fixed, mend="tasks are to keep their order")
        twice = sorted({task for task in played if played.count(task) > 1})
        trial.expect(f"lists tasks twice, {twice[:1]}", that=not twice, mend="an id stands for one task")
        for task in played[:TASKS]:
            with trial.doing(f"task_type of {task}", mend="it is to return the family of every task"):
                family: object = made.task_type(task)
            trial.expect(
                f"says that {task} is of the family {quoted(family)}",
                that=isinstance(family, str) and bool(family),
                mend="task_type is to return a name",
            )
        _expect_unknown_task_to_be_refused(trial, made)
    with trial.made(count=wanted) as again:
        same = played == trial.tasks(again, count=wanted)
        trial.expect(
            "lists other tasks when it is made again", that=same, mend="tasks are drawn from options.seed alone"
        )
    for split in (None, *trial.spec.splits):
        _expect_no_task_to_be_known(trial, split, wanted)


def _expect_no_task_to_be_known(trial: EnvironmentTrial, split: str | None, wanted: int) -> None:
    """Expect the tasks of ``split`` to be none of those that are learned from before it is played; None plays the default one."""
    if split not in {None, trial.spec.splits[0]} and trial.needs_more(count=wanted, split=split):
        return
    with trial.made(count=wanted, learning=True, played=split) as made:
        known, learned = trial.tasks(made, count=wanted), made.about.get("split")
    with trial.made(count=wanted, split=split) as made:
        both = sorted(set(known) & set(trial.tasks(made, count=wanted)))
    where = "the default split" if split is None else f"its split {split}"
    trial.expect(
        f"learns by default from {len(both)} tasks that are played in {where} ({both[:1]})",
        that=not both or (split is not None and split == learned),
        mend="tasks of different splits are to be different, and options.learning to choose another split than is played",
    )


def _expect_unknown_task_to_be_refused(trial: EnvironmentTrial, environment: Environment) -> None:
    mend = "reset is to raise a TaskError that says which tasks there are"
    try:
        environment.reset(NO_TASK)
    except TaskError:
        return
    except Exception as error:
        raise AssertionError(trial.told(f"raised {type(error).__name__} for a task that there is not", mend)) from error
    raise AssertionError(trial.told("begins a task that there is not", mend))


def check_start(environment: Checked) -> None:
    """Check that a task with the same seed begins the same: again, in an environment made anew, and in another process."""
    trial = trial_of(environment)
    with trial.made(count=TASKS) as made, trial.made(count=TASKS) as anew:
        tasks = trial.tasks(made)
        first = {(task, seed): _opening(trial, made, task, seed) for task in tasks for seed in SEEDS}
        for where, there in (("the second time", made), ("in an environment made anew", anew)):
            _expect_same_start(trial, there, first, where)
    if trial.has_processes:
        with trial.made_elsewhere(count=TASKS) as elsewhere:
            _expect_same_start(trial, elsewhere, first, "in another process")


def _expect_same_start(
    trial: EnvironmentTrial, environment: Environment, first: dict[tuple[str, int], Episode], where: str
) -> None:
    for (task, seed), before in first.items():
        now = _opening(trial, environment, task, seed)
        differs = difference(before.observation, now.observation)
        if differs is None and before.goal != now.goal:
            differs = f"its goal was {quoted(before.goal.text)} and then {quoted(now.goal.text)}"
        trial.expect(
            f"ignores the seed: reset of {task} with seed {seed} began otherwise {where}, {differs}",
            that=differs is None,
            mend=DRAW_FROM_SEED,
        )


def _opening(trial: EnvironmentTrial, environment: Environment, task: str, seed: int) -> Episode:
    return trial.begun(environment, task, seed=seed)


def check_replay(environment: Checked) -> None:
    """Check that the same actions from the same start are answered the same: a run that was cut off goes on by doing them again."""
    trial = trial_of(environment)
    with trial.made(count=TASKS, admissible=True) as made:
        walks = [trial.walk(made, task) for task in trial.tasks(made)]
        for walk in walks:
            _expect_same_walk(trial, made, walk, "the second time")
    if trial.has_processes:
        with trial.made_elsewhere(count=TASKS, admissible=True) as elsewhere:
            for walk in walks:
                _expect_same_walk(trial, elsewhere, walk, "in another process")


def _expect_same_walk(trial: EnvironmentTrial, environment: Environment, walk: Walk, where: str) -> None:
    again = trial.walk(environment, walk.task, like=walk)
    for number, (before, now) in enumerate(zip(walk.seen, again.seen, strict=False)):
        differs = difference(before, now)
        after = f"after {', '.join(map(str, walk.done[:number]))}" if number else "at the start"
        trial.expect(
            f"ignores the seed: {walk.task} with seed 0 went otherwise {where}, {quoted(after)}: {differs}",
            that=differs is None,
            mend=f"{DRAW_FROM_SEED}, and read no clock",
        )


def check_actions(environment: Checked) -> None:
    """Check that every action that is listed as admissible is one, and that all that can be said is answered."""
    trial = trial_of(environment)
    with trial.made(count=TASKS, admissible=True) as made:
        tasks = trial.tasks(made)
        opening = trial.begun(made, tasks[0])
        for action in _spread(opening.observation.actions or ()):
            _expect_legal(trial, opening, action)
            _expect_accepted(trial, trial.begun(made, tasks[0]), action)
        for task in tasks:
            walk = trial.walk(made, task, steps=3 * STEPS)
            words = made.vocabulary
            for number, action in enumerate(walk.done):
                listed = walk.seen[number].actions
                if listed is not None and not walk.transitions[number].succeeded:
                    _tell_refused(trial, action, task, number, walk.seen[number + 1])
                _expect_words(trial, action, walk.believed[number], words, listed)
    for _ in trial.walks(admissible=False):
        pass  # what can be said where nothing is listed is answered, or the walk raises


def _spread(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """Return some of ``actions``, from all of the list."""
    return actions[:: max(1, len(actions) // LISTED)]


def _expect_legal(trial: EnvironmentTrial, episode: Episode, action: Action) -> None:
    _expect_words(trial, action, episode.state, episode.vocabulary, episode.observation.actions)


def _expect_words(
    trial: EnvironmentTrial, action: Action, state: State, words: Vocabulary, listed: tuple[Action, ...] | None
) -> None:
    wrong = None if listed is None else why_illegal(action, state, words)
    trial.expect(
        f"lists the action {action}, and an action that can be done {wrong}",
        that=wrong is None,
        mend="list what its vocabulary can say of things whose sort is told, or leave the actions of an observation None",
    )


def _expect_accepted(trial: EnvironmentTrial, episode: Episode, action: Action) -> None:
    task = episode.task
    try:
        transition = trial.step(episode, action)
    except AssertionError as error:
        refusal = str(error.__cause__ or error)
        raise AssertionError(
            trial.told(
                f"lists the action {action} as admissible at the start of {task} and then refuses it, with {quoted(refusal)}",
                "list only what step accepts, or leave the actions of an observation None",
            )
        ) from error
    if not transition.succeeded:
        _tell_refused(trial, action, task, 0, transition.observation)


def _tell_refused(trial: EnvironmentTrial, action: Action, task: str, number: int, seen: Observation) -> None:
    raise AssertionError(
        trial.told(
            f"lists the action {action} as admissible in {task} after {number} steps and then refuses it, with {quoted(seen.text)}",
            "list only what can be done, or leave the actions of an observation None",
        )
    )


def check_facts(environment: Checked) -> None:
    """Check that facts, goals and rewards are of the types that are declared, and that what is static stays."""
    trial = trial_of(environment)
    for learning in (False, True):
        with trial.made(count=TASKS, admissible=True, learning=learning) as made:
            for task in trial.tasks(made):
                walk = trial.walk(made, task)
                _expect_well_formed(trial, walk, made.vocabulary)
                _expect_picture(trial, made)


def _expect_well_formed(trial: EnvironmentTrial, walk: Walk, words: Vocabulary) -> None:
    mend = "facts are Fluent(name, (thing, ...)) with the values that the vocabulary declares"
    for number, (seen, state) in enumerate(zip(walk.seen, walk.believed, strict=True)):
        wrong = what_is_wrong_with_observation(seen) or what_is_wrong_with_facts(state, words)
        where = f"in {walk.task} after {number} steps"
        trial.expect(f"tells something amiss {where}: {wrong}", that=wrong is None, mend=mend)
    trial.expect("says nothing of its goal", that=bool(walk.goal.text), mend="a goal has a text")
    for part in (walk.goal.conditions, *walk.goal.then):
        wrong = what_is_wrong_with_conditions(part, words)
        trial.expect(f"has a goal that nobody can reach: {wrong}", that=wrong is None, mend="declare that fluent")
    # Of facts only: what was read of a text may be corrected by the next one.
    for before, after in pairwise(seen.facts for seen in walk.seen):
        moved = [
            each for each in before if words.fluents[each.name].static and after.get(each, before[each]) != before[each]
        ]
        told = f"{moved[0]} was {before[moved[0]]!r} and became {after[moved[0]]!r}" if moved else ""
        trial.expect(f"changes what it declares static: {told}", that=not moved, mend="declare it without static")


def _expect_picture(trial: EnvironmentTrial, environment: Environment) -> None:
    screenshot = getattr(environment, "screenshot", None)
    if screenshot is None:
        return
    with trial.doing("screenshot", mend="it is to return a PNG, or None where there is nothing to see"):
        png = screenshot()
    is_one = png is None or (isinstance(png, bytes) and png.startswith(PNG))
    trial.expect(
        f"has a screenshot that is {quoted(png, limit=40)}", that=is_one, mend="return the bytes of a PNG, or None"
    )


def check_text(environment: Checked) -> None:
    """Check that the text and the facts speak of the same world; `agreement` says what that means."""
    trial = trial_of(environment)
    for learning in (False, True):
        with trial.made(count=TASKS, admissible=True, learning=learning) as made:
            walks = [trial.walk(made, task, steps=2 * STEPS) for task in trial.tasks(made)]
            words = made.vocabulary
            # What every task opens with, four directions say, is the world's own and need not be written anywhere.
            known = set.intersection(*(set(things(walk.believed[0], words)) for walk in walks))
            for walk in walks:
                _expect_one_reading(trial, made, walk)
                for wrong, mend in (
                    (thing_out_of_nowhere(walk, words, known), OUT_OF_NOWHERE),
                    (text_that_is_no_longer_so(walk, words), NO_LONGER_SO),
                    (text_that_never_changes(walk, words), NO_LONGER_SO),
                ):
                    trial.expect(f"has texts and facts that do not agree: {wrong}", that=wrong is None, mend=mend)


def _expect_one_reading(trial: EnvironmentTrial, environment: Environment, walk: Walk) -> None:
    if environment.perceiver is None:
        return
    for before, action, seen in zip(walk.believed, walk.done, walk.seen[1:], strict=False):
        readings = [environment.perceiver.perceive(seen, action, before) for _ in range(2)]
        trial.expect(
            f"reads the same answer to {action} in two ways, {quoted(seen.text)}",
            that=readings[0] == readings[1],
            mend="its perceiver is to keep nothing of what it read",
        )


def check_close(environment: Checked) -> None:
    """Check that it can be closed twice: in the middle of an episode, and before any."""
    trial = trial_of(environment)
    for steps in (None, 0, 1):
        with trial.made(count=1) as made:
            if steps is not None:
                trial.walk(made, trial.tasks(made)[0], steps=steps)
            made.close()
            with trial.doing("close, the second time", mend=CLOSE):
                made.close()


def check_time(environment: Checked) -> None:
    """Check that what it declares of time can be kept: that a limit is one, and that reset and step keep to it."""
    trial = trial_of(environment)
    limit_s = trial.spec.time_limit_s
    if limit_s is None:
        return
    trial.expect(f"has a time limit of {limit_s} s", that=limit_s > 0, mend="seconds are above 0; None is no limit")
    with trial.made(count=1) as made:
        task = trial.tasks(made)[0]
        began_s = time.monotonic()
        episode = trial.begun(made, task)
        _expect_in_time(trial, "reset", time.monotonic() - began_s, limit_s)
        for action in trial.walk(made, task).done:
            if episode.is_over:
                break
            began_s = time.monotonic()
            trial.step(episode, action)
            _expect_in_time(trial, "step", time.monotonic() - began_s, limit_s)


def _expect_in_time(trial: EnvironmentTrial, what: str, took_s: float, limit_s: float) -> None:
    trial.expect(
        f"took {took_s:.2f} s for a {what} and declares that it takes {limit_s:g} s at most",
        that=took_s <= limit_s,
        mend="raise time_limit_s, or a run ends that episode as broken",
    )


ENVIRONMENT_CHECKS: tuple[Callable[[Checked], None], ...] = (
    check_name,
    check_missing,
    check_tasks,
    check_start,
    check_replay,
    check_actions,
    check_facts,
    check_text,
    check_close,
    check_time,
)
