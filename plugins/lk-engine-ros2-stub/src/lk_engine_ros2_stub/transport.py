"""A ROS node, and frames over its hidden topics to the other nodes of the system."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import rclpy
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import UInt8MultiArray

from like_keras_core.engine_kit import (
    ArrivalReader,
    Arrived,
    ExternalInput,
    FrameParts,
    NodeProcess,
    channels_of,
)
from like_keras_core.errors import LkError
from like_keras_core.spec import SystemSpec
from lk_engine_ros2_stub.cdr import to_frame, to_message
from lk_engine_ros2_stub.headers import Stamps
from lk_engine_ros2_stub.qos import Qos
from lk_engine_ros2_stub.ros_names import RUN, Naming
from lk_engine_ros2_stub.subscription_reader import Reader
from lk_engine_ros2_stub.topic_endpoints import Published, Subscribed

DISCOVERY_S = 50.0
"""How long the other nodes may take to appear [s]."""

_POLL_S = 0.02

_ANSWER_S = 0.05
"""How often ROS's own questions are answered, such as those for parameters [s]."""


class RosNode:
    """The ROS node of one of our processes, and its ways to the others.

    Each ordered pair of nodes has a topic: all frames of one for the other, values and
    what is said about them. They are read by the thread that waits for them, as are the
    topics of others. Everything else that a ROS node answers, such as questions for its
    parameters, has a thread of its own.

    Args:
        spec: The system.
        name: The node of the system.
        args: The command line; a launch file's names and parameters come there.

    Raises:
        LkError: ROS does not start.
    """

    def __init__(
        self, spec: SystemSpec, name: str, args: Sequence[str] | None = None
    ) -> None:
        self.spec = spec
        self.naming = naming = Naming(spec)
        self.member: NodeProcess | None = None
        self.context = rclpy.Context()
        try:
            rclpy.init(
                args=list(args) if args is not None else None,
                context=self.context,
                signal_handler_options=SignalHandlerOptions.NO,
            )
            self.node = rclpy.create_node(
                naming.node(name), namespace=naming.namespace, context=self.context
            )
        except RuntimeError as error:
            raise LkError(f"ROS 2 does not start: {error}") from error
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_ALL,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.VOLATILE,
        )
        self.stamps = Stamps(self.node.get_clock())
        self.is_called_away: Callable[[], bool] = lambda: False
        self._arrived: Arrived = lambda frame: None
        self._publishers: dict[str, Any] = {}
        self._subscriptions: dict[str, Any] = {}
        self._reader = Reader(self.context)
        run = os.environ.get(RUN, "")
        for other in _others(spec, name):
            self._publishers[other] = self.node.create_publisher(
                UInt8MultiArray, naming.hidden(name, other, run), qos
            )
            self._subscriptions[other] = self._reader.subscribe(
                self.node,
                UInt8MultiArray,
                naming.hidden(other, name, run),
                self._take,
                qos,
                raw=True,
            )
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def log_level(self) -> int:
        """What `--log-level` says; ROS counts as Python does."""
        return int(self.node.get_logger().get_effective_level())

    def parameter(self, name: str, default: Any) -> Any:
        """Return the value of a parameter that the node was started with.

        Raises:
            LkError: It has another type than the one that was compiled.
        """
        try:
            value = self.node.declare_parameter(name, default).value
        except InvalidParameterTypeException as error:
            raise LkError(
                f"The parameter {name!r} of {self.node.get_fully_qualified_name()} was "
                f"compiled as {default!r}, and must keep its type: {error}"
            ) from None
        return list(value) if isinstance(default, list) else value

    def publish(self, topic: str, message: str, qos: Qos, **options: Any) -> Published:
        """Open a topic of standard messages for others to read.

        Raises:
            EngineError: The message is not installed.
        """
        return Published(self.node, topic, message, qos, self.stamps, **options)

    def subscribe(
        self,
        topic: str,
        message: str,
        qos: Qos,
        arrivals: ArrivalReader,
        **options: Any,
    ) -> Subscribed:
        """Open a topic of standard messages that others publish.

        Args:
            topic: The topic's full name.
            message: The type of its messages.
            qos: Its quality of service.
            arrivals: Where its messages wait.
            **options: How messages become values, as of `Subscribed`.

        Raises:
            EngineError: The message is not installed.
        """
        return Subscribed(
            self.node, self._reader, topic, message, qos, arrivals, **options
        )

    def outside(self, component: str, who: str) -> ExternalInput:
        """Return how a component of this process waits for others' messages."""
        assert self.member is not None
        return ExternalInput(self.member, component, who)

    def bind(self) -> str:
        """Return nothing: ROS finds the others by itself."""
        return ""

    def start(self, arrived: Arrived, peers: Mapping[str, str]) -> None:
        """Know who takes the frames.

        It waits until the other nodes are there, or until the process is wanted
        otherwise: when it shall stop, or when the line home is lost.

        Raises:
            LkError: The others did not appear.
        """
        self._arrived = arrived
        self._thread = threading.Thread(target=self._answer, name="ros", daemon=True)
        self._thread.start()
        until = time.monotonic() + DISCOVERY_S
        while (missing := self._missing()) and not self.is_called_away():
            if time.monotonic() > until:
                raise LkError(
                    f"After {DISCOVERY_S:g} s ROS does not have one node at the other "
                    f"end of {', '.join(missing)}. Were all nodes started, with the "
                    "same ROS_DOMAIN_ID and RMW_IMPLEMENTATION, on machines that reach "
                    "each other? Does no other run of this system use that domain?"
                )
            time.sleep(_POLL_S)

    def send(self, node: str, frame: FrameParts) -> None:
        """Publish a frame for another node; its parts may be used again afterwards."""
        self._publishers[node].publish(to_message(frame))

    def receive(self, timeout_s: float) -> None:
        """Hand over what has arrived; if there is nothing, wait for it or for `wake`.

        Args:
            timeout_s: How long to wait at most [s].
        """
        self._reader.receive(timeout_s)

    def wake(self) -> None:
        """End the present wait, or the next one; from any thread or handler."""
        self._reader.wake()

    def close(self) -> None:
        """Receive no more, and leave ROS."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)
        self._executor.shutdown(timeout_sec=1.0)
        self._reader.close()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self.context)

    def _missing(self) -> list[str]:
        """Return the topics of which the other end is not known, or not the only one.

        Whoever reads besides does no harm; a second writer is another run.
        """
        out = [
            publisher.topic_name
            for publisher in self._publishers.values()
            if not publisher.get_subscription_count()
        ]
        back = [
            subscription.topic_name
            for subscription in self._subscriptions.values()
            if subscription.get_publisher_count() != 1
        ]
        return out + back

    def _answer(self) -> None:
        # An executor that waits would wait for what ROS says of our subscriptions too,
        # and so wake with each frame.
        while not self._closed.wait(_ANSWER_S):
            self._executor.spin_once(timeout_sec=0)

    def _take(self, message: bytes) -> None:
        self._arrived(to_frame(message))


def _others(spec: SystemSpec, name: str) -> list[str]:
    """Return the nodes that a node exchanges frames with."""
    found: dict[str, None] = {}
    for channel in channels_of(spec):
        if channel.producer == name:
            found[channel.consumer] = None
        elif channel.consumer == name:
            found[channel.producer] = None
    return list(found)
