"""What the processes of a run have done: the statistics of each node, and their sum.

Each process gives those of its node, at the end and whenever a user looks; the launcher
merges them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from like_keras_core.report import ComponentReport, ConnectionReport
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.spec import ConnectionSpec

if TYPE_CHECKING:
    from like_keras_core.graph.channels import ChannelSpec
    from like_keras_core.runtime.control.run_plan import RunPlan
    from like_keras_core.runtime.flow import Sender
    from like_keras_core.runtime.host.node_host import NodeHost


@dataclass(frozen=True, slots=True)
class NodeStatistics:
    """What one node has done.

    Args:
        components: By component.
        messages: Values emitted, by output port.
        bytes: Encoded bytes sent, by port and reading node: `"camera.output -> b"`.
        in_flight: Values that the reader has not finished with, by the same.
        received: By input port from outside a segment: the median time from emission
            to firing [s], where it was measured, and with how many values its component
            was fired, where its policy is `latest`.
        late_ticks: Ticks that began after their deadline.
        realtime: What became of real-time rights there: a sentence each.
    """

    components: Mapping[str, ComponentReport]
    messages: Mapping[str, int]
    bytes: Mapping[str, int]
    in_flight: Mapping[str, int]
    received: Mapping[str, tuple[float | None, int | None]]
    late_ticks: int
    realtime: tuple[str, ...] = ()


def node_statistics(
    host: NodeHost, senders: Iterable[tuple[ChannelSpec, Sender]], cut: StopPoint
) -> NodeStatistics:
    """Return what a node has done below a stop point, and what is under way from it.

    Args:
        host: The node's host.
        senders: The channels that leave it, each with its end here.
        cut: What lies above this does not count.
    """
    components, messages = host.counts(cut)
    sent, in_flight = {}, {}
    for channel, sender in senders:
        name = f"{channel.source} -> {channel.consumer}"
        sent[name] = sender.statistics.bytes
        in_flight[name] = sender.window - sender.credit()
    return NodeStatistics(
        components=components,
        messages=messages,
        bytes=sent,
        in_flight=in_flight,
        received=host.received(),
        late_ticks=host.late_ticks,
        realtime=host.realtime,
    )


class MergedStatistics:
    """The statistics of all nodes as one.

    Args:
        plan: What runs.
        nodes: Those of each node; of some, where others were lost.
    """

    def __init__(self, plan: RunPlan, nodes: Iterable[NodeStatistics]) -> None:
        self.spec, self._machines = plan.spec, plan.machines
        self._components: dict[str, ComponentReport] = {}
        self._messages: dict[str, int] = {}
        self._bytes: dict[str, int] = {}
        self._in_flight: dict[str, int] = {}
        self._received: dict[str, tuple[float | None, int | None]] = {}
        self.late_ticks = 0
        self.realtime: tuple[str, ...] = ()
        for node in nodes:
            self.late_ticks = max(self.late_ticks, node.late_ticks)
            self.realtime += node.realtime
            self._components |= node.components
            self._messages |= node.messages
            self._bytes |= node.bytes
            self._in_flight |= node.in_flight
            self._received |= node.received

    def components(self) -> dict[str, ComponentReport]:
        """Return what each component did."""
        nothing = ComponentReport()
        names = [item.name for item in self.spec.components]
        return {name: self._components.get(name, nothing) for name in names}

    def connections(self, *, is_running: bool = False) -> dict[str, ConnectionReport]:
        """Return what each connection carried."""
        nodes = {item.name: item.node for item in self.spec.components}
        return {
            str(item): self._connection(item, nodes, is_running)
            for item in self.spec.connections
        }

    def _connection(
        self,
        connection: ConnectionSpec,
        nodes: Mapping[str, str],
        is_running: bool,
    ) -> ConnectionReport:
        producer = nodes[connection.producer]
        consumer = nodes[connection.consumer]
        latency, taken = self._received.get(connection.target, (None, None))
        sent = self._messages.get(connection.source, 0)
        way = f"{connection.source} -> {consumer}"
        return ConnectionReport(
            messages=sent,
            bytes=self._bytes.get(way, 0),
            dropped=0 if taken is None or is_running else max(0, sent - taken),
            latency_p50_s=latency if self._is_near(producer, consumer) else None,
            in_flight=self._in_flight.get(way, 0) if is_running else 0,
        )

    def _is_near(self, producer: str, consumer: str) -> bool:
        """Say whether two nodes share a machine, and so a clock."""
        return self._machines[producer] == self._machines[consumer]
