"""The shop as an environment: tasks to fulfil, actions in, pages out."""

from collections.abc import Mapping, Sequence

from agentwm.errors import quoted
from agentwm.misuse import begun, episode_over, schema_of
from agentwm.types import (
    Action,
    EnvironmentOptions,
    EnvironmentSpec,
    Fluent,
    Goal,
    Observation,
    Perceiver,
    Value,
    Vocabulary,
)
from agentwm_environments.tasks import SeededTasks, settle
from agentwm_environments.web.client import Client, Site
from agentwm_environments.web.page import Element, Page

from .catalogue import draw
from .reader import ShopReader, read_instruction, read_page_facts
from .server import Served
from .site import ShopSite
from .words import VOCABULARY, goal_of

__all__ = ["SPEC", "ShopEnvironment", "make"]


class ShopEnvironment(SeededTasks):
    """Plays tasks in shops that are drawn by them. ``served`` asks each shop over HTTP, on this machine; else it is asked directly.

    The text of an observation is the page as a tree, and what came of an action that the page does not know. Nothing is paid: an order ends
    the episode, and ``is_won`` says whether it is the one that was asked for.

    Observations always list the controls of the page that are not disabled, with what can be selected or typed: to see them is to read the
    page. What comes of them is not said, and what is not listed can be tried all the same.
    """

    name = "shop"

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        served: bool = False,
        about: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(tasks, about)
        self.perceiver: Perceiver = ShopReader()
        self.vocabulary: Vocabulary = VOCABULARY
        self.is_won = False
        self._served = Served() if served else None
        self._shop: ShopSite | None = None
        self._client: Client | None = None
        self._asked: dict[Fluent, Value] = {}
        self._read: dict[int, tuple[Page, dict[Fluent, Value], str]] = {}
        self._words: tuple[str, ...] = ()
        self._goal: Goal | None = None
        self._is_over = True

    @property
    def goal(self) -> Goal:
        """What the present task asks for."""
        return begun(self._goal)

    @property
    def page(self) -> Page:
        """The page that is seen."""
        return begun(self._client).page

    def task_type(self, task: str) -> str:
        """Return what is to be bought."""
        return draw(task).wish.kind

    def reset(self, task: str, *, seed: int = 0) -> Observation:  # noqa: ARG002 -- a shop has no chance in it
        """Enter the shop of ``task``. ``seed`` changes nothing.

        Raises: TaskError when there is no such task.
        """
        self._expect(task)
        self._shop = ShopSite(draw(task))
        site: Site = self._shop
        if self._served is not None:
            self._served.show(self._shop)
            site = self._served
        wish = self._shop.catalogue.wish.text
        self._asked = read_instruction(wish)
        self._goal = goal_of(wish, self._asked)
        self._words = tuple(fluent.args[0] for fluent, value in self._asked.items() if value == "words")
        self._read = {}
        self._client = Client(site)
        self._client.open("/")
        self._is_over = self.is_won = False
        return self._observation(f"{wish}\n")

    def step(self, action: Action) -> Observation:
        """Do ``action``; one that the page does not know changes nothing.

        Raises: EnvironmentFailureError before the first and after the end of an episode, and for an action that the vocabulary lacks.
        """
        client = begun(self._client)
        if self._is_over:
            raise episode_over(action)
        schema = schema_of(action, self.vocabulary)
        element = client.page.element(action.args[0])
        if element is None or element.role not in schema.parameters[0].split("|"):
            return self._observation(f"There is no {quoted(action.args[0])} on this page.\n")
        _do(client, action, element)
        return self._observation("")

    def close(self) -> None:
        """End the server, where there is one."""
        self._is_over = True
        if self._served is not None:
            self._served.close()

    def _observation(self, note: str) -> Observation:
        page, shop = begun(self._client).page, begun(self._shop)
        self._is_over = shop.orders is not None
        self.is_won = shop.orders is not None and shop.catalogue.wish.is_fulfilled_by(
            shop.orders, shop.paid, shop.person
        )
        facts, text = self._told(page)
        return Observation(note + text, facts, tuple(self._offered(page)), terminated=self._is_over)

    def _told(self, page: Page) -> tuple[dict[Fluent, Value], str]:
        """Return the facts and the text of ``page``, which are made once for a page that comes again as it was."""
        found = self._read.get(id(page))
        if found is None:
            found = self._read[id(page)] = page, {**self._asked, **read_page_facts(page)}, page.text
        return found[1:]

    def _offered(self, page: Page) -> Sequence[Action]:
        """Return what the controls of ``page`` can be used for; the first choice of a list says that nothing is chosen."""
        found: list[Action] = []
        for element in page:
            if element.is_disabled:
                continue
            if element.role in ("button", "link"):
                found.append(Action("click", (element.reference,)))
            elif element.role == "combobox":
                found += [Action("select", (element.reference, option)) for option in element.options[1:]]
            elif element.role == "textbox":
                found += [Action("type", (element.reference, words)) for words in self._words]
        return found


def _do(client: Client, action: Action, element: Element) -> None:
    match action.verb:
        case "click":
            client.click(element)
        case "select":
            client.select(element, action.args[1])
        case _:
            client.type(element, action.args[1])


def make(options: EnvironmentOptions) -> ShopEnvironment:
    """Return the environment that ``options`` asks for.

    Raises: ConfigurationError for what cannot be.
    """
    _, tasks, about = settle(options, SPEC)
    return ShopEnvironment(tasks, served=about["engine"] == "http", about=about)


SPEC = EnvironmentSpec(
    name="shop",
    summary="A web shop on this machine: find what is asked for, choose its options, put it into the basket and order it.",
    splits=("test", "train"),
    engines=("direct", "http"),
    make=make,
    learn=30,
    learning_steps=100,
    max_steps=60,
)
