"""What the ROS 2 engine costs beside a pair of rclpy nodes written by hand, in one run.

Both do the same work: a source makes a fresh array with the time in it, a sink reads
it. *Latency* is one-way, at 100 Hz, reliable at both ends. Each pair of figures is the
median of some rounds, taken in turns. *Unpaced*, the engine alone: how fast, and
whether anything was lost or came in another order.

Run it with `python benchmarks/ros2_overhead.py [--rounds N] [--sizes BYTES ...]`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path
from typing import Any

import numpy as np

import like_keras_core as lk

HERE = Path(__file__).resolve()
RATE_HZ = 100
PACED = 200
UNPACED = {8: 2000, 1_000_000: 300}
WARM_UP = 20
"""So many first messages count for nothing."""


def make(template: np.ndarray, number: int) -> np.ndarray:
    """Return an array that has not been sent, with the time and a number in it."""
    made: np.ndarray = template.copy()
    made[:16].view(np.float64)[:] = time.monotonic(), number
    return made


def read(array: np.ndarray) -> tuple[float, float, int]:
    """Return how long ago an array was made, the time, and its number."""
    then, number = array[:16].copy().view(np.float64)
    now = time.monotonic()
    return now - float(then), now, int(number)


class Source(lk.Component):
    """Makes arrays."""

    def __init__(self, size: int, node: lk.Node | None = None) -> None:
        super().__init__(node=node)
        self.template = np.ones(max(16, size), np.uint8)
        self.number = -1

    def forward(self) -> np.ndarray:
        """Return the next one."""
        self.number += 1
        return make(self.template, self.number)


class Sink(lk.Component):
    """Measures how old arrays are, and when they come."""

    def forward(self, array: np.ndarray) -> tuple[float, float, int]:
        """Return the age, the time [s] and the number."""
        return read(array)


Found = list[tuple[float, float, int]]


def ours(size: int, count: int, rate_hz: float | None) -> Found:
    """Run the components; return what arrived."""
    source, sink = Source(size, node=lk.Node("source")), Sink(node=lk.Node("sink"))
    report = lk.System([source, sink]).launch(
        count,
        engine="ros2",
        launcher="rclpy",
        rate_hz=rate_hz,
        record=["sink.output"],
    )
    return [value for _, value in report.records["sink.output"]]


def by_hand(size: int) -> Found:
    """Run the two nodes below; return what arrived."""
    roles = []
    for role in ("sink", "source"):
        command = [sys.executable, str(HERE), "--role", role, "--size", str(size)]
        roles.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
    for process in roles:
        process.wait(60)
    return [(float(a), float(t), int(n)) for a, t, n in np.load("by_hand.npy")]


def be_source(node: Any, size: int) -> None:
    """Publish at a rate, once somebody listens."""
    from std_msgs.msg import UInt8MultiArray

    publisher = node.create_publisher(UInt8MultiArray, "data", 1000)
    while not publisher.get_subscription_count():
        time.sleep(0.01)
    time.sleep(0.5)
    template = np.ones(max(16, size), np.uint8)
    start = time.monotonic()
    for n in range(PACED):
        time.sleep(max(0.0, start + n / RATE_HZ - time.monotonic()))
        message = UInt8MultiArray()
        message.data = array("B", make(template, n).tobytes())
        publisher.publish(message)
    time.sleep(1.0)


def be_sink(node: Any) -> None:
    """Receive until the source is done."""
    import rclpy
    from std_msgs.msg import UInt8MultiArray

    found: Found = []

    def take(message: UInt8MultiArray) -> None:
        found.append(read(np.frombuffer(message.data, np.uint8)))

    node.create_subscription(UInt8MultiArray, "data", take, 1000)
    until = time.monotonic() + 30
    while len(found) < PACED and time.monotonic() < until:
        rclpy.spin_once(node, timeout_sec=1.0)
    np.save("by_hand.npy", np.array(found))


def be(role: str, size: int) -> None:
    """Be one of the nodes that were written by hand."""
    import rclpy

    rclpy.init()
    node = rclpy.create_node(role)
    if role == "source":
        be_source(node, size)
    else:
        be_sink(node)
    node.destroy_node()
    rclpy.try_shutdown()


def p50_us(found: Found) -> float:
    """Return the median age [us]."""
    return statistics.median(age for age, _, _ in found[WARM_UP:]) * 1e6


def compare(size: int, rounds: int) -> None:
    """Print the latencies of one size."""
    latency: dict[str, list[float]] = {"ours": [], "hand": []}
    for _ in range(rounds):
        latency["hand"].append(p50_us(by_hand(size)))
        latency["ours"].append(p50_us(ours(size, PACED, RATE_HZ)))
    slow = {name: statistics.median(values) for name, values in latency.items()}
    print(
        f"{size:>9} B  latency p50 {slow['ours']:7.0f} us, by hand "
        f"{slow['hand']:7.0f} us: {slow['ours'] / slow['hand']:.2f} x",
        flush=True,
    )


def unpaced(size: int, count: int) -> None:
    """Print how fast values go when nothing holds them back, and whether all arrive."""
    found = ours(size, count, None)
    numbers = [number for _, _, number in found]
    speed = (len(found) - 1) / (found[-1][1] - found[0][1])
    state = "in order" if numbers == sorted(numbers) else "out of order"
    lost = count - len(set(numbers))
    print(f"{size:>9} B  {speed:.0f}/s unpaced, {count} sent, {lost} lost, {state}")


def main() -> None:
    """Compare, or be one of the nodes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="*", default=[8, 100_000, 1_000_000])
    parser.add_argument("--role", choices=["source", "sink"])
    parser.add_argument("--size", type=int, default=0)
    given = parser.parse_args()
    if given.role:
        be(given.role, given.size)
        return
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ.setdefault("ROS_LOG_DIR", folder)
        for size in given.sizes:
            compare(size, given.rounds)
        for size, count in UNPACED.items():
            unpaced(size, count)
        os.chdir("/")


if __name__ == "__main__":
    main()
