"""What recording a run to MCAP costs, beside an MCAP writer written by hand.

The same values are made and written: by a loop around MCAP's own writer, which knows
what comes and writes it raw, and by a native launch with `record_to`, the file finished
and in its place. Only ratios within a run mean anything; those of the processor's time
are the steadier ones: they wait for no disk that others use too.

Run it with `python benchmarks/record.py [--rounds N] [--folder DIR]`; it needs
lk-record-mcap and `mcap`.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from like_keras_core import Component, System

NAMES = ("by hand", "recorded")


class Camera(Component):
    """Sends one frame again and again: making it is not what is measured."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.frame = np.random.default_rng(0).integers(
            0, 256, (height, width, 3), np.uint8
        )

    def forward(self) -> np.ndarray:
        return self.frame


class Speed(Component):
    """Sends a number."""

    def __init__(self) -> None:
        super().__init__()
        self.speed = 0.0

    def forward(self) -> float:
        self.speed += 0.1
        return self.speed


def by_hand(make: Callable[[], Component], count: int, path: Path) -> None:
    """Write values with MCAP's writer, as a program for these values alone would."""
    from mcap.writer import CompressionType, Writer

    component: Any = make()
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.NONE)
        writer.start()
        schema = writer.register_schema("values", "", b"")
        channel = writer.register_channel("output", "raw", schema)
        for tick in range(count):
            value = component.forward()
            data = value.tobytes() if hasattr(value, "tobytes") else b"%a" % value
            now = time.time_ns()
            writer.add_message(channel, now, data, now, tick)
        writer.finish()


def recorded(make: Callable[[], Component], count: int, path: Path) -> None:
    """Record a native launch."""
    System([make()]).run(count, record_to=path)


def measure(
    make: Callable[[], Component], count: int, rounds: int, folder: Path
) -> list[list[tuple[float, float]]]:
    """Return what each way takes, round by round, one after the other [s].

    Each is the time by the clock, and the processor's.
    """
    found: list[list[tuple[float, float]]] = [[], []]
    for n in range(rounds + 1):
        for durations, run in zip(found, (by_hand, recorded), strict=True):
            path = folder / "run.mcap"
            began, worked = time.perf_counter(), time.process_time()
            run(make, count, path)
            took = time.perf_counter() - began, time.process_time() - worked
            if n:  # The first one warms up.
                durations.append(took)
            path.unlink()
    return found


def speeds(times: list[list[tuple[float, float]]]) -> str:
    """Return how fast recording is, by the clock and by the processor's time."""
    texts = []
    for n, name in enumerate(("clock", "processor")):
        ratios = [hand[n] / ours[n] for hand, ours in zip(*times, strict=True)]
        texts.append(f"{name} x {statistics.median(ratios):.2f}")
    return "   ".join(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="Where to write; the system's temporary one.")
    given = parser.parse_args()
    if find_spec("lk_record_mcap") is None:
        print("lk-record-mcap is not installed: pip install ./plugins/lk-record-mcap")
        return
    print(f"Python {platform.python_version()}, {given.rounds} rounds; medians")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for name, make, count in (
            ("1080p frames", lambda: Camera(1080, 1920), 60),
            ("VGA frames", lambda: Camera(480, 640), 300),
            ("numbers", Speed, 50_000),
        ):
            times = measure(make, count, given.rounds, Path(folder))
            rates = "".join(
                f"{kind} {count / statistics.median(x[0] for x in item):8.0f}/s   "
                for kind, item in zip(NAMES, times, strict=True)
            )
            print(f"{name:14}{rates}{speeds(times)}")


if __name__ == "__main__":
    main()
