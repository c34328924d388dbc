"""A ROS node written by hand: it publishes, and prints what it gets as JSON."""

import json
import sys
import time
from typing import Any

import rclpy
from geometry_msgs.msg import TransformStamped
from lk_sample_msgs.msg import Sample  # type: ignore[import-not-found]
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image, JointState
from test_message_conversion import FIELDS  # type: ignore[import-not-found]
from tf2_msgs.msg import TFMessage  # type: ignore[import-not-found]

from lk_engine_ros2_stub.message_fields import fill

KEPT = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
WANTED = {
    "/plant/labels/image": Image,
    "/plant/labels/info": CameraInfo,
    "/plant/labels/joints": JointState,
    "/plant/labels/twin": JointState,
    "/hand/out": Image,
    "/hand/tf": TFMessage,
    "/hand/echo": Sample,
}
COUNT = 3


def header(message: Any) -> list[Any]:
    found = message.header
    return [found.stamp.sec, found.stamp.nanosec, found.frame_id]


def shown(message: Any) -> Any:
    if isinstance(message, Image):
        return [*header(message), message.encoding, bytes(message.data).hex()]
    if isinstance(message, TFMessage):
        return [
            [*header(item), item.child_frame_id, item.transform.translation.x]
            for item in message.transforms
        ]
    if isinstance(message, Sample):
        return "equal" if message == sample() else repr(message)
    return header(message)


def sample() -> Any:
    return fill(Sample(), FIELDS, "The sample")


def placed(parent: str, child: str, sec: int) -> Any:
    found = TransformStamped(child_frame_id=child)
    found.header.frame_id, found.header.stamp.sec = parent, sec
    found.transform.translation.x = 1.5
    return TFMessage(transforms=[found])


def image(number: int) -> Any:
    # Big rows: what stands behind the pixels is not theirs.
    data = bytes([3, 2, 1, 6, 5, 4, 9, 9])
    found = Image(height=1, width=2, step=8, encoding="bgr8", data=data)
    found.header.frame_id, found.header.stamp.sec = "lens", 1 + number
    found.header.stamp.nanosec = 250_000_000
    return found


def main() -> None:
    rclpy.init()
    node = rclpy.create_node("by_hand")
    found: dict[str, list[Any]] = {topic: [] for topic in WANTED}
    for topic, kind in WANTED.items():
        qos = 100 if kind is TFMessage else KEPT
        node.create_subscription(kind, topic, found[topic].append, qos)
    sent: dict[str, tuple[Any, Any, Any]] = {
        "/hand/camera": (Image, KEPT, image),
        "/hand/sample": (Sample, KEPT, lambda n: sample()),
        "/tf": (TFMessage, 100, lambda n: placed("map", "base", 10 + n)),
        "/tf_static": (TFMessage, KEPT, lambda n: placed("base", "camera", 0)),
    }
    publishers = [
        (node.create_publisher(kind, topic, qos), make)
        for topic, (kind, qos, make) in sent.items()
    ]
    until = time.monotonic() + 80
    while any(not item.get_subscription_count() for item, _ in publishers):
        rclpy.spin_once(node, timeout_sec=0.01)
    number = 0
    while any(len(items) < COUNT for items in found.values()):
        if time.monotonic() > until:
            sys.exit(f"got { ({x: len(items) for x, items in found.items()}) }")
        for publisher, make in publishers:
            publisher.publish(make(number))
        number += 1
        rclpy.spin_once(node, timeout_sec=0)
        time.sleep(0.01)
    print(json.dumps({x: [shown(item) for item in found[x][:COUNT]] for x in found}))
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
