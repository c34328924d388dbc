"""What the native engine costs beside plain Python and beside others.

Chains of components that add one, and a source with a hundred branches and their sum:
the same work as a loop, as straight-line calls written by hand, on the native engine
with its report on, recording every port, and in hamilton, reactivex, ezmsg and dask
where they are installed. Only ratios within a run mean anything.

Run it with `python benchmarks/native_overhead.py [--rounds N] [--no-peers]`.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from like_keras_core import Component, System

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.floor import (
    Candidate,
    calls_at,
    compare,
    floors,
    per_call,
    to_table,
)

CALLS = 2_000_000


class Source(Component):
    """Sends a number."""

    def forward(self) -> int:
        return 1


class Increment(Component):
    """Adds one; its annotations say that nothing needs protection."""

    def forward(self, x: int) -> int:
        return x + 1


class Bare(Component):
    """Adds one, and says nothing of its types."""

    def forward(self, x):
        return x + 1


def chain(kind: type[Component], count: int) -> System:
    """Return a system of a source and `count - 1` components in a row."""
    return System([Source(), *(kind() for _ in range(count - 1))])


def total(count: int) -> Component:
    """Return a component that adds up `count` inputs."""
    names = ", ".join(f"x{n}" for n in range(count))
    namespace: dict[str, Any] = {}
    exec(f"def forward(self, {names}) -> int: return sum([{names}])", namespace)
    made: Component = type("Total", (Component,), {"forward": namespace["forward"]})()
    return made


def wide_loop(count: int) -> Candidate:
    """Return the floor of a wide graph: a loop over the very same components."""
    source, end = Source().forward, total(count).forward
    branches = [Increment().forward for _ in range(count)]

    def run(ticks: int) -> None:
        for _ in range(ticks):
            sent = source()
            end(*[branch(sent) for branch in branches])

    size = calls_at("wide", count)
    return per_call(run, calls=size, ticks=max(1, CALLS // size))


def wide(kind: type[Component], count: int) -> System:
    """Return a system of a source, `count` branches and the sum of them."""
    source, end = Source(), total(count)
    branches = [kind() for _ in range(count)]
    sent = source()
    end(*(branch(sent) for branch in branches))
    return System([source, *branches, end])


def native(make: Callable[[], System], ticks: int, **options: Any) -> Candidate:
    """Return a candidate that launches a system and takes the time of its ticks."""
    system = make()
    size = len(system.components)

    def candidate() -> float:
        return system.run(ticks, **options).duration_s / (ticks * size)

    return candidate


def candidates(shape: str, count: int) -> dict[str, Candidate]:
    """Return everything of ours that does the work of one shape."""
    build = chain if shape == "chain" else wide
    ticks = max(1, CALLS // calls_at(shape, count))
    found = floors(shape, count, calls=CALLS)
    if shape == "wide":
        found["loop"] = wide_loop(count)
    found["native"] = native(lambda: build(Increment, count), ticks)
    found["native, no annotations"] = native(lambda: build(Bare, count), ticks)
    found["native, all recorded"] = native(
        lambda: build(Increment, count), ticks, record="all"
    )
    return found


def main() -> None:
    """Print a table for each shape."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}; ratios to the loop")
    shapes = [("chain", 2), ("chain", 10), ("chain", 100), ("chain", 1000)]
    for shape, count in [*shapes, ("wide", 100)]:
        title = f"chain of {count}" if shape == "chain" else f"wide 1-{count}-1"
        rows = compare(candidates(shape, count), floor="loop", rounds=options.rounds)
        print(f"\n{to_table(title, rows)}", flush=True)
    if not options.no_peers:
        compare_peers()


def compare_peers() -> None:
    """Print the peers' ratios, measured beside the loop and the native engine."""
    from functools import partial

    from benchmarks.peers import is_installed, peers

    for shape, count in (("chain", 100), ("wide", 100)):
        all_ours = candidates(shape, count)
        found = {name: all_ours[name] for name in ("loop", "native")}
        for name, peer in peers().items():
            if is_installed(name):
                found[name] = partial(peer, shape, count)
            else:
                print(f"{name} is not installed: pip install --group peers")
        title = f"peers, {shape} {count}"
        rows = compare(found, floor="loop", rounds=3)
        print(f"\n{to_table(title, rows)}", flush=True)


if __name__ == "__main__":
    main()
