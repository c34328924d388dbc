"""What a message costs as bytes and back, next to what Arrow's arrays cost.

A floor and what is measured against it run in turn, so that both see the same machine;
what is printed is the ratio of the best times. The floors of values are Arrow's own
arrays of the right type, made and read back; of images, a copy of the memory.

Run it with `python benchmarks/codec.py [--rounds N] [--json]`; it exits with 1 where a
goal is missed. The numbers that have no goal are there to be compared.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import timeit
from dataclasses import dataclass, is_dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from like_keras_core.testing import same
from like_keras_core.values.msgpack import from_bytes, to_bytes, to_pieces


@dataclass
class Pose:
    stamp: int
    frame: str
    x: float
    y: float
    z: float
    qx: float
    qy: float
    qz: float
    qw: float
    valid: bool


@dataclass
class Detection:
    label: str
    score: float
    x: float
    y: float
    width: float
    height: float
    track: int


@dataclass
class Case:
    """A statement to measure, its floor, and the ratio that it must stay under."""

    name: str
    run: str
    value: Any
    floor: str
    goal: float | None = None

    def timers(self) -> list[timeit.Timer]:
        names = {**globals(), "value": self.value}
        if "kind" in self.floor:
            rows = [
                vars(row) if is_dataclass(row) else row for row in rows_of(self.value)
            ]
            names["kind"] = pa.array(rows).type
        return [timeit.Timer(code, globals=names) for code in (self.run, self.floor)]


POSE = Pose(1_700_000_000_000, "map", 1.5, -2.5, 0.25, 0.0, 0.0, 0.7, 0.7, True)
DETECTIONS = [
    Detection("person", 0.5 + n / 64, 3.5 * n, 7.5, 64.0, 128.0, n) for n in range(20)
]
RECORD = {
    "stamp": 1_700_000_000_000,
    "frame": "base_link",
    "x": 0.1,
    "y": -0.2,
    "yaw": 1.25,
    "speed": 0.5,
    "battery": 0.83,
    "mode": "auto",
    "gear": 2,
    "ok": True,
}
IMAGE = np.arange(480 * 640 * 3, dtype=np.uint8).reshape(480, 640, 3)
LARGE = np.zeros((40, 1000, 1000), np.uint8)


BYTES = "from_bytes(to_bytes(value))"
PIECES = "to_pieces(value)"
COPY = "IMAGE.copy()"
VALUE = "pa.array([value], kind)[0].as_py()"
DATACLASS = "Pose(**pa.array([vars(value)], kind)[0].as_py())"
LIST = (
    "array = pa.array([vars(item) for item in value], kind); "
    "[Detection(**row) for row in array.to_pylist()]"
)
SMALL = PIECES.replace("value", "IMAGE")


def rows_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def cases() -> list[Case]:
    nested = {"stamp": 1, "image": IMAGE}
    return [
        Case("int", BYTES, 123_456, VALUE, 0.5),
        Case("float", BYTES, 1.5, VALUE, 0.5),
        Case("dict of 10", BYTES, RECORD, VALUE, 0.15),
        Case("dataclass of 10", BYTES, POSE, DATACLASS, 0.15),
        Case("20 detections", BYTES, DETECTIONS, LIST, 0.5),
        Case("image in pieces (floor: a copy)", PIECES, IMAGE, COPY, 0.2),
        Case("40 MB in pieces (floor: the image)", PIECES, LARGE, SMALL, 1.2),
        Case("image (floor: a copy)", BYTES, IMAGE, COPY),
        Case("dict with an image (floor: a copy)", BYTES, nested, COPY),
    ]


def check() -> None:
    """Make sure that what is measured is right."""
    for value in (123_456, 1.5, RECORD, POSE, DETECTIONS, IMAGE):
        assert same(from_bytes(to_bytes(value)), value)
    for image in (IMAGE, LARGE):
        pieces: Any = to_pieces(image)
        assert np.shares_memory(np.frombuffer(pieces[-1], "u1"), image)


def measure(rounds: int) -> dict[str, tuple[float, float]]:
    """Return each case's best time and its floor's [s]."""
    best: dict[str, tuple[float, float]] = {}
    for case in cases():
        timers = case.timers()
        count = max(10, int(1e-3 / (timers[0].timeit(20) / 20)))
        times = [
            [timer.timeit(count) / count for timer in timers] for _ in range(rounds)
        ]
        ours, floor = (min(column) for column in zip(*times, strict=True))
        best[case.name] = (ours, floor)
    return best


def main() -> int:
    """Measure, print, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    check()
    best = measure(options.rounds)
    ratios = {name: ours / floor for name, (ours, floor) in best.items()}
    goals = {case.name: case.goal for case in cases()}
    if options.json:
        data = {"python": platform.python_version(), "ratios": ratios}
        print(json.dumps(data, indent=2))
    else:
        print(f"Python {platform.python_version()}, pyarrow {pa.__version__}")
        print(f"{'us':>8} {'floor':>8} {'ratio':>6} {'goal':>5}")
        for name, (ours, floor) in best.items():
            row = f"{ours * 1e6:8.2f} {floor * 1e6:8.2f} {ratios[name]:6.3f}"
            print(f"{row} {goals[name] or '':>5}  {name}")
    missed = [name for name, goal in goals.items() if goal and ratios[name] > goal]
    for name in missed:
        print(f"missed the goal: {name}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
