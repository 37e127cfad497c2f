"""The shop: what can be bought in it, what is told of it, and that it is the same over HTTP as without."""

import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import islice

import pytest

from agentwm.agent import Episode
from agentwm.errors import EnvironmentFailureError, TaskError
from agentwm.testing import check_environment
from agentwm.types import Action, EnvironmentOptions, Fluent, Observation, Outcome, Prediction
from agentwm_environments.web import chromium
from agentwm_environments.web.client import Client, Reply
from agentwm_environments.web.shop.catalogue import Catalogue, Product, draw
from agentwm_environments.web.shop.environment import SPEC, ShopEnvironment, make
from agentwm_environments.web.shop.server import Server
from agentwm_environments.web.shop.site import ShopSite
from tests.conftest import benchmark

UNFORETOLD = Prediction((Outcome(1.0),), 0.5, "frame")


def shop(**options: str | int | bool) -> ShopEnvironment:
    return make(EnvironmentOptions(**{"count": 30, **options}))  # type: ignore[arg-type]


def do(environment: ShopEnvironment, *steps: str) -> Observation:
    """Do ``steps``, each a verb and its things with bars between; return what is seen at last."""
    observation = None
    for step in steps:
        verb, *args = step.split("|")
        observation = environment.step(Action(verb, tuple(args)))
    assert observation is not None
    return observation


def suits(product: Product, catalogue: Catalogue) -> bool:
    wish = catalogue.wish
    dearest = max(product.price, product.later or 0)
    fits = wish.colour in product.colours and wish.size in product.sizes
    return product.kind == wish.kind and product.is_in_stock and dearest < wish.limit and fits


def way_to(catalogue: Catalogue, product: Product, *, person: str) -> list[str]:
    """Return the steps that buy ``product`` as it is wished for."""
    wish = catalogue.wish
    lists = {"dress": "Dresses"}.get(product.kind, f"{product.kind.capitalize()}s")
    return [
        f"click|link {lists}",
        f"click|link {product.name}",
        f"select|combobox Colour|{wish.colour}",
        f"select|combobox Size|{wish.size}",
        "click|button Add to basket",
        f"type|textbox Name|{person}",
        "click|button Place the order",
    ]


def facts_of(observation: Observation) -> dict[str, object]:
    return {str(fluent): value for fluent, value in observation.facts.items()}


# --- what can be bought -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", SPEC.engines)
def test_every_wish_can_be_fulfilled(engine: str) -> None:
    with closing(shop(engine=engine)) as environment:
        for task in environment.tasks():
            catalogue = draw(task)
            right = next(product for product in catalogue.products if suits(product, catalogue))
            environment.reset(task)
            last = do(environment, *way_to(catalogue, right, person=catalogue.wish.person))
            assert last.terminated
            assert environment.is_won


def test_another_order_ends_the_episode_and_is_not_won() -> None:
    environment = shop()
    catalogue = draw(environment.tasks()[0])
    right = next(product for product in catalogue.products if suits(product, catalogue))
    steps = way_to(catalogue, right, person=catalogue.wish.person)
    for wrong in (
        [*steps[:5], steps[6]],  # nobody's name
        [*steps[:5], *steps[:5], *steps[5:]],  # two of them
        way_to(catalogue, right, person=catalogue.wish.kind),
    ):
        environment.reset(environment.tasks()[0])
        assert do(environment, *wrong).terminated
        assert not environment.is_won
        with pytest.raises(EnvironmentFailureError, match="expected reset"):
            environment.step(Action("click", ("link Home",)))


def test_what_is_out_of_stock_cannot_be_bought() -> None:
    environment = shop()
    catalogue = draw(environment.tasks()[0])
    out = next(product for product in catalogue.products if not product.is_in_stock)
    first = environment.reset(environment.tasks()[0])
    last = do(environment, *way_to(catalogue, out, person="Ada")[:5])
    assert "text 'Sorry, it is out of stock.'" in last.text
    assert facts_of(last)[f"in_stock({out.name})"] is False
    assert facts_of(last)["pieces()"] == facts_of(first)["pieces()"] == 0


def test_without_a_colour_and_a_size_nothing_comes_into_the_basket_and_what_was_chosen_stays() -> None:
    environment = shop()
    catalogue = draw(environment.tasks()[0])
    right = next(product for product in catalogue.products if suits(product, catalogue))
    environment.reset(environment.tasks()[0])
    steps = way_to(catalogue, right, person="Ada")
    last = do(environment, *steps[:3], steps[4])
    assert "text 'Please choose a colour and a size.'" in last.text
    assert facts_of(last)["colour()"] == catalogue.wish.colour
    assert facts_of(last)["pieces()"] == 0


def test_a_price_changes_while_one_looks_around() -> None:
    environment = shop()
    catalogue = draw(environment.tasks()[0])
    dearer = next(product for product in catalogue.products if product.later is not None)
    environment.reset(environment.tasks()[0])
    look = way_to(catalogue, dearer, person="Ada")[0]
    prices = [facts_of(do(environment, look))[f"price({dearer.name})"] for _ in range(20)]
    assert set(prices) == {f"{dearer.price}.00", f"{dearer.later}.00"}
    assert dearer.price < catalogue.wish.limit <= (dearer.later or 0)


def test_a_new_price_corrects_what_was_known_and_is_put_down_to_no_action() -> None:
    environment = shop()
    catalogue = draw(environment.tasks()[0])
    dearer = next(product for product in catalogue.products if product.later is not None)
    price = Fluent("price", (dearer.name,))
    episode = Episode(environment, environment.tasks()[0])
    [_, name] = way_to(catalogue, dearer, person="")[0].split("|")
    for _ in range(20):
        episode.step(Action("click", (name,)), UNFORETOLD)
    corrections = [each for each in episode.transitions if price in each.told and price in each.before]
    assert [each.after[price] for each in corrections] == [f"{dearer.later}.00"]
    assert not any(price in each.changed or price in each.surprise for each in episode.transitions)


def test_an_order_costs_what_is_written_where_it_is_placed() -> None:
    for task in shop(count=200).tasks():
        catalogue = draw(task)
        dearer = next(product for product in catalogue.products if product.later is not None)
        if dearer.changes_at != 4:  # the page after the fourth one, which is the checkout
            continue
        environment = shop(count=200)
        environment.reset(task)
        last = do(environment, *way_to(catalogue, dearer, person=catalogue.wish.person))
        assert f"for {dearer.price}.00:" in last.text
        assert environment.is_won
        return
    raise AssertionError("expected a task in which a price changes then")


def test_a_broken_link_leads_to_a_page_with_a_way_back() -> None:
    environment = shop()
    first = environment.reset(environment.tasks()[0])
    lost = do(environment, "click|link Summer sale")
    assert "heading 'Not found'" in lost.text
    assert do(environment, "click|link Home").text == first.text.partition("\n")[2]


def test_search_and_filter_list_what_fits() -> None:
    environment = shop()
    catalogue = draw(environment.tasks()[0])
    kind, colour = catalogue.wish.kind, catalogue.wish.colour
    environment.reset(environment.tasks()[0])
    found = do(environment, f"type|textbox Search|{kind}", "click|button Search")
    names = {product.name for product in catalogue.products if product.kind == kind}
    assert {fluent.args[0] for fluent in found.facts if fluent.name == "is_a"} == names
    steps = way_to(catalogue, catalogue.products[0], person="")
    filtered = do(environment, steps[0], f"select|combobox Show|{colour}", "click|button Filter")
    shown = {fluent.args[0] for fluent in filtered.facts if fluent.name == "is_a"}
    first_kind = catalogue.products[0].kind
    assert shown == {p.name for p in catalogue.products if p.kind == first_kind and colour in p.colours}


# --- what is told -----------------------------------------------------------------------------------------------------------


def test_nothing_is_known_of_a_page_that_was_not_seen() -> None:
    environment = shop()
    catalogue = draw(environment.tasks()[0])
    facts = facts_of(environment.reset(environment.tasks()[0]))
    assert not any(product.name in name for product in catalogue.products for name in facts)
    assert "sort(/basket)" not in facts  # its address is known, and that is all


def test_what_a_list_said_stays_known_on_other_pages() -> None:
    environment = shop()
    catalogue = draw(environment.tasks()[0])
    product = catalogue.products[0]
    episode = Episode(environment, environment.tasks()[0])
    for step in (*way_to(catalogue, product, person="")[:1], "click|link Basket"):
        verb, name = step.split("|")
        episode.step(Action(verb, (name,)), UNFORETOLD)
    assert episode.state[Fluent("price", (product.name,))] == f"{product.price}.00"
    here = environment.vocabulary.fluents["here"].derive
    assert here is not None
    assert here(episode.state, ("link Basket",)) is True
    assert here(episode.state, (f"link {product.name}",)) is False


def test_an_action_that_the_page_does_not_know_changes_nothing() -> None:
    environment = shop()
    first = environment.reset(environment.tasks()[0])
    for step in ("click|button Place the order", "type|link Home|x", "select|textbox Search|x"):
        answer = do(environment, step)
        assert answer.text.startswith("There is no '")
        assert answer.facts == first.facts


def test_the_instruction_is_read() -> None:
    environment = shop()
    for task in environment.tasks():
        facts = facts_of(environment.reset(task))
        wish = draw(task).wish
        read = [facts[f"asked({name})"] for name in ("type", "colour", "size", "name", "limit")]
        assert read == [wish.kind, wish.colour, wish.size, wish.person, wish.limit]


def test_the_shop_conforms() -> None:
    check_environment("shop")


# --- tasks and engines --------------------------------------------------------------------------------------------------------


def test_what_is_learned_on_is_not_played() -> None:
    learned = {draw(task) for task in shop(learning=True, count=100).tasks()}
    played = {draw(task) for task in shop(count=100).tasks()}
    assert len(learned) == len(played) == 100
    assert not learned & played


def test_over_http_everything_is_the_same() -> None:
    rng = random.Random(3)
    with closing(shop()) as direct, closing(shop(engine="http")) as served:
        for task in direct.tasks()[:5]:
            seen, other = direct.reset(task), served.reset(task)
            for _ in range(30):
                assert seen == other
                if seen.terminated:
                    break
                assert seen.actions
                action = rng.choice(seen.actions)
                seen, other = direct.step(action), served.step(action)


@pytest.mark.skipif(chromium.missing() is not None, reason=chromium.missing() or "")
def test_a_browser_reads_the_same_pages() -> None:
    """On a few pages; more with ``python benchmarks/shop.py --agreement 200``."""
    with closing(benchmark("shop").pairs(seed=0)) as pairs:
        compared = list(islice(pairs, 8))
    assert len(compared) == 8
    for parsed, seen in compared:
        assert parsed == seen
    assert len({parsed.title for parsed, _ in compared}) > 2


def test_what_is_listed_is_what_the_page_shows() -> None:
    environment = shop()
    catalogue = draw(environment.tasks()[0])
    right = next(product for product in catalogue.products if suits(product, catalogue))
    environment.reset(environment.tasks()[0])
    on_product = do(environment, *way_to(catalogue, right, person="Ada")[:2])
    listed = set(on_product.actions or ())
    assert all(f"[{action.args[0]}]" in on_product.text for action in listed)
    assert {action.args[1] for action in listed if action.verb == "select"} == {*right.colours, *right.sizes}
    assert Action("click", ("button Add to basket",)) in listed
    assert Action("click", ("button Place the order",)) not in listed
    checkout = do(environment, "click|link Checkout")
    assert "[button Place the order] disabled" in checkout.text, "as long as there is nothing in the basket"
    assert Action("click", ("button Place the order",)) not in (checkout.actions or ())


def test_the_server_listens_on_this_machine_only_and_is_gone_when_it_is_closed() -> None:
    server = Server()
    assert server.url == f"http://127.0.0.1:{server.port}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5):
        pass
    server.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(TaskError, match="no task 'x'"):
        shop().reset("x")


# --- the client -----------------------------------------------------------------------------------------------------------------


class Pages:
    """Answers with pages that are given, and notes what was asked."""

    def __init__(self, pages: Mapping[str, Reply]) -> None:
        self.pages = pages
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def ask(self, method: str, target: str, form: Mapping[str, str]) -> Reply:
        self.asked.append((method, target, dict(form)))
        return self.pages.get(target.partition("?")[0], Reply(404, "lost"))


FORM = """<form action=/go method=post>
<input name=a value=1><input type=hidden name=b value=2>
<input type=checkbox name=c title=C><input type=checkbox name=d title=D checked>
<input type=radio name=e value=x title=X checked><input type=radio name=e value=y title=Y>
<select name=f title=F><option value=7>seven<option>eight</select>
<textarea name=g title=G>text</textarea><input name=h disabled value=3>
<button name=i value=4>Go</button><button name=j>No</button></form>"""


def test_a_form_is_sent_as_it_was_filled_in() -> None:
    site = Pages({"/": Reply(200, FORM), "/go": Reply(200, "done")})
    client = Client(site)
    client.open("/")
    for name in ("checkbox C", "checkbox D", "radio Y"):
        element = client.page.element(name)
        assert element is not None
        client.click(element)
    button = client.page.element("button Go")
    assert button is not None
    client.click(button)
    sent = {"a": "1", "b": "2", "c": "on", "e": "y", "f": "7", "g": "text", "i": "4"}
    assert site.asked[-1] == ("POST", "/go", sent)


def test_redirections_without_end_are_an_error() -> None:
    with pytest.raises(EnvironmentFailureError, match="at most 10 redirections"):
        Client(Pages({"/": Reply(303, "", "/")})).open("/")


@pytest.mark.parametrize(
    "location", ["http://other.example/", "//other.example/", "https://localhost/", "file:///etc/passwd"]
)
def test_another_site_is_never_asked(location: str) -> None:
    site = Pages({"/": Reply(303, "", location), "/page": Reply(200, f'<a href="{location}">Away</a>')})
    with pytest.raises(EnvironmentFailureError, match="another site"):
        Client(site).open("/")
    client = Client(site)
    client.open("/page")
    away = client.page.element("link Away")
    assert away is not None
    client.click(away)
    assert [target for _, target, _ in site.asked] == ["/", "/page"]


def test_what_a_customer_types_is_never_markup() -> None:
    site = ShopSite(draw("any"))
    client = Client(site)
    client.open("/search?q=%3Cbutton%3EPay%3C/button%3E")
    assert client.page.element("button Pay") is None
    assert any("<button>Pay</button>" in each.name for each in client.page)


@pytest.fixture(autouse=True)
def no_server_left() -> Iterator[None]:
    """Fail where a test leaves a server's thread behind."""
    before = threading.active_count()
    yield
    until = time.monotonic() + 5  # a connection that was just closed is noticed a little later
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() <= before
