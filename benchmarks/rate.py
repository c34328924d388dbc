"""How late ticks begin at a rate: the native engine's pacer beside `time.sleep`.

Both wait for the same absolute deadlines, in turn, round after round. Lateness is from
the deadline to the moment when the tick may begin. What the pacer uses of a core beyond
what `time.sleep` does is the share of the period that it spins.

Run it with `python benchmarks/rate.py [--rounds N] [--seconds S]`.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from collections.abc import Callable
from time import perf_counter, process_time, sleep

from like_keras_core.runtime.host.pacer import Pacer

GOALS = {"p50": 0.05, "p99": 0.25}


def by_sleep(rate_hz: float, ticks: int) -> list[float]:
    """Return the lateness of each tick [s] with one `time.sleep` to each deadline."""
    start = perf_counter()
    late = []
    for tick in range(ticks):
        deadline = start + tick / rate_hz
        left = deadline - perf_counter()
        if left > 0:
            sleep(left)
        late.append(perf_counter() - deadline)
    return late


def by_pacer(rate_hz: float, ticks: int) -> list[float]:
    """Return the lateness of each tick [s] with the native engine's pacer."""
    pacer = Pacer(rate_hz, lambda: False)
    start = pacer.start()
    late = []
    for tick in range(ticks):
        pacer.wait(tick)
        late.append(perf_counter() - (start + tick / rate_hz))
    return late


def measure(
    wait: Callable[[float, int], list[float]], rate_hz: float, seconds: float
) -> dict[str, float]:
    """Return p50, p99 and max of the lateness [us], and the share of a core used."""
    ticks = int(rate_hz * seconds)
    began, used = perf_counter(), process_time()
    late = sorted(wait(rate_hz, ticks))
    used, took = process_time() - used, perf_counter() - began
    return {
        "p50": late[len(late) // 2] * 1e6,
        "p99": late[int(len(late) * 0.99)] * 1e6,
        "max": late[-1] * 1e6,
        "cpu": used / took,
    }


def main() -> None:
    """Print a table for 100 Hz and one for 1 kHz."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}; lateness in us, medians of rounds")
    for rate_hz in (100.0, 1000.0):
        found: dict[str, list[dict[str, float]]] = {"time.sleep": [], "pacer": []}
        for _ in range(options.rounds):
            found["time.sleep"].append(measure(by_sleep, rate_hz, options.seconds))
            found["pacer"].append(measure(by_pacer, rate_hz, options.seconds))
        print(f"\n{rate_hz:g} Hz        p50       p99       max    cpu")
        for name, rounds in found.items():
            row = {key: statistics.median(x[key] for x in rounds) for key in rounds[0]}
            print(
                f"{name:<10}{row['p50']:9.1f} {row['p99']:9.1f} {row['max']:9.1f} "
                f"{row['cpu']:6.1%}"
            )
        for key, goal in GOALS.items():
            pairs = zip(found["pacer"], found["time.sleep"], strict=True)
            ratio = statistics.median(ours[key] / theirs[key] for ours, theirs in pairs)
            print(f"{key}: {ratio:.3f} x time.sleep's (goal {goal})")


if __name__ == "__main__":
    main()
