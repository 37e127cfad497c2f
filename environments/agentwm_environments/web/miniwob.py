"""MiniWoB++: small pages with an instruction each, played in a real browser.

The pages are those of the package miniwob; they are opened as files, and nothing else of the package is used.

Source: Liu et al., "Reinforcement Learning on Web Interfaces using Workflow-Guided Exploration" (2018); Shi et al., "World of Bits" (2017).
"""

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

from agentwm.errors import ConfigurationError, EnvironmentFailureError, MissingExtraError, quoted
from agentwm.facts import FactsPerceiver
from agentwm.misuse import begun, episode_over, schema_of
from agentwm.types import (
    Action,
    EnvironmentOptions,
    EnvironmentSpec,
    Goal,
    Observation,
    Perceiver,
    Vocabulary,
)
from agentwm_environments.tasks import SeededTasks, settle

from . import chromium, instruction
from .chromium import Chromium
from .live import LivePage, read_live
from .verbs import VERBS, actions, do
from .webdriver import Node

__all__ = ["SPEC", "MiniWobEnvironment", "missing", "pages"]

_FAMILY = "miniwob"
_PLAYED = "click-test-2"
_SHOWN = (
    "click-test",
    "click-test-2",
    "click-button",
    "click-link",
    "click-dialog",
    "click-dialog-2",
    "click-checkboxes",
    "click-tab",
    "focus-text",
    "enter-text",
    "enter-password",
    "login-user",
    "click-option",
    "choose-list",
)

# Beside the page proper: the instruction, which is the goal, and MiniWoB's own display.
_NOT_OF_THE_PAGE = ("#query", "#reward-display", "#click-canvas", "#sync-task-cover")
_BEGIN = """
Math.seedrandom(arguments[0]);
core.EPISODE_MAX_TIME = 2147483647;  // milliseconds: a thinking agent is not to lose to the clock, the number of steps is its limit
core.startEpisodeReal();
return core.getUtterance();
"""
_UNINSTALLED = "this world needs miniwob, which is not installed: pip install 'agentwm[web]'"

_MOST = 1.0
_WHOLE = "return document.getElementById('wrap');"
_ENDED = "return [WOB_DONE_GLOBAL, WOB_RAW_REWARD_GLOBAL];"

_VOCABULARY = Vocabulary(instruction.FLUENTS, VERBS, reports_failure=False)


# --- the package miniwob ----------------------------------------------------------------------------------------


def missing() -> str | None:
    """Return what keeps MiniWoB++ from running here and what installs it, or None."""
    return _UNINSTALLED if _folder() is None else chromium.missing()


@cache
def pages() -> Mapping[str, Path]:
    """Return the files of all pages, by the names of their tasks.

    Raises: MissingExtraError when miniwob is not installed.
    """
    folder = _folder()
    if folder is None:
        raise MissingExtraError(_UNINSTALLED)
    return {file.stem: file for file in sorted(folder.glob("*.html"))}


def _folder() -> Path | None:
    """Return where the pages are; None where miniwob is not installed."""
    try:
        return Path(str(distribution("miniwob").locate_file("miniwob/html/miniwob")))
    except PackageNotFoundError:
        return None


# --- the environment --------------------------------------------------------------------------------------------


class MiniWobEnvironment(SeededTasks):
    """Plays one page of MiniWoB++; each task is a seed for what the page shows.

    The page's own reward is taken without the part that shrinks with time, and its time limit is lifted: nobody is hurried. An episode is
    won where that is the most there is, 1. What the agent is paid is 1 for that and -1 for less: what is to be learned is what succeeds,
    and ``returned`` is the page's own. ``actions`` is given only where ``admissible`` is set.

    A browser that breaks ends the episode with an EnvironmentFailureError, and the next one gets another browser.
    """

    def __init__(
        self,
        page: str,
        tasks: Sequence[str],
        *,
        admissible: bool = False,
        about: Mapping[str, str | int] | None = None,
        limit_s: float = 20.0,
    ) -> None:
        super().__init__(tasks, about, miniwob=version("miniwob"))
        self.name = f"{_FAMILY}-{page}"
        self.perceiver: Perceiver = FactsPerceiver()
        self.vocabulary = _VOCABULARY
        self.is_won = False
        self.returned = 0.0
        self.browser = Chromium(limit_s=limit_s)
        self._url = pages()[page].as_uri()
        self._address = f"/{page}.html"  # where the package is installed is nobody's business
        self._admissible = admissible
        self._goal: Goal | None = None
        self._live: LivePage | None = None

    @property
    def goal(self) -> Goal:
        """The instruction of the present task."""
        return begun(self._goal)

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- all tasks are of one page
        """Return the name of the page."""
        return self.name

    def reset(self, task: str, *, seed: int = 0) -> Observation:  # noqa: ARG002 -- all that is drawn is drawn for the task
        """Begin ``task``, which always shows the same. ``seed`` changes nothing: there is no chance after the beginning.

        Raises: TaskError when there is no such task; EnvironmentFailureError when the browser breaks; MissingExtraError without one.
        """
        self._expect(task)
        self._live, self._goal, self.is_won, self.returned = None, None, False, 0.0
        self.browser.open(self._url)
        self._goal = Goal(_expect_text(self.browser.run(_BEGIN, page_seed(self.name, task))))
        return self._observed()

    def step(self, action: Action) -> Observation:
        """Do ``action``; where the page does not let it be done, nothing happens.

        Raises: EnvironmentFailureError before the first and after the end of an episode, for an action on what is not there, and when the
            browser breaks.
        """
        schema_of(action, self.vocabulary)
        begun(self._goal)
        if self._live is None:
            raise episode_over(action)
        live, self._live = self._live, None  # and so it stays where the browser breaks
        return self._observed(do(self.browser, live, action))

    def screenshot(self) -> bytes | None:
        """Return what the page and its instruction look like, as a PNG file; None where no task has been begun.

        Raises: EnvironmentFailureError when the browser breaks.
        """
        if self._goal is None:
            return None
        whole = self.browser.run(_WHOLE)
        return self.browser.screenshot(whole if isinstance(whole, Node) else None)

    def close(self) -> None:
        """End the episode and the browser."""
        self._live = None
        self.browser.end()

    def _observed(self, refusal: str | None = None) -> Observation:
        """Return what is seen now."""
        is_over, raw = _expect_end(self.browser.run(_ENDED))
        live = read_live(self.browser, skipped=_NOT_OF_THE_PAGE)
        live = replace(live, page=replace(live.page, url=self._address))
        self.returned = raw if is_over else 0.0
        self.is_won = is_over and raw >= _MOST
        reward = 0.0 if not is_over else 1.0 if self.is_won else -1.0
        text = "\n".join(filter(None, (refusal, self.goal.text, live.page.text)))
        facts = instruction.facts(live.page, self.goal.text)
        admissible = None
        if not is_over:
            self._live = live
            if self._admissible:
                admissible = tuple(actions(live, instruction.named(live.page, self.goal.text)))
        return Observation(text, facts, admissible, reward=reward, terminated=is_over)


def page_seed(name: str, task: str) -> str:
    """Return the seed that a page draws ``task`` with."""
    return hashlib.sha256(f"{name} {task}".encode()).hexdigest()[:16]


def _expect_text(told: Any) -> str:
    if not isinstance(told, str):
        raise EnvironmentFailureError(f"expected an instruction from the page, got {quoted(told)}")
    return told


def _expect_end(told: Any) -> tuple[bool, float]:
    match told:
        case [bool(is_over), int() | float() as reward]:
            return is_over, float(reward)
    raise EnvironmentFailureError(f"expected whether the page has ended, and its reward; got {quoted(told)}")


# --- from options -----------------------------------------------------------------------------------------------


def _make(page: str, spec: "EnvironmentSpec", options: EnvironmentOptions) -> MiniWobEnvironment:
    if reason := missing():
        raise MissingExtraError(reason)
    _, tasks, about = settle(options, spec)
    return MiniWobEnvironment(page, tasks, admissible=options.admissible, about=about)


def _member(name: str) -> EnvironmentSpec:
    """Return what the page of the full ``name`` declares.

    Raises: ConfigurationError when there is none.
    """
    page = name.removeprefix(f"{_FAMILY}-").removesuffix("-v1")
    if _folder() is not None and page not in pages():
        close = difflib.get_close_matches(page, pages(), n=3, cutoff=0.5) or list(_SHOWN)
        known = ", ".join(f"{_FAMILY}-{each}" for each in close)
        raise ConfigurationError(f"unknown environment {quoted(name)}: miniwob has {known} and others")
    return _spec(f"{_FAMILY}-{page}", page)


def _members() -> Sequence[str]:
    return tuple(f"{_FAMILY}-{each}" for each in _SHOWN)


def _check() -> Sequence[str]:
    if missing():
        return []
    environment = _spec(_FAMILY, _PLAYED).make(EnvironmentOptions(count=1))
    try:
        [task] = environment.tasks()
        if environment.reset(task) != environment.reset(task):
            raise EnvironmentFailureError(
                f"{_PLAYED} does not begin the same task the same way twice: please report this"
            )
    finally:
        environment.close()
    return [f"{len(pages())} pages; {_PLAYED} begins its first task the same way twice"]


def _spec(name: str, page: str, **more: Any) -> EnvironmentSpec:
    def made(options: EnvironmentOptions) -> MiniWobEnvironment:
        return _make(page, spec, options)

    spec = EnvironmentSpec(
        name=name,
        summary=f"a small page in a real browser ({page} of MiniWoB++)",
        splits=("test", "train"),
        engines=("chromium",),
        make=made,
        missing=missing,
        learn=50,
        learning_steps=15,
        max_steps=30,
        **more,
    )
    return spec


SPEC = _spec(_FAMILY, _PLAYED, member=_member, members=_members, check=_check)
