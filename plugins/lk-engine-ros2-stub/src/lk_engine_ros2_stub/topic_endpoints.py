"""The two ends of a topic that carries standard messages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from rclpy.duration import Duration
from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)

from like_keras_core.engine_kit import ArrivalReader
from like_keras_core.errors import EngineError
from lk_engine_ros2_stub.headers import TRANSFORMS, Header, Stamps, completed, to_value
from lk_engine_ros2_stub.message_conversion import Conversion
from lk_engine_ros2_stub.qos import Qos
from lk_engine_ros2_stub.subscription_reader import Reader
from lk_engine_ros2_stub.topic_watch import TopicWatch

LAST_WORDS_S = 1.0
"""How long readers may take to have the last messages when a run ends [s]."""


def profile(qos: Qos) -> QoSProfile:
    """Return a quality of service as rclpy has it."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=qos.depth,
        reliability=ReliabilityPolicy[qos.reliability.upper()],
        durability=DurabilityPolicy[qos.durability.upper()],
    )


class Published:
    """A topic that this process publishes.

    Args:
        node: rclpy's node.
        topic: The topic's full name.
        message: The type of its messages.
        qos: Its quality of service.
        stamps: What gives the messages their time.
        encoding: What the arrays of images are.
        frame_id: What headers say of the frame, unless the value does.
    """

    def __init__(
        self,
        node: Any,
        topic: str,
        message: str,
        qos: Qos,
        stamps: Stamps,
        *,
        encoding: str | None = None,
        frame_id: str = "",
    ) -> None:
        self._conversion = Conversion(message, encoding=encoding)
        self._publisher = node.create_publisher(
            self._conversion.message, topic, profile(qos)
        )
        self._stamps = stamps
        self._frame_id = frame_id
        # A transform that always holds needs no time.
        self._is_kept = qos.durability == "transient_local"
        self._holds_transforms = message == TRANSFORMS and not self._is_kept
        self._is_reliable = qos.reliability == "reliable"

    def send(
        self,
        value: Any,
        where: str,
        *,
        header: Header | None = None,
        tick: tuple[str, int] | None = None,
    ) -> None:
        """Publish a value; it is converted even where nothing reads it.

        Args:
            value: The value.
            where: What it is, for the error.
            header: The header of what it was computed of.
            tick: The component and the tick that it is from: what is published of
                one tick bears one time. The present one when omitted.

        Raises:
            TypeError: It is none that the message can carry.
        """
        message = self._conversion.to_message(value, where)
        if not (self._is_kept or self._publisher.get_subscription_count()):
            return
        if self._conversion.has_header:
            stamp = self._stamps.at(*tick) if tick else self._stamps.now()
            message = completed(message, stamp, self._frame_id, header)
        elif self._holds_transforms:
            stamp = self._stamps.at(*tick) if tick else self._stamps.now()
            found = [
                completed(item, stamp, self._frame_id, header)
                for item in message.transforms
            ]
            message = self._conversion.message(transforms=found)
        self._publisher.publish(message)

    def close(self) -> None:
        """Wait until those who read have it all, or a moment."""
        if self._is_reliable and self._publisher.get_subscription_count():
            self._publisher.wait_for_all_acked(Duration(seconds=LAST_WORDS_S))


class Subscribed:
    """A topic of others that this process reads; what has come waits in a queue.

    Args:
        node: rclpy's node.
        reader: What reads the topic.
        topic: The topic's full name.
        message: The type of its messages.
        qos: Its quality of service.
        arrivals: Where its messages wait, and where it is said what is wrong with them.
        encoding: What the arrays of images are to be.
        raw: Whether values are dicts with the fields of the messages in any case.
        header: Whether the messages' headers are values too.

    Raises:
        EngineError: The messages are not installed, or have no header.
    """

    def __init__(
        self,
        node: Any,
        reader: Reader,
        topic: str,
        message: str,
        qos: Qos,
        arrivals: ArrivalReader,
        *,
        encoding: str | None = None,
        raw: bool = False,
        header: bool = False,
    ) -> None:
        who = f"A message on {topic!r}"
        self.conversion = Conversion(
            message, encoding=encoding, raw=raw, who=who, log=arrivals.log
        )
        if header and not self.conversion.has_header:
            raise EngineError(
                f"Messages on {topic!r} are {message}, which has no header. Leave "
                "header=True out."
            )
        self._with_header = header
        self._arrivals = arrivals
        self._reader = reader
        self._topic = topic
        self._say_lost = 1
        subscribe = partial(
            reader.subscribe,
            node,
            self.conversion.message,
            topic,
            self._take,
            profile(qos),
            has_info=True,
        )
        callbacks = partial(SubscriptionEventCallbacks, use_default_callbacks=False)
        try:
            self._subscription = subscribe(
                event_callbacks=callbacks(message_lost=self._lost)
            )
        except UnsupportedEventTypeError:
            self._subscription = subscribe(event_callbacks=callbacks())
        self._watch = TopicWatch(node, self._subscription, message, qos, arrivals.log)

    def outputs(self, message: Any) -> dict[str, Any]:
        """Return what a message is for the outputs of a component.

        Raises:
            TypeError: It cannot be read.
            EngineError: A conversion needs what is not installed.
        """
        found = {"output": self.conversion.to_value(message)}
        if self._with_header:
            found["header"] = to_value(message.header)
        return found

    def collect(self) -> None:
        """Take what has come, without waiting."""
        self._reader.collect(self._subscription)

    def _take(self, message: Any, info: Mapping[str, Any]) -> None:
        self._arrivals.queue.put(
            message,
            # Not every middleware says it.
            received_ns=info.get("received_timestamp") or None,
            stamp_ns=_stamp_ns(message),
            size=_size(message),
        )

    def _lost(self, event: Any) -> None:
        lost = self._arrivals.queue.lost = int(event.total_count)
        if lost >= self._say_lost:
            self._say_lost = 2 * lost
            self._arrivals.log.warning(
                "ROS has lost %d messages of the topic %r so far: with best effort, or "
                "with more at a time than the queue of ROS keeps (depth in qos=).",
                *(lost, self._topic),
            )


def _stamp_ns(message: Any) -> int | None:
    """Return the time in a message's header [ns]; None where there is none."""
    stamp = getattr(getattr(message, "header", None), "stamp", None)
    sec, nanosec = getattr(stamp, "sec", 0), getattr(stamp, "nanosec", 0)
    return sec * 10**9 + nanosec or None


def _size(message: Any) -> int:
    """Return how large the bulk of a message is, if it has one [byte]."""
    data = getattr(message, "data", None)
    try:
        return memoryview(data).nbytes  # type: ignore[arg-type]
    except TypeError:
        return 0
