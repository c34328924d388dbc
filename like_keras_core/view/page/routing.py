"""Which gaps and channels each connection takes on its way over the grid.

Between two columns is a gap, in which connections go up and down; between two rows is a
channel, in which they go to and fro. So no connection ever crosses a component. Where
borders of nodes lie in a gap or channel, what is before, between and behind them are
lanes of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from like_keras_core.view.page.grid import Area, Grid, Link

_THROUGH = 3.0
"""What it costs to go through a node that is not concerned, in rows of detour."""

_OUTSIDE = 2.0
"""What it costs to leave the node that both ends are in, and their machine again."""

_INSIDE = 0.3
"""What it costs one that leaves its node to run inside of it first, or of its goal."""

_CROWD = 0.04
"""What each connection that is in a channel already costs."""


class Lane(NamedTuple):
    """A lane of a gap or channel.

    Args:
        place: Gap or channel 3 is before column or row 3.
        part: 0 is before the borders that close there, 1 between those and the ones
            that open, 2 behind them.
    """

    place: int
    part: int = 1


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one connection.

    Args:
        out: The lane after the component that sends.
        into: The lane before the component that receives.
        channel: The lane between the two; None where it goes straight on in its own
            row, or where both gaps are one.
    """

    out: Lane
    into: Lane
    channel: Lane | None = None


def ways_of(grid: Grid, nodes: Sequence[str], links: Sequence[Link]) -> list[Way]:
    """Return the way of each connection.

    Args:
        grid: Where everything stands.
        nodes: The node of each component.
        links: What is connected.
    """
    taken = set(zip(grid.columns, grid.rows, strict=True))
    crowd: Counter[Lane] = Counter()
    chosen: dict[tuple[int, int, str], Lane] = {}
    lanes = list(_channels(grid))
    found = []
    for link in links:
        out, into = grid.columns[link.source] + 1, grid.columns[link.target]
        home, goal = nodes[link.source], nodes[link.target]
        others = [area for name, area in grid.nodes.items() if name not in (home, goal)]
        if out == into or (out < into and _is_free(grid, link, taken, others)):
            found.append(Way(Lane(out), Lane(into)))
            continue
        shared = []
        if home == goal:
            shared.append(grid.nodes[home])
        shared += [
            area
            for area in grid.machines.values()
            if area.holds(grid.nodes[home]) and area.holds(grid.nodes[goal])
        ]
        ends = [] if home == goal else [grid.nodes[home], grid.nodes[goal]]
        key = (link.net, into, goal)
        if key not in chosen:
            chosen[key] = _cheapest(grid, link, lanes, crowd, others, shared, ends)
            crowd[chosen[key]] += 1
        is_last = home == goal and grid.nodes[home].right + 1 == out
        is_first = home == goal and grid.nodes[goal].left == into
        found.append(
            Way(
                Lane(out, 0 if is_last else 1),
                Lane(into, 2 if is_first else 1),
                chosen[key],
            )
        )
    return found


def _channels(grid: Grid) -> Iterator[Lane]:
    """Give every lane of every channel that differs from the others."""
    tops = {area.top for area in grid.nodes.values()}
    bottoms = {area.bottom for area in grid.nodes.values()}
    for place in range(grid.height + 1):
        yield Lane(place)
        if place - 1 in bottoms:
            yield Lane(place, 0)
        if place in tops:
            yield Lane(place, 2)


def _cheapest(
    grid: Grid,
    link: Link,
    lanes: Sequence[Lane],
    crowd: Counter[Lane],
    others: Sequence[Area],
    shared: Sequence[Area],
    ends: Sequence[Area],
) -> Lane:
    """Return the channel that costs a connection least, in rows of detour.

    Args:
        grid: Where everything stands.
        link: The connection.
        lanes: Every channel.
        crowd: How many connections are in each already.
        others: The nodes that it has nothing to do with.
        shared: The node and machine that both ends are in.
        ends: The nodes of its ends, if there are two.
    """
    rows = (grid.rows[link.source] + 0.5, grid.rows[link.target] + 0.5)
    out, into = grid.columns[link.source] + 1, grid.columns[link.target]
    first, last = min(out, into), max(out, into) - 1
    between = [x for x in others if x.left <= last and first <= x.right]

    def detour(lane: Lane) -> float:
        height = lane.place + 0.12 * (lane.part - 1)
        return sum(abs(row - height) for row in rows)

    best, least = lanes[0], inf
    for so_far, lane in sorted((detour(lane), lane) for lane in lanes):
        if so_far >= least:
            break
        cost = so_far + _CROWD * crowd[lane]
        cost += _THROUGH * sum(_is_inside(lane, area) for area in between)
        cost += _OUTSIDE * sum(not _is_inside(lane, area) for area in shared)
        cost += _INSIDE * sum(_is_inside(lane, area) for area in ends)
        if cost < least:
            best, least = lane, cost
    return best


def _is_inside(lane: Lane, area: Area) -> bool:
    """Say whether a lane of a channel runs inside an area's upper and lower border."""
    first = area.top + (lane.part != 2)
    last = area.bottom + (lane.part == 0)
    return first <= lane.place <= last


def _is_free(
    grid: Grid, link: Link, taken: set[tuple[int, int]], others: Sequence[Area]
) -> bool:
    """Say whether nothing stands between, in the row of the one that sends."""
    row = grid.rows[link.source]
    between = range(grid.columns[link.source] + 1, grid.columns[link.target])
    if any((column, row) in taken for column in between):
        return False
    return not any(
        area.top <= row <= area.bottom
        and area.left <= between[-1]
        and between[0] <= area.right
        for area in others
    )
