"""A loop at 100 Hz beside topics with clocks of their own, and one written by hand.

Drivers in processes of their own publish an IMU at 200 Hz, VGA images at 30 Hz and a
GPS at 1 Hz. Both loops take the newest of each at every tick: ours with
`RosTopic(..., read="newest")`, the other in the timer of an rclpy node. Measured are
the times from one tick to the next, by turns in one run; the figure is the median of
the rounds' 99th percentiles.

Run it with `python benchmarks/ros2_rates.py [--rounds N] [--seconds S]`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import like_keras_core as lk

HERE = Path(__file__).resolve()
RATE_HZ = 100
WARM_UP = 50
"""So many first ticks count for nothing."""

DRIVERS = {"imu": ("Imu", 200.0), "image": ("Image", 30.0), "fix": ("NavSatFix", 1.0)}
"""By topic, the messages and their rate [Hz]."""


class Loop(lk.Component):
    """Says when it fires, and whether there was something new."""

    imu = lk.InputPort(dict, policy="hold")
    image = lk.InputPort(np.ndarray, policy="hold")
    fix = lk.InputPort(dict, policy="hold")

    def forward(self, imu: Any, image: Any, fix: Any) -> tuple[float, float]:
        """Return the time [s] and what the IMU says."""
        turn = -1.0 if imu is None else imu["angular_velocity"]["z"]
        return time.monotonic(), turn


def ours(count: int) -> list[tuple[float, float]]:
    """Run the components; return when the loop fired, and what it saw."""
    from lk_engine_ros2_stub import RosTopic

    here = lk.Node("control")
    topics = {
        name: RosTopic(
            *(name, f"sensor_msgs/msg/{kind}", f"/{name}", "source", "sensor_data"),
            node=here,
            read="newest",
        )
        for name, (kind, _) in DRIVERS.items()
    }
    loop = Loop(node=here)
    loop(**{name: topic.outputs.output for name, topic in topics.items()})
    system = lk.System([*topics.values(), loop], rate_hz=RATE_HZ)
    report = system.launch(
        count, engine="ros2", launcher="rclpy", record=["loop.output"]
    )
    return [value for _, value in report.records["loop.output"]]


def by_hand(count: int) -> list[tuple[float, float]]:
    """Run the node below; return when its timer fired, and what it saw."""
    command = [sys.executable, str(HERE), "--role", "loop", "--count", str(count)]
    subprocess.run(command, check=True, timeout=count / RATE_HZ + 60)
    return [(float(at), float(turn)) for at, turn in np.load("by_hand.npy")]


def be_loop(node: Any, count: int) -> None:
    """Take the newest of each topic at each tick of a timer."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.qos import qos_profile_sensor_data

    newest: dict[str, Any] = {}
    found: list[tuple[float, float]] = []

    def tick() -> None:
        imu = newest.get("imu")
        found.append((time.monotonic(), imu.angular_velocity.z if imu else -1.0))

    for name, (kind, _) in DRIVERS.items():
        message = getattr(importlib.import_module("sensor_msgs.msg"), kind)

        def take(message: Any, name: str = name) -> None:
            newest[name] = message

        node.create_subscription(message, f"/{name}", take, qos_profile_sensor_data)
    node.create_timer(1 / RATE_HZ, tick)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while len(found) < count and rclpy.ok():
        executor.spin_once(timeout_sec=1.0)
    np.save("by_hand.npy", np.array(found))


def be_driver(node: Any, name: str) -> None:
    """Publish at a rate until the process is ended."""
    import rclpy
    from rclpy.qos import qos_profile_sensor_data

    kind, rate_hz = DRIVERS[name]
    message = getattr(importlib.import_module("sensor_msgs.msg"), kind)()
    if kind == "Image":
        message.height, message.width, message.step = 480, 640, 640 * 3
        message.encoding, message.data = "rgb8", bytes(640 * 480 * 3)
    publisher = node.create_publisher(type(message), name, qos_profile_sensor_data)
    start, number = time.monotonic(), 0
    while True:
        number += 1
        time.sleep(max(0.0, start + number / rate_hz - time.monotonic()))
        if not rclpy.ok():  # SIGTERM has come.
            return
        message.header.stamp = node.get_clock().now().to_msg()
        if kind == "Imu":
            message.angular_velocity.z = float(number)
        publisher.publish(message)


def be(role: str, count: int) -> None:
    """Be one of the nodes that were written by hand."""
    import rclpy

    rclpy.init()
    node = rclpy.create_node(f"{role}_by_hand")
    if role == "loop":
        be_loop(node, count)
    else:
        be_driver(node, role)
    node.destroy_node()
    rclpy.try_shutdown()


def periods_ms(found: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the median, the 99th percentile and the greatest period [ms]."""
    times = np.array([at for at, _ in found[WARM_UP:]])
    gaps = np.diff(times) * 1e3
    p50, p99 = np.percentile(gaps, [50, 99])
    return float(p50), float(p99), float(gaps.max())


def main() -> None:
    """Compare, or be one of the nodes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--role", choices=["loop", *DRIVERS])
    parser.add_argument("--count", type=int, default=0)
    given = parser.parse_args()
    if given.role:
        be(given.role, given.count)
        return
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    count = WARM_UP + int(given.seconds * RATE_HZ)
    found: dict[str, list[tuple[float, float, float]]] = {"ours": [], "by hand": []}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ.setdefault("ROS_LOG_DIR", folder)
        command = [sys.executable, str(HERE), "--role"]
        drivers = [subprocess.Popen([*command, name]) for name in DRIVERS]
        try:
            for _ in range(given.rounds):
                for name, run in (("by hand", by_hand), ("ours", ours)):
                    seen = run(count)
                    values = len({turn for _, turn in seen[WARM_UP:]})
                    found[name].append(periods_ms(seen))
                    p50, p99, longest = found[name][-1]
                    print(
                        f"{name:>8}: period p50 {p50:6.2f}, p99 {p99:6.2f}, max "
                        f"{longest:6.2f} ms; {values} IMU values at {count - WARM_UP} "
                        "ticks",
                        flush=True,
                    )
        finally:
            for process in drivers:
                process.terminate()
            for process in drivers:
                process.wait(20)
        os.chdir("/")
    mine, theirs = (
        statistics.median(x[1] for x in found[name]) for name in ("ours", "by hand")
    )
    print(
        f"period p99 {mine:.2f} ms, by hand {theirs:.2f} ms: {mine / theirs:.2f} x",
    )


if __name__ == "__main__":
    main()
