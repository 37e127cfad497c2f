"""Places boxes in columns, from left to right, such that few lines cross and nothing covers anything else.

A line's label is a box of its own, in a column between the columns of boxes: what is placed so cannot overlap. Lines that span columns
hold a place in each of them. Source: layered drawings (Sugiyama, Tagawa & Toda, 1981): the greedy order that turns few lines round
(Eades, Lin & Smyth, 1993), barycentres, and least squares under the order for the heights (pool adjacent violators).
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

__all__ = ["Arrangement", "Link", "Point", "Route", "Size", "arrange"]

BETWEEN_COLUMNS, BETWEEN_ROWS, BETWEEN_PARTS = 30.0, 12.0, 26.0
SWEEPS = 12
LEAST_WIDTH = 640.0  # of the rows in which single boxes stand


class Size(NamedTuple):
    """The extent of a box."""

    width: float
    height: float


class Point(NamedTuple):
    """A place on the sheet; y grows downwards."""

    x: float
    y: float


class Link(NamedTuple):
    """A line from one box to another, with a label's size (None: no label), which stands near its end or near its beginning."""

    source: str
    target: str
    label: Size | None = None
    is_label_last: bool = False


class Route(NamedTuple):
    """The way of a line: level stretches, one in each column that it passes, from its source on; and where its label is centred."""

    stretches: tuple[tuple[Point, Point], ...]
    label: Point | None


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where everything goes: the sheet's size, the centres of the boxes, and the routes of the links, in their order."""

    size: Size
    centres: Mapping[str, Point]
    routes: tuple[Route, ...]


def arrange(sizes: Mapping[str, Size], links: Sequence[Link]) -> Arrangement:
    """Return an arrangement of the boxes and the links between them, the same one for the same input.

    What is connected stands together; boxes without a line stand below, in rows. No link may lead from a box to itself.
    """
    centres: dict[str, Point] = {}
    routes: dict[int, Route] = {}
    width, top = 0.0, 0.0
    parts = _parts(sizes, links)
    for part in (part for part in parts if len(part) > 1):
        members = set(part)
        numbers = [number for number, link in enumerate(links) if link.source in members]
        sheet = _Sheet({name: sizes[name] for name in part}, [links[number] for number in numbers])
        here = sheet.arrangement()
        centres |= {name: Point(point.x, point.y + top) for name, point in here.centres.items()}
        routes |= {number: _lowered(route, top) for number, route in zip(numbers, here.routes, strict=True)}
        width, top = max(width, here.size.width), top + here.size.height + BETWEEN_PARTS
    single = [part[0] for part in parts if len(part) == 1]
    row = _rows({name: sizes[name] for name in single}, max(width, LEAST_WIDTH))
    centres |= {name: Point(point.x, point.y + top) for name, point in row.centres.items()}
    height = top + row.size.height if single else max(0.0, top - BETWEEN_PARTS)
    ordered = tuple(routes[number] for number in range(len(links)))
    return Arrangement(Size(max(width, row.size.width), height), centres, ordered)


def _lowered(route: Route, by: float) -> Route:
    def low(point: Point) -> Point:
        return Point(point.x, point.y + by)

    stretches = tuple((low(start), low(end)) for start, end in route.stretches)
    return Route(stretches, low(route.label) if route.label else None)


def _parts(names: Iterable[str], links: Iterable[Link]) -> list[list[str]]:
    """Return what is connected, the largest part first."""
    part_of = {name: [name] for name in names}
    for link in links:
        one, other = part_of[link.source], part_of[link.target]
        if one is not other:
            one += other
            part_of.update(dict.fromkeys(other, one))
    parts = {id(part): part for part in part_of.values()}.values()
    return sorted(parts, key=lambda part: -len(part))


def _rows(sizes: Mapping[str, Size], width: float) -> Arrangement:
    """Return boxes in rows of about this ``width``."""
    centres: dict[str, Point] = {}
    x, top, height, widest = 0.0, 0.0, 0.0, 0.0
    for name, size in sizes.items():
        if x and x + size.width > width:
            x, top, height = 0.0, top + height + BETWEEN_ROWS, 0.0
        centres[name] = Point(x + size.width / 2, top + size.height / 2)
        widest, height = max(widest, x + size.width), max(height, size.height)
        x += size.width + BETWEEN_ROWS
    return Arrangement(Size(widest, top + height), centres, ())


# --- one part -------------------------------------------------------------------------------------------------


class _Sheet:
    """The boxes of one part, the labels and the places that its lines hold, each with a number and a column."""

    def __init__(self, sizes: Mapping[str, Size], links: Sequence[Link]) -> None:
        self.links = links
        self.numbers = {name: number for number, name in enumerate(sizes)}
        self.sizes = list(sizes.values())
        order = _greedy_order(list(sizes), links)
        self.is_turned = [order[link.source] > order[link.target] for link in links]
        ranks = self._ranks(order)
        self.column_of = [2 * ranks[name] for name in sizes]
        self.labels: list[int | None] = []
        self.chains = [self._chain(link, is_turned=t) for link, t in zip(links, self.is_turned, strict=True)]
        self.before: list[list[int]] = [[] for _ in self.sizes]
        self.behind: list[list[int]] = [[] for _ in self.sizes]
        for chain in self.chains:
            for one, other in pairwise(chain):
                self.behind[one].append(other)
                self.before[other].append(one)
        self.columns: list[list[int]] = [[] for _ in range(max(self.column_of) + 1)]
        for item, column in enumerate(self.column_of):
            self.columns[column].append(item)
        self.columns = [column for column in self.columns if column]

    def _ranks(self, order: Mapping[str, int]) -> dict[str, int]:
        """Return the column of each box: behind all that leads to it; what nothing leads to stands just before what it leads to."""
        names = sorted(order, key=lambda name: order[name])
        ways: dict[str, list[str]] = {name: [] for name in names}
        sources = set(names)
        for link, is_turned in zip(self.links, self.is_turned, strict=True):
            source, target = (link.target, link.source) if is_turned else (link.source, link.target)
            ways[source].append(target)
            sources.discard(target)
        ranks = dict.fromkeys(names, 0)
        for name in names:
            for target in ways[name]:
                ranks[target] = max(ranks[target], ranks[name] + 1)
        for name in sources:
            ranks[name] = min((ranks[target] for target in ways[name]), default=1) - 1
        return ranks

    def _chain(self, link: Link, *, is_turned: bool) -> list[int]:
        """Return the items that a line passes, from left to right, making those in between."""
        ends = self.numbers[link.source], self.numbers[link.target]
        first, last = ends[::-1] if is_turned else ends
        between = list(range(self.column_of[first] + 1, self.column_of[last]))
        label = (between[-1] if link.is_label_last != is_turned else between[0]) if link.label else None
        items: list[int] = []
        self.labels.append(None)
        for column in between:
            items.append(len(self.sizes))
            if column == label:
                self.labels[-1] = items[-1]
            self.sizes.append(link.label if column == label and link.label else Size(0, 0))
            self.column_of.append(column)
        return [first, *items, last]

    def arrangement(self) -> Arrangement:
        """Return where everything goes."""
        self._sort()
        y = self._heights()
        widths = [max(self.sizes[item].width for item in column) for column in self.columns]
        lefts = list(accumulate((width + BETWEEN_COLUMNS for width in widths), initial=0.0))
        place = {item: number for number, column in enumerate(self.columns) for item in column}
        spans = {item: (lefts[number], lefts[number] + widths[number]) for item, number in place.items()}
        top = min(y[item] - size.height / 2 for item, size in enumerate(self.sizes))
        bottom = max(y[item] + size.height / 2 for item, size in enumerate(self.sizes))
        points = [Point(sum(spans[item]) / 2, y[item] - top) for item in range(len(self.sizes))]
        centres = {name: points[number] for name, number in self.numbers.items()}
        return Arrangement(Size(lefts[-1] - BETWEEN_COLUMNS, bottom - top), centres, tuple(self._routes(points, spans)))

    # --- order and height ---

    def _sort(self) -> None:
        """Order each column by where the neighbours of its items stand, and keep the order with the fewest crossings."""
        best, fewest = [list(column) for column in self.columns], self._crossings()
        for sweep in range(SWEEPS):
            forward = sweep % 2 == 0
            neighbours = self.before if forward else self.behind
            order = range(1, len(self.columns)) if forward else range(len(self.columns) - 2, -1, -1)
            for number in order:
                places = {item: place for place, item in enumerate(self.columns[number + (-1 if forward else 1)])}
                self.columns[number] = _by_barycentre(self.columns[number], neighbours, places)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(column) for column in self.columns], crossings
        self.columns = best

    def _crossings(self) -> int:
        total = 0
        for left, right in pairwise(self.columns):
            places = {item: place for place, item in enumerate(right)}
            passed: list[int] = []
            for item in left:
                ends = [places[other] for other in self.behind[item]]
                total += sum(len(passed) - bisect_right(passed, end) for end in ends)
                for end in ends:
                    insort(passed, end)
        return total

    def _heights(self) -> list[float]:
        """Return the y of every item: near its neighbours, in the order of its column."""
        y = [0.0] * len(self.sizes)
        for column in self.columns:
            heights = [self.sizes[item].height for item in column]
            for item, at in zip(column, _spread([0.0] * len(column), heights), strict=True):
                y[item] = at
        for sweep in range(SWEEPS):
            for column in self.columns if sweep % 2 == 0 else reversed(self.columns):
                wanted = [_mean([y[near] for near in (*self.before[i], *self.behind[i])], y[i]) for i in column]
                for item, at in zip(column, _spread(wanted, [self.sizes[i].height for i in column]), strict=True):
                    y[item] = at
        return y

    # --- lines ---

    def _routes(self, points: Sequence[Point], spans: Mapping[int, tuple[float, float]]) -> Iterable[Route]:
        ports = self._ports(points)
        for number, chain in enumerate(self.chains):
            stretches: list[tuple[Point, Point]] = []
            for place, item in enumerate(chain):
                left, right = spans[item]
                y, half = points[item].y, self.sizes[item].width / 2
                if place == 0:
                    left, y = points[item].x + half, ports[number, 0]
                elif place == len(chain) - 1:
                    right, y = points[item].x - half, ports[number, 1]
                stretches.append((Point(left, y), Point(right, y)))
            if self.is_turned[number]:
                stretches = [(end, start) for start, end in reversed(stretches)]
            label = self.labels[number]
            yield Route(tuple(stretches), None if label is None else points[label])

    def _ports(self, points: Sequence[Point]) -> dict[tuple[int, int], float]:
        """Return the height at which each line leaves and reaches its boxes: spread over their sides, in the order of the lines."""
        sides: dict[tuple[int, int], list[tuple[float, int]]] = {}
        for number, chain in enumerate(self.chains):
            sides.setdefault((chain[0], 0), []).append((points[chain[1]].y, number))
            sides.setdefault((chain[-1], 1), []).append((points[chain[-2]].y, number))
        ports: dict[tuple[int, int], float] = {}
        for (item, side), lines in sides.items():
            room = self.sizes[item].height
            for place, (_, number) in enumerate(sorted(lines), start=1):
                ports[number, side] = points[item].y + room * (place / (len(lines) + 1) - 0.5)
        return ports


def _greedy_order(names: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    """Return a place for each box such that few links lead backward."""
    out: dict[str, list[str]] = {name: [] for name in names}
    into: dict[str, list[str]] = {name: [] for name in names}
    for link in links:
        out[link.source].append(link.target)
        into[link.target].append(link.source)
    left = dict.fromkeys(names)
    first: list[str] = []
    last: list[str] = []

    def surplus(name: str) -> int:
        return sum(end in left for end in out[name]) - sum(end in left for end in into[name])

    while left:
        sink = next((name for name in left if not any(end in left for end in out[name])), None)
        if sink is not None:
            last.append(sink)
            del left[sink]
            continue
        source = next((name for name in left if not any(end in left for end in into[name])), None)
        chosen = max(left, key=surplus) if source is None else source
        first.append(chosen)
        del left[chosen]
    return {name: place for place, name in enumerate((*first, *reversed(last)))}


def _by_barycentre(column: Sequence[int], neighbours: Sequence[Sequence[int]], places: Mapping[int, int]) -> list[int]:
    """Return the column in the order of its items' neighbours; one without a neighbour keeps its place."""
    keys = {item: _mean([places[near] for near in neighbours[item]], place) for place, item in enumerate(column)}
    return sorted(column, key=lambda item: keys[item])


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spread(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Return the centres that are nearest to the ``wanted`` ones, by least squares, in this order and apart from each other."""
    steps = ((one + other) / 2 + BETWEEN_ROWS for one, other in pairwise(heights))
    offsets = list(accumulate(steps, initial=0.0))
    blocks: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        total, count = want - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            total, count = total + blocks[-1][0], count + blocks[-1][1]
            blocks.pop()
        blocks.append((total, count))
    levels = [total / count for total, count in blocks for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]
