"""Frames as messages, and the thread that waits for them."""

import os
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lk_engine_ros2_stub.cdr import to_frame, to_message

rclpy: Any = pytest.importorskip(
    "rclpy", reason="needs rclpy: pip install 'lk-engine-ros2-stub[rclpy]'"
)

# rclpy's own parser of messages imports a module that Python has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre:DeprecationWarning")

WAIT_S = 30
"""Longer than anything here takes."""


class Topic:
    """A topic, with both ends in this process: its messages are the numbers given."""

    def __init__(self, context: Any) -> None:
        from std_msgs.msg import Int64

        from lk_engine_ros2_stub.subscription_reader import Reader

        self.message = Int64
        self.node = rclpy.create_node("reads", context=context)
        self.reader = Reader(context)
        self.found: list[int] = []
        qos = rclpy.qos.QoSProfile(depth=1000)
        self.publisher = self.node.create_publisher(Int64, "numbers", qos)
        self.reader.subscribe(self.node, Int64, "numbers", self.take, qos)
        eventually(lambda: self.publisher.get_subscription_count() == 1)

    def take(self, message: Any) -> None:
        self.found.append(message.data)

    def read(self, count: int, timeout_s: float = 0.1) -> list[int]:
        """Return the numbers that were taken, once they are so many."""

        def is_all() -> bool:
            self.reader.receive(timeout_s)
            return len(self.found) >= count

        eventually(is_all)
        return self.found

    def say(self, *numbers: int) -> None:
        for number in numbers:
            self.publisher.publish(self.message(data=number))


def eventually(is_so: Callable[[], bool]) -> None:
    """Look until something is so."""
    until = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def topic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Topic]:
    """Open a topic apart from other ROS nodes, and leave nothing."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path))
    context = rclpy.Context()
    rclpy.init(
        context=context,
        signal_handler_options=rclpy.signals.SignalHandlerOptions.NO,
    )
    topic = Topic(context)
    yield topic
    topic.reader.close()
    topic.node.destroy_node()
    context.try_shutdown()


def test_messages_are_taken_in_order(topic: Topic) -> None:
    """Also those that came before anybody waited for them."""
    topic.say(*range(600))

    assert topic.read(600) == list(range(600))


def test_a_message_ends_a_wait(topic: Topic) -> None:
    """Whoever waits takes it."""
    timer = threading.Timer(0.2, topic.say, [7])
    timer.start()

    assert topic.read(1, WAIT_S) == [7]
    timer.join()


@pytest.mark.parametrize("is_late", [False, True], ids=["before", "meanwhile"])
def test_a_wake_ends_a_wait(topic: Topic, is_late: bool) -> None:
    """One that began after it, or one that lasts."""
    ended = threading.Event()

    def wait() -> None:
        topic.reader.receive(WAIT_S)
        ended.set()

    waiting = threading.Thread(target=wait)
    if is_late:
        waiting.start()
    topic.reader.wake()
    if not is_late:
        waiting.start()

    assert ended.wait(WAIT_S)
    waiting.join()
    assert topic.found == []


def test_executors_leave_the_messages_alone(topic: Topic) -> None:
    """One that answers for the node takes nothing of what is read here."""
    executor = rclpy.executors.SingleThreadedExecutor(context=topic.node.context)
    executor.add_node(topic.node)
    topic.say(1, 2)

    for _ in range(5):
        executor.spin_once(timeout_sec=0)

    assert topic.found == []
    assert topic.read(2) == [1, 2]
    executor.shutdown()


def test_a_wake_that_comes_after_the_end_is_no_error(topic: Topic) -> None:
    """The line to the launching process has a thread of its own."""
    topic.reader.close()

    topic.reader.wake()


@pytest.mark.parametrize("size", [0, 1, 7, 5000])
def test_a_frame_travels_as_an_ordinary_message(size: int) -> None:
    """Whoever else reads the topic finds what rclpy would have sent."""
    from rclpy.serialization import deserialize_message, serialize_message
    from std_msgs.msg import UInt8MultiArray

    frame = bytes(n % 251 for n in range(size))
    message = UInt8MultiArray(data=array("B", frame))

    sent = to_message([frame[:3], memoryview(frame)[3:]])

    assert deserialize_message(sent, UInt8MultiArray) == message
    assert bytes(to_frame(serialize_message(message))) == frame
    assert bytes(to_frame(sent)) == frame


@pytest.mark.parametrize("size", [0, 1, 4, 15])
def test_what_is_not_a_message_has_an_empty_frame(size: int) -> None:
    """Others may publish any bytes, and such a frame is dropped as a stranger's."""
    assert to_frame(bytes(size)) == b""
