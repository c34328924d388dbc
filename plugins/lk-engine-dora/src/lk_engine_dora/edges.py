"""What crosses between the dora nodes of a system, and how it is called there.

The frames of a channel travel both ways: values to the consumer, acknowledgements back.
A dora output reaches all who subscribe to it, and a frame is for one process, so each
channel has an output of its own. The acknowledgements of all channels between two
processes share one, as far as they are sent: on one machine most are not
(`shared_acks.py`).

A dora node that is not ours has one of our processes beside it, which speaks for it
with the others: that one has the channels. Between the two are plain Arrow arrays, by
the names that the node has for its inputs and outputs. Where none lead one way, there
is a connection on which nothing is ever sent: when an input closes, the node on the
other side has ended.

And each of our processes has a connection with itself, on which its other threads wake
the one that waits for dora.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from like_keras_core.engine_kit import ChannelSpec, channels_of, once_per_spec
from like_keras_core.spec import SystemSpec, split_address
from lk_engine_dora.external_nodes import Foreign, foreign_nodes

Kind = Literal["data", "acks", "arrow", "end", "wake"]

ENDED = "lk-ended"
"""The output of a node that is not ours, and the input of one, for the end alone."""

WAKE = "lk-wake"
"""The output and the input of the connection that a process has with itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One output of a dora node as an input of another.

    Args:
        kind: `"data"`: frames of one channel; `"acks"`: what comes back, for all
            channels between the two; `"arrow"`: plain Arrow arrays, from or to a
            node that is not ours; `"end"`: nothing, until one of them has ended;
            `"wake"`: from a process to itself, what ends its wait.
        producer: The node of the system that sends.
        start: The dora node with the output.
        output: The output's name there.
        consumer: The node of the system that receives.
        end: The dora node with the input.
        input: The input's name there.
        source: The address of the port whose values these are; empty for `"acks"`,
            `"end"` and `"wake"`.
        latest: Whether only the newest value counts.
        channels: The numbers of the channels whose frames travel on it.
    """

    kind: Kind
    producer: str
    start: str
    output: str
    consumer: str
    end: str
    input: str
    source: str = ""
    latest: bool = False
    channels: tuple[int, ...] = ()


def host_id(node: str, foreign: Collection[str]) -> str:
    """Return the id of our process for a node of the system."""
    # No node's name has a dot.
    return f"{node}.host" if node in foreign else node


@once_per_spec
def edges_of(spec: SystemSpec) -> tuple[Edge, ...]:
    """Return the edges of a system, in the order of its connections."""
    foreign = foreign_nodes(spec)
    channels = channels_of(spec)
    data = [_data_edge(channel, foreign) for channel in channels]
    acks = _ack_edges(channels, foreign)
    arrays = list(_arrow_edges(spec, foreign))
    wakes = [_wake_edge(node.name, foreign) for node in spec.nodes]
    return (*data, *acks, *arrays, *_end_edges(arrays, foreign), *wakes)


def _data_edge(channel: ChannelSpec, foreign: Collection[str]) -> Edge:
    return Edge(
        kind="data",
        producer=channel.producer,
        start=host_id(channel.producer, foreign),
        output=f"{channel.source}.to.{channel.consumer}",
        consumer=channel.consumer,
        end=host_id(channel.consumer, foreign),
        input=channel.source,
        source=channel.source,
        latest=channel.latest,
        channels=(channel.number,),
    )


def _ack_edges(channels: Sequence[ChannelSpec], foreign: Collection[str]) -> list[Edge]:
    pairs: dict[tuple[str, str], list[int]] = {}
    for channel in channels:
        pair = (channel.consumer, channel.producer)
        pairs.setdefault(pair, []).append(channel.number)
    # No address is without a dot, so these names are not used by others.
    return [
        Edge(
            kind="acks",
            producer=consumer,
            start=host_id(consumer, foreign),
            output=f"acks-to-{producer}",
            consumer=producer,
            end=host_id(producer, foreign),
            input=f"acks-from-{consumer}",
            channels=tuple(numbers),
        )
        for (consumer, producer), numbers in pairs.items()
    ]


def _arrow_edges(spec: SystemSpec, foreign: Mapping[str, Foreign]) -> Iterator[Edge]:
    """Return what leads into and out of nodes that are not ours.

    On our side of it an input or output has its port's address as its name.
    """
    nodes = {component.name: component.node for component in spec.components}
    inputs = spec.inputs()
    taken = set()
    for connection in spec.connections:
        for address, is_output in (
            (connection.source, True),
            (connection.target, False),
        ):
            component, port = split_address(address)
            node = nodes[component]
            if node not in foreign or (address, is_output) in taken:
                continue
            if is_output and port in foreign[node].added:
                continue
            taken.add((address, is_output))
            host = host_id(node, foreign)
            if is_output:
                yield Edge(
                    kind="arrow",
                    producer=node,
                    start=node,
                    output=port,
                    consumer=node,
                    end=host,
                    input=address,
                    source=address,
                )
            else:
                yield Edge(
                    kind="arrow",
                    producer=node,
                    start=host,
                    output=address,
                    consumer=node,
                    end=node,
                    input=port,
                    source=connection.source,
                    latest=inputs[address].policy == "latest" and not connection.delay,
                )


def _end_edges(arrays: list[Edge], foreign: Collection[str]) -> Iterator[Edge]:
    """Return a connection each way between two that have none."""
    found = {(edge.start, edge.end) for edge in arrays}
    for node in foreign:
        host = host_id(node, foreign)
        for start, end in ((node, host), (host, node)):
            if (start, end) in found:
                continue
            yield Edge(
                kind="end",
                producer=node,
                start=start,
                output=ENDED,
                consumer=node,
                end=end,
                input=ENDED,
            )


def _wake_edge(node: str, foreign: Collection[str]) -> Edge:
    host = host_id(node, foreign)
    return Edge(
        kind="wake",
        producer=node,
        start=host,
        output=WAKE,
        consumer=node,
        end=host,
        input=WAKE,
    )
