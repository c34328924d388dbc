"""The two ends of a topic that carries standard messages."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)

from lk_engine_ros2_stub.message_conversion import Conversion
from lk_engine_ros2_stub.qos import Qos
from lk_engine_ros2_stub.subscription_reader import Reader

LAST_WORDS_S = 1.0
"""How long the readers of all topics of a process may take to have the last messages
when a run ends [s]."""


def profile(qos: Qos) -> QoSProfile:
    """Return a quality of service as rclpy has it."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=qos.depth,
        reliability=ReliabilityPolicy[qos.reliability.upper()],
        durability=DurabilityPolicy[qos.durability.upper()],
    )


class LastWords:
    """The time that all topics of a process have together when a run ends."""

    def __init__(self) -> None:
        self._until: float | None = None

    def left_s(self) -> float:
        """Return what is left of it [s]; it begins when this is called first."""
        now = time.monotonic()
        self._until = self._until or now + LAST_WORDS_S
        return max(0.0, self._until - now)


class Published:
    """A topic that this process publishes.

    Args:
        node: rclpy's node.
        topic: The topic's full name.
        message: The type of its messages.
        qos: Its quality of service.
        last_words: How long its readers may take at the end.
    """

    def __init__(
        self, node: Any, topic: str, message: str, qos: Qos, last_words: LastWords
    ) -> None:
        self._last_words = last_words
        self._conversion = Conversion(message)
        self._publisher = node.create_publisher(
            self._conversion.message, topic, profile(qos)
        )
        self._is_kept = qos.durability == "transient_local"
        self._is_reliable = qos.reliability == "reliable"

    def send(self, value: Any, where: str) -> None:
        """Publish a value; it is converted even where nothing reads it.

        Raises:
            TypeError: It is none that the message can carry.
        """
        message = self._conversion.to_message(value, where)
        if self._is_kept or self._publisher.get_subscription_count():
            self._publisher.publish(message)

    def close(self) -> None:
        """Wait until those who read have it all, or a moment."""
        if self._is_reliable and self._publisher.get_subscription_count():
            left_s = self._last_words.left_s()
            self._publisher.wait_for_all_acked(Duration(seconds=left_s))


class Subscribed:
    """A topic that this process reads; all that has come waits here.

    Args:
        node: rclpy's node.
        reader: What reads the topic.
        topic: The topic's full name.
        message: The type of its messages.
        qos: Its quality of service.
    """

    def __init__(
        self, node: Any, reader: Reader, topic: str, message: str, qos: Qos
    ) -> None:
        self.conversion = Conversion(message)
        self.waiting: deque[Any] = deque()
        reader.subscribe(node, self.conversion.message, topic, self._take, profile(qos))

    def _take(self, message: Any) -> None:
        self.waiting.append(message)
