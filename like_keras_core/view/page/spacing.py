"""Columns or rows in pixels, with the borders and lines between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from like_keras_core.view.page.routing import Lane
from like_keras_core.view.page.track_assignment import Stretch, tracks_of

TRACK = 9.0
MARGIN = 10.0


class Needs:
    """What each net needs of each lane."""

    def __init__(self) -> None:
        self._found: dict[Lane, dict[int, Stretch]] = defaultdict(dict)

    def add(self, lane: Lane, net: int, start: float, end: float) -> Stretch:
        """Add a stretch of a net in a lane; what it has there already grows.

        Args:
            lane: The lane.
            net: The net.
            start: Where it begins, along the lane.
            end: Where it ends.
        """
        found = self._found[lane].setdefault(net, Stretch(net, start, start))
        found.widen(start, end)
        return found

    def tracks(self) -> dict[Lane, dict[int, int]]:
        """Return the track of each net in each lane."""
        return {
            lane: tracks_of(stretches.values())
            for lane, stretches in self._found.items()
        }


@dataclass(frozen=True, slots=True)
class Borders:
    """What borders take, on one side of columns or rows [px].

    Args:
        nodes: Where borders of nodes are, by column or row.
        machines: Where borders of machines are.
        node: What a node's border takes.
        machine: What a machine's border takes, outside of a node's.
    """

    nodes: frozenset[int]
    machines: frozenset[int]
    node: float
    machine: float

    def at(self, place: int) -> float:
        """Return what borders take at a column or row."""
        taken = self.node if place in self.nodes else 0.0
        return taken + (self.machine if place in self.machines else 0.0)


class Bands:
    """Where columns or rows begin, and the lanes between them.

    Args:
        sizes: Of the columns or rows [px].
        opening: The borders before each.
        closing: The borders after each.
        before: What is free before each column or row, within its borders.
        after: What is free after each.
        free: What is free between borders.
        tracks: The track of each net in each lane.
    """

    def __init__(
        self,
        sizes: Sequence[float],
        opening: Borders,
        closing: Borders,
        *,
        before: float,
        after: float,
        free: float,
        tracks: dict[Lane, dict[int, int]],
    ) -> None:
        self.sizes = sizes
        self.starts: list[float] = []
        self.opens: list[float] = []
        self.closes: list[float] = []
        self._tracks = tracks
        self._firsts: dict[Lane, float] = {}
        self._opening, self._closing = opening, closing
        place = MARGIN
        for n in range(len(sizes) + 1):
            if n:
                place = self._lane(Lane(n, 0), place + after)
                self.closes.append(place)
                place += closing.at(n - 1)
            is_inner = 0 < n < len(sizes)
            place = self._lane(Lane(n), place, free if is_inner else 0.0, free)
            if n < len(sizes):
                place += opening.at(n)
                self.opens.append(place)
                place = self._lane(Lane(n, 2), place) + before
                self.starts.append(place)
                place += sizes[n]
        self.end = place + MARGIN

    def _lane(
        self, lane: Lane, place: float, empty: float = 0.0, free: float = 0.0
    ) -> float:
        """Put a lane at a place and return where it ends."""
        count = len(set(self._tracks.get(lane, {}).values()))
        self._firsts[lane] = place + (free + TRACK) / 2
        return place + (max(free, empty) + count * TRACK if count else empty)

    def track(self, lane: Lane, net: int) -> float:
        """Return where a net's track is [px]."""
        return self._firsts[lane] + TRACK * self._tracks.get(lane, {}).get(net, 0)

    def middle(self, n: int) -> float:
        """Return the middle of a column or row [px]."""
        return self.starts[n] + self.sizes[n] / 2

    def around(self, first: int, last: int, *, is_machine: bool) -> tuple[float, float]:
        """Return the borders of a node or machine from one column or row to another.

        Args:
            first: The first column or row inside.
            last: The last one.
            is_machine: Whether the borders are a machine's, outside of its nodes'.
        """
        start = self.opens[first] - self._opening.node
        end = self.closes[last] + self._closing.node
        if is_machine:
            start -= self._opening.machine
            end += self._closing.machine
        return start, end


def largest(places: Iterable[int], sizes: Iterable[float], count: int) -> list[float]:
    """Return the largest size in each column or row.

    Args:
        places: The column or row of each item.
        sizes: The size of each item [px].
        count: How many columns or rows there are.
    """
    found = [0.0] * count
    for place, size in zip(places, sizes, strict=True):
        found[place] = max(found[place], size)
    return found
