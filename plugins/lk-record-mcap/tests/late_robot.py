"""A robot whose detector runs in another process, and is not always in time."""

import time

from like_keras_core import Component, InputPort, Node, System


class Ticks(Component):
    """Counts its firings."""

    def __init__(self, node: Node | None = None) -> None:
        super().__init__(node=node)
        self.fired = -1

    def forward(self) -> int:
        self.fired += 1
        return self.fired


class Detector(Component):
    """Is slow now and then; and fails at one of its firings, if asked to."""

    def __init__(
        self, node: Node | None = None, takes: int = 0, fails_at: int = -1
    ) -> None:
        super().__init__(node=node, takes=takes)
        self.fails_at, self.fired = fails_at, -1

    def forward(self, image: int) -> int:
        self.fired += 1
        if self.fired % 7 == 3:
            time.sleep(0.05)
        if self.fired == self.fails_at:
            raise ValueError("no light")
        return image


class Controller(Component):
    """Sends the newest of what it has."""

    boxes = InputPort(int, policy="hold")
    image = InputPort(int, policy="latest")

    def forward(self, boxes: int | None, image: int | None) -> tuple[int, int]:
        return (-1 if boxes is None else boxes, -1 if image is None else image)


def robot(takes: int = 0, fails_at: int = -1) -> System:
    """A source and a controller on one node, a detector on another."""
    body, gpu = Node("body"), Node("gpu")
    ticks, detector = Ticks(body), Detector(gpu, takes, fails_at)
    controller = Controller(node=body)
    image = ticks()
    controller(detector(image), image)
    return System([ticks, detector, controller], rate_hz=200, late="skip")
