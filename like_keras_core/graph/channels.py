"""Which channels lead between the nodes of a system, and their numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

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


def channels_of_run(
    spec: SystemSpec, *, skips: bool = False, repeats: bool = False
) -> tuple[ChannelSpec, ...]:
    """Return the channels of a system as a run uses them.

    Args:
        spec: The system.
        skips: Whether every input that fires nothing takes what is there.
        repeats: Whether inputs wait for the values that they took in another run, so
            that all of them must arrive.
    """
    found = channels_of(spec)
    if repeats:
        return tuple(replace(channel, latest=False) for channel in found)
    if not skips:
        return found
    nodes = {component.name: component.node for component in spec.components}
    inputs = spec.inputs()
    waits = {
        (connection.source, nodes[connection.consumer])
        for connection in spec.connections
        if connection.delay is None and inputs[connection.target].policy == "sync"
    }
    return tuple(
        replace(channel, latest=(channel.source, channel.consumer) not in waits)
        for channel in found
    )
