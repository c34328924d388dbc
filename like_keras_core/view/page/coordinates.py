"""The drawing in pixels: boxes, ports, and the lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from like_keras_core.view.page.grid import Area, Grid, Link
from like_keras_core.view.page.routing import Way
from like_keras_core.view.page.spacing import Bands, Borders, Needs, largest

NODE_SIDE = 26.0
"""How far a node's left border is from its first components, at the least."""

_FREE = 14.0
_AFTER, _BEFORE = 18.0, 22.0
_PORT_STEP = 18.0
_FAR = 1e6

Point = tuple[float, float]


class Box(NamedTuple):
    """A rectangle [px]."""

    x: float
    y: float
    width: float
    height: float

    def port(self, number: int, count: int) -> float:
        """Return the height at which one of so many ports of a side is."""
        step = min(_PORT_STEP, self.height / (count + 1))
        return self.y + self.height / 2 + (number - (count - 1) / 2) * step


class Size(NamedTuple):
    """How large a component is drawn [px], and how many ports it has."""

    width: float
    height: float
    inputs: int
    outputs: int


class Ends(NamedTuple):
    """Which ports a connection leaves and enters, counted from the top."""

    output: int
    input: int


@dataclass(slots=True)
class Layout:
    """Where everything is drawn [px].

    Args:
        width: Of the whole.
        height: Of the whole.
        components: By number.
        nodes: By name.
        machines: By name.
        lines: By connection, from the output port to the input port.
    """

    width: float
    height: float
    components: list[Box]
    nodes: dict[str, Box]
    machines: dict[str, Box]
    lines: list[list[Point]] = field(default_factory=list)


def lay_out(
    grid: Grid,
    sizes: Sequence[Size],
    links: Sequence[Link],
    ends: Sequence[Ends],
    ways: Sequence[Way],
) -> Layout:
    """Return where everything is drawn.

    Args:
        grid: Where everything stands.
        sizes: How large each component is.
        links: What is connected.
        ends: The ports of each connection.
        ways: The gaps and channels of each connection.
    """
    rows = _rows(grid, sizes, links, ways)
    boxes = [
        Box(0, rows.middle(row) - size.height / 2, size.width, size.height)
        for row, size in zip(grid.rows, sizes, strict=True)
    ]
    heights = [
        (
            boxes[link.source].port(end.output, sizes[link.source].outputs),
            boxes[link.target].port(end.input, sizes[link.target].inputs),
        )
        for link, end in zip(links, ends, strict=True)
    ]
    columns = _columns(grid, sizes, _ups_and_downs(links, ways, heights, rows))
    boxes = [
        box._replace(x=columns.middle(column) - box.width / 2)
        for box, column in zip(boxes, grid.columns, strict=True)
    ]

    def border(area: Area, *, is_machine: bool) -> Box:
        x, right = columns.around(area.left, area.right, is_machine=is_machine)
        y, bottom = rows.around(area.top, area.bottom, is_machine=is_machine)
        return Box(x, y, right - x, bottom - y)

    layout = Layout(
        columns.end,
        rows.end,
        boxes,
        {name: border(x, is_machine=False) for name, x in grid.nodes.items()},
        {name: border(x, is_machine=True) for name, x in grid.machines.items()},
    )
    for link, way, (start, end) in zip(links, ways, heights, strict=True):
        source, target = boxes[link.source], boxes[link.target]
        into = columns.track(way.into, link.net)
        points = [(source.x + source.width, start)]
        if way.channel is not None:
            out = columns.track(way.out, link.net)
            level = rows.track(way.channel, link.net)
            points += [(out, start), (out, level), (into, level), (into, end)]
        elif start != end:
            points += [(into, start), (into, end)]
        layout.lines.append([*points, (target.x, end)])
    return layout


def _rows(
    grid: Grid, sizes: Sequence[Size], links: Sequence[Link], ways: Sequence[Way]
) -> Bands:
    needs = Needs()
    for link, way in zip(links, ways, strict=True):
        if way.channel is not None:
            needs.add(way.channel, link.net, way.out.place, way.into.place)
    nodes, machines = grid.nodes.values(), grid.machines.values()
    return Bands(
        largest(grid.rows, [size.height for size in sizes], grid.height),
        Borders(
            frozenset(x.top for x in nodes), frozenset(x.top for x in machines), 34, 34
        ),
        Borders(
            frozenset(x.bottom for x in nodes),
            frozenset(x.bottom for x in machines),
            *(10, 14),
        ),
        before=4,
        after=4,
        free=_FREE,
        tracks=needs.tracks(),
    )


def _columns(grid: Grid, sizes: Sequence[Size], needs: Needs) -> Bands:
    nodes, machines = grid.nodes.values(), grid.machines.values()
    return Bands(
        largest(grid.columns, [size.width for size in sizes], grid.width),
        Borders(
            frozenset(x.left for x in nodes), frozenset(x.left for x in machines), 4, 14
        ),
        Borders(
            frozenset(x.right for x in nodes),
            frozenset(x.right for x in machines),
            *(8, 14),
        ),
        before=_BEFORE,
        after=_AFTER,
        free=_FREE,
        tracks=needs.tracks(),
    )


def _ups_and_downs(
    links: Sequence[Link],
    ways: Sequence[Way],
    heights: Sequence[tuple[float, float]],
    rows: Bands,
) -> Needs:
    """Return what each net needs of each gap.

    Of lines that go up, the one that begins highest turns first, of those that go down
    the one that begins lowest: so they do not cross.
    """
    needs = Needs()
    for link, way, (start, end) in zip(links, ways, heights, strict=True):
        if way.channel is not None:
            level = rows.track(way.channel, link.net)
            first = needs.add(way.out, link.net, start, level)
            first.before.add(start)
            first.slope = _FAR - start if level > start else start - _FAR
            last = needs.add(way.into, link.net, level, end)
            last.beyond.add(end)
            last.slope = _FAR - level if end > level else level - _FAR
        elif start != end:
            only = needs.add(way.into, link.net, start, end)
            only.before.add(start)
            only.beyond.add(end)
            only.slope = _FAR - start if end > start else start - _FAR
    return needs
