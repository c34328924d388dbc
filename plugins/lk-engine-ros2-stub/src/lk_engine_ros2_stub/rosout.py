"""What a node's process logs, on `/rosout`, and from which levels on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from rcl_interfaces.msg import Log
from rclpy.logging import get_logger_effective_level, get_logger_level
from rclpy.node import Node
from rclpy.qos import qos_profile_rosout_default

_COMPONENTS = "like_keras"
"""The logger above those of all components."""

_FROM_ELSEWHERE = "lk_node"
"""What records have that another process of the run has logged."""

_LEVELS = {10: Log.DEBUG, 20: Log.INFO, 30: Log.WARN, 40: Log.ERROR, 50: Log.FATAL}


class RosoutHandler(logging.Handler):
    """Publishes log records, with the name of the node before the component's.

    Args:
        node: The node.
    """

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._name = node.get_logger().name
        self._publisher = node.create_publisher(
            Log, "/rosout", qos_profile_rosout_default
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Publish a record."""
        if hasattr(record, _FROM_ELSEWHERE):
            return
        try:
            self._publisher.publish(self._as_message(record))
        except Exception:  # noqa: BLE001 - as every handler does
            self.handleError(record)

    def _as_message(self, record: logging.LogRecord) -> Log:
        message = Log()
        now = time.time_ns()
        message.stamp.sec, message.stamp.nanosec = divmod(now, 10**9)
        level = max(10, min(50, record.levelno // 10 * 10))
        message.level = int.from_bytes(_as_bytes(_LEVELS[level]), "little")
        message.name = ros_logger(self._name, getattr(record, "address", None))
        message.msg = self.format(record)
        message.file = record.pathname
        message.function = record.funcName or ""
        message.line = record.lineno
        return message


def _as_bytes(level: int | bytes) -> bytes:
    return level if isinstance(level, bytes) else bytes([level])


def ros_logger(node: str, address: object) -> str:
    """Return the name of a component's logger in ROS: below that of its node."""
    return f"{node}.{address}" if isinstance(address, str) and address else node


class LogLevels:
    """Has Python's loggers follow the levels of ROS's.

    Args:
        node: The node.
        addresses: Its components.
    """

    def __init__(self, node: Node, addresses: Iterable[str]) -> None:
        self._node = node.get_logger().name
        self._loggers = {
            ros_logger(self._node, x): logging.getLogger(f"{_COMPONENTS}.{x}")
            for x in addresses
        }
        # What ROS said last of the node, and of each component that has its own.
        self._level = self.node_level
        self._own: dict[str, int] = {}

    @property
    def node_level(self) -> int:
        """From which level on the node logs; ROS counts as Python does."""
        return int(get_logger_effective_level(self._node))

    def begin(self) -> None:
        """Let this process log from the node's own level on, whatever others do."""
        self._apply(self.node_level)

    def follow(self) -> None:
        """Take over what has changed."""
        level = self.node_level
        if level != self._level:
            self._apply(level)
        for name, logger in self._loggers.items():
            own = int(get_logger_level(name))
            if own != self._own.get(name, 0):
                self._own[name] = own
                logger.setLevel(own)

    def _apply(self, level: int) -> None:
        self._level = level
        logging.getLogger().setLevel(level)
        logging.getLogger(_COMPONENTS).setLevel(level)
