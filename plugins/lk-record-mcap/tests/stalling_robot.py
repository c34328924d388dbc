"""A robot whose detector takes now more, now less, and whose process may be halted."""

import os
import time
from pathlib import Path

from like_keras_core import Component, InputPort, Node, System


class Samples(Component):
    """Counts its firings."""

    def __init__(self, name: str, node: Node, every: int = 1) -> None:
        super().__init__(name, node, every=every)
        self.fired = -1

    def forward(self) -> int:
        self.fired += 1
        return self.fired


class Detector(Component):
    """Takes a random time, by the clock on the wall, for the newest image.

    Args:
        pid: Where its process leaves its number.
        node: Where it runs.
        takes: How many ticks it may take.
    """

    image = InputPort(int, policy="hold")

    def __init__(self, pid: str, node: Node, takes: int) -> None:
        super().__init__(node=node, takes=takes)
        self.pid, self.total = pid, 0

    def on_activate(self) -> None:
        Path(self.pid).write_text(str(os.getpid()))

    def forward(self, image: int | None) -> int:
        # Not by `rng`: what decides must be the clock.
        time.sleep(int.from_bytes(os.urandom(1), "little") / 256 * 0.06)
        self.total += image or 0
        return self.total


class Controller(Component):
    """Sends the newest of what it has, at the rate of the IMU."""

    boxes = InputPort(int, policy="hold")
    plan = InputPort(int, policy="latest")

    def forward(
        self, sample: int, boxes: int | None, plan: int | None
    ) -> tuple[int, int, int]:
        return (sample, -1 if boxes is None else boxes, -1 if plan is None else plan)


def robot(pid: str = "", takes: int = 3, *, is_split: bool = True) -> System:
    """Return an IMU and a controller on one node, camera and detector on another."""
    body = Node("body")
    gpu = Node("gpu") if is_split else body
    imu, camera = Samples("imu", body), Samples("camera", gpu, every=3)
    detector, controller = Detector(pid, gpu, takes), Controller(node=body)
    detector(camera())
    controller(imu(), detector.outputs.output, camera.outputs.output)
    return System([imu, camera, detector, controller], rate_hz=100, late="skip")
