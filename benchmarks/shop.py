"""Time the shop without a browser, and see whether a browser and the reader without one agree on its pages.

    python benchmarks/shop.py                     # steps per second, asked directly and over HTTP
    python benchmarks/shop.py --agreement 200     # pages read by both, after the same random actions; needs Chromium

A step is the environment's step, its perceiver and what is believed afterwards (`Episode.step`), and so is what begins an episode counted
in. The steps are random among those that the page allows. Seconds are of CPU time, the server's included, so that a busy machine does not
matter much.
"""

import argparse
import random
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from difflib import unified_diff

from agentwm.agent import Episode
from agentwm.types import EnvironmentOptions, Outcome, Prediction
from agentwm_environments.web.chromium import Chromium, RefusedError
from agentwm_environments.web.client import Client
from agentwm_environments.web.live import press_over, read_live, select
from agentwm_environments.web.page import Element, Page
from agentwm_environments.web.shop import SPEC
from agentwm_environments.web.shop.catalogue import draw
from agentwm_environments.web.shop.server import Served, Server
from agentwm_environments.web.shop.site import ShopSite
from agentwm_environments.web.webdriver import Node

FRAME = Prediction((Outcome(1.0),), 0.5, "frame")
EPISODE = 60
WAITS = 200  # of a twentieth of a second each, for a page to come
PAGES = 25  # of each shop that are compared


def steps_per_second(engine: str, seconds: float) -> tuple[int, float]:
    """Return how many steps were done, and how many in a second of CPU time."""
    rng = random.Random(0)
    done, began = 0, time.process_time()
    with closing(SPEC.make(EnvironmentOptions(engine=engine))) as environment:
        while time.process_time() - began < seconds:
            episode = Episode(environment, rng.choice(environment.tasks()))
            while len(episode.transitions) < EPISODE and not episode.is_over:
                actions = episode.observation.actions
                assert actions is not None
                episode.step(rng.choice(actions), FRAME)
                done += 1
    return done, done / (time.process_time() - began)


def pairs(seed: int) -> Iterator[tuple[Page, Page]]:
    """Yield the pages of one customer with a browser and of another without, who do the same in shops that are the same."""
    rng = random.Random(seed)
    catalogue = draw(f"agreement-{seed}")
    with closing(Server()) as server, closing(Served()) as served:
        server.site = ShopSite(catalogue)
        served.show(ShopSite(catalogue))
        client, browser = Client(served, origin=served.url), Chromium(hosts=[f"127.0.0.1:{server.port}"])
        try:
            client.open("/")
            browser.open(f"{server.url}/")
            while True:
                live = read_live(browser)
                yield client.page, live.page
                controls = [each for each in client.page if each.is_control and not each.is_disabled]
                if client.page != live.page or not controls:
                    return
                chosen = rng.choice(controls)
                twin = live.page.element(chosen.reference)
                assert twin is not None
                node = live.node(twin)
                assert node is not None
                text = _act(client, chosen, catalogue.wish.person, rng)
                if text is None:
                    _click(browser, node)
                elif chosen.role == "combobox":
                    select(browser, node, text)
                else:
                    press_over(browser, node, text)
        finally:
            browser.end()


def _click(browser: Chromium, node: Node) -> None:
    """Click ``node``, which leads to a page, and wait until that is there: the same address may be asked for again."""
    browser.run("window.wasLeft = false;")
    browser.click(node)
    for _ in range(WAITS):
        with suppress(RefusedError):
            if browser.run("return window.wasLeft === undefined && document.readyState === 'complete';"):
                return
        time.sleep(0.05)
    raise SystemExit("expected a click to lead to a page, and it did not")


def _act(client: Client, element: Element, words: str, rng: random.Random) -> str | None:
    """Do something with ``element``; return the text that was typed or selected, None for a click."""
    if element.role == "combobox":
        option = rng.choice(element.options)
        client.select(element, option)
        return option
    if element.role == "textbox":
        client.type(element, words)
        return words
    client.click(element)
    return None


def agreement(number: int) -> None:
    """Print on how many of ``number`` pages both readers agree, and where they differ."""
    seen = agreed = seed = 0
    while seen < number:
        for steps, (plain, live) in enumerate(pairs(seed)):
            seen += 1
            agreed += plain == live
            if plain != live:
                print(
                    "\n".join(
                        unified_diff(plain.text.split("\n"), live.text.split("\n"), "parser", "browser", lineterm="")
                    )
                )
            if seen == number or steps == PAGES:
                break
        seed += 1
    print(f"{agreed} of {seen} pages are the same to both readers, in {seed} shops")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agreement", type=int, metavar="PAGES", help="compare so many pages instead")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each engine is timed")
    arguments = parser.parse_args()
    if arguments.agreement:
        agreement(arguments.agreement)
        return
    for engine in SPEC.engines:
        done, rate = steps_per_second(engine, arguments.seconds)
        print(f"{engine:8} {rate:8.0f} steps per second of CPU time ({done} steps)")


if __name__ == "__main__":
    main()
