"""A node's components in groups that can run a tick through without waiting.

Components of one node belong to one segment when the same connections between nodes lie
upstream of them that carry a value within its tick. So the segments of all nodes form a
graph without a cycle, and what is inside a segment never waits for another process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from like_keras_core.graph.checks import execution_order, within_tick
from like_keras_core.graph.once import once_per_spec
from like_keras_core.spec import ConnectionSpec, SystemSpec


@dataclass(frozen=True, slots=True)
class Segment:
    """Components of one node that run a tick together.

    Args:
        node: Their node.
        depth: Crossings between nodes on the longest way to them.
        order: Indexes of the components in the spec, in execution order.
    """

    node: str
    depth: int
    order: tuple[int, ...]


@once_per_spec
def segments_of(spec: SystemSpec) -> tuple[Segment, ...]:
    """Return the segments of every node, by their first component's place."""
    return _grouped(spec, within_tick(spec))


@once_per_spec
def skipping_segments_of(spec: SystemSpec) -> tuple[Segment, ...]:
    """Return the segments of a run in which only sync inputs wait for other nodes.

    One segment of each node has no sync input of another node upstream of it: the clock
    alone says when it runs. Only what such an input feeds may still be held up.
    """
    inputs = spec.inputs()
    connections = within_tick(spec)
    return _grouped(spec, [x for x in connections if inputs[x.target].policy == "sync"])


@once_per_spec
def catching_up(spec: SystemSpec) -> tuple[str, ...]:
    """Return the inputs that may hold their components up in a run that skips.

    They are sync inputs of another node's ports: nothing that was sent is lost, so that
    what comes late comes in a row, by at most the window. What they feed by sync inputs
    catches up with them. All else goes by its own clock.
    """
    nodes = {component.name: component.node for component in spec.components}
    inputs = spec.inputs()
    return tuple(
        connection.target
        for connection in within_tick(spec)
        if inputs[connection.target].policy == "sync"
        and nodes[connection.producer] != nodes[connection.consumer]
    )


def _grouped(
    spec: SystemSpec, connections: Iterable[ConnectionSpec]
) -> tuple[Segment, ...]:
    """Group components by the crossings of some connections upstream of them."""
    order = execution_order(spec)
    index = {component.name: n for n, component in enumerate(spec.components)}
    nodes = [component.node for component in spec.components]
    sources: list[list[tuple[int, str]]] = [[] for _ in spec.components]
    for connection in connections:
        source = index[connection.producer]
        target = index[connection.consumer]
        sources[target].append((source, connection.source))
    bits: dict[tuple[str, str], int] = {}
    upstream = [0] * len(spec.components)
    depth = [0] * len(spec.components)
    groups: dict[tuple[str, int], list[int]] = {}
    for n in order:
        for source, port in sources[n]:
            upstream[n] |= upstream[source]
            crossed = nodes[source] != nodes[n]
            depth[n] = max(depth[n], depth[source] + crossed)
            if crossed:
                upstream[n] |= 1 << bits.setdefault((port, nodes[n]), len(bits))
        groups.setdefault((nodes[n], upstream[n]), []).append(n)
    return tuple(
        Segment(node, max(depth[n] for n in members), tuple(members))
        for (node, _), members in groups.items()
    )
