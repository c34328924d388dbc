"""Puts components into cells, nodes around them, and machines around those."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from like_keras_core.view.page.grid import Area, Grid, Link
from like_keras_core.view.page.layering import columns_of, fold
from like_keras_core.view.page.ordering import rows_of


def place(
    nodes: Sequence[str], machines: dict[str, str], links: Sequence[Link]
) -> Grid:
    """Return the cell of each component.

    No two nodes of a machine share a cell of the rectangles around them, nor do two
    machines; side by side they share rows.

    Args:
        nodes: The node of each component.
        machines: The machine of each node.
        links: What is connected.
    """
    layers = columns_of(nodes, links)
    columns, lines = fold(layers, nodes)
    before: dict[int, list[int]] = defaultdict(list)
    after: dict[int, list[int]] = defaultdict(list)
    for link in links:
        if not link.is_delayed:
            before[link.target].append(link.source)
            after[link.source].append(link.target)
    grid = Grid(columns, [0] * len(nodes))
    members: dict[str, list[int]] = defaultdict(list)
    for n, node in enumerate(nodes):
        members[node].append(n)
    inside: dict[str, dict[int, int]] = {}
    for node, items in members.items():
        rows = _in_lines(rows_of(items, layers, before, after), lines)
        inside[node] = rows
        grid.nodes[node] = Area(
            min(columns[n] for n in items),
            max(columns[n] for n in items),
            max(rows.values()) + 1,
        )
    houses: dict[str, list[str]] = defaultdict(list)
    for node in members:
        houses[machines[node]].append(node)
    for machine, names in houses.items():
        areas = [grid.nodes[name] for name in names]
        pack(areas)
        grid.machines[machine] = Area(
            min(area.left for area in areas),
            max(area.right for area in areas),
            max(area.bottom for area in areas) + 1,
        )
    pack(grid.machines.values())
    for machine, names in houses.items():
        for name in names:
            grid.nodes[name].top += grid.machines[machine].top
            for n, row in inside[name].items():
                grid.rows[n] = grid.nodes[name].top + row
    return grid


def pack(areas: Iterable[Area]) -> None:
    """Move areas up as far as they go, from the left, without overlaps."""
    placed: list[Area] = []
    for area in sorted(areas, key=lambda area: area.left):
        tops = {0, *(other.bottom + 1 for other in placed)}
        for area.top in sorted(tops):
            if not any(area.overlaps(other) for other in placed):
                break
        placed.append(area)


def _in_lines(rows: dict[int, int], lines: Sequence[int]) -> dict[int, int]:
    """Put the lines of a folded node under one another."""
    heights: dict[int, set[int]] = defaultdict(set)
    for n, row in rows.items():
        heights[lines[n]].add(row)
    found, top = {}, 0
    for line in sorted(heights):
        used = {row: top + n for n, row in enumerate(sorted(heights[line]))}
        found.update({n: used[row] for n, row in rows.items() if lines[n] == line})
        top += len(used)
    return found
