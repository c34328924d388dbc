"""Systems with dora nodes that are not ours; the nodes are the files in `nodes`."""

import shlex
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from like_keras_core import Component, Node, System
from like_keras_core.testing.components import Count, Fail
from lk_engine_dora import DoraNode

NODES = Path(__file__).with_name("nodes")


class Follow(Component):
    """Fails when a number is missing, doubled or swapped; sends its double."""

    def __init__(self, node: Node | None = None) -> None:
        super().__init__(node=node)
        self.expected = 0

    def forward(self, data: pa.Array) -> pa.Array:
        if not isinstance(data, pa.Array) or data.to_pylist() != [self.expected]:
            raise ValueError(f"expected {self.expected}, received {data!r}")
        self.expected += 1
        return pa.array([2 * self.expected])


class Images(Component):
    """Sends images that are full of their number."""

    def __init__(self, node: Node | None = None) -> None:
        super().__init__(node=node)
        self.number = 0

    def forward(self) -> np.ndarray:
        self.number += 1
        return np.full((30, 40, 3), self.number % 200, np.uint8)


class Look(Component):
    """Takes images, and gives the shape and the number of each."""

    def forward(self, image: np.ndarray) -> tuple[tuple[int, ...], int]:
        if image.flags.writeable or image.dtype != np.uint8:
            raise ValueError("it is no view of what has come")
        return image.shape, int(image.max())


class Double(Component):
    """Doubles arrays."""

    def forward(self, data: np.ndarray) -> np.ndarray:
        return data * 2


def command(name: str, *arguments: object) -> str:
    return shlex.join(["-u", str(NODES / name), *map(str, arguments)])


def counting(count: int, code: int = 0) -> System:
    """A node sends some numbers, and exits."""
    args = command("counter.py", count, code)
    counter = DoraNode("counter", sys.executable, args, outputs=["data"], ticks="count")
    follow = Follow(node=Node("ours"))
    follow(counter.outputs.data)
    return System([counter, follow])


def echoing(answers: int) -> System:
    """Images go to a node and come back."""
    images, look = Images(node=Node("eye")), Look(node=Node("brain"))
    args = command("echo.py", answers)
    echo = DoraNode(
        *("echo", sys.executable, args),
        inputs=["image"],
        outputs=["back"],
        ticks="count",
    )
    echo(images())
    look(echo.outputs.back)
    return System([images, echo, look])


def ticking() -> System:
    """A node sends as long as it may."""
    args = command("ticker.py")
    ticker = DoraNode("ticker", sys.executable, args, outputs=["data"], ticks="count")
    follow = Follow(node=Node("ours"))
    follow(ticker.outputs.data)
    return System([ticker, follow])


def silent(*, fails_at: int = -1) -> System:
    """A node is asked, and never answers; somebody else may fail."""
    count, fail = Count(node=Node("a")), Fail("forward", fails_at, node=Node("a"))
    follow = Follow(node=Node("b"))
    node = DoraNode(
        *("silent", sys.executable, command("silent.py")),
        inputs=["value"],
        outputs=["back"],
        ticks="count",
    )
    fail(count())
    node(fail.outputs.output)
    follow(node.outputs.back)
    return System([count, fail, node, follow])


def hub(data: str, expected: str) -> System:
    """`pyarrow-sender` before a component of ours, `pyarrow-assert` behind it."""
    bin_ = Path(sys.executable).parent
    sender = DoraNode(
        *("sender", str(bin_ / "pyarrow-sender"), ["--data", data]),
        outputs=["data"],
        ticks="count",
    )
    double = Double(node=Node("ours"))
    check = DoraNode(
        *("check", str(bin_ / "pyarrow-assert"), ["--data", expected]),
        inputs=["data"],
    )
    double(sender.outputs.data)
    check(double.outputs.output)
    return System([sender, double, check])


def hub_echo() -> System:
    """`dora-echo`: its output has its input's name."""
    images, look = Images(node=Node("eye")), Look(node=Node("brain"))
    echo = DoraNode(
        *("echo", str(Path(sys.executable).with_name("dora-echo"))),
        inputs=["image"],
        outputs=["image"],
        ticks="count",
    )
    echo(images())
    look(echo.outputs.image)
    return System([images, echo, look])
