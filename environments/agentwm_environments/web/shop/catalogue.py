"""What a shop sells, and what somebody wants of it: drawn by seed, so that every task has a shop of its own."""

import random
from dataclasses import dataclass

__all__ = ["Catalogue", "Order", "Product", "Wish", "draw"]

KINDS = ("dress", "jacket", "jumper", "shirt", "skirt", "coat")
MATERIALS = ("Cotton", "Denim", "Flannel", "Linen", "Silk", "Tweed", "Velvet", "Wool")
COLOURS = ("black", "blue", "brown", "green", "grey", "red", "white", "yellow")
SIZES = ("small", "medium", "large")
PEOPLE = ("Ada", "Grace", "Alan", "Barbara", "Edsger", "Hedy", "John", "Margaret")

KINDS_SOLD = 3
OF_A_KIND = (4, 5)
LOWEST, HIGHEST = 12, 60  # prices


@dataclass(frozen=True, slots=True)
class Product:
    """Something for sale. Once ``changes_at`` pages were seen it costs ``later`` instead of ``price``."""

    slug: str
    name: str
    kind: str
    price: int
    colours: tuple[str, ...]
    sizes: tuple[str, ...]
    is_in_stock: bool = True
    later: int | None = None
    changes_at: int = 0

    def price_after(self, pages: int) -> int:
        """Return what it costs once so many ``pages`` were seen."""
        return self.later if self.later is not None and pages >= self.changes_at else self.price


@dataclass(frozen=True, slots=True)
class Order:
    """One piece: of a product, in a colour and a size."""

    product: Product
    colour: str
    size: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be bought, for less than ``limit``, and for whom."""

    kind: str
    colour: str
    size: str
    limit: int
    person: str

    @property
    def text(self) -> str:
        """The wish as an instruction."""
        article = "an" if self.colour[0] in "aeiou" else "a"
        thing = f"{article} {self.colour} {self.kind} in size {self.size}"
        return f'Buy {thing} for less than {self.limit} and have it sent to "{self.person}".'

    def is_fulfilled_by(self, orders: tuple[Order, ...], paid: int, person: str) -> bool:
        """Whether just that was ordered."""
        if len(orders) != 1 or paid >= self.limit or person != self.person:
            return False
        [order] = orders
        return (order.product.kind, order.colour, order.size) == (self.kind, self.colour, self.size)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a shop sells, in the order in which it is listed, the tip of the day, which is in no list, and what is wanted."""

    tip: Product
    products: tuple[Product, ...]
    wish: Wish

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of things sold."""
        return tuple(dict.fromkeys(product.kind for product in self.products))


def draw(seed: str) -> Catalogue:
    """Return a shop and a wish that it can fulfil. Of what is wanted there is, beside, one thing out of stock and one that gets dearer."""
    rng = random.Random(seed)
    kinds = rng.sample(KINDS, KINDS_SOLD)
    wanted = rng.choice(kinds)
    products: list[Product] = []
    for kind in kinds:
        materials = rng.sample(MATERIALS, rng.randint(*OF_A_KIND))
        products += [_product(material, kind, rng) for material in materials]
    places = [place for place, product in enumerate(products) if product.kind == wanted]
    rng.shuffle(places)
    right, out, dearer = places[:3]
    colour, size = rng.choice(products[right].colours), rng.choice(products[right].sizes)
    limit = products[right].price + rng.randint(1, 6)
    for place in (out, dearer):
        old = products[place]
        products[place] = Product(
            old.slug,
            old.name,
            old.kind,
            rng.randint(LOWEST, limit - 1),
            _with(colour, old.colours, COLOURS),
            _with(size, old.sizes, SIZES),
            is_in_stock=place != out,
            later=limit + rng.randint(0, 9) if place == dearer else None,
            changes_at=rng.randint(2, 16) if place == dearer else 0,
        )
    tip = _product("Straw", "hat", rng)
    return Catalogue(tip, tuple(products), Wish(wanted, colour, size, limit, rng.choice(PEOPLE)))


def _product(material: str, kind: str, rng: random.Random) -> Product:
    colours = rng.sample(COLOURS, rng.randint(3, 4))
    sizes = rng.sample(SIZES, rng.randint(2, 3))
    return Product(
        f"{material}-{kind}".lower(),
        f"{material} {kind}",
        kind,
        rng.randint(LOWEST, HIGHEST),
        tuple(sorted(colours, key=COLOURS.index)),
        tuple(sorted(sizes, key=SIZES.index)),
    )


def _with(one: str, others: tuple[str, ...], order: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({one, *others}, key=order.index))
