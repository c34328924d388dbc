"""What our process beside a dora node that is not ours does: values out, values in.

A `Bridge` belongs to the process, and the process's one component, a `DoraNode`, finds
it with `bridge_of`. The transport brings what dora delivers; the component sends, and
waits for its values. While it waits the process does everything else that it has to: it
reads what dora delivers, hands out credits, answers the launching process, and learns
of a stop.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from like_keras_core.engine_kit import ArrivalReader, ExternalInput, NodeProcess
from like_keras_core.errors import EndOfStream, EngineError
from like_keras_core.spec import SystemSpec, split_address
from lk_engine_dora.arrow_values import to_arrow, to_numpy
from lk_engine_dora.edges import ENDED, edges_of, host_id
from lk_engine_dora.external_nodes import ARRIVAL, FRESH, foreign_nodes, shows_numpy

QUIET_S = 1.0
"""How long nothing may have come after the end of a node before it counts [s].

dora says that a node has ended before it delivers the last of what the node sent.
"""

_PRINTED = " with stderr output:"
_LINES = 20

_bridges: dict[str, Bridge] = {}


class NodeFailedError(EngineError):
    """A dora node that is not ours has ended with an error.

    Args:
        node: Its id.
        how: What dora says of it: the exit code or the signal, and what it printed.
    """

    def __init__(self, node: str, how: str) -> None:
        self.node, self.how = node, how
        first, *rest = how.strip().splitlines() or ["has failed"]
        text = f"The dora node {node!r} {first.removesuffix(_PRINTED)}."
        printed = [line for line in rest if line.strip("-")]
        if printed:
            text += " The end of what it printed:\n" + "\n".join(printed[-_LINES:])
        super().__init__(text)


def open_bridge(spec: SystemSpec, name: str, node: Any) -> Bridge | None:
    """Make this process's bridge; None if its node of the system is one of ours.

    Args:
        spec: The system.
        name: The node of the system.
        node: The dora node that this process is.
    """
    if name not in foreign_nodes(spec):
        return None
    bridge = Bridge(spec, name, node)
    _bridges[bridge.component] = bridge
    return bridge


def bridge_of(component: str) -> Bridge | None:
    """Return the bridge of a component, by its address; None in other processes."""
    return _bridges.get(component)


class Bridge:
    """The way between a process of ours and the dora node that it speaks for.

    Args:
        spec: The system.
        name: The node of the system.
        node: The dora node that this process is.
    """

    def __init__(self, spec: SystemSpec, name: str, node: Any) -> None:
        foreign = foreign_nodes(spec)
        self.name = name
        self.component = foreign[name].name
        self._outside: ExternalInput | None = None
        self._node = node
        self._failure = ""
        host = host_id(name, foreign)
        edges = [
            edge
            for edge in edges_of(spec)
            if edge.kind == "arrow" and edge.producer == name
        ]
        self._inputs = {edge.input for edge in edges if edge.start == host}
        self._foreign = foreign[name]
        self.readers = {
            edge.output: self._reader(edge.output) for edge in edges if edge.end == host
        }
        self._views = {
            port
            for port in self.readers
            if shows_numpy(spec, f"{self.component}.{port}")
        }
        self._closed: set[str] = set()
        self._changed_at = 0.0

    def _reader(self, port: str) -> ArrivalReader:
        given = self._foreign
        return ArrivalReader(
            given.read,
            logging.getLogger(f"like_keras.{self.component}"),
            f"the dora node {self.name!r} ({port})",
            max_age_s=given.max_age_s,
            stale_after_s=given.stale_after_s,
            backlog=given.backlog,
        )

    def join(self, member: NodeProcess) -> None:
        """Know the process, before anything is delivered."""
        who = f"the dora node {self.name!r}"
        advice = "A node with inputs must answer each of them."
        self._outside = ExternalInput(member, self.component, who, advice)

    def take(self, event: Mapping[str, Any]) -> bool:
        """Take in an event of dora; return whether it was for here."""
        kind = event["type"]
        if kind == "NODE_FAILED":
            found = event["value"]
            if found["source_node_id"] != self.name:
                return False
            self._failure = self._failure or found["error"]
        elif kind in ("INPUT", "INPUT_CLOSED"):
            component, port = split_address(event["id"])
            if event["id"] == ENDED:
                port = ENDED
            elif component != self.component or port not in self.readers:
                return False
            if kind == "INPUT_CLOSED":
                self._closed.add(port)
            elif port != ENDED:
                value = event["value"]
                size = getattr(value, "nbytes", 0)
                self.readers[port].queue.put((value, event["metadata"]), size=size)
        else:
            return False
        self._changed_at = time.monotonic()
        return True

    def over(self) -> None:
        """Know that dora delivers nothing any more."""
        if self._outside is not None:
            self._outside.is_cut_off = True

    def step(self, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Do one tick: send the values of the inputs, then wait for the outputs'.

        Args:
            inputs: By port; None is not sent.

        Returns:
            By port, for those that are connected; None if none is.

        Raises:
            EndOfStream: The node has ended, or the run is to stop.
            EngineError: The node has ended with an error, or it keeps a run that has
                failed from ending.
            TypeError: A value cannot be sent, or not be shown as it should.
        """
        if self._failure and not self.readers:
            raise self._error()
        for port, value in inputs.items():
            if value is not None and port in self._inputs:
                where = f"The value for {self.component}.{port}"
                array, metadata = to_arrow(value, where)
                self._node.send_output(f"{self.component}.{port}", array, metadata)
        if self._foreign.read is not None:
            return self._come()
        if self._outside is not None:
            self._outside.begin()
        found = {port: self._next(port) for port in self.readers}
        return found or None

    def _come(self) -> dict[str, Any]:
        """Return what has come, without waiting."""
        if self._outside is not None:
            self._outside.poll()
        found: dict[str, Any] = {}
        told: dict[str, Any] = {}
        is_all = self._foreign.read == "all"
        for port, reader in self.readers.items():
            arrivals = reader.read()
            if not arrivals:
                self._check(port)
            values = [self._shown(port, *item.value) for item in arrivals]
            if is_all or values:
                known = [reader.told(item) for item in arrivals]
                found[port] = values if is_all else values[0]
                told[port] = known if is_all else known[0]
        if self._foreign.arrival:
            found[ARRIVAL] = told or None
        if self._foreign.stale_after_s is not None:
            found[FRESH] = all(reader.is_fresh for reader in self.readers.values())
        return found

    def _next(self, port: str) -> Any:
        reader = self.readers[port]
        while not reader.queue:
            if self._outside is not None:
                self._outside.check()
            self._check(port)
            assert self._outside is not None
            self._outside.wait()
        (arrival,) = reader.read()
        return self._shown(port, *arrival.value)

    def _shown(self, port: str, array: Any, metadata: Mapping[str, Any]) -> Any:
        if port in self._views:
            where = f"A value of {self.component}.{port}"
            return to_numpy(array, metadata, where)
        return array

    def _check(self, port: str) -> None:
        """Raise if the node has ended, and all that it sent was read."""
        now = time.monotonic()
        is_closed = not self._closed.isdisjoint((port, ENDED))
        is_quiet = now - self._changed_at > QUIET_S
        if (is_closed or self._failure) and is_quiet and not self.readers[port].queue:
            if self._failure:
                raise self._error()
            raise EndOfStream(
                f"The dora node {self.name!r} has ended; there is no further value of "
                f"{self.component}.{port}."
            )

    def _error(self) -> NodeFailedError:
        return NodeFailedError(self.name, self._failure)
