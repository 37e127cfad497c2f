"""Reads a TextWorld game's texts into facts.

It says what a sentence means, never what a command does: "You fried the egg." tells how the egg is now, and not that a stove did it. What
is understood of space is what the words mean: whoever went north has the place he came from to the south of him.
"""

import re
from collections.abc import Iterable, Mapping

from agentwm.types import Action, Fluent, Observation, Perception, State, Value

from .objective import Recipe, read_recipe
from .rooms import DIRECTIONS, Room, Thing, read_list, read_room
from .words import AT, ME, YOU, exit_of

__all__ = ["TextReader", "own_answer", "score_gained"]

_OPPOSITE = dict(zip(DIRECTIONS, (*DIRECTIONS[2:], *DIRECTIONS[:2]), strict=True))
_PARTICIPLES = {"slice": "sliced", "dice": "diced", "chop": "chopped"}

# After the answer itself a game may tell of points, and of its end.
_AFTERWARDS = re.compile(r"\n\s*(?:Your score |\*\*\* )")
_GAINED = re.compile(r"Your score has just gone up by ([a-z-]+) points?\.")
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_OPENED = re.compile(r"^You open (?:the )?(.+?)(?:, revealing (.+))?\.$")
_CLOSED = re.compile(r"^You close (?:the )?(.+?)\.$")
_LOCK = re.compile(r"^You (lock|unlock) (?:the )?(.+?)\.$")
_TAKEN = re.compile(r"^You (?:pick up|take) the (.+?) from the (.+?)\.$")
_DROPPED = re.compile(r"^You drop (?:the )?(.+?) on the ground\.$")
_PUT = re.compile(r"^You put the (.+?) (?:on|into) the (.+?)\.$")
_EATEN = re.compile(r"^You (?:eat|drink) the (.+?)\.")
_COOKED = re.compile(r"^You (fried|roasted|grilled|burned) the (.+?)[.!]$")
_CUT = re.compile(r"^You (slice|dice|chop) the (.+?)\.$")
_ADDED = re.compile(r"^Adding the (.+?) to your inventory\.$")
_CARRYING = re.compile(r"^You are carrying: ?(.+?)\.$|^You are carrying (nothing)\.$", re.DOTALL)
_LISTED = re.compile(r"^(On|In) the (.+?) (?:is|are) (.+?)\.$", re.MULTILINE)

_NEEDS_KEY = re.compile(r"^You have to unlock the (.+?) with the (.+?) first\.$")
_WELDED = re.compile(r"^The (.+?) is welded shut\.$")
_NEEDS_OPENING = re.compile(r"^You have to open the (.+?) first\.$")
_ONLY_IN = re.compile(r"^Can only prepare (.+?) in the -= (.+?) =-\.$")
_IS_SHUT = re.compile(r"^The (.+?) is closed\.$")
_ALREADY_CUT = re.compile(r"^The (.+?) is already (sliced|diced|chopped)\.$")
_ALREADY = {
    "That's already open.": ("open", True),
    "That's already closed.": ("open", False),
    "It isn't something you can open.": ("open", None),
    "It isn't something you can close.": ("open", None),
    "That's locked at the moment.": ("locked", True),
    "That's unlocked at the moment.": ("locked", False),
}

_DONE = re.compile(
    r"^-= |^You (?:open|close|lock|unlock|pick up|take|drop|put|eat|drink|fried|roasted|grilled|burned|slice|dice|chop) "
    r"|^You are carrying|^Adding the |^Available commands:"
)
_REFUSED = re.compile(
    r"^You (?:can't|cannot|haven't|already|have to|need to|should|still|must) |^I (?:didn't|only) |^That's (?:not|fixed|plainly|hardly) "
    r"|^Which do you mean|^What do you want|^There's nothing|^Something still |^Nothing "
)


class TextReader:
    """Perceives a TextWorld game through its texts alone."""

    def perceive(self, observation: Observation, action: Action | None, state: State) -> Perception:
        """Return what the text tells, the changes it reports, and the beliefs that it contradicts."""
        reading = _Reading(own_answer(observation.text), action, state)
        reading.read()
        told = {fluent: value for fluent, value in reading.told.items() if fluent not in reading.changed}
        forgotten = frozenset(reading.forgotten - told.keys() - reading.changed.keys())
        return Perception(told, reading.changed, forgotten, reading.succeeded)


def own_answer(text: str) -> str:
    """Return ``text`` without what it tells of points and of the game's end."""
    after = _AFTERWARDS.search(text)
    return text[: after.start()] if after else text


def score_gained(text: str) -> int:
    """Return by how many points the score went up, as ``text`` says."""
    return sum(_NUMBERS.index(word) if word in _NUMBERS else 1 for word in _GAINED.findall(text))


class _Reading:
    """One text as it is read: what it tells, what it says was changed, and what is forgotten over it."""

    def __init__(self, text: str, action: Action | None, state: State) -> None:
        self.text = text.strip()
        self.action = action
        self.state = state
        self.told: dict[Fluent, Value] = {}
        self.changed: dict[Fluent, Value] = {}
        self.forgotten: set[Fluent] = set()
        self.here = state.get(AT)

    @property
    def succeeded(self) -> bool | None:
        """Whether the command was done: None where the text is nobody's to tell."""
        if self.action is None:
            return None
        if _DONE.search(self.text):
            return True
        return self.action.verb == "examine" and not _REFUSED.match(self.text)

    def read(self) -> None:
        if self.action is None:
            self._begin()
        if room := read_room(self.text):
            self._read_room(room)
        if self.action is not None:
            self._read_events()
            self._read_refusals()
            if self.succeeded and self.action.verb == "examine":
                self._read_closely(self.action.args[0])
        for carrying in re.finditer(_CARRYING.pattern, self.text, re.MULTILINE):
            self._read_contents(YOU, "where", read_list(carrying[1] or carrying[2]))

    def _begin(self) -> None:
        self.told[ME] = YOU
        self._meet(YOU, "place")

    def _meet(self, name: str, sort: str, kind: str | None = None) -> None:
        self.told[Fluent("sort", (name,))] = sort
        self.told[Fluent("kind", (name,))] = kind or name

    # --- rooms ------------------------------------------------------------------------------------------------------------

    def _read_room(self, room: Room) -> None:
        self._meet(room.name, "place")
        came_by = self.action.args[0] if self.action is not None and self.action.verb == "go" else None
        (self.told if came_by is None else self.changed)[AT] = room.name
        self._read_exits(room)
        if came_by is not None:
            self._read_way(came_by, room.name)
        self.here = room.name
        for fixture in room.fixtures:
            self._meet(fixture.name, "fixture")
            self.told[Fluent("stands", (fixture.name,))] = room.name
            self.told[Fluent("open", (fixture.name,))] = fixture.is_open
            if fixture.is_open is not False:
                self.told[Fluent("locked", (fixture.name,))] = False
            elif fixture.is_locked:
                self.told[Fluent("locked", (fixture.name,))] = True
            if fixture.things is not None:
                self.told[Fluent("explored", (fixture.name,))] = True
                self._read_contents(fixture.name, "in", fixture.things)
        self._read_contents(room.name, "floor", room.floor)

    def _read_exits(self, room: Room) -> None:
        for direction in DIRECTIONS:
            self.told[Fluent("way", (room.name, direction))] = None
        for each in room.exits:
            name = exit_of(room.name, each.direction)
            self._meet(name, "exit", "exit")
            self.told[Fluent("way", (room.name, each.direction))] = name
            self.told[Fluent("from", (name,))] = room.name
            self.told[Fluent("door", (name,))] = each.door
            if each.door is not None:
                self._meet(each.door, "fixture")
                self.told[Fluent("stands", (each.door,))] = room.name
                self.told[Fluent("open", (each.door,))] = each.is_open
                self.told[Fluent("explored", (each.door,))] = True  # there is nothing in a door
                if each.is_open or each.is_locked:
                    self.told[Fluent("locked", (each.door,))] = each.is_locked

    def _read_way(self, way: str, room: str) -> None:
        """Read where ``way`` has led, and that the one in the opposite direction leads back."""
        self.told[Fluent("leads", (way,))] = room
        self.changed[Fluent("explored", (way,))] = True
        back = exit_of(room, _OPPOSITE[way.split(" ", maxsplit=1)[0]])
        if Fluent("from", (back,)) in self.told and self.here is not None:
            self.told[Fluent("leads", (back,))] = self.here
            self.told[Fluent("explored", (back,))] = True

    def _read_contents(self, place: str, relation: str, things: Iterable[Thing]) -> None:
        """Read all that is in a fixture (``in``), on the floor of a room (``floor``) or carried (``where``)."""
        fluent = "in" if relation == "in" else "where"
        for old, value in self.state.items():
            if old.name == fluent and value == place and (relation != "floor" or self._is_on_floor(old.args[0])):
                self.forgotten |= {old, Fluent("where", old.args), Fluent("in", old.args)}
        for thing in things:
            self._meet(thing.name, "object")
            self.told[Fluent("in", (thing.name,))] = place if relation == "in" else None
            self.told[Fluent("where", (thing.name,))] = self.here if relation == "in" else place
            self.told[Fluent("cooked", (thing.name,))] = thing.cooked
            self.told[Fluent("cut", (thing.name,))] = thing.cut

    def _is_on_floor(self, thing: str) -> bool:
        return self.state.get(Fluent("in", (thing,))) is None

    # --- what was done ----------------------------------------------------------------------------------------------------

    def _read_events(self) -> None:
        first = self.text.split("\n", maxsplit=1)[0]
        if opened := _OPENED.match(first):
            self.changed[Fluent("open", (opened[1],))] = True
            self.changed[Fluent("explored", (opened[1],))] = True
            self.told[Fluent("locked", (opened[1],))] = False
            self._read_contents(opened[1], "in", read_list(opened[2] or "nothing"))
        elif closed := _CLOSED.match(first):
            self.changed[Fluent("open", (closed[1],))] = False
        elif lock := _LOCK.match(first):
            self.changed[Fluent("locked", (lock[2],))] = lock[1] == "lock"
        elif (taken := _TAKEN.match(first)) or (taken := _ADDED.match(first)):
            self._move(taken[1], YOU, None)
        elif dropped := _DROPPED.match(first):
            self._move(dropped[1], self.here, None)
        elif put := _PUT.match(first):
            self._move(put[1], self.here, put[2])
        elif eaten := _EATEN.match(first):
            self._move(eaten[1], None, None)
            self.changed[Fluent("eaten", (eaten[1],))] = True
        elif cooked := _COOKED.match(first):
            self.changed[Fluent("cooked", (cooked[2],))] = cooked[1]
        elif cut := _CUT.match(first):
            self.changed[Fluent("cut", (cut[2],))] = _PARTICIPLES[cut[1]]

    def _move(self, thing: str, place: Value, fixture: str | None) -> None:
        self._meet(thing, "object")
        self.changed[Fluent("where", (thing,))] = place
        self.changed[Fluent("in", (thing,))] = fixture

    # --- what was refused -------------------------------------------------------------------------------------------------

    def _read_refusals(self) -> None:
        first = self.text.split("\n", maxsplit=1)[0]
        if needs := _NEEDS_KEY.match(first):
            self._meet(needs[2], "object")
            self.told[Fluent("locked", (needs[1],))] = True
            self.told[Fluent("key", (needs[1],))] = needs[2]
        elif welded := _WELDED.match(first):
            self.told[Fluent("locked", (welded[1],))] = True
        elif shut := _NEEDS_OPENING.match(first) or _IS_SHUT.match(first):
            self.told[Fluent("open", (shut[1],))] = False
        elif site := _ONLY_IN.match(first):
            self._meet(site[1], "object")
            self._meet(site[2].lower(), "place")
            self.told[Fluent("site", (site[1],))] = site[2].lower()
        elif cut := _ALREADY_CUT.match(first):
            self.told[Fluent("cut", (cut[1],))] = cut[2]
        elif first in _ALREADY and self.action is not None and self.action.args:
            fluent, value = _ALREADY[first]
            self.told[Fluent(fluent, (self.action.args[0],))] = value

    # --- what was examined ------------------------------------------------------------------------------------------------

    def _read_closely(self, name: str) -> None:
        self.changed[Fluent("examined", (name,))] = True
        for relation, holder, things in _LISTED.findall(self.text):
            self.told[Fluent("open", (holder,))] = True if relation == "In" else None
            self.told[Fluent("explored", (holder,))] = True
            self._read_contents(holder, "in", read_list(things))
        if recipe := read_recipe(self.text):
            self.told.update(_recipe_facts(recipe))


def _recipe_facts(recipe: Recipe) -> Mapping[Fluent, Value]:
    facts: dict[Fluent, Value] = {
        Fluent("sort", (recipe.dish,)): "object",
        Fluent("kind", (recipe.dish,)): recipe.dish,
    }
    for name in recipe.ingredients:
        facts[Fluent("asked", (name,))] = recipe.dish
        for how in ("cooked", "cut"):
            facts[Fluent(f"asked_{how}", (name,))] = recipe.treatments.get(name, {}).get(how)
    return facts
