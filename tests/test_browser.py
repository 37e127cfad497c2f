"""The browser is a component that fails: what breaks it ends an episode as an error, it is replaced, and nothing of it is left behind."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agentwm.configuration import RunConfig
from agentwm.errors import ConfigurationError, EnvironmentFailureError, MissingExtraError
from agentwm.experiment import run
from agentwm.facts import FactsPerceiver
from agentwm.types import Action, Environment, Fluent, Observation
from agentwm_environments.web import chromium, miniwob
from agentwm_environments.web.browser import BrowserEnvironment
from agentwm_environments.web.chromium import Chromium
from agentwm_environments.web.miniwob import MiniWobEnvironment
from agentwm_environments.web.page import Page
from tests.processes import running_in

needs_browser = pytest.mark.skipif(chromium.missing() is not None, reason=chromium.missing() or "")
needs_miniwob = pytest.mark.skipif(miniwob.missing() is not None, reason=miniwob.missing() or "")

FORM = """<title>Order</title><h1>Order</h1>
<form onsubmit="document.querySelector('output').textContent =
 `Thanks, ${this.who.value}: ${this.size.value}${this.gift.checked ? ', as a gift' : ''}`; return false">
<label>Your name <input name=who></label>
<label>Size <select name=size><option>small<option>large</select></label>
<label><input type=checkbox name=gift> As a gift</label>
<button>Order</button></form><output></output>"""
GOAL = 'Order a large one as a gift for "Ada".'


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    class Form(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(FORM.encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Form) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def thanked(page: Page) -> float | None:
    return next((1.0 for each in page if each.name == "Thanks, Ada: large, as a gift"), None)


@pytest.fixture
def form(url: str) -> Iterator[BrowserEnvironment]:
    environment = BrowserEnvironment(url, GOAL, judge=thanked, admissible=True, max_steps=6)
    yield environment
    environment.close()


def begun(environment: Environment) -> Observation:
    return environment.reset(environment.tasks()[0])


# --- any page -----------------------------------------------------------------------------------------------------------


@needs_browser
def test_a_form_is_filled_in_and_what_the_page_pays_ends_the_episode(form: BrowserEnvironment) -> None:
    assert isinstance(form, Environment)
    seen = begun(form)
    assert seen.text.splitlines()[0] == "page 'Order' at /"
    assert "[textbox Your name] = ''" in seen.text
    assert seen.facts[Fluent("named1")] == "Ada"
    assert seen.facts[Fluent("asked", ("button Order",))] is True
    for action in (
        Action("type", ("textbox Your name", "Ada")),
        Action("select", ("combobox Size", "large")),
        Action("click", ("checkbox As a gift",)),
    ):
        assert action in (seen.actions or ())
        seen = form.step(action)
    assert seen.facts[Fluent("value", ("textbox Your name",))] == "Ada"
    assert seen.facts[Fluent("value", ("combobox Size",))] == "large"
    assert seen.facts[Fluent("checked", ("checkbox As a gift",))] is True
    last = form.step(Action("click", ("button Order",)))
    assert (last.reward, last.terminated) == (1.0, True)
    assert form.screenshot()[:8] == b"\x89PNG\r\n\x1a\n"  # type: ignore[index]
    with pytest.raises(EnvironmentFailureError, match="the episode is over"):
        form.step(Action("go back"))


@needs_browser
def test_typing_again_takes_the_place_of_what_stood_there(form: BrowserEnvironment) -> None:
    begun(form)
    form.step(Action("type", ("textbox Your name", "Bob")))
    seen = form.step(Action("type", ("textbox Your name", "Ada")))
    assert seen.facts[Fluent("value", ("textbox Your name",))] == "Ada"


@needs_browser
def test_what_cannot_be_done_on_a_page_changes_nothing_and_what_is_not_there_is_an_error(
    form: BrowserEnvironment,
) -> None:
    before = begun(form)
    after = form.step(Action("select", ("combobox Size", "huge")))
    assert after.text == f"Nothing happens: no option 'huge' to select.\n{before.text}"
    with pytest.raises(EnvironmentFailureError, match="expected an element of the page"):
        form.step(Action("click", ("button Pay",)))
    with pytest.raises(EnvironmentFailureError, match="expected one of the actions"):
        form.step(Action("hover", ("button Order",)))


@needs_browser
def test_an_episode_is_cut_off_at_its_limit_of_steps_and_of_time(url: str) -> None:
    for limits in ({"max_steps": 1}, {"time_limit_s": 0.0}):
        environment = BrowserEnvironment(url, GOAL, **limits)
        try:
            seen = begun(environment)
            seen = seen if seen.truncated else environment.step(Action("scroll down"))
            assert (seen.truncated, seen.terminated) == (True, False)
        finally:
            environment.close()


@needs_browser
def test_each_episode_begins_with_a_browser_that_remembers_nothing(form: BrowserEnvironment) -> None:
    assert begun(form) == begun(form)
    first = form.browser.process_group
    begun(form)
    assert form.browser.process_group != first


@pytest.mark.parametrize(
    "wrong", ["file:///etc/passwd", "localhost:8000", "http://user@localhost/", "javascript:alert(1)"]
)
def test_only_addresses_of_the_web_are_opened(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="expected an address"):
        BrowserEnvironment(wrong, GOAL)


def test_the_address_itself_has_to_be_of_an_allowed_host() -> None:
    with pytest.raises(ConfigurationError, match="among the hosts allowed"):
        BrowserEnvironment("http://localhost:8000/", GOAL, hosts=["localhost:9000"])


@pytest.mark.parametrize("host", ["*", "localhost, EXCLUDE *", "localhost;*", "http://localhost", ""])
def test_what_is_no_host_cannot_be_allowed(host: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a host"):
        Chromium(hosts=[host])


def test_the_usual_port_need_not_be_said() -> None:
    assert BrowserEnvironment("http://localhost:80/", GOAL).browser.is_allowed("http://localhost/")


# --- what breaks --------------------------------------------------------------------------------------------------------


def test_a_missing_browser_is_an_error_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.missing() is not None
    with pytest.raises(MissingExtraError, match=r"apt-get install .* chromium chromium-driver"):
        Chromium().open("about:blank")


@needs_browser
@pytest.mark.parametrize("hosts", [["127.0.0.1"], ["localhost"], ["127.0.0.1:1"]])
def test_another_port_of_an_allowed_host_is_another_host(url: str, hosts: list[str]) -> None:
    browser = Chromium(hosts=hosts)
    try:
        browser.open(url)
        assert not browser.is_allowed(browser.url)
        assert browser.run("return document.title") != "Order"
    finally:
        browser.end()


@needs_browser
def test_nothing_is_left_after_the_end_and_the_end_may_come_twice() -> None:
    browser = Chromium()
    browser.open("about:blank")
    group, folder = browser.process_group, browser.folder
    assert group is not None
    assert folder is not None
    assert running_in(group)
    browser.end()
    browser.end()
    assert not running_in(group)
    assert not folder.exists()


@needs_browser
def test_a_browser_does_not_outlive_a_process_that_is_killed() -> None:
    script = (
        "import time; from agentwm_environments.web.chromium import Chromium; browser = Chromium(); browser.open('about:blank');"
        "print(browser.process_group, browser.folder, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        group, folder = owner.stdout.readline().split()
        owner.kill()
    until = time.monotonic() + 10
    while (running_in(int(group)) or Path(folder).exists()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not running_in(int(group))
    assert not Path(folder).exists()


@needs_browser
def test_a_navigation_that_never_ends_is_an_error_and_the_next_page_gets_another_browser(url: str) -> None:
    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(10)

        def log_message(self, *_: object) -> None: ...

    browser = Chromium(hosts=[url.split("/")[2]], limit_s=1.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        browser.hosts = (*browser.hosts, f"127.0.0.1:{server.server_port}")
        with pytest.raises(EnvironmentFailureError, match="did not answer in time"):
            browser.open(f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
    assert not browser.is_running
    browser.open(url)
    assert browser.run("return document.title") == "Order"
    browser.end()


def _main_process(browser: Chromium) -> int:
    """Return the browser's own process: the one that its driver began."""
    assert browser.process_id is not None
    return browser.process_id


def _driver(browser: Chromium) -> int:
    """Return the process of the driver that the browser is spoken to through."""
    assert browser.process_group is not None
    names = {number: Path(f"/proc/{number}/comm").read_text().strip() for number in running_in(browser.process_group)}
    return next(number for number, name in names.items() if name == "chromedriver")


KILLS = {
    "all of it": lambda browser: os.killpg(browser.process_group, signal.SIGKILL),
    "the browser": lambda browser: os.kill(_main_process(browser), signal.SIGKILL),
    "the driver": lambda browser: os.kill(_driver(browser), signal.SIGKILL),
    "a hang": lambda browser: os.kill(_main_process(browser), signal.SIGSTOP),
    "a crash of the page": lambda browser: browser.open("chrome://crash"),
}


@needs_miniwob
def test_ten_kills_in_the_middle_of_episodes_leave_right_counts_and_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every second episode of twenty is struck before its first action, in one of five ways."""
    groups: set[int] = set()
    begun_episodes = 0
    step, reset = MiniWobEnvironment.step, MiniWobEnvironment.reset

    def counted(self: MiniWobEnvironment, task: str, *, seed: int = 0) -> Observation:
        nonlocal begun_episodes
        begun_episodes += 1
        self.browser.limit_s = 2.0
        seen = reset(self, task, seed=seed)
        assert self.browser.process_group is not None
        groups.add(self.browser.process_group)
        return seen

    def struck(self: MiniWobEnvironment, action: Action) -> Observation:
        if begun_episodes % 2:
            kill: Any = list(KILLS.values())[begun_episodes // 2 % len(KILLS)]
            kill(self.browser)
        return step(self, action)

    monkeypatch.setattr(MiniWobEnvironment, "reset", counted)
    monkeypatch.setattr(MiniWobEnvironment, "step", struck)
    report = run(
        RunConfig(environment="miniwob-click-test", learn=0, episodes=20, planner="reactive", out=tmp_path / "run")
    )
    assert (report.episodes, report.broken_off, report.success.count) == (20, 10, 10)
    assert [error for error in report.errors if "Chromium failed in" not in error] == []
    assert len(groups) == 11 - (begun_episodes % 2), "each browser that broke was replaced once"
    assert not any(running_in(group) for group in groups)


def test_pages_are_read_by_the_reader_of_facts() -> None:
    assert isinstance(BrowserEnvironment("http://localhost/", GOAL).perceiver, FactsPerceiver)


def test_the_browser_is_begun_only_when_it_is_needed() -> None:
    rng = random.Random(0)
    environment = BrowserEnvironment(f"http://localhost:{rng.randrange(9000, 9999)}/", GOAL)
    assert not environment.browser.is_running
    environment.close()
    environment.close()
