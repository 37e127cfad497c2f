"""What can be said and done in a shop."""

from agentwm.types import ActionSchema, Condition, Fluent, FluentSchema, Goal, Ref, State, Value, Vocabulary

__all__ = ["PAGE", "VOCABULARY", "goal_of"]

PAGE = Fluent("page")


def _here(state: State, args: tuple[str, ...]) -> Value:
    """Return whether a link was seen on the page where one is."""
    return state.get(Fluent("on", (args[0], str(state.get(PAGE))))) is True


def _offered(state: State, args: tuple[str, ...]) -> Value:
    """Return whether a choice is one of those of the product that the page is about."""
    item = state.get(Fluent("shows", (str(state.get(PAGE)),)))
    return item is not None and state.get(Fluent("comes_in", (str(item), args[0]))) is True


def _affordable(state: State, args: tuple[str, ...]) -> Value:
    """Return whether a product costs less than may be spent, None where its price is not known."""
    price, limit = state.get(Fluent("price", args)), state.get(Fluent("asked", ("limit",)))
    return float(price) < limit if isinstance(price, str) and isinstance(limit, int) else None


_KINDS = "button|combobox|page|textbox"
_CHOICES = "colour|size"

VOCABULARY = Vocabulary(
    {
        schema.name: schema
        for schema in (
            FluentSchema("sort", ("any",), "sort", static=True),
            FluentSchema(
                "kind", (_KINDS,), "kind", static=True, about="what is written on it; of a page how its path begins"
            ),
            FluentSchema(PAGE.name, (), "page", is_reference=True, about="the page that is seen"),
            FluentSchema("leads", ("link",), "page", static=True, about="the page that a link names"),
            FluentSchema("on", ("link", "page"), "bool", default=False, has_default=True),
            FluentSchema("here", ("link",), "bool", derive=_here, about="on the page that is seen"),
            FluentSchema("shows", ("page",), "product", static=True, about="the product that a page is about"),
            FluentSchema("is_a", ("product",), "type", static=True, about="the last word of its name"),
            FluentSchema("price", ("product",), "amount", static=True, about="as it was written last"),
            FluentSchema("affordable", ("product",), "bool", derive=_affordable, about="for less than the limit"),
            FluentSchema("in_stock", ("product",), "bool", static=True),
            FluentSchema("comes_in", ("product", _CHOICES), "bool", default=False, has_default=True, static=True),
            FluentSchema("offered", (_CHOICES,), "bool", derive=_offered, about="for the product of the page"),
            FluentSchema("colour", (), "colour", about="the colour that is chosen on the page"),
            FluentSchema("size", (), "size", about="the size that is chosen on the page"),
            FluentSchema("name", (), "words", about="the name that is filled in on the page"),
            FluentSchema("pieces", (), "number", about="in the basket"),
            FluentSchema(
                "basket", (), "product", about="the only piece in the basket; nothing where there are several"
            ),
            FluentSchema("basket_colour", (), "colour"),
            FluentSchema("basket_size", (), "size"),
            FluentSchema("ordered", (), "product", about="the only piece that was ordered"),
            FluentSchema("ordered_colour", (), "colour"),
            FluentSchema("ordered_size", (), "size"),
            FluentSchema("ordered_name", (), "words", about="whom the order is sent to"),
            FluentSchema("asked", ("label",), "any", static=True, about="what the instruction names"),
        )
    },
    {
        schema.verb: schema
        for schema in (
            ActionSchema("click", ("button|link",), "click [{0}]"),
            ActionSchema("select", ("combobox", _CHOICES), "select [{0}] [{1}]"),
            ActionSchema("type", ("textbox", "words"), "type [{0}] [{1}]"),
        )
    },
    reports_failure=False,
)

_ORDERED = Ref("ordered")
_AS_ASKED = (
    Condition(Ref("ordered_colour"), "==", Ref("asked", ("colour",))),
    Condition(Ref("ordered_size"), "==", Ref("asked", ("size",))),
    Condition(Ref("ordered_name"), "==", Ref("asked", ("name",))),
    Condition(Ref("affordable", (_ORDERED,)), op="==", right=True),
)


def goal_of(text: str, asked: State) -> Goal:
    """Return what the instruction ``text`` asks for, which names what ``asked`` holds; without conditions where that is not all."""
    labels = ("type", "colour", "size", "name", "limit")
    if any(Fluent("asked", (label,)) not in asked for label in labels):
        return Goal(text)
    wanted = asked[Fluent("asked", ("type",))]
    return Goal(text, (Condition(Ref("is_a", (_ORDERED,)), "==", wanted), *_AS_ASKED))
