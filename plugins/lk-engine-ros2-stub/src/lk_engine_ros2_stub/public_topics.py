"""Ports as topics with standard messages, for ROS nodes that know nothing of us."""

from __future__ import annotations

import logging
from typing import Any

from like_keras_core.errors import EngineError
from like_keras_core.spec import PortSpec, SystemSpec, component_of
from like_keras_core.tap import Tap
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

    def __init__(self, address: str) -> None:
        node = current()
        if node is None:
            raise EngineError(f"The process of {address!r} is not a ROS node.")
        self._log = logging.getLogger(f"like_keras.{component_of(address)}")
        self._left_out = 0
        port = public_ports(node.spec)[address]
        self.where = f"The value of {address!r}"
        self.qos = read_qos(port.options["qos"]) if "qos" in port.options else Qos()
        topic = node.naming.relative_topic(address)
        self._topic = node.publish(topic, message_of(port), self.qos)

    def __call__(self, tick: int, value: Any) -> None:
        """Publish a value, if it may be read."""
        try:
            self._topic.send(value, self.where)
        except TypeError as error:
            self._left_out += 1
            if self._left_out == 1:
                self._log.warning("Not published at tick %d: %s", tick, error)

    def close(self) -> None:
        """Give those who read the time to have all of it."""
        if self._left_out > 1:
            self._log.warning(
                "%s was not published %d times.", self.where, self._left_out
            )
        self._topic.close()
