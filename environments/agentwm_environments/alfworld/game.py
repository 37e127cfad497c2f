"""One ALFWorld game as plain data: what the official files hold, and what our generator makes."""

from dataclasses import dataclass

__all__ = ["TASK_TYPES", "Game", "Receptacle", "Thing"]

TASK_TYPES = (
    "pick_and_place_simple",
    "look_at_obj_in_light",
    "pick_clean_then_place_in_recep",
    "pick_heat_then_place_in_recep",
    "pick_cool_then_place_in_recep",
    "pick_two_obj_and_place",
)


@dataclass(frozen=True, slots=True)
class Receptacle:
    """A place that things can be in or on. Several may share one ``location`` (an index)."""

    name: str
    kind: str
    location: int
    is_openable: bool = False
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Thing:
    """An object of the household.

    ``receptacle`` names where it lies at the start, None for nowhere that can be reached. ``location`` is where the game file says
    it is, which need not agree. Some official files say that a thing is in several receptacles or at several locations at
    once; ``also_in`` and ``also_at`` hold the further ones. ``contents`` are the things inside a thing that ``is_container``
    (a bowl).
    """

    name: str
    kind: str
    receptacle: str | None = None
    location: int | None = None
    is_pickupable: bool = False
    is_toggleable: bool = False
    is_cleanable: bool = False
    is_heatable: bool = False
    is_coolable: bool = False
    is_sliceable: bool = False
    is_container: bool = False
    contents: tuple[str, ...] = ()
    is_clean: bool = False
    is_hot: bool = False
    is_cool: bool = False
    also_in: tuple[str, ...] = ()
    also_at: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Game:
    """A household and a task in it.

    ``target`` is the kind of object asked for, ``destination`` the kind of receptacle (or, for
    ``look_at_obj_in_light``, of lamp). ``can_contain`` holds (receptacle kind, object kind) pairs. The order of
    ``receptacles`` and ``things`` is the order in which texts list them. ``start`` is the agent's first location, where there
    is no receptacle. ``annotations`` are how people who watched the task done worded it; generated games have none.
    """

    id: str
    task_type: str
    goal_text: str
    target: str
    destination: str
    receptacles: tuple[Receptacle, ...]
    things: tuple[Thing, ...]
    can_contain: frozenset[tuple[str, str]]
    start: int
    room: str
    annotations: tuple[str, ...] = ()
