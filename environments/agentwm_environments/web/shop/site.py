"""The shop itself: what it answers to a request, and what it keeps of its one customer. Plain HTML, without scripts."""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from agentwm_environments.web.client import Reply

from .catalogue import Catalogue, Order, Product

__all__ = ["ShopSite"]

_NOT_CHOSEN = "choose"


class ShopSite:
    """One shop with one customer.

    ``orders`` is what was ordered, None before; ``paid`` and ``person``, empty for the customer, come with it. As long as the basket is
    empty, what orders or empties it is disabled. That is usual in shops, and made for learning as well: who tries each control a few times
    under each circumstance does not use these tries up where it cannot do anything.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.basket: list[Order] = []
        self.orders: tuple[Order, ...] | None = None
        self.paid = 0
        self.person = ""
        self._pages = 0
        self._latest = 0  # the page that is looked at: an order costs what is written there
        self._products = {product.slug: product for product in (catalogue.tip, *catalogue.products)}

    def ask(self, method: str, target: str, form: Mapping[str, str]) -> Reply:
        """Return the answer to GET or POST of ``target``, a path with its query; ``form`` is what is posted."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        reply = self._posted(parts.path, form) if method == "POST" else self._got(parts.path, query)
        if not reply.location:
            self._latest = self._pages
        self._pages += reply.status == HTTPStatus.OK
        return reply

    def _got(self, path: str, query: Mapping[str, str]) -> Reply:
        name, _, rest = path.strip("/").partition("/")
        if name == "kinds" and rest in self.catalogue.kinds:
            return self._kind(rest, query)
        if name == "products" and rest in self._products:
            return self._product(self._products[rest])
        pages: dict[str, Callable[[], Reply]] = {
            "/": self._home,
            "/search": lambda: self._search(query.get("q", "")),
            "/basket": self._show_basket,
            "/checkout": self._checkout,
            "/order": self._order,
        }
        return pages.get(path, _not_found)()

    def _posted(self, path: str, form: Mapping[str, str]) -> Reply:
        product = self._products.get(path.removeprefix("/products/"))
        if product is not None:
            return self._add(product, form.get("colour", ""), form.get("size", ""))
        if path == "/basket":
            self.basket.clear()
            return Reply(HTTPStatus.SEE_OTHER, "", "/basket")
        return self._place(form.get("name", "").strip()) if path == "/checkout" else _not_found()

    def _add(self, product: Product, colour: str, size: str) -> Reply:
        if not product.is_in_stock:
            return self._product(product, "Sorry, it is out of stock.", HTTPStatus.CONFLICT)
        if colour not in product.colours or size not in product.sizes:
            message = "Please choose a colour and a size."
            return self._product(product, message, HTTPStatus.UNPROCESSABLE_ENTITY, chosen=(colour, size))
        self.basket.append(Order(product, colour, size))
        return Reply(HTTPStatus.SEE_OTHER, "", "/checkout")

    def _place(self, person: str) -> Reply:
        if not self.basket:
            return self._checkout("There is nothing to order.", HTTPStatus.UNPROCESSABLE_ENTITY, person)
        self.orders, self.paid, self.person = tuple(self.basket), self._to_pay, person
        self.basket.clear()
        return Reply(HTTPStatus.SEE_OTHER, "", "/order")

    # --- pages --------------------------------------------------------------------------------------------------------

    def _home(self) -> Reply:
        tip = self.catalogue.tip
        body = (
            f'<p>Our tip: <a href="/products/{tip.slug}">{escape(tip.name)}</a></p>{_SEARCH}'
            '<p>Have you seen our <a href="/sale">Summer sale</a>?</p>'  # which nobody has put up
        )
        return Reply(HTTPStatus.OK, self._page("Welcome", body))

    def _kind(self, kind: str, query: Mapping[str, str]) -> Reply:
        products = [product for product in self.catalogue.products if product.kind == kind]
        colours = sorted({colour for product in products for colour in product.colours})
        chosen = query.get("colour", "")
        options = "".join(_option(colour, is_selected=colour == chosen) for colour in colours)
        shown = [product for product in products if not chosen or chosen in product.colours]
        lists = f'<select name="colour"><option value="">every colour</option>{options}</select>'
        form = f"<form><label>Show {lists}</label><button>Filter</button></form>"
        return Reply(HTTPStatus.OK, self._page(_plural(kind).capitalize(), form + self._listed(shown)))

    def _search(self, words: str) -> Reply:
        wanted = words.lower().split()
        found = [p for p in self.catalogue.products if all(word in p.name.lower().split() for word in wanted)]
        said = f"<p>{len(found)} found for &ldquo;{escape(words)}&rdquo;.</p>"
        return Reply(HTTPStatus.OK, self._page("Search", _SEARCH + said + self._listed(found)))

    def _product(
        self, product: Product, message: str = "", status: int = HTTPStatus.OK, *, chosen: tuple[str, str] = ("", "")
    ) -> Reply:
        body = (
            f"{_message(message)}<p>{self._described(product)}</p>"
            f'<form method="post">'
            f"{_choice('Colour', product.colours, chosen[0])}{_choice('Size', product.sizes, chosen[1])}"
            "<button>Add to basket</button></form>"
        )
        return Reply(status, self._page(product.name, body))

    def _show_basket(self) -> Reply:
        empty = f'<form action="/basket" method="post"><button{self._waits}>Empty the basket</button></form>'
        return Reply(HTTPStatus.OK, self._page("Basket", "<p>You can order at the checkout.</p>" + empty))

    def _checkout(self, message: str = "", status: int = HTTPStatus.OK, person: str = "") -> Reply:
        body = (
            f'{_message(message)}<form action="/checkout" method="post"><label for="name">Name</label>'
            f'<input id="name" name="name" value="{escape(person)}"{self._waits}>'
            f"<button{self._waits}>Place the order</button></form><p>Leave the name out to have it sent to you.</p>"
        )
        return Reply(status, self._page("Checkout", body))

    def _order(self) -> Reply:
        if self.orders is None:
            return Reply(HTTPStatus.OK, self._page("Order", "<p>Nothing was ordered yet.</p>"))
        lines = "".join(f"<li>{_piece(order)}</li>" for order in self.orders)
        body = f"<p>Thank you! Sent to {escape(self.person) or 'you'} for {_money(self.paid)}:</p><ul>{lines}</ul>"
        return Reply(HTTPStatus.OK, self._page("Order", body))

    def _listed(self, products: Iterable[Product]) -> str:
        rows = "".join(
            f'<li><a href="/products/{p.slug}">{escape(p.name)}</a> <span>{self._described(p)}</span></li>'
            for p in products
        )
        return f"<ul>{rows}</ul>"

    def _described(self, product: Product) -> str:
        stock = "" if product.is_in_stock else " Out of stock."
        price = _money(product.price_after(self._pages))
        return f"Price: {price}. Colour: {', '.join(product.colours)}. Size: {', '.join(product.sizes)}.{stock}"

    def _page(self, title: str, body: str) -> str:
        kinds = "".join(f'<a href="/kinds/{kind}">{_plural(kind).capitalize()}</a> ' for kind in self.catalogue.kinds)
        lines = "; ".join(f"{_piece(order)} at {_money(self._price(order))}" for order in self.basket) or "nothing"
        return (
            f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{escape(title)}</title></head><body>"
            f'<nav><a href="/">Home</a> {kinds}<a href="/basket">Basket</a> <a href="/checkout">Checkout</a></nav>'
            f"<p>In your basket: {lines}</p><h1>{escape(title)}</h1>{body}</body></html>"
        )

    @property
    def _waits(self) -> str:
        """The attribute of what can be used only once there is something in the basket."""
        return "" if self.basket else " disabled"

    @property
    def _to_pay(self) -> int:
        return sum(order.product.price_after(self._latest) for order in self.basket)

    def _price(self, order: Order) -> int:
        return order.product.price_after(self._pages)


_SEARCH = '<form action="/search"><label>Search <input name="q"></label><button>Search</button></form>'


def _not_found() -> Reply:
    body = '<h1>Not found</h1><p>There is no such page.</p><p><a href="/">Home</a></p>'
    return Reply(
        HTTPStatus.NOT_FOUND,
        f"<!doctype html><html lang=en><head><title>Not found</title></head><body>{body}</body></html>",
    )


def _choice(label: str, choices: Iterable[str], chosen: str) -> str:
    options = "".join(_option(choice, is_selected=choice == chosen) for choice in choices)
    return f'<label>{label} <select name="{label.lower()}"><option value="">{_NOT_CHOSEN}</option>{options}</select></label>'


def _option(choice: str, *, is_selected: bool = False) -> str:
    return f"<option{' selected' if is_selected else ''}>{escape(choice)}</option>"


def _message(text: str) -> str:
    return f'<p role="alert">{escape(text)}</p>' if text else ""


def _piece(order: Order) -> str:
    return f"{escape(order.product.name)}, {order.colour}, {order.size}"


def _money(amount: int) -> str:
    return f"{amount}.00"


def _plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"
