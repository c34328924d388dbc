"""The column of each component: what feeds it within a tick stands to its left."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from like_keras_core.view.page.grid import Link

DEEPEST = 16
"""A node with more columns than that goes on in the next line."""

FOLDED = 12
"""How many columns the lines of such a node have."""


def columns_of(nodes: Sequence[str], links: Sequence[Link]) -> list[int]:
    """Return the column of each component.

    Delayed links do not count; a cycle without a delay, which no sound system has,
    is cut at the first of its components. A component that nothing feeds stands
    directly before what it feeds; one without any link, by the first of its node.

    Args:
        nodes: The node of each component.
        links: What is connected.

    References:
        Sugiyama, Tagawa & Toda, "Methods for Visual Understanding of Hierarchical
        System Structures", *IEEE Transactions on Systems, Man, and Cybernetics*
        11(2), 1981: layers first, then the order within each.
        Kahn, "Topological Sorting of Large Networks", *Communications of the ACM*
        5(11), 1962; the layer is the length of the longest path to a component.
    """
    size = len(nodes)
    after: list[list[int]] = [[] for _ in range(size)]
    waits = [0] * size
    for link in links:
        if not link.is_delayed and link.source != link.target:
            after[link.source].append(link.target)
            waits[link.target] += 1
    fed = [count > 0 for count in waits]
    columns = [0] * size
    waiting = set(range(size))
    ready = [n for n in range(size) if not waits[n]]
    while waiting:
        first = heapq.heappop(ready) if ready else min(waiting)
        if first not in waiting:
            continue
        waiting.remove(first)
        for target in after[first]:
            if target not in waiting:
                continue
            columns[target] = max(columns[target], columns[first] + 1)
            waits[target] -= 1
            if not waits[target]:
                heapq.heappush(ready, target)
    for n in range(size):
        if not fed[n] and after[n]:
            columns[n] = max(0, min(columns[target] for target in after[n]) - 1)
    linked = [fed[n] or bool(after[n]) for n in range(size)]
    begins: dict[str, int] = {}
    for n, node in enumerate(nodes):
        if linked[n]:
            begins[node] = min(begins.get(node, columns[n]), columns[n])
    for n, node in enumerate(nodes):
        if not linked[n]:
            columns[n] = begins.get(node, 0)
    return columns


def fold(columns: Sequence[int], nodes: Sequence[str]) -> tuple[list[int], list[int]]:
    """Break nodes that are too wide into lines.

    Args:
        columns: The column of each component.
        nodes: The node of each component.

    Returns:
        The columns without those that became empty, and the line of each component
        within its node.
    """
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for column, node in zip(columns, nodes, strict=True):
        first[node] = min(first.get(node, column), column)
        last[node] = max(last.get(node, column), column)
    folded, lines = [], []
    for column, node in zip(columns, nodes, strict=True):
        line = 0
        if last[node] - first[node] >= DEEPEST:
            line, rest = divmod(column - first[node], FOLDED)
            column = first[node] + rest
        folded.append(column)
        lines.append(line)
    used: Mapping[int, int] = {x: n for n, x in enumerate(sorted(set(folded)))}
    return [used[column] for column in folded], lines
