"""Any page of a site that the user runs, in a real browser: read as text and facts, kept to its hosts and to its limits."""

import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import urlsplit

from agentwm.errors import ConfigurationError, TaskError, quoted
from agentwm.facts import FactsPerceiver
from agentwm.misuse import begun, episode_over, schema_of, unknown_task
from agentwm.types import Action, Fluent, FluentSchema, Goal, Observation, Perceiver, Value, Vocabulary

from . import instruction
from .chromium import Chromium
from .live import LivePage, read_live
from .page import Page
from .verbs import MOVING, VERBS, actions, do

__all__ = ["BrowserEnvironment", "Judge"]

Judge = Callable[[Page], float | None]
"""Says what a page pays, and so ends the episode; None where it goes on."""

_USUAL_PORTS = {"http": ":80", "https": ":443"}
_PAGE = Fluent("page")
_OWN = (
    FluentSchema("page", (), "page", about="the address of the page that is seen"),
    FluentSchema("leads", ("link",), "page", static=True, about="the page that a link names"),
)
_VOCABULARY = Vocabulary(
    {**instruction.FLUENTS, **{schema.name: schema for schema in _OWN}}, {**VERBS, **MOVING}, reports_failure=False
)


def _never(_: Page) -> None:
    return None


class BrowserEnvironment:
    """Plays one task: what ``goal`` asks for, beginning at ``url``.

    The browser reaches ``hosts`` and nothing else: by default the host of ``url``, with its port. It downloads nothing and has no other
    windows. An episode is cut off after ``max_steps`` actions or ``time_limit_s``; one command of the browser may take ``command_limit_s``.
    What is typed is one of the texts that the goal names, if the actions that an observation lists are kept to, and else any text.

    What a page says is data: it comes as the text and the facts of observations, its marks escaped, and nobody does what it asks for.
    A page that cannot be shown, of a host that is not allowed, say, has nothing on it; going back leads away from it. ``judge`` says what
    a page pays; without one nothing ever does. Whatever breaks the browser, a dialog that a page opens among it, ends the episode with an
    EnvironmentFailureError, and the next one gets another browser.

    Raises: ConfigurationError for an address that is none of the web.
    """

    name = "browser"

    def __init__(  # noqa: PLR0913 -- the limits of a site, each by its name
        self,
        url: str,
        goal: str,
        *,
        hosts: Sequence[str] | None = None,
        judge: Judge = _never,
        max_steps: int = 50,
        time_limit_s: float = 300.0,
        command_limit_s: float = 20.0,
        admissible: bool = False,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ConfigurationError(f"expected an address such as http://localhost:8000/, got {quoted(url)}")
        own = parts.netloc.lower().removesuffix(_USUAL_PORTS[parts.scheme])  # as the browser writes it
        self.perceiver: Perceiver = FactsPerceiver()
        self.vocabulary = _VOCABULARY
        self.goal = Goal(goal)
        self.browser = Chromium(hosts=tuple(hosts) if hosts is not None else (own,), limit_s=command_limit_s)
        if own not in self.browser.hosts:
            raise ConfigurationError(f"expected {quoted(own)} among the hosts allowed, got {quoted(hosts)}")
        self._url = url
        self._judge = judge
        self._max_steps = max_steps
        self._time_limit_s = time_limit_s
        self._admissible = admissible
        self._live: LivePage | None = None
        self._has_begun = False
        self._steps = 0
        self._until = 0.0

    @property
    def about(self) -> Mapping[str, str | int]:
        """Where the task comes from."""
        return MappingProxyType({"engine": "chromium", "url": self._url, "tasks": 1, "refused": 0})

    @property
    def refusals(self) -> Sequence[TaskError]:
        """Nothing: whether the page can be opened is seen when it is."""
        return ()

    def tasks(self) -> Sequence[str]:
        """Return the only task: the address."""
        return (self._url,)

    def task_type(self, task: str) -> str:  # noqa: ARG002 -- there is one
        """Return the host."""
        return urlsplit(self._url).netloc

    def reset(self, task: str, *, seed: int = 0) -> Observation:  # noqa: ARG002 -- what the site does is the site's
        """Open the address anew, in a browser that remembers nothing.

        Raises: TaskError for another task, or when the page cannot be reached; EnvironmentFailureError when the browser breaks.
        """
        if task != self._url:
            raise unknown_task(task, 1)
        self.close()
        self._has_begun, self._steps = True, 0
        self._until = time.monotonic() + self._time_limit_s
        self.browser.open(self._url)
        self.browser.close_others()
        if not self.browser.is_allowed(self.browser.url):
            raise TaskError(f"{quoted(self._url)} cannot be reached, or leads to a host that is not allowed")
        return self._observed(())

    def step(self, action: Action) -> Observation:
        """Do ``action``; where the page does not let it be done, nothing happens.

        Raises: EnvironmentFailureError before the first and after the end of an episode, for an action on what is not there, and when the
            browser breaks.
        """
        schema_of(action, self.vocabulary)
        begun(self._has_begun or None)
        if self._live is None:
            raise episode_over(action)
        live, self._live = self._live, None  # and so it stays where the browser breaks
        self._steps += 1
        said = [do(self.browser, live, action)]
        if number := self.browser.close_others():
            said.append(f"Closed: {number} other window{'' if number == 1 else 's'}.")
        return self._observed([each for each in said if each is not None])

    def screenshot(self) -> bytes | None:
        """Return what is in view, as a PNG file; None before the first and after the end of an episode, where that broke the browser.

        Raises: EnvironmentFailureError when the browser breaks.
        """
        return self.browser.screenshot() if self._has_begun and self.browser.is_running else None

    def close(self) -> None:
        """End the episode and the browser."""
        self._live, self._has_begun = None, False
        self.browser.end()

    def _observed(self, said: Sequence[str]) -> Observation:
        live = self._read()
        reward = self._judge(live.page)
        is_cut = reward is None and (self._steps >= self._max_steps or time.monotonic() >= self._until)
        listed = None
        if reward is None and not is_cut:
            self._live = live
            if self._admissible:
                listed = tuple(actions(live, instruction.named(live.page, self.goal.text), self.vocabulary.actions))
        return Observation(
            "\n".join((*said, live.page.text)),
            self._facts(live.page),
            listed,
            reward=reward or 0.0,
            terminated=reward is not None,
            truncated=is_cut,
        )

    def _read(self) -> LivePage:
        """Return the page that is open; an empty one where it may not be shown.

        The address is asked for before and after: a page that leaves meanwhile is not read for what it is not.
        """
        before = self.browser.url
        if self.browser.is_allowed(before):
            live = read_live(self.browser)
            if self.browser.is_allowed(live.url) and self.browser.is_allowed(self.browser.url):
                return live
        host = urlsplit(self.browser.url).netloc or "a page of the browser's own"
        return LivePage(Page(f"(not shown: {quoted(host, limit=80)} is not allowed)", ""), before, {})

    def _facts(self, page: Page) -> dict[Fluent, Value]:
        found = instruction.facts(page, self.goal.text)
        for address in (
            page.url,
            *(element.href for element in page if element.is_control and element.href is not None),
        ):
            found[Fluent("sort", (address,))] = found[Fluent("kind", (address,))] = "page"
        found[_PAGE] = page.url
        for element in page:
            if element.role == "link" and element.href is not None:
                found[Fluent("leads", (element.reference,))] = element.href
        return found
