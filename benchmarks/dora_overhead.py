"""What the dora engine costs beside dora programs written by hand, in one run.

Both do the same work; `_dora_by_hand.py` has the others. Each figure is the median of
some rounds, taken in turns; what counts is the ratio:

- *latency*: one way, at 100 Hz, from the making of an array to its reader.
- *throughput*: without a pace, with a window of values under way, which the program by
  hand keeps with a loop of credits.
- *burst*: 8 bytes without a pace; the program by hand has no credits, and loses some.
- *large*: 40 MB at 5 Hz, beside a pool tuned by hand, and beside dora's defaults.
- *fused*: 8 components on one node, beside 8 nodes of dora: numbers at a rate, arrays
  at the same rate, and arrays each as soon as the one before has arrived. Where a
  processor has slept for 10 ms before, most of what an array takes is numpy: to put
  the time into it, to make it read-only for its reader, and to read the time.
- *start*: from the call to the first message, beside `dora run` of as many processes.
- *memory*: what the nodes' processes hold while they run, without dora's own: of memory
  that several share each has its part.

Run it with `python benchmarks/dora_overhead.py [--rounds N] [--only NAME ...]`; it
exits with 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import _dora_by_hand  # type: ignore[import-not-found]
import _dora_ours  # type: ignore[import-not-found]
import numpy as np

WARM_UP = 20
"""So many first messages count for nothing."""
SIZES = {"8 B": 8, "400 KB": 400_000, "4 MB": 4_000_000}
LARGE = 40_000_000
LARGE_POOL = 512_000_000
NODES = (b"lk_engine_dora.node", b"_dora_by_hand.py")
"""What the commands of the nodes' processes have in them, and no other's."""

Arrivals = tuple[np.ndarray, float]
"""Ages, times and numbers of what arrived, and when it was started."""
Run = Callable[..., Arrivals]
BOTH: tuple[Run, Run] = (_dora_ours.run, _dora_by_hand.run)


def p50_us(run: Arrivals) -> float:
    """Return the median age [us]."""
    found, _ = run
    return float(np.median(found[min(WARM_UP, len(found) // 4) :, 0]) * 1e6)


def per_second(run: Arrivals) -> float:
    """Return how many arrived a second."""
    times = run[0][WARM_UP:, 1]
    return float((len(times) - 1) / (times[-1] - times[0]))


def per_second_of_all(run: Arrivals) -> float:
    """Return how many arrived a second, counted from when the first was sent."""
    found, _ = run
    return float(len(found) / (found[-1, 1] - found[0, 1] + found[0, 0]))


def first_s(run: Arrivals) -> float:
    """Return how long it took until the first one was there [s]."""
    found, began = run
    return float(found[0, 1] - began)


def latency_us(run: Run, size: int, rate_hz: float = 100.0, **options: Any) -> float:
    """Return the median latency [us]."""
    return p50_us(run(size, 200, rate_hz=rate_hz, **options))


def rate(run: Run, size: int, count: int) -> float:
    """Return how many arrive a second with a window of values under way."""
    return per_second(run(size, count, window=_dora_ours.WINDOW))


def large_us(run: Run, pool: int | None, count: int) -> float:
    """Return the median latency of 40 MB at 5 Hz [us]."""
    return p50_us(run(LARGE, count, rate_hz=5.0 if pool else 2.0, pool=pool))


def start_s(run: Run, processes: int) -> float:
    """Return how long it takes until the first message is there [s]."""
    return first_s(run(8, 5, rate_hz=100.0, relays=processes - 2))


def memory_mb(run: Run, processes: int) -> float:
    """Return the most that the nodes' processes hold at once, while they run [MB]."""
    found = [0.0]
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.2):
            found.append(sum(map(held_mb, node_processes())))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        run(8, 60, rate_hz=20.0, relays=processes - 2)
    finally:
        is_over.set()
        watcher.join()
    return max(found)


def node_processes() -> list[Path]:
    """Return the folders in `/proc` of the processes that nodes run in."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes()
            if any(name in words for name in NODES):
                found.append(entry)
    return found


def held_mb(process: Path) -> float:
    """Return what a process holds: its proportional set size [MB]."""
    with contextlib.suppress(OSError):
        for line in (process / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1000
    return 0.0


class Comparison(NamedTuple):
    """A figure of ours beside one by hand.

    Args:
        name: What is compared.
        ours: Measures ours.
        by_hand: Measures the other.
        unit: Of both.
        limit: What ours is to be, as a multiple of the other.
        is_least: Whether it may be more, not less.
    """

    name: str
    ours: Callable[[], float]
    by_hand: Callable[[], float]
    unit: str
    limit: float
    is_least: bool = False

    def measure(self, rounds: int) -> bool:
        """Print both and their ratio; return whether the limit is kept."""
        found: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            found[0].append(self.by_hand())
            found[1].append(self.ours())
        other, own = map(statistics.median, found)
        ratio = own / other
        is_kept = ratio >= self.limit if self.is_least else ratio <= self.limit
        print(
            f"{self.name:28} {own:10.4g} {other:10.4g} {self.unit:4} {ratio:8.3g} "
            f"{'>=' if self.is_least else '<='} {self.limit:<6g} "
            f"{'kept' if is_kept else 'missed'}",
            flush=True,
        )
        return is_kept


def comparisons() -> dict[str, list[Comparison]]:
    """Return what can be compared, by name."""

    def of(
        name: str, measure: Callable[..., float], unit: str, limit: float, *what: Any
    ) -> Comparison:
        ours, by_hand = (functools.partial(measure, run, *what) for run in BOTH)
        return Comparison(name, ours, by_hand, unit, limit, unit == "/s")

    ours, by_hand = BOTH
    tuned = functools.partial(large_us, ours, LARGE_POOL, 20)
    return {
        "latency": [
            of(f"latency {name}", latency_us, "us", 1.25, size)
            for name, size in SIZES.items()
        ],
        "throughput": [
            of("throughput 400 KB", rate, "/s", 0.9, SIZES["400 KB"], 4000),
            of("throughput 4 MB", rate, "/s", 0.9, SIZES["4 MB"], 3000),
        ],
        "burst": [
            Comparison(
                "8 B without a pace",
                lambda: _dora_ours.burst(60_000),
                lambda: per_second_of_all(by_hand(8, 5000)),
                *("/s", 3.0, True),
            )
        ],
        "large": [
            of("40 MB, tuned pool", large_us, "us", 1.25, LARGE_POOL, 20),
            Comparison(
                "40 MB, dora's defaults",
                tuned,
                functools.partial(large_us, by_hand, None, 10),
                *("us", 1 / 20),
            ),
        ],
        "fused": [
            Comparison(
                f"8 components, {what}",
                functools.partial(latency_us, run, 8, rate_hz, relays=6, **own),
                functools.partial(latency_us, by_hand, 8, rate_hz, relays=6, **other),
                *("us", 1 / 200),
            )
            for what, rate_hz, run, own, other in (
                ("numbers, 100 Hz", 100.0, _dora_ours.fused, {}, {}),
                ("arrays, 100 Hz", 100.0, ours, {"is_fused": True}, {}),
                ("arrays in turn", 0.0, ours, {"is_fused": True}, {"window": 1}),
            )
        ],
        "start": [
            of(f"start of {processes} processes", start_s, "s", 1.3, processes)
            for processes in (2, 8)
        ],
        "memory": [
            of(f"memory of {processes} processes", memory_mb, "MB", 1.1, processes)
            for processes in (2, 8)
        ],
    }


def main() -> int:
    """Compare, and say where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(comparisons()))
    given = parser.parse_args()
    print(f"{'':28} {'ours':>10} {'by hand':>10} {'':4} {'ratio':>8}    limit")
    kept = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in given.only:
            kept += [item.measure(given.rounds) for item in comparisons()[name]]
        os.chdir("/")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
