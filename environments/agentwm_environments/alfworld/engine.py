"""A household that can be played: ALFWorld's actions and texts, without a planner or a grammar behind them.

The texts are those of ALFWorld 0.4.2, letter by letter; ``benchmarks/engine_agreement.py`` compares them with the official engine's.
What an action needs and does stands in the table of ``laws.py``.

Source: ``alfred.pddl`` and ``alfred.twl2`` of ALFWorld 0.4.2, and TextWorld 1.7.0's way of reading them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from .game import Game, Receptacle
from .laws import ORDINARY, TREATMENTS, Law, Laws

__all__ = ["HELP", "NOTHING_HAPPENS", "Engine", "Fact", "Household", "Snapshot"]

Fact = tuple[str, ...]
Verb = Callable[..., str]
Commands = dict[str, tuple[Verb, tuple[str, ...]]]

NOTHING_HAPPENS = "Nothing happens."
_MIDDLE = "You are in the middle of a room. Looking quickly around you"
HELP = """Available commands:
  look:                             look around your current location
  inventory:                        check your current inventory
  go to (receptacle):               move to a receptacle
  open (receptacle):                open a receptacle
  close (receptacle):               close a receptacle
  take (object) from (receptacle):  take an object from a receptacle
  move (object) to (receptacle):  place an object in or on a receptacle
  examine (something):              examine a receptacle or an object
  use (object):                     use an object
  heat (object) with (receptacle):  heat an object using a receptacle
  clean (object) with (receptacle): clean an object using a receptacle
  cool (object) with (receptacle):  cool an object using a receptacle
  slice (object) with (object):     slice an object using a sharp object
"""

_AGENT = "agent1"
_CAPACITIES = ("pickupable", "toggleable", "cleanable", "heatable", "coolable", "sliceable")
_TREATABLE = {"heat": "heatable", "clean": "cleanable", "cool": "coolable"}
_TREATED = {
    "pick_heat_then_place_in_recep": "heat",
    "pick_clean_then_place_in_recep": "clean",
    "pick_cool_then_place_in_recep": "cool",
}


class Engine(Protocol):
    """What all engines have in common: ours, the official one in this process, and the official one in its own."""

    @property
    def won(self) -> bool:
        """Whether the goal holds now."""

    @property
    def score(self) -> int:
        """The reward: 1 while the goal holds, else 0."""

    def reset(self) -> str:
        """Begin the game again and return its introduction, which ends in the task."""

    def step(self, command: str) -> str:
        """Do ``command`` and return the text that answers it."""

    def admissible(self) -> list[str]:
        """Return the commands that would be accepted now, sorted."""


class Snapshot(NamedTuple):
    """All that changes in a household; opaque to others."""

    place: int
    held: str | None
    contents: dict[str, tuple[str, ...]]
    left: frozenset[tuple[str, str]]
    facts: frozenset[Fact]


class Household:
    """Plays one game, under the laws given.

    As in the official engine nothing stops at the goal: ``won`` tells whether it holds now. Commands must be spelt exactly, but for
    blanks at their ends; any other text is answered with ``NOTHING_HAPPENS`` and changes nothing.
    """

    def __init__(self, game: Game, laws: Laws = ORDINARY) -> None:
        self.game = game
        self.laws = laws
        self._receptacles = {receptacle.name: receptacle for receptacle in game.receptacles}
        self._things = {thing.name: thing for thing in game.things}
        self._order = {name: number for number, name in enumerate((*self._receptacles, *self._things))}
        self._able = {c: frozenset(t.name for t in game.things if getattr(t, f"is_{c}")) for c in _CAPACITIES}
        self._at: dict[int, tuple[Receptacle, ...]] = defaultdict(tuple)
        for receptacle in game.receptacles:
            self._at[receptacle.location] += (receptacle,)
        self._treatments = {receptacle.name: _treatments(receptacle, laws) for receptacle in game.receptacles}
        self._destinations = [r.name for r in game.receptacles if r.kind == game.destination]
        self._wanted = frozenset(thing.name for thing in game.things if thing.kind == game.target)
        if treatment := _TREATED.get(game.task_type):
            self._wanted &= self._able[_TREATABLE[treatment]]
        self._wanted_quality = f"is{getattr(ORDINARY, treatment).makes}" if treatment else ""
        self._fixed_facts = tuple(_fixed_facts(game))
        self._always: dict[int, Commands] = {}
        self._commands: Commands | None = None
        self._start = _opening(game)
        self.restore(self._start)

    def reset(self) -> str:
        """Begin again and return the introduction, which ends in the task."""
        self.restore(self._start)
        view = self._view() if self._at[self._place] else f"{_MIDDLE}, you see {_listed(tuple(self._receptacles))}."
        return f"-= Welcome to TextWorld, ALFRED! =-\n\n{view}\n\nYour task is to: {self.game.goal_text}."

    def step(self, command: str) -> str:
        """Do ``command`` and return the text that answers it."""
        chosen = self._admitted().get(command.strip())
        if chosen is None:
            return NOTHING_HAPPENS
        self._commands = None
        verb, names = chosen
        return verb(self, *names)

    def admissible(self) -> list[str]:
        """Return the commands that would be accepted now, sorted."""
        return sorted(self._admitted())

    def facts(self) -> list[Fact]:
        """Return everything that is so, hidden or not, in no order, as the official engine names it.

        For scoring, never for the agent.
        """
        return [*self._fixed_facts, *self._facts]

    @property
    def won(self) -> bool:
        """Whether the goal holds now."""
        if self.game.task_type == "look_at_obj_in_light":
            return self._held in self._wanted and any(self._lamps_lit_here())
        number = 2 if self.game.task_type == "pick_two_obj_and_place" else 1
        return any(sum(map(self._is_wanted, self._contents[name])) >= number for name in self._destinations)

    @property
    def score(self) -> int:
        """The reward: 1 while the goal holds, else 0."""
        return int(self.won)

    def snapshot(self) -> Snapshot:
        """Return what ``restore`` needs to come back to this moment."""
        return Snapshot(self._place, self._held, self._contents.copy(), self._left, frozenset(self._facts))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to the moment of ``snapshot``, which must be of this game; it stays usable."""
        self._place = snapshot.place
        self._held = snapshot.held
        self._contents = snapshot.contents.copy()
        self._left = snapshot.left
        self._facts = set(snapshot.facts)
        self._commands = None

    # --- what may be done -------------------------------------------------------------------------------------

    def _admitted(self) -> Commands:
        if self._commands is None:
            commands = self._always_admitted().copy()
            for receptacle in self._at[self._place]:
                self._admit_doors(receptacle, commands)
                self._admit_contents(receptacle, commands)
                self._admit_treatments(receptacle, commands)
            if self._held is not None:
                self._admit_with_held(self._held, commands)
            self._commands = commands
        return self._commands

    def _always_admitted(self) -> Commands:
        """Return what may be done at this place whatever the state: going elsewhere, looking, examining receptacles."""
        known = self._always.get(self._place)
        if known is None:
            known = {
                "look": (Household._look, ()),
                "inventory": (Household._inventory, ()),
                "help": (Household._help, ()),
            }
            for name, receptacle in self._receptacles.items():
                if receptacle.location == self._place:
                    known[f"examine {name}"] = (Household._examine_receptacle, (name,))
                else:
                    known[f"go to {name}"] = (Household._go, (name,))
            self._always[self._place] = known
        return known

    def _admit_doors(self, receptacle: Receptacle, commands: Commands) -> None:
        if receptacle.is_openable:
            if self._allows(self.laws.open, receptacle):
                commands[f"open {receptacle.name}"] = (Household._open, (receptacle.name,))
            if self._allows(self.laws.close, receptacle):
                commands[f"close {receptacle.name}"] = (Household._close, (receptacle.name,))

    def _admit_contents(self, receptacle: Receptacle, commands: Commands) -> None:
        name, held = receptacle.name, self._held
        if held is not None and self._fits(held, receptacle) and self._allows(self.laws.move, receptacle):
            commands[f"move {held} to {name}"] = (Household._move, (held, name))
        if self._allows(self.laws.take, receptacle):
            for thing in self._able["pickupable"].intersection(self._contents[name]):
                commands[f"take {thing} from {name}"] = (Household._take, (thing, name))
        if self._allows(self.laws.use, receptacle):
            for thing in self._able["toggleable"].intersection(self._contents[name]):
                commands[f"use {thing}"] = (Household._use, (thing,))

    def _admit_treatments(self, receptacle: Receptacle, commands: Commands) -> None:
        name, held = receptacle.name, () if self._held is None else (self._held,)
        for verb, law in self._treatments[name]:
            if self._allows(law, receptacle):
                things = self._contents[name] if law.works_on == "placed" else held
                for thing in self._able[_TREATABLE[verb]].intersection(things):
                    commands[f"{verb} {thing} with {name}"] = (Household._treat, (verb, thing, name))

    def _admit_with_held(self, held: str, commands: Commands) -> None:
        commands[f"examine {held}"] = (Household._examine_thing, (held,))
        if self._things[held].kind in self.laws.slice.instruments:
            here = _location(self._place)
            for thing in self._able["sliceable"]:
                if ("objectatlocation", thing, here) in self._facts:
                    commands[f"slice {thing} with {held}"] = (Household._slice, (thing, held))

    def _allows(self, law: Law, receptacle: Receptacle) -> bool:
        if law.needs_empty_hand and self._held is not None:
            return False
        if law.door == "any" or not receptacle.is_openable:
            return True
        return (("opened", receptacle.name) in self._facts) == (law.door == "open")

    def _fits(self, thing: str, receptacle: Receptacle) -> bool:
        return (receptacle.kind, self._things[thing].kind) in self.game.can_contain

    # --- what is then done --------------------------------------------------------------------------------------

    def _look(self) -> str:
        self._facts.add(("checked", _location(self._place)))
        return self._view()

    def _view(self) -> str:
        here = _location(self._place)
        facing = [receptacle.name for receptacle in self._at[self._place]]
        if not facing:
            return f"{_MIDDLE}, you see nothing."
        # The grammar's "floor" is whatever lies at this place but was once taken from a receptacle that is here.
        floor = [
            thing
            for thing, receptacle in sorted(self._left, key=lambda pair: (self._order[pair[0]], self._order[pair[1]]))
            if receptacle in facing and ("objectatlocation", thing, here) in self._facts
        ]
        return f"You are facing the {_joined(facing)}. Next to it, you see {_listed(floor)}."

    def _inventory(self) -> str:
        self._facts.add(("checked", _AGENT))
        return "You are not carrying anything." if self._held is None else f"You are carrying: a {self._held}."

    def _help(self) -> str:
        self._facts.add(("checked", _AGENT))
        return HELP

    def _go(self, receptacle: str) -> str:
        self._facts.discard(("atlocation", _AGENT, _location(self._place)))
        self._place = self._receptacles[receptacle].location
        self._facts.add(("atlocation", _AGENT, _location(self._place)))
        return f"You arrive at {receptacle}. {self._describe(receptacle)}"

    def _open(self, receptacle: str) -> str:
        self._facts.update((("opened", receptacle), ("checked", receptacle)))
        return f"You open the {receptacle}. {self._describe(receptacle)}"

    def _close(self, receptacle: str) -> str:
        self._facts.discard(("opened", receptacle))
        return f"You close the {receptacle}."

    def _take(self, thing: str, receptacle: str) -> str:
        self._held = thing
        self._contents[receptacle] = tuple(name for name in self._contents[receptacle] if name != thing)
        self._left |= {(thing, receptacle)}
        self._facts.discard(("inreceptacle", thing, receptacle))
        self._facts.discard(("objectatlocation", thing, _location(self._place)))
        self._facts.update((("holds", _AGENT, thing), ("holdsany", _AGENT)))
        return f"You pick up the {thing} from the {receptacle}."

    def _move(self, thing: str, receptacle: str) -> str:
        self._held = None
        names = {*self._contents[receptacle], thing}
        self._contents[receptacle] = tuple(sorted(names, key=self._order.__getitem__))
        self._left -= {(thing, receptacle)}
        self._facts.update((("inreceptacle", thing, receptacle), ("objectatlocation", thing, _location(self._place))))
        self._facts -= {("holds", _AGENT, thing), ("holdsany", _AGENT)}
        return f"You move the {thing} to the {receptacle}."

    def _use(self, thing: str) -> str:
        self._facts.add(("istoggled", thing))
        return f"You turn on the {thing}."

    def _treat(self, verb: str, thing: str, receptacle: str) -> str:
        law: Law = getattr(self.laws, verb)
        self._facts.add((f"is{law.makes}", thing))
        for quality in law.undoes:
            self._facts.discard((f"is{quality}", thing))
        return f"You {verb} the {thing} using the {receptacle}."

    def _slice(self, thing: str, tool: str) -> str:
        self._facts.add(("issliced", thing))
        return f"You sliced the {thing} with the {tool}."

    def _examine_receptacle(self, receptacle: str) -> str:
        self._facts.add(("checked", receptacle))
        return self._describe(receptacle)

    def _examine_thing(self, name: str) -> str:
        self._facts.add(("checked", name))
        thing = self._things[name]
        if thing.is_container:
            return f"This is a normal {name}. In it, you see {_listed(thing.contents)}."
        hot, cool, clean, is_sliced = ((f"is{q}", name) in self._facts for q in ("hot", "cool", "clean", "sliced"))
        # The grammar's first match: hot before cool, and "cold" where there is nothing else to say.
        words = ["hot"] if hot else ["cool"] if cool else []
        words += ["clean"] if clean else []
        if words or is_sliced:
            state = " and ".join(words) + (" sliced" if is_sliced else "")
            return f"This is a {'cold' if state == 'cool' else state.strip()} {name}."
        if thing.is_toggleable and ("istoggled", name) in self._facts:
            return f"This {name} is on."
        return f"There's nothing special about {name}."

    def _describe(self, receptacle: str) -> str:
        contents = self._contents[receptacle]
        if not self._receptacles[receptacle].is_openable:
            return f"On the {receptacle}, you see {_listed(contents)}."
        if ("opened", receptacle) in self._facts:
            return f"The {receptacle} is open. In it, you see {_listed(contents)}."
        return f"The {receptacle} is closed."

    # --- when the task is done ----------------------------------------------------------------------------------

    def _is_wanted(self, thing: str) -> bool:
        return thing in self._wanted and (not self._wanted_quality or (self._wanted_quality, thing) in self._facts)

    def _lamps_lit_here(self) -> Iterator[bool]:
        for receptacle in self._at[self._place]:
            for thing in self._contents[receptacle.name]:
                yield self._things[thing].kind == self.game.destination and ("istoggled", thing) in self._facts


def _treatments(receptacle: Receptacle, laws: Laws) -> tuple[tuple[str, Law], ...]:
    both = ((verb, getattr(laws, verb)) for verb in TREATMENTS)
    return tuple((verb, law) for verb, law in both if receptacle.kind in law.instruments)


def _opening(game: Game) -> Snapshot:
    contents = {receptacle.name: tuple(_names_in(game, receptacle)) for receptacle in game.receptacles}
    facts: set[Fact] = {("atlocation", _AGENT, _location(game.start))}
    facts.update(("opened", receptacle.name) for receptacle in game.receptacles if receptacle.is_open)
    facts.update(("inreceptacle", name, receptacle) for receptacle, names in contents.items() for name in names)
    for thing in game.things:
        where = (thing.location, *thing.also_at)
        facts.update(("objectatlocation", thing.name, _location(place)) for place in where if place is not None)
        facts.update((f"is{q}", thing.name) for q in ("hot", "cool", "clean") if getattr(thing, f"is_{q}"))
    return Snapshot(game.start, None, contents, frozenset(), frozenset(facts))


def _names_in(game: Game, receptacle: Receptacle) -> list[str]:
    return [thing.name for thing in game.things if receptacle.name in (thing.receptacle, *thing.also_in)]


def _fixed_facts(game: Game) -> list[Fact]:
    facts: list[Fact] = [("cancontain", f"{kind}type", f"{content}type") for kind, content in sorted(game.can_contain)]
    for receptacle in game.receptacles:
        facts.append(("receptacleatlocation", receptacle.name, _location(receptacle.location)))
        facts.append(("receptacletype", receptacle.name, f"{receptacle.kind}type"))
        if receptacle.is_openable:
            facts.append(("openable", receptacle.name))
    for thing in game.things:
        facts.append(("objecttype", thing.name, f"{thing.kind}type"))
        facts.extend((capacity, thing.name) for capacity in _CAPACITIES if getattr(thing, f"is_{capacity}"))
        if thing.is_container:
            facts.append(("isreceptacleobject", thing.name))
        facts.extend(("inreceptacleobject", content, thing.name) for content in thing.contents)
    return facts


def _location(number: int) -> str:
    return f"loc {number}"


def _listed(names: Sequence[str]) -> str:
    return _joined([f"a {name}" for name in names]) if names else "nothing"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}, and {names[-1]}"
