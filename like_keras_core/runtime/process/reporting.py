"""What the process of a node reports to the launcher: statistics, records, traces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from like_keras_core.errors import NotSerializableError
from like_keras_core.runtime.control import protocol
from like_keras_core.runtime.control.connection import ProcessConnection
from like_keras_core.runtime.control.payloads import (
    batches_of,
    failure_of,
    failures_of,
    parts_of,
)
from like_keras_core.runtime.control.statistics import node_statistics
from like_keras_core.runtime.host.node_choices import NodeChoices
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.process.endpoints import Endpoints
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.spec import component_of


def send_statistics(
    connection: ProcessConnection, host: NodeHost, endpoints: Endpoints
) -> None:
    """Send what a node has done so far.

    Args:
        connection: The control channel to the launcher.
        host: The node's host.
        endpoints: The node's ends of channels.
    """
    so_far = StopPoint(min(host.progress, host.cut.tick), 0)
    statistics = node_statistics(host, endpoints.senders.values(), so_far)
    connection.send(protocol.Statistics(statistics))


def send_report(
    connection: ProcessConnection, host: NodeHost, endpoints: Endpoints
) -> None:
    """Send what a node has done below the end of the run, and all that it kept.

    Args:
        connection: The control channel to the launcher.
        host: The node's host.
        endpoints: The node's ends of channels.
    """
    statistics = node_statistics(host, endpoints.senders.values(), host.cut)
    failures = failures_of(host.failure or host.lateness.failure)
    connection.send(protocol.Report(statistics, failures))
    choices = NodeChoices.of(host)
    for has_more, part in parts_of(choices.to_json()) if choices else ():
        connection.send(protocol.ChoicesMade(has_more, part))
    for address, values in host.recorded().items():
        _send_records(connection, address, values)
    for kind, name, data in host.trace.parts() if host.trace else ():
        connection.send(protocol.Trace(kind, name, data))


def _send_records(
    connection: ProcessConnection, address: str, values: Sequence[tuple[int, Any]]
) -> None:
    try:
        for data in batches_of(values, f"output {address!r}"):
            for has_more, part in parts_of(data):
                connection.send(protocol.Records(address, has_more, part))
    except NotSerializableError as error:
        failure = failure_of(component_of(address), "record", error)
        connection.send(protocol.RecordsFailed(failure))
