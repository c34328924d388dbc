"""Drivers as one writes them by hand: each topic at a rate of its own, until stopped.

    python ros_drivers.py [--jitter J] [--stall-at S --stall S] TOPIC=TYPE@HZ[,QOS] ...

`J` is a part of the period, `QOS` is `best_effort` or `reliable`. Messages are
numbered.
"""

import argparse
import importlib
import random
import time
from contextlib import suppress
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.qos import QoSProfile, ReliabilityPolicy


class Driver:
    """Publishes on one topic."""

    def __init__(self, node: Any, word: str, jitter: float) -> None:
        self.topic, _, how = word.partition("=")
        kind, _, how = how.partition("@")
        rate, _, reliability = how.partition(",")
        package, _, name = kind.split("/")
        self.kind = getattr(importlib.import_module(f"{package}.msg"), name)
        self.period_s, self.jitter = 1 / float(rate), jitter
        policy = ReliabilityPolicy[(reliability or "reliable").upper()]
        self.publisher = node.create_publisher(
            self.kind, self.topic, QoSProfile(depth=10, reliability=policy)
        )
        self.clock, self.frame = node.get_clock(), node.get_name()
        self.number = 0
        self.begin = time.monotonic()
        self.due = self.begin

    def publish(self) -> None:
        message = self.kind()
        if hasattr(message, "header"):
            message.header.stamp = self.clock.now().to_msg()
            message.header.frame_id = self.frame
        name = self.kind.__name__
        if name == "Imu":
            message.angular_velocity.z = float(self.number)
        elif name == "NavSatFix":
            message.latitude = float(self.number)
        elif name == "Image":
            message.height, message.width, message.step = 48, 64, 64
            message.encoding = "mono8"
            message.data = bytes([self.number % 251]) * (48 * 64)
        else:
            message.data = type(message.data)(self.number)
        self.publisher.publish(message)
        self.number += 1
        shift = random.uniform(-self.jitter, self.jitter)
        self.due = self.begin + (self.number + shift) * self.period_s


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jitter", type=float, default=0.0)
    parser.add_argument("--stall-at", type=float, default=float("inf"))
    parser.add_argument("--stall", type=float, default=0.0)
    parser.add_argument("topics", nargs="+")
    given = parser.parse_intermixed_args()
    rclpy.init(args=[])
    node = rclpy.create_node("driver")
    drivers = [Driver(node, word, given.jitter) for word in given.topics]
    stall_at = time.monotonic() + given.stall_at
    print("ready", flush=True)
    with suppress(
        KeyboardInterrupt, ExternalShutdownException, rclpy_implementation.RCLError
    ):
        while rclpy.ok():
            driver = min(drivers, key=lambda item: item.due)
            time.sleep(max(0.0, driver.due - time.monotonic()))
            driver.publish()
            if time.monotonic() > stall_at:
                time.sleep(given.stall)
                stall_at = float("inf")
                for driver in drivers:
                    driver.begin += given.stall
                    driver.due += given.stall
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
