"""A ROS node, and frames over its hidden topics to the other nodes of the system."""

from __future__ import annotations

import inspect
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import UInt8MultiArray

from like_keras_core.engine_kit import (
    LAUNCHED,
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
from lk_engine_ros2_stub.node_parameters import NodeParameters
from lk_engine_ros2_stub.qos import Qos
from lk_engine_ros2_stub.ros_environment import MOST_LOCAL, RANGE
from lk_engine_ros2_stub.ros_names import Naming, hidden, hidden_folder
from lk_engine_ros2_stub.rosout import LogLevels, RosoutHandler
from lk_engine_ros2_stub.sim_clock import SimClock
from lk_engine_ros2_stub.subscription_reader import Reader
from lk_engine_ros2_stub.topic_endpoints import LastWords, Published, Subscribed

DISCOVERY_S, _AT_ONCE = 50.0, 10
"""How long the others of so many nodes may take to appear [s]; of more, longer."""

_POLL_S = 0.02
_SAY_S = 5.0
"""How often it is said for whom a node waits [s]."""

SENT = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=256,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)
"""What a node sends to another one. Who reads besides, and is halted, holds up nobody:
the oldest frame makes room. Where the other node has missed it, it is sent again."""

RECEIVED = QoSProfile(
    history=HistoryPolicy.KEEP_ALL,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)

_LOG = logging.getLogger("like_keras")

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
            self.node = _new_node(
                naming.node(name), namespace=naming.namespace, context=self.context
            )
        except RuntimeError as error:
            raise LkError(f"ROS 2 does not start: {error}") from error
        self.stamps = Stamps(self.node.get_clock())
        self.parameters = NodeParameters(self.node)
        self.is_called_away: Callable[[], bool] = lambda: False
        self._name = name
        #: Where this process publishes for the others; no other process has it.
        self._folder = hidden_folder(
            self.node.get_namespace(), f"r{secrets.token_hex(4)}"
        )
        self._arrived: Arrived = lambda frame: None
        self._publishers: dict[str, Any] = {}
        self._subscriptions: dict[str, Any] = {}
        #: How many frames ROS has not taken.
        self._refused = 0
        self._reader = Reader(self.context)
        self._last_words = LastWords()
        here = [item.name for item in spec.components if item.node == name]
        self.levels = LogLevels(self.node, here)
        self.rosout = RosoutHandler(self.node)
        self.sim_clock: SimClock | None = None
        if self.node.get_parameter("use_sim_time").value:
            self.sim_clock = SimClock(self.node, self._reader)
        # Whether callbacks of a component's own wait to be called, or ROS's clock.
        self._is_spun = self.sim_clock is not None
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def spun(self) -> Node:
        """Return rclpy's node, whose callbacks are called at once from now on."""
        self._is_spun = True
        return self.node

    def publish(self, topic: str, message: str, qos: Qos, **options: Any) -> Published:
        """Open a topic of standard messages for others to read.

        Raises:
            EngineError: The message is not installed.
        """
        return Published(
            self.node, topic, message, qos, self.stamps, self._last_words, **options
        )

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
            **options: As of `Subscribed`.

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
        """Return where this process publishes: no earlier or other run does so."""
        return self._folder

    def start(self, arrived: Arrived, peers: Mapping[str, str]) -> None:
        """Open the ways to the other nodes, and know who takes the frames.

        It waits until the other nodes are there, or until the process is wanted
        otherwise: when it shall stop, or when the line home is lost.

        Raises:
            LkError: The others did not appear.
        """
        if LAUNCHED not in os.environ:
            self.levels.begin()
        self._arrived = arrived
        me = self._name
        for other in _others(self.spec, me):
            self._publishers[other] = self.node.create_publisher(
                UInt8MultiArray, hidden(self._folder, me, other), SENT
            )
            self._subscriptions[other] = self._reader.subscribe(
                self.node,
                UInt8MultiArray,
                hidden(peers[other], other, me),
                self._take,
                RECEIVED,
                raw=True,
            )
        self._thread = threading.Thread(target=self._answer, name="ros", daemon=True)
        self._thread.start()
        self._await_others()

    def _await_others(self) -> None:
        count = len(self.spec.nodes)
        limit_s = DISCOVERY_S * max(1.0, count / _AT_ONCE)
        began = said_at = time.monotonic()
        while (missing := self._missing()) and not self.is_called_away():
            now = time.monotonic()
            if now > began + limit_s:
                raise LkError(
                    f"After {limit_s:g} s, the time for {count} nodes, ROS knows "
                    f"nothing of {_listed(missing)}, though they have started. Have "
                    "all the same ROS_DOMAIN_ID and RMW_IMPLEMENTATION, and can their "
                    f"machines reach each other? With {RANGE}=LOCALHOST a machine may "
                    f"have {MOST_LOCAL} processes of ROS."
                )
            if now > said_at + _SAY_S:
                said_at = now
                _LOG.info(
                    "After %.0f of at most %g s, ROS has found %d of %d nodes; missing "
                    "is %s.",
                    now - began,
                    limit_s,
                    len(self._publishers) - len(missing),
                    len(self._publishers),
                    _listed(missing),
                )
            time.sleep(_POLL_S)

    def send(self, node: str, frame: FrameParts) -> None:
        """Publish a frame for another node; its parts may be used again afterwards.

        One that ROS does not take is lost, as on any way, and sent again.
        """
        try:
            self._publishers[node].publish(to_message(frame))
        except rclpy_implementation.RCLError as error:
            self._refused += 1
            if str(self._refused).strip("0") == "1":
                _LOG.warning(
                    "ROS did not take %d frames for node %r, which are sent again: %s",
                    self._refused,
                    node,
                    error,
                )

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
        """Return the nodes of which an end is not known yet."""
        return [
            node
            for node in self._publishers
            if not self._publishers[node].get_subscription_count()
            or not self._subscriptions[node].get_publisher_count()
        ]

    def _answer(self) -> None:
        # An executor that waits would wait for what ROS says of our subscriptions too,
        # and so wake with each frame.
        while not self._closed.wait(0 if self._is_spun else _ANSWER_S):
            self._executor.spin_once(timeout_sec=_ANSWER_S if self._is_spun else 0)
            self.levels.follow()

    def _take(self, message: bytes) -> None:
        self._arrived(to_frame(message))


def _new_node(name: str, **options: Any) -> Node:
    """Return a node whose loggers' levels can be asked for and set, where ROS can."""
    if "enable_logger_service" in inspect.signature(rclpy.create_node).parameters:
        options["enable_logger_service"] = True
    return rclpy.create_node(name, **options)


def _others(spec: SystemSpec, name: str) -> list[str]:
    """Return the nodes that a node exchanges frames with."""
    found: dict[str, None] = {}
    for channel in channels_of(spec):
        if channel.producer == name:
            found[channel.consumer] = None
        elif channel.consumer == name:
            found[channel.producer] = None
    return list(found)


def _listed(nodes: Sequence[str]) -> str:
    more = f" and {len(nodes) - _SHOWN} more" if len(nodes) > _SHOWN else ""
    return ", ".join(map(repr, nodes[:_SHOWN])) + more


_SHOWN = 5
