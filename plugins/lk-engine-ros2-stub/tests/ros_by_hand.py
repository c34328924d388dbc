"""ROS nodes as one writes them by hand: they know nothing of like_keras.

    python ros_by_hand.py listen COUNT TOPIC=TYPE ...
    python ros_by_hand.py talk TOPIC=TYPE ...

The first prints what it got as JSON, the second publishes numbered messages until it is
stopped, once somebody listens.
"""

import json
import sys
import time
from contextlib import suppress
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, String

RCLError = rclpy_implementation.RCLError

TYPES = {"Float64": Float64, "String": String, "Image": Image, "JointState": JointState}


KEPT = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""So kept, nothing is lost before the two ends have found each other."""


def header(message: Any) -> list[Any]:
    found = message.header
    return [found.frame_id, found.stamp.sec * 10**9 + found.stamp.nanosec]


def shown(message: Any) -> Any:
    if isinstance(message, Image):
        size = [message.height, message.width, message.step]
        return [message.encoding, size, bytes(message.data).hex(), *header(message)]
    if isinstance(message, JointState):
        return [list(message.name), list(message.position), *header(message)]
    return message.data


def made(kind: str, number: int) -> Any:
    if kind == "Float64":
        return Float64(data=number / 4)
    if kind == "Image":
        data = bytes([number, 1, 2, 0, number, 4, 5, 0])
        found = Image(height=2, width=3, step=4, encoding="mono8", data=data)
        found.header.frame_id, found.header.stamp.sec = "lens", number
        return found
    if kind == "JointState":
        return JointState(name=["elbow"], position=[float(number)])
    return String(data=f"number {number}")


def listen(node: Any, topics: dict[str, str], count: int) -> None:
    found: dict[str, list[Any]] = {topic: [] for topic in topics}
    for topic, kind in topics.items():
        take = found[topic].append
        node.create_subscription(TYPES[kind], topic, take, KEPT)
    print("ready", flush=True)
    while any(len(items) < count for items in found.values()):
        rclpy.spin_once(node, timeout_sec=0.1)
    print(json.dumps({x: list(map(shown, found[x][:count])) for x in found}))


def talk(node: Any, topics: dict[str, str]) -> None:
    publishers = {
        topic: node.create_publisher(TYPES[kind], topic, KEPT)
        for topic, kind in topics.items()
    }
    while any(not item.get_subscription_count() for item in publishers.values()):
        rclpy.spin_once(node, timeout_sec=0.01)
    number = 0
    while True:
        for topic, kind in topics.items():
            publishers[topic].publish(made(kind, number))
        number += 1
        rclpy.spin_once(node, timeout_sec=0)
        time.sleep(0.005)


def main() -> None:
    what, *words = sys.argv[1:]
    count = int(words.pop(0)) if what == "listen" else 0
    topics = dict(word.split("=") for word in words)
    rclpy.init()
    node = rclpy.create_node("by_hand")
    # At SIGTERM rclpy ends under the feet of who speaks.
    with suppress(ExternalShutdownException, RCLError):
        if what == "listen":
            listen(node, topics, count)
        else:
            talk(node, topics)
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
