"""Ports as topics with standard messages, for ROS nodes that know nothing of us."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from like_keras_core.errors import EngineError
from like_keras_core.spec import PortSpec, SystemSpec, component_of
from like_keras_core.tap import Tap
from lk_engine_ros2_stub.headers import Header, header_of
from lk_engine_ros2_stub.left_out import LeftOut
from lk_engine_ros2_stub.message_types import is_public, message_of
from lk_engine_ros2_stub.process_node import current
from lk_engine_ros2_stub.qos import Qos, read_qos
from lk_engine_ros2_stub.ros_topic import is_ros_topic, ros_topics

_ENTRY_POINT = "lk_engine_ros2_stub.public_topics:PublicPort"


def public_ports(spec: SystemSpec, node: str | None = None) -> dict[str, PortSpec]:
    """Return the ports that are public topics, by address.

    Args:
        spec: The system.
        node: Those of this node only; None is all.
    """
    return {
        component.address_of(port): port
        for component in spec.components
        if node in (None, component.node) and not is_ros_topic(component)
        for port in component.outputs
        if is_public(port)
    }


def messages_of(spec: SystemSpec) -> list[str]:
    """Return the types of the messages that a system's topics carry for others."""
    found = [message_of(port) for port in public_ports(spec).values()]
    return [*found, *(topic.type for topic in ros_topics(spec).values())]


def public_taps(spec: SystemSpec, node: str) -> list[Tap]:
    """Return what publishes the values of a node's public ports."""
    return [
        Tap(address, _ENTRY_POINT, {"address": address})
        for address in public_ports(spec, node)
    ]


class PublicPort:
    """Publishes each value of a port once.

    One that its message cannot carry is left out, and logged: what a system
    computes must not depend on who could look on.

    Args:
        address: The port's address.

    Raises:
        EngineError: This process is not a ROS node, or the message is not installed.
    """

    #: What sees the inputs of the component, where the header is from one of them.
    taken: Callable[[Mapping[str, Any]], None] | None = None

    def __init__(self, address: str) -> None:
        node = current()
        if node is None:
            raise EngineError(f"The process of {address!r} is not a ROS node.")
        self._component = component_of(address)
        self._log = logging.getLogger(f"like_keras.{self._component}")
        port = public_ports(node.spec)[address]
        self.where = f"The value of {address!r}"
        self._left_out = LeftOut(self._log, self.where)
        self.qos = read_qos(port.options["qos"]) if "qos" in port.options else Qos()
        self._header: Header | None = None
        self._is_said = False
        self._header_from = str(port.options.get("header_from", ""))
        if self._header_from:
            self.taken = self._take_header
        self._topic = node.publish(
            node.naming.topic(address),
            message_of(port),
            self.qos,
            encoding=port.options.get("encoding"),
            frame_id=str(port.options.get("frame_id", "")),
        )

    def __call__(self, tick: int, value: Any) -> None:
        """Publish a value, if it may be read."""
        try:
            self._topic.send(
                value, self.where, header=self._header, tick=(self._component, tick)
            )
        except TypeError as error:
            self._left_out.add(tick, error)

    def close(self) -> None:
        """Give those who read the time to have all of it."""
        self._left_out.close()
        self._topic.close()

    def _take_header(self, inputs: Mapping[str, Any]) -> None:
        value = inputs.get(self._header_from)
        self._header, problem = None, ""
        try:
            self._header = header_of(value)
        except TypeError as error:
            problem = str(error)
        if value is None or self._header is not None or self._is_said:
            return
        self._is_said = True
        self._log.warning(
            "%s is published with the present time: the input %r has no header. %s",
            self.where,
            self._header_from,
            problem
            or f"It is a {type(value).__name__}; feed it a header, such as the output "
            "'header' of RosTopic(..., header=True), or a dict with one.",
        )
