"""What a message costs as an Arrow array and back, next to what Arrow itself costs.

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
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from like_keras_core.codecs.arrow import from_arrow, to_arrow
from like_keras_core.codecs.msgpack import from_bytes, to_bytes
from like_keras_core.testing import same


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
    """Something to measure, its floor, and the ratio that it must stay under."""

    name: str
    run: Callable[[], Any]
    floor: Callable[[], Any]
    goal: float | None = None


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


def through_arrow(value: Any) -> Callable[[], Any]:
    return lambda: from_arrow(*to_arrow(value))


def through_bytes(value: Any) -> Callable[[], Any]:
    return lambda: from_bytes(to_bytes(value))


def scalar_floor(value: Any) -> Callable[[], Any]:
    kind = pa.scalar(value).type
    return lambda: pa.array([value], kind)[0].as_py()


def struct_floor(rows: list[dict[str, Any]], make: Any) -> Callable[[], Any]:
    kind = pa.array(rows).type
    if len(rows) == 1:
        return lambda: make(**pa.array(rows, kind)[0].as_py())
    return lambda: [make(**row) for row in pa.array(rows, kind).to_pylist()]


def cases() -> list[Case]:
    integer, number = scalar_floor(123_456), scalar_floor(1.5)
    record = struct_floor([RECORD], dict)
    pose = struct_floor([asdict(POSE)], Pose)
    detections = struct_floor([vars(item) for item in DETECTIONS], Detection)
    image, large = through_arrow(IMAGE), through_arrow(LARGE)
    nested = {"stamp": 1, "image": IMAGE}
    return [
        Case("int, arrow", through_arrow(123_456), integer, 0.5),
        Case("int, bytes", through_bytes(123_456), integer),
        Case("float, arrow", through_arrow(1.5), number, 0.5),
        Case("float, bytes", through_bytes(1.5), number),
        Case("dict of 10, arrow", through_arrow(RECORD), record, 0.15),
        Case("dict of 10, bytes", through_bytes(RECORD), record),
        Case("dataclass of 10, arrow", through_arrow(POSE), pose, 0.15),
        Case("dataclass of 10, bytes", through_bytes(POSE), pose),
        Case("20 detections, arrow", through_arrow(DETECTIONS), detections, 0.5),
        Case("20 detections, bytes", through_bytes(DETECTIONS), detections),
        Case("image, arrow (copy)", image, IMAGE.copy, 0.2),
        Case("40 MB, arrow (image, arrow)", large, image, 1.2),
        Case("dict with an image, arrow (copy)", through_arrow(nested), IMAGE.copy),
        Case("dict with an image, bytes (copy)", through_bytes(nested), IMAGE.copy),
    ]


def check() -> None:
    """Make sure that what is measured is right."""
    for value in (123_456, 1.5, RECORD, POSE, DETECTIONS, IMAGE):
        assert same(through_arrow(value)(), value)
        assert same(through_bytes(value)(), value)
    for image in (IMAGE, LARGE):
        assert np.shares_memory(through_arrow(image)(), image)


def measure(rounds: int) -> dict[str, tuple[float, float]]:
    """Return each case's best time and its floor's [s]."""
    best: dict[str, tuple[float, float]] = {}
    for case in cases():
        timers = [timeit.Timer(case.run), timeit.Timer(case.floor)]
        count = max(10, int(1e-3 / (timers[0].timeit(20) / 20)))
        times = [[timer.timeit(count) / count for timer in timers]]
        for _ in range(rounds - 1):
            times.append([timer.timeit(count) / count for timer in timers])
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
