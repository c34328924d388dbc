"""The connections that lead into the segments of a node, and out of them."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from like_keras_core.runtime.host.choosing_buffers import InputRules
from like_keras_core.runtime.host.fan_out import FanOut
from like_keras_core.runtime.host.input_buffers import PortBuffer
from like_keras_core.runtime.host.pending_results import PendingResult
from like_keras_core.runtime.host.segment_runner import SegmentRunner
from like_keras_core.spec import ConnectionSpec, SystemSpec, component_of
from like_keras_core.values.config_json import decode
from like_keras_core.values.semantics import snapshot


class SegmentWiring:
    """Where the values of one node's segments come from, and where they go.

    First `open` every segment, then `inlet` each connection that leads into one: a
    segment's outputs are there before another one of this node reads them.

    Args:
        spec: The whole system.
        pending: What those of this node's components have under way that take ticks.
        components: Those of this node.
        window: Values in flight on a connection.
        released: Called with a port's address and a tick when this node has finished
            that tick of a port of another node.
        rules: How inputs are read that are not bound to one value a tick.

    Attributes:
        inputs: By port address of other nodes, what keeps its values for the segments
            here that read it.
        locals: The same for ports of this node that its other segments read.
        outlets: By port address of this node, everybody who reads it outside of its
            segment, on this node and on others.
    """

    def __init__(
        self,
        spec: SystemSpec,
        pending: Mapping[str, PendingResult],
        components: Container[str],
        window: int,
        released: Callable[[str, int], object],
        rules: InputRules,
    ) -> None:
        self.spec = spec
        self.rules = rules
        self.pending = pending
        self.takes = {item.name: item.takes for item in spec.components}
        self.components = components
        self.window = window
        self.released = released
        self.inputs: dict[str, PortBuffer] = {}
        self.locals: dict[str, PortBuffer] = {}
        self.outlets: dict[str, FanOut] = {}

    def open(self, runner: SegmentRunner) -> None:
        """Find the ports of a segment that are read outside of it."""
        inside = {self.spec.components[n].name for n in runner.segment.order}
        for connection in self.spec.connections:
            source = connection.source
            if component_of(source) not in inside:
                continue
            target = connection.consumer
            if target in inside:
                continue
            outlet = self.outlets.setdefault(source, FanOut())
            if target in self.components and outlet.local is None:
                outlet.local = self.locals[source] = PortBuffer(source, self.window)
        runner.pending = [x for name, x in self.pending.items() if name in inside]
        runner.outlets = {
            source: outlet
            for source, outlet in self.outlets.items()
            if component_of(source) in inside
            and component_of(source) not in self.pending
        }
        for pending in runner.pending:
            component = self.spec.component(pending.name)
            ports = map(component.address_of, component.outputs)
            outlets = [self.outlets.get(address) for address in ports]
            pending.outlets = outlets if any(outlets) else []
            for outlet in filter(None, outlets):
                # Before that there is no result, which everybody knows.
                outlet.answered = pending.takes - 1

    def inlet(
        self, runner: SegmentRunner, connection: ConnectionSpec, policy: str
    ) -> Callable[[int], Any]:
        """Return what gives a segment the values of a connection, tick by tick.

        Args:
            runner: The segment.
            connection: The connection.
            policy: How its values are read: `"sync"`, `"hold"`, `"latest"`, `"delay"`.
        """
        source = connection.source
        if component_of(source) in self.components:
            channel = self.locals[source]
        else:
            channel = self.inputs.setdefault(
                source,
                PortBuffer(
                    source, self.window, lambda tick: self.released(source, tick)
                ),
            )
        takes = self.takes[connection.producer]
        if connection.delay is None:
            inlet = self.rules.buffer(connection.target, policy, takes=takes)
        else:
            initial = snapshot(decode(connection.delay.initial))
            inlet = self.rules.buffer(connection.target, "delay", initial, takes=takes)
        channel.inlets.append(inlet)
        runner.inlets.append((channel, inlet))
        return inlet.take
