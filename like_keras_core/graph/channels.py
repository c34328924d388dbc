"""Which channels lead between the nodes of a system, and their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from like_keras_core.graph.once import once_per_spec
from like_keras_core.spec import SystemSpec, component_of


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """One output port's way to one other node.

    Args:
        number: The same in every process.
        source: The port's address.
        producer: The node that it is on.
        consumer: The node that reads it.
        latest: Whether every reader there takes whatever came last.
    """

    number: int
    source: str
    producer: str
    consumer: str
    latest: bool


@once_per_spec
def channels_of(spec: SystemSpec) -> tuple[ChannelSpec, ...]:
    """Return the channels of a system, in the order of its connections.

    An output port has one channel to each other node that reads it, however many
    components do so there. Connections within a node are not among them.
    """
    nodes = {component.name: component.node for component in spec.components}
    inputs = spec.inputs()
    found: dict[tuple[str, str], bool] = {}
    for connection in spec.connections:
        producer = nodes[connection.producer]
        consumer = nodes[connection.consumer]
        if producer != consumer:
            latest = (
                inputs[connection.target].policy == "latest" and not connection.delay
            )
            key = (connection.source, consumer)
            found[key] = found.get(key, True) and latest
    return tuple(
        ChannelSpec(n, source, nodes[component_of(source)], consumer, latest)
        for n, ((source, consumer), latest) in enumerate(found.items())
    )
