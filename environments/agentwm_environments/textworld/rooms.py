"""Reads TextWorld's descriptions of rooms: what stands there, what lies on it and in it, and which ways lead out.

A description is three paragraphs, drawn from a grammar with many turns of phrase: what the room is like, what stands in it, and where its
exits are; and perhaps a fourth, of what lies on the floor.

Source: the grammar of TextWorld 1.7 (`house_room.twg`), and the descriptions of the games made with it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["DIRECTIONS", "Exit", "Fixture", "Room", "Thing", "read_list", "read_room"]

DIRECTIONS = ("north", "east", "south", "west")

_HEADER = re.compile(r"-= (.+?) =-\n")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_ASIDE = re.compile(r", so (?:there's that|why not take a picture of it, it'll last longer)(?=[.!]*$)")
_HERE = r"(?:here|in the room|nearby|close by|in the corner|right there by you)"

# How something that stands in a room is brought in. What comes after is "a desk", "a closed desk", "a closed heavy looking desk nearby" ...
_BROUGHT_IN = re.compile(
    r"^(?:.*(?:where you can see|It looks like it's|seeing|and follow it to|Because look over there, it's|fall onto|and you find"
    r"|see anything other than|it's just|look over there,|by the wall, it's|you notice|opens up to reveal|you can even see)"
    r"|It looks like it's|It's|Here's|Look over there,|You(?: can)? (?:see|make out)) an? (.+?)[.!]*$"
)
_STANDS = re.compile(rf"^An? (.+?) is {_HERE}\.$")
_LOOKS = re.compile(r", which looks [^,]+,")
_LOOKING = re.compile(r"^.+ looking ")
_AFTERTHOUGHT = re.compile(rf",? {_HERE}$")
_SHUT = {"closed": False, "locked": False, "open": True, "opened": True}

_UPON = (
    re.compile(r"^On the (?P<holder>.+?),? you(?: can)? (?:see|make out) (?P<things>.+?)[.!]*$"),
    re.compile(r"^You see (?P<things>.+) on the (?P<holder>.+?)[.!]*$"),
)
_INSIDE = (re.compile(r"^The (?P<holder>.+?) contains (?P<things>.+?)[.!]*$"),)
_BARE = re.compile(
    r"isn't a thing on it|the thing is empty|hasn't got anything on it|there's nothing on this piece of|appears to be empty"
    r"|taken everything off it|has nothing on it"
)
_EMPTY = re.compile(r"^The .+ is empty[,!]|^Empty! |^Empty!$")

_WAY = re.compile(r"exits? to the (north|east|south|west)|try going (north|east|south|west)")
_DOOR = re.compile(r"There is an? (closed|open|locked) (.+?) leading (north|east|south|west)\.")
_FLOOR = re.compile(r"There (?:is|are) (.+?) on the floor\.")

_ARTICLE = re.compile(r"^(?:an|a|some|the) ")
_COOKED = {"raw": None, **{word: word for word in ("fried", "roasted", "grilled", "burned")}}
_CUT = {word: word for word in ("sliced", "diced", "chopped")}


class Thing(NamedTuple):
    """Something that is listed: its name, and how it is cooked and cut, None where it is raw or the list does not say."""

    name: str
    cooked: str | None = None
    cut: str | None = None


class Fixture(NamedTuple):
    """Something that stands in a room.

    ``is_open`` is None for what cannot be opened; ``things`` are all those on it or in it, None where they cannot be seen.
    """

    name: str
    is_open: bool | None
    is_locked: bool = False
    things: tuple[Thing, ...] | None = None


class Exit(NamedTuple):
    """A way out: the direction, and the door in it with whether that is open, None where there is no door."""

    direction: str
    door: str | None = None
    is_open: bool | None = None
    is_locked: bool = False


class Room(NamedTuple):
    """A room as it was described."""

    name: str
    fixtures: tuple[Fixture, ...]
    exits: tuple[Exit, ...]
    floor: tuple[Thing, ...]


def read_room(text: str) -> Room | None:
    """Return the room that ``text`` describes, None where it describes none."""
    header = _HEADER.search(text)
    if header is None:
        return None
    _, _, described = text[header.end() :].partition("\n\n")
    standing, _, _ = described.partition("\n\n")
    floor = _FLOOR.search(described)
    return Room(
        header[1].lower(),
        tuple(_fixtures(standing)),
        tuple(_exits(described)),
        tuple(read_list(floor[1])) if floor else (),
    )


def read_list(text: str) -> list[Thing]:
    """Return the things in a list such as "a raw potato, a sliced fried carrot and a knife"; none for "nothing"."""
    if text.strip() == "nothing":
        return []
    things = []
    for entry in re.split(r", (?:and )?| and ", text.strip()):
        words = _ARTICLE.sub("", entry.strip()).split()
        cooked = cut = None
        while len(words) > 1 and (words[0] in _COOKED or words[0] in _CUT):
            word = words.pop(0)
            cooked, cut = _COOKED.get(word, cooked), _CUT.get(word, cut)
        if words:
            things.append(Thing(" ".join(words), cooked, cut))
    return things


def _fixtures(paragraph: str) -> Iterator[Fixture]:
    """Yield what stands in the room: what has neither contents told nor that it is empty is shut."""
    paragraph = paragraph.replace("Look over there! a", "Look over there, a").replace("Oh well ", "Oh well. ")
    found: dict[str, Fixture] = {}
    latest = ""
    for whole in _SENTENCE.split(paragraph.strip()):
        sentence = _ASIDE.sub("", whole)
        upon, inside = _first(_UPON, sentence), _first(_INSIDE, sentence)
        if listed := upon or inside:
            latest, short = _meant(listed["holder"], latest)
            found.pop(short, None)
            things = tuple(read_list(listed["things"]))
            found[latest] = Fixture(latest, None if upon else True, things=things)
        elif latest and _BARE.search(sentence):
            found[latest] = Fixture(latest, None, things=())
        elif latest and _EMPTY.search(sentence):
            found[latest] = Fixture(latest, is_open=True, things=())
        elif brought := _STANDS.match(sentence) or _BROUGHT_IN.match(sentence):
            fixture = _brought_in(brought[1])
            latest = fixture.name
            found.setdefault(latest, fixture)
    yield from found.values()


def _first(patterns: tuple[re.Pattern[str], ...], sentence: str) -> re.Match[str] | None:
    return next((match for pattern in patterns if (match := pattern.match(sentence))), None)


def _meant(name: str, latest: str) -> tuple[str, str]:
    """Return what ``name`` stands for, and its shorter name: either it or what was spoken of before may be only the other's last words."""
    if latest.endswith(f" {name}"):
        return latest, name
    return name, latest if name.endswith(f" {latest}") else ""


def _brought_in(phrase: str) -> Fixture:
    phrase = _AFTERTHOUGHT.sub("", _LOOKS.sub("", phrase))
    word, _, rest = phrase.partition(" ")
    is_open = _SHUT.get(word, False)
    name = _LOOKING.sub("", rest if word in _SHUT else phrase)
    return Fixture(name, is_open, is_locked=word == "locked")


def _exits(text: str) -> Iterator[Exit]:
    for state, door, direction in _DOOR.findall(text):
        yield Exit(direction, door, is_open=state == "open", is_locked=state == "locked")
    for one, other in _WAY.findall(text):
        yield Exit(one or other)
