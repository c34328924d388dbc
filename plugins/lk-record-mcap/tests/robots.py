"""The system that is recorded here; its classes are found from every process."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from like_keras_core import Component, InputPort, Node, OutputPort, System


@dataclass
class Pose:
    """Where it is."""

    x: float
    y: float


class Camera(Component):
    """Sends a picture of noise."""

    def forward(self) -> np.ndarray:
        picture: np.ndarray = self.rng.integers(0, 256, (6, 8, 3), np.uint8)
        return picture


class Driver(Component):
    """Fills one large buffer again and again, as the drivers of cameras do."""

    def __init__(self, node: Node | None = None) -> None:
        super().__init__("driver", node=node)
        self.buffer = np.zeros((1200, 1800), np.uint8)

    def forward(self) -> np.ndarray:
        self.buffer += 1
        return self.buffer

    def on_deactivate(self) -> None:
        self.buffer[:] = 0


class Window(Component):
    """Sends what it receives."""

    def forward(self, image: np.ndarray) -> np.ndarray:
        return image


class Mean(Component):
    """Says how light a picture is; wrong by one at one of its firings, if asked to."""

    def __init__(self, wrong_at: int = -1, node: Node | None = None) -> None:
        super().__init__("mean", node=node)
        self.wrong_at = wrong_at
        self.fired = -1

    def forward(self, image: np.ndarray) -> float:
        self.fired += 1
        return float(image.mean()) + (self.fired == self.wrong_at)


class Tally(Component):
    """Adds up what comes, beside what it is told of its own last answer."""

    output = OutputPort(Pose)

    def forward(self, mean: float, last: Pose) -> dict[str, Pose]:
        return {"output": Pose(last.x + mean, last.y + 1)}


class Rare(Component):
    """Sends something at some ticks, and holds what it saw."""

    light = InputPort(float, policy="hold")

    def __init__(self, node: Node | None = None) -> None:
        super().__init__("rare", every=4, node=node)

    def forward(self, light: float | None) -> list | None:
        return None if light is None or int(light) % 2 else [light, ("held", None)]


class Trips(Component):
    """Fails at one of its firings."""

    def __init__(self, at: int, node: Node | None = None) -> None:
        super().__init__("trips", node=node)
        self.at = at
        self.fired = -1

    def forward(self, image: np.ndarray) -> np.ndarray:
        self.fired += 1
        if self.fired == self.at:
            raise ValueError("no light")
        row: np.ndarray = image[0]
        return row


class Takes(Component):
    """Takes the files of its process elsewhere, as if they had been there."""

    def __init__(self, to: str, node: Node | None = None) -> None:
        super().__init__("takes", node=node)
        self.to = to

    def forward(self, light: float) -> None:
        pass

    def on_shutdown(self) -> None:
        for path in Path("run.mcap.parts").glob(f"*-{os.getpid()}.mcap"):
            path.rename(Path(self.to, path.name))


def robot(*, wrong_at: int = -1, taken_to: str = "") -> System:
    """Return a system of two nodes with a loop, a hold, and silence."""
    front, back = Node("front"), Node("back")
    camera, mean = Camera(node=front), Mean(wrong_at, node=back)
    tally, rare = Tally(node=front), Rare(node=back)
    light = mean(camera())
    tally(light, tally.outputs.output.delay(initial=Pose(0.0, 0.0)))
    rare(light=light)
    parts: list[Component] = [camera, mean, tally, rare]
    if taken_to:
        parts.append(Takes(taken_to, node=back))
        parts[-1](light)
    return System(parts, name="robot")


def driven() -> System:
    """Return a system whose large arrays are all one buffer, and a small number."""
    driver, window, mean = Driver(Node("front")), Window("window"), Mean()
    window.node, mean.node = driver.node, Node("back")
    mean(window(driver()))
    return System([driver, window, mean], name="driven")


def tripping(at: int) -> System:
    """Return a system in which a component fails."""
    front, back = Node("front"), Node("back")
    camera, trips = Camera(node=front), Trips(at, node=back)
    trips(camera())
    return System([camera, trips], name="tripping")


class Placed(Component):
    """Knows of a node, as an argument like any other."""

    def __init__(self, home: Node, node: Node | None = None) -> None:
        super().__init__("placed", node=node)
        self.home = home

    def forward(self) -> str:
        return self.home.machine
