"""A component with an argument of every type that can be set, and what it is set to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from like_keras_core import Component, Node, System


class Mode(Enum):
    FAST = "quick"
    SLOW = "sluggish"


@dataclass
class Lens:
    focal: float = 1.0
    size: tuple[int, int] = (640, 480)


class Point(NamedTuple):
    x: float
    y: float = 0.0


ORIGIN, SMALL = Point(0.0), np.int16(1)


class Every(Component):
    """Sends what it was made with.

    Args:
        gain: How much [m/s], at
            most 9.
        count: How many.
    """

    @dataclass
    class Config:
        gain: float = field(default=0.5, metadata={"unit": "Hz", "doc": "Of it."})
        lens: Lens = field(default_factory=Lens)
        kind: Literal["a", "b"] = "a"

    config: Config

    def __init__(
        self,
        gain: float = 0.5,
        count: int = 1,
        flag: bool = False,
        label: str = "",
        mode: Mode = Mode.FAST,
        path: Path = Path("/dev/null"),
        ratio: Fraction = Fraction(1, 2),
        size: tuple[int, ...] = (1,),
        names: list[str] | None = None,
        limits: dict[str, float] | None = None,
        chosen: frozenset[int] = frozenset(),
        either: int | str = 0,
        point: Point = ORIGIN,
        lens: Lens | None = None,
        joints: npt.NDArray[np.float32] | None = None,
        small: np.int16 = SMALL,
        config: Config | None = None,
        node: Node | None = None,
    ) -> None:
        super().__init__(config=config, node=node)
        self.values = {
            name: value
            for name, value in locals().items()
            if name not in ("self", "node", "config") and not name.startswith("_")
        }

    def forward(self) -> Any:
        return [(name, type(x).__name__, str(x)) for name, x in self.values.items()], (
            repr(self.config)
        )


WANTED: dict[str, Any] = {
    "every.gain": 5.0,
    "every.count": 3,
    "every.flag": True,
    "every.label": "12",
    "every.mode": Mode.SLOW,
    "every.path": Path("x/y.png"),
    "every.ratio": Fraction(20, 3),
    "every.size": (1, 2, 3),
    "every.names": ["a", "b"],
    "every.limits": {"low": 1.0},
    "every.chosen": frozenset({1, 2}),
    "every.either": "x",
    "every.point": Point(1.0, 2.0),
    "every.lens.focal": 2.0,
    "every.joints": np.array([1, 2], np.float32),
    "every.small": np.int16(7),
    "every.config.gain": 7.0,
    "every.config.lens.size": (3, 4),
    "every.config.kind": "b",
}
"""By address, the values as they are to be."""

TYPED = [
    "every.gain=5",
    "every.count=3",
    "every.flag=true",
    "every.label=12",
    "every.mode=SLOW",
    "every.path=x/y.png",
    "every.ratio=20/3",
    "every.size=[1, 2, 3]",
    'every.names=["a", "b"]',
    'every.limits={"low": 1}',
    "every.chosen=[2, 1]",
    "every.either=x",
    'every.point={"x": 1, "y": 2}',
    "every.lens.focal=2",
    "every.joints=[1, 2]",
    "every.small=7",
    "every.config.gain=7",
    "every.config.lens.size=[3, 4]",
    "every.config.kind=b",
]
"""The same, as they are typed."""

FILE = """
every:
  gain: 5
  count: 3
  flag: true
  label: "12"
  mode: sluggish
  path: x/y.png
  ratio: 20/3
  size: [1, 2, 3]
  names: [a, b]
  limits: {low: 1}
  chosen: [2, 1]
  either: x
  point: [1, 2]
  lens: {focal: 2}
  joints: [1, 2]
  small: 7
  config:
    gain: 7
    lens: {size: [3, 4]}
    kind: b
"""
"""The same, as a file."""


def make(node: Node | None = None) -> System:
    return System([Every(node=node)])


every = make()
