"""What recording camera frames costs a run over two processes on the dora engine.

A camera sends 1080p frames at 30 Hz to a component on another node. The run is
measured without a recording, with one, and without again. Two things count: that each
frame is in the file, with its number, and how old the frames are when they reach their
reader, recorded and not: that is the *latency*, one way, from the making of a frame.

Run it with `python benchmarks/record_dora.py [--seconds S] [--plain-seconds S]
[--folder DIR]`; it needs lk-engine-dora and lk-record-mcap, and room for two files of
190 MB a second. It exits with 1 where a frame is lost or a limit missed.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from like_keras_core import Component, Node, System

RATE_HZ = 30.0
SHAPE = (1080, 1920, 3)
POOL = 128_000_000
"""The camera's shared memory [byte]."""
WARM_UP = 20
"""So many first frames count for nothing."""
LIMIT = 1.2
"""What the median latency may be, as a multiple of that of a run not recorded."""
MODULES = ("lk_engine_dora", "lk_record_mcap")


class Camera(Component):
    """Makes frames, with the time and a number in the first pixels."""

    def __init__(self, node: Node | None = None) -> None:
        super().__init__(node=node)
        self.template = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
        self.number = 0

    def forward(self) -> np.ndarray:
        frame: np.ndarray = self.template.copy()
        start = frame.reshape(-1)
        start[8:16].view(np.int64)[0] = self.number
        start[:8].view(np.float64)[0] = time.monotonic()
        self.number += 1
        return frame


class Viewer(Component):
    """Says how old a frame is [s]."""

    def forward(self, frame: np.ndarray) -> float:
        now = time.monotonic()
        return now - float(frame.reshape(-1)[:8].view(np.float64)[0])


def run(seconds: float, path: Path | None = None) -> tuple[np.ndarray, int]:
    """Run it, recorded if there is a path.

    Returns:
        The ages of the frames [ms], and how many ticks began too late.
    """
    camera = Camera(Node("camera", shared_memory_pool_size=POOL))
    viewer = Viewer(node=Node("viewer"))
    options: dict[str, Any] = {} if path is None else {"record_to": path}
    report = System([camera, viewer]).launch(
        round(seconds * RATE_HZ),
        engine="dora",
        rate_hz=RATE_HZ,
        record=["viewer.output"],
        **options,
    )
    ages = [age for _, age in report.records["viewer.output"]]
    return np.array(ages[WARM_UP:]) * 1e3, report.late_ticks


def frames_in(path: Path) -> int:
    """Return how many frames a recording has, by MCAP's own index."""
    from mcap.reader import make_reader

    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
        assert summary is not None
        assert summary.statistics is not None
        counts = summary.statistics.channel_message_counts
        topics = {key: channel.topic for key, channel in summary.channels.items()}
        return sum(n for key, n in counts.items() if topics[key] == "camera.output")


def is_intact(path: Path) -> bool:
    """Say whether some frames, here and there, have the number of their tick."""
    from mcap.reader import make_reader

    from lk_record_mcap.format import decode

    found = True
    with path.open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        assert summary is not None
        for index in summary.chunk_indexes[:: max(1, len(summary.chunk_indexes) // 20)]:
            for schema, channel, item in reader.iter_messages(
                "camera.output",
                starting_at=index.message_start_time,
                ending_at=index.message_end_time,
            ):
                assert schema is not None
                frame = decode(channel.message_encoding, schema.name, item.data)
                number = int(frame.reshape(-1)[8:16].view(np.int64)[0])
                found = found and (frame.shape, number) == (SHAPE, item.sequence)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--plain-seconds", type=float, default=10.0)
    parser.add_argument("--folder", help="Where to write; the system's temporary one.")
    given = parser.parse_args()
    if missing := [name for name in MODULES if find_spec(name) is None]:
        print(f"Not installed: {', '.join(missing)}. pip install ./plugins/*")
        return
    count = round(given.seconds * RATE_HZ)
    print(f"Python {platform.python_version()}; 1080p at {RATE_HZ:g} Hz on dora")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = Path(folder, "run.mcap")
        before, _ = run(given.plain_seconds)
        began = time.monotonic()
        recorded, late = run(given.seconds, path)
        took = time.monotonic() - began - given.seconds
        after, _ = run(given.plain_seconds)
        kept, is_sound = frames_in(path), is_intact(path)
    plain = np.concatenate((before, after))
    for name, ages in (
        ("not recorded, before", before),
        ("not recorded, after", after),
        ("recorded", recorded),
    ):
        p50, p99 = np.percentile(ages, [50, 99])
        print(f"{name:22} latency p50 {p50:7.2f} ms   p99 {p99:7.2f} ms")
    ratio = float(np.median(recorded) / np.median(plain))
    sound = "sound" if is_sound else "damaged"
    print(f"lost {count - kept} of {count} frames, some looked at: {sound}")
    print(f"{late} ticks of the recorded run were late")
    print(f"starting, ending and merging took {took:.0f} s more")
    print(f"p50 recorded / not recorded {ratio:.2f} <= {LIMIT}")
    sys.exit(kept < count or not is_sound or ratio > LIMIT)


if __name__ == "__main__":
    main()
