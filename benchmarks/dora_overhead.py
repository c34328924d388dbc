"""What the dora engine costs beside a dora program written by hand, in one run.

Both do the same work: a source makes a fresh array with the time in it, a sink reads
it. *Latency* is one-way, at 100 Hz. *Throughput* has no pace and a window of values
under way; the program by hand has a loop of credits with the same window, and no other
protection. Each pair of figures is the median of some rounds, taken in turns.

Run it with `python benchmarks/dora_overhead.py [--rounds N] [--sizes BYTES ...]`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import like_keras_core as lk

HERE = Path(__file__).resolve()
WINDOW = 8
RATE_HZ = 100
PACED = 200
POOL = 128_000_000
WARM_UP = 20
"""So many first messages count for nothing."""


def make(template: np.ndarray) -> np.ndarray:
    """Return an array that has not been sent, with the time in it."""
    made: np.ndarray = template.copy()
    made[:8] = np.frombuffer(np.float64(time.monotonic()).tobytes(), np.uint8)
    return made


def age_s(array: np.ndarray) -> float:
    """Return how long ago an array was made."""
    return time.monotonic() - float(array[:8].copy().view(np.float64)[0])


class Source(lk.Component):
    """Makes arrays."""

    def __init__(self, size: int, node: lk.Node | None = None) -> None:
        super().__init__(node=node)
        self.template = np.ones(max(8, size), np.uint8)

    def forward(self) -> np.ndarray:
        """Return the next one."""
        return make(self.template)


class Sink(lk.Component):
    """Measures how old arrays are, and when they come."""

    def forward(self, array: np.ndarray) -> tuple[float, float]:
        """Return the age and the time [s]."""
        return age_s(array), time.monotonic()


def ours(size: int, count: int, rate_hz: float | None) -> list[tuple[float, float]]:
    """Run the components; return ages and times."""
    source = Source(size, node=lk.Node("source", shared_memory_pool_size=POOL))
    system = lk.System([source, Sink(node=lk.Node("sink"))])
    report = system.launch(
        count,
        engine="dora",
        rate_hz=rate_hz,
        window=WINDOW,
        record=["sink.output"],
    )
    return [value for _, value in report.records["sink.output"]]


FLOW = """\
nodes:
  - id: source
    path: {python}
    args: -u {here} --role source --size {size} --count {count} --rate {rate}
    inputs: {{ack: {{source: sink/ack, queue_size: 1000}}}}
    outputs: [data]
    shared_memory_pool_size: {pool}
  - id: sink
    path: {python}
    args: -u {here} --role sink --size {size} --count {count} --rate {rate}
    inputs: {{data: {{source: source/data, queue_size: 1000}}}}
    outputs: [ack]
"""


def by_hand(size: int, count: int, rate_hz: float | None) -> list[tuple[float, float]]:
    """Run the program below; return ages and times of what arrived."""
    from lk_engine_dora.launcher import dora_command
    from lk_engine_dora.transport import OVERLAY, OVERLAY_FILE

    place = {"python": sys.executable, "here": HERE, "pool": POOL}
    text = FLOW.format(size=size, count=count, rate=rate_hz or 0, **place)
    Path("by_hand.yaml").write_text(text)
    subprocess.run(
        [*dora_command(), "run", "by_hand.yaml"],
        env={**os.environ, OVERLAY: str(OVERLAY_FILE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return [(float(a), float(t)) for a, t in np.load("by_hand.npy")]


def be_source(size: int, count: int, rate_hz: float) -> None:
    """Send with a window, or at a rate."""
    from dora import Node

    node: Any = Node()
    template, credits = np.ones(max(8, size), np.uint8), WINDOW
    start = time.monotonic()
    for n in range(count):
        if rate_hz:
            time.sleep(max(0.0, start + n / rate_hz - time.monotonic()))
            while node.try_recv() is not None:
                pass
        while not rate_hz and credits == 0:
            event = node.next(2.0)
            if event is None:
                credits = WINDOW  # Something was lost.
            elif event["type"] == "INPUT":
                credits += 1
        array = make(template)
        sample = node.send_output_raw("data", array.nbytes)
        with sample as buffer:
            view = memoryview(buffer)
            view[:] = array.data
            view.release()
        credits -= 1
    node.next(2.0)


def be_sink(size: int, count: int, rate_hz: float) -> None:
    """Receive, and say so."""
    from dora import Node

    node: Any = Node()
    found: list[tuple[float, float]] = []
    while len(found) < count:
        event = node.next(3.0)
        if event is None:
            break
        if event["type"] == "INPUT":
            array = event["value"].to_numpy(zero_copy_only=True)
            found.append((age_s(array), time.monotonic()))
            del array, event
            node.send_output("ack", b"")
    np.save("by_hand.npy", np.array(found))


def p50_us(found: list[tuple[float, float]]) -> float:
    """Return the median age [us]."""
    return statistics.median(age for age, _ in found[WARM_UP:]) * 1e6


def per_second(found: list[tuple[float, float]]) -> float:
    """Return how many arrived a second."""
    rest = found[WARM_UP:]
    return (len(rest) - 1) / (rest[-1][1] - rest[0][1])


def compare(size: int, rounds: int) -> None:
    """Print both figures of one size."""
    count = 4000 if size < 1_000_000 else 1000
    latency: dict[str, list[float]] = {"ours": [], "hand": []}
    speed: dict[str, list[float]] = {"ours": [], "hand": []}
    lost = 0
    for _ in range(rounds):
        for name, run in (("hand", by_hand), ("ours", ours)):
            latency[name].append(p50_us(run(size, PACED, RATE_HZ)))
            found = run(size, count, None)
            speed[name].append(per_second(found))
            lost += count - len(found) if name == "hand" else 0
    slow = {name: statistics.median(values) for name, values in latency.items()}
    fast = {name: statistics.median(values) for name, values in speed.items()}
    print(
        f"{size:>9} B  latency p50 {slow['ours']:7.0f} us, by hand "
        f"{slow['hand']:7.0f} us: {slow['ours'] / slow['hand']:.2f} x   throughput "
        f"{fast['ours']:6.0f}/s, by hand {fast['hand']:6.0f}/s: "
        f"{fast['ours'] / fast['hand']:.2f} x   lost by hand {lost}",
        flush=True,
    )


def main() -> None:
    """Compare, or be one of the nodes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="*", default=[8, 400_000, 4_000_000])
    parser.add_argument("--role", choices=["source", "sink"])
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0)
    given = parser.parse_args()
    if given.role:
        be = be_source if given.role == "source" else be_sink
        be(given.size, given.count, given.rate)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for size in given.sizes:
            compare(size, given.rounds)
        os.chdir("/")


if __name__ == "__main__":
    main()
