"""Components and systems that are compiled to ROS 2."""

import enum
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from like_keras_core import Component, InputPort, Node, OutputPort, System
from like_keras_core.testing.components import Count, Scale, Sum


class Mode(enum.Enum):
    DAY = 1
    NIGHT = 2


class Arm(Component):
    """Has arguments of every kind."""

    @dataclass
    class Config:
        gains: tuple[float, ...] = (1.0, 2.5)
        joints: list[str] = field(default_factory=lambda: ["on", "b c"])
        limits: dict[str, float] = field(default_factory=lambda: {"low": 1e-7})
        mode: Mode = Mode.DAY
        extra: Any = None

    def __init__(
        self,
        size: int = 3,
        model: Path = Path("arm.urdf"),
        far: float = float("inf"),
        table: Any = None,
        config: Any = None,
        **options: Any,
    ):
        super().__init__(config=config, **options)
        self.size = size

    def forward(self, value: int) -> float:
        return float(value * self.config.gains[1] * self.size)


class Camera(Component):
    image = OutputPort(npt.NDArray[np.uint8], max_bytes=1 << 20, qos="sensor_data")
    raw = OutputPort(np.ndarray)

    def forward(self) -> dict[str, Any]:
        return {"image": np.zeros((2, 3), np.uint8), "raw": np.zeros(3)}


class Joints(Component):
    output = OutputPort(dict[str, Any], ros_type="sensor_msgs/msg/JointState")

    def forward(self) -> dict[str, Any]:
        return {"output": {"name": ["a"], "position": [0.5]}}


class View(Component):
    image = InputPort(np.ndarray, qos="sensor_data")

    def forward(self, image: np.ndarray) -> None:
        pass


class Note(Component):
    """Writes what arrives to a file, a value a line."""

    def __init__(self, file: str, **options: Any):
        super().__init__(**options)
        self.file = file

    def on_configure(self) -> None:
        self.log.info("noting into %s", self.file)
        self.out = open(self.file, "w", 1)  # noqa: SIM115 - closed in on_shutdown

    def forward(self, value: float) -> None:
        self.out.write(f"{value!r}\n")

    def on_shutdown(self) -> None:
        self.out.close()


class Source(Component):
    """Says whose it is."""

    def forward(self) -> str:
        return os.environ["ROBOT"]


class Motor(Note):
    """Notes in a file of its robot's whom it obeys."""

    def on_configure(self) -> None:
        self.file = f"{self.file}.{os.environ['ROBOT']}"
        super().on_configure()

    def forward(self, value: str) -> None:  # type: ignore[override]
        self.out.write(f"{value}\n")
        self.out.flush()


class Dies(Component):
    """Ends its node's process where that is started, and nowhere else."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        if "__node:=b" in sys.argv:
            os._exit(3)

    def forward(self, value: int) -> None:
        pass


class Break(Component):
    """Raises at the value 10."""

    def forward(self, value: int) -> int:
        if value == 10:
            raise ValueError("asked to fail")
        return value


def alone() -> System:
    return System([Count(), Scale()], name="alone")


def two_nodes() -> System:
    sensors, planning = Node("sensors"), Node("planning")
    count, near, far = Count(5, node=sensors), Scale("near"), Scale("far")
    near.node, far.node = sensors, planning
    near(count())
    far(near())
    return System([count, near, far], name="two_nodes")


def machines() -> System:
    here = Node("desk", env={"MODE": "a 'quoted' word", "LEVEL": "3"})
    there = Node("eye-1", machine="jetson", prefix="gdb -ex run --args")
    nuc = Node("arm", machine="192.168.1.11")
    count, near, far = Count(node=there), Scale("near"), Scale("far")
    near.node, far.node = here, nuc
    return System([count, near, far], name="Fleet-A")


def subsystem() -> System:
    """Addresses with dots, and names that ROS does not take."""
    inner = System([Count(node=Node("eye")), Scale()], name="perception")
    inner.children()[1].node = Node("brain-2")
    outer = Scale("2nd", node=Node("class"))
    outer(inner.children()[1].outputs.output)
    inner.connect("count.output", "scale.value")
    return System([inner, outer], name="subsystem")


def arguments() -> System:
    config = Arm.Config(mode=Mode.NIGHT, extra=np.zeros(2))
    arm = Arm(7, table=[], config=config, node=Node("arm"))
    return System([Count(2, node=Node("hub")), arm], name="arguments")


def loop() -> System:
    total, scale = Sum(node=Node("a")), Scale(node=Node("b"))
    first, second = list(total.inputs)
    count = Count(node=Node("a"))
    system = System([count, total, scale], name="loop")
    system.connect(count.outputs.output, first)
    system.connect(scale.outputs.output.delay(initial=0), second)
    system.connect(total.outputs.output, next(iter(scale.inputs)))
    return system


SYSTEMS = [alone, two_nodes, machines, subsystem, arguments, loop]


def noted(file: str, *machines: str) -> System:
    """A loop over two nodes, whose sums a third one notes."""
    homes = [*machines, "local", "local", "local"]
    a, b, c = (Node(n, machine=m) for n, m in zip("abc", homes, strict=False))
    count, total, scale = Count(node=a), Sum(node=a), Scale(node=b)
    note = Note(file, node=c)
    system = System([count, total, scale, note], name="noted")
    system.connect("count.output", "sum.a")
    system.connect(scale.outputs.output.delay(initial=0), total.inputs.b)
    system.connect("sum.output", "scale.value")
    system.connect("sum.output", "note.value")
    return system


class Talker(Component):
    def forward(self) -> Any:
        return "hello"


class Listener(Component):
    def forward(self, value: Any) -> None:
        pass


class Frames(Component):
    """Sends a megabyte of the number of its tick."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.number = -1

    def forward(self) -> np.ndarray:
        self.number += 1
        return np.full(1 << 20, self.number, np.uint8)


class Tally(Component):
    """Adds up what arrives."""

    def forward(self, image: np.ndarray) -> float:
        return float(image.sum(dtype=np.int64))


class Rest(Component):
    def __init__(self, b: int, **options: Any):
        super().__init__(**options)

    def forward(self) -> int:
        return 1


class Prints(Component):
    """Prints and logs its firings; ends its process at one of them."""

    def __init__(self, last: int = -1, **options: Any):
        super().__init__(**options)
        self.last, self.number = last, -1

    def forward(self) -> int:
        self.number += 1
        print(f"printed {self.number} ä", flush=True)
        self.log.warning("logged %d", self.number)
        if self.number == self.last:
            os._exit(7)
        return self.number


class Where(Component):
    """Says where it works."""

    def forward(self) -> str:
        return str(Path.cwd())


KEPT = {"durability": "transient_local", "depth": 1000}
"""Who reads later gets all of it."""


class Signals(Component):
    """Publishes a text, a number, an image and joints, all of them numbered."""

    word = OutputPort(str, qos=KEPT)
    level = OutputPort(Any, ros_type="std_msgs/msg/Float64", qos=KEPT)
    image = OutputPort(npt.NDArray[np.uint8], qos=KEPT, frame_id="lens")
    joints = OutputPort(dict, ros_type="sensor_msgs/msg/JointState", qos=KEPT)

    def __init__(self, bad_at: int = -1, **options: Any):
        super().__init__(**options)
        self.bad_at, self.number = bad_at, -1

    def forward(self) -> dict[str, Any]:
        self.number += 1
        n = self.number
        joints = {
            "header": {"frame_id": "arm"},
            "name": ["elbow", "wrist"],
            "position": np.array([n, n / 2]),
        }
        return {
            "word": f"number {n}",
            "level": "high" if n == self.bad_at else n / 4,
            "image": np.full((1, 2, 3), n % 256, np.uint8),
            "joints": joints,
        }


class Sees(Component):
    """Says what it saw."""

    def forward(self, level: float, image: np.ndarray, joints: dict[str, Any]) -> str:
        return f"{level} {image.shape} {joints['name']} {joints['position']}"


class Numbered(Component):
    """Sends arrays of so many bytes that hold the number of their tick."""

    def __init__(self, size: int, **options: Any):
        super().__init__(**options)
        self.size, self.number = size, -1

    def forward(self) -> np.ndarray:
        self.number += 1
        return np.full(self.size // 8, self.number)


class Number(Component):
    """Says which number an array holds throughout."""

    def forward(self, array: np.ndarray) -> int:
        first = int(array[0])
        return first if (array == first).all() else -1


class Pausing(Number):
    """Takes its time with the array that holds one of the numbers."""

    def __init__(self, number: int, pause_s: float, **options: Any):
        super().__init__(**options)
        self.number, self.pause_s = number, pause_s

    def forward(self, array: np.ndarray) -> int:
        found = super().forward(array)
        if found == self.number:
            time.sleep(self.pause_s)
        return found


class Labels(Component):
    """Publishes what it computes of an image, with headers of every origin."""

    image = OutputPort(np.ndarray, encoding="bgr8", header_from="header", qos=KEPT)
    info = OutputPort(
        dict, ros_type="sensor_msgs/msg/CameraInfo", frame_id="tool", qos=KEPT
    )
    joints = OutputPort(
        dict,
        ros_type="sensor_msgs/msg/JointState",
        frame_id="tool",
        header_from="header",
        qos=KEPT,
    )
    twin = OutputPort(dict, ros_type="sensor_msgs/msg/JointState", qos=KEPT)

    def forward(self, image: np.ndarray, header: dict) -> dict[str, Any]:
        own = {"stamp": {"sec": 3, "nanosec": 4}, "frame_id": "own"}
        return {
            "image": np.ascontiguousarray(image[..., ::-1]),
            "info": {"width": image.shape[1]},
            "joints": {"name": ["a"]},
            "twin": {"header": own} if header["stamp"]["sec"] == 1 else {},
        }


class Looks(Component):
    """Looks up where the camera is, and says it as a transform of its own."""

    def __init__(self, **options: Any):
        from lk_engine_ros2_stub import TransformBuffer

        super().__init__(**options)
        self.buffer = TransformBuffer()

    def forward(self, tf: dict, tf_static: dict) -> Any:
        from lk_engine_ros2_stub import Transform, transform_message

        self.buffer.add(tf)
        self.buffer.add(tf_static, static=True)
        found = self.buffer.lookup("map", "camera")
        camera = Transform("map", "eye", found.translation, found.rotation)
        return transform_message([camera, found])


class Passes(Component):
    """Passes on what came."""

    def forward(self, value: dict) -> dict:
        return value


class Tuned(Component):
    """Gives numbers, tuned.

    Args:
        start: The first number,
            before it is tuned.
        label: What it is called.
    """

    @dataclass
    class Config:
        """How it is tuned.

        Args:
            gain: Multiplies.
        """

        gain: float = field(default=2.0, metadata={"min": 0, "max": 10.0})
        count: int = field(default=1, metadata={"description": "How many.", "min": 0})
        words: list[str] = field(default_factory=lambda: ["a"])

    def __init__(
        self,
        start: int = 3,
        label: str | None = None,
        scale: float = 1,
        config: Any = None,
        **options: Any,
    ):
        super().__init__(config=config, **options)
        self.number, self.label, self.scale = start, label, scale

    def on_configure(self) -> None:
        self.log.warning("%r %r %r", self.label, self.scale, self.config)

    def forward(self) -> float:
        self.number += 1
        self.log.debug("number %d", self.number)
        tuned: float = self.number * self.config.gain
        return tuned


def tuned(file: str, rate_hz: float = 50.0) -> System:
    """A number that a second node notes."""
    source = Tuned(node=Node("eye"))
    note = Note(file, node=Node("brain"))
    system = System([source, note], name="tuned", rate_hz=rate_hz)
    note(source())
    return system
