"""The row of each component of one node: near the rows of what it is connected to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

_SWEEPS = 4


def rows_of(
    members: Sequence[int],
    columns: Sequence[int],
    before: Mapping[int, Sequence[int]],
    after: Mapping[int, Sequence[int]],
) -> dict[int, int]:
    """Return the row of each component of a node, without empty rows.

    Args:
        members: The components, by number, in the order of the system.
        columns: The column of each component of the system.
        before: What feeds each component.
        after: What each component feeds.

    References:
        Sugiyama, Tagawa & Toda, "Methods for Visual Understanding of Hierarchical
        System Structures", *IEEE Transactions on Systems, Man, and Cybernetics*
        11(2), 1981: sweeps over the layers, to and fro, that move each component to
        the barycenter of its neighbours. There are no dummy vertices here; neighbours
        in any layer count, and a row is kept, not only an order.
    """
    layers: dict[int, list[int]] = defaultdict(list)
    for n in members:
        layers[columns[n]].append(n)
    rows = {n: row for layer in layers.values() for row, n in enumerate(layer)}
    order = sorted(layers)
    for sweep in range(_SWEEPS):
        is_forward = sweep % 2 == 0
        for column in order if is_forward else reversed(order):
            near = before if is_forward else after
            wanted = {}
            for n in layers[column]:
                found = [rows[other] for other in near.get(n, ()) if other in rows]
                wanted[n] = sum(found) / len(found) if found else float(rows[n])
            layer = sorted(layers[column], key=lambda n: (wanted[n], rows[n], n))
            placed = spread([wanted[n] for n in layer])
            rows.update(zip(layer, placed, strict=True))
    used = {row: n for n, row in enumerate(sorted(set(rows.values())))}
    return {n: used[row] for n, row in rows.items()}


def spread(wanted: Sequence[float]) -> list[int]:
    """Return whole numbers, each above the one before, near those that are wanted.

    The nearest by least squares, before rounding: what is too close together is pooled
    (isotonic regression of each number less its position).

    Args:
        wanted: Numbers, none below the one before.

    References:
        Ayer, Brunk, Ewing, Reid & Silverman, "An Empirical Distribution Function for
        Sampling with Incomplete Information", *Annals of Mathematical Statistics*
        26(4), 1955: to pool adjacent violators.
    """
    pools: list[tuple[float, int]] = []
    for n, number in enumerate(wanted):
        mean, size = number - n, 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean = (mean * size + other * count) / (size + count)
            size += count
        pools.append((mean, size))
    starts = [round(mean) for mean, size in pools for _ in range(size)]
    return [start + n for n, start in enumerate(starts)]
