"""What rooms are like: their furniture, what lies about in them and where, and what things are good for.

The numbers are counted in 200 official training games (furniture per scene, things per game) and rounded; rare things are left
out. What fits where, and what can be heated, cooled, cleaned or sliced, is as in ALFWorld 0.4.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

__all__ = [
    "CLEANABLE",
    "CONTAINERS",
    "COOLABLE",
    "DOOR_SHARES",
    "FIXED",
    "HEATABLE",
    "NOT_DESTINATIONS",
    "NOT_TARGETS",
    "PORTABLE",
    "ROOM_SHARES",
    "SLICEABLE",
    "SMALL",
    "TEMPLATES",
    "TOGGLEABLE",
    "Furniture",
    "Room",
    "Sharing",
    "Stock",
    "held_by",
]


@dataclass(frozen=True, slots=True)
class Furniture:
    """A kind of receptacle: the share of rooms that have it (0 to 1), and how many those have."""

    kind: str
    presence: float
    fewest: int
    usual: int
    most: int


@dataclass(frozen=True, slots=True)
class Sharing:
    """Kinds of receptacle found at one location, and how often (0 to 3) in a room that has them."""

    kinds: tuple[str, ...]
    expected: float


@dataclass(frozen=True, slots=True)
class Stock:
    """A kind of object: the share of games that have it, and weights of how many (1, 2, ...) and of where they lie.

    The place ``nowhere`` is out of reach: the thing is in the room and can neither be seen nor taken.
    """

    kind: str
    presence: float
    numbers: tuple[int, ...]
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Room:
    """A type of room."""

    name: str
    furniture: tuple[Furniture, ...]
    sharing: tuple[Sharing, ...]
    stock: tuple[Stock, ...]


def _stock(kind: str, presence: float, numbers: tuple[int, ...], **places: int) -> Stock:
    return Stock(kind, presence, numbers, places)


_KITCHEN = Room(
    "kitchen",
    furniture=(
        Furniture("cabinet", 1.0, 2, 12, 27),
        Furniture("coffeemachine", 1.0, 1, 1, 1),
        Furniture("countertop", 1.0, 1, 2, 4),
        Furniture("diningtable", 0.54, 1, 1, 3),
        Furniture("drawer", 0.96, 1, 1, 20),
        Furniture("fridge", 1.0, 1, 1, 1),
        Furniture("garbagecan", 1.0, 1, 1, 1),
        Furniture("microwave", 1.0, 1, 1, 1),
        Furniture("safe", 0.04, 1, 1, 1),
        Furniture("shelf", 0.15, 3, 3, 3),
        Furniture("sidetable", 0.12, 1, 1, 1),
        Furniture("sinkbasin", 1.0, 1, 1, 1),
        Furniture("stoveburner", 1.0, 4, 4, 6),
        Furniture("toaster", 1.0, 1, 1, 1),
    ),
    sharing=(
        Sharing(("stoveburner", "stoveburner"), 1.15),
        Sharing(("cabinet", "cabinet"), 1.15),
        Sharing(("drawer", "drawer"), 0.4),
        Sharing(("countertop", "toaster"), 0.33),
        Sharing(("coffeemachine", "countertop"), 0.2),
        Sharing(("cabinet", "drawer"), 0.14),
        Sharing(("cabinet", "drawer", "drawer"), 0.08),
        Sharing(("drawer", "drawer", "drawer"), 0.05),
        Sharing(("cabinet", "garbagecan"), 0.03),
    ),
    stock=(
        _stock("apple", 1.0, (10, 11, 9), fridge=45, countertop=43, garbagecan=25, microwave=25, diningtable=24),
        _stock("blinds", 0.21, (1,), nowhere=1),
        _stock("book", 0.11, (6, 3, 1), countertop=8, cabinet=3, diningtable=2),
        _stock("bowl", 1.0, (34, 29, 26, 1), cabinet=63, fridge=36, countertop=32, diningtable=24, sinkbasin=7),
        _stock("bread", 1.0, (54, 25, 11), countertop=67, diningtable=39, fridge=27, nowhere=2),
        _stock("butterknife", 0.99, (32, 38, 19), countertop=88, diningtable=53, drawer=14, sinkbasin=7, nowhere=2),
        _stock("cellphone", 0.14, (7, 6), drawer=10, countertop=7, diningtable=2),
        _stock("chair", 0.83, (48, 22, 0, 0, 5), nowhere=1),
        _stock("creditcard", 0.07, (2, 1, 3), countertop=7, drawer=5, nowhere=1),
        _stock("cup", 1.0, (39, 29, 21, 1), fridge=37, cabinet=37, countertop=33, diningtable=19, microwave=14),
        _stock("curtains", 0.1, (1,), nowhere=1),
        _stock("dishsponge", 1.0, (35, 24, 30, 1), countertop=50, cabinet=50, diningtable=30, drawer=23, sinkbasin=9),
        _stock("egg", 1.0, (39, 29, 21, 1), fridge=42, countertop=31, sinkbasin=26, garbagecan=26, microwave=23),
        _stock("fork", 1.0, (15, 14, 16), countertop=84, diningtable=44, drawer=32, sinkbasin=15, nowhere=5),
        _stock("glassbottle", 0.28, (7, 10, 8), countertop=15, cabinet=13, diningtable=11, sinkbasin=5, fridge=4),
        _stock("houseplant", 0.31, (25, 3), countertop=24, diningtable=7),
        _stock("kettle", 0.49, (4, 4, 3), countertop=30, stoveburner=28, cabinet=20, diningtable=4, sinkbasin=2),
        _stock("knife", 1.0, (31, 34, 25), countertop=96, diningtable=43, drawer=22, nowhere=9, sinkbasin=4),
        _stock("ladle", 0.36, (8, 13, 10, 1), countertop=30, drawer=15, cabinet=10, diningtable=9, nowhere=3),
        _stock("lettuce", 1.0, (41, 32, 15, 2), countertop=59, diningtable=52, fridge=37, sinkbasin=5, nowhere=4),
        _stock("lightswitch", 1.0, (1,), nowhere=1),
        _stock("mirror", 0.09, (1,), nowhere=1),
        _stock("mug", 1.0, (19, 12, 13, 1), cabinet=28, fridge=28, coffeemachine=28, countertop=27, diningtable=19),
        _stock("pan", 1.0, (72, 17, 1), stoveburner=46, countertop=42, cabinet=10, diningtable=7, fridge=4),
        _stock("papertowelroll", 0.36, (1,), countertop=16, garbagecan=6, diningtable=6, shelf=3),
        _stock("pen", 0.08, (2, 4, 1), diningtable=7, countertop=5),
        _stock("pencil", 0.12, (3, 3, 5), drawer=13, countertop=8, diningtable=3),
        _stock("peppershaker", 1.0, (34, 26, 29, 1), cabinet=64, countertop=47, drawer=28, diningtable=24, shelf=9),
        _stock("plate", 1.0, (16, 17, 12), cabinet=64, countertop=45, diningtable=26, fridge=14, nowhere=11),
        _stock("pot", 1.0, (47, 39, 4), stoveburner=103, countertop=15, fridge=9, diningtable=8),
        _stock("potato", 1.0, (9, 11, 10), countertop=54, fridge=40, diningtable=28, microwave=21, sinkbasin=19),
        _stock("saltshaker", 1.0, (36, 25, 29), cabinet=55, countertop=39, diningtable=39, drawer=27, shelf=9),
        _stock("soapbottle", 1.0, (29, 32, 29), countertop=57, cabinet=50, diningtable=35, garbagecan=21, shelf=8),
        _stock("spatula", 1.0, (15, 17, 13), countertop=79, diningtable=50, drawer=38, sinkbasin=8),
        _stock("spoon", 1.0, (34, 23, 33), countertop=59, drawer=48, diningtable=40, sinkbasin=26, nowhere=3),
        _stock("spraybottle", 0.08, (1, 4, 2), diningtable=6, countertop=5, cabinet=2),
        _stock("statue", 0.18, (2, 11, 3), countertop=20, shelf=11, diningtable=2),
        _stock("stoveknob", 1.0, (0, 0, 0, 29, 0, 1), nowhere=1),
        _stock("tomato", 1.0, (38, 27, 22, 3), countertop=55, fridge=53, diningtable=33, garbagecan=15, sinkbasin=11),
        _stock("vase", 0.18, (0, 3, 5), countertop=17, shelf=12, cabinet=12),
        _stock("window", 0.89, (54, 23, 3), nowhere=103, countertop=6),
        _stock("winebottle", 0.5, (13, 16, 16), diningtable=27, cabinet=25, countertop=24, garbagecan=11, shelf=5),
    ),
)

_LIVING_ROOM = Room(
    "living room",
    furniture=(
        Furniture("armchair", 1.0, 1, 1, 2),
        Furniture("cabinet", 0.12, 1, 4, 8),
        Furniture("coffeetable", 0.81, 1, 1, 2),
        Furniture("diningtable", 0.38, 1, 1, 2),
        Furniture("drawer", 0.69, 1, 4, 12),
        Furniture("dresser", 0.38, 1, 1, 2),
        Furniture("garbagecan", 1.0, 1, 1, 1),
        Furniture("ottoman", 0.12, 1, 1, 1),
        Furniture("shelf", 0.44, 1, 4, 12),
        Furniture("sidetable", 0.75, 1, 1, 5),
        Furniture("sofa", 1.0, 1, 1, 2),
        Furniture("tvstand", 0.44, 1, 1, 2),
    ),
    sharing=(
        Sharing(("drawer", "drawer"), 0.8),
        Sharing(("shelf", "shelf", "tvstand"), 0.6),
        Sharing(("shelf", "tvstand"), 0.4),
        Sharing(("garbagecan", "tvstand"), 0.16),
        Sharing(("shelf", "shelf"), 0.1),
    ),
    stock=(
        _stock("book", 0.25, (4, 2, 1), sofa=4, dresser=4),
        _stock("boots", 0.25, (1,), nowhere=1),
        _stock("bowl", 0.07, (1, 1), tvstand=1),
        _stock("box", 1.0, (14, 9, 5), diningtable=13, coffeetable=9, sofa=9, nowhere=6, dresser=5, sidetable=3),
        _stock("candle", 0.18, (0, 0, 1), sidetable=5, diningtable=4, coffeetable=3, dresser=2),
        _stock("cellphone", 0.11, (1, 1, 0, 1), sidetable=2, armchair=2),
        _stock("chair", 0.71, (6, 2, 2, 5, 4, 1), nowhere=1),
        _stock("creditcard", 1.0, (13, 3, 10, 2), coffeetable=16, sofa=8, sidetable=6, armchair=6, shelf=5, tvstand=5),
        _stock("curtains", 0.18, (2, 1, 2), nowhere=1),
        _stock("desklamp", 0.21, (1,), sidetable=1),
        _stock("floorlamp", 1.0, (1,), nowhere=1),
        _stock("houseplant", 1.0, (6, 1), nowhere=14, sidetable=8, coffeetable=8, tvstand=2),
        _stock("keychain", 1.0, (12, 5, 9, 2), sidetable=9, armchair=8, nowhere=7, drawer=6, diningtable=6, sofa=6),
        _stock("laptop", 1.0, (17, 8, 3), diningtable=14, sofa=10, sidetable=6, tvstand=5, coffeetable=4, armchair=2),
        _stock("lightswitch", 1.0, (1,), nowhere=1),
        _stock("mirror", 0.18, (1,), nowhere=1),
        _stock("newspaper", 0.54, (3, 8, 4), sofa=9, coffeetable=6, diningtable=5, shelf=4, armchair=3, drawer=2),
        _stock("painting", 1.0, (11, 12, 1, 4), nowhere=1),
        _stock("pen", 0.11, (2, 1), dresser=1),
        _stock("pencil", 0.07, (0, 0, 1), sidetable=4, coffeetable=2),
        _stock("pillow", 1.0, (22, 5, 1), sofa=30, armchair=4),
        _stock("plate", 0.25, (2, 3, 2), diningtable=9, shelf=3, coffeetable=2),
        _stock("remotecontrol", 1.0, (2, 10, 15, 1), sofa=15, coffeetable=14, armchair=9, tvstand=8, drawer=5),
        _stock("statue", 1.0, (7, 11, 9, 0, 0, 0, 1), coffeetable=17, shelf=15, diningtable=13, sidetable=12),
        _stock("television", 1.0, (1,), tvstand=10, nowhere=8, dresser=6, coffeetable=4),
        _stock("tissuebox", 0.39, (2, 5, 2, 2), sidetable=7, diningtable=7, coffeetable=7, dresser=3),
        _stock("vase", 0.57, (4, 4, 4, 3, 0, 1), shelf=19, diningtable=5, tvstand=5, sidetable=4, nowhere=4, dresser=3),
        _stock("watch", 0.46, (5, 6, 2), coffeetable=5, tvstand=4, dresser=4, diningtable=4, sidetable=3, shelf=2),
        _stock("wateringcan", 0.25, (6, 1), nowhere=5, coffeetable=3),
        _stock("window", 0.86, (3, 10, 4, 2, 0, 1, 4), nowhere=1),
    ),
)

_BEDROOM = Room(
    "bedroom",
    furniture=(
        Furniture("armchair", 0.24, 1, 1, 3),
        Furniture("bed", 1.0, 1, 1, 2),
        Furniture("cabinet", 0.14, 1, 2, 4),
        Furniture("desk", 0.67, 1, 1, 2),
        Furniture("diningtable", 0.1, 1, 1, 1),
        Furniture("drawer", 1.0, 2, 2, 14),
        Furniture("dresser", 0.52, 1, 1, 2),
        Furniture("garbagecan", 1.0, 1, 1, 1),
        Furniture("laundryhamper", 0.29, 1, 1, 1),
        Furniture("safe", 0.19, 1, 1, 1),
        Furniture("shelf", 0.62, 1, 1, 10),
        Furniture("sidetable", 0.67, 1, 1, 2),
    ),
    sharing=(
        Sharing(("drawer", "drawer"), 0.65),
        Sharing(("drawer", "dresser"), 0.35),
        Sharing(("drawer", "sidetable"), 0.17),
        Sharing(("shelf", "shelf"), 0.18),
        Sharing(("desk", "drawer", "drawer", "drawer"), 0.03),
    ),
    stock=(
        _stock("alarmclock", 1.0, (16, 18, 9, 1), desk=25, sidetable=20, shelf=16, dresser=15, diningtable=6),
        _stock("baseballbat", 0.36, (15, 1), nowhere=1),
        _stock("basketball", 0.25, (1,), nowhere=1),
        _stock("blinds", 0.95, (22, 12, 3, 5), nowhere=1),
        _stock("book", 1.0, (16, 19, 7, 2), bed=43, desk=14, drawer=8, cabinet=7, dresser=4, diningtable=4),
        _stock("boots", 0.09, (1,), nowhere=1),
        _stock("bowl", 0.43, (9, 8, 2), desk=20, shelf=6, dresser=3, sidetable=2),
        _stock("box", 0.48, (1,), nowhere=19, shelf=2),
        _stock("cd", 1.0, (6, 6, 9, 1), drawer=23, nowhere=16, desk=14, sidetable=13, dresser=10, shelf=8),
        _stock("cellphone", 1.0, (15, 12, 16, 1), bed=29, desk=16, drawer=15, dresser=11, shelf=7, sidetable=5),
        _stock("chair", 0.77, (27, 7), nowhere=1),
        _stock("cloth", 0.11, (2, 3), nowhere=1),
        _stock("creditcard", 1.0, (8, 8, 5, 1), drawer=26, sidetable=17, shelf=13, dresser=13, desk=11, armchair=4),
        _stock("desklamp", 0.77, (15, 2), sidetable=14, desk=14, dresser=9),
        _stock("footstool", 0.07, (1,), nowhere=1),
        _stock("houseplant", 0.36, (1,), desk=8, shelf=7),
        _stock("keychain", 1.0, (17, 17, 8, 2), drawer=21, desk=14, dresser=9, shelf=8, safe=7, sidetable=7),
        _stock("laptop", 1.0, (21, 14, 9), bed=57, desk=12, dresser=3, armchair=3),
        _stock("lightswitch", 1.0, (1,), nowhere=1),
        _stock("mirror", 1.0, (1,), nowhere=1),
        _stock("mug", 0.55, (11, 8, 4, 1), desk=11, sidetable=11, dresser=6, nowhere=5, diningtable=4, shelf=3),
        _stock("painting", 0.5, (8, 2, 1), nowhere=1),
        _stock("pen", 1.0, (12, 5, 5), desk=24, dresser=15, sidetable=12, drawer=11, shelf=7, diningtable=3),
        _stock("pencil", 1.0, (18, 17, 7, 2), desk=18, sidetable=16, drawer=14, shelf=12, dresser=9, diningtable=6),
        _stock("pillow", 1.0, (19, 23, 1, 1), bed=1),
        _stock("poster", 0.14, (2, 0, 0, 1), nowhere=1),
        _stock("remotecontrol", 0.16, (2, 1, 4), nowhere=5, desk=4, drawer=4, sidetable=2),
        _stock("statue", 0.11, (2, 3), dresser=4, shelf=2, nowhere=2),
        _stock("teddybear", 0.34, (1,), bed=9, nowhere=6),
        _stock("television", 0.16, (1,), nowhere=1),
        _stock("tennisracket", 0.27, (1,), nowhere=1),
        _stock("tissuebox", 0.09, (0, 1, 1), sidetable=4, desk=3, diningtable=2),
        _stock("window", 1.0, (24, 12, 3, 5), nowhere=74, shelf=2),
    ),
)

_BATHROOM = Room(
    "bathroom",
    furniture=(
        Furniture("bathtubbasin", 0.68, 1, 1, 1),
        Furniture("cabinet", 0.4, 2, 4, 5),
        Furniture("cart", 0.11, 1, 1, 1),
        Furniture("countertop", 0.84, 1, 1, 2),
        Furniture("drawer", 0.4, 1, 5, 8),
        Furniture("dresser", 0.05, 1, 1, 1),
        Furniture("garbagecan", 1.0, 1, 1, 1),
        Furniture("handtowelholder", 1.0, 1, 1, 4),
        Furniture("shelf", 0.26, 1, 1, 4),
        Furniture("sidetable", 0.05, 1, 1, 1),
        Furniture("sinkbasin", 1.0, 1, 2, 2),
        Furniture("toilet", 1.0, 1, 1, 1),
        Furniture("toiletpaperhanger", 1.0, 1, 1, 1),
        Furniture("towelholder", 1.0, 1, 1, 2),
    ),
    sharing=(
        Sharing(("drawer", "drawer"), 1.0),
        Sharing(("cabinet", "cabinet"), 0.7),
        Sharing(("garbagecan", "toiletpaperhanger"), 0.05),
        Sharing(("handtowelholder", "towelholder"), 0.03),
    ),
    stock=(
        _stock("candle", 1.0, (6, 8, 5), toilet=24, countertop=17, cabinet=11, shelf=8, nowhere=6, drawer=3, cart=2),
        _stock("cloth", 1.0, (17, 14, 6, 1), cabinet=19, bathtubbasin=13, countertop=9, sinkbasin=9, drawer=9, shelf=3),
        _stock("dishsponge", 0.16, (1, 1), bathtubbasin=3, toilet=3),
        _stock("floorlamp", 0.18, (0, 1), nowhere=8, sinkbasin=6),
        _stock("handtowel", 1.0, (16, 3), handtowelholder=1),
        _stock("houseplant", 0.08, (1,), sidetable=1),
        _stock("lightswitch", 1.0, (1,), nowhere=1),
        _stock("mirror", 1.0, (37, 1), nowhere=1),
        _stock("painting", 0.16, (1,), nowhere=1),
        _stock("papertowelroll", 0.11, (1,), shelf=2, nowhere=1),
        _stock("plunger", 1.0, (1,), nowhere=1),
        _stock("scrubbrush", 1.0, (1,), nowhere=1),
        _stock("showerdoor", 0.68, (1,), nowhere=1),
        _stock("showerglass", 0.42, (1,), nowhere=1),
        _stock("soapbar", 1.0, (12, 11, 15), countertop=21, sinkbasin=13, toilet=12, nowhere=9, cabinet=6, drawer=5),
        _stock("soapbottle", 1.0, (11, 16, 11), toilet=23, countertop=22, cabinet=16, garbagecan=6, shelf=4, nowhere=2),
        _stock("spraybottle", 1.0, (14, 13, 10, 1), countertop=23, toilet=18, cabinet=13, garbagecan=8, cart=4),
        _stock("tissuebox", 0.16, (1, 2, 3), countertop=5, shelf=4, drawer=2, cart=2),
        _stock("toiletpaper", 1.0, (0, 14, 5), nowhere=19, toilet=18, cabinet=13, countertop=9, toiletpaperhanger=8),
        _stock("towel", 1.0, (16, 3), towelholder=1),
        _stock("window", 0.66, (18, 5, 0, 2), nowhere=1),
    ),
)

TEMPLATES = {room.name: room for room in (_KITCHEN, _LIVING_ROOM, _BEDROOM, _BATHROOM)}

ROOM_SHARES: Mapping[str, Mapping[str, int]] = {
    "pick_and_place_simple": {"kitchen": 9, "living room": 11, "bedroom": 12, "bathroom": 14},
    "look_at_obj_in_light": {"living room": 1, "bedroom": 18},
    "pick_clean_then_place_in_recep": {"kitchen": 27, "bathroom": 10},
    "pick_heat_then_place_in_recep": {"kitchen": 1},
    "pick_cool_then_place_in_recep": {"kitchen": 1},
    "pick_two_obj_and_place": {"kitchen": 1, "living room": 16, "bedroom": 14, "bathroom": 14},
}
"""How often a task of each type is set in which room."""

DOOR_SHARES = {"drawer": 0.83, "cabinet": 0.8, "fridge": 0.9, "microwave": 0.91, "safe": 0.73}
"""The share of receptacles that can be opened, per kind; no other kind ever can. Source: 340 official games."""

NOT_TARGETS = frozenset({"bread"})
"""Kinds that could be carried about but are in no official task; bread only where it is sliced, which is not played."""

NOT_DESTINATIONS = frozenset({"sinkbasin", "bathtubbasin", "towelholder", "handtowelholder", "toaster", "tvstand"})
"""Kinds of receptacle that no official training task names."""

_TABLE = (
    "alarmclock apple baseballbat basketball book bowl box bread butterknife candle cd cellphone cloth creditcard "
    "cup dishsponge egg fork glassbottle handtowel kettle keychain knife ladle laptop lettuce mug newspaper pan pen "
    "pencil peppershaker plate pot potato remotecontrol saltshaker soapbar soapbottle spatula spoon spraybottle "
    "statue tennisracket tissuebox toiletpaper tomato vase watch wateringcan winebottle"
)
_SEAT = "basketball book box cellphone cloth creditcard keychain laptop newspaper pillow remotecontrol"
_FITS = {
    "armchair": _SEAT,
    "bathtubbasin": "cloth dishsponge handtowel soapbar",
    "bed": "baseballbat basketball book cellphone laptop newspaper pillow tennisracket",
    "cabinet": (
        "book bowl box candle cd cloth cup dishsponge glassbottle handtowel kettle ladle mug newspaper pan "
        "peppershaker plate plunger pot saltshaker soapbar soapbottle spraybottle tissuebox toiletpaper vase "
        "wateringcan winebottle"
    ),
    "cart": (
        "candle cloth dishsponge handtowel mug plunger soapbar soapbottle spraybottle statue tissuebox toiletpaper vase"
    ),
    "coffeemachine": "mug",
    "coffeetable": _TABLE,
    "countertop": _TABLE,
    "desk": (
        "alarmclock basketball book bowl box candle cd cellphone cloth creditcard cup glassbottle keychain laptop "
        "mug newspaper pen pencil plate remotecontrol soapbottle spraybottle statue tennisracket tissuebox "
        "toiletpaper vase watch wateringcan winebottle"
    ),
    "diningtable": _TABLE,
    "drawer": (
        "book butterknife candle cd cellphone cloth creditcard dishsponge fork handtowel keychain knife ladle "
        "newspaper pen pencil peppershaker remotecontrol saltshaker soapbar soapbottle spatula spoon spraybottle "
        "tissuebox toiletpaper watch wateringcan"
    ),
    "dresser": (
        "alarmclock basketball book bowl box candle cd cellphone cloth creditcard cup glassbottle keychain laptop "
        "mug newspaper pen pencil plate remotecontrol spraybottle statue tennisracket tissuebox toiletpaper vase "
        "watch wateringcan winebottle"
    ),
    "fridge": "apple bowl bread cup egg glassbottle lettuce mug pan plate pot potato tomato winebottle",
    "garbagecan": (
        "apple bread cd cloth dishsponge egg handtowel lettuce newspaper pen pencil potato soapbar soapbottle "
        "spraybottle tissuebox toiletpaper tomato winebottle"
    ),
    "handtowelholder": "handtowel",
    "laundryhamper": "cloth",
    "microwave": "apple bowl bread cup egg glassbottle mug plate potato tomato",
    "ottoman": _SEAT,
    "safe": "cd cellphone creditcard keychain statue vase watch",
    "shelf": (
        "alarmclock book bowl box candle cd cellphone cloth creditcard cup dishsponge glassbottle handtowel kettle "
        "keychain mug newspaper pen pencil peppershaker plate pot remotecontrol saltshaker soapbar soapbottle "
        "spraybottle statue tissuebox toiletpaper vase watch wateringcan winebottle"
    ),
    "sidetable": _TABLE,
    "sinkbasin": (
        "apple bowl butterknife cloth cup dishsponge egg fork glassbottle handtowel kettle knife ladle lettuce mug "
        "pan plate pot potato soapbar spatula spoon tomato"
    ),
    "sofa": _SEAT,
    "stoveburner": "kettle pan pot",
    "toilet": ("candle cloth dishsponge handtowel newspaper soapbar soapbottle spraybottle tissuebox toiletpaper"),
    "toiletpaperhanger": "toiletpaper",
    "towelholder": "towel",
    "tvstand": "tissuebox",
}

PORTABLE = frozenset(kind for kinds in _FITS.values() for kind in kinds.split())
"""Kinds that can be put somewhere."""

HEATABLE = frozenset({"apple", "bread", "cup", "egg", "mug", "plate", "potato", "tomato"})
COOLABLE = frozenset(
    {
        "apple",
        "bowl",
        "bread",
        "cup",
        "egg",
        "lettuce",
        "mug",
        "pan",
        "plate",
        "pot",
        "potato",
        "tomato",
        "winebottle",
    }
)
CLEANABLE = frozenset(
    {
        "apple",
        "bowl",
        "butterknife",
        "cloth",
        "cup",
        "dishsponge",
        "egg",
        "fork",
        "kettle",
        "knife",
        "ladle",
        "lettuce",
        "mug",
        "pan",
        "plate",
        "pot",
        "potato",
        "soapbar",
        "spatula",
        "spoon",
        "tomato",
    }
)
SLICEABLE = frozenset({"apple", "bread", "egg", "lettuce", "potato", "tomato"})
TOGGLEABLE = frozenset({"desklamp", "floorlamp"})
FIXED = frozenset(
    {
        "blinds",
        "chair",
        "curtains",
        "desklamp",
        "floorlamp",
        "houseplant",
        "lightswitch",
        "mirror",
        "painting",
        "poster",
        "showerdoor",
        "showerglass",
        "stoveknob",
        "television",
        "window",
    }
)
"""Kinds that cannot be picked up."""
CONTAINERS = frozenset({"bowl", "box", "cup", "mug", "pan", "plate", "pot"})
SMALL = frozenset(
    {
        "butterknife",
        "cellphone",
        "dishsponge",
        "fork",
        "knife",
        "ladle",
        "pen",
        "pencil",
        "remotecontrol",
        "spatula",
        "spoon",
        "statue",
    }
)
"""Kinds seen inside containers."""


@cache
def held_by(receptacle_kind: str) -> frozenset[str]:
    """Return the kinds of object that may be put in or on receptacles of that kind."""
    return frozenset(_FITS.get(receptacle_kind, "").split())
