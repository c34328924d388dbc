"""What the processes of a run report of it, and what that makes together.

An account is JSON: each process gives one of its node, at the end and whenever somebody
looks; the launching process merges them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from like_keras_core.graph.channels import ChannelSpec
from like_keras_core.report import ComponentReport, ConnectionReport
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.flow import Sender
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.spec import ConnectionSpec

NodeStatistics = Mapping[str, Any]


def node_statistics(
    host: NodeHost, senders: Iterable[tuple[ChannelSpec, Sender]], cut: StopPoint
) -> dict[str, Any]:
    """Return what a node has done below a cut, and what is under way from it."""
    components, messages = host.counts(cut)
    sent, in_flight = {}, {}
    for channel, sender in senders:
        name = f"{channel.source} -> {channel.consumer}"
        sent[name] = sender.statistics.bytes
        in_flight[name] = sender.window - sender.credit()
    return {
        "components": {
            name: [
                *(item.fired, item.absent, item.busy_s),
                *(item.latency_p50_s, item.latency_p99_s),
            ]
            for name, item in components.items()
        },
        "messages": messages,
        "bytes": sent,
        "in_flight": in_flight,
        "received": host.received(),
        "late_ticks": host.late_ticks,
    }


class MergedStatistics:
    """The accounts of all nodes as one.

    Args:
        plan: What runs.
        accounts: One of each node; of some, where others were lost.
    """

    def __init__(self, plan: RunPlan, accounts: Iterable[NodeStatistics]) -> None:
        self.spec, self._machines = plan.spec, plan.machines
        self._found: dict[str, dict[str, Any]] = {
            key: {}
            for key in ("components", "messages", "bytes", "in_flight", "received")
        }
        self.late_ticks = 0
        for account in accounts:
            self.late_ticks = max(self.late_ticks, account["late_ticks"])
            for key, found in self._found.items():
                found |= account[key]

    def components(self) -> dict[str, ComponentReport]:
        """Return what each component did."""
        nothing = (0, 0, 0.0, None, None)
        found = {}
        for item in self.spec.components:
            fired, absent, busy, p50, p99 = self._found["components"].get(
                item.name, nothing
            )
            found[item.name] = ComponentReport(
                fired=fired,
                absent=absent,
                busy_s=busy,
                latency_p50_s=p50,
                latency_p99_s=p99,
            )
        return found

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
        latency, taken = self._found["received"].get(connection.target, (None, None))
        sent = self._found["messages"].get(connection.source, 0)
        way = f"{connection.source} -> {consumer}"
        return ConnectionReport(
            messages=sent,
            bytes=self._found["bytes"].get(way, 0),
            dropped=0 if taken is None or is_running else max(0, sent - taken),
            latency_p50_s=latency if self._is_near(producer, consumer) else None,
            in_flight=self._found["in_flight"].get(way, 0) if is_running else 0,
        )

    def _is_near(self, producer: str, consumer: str) -> bool:
        """Say whether two nodes share a machine, and so a clock."""
        return self._machines[producer] == self._machines[consumer]
